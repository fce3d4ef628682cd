use serde::{Deserialize, Serialize};

use crate::builder::Builder;
use crate::convnet::LARGEST;
use crate::op::Flaw;
use crate::{Layer, Network, NetworkError};

/// Rows or columns of the largest kernel.
const KERNEL: usize = 1 << 10;

/// All sizes of the layers that must not be 0; those of kernels and windows so that the largest is [`KERNEL`].
fn sizes(layers: &[Layer]) -> Vec<usize> {
    let moving = |pair: &[usize; 2]| pair.map(|size| size.saturating_mul(LARGEST / KERNEL)).to_vec();
    let each = |layer: &Layer| match layer {
        Layer::Conv { out, kernel, stride, padding, groups, .. } => [
            vec![*out, *groups],
            moving(kernel),
            moving(stride),
            moving(&padding.map(|zeros| zeros.saturating_add(1))),
        ]
        .concat(),
        Layer::AvgPool { window, stride, padding } | Layer::MaxPool { window, stride, padding } => [
            moving(window),
            moving(&stride.unwrap_or([1, 1])),
            moving(&padding.map(|zeros| zeros.saturating_add(1))),
        ]
        .concat(),
        Layer::GroupNorm { groups } => vec![*groups],
        Layer::Linear { out, .. } => vec![*out],
        Layer::Residual { main, shortcut } => [sizes(main), sizes(shortcut)].concat(),
        Layer::Skip { main } => sizes(main),
        _ => Vec::new(),
    };
    layers.iter().flat_map(each).collect()
}

/// A network of one's own: its layers, one after the other. The last one is linear, with an output a class.
///
/// Tensors are named by place: `layers.0.weight`, and `layers.3.main.0.weight` in a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerList {
    /// Input channels.
    pub channels: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// The layers.
    pub layers: Vec<Layer>,
}

impl LayerList {
    /// The network; see [`Network::check`].
    pub fn network(self) -> Network {
        self.into()
    }

    /// Refuses layers that cannot work.
    ///
    /// # Errors
    /// [`NetworkError`] names the layer, what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        let (height, width) = (self.height, self.image_width);
        if !matches!(self.layers.last(), Some(Layer::Linear { .. })) {
            return Err(NetworkError::NoClassifier);
        }
        let image = [self.channels, height, width];
        if let Some(size) =
            image.into_iter().chain(sizes(&self.layers)).find(|size| !(1..=LARGEST).contains(size))
        {
            let problem =
                format!("there is a size of {size}; use 1 to {LARGEST}, and kernels of at most {KERNEL}");
            return Err(NetworkError::Layer { place: "layers".to_owned(), problem });
        }
        match self.layers().flaw {
            None => Ok(()),
            Some(Flaw::Vanishes) => Err(NetworkError::Vanishes { height, width }),
            Some(Flaw::Constant) => Err(NetworkError::Layer {
                place: "layers".to_owned(),
                problem: "instance norm of one pixel is constant; use larger images or another norm"
                    .to_owned(),
            }),
            Some(Flaw::Layer { place, problem }) => Err(NetworkError::Layer { place, problem }),
        }
    }

    pub(crate) fn layers(&self) -> Builder {
        Builder::new([self.channels, self.height, self.image_width]).layers("layers", &self.layers)
    }
}
