use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AlexNet, BackboneNorm, ConvNetConfig, EfficientNetLite, Network, NetworkError, ResNet18, Stem, Vgg11,
};

/// Name of an architecture.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// [`crate::ConvNet`]
    #[default]
    ConvNet,
    /// [`ResNet18`]
    ResNet18,
    /// [`Vgg11`]
    Vgg11,
    /// [`AlexNet`]
    AlexNet,
    /// [`EfficientNetLite`]
    #[serde(rename = "efficientnet-lite")]
    EfficientNetLite,
}

impl Arch {
    /// All architectures, as cross-architecture tables list them.
    pub const ALL: [Self; 5] =
        [Self::ConvNet, Self::ResNet18, Self::Vgg11, Self::AlexNet, Self::EfficientNetLite];

    /// The name in configurations and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConvNet => "convnet",
            Self::ResNet18 => "resnet18",
            Self::Vgg11 => "vgg11",
            Self::AlexNet => "alexnet",
            Self::EfficientNetLite => "efficientnet-lite",
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
#[error("there is no architecture {0:?}; use convnet, resnet18, vgg11, alexnet or efficientnet-lite")]
pub struct UnknownArch(String);

impl FromStr for Arch {
    type Err = UnknownArch;

    fn from_str(name: &str) -> Result<Self, UnknownArch> {
        Self::ALL.into_iter().find(|arch| arch.name() == name).ok_or_else(|| UnknownArch(name.to_owned()))
    }
}

/// What a user chooses of a [`Network`]; channels, classes and sides come from the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// The architecture.
    pub arch: Arch,
    /// How it begins; without it, what the literature uses at the data's resolution. A ConvNet has no stem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stem: Option<Stem>,
    /// Normalisation of ResNet-18 and VGG-11; without it, instance norm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<BackboneNorm>,
    /// Channels of the first stage of ResNet-18, VGG-11 and AlexNet, of the first convolution of EfficientNet-Lite; without it, the
    /// published 64 and 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_width: Option<usize>,
}

impl NetworkConfig {
    /// The published form of an architecture.
    pub fn published(arch: Arch) -> Self {
        Self { arch, ..Self::default() }
    }

    /// The network for images of this shape; a ConvNet is that of `convnet`.
    ///
    /// # Errors
    /// [`NetworkError`] names the choice that cannot work.
    pub fn build(
        &self,
        convnet: &ConvNetConfig,
        channels: usize,
        classes: usize,
        height: usize,
        image_width: usize,
    ) -> Result<Network, NetworkError> {
        let network = match self.arch {
            Arch::ConvNet => {
                self.refuse_all()?;
                Network::ConvNet(convnet.build(channels, classes, height, image_width)?)
            }
            Arch::ResNet18 => {
                let net = ResNet18::new(channels, classes, height, image_width);
                let (stem, norm) = (self.stem.unwrap_or(net.stem), self.norm.unwrap_or(net.norm));
                let base_width = self.base_width.unwrap_or(net.base_width);
                Network::ResNet18(ResNet18 { base_width, norm, stem, ..net })
            }
            Arch::Vgg11 => {
                let net = Vgg11::new(channels, classes, height, image_width);
                let (stem, norm) = (self.stem.unwrap_or(net.stem), self.norm.unwrap_or(net.norm));
                let base_width = self.base_width.unwrap_or(net.base_width);
                Network::Vgg11(Vgg11 { base_width, norm, stem, ..net })
            }
            Arch::AlexNet => {
                let net = AlexNet::new(channels, classes, height, image_width);
                if self.norm.is_some() {
                    return Err(NetworkError::NotThere { arch: self.arch, key: "norm" });
                }
                let stem = self.stem.unwrap_or(net.stem);
                let base_width = self.base_width.unwrap_or(net.base_width);
                Network::AlexNet(AlexNet { base_width, stem, ..net })
            }
            Arch::EfficientNetLite => {
                let given = [("stem", self.stem.is_some()), ("norm", self.norm.is_some())];
                if let Some(&(key, _)) = given.iter().find(|(_, given)| *given) {
                    return Err(NetworkError::NotThere { arch: self.arch, key });
                }
                let net = EfficientNetLite::new(channels, classes, height, image_width);
                let base_width = self.base_width.unwrap_or(net.base_width);
                Network::EfficientNetLite(EfficientNetLite { base_width, ..net })
            }
        };
        network.check()?;
        Ok(network)
    }

    /// A ConvNet is described by its own section.
    fn refuse_all(&self) -> Result<(), NetworkError> {
        let given = [
            ("stem", self.stem.is_some()),
            ("norm", self.norm.is_some()),
            ("base_width", self.base_width.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some(&(key, _)) => Err(NetworkError::NotThere { arch: self.arch, key }),
            None => Ok(()),
        }
    }
}
