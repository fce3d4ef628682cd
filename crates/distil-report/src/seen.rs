//! The section on what a network sees in real and synthetic images.

use serde::Serialize;

use crate::axis::{Axis, Spacing};
use crate::chart::{Chart, Curve, Dots};
use crate::curves::{ChartView, Key};
use crate::scatter::Scatter;
use crate::table::significant;
use distil_store::{DrawnMap, Inspection};

/// The section as the page shows it.
#[derive(Debug, Serialize)]
pub(crate) struct SeenView {
    network: String,
    /// Which set, as in `best`.
    part: String,
    /// Whether the run has replaced that set since.
    outdated: bool,
    scatter: Scatter,
    charts: Vec<ChartView>,
    maps: Vec<MapView>,
    /// Mean discriminative area before and after, in words; empty without maps.
    gain: String,
}

#[derive(Debug, Serialize)]
struct MapView {
    name: String,
    number: usize,
    before: Option<String>,
    after: String,
    caption: String,
}

impl SeenView {
    /// Draws `inspection`; `current` says whether it is about the set that the run has now.
    pub(crate) fn of(inspection: &Inspection, names: &[String], current: Current) -> Self {
        let charts = [distance(inspection), activations(inspection)];
        Self {
            network: inspection.network.clone(),
            part: inspection.set.part.as_str().to_owned(),
            outdated: current == Current::No,
            scatter: Scatter::of(&inspection.embedding, names),
            charts: charts.into_iter().flatten().collect(),
            maps: maps(inspection, names),
            gain: gain(inspection),
        }
    }
}

/// Whether an inspection is of the set that the run has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Current {
    Yes,
    No,
}

fn distance(inspection: &Inspection) -> Option<ChartView> {
    let points: Vec<(f64, f64)> =
        inspection.distances.iter().map(|at| (at.iteration as f64, at.distance)).collect();
    let (last, _) = *points.last()?;
    let x = Axis::exact(0.0, last);
    let real = inspection.real_distance;
    let y = Axis::around(points.iter().map(|(_, y)| *y).chain(real), Spacing::Linear);
    let mut keys = vec![Key::new("step", "synthetic images")];
    let mut curves = vec![Curve { class: "step", points, dots: Dots::Shown }];
    if let Some(real) = real {
        curves.push(Curve {
            class: "reference",
            points: vec![(0.0, real), (last, real)],
            dots: Dots::Hidden,
        });
        keys.push(Key::new("reference", format!("real images: {}", significant(real))));
    }
    let summary = "mean distance between features of different classes".to_owned();
    let chart = Chart { summary, x, y, curves, ..Chart::default() };
    Some(ChartView { title: "Distance between classes".to_owned(), svg: chart.svg(), keys })
}

/// Classes of the style sheet for successive distributions.
const SPREADS: [&str; 3] = ["validation", "reference", "step"];

fn activations(inspection: &Inspection) -> Option<ChartView> {
    let spreads = &inspection.activations;
    let percent = |spread: &[f64]| -> Vec<(f64, f64)> {
        let n = spread.len() as f64;
        spread.iter().enumerate().map(|(i, share)| ((i as f64 + 0.5) / n, 100.0 * share)).collect()
    };
    let curves: Vec<Curve> = spreads
        .iter()
        .zip(SPREADS)
        .map(|(spread, class)| Curve { class, points: percent(&spread.shares), dots: Dots::Hidden })
        .collect();
    if curves.is_empty() {
        return None;
    }
    let values = curves.iter().flat_map(|curve| curve.points.iter().map(|(_, y)| *y));
    let y = Axis::around(values.chain([0.0]), Spacing::Linear);
    let keys = spreads.iter().zip(SPREADS).map(|(spread, class)| {
        let (mean, above) = (spread.mean, 100.0 * spread.above_half);
        Key::new(class, format!("{}: mean {mean:.2}, {above:.0} % at 0.5 or more", spread.name))
    });
    let keys = keys.collect();
    let summary = "distribution of activation".to_owned();
    let chart =
        Chart { summary, x_label: "activation", x: Axis::exact(0.0, 1.0), y, curves, ..Chart::default() };
    Some(ChartView { title: "Activation of pixels, % of all".to_owned(), svg: chart.svg(), keys })
}

fn maps(inspection: &Inspection, names: &[String]) -> Vec<MapView> {
    let view = |pair: &distil_store::MapPair| {
        let after = 100.0 * pair.after.area;
        let caption = match &pair.before {
            Some(before) => {
                let gain = after - 100.0 * before.area;
                format!("{:.1} % → {after:.1} % ({gain:+.1})", 100.0 * before.area).replace('-', "−")
            }
            None => format!("{after:.1} %"),
        };
        let class = pair.class as usize;
        MapView {
            name: names.get(class).cloned().unwrap_or_else(|| format!("class {class}")),
            number: pair.number,
            before: pair.before.as_ref().map(DrawnMap::uri),
            after: pair.after.uri(),
            caption,
        }
    };
    inspection.maps.iter().map(view).collect()
}

fn gain(inspection: &Inspection) -> String {
    let pairs: Vec<(f64, f64)> = inspection
        .maps
        .iter()
        .filter_map(|pair| Some((pair.before.as_ref()?.area, pair.after.area)))
        .collect();
    if pairs.is_empty() {
        return String::new();
    }
    let mean =
        |pick: fn(&(f64, f64)) -> f64| 100.0 * pairs.iter().map(pick).sum::<f64>() / pairs.len() as f64;
    let (before, after) = (mean(|pair| pair.0), mean(|pair| pair.1));
    format!(
        "Over these {} images, the discriminative area went from {before:.1} to {after:.1} %.",
        pairs.len()
    )
}

#[cfg(test)]
mod tests {
    use super::{Current, SeenView};
    use crate::testing::inspection;

    #[test]
    fn gains_are_of_images_whose_beginning_is_known() {
        let view = SeenView::of(&inspection(), &["cat".into(), "dog".into()], Current::Yes);
        assert_eq!(view.maps[0].caption, "25.0 % → 50.0 % (+25.0)");
        assert_eq!((view.maps[0].name.as_str(), view.maps[0].number), ("dog", 3));
        assert!(view.gain.contains("from 25.0 to 50.0 %"), "{}", view.gain);
        let mut without = inspection();
        without.maps[0].before = None;
        let view = SeenView::of(&without, &[], Current::No);
        assert_eq!((view.gain.as_str(), view.maps[0].caption.as_str()), ("", "50.0 %"));
        assert!(view.outdated);
    }

    #[test]
    fn charts_need_something_to_draw() {
        let view = SeenView::of(&inspection(), &[], Current::Yes);
        assert_eq!(view.charts.len(), 2);
        assert!(view.charts[1].svg.contains(">activation<") && view.charts[0].svg.contains("reference"));
        let mut empty = inspection();
        empty.distances.clear();
        empty.activations.clear();
        assert!(SeenView::of(&empty, &[], Current::Yes).charts.is_empty());
    }
}
