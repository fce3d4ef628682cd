//! Figures of complexity, one file each: distributions as bars, and easy next to hard subsets.

use std::fmt::Write;

use crate::axis::{Axis, Spacing};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 624.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 300.0;

/// Colours follow the reader's light or dark mode; a file has no page to take them from.
const STYLE: &str = "<style>:root{--ink:#1c2430;--grid:#d8dde5;--paper:#fff;--a:#3f7cac;--b:#c4562f}\
    @media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--grid:#3a4452;--paper:#12171e;--a:#7db4dd;--b:#ec8d67}}\
    text{font:13px system-ui,sans-serif;fill:var(--ink)}.title{font-size:15px;font-weight:600}\
    .mid{text-anchor:middle}.end{text-anchor:end}.grid{stroke:var(--grid);fill:none}.axis{stroke:var(--ink);fill:none}\
    .a{fill:var(--a)}.b{fill:var(--b)}.error{stroke:var(--ink);stroke-width:1.5;fill:none}.paper{fill:var(--paper)}</style>";

/// How often values of equal stretches of an axis occur.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// What the figure shows.
    pub title: String,
    /// What lies along the axis.
    pub x_label: String,
    /// What is counted.
    pub y_label: String,
    /// Where the first bin begins and the last one ends.
    pub range: [f64; 2],
    /// Height of each bin.
    pub bins: Vec<f64>,
}

/// Easy next to hard for each category.
#[derive(Debug, Clone, PartialEq)]
pub struct EasyHard {
    /// What the figure shows.
    pub title: String,
    /// What lies along the vertical axis.
    pub y_label: String,
    /// The categories.
    pub categories: Vec<EasyHardBars>,
}

/// The bars of a category: a value and its standard error each.
#[derive(Debug, Clone, PartialEq)]
pub struct EasyHardBars {
    /// Its name.
    pub name: String,
    /// The easy subset.
    pub easy: (f64, Option<f64>),
    /// The hard subset.
    pub hard: (f64, Option<f64>),
}

impl Distribution {
    /// Counts `values` into `bins` stretches of the range they span.
    pub fn of(title: &str, x_label: &str, y_label: &str, values: &[f64], bins: usize) -> Self {
        let axis = Axis::around(values.iter().copied(), Spacing::Linear);
        let range = axis.ends();
        let mut heights = vec![0.0; bins.max(1)];
        let last = heights.len() - 1;
        for value in values {
            heights[((axis.place(*value) * bins as f64) as usize).min(last)] += 1.0;
        }
        let [title, x_label, y_label] = [title, x_label, y_label].map(str::to_owned);
        Self { title, x_label, y_label, range, bins: heights }
    }

    /// The figure as a file.
    pub fn svg(&self) -> String {
        self.draw(STYLE)
    }

    /// The figure for a page that has its style.
    pub(crate) fn inline(&self) -> String {
        self.draw("")
    }

    fn draw(&self, style: &str) -> String {
        let x = Axis::exact(self.range[0], self.range[1]);
        let top = self.bins.iter().copied().fold(0.0, f64::max);
        let y = Axis::exact(0.0, if top > 0.0 { 1.08 * top } else { 1.0 });
        let mut svg = open(&self.title, style);
        draw_y(&mut svg, &y, &self.y_label);
        for (value, text) in x.marks(8) {
            let at = LEFT + (RIGHT - LEFT) * x.place(value);
            let _ = write!(svg, "<text class=\"mid\" x=\"{at:.1}\" y=\"{}\">{text}</text>", BOTTOM + 18.0);
        }
        let wide = (RIGHT - LEFT) / self.bins.len().max(1) as f64;
        for (bin, height) in self.bins.iter().enumerate() {
            bar(&mut svg, "a", [LEFT + bin as f64 * wide + 0.5, (wide - 1.0).max(0.5)], y_at(&y, *height));
        }
        let (middle, under) = (f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0);
        let label = escaped(&self.x_label);
        let _ = write!(svg, "<text class=\"mid\" x=\"{middle}\" y=\"{under}\">{label}</text>");
        close(svg)
    }
}

impl EasyHard {
    /// The figure as a file.
    pub fn svg(&self) -> String {
        self.draw(STYLE)
    }

    /// The figure for a page that has its style.
    pub(crate) fn inline(&self) -> String {
        self.draw("")
    }

