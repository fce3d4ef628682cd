use distil_gradcam::{Cam, Maps};
use serde::{Deserialize, Serialize};

use crate::CompddError;

/// What exactly is measured. Two measurements can be compared when these are equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Definition {
    /// The shares of map values ≥ each of these are counted, in one pass; classes are ranked by the first one unless
    /// another is asked for. Above 0 and at most 1.
    pub thresholds: Vec<f64>,
    /// Which map.
    pub cam: Cam,
    /// Name of the layer; the last one without.
    pub layer: Option<String>,
    /// Which class of the network a map is for.
    pub target: TargetClass,
    /// Which values are counted.
    pub values: MapValues,
    /// Seed of the noise of SmoothGrad-CAM++.
    pub seed: u64,
}

/// Which class of the network an image's map is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetClass {
    /// The image's own class.
    #[default]
    Label,
    /// The class with the highest score, as in EDF's public code.
    Predicted,
}

/// Which values of a map are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapValues {
    /// Those of the map as the layer has it (7×7 for torchvision's networks), as in EDF's public code.
    #[default]
    Layer,
    /// Those of the map after bilinear upsampling to the size of the images: "pixels", as the paper says.
    Pixels,
}

impl Default for Definition {
    fn default() -> Self {
        Self {
            thresholds: vec![0.5],
            cam: Cam::GradCam,
            layer: None,
            target: TargetClass::Label,
            values: MapValues::Layer,
            seed: 0,
        }
    }
}

impl Definition {
    /// As EDF's public code measures Comp-DD, at its one threshold: torchcam's SmoothGrad-CAM++ for the predicted class.
    pub fn public_code() -> Self {
        Self { cam: Cam::public_code(), target: TargetClass::Predicted, ..Self::default() }
    }

    /// Refuses what cannot be measured.
    ///
    /// # Errors
    /// [`CompddError::Threshold`], [`CompddError::Thresholds`].
    pub fn check(&self) -> Result<(), CompddError> {
        if let Some(&bad) =
            self.thresholds.iter().find(|threshold| !(**threshold > 0.0 && **threshold <= 1.0))
        {
            return Err(CompddError::Threshold(bad));
        }
        let twice = |at: usize| self.thresholds[..at].contains(&self.thresholds[at]);
        if self.thresholds.is_empty() || (0..self.thresholds.len()).any(twice) {
            return Err(CompddError::Thresholds(self.thresholds.clone()));
        }
        Ok(())
    }

    /// The maps whose values are counted, for images of `height` × `width` pixels.
    pub(crate) fn counted(&self, raw: &Maps, height: usize, width: usize) -> Maps {
        match self.values {
            MapValues::Layer => raw.unit(),
            MapValues::Pixels => raw.unit().resize(height, width),
        }
    }
}
