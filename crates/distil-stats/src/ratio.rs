//! The ratio of two means.

use crate::distributions::student_quantile;
use crate::error::{StatsError, check};
use crate::summary::{mean, variance};

/// mean(a) / mean(b) of independent samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// 95% confidence interval; absent when a side has a single value.
    pub ci95: Option<[f64; 2]>,
    /// What the interval is made of.
    spread: Option<Spread>,
}

/// A standard error, and the degrees of freedom that it was estimated with; infinitely many where nothing varies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    error: f64,
    df: f64,
}

impl Spread {
    /// The error of a sum of independent parts, with Welch and Satterthwaite's degrees of freedom.
    fn of(parts: [Self; 2]) -> Self {
        let total: f64 = parts.iter().map(|part| part.error * part.error).sum();
        if total == 0.0 {
            return Self { error: 0.0, df: f64::INFINITY };
        }
        let share = |part: &Self| (part.error * part.error / total).powi(2) / part.df;
        Self { error: total.sqrt(), df: 1.0 / parts.iter().map(share).sum::<f64>() }
    }

    fn around(self, value: f64) -> [f64; 2] {
        let half = if self.error > 0.0 { student_quantile(0.975, self.df) * self.error } else { 0.0 };
        [value - half, value + half]
    }
}

impl Ratio {
    /// mean(a) / mean(b), with an interval by the delta method: the variance is that of the linearised ratio,
    /// (var(ā) + ratio² var(b̄)) / b̄², the quantile Student's with Welch and Satterthwaite's degrees of freedom. It is
    /// meant for denominators whose standard error is small against them, as accuracies on all data are.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for an empty sample, [`StatsError::NotFinite`], and [`StatsError::OutOfRange`] when mean(b)
    /// is not above 0.
    pub fn of_means(a: &[f64], b: &[f64]) -> Result<Self, StatsError> {
        check(a, "a ratio of means", 1)?;
        check(b, "a ratio of means", 1)?;
        let (of_a, of_b) = (mean(a), mean(b));
        if of_b <= 0.0 {
            let (what, range) = ("the mean in a denominator", "values above 0");
            return Err(StatsError::OutOfRange { what, value: of_b.to_string(), range });
        }
        let value = of_a / of_b;
        let part = |values: &[f64], weight: f64| {
            let n = values.len();
            let error = weight * (variance(values) / n as f64).sqrt();
            (n > 1).then(|| Spread { error, df: (n - 1) as f64 })
        };
        let spread =
            part(a, 1.0 / of_b).zip(part(b, value / of_b)).map(|(over, under)| Spread::of([over, under]));
        Ok(Self { value, ci95: spread.map(|spread| spread.around(value)), spread })
    }

    /// This ratio minus another, independent one, and the 95% confidence interval of that where both have one.
    pub fn minus(&self, other: &Self) -> (f64, Option<[f64; 2]>) {
        let difference = self.value - other.value;
        let spread = self.spread.zip(other.spread).map(|(a, b)| Spread::of([a, b]));
        (difference, spread.map(|spread| spread.around(difference)))
    }
}

#[cfg(test)]
mod tests {
    use super::Ratio;
    use crate::welch;
    use distil_random::{normal, stream};

    #[test]
    fn a_certain_denominator_leaves_the_interval_of_the_mean() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0];
        let got = Ratio::of_means(&a, &[2.0; 4]).unwrap();
        let [low, high] = crate::Summary::of(&a).unwrap().ci95.unwrap();
        let [found_low, found_high] = got.ci95.unwrap();
        assert!((got.value - 1.5).abs() < 1e-15);
        assert!((found_low - low / 2.0).abs() < 1e-9 && (found_high - high / 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_difference_of_ratios_to_the_same_certain_mean_is_welchs() {
        let (a, b) = ([0.5, 0.6, 0.55, 0.7], [0.4, 0.35, 0.5]);
        let of = |values: &[f64]| Ratio::of_means(values, &[0.8; 3]).unwrap();
        let (difference, interval) = of(&a).minus(&of(&b));
        let wanted = welch(&a, &b).unwrap();
        assert!((0.8 * difference - wanted.difference).abs() < 1e-12);
        for (end, wanted) in interval.unwrap().iter().zip(wanted.ci95) {
            assert!((0.8 * end - wanted).abs() < 1e-9, "{end} {wanted}");
        }
    }

    /// Five students of 50 ± 2 % and five of 80 ± 1 %, as a recovery ratio has them.
    #[test]
    fn intervals_cover_the_truth_about_as_often_as_they_say() {
        let rng = &mut stream(0, "coverage", 0);
        let mut draw = |centre: f64, spread: f64| -> Vec<f64> {
            (0..5).map(|_| centre + spread * f64::from(normal(rng))).collect()
        };
        let rounds = 4000;
        let covered = (0..rounds)
            .filter(|_| {
                let [low, high] = Ratio::of_means(&draw(0.5, 0.02), &draw(0.8, 0.01)).unwrap().ci95.unwrap();
                low <= 0.625 && 0.625 <= high
            })
            .count();
        let share = covered as f64 / f64::from(rounds);
        assert!((0.94..0.97).contains(&share), "{share}");
    }

    #[test]
    fn one_value_has_no_interval_and_nothing_is_divided_by_zero() {
        let one = Ratio::of_means(&[0.4], &[0.8, 0.9]).unwrap();
        assert_eq!((one.ci95, one.minus(&one)), (None, (0.0, None)));
        let equal = Ratio::of_means(&[0.4; 2], &[0.8; 2]).unwrap();
        assert_eq!(equal.ci95, Some([0.5, 0.5]));
        let error = Ratio::of_means(&[0.4], &[0.0]).unwrap_err().to_string();
        assert!(error.contains("denominator = 0 is out of range"), "{error}");
        assert!(Ratio::of_means(&[], &[1.0]).is_err() && Ratio::of_means(&[f64::NAN], &[1.0]).is_err());
    }
}
