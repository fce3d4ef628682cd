//! Evaluation of distilled sets.
//!
//! A set is worth what a network trained from scratch on it achieves on real images. [`Training`]
//! trains one by a [`Protocol`], [`tally`] tests it, [`Evaluator`] repeats that over seeds, and
//! [`Summary`] says what the repetitions mean. Random real images and the full training data go
//! through the same code, as other [`TrainingSet`]s.

mod accuracy;
mod evaluate;
mod protocol;
mod student;
mod training_set;

pub use accuracy::{accuracy, tally};
pub use distil_stats::Summary;
pub use evaluate::{EvaluateError, Evaluation, Evaluator, Progress, Subject};
pub use protocol::{Protocol, ProtocolError};
pub use student::{Student, StudentError, Training};
pub use training_set::{TooFewImages, TrainingSet, random_real};
