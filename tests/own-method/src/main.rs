//! The program `distil` with one more method.

use std::process::ExitCode;

fn main() -> ExitCode {
    distil_match::register(&distil_own_method::ROW).expect("the name is free");
    distil_cli::main()
}
