//! Bootstrap intervals.

use distil_random::{Stream, below, stream};
use serde::{Deserialize, Serialize};

use crate::distributions::{normal_cdf, normal_quantile};
use crate::error::{StatsError, check};
use crate::summary::mean;

/// How an interval is read off the resampled statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntervalKind {
    /// Their quantiles.
    Percentile,
    /// Their quantiles at levels corrected for bias and skewness (bias-corrected and accelerated, Efron 1987).
    Bca,
}

/// Bootstrap intervals with resamples drawn from `distil_random::stream(seed, "bootstrap", resample)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// Number of resamples (9999).
    pub resamples: usize,
    /// Share of intervals that cover the truth, in (0, 1) (0.95).
    pub confidence: f64,
    /// Keys the resamples.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 9999, confidence: 0.95, seed: 0 }
    }
}

impl Bootstrap {
    /// The interval of the mean of a sample.
    ///
    /// # Errors
    /// As [`Bootstrap::interval`].
    pub fn of_mean(&self, values: &[f64], kind: IntervalKind) -> Result<[f64; 2], StatsError> {
        self.interval(&[values], &|samples| mean(&samples[0]), kind)
    }

    /// The interval of mean(a) − mean(b) of independent samples.
    ///
    /// # Errors
    /// As [`Bootstrap::interval`].
    pub fn of_difference(&self, a: &[f64], b: &[f64], kind: IntervalKind) -> Result<[f64; 2], StatsError> {
        self.interval(&[a, b], &|samples| mean(&samples[0]) - mean(&samples[1]), kind)
    }

    /// The interval of any statistic of independent samples, each of which is resampled with replacement. A statistic
    /// must not depend on the order inside a sample. If it is the same in every resample, both ends are its value.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] below two values in a sample, [`StatsError::NotFinite`], [`StatsError::OutOfRange`] for
    /// settings that cannot work, [`StatsError::NoSpread`] when BCa's corrections do not exist.
    pub fn interval(
        &self,
        samples: &[&[f64]],
        statistic: &dyn Fn(&[Vec<f64>]) -> f64,
        kind: IntervalKind,
    ) -> Result<[f64; 2], StatsError> {
        self.check()?;
        // The same values in another order are the same sample, and give the same interval.
        let mut sorted: Vec<Vec<f64>> = samples.iter().map(|sample| sample.to_vec()).collect();
        for sample in &mut sorted {
            check(sample, "a bootstrap interval", 2)?;
            sample.sort_by(f64::total_cmp);
        }
        let mut drawn: Vec<f64> = (0..self.resamples)
            .map(|index| statistic(&resample(&sorted, &mut stream(self.seed, "bootstrap", index as u64))))
            .collect();
        drawn.sort_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.confidence);
        let levels = match kind {
            IntervalKind::Percentile => [tail, 1.0 - tail],
            IntervalKind::Bca if drawn[0].to_bits() == drawn[drawn.len() - 1].to_bits() => [tail, 1.0 - tail],
            IntervalKind::Bca => bca_levels(&sorted, statistic, &drawn, tail)?,
        };
        Ok(levels.map(|level| quantile(&drawn, level)))
    }

    fn check(&self) -> Result<(), StatsError> {
        if self.resamples == 0 {
            let range = "at least 1, better 1000";
            return Err(StatsError::OutOfRange { what: "resamples", value: "0".into(), range });
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let (what, range) = ("confidence", "a share between 0 and 1, such as 0.95");
            return Err(StatsError::OutOfRange { what, value: self.confidence.to_string(), range });
        }
        Ok(())
    }
}

fn resample(samples: &[Vec<f64>], rng: &mut Stream) -> Vec<Vec<f64>> {
    samples.iter().map(|sample| sample.iter().map(|_| sample[below(rng, sample.len())]).collect()).collect()
}

/// Levels of the corrected interval: Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z))) with the bias z₀ of the median and the
/// acceleration a, which the jackknife estimates.
fn bca_levels(
    samples: &[Vec<f64>],
    statistic: &dyn Fn(&[Vec<f64>]) -> f64,
    drawn: &[f64],
    tail: f64,
) -> Result<[f64; 2], StatsError> {
    let observed = statistic(samples);
    let below = drawn.partition_point(|value| *value < observed);
    let up_to = drawn.partition_point(|value| *value <= observed);
    let bias = normal_quantile((below + up_to) as f64 / (2 * drawn.len()) as f64);
    let acceleration = acceleration(samples, statistic);
    let levels = [tail, 1.0 - tail].map(|level| {
        let z = bias + normal_quantile(level);
        normal_cdf(bias + z / (1.0 - acceleration * z))
    });
    let defined = levels.iter().all(|level| level.is_finite());
    defined.then_some(levels).ok_or(StatsError::NoSpread { what: "a BCa interval" })
}

