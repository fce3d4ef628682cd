#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod chunks;
mod dual;
mod engine;
mod gradient;
mod loss;
mod native;
mod outputs;
mod products;
mod targets;

pub use chunks::{LARGEST_CPU_CHUNK, WAVE};
pub use distil_kernels::Wanted;
pub use dual::{Dual, Duals};
pub use engine::{At, Engine};
pub use gradient::LossGradient;
pub use loss::{Cotangents, Loss};
pub use native::{scalars, vector};
pub use outputs::before_augmentation;
pub use products::{Batch, Products};
pub use targets::Targets;

pub(crate) use engine::Parts;
