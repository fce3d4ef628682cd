use burn::tensor::{Tensor, TensorData};
use distil_store::Normalisation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Distiller, Inputs};

/// What a step of the images is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pixels {
    /// Network input, without bounds (DC, MTT and most others).
    #[default]
    Normalised,
    /// Pixels, which stay in `[0, 1]` (IDC, DREAM, DANCE, NCFM): with a standard deviation s, `image_lr` moves network input by
    /// 1/s² as much.
    Unit,
}

/// Images that are no pixels.
#[derive(Debug, Error)]
#[error("images of ZCA are no pixels, which distill.pixels = \"unit\" keeps in [0, 1]; set data.zca = false")]
pub struct NotPixels;

/// Channel by channel, `[1, c, 1, 1]`.
pub(crate) struct UnitPixels {
    /// 1/s²: what a gradient by network input, as a step of pixels, is as a step of network input.
    factor: Tensor<4>,
    /// 0 and 1 as network input.
    bounds: [Tensor<4>; 2],
}

impl UnitPixels {
    /// Of the run's data.
    pub(crate) fn of(inputs: &Inputs<'_>) -> Result<Self, NotPixels> {
        let [channels, ..] = inputs.net.image_shape();
        let (mean, std) = match &inputs.dataset.preprocessing().normalisation {
            Normalisation::Identity => (vec![0.0; channels], vec![1.0; channels]),
            Normalisation::MeanStd { mean, std } => (mean.clone(), std.clone()),
            Normalisation::Zca(_) => return Err(NotPixels),
        };
        let column = |value: &dyn Fn(usize) -> f32| {
            let values: Vec<f32> = (0..channels).map(value).collect();
            Tensor::<4>::from_data(TensorData::new(values, [1, channels, 1, 1]), inputs.device())
        };
        Ok(Self {
            factor: column(&|c| 1.0 / (std[c] * std[c])),
            bounds: [column(&|c| -mean[c] / std[c]), column(&|c| (1.0 - mean[c]) / std[c])],
        })
    }

    /// A gradient by network input, so that a step along it is one of pixels.
    pub(crate) fn step(&self, gradient: Tensor<4>) -> Tensor<4> {
        gradient * self.factor.clone()
    }

    /// Keeps the images between black and white.
    pub(crate) fn bound(&self, distiller: &mut Distiller) {
        let [low, high] = &self.bounds;
        distiller.change_images(|images| images.max_pair(low.clone()).min_pair(high.clone()));
    }
}
