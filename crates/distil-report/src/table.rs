//! The table of results as plain text.

use std::fmt::Write;

use crate::evaluation::{EvaluationFile, EvaluationRow};

const HEADER: [&str; 5] = ["set", "images", "test accuracy %", "95% interval", "seeds"];

/// The results as a Markdown table whose columns also line up in plain text, with the published figure as its last
/// row where there is one, and below it lines that say how the figures were measured.
pub fn results_table_markdown(evaluation: &EvaluationFile) -> String {
    let mut lines = vec![HEADER.map(str::to_owned)];
    lines.extend(evaluation.rows.iter().map(cells));
    if let Some(paper) = &evaluation.paper {
        lines.push(["published".to_owned(), String::new(), paper.percent(), String::new(), String::new()]);
    }
    let mut text = aligned(&lines);
    for line in protocol(evaluation) {
        let _ = write!(text, "\n{line}\n");
    }
    text
}

/// How the figures were measured, one sentence each; only what the results themselves say.
pub(crate) fn protocol(evaluation: &EvaluationFile) -> Vec<String> {
    let mut said = Vec::new();
    if !evaluation.rows.is_empty() {
        said.push(
            "Mean ± standard deviation over students (one per seed) trained from scratch, tested on the test \
             split after their last epoch."
                .to_owned(),
        );
        said.push(format!("Students: {}.", schedules(&evaluation.rows).join("; ")));
    }
    if let Some(paper) = &evaluation.paper {
        let note = one_line(&paper.note);
        let text = if note.is_empty() { "none given; its protocol may differ".to_owned() } else { note };
        said.push(format!("Published figure: {}. Note: {text}", one_line(&paper.source)));
    }
    said
}

/// `epochs 0 to 1000 at step size 0.01 (random real, full data)`, one per distinct schedule.
fn schedules(rows: &[EvaluationRow]) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows {
        let schedule = format!("epochs 0 to {} at step size {}", row.epochs, significant(row.lr));
        let name = one_line(&row.name);
        match groups.iter_mut().find(|(there, _)| *there == schedule) {
            Some((_, names)) => names.push(name),
            None => groups.push((schedule, vec![name])),
        }
    }
    groups.into_iter().map(|(schedule, names)| format!("{schedule} ({})", names.join(" / "))).collect()
}

/// A number to three significant digits, without trailing zeros.
pub(crate) fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = (2.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn cells(row: &EvaluationRow) -> [String; 5] {
    [cell(&row.name), row.images.to_string(), row.percent(), row.interval(), row.summary.n.to_string()]
}

/// Text that cannot leave its cell.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn aligned(lines: &[[String; 5]]) -> String {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: [usize; 5] = std::array::from_fn(width);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let [a, b, c, d, e] = widths;
        let _ = writeln!(
            text,
            "| {:<a$} | {:>b$} | {:>c$} | {:>d$} | {:>e$} |",
            line[0], line[1], line[2], line[3], line[4]
        );
        if index == 0 {
            let [a, b, c, d, e] = widths.map(|width| "-".repeat(width));
            let _ = writeln!(text, "| {a} | {}: | {}: | {}: | {}: |", &b[1..], &c[1..], &d[1..], &e[1..]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{results_table_markdown, significant};
    use crate::evaluation::EvaluationFile;
    use crate::evaluation::tests::{paper, row};

    #[test]
    fn columns_line_up_and_say_everything() {
        let rows = vec![row("random real", 10, 0.523, 5), row("full data", 60_000, 0.885, 1)];
        let text = results_table_markdown(&EvaluationFile { rows, paper: Some(paper()) });
        let table: Vec<&str> = text.lines().take_while(|line| line.starts_with('|')).collect();
        assert_eq!(table.len(), 5, "{text}");
        let bars = |line: &str| {
            line.chars().enumerate().filter(|(_, c)| *c == '|').map(|(i, _)| i).collect::<Vec<_>>()
        };
        assert!(table.iter().all(|line| bars(line) == bars(table[0])), "{text}");
        assert!(table[2].contains("52.3 ± 0.4") && table[2].contains("51.3 to 53.3"), "{text}");
        assert!(table[3].contains("| 88.5 |") || table[3].contains(" 88.5 |"), "{text}");
        assert!(table[4].contains("published") && table[4].contains("71.0"), "{text}");
        assert!(text.contains("A paper. Note: best on the test split"), "{text}");
    }

    #[test]
    fn a_name_cannot_break_the_table() {
        let rows = vec![row("a|b\nc", 1, 0.5, 2)];
        let text = results_table_markdown(&EvaluationFile { rows, paper: None });
        assert!(text.lines().nth(2).unwrap().starts_with("| a\\|b c "), "{text}");
        assert!(!results_table_markdown(&EvaluationFile::default()).is_empty());
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.01, "0.01"), (0.012_345, "0.0123"), (1.0, "1"), (0.0, "0"), (100.0, "100"), (3e-7, "3.00e-7")]
        {
            assert_eq!(significant(value), text);
        }
    }
}
