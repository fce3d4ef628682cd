//! Embeds the rows of `configs/`, so that an installed program has them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let configs = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../configs");
    println!("cargo::rerun-if-changed={}", configs.display());
    let configs = configs.canonicalize().expect("the folder configs/ of the workspace");
    let mut text = String::from("&[\n");
    for file in toml_files(&configs) {
        let name =
            file.strip_prefix(&configs).expect("a file below configs/").to_string_lossy().replace('\\', "/");
        let _ = writeln!(text, "    ({name:?}, include_str!({:?})),", file.display().to_string());
        println!("cargo::rerun-if-changed={}", file.display());
    }
    text.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("configs.rs");
    fs::write(out, text).expect("a file in OUT_DIR");
}

/// Files below a folder, sorted.
fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of configurations") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            files.extend(toml_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    files.sort();
    files
}
