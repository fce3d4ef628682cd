use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::builder::Builder;
use crate::convnet::LARGEST;
use crate::op::Flaw;
use crate::{Arch, ConvNetError};

/// How a network begins, which decides the size of its maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// First convolution with stride 1 (published for 28 and 32 pixels).
    Cifar,
    /// First convolution with stride 2 (published for 64 pixels).
    Tiny,
    /// ResNet-18: 7×7 convolution with stride 2 and 3×3 max pool with stride 2, as torchvision has it (published for
    /// 128 pixels and more). Others: first convolution with stride 4, which is not published.
    Imagenet,
}

/// What would leave the network more pixels.
fn larger(stem: Stem) -> &'static str {
    match stem {
        Stem::Cifar => "use larger images",
        Stem::Tiny | Stem::Imagenet => "use larger images or stem = \"cifar\"",
    }
}

impl Stem {
    /// By how much the first layers shrink each side.
    pub(crate) fn stride(self) -> usize {
        match self {
            Self::Cifar => 1,
            Self::Tiny => 2,
            Self::Imagenet => 4,
        }
    }
}

/// Why a network cannot be built.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NetworkError {
    /// A ConvNet cannot be built.
    #[error(transparent)]
    ConvNet(#[from] ConvNetError),
    /// A size is zero.
    #[error("{arch}: {key} is 0; give at least 1")]
    Zero {
        /// The architecture.
        arch: Arch,
        /// The offending size.
        key: &'static str,
    },
    /// A size is absurd.
    #[error("{arch}: {key} = {size} is too large; use at most {LARGEST}")]
    TooLarge {
        /// The architecture.
        arch: Arch,
        /// The offending size.
        key: &'static str,
        /// What it was set to.
        size: usize,
    },
    /// The layers would leave no pixel.
    #[error("{arch} shrinks {height}×{width} images to nothing; {}", larger(*stem))]
    TooSmall {
        /// The architecture.
        arch: Arch,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
        /// How the network begins.
        stem: Stem,
    },
    /// Instance norm of one pixel is constant.
    #[error(
        "{arch} shrinks {height}×{width} images to one pixel, where instance norm leaves nothing; {} or norm = \"batch\"",
        larger(*stem)
    )]
    OnePixel {
        /// The architecture.
        arch: Arch,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
        /// How the network begins.
        stem: Stem,
    },
    /// The layers of a list would leave no pixel.
    #[error(
        "the layers shrink {height}×{width} images to nothing; use larger images, padding, or fewer strides and pools"
    )]
    Vanishes {
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
    },
    /// A list of layers does not end as a classifier.
    #[error("the last of model.layers must be linear; add {{ type = \"linear\", out = CLASSES }}")]
    NoClassifier,
    /// A list of layers has other outputs than there are classes.
    #[error(
        "model.layers ends with {outputs} outputs and the data have {classes} classes; write out = {classes} in its last layer"
    )]
    Outputs {
        /// Outputs of the last layer.
        outputs: usize,
        /// Classes of the data.
        classes: usize,
    },
    /// A layer cannot work on its input.
    #[error("{place}: {problem}")]
    Layer {
        /// The layer.
        place: String,
        /// What is wrong, and what to do about it.
        problem: String,
    },
    /// The architecture does not have such a choice.
    #[error("{arch} has no {key} of this kind; leave it out")]
    NotThere {
        /// The architecture.
        arch: Arch,
        /// The key that was set.
        key: &'static str,
    },
}

/// Sizes all backbones have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) channels: usize,
    pub(crate) classes: usize,
    pub(crate) height: usize,
    pub(crate) image_width: usize,
    pub(crate) base_width: usize,
}

impl Sizes {
    /// Refuses sizes that cannot work in these layers.
    pub(crate) fn check(
        self,
        arch: Arch,
        stem: Stem,
        layers: impl FnOnce() -> Builder,
    ) -> Result<(), NetworkError> {
        let Self { channels, classes, height, image_width: width, base_width } = self;
        let sizes = [
            ("channels", channels),
            ("classes", classes),
            ("height", height),
            ("image_width", width),
            ("width", base_width),
        ];
        for (key, size) in sizes {
            if size == 0 {
                return Err(NetworkError::Zero { arch, key });
            }
            if size > LARGEST {
                return Err(NetworkError::TooLarge { arch, key, size });
            }
        }
        match layers().flaw {
            None => Ok(()),
            Some(Flaw::Vanishes) => Err(NetworkError::TooSmall { arch, height, width, stem }),
            Some(Flaw::Constant) => Err(NetworkError::OnePixel { arch, height, width, stem }),
            Some(Flaw::Layer { place, problem }) => Err(NetworkError::Layer { place, problem }),
        }
    }
}
