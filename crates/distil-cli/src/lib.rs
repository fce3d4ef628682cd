//! The `distil` command line, as a library so that a program of your own can be it with methods of your own.
//!
//! It composes the libraries and holds what none of them can: arguments, layered configurations, the choice of a
//! device, progress, Ctrl-C, and where results go.

#![forbid(unsafe_code)]
// The types of GPU backends nest deeper than the default.
#![recursion_limit = "256"]

mod args;
mod cli;
mod commands;
mod console;
mod context;
mod failure;
mod interrupt;
mod panic;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use distil::config::in_home;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Global};
use crate::console::{Console, Verbosity};
use crate::failure::Failure;

/// The program. A program of your own that [registers](distil_match::register) methods first has them in every command.
pub fn main() -> ExitCode {
    panic::install_hook();
    // The hook has said what happened; the code tells scripts that nothing was produced.
    std::panic::catch_unwind(run).unwrap_or(ExitCode::from(2))
}

fn run() -> ExitCode {
    let cli = match Cli::try_parse_from(std::env::args_os().map(with_home)) {
        Ok(cli) => cli,
        Err(usage) => {
            // Help goes to standard output, which may be closed already.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    match start(&cli.global).and_then(|console| commands::execute(&cli, &console)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::report(&failure);
            failure.exit_code()
        }
    }
}

/// An argument whose path below `~` is expanded where the shell has not done it, as in `--out=~/runs`.
fn with_home(argument: OsString) -> OsString {
    let home = distil::config::home();
    if let Some(path) = in_home(&argument, home.as_deref()) {
        return path;
    }
    let option = argument.to_str().and_then(|text| text.strip_prefix("--")?.split_once('='));
    match option.and_then(|(name, value)| Some((name, in_home(value.as_ref(), home.as_deref())?))) {
        Some((name, path)) => {
            let mut expanded = OsString::from(format!("--{name}="));
            expanded.push(path);
            expanded
        }
        None => argument,
    }
}

/// What every command needs before it starts.
fn start(global: &Global) -> Result<Console, Failure> {
    let console = Console::new(if global.quiet { Verbosity::Quiet } else { Verbosity::Normal });
    let level = match global.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("DISTIL_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let writer = console.log_writer();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || writer.clone())
        .with_ansi(console::is_coloured())
        .without_time()
        // A closed standard error must not end a run.
        .log_internal_errors(false)
        .init();
    if let Some(threads) = global.threads {
        // Rayon, too, takes 0 for one per core.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|error| {
            Failure::new(format_args!("--threads {threads}: {error}"), "ask for fewer threads")
        })?;
    }
    interrupt::listen()?;
    Ok(console)
}
