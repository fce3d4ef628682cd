//! What is recorded of a run: results, cost, what a network saw. Each is one struct, written sealed and read here.

mod cost;
mod inspection;
mod kinds;
mod results;

pub use cost::Cost;
pub use inspection::{
    Activations, Distance, DrawnMap, EmbeddedPoint, Embedding, ImageKind, Inspection, MapPair,
};
pub use kinds::{Part, RowKind};
pub use results::{Conditions, Evaluation, EvaluationFile, MeasuredSet, OwnWay, PaperFigure, percent};
