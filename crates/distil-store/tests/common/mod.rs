//! What the tests of several files share.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs the test `name` of this binary in another process with `DISTIL_TEST_CHILD=folder`.
pub(crate) fn child(name: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("DISTIL_TEST_CHILD", folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The folder given to this process by [`child`].
pub(crate) fn child_folder() -> Option<std::path::PathBuf> {
    std::env::var_os("DISTIL_TEST_CHILD").map(Into::into)
}

/// Names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
