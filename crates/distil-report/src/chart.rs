//! Line charts as SVG that takes its colours from the page, so that one drawing serves light, dark and print.
//!
//! Nothing here writes text that came from outside: labels are this crate's own, everything else is a number.

use std::fmt::Write;

use crate::axis::Axis;
use crate::series::{MOST_POINTS, thinned};

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 368.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 190.0;

/// A chart of values over iterations.
#[derive(Debug)]
pub(crate) struct Chart {
    /// What a screen reader says; the page's heading names the vertical axis.
    pub(crate) summary: String,
    pub(crate) x_label: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) curves: Vec<Curve>,
    pub(crate) rugs: Vec<Rug>,
    /// A point that is ringed.
    pub(crate) ring: Option<(f64, f64)>,
}

/// Points (x, y), sorted by x, drawn in the style of a CSS class.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) class: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) dots: Dots,
}

/// Whether a curve's points are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dots {
    Hidden,
    Shown,
}

/// Short marks along an edge of the chart, one per x.
#[derive(Debug)]
pub(crate) struct Rug {
    pub(crate) class: &'static str,
    pub(crate) edge: Edge,
    pub(crate) at: Vec<f64>,
}

/// An edge of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Top,
    Bottom,
}

/// An empty chart over iterations.
impl Default for Chart {
    fn default() -> Self {
        let unit = Axis::exact(0.0, 1.0);
        let (curves, rugs) = (Vec::new(), Vec::new());
        Self {
            summary: String::new(),
            x_label: "outer iteration",
            x: unit,
            y: unit,
            curves,
            rugs,
            ring: None,
        }
    }
}

impl Chart {
    /// The chart as an `<svg>` element.
    pub(crate) fn svg(&self) -> String {
        let mut svg = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            self.summary
        );
        self.draw_axes(&mut svg);
        for rug in &self.rugs {
            self.draw_rug(rug, &mut svg);
        }
        for curve in &self.curves {
            self.draw_curve(curve, &mut svg);
        }
        if let Some((x, y)) = self.ring {
            let (x, y) = (self.x_at(x), self.y_at(y));
            let _ = write!(svg, "<path class=\"chosen\" d=\"M{x:.1} {TOP}V{BOTTOM}\"/>");
            let _ = write!(svg, "<circle class=\"ring\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"/>");
        }
        svg.push_str("</svg>");
        svg
    }

    fn draw_axes(&self, svg: &mut String) {
        let mut grid = String::new();
        let mut labels = String::new();
        for (value, text) in self.y.marks(5) {
            let y = self.y_at(value);
            let _ = write!(grid, "M{LEFT} {y:.1}H{RIGHT}");
            let (x, y) = (LEFT - 6.0, y + 4.5);
            let _ = write!(labels, "<text class=\"end\" x=\"{x}\" y=\"{y:.1}\">{text}</text>");
        }
        for (value, text) in self.x.marks(5) {
            let (x, y) = (self.x_at(value), BOTTOM + 18.0);
            let _ = write!(grid, "M{x:.1} {BOTTOM}v5");
            let _ = write!(labels, "<text class=\"mid\" x=\"{x:.1}\" y=\"{y}\">{text}</text>");
        }
        let (middle, end) = (f64::midpoint(LEFT, RIGHT), HEIGHT - 6.0);
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"{grid}\"/><path class=\"axis\" d=\"M{LEFT} {BOTTOM}H{RIGHT}\"/>{labels}\
             <text class=\"label mid\" x=\"{middle}\" y=\"{end}\">{}</text>",
            self.x_label
        );
    }

    fn draw_curve(&self, curve: &Curve, svg: &mut String) {
        let points = thinned(&curve.points, MOST_POINTS);
        let placed = points.iter().map(|(x, y)| format!("{:.1} {:.1}", self.x_at(*x), self.y_at(*y)));
        let path = placed.collect::<Vec<_>>().join("L");
        if points.len() > 1 {
            let _ = write!(svg, "<path class=\"curve {}\" d=\"M{path}\"/>", curve.class);
        }
        if points.len() > 1 && curve.dots == Dots::Hidden {
            return;
        }
        let radius = if points.len() > 60 { 1.5 } else { 3.0 };
        for (x, y) in points {
            let (x, y) = (self.x_at(x), self.y_at(y));
            let _ = write!(
                svg,
                "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>",
                curve.class
            );
        }
    }

    /// Marks that fall on the same place are drawn once, so a rug of any length stays small.
    fn draw_rug(&self, rug: &Rug, svg: &mut String) {
        let (y, length) = match rug.edge {
            Edge::Top => (TOP - 10.0, 8),
            Edge::Bottom => (BOTTOM, -8),
        };
        let mut places: Vec<i64> = rug.at.iter().map(|x| (2.0 * self.x_at(*x)).round() as i64).collect();
        places.dedup();
        if places.is_empty() {
            return;
        }
        let path: String = places.iter().fold(String::new(), |mut path, place| {
            let _ = write!(path, "M{} {y}v{length}", *place as f64 / 2.0);
            path
        });
        let _ = write!(svg, "<path class=\"rug {}\" d=\"{path}\"/>", rug.class);
    }

    fn x_at(&self, value: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * self.x.place(value)
    }

    fn y_at(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * self.y.place(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Chart, Curve, Dots, Edge, Rug};
    use crate::axis::{Axis, Spacing};

    fn chart(points: Vec<(f64, f64)>, at: Vec<f64>) -> Chart {
        let y = Axis::around(points.iter().map(|(_, y)| *y), Spacing::Linear);
        let curves = vec![Curve { class: "loss", points, dots: Dots::Hidden }];
        let rugs = vec![Rug { class: "gated", edge: Edge::Bottom, at }];
        Chart { summary: "s".into(), x: Axis::exact(0.0, 1e5), y, curves, rugs, ..Chart::default() }
    }

    #[test]
    fn long_curves_and_rugs_stay_small() {
        let points: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), f64::from(i % 10))).collect();
        let all = points.iter().map(|(x, _)| *x).collect();
        assert!(chart(points, all).svg().len() < 50_000);
    }

    #[test]
    fn one_point_is_a_dot_and_none_is_an_empty_frame() {
        let one = chart(vec![(3.0, 0.5)], vec![]).svg();
        assert_eq!(one.matches("<circle").count(), 1);
        assert!(!one.contains("NaN") && !one.contains("rug"));
        let none = chart(vec![], vec![]).svg();
        assert!(none.contains("outer iteration") && !none.contains("curve") && !none.contains("NaN"));
    }
}
