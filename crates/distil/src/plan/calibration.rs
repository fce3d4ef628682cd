//! How long a run takes on this device, from a few real steps on random data.

use std::time::Instant;

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_engine::{Engine, Targets};
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, InnerStep, adjoint, unroll};
use distil_match::Method;
use distil_models::Network;
use distil_random::{normal, stream};

use crate::config::Config;

/// A second pass is timed when the first, which also pays for memory and compiled kernels, took less than this.
const PATIENCE: f64 = 2.0;

/// Enough real images that what is done once a batch does not count.
const REAL: usize = 64;

/// Seconds of a run's parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// A gradient of the network for one image.
    pub plain: f64,
    /// Second-order products of the adjoint for one image.
    pub dual: f64,
    /// One iteration.
    pub iteration: f64,
    /// One validation: its students, and what they classify.
    pub validation: f64,
    /// How many there are.
    pub validations: u64,
}

impl Times {
    /// What a classification takes of a gradient: a forward pass, without two of its kind backwards.
    pub const CLASSIFICATION: f64 = 1.0 / 3.0;

    /// The same times of a pass in another run, with so many synthetic images, which classifies `held_out` images in a
    /// validation.
    pub(super) fn of_run(&self, config: &Config, net: &Network, [images, held_out]: [usize; 2]) -> Self {
        let (method, Self { plain, dual, .. }) = (&config.distill, *self);
        let passes = method.objective.cost(images, net.classes()).passes;
        let epochs = (config.eval.epochs + 1) as f64;
        let student = plain * (images as f64 * epochs + held_out as f64 * Self::CLASSIFICATION);
        Self {
            plain,
            dual,
            iteration: (passes.plain as f64 + passes.forward as f64 * Self::CLASSIFICATION) * plain
                + passes.dual as f64 * dual,
            validation: config.eval.validation_seeds as f64 * student,
            // At the start, every so often, and at the end.
            validations: if held_out == 0 {
                0
            } else {
                1 + method.iterations.div_ceil(method.validate_every)
            },
        }
    }

    /// Iterations an hour, without validations.
    pub fn iterations_an_hour(&self) -> f64 {
        3600.0 / self.iteration
    }

    /// The whole run.
    pub fn total(&self, iterations: u64) -> f64 {
        iterations as f64 * self.iteration + self.validations as f64 * self.validation
    }
}

/// Images of the step that is timed: as many synthetic ones as the run has in one; of methods that see few for many
/// real ones, more.
fn batch(method: &Method, images: usize, net: &Network) -> usize {
    let cost = method.objective.cost(images, net.classes());
    cost.batch_syn.max(cost.batch_real.min(REAL))
}

/// Times one inner step forwards and one of the adjoint in the shapes of the run.
pub(super) fn calibrate(
    config: &Config,
    net: &Network,
    [images, held_out]: [usize; 2],
    engine: &Engine,
) -> Times {
    let (n, [channels, height, width], device) =
        (batch(&config.distill, images, net), net.image_shape(), engine.device());
    let labels = Targets::Soft(gaussian("plan-labels", [n, net.classes()], config.seed, device));
    let pixels = gaussian("plan-images", [n, channels, height, width], config.seed, device);
    let set = InnerSet::new(pixels, labels);
    let mut rng = stream(config.seed, "plan-augmentation", 0);
    let augmentation = config.distill.augmentation.draw(n, height, width, &mut rng);
    let steps = [InnerStep { rows: (0..n).collect(), augmentation }];
    let inner = InnerLoop {
        engine,
        net,
        set: &set,
        steps: &steps,
        syn_lr: config.distill.syn_lr,
        momentum: 0.0,
        micro_batch: config.distill.micro_batch,
    };
    let theta = net.theta(&net.init(&mut stream(config.seed, "plan-init", 0)), device);
    let differentiation = config.distill.objective.cost(n, net.classes()).products;
    let once = || timed(&inner, &theta, differentiation, device);
    let first = once();
    let seconds = if first.0 + first.1 < PATIENCE { once() } else { first };
    let [plain, dual] = [seconds.0, seconds.1].map(|seconds| seconds / n as f64);
    let pass = Times { plain, dual, iteration: 0.0, validation: 0.0, validations: 0 };
    pass.of_run(config, net, [images, held_out])
}

fn timed(
    inner: &InnerLoop<'_>,
    theta: &Tensor<1>,
    differentiation: Differentiation,
    device: &Device,
) -> (f64, f64) {
    let clock = Instant::now();
    let thetas = unroll(inner, theta.clone());
    // What is read has been computed.
    let _ = thetas[1].clone().sum().into_data();
    let forward = clock.elapsed().as_secs_f64();
    let lambda = Tensor::ones([theta.dims()[0]], device);
    let gradient = adjoint(inner, &thetas, lambda, differentiation);
    let _ = gradient.images.sum().into_data();
    (forward, clock.elapsed().as_secs_f64() - forward)
}

fn gaussian<const D: usize>(purpose: &str, shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut rng = stream(seed, purpose, 0);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| normal(&mut rng)).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}
