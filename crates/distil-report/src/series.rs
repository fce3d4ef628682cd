//! Curves made fit for drawing: smoothed, and thinned out.

/// The most points of a drawn curve.
pub(crate) const MOST_POINTS: usize = 2000;

/// Thins `points` (sorted by x) to at most `most` by keeping the lowest and the highest of each stretch, so that
/// every peak stays visible.
pub(crate) fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(most / 2);
    let mut kept = Vec::with_capacity(most);
    for piece in points.chunks(stretch) {
        let index_of = |pick: fn(f64, f64) -> bool| {
            (0..piece.len()).fold(0, |best, i| if pick(piece[i].1, piece[best].1) { i } else { best })
        };
        let (low, high) = (index_of(|a, b| a < b), index_of(|a, b| a > b));
        kept.push(piece[low.min(high)]);
        if low != high {
            kept.push(piece[low.max(high)]);
        }
    }
    kept
}

/// How many neighbours a smoothed curve of `n` points averages over: odd, about a twenty-fifth of the curve.
pub(crate) fn window(n: usize) -> usize {
    (n / 25).max(5) | 1
}

/// Centred moving mean over `window` points. Towards the ends it reaches over fewer points, the same number on both
/// sides (or it would lean); where that leaves less than a quarter of the window, the curve says nothing.
pub(crate) fn smoothed(points: &[(f64, f64)], window: usize) -> Vec<(f64, f64)> {
    let mut sums = Vec::with_capacity(points.len() + 1);
    sums.push(0.0);
    for (_, y) in points {
        sums.push(sums[sums.len() - 1] + y);
    }
    let half = window / 2;
    let mean = |(i, (x, _)): (usize, &(f64, f64))| {
        let reach = half.min(i).min(points.len() - 1 - i);
        let mean = (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1) as f64;
        (4 * reach >= half).then_some((*x, mean))
    };
    points.iter().enumerate().filter_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::{MOST_POINTS, smoothed, thinned, window};

    #[test]
    fn thinning_keeps_peaks_and_order() {
        let mut points: Vec<(f64, f64)> = (0..123_457).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        points[50_000].1 = 1e6;
        points[70_001].1 = -1e6;
        let thin = thinned(&points, MOST_POINTS);
        assert!(thin.len() <= MOST_POINTS && thin.len() > MOST_POINTS / 2);
        assert!(thin.contains(&(50_000.0, 1e6)) && thin.contains(&(70_001.0, -1e6)));
        assert!(thin.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(thinned(&points[..10], MOST_POINTS), points[..10]);
        assert_eq!(thinned(&[], MOST_POINTS), []);
    }

    #[test]
    fn smoothing_keeps_a_straight_line() {
        let line: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), 2.0 * f64::from(i) - 3.0)).collect();
        let smooth = smoothed(&line, window(50));
        assert!(smooth.len() > 40);
        assert!(smooth.iter().all(|(x, y)| (y - (2.0 * x - 3.0)).abs() < 1e-9));
        assert_eq!(smoothed(&[], 5), []);
    }

    #[test]
    fn a_last_outlier_does_not_become_the_end_of_the_smooth_curve() {
        let mut points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 1.0)).collect();
        points[999].1 = 100.0;
        assert!(smoothed(&points, window(1000)).iter().all(|(_, y)| *y < 12.0));
    }
}
