//! The fused CPU kernels of `distil-kernels`, for the networks and losses they know.

use std::ops::Range;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_kernels::{self as kernels, Gradient, Network, Pair, Wanted, Weights};
use distil_models::ConvNet;
use distil_models::{Architecture, Network as Net};

use crate::outputs::before_augmentation;
use crate::{At, Batch, Engine, Loss, LossGradient, Products, Targets};

/// The scalars of a tensor in row-major order.
///
/// # Panics
/// When they are not f32.
pub fn scalars<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("an f32 tensor holds f32")
}

/// The scalars as a tensor, without a copy.
pub fn vector(scalars: Vec<f32>, device: &Device) -> Tensor<1> {
    let count = scalars.len();
    Tensor::from_data(TensorData::new(scalars, [count]), device)
}

/// θ as the kernels keep it.
pub(crate) fn weights(net: &Network, theta: &Tensor<1>) -> Weights {
    Weights::new(net, &scalars(theta.clone()))
}

/// Logits `[n, k]` of images `[n, c, h, w]` at θ `[P]`.
pub(crate) fn logits(engine: &Engine, net: &Network, theta: &Tensor<1>, images: &Tensor<4>) -> Tensor<2> {
    let (n, weights) = (images.dims()[0], weights(net, theta));
    let work = |rows: Range<usize>| kernels::logits(net, &weights, &scalars(images.clone().slice([rows])));
    let out = engine.reduce_chunks(n, n, work, append).unwrap_or_default();
    vector(out, engine.device()).reshape([n, net.classes])
}

/// Features `[n, f]` of one chunk.
pub(crate) fn features_of(net: &Network, weights: &Weights, images: Tensor<4>, device: &Device) -> Tensor<2> {
    let n = images.dims()[0];
    let found = kernels::features(net, weights, &scalars(images));
    let columns = found.len() / n.max(1);
    vector(found, device).reshape([n, columns])
}

/// Features `[n, f]` of `n` images.
pub(crate) fn features(
    engine: &Engine,
    net: &Network,
    theta: &Tensor<1>,
    (n, micro_batch): (usize, usize),
    images: impl Fn(Range<usize>) -> Tensor<4> + Sync + Send,
) -> Tensor<2> {
    let weights = weights(net, theta);
    let work = |rows: Range<usize>| kernels::features(net, &weights, &scalars(images(rows)));
    let out = engine.reduce_chunks(n, micro_batch, work, append).unwrap_or_default();
    let columns = out.len() / n.max(1);
    vector(out, engine.device()).reshape([n, columns])
}

fn append(mut all: Vec<f32>, next: Vec<f32>) -> Vec<f32> {
    all.extend(next);
    all
}

/// [`Engine::gradient`] of cross-entropy.
pub(crate) fn gradient(
    engine: &Engine,
    net: &Network,
    theta: &Tensor<1>,
    targets: &Targets,
    micro_batch: usize,
    images: impl Fn(Range<usize>) -> Tensor<4> + Sync + Send,
) -> LossGradient {
    let (n, weights) = (targets.len(), weights(net, theta));
    let work = |range: Range<usize>| {
        let (images, targets) = (images(range.clone()), targets.slice(range));
        let (images, targets) = (scalars(images), scalars(targets.probabilities()));
        kernels::gradient(net, &weights, kernels::Batch { images: &images, targets: &targets, total: n })
    };
    let add = |mut sum: Gradient, part: Gradient| {
        sum.loss += part.loss;
        sum.theta.iter_mut().zip(&part.theta).for_each(|(sum, part)| *sum += part);
        sum
    };
    let zero = || Gradient { loss: 0.0, theta: vec![0.0; net.params()] };
    let Gradient { loss, theta } = engine.reduce_chunks(n, micro_batch, work, add).unwrap_or_else(zero);
    let device = engine.device();
    LossGradient {
        loss: Tensor::from_data([loss], device),
        gradient: vector(theta, device),
        batch: Vec::new(),
    }
}