fn acceleration(samples: &[Vec<f64>], statistic: &dyn Fn(&[Vec<f64>]) -> f64) -> f64 {
    let (mut cubes, mut squares) = (0.0, 0.0);
    for (which, sample) in samples.iter().enumerate() {
        let n = sample.len() as f64;
        let without: Vec<f64> = (0..sample.len())
            .map(|left_out| {
                let mut samples = samples.to_vec();
                samples[which].remove(left_out);
                statistic(&samples)
            })
            .collect();
        let centre = mean(&without);
        for value in without {
            let influence = (n - 1.0) * (centre - value) / n;
            cubes += influence.powi(3);
            squares += influence * influence;
        }
    }
    cubes / (6.0 * squares.powf(1.5))
}

/// The quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let place = level * (sorted.len() - 1) as f64;
    let lower = (place.floor() as usize).min(sorted.len() - 1);
    let upper = (lower + 1).min(sorted.len() - 1);
    sorted[lower] + (place - lower as f64) * (sorted[upper] - sorted[lower])
}

#[cfg(test)]
mod tests {
    use super::{Bootstrap, IntervalKind, acceleration, quantile};
    use crate::StatsError;
    use crate::summary::mean;

    const VALUES: [f64; 8] = [0.2, 0.5, 0.9, 1.1, 1.4, 2.3, 4.0, 9.5];

    #[test]
    fn two_values_have_three_means() {
        // Resamples of {0, 1} have mean 0, ½ or 1 with probability ¼, ½, ¼.
        let interval = |confidence| {
            Bootstrap { confidence, ..Bootstrap::default() }.of_mean(&[1.0, 0.0], IntervalKind::Percentile)
        };
        assert_eq!(interval(0.95), Ok([0.0, 1.0]));
        assert_eq!(interval(0.4), Ok([0.5, 0.5]));
    }

    #[test]
    fn correction_follows_the_skew() {
        let bootstrap = Bootstrap::default();
        let [low, high] = bootstrap.of_mean(&VALUES, IntervalKind::Percentile).unwrap();
        let [bca_low, bca_high] = bootstrap.of_mean(&VALUES, IntervalKind::Bca).unwrap();
        assert!(bca_low > low && bca_high > high, "a long right tail moves the interval to the right");
    }

    #[test]
    fn acceleration_of_a_mean_is_its_skewness() {
        // a = Σ(x − x̄)³ / (6 (Σ(x − x̄)²)^{3/2}).
        let centre = mean(&VALUES);
        let moment = |power| VALUES.iter().map(|v| (v - centre).powi(power)).sum::<f64>();
        let wanted = moment(3) / (6.0 * moment(2).powf(1.5));
        let got = acceleration(&[VALUES.to_vec()], &|samples| mean(&samples[0]));
        assert!((got - wanted).abs() < 1e-12, "{got} {wanted}");
    }

    #[test]
    fn order_does_not_matter_and_the_seed_does() {
        let bootstrap = Bootstrap::default();
        let mut reversed = VALUES;
        reversed.reverse();
        for kind in [IntervalKind::Percentile, IntervalKind::Bca] {
            let interval = bootstrap.of_mean(&VALUES, kind);
            assert_eq!(interval, bootstrap.of_mean(&reversed, kind));
            assert_ne!(interval, Bootstrap { seed: 1, ..bootstrap }.of_mean(&VALUES, kind));
        }
    }

    #[test]
    fn constants_and_nonsense() {
        let bootstrap = Bootstrap::default();
        assert_eq!(bootstrap.of_difference(&[2.0; 3], &[0.5; 4], IntervalKind::Bca), Ok([1.5, 1.5]));
        let none = Bootstrap { resamples: 0, ..bootstrap };
        assert!(matches!(none.of_mean(&VALUES, IntervalKind::Bca), Err(StatsError::OutOfRange { .. })));
        let all = Bootstrap { confidence: 1.0, ..bootstrap };
        assert!(all.of_mean(&VALUES, IntervalKind::Bca).unwrap_err().to_string().contains("such as 0.95"));
        assert!(bootstrap.of_mean(&[1.0], IntervalKind::Bca).is_err());
    }

    #[test]
    fn quantiles_are_linear_between_values() {
        let sorted = [1.0, 2.0, 4.0];
        assert_eq!(
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|level| quantile(&sorted, level)),
            [1.0, 1.5, 2.0, 3.0, 4.0]
        );
    }
}
