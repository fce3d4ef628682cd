//! The table of results for spreadsheets and papers.

use std::fmt::Write;

use crate::significance::{Differences, Finding};
use crate::table::{Table, one_line, protocol};
use distil_store::EvaluationFile;

/// The results as CSV (RFC 4180) with a header line, in full precision: shares in `[0, 1]`, the accuracy of each student
/// in the last column, separated by blanks. `difference` is to the row that the result is quoted from, and
/// `p_adjusted` its p-value after Holm's correction; both are empty where there is nothing to say.
pub fn results_table_csv(evaluation: &EvaluationFile) -> String {
    let mut table = CsvTable::new(
        "set,images,epochs,step_size,protocol,seeds,mean,std,ci95_low,ci95_high,top5,macro_f1,balanced,difference,p_adjusted,\
         significant,accuracies",
    );
    let findings = Differences::of(evaluation).map_or(Vec::new(), |differences| differences.findings);
    for (index, row) in evaluation.rows.iter().enumerate() {
        let finding = findings.get(index).copied().unwrap_or(Finding::Reference);
        let summary = row.summary;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let cells = [
            one_line(&row.name),
            row.images.to_string(),
            row.epochs.to_string(),
            row.lr.to_string(),
            row.protocol.clone(),
            summary.n.to_string(),
            summary.mean.to_string(),
            if summary.n > 1 { summary.std.to_string() } else { String::new() },
            optional(summary.ci95.map(|[low, _]| low)),
            optional(summary.ci95.map(|[_, high]| high)),
            optional(row.scores.as_ref().map(|scores| mean(&scores.top5))),
            optional(row.scores.as_ref().map(|scores| mean(&scores.macro_f1))),
            optional(
                row.scores
                    .as_ref()
                    .filter(|scores| !scores.balanced.is_empty())
                    .map(|scores| mean(&scores.balanced)),
            ),
            optional(finding.difference()),
            optional(finding.p()),
            finding.is_significant().map(|significant| significant.to_string()).unwrap_or_default(),
            row.accuracies.iter().map(f64::to_string).collect::<Vec<_>>().join(" "),
        ];
        table.push(&cells);
    }
    table.text()
}

/// The results as a LaTeX `tabular` in the style of booktabs (`\usepackage{booktabs}`), and how they were measured as
/// comments.
pub fn results_table_latex(evaluation: &EvaluationFile) -> String {
    latex(&Table::of(evaluation), &protocol(evaluation))
}

/// Any table as a `tabular`, with notes as comments.
pub(crate) fn latex(table: &Table, notes: &[String]) -> String {
    let line = |cells: Vec<String>| format!("  {} \\\\\n", cells.join(" & "));
    let columns = "r".repeat(table.header.len() - 1);
    let mut text = format!("\\begin{{tabular}}{{l{columns}}}\n  \\toprule\n");
    text.push_str(&line(table.header.iter().map(|name| escaped(name)).collect()));
    text.push_str("  \\midrule\n");
    for row in &table.rows {
        text.push_str(&line(row.iter().map(|cell| escaped(cell)).collect()));
    }
    text.push_str("  \\bottomrule\n\\end{tabular}\n");
    for note in notes {
        let _ = writeln!(text, "% {note}");
    }
    text
}

pub(crate) fn optional(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A table as CSV (RFC 4180), in memory.
pub(crate) struct CsvTable(csv::Writer<Vec<u8>>);

const IN_MEMORY: &str = "memory takes every line, and lines are equally long";

impl CsvTable {
    /// With the columns of a header line.
    pub(crate) fn new(header: &str) -> Self {
        let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        table.write_record(header.split(',')).expect(IN_MEMORY);
        Self(table)
    }

    pub(crate) fn push(&mut self, cells: &[String]) {
        self.0.write_record(cells).expect(IN_MEMORY);
    }

    pub(crate) fn text(self) -> String {
        String::from_utf8(self.0.into_inner().expect(IN_MEMORY)).expect("cells are text")
    }
}

/// Text that LaTeX sets as it is.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '±' => out.push_str("$\\pm$"),
            '−' => out.push_str("$-$"),
            '–' => out.push_str("--"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{results_table_csv, results_table_latex};
    use crate::testing::{paper, row};
    use distil_store::EvaluationFile;

    fn results() -> EvaluationFile {
        let rows = vec![
            row("random \"real\"", 10, 0.5, 3),
            row("distilled, last", 10, 0.7, 3),
            row("100% of_data & more\n\\x", 600, 0.75, 1),
        ];
        EvaluationFile { rows, paper: Some(paper()), ..EvaluationFile::default() }
    }

    /// Cells of a CSV line, quotes undone.
    fn cells(line: &str) -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut inside = false;
        for (index, piece) in line.split('"').enumerate() {
            if index > 0 {
                // Two quotes in a row are one inside a cell.
                if !inside && piece.is_empty() && index < line.matches('"').count() {
                    cells.last_mut().unwrap().push('"');
                }
                inside = !inside;
            }
            if inside {
                cells.last_mut().unwrap().push_str(piece);
            } else {
                let mut parts = piece.split(',');
                cells.last_mut().unwrap().push_str(parts.next().unwrap());
                cells.extend(parts.map(str::to_owned));
            }
        }
        cells
    }

    #[test]
    fn csv_has_equally_many_cells_in_every_line() {
        let text = results_table_csv(&results());
        let lines: Vec<Vec<String>> = text.split_terminator("\r\n").map(cells).collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines.iter().all(|line| line.len() == 17), "{lines:?}");
        let column = |name: &str| lines[0].iter().position(|cell| cell == name).unwrap();
        assert_eq!(lines[2][0], "distilled, last");
        assert_eq!(lines[1][column("significant")], "true");
        assert!(
            lines[1][column("difference")].starts_with("-0.19") || lines[1][column("difference")] == "-0.2"
        );
        assert_eq!((lines[2][column("difference")].as_str(), lines[3][column("std")].as_str()), ("", ""));
        assert_eq!(lines[1][column("accuracies")].split(' ').count(), 3);
        assert!(lines[3][column("p_adjusted")].is_empty());
    }

    #[test]
    fn latex_says_what_it_means() {
        let text = results_table_latex(&results());
        let body: Vec<&str> = text.lines().filter(|line| line.ends_with("\\\\")).collect();
        assert_eq!(body.len(), 5, "{text}");
        assert!(body.iter().all(|line| line.matches(" & ").count() == 5), "{text}");
        assert!(body[1].contains("50.0 $\\pm$ 0.4") && body[1].contains("$-$20.0"), "{text}");
        assert!(body[3].starts_with("  100\\% of\\_data \\& more \\textbackslash{}x &"), "{text}");
        assert!(text.lines().rev().take_while(|line| line.starts_with("% ")).count() > 2, "{text}");
    }
}
