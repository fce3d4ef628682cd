//! Features in two dimensions, a colour a class.

use std::fmt::Write;

use serde::Serialize;

use distil_store::{EmbeddedPoint, Embedding, ImageKind};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 400.0;
/// Room for a mark at the edges.
const EDGE: f64 = 10.0;
/// The most classes that are named.
const NAMED: usize = 20;

/// A drawing of points. Names come from outside: the template writes, and escapes, them.
#[derive(Debug, Serialize)]
pub(crate) struct Scatter {
    pub(crate) svg: String,
    /// Colour and name of each class, where they are few enough.
    pub(crate) classes: Vec<(String, String)>,
    pub(crate) real: usize,
    pub(crate) synthetic: usize,
    pub(crate) perplexity: f64,
    pub(crate) seed: u64,
}

impl Scatter {
    /// Draws real images as small dots below synthetic ones, which are large and outlined. The scale of both axes is
    /// the same, and means nothing.
    pub(crate) fn of(embedding: &Embedding, names: &[String]) -> Self {
        let points = &embedding.points;
        let classes = points.iter().map(|point| point.class as usize + 1).max().unwrap_or(0);
        let count = |kind| points.iter().filter(|point| point.kind == kind).count();
        let named = if classes <= NAMED { classes } else { 0 };
        let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
        Self {
            svg: drawing(points, classes),
            classes: (0..named).map(|class| (colour(class, classes), name(class))).collect(),
            real: count(ImageKind::Real),
            synthetic: count(ImageKind::Synthetic),
            perplexity: embedding.perplexity,
            seed: embedding.seed,
        }
    }
}

fn drawing(points: &[EmbeddedPoint], classes: usize) -> String {
    let place = placement(points);
    let mut svg = format!(
        "<svg class=\"scatter\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{} images by features\">",
        points.len()
    );
    for (kind, class, radius) in [(ImageKind::Real, "real", 2.2), (ImageKind::Synthetic, "synthetic", 5.0)] {
        for point in points.iter().filter(|point| point.kind == kind) {
            let [x, y] = place(point.at);
            let fill = colour(point.class as usize, classes);
            let _ = write!(
                svg,
                "<circle class=\"{class}\" fill=\"{fill}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Where positions are on the drawing.
fn placement(points: &[EmbeddedPoint]) -> impl Fn([f64; 2]) -> [f64; 2] {
    let end = |axis: usize, pick: fn(f64, f64) -> f64, start: f64| {
        points.iter().map(|point| point.at[axis]).filter(|value| value.is_finite()).fold(start, pick)
    };
    let low = [0, 1].map(|axis| end(axis, f64::min, f64::INFINITY));
    let high = [0, 1].map(|axis| end(axis, f64::max, f64::NEG_INFINITY));
    let span = |axis: usize| (high[axis] - low[axis]).max(f64::MIN_POSITIVE);
    let scale = ((WIDTH - 2.0 * EDGE) / span(0)).min((HEIGHT - 2.0 * EDGE) / span(1));
    move |at| {
        let middle = [WIDTH / 2.0, HEIGHT / 2.0];
        [0, 1].map(|axis| {
            let offset = scale * (at[axis] - f64::midpoint(low[axis], high[axis]));
            if offset.is_finite() { middle[axis] + offset } else { middle[axis] }
        })
    }
}

/// Hues around the circle; neighbours differ in lightness too. Both read on white and on black.
fn colour(class: usize, classes: usize) -> String {
    let hue = 360.0 * class as f64 / classes.max(1) as f64;
    let light = if class.is_multiple_of(2) { 46 } else { 62 };
    format!("hsl({hue:.0} 68% {light}%)")
}

#[cfg(test)]
mod tests {
    use super::Scatter;
    use crate::testing::inspection;
    use distil_store::{EmbeddedPoint, Embedding};

    #[test]
    fn synthetic_images_lie_above_real_ones_inside_the_drawing() {
        let scatter = Scatter::of(&inspection().embedding, &["cat".into()]);
        assert_eq!((scatter.real, scatter.synthetic), (4, 2));
        let last_real = scatter.svg.rfind("class=\"real\"").unwrap();
        assert!(scatter.svg.find("class=\"synthetic\"").unwrap() > last_real);
        let names: Vec<&str> = scatter.classes.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["cat", "class 1"]);
        for piece in scatter.svg.split("cx=\"").skip(1) {
            let x: f64 = piece.split('"').next().unwrap().parse().unwrap();
            assert!((0.0..=520.0).contains(&x), "{x}");
        }
    }

    #[test]
    fn one_place_and_many_classes_are_no_trouble() {
        let mut embedding: Embedding = inspection().embedding;
        let one: EmbeddedPoint = EmbeddedPoint { class: 99, at: [1.0, 1.0], ..embedding.points[0] };
        embedding.points = vec![one; 3];
        let scatter = Scatter::of(&embedding, &[]);
        assert!(!scatter.svg.contains("NaN") && !scatter.svg.contains("inf"));
        assert!(scatter.classes.is_empty());
        embedding.points.clear();
        assert!(!Scatter::of(&embedding, &[]).svg.contains("circle"));
    }
}
