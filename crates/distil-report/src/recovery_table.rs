//! Tables of recovery ratios.

use std::fmt::Write;

use distil_stats::{Ratio, Summary, p_value};

use crate::export::{CsvTable, latex, optional};
use crate::recovery::{EasyAndHard, Recovery, against_complexity, distinct, pairs};
use crate::table::{Table, aligned, one_line};
use distil_store::percent;

const LEGEND: [&str; 2] = [
    "Mean ± standard deviation over students (one per seed). Recovery ratio: mean test accuracy of students trained on \
     the set by that of students trained on all training images. Its 95% interval is by the delta method, and covers \
     what varies between students, not between distillations.",
    "Complexity: mean over the classes of 1 − the share of map values above the threshold, ± standard error.",
];

/// Recovery ratios as Markdown: one row a result, easy next to hard where both are there, and how recovery goes with
/// complexity where at least four subsets of a method were measured.
pub fn recovery_table_markdown(rows: &[Recovery]) -> String {
    let rows = distinct(rows);
    let mut text = aligned(&results(&rows));
    let pairs = pairs(&rows);
    if !pairs.is_empty() {
        let _ = write!(text, "\n{}", aligned(&side_by_side(&pairs)));
    }
    for line in legend(&rows) {
        let _ = write!(text, "\n{line}\n");
    }
    text
}

/// The same as LaTeX: one `tabular` in the style of booktabs for the results, one for easy next to hard, and the legend
/// as comments.
pub fn recovery_table_latex(rows: &[Recovery]) -> String {
    let rows = distinct(rows);
    let (pairs, legend) = (pairs(&rows), legend(&rows));
    if pairs.is_empty() {
        return latex(&results(&rows), &legend);
    }
    format!("{}\n{}", latex(&results(&rows), &[]), latex(&side_by_side(&pairs), &legend))
}

/// The results as CSV (RFC 4180) with a header line, in full precision: shares in `[0, 1]`.
pub fn recovery_table_csv(rows: &[Recovery]) -> String {
    let mut table = CsvTable::new(
        "subset,method,ipc,complexity,complexity_standard_error,accuracy,std,seeds,full_accuracy,full_std,\
         full_seeds,recovery_ratio,ci95_low,ci95_high",
    );
    for row in distinct(rows) {
        let std = |summary: Summary| optional((summary.n > 1).then_some(summary.std));
        let cells = [
            one_line(&row.subset),
            one_line(&row.method),
            row.ipc.to_string(),
            optional(row.complexity.map(|(mean, _)| mean)),
            optional(row.complexity.and_then(|(_, error)| error)),
            row.accuracy.mean.to_string(),
            std(row.accuracy),
            row.accuracy.n.to_string(),
            row.full.mean.to_string(),
            std(row.full),
            row.full.n.to_string(),
            row.ratio.value.to_string(),
            optional(row.ratio.ci95.map(|[low, _]| low)),
            optional(row.ratio.ci95.map(|[_, high]| high)),
        ];
        table.push(&cells);
    }
    table.text()
}

fn results(rows: &[&Recovery]) -> Table {
    let measured = rows.iter().any(|row| row.complexity.is_some());
    let mut header = vec!["subset", "method", "ipc"];
    header.extend(measured.then_some("complexity %"));
    header.extend(["accuracy %", "all data %", "seeds", "recovery ratio %", "95% interval"]);
    let cells = |row: &&Recovery| {
        let mut cells = vec![one_line(&row.subset), one_line(&row.method), row.ipc.to_string()];
        cells.extend(measured.then(|| complexity(row)));
        let seeds = if row.accuracy.n == row.full.n {
            row.accuracy.n.to_string()
        } else {
            format!("{} / {}", row.accuracy.n, row.full.n)
        };
        let Ratio { value, ci95, .. } = row.ratio;
        cells.extend([spread(row.accuracy), spread(row.full), seeds]);
        cells.extend([format!("{:.1}", 100.0 * value), interval(ci95)]);
        cells
    };
    Table { header, rows: rows.iter().map(cells).collect() }
}

