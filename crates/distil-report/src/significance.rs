//! Which differences of a table can be believed.

use std::collections::BTreeSet;

use distil_stats::{ALPHA, Comparison, Design, holm};

use distil_store::{Evaluation, EvaluationFile};

/// What can be said of a row's difference to the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Finding {
    /// The row is the reference.
    Reference,
    /// The very same accuracies, as of the same set under two names.
    Same,
    /// Tested, with the p-value after Holm's correction.
    Tested { difference: f64, p: f64 },
    /// Not testable: a single student, or none that varies.
    Untested { difference: f64 },
}

/// The differences of a table to the row that the result is quoted from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Differences {
    /// Name of the row that the result is quoted from.
    pub(crate) reference: String,
    /// Names of rows that others are compared with and that are not its counterparts.
    others: Vec<String>,
    /// One for every row.
    pub(crate) findings: Vec<Finding>,
    /// Whether there are rows of several architectures or protocols, each compared with its own reference.
    several: bool,
    /// Protocols of the table, each with its own family of tests.
    protocols: usize,
}

impl Finding {
    /// Whether the row is known to differ; `None` where nothing can be said.
    pub(crate) fn is_significant(self) -> Option<bool> {
        match self {
            Self::Tested { p, .. } => Some(p < ALPHA),
            Self::Reference | Self::Same | Self::Untested { .. } => None,
        }
    }

    /// Row minus reference, in `[−1, 1]`.
    pub(crate) fn difference(self) -> Option<f64> {
        match self {
            Self::Tested { difference, .. } | Self::Untested { difference } => Some(difference),
            Self::Reference | Self::Same => None,
        }
    }

    /// The same with the p-value that a correction gave it.
    pub(crate) fn with_p(self, p: f64) -> Self {
        match self {
            Self::Tested { difference, .. } => Self::Tested { difference, p },
            other => other,
        }
    }

    /// The p-value after correction.
    pub(crate) fn p(self) -> Option<f64> {
        match self {
            Self::Tested { p, .. } => Some(p),
            _ => None,
        }
    }

    /// `−17.8`, `+0.3 n.s.`, `−17.8 ?`, `same`; empty for the reference.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Reference => String::new(),
            Self::Same => "same".to_owned(),
            Self::Tested { difference, p } if p < ALPHA => points(difference),
            Self::Tested { difference, .. } => format!("{} n.s.", points(difference)),
            Self::Untested { difference } => format!("{} ?", points(difference)),
        }
    }
}

impl Differences {
    /// Compares every row with the one quoted; `None` without a quoted row or anything to compare it with.
    pub(crate) fn of(evaluation: &EvaluationFile) -> Option<Self> {
        let quoted = evaluation.distilled()?;
        if evaluation.rows.len() < 2 {
            return None;
        }
        // Students of another architecture or protocol say something about a set only next to others of their kind.
        let against = |row: &Evaluation| {
            evaluation.reference(row).map_or(Finding::Reference, |reference| finding(row, reference))
        };
        let mut findings: Vec<Finding> = evaluation.rows.iter().map(against).collect();
        let protocols: BTreeSet<&str> = evaluation.rows.iter().map(|row| row.protocol.as_str()).collect();
        for protocol in &protocols {
            // Rows of one protocol are one family of tests, whatever else was measured.
            let of = |index: &usize| evaluation.rows[*index].protocol == *protocol;
            let family: Vec<usize> = (0..findings.len()).filter(of).collect();
            let p_values: Vec<f64> = family.iter().map(|&at| findings[at].p().unwrap_or(f64::NAN)).collect();
            for (at, p) in family.into_iter().zip(holm(&p_values)) {
                findings[at] = findings[at].with_p(p);
            }
        }
        let other = |row: &Evaluation| !row.is_measured_like(quoted);
        let several = evaluation.rows.iter().any(other);
        Some(Self {
            reference: quoted.name.clone(),
            others: other_references(evaluation, quoted),
            findings,
            several,
            protocols: protocols.len(),
        })
    }

