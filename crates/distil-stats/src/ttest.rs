//! Student's tests of a difference between means.

use serde::{Deserialize, Serialize};

use crate::distributions::{student_quantile, student_two_sided};
use crate::error::{StatsError, check, differences};
use crate::summary::{mean, variance};

/// Result of a t test of mean(a) − mean(b) = 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TTest {
    /// mean(a) − mean(b).
    pub difference: f64,
    /// The statistic: the difference over its standard error.
    pub t: f64,
    /// Degrees of freedom; Welch's need not be whole.
    pub df: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// 95% confidence interval of the difference.
    pub ci95: [f64; 2],
}

impl TTest {
    fn new(difference: f64, standard_error: f64, df: f64) -> Self {
        let t = difference / standard_error;
        let half = student_quantile(0.975, df) * standard_error;
        let ci95 = [difference - half, difference + half];
        Self { difference, t, df, p: student_two_sided(t, df), ci95 }
    }
}

/// Welch's t test of two independent samples, whose variances may differ.
///
/// # Errors
/// [`StatsError::TooFew`] below two values on a side, [`StatsError::NotFinite`], and [`StatsError::NoSpread`] when both
/// samples are constant.
pub fn welch(a: &[f64], b: &[f64]) -> Result<TTest, StatsError> {
    const WHAT: &str = "Welch's t test";
    check(a, WHAT, 2)?;
    check(b, WHAT, 2)?;
    let part = |values: &[f64]| variance(values) / values.len() as f64;
    let (of_a, of_b) = (part(a), part(b));
    let total = of_a + of_b;
    if total == 0.0 {
        return Err(StatsError::NoSpread { what: WHAT });
    }
    // Shares first: squares of small variances would leave the numbers.
    let share = |part: f64, n: usize| (part / total).powi(2) / (n - 1) as f64;
    let df = 1.0 / (share(of_a, a.len()) + share(of_b, b.len()));
    Ok(TTest::new(mean(a) - mean(b), total.sqrt(), df))
}

/// Student's t test of pairs (a₁, b₁), (a₂, b₂), …
///
/// # Errors
/// [`StatsError::Unpaired`] when the lengths differ, [`StatsError::TooFew`] below two pairs, [`StatsError::NotFinite`],
/// and [`StatsError::NoSpread`] when all differences are equal.
pub fn paired(a: &[f64], b: &[f64]) -> Result<TTest, StatsError> {
    const WHAT: &str = "the paired t test";
    let differences = differences(a, b, WHAT, 2)?;
    let n = differences.len() as f64;
    let spread = variance(&differences);
    if spread == 0.0 {
        return Err(StatsError::NoSpread { what: WHAT });
    }
    Ok(TTest::new(mean(&differences), (spread / n).sqrt(), n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::{paired, welch};
    use crate::StatsError;

    #[test]
    fn equal_sizes_and_variances_are_students_own_test() {
        // Two samples of variance 1 and three values: t = 1 / √(1/3 + 1/3), df = 4.
        let got = welch(&[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]).unwrap();
        assert!((got.t - 1.5f64.sqrt()).abs() < 1e-12 && (got.df - 4.0).abs() < 1e-12);
        // P(|T₄| ≥ t) in closed form: 1 − u(3 − u²)/2 with u = t/√(t² + 4).
        let u = got.t / (got.t * got.t + 4.0).sqrt();
        assert!((got.p - (1.0 - 0.5 * u * (3.0 - u * u))).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn pairs_know_more_than_samples() {
        let (a, b) = ([0.50, 0.60, 0.70, 0.80], [0.49, 0.58, 0.68, 0.79]);
        assert!(paired(&a, &b).unwrap().p < 0.02);
        assert!(welch(&a, &b).unwrap().p > 0.8);
    }

    #[test]
    fn sides_are_symmetric() {
        let (a, b) = ([0.1, 0.5, 0.4], [0.9, 0.3, 0.8, 0.7]);
        let (ab, ba) = (welch(&a, &b).unwrap(), welch(&b, &a).unwrap());
        assert_eq!(ab.p.to_bits(), ba.p.to_bits());
        assert_eq!(ab.ci95, [-ba.ci95[1], -ba.ci95[0]]);
    }

    #[test]
    fn refusals_name_the_reason() {
        let spread = |result: Result<_, StatsError>| matches!(result, Err(StatsError::NoSpread { .. }));
        assert!(spread(welch(&[0.5, 0.5], &[0.7, 0.7])));
        assert!(spread(paired(&[0.5, 0.25], &[0.25, 0.0])));
        assert_eq!(paired(&[0.5], &[0.1, 0.2]), Err(StatsError::Unpaired { a: 1, b: 2 }));
        assert_eq!(welch(&[0.5, f64::NAN], &[0.1, 0.2]), Err(StatsError::NotFinite { index: 1 }));
        let error = welch(&[0.5], &[0.1, 0.2]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Welch's t test needs at least 2 values, not 1; measure with more seeds"
        );
    }
}
