use std::ops::Range;

use burn::tensor::Tensor;
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Cotangents, Engine, Loss, before_augmentation};
use distil_hypergrad::{Differentiation, Hypergradient};
use distil_random::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::view::{ClassBatch, class_batches};
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
    let View { engine, at, micro_batch, .. } = view;
    let n = images.dims()[0];
    let seen = |range: Range<usize>| view.seen(images.clone().slice([range]));
    let mean = engine.mean_features(at, n, micro_batch, seen);
    let apart = mean.clone() - real.clone();
    let pull = apart.clone() * (2.0 / n as f64);
    let features = Some(pull.reshape([1, at.net.features()]));
    let loss = Loss::from(Cotangents { features, ..Cotangents::default() });
    let batch = Batch { images, loss: &loss, augmentation: &view.augmentation.repeat(n) };
    let images = engine.image_gradient(at, &batch, micro_batch);
    EmbeddingMatch { mean, loss: (apart.clone() * apart).sum(), images }
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
        let initial = net.init(&mut stream(inputs.seed, "match-init", iteration));
        let theta = net.theta(&initial, inputs.device());
        let at = At::training(net, &theta);
        let (losses, gradients) = if at.couples_images() {
            self.matched_whole(at, distiller, inputs)
        } else {
            self.matched(at, distiller, inputs)
        };
        let loss = Tensor::cat(losses, 0).into_data().iter::<f64>().sum();
        let images = Tensor::cat(gradients, 0);
        let gradient = Hypergradient { images, labels: None, syn_lr: 0.0, theta: None };
        let status = distiller.apply_gradient(method.refuses(loss).map_or(Ok(gradient), Err), method);
        Ok(distiller.outcome(loss, status))
    }
}

impl DistributionMatching {
    /// One class at a time, so that memory does not grow with them: the loss of each, and its derivative by its images.
    fn matched(
        self,
        at: At<'_>,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> (Vec<Tensor<1>>, Vec<Tensor<4>>) {
        let (engine, micro_batch) = (inputs.engine, inputs.method.micro_batch);
        let match_class = |class: ClassBatch| {
            let view = View { engine, at, augmentation: &class.augmentation, micro_batch };
            let rows = &class.real;
            let seen = |range| view.seen(real::images(&inputs.dataset.train, &rows[range], engine.device()));
            let real = engine.mean_features(at, rows.len(), micro_batch, seen);
            let images = distiller.images().clone().slice([class.synthetic]);
            let found = match_embeddings(view, &real, &images);
            (found.loss, found.images)
        };
        class_batches(inputs, self.batch_real, distiller.iteration).map(match_class).unzip()
    }

    /// All classes at once, because the images of all of them meet in the batch statistics, as in the public code: the norm of
    /// one class alone would take away the mean by which it differs from others.
    fn matched_whole(
        self,
        at: At<'_>,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> (Vec<Tensor<1>>, Vec<Tensor<4>>) {
        let engine = inputs.engine;
        let classes: Vec<ClassBatch> = class_batches(inputs, self.batch_real, distiller.iteration).collect();
        let real = classes
            .iter()
            .map(|class| class.seen(real::images(&inputs.dataset.train, &class.real, engine.device())));
        let sizes: Vec<usize> = classes.iter().map(|class| class.real.len()).collect();
        let real = means(engine, at, &Tensor::cat(real.collect(), 0), &sizes);
        let stored = |class: &ClassBatch| distiller.images().clone().slice([class.synthetic.clone()]);
        let synthetic = classes.iter().map(|class| class.seen(stored(class)));
        let synthetic = Tensor::cat(synthetic.collect(), 0);
        let sizes: Vec<usize> = classes.iter().map(|class| class.synthetic.len()).collect();
        let means = means(engine, at, &synthetic, &sizes);
        let apart: Vec<Tensor<2>> = means.into_iter().zip(real).map(|(ours, theirs)| ours - theirs).collect();
        let pulls =
            apart.iter().zip(&sizes).map(|(apart, n)| (apart.clone() * (2.0 / *n as f64)).repeat_dim(0, *n));
        let features = Some(Tensor::cat(pulls.collect(), 0));
        let loss = Loss::from(Cotangents { features, ..Cotangents::default() });
        let batch = Batch { images: &synthetic, loss: &loss, augmentation: &Augmentation::None };
        let gradient = engine.image_gradient(at, &batch, inputs.method.micro_batch);
        let back = classes.iter().map(|class| {
            let part = gradient.clone().slice([class.synthetic.clone()]);
            before_augmentation(&class.augmentation.repeat(part.dims()[0]), stored(class), part)
        });
        let losses = apart.into_iter().map(|apart| (apart.clone() * apart).sum());
        (losses.collect(), back.collect())
    }
}

/// Mean features `[1, f]` of each of several classes, whose images lie one after the other.
fn means(engine: &Engine, at: At<'_>, images: &Tensor<4>, sizes: &[usize]) -> Vec<Tensor<2>> {
    let n = images.dims()[0];
    let features = engine.features(at, n, n, |range| images.clone().slice([range]));
    features.split_with_sizes(sizes.to_vec(), 0).into_iter().map(|class| class.mean_dim(0)).collect()
}
