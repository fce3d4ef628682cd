//! The table of results, and its form as plain text.

use std::fmt::Write;

use distil_stats::Ratio;

use crate::comparison::Contender;
use crate::significance::Differences;
use distil_store::{Evaluation, EvaluationFile};

const HEADER: [&str; 5] = ["set", "images", "test accuracy %", "95% interval", "seeds"];

/// A table of texts, all rows of the same length; the first column is of names, the others are of numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// One row a training set, with its difference to the quoted one where there is something to compare, and the
    /// published figure as the last row where there is one.
    pub(crate) fn of(evaluation: &EvaluationFile) -> Self {
        let differences = Differences::of(evaluation);
        let mut header = HEADER.to_vec();
        let mut rows: Vec<Vec<String>> = evaluation.rows.iter().map(cells).collect();
        rows.extend(evaluation.paper.as_ref().map(|paper| {
            vec!["published".to_owned(), String::new(), paper.percent(), String::new(), String::new()]
        }));
        if let Some(differences) = differences {
            header.push("difference");
            let texts = differences.findings.iter().map(|finding| finding.text());
            for (row, text) in rows.iter_mut().zip(texts.chain(std::iter::once(String::new()))) {
                row.push(text);
            }
        }
        Self { header, rows }
    }
}

/// The results as a Markdown table whose columns also line up in plain text, and below it lines that say how the
/// figures were measured. The last column holds differences to the row that the result is quoted from, and marks those
/// that are not significant.
pub fn results_table_markdown(evaluation: &EvaluationFile) -> String {
    let mut text = aligned(&Table::of(evaluation));
    for line in protocol(evaluation) {
        let _ = write!(text, "\n{line}\n");
    }
    text
}

/// A table of two rows under the names a comparison calls them by.
pub(crate) fn comparison_table(contenders: [Contender<'_>; 2]) -> String {
    let named =
        |contender: Contender<'_>| Evaluation { name: contender.name.to_owned(), ..contender.row.clone() };
    let rows = contenders.map(named).iter().map(cells).collect();
    aligned(&Table { header: HEADER.to_vec(), rows })
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
        said.extend(protocols(&evaluation.rows));
        said.push(format!("Students: {}.", schedules(&evaluation.rows).join("; ")));
        said.extend(tiles(&evaluation.rows));
        said.extend(diverged(&evaluation.rows));
    }
    said.extend(Differences::of(evaluation).map(|differences| differences.legend()));
    said.extend(recovery(evaluation));
    if let Some(paper) = &evaluation.paper {
        let note = one_line(&paper.note);
        let text = if note.is_empty() { "none given; its protocol may differ".to_owned() } else { note };
        said.push(format!("Published figure: {}. Note: {text}", one_line(&paper.source)));
    }
    said
}

/// Which sets store fewer images than networks see.
fn tiles(rows: &[Evaluation]) -> Option<String> {
    let seen =
        rows.iter().filter_map(|row| Some(format!("{} as {} (“{}”)", row.images, row.seen?, row.name)));
    let said: Vec<String> = seen.collect();
    (!said.is_empty()).then(|| {
        format!("Images are those that are stored. As tiles of them, networks see {}.", said.join(", "))
    })
}

/// Which rows have students that diverged.
fn diverged(rows: &[Evaluation]) -> Option<String> {
    let lost = rows.iter().filter(|row| row.diverged > 0);
    let said: Vec<String> = lost
        .map(|row| format!("{} of {} of “{}”", row.diverged, row.summary.n, one_line(&row.name)))
        .collect();
    (!said.is_empty()).then(|| {
        format!(
            "Students diverged: {}. Each counts with what its network scores, which takes everything for the first class.",
            said.join(", ")
        )
    })
}

/// What share of the accuracy on all data the quoted set recovers, where both were measured by the same protocol.
fn recovery(evaluation: &EvaluationFile) -> Option<String> {
    let (distilled, full) = (evaluation.distilled()?, evaluation.full_data()?);
    let share = distilled.summary.mean / full.summary.mean;
    if !share.is_finite() || distilled.protocol != full.protocol {
        return None;
    }
    let ratio = Ratio::of_means(&distilled.accuracies, &full.accuracies).ok()?;
    let interval = match ratio.ci95 {
        Some([low, high]) => format!(" (95% interval {:.1} to {:.1} %)", 100.0 * low, 100.0 * high),
        None => " (no interval: it takes two students of each)".to_owned(),
    };
    Some(format!("Recovery ratio: {:.1} %{interval} of the accuracy on all training images.", 100.0 * share))
}

/// By which protocols the rows were measured; nothing of rows of earlier versions, which do not say.
fn protocols(rows: &[Evaluation]) -> Option<String> {
    let known: Vec<Evaluation> = rows.iter().filter(|row| !row.protocol.is_empty()).cloned().collect();
    let first = &known.first()?.protocol;
    if known.len() == rows.len() && rows.iter().all(|row| row.protocol == *first) {
        return Some(format!("Protocol: {first}."));
    }
    let groups = grouped(&known, |row| row.protocol.clone()).join("; ");
    Some(format!("Protocols: {groups}. Rows of different protocols must not be compared."))
}

/// `epochs 0 to 1000 at step size 0.01 (random real, full data)`, one per distinct schedule.
fn schedules(rows: &[Evaluation]) -> Vec<String> {
    grouped(rows, |row| format!("epochs 0 to {} at step size {}", row.epochs, significant(row.lr)))
}

