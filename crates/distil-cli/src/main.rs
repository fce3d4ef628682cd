//! The program `distil`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Steps allocate and free vectors of megabytes; the system's allocator would give each back and fault it in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    distil_cli::main()
}
