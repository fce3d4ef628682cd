//! The work that is repeated: what distil's own loops do, on random data.

use std::ops::Range;

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, InnerStep, Sgd, SgdState, adjoint, unroll};
use distil_match::{Draw, trajectory_loss};
use distil_models::{ConvNet, Targets, loss_and_gradient_of, scalars};
use distil_random::{below, normal, permutation, stream};

use super::maps::Maps;
use super::setting::{Mode, Setting};

/// How far the target lies from the start, in each parameter.
const TARGET_DISTANCE: f32 = 0.01;
/// Step sizes of the outer optimisers.
const IMAGE_LR: f64 = 100.0;
const LABEL_LR: f64 = 2.0;
const SYN_LR_LR: f64 = 1e-5;
/// Momentum on images and inner step size, and on labels.
const IMAGE_MOMENTUM: f64 = 0.5;
const LABEL_MOMENTUM: f64 = 0.9;
/// Step size of inner steps and of training.
const LR: f64 = 0.01;

/// One kind of work with its data.
#[derive(Debug)]
pub(super) enum Workload {
    Distillation(Box<Distillation>),
    Training(Box<Training>),
    Maps(Box<Maps>),
}

impl Workload {
    pub(super) fn new(setting: &Setting, net: ConvNet, device: &Device) -> Self {
        match setting.mode {
            Mode::Exact | Mode::Tesla | Mode::Adjoint => {
                Self::Distillation(Box::new(Distillation::new(setting, net, device)))
            }
            Mode::TrainStep | Mode::EvalEpoch => {
                Self::Training(Box::new(Training::new(setting, net, device)))
            }
            Mode::GradCam => Self::Maps(Box::new(Maps::new(setting, net, device))),
        }
    }

    /// Does the work once more and returns its loss; of maps, their mean.
    pub(super) fn repeat(&mut self) -> f64 {
        match self {
            Self::Distillation(work) => work.iteration(),
            Self::Training(work) => work.epoch(),
            Self::Maps(work) => work.pass(),
        }
    }
}

/// Trajectory matching between a start and a target, iteration by iteration.
#[derive(Debug)]
pub(super) struct Distillation {
    setting: Setting,
    net: ConvNet,
    start: Vec<f32>,
    target: Vec<f32>,
    set: InnerSet,
    syn_lr: f64,
    image_state: SgdState<4>,
    label_state: SgdState<2>,
    syn_lr_buffer: f64,
    iterations: u64,
}

impl Distillation {
    fn new(setting: &Setting, net: ConvNet, device: &Device) -> Self {
        let start = net.init(&mut stream(setting.seed, "bench-init", 0));
        let mut rng = stream(setting.seed, "bench-target", 0);
        let target = start.iter().map(|&p| p + TARGET_DISTANCE * normal(&mut rng)).collect();
        let side = setting.resolution;
        let images =
            gaussian("bench-images", [setting.images, setting.channels, side, side], setting, device);
        let logits = gaussian("bench-labels", [setting.images, setting.classes], setting, device);
        Self {
            setting: setting.clone(),
            net,
            start,
            target,
            set: InnerSet { images, targets: Targets::Soft(logits) },
            syn_lr: LR,
            image_state: SgdState::default(),
            label_state: SgdState::default(),
            syn_lr_buffer: 0.0,
            iterations: 0,
        }
    }

    /// Unrolls, compares, differentiates and moves everything that is learned; returns the matching loss.
    fn iteration(&mut self) -> f64 {
        let device = self.set.images.device();
        let steps = self.inner_steps();
        self.iterations += 1;
        let inner = InnerLoop {
            net: &self.net,
            set: &self.set,
            steps: &steps,
            syn_lr: self.syn_lr,
            momentum: 0.0,
            micro_batch: self.setting.micro_batch,
        };
        let thetas = unroll(&inner, self.net.theta(&self.start, &device));
        let theta_n = scalars(thetas[steps.len()].clone());
        let draw = Draw::default();
        let matched = trajectory_loss(&self.net.layout(), &theta_n, &self.start, &self.target, None, draw);
        drop(theta_n);
        let params = matched.lambda.len();
        let lambda = Tensor::from_data(TensorData::new(matched.lambda, [params]), (&device, DType::F32));
        let differentiation = match self.setting.mode {
            Mode::Tesla => Differentiation::Truncated,
            _ => Differentiation::Exact,
        };
        let gradient = adjoint(&inner, &thetas, lambda, differentiation);
        if !self.setting.no_update {
            let labels = gradient.labels.expect("the labels are soft");
            self.update(gradient.images, labels, gradient.syn_lr);
        }
        matched.loss
    }

