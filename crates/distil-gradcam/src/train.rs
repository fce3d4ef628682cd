use std::ops::{ControlFlow, Range};

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Strategy;
use distil_data::Split;
use distil_hypergrad::{Sgd, SgdState};
use distil_models::{Network, NetworkState, Targets, reduce_chunks};
use distil_random::{permutation, stream};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a network for maps is trained: SGD with momentum, its step size on half a cosine down to zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CamRecipe {
    /// Passes over the training images, at least 1.
    pub epochs: usize,
    /// Images a step, at least 1.
    pub batch: usize,
    /// Step size at the start; positive.
    pub lr: f64,
    /// Momentum, in `[0, 1)`.
    pub momentum: f64,
    /// Weight decay, at least 0.
    pub weight_decay: f64,
    /// Augmentation of every batch.
    pub augmentation: Strategy,
    /// The most images alive at a time, on each CPU thread. A network with batch norms computes a batch whole.
    pub micro_batch: usize,
}

impl Default for CamRecipe {
    fn default() -> Self {
        Self {
            epochs: 30,
            batch: 128,
            lr: 0.05,
            momentum: 0.9,
            weight_decay: 5e-4,
            augmentation: Strategy::dsa(),
            micro_batch: 32,
        }
    }
}

/// Where a training stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps of the whole training.
    pub steps: usize,
    /// Epochs done.
    pub epoch: usize,
    /// Mean loss of the epoch that has just ended; present with its last step.
    pub epoch_loss: Option<f64>,
}

/// Why a network was not trained.
#[derive(Debug, Error, PartialEq)]
pub enum TrainError {
    /// The callback asked to stop; nothing is kept.
    #[error("stopped while the network was training; nothing is kept")]
    Stopped,
    /// There is nothing to train on.
    #[error("the training set is empty; check data.train_limit and data.validation")]
    NoData,
    /// Images or labels that the network cannot take.
    #[error("the network does not fit the data: {0}; build it for these images and classes")]
    Misfit(&'static str),
    /// A number is out of its range.
    #[error("{key} is out of range; give {range}")]
    Recipe {
        /// The offending key.
        key: &'static str,
        /// What would do.
        range: &'static str,
    },
    /// The loss left the numbers.
    #[error("the network diverged in epoch {epoch}; lower the step size {lr}")]
    Diverged {
        /// In which epoch, from 1.
        epoch: usize,
        /// The step size at the start.
        lr: f64,
    },
}

impl CamRecipe {
    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// [`TrainError::Recipe`] names the key and what would do.
    pub fn check(&self) -> Result<(), TrainError> {
        let Self { epochs, batch, lr, momentum, weight_decay, micro_batch, .. } = *self;
        for (key, fits, range) in [
            ("epochs", epochs > 0, "at least 1"),
            ("batch", batch > 0, "at least 1"),
            ("micro_batch", micro_batch > 0, "at least 1"),
            ("lr", lr.is_finite() && lr > 0.0, "a positive number such as 0.05"),
            ("momentum", (0.0..1.0).contains(&momentum), "0 or more and below 1"),
            ("weight_decay", weight_decay.is_finite() && weight_decay >= 0.0, "0 or more"),
        ] {
            if !fits {
                return Err(TrainError::Recipe { key, range });
            }
        }
        Ok(())
    }

    fn lr_at(&self, step: usize, steps: usize) -> f64 {
        0.5 * self.lr * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos())
    }
}

