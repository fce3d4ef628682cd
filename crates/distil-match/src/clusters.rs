//! Images that stand for their class by k-means on a network's features: real batches and starts of DREAM.

use burn::tensor::Tensor;
use distil_engine::At;

use crate::init::BATCH;
use crate::selection::Features;
use crate::{Inputs, real};

/// Flattened features before the classifier of training images.
pub(crate) fn features(at: At<'_>, rows: &[usize], inputs: &Inputs<'_>) -> Features {
    let Inputs { dataset, engine, .. } = *inputs;
    let mut values = Vec::with_capacity(rows.len() * at.net.features());
    for rows in rows.chunks(BATCH) {
        let images: Tensor<4> = real::images(&dataset.train, rows, engine.device());
        let each = |part| images.clone().slice([part]);
        values.extend(engine.features(at, rows.len(), BATCH, each).into_data().iter::<f32>());
    }
    Features { values, width: at.net.features() }
}

/// Of each class the images nearest to `count` centroids of its features; all of a class that has no more. `step` keys the random
/// numbers.
pub(crate) fn representatives(at: At<'_>, count: usize, step: u64, inputs: &Inputs<'_>) -> Vec<Vec<usize>> {
    let classes = real::rows_by_class(&inputs.dataset.train, at.net.classes());
    let of_class = |(class, rows): (usize, Vec<usize>)| {
        if rows.len() <= count {
            return rows;
        }
        let index = step.wrapping_mul(at.net.classes() as u64).wrapping_add(class as u64);
        let clusters = features(at, &rows, inputs).k_means(count, (inputs.seed, index));
        clusters.into_iter().map(|cluster| rows[cluster.nearest]).collect()
    };
    classes.into_iter().enumerate().map(of_class).collect()
}
