//! How complex scenes are, after Comp-DD (EDF, section 3): the share of an image in which a network sees nothing of the
//! class.
//!
//! Complexity of an image = 1 − share of its Grad-CAM values ≥ a threshold (0.5), of a class = mean over its images, of a
//! subset = mean over its classes. (The paper's formula prints the count of high values *as* complexity, its text and its
//! code have it the other way round, as here.) A [`Pass`] goes through any number of images once, for all thresholds, and
//! can be stopped, continued and cut into parts; [`Ranking`] orders the classes of a [`Category`], [`Ranking::select`]
//! takes the easiest and hardest, [`Verification`] holds a published selection against the measurement, and [`Agreement`] says how
//! far two measurements agree.
//!
//! ```no_run
//! use burn::tensor::Device;
//! use distil_compdd::{Category, Definition, PassOptions, Pass, Ranking, Source};
//! use distil_data::DataConfig;
//! use distil_gradcam::{CamModel, ClassRule};
//! use distil_progress::Progress;
//! use std::path::PathBuf;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = CamModel::load("cam.safetensors")?;                       // `distil train` on the same folder
//! let config = DataConfig { path: Some(PathBuf::from("photos")), ..DataConfig::new("folder".parse()?) };
//! let listing = config.list()?;
//! let pass = Pass {
//!     source: &Source::Files(listing.everything()),
//!     dataset: &listing.name,
//!     class_names: &listing.class_names,
//!     model: &model,
//!     class_map: &model.class_map(ClassRule::Mapped, &listing.class_names)?,
//!     transform: &model.card.preprocessing.clone().into(),
//!     definition: &Definition { thresholds: vec![0.5, 0.1, 0.9], ..Definition::default() },
//!     device: &Device::default(),
//!     options: PassOptions::default(),
//! };
//! let measured = pass.run(Progress::none())?;
//! let ranking = Ranking::of(&measured, &Category::everything(&measured), 0)?;
//! let selection = ranking.select(10)?;                                 // ten easiest, ten hardest
//! # Ok(())
//! # }
//! ```

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
