//! Fused CPU kernels.
mod arena;
mod conv;
mod gemm;
mod gradient;
mod head;
mod network;
mod norm;
mod norm_dual;
mod pair;
mod patches;
mod products;
mod weights;
mod winograd;

pub use gradient::{Batch, Gradient, gradient, gradient_bytes, logits};
pub use network::Network;
pub use pair::Pair;
pub use products::{Products, Wanted, products, products_bytes};
pub use weights::Weights;

/// Channels come in panels of this many.
pub(crate) const PANEL: usize = 32;
/// One value of each channel of a panel.
pub(crate) type Lanes = [f32; PANEL];
