use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AlexNet, Arch, Architecture, ConvNet, EfficientNetLite, Layer, LayerList, Mlp, Network, NetworkError,
    Norm, Pool, ResNet18, Sequence, Stem, Vgg11,
};

/// What a user chooses of a [`Network`]; channels, classes and sides come from the data. Keys that an architecture does not
/// have are refused.
///
/// ```
/// use distil_models::{Arch, NetworkConfig, NetworkError};
///
/// let config = NetworkConfig::published(Arch::ResNet18).width(16);
/// let net = config.build([3, 32, 32], 10)?;
/// assert_eq!(net.cam_layers(), ["layer1", "layer2", "layer3", "layer4"]);
/// # Ok::<(), NetworkError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// The architecture (published: convnet).
    pub arch: Arch,
    /// Channels of every convolution of a ConvNet or a sequence net (published: 128), of the first stage of ResNet-18, VGG-11
    /// and AlexNet (published: 64), of the first convolution of EfficientNet-Lite (published: 32).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Blocks of a ConvNet or a sequence net; without it, what the literature uses at the data's resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Normalisation of a ConvNet, a sequence net, ResNet-18 and VGG-11 (published: instance).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<Norm>,
    /// Pools of a ConvNet (published: avg).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// How ResNet-18, VGG-11 and AlexNet begin; without it, what the literature uses at the data's resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stem: Option<Stem>,
    /// Outputs of each hidden layer of an MLP (published: 128 and 128).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Vec<usize>>,
    /// The layers of arch = "layers", the last one linear with an output a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<Layer>>,
}

/// A key of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Width,
    Depth,
    Norm,
    Pool,
    Stem,
    Hidden,
    Layers,
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Self::Width => "width",
            Self::Depth => "depth",
            Self::Norm => "norm",
            Self::Pool => "pool",
            Self::Stem => "stem",
            Self::Hidden => "hidden",
            Self::Layers => "layers",
        }
    }
}

/// The keys that an architecture has.
fn keys(arch: Arch) -> &'static [Key] {
    match arch {
        Arch::ConvNet => &[Key::Width, Key::Depth, Key::Norm, Key::Pool],
        Arch::ResNet18 | Arch::Vgg11 => &[Key::Width, Key::Norm, Key::Stem],
        Arch::AlexNet => &[Key::Width, Key::Stem],
        Arch::EfficientNetLite => &[Key::Width],
        Arch::Mlp => &[Key::Hidden],
        Arch::Sequence => &[Key::Width, Key::Depth, Key::Norm],
        Arch::Layers => &[Key::Layers],
    }
}

impl NetworkConfig {
    /// The published form of an architecture.
    pub fn published(arch: Arch) -> Self {
        Self { arch, ..Self::default() }
    }

    /// With so many channels; see [`NetworkConfig::width`].
    #[must_use]
    pub fn width(self, width: usize) -> Self {
        Self { width: Some(width), ..self }
    }

    /// With so many blocks.
    #[must_use]
    pub fn depth(self, depth: usize) -> Self {
        Self { depth: Some(depth), ..self }
    }

    /// With this normalisation.
    #[must_use]
    pub fn norm(self, norm: Norm) -> Self {
        Self { norm: Some(norm), ..self }
    }

    /// The network for images of `[channels, height, width]` in so many classes.
    ///
    /// # Errors
    /// [`NetworkError`] names the choice that cannot work.
    pub fn build(&self, image: [usize; 3], classes: usize) -> Result<Network, NetworkError> {
        self.refuse_unknown()?;
        let network = Network::from(self.architecture(image, classes));
        network.check()?;
        if network.classes() != classes {
            return Err(NetworkError::Outputs { outputs: network.classes(), classes });
        }
        Ok(network)
    }

    fn architecture(&self, [channels, height, image_width]: [usize; 3], classes: usize) -> Architecture {
        let (width, norm) = (self.width, self.norm);
        match self.arch {
            Arch::ConvNet => {
                let net = ConvNet::new(channels, classes, height, image_width);
                ConvNet {
                    width: width.unwrap_or(net.width),
                    depth: self.depth.unwrap_or(net.depth),
                    norm: norm.unwrap_or(net.norm),
                    pool: self.pool.unwrap_or(net.pool),
                    ..net
                }
                .into()
            }
            Arch::ResNet18 => {
                let net = ResNet18::new(channels, classes, height, image_width);
                let (stem, norm) = (self.stem.unwrap_or(net.stem), norm.unwrap_or(net.norm));
                ResNet18 { base_width: width.unwrap_or(net.base_width), norm, stem, ..net }.into()
            }
            Arch::Vgg11 => {
                let net = Vgg11::new(channels, classes, height, image_width);
                let (stem, norm) = (self.stem.unwrap_or(net.stem), norm.unwrap_or(net.norm));
                Vgg11 { base_width: width.unwrap_or(net.base_width), norm, stem, ..net }.into()
            }
            Arch::AlexNet => {
                let net = AlexNet::new(channels, classes, height, image_width);
                let stem = self.stem.unwrap_or(net.stem);
                AlexNet { base_width: width.unwrap_or(net.base_width), stem, ..net }.into()
            }
            Arch::EfficientNetLite => {
                let net = EfficientNetLite::new(channels, classes, height, image_width);
                EfficientNetLite { base_width: width.unwrap_or(net.base_width), ..net }.into()
            }
            Arch::Mlp => {
                let net = Mlp::new(channels, classes, height, image_width);
                Mlp { hidden: self.hidden.clone().unwrap_or(net.hidden.clone()), ..net }.into()
            }
            Arch::Sequence => {
                let net = Sequence::new(channels, classes, height, image_width);
                Sequence {
                    width: width.unwrap_or(net.width),
                    depth: self.depth.unwrap_or(net.depth),
                    norm: norm.unwrap_or(net.norm),
                    ..net
                }
                .into()
            }
            Arch::Layers => {
                let layers = self.layers.clone().unwrap_or_default();
                LayerList { channels, height, image_width, layers }.into()
            }
        }
    }

    fn refuse_unknown(&self) -> Result<(), NetworkError> {
        let given = [
            (Key::Width, self.width.is_some()),
            (Key::Depth, self.depth.is_some()),
            (Key::Norm, self.norm.is_some()),
            (Key::Pool, self.pool.is_some()),
            (Key::Stem, self.stem.is_some()),
            (Key::Hidden, self.hidden.is_some()),
            (Key::Layers, self.layers.is_some()),
        ];
        let known = keys(self.arch);
        match given.into_iter().find(|(key, given)| *given && !known.contains(key)) {
            Some((key, _)) => Err(NetworkError::NotThere { arch: self.arch, key: key.name() }),
            None => Ok(()),
        }
    }
}
