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

/// The operations a batch's augmentation is drawn from, by names with `_` between them: `color_crop_cutout_flip_scale_rotate`, a
/// part of it, or `none`. One of them is drawn for each batch (DSA).
///
/// With `+` between them, as in `color+crop+cutout`, they come together (IDC): flip, colour and cutout always, where they are named, and
/// one of crop, scale and rotate, in the order flip, colour, that one, cutout.
///
/// Parsed from and shown as that string, also by serde. The order of the names matters to the draws.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Strategy {
    operations: Vec<Operation>,
    draws: Draws,
}

/// How many operations an augmentation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Draws {
    /// One of those named, each as likely as the others.
    One,
    /// Several, as IDC's.
    Together,
}

impl Strategy {
    /// All six operations, as DSA and its successors train on CIFAR.
    pub fn dsa() -> Self {
        Self { operations: Operation::ALL.to_vec(), draws: Draws::One }
    }

    /// What IDC matches gradients under: colour, crop and cutout together.
    pub fn idc() -> Self {
        let operations = vec![Operation::Color, Operation::Crop, Operation::Cutout];
        Self { operations, draws: Draws::Together }
    }

    /// No augmentation.
    pub fn none() -> Self {
        Self { operations: Vec::new(), draws: Draws::One }
    }

    /// Whether this is [`Strategy::none`].
    pub fn is_none(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations drawn from.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(crate) fn draws(&self) -> Draws {
        self.draws
    }

    /// The same without `operation`: digits (MNIST, SVHN) must not be flipped.
    #[must_use]
    pub fn without(mut self, operation: Operation) -> Self {
        self.operations.retain(|&each| each != operation);
        self
    }
}

/// A strategy string that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategyError {
    /// A name that is not an operation.
    #[error("unknown augmentation `{name}`{}; write `none`, or some of {} joined by `_`, or by `+` for several at a time", hint(.name), names(", "))]
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
        let (separator, draws) = if text.contains('+') { ('+', Draws::Together) } else { ('_', Draws::One) };
        let mut operations = Vec::new();
        for name in text.split(separator) {
            let operation = Operation::ALL
                .into_iter()
                .find(|operation| operation.name() == name)
                .ok_or_else(|| StrategyError::Unknown { name: name.to_owned() })?;
            if operations.contains(&operation) {
                return Err(StrategyError::Repeated { name: operation.name() });
            }
            operations.push(operation);
        }
        Ok(Self { operations, draws })
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.operations.iter().map(|operation| operation.name()).collect();
        let separator = match self.draws {
            Draws::One => "_",
            Draws::Together => "+",
        };
        f.pad(&if names.is_empty() { "none".to_owned() } else { names.join(separator) })
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
        for text in
            ["none", "color_crop_cutout_flip_scale_rotate", "flip", "rotate_color", "flip+color+crop+cutout"]
        {
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
             color, crop, cutout, flip, scale, rotate joined by `_`, or by `+` for several at a time"
        );
        let error = "zzz".parse::<Strategy>().unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
        for text in ["", "none_flip", "flip_", "Color", "flip_flip", "flip+flip", "flip+crop_color", "flip+"]
        {
            assert!(text.parse::<Strategy>().is_err(), "{text:?}");
        }
        assert!(serde_json::from_str::<Strategy>("\"colour\"").unwrap_err().to_string().contains("`color`"));
    }
}
