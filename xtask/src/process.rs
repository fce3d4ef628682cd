//! Other programs.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// The cargo that runs us, with these arguments, in the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    // `cargo run` describes this package to the program it runs. Build scripts that look at such variables would run
    // again under every cargo that was called without them, and with them all that depends on ring.
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// How programs are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the tests are, so that Burn is compiled once for both; optimised, with checks.
    Dev,
    /// As `cargo install` does.
    Release,
}

/// Builds `distil` and returns it as a command in the root of the workspace.
pub(crate) fn built_distil(profile: Profile, features: &[String]) -> Result<Command> {
    // All packages are selected for their features: cargo would compile Burn anew for another selection.
    let mut build = cargo(&["build", "--workspace", "--bin", "distil"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    if !features.is_empty() {
        let features: Vec<String> = features.iter().map(|feature| format!("distil-cli/{feature}")).collect();
        build.args(["--features", &features.join(",")]);
    }
    ensure(&mut build)?;
    // Cargo puts this very program into the folder of the dev profile; the other one lies beside it.
    let own = std::env::current_exe().context("cannot find the build folder")?;
    let dev = own.parent().context("this program lies in no folder")?;
    let folder = match profile {
        Profile::Dev => dev.to_owned(),
        Profile::Release => dev.with_file_name("release"),
    };
    let mut command = Command::new(folder.join("distil").with_extension(std::env::consts::EXE_EXTENSION));
    command.current_dir(root());
    Ok(command)
}

/// Runs a command that has to succeed.
pub(crate) fn ensure(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", described(command)))?;
    if !status.success() {
        bail!("{} failed", described(command));
    }
    Ok(())
}

/// Runs a command to its end; its exit code where it failed. Ctrl-C is the command's to handle, which stops at a
/// safe point; we wait for it.
pub(crate) fn to_the_end(command: &mut Command) -> Result<Option<ExitCode>> {
    // The terminal tells both of us; a second call finds the handler there.
    let _ = ctrlc::set_handler(|| {});
    let status = command.status().with_context(|| format!("cannot run {}", described(command)))?;
    if status.success() {
        return Ok(None);
    }
    Ok(Some(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)))
}

/// Hands the process over, so that Ctrl-C and the exit code are the command's own.
#[cfg(unix)]
pub(crate) fn become_process(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(error).with_context(|| format!("cannot run {}", described(command)))
}

/// Runs a command and takes over its exit code.
#[cfg(not(unix))]
pub(crate) fn become_process(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot run {}", described(command)))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn described(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