/// Trains `network` from scratch on `train`, in f32 on `device`; initial weights, batches and augmentation follow from
/// `seed`. `report` is called after every step; [`ControlFlow::Break`] stops the training.
///
/// # Errors
/// [`TrainError`] when it was stopped, diverged, or cannot work.
pub fn train_network(
    network: &Network,
    train: &Split,
    recipe: &CamRecipe,
    seed: u64,
    device: &Device,
    report: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<NetworkState, TrainError> {
    recipe.check()?;
    check(network, train)?;
    let sgd = Sgd { momentum: recipe.momentum, weight_decay: recipe.weight_decay };
    let mut theta = network.theta(&network.init(&mut stream(seed, "cam-init", 0)), device);
    let mut buffers = network.buffers(&network.init_buffers(), device);
    let mut state = SgdState::default();
    let per_epoch = train.len().div_ceil(recipe.batch);
    let steps = per_epoch * recipe.epochs;
    for epoch in 0..recipe.epochs {
        let order = permutation(&mut stream(seed, "cam-order", epoch as u64), train.len());
        let mut rng = stream(seed, "cam-augmentation", epoch as u64);
        let mut losses = Vec::with_capacity(per_epoch);
        for (i, rows) in order.chunks(recipe.batch).enumerate() {
            let (images, targets) = batch(network, train, rows, device);
            let [_, height, width] = network.image_shape();
            let drawn = recipe.augmentation.draw(rows.len(), height, width, &mut rng);
            let part = |range: Range<usize>| {
                let images = images.clone().slice([range.clone()]);
                (drawn.slice(range.clone()).apply(images), targets.slice(range))
            };
            let step = network.loss_and_gradient(&theta, &buffers, rows.len(), recipe.micro_batch, part);
            let done = epoch * per_epoch + i;
            (theta, state) = sgd.update(theta, step.gradient, recipe.lr_at(done, steps), state);
            buffers = step.buffers;
            losses.push(step.loss * rows.len() as f64);
            let last = i + 1 == per_epoch;
            let epoch_loss = last.then(|| sum(&losses) / train.len() as f64);
            let progress = Progress { step: done + 1, steps, epoch: epoch + usize::from(last), epoch_loss };
            if epoch_loss.is_some_and(|loss| !loss.is_finite()) {
                return Err(TrainError::Diverged { epoch: epoch + 1, lr: recipe.lr });
            }
            if report(progress).is_break() {
                return Err(TrainError::Stopped);
            }
        }
    }
    let state = NetworkState { theta: floats(theta), buffers: floats(buffers) };
    let finite = state.theta.iter().chain(&state.buffers).all(|value| value.is_finite());
    if finite { Ok(state) } else { Err(TrainError::Diverged { epoch: recipe.epochs, lr: recipe.lr }) }
}

/// Top-1 accuracy on a labelled split, in `[0, 1]`; 0 on an empty one.
///
/// # Panics
/// When `split`, `theta` or `buffers` do not fit the network.
pub fn accuracy(network: &Network, theta: &Tensor<1>, buffers: &Tensor<1>, split: &Split) -> f64 {
    /// Images a chunk; bounds memory only.
    const CHUNK: usize = 64;
    let device = theta.device();
    let count = |range: Range<usize>| {
        let rows: Vec<usize> = range.collect();
        let (images, _) = batch(network, split, &rows, &device);
        let scores: Vec<f32> = floats(network.logits(theta, buffers, images));
        let predicted = crate::hard_labels(&scores, network.classes());
        // A network whose scores are not numbers is right about nothing.
        let finite = scores.chunks(network.classes()).map(|row| row.iter().all(|score| score.is_finite()));
        let right = predicted.iter().zip(finite).zip(&rows);
        right.filter(|((class, finite), row)| *finite && **class == split.labels[**row]).count()
    };
    let correct = reduce_chunks(split.len(), CHUNK, &device, count, |a, b| a + b).unwrap_or(0);
    correct as f64 / split.len().max(1) as f64
}

fn check(network: &Network, train: &Split) -> Result<(), TrainError> {
    let shape = train.images.shape();
    if train.is_empty() {
        return Err(TrainError::NoData);
    }
    if network.image_shape() != [shape.channels, shape.height, shape.width] {
        return Err(TrainError::Misfit("its images have another shape"));
    }
    if train.labels.iter().any(|label| *label as usize >= network.classes()) {
        return Err(TrainError::Misfit("there are more classes"));
    }
    Ok(())
}

/// Some rows of a split on the device.
fn batch(network: &Network, split: &Split, rows: &[usize], device: &Device) -> (Tensor<4>, Targets) {
    let [channels, height, width] = network.image_shape();
    let pixels = TensorData::new(split.images.gather(rows), [rows.len(), channels, height, width]);
    let labels = split.gather_labels(rows);
    let targets = Targets::from_classes(&labels, network.classes(), device, DType::F32);
    (Tensor::from_data(pixels, (device, DType::F32)), targets)
}

/// Reading a loss waits for the device, so an epoch's losses are read together.
fn sum(losses: &[Tensor<1>]) -> f64 {
    Tensor::cat(losses.to_vec(), 0).into_data().iter::<f64>().sum()
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
