//! Other programs.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::args::{Build, Profile};

/// The root of the workspace that cargo was called in: checkouts that share a target folder share this program, too.
pub(crate) fn root() -> PathBuf {
    let told = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&told).parent().expect("xtask lies in the workspace").to_owned()
}

/// The cargo that runs us, with these arguments, in the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = without_ours(Command::new(program));
    command.args(args).current_dir(root());
    command
}

/// Without what `cargo run` says of this package to the program it runs. Build scripts that look at such variables would
/// run again under every cargo that was called without them, and with them all that depends on ring.
pub(crate) fn without_ours(mut command: Command) -> Command {
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// A task that failed, in one line.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// The `distil` that was asked for, built where none was named, as a command in the root of the workspace.
pub(crate) fn built_distil(build: &Build) -> Result<Command, Failure> {
    let program = match &build.program {
        Some(program) => std::path::absolute(program)
            .map_err(|error| Failure(format!("--program {}: {error}", program.display())))?,
        None => compiled(build)?,
    };
    let mut command = Command::new(program);
    command.current_dir(root());
    Ok(command)
}

fn compiled(build: &Build) -> Result<PathBuf, Failure> {
    // All packages are selected for their features: cargo would recompile Burn for another selection.
    let mut command = cargo(&["build", "--workspace", "--bin", "distil"]);
    if build.profile == Profile::Release {
        command.arg("--release");
    }
    if !build.features.is_empty() {
        let features: Vec<String> =
            build.features.iter().map(|feature| format!("distil-cli/{feature}")).collect();
        command.args(["--features", &features.join(",")]);
    }
    ensure(&mut command)?;
    // Cargo puts this very program into the folder of the dev profile; the other one lies next to it.
    let own =
        std::env::current_exe().map_err(|error| Failure(format!("cannot find the build folder: {error}")))?;
    let dev = own.parent().ok_or_else(|| Failure("this program lies in no folder".to_owned()))?;
    let folder = match build.profile {
        Profile::Dev => dev.to_owned(),
        Profile::Release => dev.with_file_name("release"),
    };
    Ok(folder.join("distil").with_extension(std::env::consts::EXE_EXTENSION))
}

/// Runs a command that has to succeed.
pub(crate) fn ensure(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("{} failed", described(command)))) }
}

/// Hands the process over, so that Ctrl-C and the exit code are the command's own.
#[cfg(unix)]
pub(crate) fn become_process(command: &mut Command) -> Result<ExitCode, Failure> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(cannot_run(command, &error))
}

/// Runs a command and takes over its exit code.
#[cfg(not(unix))]
pub(crate) fn become_process(command: &mut Command) -> Result<ExitCode, Failure> {
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn cannot_run(command: &Command, error: &std::io::Error) -> Failure {
    Failure(format!("cannot run {}: {error}", described(command)))
}

fn described(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
