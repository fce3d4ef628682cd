use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_models::{ConvNet, Targets, loss_and_gradient_of};

use crate::hvp::Batch;
use crate::{Sgd, SgdState};

/// The synthetic set that inner training runs on.
#[derive(Debug, Clone)]
pub struct InnerSet {
    /// Images `[n, c, h, w]`.
    pub images: Tensor<4>,
    /// One target a row.
    pub targets: Targets,
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

/// Inner training: v_{i+1} = momentum · v_i + ∇ℓ(θ_i; batch i), θ_{i+1} = θ_i − syn_lr · v_{i+1}.
#[derive(Debug, Clone, Copy)]
pub struct InnerLoop<'a> {
    /// The student.
    pub net: &'a ConvNet,
    /// What it trains on.
    pub set: &'a InnerSet,
    /// The N steps.
    pub steps: &'a [InnerStep],
    /// The step size a.
    pub syn_lr: f64,
    /// Momentum μ, in `[0, 1)`; 0 in trajectory matching.
    pub momentum: f64,
    /// The most images alive at a time, on each CPU thread; bounds memory and changes nothing but rounding.
    pub micro_batch: usize,
}

impl InnerLoop<'_> {
    /// The un-augmented batch of step `i`, and its rows as an index tensor.
    pub(crate) fn batch(&self, i: usize) -> (Batch<'_>, Tensor<1, Int>) {
        let step = &self.steps[i];
        let rows = self.index(&step.rows);
        let images = self.set.images.clone().select(0, rows.clone());
        let targets = self.set.targets.map(|values| values.select(0, rows.clone()));
        (Batch { images, targets, augmentation: &step.augmentation }, rows)
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
        let (batch, _) = inner.batch(i);
        let rows = |range: Range<usize>| {
            let images = batch.images.clone().slice([range.clone()]);
            (batch.augmentation.slice(range.clone()).apply(images), batch.targets.slice(range))
        };
        let n = batch.targets.len();
        let step = loss_and_gradient_of(inner.net, &thetas[i], n, inner.micro_batch, rows);
        let (next, velocity) = sgd.update(thetas[i].clone(), step.gradient, inner.syn_lr, state);
        thetas.push(next);
        state = velocity;
    }
    thetas
}
