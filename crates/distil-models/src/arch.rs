use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Name of an architecture.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// [`ConvNet`](crate::ConvNet)
    #[default]
    ConvNet,
    /// [`ResNet18`](crate::ResNet18)
    ResNet18,
    /// [`Vgg11`](crate::Vgg11)
    Vgg11,
    /// [`AlexNet`](crate::AlexNet)
    AlexNet,
    /// [`EfficientNetLite`](crate::EfficientNetLite)
    #[serde(rename = "efficientnet-lite")]
    EfficientNetLite,
    /// [`Mlp`](crate::Mlp)
    Mlp,
    /// [`Sequence`](crate::Sequence)
    Sequence,
    /// [`LayerList`](crate::LayerList)
    Layers,
}

impl Arch {
    /// All architectures that need no list of layers, as cross-architecture tables list them.
    pub const NAMED: [Self; 7] = [
        Self::ConvNet,
        Self::ResNet18,
        Self::Vgg11,
        Self::AlexNet,
        Self::EfficientNetLite,
        Self::Mlp,
        Self::Sequence,
    ];

    /// The name in configurations and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConvNet => "convnet",
            Self::ResNet18 => "resnet18",
            Self::Vgg11 => "vgg11",
            Self::AlexNet => "alexnet",
            Self::EfficientNetLite => "efficientnet-lite",
            Self::Mlp => "mlp",
            Self::Sequence => "sequence",
            Self::Layers => "layers",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No architecture has this name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is no architecture {0:?}; use {names}", names = Arch::NAMED.map(Arch::name).join(", "))]
pub struct UnknownArch(String);

impl FromStr for Arch {
    type Err = UnknownArch;

    fn from_str(name: &str) -> Result<Self, UnknownArch> {
        let mut all = Self::NAMED.into_iter().chain([Self::Layers]);
        all.find(|arch| arch.name() == name).ok_or_else(|| UnknownArch(name.to_owned()))
    }
}
