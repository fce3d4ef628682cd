use std::ops::Range;

use burn::tensor::Tensor;
use distil_hypergrad::{Differentiation, Hypergradient, mixed};
use distil_models::{ConvNet, Plain, Targets, reduce_chunks};
use distil_random::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::view::class_batches;
use crate::{
    Cost, Distiller, Inputs, Method, MethodError, Objective, Passes, StepError, StepOutcome, View, real,
    refuse_zero,
};

/// Matching the mean embeddings of real and synthetic images of each class by random networks (DM).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistributionMatching {
    /// Real images of each class that a mean is taken of (published: 256); all, where the class has fewer.
    pub batch_real: usize,
}

/// Result for one class.
#[derive(Debug, Clone)]
pub struct EmbeddingMatch {
    /// Mean features of the synthetic images `[f]`.
    pub mean: Tensor<1>,
    /// ‖mean − that of the real images‖², shape `[1]`.
    pub loss: Tensor<1>,
    /// Its derivative by the images, before augmentation.
    pub images: Tensor<4>,
}

/// Compares the mean features of synthetic images (those before the classifier, flattened) with `real` `[f]`, the mean
/// features of real ones under the same [`View`].
///
/// The images pass twice, first without a graph: their mean is what each of them is pulled by, and with it known no more
/// than a chunk's graph is ever alive.
pub fn match_embeddings(view: View<'_>, real: &Tensor<1>, images: &Tensor<4>) -> EmbeddingMatch {
    let View { net, theta, micro_batch, .. } = view;
    let n = images.dims()[0];
    let chunk = |range: Range<usize>| images.clone().slice([range]);
    let mean = net.mean_features(theta, n, micro_batch, |range| view.seen(chunk(range)));
    let apart = mean.clone() - real.clone();
    let pull = apart.clone() * (2.0 / n as f64);
    let images = if net.kernels(&theta.device(), theta.dtype()).is_some() {
        pulled_by_products(view, images, &pull)
    } else {
        let join = |all, next| Tensor::cat(vec![all, next], 0);
        let work = |range| pulled(view, chunk(range), &pull);
        reduce_chunks(n, micro_batch, &images.device(), work, join).unwrap_or_else(|| images.zeros_like())
    };
    EmbeddingMatch { mean, loss: (apart.clone() * apart).sum(), images }
}

/// ∂⟨pull, features(x)⟩/∂x for every image x `[n, c, h, w]`.
fn pulled(view: View<'_>, images: Tensor<4>, pull: &Tensor<1>) -> Tensor<4> {
    let View { net, theta, .. } = view;
    let leaf = images.autodiff().require_grad();
    let constant = |tensor: Tensor<1>| Tensor::from_inner(tensor);
    let params: Vec<Tensor<1>> = net.layout().split(theta.clone()).into_iter().map(constant).collect();
    let features = net.embed::<Plain>(&params, view.seen(leaf.clone()));
    let pull = constant(pull.clone()).reshape([1, net.features()]);
    let mut grads = (features * pull).sum().backward();
    leaf.grad_remove(&mut grads).unwrap_or_else(|| leaf.inner().zeros_like())
}

/// The same where the fused kernels compute mixed products: under a classifier of zeros for two classes, all images of the
/// first, the loss's gradient by the second class's row is half the mean feature, whatever the images are. So the
/// derivative of features along `pull` is that of this gradient along 2n·`pull`.
fn pulled_by_products(view: View<'_>, images: &Tensor<4>, pull: &Tensor<1>) -> Tensor<4> {
    let (n, device, dtype) = (images.dims()[0], view.theta.device(), view.theta.dtype());
    let net = ConvNet { classes: 2, ..view.net.clone() };
    let classifier = 2 * (net.features() + 1);
    let body = net.layout().params() - classifier;
    let zeros = |count: usize| Tensor::<1>::zeros([count], (&device, dtype));
    let theta = Tensor::cat(vec![view.theta.clone().narrow(0, 0, body), zeros(classifier)], 0);
    let along = vec![zeros(body + net.features()), pull.clone() * (2.0 * n as f64), zeros(2)];
    let targets = Targets::from_classes(&vec![0; n], 2, &device, dtype);
    let augmentation = view.augmentation.repeat(n);
    mixed(&net, &theta, images, &targets, &augmentation, &Tensor::cat(along, 0), view.micro_batch).images
}

impl Objective for DistributionMatching {
    type State = ();

    fn check(&self, _method: &Method, _epochs: usize) -> Result<(), MethodError> {
        refuse_zero(&[("batch_real", self.batch_real as u64)])
    }

    fn cost(&self, images: usize, classes: usize) -> Cost {
        let batch_real = self.batch_real;
        let real = (classes as u64).saturating_mul(batch_real as u64);
        // Without kernels the images' part is a plain gradient, which takes less.
        let passes = Passes { forward: real.saturating_add(images as u64), plain: 0, dual: images as u64 };
        let batch_syn = images / classes.max(1);
        Cost { batch_syn, syn_steps: 0, batch_real, passes, products: Differentiation::Exact }
    }

    /// A fresh network and one step of the images, one class at a time, so that memory does not grow with them.
    fn step(
        &self,
        _own: &mut (),
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        let (method, net, iteration) = (inputs.method, inputs.net, distiller.iteration);
        let theta = net.theta(&net.init(&mut stream(inputs.seed, "match-init", iteration)), inputs.device);
        let micro_batch = method.micro_batch;
        let (mut losses, mut gradients) = (Vec::new(), Vec::new());
        for class in class_batches(inputs, self.batch_real, iteration) {
            let view = View { net, theta: &theta, augmentation: &class.augmentation, micro_batch };
            let rows = &class.real;
            let seen = |range| view.seen(real::images(&inputs.dataset.train, &rows[range], inputs.device));
            let real = net.mean_features(&theta, rows.len(), micro_batch, seen);
            let images = distiller.images().clone().slice([class.synthetic]);
            let found = match_embeddings(view, &real, &images);
            losses.push(found.loss);
            gradients.push(found.images);
        }
        let loss = Tensor::cat(losses, 0).into_data().iter::<f64>().sum();
        let images = Tensor::cat(gradients, 0);
        let gradient = Hypergradient { images, labels: None, syn_lr: 0.0, theta: None };
        let status = distiller.apply_gradient(method.refuses(loss).map_or(Ok(gradient), Err), method);
        Ok(distiller.outcome(loss, status))
    }
}
