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

/// Checks that `read` refuses the file at `path` after any truncation and any flipped byte, naming the file in one
/// line, and accepts it as it was.
pub(crate) fn every_damage_is_found<T, E: std::fmt::Display>(path: &Path, read: impl Fn() -> Result<T, E>) {
    let whole = fs::read(path).unwrap();
    let refused = |what: &str| {
        let Err(error) = read() else { panic!("{what} was not noticed") };
        let error = error.to_string();
        assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{what}: {error}");
        assert!(!error.contains('\n') && error.contains("; "), "{what}: {error}");
    };
    for length in (0..whole.len()).rev().step_by(3) {
        fs::write(path, &whole[..length]).unwrap();
        refused(&format!("truncation to {length} bytes"));
    }
    for (position, mask) in [0x01, 0x20, 0x80].into_iter().cycle().enumerate().take(whole.len()) {
        let mut altered = whole.clone();
        altered[position] ^= mask;
        fs::write(path, altered).unwrap();
        refused(&format!("byte {position} flipped with {mask:#x}"));
    }
    fs::write(path, [&whole[..], b"x"].concat()).unwrap();
    refused("a byte too many");
    fs::write(path, &whole).unwrap();
    assert!(read().is_ok(), "the restored file is accepted");
}
