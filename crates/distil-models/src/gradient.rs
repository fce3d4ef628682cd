use std::ops::Range;

use burn::tensor::{Device, Tensor};

use crate::{Arithmetic, ConvNet, Plain, Targets, native, reduce_chunks};

/// A loss and its gradient with respect to θ.
#[derive(Debug, Clone)]
pub struct LossGradient {
    /// Mean cross-entropy over the batch, shape `[1]`, on the device.
    pub loss: Tensor<1>,
    /// ∇_θ of that mean, `[P]`.
    pub gradient: Tensor<1>,
}

/// Mean cross-entropy of `net` at `theta` `[P]` on one batch, and its gradient.
///
/// The batch is evaluated in chunks of at most `micro_batch` images, which bounds memory and changes
/// nothing but rounding: these networks have no batch statistics, so the mean is a sum over chunks.
pub fn loss_and_gradient(
    net: &ConvNet,
    theta: &Tensor<1>,
    images: &Tensor<4>,
    targets: &Targets,
    micro_batch: usize,
) -> LossGradient {
    let rows = |range: Range<usize>| (images.clone().slice([range.clone()]), targets.slice(range));
    loss_and_gradient_of(net, theta, images.dims()[0], micro_batch, rows)
}

/// As [`loss_and_gradient`], for a batch of `n` images of which `rows` makes any range when it is needed
/// (by augmenting it, say), so that no more than the chunks at work are ever alive.
pub fn loss_and_gradient_of(
    net: &ConvNet,
    theta: &Tensor<1>,
    n: usize,
    micro_batch: usize,
    rows: impl Fn(Range<usize>) -> (Tensor<4>, Targets) + Sync + Send,
) -> LossGradient {
    if let Some(kernels) = net.kernels(&theta.device(), theta.dtype()) {
        return native::loss_and_gradient_of(&kernels, theta, n, micro_batch, rows);
    }
    let work = |range| {
        let (images, targets) = rows(range);
        chunk(net, theta, images, &targets, n)
    };
    let add = |sum: LossGradient, part: LossGradient| LossGradient {
        loss: sum.loss + part.loss,
        gradient: sum.gradient + part.gradient,
    };
    let zero = || LossGradient { loss: theta.zeros_like().narrow(0, 0, 1), gradient: theta.zeros_like() };
    reduce_chunks(n, micro_batch, &theta.device(), work, add).unwrap_or_else(zero)
}

/// One chunk's share of the batch mean over `n` images.
fn chunk(net: &ConvNet, theta: &Tensor<1>, images: Tensor<4>, targets: &Targets, n: usize) -> LossGradient {
    let leaves: Vec<Tensor<1>> =
        net.layout().split(theta.clone()).into_iter().map(|p| p.autodiff().require_grad()).collect();
    let out = net.forward::<Plain>(&leaves, images);
    let loss = Plain::cross_entropy(out, targets.probabilities()) / n as f64;
    let mut grads = loss.backward();
    let parts = leaves
        .into_iter()
        .map(|leaf| leaf.grad_remove(&mut grads).unwrap_or_else(|| leaf.inner().zeros_like()))
        .collect();
    LossGradient { loss: loss.inner(), gradient: Tensor::cat(parts, 0) }
}

impl ConvNet {
    /// Host parameters `[P]` as θ on `device`, in f32.
    ///
    /// # Panics
    /// When `params` does not have `P` scalars.
    pub fn theta(&self, params: &[f32], device: &Device) -> Tensor<1> {
        assert_eq!(params.len(), self.layout().params(), "parameters do not fit this network");
        Tensor::from_data(params, device)
    }
}
