use std::ops::Range;

use burn::tensor::Tensor;

use crate::{
    Arithmetic, LossGradient, Network, Plain, Targets, TrainingForward, loss_and_gradient_of, reduce_chunks,
};

/// A loss, its gradient with respect to θ, and the running statistics after the batch.
#[derive(Debug, Clone)]
pub struct TrainingStep {
    /// Mean cross-entropy over the batch, shape `[1]`.
    pub loss: Tensor<1>,
    /// ∇_θ of that mean, `[P]`.
    pub gradient: Tensor<1>,
    /// Running statistics after the batch, `[B]`.
    pub buffers: Tensor<1>,
}

impl Network {
    /// Mean cross-entropy at `theta` `[P]` over a batch of `n` images, and its gradient; `rows` makes any range of the batch
    /// when it is needed.
    ///
    /// The batch is evaluated in chunks of at most `micro_batch` images, which bounds memory and changes nothing but
    /// rounding. A network with batch norms is evaluated whole, because its outputs depend on all of the batch.
    pub fn loss_and_gradient(
        &self,
        theta: &Tensor<1>,
        buffers: &Tensor<1>,
        n: usize,
        micro_batch: usize,
        rows: impl Fn(Range<usize>) -> (Tensor<4>, Targets) + Sync + Send,
    ) -> TrainingStep {
        if let Self::ConvNet(net) = self {
            let LossGradient { loss, gradient } = loss_and_gradient_of(net, theta, n, micro_batch, rows);
            return TrainingStep { loss, gradient, buffers: buffers.clone() };
        }
        let work = |range| {
            let (images, targets) = rows(range);
            self.chunk(theta, buffers, images, &targets, n)
        };
        if self.has_batch_statistics() && n > 0 {
            return work(0..n);
        }
        let add = |sum: TrainingStep, part: TrainingStep| TrainingStep {
            loss: sum.loss + part.loss,
            gradient: sum.gradient + part.gradient,
            buffers: sum.buffers,
        };
        reduce_chunks(n, micro_batch, &theta.device(), work, add).unwrap_or_else(|| TrainingStep {
            loss: theta.zeros_like().narrow(0, 0, 1),
            gradient: theta.zeros_like(),
            buffers: buffers.clone(),
        })
    }

    /// One chunk's share of the batch mean over `n` images.
    fn chunk(
        &self,
        theta: &Tensor<1>,
        buffers: &Tensor<1>,
        images: Tensor<4>,
        targets: &Targets,
        n: usize,
    ) -> TrainingStep {
        let leaves: Vec<Tensor<1>> =
            self.layout().split(theta.clone()).into_iter().map(|p| p.autodiff().require_grad()).collect();
        let TrainingForward { logits, buffers } = self.training_logits(&leaves, buffers, images);
        let loss = Plain::cross_entropy(logits, targets.probabilities()) / n as f64;
        let mut grads = loss.backward();
        let parts = leaves
            .into_iter()
            .map(|leaf| leaf.grad_remove(&mut grads).unwrap_or_else(|| leaf.inner().zeros_like()))
            .collect();
        TrainingStep { loss: loss.inner(), gradient: Tensor::cat(parts, 0), buffers }
    }
}
