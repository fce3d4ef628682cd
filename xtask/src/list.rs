//! `cargo xtask reproduce --list`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use toml::Value;
use xtask::{DataNeed, Resolved, Row, Rows};

use crate::plans::{self, Planner};
use crate::reproduce::data_folders;

const HEADER: [&str; 7] = ["row", "method", "ipc", "paper %", "data", "there", "settings of"];

/// Prints the rows whose name, title or data have `filter` in them, with what `planner` says about them.
pub(crate) fn print(rows: &Rows, filter: &str, mut planner: Option<Planner>) -> Result<()> {
    let mut header = HEADER.map(str::to_owned).to_vec();
    if planner.is_some() {
        header.extend(plans::HEADER.map(str::to_owned));
    }
    let mut lines = vec![header];
    let folders = data_folders();
    for row in rows.iter() {
        let resolved = rows.resolve(row)?;
        let mut cells = cells(row, &resolved, &folders);
        if [&row.name, &row.title, &cells[4]].iter().any(|text| text.contains(filter)) {
            if let Some(planner) = &mut planner {
                cells.extend(planner.cells(&resolved)?);
            }
            lines.push(cells);
        }
    }
    if lines.len() == 1 {
        bail!("no row has {filter:?} in its name, title or data");
    }
    let mut text = aligned(&lines);
    let _ = writeln!(
        text,
        "\n{} rows. `there`: whether the data are in {}.",
        lines.len() - 1,
        folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" or ")
    );
    std::io::stdout().write_all(text.as_bytes()).context("cannot write the list")
}

fn cells(row: &Row, resolved: &Resolved, folders: &[PathBuf]) -> Vec<String> {
    let said = |key: &str, otherwise: &str| {
        resolved.get(key).map_or_else(
            || otherwise.to_owned(),
            |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        )
    };
    let data = said("data.name", "clutter-easy");
    let there = match DataNeed::of(&data) {
        None => "built in",
        Some(need) if need.is_in(folders) => "yes",
        Some(_) => "no",
    };
    let paper = row.figure(&resolved.config).map(|figure| figure.to_string());
    vec![
        row.name.clone(),
        said("method", "mtt"),
        resolved.get("distill.ipc").map_or_else(|| "1".to_owned(), Value::to_string),
        paper.unwrap_or_else(|| "–".to_owned()),
        data,
        there.to_owned(),
        resolved.same_as.clone().unwrap_or_default(),
    ]
}

/// A Markdown table whose columns line up.
pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}