    fn update(&mut self, images: Tensor<4>, labels: Tensor<2>, syn_lr: f64) {
        let sgd = |momentum| Sgd { momentum, weight_decay: 0.0 };
        let state = std::mem::take(&mut self.image_state);
        let moved = sgd(IMAGE_MOMENTUM).update(self.set.images.clone(), images, IMAGE_LR, state);
        (self.set.images, self.image_state) = moved;
        if let Targets::Soft(logits) = &self.set.targets {
            let state = std::mem::take(&mut self.label_state);
            let (logits, state) = sgd(LABEL_MOMENTUM).update(logits.clone(), labels, LABEL_LR, state);
            (self.set.targets, self.label_state) = (Targets::Soft(logits), state);
        }
        self.syn_lr_buffer = IMAGE_MOMENTUM * self.syn_lr_buffer + syn_lr;
        self.syn_lr -= SYN_LR_LR * self.syn_lr_buffer;
    }

    /// Chunks of successive permutations of the synthetic images.
    fn inner_steps(&self) -> Vec<InnerStep> {
        let mut rng = stream(self.setting.seed, "bench-batches", self.iterations);
        let mut pending: Vec<Vec<usize>> = Vec::new();
        let mut next = || {
            if pending.is_empty() {
                let order = permutation(&mut rng, self.setting.images);
                pending = order.chunks(self.setting.batch_syn).map(<[usize]>::to_vec).collect();
            }
            pending.pop().expect("a permutation of at least one image has a chunk")
        };
        (0..self.setting.steps)
            .map(|_| InnerStep { rows: next(), augmentation: Augmentation::None })
            .collect()
    }
}

/// Plain training: a step on real data, or an epoch on the synthetic set.
#[derive(Debug)]
pub(super) struct Training {
    setting: Setting,
    net: ConvNet,
    theta: Tensor<1>,
    sgd: Sgd,
    state: SgdState<1>,
    images: Tensor<4>,
    targets: Targets,
    epochs: u64,
}

impl Training {
    fn new(setting: &Setting, net: ConvNet, device: &Device) -> Self {
        let theta = net.theta(&net.init(&mut stream(setting.seed, "bench-init", 0)), device);
        let (n, sgd) = match setting.mode {
            Mode::EvalEpoch => (setting.images, Sgd { momentum: 0.9, weight_decay: 5e-4 }),
            _ => (setting.batch, Sgd { momentum: 0.0, weight_decay: 0.0 }),
        };
        let side = setting.resolution;
        let images = gaussian("bench-images", [n, setting.channels, side, side], setting, device);
        let targets = if setting.mode == Mode::EvalEpoch {
            Targets::Soft(gaussian("bench-labels", [n, setting.classes], setting, device))
        } else {
            let mut rng = stream(setting.seed, "bench-classes", 0);
            let labels: Vec<u32> = (0..n).map(|_| below(&mut rng, setting.classes) as u32).collect();
            Targets::from_classes(&labels, setting.classes, device, DType::F32)
        };
        Self {
            setting: setting.clone(),
            net,
            theta,
            sgd,
            state: SgdState::default(),
            images,
            targets,
            epochs: 0,
        }
    }

    /// Passes over the data once and returns the loss of the last batch.
    fn epoch(&mut self) -> f64 {
        let mut loss = None;
        for (images, targets) in self.batches() {
            let rows = |range: Range<usize>| (images.clone().slice([range.clone()]), targets.slice(range));
            let (n, micro_batch) = (targets.len(), self.setting.micro_batch);
            let step = loss_and_gradient_of(&self.net, &self.theta, n, micro_batch, rows);
            let state = std::mem::take(&mut self.state);
            (self.theta, self.state) = self.sgd.update(self.theta.clone(), step.gradient, LR, state);
            loss = Some(step.loss);
        }
        self.epochs += 1;
        loss.map_or(f64::NAN, |loss| loss.into_data().iter::<f64>().sum())
    }

    fn batches(&self) -> Vec<(Tensor<4>, Targets)> {
        // One batch needs no order; the evaluator, too, uploads such a set once.
        if self.targets.len() <= self.setting.batch {
            return vec![(self.images.clone(), self.targets.clone())];
        }
        let order =
            permutation(&mut stream(self.setting.seed, "bench-order", self.epochs), self.targets.len());
        let rows: Vec<i64> = order.into_iter().map(|row| row as i64).collect();
        let index = |rows: &[i64]| Tensor::from_data(TensorData::from(rows), &self.images.device());
        let batch = |rows: &[i64]| {
            let targets = self.targets.map(|values| values.select(0, index(rows)));
            (self.images.clone().select(0, index(rows)), targets)
        };
        rows.chunks(self.setting.batch).map(batch).collect()
    }
}

/// Standard normal numbers.
pub(super) fn gaussian<const D: usize>(
    purpose: &str,
    shape: [usize; D],
    setting: &Setting,
    device: &Device,
) -> Tensor<D> {
    let mut rng = stream(setting.seed, purpose, 0);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| normal(&mut rng)).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}
