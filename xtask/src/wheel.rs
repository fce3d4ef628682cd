//! The Python wheel: the program and the package in `python/`, for every Python 3.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::args::Args;
use crate::process::{Failure, become_process, ensure, root, without_ours};

/// What builds it: maturin, and the linker that makes Linux programs run on systems with a glibc of 2014.
const TOOLS: [&str; 2] = ["maturin>=1.9,<2", "ziglang>=0.14"];

/// Builds the wheel into `target/wheels` or the folder after `--out`, with tools that are installed below `target` the first time.
pub(crate) fn wheel(words: Vec<String>) -> Result<ExitCode, Failure> {
    let Args { rest, build } = Args::parse(words)?;
    let target = target_folder()?;
    let tools = tools(&target.join("wheel-tools"))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tools.clone()).chain(std::env::split_paths(&path)))
        .map_err(|error| Failure(format!("PATH: {error}")))?;
    let mut command = without_ours(Command::new(tools.join("maturin")));
    command.current_dir(root().join("python")).env("PATH", path).env("CARGO_TARGET_DIR", &target);
    command.args(["build", "--release", "--locked"]);
    if !rest.iter().any(|word| word == "--out" || word.starts_with("--out=")) {
        command.arg("--out").arg(target.join("wheels"));
    }
    if cfg!(target_os = "linux") {
        command.args(["--zig", "--compatibility", "manylinux2014"]);
    }
    if !build.features.is_empty() {
        command.args(["--features", &build.features.join(",")]);
    }
    become_process(command.args(rest))
}

/// Where this program was built.
fn target_folder() -> Result<PathBuf, Failure> {
    let own =
        std::env::current_exe().map_err(|error| Failure(format!("cannot find the build folder: {error}")))?;
    let target = own.ancestors().nth(2).map(Path::to_owned);
    target.ok_or_else(|| Failure("this program lies in no build folder".to_owned()))
}

/// The folder of programs of a virtual environment that has the tools.
fn tools(environment: &Path) -> Result<PathBuf, Failure> {
    let programs = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let finished = environment.join("finished");
    if !finished.is_file() {
        let python = if cfg!(windows) { "python" } else { "python3" };
        ensure(Command::new(python).args(["-m", "venv", "--clear"]).arg(environment))?;
        ensure(Command::new(programs.join("pip")).args(["install", "--quiet"]).args(TOOLS))?;
        std::fs::write(&finished, "").map_err(|error| Failure(format!("{}: {error}", finished.display())))?;
    }
    Ok(programs)
}
