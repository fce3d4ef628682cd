use std::borrow::Cow;

use distil_data::{Dataset, Error};
use distil_store::{Difference, LabelKind, Labels, SyntheticSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EvaluateError, Protocol};

/// Classes that a message names; how many more there are is said.
const NAMED: usize = 5;

/// What network input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// What the set was distilled in, ZCA too.
    #[default]
    Distilled,
    /// Mean and standard deviation, never ZCA, as in DC's code and the ECCV 2024 challenge, where CIFAR-100 has statistics of
    /// its own. Sets that were distilled in another input are converted: un-whitened or un-normalised, not clamped,
    /// normalised.
    Plain,
}

/// Which labels of a synthetic set are learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LabelUse {
    /// The set's own, hard or soft.
    #[default]
    Given,
    /// Hard labels; those of a set with soft labels are the classes that its images were made for.
    Hard,
}

/// The dataset in the input format of a protocol, and the conversion of sets into it.
#[derive(Debug)]
pub struct ProtocolData<'a> {
    protocol: &'a Protocol,
    loaded: &'a Dataset,
    converted: Option<Dataset>,
}

impl<'a> ProtocolData<'a> {
    /// The protocol's view of a dataset as sets were distilled in it.
    ///
    /// # Errors
    /// [`Error::Count`] when the protocol's input cannot be made, because only network input is known.
    pub fn new(protocol: &'a Protocol, loaded: &'a Dataset) -> Result<Self, Error> {
        let converted = match protocol.input {
            Input::Distilled => None,
            Input::Plain => {
                let plain = loaded.renormalised()?;
                (plain.preprocessing() != loaded.preprocessing()).then_some(plain)
            }
        };
        Ok(Self { protocol, loaded, converted })
    }

    /// The data to train and test on.
    pub fn dataset(&self) -> &Dataset {
        self.converted.as_ref().unwrap_or(self.loaded)
    }

    /// A set as the protocol sees it: pixels in its input, labels as it uses them.
    ///
    /// # Errors
    /// [`EvaluateError`] when the set is not one of this dataset as it was loaded, or has no hard labels.
    pub fn set<'s>(&self, set: &'s SyntheticSet) -> Result<Cow<'s, SyntheticSet>, EvaluateError> {
        check(set, self.loaded)?;
        let mut seen = set.decoded();
        if let Some(plain) = &self.converted {
            let shape = self.loaded.shape();
            let pixels = self.loaded.transform.invert(shape, &seen.images)?;
            let seen = seen.to_mut();
            seen.images = plain.transform.apply(shape, &pixels)?;
            seen.card.preprocessing = plain.preprocessing().clone();
        }
        if self.protocol.labels == LabelUse::Hard && set.labels.kind() == LabelKind::Soft {
            let (images, classes, ipc) = (set.shape[0], set.classes(), set.card.ipc);
            let known = seen.known_classes();
            let seen = seen.to_mut();
            seen.labels = Labels::Hard(known.ok_or(EvaluateError::Unsorted { images, classes, ipc })?);
            seen.card.label_kind = LabelKind::Hard;
            seen.card.image_classes = None;
        }
        Ok(seen)
    }
}

/// How two lists of classes differ, in words.
fn difference(of_set: &[String], of_data: &[String]) -> String {
    let only = |these: &[String], others: &[String]| -> Vec<String> {
        let mut names: Vec<String> = these.iter().filter(|name| !others.contains(name)).cloned().collect();
        if names.len() > NAMED {
            names[NAMED] = format!("{} more", names.len() - NAMED);
            names.truncate(NAMED + 1);
        }
        names
    };
    let sides = [("set", only(of_set, of_data)), ("data", only(of_data, of_set))];
    let said = sides.iter().filter(|(_, names)| !names.is_empty());
    let said: Vec<String> =
        said.map(|(side, names)| format!("only the {side} has {}", names.join(", "))).collect();
    if said.is_empty() { "they are in another order".to_owned() } else { said.join(", ") }
}

/// A set is only worth something with the pixels it was made for.
pub(crate) fn check(set: &SyntheticSet, dataset: &Dataset) -> Result<(), EvaluateError> {
    let [_, channels, height, width] = set.shape;
    let shape = dataset.shape();
    if [channels, height, width] != [shape.channels, shape.height, shape.width] {
        let found = format!("{channels}×{height}×{width}");
        let wanted = format!("{}×{}×{}", shape.channels, shape.height, shape.width);
        return Err(EvaluateError::Shape { found, wanted });
    }
    if set.card.class_names != dataset.class_names {
        let difference = difference(&set.card.class_names, &dataset.class_names);
        let (set, data) = (set.card.dataset.clone(), dataset.name.clone());
        return Err(EvaluateError::Classes { set, data, difference });
    }
    match set.card.preprocessing.difference(dataset.preprocessing()) {
        None => Ok(()),
        Some(Difference::Statistics) => Err(EvaluateError::Statistics),
        Some(Difference::Steps) => Err(EvaluateError::Preprocessing),
    }
}
