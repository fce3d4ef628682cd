use std::ops::Range;

use burn::tensor::{Gradients, Tensor};
use distil_augment::Augmentation;
use distil_models::{Keep, Moments, Plain};

use crate::{At, Batch, Engine, Loss, Parts, native};

impl Engine {
    /// Logits `[n, k]` of at least one image `[n, c, h, w]`, without a graph. On the CPU all threads take chunks.
    ///
    /// # Panics
    /// When there is no image.
    pub fn logits(&self, at: At<'_>, images: &Tensor<4>) -> Tensor<2> {
        let n = images.dims()[0];
        if let Some(net) = self.kernels(at.net, at.theta.dtype()) {
            return native::logits(self, &net, at.theta, images);
        }
        let params = at.params();
        let work = |rows| at.net.forward::<Plain>(&params, at.norms, images.clone().slice([rows]));
        self.rows_of(at, n, n, work)
    }

    /// Flattened features `[n, f]` before the last linear layer, of at least one image, without a graph; `images` makes any
    /// range when it is needed, at most `micro_batch` images at a time.
    ///
    /// # Panics
    /// When there is no image.
    pub fn features(
        &self,
        at: At<'_>,
        n: usize,
        micro_batch: usize,
        images: impl Fn(Range<usize>) -> Tensor<4> + Sync + Send,
    ) -> Tensor<2> {
        if let Some(net) = self.kernels(at.net, at.theta.dtype()) {
            return native::features(self, &net, at.theta, (n, micro_batch), images);
        }
        let params = at.params();
        self.rows_of(at, n, micro_batch, |rows| at.net.embed::<Plain>(&params, at.norms, images(rows)))
    }

    /// Their mean `[f]`, without keeping them; zero where there is no image.
    pub fn mean_features(
        &self,
        at: At<'_>,
        n: usize,
        micro_batch: usize,
        images: impl Fn(Range<usize>) -> Tensor<4> + Sync + Send,
    ) -> Tensor<1> {
        let (theta, columns) = (at.theta, at.net.features());
        let sum = |features: Tensor<2>| features.sum_dim(0).reshape([columns]);
        let add = |sum: Tensor<1>, part: Tensor<1>| sum + part;
        let total = if let Some(net) = self.kernels(at.net, theta.dtype()) {
            let weights = native::weights(&net, theta);
            let work = |rows| sum(native::features_of(&net, &weights, images(rows), self.device()));
            self.reduce_chunks(n, micro_batch, work, add)
        } else {
            let params = at.params();
            let work = |rows| sum(at.net.embed::<Plain>(&params, at.norms, images(rows)));
            self.reduce_parts(Parts::of_outputs(at, n, micro_batch), work, add)
        };
        match total {
            Some(total) => total / n as f64,
            None => Tensor::zeros([columns], (self.device(), theta.dtype())),
        }
    }

    /// The batch's statistics of each batch norm in a training pass, without a graph.
    pub fn batch_statistics(&self, at: At<'_>, images: Tensor<4>) -> Vec<Moments<Plain>> {
        at.net.outputs::<Plain>(&at.params(), at.norms, images, Keep::Nothing).batch
    }

    /// Mean and biased variance of the input of each batch norm over the images, without a graph.
    pub fn moments(&self, at: At<'_>, images: Tensor<4>) -> Vec<Moments<Plain>> {
        at.net.outputs::<Plain>(&at.params(), at.norms, images, Keep::Moments).moments
    }

    /// The derivative of a loss by the images before augmentation, `[n, c, h, w]`. At most `micro_batch` images are alive at a time,
    /// on each CPU thread, unless the images of the batch meet in statistics.
    pub fn image_gradient(&self, at: At<'_>, batch: &Batch<'_>, micro_batch: usize) -> Tensor<4> {
        if let Some(found) = native::image_gradient(self, at, batch, micro_batch) {
            return found;
        }
        let n = batch.images.dims()[0];
        let params: Vec<Tensor<1>> = at.params().into_iter().map(Tensor::from_inner).collect();
        let work = |range: Range<usize>| {
            let augmentation = batch.augmentation.slice(range.clone());
            let leaf = batch.images.clone().slice([range.clone()]).autodiff().require_grad();
            let loss = batch.loss.slice(range);
            let seen = augmentation.apply(leaf.clone());
            let outputs = at.net.outputs::<Plain>(&params, at.norms, seen, loss.keep());
            grad_or_zero(leaf, &mut loss.share::<Plain>(&outputs, n).backward())
        };
        let join = |all, next| Tensor::cat(vec![all, next], 0);
        let parts = Parts::of(at, batch.loss, n, micro_batch);
        self.reduce_parts(parts, work, join).unwrap_or_else(|| batch.images.zeros_like())
    }

    fn rows_of(
        &self,
        at: At<'_>,
        n: usize,
        micro_batch: usize,
        work: impl Fn(Range<usize>) -> Tensor<2> + Sync + Send,
    ) -> Tensor<2> {
        let join = |a, b| Tensor::cat(vec![a, b], 0);
        self.reduce_parts(Parts::of_outputs(at, n, micro_batch), work, join).expect("there are images")
    }
}

impl Parts {
    /// Of a batch of `n` images for a loss.
    pub(crate) fn of(at: At<'_>, loss: &Loss, n: usize, micro_batch: usize) -> Self {
        if loss.couples_images() { Self::Whole(n) } else { Self::of_outputs(at, n, micro_batch) }
    }

    /// Of `n` images for outputs alone.
    pub(crate) fn of_outputs(at: At<'_>, n: usize, micro_batch: usize) -> Self {
        if at.couples_images() { Self::Whole(n) } else { Self::Chunks { n, micro_batch } }
    }
}

/// The derivative by images `[n, c, h, w]` before an augmentation of theirs, from `gradient`, that by the augmented ones.
pub fn before_augmentation(augmentation: &Augmentation, images: Tensor<4>, gradient: Tensor<4>) -> Tensor<4> {
    if matches!(augmentation, Augmentation::None) {
        return gradient;
    }
    let leaf = images.autodiff().require_grad();
    let product = augmentation.apply(leaf.clone()) * Tensor::from_inner(gradient);
    grad_or_zero(leaf, &mut product.sum().backward())
}

/// A leaf that the graph never reached has no entry in `grads`: its gradient is zero.
pub(crate) fn grad_or_zero<const D: usize>(leaf: Tensor<D>, grads: &mut Gradients) -> Tensor<D> {
    leaf.grad_remove(grads).unwrap_or_else(|| leaf.inner().zeros_like())
}
