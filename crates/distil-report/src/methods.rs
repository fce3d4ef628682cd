//! Many methods side by side: what each reaches, and what it costs.

use std::fmt::Write;

use distil_stats::{ALPHA, Comparison, Design, Summary, TTest, holm};
use distil_store::{Cost, PaperFigure};

use crate::export::{CsvTable, latex};
use crate::significance::{Finding, holm_for};
use crate::table::{Table, aligned, significant};

const HEADER: [&str; 9] = [
    "method",
    "ipc",
    "test accuracy %",
    "95% interval",
    "difference",
    "runs",
    "s/iteration",
    "peak MiB",
    "published %",
];

/// One method at one number of images per class.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodRow {
    /// Name of the method.
    pub method: String,
    /// Images per class; `None` for all training images.
    pub ipc: Option<usize>,
    /// Test accuracy of each run (distilled and evaluated with its own seed; the mean of its students), in
    /// `[0, 1]`; at least one.
    pub accuracies: Vec<f64>,
    /// What each run took; empty for methods that only select.
    pub costs: Vec<Cost>,
    /// What was published for this method and data.
    pub paper: Option<PaperFigure>,
}

/// A run that got stuck, so that it has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StuckRun {
    /// Name of the method.
    pub method: String,
    /// Images per class.
    pub ipc: Option<usize>,
    /// Name of the run.
    pub run: String,
    /// Why, and what to do.
    pub why: String,
}

/// What the rows of a table are compared with, among those with as many images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The highest mean, by Welch's t test.
    Best,
    /// The row of this name, by the paired t test: the runs of all rows have the same seeds in the same order, and share
    /// experts and initial images seed by seed.
    Row(String),
}

/// The table of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodsTable {
    /// Rows in the order they are shown.
    pub rows: Vec<MethodRow>,
    /// Runs without a result, shown below the others.
    pub stuck: Vec<StuckRun>,
    /// What each row is compared with.
    pub reference: Reference,
    /// How the figures came about, one sentence each.
    pub notes: Vec<String>,
}

