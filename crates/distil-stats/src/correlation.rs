//! Agreement of two orders.

use serde::{Deserialize, Serialize};

use crate::distributions::{normal_two_sided, student_two_sided};
use crate::error::{StatsError, differences};
use crate::ranks::{doubled_ranks, tie_sizes};

/// The most pairs for which [`kendall`] computes its p-value exactly.
pub const KENDALL_EXACT_UP_TO: usize = 50;

/// A correlation of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// From −1 (opposite) to 1 (the same).
    pub coefficient: f64,
    /// Two-sided p-value of there being no correlation.
    pub p: f64,
    /// Number of pairs.
    pub n: usize,
}

/// Pearson's r. Its p-value is Student's with n − 2 degrees of freedom, exact for normal pairs.
///
/// # Errors
/// [`StatsError::Unpaired`] when the lengths differ, [`StatsError::TooFew`] below three pairs,
/// [`StatsError::NotFinite`], and [`StatsError::NoSpread`] when one side is constant.
pub fn pearson(a: &[f64], b: &[f64]) -> Result<Correlation, StatsError> {
    const WHAT: &str = "Pearson's correlation";
    differences(a, b, WHAT, 3)?;
    let centred = |values: &[f64]| {
        // Of values near 1, so that no square leaves the numbers.
        let scale = values.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let mean = values.iter().map(|value| value / scale).sum::<f64>() / values.len() as f64;
        values.iter().map(|value| value / scale - mean).collect::<Vec<_>>()
    };
    if [a, b].iter().any(|side| side.iter().all(|value| *value == side[0])) {
        return Err(StatsError::NoSpread { what: WHAT });
    }
    of_centred(&centred(a), &centred(b), WHAT)
}

/// Spearman's ρ: Pearson's correlation of the ranks, equal values sharing their mean rank. Its p-value is Student's
/// with n − 2 degrees of freedom, an approximation that is rough below ten pairs.
///
/// # Errors
/// [`StatsError::Unpaired`] when the lengths differ, [`StatsError::TooFew`] below three pairs,
/// [`StatsError::NotFinite`], and [`StatsError::NoSpread`] when one side is constant.
pub fn spearman(a: &[f64], b: &[f64]) -> Result<Correlation, StatsError> {
    const WHAT: &str = "Spearman's correlation";
    differences(a, b, WHAT, 3)?;
    let n = a.len();
    // Doubled ranks have mean n + 1; centred they are whole numbers.
    let centred =
        |values: &[f64]| doubled_ranks(values).iter().map(|r| *r as f64 - (n + 1) as f64).collect::<Vec<_>>();
    of_centred(&centred(a), &centred(b), WHAT)
}

/// The cosine of two sides whose means are 0.
fn of_centred(a: &[f64], b: &[f64], what: &'static str) -> Result<Correlation, StatsError> {
    let n = a.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = dot(a, a) * dot(b, b);
    if scale == 0.0 {
        return Err(StatsError::NoSpread { what });
    }
    let coefficient = (dot(a, b) / scale.sqrt()).clamp(-1.0, 1.0);
    let df = (n - 2) as f64;
    let rest = 1.0 - coefficient * coefficient;
    let p = if rest <= 0.0 { 0.0 } else { student_two_sided(coefficient * (df / rest).sqrt(), df) };
    Ok(Correlation { coefficient, p, n })
}

/// Kendall's τ_b: (concordant − discordant pairs) over the geometric mean of the numbers of pairs untied in a and in b.
///
/// Its p-value is exact up to [`KENDALL_EXACT_UP_TO`] pairs without ties, else the normal approximation with the
/// correction of its variance for ties.
///
/// # Errors
/// As [`spearman`], from two pairs on.
pub fn kendall(a: &[f64], b: &[f64]) -> Result<Correlation, StatsError> {
    const WHAT: &str = "Kendall's correlation";
    differences(a, b, WHAT, 2)?;
    let n = a.len();
    let (mut score, mut untied_a, mut untied_b) = (0i64, 0u64, 0u64);
    for i in 0..n {
        for j in 0..i {
            let (of_a, of_b) = (order(a[i], a[j]), order(b[i], b[j]));
            score += of_a * of_b;
            untied_a += of_a.unsigned_abs();
            untied_b += of_b.unsigned_abs();
        }
    }
    if untied_a == 0 || untied_b == 0 {
        return Err(StatsError::NoSpread { what: WHAT });
    }
    let coefficient = (score as f64 / (untied_a as f64 * untied_b as f64).sqrt()).clamp(-1.0, 1.0);
    let pairs = (n * (n - 1) / 2) as u64;
    let exact = untied_a == pairs && untied_b == pairs && n <= KENDALL_EXACT_UP_TO;
    let p = if exact { exact_p(n, pairs - score.unsigned_abs()) } else { approximate_p(a, b, score as f64) };
    Ok(Correlation { coefficient, p, n })
}

