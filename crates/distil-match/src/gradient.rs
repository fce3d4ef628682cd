use std::ops::Range;

use burn::tensor::Tensor;
use distil_engine::{At, Batch, Loss};
use distil_hypergrad::{Differentiation, Hypergradient, InnerLoop, InnerSet, mixed};
use distil_random::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clusters::representatives;
use crate::pixels::UnitPixels;
use crate::view::class_batches;
use crate::{
    Bounds, Cost, Distance, Distiller, Inputs, Method, MethodError, NormMode, Objective, Passes, Pixels,
    RealTraining, Small, StepError, StepOutcome, StepStatus, View, real, refuse_out_of_range, refuse_zero,
    schedule, switch,
};

/// What the public code of DC runs by images a class: (images, outer loop, inner loop).
const LOOPS: [(usize, usize, usize); 6] =
    [(1, 1, 1), (10, 10, 50), (20, 20, 25), (30, 30, 20), (40, 40, 15), (50, 50, 10)];

/// Real images of each class that running statistics are taken of, before they are frozen (the public code's BNSizePC).
const FROZEN_BY: usize = 16;

/// Matching the gradients of real and synthetic images of each class (DC, eq. 8; DSA), on networks that are trained on the
/// synthetic set meanwhile, at step size [`Method::syn_lr`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Steps after which the real images of each class are chosen anew, those nearest to `batch_real` k-means centroids of the network's
    /// features (DREAM: 10); without it, every step draws them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_every: Option<usize>,
    /// Images of one step of the network's training (published: 256).
    pub batch_train: usize,
    /// Momentum of the network's training (0 in today's public code, 0.5 in the one that came out with DC's paper).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub inner_momentum: f64,
    /// Training of the network on real images instead of the set, with batches of `batch_train` (IDC), or `"off"`.
    #[serde(default, with = "switch", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "switch::Switch<RealTraining>")]
    pub real_training: Option<RealTraining>,
    /// What a step of the images is measured in.
    #[serde(default, skip_serializing_if = "is_normalised")]
    pub pixels: Pixels,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_normalised(pixels: &Pixels) -> bool {
    *pixels == Pixels::Normalised
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(momentum: &f64) -> bool {
    *momentum == 0.0
}

/// The network that gradients are compared on.
pub(crate) struct Student {
    pub(crate) theta: Tensor<1>,
    /// Running statistics, frozen while gradients are compared.
    pub(crate) buffers: Tensor<1>,
    /// What momentum has gathered, from the first step with any on.
    pub(crate) velocity: Option<Tensor<1>>,
}

impl Student {
    /// With the running statistics moved by a batch of real images, 16 of each class, as in the public code; they stay while
    /// gradients of single classes are compared. `step` keys the random numbers.
    fn with_statistics(self, step: u64, inputs: &Inputs<'_>) -> Self {
        let Inputs { net, dataset, seed, engine, .. } = *inputs;
        if !net.has_batch_statistics() {
            return self;
        }
        let classes = real::rows_by_class(&dataset.train, net.classes());
        let rows = classes.iter().enumerate().flat_map(|(class, rows)| {
            let index = step.wrapping_mul(net.classes() as u64).wrapping_add(class as u64);
            real::sample(rows.len(), FROZEN_BY, (seed, "frozen-norms", index))
                .into_iter()
                .map(|row| rows[row])
        });
        let rows: Vec<usize> = rows.collect();
        let images = real::images(&dataset.train, &rows, engine.device());
        let batch = engine.batch_statistics(At::training(net, &self.theta), images);
        Self { buffers: net.running(&self.buffers, &batch, rows.len()), ..self }
    }
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
    let View { engine, at, micro_batch, .. } = view;
    let InnerSet { images, loss } = synthetic;
    let n = images.dims()[0];
    let seen = |range: Range<usize>| view.seen(images.clone().slice([range]));
    let gradient = engine.gradient(at, loss, n, micro_batch, seen).gradient;
    let compared = distance.between(at.net.layout(), real, &gradient);
    let batch = Batch { images, loss, augmentation: &view.augmentation.repeat(n) };
    let products = mixed(engine, at, &batch, &compared.direction, micro_batch);
    GradientMatch { parts: compared.parts, images: products.images, labels: products.labels }
}

impl Objective for GradientMatching {
    type State = ();

    fn check(&self, _method: &Method, _epochs: usize) -> Result<(), MethodError> {
        refuse_zero(&[
            ("outer_loop", self.outer_loop.unwrap_or(1) as u64),
            ("batch_real", self.batch_real as u64),
            ("batch_train", self.batch_train as u64),
            ("cluster_every", self.cluster_every.unwrap_or(1) as u64),
        ])?;
        refuse_out_of_range(&[
            ("outer_loop", self.outer_loop.unwrap_or(1) as f64, Bounds::Steps),
            ("inner_loop", self.inner_loop.unwrap_or(1) as f64, Bounds::Steps),
            ("inner_momentum", self.inner_momentum, Bounds::Momentum),
            ("real_training.cutmix", self.real_training.map_or(0.0, |real| real.cutmix), Bounds::Share),
        ])
    }

    fn cost(&self, images: usize, classes: usize) -> Cost {
        let batch_syn = images / classes.max(1);
        let Loops { outer, inner } = self.loops(batch_syn);
        let [images, classes, outer, inner] = [images, classes, outer, inner].map(|count| count as u64);
        let real = classes.saturating_mul(self.batch_real as u64);
        let matching = outer.saturating_mul(real.saturating_add(images));
        let each = self.real_training.map_or(inner.saturating_mul(images), |real| real.images as u64);
        let training = outer.saturating_sub(1).saturating_mul(each);
        let passes = Passes {
            plain: matching.saturating_add(training),
            dual: outer.saturating_mul(images),
            ..Passes::default()
        };
        let batch_real = self.batch_real;
        Cost { batch_syn, syn_steps: 0, batch_real, passes, products: Differentiation::Exact }
    }

    fn batch_norms(&self) -> NormMode {
        NormMode::Frozen
    }

    fn reduced(self, small: &Small) -> Self {
        let Some(real) = self.real_training else { return self };
        let outer_loop = self.outer_loop.map(|outer| outer.min(small.syn_steps));
        let real = RealTraining { images: real.images.min(4 * small.batch_real), ..real };
        Self { outer_loop, batch_real: small.batch_real, real_training: Some(real), ..self }
    }

    fn open(&self, _own: &(), inputs: &Inputs<'_>) -> Result<(), StepError> {
        if self.pixels == Pixels::Unit {
            UnitPixels::of(inputs)?;
        }
        Ok(())
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
        let unit = if self.pixels == Pixels::Unit { Some(UnitPixels::of(inputs)?) } else { None };
        let loops = self.loops(distiller.images().dims()[0] / net.classes());
        let initial = net.init(&mut stream(inputs.seed, "match-init", iteration));
        let mut student = Student {
            theta: net.theta(&initial, inputs.device()),
            buffers: net.buffers(&net.init_buffers(), inputs.device()),
            velocity: None,
        };
        let (mut sum, mut chosen) = (0.0, None);
        for outer in 0..loops.outer {
            let step = iteration.wrapping_mul(loops.outer as u64).wrapping_add(outer as u64);
            if outer > 0 {
                student = self.trained(student, loops.inner, step, distiller, inputs);
            }
            student = student.with_statistics(step, inputs);
            if self.cluster_every.is_some_and(|every| outer.is_multiple_of(every)) {
                let at = At::evaluation(net, &student.theta, &student.buffers);
                chosen = Some(representatives(at, self.batch_real, step, inputs));
            }
            let (loss, gradient) = self.matched(&student, (step, chosen.as_deref()), distiller, inputs);
            let gradient = match &unit {
                Some(unit) => Hypergradient { images: unit.step(gradient.images), ..gradient },
                None => gradient,
            };
            let status = distiller.apply_gradient(method.refuses(loss).map_or(Ok(gradient), Err), method);
            if status != StepStatus::Applied {
                return Ok(distiller.outcome(loss, status));
            }
            sum += loss;
        }
        if let Some(unit) = &unit {
            unit.bound(distiller);
        }
        Ok(distiller.outcome(sum / loops.outer as f64, StepStatus::Applied))
    }
}

impl GradientMatching {
    /// The distance summed over all classes, and its gradient. One class at a time, so that memory does not grow with
    /// them; `step` keys the random numbers, and the real images are `chosen` or drawn.
    fn matched(
        &self,
        student: &Student,
        (step, chosen): (u64, Option<&[Vec<usize>]>),
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> (f64, Hypergradient) {
        let (engine, micro_batch) = (inputs.engine, inputs.method.micro_batch);
        let at = At::evaluation(inputs.net, &student.theta, &student.buffers);
        let (mut parts, mut images, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for (index, class) in class_batches(inputs, self.batch_real, step).enumerate() {
            let view = View { engine, at, augmentation: &class.augmentation, micro_batch };
            let rows = chosen.map_or(&class.real, |chosen| &chosen[index]);
            let real = real_gradient(view, rows, inputs);
            let of_class = class.synthetic;
            let stored = distiller.images().clone().slice([of_class.clone()]);
            let synthetic = InnerSet::new(stored, distiller.targets().slice(of_class));
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
        student: Student,
        epochs: usize,
        step: u64,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> Student {
        let Inputs { method, net, engine, .. } = *inputs;
        if let Some(real) = &self.real_training {
            let how = (distiller.learned.syn_lr, self.inner_momentum, self.batch_train);
            return real.pass(student, how, step, inputs);
        }
        let learned = &distiller.learned;
        let set = InnerSet::new(distiller.images().clone(), distiller.targets().clone());
        let images = distiller.targets().len();
        let batch = self.batch_train.min(images);
        let steps = epochs * images.div_ceil(batch);
        let sides = net.sides();
        let key = (inputs.seed, step);
        let steps = schedule::inner_steps(images, batch, steps, sides, &method.augmentation, key);
        let (syn_lr, micro_batch) = (learned.syn_lr, method.micro_batch);
        let inner = InnerLoop { engine, net, set: &set, steps: &steps, syn_lr, momentum: 0.0, micro_batch };
        (0..steps.len()).fold(student, |Student { theta, buffers, velocity }, i| {
            let found = inner.gradient(i, &theta);
            let buffers = net.running(&buffers, &found.batch, steps[i].rows.len());
            let direction = match velocity {
                Some(velocity) => velocity * self.inner_momentum + found.gradient,
                None => found.gradient,
            };
            let theta = theta - direction.clone() * syn_lr;
            Student { theta, buffers, velocity: (self.inner_momentum > 0.0).then_some(direction) }
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
    let View { engine, at, micro_batch, .. } = view;
    let loss = Loss::from(real::targets(inputs.dataset, rows, engine.device()));
    let images =
        |range: Range<usize>| view.seen(real::images(&inputs.dataset.train, &rows[range], engine.device()));
    engine.gradient(at, &loss, rows.len(), micro_batch, images).gradient
}
