#![doc = include_str!("../README.md")]
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
