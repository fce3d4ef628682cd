//! Shape and numbers of a dataset's images, as a plan computes with them.

use std::path::Path;

use distil_data::{DataConfig, ImageShape};
use distil_match::plan::DataSize;

/// What a run computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Images {
    /// Shape of an image as the network sees it.
    pub(crate) shape: ImageShape,
    pub(crate) classes: usize,
    /// Images that validations classify.
    pub(crate) validation: usize,
    pub(crate) size: DataSize,
}

/// The size of the data that a configuration names; `None` where neither its name nor its files tell.
pub(crate) fn images(data: &DataConfig, data_dir: Option<&Path>) -> Option<Images> {
    let found = data.clone().searched_in(data_dir).size()?;
    let size = DataSize {
        kept: found.images.iter().sum(),
        read: found.read,
        read_pixels: found.read_shape.len(),
        zca: data.zca,
    };
    Some(Images { shape: found.shape, classes: found.classes, validation: found.images[1], size })
}
