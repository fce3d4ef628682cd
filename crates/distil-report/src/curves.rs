//! The run's curves: which charts there are, and what their captions say.

use serde::Serialize;

use crate::axis::{Axis, Spacing};
use crate::chart::{Chart, Curve, Dots, Edge, Rug};
use crate::history::{Areas, History, Skipped};
use crate::series::{smoothed, window};
use crate::table::significant;

/// The fewest points worth smoothing.
const SMOOTH_FROM: usize = 20;

/// A chart with its heading and the explanation of its marks.
#[derive(Debug, Serialize)]
pub(crate) struct ChartView {
    pub(crate) title: String,
    pub(crate) svg: String,
    pub(crate) keys: Vec<Key>,
}

/// What a line or mark of a chart is.
#[derive(Debug, Serialize)]
pub(crate) struct Key {
    class: &'static str,
    text: String,
}

impl Key {
    pub(crate) fn new(class: &'static str, text: impl Into<String>) -> Self {
        Self { class, text: text.into() }
    }
}

/// The charts that the event log has anything for.
pub(crate) fn charts(history: &History) -> Vec<ChartView> {
    let steps = history.steps.iter().map(|step| step.iteration);
    let validations = history.validations.iter().map(|validation| validation.iteration);
    let x = Axis::exact(0.0, steps.chain(validations).fold(0.0, f64::max));
    let all = [loss(history, x), validation(history, x), step_size(history, x), areas(history, x)];
    all.into_iter().flatten().collect()
}

/// Discriminative areas of the synthetic images (EDF's Figures 5 and 7): mean, and smallest to largest.
fn areas(history: &History, x: Axis) -> Option<ChartView> {
    let areas = &history.areas;
    let series = |pick: fn(&Areas) -> f64| -> Vec<(f64, f64)> {
        areas.iter().map(|at| (at.iteration, 100.0 * pick(at))).collect()
    };
    let all = [
        ("raw", series(|at| at.smallest)),
        ("raw", series(|at| at.largest)),
        ("validation", series(|at| at.above_half)),
        ("step", series(|at| at.mean)),
    ];
    let (first, last) = (areas.first()?.mean, areas.last()?.mean);
    let y = Axis::around(all.iter().flat_map(|(_, points)| points.iter().map(|(_, y)| *y)), Spacing::Linear);
    let summary = described("mean discriminative area in percent", &all[3].1);
    let dots = if areas.len() < SMOOTH_FROM { Dots::Shown } else { Dots::Hidden };
    let curves = all.into_iter().map(|(class, points)| Curve { class, points, dots }).collect();
    let chart = Chart { summary, x, y: y.within(0.0, 100.0), curves, ..Chart::default() };
    let gain = format!("enhanced area, mean: {:.1} to {:.1} %", 100.0 * first, 100.0 * last);
    let keys = vec![
        Key::new("step", gain),
        Key::new("raw", "smallest and largest of an image"),
        Key::new("validation", "activation of 0.5 or more"),
    ];
    Some(ChartView { title: "Discriminative area, % of pixels".to_owned(), svg: chart.svg(), keys })
}

fn loss(history: &History, x: Axis) -> Option<ChartView> {
    let points = history.losses();
    let rugs = rugs(history);
    if points.is_empty() && rugs.is_empty() {
        return None;
    }
    let y = axis_of(&points);
    let summary = described("matching loss", &points);
    let mut keys = Vec::new();
    let mut curves = Vec::new();
    if points.len() >= SMOOTH_FROM {
        let window = window(points.len());
        let smooth = match y.spacing {
            Spacing::Linear => smoothed(&points, window),
            Spacing::Logarithmic => in_logs(&points, |points| smoothed(points, window)),
        };
        curves.push(Curve { class: "raw", points, dots: Dots::Hidden });
        curves.push(Curve { class: "loss", points: smooth, dots: Dots::Hidden });
        keys.push(Key { class: "raw", text: "every iteration".into() });
        keys.push(Key { class: "loss", text: format!("moving mean over {window}") });
    } else {
        curves.push(Curve { class: "loss", points, dots: Dots::Shown });
    }
    keys.extend(rugs.iter().map(rug_key));
    let chart = Chart { summary, x, y, curves, rugs, ..Chart::default() };
    Some(ChartView { title: titled("Matching loss", y), svg: chart.svg(), keys })
}

fn validation(history: &History, x: Axis) -> Option<ChartView> {
    if history.validations.is_empty() {
        return None;
    }
    let points: Vec<(f64, f64)> = history
        .validations
        .iter()
        .map(|validation| (validation.iteration, 100.0 * validation.accuracy))
        .collect();
    let y = Axis::around(points.iter().map(|(_, y)| *y), Spacing::Linear).within(0.0, 100.0);
    let mut keys = vec![Key { class: "validation", text: "held-out training images".into() }];
    let ring = history.chosen().map(|chosen| (chosen.iteration, 100.0 * chosen.accuracy));
    if let Some((iteration, accuracy)) = ring {
        keys.push(Key { class: "ring", text: format!("chosen: iteration {iteration}, {accuracy:.1} %") });
    }
    let summary = described("validation accuracy in percent", &points);
    let curves = vec![Curve { class: "validation", points, dots: Dots::Shown }];
    let chart = Chart { summary, x, y, curves, ring, ..Chart::default() };
    Some(ChartView { title: titled("Validation accuracy, %", y), svg: chart.svg(), keys })
}

