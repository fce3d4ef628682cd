//! What must hold for any measurements.

use distil_random::{Stream, below, normal, shuffle, stream};
use distil_stats::{
    Bootstrap, Design, IntervalKind, Summary, Tally, dz, hedges_g, holm, kendall, paired, spearman, verdict,
    welch, wilcoxon,
};

const CASES: u64 = 40;

/// Measurements with ties, of a size between 3 and 14.
fn sample(rng: &mut Stream, n: usize) -> Vec<f64> {
    (0..n).map(|_| f64::from((normal(rng) * 20.0).round()) / 16.0).collect()
}

/// Calls `check` with many pairs of samples of equal length.
fn for_pairs(purpose: &str, mut check: impl FnMut(&[f64], &[f64], &mut Stream)) {
    for case in 0..CASES {
        let mut rng = stream(5, purpose, case);
        let n = 3 + below(&mut rng, 12);
        let (a, b) = (sample(&mut rng, n), sample(&mut rng, n));
        check(&a, &b, &mut rng);
    }
}

fn shuffled(values: &[f64], rng: &mut Stream) -> Vec<f64> {
    let mut values = values.to_vec();
    shuffle(rng, &mut values);
    values
}

#[test]
fn the_order_of_measurements_changes_no_digit() {
    for_pairs("order", |a, b, rng| {
        let (c, d) = (shuffled(a, rng), shuffled(b, rng));
        assert_eq!(Summary::of(a), Summary::of(&c));
        assert_eq!(welch(a, b), welch(&c, &d));
        assert_eq!(hedges_g(a, b), hedges_g(&c, &d));
        let sentence = |a: &[f64], b: &[f64]| verdict(("A", a), ("B", b), Design::Independent);
        assert_eq!(sentence(a, b), sentence(&c, &d));
        let bootstrap = Bootstrap { resamples: 50, ..Bootstrap::default() };
        assert_eq!(
            bootstrap.of_mean(a, IntervalKind::Percentile),
            bootstrap.of_mean(&c, IntervalKind::Percentile)
        );
    });
}

#[test]
fn the_order_of_pairs_changes_nothing() {
    for_pairs("pairs", |a, b, rng| {
        let mut pairs: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
        shuffle(rng, &mut pairs);
        let (c, d): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        assert_eq!(paired(a, b), paired(&c, &d));
        assert_eq!(dz(a, b), dz(&c, &d));
        assert_eq!(wilcoxon(a, b), wilcoxon(&c, &d));
        assert_eq!(spearman(a, b), spearman(&c, &d));
        assert_eq!(kendall(a, b), kendall(&c, &d));
    });
}

#[test]
fn sides_can_be_swapped() {
    for_pairs("sides", |a, b, _| {
        if let (Ok(ab), Ok(ba)) = (welch(a, b), welch(b, a)) {
            assert_eq!((ab.t, ab.p), (-ba.t, ba.p));
        }
        if let (Ok(ab), Ok(ba)) = (paired(a, b), paired(b, a)) {
            assert_eq!((ab.t, ab.p), (-ba.t, ba.p));
        }
        assert_eq!(wilcoxon(a, b), wilcoxon(b, a));
        assert_eq!(kendall(a, b), kendall(b, a));
    });
}

#[test]
fn ranks_see_only_order_and_tests_only_scale() {
    for_pairs("scale", |a, b, _| {
        let stretch = |values: &[f64]| values.iter().map(|v| v.exp()).collect::<Vec<f64>>();
        assert_eq!(spearman(a, b), spearman(&stretch(a), &stretch(b)));
        assert_eq!(kendall(a, b), kendall(&stretch(a), &stretch(b)));
        // Powers of two scale without rounding.
        let scale = |values: &[f64]| values.iter().map(|v| 8.0 * v).collect::<Vec<f64>>();
        if let (Ok(before), Ok(after)) = (welch(a, b), welch(&scale(a), &scale(b))) {
            assert_eq!((before.t, before.df, before.p), (after.t, after.df, after.p));
        }
        assert_eq!(wilcoxon(a, b), wilcoxon(&scale(a), &scale(b)));
    });
}

#[test]
fn intervals_and_p_values_agree() {
    for_pairs("agreement", |a, b, _| {
        for test in [welch(a, b), paired(a, b)].into_iter().flatten() {
            let [low, high] = test.ci95;
            assert!(low <= test.difference && test.difference <= high);
            assert!((0.0..=1.0).contains(&test.p));
            assert_eq!(test.p < 0.05, low > 0.0 || high < 0.0, "{test:?}");
        }
    });
}

#[test]
fn intervals_cover_as_often_as_they_say() {
    let trials = 4000;
    let covered = (0..trials)
        .filter(|&trial| {
            let mut rng = stream(0, "coverage", trial);
            let values: Vec<f64> = (0..5).map(|_| f64::from(normal(&mut rng))).collect();
            let [low, high] = Summary::of(&values).and_then(|summary| summary.ci95).expect("an interval");
            low <= 0.0 && 0.0 <= high
        })
        .count();
    let share = covered as f64 / trials as f64;
    // Three standard deviations of a binomial share.
    assert!((share - 0.95).abs() < 0.011, "{share}");
}

#[test]
fn holm_lies_between_no_correction_and_bonferroni() {
    for_pairs("holm", |a, b, rng| {
        let p: Vec<f64> = a.iter().zip(b).map(|(a, b)| (0.3 * (a - b).abs()).min(1.0)).collect();
        let adjusted = holm(&p);
        for (p, adjusted) in p.iter().zip(&adjusted) {
            assert!(p <= adjusted && *adjusted <= (p * a.len() as f64).min(1.0));
        }
        let mut order: Vec<usize> = (0..p.len()).collect();
        shuffle(rng, &mut order);
        let again = holm(&order.iter().map(|&i| p[i]).collect::<Vec<_>>());
        assert_eq!(again, order.iter().map(|&i| adjusted[i]).collect::<Vec<_>>());
    });
}

#[test]
fn renaming_classes_renames_their_scores() {
    for case in 0..CASES {
        let mut rng = stream(6, "classes", case);
        let (n, k) = (1 + below(&mut rng, 30), 2 + below(&mut rng, 7));
        let scores: Vec<f64> = (0..n * k).map(|_| f64::from(normal(&mut rng))).collect();
        let labels: Vec<u32> = (0..n).map(|_| below(&mut rng, k) as u32).collect();
        let mut names: Vec<usize> = (0..k).collect();
        shuffle(&mut rng, &mut names);
        let mut renamed = vec![0.0; n * k];
        for (index, score) in scores.iter().enumerate() {
            renamed[index / k * k + names[index % k]] = *score;
        }
        let relabelled: Vec<u32> = labels.iter().map(|&label| names[label as usize] as u32).collect();
        let tally = |scores: &[f64], labels: &[u32]| {
            let mut tally = Tally::new(k);
            tally.add(scores, labels).expect("rows fit");
            tally.scores()
        };
        let (before, after) = (tally(&scores, &labels), tally(&renamed, &relabelled));
        assert_eq!((before.top1, before.top5), (after.top1, after.top5));
        for (class, &there) in names.iter().enumerate() {
            assert_eq!(before.precision[class].to_bits(), after.precision[there].to_bits());
            assert_eq!(before.recall[class].to_bits(), after.recall[there].to_bits());
        }
        let correct: u64 = (0..k).map(|class| before.confusion[class][class]).sum();
        assert!((before.top1 - correct as f64 / n as f64).abs() < 1e-12);
    }
}