    fn draw(&self, style: &str) -> String {
        let ends = |(value, error): (f64, Option<f64>)| {
            let error = error.unwrap_or(0.0);
            [value - error, value + error]
        };
        let all = self.categories.iter().flat_map(|one| [ends(one.easy), ends(one.hard)].concat());
        // Bars have to begin at zero, or their lengths lie.
        let y = Axis::around(all.chain([0.0]), Spacing::Linear);
        let mut svg = open(&self.title, style);
        draw_y(&mut svg, &y, &self.y_label);
        let wide = (RIGHT - LEFT) / self.categories.len().max(1) as f64;
        for (at, one) in self.categories.iter().enumerate() {
            let middle = LEFT + (at as f64 + 0.5) * wide;
            let each = (0.36 * wide).min(60.0);
            for (class, left, value) in [("a", middle - each, one.easy), ("b", middle, one.hard)] {
                bar(&mut svg, class, [left + 1.0, each - 2.0], y_at(&y, value.0));
                let ([low, high], centre) = (ends(value).map(|end| y_at(&y, end)), left + each / 2.0);
                if value.1.is_some() {
                    let _ = write!(svg, "<path class=\"error\" d=\"M{centre:.1} {low:.1}V{high:.1}\"/>");
                }
            }
            let name = escaped(&one.name);
            let _ =
                write!(svg, "<text class=\"mid\" x=\"{middle:.1}\" y=\"{}\">{name}</text>", BOTTOM + 18.0);
        }
        for (class, name, x) in [("a", "easy", 270.0), ("b", "hard", 350.0)] {
            let y = BOTTOM + 32.0;
            let _ = write!(svg, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\"/>");
            let _ = write!(svg, "<text x=\"{}\" y=\"{}\">{name}</text>", x + 18.0, y + 11.0);
        }
        close(svg)
    }
}

fn open(title: &str, style: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\
         {style}<rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\
         <text class=\"title\" x=\"{LEFT}\" y=\"20\">{title}</text>"
    )
}

fn close(mut svg: String) -> String {
    let _ = writeln!(svg, "<path class=\"axis\" d=\"M{LEFT} {BOTTOM}H{RIGHT}\"/></svg>");
    svg
}

fn draw_y(svg: &mut String, y: &Axis, label: &str) {
    for (value, text) in y.marks(5) {
        let at = y_at(y, value);
        let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>");
        let _ = write!(svg, "<text class=\"end\" x=\"{}\" y=\"{:.1}\">{text}</text>", LEFT - 8.0, at + 4.5);
    }
    let label = escaped(label);
    let _ = write!(svg, "<text x=\"{LEFT}\" y=\"{}\">{label}</text>", TOP - 6.0);
}

fn y_at(y: &Axis, value: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * y.place(value)
}

fn bar(svg: &mut String, class: &str, [left, wide]: [f64; 2], top: f64) {
    let high = BOTTOM - top;
    let _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\"/>"
    );
}

/// Names of categories and data come from outside.
fn escaped(text: &str) -> String {
    let plain = text.chars().filter(|character| !character.is_control()).collect::<String>();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_one_bin_and_names_cannot_leave_the_text() {
        let figure = Distribution::of("a <b> & \"c\"", "x", "classes", &[0.2, 0.3, 0.9, 0.9], 7);
        assert!((figure.bins.iter().sum::<f64>() - 4.0).abs() < 1e-12);
        let svg = figure.svg();
        assert!(svg.contains("a &lt;b&gt; &amp; &quot;c&quot;") && !svg.contains("<b>"), "{svg}");
        assert_eq!(svg.matches("<rect class=\"a\"").count(), 7);
        assert!(!Distribution::of("", "", "", &[], 0).svg().contains("NaN"));
    }

    #[test]
    fn higher_values_have_longer_bars_from_zero() {
        let bars = |easy, hard| EasyHardBars {
            name: "bird".to_owned(),
            easy: (easy, Some(0.01)),
            hard: (hard, None),
        };
        let figure =
            EasyHard { title: "t".to_owned(), y_label: "y".to_owned(), categories: vec![bars(0.3, 0.6)] };
        let svg = figure.svg();
        let heights: Vec<f64> = svg
            .split("<rect class=\"")
            .filter_map(|part| part.split_once("height=\"")?.1.split('"').next()?.parse().ok())
            .filter(|height| *height != HEIGHT && *height != 12.0)
            .collect();
        assert!(heights.len() == 2 && (heights[1] / heights[0] - 2.0).abs() < 0.01, "{heights:?}");
        assert_eq!(svg.matches("class=\"error\"").count(), 1);
    }
}
