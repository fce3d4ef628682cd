//! The products of [`hvp`](crate::hvp()) on the fused CPU kernels.

use std::ops::Range;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use distil_augment::Augmentation;
use distil_kernels::{self as kernels, Network, Pair, Wanted, Weights};
use distil_models::{Targets, reduce_chunks, scalars, vector};

use crate::Products;
use crate::hvp::Batch;

/// As `hvp::products`, where the kernels know the network.
pub(crate) fn products(
    net: &Network,
    theta: &Tensor<1>,
    batch: &Batch<'_>,
    v: &Tensor<1>,
    micro_batch: usize,
    wanted: Wanted,
) -> Products {
    let n = batch.images.dims()[0];
    let value = Weights::new(net, &scalars(theta.clone()));
    let tangent = Weights::new(net, &scalars(v.clone()));
    let at = Pair { value: &value, tangent: &tangent };
    let work = |range: Range<usize>| {
        let augmentation = batch.augmentation.slice(range.clone());
        let part = batch.slice(range, &augmentation);
        chunk(net, at, &part, n, wanted)
    };
    let sum =
        reduce_chunks(n, micro_batch, &theta.device(), work, join).expect("a batch has at least one image");
    on_device(sum, batch, &theta.device())
}

/// One chunk's share, with the images before augmentation.
fn chunk(net: &Network, at: Pair<&Weights>, part: &Batch<'_>, n: usize, wanted: Wanted) -> kernels::Products {
    let augmented = part.augmentation.apply(part.images.clone());
    let (images, targets) = (scalars(augmented), scalars(part.targets.probabilities()));
    let batch = kernels::Batch { images: &images, targets: &targets, total: n };
    let mut products = kernels::products(net, at, batch, wanted);
    products.images = before(part, products.images);
    products
}

/// Carries the gradient of augmented images back to the images.
fn before(part: &Batch<'_>, gradient: Vec<f32>) -> Vec<f32> {
    if matches!(part.augmentation, Augmentation::None) {
        return gradient;
    }
    let images = part.images.clone().autodiff().require_grad();
    let gradient = vector(gradient, &part.images.device()).reshape(images.dims());
    let product = part.augmentation.apply(images.clone()) * Tensor::from_inner(gradient);
    let mut grads = product.sum().backward();
    scalars(images.grad_remove(&mut grads).unwrap_or_else(|| images.inner().zeros_like()))
}

fn join(mut sum: kernels::Products, next: kernels::Products) -> kernels::Products {
    let add = |sum: &mut Option<Vec<f32>>, next: Option<Vec<f32>>| {
        for (sum, next) in sum.iter_mut().flatten().zip(next.into_iter().flatten()) {
            *sum += next;
        }
    };
    sum.loss += next.loss;
    sum.slope += next.slope;
    add(&mut sum.gradient, next.gradient);
    add(&mut sum.hv, next.hv);
    sum.images.extend(next.images);
    sum.targets.extend(next.targets);
    sum
}

fn on_device(found: kernels::Products, batch: &Batch<'_>, device: &Device) -> Products {
    let vector = |values| vector(values, device);
    Products {
        loss: vector(vec![found.loss]),
        slope: vector(vec![found.slope]),
        gradient: found.gradient.map(vector),
        hv: found.hv.map(vector),
        images: vector(found.images).reshape(batch.images.dims()),
        labels: match &batch.targets {
            Targets::Hard(_) => None,
            Targets::Soft(logits) => {
                Some(through_softmax(logits, vector(found.targets).reshape(logits.dims())))
            }
        },
    }
}

/// The gradient of label logits from that of their softmax p: p ∘ (g − ⟨p, g⟩).
fn through_softmax(logits: &Tensor<2>, gradient: Tensor<2>) -> Tensor<2> {
    let p = softmax(logits.clone(), 1);
    let mean = (p.clone() * gradient.clone()).sum_dim(1);
    p * (gradient - mean)
}
