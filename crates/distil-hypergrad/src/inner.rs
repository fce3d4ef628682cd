use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Engine, Loss, LossGradient, Targets};
use distil_models::Network;

use crate::{Sgd, SgdState};

/// The synthetic set that inner training runs on.
#[derive(Debug, Clone)]
pub struct InnerSet {
    /// Images `[n, c, h, w]`.
    pub images: Tensor<4>,
    /// What their outputs are compared with, one row each.
    pub loss: Loss,
}

impl InnerSet {
    /// Images with labels, compared by cross-entropy.
    pub fn new(images: Tensor<4>, targets: Targets) -> Self {
        Self { images, loss: targets.into() }
    }
}

/// One inner SGD step: which images, and how they are augmented. Both are kept, so the backward
/// sweep sees exactly the batch that the forward sweep saw.
#[derive(Debug, Clone)]
pub struct InnerStep {
    /// Row indices into the synthetic set; at least one.
    pub rows: Vec<usize>,
    /// Augmentation parameters, one per row.
    pub augmentation: Augmentation,
}

/// Inner training: v_{i+1} = momentum · v_i + ∇ℓ(θ_i; batch i), θ_{i+1} = θ_i − syn_lr · v_{i+1}. Batch norms use each batch's own
/// statistics.
#[derive(Debug, Clone, Copy)]
pub struct InnerLoop<'a> {
    /// Where to compute.
    pub engine: &'a Engine,
    /// The student.
    pub net: &'a Network,
    /// What it trains on.
    pub set: &'a InnerSet,
    /// The N steps.
    pub steps: &'a [InnerStep],
    /// The step size a.
    pub syn_lr: f64,
    /// Momentum μ, in `[0, 1)`; 0 in trajectory matching.
    pub momentum: f64,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding. Batches with
    /// batch statistics are computed whole.
    pub micro_batch: usize,
}

/// What one inner step trains on.
pub(crate) struct InnerBatch<'a> {
    images: Tensor<4>,
    loss: Loss,
    augmentation: &'a Augmentation,
    /// Its rows in the set.
    pub(crate) rows: Tensor<1, Int>,
}

impl InnerBatch<'_> {
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch { images: &self.images, loss: &self.loss, augmentation: self.augmentation }
    }
}

impl<'a> InnerLoop<'a> {
    /// The un-augmented batch of step `i`.
    pub(crate) fn batch(&self, i: usize) -> InnerBatch<'a> {
        let step = &self.steps[i];
        let rows = self.index(&step.rows);
        let images = self.set.images.clone().select(0, rows.clone());
        let loss = self.set.loss.select(&rows);
        InnerBatch { images, loss, augmentation: &step.augmentation, rows }
    }

    /// The student at these parameters.
    pub(crate) fn at<'b>(&self, theta: &'b Tensor<1>) -> At<'b>
    where
        'a: 'b,
    {
        At::training(self.net, theta)
    }

    /// Loss and gradient of the batch of step `i` at `theta` `[P]`.
    pub fn gradient(&self, i: usize, theta: &Tensor<1>) -> LossGradient {
        let step = self.batch(i);
        let Batch { images, loss, augmentation } = step.batch();
        let seen =
            |range: Range<usize>| augmentation.slice(range.clone()).apply(images.clone().slice([range]));
        self.engine.gradient(self.at(theta), loss, images.dims()[0], self.micro_batch, seen)
    }

    fn index(&self, rows: &[usize]) -> Tensor<1, Int> {
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        Tensor::from_data(TensorData::from(rows.as_slice()), &self.set.images.device())
    }
}

/// Runs the N inner steps from `theta` `[P]` and keeps θ_0…θ_N (N+1 vectors, nothing else).
pub fn unroll(inner: &InnerLoop<'_>, theta: Tensor<1>) -> Vec<Tensor<1>> {
    let mut thetas = vec![theta];
    let sgd = Sgd { momentum: inner.momentum, weight_decay: 0.0 };
    let mut state = SgdState::default();
    for i in 0..inner.steps.len() {
        let found = inner.gradient(i, &thetas[i]);
        let (next, velocity) = sgd.update(thetas[i].clone(), found.gradient, inner.syn_lr, state);
        thetas.push(next);
        state = velocity;
    }
    thetas
}