/// What is said of rows, with the names of those it is said of.
fn grouped(rows: &[Evaluation], say: impl Fn(&Evaluation) -> String) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows {
        let (said, name) = (say(row), one_line(&row.name));
        match groups.iter_mut().find(|(there, _)| *there == said) {
            Some((_, names)) => names.push(name),
            None => groups.push((said, vec![name])),
        }
    }
    groups.into_iter().map(|(said, names)| format!("{said} ({})", names.join(" / "))).collect()
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

fn cells(row: &Evaluation) -> Vec<String> {
    vec![
        one_line(&row.name),
        row.images.to_string(),
        row.percent(),
        row.interval(),
        row.summary.n.to_string(),
    ]
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A Markdown table of numbers: the first column is aligned left, the others right.
pub(crate) fn aligned(table: &Table) -> String {
    let header = table.header.iter().map(|name| (*name).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(table.rows.iter().cloned()).collect();
    laid_out(&lines, |column| column > 0)
}

/// A Markdown table of text, whose columns line up. The first line is its header; all lines have as many cells.
pub fn text_table(lines: &[Vec<String>]) -> String {
    laid_out(lines, |_| false)
}

/// Lines of equal length, with a rule below the header that says how columns are aligned.
fn laid_out(lines: &[Vec<String>], right: impl Fn(usize) -> bool) -> String {
    // A bar would end its cell.
    let escaped = |line: &Vec<String>| line.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let lines: Vec<Vec<String>> = lines.iter().map(escaped).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let longest = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|column| longest(column).max(3)).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let _ = if right(column) {
                write!(text, "| {cell:>width$} ")
            } else {
                write!(text, "| {cell:<width$} ")
            };
        }
        text.push_str("|\n");
        if index == 0 {
            for (column, &width) in widths.iter().enumerate() {
                let rule = "-".repeat(width - usize::from(right(column)));
                let _ = write!(text, "| {rule}{} ", if right(column) { ":" } else { "" });
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{results_table_markdown, significant};
    use crate::testing::{paper, row};
    use distil_store::{Evaluation, EvaluationFile};

    #[test]
    fn columns_line_up_and_say_everything() {
        let rows = vec![row("random real", 10, 0.523, 5), row("full data", 60_000, 0.885, 1)];
        let text = results_table_markdown(&EvaluationFile {
            rows,
            paper: Some(paper()),
            ..EvaluationFile::default()
        });
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
    fn students_that_diverged_are_counted() {
        let lost = Evaluation { diverged: 2, ..row("distilled, last", 10, 0.3, 5) };
        let rows = vec![row("random real", 10, 0.523, 5), lost];
        let text = results_table_markdown(&EvaluationFile { rows, ..EvaluationFile::default() });
        assert!(text.contains("Students diverged: 2 of 5 of “distilled, last”."), "{text}");
    }

    #[test]
    fn differences_are_marked() {
        let mut rows = vec![
            row("random real", 10, 0.523, 5),
            row("distilled, last", 10, 0.7, 5),
            row("full data", 9, 0.8, 1),
        ];
        let text = results_table_markdown(&EvaluationFile {
            rows: rows.clone(),
            paper: Some(paper()),
            ..EvaluationFile::default()
        });
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("| difference |") && lines[2].ends_with("|      −17.7 |"), "{text}");
        assert!(lines[4].ends_with("|    +10.0 ? |") && lines[5].ends_with("|            |"), "{text}");
        assert!(text.contains("Difference: to “distilled, last”"), "{text}");
        assert!(
            text.contains("Recovery ratio: 87.5 % (no interval: it takes two students of each)"),
            "{text}"
        );
        rows[0].accuracies = vec![0.6, 0.7, 0.8, 0.75, 0.6];
        let text = results_table_markdown(&EvaluationFile { rows, paper: None, ..EvaluationFile::default() });
        assert!(text.lines().nth(2).unwrap().ends_with(" −1.0 n.s. |"), "{text}");
    }

    #[test]
    fn rows_of_other_protocols_are_named_and_compared_among_themselves() {
        let by = |row: Evaluation, protocol: &str| Evaluation { protocol: protocol.into(), ..row };
        let rows = vec![
            by(row("random real", 10, 0.5, 5), "mtt"),
            by(row("distilled, last", 10, 0.7, 5), "mtt"),
            by(row("full data", 99, 0.8, 5), "mtt"),
            by(row("random real [dc]", 10, 0.4, 5), "dc"),
            by(row("distilled, last [dc]", 10, 0.41, 5), "dc"),
        ];
        let text = results_table_markdown(&EvaluationFile { rows, paper: None, ..EvaluationFile::default() });
        assert!(
            text.contains("Protocols: mtt (random real / distilled, last / full data); dc (random real [dc]"),
            "{text}"
        );
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
        assert!(line("| random real [dc]").contains("−1.0 |"), "{text}");
        assert!(line("| random real  ").contains("−20.0 |"), "{text}");
        assert!(text.contains("Recovery ratio: 87.5 % (95% interval 87.0 to 88.0 %)"), "{text}");
        assert!(text.contains("“distilled, last” of the same architecture and protocol"), "{text}");
    }

    #[test]
    fn a_name_cannot_break_the_table() {
        let rows = vec![row("a|b\nc", 1, 0.5, 2)];
        let text = results_table_markdown(&EvaluationFile { rows, paper: None, ..EvaluationFile::default() });
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
