//! Picture files as a trained network takes them.

use std::path::Path;

use distil_data::{Error, ImageShape, Resize, read_picture};
use distil_gradcam::CamModel;

/// The shape of the images that a model takes.
pub fn shape_of(model: &CamModel) -> ImageShape {
    let [channels, height, width] = model.network.image_shape();
    ImageShape { channels, height, width }
}

/// One file as pixels `[c, h, w]` in `[0, 1]`, brought to the model's size as its training images were.
///
/// # Errors
/// [`Error::Format`] when it is no picture that is read, or damaged; [`Error::Io`].
pub fn pixels_of(file: &Path, model: &CamModel) -> Result<Vec<f32>, Error> {
    let (shape, resize) = (shape_of(model), model.card.preprocessing.resize);
    let (policy, filter) = resize.map_or_else(Default::default, |resize| (resize.policy, resize.filter));
    let resize = Resize { policy, filter, height: shape.height, width: shape.width };
    let bytes = read_picture(file, shape.channels, resize)?;
    Ok(bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect())
}
