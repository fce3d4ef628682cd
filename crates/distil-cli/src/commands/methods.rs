//! `distil methods`: the methods there are.

use crate::console::Console;
use crate::failure::Failure;

pub(crate) fn methods(console: &Console) -> Result<(), Failure> {
    console.result(distil::methods::table())
}
