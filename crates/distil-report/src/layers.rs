//! What common-pattern dropout leaves out of the loss, layer by layer.

use std::fmt::Write;

use serde::Serialize;

use crate::history::Dropout;
use crate::wording::grouped;

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 26.0;
/// The most layers that are listed, those that lose most first.
const LISTED: usize = 40;

/// The table of layers.
#[derive(Debug, Serialize)]
pub(crate) struct LayersView {
    pub(crate) rows: Vec<LayerRow>,
    /// Layers that there are.
    pub(crate) layers: usize,
    /// How often it was logged, and the share of all scalars that was dropped, in percent.
    pub(crate) logged: usize,
    pub(crate) overall: String,
}

/// One parameter tensor. Its name comes from outside.
#[derive(Debug, Serialize)]
pub(crate) struct LayerRow {
    pub(crate) name: String,
    pub(crate) scalars: String,
    /// Mean share of its scalars that was dropped, in percent.
    pub(crate) share: String,
    /// Share of the dropped scalars that are this layer's, in percent.
    pub(crate) part: String,
    /// The share over iterations, 0 to 100 % from bottom to top.
    pub(crate) course: String,
}

impl LayersView {
    /// The layers in their order from image to logits; of many, those with the largest shares. `None` without dropout.
    pub(crate) fn of(history: &[Dropout]) -> Option<Self> {
        let last = history.last()?;
        // A log that was made by hand may change its mind; only entries with the same layers are added up.
        let like: Vec<&Dropout> = history.iter().filter(|entry| entry.layers == last.layers).collect();
        let all_dropped: f64 = like.iter().flat_map(|entry| &entry.dropped).sum();
        let all: f64 = like.iter().flat_map(|entry| &entry.sizes).sum();
        let mean =
            |layer: usize| like.iter().map(|entry| entry.share(layer)).sum::<f64>() / like.len() as f64;
        let mut order: Vec<usize> = (0..last.layers.len()).collect();
        if order.len() > LISTED {
            order.sort_by(|a, b| mean(*b).total_cmp(&mean(*a)));
            order.truncate(LISTED);
            order.sort_unstable();
        }
        let row = |layer: usize| {
            let dropped: f64 = like.iter().map(|entry| entry.dropped[layer]).sum();
            LayerRow {
                name: last.layers[layer].clone(),
                scalars: grouped(last.sizes[layer] as usize),
                share: format!("{:.1}", 100.0 * mean(layer)),
                part: format!("{:.1}", 100.0 * dropped / all_dropped.max(1.0)),
                course: course(&like.iter().map(|entry| entry.share(layer)).collect::<Vec<_>>()),
            }
        };
        Some(Self {
            rows: order.into_iter().map(row).collect(),
            layers: last.layers.len(),
            logged: like.len(),
            overall: format!("{:.1}", 100.0 * all_dropped / all.max(1.0)),
        })
    }
}

/// A small curve of shares.
fn course(shares: &[f64]) -> String {
    let x = |index: usize| WIDTH * (index as f64 + 0.5) / shares.len() as f64;
    let y = |share: f64| 1.0 + (HEIGHT - 2.0) * (1.0 - share.clamp(0.0, 1.0));
    let mut svg = format!(
        "<svg class=\"course\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\"><path class=\"grid\" d=\"M0 {}H{WIDTH}M0 1H{WIDTH}\"/>",
        HEIGHT - 1.0
    );
    let points: Vec<String> =
        shares.iter().enumerate().map(|(i, share)| format!("{:.1} {:.1}", x(i), y(*share))).collect();
    if let [only] = shares {
        let _ =
            write!(svg, "<circle class=\"dot step\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"/>", x(0), y(*only));
    } else {
        let _ = write!(svg, "<path class=\"curve step\" d=\"M{}\"/>", points.join("L"));
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::LayersView;
    use crate::history::Dropout;

    fn entry(iteration: f64, dropped: &[f64]) -> Dropout {
        let layers = (0..dropped.len()).map(|i| format!("layer{i}")).collect();
        Dropout { iteration, layers, dropped: dropped.to_vec(), sizes: vec![10.0; dropped.len()] }
    }

    #[test]
    fn shares_are_means_over_the_log() {
        let view = LayersView::of(&[entry(1.0, &[10.0, 0.0]), entry(2.0, &[5.0, 5.0])]).unwrap();
        assert_eq!((view.overall.as_str(), view.logged), ("50.0", 2));
        let rows: Vec<_> = view.rows.iter().map(|row| (row.share.as_str(), row.part.as_str())).collect();
        assert_eq!(rows, [("75.0", "75.0"), ("25.0", "25.0")]);
        assert!(view.rows[0].course.contains("curve step") && !view.rows[0].course.contains("NaN"));
        assert!(LayersView::of(&[]).is_none());
    }

    #[test]
    fn of_many_layers_those_that_lose_most_are_listed_in_their_order() {
        let dropped: Vec<f64> = (0..60).map(|i| f64::from(i % 10)).collect();
        let view = LayersView::of(&[entry(1.0, &dropped)]).unwrap();
        assert_eq!((view.rows.len(), view.layers), (40, 60));
        assert!(!view.rows.iter().any(|row| row.name == "layer0" || row.name == "layer53"));
        assert_eq!(view.rows[0].name, "layer3", "of equal ones the earlier");
        assert!(view.rows[0].course.contains("circle"));
    }
}
