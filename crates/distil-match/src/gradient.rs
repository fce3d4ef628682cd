use std::ops::Range;

use burn::tensor::Tensor;
use distil_hypergrad::{Differentiation, Hypergradient, InnerLoop, InnerSet, mixed, unroll};
use distil_models::loss_and_gradient_of;
use distil_random::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::view::class_batches;
use crate::{
    Bounds, Cost, Distance, Distiller, Inputs, Method, MethodError, Objective, Passes, StepError,
    StepOutcome, StepStatus, View, real, refuse_out_of_range, refuse_zero, schedule,
};

/// What the public code of DC runs by images a class: (images, outer loop, inner loop).
const LOOPS: [(usize, usize, usize); 6] =
    [(1, 1, 1), (10, 10, 50), (20, 20, 25), (30, 30, 20), (40, 40, 15), (50, 50, 10)];

/// Matching the gradients of real and synthetic images of each class (DC, eq. 8; DSA), on networks that are trained on the
/// synthetic set meanwhile, at step size [`Method::syn_lr`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GradientMatching {
    /// Steps of the images with one network; without it, what was published for the nearest number of images a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer_loop: Option<usize>,
    /// Epochs that the network trains on the set between two of them; without it, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_loop: Option<usize>,
    /// How gradients are compared.
    #[serde(default)]
    pub distance: Distance,
    /// Real images of each class that a gradient is taken of (published: 256); all, where the class has fewer.
    pub batch_real: usize,
    /// Images of one step of the network's training (published: 256).
    pub batch_train: usize,
}

/// How often images and networks move in one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Loops {
    outer: usize,
    inner: usize,
}

/// Result for one class.
#[derive(Debug, Clone)]
pub struct GradientMatch {
    /// The parts of the distance, as [`GradientDistance::parts`](crate::GradientDistance) has them.
    pub parts: Tensor<1>,
    /// ∂distance/∂images, before augmentation.
    pub images: Tensor<4>,
    /// ∂distance/∂label logits, for soft targets.
    pub labels: Option<Tensor<2>>,
}

/// Compares the gradient of synthetic images with `real` `[P]`, that of real ones under the same [`View`].
///
/// The derivative is exact: v = ∂distance/∂(synthetic gradient) is followed back by one mixed product.
pub fn match_gradients(
    view: View<'_>,
    real: &Tensor<1>,
    synthetic: &InnerSet,
    distance: Distance,
) -> GradientMatch {
    let View { net, theta, micro_batch, .. } = view;
    let n = synthetic.targets.len();
    let InnerSet { images, targets } = synthetic;
    let seen = |range: Range<usize>| (view.seen(images.clone().slice([range.clone()])), targets.slice(range));
    let gradient = loss_and_gradient_of(net, theta, n, micro_batch, seen).gradient;
    let compared = distance.between(&net.layout(), real, &gradient);
    let augmentation = view.augmentation.repeat(n);
    let products = mixed(net, theta, images, targets, &augmentation, &compared.direction, micro_batch);
    GradientMatch { parts: compared.parts, images: products.images, labels: products.labels }
}

impl Objective for GradientMatching {
    type State = ();

    fn check(&self, _method: &Method, _epochs: usize) -> Result<(), MethodError> {
        refuse_zero(&[
            ("outer_loop", self.outer_loop.unwrap_or(1) as u64),
            ("batch_real", self.batch_real as u64),
            ("batch_train", self.batch_train as u64),
        ])?;
        refuse_out_of_range(&[
            ("outer_loop", self.outer_loop.unwrap_or(1) as f64, Bounds::Steps),
            ("inner_loop", self.inner_loop.unwrap_or(1) as f64, Bounds::Steps),
        ])
    }

    fn cost(&self, images: usize, classes: usize) -> Cost {
        let batch_syn = images / classes.max(1);
        let Loops { outer, inner } = self.loops(batch_syn);
        let [images, classes, outer, inner] = [images, classes, outer, inner].map(|count| count as u64);
        let real = classes.saturating_mul(self.batch_real as u64);
        let matching = outer.saturating_mul(real.saturating_add(images));
        let training = outer.saturating_sub(1).saturating_mul(inner).saturating_mul(images);
        let passes = Passes {
            plain: matching.saturating_add(training),
            dual: outer.saturating_mul(images),
            ..Passes::default()
        };
        let batch_real = self.batch_real;
        Cost { batch_syn, syn_steps: 0, batch_real, passes, products: Differentiation::Exact }
    }

