//! `distil compare`: two results, or many methods.

mod grid;
mod pair;
mod plan;

use crate::args::CompareArgs;
use crate::failure::Failure;
use crate::session::Context;

pub(crate) use plan::GridArgs;

pub(crate) fn compare(args: &CompareArgs, context: Context<'_>) -> Result<(), Failure> {
    match &args.grid.methods {
        Some(_) => grid::grid(&args.grid, context),
        None => pair::pair(args, context.console),
    }
}