/// [`Engine::image_gradient`] where the loss pulls the features of all images alike.
///
/// Under a classifier of zeros for two classes, all images of the first, the gradient of cross-entropy by the second class's row is
/// half the mean feature, whatever the images are. So the derivative of features along `pull` is that of this gradient
/// along 2n·`pull`.
pub(crate) fn image_gradient(
    engine: &Engine,
    at: At<'_>,
    batch: &Batch<'_>,
    micro_batch: usize,
) -> Option<Tensor<4>> {
    let pull = shared_pull(batch.loss)?;
    engine.kernels(at.net, at.theta.dtype())?;
    let Architecture::ConvNet(net) = at.net.architecture() else { return None };
    let (n, device, dtype) = (batch.images.dims()[0], engine.device(), at.theta.dtype());
    let net = Net::from(ConvNet { classes: 2, ..net.clone() });
    let (features, classifier) = (net.features(), 2 * (net.features() + 1));
    let body = net.layout().params() - classifier;
    let zeros = |count: usize| Tensor::<1>::zeros([count], (device, dtype));
    let theta = Tensor::cat(vec![at.theta.clone().narrow(0, 0, body), zeros(classifier)], 0);
    let pull = pull.clone().reshape([features]) * (2.0 * n as f64);
    let along = Tensor::cat(vec![zeros(body + features), pull, zeros(2)], 0);
    let loss = Targets::from_classes(&vec![0; n], 2, device, dtype).into();
    let batch = Batch { loss: &loss, ..*batch };
    let at = At { net: &net, theta: &theta, norms: at.norms };
    Some(engine.products(at, &batch, &along, micro_batch, Wanted::Images).images)
}

/// The cotangent `[1, f]` of the features of every image, where that is all of the loss.
fn shared_pull(loss: &Loss) -> Option<&Tensor<2>> {
    let Loss::Linear(linear) = loss else { return None };
    let alone = linear.logits.is_none() && linear.moments.is_none();
    linear.features.as_ref().filter(|features| alone && features.dims()[0] == 1)
}

/// [`Engine::products`] of cross-entropy.
pub(crate) fn products(
    engine: &Engine,
    net: &Network,
    theta: &Tensor<1>,
    (batch, targets): (&Batch<'_>, &Targets),
    v: &Tensor<1>,
    (micro_batch, wanted): (usize, Wanted),
) -> Products {
    let n = batch.images.dims()[0];
    let (value, tangent) = (weights(net, theta), weights(net, v));
    let at = Pair { value: &value, tangent: &tangent };
    let work = |range: Range<usize>| {
        let part = Part {
            images: batch.images.clone().slice([range.clone()]),
            targets: targets.slice(range.clone()),
            augmentation: batch.augmentation.slice(range),
        };
        chunk(net, at, &part, n, wanted)
    };
    let sum = engine.reduce_chunks(n, micro_batch, work, join).expect("a batch has at least one image");
    on_device(sum, batch, targets, engine.device())
}

/// Some rows of a batch.
struct Part {
    images: Tensor<4>,
    targets: Targets,
    augmentation: Augmentation,
}

/// One chunk's share, with the images before augmentation.
fn chunk(net: &Network, at: Pair<&Weights>, part: &Part, n: usize, wanted: Wanted) -> kernels::Products {
    let Part { images, targets, augmentation } = part;
    let (augmented, targets) =
        (scalars(augmentation.apply(images.clone())), scalars(targets.probabilities()));
    let batch = kernels::Batch { images: &augmented, targets: &targets, total: n };
    let mut products = kernels::products(net, at, batch, wanted);
    let gradient = vector(products.images, &images.device()).reshape(images.dims());
    products.images = scalars(before_augmentation(augmentation, images.clone(), gradient));
    products
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

fn on_device(found: kernels::Products, batch: &Batch<'_>, targets: &Targets, device: &Device) -> Products {
    let vector = |values| vector(values, device);
    Products {
        loss: vector(vec![found.loss]),
        slope: vector(vec![found.slope]),
        gradient: found.gradient.map(vector),
        hv: found.hv.map(vector),
        images: vector(found.images).reshape(batch.images.dims()),
        labels: match targets {
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
