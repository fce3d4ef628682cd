#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(
    clippy::inline_always,
    reason = "a function that is not inlined into its caller is compiled without the caller's wide instructions"
)]

mod arena;
mod conv;
mod gemm;
mod gradient;
mod head;
mod lines;
mod network;
mod norm;
mod norm_dual;
mod pair;
mod patches;
mod products;
mod vectorised;
mod weights;
mod winograd;

pub use gradient::{Batch, Gradient, features, gradient, gradient_bytes, logits};
pub use network::Network;
pub use pair::Pair;
pub use products::{Products, Wanted, products, products_bytes};
pub use weights::{Weights, weights_bytes};

/// Channels come in panels of this many.
pub(crate) const PANEL: usize = 32;
/// One value of each channel of a panel.
pub(crate) type Lanes = [f32; PANEL];
