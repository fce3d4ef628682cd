//! Several runs side by side: a table, and their curves in shared charts.

use distil_stats::{ALPHA, Comparison, Design, holm};
use serde::Serialize;

use crate::axis::{Axis, Spacing};
use crate::chart::{Chart, Curve, Dots};
use crate::conditions::comparable;
use crate::curves::{ChartView, Key};
use crate::history::History;
use crate::report::Report;
use crate::series::{smoothed, window};
use crate::significance::points;
use distil_store::{Evaluation, EvaluationFile};

/// Classes of the style sheet, one a run; further runs begin again.
const COLOURS: [&str; 8] = ["run-0", "run-1", "run-2", "run-3", "run-4", "run-5", "run-6", "run-7"];
/// Losses below this number are drawn as they are.
const SMOOTH_FROM: usize = 20;

/// What of a history is drawn over iterations.
type Series = dyn Fn(&History) -> Vec<(f64, f64)>;

/// The section as the page shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Comparisons {
    rows: Vec<RunRow>,
    charts: Vec<ChartView>,
    /// What differences mean, and why there are none.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RunRow {
    colour: &'static str,
    name: String,
    title: String,
    validation: String,
    accuracy: String,
    seeds: String,
    difference: String,
}

/// A run compared with the first.
enum Against {
    First,
    Nothing,
    Incomparable(String),
    Untested(f64),
    Tested { difference: f64, p: f64 },
}

impl Comparisons {
    /// All runs, the others compared with the first.
    pub(crate) fn of(runs: &[Report]) -> Self {
        let against = corrected(runs.iter().map(|run| against(run, &runs[0])).collect());
        let mut notes = vec![format!(
            "Difference: of the quoted sets' test accuracy to that of the first run, in percentage points; n.s. marks one that \
             is not significant (Welch's t test at {ALPHA} with Holm's correction), ? one that cannot be tested. Students vary \
             in it, not distillations: whether a method is better takes sets distilled again with other seeds."
        )];
        notes.extend(against.iter().zip(runs).filter_map(|(against, run)| match against {
            Against::Incomparable(why) => Some(format!("{}: {why}.", run.folder)),
            _ => None,
        }));
        let rows = runs.iter().zip(&against).zip(COLOURS.iter().cycle());
        Self {
            rows: rows.map(|((run, against), colour)| row(run, against, colour)).collect(),
            charts: charts(runs),
            notes,
        }
    }
}

fn quoted(run: &Report) -> Option<&Evaluation> {
    run.results.as_ref().map(|results| &results.evaluation).and_then(EvaluationFile::distilled)
}

fn against(run: &Report, first: &Report) -> Against {
    if std::ptr::eq(run, first) {
        return Against::First;
    }
    let (Some(own), Some(other)) = (quoted(run), quoted(first)) else { return Against::Nothing };
    if let Err(why) = comparable(own, other) {
        return Against::Incomparable(why.to_string());
    }
    match Comparison::of(&own.accuracies, &other.accuracies, Design::Independent) {
        Ok(comparison) => Against::Tested { difference: comparison.test.difference, p: comparison.test.p },
        Err(_) => Against::Untested(own.summary.mean - other.summary.mean),
    }
}

/// Holm's correction for all tests of the table.
fn corrected(mut all: Vec<Against>) -> Vec<Against> {
    let p_value = |against: &Against| if let Against::Tested { p, .. } = against { *p } else { f64::NAN };
    let corrected = holm(&all.iter().map(p_value).collect::<Vec<_>>());
    for (against, corrected) in all.iter_mut().zip(corrected) {
        if let Against::Tested { p, .. } = against {
            *p = corrected;
        }
    }
    all
}

fn row(run: &Report, against: &Against, colour: &'static str) -> RunRow {
    let quoted = quoted(run);
    let validation = run.history.chosen().map(|chosen| format!("{:.1}", 100.0 * chosen.accuracy));
    RunRow {
        colour,
        name: run.folder.clone(),
        title: run.title(),
        validation: validation.unwrap_or_default(),
        accuracy: quoted.map(Evaluation::percent).unwrap_or_default(),
        seeds: quoted.map(|row| row.summary.n.to_string()).unwrap_or_default(),
        difference: match against {
            Against::First | Against::Nothing => String::new(),
            Against::Incomparable(_) => "not comparable".to_owned(),
            Against::Untested(difference) => format!("{} ?", points(*difference)),
            Against::Tested { difference, p } if *p < ALPHA => points(*difference),
            Against::Tested { difference, .. } => format!("{} n.s.", points(*difference)),
        },
    }
}

fn charts(runs: &[Report]) -> Vec<ChartView> {
    let losses = |history: &History| {
        let losses = history.losses();
        if losses.len() < SMOOTH_FROM { losses } else { smoothed(&losses, window(losses.len())) }
    };
    let validations = |history: &History| {
        history.validations.iter().map(|at| (at.iteration, 100.0 * at.accuracy)).collect()
    };
    let all: [(&str, &Series, Dots); 3] = [
        ("Matching loss, moving mean", &losses, Dots::Hidden),
        ("Validation accuracy, %", &validations, Dots::Shown),
        ("Learned step size (syn_lr)", &History::step_sizes, Dots::Hidden),
    ];
    all.into_iter().filter_map(|(title, series, dots)| chart(runs, title, series, dots)).collect()
}

fn chart(runs: &[Report], title: &str, series: &Series, dots: Dots) -> Option<ChartView> {
    let colours = COLOURS.iter().copied().cycle();
    let all = runs.iter().zip(colours).map(|(run, class)| (run, class, series(&run.history)));
    let found: Vec<_> = all.filter(|(_, _, points)| !points.is_empty()).collect();
    let values = |axis: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        found.iter().flat_map(|(_, _, points)| points.iter().map(axis)).collect()
    };
    if found.is_empty() {
        return None;
    }
    let last = values(|point| point.0).into_iter().fold(0.0, f64::max);
    let heights = values(|point| point.1);
    let y = Axis::around(heights.iter().copied(), Spacing::fitting(heights.iter().copied()));
    let keys = found.iter().map(|(run, class, _)| Key::new(class, run.folder.as_str())).collect();
    let curves = found.into_iter().map(|(_, class, points)| Curve { class, points, dots }).collect();
    let x = Axis::exact(0.0, last);
    let chart =
        Chart { summary: format!("{title} of {} runs", runs.len()), x, y, curves, ..Chart::default() };
    Some(ChartView { title: title.to_owned(), svg: chart.svg(), keys })
}