    /// A fresh network, and `outer_loop` steps of the images. The first of them that is refused ends the iteration; those
    /// before it stand.
    fn step(
        &self,
        _own: &mut (),
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        let (method, net, iteration) = (inputs.method, inputs.net, distiller.iteration);
        let loops = self.loops(method.seen_ipc());
        let mut theta =
            net.theta(&net.init(&mut stream(inputs.seed, "match-init", iteration)), inputs.device);
        let mut sum = 0.0;
        for outer in 0..loops.outer {
            let step = iteration.wrapping_mul(loops.outer as u64).wrapping_add(outer as u64);
            if outer > 0 {
                theta = self.trained(theta, loops.inner, step, distiller, inputs);
            }
            let (loss, gradient) = self.matched(&theta, step, distiller, inputs);
            let status = distiller.apply_gradient(method.refuses(loss).map_or(Ok(gradient), Err), method);
            if status != StepStatus::Applied {
                return Ok(distiller.outcome(loss, status));
            }
            sum += loss;
        }
        Ok(distiller.outcome(sum / loops.outer as f64, StepStatus::Applied))
    }
}

impl GradientMatching {
    /// The distance summed over all classes, and its gradient. One class at a time, so that memory does not grow with
    /// them; `step` keys the random numbers.
    fn matched(
        &self,
        theta: &Tensor<1>,
        step: u64,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> (f64, Hypergradient) {
        let micro_batch = inputs.method.micro_batch;
        let (mut parts, mut images, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for class in class_batches(inputs, self.batch_real, step) {
            let view = View { net: inputs.net, theta, augmentation: &class.augmentation, micro_batch };
            let real = real_gradient(view, &class.real, inputs);
            let of_class = class.synthetic;
            let synthetic = InnerSet {
                images: distiller.images().clone().slice([of_class.clone()]),
                targets: distiller.targets().slice(of_class),
            };
            let found = match_gradients(view, &real, &synthetic, self.distance);
            parts.push(found.parts);
            images.push(found.images);
            labels.extend(found.labels);
        }
        let loss = Tensor::cat(parts, 0).into_data().iter::<f64>().sum();
        let labels = (!labels.is_empty()).then(|| Tensor::cat(labels, 0));
        (loss, Hypergradient { images: Tensor::cat(images, 0), labels, syn_lr: 0.0, theta: None })
    }

    /// The network after some epochs on the set as it stands; `step` keys their random numbers.
    fn trained(
        &self,
        theta: Tensor<1>,
        epochs: usize,
        step: u64,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> Tensor<1> {
        let Inputs { method, net, .. } = inputs;
        let learned = &distiller.learned;
        let set = InnerSet { images: distiller.images().clone(), targets: distiller.targets().clone() };
        let batch = self.batch_train.min(set.targets.len());
        let steps = epochs * set.targets.len().div_ceil(batch);
        let sides = (net.height, net.image_width);
        let key = (inputs.seed, step);
        let steps = schedule::inner_steps(set.targets.len(), batch, steps, sides, &method.augmentation, key);
        let (syn_lr, micro_batch) = (learned.syn_lr, method.micro_batch);
        // One step at a time: nobody asks for the parameters between them.
        steps.chunks(1).fold(theta, |theta, steps| {
            let inner = InnerLoop { net, set: &set, steps, syn_lr, momentum: 0.0, micro_batch };
            unroll(&inner, theta).pop().expect("a walk ends somewhere")
        })
    }

    fn loops(&self, ipc: usize) -> Loops {
        let (_, outer, inner) =
            LOOPS.into_iter().min_by_key(|(images, ..)| images.abs_diff(ipc)).expect("the table has rows");
        Loops { outer: self.outer_loop.unwrap_or(outer), inner: self.inner_loop.unwrap_or(inner) }
    }
}

/// The gradient of real images of one class, of which only chunks are ever made.
fn real_gradient(view: View<'_>, rows: &[usize], inputs: &Inputs<'_>) -> Tensor<1> {
    let chunk = |range: Range<usize>| {
        let (images, targets) = real::labelled(inputs.dataset, &rows[range], inputs.device);
        (view.seen(images), targets)
    };
    loss_and_gradient_of(view.net, view.theta, rows.len(), view.micro_batch, chunk).gradient
}
