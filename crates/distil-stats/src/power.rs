//! How many measurements a difference takes to be found.

use serde::{Deserialize, Serialize};

use crate::distributions::{noncentral_t_cdf, student_quantile};

/// The chance of a false alarm that tests here allow.
pub const ALPHA: f64 = 0.05;
/// The chance to find a difference that [`seeds_needed`] asks for.
pub const POWER: f64 = 0.8;
/// The most seeds that [`seeds_needed`] answers with.
pub const MOST_SEEDS: usize = 100_000;

/// How measurements on two sides belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Design {
    /// They do not: two independent samples of equal size.
    Independent,
    /// One pair for every seed.
    Paired,
}

/// The chance that a two-sided t test at [`ALPHA`] with `seeds` on each side finds a difference of `effect` standard
/// deviations (of one sample, or of the differences of pairs). 0 below two seeds.
pub fn power(effect: f64, seeds: usize, design: Design) -> f64 {
    if seeds < 2 {
        return 0.0;
    }
    let n = seeds as f64;
    let (df, shift) = match design {
        Design::Independent => (2.0 * (n - 1.0), effect.abs() * (0.5 * n).sqrt()),
        Design::Paired => (n - 1.0, effect.abs() * n.sqrt()),
    };
    let critical = student_quantile(1.0 - 0.5 * ALPHA, df);
    1.0 - noncentral_t_cdf(critical, df, shift) + noncentral_t_cdf(-critical, df, shift)
}

/// The fewest seeds on each side with which a two-sided t test at [`ALPHA`] finds a difference of `effect` standard
/// deviations with a chance of at least [`POWER`]; `None` above [`MOST_SEEDS`], as for an effect of 0.
pub fn seeds_needed(effect: f64, design: Design) -> Option<usize> {
    let enough = |seeds| power(effect, seeds, design) >= POWER;
    if !effect.is_finite() || !enough(MOST_SEEDS) {
        return None;
    }
    // Power rises with the number of seeds.
    let (mut low, mut high) = (1, MOST_SEEDS);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::{ALPHA, Design, power, seeds_needed};

    #[test]
    fn without_an_effect_power_is_the_false_alarm_rate() {
        for seeds in [2, 3, 10, 500] {
            for design in [Design::Independent, Design::Paired] {
                assert!((power(0.0, seeds, design) - ALPHA).abs() < 1e-9, "{seeds} {design:?}");
            }
        }
    }

    #[test]
    fn power_grows_with_effect_and_seeds() {
        for design in [Design::Independent, Design::Paired] {
            let by_effect: Vec<f64> = [0.1, 0.5, 1.0, 3.0].map(|effect| power(effect, 5, design)).to_vec();
            let by_seeds: Vec<f64> = [2, 3, 5, 40, 1000].map(|seeds| power(0.5, seeds, design)).to_vec();
            assert!(by_effect.is_sorted() && by_seeds.is_sorted(), "{by_effect:?} {by_seeds:?}");
        }
        assert!(power(50.0, 5, Design::Independent) > 0.999_999);
    }

    #[test]
    fn cohens_table() {
        // Cohen (1988), table 2.4.1: α = 0.05 two-sided, power 0.8.
        assert_eq!(seeds_needed(0.2, Design::Independent), Some(394));
        assert_eq!(seeds_needed(0.5, Design::Independent), Some(64));
        assert_eq!(seeds_needed(-0.8, Design::Independent), Some(26));
        assert_eq!(seeds_needed(0.0, Design::Independent), None);
        assert_eq!(seeds_needed(f64::NAN, Design::Paired), None);
        assert_eq!(seeds_needed(1e9, Design::Paired), Some(2));
    }
}