fn order(a: f64, b: f64) -> i64 {
    a.partial_cmp(&b).map_or(0, |order| order as i64)
}

/// Twice the share of the n! orders with at most `doubled / 2` inversions.
fn exact_p(n: usize, doubled: u64) -> f64 {
    let most = (doubled / 2) as usize;
    // shares[k]: of the orders of the first m things, the share with k inversions. The m-th adds 0 to m − 1 of them.
    let mut shares = vec![0.0f64; most + 1];
    shares[0] = 1.0;
    for m in 2..=n {
        let before = shares.clone();
        for (k, share) in shares.iter_mut().enumerate() {
            *share = before[k.saturating_sub(m - 1)..=k].iter().sum::<f64>() / m as f64;
        }
    }
    (2.0 * shares.iter().sum::<f64>()).min(1.0)
}

fn approximate_p(a: &[f64], b: &[f64], score: f64) -> f64 {
    let n = a.len() as f64;
    let (of_a, of_b) = (tie_sizes(a), tie_sizes(b));
    let sum = |ties: &[f64], term: &dyn Fn(f64) -> f64| ties.iter().map(|t| term(*t)).sum::<f64>();
    let pairs = |t: f64| t * (t - 1.0);
    let triples = |t: f64| t * (t - 1.0) * (t - 2.0);
    let spread = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let mut variance = (spread(n) - sum(&of_a, &spread) - sum(&of_b, &spread)) / 18.0;
    variance += sum(&of_a, &pairs) * sum(&of_b, &pairs) / (2.0 * pairs(n));
    if n > 2.0 {
        variance += sum(&of_a, &triples) * sum(&of_b, &triples) / (9.0 * triples(n));
    }
    normal_two_sided(score / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::{exact_p, kendall, pearson, spearman};

    #[test]
    fn orders_that_agree_and_oppose() {
        let a = [0.1, 0.4, 0.2, 0.9, 0.7];
        let squared = a.map(|v| v * v);
        let opposite = a.map(|v| -v);
        for (b, wanted) in [(squared, 1.0), (opposite, -1.0)] {
            let (rho, tau) = (spearman(&a, &b).unwrap(), kendall(&a, &b).unwrap());
            assert_eq!((rho.coefficient, tau.coefficient), (wanted, wanted));
            assert_eq!(rho.p, 0.0);
            assert!((tau.p - 2.0 / 120.0).abs() < 1e-12, "two of the 5! orders");
        }
    }

    #[test]
    fn pearson_is_the_cosine_of_deviations() {
        // Deviations (−1, 0, 1) and (−4, 5, −1) / 3.
        let found = pearson(&[1.0, 2.0, 3.0], &[0.0, 3.0, 1.0]).unwrap();
        assert!((found.coefficient - 3.0 / (2.0f64 * 42.0).sqrt()).abs() < 1e-12, "{found:?}");
        // One degree of freedom: Cauchy.
        let t = found.coefficient / (1.0 - found.coefficient.powi(2)).sqrt();
        assert!((found.p - (1.0 - 2.0 * t.atan() / std::f64::consts::PI)).abs() < 1e-9, "{found:?}");
        // Neither place nor scale matter, up to the ends of the numbers.
        let far = pearson(&[1e300, 2e300, 3e300], &[-7.0, -1.0, -5.0]).unwrap();
        assert!((far.coefficient - found.coefficient).abs() < 1e-12);
        assert!(pearson(&[1e-200, 1e-200, 1e-200], &[1.0, 2.0, 3.0]).is_err());
    }

    #[test]
    fn inversions_are_counted() {
        // Orders of four things with 0, 1, 2, 3 inversions: 1, 3, 5, 6 of 24.
        for (inversions, orders) in [(0, 1.0), (1, 4.0), (2, 9.0), (3, 15.0)] {
            let wanted = f64::min(2.0 * orders / 24.0, 1.0);
            assert!((exact_p(4, 2 * inversions) - wanted).abs() < 1e-12);
        }
    }

    #[test]
    fn a_constant_has_no_order() {
        assert!(spearman(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]).is_err());
        assert!(kendall(&[1.0, 2.0], &[5.0, 5.0]).is_err());
        assert!(spearman(&[1.0, 2.0], &[1.0, 2.0]).unwrap_err().to_string().contains("at least 3 values"));
    }
}
