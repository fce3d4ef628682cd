//! Image datasets for dataset distillation: readers, downloads, splits, preprocessing and the generated clutter set.

mod atomic;
pub mod clutter;
mod dataset;
mod digest;
mod error;
mod images;
mod preprocessing;
mod zca;
mod zca_cache;

pub use dataset::{Dataset, Split};
pub use error::Error;
pub use images::{ImageShape, Images};
pub use preprocessing::{Normalisation, Preprocessing, Resize, ResizeFilter, ResizePolicy, Whitening};
pub use zca::Zca;
