//! Wilcoxon's signed-rank test of pairs.

use serde::{Deserialize, Serialize};

use crate::distributions::normal_two_sided;
use crate::error::{StatsError, differences};
use crate::ranks::{doubled_ranks, tie_sizes};

/// The most non-zero differences whose p-value [`wilcoxon`] computes exactly; with more of them it takes the normal
/// approximation.
pub const WILCOXON_EXACT_UP_TO: usize = 50;

/// Result of Wilcoxon's signed-rank test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wilcoxon {
    /// min(W₊, W₋), the smaller sum of ranks.
    pub statistic: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// Differences that took part: those that are not zero.
    pub n: usize,
    /// Whether `p` comes from the exact distribution or from its normal approximation.
    pub exact: bool,
}

/// Wilcoxon's signed-rank test of pairs (a₁, b₁), (a₂, b₂), …
///
/// Pairs without a difference are left out (Wilcoxon 1945). Equal absolute differences share the mean of their ranks,
/// and the exact p-value, P(min(W₊, W₋) ≤ the statistic) over all 2ⁿ choices of signs, is of those very ranks. Above
/// [`WILCOXON_EXACT_UP_TO`] it is the normal approximation with the correction of its variance for ties and without one
/// for continuity. If no pair differs, p = 1.
///
/// # Errors
/// [`StatsError::Unpaired`] when the lengths differ, [`StatsError::TooFew`] without a pair, [`StatsError::NotFinite`].
pub fn wilcoxon(a: &[f64], b: &[f64]) -> Result<Wilcoxon, StatsError> {
    let mut differences = differences(a, b, "Wilcoxon's test", 1)?;
    differences.retain(|difference| *difference != 0.0);
    let n = differences.len();
    let sizes: Vec<f64> = differences.iter().map(|difference| difference.abs()).collect();
    let ranks = doubled_ranks(&sizes);
    let positive: u64 = ranks
        .iter()
        .zip(&differences)
        .filter(|(_, difference)| **difference > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    let smaller = positive.min(ranks.iter().sum::<u64>() - positive);
    let exact = n <= WILCOXON_EXACT_UP_TO;
    let statistic = 0.5 * smaller as f64;
    let p = if exact { exact_p(&ranks, smaller) } else { approximate_p(&sizes, statistic) };
    Ok(Wilcoxon { statistic, p, n, exact })
}

/// Counts the choices of signs by their sum of (doubled) positive ranks. The distribution is symmetric.
fn exact_p(ranks: &[u64], smaller: u64) -> f64 {
    let total = ranks.iter().sum::<u64>() as usize;
    let mut counts = vec![0.0f64; total + 1];
    counts[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        let rank = rank as usize;
        reached += rank;
        for sum in (rank..=reached).rev() {
            counts[sum] += counts[sum - rank];
        }
    }
    let tail: f64 = counts[..=smaller as usize].iter().sum();
    (2.0 * tail / 2.0f64.powi(ranks.len() as i32)).min(1.0)
}

fn approximate_p(sizes: &[f64], statistic: f64) -> f64 {
    let n = sizes.len() as f64;
    let ties: f64 = tie_sizes(sizes).iter().map(|t| t * t * t - t).sum();
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    normal_two_sided((statistic - n * (n + 1.0) / 4.0) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::{WILCOXON_EXACT_UP_TO, approximate_p, exact_p, wilcoxon};

    /// P(min(W₊, W₋) ≤ statistic) by trying every choice of signs.
    fn brute_force(doubled: &[u64], smaller: u64) -> f64 {
        let (n, total) = (doubled.len(), doubled.iter().sum::<u64>());
        let at_most = (0..1u32 << n).filter(|signs| {
            let positive: u64 = (0..n).filter(|i| signs >> i & 1 == 1).map(|i| doubled[i]).sum();
            positive.min(total - positive) <= smaller
        });
        at_most.count() as f64 / f64::from(1u32 << n)
    }

    #[test]
    fn exact_is_the_share_of_signs() {
        for ranks in
            [vec![2, 4, 6, 8, 10], vec![3, 3, 6, 8], vec![4, 4, 4, 9, 9, 12], vec![2], vec![5, 5, 5, 5]]
        {
            for smaller in 0..=ranks.iter().sum::<u64>() / 2 {
                let (got, wanted) = (exact_p(&ranks, smaller), brute_force(&ranks, smaller));
                assert!((got - wanted).abs() < 1e-12, "{ranks:?} {smaller}: {got} {wanted}");
            }
        }
    }

    #[test]
    fn five_of_five_is_one_in_sixteen() {
        let got = wilcoxon(&[5.0, 4.0, 3.0, 2.0, 1.5], &[0.0, 0.5, 0.2, 0.1, 0.0]).unwrap();
        assert_eq!((got.statistic, got.p, got.n, got.exact), (0.0, 0.0625, 5, true));
    }

    #[test]
    fn pairs_without_a_difference_take_no_part() {
        let with = wilcoxon(&[1.0, 2.0, 3.0, 9.0], &[0.0, 0.5, 3.5, 9.0]).unwrap();
        let without = wilcoxon(&[1.0, 2.0, 3.0], &[0.0, 0.5, 3.5]).unwrap();
        assert_eq!(with, without);
        let none = wilcoxon(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
        assert_eq!((none.p, none.n), (1.0, 0));
    }

    #[test]
    fn the_approximation_takes_over_smoothly() {
        let a: Vec<f64> = (0..WILCOXON_EXACT_UP_TO).map(|i| (i as f64 * 7.3).sin() + 0.2).collect();
        let zeros = vec![0.0; a.len()];
        let exact = wilcoxon(&a, &zeros).unwrap();
        let sizes: Vec<f64> = a.iter().map(|v| v.abs()).collect();
        let near = approximate_p(&sizes, exact.statistic);
        assert!(exact.exact && (exact.p - near).abs() < 0.01, "{exact:?} {near}");
        let more: Vec<f64> = a.iter().copied().chain([0.3]).collect();
        assert!(!wilcoxon(&more, &vec![0.0; more.len()]).unwrap().exact);
    }
}
