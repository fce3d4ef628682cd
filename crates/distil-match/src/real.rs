//! Batches of real images.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::Split;

/// Rows of a split as network input `[rows, c, h, w]` in f32.
pub(crate) fn images(split: &Split, rows: &[usize], device: &Device) -> Tensor<4> {
    let shape = split.images.shape();
    let shape = [rows.len(), shape.channels, shape.height, shape.width];
    Tensor::from_data(TensorData::new(split.images.gather(rows), shape), (device, DType::F32))
}