impl MethodsTable {
    /// Markdown whose columns line up, and below it the notes.
    pub fn markdown(&self) -> String {
        let mut text = aligned(&self.table());
        for note in self.all_notes() {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }

    /// A LaTeX `tabular` in the style of booktabs, the notes as comments.
    pub fn latex(&self) -> String {
        latex(&self.table(), &self.all_notes())
    }

    /// CSV (RFC 4180) in full precision: shares in `[0, 1]`, the accuracies of the runs separated by blanks.
    pub fn csv(&self) -> String {
        let mut table = CsvTable::new(
            "method,ipc,runs,mean,std,ci95_low,ci95_high,difference,p_adjusted,seconds_per_iteration,\
             peak_mib,published,accuracies",
        );
        let optional = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        for (row, finding) in self.rows.iter().zip(self.findings()) {
            let summary = row.summary();
            let cells = [
                row.method.clone(),
                row.ipc.map(|ipc| ipc.to_string()).unwrap_or_default(),
                summary.n.to_string(),
                summary.mean.to_string(),
                if summary.n > 1 { summary.std.to_string() } else { String::new() },
                optional(summary.ci95.map(|[low, _]| low)),
                optional(summary.ci95.map(|[_, high]| high)),
                optional(finding.difference()),
                optional(finding.p()),
                optional(row.seconds()),
                optional(row.peak()),
                optional(row.paper.as_ref().map(|paper| paper.accuracy / 100.0)),
                row.accuracies.iter().map(f64::to_string).collect::<Vec<_>>().join(" "),
            ];
            table.push(&cells);
        }
        for stuck in &self.stuck {
            let mut cells: [String; 13] = Default::default();
            cells[..3].clone_from_slice(&[stuck.method.clone(), stuck.ipc_text(), "stuck".to_owned()]);
            table.push(&cells);
        }
        table.text()
    }

    fn table(&self) -> Table {
        let rows = self.rows.iter().zip(self.findings());
        let rows = rows.map(|(row, finding)| row.cells(self.difference(row, finding)));
        let mut table = Table { header: HEADER.to_vec(), rows: rows.collect() };
        if self.rows.iter().all(|row| row.paper.is_none()) {
            table.header.pop();
            table.rows.iter_mut().for_each(|row| row.truncate(HEADER.len() - 1));
        }
        for stuck in &self.stuck {
            let mut cells = vec![stuck.method.clone(), stuck.ipc_text(), "stuck".to_owned()];
            cells.resize(table.header.len(), String::new());
            table.rows.push(cells);
        }
        table
    }

    fn all_notes(&self) -> Vec<String> {
        let tested = self.findings().iter().filter(|finding| finding.p().is_some()).count();
        let (difference, test) = match &self.reference {
            Reference::Best => ("the best mean with as many images".to_owned(), "Welch's t test"),
            Reference::Row(name) => (
                format!("{name} with as many images (95% interval)"),
                "the t test of runs with the same seed",
            ),
        };
        let legend = format!(
            "Difference: to {difference}, in percentage points; n.s. marks one that is not significant ({test} at \
             {ALPHA}{}), ? one that cannot be tested.",
            holm_for(tested)
        );
        let papers = self.rows.iter().filter_map(|row| row.paper.as_ref());
        let mut sources: Vec<String> = papers.map(|paper| paper.source.clone()).collect();
        sources.sort();
        sources.dedup();
        let published = (!sources.is_empty()).then(|| format!("Published: {}.", sources.join("; ")));
        let stuck = self.stuck.iter().map(|stuck| format!("Stuck: {}: {}.", stuck.run, stuck.why));
        self.notes.iter().cloned().chain([legend]).chain(published).chain(stuck).collect()
    }

    /// Every row compared with the reference of its ipc.
    fn findings(&self) -> Vec<Finding> {
        let raw: Vec<Finding> = self.rows.iter().map(|row| self.finding(row)).collect();
        let p_values: Vec<f64> = raw.iter().map(|finding| finding.p().unwrap_or(f64::NAN)).collect();
        let corrected = raw.into_iter().zip(holm(&p_values));
        corrected.map(|(finding, p)| finding.with_p(p)).collect()
    }

    fn finding(&self, row: &MethodRow) -> Finding {
        let Some(reference) = self.reference_of(row).filter(|reference| !std::ptr::eq(row, *reference))
        else {
            return Finding::Reference;
        };
        match self.test(row) {
            Some(test) => Finding::Tested { difference: test.difference, p: test.p },
            None => Finding::Untested { difference: row.summary().mean - reference.summary().mean },
        }
    }

    /// The row's difference to its reference, where there are enough runs to test it.
    fn test(&self, row: &MethodRow) -> Option<TTest> {
        let design = match self.reference {
            Reference::Best => Design::Independent,
            Reference::Row(_) => Design::Paired,
        };
        let reference = self.reference_of(row)?;
        // Which seeds are missing is not said, so those that are left make no pairs.
        let whole = |row: &MethodRow| self.stuck.iter().all(|stuck| !stuck.is_of(&row.method, row.ipc));
        if design == Design::Paired && !(whole(row) && whole(reference)) {
            return None;
        }
        let comparison = Comparison::of(&row.accuracies, &reference.accuracies, design);
        Some(comparison.ok()?.test)
    }

    /// The row of the reference's name, else the one with the highest mean, the first of equals; none where all runs of the
    /// reference are stuck.
    fn reference_of(&self, row: &MethodRow) -> Option<&MethodRow> {
        let alike = self.rows.iter().filter(|other| other.ipc == row.ipc);
        if let Reference::Row(name) = &self.reference
            && let named = alike.clone().find(|other| other.method == *name)
            && (named.is_some() || self.stuck.iter().any(|stuck| stuck.is_of(name, row.ipc)))
        {
            return named;
        }
        alike.rev().max_by(|a, b| a.summary().mean.total_cmp(&b.summary().mean))
    }

    /// `best`, `−17.8`, `+1.7 (−0.1 to 3.5) n.s.`.
    fn difference(&self, row: &MethodRow, finding: Finding) -> String {
        match (&self.reference, finding) {
            (Reference::Best, Finding::Reference) => "best".to_owned(),
            (Reference::Row(_), Finding::Tested { .. }) => {
                let [low, high] = self.test(row).expect("it was tested").ci95.map(|end| 100.0 * end);
                let text = finding.text();
                let (points, verdict) = text.split_once(' ').unwrap_or((&text, ""));
                format!("{points} ({low:.1} to {high:.1}) {verdict}").trim_end().replace('-', "−")
            }
            _ => finding.text(),
        }
    }
}

impl StuckRun {
    fn is_of(&self, method: &str, ipc: Option<usize>) -> bool {
        self.method == method && self.ipc == ipc
    }

    fn ipc_text(&self) -> String {
        self.ipc.map_or_else(|| "all".to_owned(), |ipc| ipc.to_string())
    }
}

impl MethodRow {
    fn summary(&self) -> Summary {
        Summary::of_shares(&self.accuracies).expect("a row has a run")
    }

    /// Mean seconds of an iteration over the runs.
    fn seconds(&self) -> Option<f64> {
        Some(Summary::of(&self.costs.iter().map(|cost| cost.seconds_per_iteration).collect::<Vec<_>>())?.mean)
    }

    /// The largest of the runs.
    fn peak(&self) -> Option<f64> {
        self.costs.iter().filter_map(|cost| cost.peak_mib).reduce(f64::max)
    }

