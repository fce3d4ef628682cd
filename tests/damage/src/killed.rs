//! Writers that are killed, and what they leave in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Names the folder that a child process of a test writes to.
const FOLDER: &str = "DISTIL_TEST_CHILD";

/// Runs the test `name` of this binary in another process, which learns of `folder` by [`child_folder`].
///
/// # Panics
/// When the process cannot be started.
pub fn child(name: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("a test binary"))
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("a process")
}

/// The folder given to this process by [`child`].
pub fn child_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

/// Names in a folder, sorted.
///
/// # Panics
/// When it cannot be listed.
pub fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("a plain name")
    };
    let mut names: Vec<String> = fs::read_dir(folder).expect("a folder").map(name).collect();
    names.sort();
    names
}