fn side_by_side(pairs: &[EasyAndHard<'_>]) -> Table {
    let measured = pairs.iter().any(|pair| pair.easy.complexity.or(pair.hard.complexity).is_some());
    let mut header = vec!["category", "method", "ipc"];
    if measured {
        header.extend(["easy: complexity %", "hard: complexity %"]);
    }
    header.extend(["easy: recovery %", "hard: recovery %", "easy − hard", "95% interval"]);
    let cells = |pair: &EasyAndHard<'_>| {
        let EasyAndHard { category, easy, hard } = pair;
        let mut cells = vec![one_line(category), one_line(&easy.method), easy.ipc.to_string()];
        if measured {
            cells.extend([complexity(easy), complexity(hard)]);
        }
        cells.extend([easy, hard].map(|row| format!("{:.1}", 100.0 * row.ratio.value)));
        let (difference, ci95) = easy.ratio.minus(&hard.ratio);
        cells.extend([format!("{:+.1}", 100.0 * difference).replace('-', "−"), interval(ci95)]);
        cells
    };
    Table { header, rows: pairs.iter().map(cells).collect() }
}

fn legend(rows: &[&Recovery]) -> Vec<String> {
    let measured = rows.iter().any(|row| row.complexity.is_some());
    let said = LEGEND[..if measured { 2 } else { 1 }].iter().map(|line| (*line).to_owned());
    let orders = against_complexity(rows).into_iter().map(|(method, ipc, found)| {
        let rho = format!("{:.2}", found.coefficient).replace('-', "−");
        format!(
            "Recovery ratio against complexity, {method} with {ipc} images a class: Spearman's ρ = {rho}, {}, {} subsets.",
            p_value(found.p),
            found.n
        )
    });
    said.chain(orders).collect()
}

fn spread(summary: Summary) -> String {
    percent(100.0 * summary.mean, (summary.n > 1).then_some(100.0 * summary.std))
}

fn complexity(row: &Recovery) -> String {
    row.complexity.map_or_else(
        || "–".to_owned(),
        |(mean, error)| percent(100.0 * mean, error.map(|error| 100.0 * error)),
    )
}

fn interval(ends: Option<[f64; 2]>) -> String {
    ends.map_or_else(
        || "–".to_owned(),
        |[low, high]| format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high).replace('-', "−"),
    )
}

#[cfg(test)]
mod tests {
    use super::{recovery_table_csv, recovery_table_latex, recovery_table_markdown};
    use crate::recovery::Recovery;
    use crate::recovery::tests::recovery;

    fn rows() -> Vec<Recovery> {
        vec![
            recovery("comp-dd/bird-easy", "edf", 0.6, Some(0.66)),
            recovery("comp-dd/bird-hard", "edf", 0.4, Some(0.745)),
            recovery("a, \"b\"", "datm", 0.5, None),
        ]
    }

    #[test]
    fn easy_is_beside_hard_with_the_difference() {
        let text = recovery_table_markdown(&rows());
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].contains("66.0 ± 0.2") && lines[2].contains(" 75.0 |"), "{text}");
        let pair = lines.iter().find(|line| line.starts_with("| comp-dd/bird ")).expect("a pair");
        assert!(pair.contains(" 75.0 |") && pair.contains(" 50.0 |") && pair.contains(" +25.0 |"), "{text}");
        assert!(!text.contains("Spearman"), "two subsets have no order");
        let without: Vec<Recovery> =
            rows().into_iter().map(|row| Recovery { complexity: None, ..row }).collect();
        assert!(!recovery_table_markdown(&without).to_lowercase().contains("complexity"));
    }

    #[test]
    fn csv_holds_every_number_and_latex_is_one_tabular_each() {
        let text = recovery_table_csv(&rows());
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        let [header, first, .., last] = &lines[..] else { panic!("{text}") };
        assert_eq!(header.split(',').count(), first.split(',').count());
        assert!(first.starts_with("comp-dd/bird-easy,edf,10,0.66,0.002,0.6"), "{text}");
        assert!(last.starts_with("\"a, \"\"b\"\"\",datm,10,,,0.5"), "{text}");
        let text = recovery_table_latex(&rows());
        assert_eq!(text.matches("\\begin{tabular}").count(), 2, "{text}");
        assert!(
            text.contains("complexity \\%") && text.contains("0.2 &") && text.contains("\n% Mean"),
            "{text}"
        );
    }
}
