use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One operation a [`Strategy`] may draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Brightness, saturation and contrast, in this order.
    Color,
    /// Shift by up to an eighth of the side, zeros outside.
    Crop,
    /// A square hole of half the side.
    Cutout,
    /// Left to right, every other image on average.
    Flip,
    /// By 1/1.2 to 1.2 along each axis independently.
    Scale,
    /// By −15° to 15°.
    Rotate,
}

impl Operation {
    /// All operations, in the order of the published strategy string.
    pub const ALL: [Self; 6] = [Self::Color, Self::Crop, Self::Cutout, Self::Flip, Self::Scale, Self::Rotate];

    /// Its name in strategy strings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Color => "color",
            Self::Crop => "crop",
            Self::Cutout => "cutout",
            Self::Flip => "flip",
            Self::Scale => "scale",
            Self::Rotate => "rotate",
        }
    }
}

/// The operations a batch's augmentation is drawn from: `color_crop_cutout_flip_scale_rotate`, a part
/// of it, or `none`.
///
/// Parsed from and shown as that string, also by serde. The order of the names matters to the draws.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Strategy(Vec<Operation>);

impl Strategy {
    /// All six operations, as DSA and its successors train on CIFAR.
    pub fn dsa() -> Self {
        Self(Operation::ALL.to_vec())
    }

    /// No augmentation.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether this is [`Strategy::none`].
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The operations drawn from, each as likely as the others.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// The same without `operation`: digits (MNIST, SVHN) must not be flipped.
    #[must_use]
    pub fn without(mut self, operation: Operation) -> Self {
        self.0.retain(|&each| each != operation);
        self
    }
}

/// A strategy string that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategyError {
    /// A name that is not an operation.
    #[error("unknown augmentation `{name}`{}; write `none`, or some of {} joined by `_`", hint(.name), names(", "))]
    Unknown {
        /// What was written.
        name: String,
    },
    /// A name that occurs twice.
    #[error("augmentation `{name}` is named twice; remove one, every operation is drawn equally often")]
    Repeated {
        /// The operation's name.
        name: &'static str,
    },
}

fn names(separator: &str) -> String {
    Operation::ALL.map(Operation::name).join(separator)
}

fn hint(written: &str) -> String {
    let closest = Operation::ALL
        .map(Operation::name)
        .into_iter()
        .chain(["none"])
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|&(similarity, _)| similarity > 0.75);
    closest.map(|(_, name)| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

impl FromStr for Strategy {
    type Err = StrategyError;

    fn from_str(text: &str) -> Result<Self, StrategyError> {
        if text == "none" {
            return Ok(Self::none());
        }
        let mut operations = Vec::new();
        for name in text.split('_') {
            let operation = Operation::ALL
                .into_iter()
                .find(|operation| operation.name() == name)
                .ok_or_else(|| StrategyError::Unknown { name: name.to_owned() })?;
            if operations.contains(&operation) {
                return Err(StrategyError::Repeated { name: operation.name() });
            }
            operations.push(operation);
        }
        Ok(Self(operations))
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|operation| operation.name()).collect();
        f.pad(&if names.is_empty() { "none".to_owned() } else { names.join("_") })
    }
}

impl TryFrom<String> for Strategy {
    type Error = StrategyError;

    fn try_from(text: String) -> Result<Self, StrategyError> {
        text.parse()
    }
}

impl From<Strategy> for String {
    fn from(strategy: Strategy) -> Self {
        strategy.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_round_trip_through_strings_and_json() {
        for text in ["none", "color_crop_cutout_flip_scale_rotate", "flip", "rotate_color"] {
            let strategy: Strategy = text.parse().unwrap();
            assert_eq!(strategy.to_string(), text);
            let json = serde_json::to_string(&strategy).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Strategy>(&json).unwrap(), strategy);
        }
        assert_eq!(Strategy::dsa().to_string(), "color_crop_cutout_flip_scale_rotate");
        assert_eq!(Strategy::dsa().without(Operation::Flip).to_string(), "color_crop_cutout_scale_rotate");
    }

    #[test]
    fn errors_name_the_word_the_likely_one_and_all() {
        let error = "color_croop".parse::<Strategy>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown augmentation `croop` (did you mean `crop`?); write `none`, or some of \
             color, crop, cutout, flip, scale, rotate joined by `_`"
        );
        let error = "zzz".parse::<Strategy>().unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
        for text in ["", "none_flip", "flip_", "Color", "flip_flip"] {
            assert!(text.parse::<Strategy>().is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<Strategy>("\"colour\"").unwrap_err().to_string().contains("`color`"));
    }
}
