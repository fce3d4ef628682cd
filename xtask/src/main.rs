//! `cargo xtask`: builds `distil` and calls it, and runs the checks. It has no dependencies, so that it is there at once;
//! what a row computes, and which rows there are, is known to `distil`.

#![forbid(unsafe_code)]

mod args;
mod process;
mod wheel;

use std::process::ExitCode;

use args::Args;
use process::{Failure, become_process, built_distil, cargo, ensure};

const HELP: &str = "\
Development tasks

Usage: cargo xtask <TASK>

Tasks:
  reproduce [ROW]  Experts, distillation, evaluation and report of a row of configs/; without ROW, the built-in example
  bench            Measure distillation iteration, training step and evaluation epoch at widths 32 and 128
  wheel            Build the Python wheel into target/wheels: the program and the package in python/
  test [ARGS]      Run all tests, documentation examples included; ARGS go to cargo test
  check            Formatting, lints and documentation, then all tests: what CI checks

Examples:
  cargo xtask reproduce                                     minutes on a laptop
  cargo xtask reproduce --list edf/image                    rows with that in their name, title or data
  cargo xtask reproduce --list edf/imagenette --plan        with planned memory
  cargo xtask reproduce edf/imagenette-ipc10 --scale smoke  any row in minutes, much reduced
  cargo xtask reproduce edf/imagenette-ipc10 --features cuda -- --device cuda
  cargo xtask bench --peer ~/peer/bin/python
  cargo xtask wheel --features wgpu

Options of reproduce, bench and wheel:
  --features LIST    What to build besides the CPU's backend: cuda, cuda-nvrtc, wgpu, parquet (which the wheel has)

Options of reproduce and bench:
  --program PROGRAM  Use this distil instead of building one
  --release          Build as `cargo install` does, which compiles Burn once more

Everything else goes to `distil reproduce`, `distil rows` (for --list) or `distil bench all`, whose --help has it.
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(Failure(message)) => {
            // There is no other place to say it.
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("error: {message}\n").as_bytes());
            ExitCode::from(2)
        }
    }
}

fn run(mut words: Vec<String>) -> Result<ExitCode, Failure> {
    let task = if words.is_empty() { String::new() } else { words.remove(0) };
    match task.as_str() {
        "reproduce" => reproduce(words),
        "bench" => bench(words),
        "test" => become_process(cargo(&["test", "--workspace"]).args(words)),
        "wheel" => wheel::wheel(words),
        "check" if words.is_empty() => check(),
        "check" => Err(Failure(format!("check takes no arguments, but there is {:?}", words[0]))),
        "" | "help" | "-h" | "--help" => help(),
        other => {
            Err(Failure(format!("there is no task {other:?}; choose reproduce, bench, wheel, test or check")))
        }
    }
}

fn help() -> Result<ExitCode, Failure> {
    std::io::Write::write_all(&mut std::io::stdout(), HELP.as_bytes())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| Failure(format!("cannot write the help: {error}")))
}

fn reproduce(words: Vec<String>) -> Result<ExitCode, Failure> {
    let Args { mut rest, build } = Args::parse(words)?;
    let listed = rest.iter().position(|word| word == "--list").map(|place| rest.remove(place));
    let command = if listed.is_some() { "rows" } else { "reproduce" };
    become_process(built_distil(&build)?.arg(command).args(rest))
}

fn bench(words: Vec<String>) -> Result<ExitCode, Failure> {
    let Args { rest, build } = Args::parse(words)?;
    become_process(built_distil(&build)?.args(["bench", "all"]).args(rest))
}

fn check() -> Result<ExitCode, Failure> {
    ensure(&mut cargo(&["fmt", "--all", "--check"]))?;
    ensure(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    ensure(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))?;
    become_process(&mut cargo(&["test", "--workspace"]))
}
