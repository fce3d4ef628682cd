use std::fmt;

use serde::{Deserialize, Serialize};

use crate::builder::Builder;
use crate::{
    AlexNet, Arch, ConvNet, EfficientNetLite, LayerList, Mlp, Network, NetworkError, Norm, ResNet18,
    Sequence, Vgg11,
};

/// What a [`Network`](crate::Network) is made from: an architecture with all its sizes, or a list of layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "arch", rename_all = "lowercase")]
pub enum Architecture {
    /// The ConvNet of the literature.
    ConvNet(ConvNet),
    /// ResNet-18.
    ResNet18(ResNet18),
    /// VGG-11.
    Vgg11(Vgg11),
    /// AlexNet.
    AlexNet(AlexNet),
    /// EfficientNet-Lite.
    #[serde(rename = "efficientnet-lite")]
    EfficientNetLite(EfficientNetLite),
    /// Linear layers with ReLU.
    Mlp(Mlp),
    /// Convolutions along one axis.
    Sequence(Sequence),
    /// A list of layers.
    Layers(LayerList),
}

/// Sizes of hidden layers, `128x128`.
fn sizes(hidden: &[usize]) -> String {
    if hidden.is_empty() {
        return "linear".to_owned();
    }
    hidden.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// For people: `ConvNet (depth 3, width 128)`.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConvNet(net) => {
                write!(f, "ConvNet (depth {}, width {}{})", net.depth, net.width, normed(net.norm))
            }
            Self::ResNet18(net) => write!(f, "ResNet-18 (width {}{})", net.base_width, normed(net.norm)),
            Self::Vgg11(net) => write!(f, "VGG-11 (width {}{})", net.base_width, normed(net.norm)),
            Self::AlexNet(net) => write!(f, "AlexNet (width {})", net.base_width),
            Self::EfficientNetLite(net) => write!(f, "EfficientNet-Lite (width {})", net.base_width),
            Self::Mlp(net) => write!(f, "MLP ({})", sizes(&net.hidden)),
            Self::Sequence(net) => {
                write!(f, "sequence net (depth {}, width {}{})", net.depth, net.width, normed(net.norm))
            }
            Self::Layers(net) => write!(f, "network of {} layers", net.layers.len()),
        }
    }
}

/// What is said of a normalisation that is not the usual one.
fn normed(norm: Norm) -> &'static str {
    match norm {
        Norm::Instance => "",
        Norm::Batch => ", batch norm",
        Norm::Group => ", group norm",
        Norm::Layer => ", layer norm",
        Norm::None => ", no norm",
    }
}

/// The same for every architecture.
macro_rules! each {
    ($of:expr, $net:ident => $value:expr) => {
        match $of {
            Architecture::ConvNet($net) => $value,
            Architecture::ResNet18($net) => $value,
            Architecture::Vgg11($net) => $value,
            Architecture::AlexNet($net) => $value,
            Architecture::EfficientNetLite($net) => $value,
            Architecture::Mlp($net) => $value,
            Architecture::Sequence($net) => $value,
            Architecture::Layers($net) => $value,
        }
    };
}

impl Architecture {
    /// Its name.
    pub fn arch(&self) -> Arch {
        match self {
            Self::ConvNet(_) => Arch::ConvNet,
            Self::ResNet18(_) => Arch::ResNet18,
            Self::Vgg11(_) => Arch::Vgg11,
            Self::AlexNet(_) => Arch::AlexNet,
            Self::EfficientNetLite(_) => Arch::EfficientNetLite,
            Self::Mlp(_) => Arch::Mlp,
            Self::Sequence(_) => Arch::Sequence,
            Self::Layers(_) => Arch::Layers,
        }
    }

    /// Channels, height and width of its images.
    pub fn image_shape(&self) -> [usize; 3] {
        each!(self, net => [net.channels, net.height, net.image_width])
    }

    /// Refuses sizes that cannot work.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        each!(self, net => Ok(net.check()?))
    }

    /// A short name for files: the architecture and its main sizes.
    pub fn short_name(&self) -> String {
        match self {
            Self::ConvNet(net) => format!("convnet-d{}-w{}", net.depth, net.width),
            Self::ResNet18(net) => format!("resnet18-w{}", net.base_width),
            Self::Vgg11(net) => format!("vgg11-w{}", net.base_width),
            Self::AlexNet(net) => format!("alexnet-w{}", net.base_width),
            Self::EfficientNetLite(net) => format!("efficientnet-lite-w{}", net.base_width),
            Self::Mlp(net) => format!("mlp-{}", sizes(&net.hidden)),
            Self::Sequence(net) => format!("sequence-d{}-w{}", net.depth, net.width),
            Self::Layers(net) => format!("layers-{}", net.layers.len()),
        }
    }

    pub(crate) fn layers(&self) -> Builder {
        each!(self, net => net.layers())
    }
}

/// Each architecture becomes one by itself, and the network that has its layers.
macro_rules! from {
    ($($net:ident: $variant:ident),+) => {
        $(impl From<$net> for Architecture {
            fn from(net: $net) -> Self {
                Self::$variant(net)
            }
        }

        impl From<$net> for Network {
            fn from(net: $net) -> Self {
                Architecture::from(net).into()
            }
        })+
    };
}

from!(
    ConvNet: ConvNet,
    ResNet18: ResNet18,
    Vgg11: Vgg11,
    AlexNet: AlexNet,
    EfficientNetLite: EfficientNetLite,
    Mlp: Mlp,
    Sequence: Sequence,
    LayerList: Layers
);
