#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adjoint;
mod hvp;
mod inner;
mod sgd;

pub use adjoint::{Differentiation, Hypergradient, adjoint};
pub use hvp::{hvp, mixed};
pub use inner::{InnerLoop, InnerSet, InnerStep, unroll};
pub use sgd::{Sgd, SgdState};
