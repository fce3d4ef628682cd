//! Results and inspections for tests.

use distil_stats::Summary;
use distil_store::{
    Activations, Distance, DrawnMap, EmbeddedPoint, Embedding, Evaluation, ImageKind, Inspection, MapPair,
    MeasuredSet, PaperFigure, Part, RowKind,
};

/// The kind whose title a test gave.
fn kind(name: &str) -> RowKind {
    let sets = Part::ALL.map(RowKind::Set);
    let kinds = [RowKind::Random, RowKind::Full].into_iter().chain(sets);
    kinds.into_iter().find(|kind| name.starts_with(&kind.to_string())).unwrap_or_default()
}

pub(crate) fn row(name: &str, images: usize, mean: f64, n: usize) -> Evaluation {
    let ci95 = (n > 1).then_some([mean - 0.01, mean + 0.01]);
    Evaluation {
        kind: kind(name),
        name: name.into(),
        arch: "convnet".to_owned(),
        protocol: String::new(),
        images,
        seen: None,
        epochs: 1000,
        lr: 0.01,
        accuracies: (0..n).map(|i| mean + 0.002 * (i as f64 - 0.5 * (n - 1) as f64)).collect(),
        diverged: 0,
        summary: Summary { n, mean, std: 0.004, ci95 },
        seconds: 12.0,
        key: String::new(),
        set: None,
        conditions: None,
        scores: None,
    }
}

pub(crate) fn paper() -> PaperFigure {
    PaperFigure { accuracy: 71.0, std: None, source: "A paper".into(), note: "best on the test split".into() }
}

/// A file with something in every part.
pub(crate) fn inspection() -> Inspection {
    let point = |i: u32, kind| EmbeddedPoint { at: [f64::from(i), f64::from(i * i)], class: i % 2, kind };
    let points = (0..6).map(|i| point(i, if i < 4 { ImageKind::Real } else { ImageKind::Synthetic }));
    let drawn = |area| DrawnMap { png: b"\x89PNG".to_vec(), area };
    Inspection {
        network: "an <expert>".into(),
        set: MeasuredSet { part: Part::Last, digest: "d".into() },
        embedding: Embedding { perplexity: 5.0, seed: 1, points: points.collect() },
        distances: [(0, 4.0), (20, 5.5)]
            .map(|(iteration, distance)| Distance { iteration, distance })
            .to_vec(),
        real_distance: Some(6.25),
        activations: vec![Activations::of("real", &[0.1, 0.9], 4), Activations::of("distilled", &[0.6], 4)],
        maps: vec![MapPair { number: 3, class: 1, before: Some(drawn(0.25)), after: drawn(0.5) }],
    }
}
