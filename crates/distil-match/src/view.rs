use std::ops::Range;

use burn::tensor::Tensor;
use distil_augment::Augmentation;
use distil_engine::{At, Engine};
use distil_random::stream;

use crate::ipc::ranges;
use crate::{Inputs, real};

/// A network and one transformation, through which real and synthetic images are seen alike (siamese, as DSA has it).
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Where to compute.
    pub engine: &'a Engine,
    /// The network at its parameters.
    pub at: At<'a>,
    /// Of one image, and meant for all: [`Augmentation::repeat`].
    pub augmentation: &'a Augmentation,
    /// The most images alive at a time, on each CPU thread.
    pub micro_batch: usize,
}

impl View<'_> {
    /// The images as the network gets them.
    pub(crate) fn seen(&self, images: Tensor<4>) -> Tensor<4> {
        seen(self.augmentation, images)
    }
}

fn seen(augmentation: &Augmentation, images: Tensor<4>) -> Tensor<4> {
    augmentation.repeat(images.dims()[0]).apply(images)
}

/// What is compared of one class in one step.
pub(crate) struct ClassBatch {
    /// Rows of the real images.
    pub(crate) real: Vec<usize>,
    /// Rows of the synthetic images.
    pub(crate) synthetic: Range<usize>,
    /// Of one image; both sides are seen under it.
    pub(crate) augmentation: Augmentation,
}

impl ClassBatch {
    /// Images of the class as the network gets them.
    pub(crate) fn seen(&self, images: Tensor<4>) -> Tensor<4> {
        seen(&self.augmentation, images)
    }
}

/// The classes in order, with at most `batch_real` real images each; `step` keys the random numbers.
pub(crate) fn class_batches(
    inputs: &Inputs<'_>,
    batch_real: usize,
    step: u64,
) -> impl Iterator<Item = ClassBatch> {
    let Inputs { method, net, dataset, seed, .. } = *inputs;
    let (count, (height, width)) = (net.classes(), net.sides());
    let classes = real::rows_by_class(&dataset.train, count);
    let synthetic = ranges(&inputs.seen_per_class());
    classes.into_iter().zip(synthetic).enumerate().map(move |(class, (rows, synthetic))| {
        let index = step.wrapping_mul(count as u64).wrapping_add(class as u64);
        let mut rng = stream(seed, "siamese-augmentation", index);
        let drawn = real::sample(rows.len(), batch_real, (seed, "class-batch", index));
        ClassBatch {
            real: drawn.into_iter().map(|row| rows[row]).collect(),
            synthetic,
            augmentation: method.augmentation.draw(1, height, width, &mut rng),
        }
    })
}
