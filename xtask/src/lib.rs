//! The rows of `configs/`: published results, each with the configuration that should reproduce it.
//!
//! A row is a file of its own, or an entry of a table file (`configs/README.md` says how they are written).
//! [`Rows::resolve`] makes either a whole configuration; what its keys mean is known to `distil` alone.

#![forbid(unsafe_code)]

mod rows;
mod smoke;

pub use rows::{DATASETS, DataNeed, Figure, Published, Resolved, Row, Rows};
pub use smoke::{Reduction, StandIn};
