#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod agreement;
mod category;
mod clustering;
mod definition;
mod error;
mod measurement;
mod pass;
mod ranking;
mod source;
mod tally;

pub use agreement::Agreement;
pub use category::{Category, Selected, wnid};
pub use clustering::categories;
pub use definition::{Definition, MapValues, TargetClass};
pub use error::CompddError;
pub use measurement::{Measurement, Part};
pub use pass::{Pass, PassOptions};
pub use ranking::{Ranked, Ranking, Selection, SubsetComplexity, Verification};
pub use source::{BadImages, Skipped, Source};
pub use tally::{ClassTally, HISTOGRAM_BINS};
