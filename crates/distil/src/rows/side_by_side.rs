//! Published and measured accuracies side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use distil_report::text_table;
use distil_store::{Evaluation, EvaluationFile, FileError, OwnWay, Part, RowKind, RunPaths};
use toml::Value;

use super::{Figure, Published, Resolved, Row};

/// The table of a finished run.
///
/// # Errors
/// [`FileError`] when the results of the run cannot be read.
pub fn side_by_side(row: &Row, resolved: &Resolved, run: &Path) -> Result<String, FileError> {
    let method = resolved.get("method").and_then(Value::as_str).unwrap_or("mtt");
    if row.published.is_empty() {
        return Ok(format!("\n{} has no published figure.", row.name));
    }
    let evaluation = EvaluationFile::load(&RunPaths::new(run).evaluation())?.unwrap_or_default();
    let mut lines = vec![["set", "paper %", "measured %", "students"].map(str::to_owned).to_vec()];
    let archs: BTreeMap<&str, &Published> = row.archs.iter().map(|(arch, of)| (arch.as_str(), of)).collect();
    let own_arch = evaluation.own.as_ref().map_or("convnet", |own| &own.arch);
    for (arch, published) in std::iter::once((own_arch, &row.published)).chain(archs) {
        lines.extend(figures(&evaluation, method, arch, published));
    }
    let mut text = format!("\nPaper and measured, {}:\n\n{}", row.name, text_table(&lines));
    let _ = write!(text, "\nSource: {}.", row.source);
    if !row.note.is_empty() {
        let _ = write!(text, "\nNote: {}.", row.note);
    }
    Ok(text)
}

/// The lines of an architecture: the row's own set and the references first.
fn figures(evaluation: &EvaluationFile, method: &str, arch: &str, published: &Published) -> Vec<Vec<String>> {
    let rank = |of: &str| if of == method || of == "published" { 0 } else { usize::from(of != "random") + 1 };
    let mut order: Vec<_> = published.iter().collect();
    order.sort_by_key(|(of, _)| rank(of));
    let line = |(of, figure): (&String, &Figure)| {
        let alike = |row: &&Evaluation| {
            let named = |own: &OwnWay| row.protocol_name() == own.protocol_name();
            row.arch == arch && evaluation.own.as_ref().is_none_or(named)
        };
        let found = measured(evaluation, method, of)
            .into_iter()
            .find_map(|kind| evaluation.rows.iter().filter(alike).find(|row| row.kind == kind));
        let shown = if evaluation.own.as_ref().is_none_or(|own| own.arch == arch) {
            of.clone()
        } else {
            format!("{of} ({arch})")
        };
        let measured = found.map_or_else(|| "–".to_owned(), Evaluation::percent);
        let students = found.map_or_else(String::new, |row| row.accuracies.len().to_string());
        vec![shown, figure.to_string(), measured, students]
    };
    order.into_iter().map(line).collect()
}

/// The rows that a published column may be compared with, the best first.
fn measured(evaluation: &EvaluationFile, method: &str, of: &str) -> Vec<RowKind> {
    let averaged = evaluation.rows.iter().any(|row| row.kind == RowKind::Set(Part::Ema));
    match of {
        "random" => vec![RowKind::Random],
        "full" => vec![RowKind::Full],
        of if of != method && of != "published" => Vec::new(),
        // FTD's figures are those of the moving average.
        _ if averaged => vec![RowKind::Set(Part::Ema)],
        _ => vec![RowKind::Set(Part::Best), RowKind::Set(Part::Last)],
    }
}
