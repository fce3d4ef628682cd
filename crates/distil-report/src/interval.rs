//! Accuracies with their intervals, drawn on one axis that all rows of the table share.

use std::fmt::Write;

use crate::axis::{Axis, Spacing};
use distil_store::{Evaluation, EvaluationFile};

const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 24.0;
/// Room for half a label at either end.
const EDGE: f64 = 14.0;

/// Draws rows on the axis they share, in percent.
#[derive(Debug)]
pub(crate) struct Intervals {
    axis: Axis,
}

impl Intervals {
    /// An axis that reaches over all accuracies, intervals and the published figure.
    pub(crate) fn of(evaluation: &EvaluationFile) -> Self {
        let mut values = Vec::new();
        for row in &evaluation.rows {
            values.push(100.0 * row.summary.mean);
            values.extend(row.accuracies.iter().map(|accuracy| 100.0 * accuracy));
            values.extend(row.summary.ci95.iter().flatten().map(|end| 100.0 * end));
        }
        values.extend(evaluation.paper.as_ref().map(|paper| paper.accuracy));
        Self { axis: Axis::around(values, Spacing::Linear).within(0.0, 100.0) }
    }

    /// One row: the 95% interval a bar, every student a dot, the mean a line across.
    pub(crate) fn row(&self, row: &Evaluation) -> String {
        let mut svg = self.frame(&format!("{} %", row.percent()));
        let middle = HEIGHT / 2.0;
        if let Some([low, high]) = row.summary.ci95 {
            let (low, high) = (self.x_at(100.0 * low), self.x_at(100.0 * high));
            let _ = write!(svg, "<path class=\"interval\" d=\"M{low:.1} {middle}H{high:.1}\"/>");
        }
        for accuracy in &row.accuracies {
            let x = self.x_at(100.0 * accuracy);
            let _ = write!(svg, "<circle class=\"student\" cx=\"{x:.1}\" cy=\"{middle}\" r=\"2\"/>");
        }
        let x = self.x_at(100.0 * row.summary.mean);
        let _ = write!(svg, "<path class=\"mean\" d=\"M{x:.1} 3V21\"/></svg>");
        svg
    }

    /// The published figure: a hollow diamond at `percent`.
    pub(crate) fn paper(&self, percent: f64) -> String {
        let (x, middle) = (self.x_at(percent), HEIGHT / 2.0);
        let frame = self.frame(&format!("{percent:.1} %"));
        format!("{frame}<path class=\"published\" d=\"M{x:.1} {}l6 6l-6 6l-6 -6z\"/></svg>", middle - 6.0)
    }

    /// The axis itself.
    pub(crate) fn scale(&self) -> String {
        let mut svg = format!("<svg class=\"strip\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\">");
        for (value, text) in self.axis.marks(5) {
            let x = self.x_at(value);
            let _ = write!(svg, "<text class=\"mid\" x=\"{x:.1}\" y=\"15\">{text}</text>");
        }
        svg.push_str("</svg>");
        svg
    }

    fn frame(&self, label: &str) -> String {
        let mut svg = format!(
            "<svg class=\"strip\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">"
        );
        let grid = self.axis.marks(5).iter().fold(String::new(), |mut path, (value, _)| {
            let _ = write!(path, "M{:.1} 0V{HEIGHT}", self.x_at(*value));
            path
        });
        let _ = write!(svg, "<path class=\"grid\" d=\"{grid}\"/>");
        svg
    }

    fn x_at(&self, percent: f64) -> f64 {
        EDGE + (WIDTH - 2.0 * EDGE) * self.axis.place(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::Intervals;
    use crate::testing::{paper, row};
    use distil_store::EvaluationFile;

    #[test]
    fn rows_share_an_axis_and_one_student_has_no_interval() {
        let rows = vec![row("random real", 10, 0.5, 5), row("full data", 10, 0.9, 1)];
        let intervals = Intervals::of(&EvaluationFile {
            rows: rows.clone(),
            paper: Some(paper()),
            ..EvaluationFile::default()
        });
        let (first, second) = (intervals.row(&rows[0]), intervals.row(&rows[1]));
        assert!(first.contains("interval") && !second.contains("interval"));
        assert_eq!(first.matches("student").count(), 5);
        let grid =
            |svg: &str| svg.split("class=\"grid\"").nth(1).unwrap().split('>').next().unwrap().to_owned();
        assert_eq!(grid(&first), grid(&second));
        assert!(intervals.x_at(50.0) < intervals.x_at(71.0) && intervals.x_at(71.0) < intervals.x_at(90.0));
    }
}
