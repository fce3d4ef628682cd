//! Exact hypergradients through inner SGD, in the memory of one inner step.
//!
//! For inner steps θ_{i+1} = θ_i − a·∇ℓ(θ_i, x_i, y_i) and an outer loss L(θ_N), [`unroll`] walks
//! forward keeping only θ_0…θ_N, and [`adjoint`] walks back with λ_N = ∂L/∂θ_N:
//!
//! ```text
//! j_i = ⟨λ_{i+1}, ∇_θ ℓ(θ_i, x_i, y_i)⟩        ∂L/∂x_i += −a ∂j_i/∂x_i    ∂L/∂y_i += −a ∂j_i/∂y_i
//! λ_i = λ_{i+1} − a ∂j_i/∂θ_i                  ∂L/∂a   += −j_i
//! ```
//!
//! With momentum μ (v_{i+1} = μ·v_i + ∇ℓ_i, θ_{i+1} = θ_i − a·v_{i+1}) λ_{i+1} is replaced in j_i by
//! u_i = λ_{i+1} + μ·u_{i+1}; nothing else changes, and nothing more is kept.
//!
//! j_i is the tangent of the loss when the network runs on [`Duals`] with tangent λ on its
//! parameters; one ordinary `backward()` of it yields every derivative above. Nothing is
//! approximated unless [`Differentiation::Truncated`] asks for it by name.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use distil_augment::Augmentation;
//! use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, InnerStep, adjoint, unroll};
//! use distil_models::{ConvNet, Targets};
//! use distil_random::stream;
//!
//! let device = Device::flex();
//! let net = ConvNet::new(1, 2, 8, 8).with_width(4).with_depth(1);
//! let theta = net.theta(&net.init(&mut stream(0, "init", 0)), &device);
//! let set = InnerSet {
//!     images: Tensor::ones([2, 1, 8, 8], &device),
//!     targets: Targets::Soft(Tensor::from_data([[2.0, 0.0], [0.0, 2.0]], &device)),
//! };
//! let step = InnerStep { rows: vec![0, 1], augmentation: Augmentation::None };
//! let inner = InnerLoop { net: &net, set: &set, steps: &[step.clone(), step], syn_lr: 0.1, momentum: 0.0, micro_batch: 64 };
//! let thetas = unroll(&inner, theta);
//! // L(θ_N) = ½‖θ_N‖², so λ_N = θ_N.
//! let gradient = adjoint(&inner, &thetas, thetas[2].clone(), Differentiation::Exact);
//! assert_eq!(gradient.images.dims(), [2, 1, 8, 8]);
//! assert!(gradient.syn_lr.is_finite());
//! ```

#![forbid(unsafe_code)]

mod adjoint;
mod dual;
mod hvp;
mod inner;
mod native;
mod sgd;

pub use adjoint::{Differentiation, Hypergradient, adjoint};
pub use dual::{Dual, Duals};
pub use hvp::{Products, hvp, mixed};
pub use inner::{InnerLoop, InnerSet, InnerStep, unroll};
pub use sgd::{Sgd, SgdState};
