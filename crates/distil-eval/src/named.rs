use std::fmt;
use std::str::FromStr;

use distil_augment::Strategy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{Decayed, Distillation, Input, LabelUse, Mix, Norms, Optimiser, Protocol, Schedule};

/// A protocol of the literature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolName {
    /// Trajectory matching (MTT, FTD, TESLA): labels as the set has them, the learned step size, DSA.
    #[default]
    Mtt,
    /// DATM and EDF: MTT's with batches of 128.
    Datm,
    /// Gradient matching (DC): 300 epochs at step size 0.01 without augmentation or ZCA.
    Dc,
    /// DC with differentiable augmentation (DSA): 1,000 epochs.
    Dsa,
    /// The first dataset distillation challenge: hard labels, ConvNet of depth 3, no ZCA, the mean of three students.
    #[serde(rename = "eccv-2024")]
    Eccv2024,
    /// DC-BENCH with DSA: 1,000 epochs at step size 0.01, in the set's own input.
    DcBench,
    /// IDC, DREAM and DANCE: batches of 64, `CutMix` every other time, the step size × 0.2 twice.
    Idc,
    /// RDED's knowledge distillation: an online teacher, temperature 20, AdamW, smoothed cosine, `CutMix`.
    RdedKd,
    /// SRe2L's knowledge distillation on ImageNet: as RDED's, with a whole cosine, batches of 1024 and smaller crops.
    Sre2lKd,
    /// SRe2L's on CIFAR: mixup, temperature 30, 400 epochs, a teacher whose batch norms use the batch.
    Sre2lKdCifar,
    /// DD-Ranking's training on labels; `distil rank-score` varies labels, augmentation and step size.
    DdRanking,
}

/// No protocol has this name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is no protocol {name:?}; use {}", ProtocolName::ALL.map(ProtocolName::as_str).join(", "))]
pub struct UnknownProtocol {
    name: String,
}

impl ProtocolName {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Mtt,
        Self::Datm,
        Self::Dc,
        Self::Dsa,
        Self::Eccv2024,
        Self::DcBench,
        Self::Idc,
        Self::RdedKd,
        Self::Sre2lKd,
        Self::Sre2lKdCifar,
        Self::DdRanking,
    ];

    /// The name in configurations and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mtt => "mtt",
            Self::Datm => "datm",
            Self::Dc => "dc",
            Self::Dsa => "dsa",
            Self::Eccv2024 => "eccv-2024",
            Self::DcBench => "dc-bench",
            Self::Idc => "idc",
            Self::RdedKd => "rded-kd",
            Self::Sre2lKd => "sre2l-kd",
            Self::Sre2lKdCifar => "sre2l-kd-cifar",
            Self::DdRanking => "dd-ranking",
        }
    }
}

impl fmt::Display for ProtocolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ProtocolName {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        let found = Self::ALL.into_iter().find(|protocol| protocol.as_str() == name);
        found.ok_or_else(|| UnknownProtocol { name: name.to_owned() })
    }
}

/// Keys that say how many students there are and how memory is bounded, not how a student learns.
const NOT_THE_STUDENT: [&str; 3] = ["seeds", "validation_seeds", "micro_batch"];
/// Keys that are not values: where values started, where a file is, and how often something else is done.
const NOT_VALUES: [&str; 3] = ["protocol", "teacher", "full_seeds"];
/// Values that earlier versions did not have; they did what the default does.
const NEW: [&str; 5] = ["decayed", "optimiser", "schedule", "labels", "input"];

impl Protocol {
    /// The values of a protocol, as published or as in its public code.
    ///
    /// What a name cannot know is left to the user: RDED's batch is 10 at one image a class, and its step size 0.002
    /// for a ConvNet on CIFAR-100, 0.0005 for VGG-11, 0.0001 for AlexNet; DC-BENCH has 300 epochs without augmentation.
    pub fn named(protocol: ProtocolName) -> Self {
        let mtt = Self { protocol, ..Self::default() };
        let dc = Self { synthetic_lr: Some(0.01), input: Input::Plain, ..mtt.clone() };
        match protocol {
            ProtocolName::Mtt => mtt,
            ProtocolName::Datm => Self { batch: 128, ..mtt },
            ProtocolName::Dc => Self { epochs: 300, augmentation: Strategy::none(), ..dc },
            ProtocolName::Dsa => dc,
            ProtocolName::Eccv2024 => Self { seeds: 3, labels: LabelUse::Hard, depth: Some(3), ..dc },
            ProtocolName::DcBench => Self { synthetic_lr: Some(0.01), ..mtt },
            ProtocolName::Idc => Self {
                epochs: 999,
                batch: 64,
                schedule: Schedule::TwoSteps,
                augmentation: idc(),
                cutmix: Some(0.5),
                ..dc
            },
            ProtocolName::RdedKd => Self {
                epochs: 299,
                batch: 100,
                schedule: Schedule::SmoothedCosine,
                resized_crop: Some(0.5),
                decayed: Decayed::Matrices,
                ..taught(mtt)
            },
            ProtocolName::Sre2lKd => Self {
                epochs: 299,
                batch: 1024,
                schedule: Schedule::Cosine,
                resized_crop: Some(0.08),
                decayed: Decayed::Matrices,
                ..taught(mtt)
            },
            ProtocolName::Sre2lKdCifar => {
                let distillation = Distillation {
                    temperature: 30.0,
                    mix: Mix::Mixup,
                    mix_alpha: 0.8,
                    teacher_norms: Norms::Batch,
                };
                Self {
                    epochs: 399,
                    batch: 128,
                    schedule: Schedule::Cosine,
                    distillation: Some(distillation),
                    ..taught(mtt)
                }
            }
            ProtocolName::DdRanking => Self { epochs: 999, batch: 128, synthetic_lr: Some(0.01), ..mtt },
        }
    }

