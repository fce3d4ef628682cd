use std::ops::Range;

use burn::tensor::{Gradients, Tensor};
use distil_augment::Augmentation;
use distil_kernels::Wanted;
use distil_models::{Arithmetic, ConvNet, Targets, reduce_chunks};

use crate::{Dual, Duals, native};

/// What one reverse sweep over a dual forward pass yields, for the batch-mean loss ℓ and a direction v.
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
    /// ∂⟨∇_θ ℓ, v⟩/∂y with respect to the label logits; present for soft targets.
    pub labels: Option<Tensor<2>>,
}

/// One batch as an inner step sees it.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) images: Tensor<4>,
    pub(crate) targets: Targets,
    pub(crate) augmentation: &'a Augmentation,
}

impl Batch<'_> {
    /// The rows of `range`, with their part of the augmentation.
    pub(crate) fn slice<'b>(&self, range: Range<usize>, augmentation: &'b Augmentation) -> Batch<'b> {
        Batch {
            images: self.images.clone().slice([range.clone()]),
            targets: self.targets.slice(range),
            augmentation,
        }
    }
}

/// Gradient, Hessian-vector product and mixed products of the mean cross-entropy at `theta` `[P]`
/// along `v` `[P]`, exactly, from first-order autodiff over a dual forward pass.
///
/// At most `micro_batch` images are alive at a time, on each CPU thread.
pub fn hvp(
    net: &ConvNet,
    theta: &Tensor<1>,
    images: &Tensor<4>,
    targets: &Targets,
    v: &Tensor<1>,
    micro_batch: usize,
) -> Products {
    let batch = Batch { images: images.clone(), targets: targets.clone(), augmentation: &Augmentation::None };
    products(net, theta, &batch, v, micro_batch, Wanted::HessianAndGradient)
}

/// The mixed products of the mean cross-entropy of an augmented batch at `theta` `[P]` along `v` `[P]`: ∂⟨∇_θ ℓ, v⟩ with
/// respect to the images before augmentation and to the label logits, and ⟨∇_θ ℓ, v⟩ itself. Gradient matching and
/// effect matching need nothing else.
///
/// At most `micro_batch` images are alive at a time, on each CPU thread.
pub fn mixed(
    net: &ConvNet,
    theta: &Tensor<1>,
    images: &Tensor<4>,
    targets: &Targets,
    augmentation: &Augmentation,
    v: &Tensor<1>,
    micro_batch: usize,
) -> Products {
    let batch = Batch { images: images.clone(), targets: targets.clone(), augmentation };
    products(net, theta, &batch, v, micro_batch, Wanted::Images)
}

pub(crate) fn products(
    net: &ConvNet,
    theta: &Tensor<1>,
    batch: &Batch<'_>,
    v: &Tensor<1>,
    micro_batch: usize,
    wanted: Wanted,
) -> Products {
    let n = batch.images.dims()[0];
    if let Some(kernels) = net.kernels(&theta.device(), theta.dtype()) {
        return native::products(&kernels, theta, batch, v, micro_batch, wanted);
    }
    let work = |range: Range<usize>| {
        let augmentation = batch.augmentation.slice(range.clone());
        chunk(net, theta, &batch.slice(range, &augmentation), v, n, wanted)
    };
    reduce_chunks(n, micro_batch, &batch.images.device(), work, Products::join)
        .expect("a batch has at least one image")
}

/// One chunk's share of the products of a batch mean over `n` images.
fn chunk(
    net: &ConvNet,
    theta: &Tensor<1>,
    batch: &Batch<'_>,
    v: &Tensor<1>,
    n: usize,
    wanted: Wanted,
) -> Products {
    let layout = net.layout();
    let leaf = |t: Tensor<1>, tracked: bool| if tracked { t.autodiff().require_grad() } else { t };
    let hessian = wanted != Wanted::Images;
    let values: Vec<_> = layout.split(theta.clone()).into_iter().map(|p| leaf(p, hessian)).collect();
    let gradient = wanted == Wanted::HessianAndGradient;
    let tangents: Vec<_> = layout.split(v.clone()).into_iter().map(|p| leaf(p, gradient)).collect();
    let images = batch.images.clone().autodiff().require_grad();
    let targets = match &batch.targets {
        Targets::Hard(one_hot) => Targets::Hard(one_hot.clone()),
        Targets::Soft(logits) => Targets::Soft(logits.clone().autodiff().require_grad()),
    };

    let params: Vec<_> =
        values.iter().zip(&tangents).map(|(p, dp)| Dual::new(p.clone(), dp.clone())).collect();
    let input = Dual::constant(batch.augmentation.apply(images.clone()));
    let out = net.forward::<Duals>(&params, input);
    let loss = Duals::cross_entropy(out, targets.probabilities());
    let slope = loss.tangent.expect("parameters carry a tangent") / n as f64;
    let mut grads = slope.backward();

    Products {
        loss: loss.value.inner() / n as f64,
        slope: slope.inner(),
        gradient: gradient.then(|| collect(tangents, &mut grads)),
        hv: hessian.then(|| collect(values, &mut grads)),
        images: grad_or_zero(images, &mut grads),
        labels: match targets {
            Targets::Hard(_) => None,
            Targets::Soft(logits) => Some(grad_or_zero(logits, &mut grads)),
        },
    }
}

/// The gradients of the parameter leaves as one vector `[P]`.
fn collect(leaves: Vec<Tensor<1>>, grads: &mut Gradients) -> Tensor<1> {
    Tensor::cat(leaves.into_iter().map(|leaf| grad_or_zero(leaf, grads)).collect(), 0)
}

/// A leaf that the graph never reached has no entry in `grads`: its gradient is zero.
fn grad_or_zero<const D: usize>(leaf: Tensor<D>, grads: &mut Gradients) -> Tensor<D> {
    leaf.grad_remove(grads).unwrap_or_else(|| leaf.inner().zeros_like())
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
