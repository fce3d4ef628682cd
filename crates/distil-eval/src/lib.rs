#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod accuracy;
mod distillation;
mod evaluate;
mod input;
mod named;
mod optimiser;
mod protocol;
mod ranking;
mod student;
mod teacher;
mod training_set;

pub use accuracy::{TEST_BATCH, accuracy, tally};
pub use distil_stats::Summary;
pub use distil_store::Evaluation;
pub use distillation::{Distillation, Mix, Norms};
pub use evaluate::{EvaluateError, Evaluator, Subject};
pub use input::{Input, LabelUse, ProtocolData};
pub use named::{ProtocolName, UnknownProtocol};
pub use optimiser::{Decayed, Optimiser, Schedule};
pub use protocol::{PerImage, Protocol, ProtocolError};
pub use ranking::{Arm, ArmResult, RankScores, Ranking};
pub use student::{Student, StudentError, Training};
pub use teacher::{TEACHER_BATCH, Teacher, TeacherError};
pub use training_set::{TrainingSet, random_real};
