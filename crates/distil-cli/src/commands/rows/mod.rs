//! The rows of `configs/`: listed, and reproduced.

mod list;
mod reproduce;
mod side_by_side;

pub(crate) use list::{RowsArgs, rows};
pub(crate) use reproduce::{ReproduceArgs, reproduce};
