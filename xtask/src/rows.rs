//! The rows of `configs/`.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::process::root;

/// The file of a row, relative to the root of the workspace.
pub(crate) fn find(row: &str) -> Result<PathBuf> {
    let file = Path::new("configs").join(format!("{row}.toml"));
    if root().join(&file).is_file() {
        return Ok(file);
    }
    bail!("there is no row {row:?}; choose one of {}", names()?.join(", "))
}

/// Prints every row with what its first comment says and the figure it is compared with.
pub(crate) fn print() -> Result<()> {
    let mut text =
        String::from("| row | method | data | ipc | paper % | what |\n|---|---|---|---:|---:|---|\n");
    for name in names()? {
        let file = root().join("configs").join(format!("{name}.toml"));
        let content = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let table: Table = content.parse().with_context(|| format!("{} is not TOML", file.display()))?;
        let said = |path: [&str; 2]| table.get(path[0]).and_then(|section| section.get(path[1])).map(plain);
        let what = content.lines().next().and_then(|line| line.strip_prefix('#')).unwrap_or_default().trim();
        let method = table.get("method").map(plain).unwrap_or_default();
        let [data, ipc, paper] = [["data", "name"], ["distill", "ipc"], ["paper", "accuracy"]].map(said);
        let cell = |value: Option<String>| value.unwrap_or_default();
        let (data, ipc, paper) = (cell(data), cell(ipc), cell(paper));
        let _ = writeln!(text, "| {name} | {method} | {data} | {ipc} | {paper} | {what} |");
    }
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the list")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Paths below `configs/` without `.toml`, sorted.
fn names() -> Result<Vec<String>> {
    let configs = root().join("configs");
    let mut names = Vec::new();
    let mut folders = vec![configs.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "toml") {
                let row = path.strip_prefix(&configs)?.with_extension("");
                names.push(row.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    names.sort();
    Ok(names)
}
