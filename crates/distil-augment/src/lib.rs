#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod augmentation;
mod color;
mod cut_mix;
mod digits;
mod draw;
mod geometry;
mod patches;
mod resized_crop;
mod sample;
mod spline;
mod strategy;
mod upload;

pub use augmentation::{Augmentation, CropBox};
pub use cut_mix::{CutMix, beta, mixing_order};
pub use digits::augment_digits;
pub use patches::{PatchOrder, draw_patches};
pub use resized_crop::{draw_flip, draw_resized_crop};
pub use strategy::{Operation, Strategy, StrategyError};