fn step_size(history: &History, x: Axis) -> Option<ChartView> {
    let points = history.step_sizes();
    let (_, last) = *points.last()?;
    let y = axis_of(&points);
    let summary = described("learned step size", &points);
    let dots = if points.len() < SMOOTH_FROM { Dots::Shown } else { Dots::Hidden };
    let curves = vec![Curve { class: "step", points, dots }];
    let chart = Chart { summary, x, y, curves, ..Chart::default() };
    let keys = vec![Key { class: "step", text: format!("at the end {}", significant(last)) }];
    Some(ChartView { title: titled("Learned step size (syn_lr)", y), svg: chart.svg(), keys })
}

fn rugs(history: &History) -> Vec<Rug> {
    let kinds = [
        (Skipped::Gated, "gated", Edge::Bottom),
        (Skipped::Other, "gated", Edge::Bottom),
        (Skipped::NonFinite, "nonfinite", Edge::Top),
    ];
    let rugs = kinds.map(|(reason, class, edge)| Rug { class, edge, at: history.skipped(reason) });
    rugs.into_iter().filter(|rug| !rug.at.is_empty()).collect()
}

fn rug_key(rug: &Rug) -> Key {
    let (steps, plural) = (rug.at.len(), if rug.at.len() == 1 { "" } else { "s" });
    let text = match rug.edge {
        Edge::Bottom => format!("{steps} step{plural} not applied"),
        Edge::Top => format!("{steps} non-finite step{plural}"),
    };
    Key { class: rug.class, text }
}

/// The heading names the vertical axis, so that the drawing need not.
fn titled(what: &str, y: Axis) -> String {
    match y.spacing {
        Spacing::Linear => what.to_owned(),
        Spacing::Logarithmic => format!("{what}, log scale"),
    }
}

fn axis_of(points: &[(f64, f64)]) -> Axis {
    let values = || points.iter().map(|(_, y)| *y);
    Axis::around(values(), Spacing::fitting(values()))
}

/// Works on the logarithms of the values, so that a mean is the one the eye expects on a log scale.
fn in_logs(points: &[(f64, f64)], work: impl Fn(&[(f64, f64)]) -> Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (*x, y.ln())).collect();
    work(&logs).into_iter().map(|(x, y)| (x, y.exp())).collect()
}

/// What a screen reader says of a curve.
fn described(what: &str, points: &[(f64, f64)]) -> String {
    match (points.first(), points.last()) {
        (Some((from, first)), Some((to, last))) => {
            let (first, last) = (significant(*first), significant(*last));
            format!("{what}, {first} at iteration {from} to {last} at iteration {to}")
        }
        _ => format!("{what}, no values"),
    }
}

#[cfg(test)]
mod tests {
    use super::charts;
    use crate::history::{Areas, History, Skipped, Step, Validation};

    fn step(iteration: f64, loss: Option<f64>, skipped: Option<Skipped>) -> Step {
        Step { iteration, loss, syn_lr: Some(0.01), skipped, seconds: None }
    }

    #[test]
    fn each_chart_appears_only_with_something_to_show() {
        assert!(charts(&History::default()).is_empty());
        let validations = vec![Validation { iteration: 3.0, accuracy: 0.6, best: false }];
        let only = charts(&History { validations, ..History::default() });
        assert_eq!(only.len(), 1);
        assert!(!only[0].svg.contains("ring"));
    }

    #[test]
    fn areas_are_drawn_in_percent() {
        let at = |iteration, mean| Areas { iteration, mean, smallest: 0.1, largest: 0.8, above_half: 0.3 };
        let views = charts(&History { areas: vec![at(1.0, 0.25), at(101.0, 0.5)], ..History::default() });
        assert_eq!(views.len(), 1);
        assert!(
            views[0].keys[0].text.ends_with("25.0 to 50.0 %") && views[0].svg.matches("curve").count() == 4
        );
    }

    #[test]
    fn a_run_of_non_finite_steps_alone_is_drawn() {
        let steps =
            vec![step(1.0, None, Some(Skipped::NonFinite)), step(2.0, None, Some(Skipped::NonFinite))];
        let views = charts(&History { steps, ..History::default() });
        assert!(views[0].svg.contains("rug nonfinite") && !views[0].svg.contains("NaN"));
        assert!(views[0].keys.iter().any(|key| key.text == "2 non-finite steps"));
    }

    #[test]
    fn long_losses_are_smoothed_and_wide_ones_drawn_in_logs() {
        let steps = (0..400).map(|i| step(f64::from(i), Some(10_f64.powi(i % 3)), None)).collect();
        let views = charts(&History { steps, ..History::default() });
        assert!(views[0].title.contains("log scale") && views[0].svg.contains("curve raw"));
        assert!(!views[1].title.contains("log scale"));
    }
}
