use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

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
        let mean = values.iter().sum::<f64>() / n as f64;
        if n == 1 {
            return Some(Self { n, mean, std: 0.0, ci95: None });
        }
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let std = (squares / (n - 1) as f64).sqrt();
        let t = StudentsT::new(0.0, 1.0, (n - 1) as f64).expect("degrees of freedom are positive");
        let half = t.inverse_cdf(0.975) * std / (n as f64).sqrt();
        Some(Self { n, mean, std, ci95: Some([mean - half, mean + half]) })
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn interval_is_students() {
        // t(0.975, 4) = 2.776445; the sample 1..5 has standard deviation sqrt(2.5).
        let got = Summary::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five values");
        let half = 2.776_445_105 * (2.5f64 / 5.0).sqrt();
        assert!((got.mean - 3.0).abs() < 1e-12 && (got.std - 2.5f64.sqrt()).abs() < 1e-12);
        let [low, high] = got.ci95.expect("an interval");
        assert!((low - (3.0 - half)).abs() < 1e-6 && (high - (3.0 + half)).abs() < 1e-6);
    }

    #[test]
    fn one_value_has_no_interval_and_none_has_no_summary() {
        assert_eq!(Summary::of(&[0.5]).and_then(|s| s.ci95), None);
        assert_eq!(Summary::of(&[]), None);
    }
}
