//! How far students' confidence can be believed: a reliability diagram and its table.

use std::fmt::Write;

use distil_stats::{Calibration, ReliabilityBin};
use serde::Serialize;

use crate::wording::grouped;
use distil_store::Evaluation;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 310.0;
const LEFT: f64 = 40.0;
const BOTTOM: f64 = 250.0;
const SIDE: f64 = 240.0;

/// A section on calibration.
#[derive(Debug, Serialize)]
pub(crate) struct Reliability {
    /// Which row it is about, and its scores.
    pub(crate) about: String,
    /// The diagram; nothing in it comes from outside.
    pub(crate) svg: String,
    /// Confidence, predictions, mean confidence, accuracy and their difference of each bin with predictions.
    pub(crate) bins: Vec<[String; 5]>,
}

impl Reliability {
    /// The section on `row`; `None` when its evaluation kept no bins.
    pub(crate) fn of(row: &Evaluation) -> Option<Self> {
        let calibration = row.scores.as_ref()?.pooled.calibration.as_ref()?;
        if calibration.bins.is_empty() {
            return None;
        }
        let Calibration { ece, nll, brier, bins } = calibration;
        let about = format!(
            "“{}”: expected calibration error {:.1} % over {} bins, negative log-likelihood {nll:.3} nats, Brier score \
             {brier:.3}, of all students' predictions together.",
            row.name,
            100.0 * ece,
            bins.len()
        );
        let lines = (0..bins.len()).filter(|&index| bins[index].rows > 0).map(|index| cells(index, bins));
        Some(Self { about, svg: svg(*ece, bins), bins: lines.collect() })
    }
}

fn cells(index: usize, bins: &[ReliabilityBin]) -> [String; 5] {
    let ReliabilityBin { rows, accuracy, confidence } = bins[index];
    let end = |index: usize| format!("{:.0}", 100.0 * index as f64 / bins.len() as f64);
    let sign = if accuracy < confidence { "−" } else { "+" };
    [
        format!("{} to {}", end(index), end(index + 1)),
        grouped(rows as usize),
        format!("{:.1}", 100.0 * confidence),
        format!("{:.1}", 100.0 * accuracy),
        format!("{sign}{:.1}", 100.0 * (accuracy - confidence).abs()),
    ]
}

/// A bar as high as each bin's accuracy, what is missing to its confidence or exceeds it, the diagonal on which both are
/// equal, and below how many predictions fall into each bin.
fn svg(ece: f64, bins: &[ReliabilityBin]) -> String {
    let mut svg = format!(
        "<svg class=\"chart reliability\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Accuracy by confidence; \
         calibration error {:.1} %\">",
        100.0 * ece
    );
    axes(&mut svg);
    let step = SIDE / bins.len() as f64;
    let most = bins.iter().map(|bin| bin.rows).max().unwrap_or(1).max(1) as f64;
    let mut drawn = [String::new(), String::new(), String::new()];
    for (index, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.rows > 0) {
        let (x, width) = (LEFT + step * index as f64 + 1.0, step - 2.0);
        let (right, said) = (BOTTOM - SIDE * bin.accuracy, BOTTOM - SIDE * bin.confidence);
        let _ = write!(drawn[0], "M{x:.1} {BOTTOM}h{width:.1}V{right:.1}h-{width:.1}z");
        let _ = write!(drawn[1], "M{x:.1} {right:.1}h{width:.1}V{said:.1}h-{width:.1}z");
        let share = 18.0 * bin.rows as f64 / most;
        let _ = write!(drawn[2], "M{x:.1} {:.1}h{width:.1}v{share:.1}h-{width:.1}z", BOTTOM + 2.0);
    }
    let [right, gap, counts] = drawn;
    let _ = write!(
        svg,
        "<path class=\"right\" d=\"{right}\"/><path class=\"gap\" d=\"{gap}\"/><path class=\"counts\" d=\"{counts}\"/>\
         <path class=\"diagonal\" d=\"M{LEFT} {BOTTOM}l{SIDE} -{SIDE}\"/></svg>"
    );
    svg
}

fn axes(svg: &mut String) {
    for percent in [0, 25, 50, 75, 100] {
        let place = SIDE * f64::from(percent) / 100.0;
        let (x, y) = (LEFT + place, BOTTOM - place);
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {y}h{SIDE}\"/><text class=\"end\" x=\"{}\" y=\"{}\">{percent}</text>\
             <text class=\"mid\" x=\"{x}\" y=\"{}\">{percent}</text>",
            LEFT - 6.0,
            y + 4.5,
            BOTTOM + 36.0
        );
    }
    let middle = LEFT + SIDE / 2.0;
    let _ =
        write!(svg, "<text class=\"label mid\" x=\"{middle}\" y=\"{}\">confidence, %</text>", HEIGHT - 6.0);
}

#[cfg(test)]
mod tests {
    use super::Reliability;
    use crate::per_class::tests::scores;
    use crate::testing::row;
    use distil_store::Evaluation;

    #[test]
    fn bins_with_predictions_are_drawn_and_listed() {
        // Of three predictions, each at e³ / (e³ + 2) = 90.9 %, the first is wrong.
        let row = Evaluation { scores: scores(3, 2), ..row("<distilled>", 3, 0.6, 2) };
        let section = Reliability::of(&row).unwrap();
        assert_eq!(section.bins, [["87 to 93", "6", "90.9", "66.7", "−24.3"].map(str::to_owned)]);
        assert!(section.about.contains("calibration error 24.3 % over 15 bins"), "{}", section.about);
        assert_eq!(section.svg.matches("M249.0 250h14.0").count(), 1, "{}", section.svg);
        assert!(!section.svg.contains("distilled") && !section.svg.contains("NaN"));
    }

    #[test]
    fn rows_of_earlier_versions_have_no_diagram() {
        assert!(Reliability::of(&row("x", 3, 0.6, 2)).is_none());
        let mut old = Evaluation { scores: scores(3, 2), ..row("x", 3, 0.6, 2) };
        if let Some(calibration) = old.scores.as_mut().and_then(|scores| scores.pooled.calibration.as_mut()) {
            calibration.bins.clear();
        }
        assert!(Reliability::of(&old).is_none());
    }
}