    /// The name of these values: of the named protocol that they are, else of the one they started from.
    pub fn name(&self) -> ProtocolName {
        let exact = ProtocolName::ALL.into_iter().find(|name| self.changes(*name).is_empty());
        exact.unwrap_or(self.protocol)
    }

    /// The protocol in words for a table: its name, and what was changed about it, as `dc with epochs = 50`.
    pub fn described(&self) -> String {
        let name = self.name();
        let changes = self.changes(name);
        if changes.is_empty() { name.to_string() } else { format!("{name} with {}", changes.join(", ")) }
    }

    /// What decides what a student of this protocol achieves, as JSON. Values that earlier versions did not have are
    /// left out where they are what these did.
    #[expect(clippy::missing_panics_doc, reason = "a protocol is a table of plain values")]
    pub fn values(&self) -> Value {
        let mut value = serde_json::to_value(self).expect("a protocol is plain JSON");
        let usual = serde_json::to_value(Self::default()).expect("a protocol is plain JSON");
        let map = value.as_object_mut().expect("a protocol is a table");
        map.retain(|key, value| {
            let key = key.as_str();
            let implied = NEW.contains(&key) && usual[key] == *value;
            !(NOT_VALUES.contains(&key) || implied)
        });
        value
    }

    /// `key = value` of everything that differs from a named protocol's students.
    fn changes(&self, name: ProtocolName) -> Vec<String> {
        let (here, there) = (self.values(), Self::named(name).values());
        let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let (here, there) = (map(&here), map(&there));
        let keys: std::collections::BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        let differs =
            |key: &&String| !NOT_THE_STUDENT.contains(&key.as_str()) && here.get(*key) != there.get(*key);
        let shown = |key: &String| match here.get(key) {
            None => format!("{key} = default"),
            Some(Value::String(text)) => format!("{key} = {text}"),
            Some(value) => format!("{key} = {value}"),
        };
        keys.into_iter().filter(differs).map(shown).collect()
    }
}

/// DSA's operations as IDC puts them together, without the holes that `CutMix` makes anyway.
fn idc() -> Strategy {
    "flip+color+crop+scale+rotate".parse().expect("a strategy")
}

/// What protocols with a teacher share.
fn taught(mtt: Protocol) -> Protocol {
    Protocol {
        real_lr: 0.001,
        synthetic_lr: Some(0.001),
        weight_decay: 0.01,
        full_epochs: 99,
        augmentation: Strategy::none(),
        optimiser: Optimiser::AdamW,
        input: Input::Plain,
        distillation: Some(Distillation::default()),
        ..mtt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_are_parsed() {
        for name in ProtocolName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
            let protocol = Protocol::named(name);
            assert_eq!(protocol.check(), Ok(()));
            assert_eq!(protocol.name(), name);
            assert_eq!(protocol.described(), name.as_str());
            let json = serde_json::to_string(&protocol).unwrap();
            assert_eq!(serde_json::from_str::<Protocol>(&json).unwrap(), protocol, "{json}");
        }
        let error = "dcbench".parse::<ProtocolName>().unwrap_err().to_string();
        assert!(error.contains("\"dcbench\"; use mtt, datm, dc,"), "{error}");
    }

    #[test]
    fn values_not_labels_name_a_protocol() {
        let datm = Protocol { batch: 128, seeds: 1, ..Protocol::default() };
        assert_eq!(datm.described(), "datm");
        let changed = Protocol { epochs: 50, synthetic_lr: None, ..Protocol::named(ProtocolName::Dc) };
        assert_eq!(changed.described(), "dc with epochs = 50, synthetic_lr = default");
        assert_eq!(changed.name(), ProtocolName::Dc);
    }

    /// Digests of results, and the comparison of their conditions, rest on these bytes.
    #[test]
    fn the_values_of_earlier_versions_have_not_changed() {
        let values = Protocol { teacher: Some("t".into()), ..Protocol::default() }.values().to_string();
        assert_eq!(
            values,
            "{\"augmentation\":\"color_crop_cutout_flip_scale_rotate\",\"batch\":256,\"epochs\":1000,\"full_epochs\":50,\
             \"micro_batch\":256,\"momentum\":0.9,\"real_lr\":0.01,\"seeds\":5,\"validation_seeds\":1,\"weight_decay\":0.0005}"
        );
    }
}
