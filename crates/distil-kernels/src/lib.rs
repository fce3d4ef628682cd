//! Fused CPU kernels for one training step of a ConvNet, and for its exact second-order products.
//!
//! Trajectory matching spends its time in two things: [`gradient`], the loss of a chunk of a batch and its gradient, and
//! [`products`], everything that [the adjoint loop] needs of one step: the Hessian-vector product along λ and the
//! derivatives of ⟨∇ℓ, λ⟩ with respect to images and targets. Both are written out by hand here, because a tensor
//! library passes over memory once for every operation:
//!
//! - channels lie innermost, in panels of 32, so that every loop runs over whole vectors and nothing strides;
//! - 3×3 convolutions between panels are Winograd's F(4×4, 3×3): a quarter of the multiplications, and one transform of an
//!   output's gradient serves both the input's and the filters' gradient;
//! - norm, ReLU and pool are one pass forward and two backward, for values and for tangents;
//! - all buffers of a step come from one block of memory a thread, whose size [`gradient_bytes`] and
//!   [`products_bytes`] tell beforehand.
//!
//! The instruction set (AVX-512, AVX2 and FMA, NEON, plain) is chosen at run time. The crate knows no tensor library and has
//! no unsafe code. `distil-models` and `distil-hypergrad` call it where it applies (f32, CPU, instance norm, average
//! pool) and use Burn's operations everywhere else, in f64 also as its oracle.
//!
//! [the adjoint loop]: ../distil_hypergrad/index.html
//!
//! ```
//! use distil_kernels::{Batch, Network, Pair, Wanted, Weights, gradient, products};
//!
//! let net = Network { channels: 1, classes: 2, height: 8, image_width: 8, width: 4, depth: 2, first_padding: 1 };
//! let theta: Vec<f32> = (0..net.params()).map(|i| (i % 7) as f32 * 0.1 - 0.3).collect();
//! let weights = Weights::new(&net, &theta);
//! let images: Vec<f32> = (0..2 * 64).map(|i| (i % 5) as f32 - 2.0).collect();
//! let batch = Batch { images: &images, targets: &[1.0, 0.0, 0.0, 1.0], total: 2 };
//! let step = gradient(&net, &weights, batch);
//!
//! let along = Weights::new(&net, &step.theta);
//! let found = products(&net, Pair { value: &weights, tangent: &along }, batch, Wanted::Hessian);
//! let squared: f32 = step.theta.iter().map(|g| g * g).sum();
//! assert!((found.slope - squared).abs() < 1e-4 * squared);
//! ```
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
