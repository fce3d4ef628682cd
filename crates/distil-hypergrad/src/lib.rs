#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adamw;
mod adjoint;
mod hvp;
mod inner;
mod sgd;

pub use adamw::{AdamState, AdamW};
pub use adjoint::{Differentiation, Hypergradient, adjoint};
pub use hvp::{hvp, mixed};
pub use inner::{InnerLoop, InnerSet, InnerStep, unroll};
pub use sgd::{Sgd, SgdState};