    fn cells(&self, difference: String) -> Vec<String> {
        let summary = self.summary();
        let mean = format!("{:.1}", 100.0 * summary.mean);
        let spread = if summary.n > 1 { format!(" ± {:.1}", 100.0 * summary.std) } else { String::new() };
        let interval = summary
            .ci95
            .map(|[low, high]| format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high))
            .unwrap_or_default();
        let published = self.paper.as_ref().map(|paper| format!("{:.1}", paper.accuracy));
        vec![
            self.method.clone(),
            self.ipc.map_or_else(|| "all".to_owned(), |ipc| ipc.to_string()),
            format!("{mean}{spread}"),
            interval,
            difference,
            summary.n.to_string(),
            self.seconds().map(significant).unwrap_or_default(),
            self.peak().map(|peak| format!("{peak:.0}")).unwrap_or_default(),
            published.unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(method: &str, ipc: usize, accuracies: &[f64]) -> MethodRow {
        let cost = Cost { iterations: 10, seconds_per_iteration: 0.25, peak_mib: Some(70.0) };
        let costs = if method == "random" { Vec::new() } else { vec![cost, cost] };
        MethodRow { method: method.into(), ipc: Some(ipc), accuracies: accuracies.into(), costs, paper: None }
    }

    fn table() -> MethodsTable {
        let paper = PaperFigure { accuracy: 70.5, std: None, source: "a paper".into(), note: String::new() };
        let rows = vec![
            row("random", 1, &[0.40, 0.42, 0.41]),
            MethodRow { paper: Some(paper), ..row("dc", 1, &[0.60, 0.62, 0.61]) },
            row("dm", 1, &[0.605, 0.61, 0.60]),
            row("random", 10, &[0.7]),
        ];
        MethodsTable {
            rows,
            stuck: Vec::new(),
            reference: Reference::Best,
            notes: vec!["Three runs.".into()],
        }
    }

    #[test]
    fn arms_are_compared_with_the_named_one_seed_by_seed() {
        let rows = vec![
            row("neither", 5, &[0.60, 0.70, 0.65]),
            row("both", 5, &[0.61, 0.713, 0.662]),
            row("neither", 10, &[0.8, 0.8]),
        ];
        let reference = Reference::Row("neither".into());
        let mut table = MethodsTable { rows, stuck: Vec::new(), reference, notes: Vec::new() };
        let text = table.markdown();
        let cells: Vec<&str> =
            text.lines().skip(2).take(3).map(|line| line.split('|').nth(5).expect("a cell").trim()).collect();
        // Differences 1.0, 1.3 and 1.2: mean 1.17, s = 0.153, t(2) = 4.303, so ± 0.38; unpaired it would not be significant.
        assert_eq!(cells, ["", "+1.2 (0.8 to 1.5)", ""]);
        assert!(text.contains("to neither with as many") && !text.contains("Holm"), "{text}");
        // A stuck run is a row of its own; what is left of the seeds makes no pairs.
        let stuck = |method: &str, ipc| StuckRun {
            method: method.into(),
            ipc: Some(ipc),
            run: format!("{method}-seed2"),
            why: "above the gate".into(),
        };
        table.stuck = vec![stuck("both", 5)];
        let text = table.markdown();
        assert!(text.contains("+1.2 ?") && text.contains("Stuck: both-seed2: above the gate."), "{text}");
        let row = text.lines().nth(5).expect("a row");
        assert!(row.starts_with("| both") && row.contains(" stuck "), "{text}");
        assert!(table.csv().ends_with("both,5,stuck,,,,,,,,,,\r\n"), "{}", table.csv());
        // A reference that never finished leaves nothing to compare with.
        table.rows.retain(|row| row.method != "neither");
        table.stuck.push(stuck("neither", 5));
        let text = table.markdown();
        let row = text.lines().nth(2).expect("a row");
        assert!(
            row.starts_with("| both") && row.split('|').nth(5).expect("a cell").trim().is_empty(),
            "{text}"
        );
    }

    #[test]
    fn every_ipc_has_a_best_method() {
        let text = table().markdown();
        let lines: Vec<&str> = text.lines().collect();
        let cell = |line: usize, column: usize| {
            lines[line + 2].split('|').nth(column + 1).expect("a cell").trim().to_owned()
        };
        assert_eq!([cell(0, 4), cell(1, 4), cell(2, 4), cell(3, 4)], ["−20.0", "best", "−0.5 n.s.", "best"]);
        assert_eq!([cell(1, 2), cell(1, 6), cell(1, 7), cell(1, 8)], ["61.0 ± 1.0", "0.25", "70", "70.5"]);
        assert_eq!([cell(0, 6), cell(3, 2), cell(3, 3)], ["", "70.0", ""]);
        assert!(
            text.contains("Three runs.")
                && text.contains("the 2 tests")
                && text.contains("Published: a paper.")
        );
    }

    #[test]
    fn other_forms_hold_the_same() {
        let csv = table().csv();
        let lines: Vec<&str> = csv.split("\r\n").collect();
        let columns = |line: &str| line.split(',').count();
        assert!(lines[1..5].iter().all(|line| columns(line) == columns(lines[0])), "{csv}");
        assert!(
            lines[2].starts_with("dc,1,3,0.6") && lines[2].ends_with("0.25,70,0.705,0.6 0.62 0.61"),
            "{csv}"
        );
        let latex = table().latex();
        assert!(latex.contains("dc & 1 & 61.0 $\\pm$ 1.0") && latex.contains("% Three runs."), "{latex}");
    }
}
