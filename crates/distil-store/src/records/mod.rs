//! What is recorded of a run: results, cost, what a network saw. Each is one struct, written sealed and read here.

mod cost;
mod inspection;
mod kinds;
mod results;

use std::path::Path;

use distil_files::{FileError, seal};
use serde::de::DeserializeOwned;

pub use cost::Cost;
pub use inspection::{
    Activations, Distance, DrawnMap, EmbeddedPoint, Embedding, ImageKind, Inspection, MapPair,
};
pub use kinds::{Part, RowKind};
pub use results::{Conditions, Evaluation, EvaluationFile, MeasuredSet, OwnWay, PaperFigure, percent};

/// The record at `path`; `None` when there is no such file. `expected` says with its article what it should be.
fn load<T: DeserializeOwned>(
    path: &Path,
    expected: &'static str,
    remedy: &'static str,
) -> Result<Option<T>, FileError> {
    let Some(bytes) = seal::read(path, remedy)? else { return Ok(None) };
    let foreign = |error: serde_json::Error| FileError::Foreign {
        path: path.to_owned(),
        expected,
        what: error.to_string(),
        remedy,
    };
    serde_json::from_slice(&bytes).map(Some).map_err(foreign)
}