    /// What the column means.
    pub(crate) fn legend(&self) -> String {
        let tests = self.findings.iter().filter(|finding| finding.p().is_some()).count();
        let family = if self.protocols > 1 {
            ", with Holm's correction among the rows of each protocol".to_owned()
        } else {
            holm_for(tests)
        };
        let mut text = format!(
            "Difference: to “{}”{}{}, in percentage points; n.s. marks one that is not significant (Welch's t test at \
             {ALPHA}{family})",
            self.reference,
            if self.several { " of the same architecture and protocol" } else { "" },
            self.others.iter().map(|name| format!(", or “{name}”")).collect::<Vec<_>>().concat(),
        );
        if self.findings.iter().any(|finding| matches!(finding, Finding::Untested { .. })) {
            text.push_str("; ? marks one that cannot be tested, because a row has one student or students that do not vary");
        }
        text.push('.');
        text
    }
}

/// How the p-values of so many tests are corrected; nothing of a single one.
pub(crate) fn holm_for(tests: usize) -> String {
    if tests < 2 {
        String::new()
    } else {
        format!(", with Holm's correction for the {tests} tests of this table")
    }
}

/// Names of the references that are of another part of a run than the quoted row.
fn other_references(evaluation: &EvaluationFile, quoted: &Evaluation) -> Vec<String> {
    let mut names = Vec::new();
    for reference in evaluation.rows.iter().filter_map(|row| evaluation.reference(row)) {
        if reference.kind != quoted.kind && !names.contains(&reference.name) {
            names.push(reference.name.clone());
        }
    }
    names
}

fn finding(row: &Evaluation, quoted: &Evaluation) -> Finding {
    if std::ptr::eq(row, quoted) {
        return Finding::Reference;
    }
    if row.accuracies == quoted.accuracies && row.images == quoted.images {
        return Finding::Same;
    }
    match Comparison::of(&row.accuracies, &quoted.accuracies, Design::Independent) {
        Ok(comparison) => Finding::Tested { difference: comparison.test.difference, p: comparison.test.p },
        Err(_) => Finding::Untested { difference: row.summary.mean - quoted.summary.mean },
    }
}

