//! Pixels to network input, and back.

use std::path::Path;
use std::sync::Arc;

use distil_store::{Normalisation, Preprocessing, Whitening};
use distil_zca::Zca;

use crate::{error::Error, images::ImageShape, zca_cache};

/// A [`Preprocessing`] that is ready for use: with the matrices of a ZCA where there is one.
///
/// ```
/// use distil_data::{ImageShape, Normalisation, Preprocessing, Transform};
/// let normalisation = Normalisation::MeanStd { mean: vec![0.25], std: vec![0.5] };
/// let transform = Transform::from(Preprocessing { resize: None, normalisation });
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let input = transform.apply(shape, &[0.25, 0.75])?;
/// assert_eq!(input, [0.0, 1.0]);
/// assert_eq!(transform.undo(shape, &input)?, [0.25, 0.75]);
/// # Ok::<(), distil_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Transform {
    preprocessing: Preprocessing,
    /// Those of the fit that the preprocessing names.
    matrices: Option<Arc<Zca>>,
}

/// Without matrices: a ZCA cannot be applied before they are loaded.
impl From<Preprocessing> for Transform {
    fn from(preprocessing: Preprocessing) -> Self {
        Self { preprocessing, matrices: None }
    }
}

/// Two are equal when their preprocessing is, loaded or not.
impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        self.preprocessing == other.preprocessing
    }
}

impl Transform {
    /// A ZCA with the matrices of the fit that it names.
    pub fn with_matrices(preprocessing: Preprocessing, matrices: Arc<Zca>) -> Self {
        Self { preprocessing, matrices: Some(matrices) }
    }

    /// With the matrices of a ZCA from a cache folder; other kinds need nothing.
    ///
    /// # Errors
    /// [`Error::NoMatrix`] when the folder does not hold the fit, or [`Error::Io`].
    pub fn load(preprocessing: Preprocessing, cache_dir: &Path) -> Result<Self, Error> {
        let Normalisation::Zca(Whitening { fit_digest, .. }) = &preprocessing.normalisation else {
            return Ok(preprocessing.into());
        };
        let missing = || Error::NoMatrix { digest: fit_digest.clone() };
        let found = zca_cache::read(cache_dir, fit_digest)?.ok_or_else(missing)?;
        Ok(Self::with_matrices(preprocessing, Arc::new(found)))
    }

    /// What it does, as cards record it.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn matrices(&self, whitening: &Whitening) -> Result<&Zca, Error> {
        let missing = || Error::NoMatrix { digest: whitening.fit_digest.clone() };
        self.matrices.as_deref().ok_or_else(missing)
    }

    /// Pixels in `[0, 1]`, `[n, c, h, w]`, to network input.
    ///
    /// # Errors
    /// [`Error::Count`] (ZCA: [`Error::Zca`]) when the values are not whole images of `shape`, [`Error::NoMatrix`] for ZCA
    /// without matrices.
    pub fn apply(&self, shape: ImageShape, pixels: &[f32]) -> Result<Vec<f32>, Error> {
        match &self.preprocessing.normalisation {
            Normalisation::Identity => Ok(pixels.to_vec()),
            Normalisation::MeanStd { mean, std } => {
                per_channel(shape, pixels, mean, std, |x, m, s| (x - m) / s)
            }
            Normalisation::Zca(whitening) => Ok(self.matrices(whitening)?.whiten_f32(pixels)?),
        }
    }

    /// Network input, `[n, c, h, w]`, back to pixels, clamped to `[0, 1]` for display.
    ///
    /// # Errors
    /// [`Error::Count`] (ZCA: [`Error::Zca`]) when the values are not whole images of `shape`, [`Error::NoMatrix`] for ZCA
    /// without matrices.
    pub fn undo(&self, shape: ImageShape, input: &[f32]) -> Result<Vec<f32>, Error> {
        let mut pixels = self.invert(shape, input)?;
        for x in &mut pixels {
            *x = x.clamp(0.0, 1.0);
        }
        Ok(pixels)
    }

    /// Network input, `[n, c, h, w]`, back to pixels that may lie outside `[0, 1]`, as those of synthetic images do:
    /// what another preprocessing can be applied to.
    ///
    /// # Errors
    /// As [`Transform::undo`].
    pub fn invert(&self, shape: ImageShape, input: &[f32]) -> Result<Vec<f32>, Error> {
        match &self.preprocessing.normalisation {
            Normalisation::Identity => Ok(input.to_vec()),
            Normalisation::MeanStd { mean, std } => per_channel(shape, input, mean, std, |x, m, s| x * s + m),
            Normalisation::Zca(whitening) => Ok(self.matrices(whitening)?.unwhiten_f32(input)?),
        }
    }
}

fn per_channel(
    shape: ImageShape,
    values: &[f32],
    mean: &[f32],
    std: &[f32],
    map: impl Fn(f32, f32, f32) -> f32,
) -> Result<Vec<f32>, Error> {
    if mean.len() != shape.channels || std.len() != shape.channels {
        let what = "channel means of the preprocessing".to_owned();
        return Err(Error::Count { what, found: mean.len().min(std.len()), expected: shape.channels });
    }
    if shape.len() == 0 || !values.len().is_multiple_of(shape.len()) {
        let expected = values.len().next_multiple_of(shape.len().max(1));
        return Err(Error::Count {
            what: format!("pixels of whole {shape} images"),
            found: values.len(),
            expected,
        });
    }
    let planes = values.chunks_exact(shape.height * shape.width);
    let channels = mean.iter().zip(std).cycle();
    Ok(planes
        .zip(channels)
        .flat_map(|(plane, (&m, &s))| plane.iter().map(|&x| map(x, m, s)).collect::<Vec<_>>())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 2, height: 1, width: 2 };

    fn mean_std() -> Transform {
        let normalisation = Normalisation::MeanStd { mean: vec![0.5, 0.25], std: vec![0.5, 0.125] };
        Preprocessing { resize: None, normalisation }.into()
    }

    #[test]
    fn undo_inverts_apply_and_clamps() {
        let pixels = [0.0, 1.0, 0.25, 0.5, 0.5, 0.75, 0.0, 1.0];
        let input = mean_std().apply(SHAPE, &pixels).unwrap();
        assert_eq!(&input[..4], [-1.0, 1.0, 0.0, 2.0]);
        assert_eq!(mean_std().undo(SHAPE, &input).unwrap(), pixels);
        assert_eq!(mean_std().undo(SHAPE, &[-9.0, 9.0, 0.0, 0.0]).unwrap(), [0.0, 1.0, 0.25, 0.25]);
        assert_eq!(mean_std().invert(SHAPE, &[-9.0, 9.0, 0.0, 0.0]).unwrap(), [-4.0, 5.0, 0.25, 0.25]);
        assert!(mean_std().undo(SHAPE, &[0.0; 3]).is_err());
        assert!(mean_std().undo(ImageShape { channels: 1, ..SHAPE }, &[0.0; 4]).is_err());
    }

    #[test]
    fn whitening_without_matrices_says_what_to_do() {
        let whitening = Whitening { eps: 0.1, fit_digest: "abc".to_owned() };
        let card = Preprocessing { resize: None, normalisation: Normalisation::Zca(whitening) };
        let message = Transform::from(card).undo(SHAPE, &[0.0; 4]).unwrap_err().to_string();
        assert!(message.contains("abc") && message.contains("load"), "{message}");
    }
}
