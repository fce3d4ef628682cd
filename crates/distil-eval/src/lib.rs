//! Evaluation of distilled sets.
//!
//! A set is worth what a network trained from scratch on it achieves on real images. [`Training`]
//! trains one by a [`Protocol`], [`accuracy`] tests it, [`Evaluator`] repeats that over seeds, and
//! [`Summary`] says what the repetitions mean. Random real images and the full training data go
//! through the same code, as other [`TrainingSet`]s.

mod accuracy;
mod evaluate;
mod protocol;
mod student;
mod summary;
mod training_set;

pub use accuracy::accuracy;
pub use evaluate::{EvaluateError, Evaluation, Evaluator, Progress, Subject};
pub use protocol::{Protocol, ProtocolError};
pub use student::{Student, StudentError, Training};
pub use summary::Summary;
pub use training_set::{TooFewImages, TrainingSet, random_real};
