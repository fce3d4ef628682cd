//! Published and measured accuracies beside each other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use distil_store::{Part, RowKind};
use serde::Deserialize;
use toml::Value;
use xtask::{Published, Resolved, Row};

use crate::list::aligned;

/// As much of a run's `evaluation.json` as is needed.
#[derive(Debug, Deserialize)]
struct Evaluation {
    /// Name of the run's own protocol, which published figures are compared with.
    protocol: String,
    rows: Vec<Measured>,
}

#[derive(Debug, Deserialize)]
struct Measured {
    kind: RowKind,
    /// In words.
    protocol: String,
    arch: String,
    /// Fractions, one a student.
    accuracies: Vec<f64>,
}

/// The table of a finished run.
pub(crate) fn table(row: &Row, resolved: &Resolved, run: &Path) -> Result<String> {
    let file = run.join("evaluation.json");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let evaluation: Evaluation =
        serde_json::from_str(&text).with_context(|| format!("{} cannot be read", file.display()))?;
    let method = resolved.get("method").and_then(Value::as_str).unwrap_or("mtt");
    if row.published.is_empty() {
        return Ok(format!("\n{} has no published figure.\n", row.name));
    }
    let mut lines = vec![["set", "paper %", "measured %", "students"].map(str::to_owned).to_vec()];
    let archs: BTreeMap<&str, &Published> = row.archs.iter().map(|(arch, of)| (arch.as_str(), of)).collect();
    for (arch, published) in std::iter::once(("convnet", &row.published)).chain(archs) {
        lines.extend(figures(&evaluation, method, arch, published));
    }
    let mut text = format!("\nPaper and measured, {}:\n\n{}", row.name, aligned(&lines));
    let _ = writeln!(text, "\nSource: {}.", row.source);
    if !row.note.is_empty() {
        let _ = writeln!(text, "Note: {}.", row.note);
    }
    Ok(text)
}

/// The lines of an architecture: the row's own set and the references first.
fn figures(evaluation: &Evaluation, method: &str, arch: &str, published: &Published) -> Vec<Vec<String>> {
    let rank = |of: &str| if of == method || of == "published" { 0 } else { usize::from(of != "random") + 1 };
    let mut order: Vec<_> = published.iter().collect();
    order.sort_by_key(|(of, _)| rank(of));
    let line = |(of, figure): (&String, &xtask::Figure)| {
        let alike = |row: &&Measured| {
            let protocol = row.protocol.split_once(" with ").map_or(row.protocol.as_str(), |(name, _)| name);
            row.arch == arch && protocol == evaluation.protocol
        };
        let found = measured(evaluation, method, of)
            .into_iter()
            .find_map(|kind| evaluation.rows.iter().filter(alike).find(|row| row.kind == kind));
        let shown = if arch == "convnet" { of.clone() } else { format!("{of} ({arch})") };
        let (mean, students) = found.map_or_else(|| ("–".to_owned(), String::new()), Measured::percent);
        vec![shown, figure.to_string(), mean, students]
    };
    order.into_iter().map(line).collect()
}

/// The rows that a published column may be compared with, the best first.
fn measured(evaluation: &Evaluation, method: &str, of: &str) -> Vec<RowKind> {
    let averaged = evaluation.rows.iter().any(|row| row.kind == RowKind::Distilled(Part::Ema));
    match of {
        "random" => vec![RowKind::Random],
        "full" => vec![RowKind::Full],
        of if of != method && of != "published" => Vec::new(),
        // FTD's figures are those of the moving average.
        _ if averaged => vec![RowKind::Distilled(Part::Ema)],
        _ => vec![RowKind::Distilled(Part::Best), RowKind::Distilled(Part::Last)],
    }
}

impl Measured {
    fn percent(&self) -> (String, String) {
        let n = self.accuracies.len();
        let mean = self.accuracies.iter().sum::<f64>() / n as f64;
        let squares: f64 = self.accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
        let text = if n < 2 {
            format!("{:.1}", 100.0 * mean)
        } else {
            format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * (squares / (n - 1) as f64).sqrt())
        };
        (text, n.to_string())
    }
}
