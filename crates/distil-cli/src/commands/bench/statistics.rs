//! Medians, spreads and exponents.

use serde::Serialize;

/// Median and extremes of some measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Of at least one finite number.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (n, half) = (sorted.len(), sorted.len() / 2);
        let median = if n % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) };
        Self { median, min: sorted[0], max: sorted[n - 1] }
    }
}

/// The exponent p of y ≈ c·xᵖ by least squares in the logarithms; `None` with fewer than two different x, or a
/// number that has no logarithm.
pub(super) fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.iter().any(|(x, y)| *x <= 0.0 || *y <= 0.0) {
        return None;
    }
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / n;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::{Spread, exponent};

    #[test]
    fn medians_and_extremes() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 8.0]).median, 3.0);
    }

    #[test]
    fn exponents_of_power_laws() {
        let square: Vec<(f64, f64)> = [1.0, 2.0, 5.0].map(|x: f64| (x, 3.0 * x * x)).to_vec();
        assert!((exponent(&square).expect("a fit") - 2.0).abs() < 1e-12);
        assert_eq!(exponent(&[(2.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(exponent(&[(1.0, 1.0), (2.0, 0.0)]), None);
    }
}
