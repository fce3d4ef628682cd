use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Keeps the pixel weights of Grad-CAM++ finite where every gradient is zero, as in the field's code.
const EPS: f64 = 1e-8;

/// How the channels of a feature map A are weighted for a class score S. The map is ReLU(Σ_c w_c·A_c).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cam {
    /// w_c = spatial mean of ∂S/∂A_c (Selvaraju et al., ICCV 2017); what the EDF paper describes.
    #[default]
    GradCam,
    /// w_c = Σ_ij α_ij·ReLU(g_ij) with g = ∂S/∂A_c and α_ij = g_ij² / (2g_ij² + g_ij³·Σ_ab A_ab + 1e-8) (Chattopadhyay et
    /// al., WACV 2018). That paper differentiates exp(S), which multiplies a whole map by exp(S) and leaves its unit form
    /// alone.
    GradCamPlusPlus,
    /// Grad-CAM++ with derivatives averaged over noisy copies of the image (Omeiza et al., 2019); what EDF's public code
    /// uses, with 4 samples and σ = 0.3.
    SmoothGradCamPlusPlus(Smoothing),
}

/// The noise of SmoothGrad-CAM++.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Smoothing {
    /// Noisy copies of an image, at least 1 (public code: 4).
    pub samples: usize,
    /// Standard deviation of the noise in units of network input, at least 0 (public code: 0.3).
    pub sigma: f64,
    /// How the noisy copies are put together.
    pub form: SmoothForm,
}

impl Default for Smoothing {
    fn default() -> Self {
        Self { samples: 4, sigma: 0.3, form: SmoothForm::Averaged }
    }
}

/// How SmoothGrad-CAM++ puts its noisy copies together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmoothForm {
    /// Grad-CAM++ of the clean image's feature map with the averages of g, g² and g³. (The paper prints g in α's
    /// numerator, where Grad-CAM++, from which it is derived, has g².)
    #[default]
    Averaged,
    /// As in torchcam, which EDF's public code calls. It differs twice: α's denominator has Σ_ab g_ab³·A_ab, one number
    /// a channel, instead of g_ij³·Σ_ab A_ab; and the outer g and the A that is summed up are those of the last copy alone.
    PublicCode,
}

/// Settings of a map that cannot work.
#[derive(Debug, Error, PartialEq)]
pub enum CamSettingError {
    /// No noisy copy.
    #[error("samples is 0; give at least 1, such as 4")]
    Samples,
    /// Noise that is negative or not a number.
    #[error("sigma = {0} is out of range; give 0 or more, such as 0.3")]
    Sigma(f64),
}

impl Cam {
    /// SmoothGrad-CAM++ exactly as EDF's public code computes it.
    pub fn public_code() -> Self {
        Self::SmoothGradCamPlusPlus(Smoothing { form: SmoothForm::PublicCode, ..Smoothing::default() })
    }

    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// [`CamSettingError`] names the key and a value that works.
    pub fn check(&self) -> Result<(), CamSettingError> {
        let Self::SmoothGradCamPlusPlus(Smoothing { samples, sigma, .. }) = *self else { return Ok(()) };
        if samples == 0 {
            return Err(CamSettingError::Samples);
        }
        if !(sigma.is_finite() && sigma >= 0.0) {
            return Err(CamSettingError::Sigma(sigma));
        }
        Ok(())
    }
}

/// A class score's derivatives by a feature map, all `[n, c, h, w]`: powers of g, or averages of powers.
pub(crate) struct Derivatives {
    pub(crate) first: Tensor<4>,
    pub(crate) second: Tensor<4>,
    pub(crate) third: Tensor<4>,
}

impl Derivatives {
    /// Of one pass.
    pub(crate) fn of(gradient: Tensor<4>) -> Self {
        let second = gradient.clone() * gradient.clone();
        let third = second.clone() * gradient.clone();
        Self { first: gradient, second, third }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            first: self.first + other.first,
            second: self.second + other.second,
            third: self.third + other.third,
        }
    }

    pub(crate) fn over(self, count: usize) -> Self {
        let count = count as f64;
        Self { first: self.first / count, second: self.second / count, third: self.third / count }
    }

    /// Grad-CAM++'s channel weights `[n, c]` for the feature map `[n, c, h, w]` in α's denominator.
    pub(crate) fn weights(self, map: Tensor<4>) -> Tensor<2> {
        let [n, c, _, _] = map.dims();
        let total = spatial_sum(map).reshape([n, c, 1, 1]);
        let third = self.third * total;
        pixel_weighted(self.first, self.second, third)
    }

    /// The same with torchcam's denominator.
    pub(crate) fn torchcam_weights(self, map: Tensor<4>) -> Tensor<2> {
        let [n, c, _, _] = map.dims();
        let third = spatial_sum(map * self.third).reshape([n, c, 1, 1]);
        pixel_weighted(self.first, self.second, third)
    }
}

/// Σ_ij α_ij·ReLU(first_ij) with α = second / (2·second + third + 1e-8).
fn pixel_weighted(first: Tensor<4>, second: Tensor<4>, third: Tensor<4>) -> Tensor<2> {
    let denominator = second.clone() * 2.0 + third + EPS;
    // A sum with negative terms can cancel to nothing; such a pixel has no say.
    let cancelled = denominator.clone().equal_elem(0.0);
    let alpha = (second / denominator.mask_fill(cancelled.clone(), 1.0)).mask_fill(cancelled, 0.0);
    spatial_sum(alpha * relu(first))
}

/// Grad-CAM's channel weights `[n, c]`.
pub(crate) fn mean_gradient(gradient: Tensor<4>) -> Tensor<2> {
    let [_, _, h, w] = gradient.dims();
    spatial_sum(gradient) / (h * w) as f64
}

/// ReLU(Σ_c w_c·A_c), `[n, 1, h, w]`.
pub(crate) fn weighted_map(weights: Tensor<2>, map: Tensor<4>) -> Tensor<4> {
    let [n, c] = weights.dims();
    relu((map * weights.reshape([n, c, 1, 1])).sum_dim(1))
}

fn spatial_sum(x: Tensor<4>) -> Tensor<2> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h * w]).sum_dim(2).reshape([n, c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let smooth = |samples, sigma| {
            Cam::SmoothGradCamPlusPlus(Smoothing { samples, sigma, form: SmoothForm::Averaged }).check()
        };
        assert_eq!(smooth(1, 0.0), Ok(()));
        assert_eq!(smooth(0, 0.3), Err(CamSettingError::Samples));
        assert_eq!(smooth(4, -0.1), Err(CamSettingError::Sigma(-0.1)));
        assert!(smooth(4, f64::NAN).is_err() && smooth(4, f64::INFINITY).is_err());
    }

    #[test]
    fn a_configuration_reads_naturally() {
        let read = |text: &str| serde_json::from_str::<Cam>(text).unwrap();
        assert_eq!(read(r#""grad-cam""#), Cam::GradCam);
        assert_eq!(read(r#""grad-cam-plus-plus""#), Cam::GradCamPlusPlus);
        let smooth = r#"{"smooth-grad-cam-plus-plus": {"form": "public-code"}}"#;
        assert_eq!(read(smooth), Cam::public_code());
    }
}
