//! Batches of real images.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::{Dataset, Split};
use distil_engine::Targets;
use distil_random::{permutation, stream};

/// Rows of a split as network input `[rows, c, h, w]` in f32.
pub(crate) fn images(split: &Split, rows: &[usize], device: &Device) -> Tensor<4> {
    let shape = split.images.shape();
    let shape = [rows.len(), shape.channels, shape.height, shape.width];
    Tensor::from_data(TensorData::new(split.images.gather(rows), shape), (device, DType::F32))
}

/// The classes of rows of the training images.
pub(crate) fn targets(dataset: &Dataset, rows: &[usize], device: &Device) -> Targets {
    let labels = dataset.train.gather_labels(rows);
    Targets::from_classes(&labels, dataset.class_names.len(), device, DType::F32)
}

/// Rows of the training images as network input, with their classes.
pub(crate) fn labelled(dataset: &Dataset, rows: &[usize], device: &Device) -> (Tensor<4>, Targets) {
    (images(&dataset.train, rows, device), targets(dataset, rows, device))
}

/// `count` different ones of `rows` rows (all of them, where there are fewer), drawn uniformly.
pub(crate) fn sample(rows: usize, count: usize, (seed, purpose, index): (u64, &str, u64)) -> Vec<usize> {
    let mut order = permutation(&mut stream(seed, purpose, index), rows);
    order.truncate(count);
    order
}

/// The rows of every class, ascending, in one pass over the labels.
pub(crate) fn rows_by_class(split: &Split, classes: usize) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); classes];
    for (row, &label) in split.labels.iter().enumerate() {
        rows[label as usize].push(row);
    }
    rows
}
