//! `distil compare`: two results, or many methods.

mod grid;
mod pair;
mod plan;

use crate::cli::CompareArgs;
use crate::failure::Failure;
use crate::workbench::Surroundings;

pub(crate) use plan::GridArgs;

pub(crate) fn compare(args: &CompareArgs, around: Surroundings<'_>) -> Result<(), Failure> {
    match &args.grid.methods {
        Some(_) => grid::grid(&args.grid, around),
        None => pair::pair(args, around.console),
    }
}
