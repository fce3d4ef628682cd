//! How pixels become network input, as cards record it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How images of other sizes are brought to one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResizePolicy {
    /// Rows and columns are scaled on their own; the aspect ratio is lost. What the trajectory-matching papers do.
    #[default]
    Squash,
    /// Scaled until it just covers the wanted size, aspect ratio kept; what sticks out is cut off on both sides.
    CentreCrop,
}

/// The resampling filter. All but `nearest` widen with the reduction (antialiasing).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeFilter {
    /// Triangle filter, antialiased: torchvision's default on pictures.
    #[default]
    Bilinear,
    /// Cubic filter (Catmull–Rom), antialiased.
    Bicubic,
    /// Windowed sinc, antialiased.
    Lanczos3,
    /// The nearest pixel; no antialiasing.
    Nearest,
}

/// A resize that was applied to every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// What happens to the aspect ratio.
    pub policy: ResizePolicy,
    /// The resampling filter.
    pub filter: ResizeFilter,
    /// Rows after it.
    pub height: usize,
    /// Columns after it.
    pub width: usize,
}

/// Everything between a file's pixels and network input. It is part of the card of every synthetic set: a set
/// evaluated with other preprocessing than it was learned with scores at chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// The resize; `None` when the pixels are the file's own.
    pub resize: Option<Resize>,
    /// From pixels in `[0, 1]` to network input.
    pub normalisation: Normalisation,
}

/// The map from pixels in `[0, 1]` to network input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Normalisation {
    /// Network input is the pixel in `[0, 1]`.
    Identity,
    /// (x − mean) / std for each channel.
    MeanStd {
        /// One mean per channel, of pixels in `[0, 1]`.
        mean: Vec<f32>,
        /// One standard deviation per channel.
        std: Vec<f32>,
    },
    /// ZCA whitening of the whole image, fitted on the training part.
    Zca(Whitening),
}

/// How two preprocessings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The steps are the same, but mean and standard deviation, or the ZCA matrices, were computed from other images:
    /// files of a folder were changed, added or removed, or its parts were drawn with another seed.
    Statistics,
    /// Other steps: another resize or another kind of normalisation.
    Steps,
}

/// Which ZCA fit was applied. Its matrices are no part of a card: they take 150 MB for 32×32 colour images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whitening {
    /// Added to every eigenvalue of the covariance; 0.1 in the literature.
    pub eps: f64,
    /// Digest of the images and the eps that the matrices were fitted on, in hex.
    pub fit_digest: String,
}

impl Normalisation {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Identity => "pixels in [0, 1]",
            Self::MeanStd { .. } => "mean and standard deviation",
            Self::Zca(_) => "ZCA",
        }
    }
}

impl Preprocessing {
    /// How `other` differs, if it does: a set made with one must not be evaluated with the other, but what the user can
    /// do about it is not the same for changed images as for changed settings.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        if self == other {
            return None;
        }
        let same_kind = match (&self.normalisation, &other.normalisation) {
            (Normalisation::MeanStd { mean: a, .. }, Normalisation::MeanStd { mean: b, .. }) => {
                a.len() == b.len()
            }
            (Normalisation::Zca(a), Normalisation::Zca(b)) => a.eps.to_bits() == b.eps.to_bits(),
            _ => false,
        };
        Some(if same_kind && self.resize == other.resize {
            Difference::Statistics
        } else {
            Difference::Steps
        })
    }
}

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Resize { policy, filter, height, width }) = self.resize {
            write!(f, "{policy:?} to {height}x{width} ({filter:?}), ")?;
        }
        match &self.normalisation {
            Normalisation::Identity => write!(f, "pixels in [0, 1]"),
            Normalisation::MeanStd { mean, std } => write!(f, "mean {mean:.4?}, std {std:.4?}"),
            Normalisation::Zca(Whitening { eps, fit_digest, .. }) => {
                write!(f, "ZCA (eps {eps}, fit {})", &fit_digest[..fit_digest.len().min(12)])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_std() -> Preprocessing {
        let normalisation = Normalisation::MeanStd { mean: vec![0.5, 0.25], std: vec![0.5, 0.125] };
        Preprocessing { resize: None, normalisation }
    }

    #[test]
    fn a_card_survives_json_and_unknown_keys_do_not() {
        let resize = Resize {
            policy: ResizePolicy::CentreCrop,
            filter: ResizeFilter::Lanczos3,
            height: 64,
            width: 64,
        };
        let whitening = Whitening { eps: 0.1, fit_digest: "ab".to_owned() };
        for normalisation in
            [Normalisation::Identity, mean_std().normalisation, Normalisation::Zca(whitening)]
        {
            let card = Preprocessing { resize: Some(resize), normalisation };
            let json = serde_json::to_string(&card).unwrap();
            assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), card);
            // serde cannot refuse keys next to a tag without fields.
            if card.normalisation == Normalisation::Identity {
                continue;
            }
            let unknown = json.replacen("\"kind\"", "\"colour\":1,\"kind\"", 1);
            assert!(serde_json::from_str::<Preprocessing>(&unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn other_images_are_told_from_other_steps() {
        let zca = |eps, digest: &str| Preprocessing {
            resize: None,
            normalisation: Normalisation::Zca(Whitening { eps, fit_digest: digest.to_owned() }),
        };
        let mut other = mean_std();
        assert_eq!(mean_std().difference(&other), None);
        other.normalisation = Normalisation::MeanStd { mean: vec![0.5, 0.26], std: vec![0.5, 0.125] };
        assert_eq!(mean_std().difference(&other), Some(Difference::Statistics));
        other.resize =
            Some(Resize { policy: ResizePolicy::Squash, filter: ResizeFilter::Nearest, height: 1, width: 1 });
        assert_eq!(mean_std().difference(&other), Some(Difference::Steps));
        assert_eq!(mean_std().difference(&zca(0.1, "a")), Some(Difference::Steps));
        assert_eq!(zca(0.1, "b").difference(&zca(0.1, "a")), Some(Difference::Statistics));
        assert_eq!(zca(0.2, "a").difference(&zca(0.1, "a")), Some(Difference::Steps));
    }
}
