//! One sample.

use serde::{Deserialize, Serialize};

use crate::distributions::student_quantile;

/// Mean and spread of repeated measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of measurements.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1); 0 for a single measurement.
    pub std: f64,
    /// 95% confidence interval of the mean (Student t); absent for a single measurement.
    pub ci95: Option<[f64; 2]>,
}

impl Summary {
    /// Summarises at least one measurement; `None` for none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = mean(values);
        if n == 1 {
            return Some(Self { n, mean, std: 0.0, ci95: None });
        }
        let std = variance(values).sqrt();
        let half = student_quantile(0.975, (n - 1) as f64) * std / (n as f64).sqrt();
        Some(Self { n, mean, std, ci95: Some([mean - half, mean + half]) })
    }
}

impl Summary {
    /// Summarises at least one share, such as accuracies: the interval ends where shares do, at 0 and 1.
    pub fn of_shares(values: &[f64]) -> Option<Self> {
        let summary = Self::of(values)?;
        let ci95 = summary.ci95.map(|ends| ends.map(|end| end.clamp(0.0, 1.0)));
        Some(Self { ci95, ..summary })
    }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    // Sorted, so that no digit depends on the order of the measurements.
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.iter().sum::<f64>() / values.len() as f64
}

/// Sample variance (n − 1) of at least two values; exactly 0 where they are all equal.
pub(crate) fn variance(values: &[f64]) -> f64 {
    if values.iter().all(|value| *value == values[0]) {
        return 0.0;
    }
    let mean = mean(values);
    let mut squares: Vec<f64> = values.iter().map(|value| (value - mean).powi(2)).collect();
    squares.sort_by(f64::total_cmp);
    squares.iter().sum::<f64>() / (values.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn interval_is_students() {
        // t(0.975, 4) = 2.776445105; the sample 1..5 has standard deviation √2.5.
        let got = Summary::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let half = 2.776_445_105_197_793 * (2.5f64 / 5.0).sqrt();
        assert!((got.mean - 3.0).abs() < 1e-12 && (got.std - 2.5f64.sqrt()).abs() < 1e-12);
        let [low, high] = got.ci95.unwrap();
        assert!((low - (3.0 - half)).abs() < 1e-11 && (high - (3.0 + half)).abs() < 1e-11);
    }

    #[test]
    fn intervals_of_shares_stay_inside() {
        let [low, high] = Summary::of(&[0.9, 1.0]).unwrap().ci95.unwrap();
        assert!(high > 1.0);
        let share = Summary::of_shares(&[0.9, 1.0]).unwrap();
        assert_eq!((share.ci95, share.mean), (Some([low, 1.0]), 0.95));
        assert_eq!(Summary::of_shares(&[0.0, 0.1]).unwrap().ci95.unwrap()[0].to_bits(), 0.0f64.to_bits());
        assert_eq!(Summary::of_shares(&[0.5]).unwrap().ci95, None);
    }

    #[test]
    fn one_value_has_no_interval_and_none_has_no_summary() {
        assert_eq!(Summary::of(&[0.5]).and_then(|s| s.ci95), None);
        assert_eq!(Summary::of(&[]), None);
        let equal = Summary::of(&[0.1; 3]).unwrap();
        assert_eq!(equal.std.to_bits(), 0.0f64.to_bits());
    }
}
