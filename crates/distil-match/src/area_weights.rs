//! The weights that discriminative-area enhancement gives the gradient of the images: the state of EDF.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_gradcam::Noise;
use distil_store::StoreError;
use serde::{Deserialize, Serialize};

use crate::enhancement::{check_given, digest, digest_of_given, input_map};
use crate::ipc::labels;
use crate::{
    AreaEnhancement, AreaStatistics, Distiller, EnhancementError, Inputs, Kept, MapSource, OwnState, Saved,
};

/// The gradient weights of the images; there from the first maps on.
#[derive(Debug, Clone, Default)]
pub struct AreaWeights(Option<Mask>);

/// Gradient weights and where they came from.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    /// F(M, β), `[n, 1, h, w]`.
    pub(crate) weights: Tensor<4>,
    /// Digest of the network that made the maps.
    pub(crate) model: String,
}

/// A mask as a checkpoint describes it; its weights lie in a tensor.
#[derive(Serialize, Deserialize)]
struct SavedMask {
    model: String,
    shape: [usize; 4],
}

impl OwnState for AreaWeights {
    fn save(&self) -> Kept {
        let saved = |mask: &Mask| SavedMask { model: mask.model.clone(), shape: mask.weights.dims() };
        let kept = Kept::new(&self.0.as_ref().map(saved));
        match &self.0 {
            Some(Mask { weights, .. }) => {
                let values = weights.clone().into_data().iter::<f32>().collect();
                kept.with_tensor("mask", &weights.dims(), values)
            }
            None => kept,
        }
    }

    fn restore(saved: &Saved<'_>, device: &Device) -> Result<Self, StoreError> {
        let Some(SavedMask { model, shape }) = saved.document()? else { return Ok(Self(None)) };
        let weights = saved.tensor("mask", &shape)?.to_vec();
        Ok(Self(Some(Mask { weights: on_device(weights, shape, device), model })))
    }
}

impl AreaWeights {
    /// Makes maps of the images as they are now.
    pub(crate) fn refresh(
        &mut self,
        enhancement: &AreaEnhancement,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<AreaStatistics, EnhancementError> {
        let source = inputs.maps.ok_or(EnhancementError::NoModel)?;
        let images = distiller.images();
        // Rows lie class by class. The public code takes the largest logit of the learned label, which starts
        // out as the same.
        let labels = labels(&inputs.seen_per_class());
        let noise = Noise { seed: inputs.seed, round: distiller.iteration(), first_image: 0 };
        let images = (images, &inputs.dataset.preprocessing().normalisation);
        let (mask, areas) = enhancement.refresh(images, &labels, source, noise, inputs.method.micro_batch)?;
        self.0 = Some(mask);
        Ok(areas)
    }

    /// The gradient of the images, weighted.
    pub(crate) fn weigh(&self, gradient: Tensor<4>) -> Tensor<4> {
        match &self.0 {
            Some(mask) => gradient * mask.weights.clone(),
            None => gradient,
        }
    }

    /// Refuses a network that cannot look at these images, maps of others, and those that are not what the run has used so far.
    pub(crate) fn check_network(&self, inputs: &Inputs<'_>) -> Result<(), EnhancementError> {
        let [channels, height, width] = inputs.net.image_shape();
        let digest = match inputs.maps.ok_or(EnhancementError::NoModel)? {
            MapSource::Network(cam) => {
                let data = &inputs.dataset.preprocessing().normalisation;
                digest(cam.model, &input_map(cam.model, data, channels)?)
            }
            MapSource::Given(maps) => {
                check_given(maps, [inputs.seen_per_class().iter().sum(), height, width])?;
                digest_of_given(maps)
            }
        };
        match &self.0 {
            Some(mask) if mask.model != digest => Err(EnhancementError::OtherModel),
            _ => Ok(()),
        }
    }
}

/// Weights `[n, 1, h, w]` on a device.
pub(crate) fn on_device(weights: Vec<f32>, shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(weights, shape), (device, DType::F32))
}
