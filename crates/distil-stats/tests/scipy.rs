//! Agreement with SciPy and scikit-learn. `scipy_reference.json` is what `scipy_reference.py` printed once; its first
//! lines say how.

use distil_stats::{
    Bootstrap, Design, IntervalKind, Tally, hedges_g, kendall, paired, power, spearman, welch, wilcoxon,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Tables {
    two_samples: Vec<TwoSamples>,
    pairs: Vec<Pairs>,
    powers: Vec<Power>,
    bootstraps: Vec<Resampled>,
    classifications: Vec<Classification>,
}

#[derive(Deserialize)]
struct TwoSamples {
    a: Vec<f64>,
    b: Vec<f64>,
    welch: [f64; 3],
    ci95: [f64; 2],
    hedges_g: f64,
}

#[derive(Deserialize)]
struct Pairs {
    a: Vec<f64>,
    b: Vec<f64>,
    difference: Vec<f64>,
    paired: [f64; 3],
    wilcoxon: [f64; 2],
    spearman: [f64; 2],
    kendall: [f64; 2],
}

#[derive(Deserialize)]
struct Power {
    effect: f64,
    n: usize,
    independent: f64,
    paired: f64,
}

#[derive(Deserialize)]
struct Resampled {
    a: Vec<f64>,
    b: Vec<f64>,
    percentile: Intervals,
    bca: Intervals,
}

#[derive(Deserialize)]
struct Intervals {
    mean: [f64; 2],
    difference: [f64; 2],
}

#[derive(Deserialize)]
struct Classification {
    logits: Vec<f64>,
    labels: Vec<u32>,
    classes: usize,
    top5: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    macro_f1: f64,
    confusion: Vec<Vec<u64>>,
    nll: f64,
    brier: f64,
}

fn tables() -> Tables {
    serde_json::from_str(include_str!("scipy_reference.json")).expect("the table fits these types")
}

fn assert_near(got: &[f64], wanted: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (got, wanted) in got.iter().zip(wanted) {
        let error = (got - wanted).abs() / wanted.abs().max(1e-3);
        assert!(error <= tolerance, "{what}: {got} instead of {wanted}, error {error:.1e}");
    }
}

#[test]
fn two_samples() {
    for row in tables().two_samples {
        let what = format!("{} against {} values", row.a.len(), row.b.len());
        let got = welch(&row.a, &row.b).unwrap();
        assert_near(&[got.t, got.df, got.p], &row.welch, 1e-9, &what);
        assert_near(&got.ci95, &row.ci95, 1e-9, &what);
        let effect = hedges_g(&row.a, &row.b).unwrap().value();
        assert_near(&[effect], &[row.hedges_g], 1e-9, &what);
    }
}

#[test]
fn pairs() {
    for row in tables().pairs {
        let what = format!("{} pairs", row.a.len());
        let got = paired(&row.a, &row.b).unwrap();
        assert_near(&[got.t, got.df, got.p], &row.paired, 1e-9, &what);
        let got = wilcoxon(&row.difference, &vec![0.0; row.a.len()]).unwrap();
        assert_near(&[got.statistic, got.p], &row.wilcoxon, 1e-9, &what);
        let got = spearman(&row.a, &row.b).unwrap();
        assert_near(&[got.coefficient, got.p], &row.spearman, 1e-9, &what);
        let got = kendall(&row.a, &row.b).unwrap();
        assert_near(&[got.coefficient, got.p], &row.kendall, 1e-9, &what);
    }
}

#[test]
fn powers() {
    for row in tables().powers {
        let what = format!("effect {} with {} seeds", row.effect, row.n);
        assert_near(&[power(row.effect, row.n, Design::Independent)], &[row.independent], 1e-7, &what);
        assert_near(&[power(-row.effect, row.n, Design::Paired)], &[row.paired], 1e-7, &what);
    }
}

#[test]
fn bootstrap_intervals() {
    // Other random numbers: the ends agree as far as resampling scatters.
    let bootstrap = Bootstrap { resamples: 40_000, ..Bootstrap::default() };
    for row in tables().bootstraps {
        for (kind, wanted) in [(IntervalKind::Percentile, &row.percentile), (IntervalKind::Bca, &row.bca)] {
            let near = |got: [f64; 2], wanted: [f64; 2]| {
                let width = wanted[1] - wanted[0];
                got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 0.015 * width)
            };
            let got = bootstrap.of_mean(&row.a, kind).unwrap();
            assert!(near(got, wanted.mean), "{kind:?}: {got:?} instead of {:?}", wanted.mean);
            let got = bootstrap.of_difference(&row.a, &row.b, kind).unwrap();
            assert!(near(got, wanted.difference), "{kind:?}: {got:?} instead of {:?}", wanted.difference);
        }
    }
}

#[test]
fn classifications() {
    for row in tables().classifications {
        let what = format!("{} rows of {} classes", row.labels.len(), row.classes);
        let mut tally = Tally::new(row.classes);
        tally.add(&row.logits, &row.labels).unwrap();
        let got = tally.scores();
        assert_eq!(got.confusion, row.confusion, "{what}");
        assert_near(&[got.top5, got.macro_f1], &[row.top5, row.macro_f1], 1e-12, &what);
        assert_near(&got.precision, &row.precision, 1e-12, &what);
        assert_near(&got.recall, &row.recall, 1e-12, &what);
        assert_near(&got.f1, &row.f1, 1e-12, &what);
        let calibration = got.calibration.unwrap();
        assert_near(&[calibration.nll, calibration.brier], &[row.nll, row.brier], 1e-9, &what);
    }
}
