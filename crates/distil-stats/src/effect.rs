//! How large a difference is, in standard deviations.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::error::{StatsError, check, differences};
use crate::summary::{mean, variance};

/// A standardised difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Hedges' g of independent samples.
    HedgesG(f64),
    /// d_z of pairs: the mean of the differences over their standard deviation.
    Dz(f64),
}

impl Effect {
    /// Its value.
    pub fn value(self) -> f64 {
        match self {
            Self::HedgesG(value) | Self::Dz(value) => value,
        }
    }

    /// Its symbol, as a sentence names it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::HedgesG(_) => "g",
            Self::Dz(_) => "dz",
        }
    }
}

/// Hedges' g: (mean(a) − mean(b)) over the pooled standard deviation, times the exact factor that removes its bias,
/// Γ(df/2) / (√(df/2) Γ((df − 1)/2)) with df = nₐ + n_b − 2 (Hedges 1981).
///
/// # Errors
/// [`StatsError::TooFew`] below two values on a side, [`StatsError::NotFinite`], and [`StatsError::NoSpread`] when both
/// samples are constant.
pub fn hedges_g(a: &[f64], b: &[f64]) -> Result<Effect, StatsError> {
    let (d, df) = cohens_d(a, b)?;
    let factor = (ln_gamma(0.5 * df) - ln_gamma(0.5 * (df - 1.0))).exp() / (0.5 * df).sqrt();
    Ok(Effect::HedgesG(factor * d))
}

/// d_z: the mean of the pairs' differences over their standard deviation.
///
/// # Errors
/// [`StatsError::Unpaired`] when the lengths differ, [`StatsError::TooFew`] below two pairs, [`StatsError::NotFinite`],
/// and [`StatsError::NoSpread`] when all differences are equal.
pub fn dz(a: &[f64], b: &[f64]) -> Result<Effect, StatsError> {
    const WHAT: &str = "dz";
    let differences = differences(a, b, WHAT, 2)?;
    let spread = variance(&differences);
    if spread == 0.0 {
        return Err(StatsError::NoSpread { what: WHAT });
    }
    Ok(Effect::Dz(mean(&differences) / spread.sqrt()))
}

/// The uncorrected standardised difference and its degrees of freedom.
fn cohens_d(a: &[f64], b: &[f64]) -> Result<(f64, f64), StatsError> {
    const WHAT: &str = "Hedges' g";
    check(a, WHAT, 2)?;
    check(b, WHAT, 2)?;
    let df_of = |values: &[f64]| (values.len() - 1) as f64;
    let df = df_of(a) + df_of(b);
    let pooled = (df_of(a) * variance(a) + df_of(b) * variance(b)) / df;
    if pooled == 0.0 {
        return Err(StatsError::NoSpread { what: WHAT });
    }
    Ok(((mean(a) - mean(b)) / pooled.sqrt(), df))
}

#[cfg(test)]
mod tests {
    use super::{dz, hedges_g};

    #[test]
    fn g_is_the_corrected_difference() {
        // Variances 1 and 1, df = 4: the factor is Γ(2)/(√2 Γ(3/2)) = √(2/π), the difference 1.
        let got = hedges_g(&[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]).unwrap();
        assert!((got.value() - std::f64::consts::FRAC_2_PI.sqrt()).abs() < 1e-10, "{got:?}");
        assert_eq!(got.symbol(), "g");
    }

    #[test]
    fn dz_is_of_differences() {
        // Differences 1, 2, 3.
        let got = dz(&[1.0, 3.0, 5.0], &[0.0, 1.0, 2.0]).unwrap();
        assert!((got.value() - 2.0).abs() < 1e-12 && got.symbol() == "dz");
        assert!(dz(&[0.5, 0.25], &[0.25, 0.0]).is_err() && hedges_g(&[0.5, 0.5], &[0.1, 0.1]).is_err());
    }
}
