//! What is tuned: keys with the values they may have, and settings drawn from them.

use distil_random::{Stream, below, stream, uniform};
use serde::Deserialize;
use toml::Value;

use super::TuneError;

/// Digits of a drawn number that are kept: nobody means more.
const DIGITS: i32 = 3;

/// A key of the configuration and what it may be: one of `values`, or a number of a range.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// As in `distill.image_lr`.
    pub name: String,
    /// Values, each as likely as the others.
    #[serde(default)]
    pub values: Vec<Value>,
    /// Smallest and largest of a positive number, drawn evenly on a logarithmic scale.
    #[serde(default)]
    pub log: Option<[f64; 2]>,
    /// Smallest and largest of a number, drawn evenly.
    #[serde(default)]
    pub linear: Option<[f64; 2]>,
}

impl Key {
    pub(super) fn check(&self) -> Result<(), TuneError> {
        let given = [!self.values.is_empty(), self.log.is_some(), self.linear.is_some()];
        let range = self.log.or(self.linear).unwrap_or([1.0, 2.0]);
        let ordered = range.iter().all(|bound| bound.is_finite()) && range[0] < range[1];
        let positive = self.log.is_none_or(|[low, _]| low > 0.0);
        if given.into_iter().filter(|given| *given).count() == 1 && ordered && positive {
            return Ok(());
        }
        Err(TuneError::Key { name: self.name.clone() })
    }

    /// A value, as `--set` takes it.
    fn draw(&self, rng: &mut Stream) -> String {
        let number = |x: f64| {
            let unit = 10f64.powi(DIGITS - 1 - x.abs().max(f64::MIN_POSITIVE).log10().floor() as i32);
            (x * unit).round() / unit
        };
        let value = match (self.log, self.linear) {
            (Some([low, high]), _) => {
                let at = f64::from(uniform(rng, low.ln() as f32, high.ln() as f32));
                Value::Float(number(at.exp()))
            }
            (_, Some([low, high])) => Value::Float(number(f64::from(uniform(rng, low as f32, high as f32)))),
            _ => self.values[below(rng, self.values.len())].clone(),
        };
        format!("{}={value}", self.name)
    }
}

/// The settings of each trial: none of the first, which is the configuration as it stands.
pub(super) fn settings(keys: &[Key], trials: usize, seed: u64) -> Vec<Vec<String>> {
    let drawn = |trial: usize| {
        let rng = &mut stream(seed, "tune", trial as u64);
        keys.iter().map(|key| key.draw(rng)).collect()
    };
    (0..trials).map(|trial| if trial == 0 { Vec::new() } else { drawn(trial) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        toml::from_str(text).expect("a key")
    }

    #[test]
    fn settings_lie_where_they_may_and_are_drawn_again_alike() {
        let keys = [
            key("name = \"distill.image_lr\"\nlog = [10, 1000]"),
            key("name = \"distill.label_lr\"\nlinear = [-1, 3]"),
            key("name = \"distill.syn_steps\"\nvalues = [10, 20]"),
        ];
        assert!(keys.iter().all(|key| key.check().is_ok()));
        let all = settings(&keys, 200, 4);
        assert_eq!(all, settings(&keys, 200, 4));
        assert_eq!((all[0].len(), all[1].len()), (0, 3));
        let values = |at: usize| {
            let value = move |set: &Vec<String>| {
                set[at].split_once('=').and_then(|(_, value)| value.parse::<f64>().ok())
            };
            all[1..].iter().map(move |set| value(set).expect("a number")).collect::<Vec<f64>>()
        };
        let below_middle = values(0).iter().filter(|lr| **lr < 100.0).count();
        assert!(values(0).iter().all(|lr| (10.0..=1000.0).contains(lr)) && (70..130).contains(&below_middle));
        assert!(values(1).iter().all(|lr| (-1.0..=3.0).contains(lr)));
        assert!(values(2).iter().all(|steps| [10.0, 20.0].contains(steps)));
    }

    #[test]
    fn a_key_has_values_or_one_range() {
        for text in [
            "",
            "values = []",
            "log = [0, 1]",
            "log = [2, 1]",
            "linear = [1, 1]",
            "log = [1, 2]\nlinear = [1, 2]",
        ] {
            let error = key(&format!("name = \"distill.image_lr\"\n{text}")).check().expect_err(text);
            assert!(error.to_string().contains("distill.image_lr"), "{error}");
        }
    }
}
