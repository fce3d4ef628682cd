//! `cargo xtask`: development tasks, and published rows from experts to report in one command.
//!
//! It only builds and calls: what a row computes is decided by its file in `configs/` and by the `distil` command.

#![forbid(unsafe_code)]

mod list;
mod plans;
mod process;
mod reproduce;
mod side_by_side;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::process::{Profile, become_process, built_distil, cargo, ensure};
use crate::reproduce::Reproduce;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Train experts, distil, evaluate and write the report of one row of configs/
    #[command(after_help = reproduce::EXAMPLES)]
    Reproduce(Reproduce),
    /// Measure distillation iteration, training step and evaluation epoch at widths 32 and 128
    #[command(
        after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench --peer ~/peer/bin/python\n  \
        cargo xtask bench --release --peer ~/peer/bin/python -- --rounds 5 --peer-arg=--layout=flat\n  \
        cargo xtask bench --features cuda -- --device cuda\n\n\
        Builds distil in the dev profile, which is optimised, but checks for overflow; --release builds what \
        `cargo install` does, which compiles Burn once more. Prints Markdown. What follows -- goes to `distil bench all`."
    )]
    Bench(Bench),
    /// Run all tests, documentation examples included
    Test,
    /// Formatting, lints and documentation, then all tests: what CI checks
    Check,
}

#[derive(Debug, clap::Args)]
struct Bench {
    /// Take turns with PyTorch under this Python
    #[arg(long, value_name = "PYTHON", value_parser = program)]
    peer: Option<PathBuf>,
    /// Build in the release profile instead of the dev profile
    #[arg(long)]
    release: bool,
    /// Backends to build beside the CPU's: cuda, cuda-nvrtc, wgpu
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// More arguments for `distil bench all`
    #[arg(last = true)]
    distil: Vec<String>,
}

/// The path of a program: made absolute, since distil runs in the root of the workspace.
fn program(text: &str) -> Result<PathBuf, std::io::Error> {
    // A name without a folder is searched in PATH; links must stay, virtual environments live by them.
    if text.contains(std::path::is_separator) { std::path::absolute(text) } else { Ok(PathBuf::from(text)) }
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            // There is no other place to say it.
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("error: {error:#}\n").as_bytes());
            ExitCode::from(2)
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Reproduce(args) => reproduce::run(&args),
        Task::Bench(args) => bench(&args),
        Task::Test => become_process(&mut cargo(&["test", "--workspace"])),
        Task::Check => {
            ensure(&mut cargo(&["fmt", "--all", "--check"]))?;
            ensure(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
            let mut documentation = cargo(&["doc", "--workspace", "--no-deps"]);
            ensure(documentation.env("RUSTDOCFLAGS", "-Dwarnings"))?;
            become_process(&mut cargo(&["test", "--workspace"]))
        }
    }
}

fn bench(args: &Bench) -> Result<ExitCode> {
    let profile = if args.release { Profile::Release } else { Profile::Dev };
    let mut distil = built_distil(profile, &args.features)?;
    distil.args(["bench", "all"]);
    if let Some(peer) = &args.peer {
        distil.arg("--peer").arg(peer);
    }
    become_process(distil.args(&args.distil))
}
