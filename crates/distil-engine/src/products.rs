use std::ops::Range;

use burn::tensor::{Gradients, Tensor};
use distil_augment::Augmentation;
use distil_kernels::Wanted;

use crate::outputs::grad_or_zero;
use crate::{At, Dual, Duals, Engine, Loss, Parts, native};

/// What one reverse sweep over a dual forward pass yields, for a batch's loss ℓ and a direction v.
#[derive(Debug, Clone)]
pub struct Products {
    /// ℓ, shape `[1]`.
    pub loss: Tensor<1>,
    /// ⟨∇_θ ℓ, v⟩, shape `[1]`.
    pub slope: Tensor<1>,
    /// ∇_θ ℓ `[P]`; present when it was asked for.
    pub gradient: Option<Tensor<1>>,
    /// ∇²_θ ℓ · v `[P]`; present when it was asked for.
    pub hv: Option<Tensor<1>>,
    /// ∂⟨∇_θ ℓ, v⟩/∂x, like the images (before augmentation).
    pub images: Tensor<4>,
    /// ∂⟨∇_θ ℓ, v⟩/∂y with respect to label logits or values; present where the loss has them.
    pub labels: Option<Tensor<2>>,
}

/// A batch as a network gets it.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Images `[n, c, h, w]` before augmentation.
    pub images: &'a Tensor<4>,
    /// What their outputs are compared with.
    pub loss: &'a Loss,
    /// Parameters of their augmentation, one per image.
    pub augmentation: &'a Augmentation,
}

impl Engine {
    /// Gradient, Hessian-vector product and mixed products of a loss along `v` `[P]`, exactly, from first-order autodiff over
    /// a dual forward pass; which of them, `wanted` says.
    ///
    /// At most `micro_batch` images are alive at a time, on each CPU thread. Where the images of the batch meet in batch
    /// statistics it is evaluated whole, and differentiated through these.
    pub fn products(
        &self,
        at: At<'_>,
        batch: &Batch<'_>,
        v: &Tensor<1>,
        micro_batch: usize,
        wanted: Wanted,
    ) -> Products {
        let n = batch.images.dims()[0];
        if let (Some(net), Some(targets)) = (self.kernels(at.net, at.theta.dtype()), batch.loss.targets()) {
            return native::products(self, &net, at.theta, (batch, targets), v, (micro_batch, wanted));
        }
        let work = |range| share(at, batch, range, v, wanted);
        self.reduce_parts(Parts::of(at, batch.loss, n, micro_batch), work, Products::join)
            .expect("a batch has at least one image")
    }
}

/// One chunk's share of the products of a batch.
fn share(at: At<'_>, batch: &Batch<'_>, range: Range<usize>, v: &Tensor<1>, wanted: Wanted) -> Products {
    let n = batch.images.dims()[0];
    let leaf = |t: Tensor<1>, tracked: bool| if tracked { t.autodiff().require_grad() } else { t };
    let hessian = wanted != Wanted::Images;
    let values: Vec<_> = at.params().into_iter().map(|p| leaf(p, hessian)).collect();
    let gradient = wanted == Wanted::HessianAndGradient;
    let tangents: Vec<_> = at.net.layout().split(v.clone()).into_iter().map(|p| leaf(p, gradient)).collect();
    let images = batch.images.clone().slice([range.clone()]).autodiff().require_grad();
    let augmentation = batch.augmentation.slice(range.clone());
    let (loss, labels) = batch.loss.slice(range).tracked();

    let params: Vec<_> =
        values.iter().zip(&tangents).map(|(p, dp)| Dual::new(p.clone(), dp.clone())).collect();
    let input = Dual::constant(augmentation.apply(images.clone()));
    let outputs = at.net.outputs::<Duals>(&params, at.norms, input, loss.keep());
    let loss = loss.share::<Duals>(&outputs, n);
    let slope = loss.tangent.expect("parameters carry a tangent");
    let mut grads = slope.backward();

    Products {
        loss: loss.value.inner(),
        slope: slope.inner(),
        gradient: gradient.then(|| collect(tangents, &mut grads)),
        hv: hessian.then(|| collect(values, &mut grads)),
        images: grad_or_zero(images, &mut grads),
        labels: labels.map(|leaf| grad_or_zero(leaf, &mut grads)),
    }
}

/// The gradients of the parameter leaves as one vector `[P]`.
fn collect(leaves: Vec<Tensor<1>>, grads: &mut Gradients) -> Tensor<1> {
    Tensor::cat(leaves.into_iter().map(|leaf| grad_or_zero(leaf, grads)).collect(), 0)
}

impl Products {
    /// Sums the shares of two chunks, and lines their rows up.
    fn join(self, next: Self) -> Self {
        let add = |a: Option<Tensor<1>>, b: Option<Tensor<1>>| a.zip(b).map(|(a, b)| a + b);
        Self {
            loss: self.loss + next.loss,
            slope: self.slope + next.slope,
            gradient: add(self.gradient, next.gradient),
            hv: add(self.hv, next.hv),
            images: Tensor::cat(vec![self.images, next.images], 0),
            labels: self.labels.zip(next.labels).map(|(a, b)| Tensor::cat(vec![a, b], 0)),
        }
    }
}
