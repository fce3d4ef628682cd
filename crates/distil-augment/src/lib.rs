//! Differentiable siamese augmentation (DSA) as pure tensor functions of host-drawn parameters.
//!
//! Drawing and applying are two steps. [`Strategy::draw`] picks one operation and its parameters from a
//! named random stream, on the host; [`Augmentation::apply`] is a pure, differentiable function of the
//! images and of those parameters. The same parameters can therefore be applied again: to micro-batches
//! ([`Augmentation::slice`]), to real and synthetic images alike ([`Augmentation::repeat`]), or after
//! a resumed run.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use distil_augment::Strategy;
//! use distil_random::stream;
//!
//! let strategy: Strategy = "color_crop_cutout_flip_scale_rotate".parse()?;
//! let augmentation = strategy.draw(4, 32, 32, &mut stream(7, "augmentation", 0));
//! let images = Tensor::<4>::random([4, 3, 32, 32], Distribution::Default, &Device::flex().autodiff());
//! let images = images.require_grad();
//! let gradient = augmentation.apply(images.clone()).sum().backward();
//! assert_eq!(images.grad(&gradient).expect("a leaf has a gradient").dims(), [4, 3, 32, 32]);
//! # Ok::<(), distil_augment::StrategyError>(())
//! ```

#![forbid(unsafe_code)]

mod augmentation;
mod color;
mod draw;
mod geometry;
mod patches;
mod resized_crop;
mod sample;
mod strategy;
mod upload;

pub use augmentation::{Augmentation, CropBox};
pub use patches::{PatchOrder, draw_patches};
pub use resized_crop::{draw_flip, draw_resized_crop};
pub use strategy::{Operation, Strategy, StrategyError};
