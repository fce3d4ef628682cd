use std::ops::Range;

use burn::tensor::Tensor;
use distil_models::{Moments, Plain};

use crate::outputs::grad_or_zero;
use crate::{At, Engine, Loss, Parts, native};

/// A loss and its gradient with respect to θ.
#[derive(Debug, Clone)]
pub struct LossGradient {
    /// The batch's loss, shape `[1]`, on the device.
    pub loss: Tensor<1>,
    /// Its gradient by θ, `[P]`.
    pub gradient: Tensor<1>,
    /// The batch's statistics of each batch norm, which move the running ones ([`Network::running`](distil_models::Network)); none
    /// on running statistics.
    pub batch: Vec<Moments<Plain>>,
}

impl Engine {
    /// The loss of a batch of `n` images and its gradient by θ; `images` makes any range of the batch when it is needed (by
    /// augmenting it, say), so that no more than the chunks at work are ever alive.
    ///
    /// The batch is evaluated in chunks of at most `micro_batch` images, which bounds memory and changes nothing but
    /// rounding. Where its images meet in batch statistics it is evaluated whole.
    pub fn gradient(
        &self,
        at: At<'_>,
        loss: &Loss,
        n: usize,
        micro_batch: usize,
        images: impl Fn(Range<usize>) -> Tensor<4> + Sync + Send,
    ) -> LossGradient {
        let theta = at.theta;
        if let (Some(net), Some(targets)) = (self.kernels(at.net, theta.dtype()), loss.targets()) {
            return native::gradient(self, &net, theta, targets, micro_batch, images);
        }
        let work = |range: Range<usize>| share(at, &loss.slice(range.clone()), images(range), n);
        let parts = Parts::of(at, loss, n, micro_batch);
        self.reduce_parts(parts, work, LossGradient::join).unwrap_or_else(|| LossGradient {
            loss: theta.zeros_like().narrow(0, 0, 1),
            gradient: theta.zeros_like(),
            batch: Vec::new(),
        })
    }
}

/// One chunk's share of the loss of a batch of `n` images.
fn share(at: At<'_>, loss: &Loss, images: Tensor<4>, n: usize) -> LossGradient {
    let leaves: Vec<Tensor<1>> = at.params().into_iter().map(|p| p.autodiff().require_grad()).collect();
    let outputs = at.net.outputs::<Plain>(&leaves, at.norms, images, loss.keep());
    let loss = loss.share::<Plain>(&outputs, n);
    let mut grads = loss.backward();
    let parts = leaves.into_iter().map(|leaf| grad_or_zero(leaf, &mut grads)).collect();
    LossGradient { loss: loss.inner(), gradient: Tensor::cat(parts, 0), batch: outputs.batch }
}

impl LossGradient {
    /// The sum of two chunks; a batch with statistics has one.
    fn join(self, part: Self) -> Self {
        Self { loss: self.loss + part.loss, gradient: self.gradient + part.gradient, batch: self.batch }
    }
}
