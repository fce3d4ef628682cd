use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Maps;

/// Which pixels of a map are discriminative.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Threshold {
    /// Those that are not below the map's own mean (published: EDF).
    #[default]
    Mean,
    /// Those that are not below this value in `[0, 1]` (EDF's `act_threshold`).
    Fixed(f64),
}

impl Threshold {
    /// Its value for a map `[h, w]`.
    pub fn of(self, map: &[f64]) -> f64 {
        match self {
            Self::Mean => map.iter().sum::<f64>() / map.len() as f64,
            Self::Fixed(value) => value,
        }
    }
}

/// EDF's discriminative-area enhancement F(M, β) (its Eq. 4): what the gradient of a synthetic image is multiplied
/// with, pixel by pixel and alike in all channels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enhancement {
    /// β ≥ 0: what discriminative pixels get on top of their map value (published: 1 or 2).
    pub beta: f64,
    /// Which pixels are discriminative.
    #[serde(default)]
    pub threshold: Threshold,
}

/// An enhancement that makes no sense.
#[derive(Debug, Error, PartialEq)]
#[error("{key} = {value} is out of range; give {range}")]
pub struct EnhancementError {
    /// The offending key.
    pub key: &'static str,
    /// What it was set to.
    pub value: f64,
    /// The remedy.
    pub range: &'static str,
}

impl Enhancement {
    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// [`EnhancementError`] names the key and a value that works.
    pub fn check(&self) -> Result<(), EnhancementError> {
        let fixed = match self.threshold {
            Threshold::Mean => 0.5,
            Threshold::Fixed(value) => value,
        };
        for (key, value, fits, range) in [
            ("beta", self.beta, self.beta >= 0.0, "0 or more, such as 1"),
            ("threshold", fixed, fixed > 0.0 && fixed <= 1.0, "\"mean\", or more than 0 and at most 1"),
        ] {
            if !(value.is_finite() && fits) {
                return Err(EnhancementError { key, value, range });
            }
        }
        Ok(())
    }

    /// F(M, β) of maps M in `[0, 1]`, `[n, h, w]`: 1 where M is below the threshold, else β + M.
    ///
    /// A constant map (zero after [`Maps::unit`]) is nowhere below its mean, so its weights are β everywhere.
    pub fn weights(&self, maps: &Maps) -> Vec<f64> {
        let weighted = maps.iter().flat_map(|map| {
            let threshold = self.threshold.of(map);
            map.iter().map(move |&m| if m < threshold { 1.0 } else { self.beta + m })
        });
        weighted.collect()
    }

    /// Share of each map's pixels that are enhanced, in `[0, 1]`, `[n]`.
    pub fn areas(&self, maps: &Maps) -> Vec<f64> {
        let area = |map: &[f64]| {
            let threshold = self.threshold.of(map);
            map.iter().filter(|m| **m >= threshold).count() as f64 / map.len() as f64
        };
        maps.iter().map(area).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps() -> Maps {
        Maps { height: 1, width: 4, values: vec![0.0, 0.2, 0.4, 1.0, 0.0, 0.0, 0.0, 0.0] }
    }

    #[test]
    fn discriminative_pixels_get_beta_and_their_value() {
        let mean = Enhancement { beta: 2.0, threshold: Threshold::Mean };
        assert_eq!(mean.weights(&maps()), [1.0, 1.0, 2.4, 3.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!(mean.areas(&maps()), [0.5, 1.0]);
        let fixed = Enhancement { beta: 1.0, threshold: Threshold::Fixed(0.2) };
        assert_eq!(fixed.weights(&maps()), [1.0, 1.2, 1.4, 2.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(fixed.areas(&maps()), [0.75, 0.0]);
    }

    #[test]
    fn impossible_values_are_named() {
        let check = |beta, threshold| Enhancement { beta, threshold }.check().map_err(|error| error.key);
        assert_eq!(check(1.0, Threshold::Mean), Ok(()));
        assert_eq!(check(-1.0, Threshold::Mean), Err("beta"));
        assert_eq!(check(f64::NAN, Threshold::Mean), Err("beta"));
        assert_eq!(check(0.0, Threshold::Fixed(0.0)), Err("threshold"));
        assert_eq!(check(0.0, Threshold::Fixed(f64::INFINITY)), Err("threshold"));
    }

    #[test]
    fn a_configuration_reads_naturally() {
        let read = |text: &str| serde_json::from_str::<Enhancement>(text);
        assert_eq!(read(r#"{"beta": 1}"#).unwrap().threshold, Threshold::Mean);
        assert_eq!(
            read(r#"{"beta": 1, "threshold": {"fixed": 0.5}}"#).unwrap().threshold,
            Threshold::Fixed(0.5)
        );
        assert!(read(r#"{"beta": 1, "threshhold": "mean"}"#).is_err());
    }
}
