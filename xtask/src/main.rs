//! `cargo xtask`: development tasks, and published rows from experts to report in one command.
//!
//! It only builds and calls: what a row computes is decided by its file in `configs/` and by the `distil` command.

mod process;
mod rows;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::process::{become_process, built_distil, cargo, ensure};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Train experts, distil, evaluate and write the report of one row of configs/
    #[command(after_help = "Examples:\n  cargo xtask reproduce\n  cargo xtask reproduce --list\n  \
        cargo xtask reproduce fashion-mnist-ipc1-cpu --set eval.seeds=1\n  \
        cargo xtask reproduce clutter --features cuda -- --device cuda\n\n\
        Ctrl-C stops at a safe point; the same command continues.")]
    Reproduce(Reproduce),
    /// Run all tests, documentation examples included
    Test,
    /// Formatting, lints and documentation, then all tests: what CI checks
    Check,
}

#[derive(Debug, clap::Args)]
struct Reproduce {
    /// The row: a file of configs/ without its ending
    #[arg(default_value = "clutter")]
    row: String,
    /// Set a key of the configuration, as in distill.ipc=10; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// List the rows
    #[arg(long)]
    list: bool,
    /// Backends to build beside the CPU's: cuda, cuda-nvrtc, wgpu
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// More arguments for `distil reproduce`
    #[arg(last = true)]
    distil: Vec<String>,
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
        Task::Reproduce(args) if args.list => rows::print().map(|()| ExitCode::SUCCESS),
        Task::Reproduce(args) => reproduce(&args),
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

fn reproduce(args: &Reproduce) -> Result<ExitCode> {
    let config = rows::find(&args.row)?;
    let mut distil = built_distil(&args.features)?;
    distil.arg("reproduce").arg("--config").arg(config);
    for set in &args.set {
        distil.arg("--set").arg(set);
    }
    become_process(distil.args(&args.distil))
}