/// Percentage points with a sign.
pub(crate) fn points(difference: f64) -> String {
    let text = format!("{:.1}", 100.0 * difference.abs());
    let sign = if text == "0.0" {
        "±"
    } else if difference < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use distil_store::{Evaluation, EvaluationFile, OwnWay, Part, RowKind};

    use super::{Differences, points};
    use crate::testing::row;

    #[test]
    fn rows_are_told_apart_from_the_quoted_one() {
        let best = row("distilled, best on validation", 10, 0.70, 5);
        let near = Evaluation {
            accuracies: vec![0.68, 0.72, 0.70, 0.71, 0.705],
            ..row("distilled, EMA", 10, 0.703, 5)
        };
        let rows = vec![
            row("random real", 10, 0.52, 5),
            Evaluation { kind: RowKind::Set(Part::Last), name: "distilled, last".into(), ..best.clone() },
            best,
            near,
            row("full data", 600, 0.885, 1),
        ];
        let differences =
            Differences::of(&EvaluationFile { rows, paper: None, ..EvaluationFile::default() }).unwrap();
        let texts: Vec<String> = differences.findings.iter().map(|finding| finding.text()).collect();
        assert_eq!(texts, ["−18.0", "same", "", "+0.3 n.s.", "+18.5 ?"]);
        let legend = differences.legend();
        assert!(legend.contains("the 2 tests") && legend.contains("? marks one"), "{legend}");
    }

    #[test]
    fn rows_of_another_protocol_change_nothing_about_those_of_the_first() {
        let by = |row: Evaluation, protocol: &str| Evaluation { protocol: protocol.into(), ..row };
        let own = [("random real", 0.69), ("distilled, last", 0.7), ("full data", 0.8)];
        let other = [("random real [dc]", 0.2), ("distilled, last [dc]", 0.3), ("full data [dc]", 0.31)];
        let rows = |names: &[(&str, f64)], protocol: &str| -> Vec<Evaluation> {
            names.iter().map(|(name, mean)| by(row(name, 10, *mean, 4), protocol)).collect()
        };
        let alone = EvaluationFile { rows: rows(&own, "mtt"), paper: None, ..EvaluationFile::default() };
        let both = [rows(&own, "mtt"), rows(&other, "dc")].concat();
        let (alone, both) = (
            Differences::of(&alone).unwrap(),
            EvaluationFile { rows: both, paper: None, ..EvaluationFile::default() },
        );
        let both = Differences::of(&both).unwrap();
        assert_eq!(both.findings[..3], alone.findings[..]);
        assert!(alone.legend().contains("for the 2 tests of this table"), "{}", alone.legend());
        assert!(both.legend().contains("among the rows of each protocol"), "{}", both.legend());
    }

    #[test]
    fn architectures_have_references_of_their_own() {
        let deep = |name: &str, mean| Evaluation { arch: "resnet18".into(), ..row(name, 10, mean, 5) };
        let rows = vec![
            row("distilled, last", 10, 0.7, 5),
            deep("random real (resnet18)", 0.3),
            deep("distilled, last (resnet18)", 0.4),
        ];
        let differences =
            Differences::of(&EvaluationFile { rows, paper: None, ..EvaluationFile::default() }).unwrap();
        let texts: Vec<String> = differences.findings.iter().map(|finding| finding.text()).collect();
        assert_eq!(texts, ["", "−10.0", ""]);
        assert!(
            differences
                .legend()
                .starts_with("Difference: to “distilled, last” of the same architecture and protocol,")
        );
    }

    #[test]
    fn the_legend_names_what_was_compared_with() {
        let by = |name: &str, mean, protocol: &str| Evaluation {
            protocol: protocol.into(),
            ..row(name, 10, mean, 5)
        };
        // Only rows of another protocol than the run's own, the last set first.
        let rows = vec![
            by("random real", 0.2, "dc"),
            by("distilled, last", 0.3, "dc"),
            by("distilled, best on validation", 0.4, "dc"),
        ];
        let own = OwnWay {
            arch: "convnet".into(),
            protocol: "mtt".into(),
            seeds: 5,
            network: serde_json::Value::Null,
        };
        let mut file = EvaluationFile { own: Some(own), rows, ..EvaluationFile::default() };
        let differences = Differences::of(&file).unwrap();
        let texts: Vec<String> = differences.findings.iter().map(|finding| finding.text()).collect();
        assert_eq!(texts, ["−20.0", "−10.0", ""]);
        assert!(differences.legend().starts_with("Difference: to “distilled, best on validation”, in"));
        // Where another protocol has no such set, its reference is named, too.
        file.rows.push(by("distilled, EMA [mtt]", 0.5, "mtt"));
        file.rows.push(by("random real [mtt]", 0.4, "mtt"));
        let differences = Differences::of(&file).unwrap();
        assert_eq!(differences.findings[4].text(), "−10.0");
        let legend = differences.legend();
        assert!(
            legend.starts_with(
                "Difference: to “distilled, EMA [mtt]” of the same architecture and protocol, or \
                 “distilled, best on validation”, in"
            ),
            "{legend}"
        );
    }

    #[test]
    fn many_comparisons_weigh_each_one_down() {
        let quoted = row("distilled, last", 10, 0.70, 4);
        // Alone, a difference with p of about 0.03; among five of its kind, nothing.
        let shifted = |i: usize| Evaluation {
            name: format!("other {i}"),
            accuracies: quoted.accuracies.iter().map(|a| a + 0.005).collect(),
            ..row("", 10, 0.705, 4)
        };
        let significant = |others: usize| {
            let rows = std::iter::once(quoted.clone()).chain((0..others).map(shifted)).collect();
            let differences =
                Differences::of(&EvaluationFile { rows, paper: None, ..EvaluationFile::default() }).unwrap();
            differences.findings[1].is_significant()
        };
        assert_eq!([1, 5].map(significant), [Some(true), Some(false)]);
    }

    #[test]
    fn a_table_without_a_distilled_set_has_no_differences() {
        let alone = EvaluationFile {
            rows: vec![row("distilled, last", 1, 0.5, 3)],
            paper: None,
            ..EvaluationFile::default()
        };
        let none = EvaluationFile {
            rows: vec![row("a", 1, 0.5, 3), row("b", 1, 0.6, 3)],
            paper: None,
            ..EvaluationFile::default()
        };
        assert!(Differences::of(&alone).is_none() && Differences::of(&none).is_none());
        assert_eq!([-0.178, 0.003, -0.0001].map(points), ["−17.8", "+0.3", "±0.0"]);
    }
}
