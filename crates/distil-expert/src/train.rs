use std::ops::Range;

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_data::Split;
use distil_models::{ConvNet, Targets, loss_and_gradient_of};
use distil_progress::{Progress, Step};
use distil_random::{permutation, stream};
use thiserror::Error;

use crate::Recipe;

/// A trained expert.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Parameters at initialisation and after every epoch: epochs + 1 vectors of `P`.
    pub trajectory: Vec<Vec<f32>>,
    /// Mean training loss of each epoch.
    pub losses: Vec<f64>,
}

/// Why an expert was not trained.
#[derive(Debug, Error)]
pub enum ExpertError {
    /// The callback asked to stop; nothing of this expert is kept, earlier experts are.
    #[error("stopped while expert {expert} was training; the experts before it are kept")]
    Stopped {
        /// The expert that was not finished.
        expert: usize,
    },
    /// The loss became non-finite.
    #[error(
        "expert {expert} diverged in epoch {epoch} (loss {loss:.3e}), the experts before it are kept; lower expert.lr or expert.gsam.rho"
    )]
    Diverged {
        /// Which expert.
        expert: usize,
        /// In which epoch, from 1.
        epoch: usize,
        /// The epoch's mean loss.
        loss: f64,
    },
    /// There is nothing to train on.
    #[error("the training set is empty; check data.train_limit and data.validation")]
    NoData,
    /// The store refused a trajectory or could not be written.
    #[error(transparent)]
    Store(#[from] distil_store::StoreError),
}

/// Trains expert `expert` of a store with this `seed` on `train`, in f32 on `device`.
///
/// Progress is told after every step, and counts steps of this expert.
///
/// # Errors
/// [`ExpertError`] when it was stopped, diverged, or has no data.
pub fn train_expert(
    net: &ConvNet,
    train: &Split,
    recipe: &Recipe,
    seed: u64,
    expert: usize,
    device: &Device,
    progress: Progress<'_>,
) -> Result<Trained, ExpertError> {
    if train.labels.is_empty() {
        return Err(ExpertError::NoData);
    }
    let initial = net.init(&mut stream(seed, "expert-init", expert as u64));
    let mut theta = net.theta(&initial, device);
    let mut trained = Trained { trajectory: vec![initial], losses: Vec::new() };
    let steps = train.labels.len().div_ceil(recipe.batch);
    let mut shown = String::new();
    for epoch in 0..recipe.epochs {
        let order = permutation(&mut epoch_stream(seed, "expert-order", expert, epoch), train.labels.len());
        let mut augmentation = epoch_stream(seed, "expert-augmentation", expert, epoch);
        let mut losses = Vec::with_capacity(steps);
        for (step, rows) in order.chunks(recipe.batch).enumerate() {
            let batch = Batch::new(net, train, rows, recipe, &mut augmentation, device);
            let (next, loss) = batch.step(net, theta, recipe);
            theta = next;
            losses.push(loss * rows.len() as f64);
            let done = (epoch * steps + step + 1) as u64;
            let epochs = recipe.epochs;
            let flow = progress.at(Step::of("expert", done, (epochs * steps) as u64, "steps")
                .with_detail(format_args!("expert {expert}, epoch {}/{epochs}{shown}", epoch + 1)));
            if flow.is_break() {
                return Err(ExpertError::Stopped { expert });
            }
        }
        let loss = mean(&losses, train.labels.len());
        shown = format!(", loss {loss:.3}");
        let snapshot: Vec<f32> = theta.clone().into_data().iter::<f32>().collect();
        if !loss.is_finite() || snapshot.iter().any(|p| !p.is_finite()) {
            return Err(ExpertError::Diverged { expert, epoch: epoch + 1, loss });
        }
        trained.losses.push(loss);
        trained.trajectory.push(snapshot);
    }
    Ok(trained)
}

/// Epochs of all experts share one index space per seed; no training has 2³² epochs.
fn epoch_stream(seed: u64, purpose: &str, expert: usize, epoch: usize) -> distil_random::Stream {
    stream(seed, purpose, ((expert as u64) << 32) | epoch as u64)
}

/// Reading a loss waits for the device, so an epoch's losses are read together.
fn mean(losses: &[Tensor<1>], images: usize) -> f64 {
    let sums = Tensor::cat(losses.to_vec(), 0).into_data();
    sums.iter::<f64>().sum::<f64>() / images as f64
}

/// One batch on the device, and its augmentation.
struct Batch {
    images: Tensor<4>,
    targets: Targets,
    augmentation: Augmentation,
}

impl Batch {
    fn new(
        net: &ConvNet,
        train: &Split,
        rows: &[usize],
        recipe: &Recipe,
        rng: &mut distil_random::Stream,
        device: &Device,
    ) -> Self {
        let shape = [rows.len(), net.channels, net.height, net.image_width];
        let data = TensorData::new(train.images.gather(rows), shape);
        let augmentation = recipe.augmentation.draw(rows.len(), net.height, net.image_width, rng);
        let labels: Vec<u32> = rows.iter().map(|&row| train.labels[row]).collect();
        Self {
            images: Tensor::from_data(data, (device, DType::F32)),
            targets: Targets::from_classes(&labels, net.classes, device, DType::F32),
            augmentation,
        }
    }

    /// Some rows, augmented.
    fn rows(&self, range: Range<usize>) -> (Tensor<4>, Targets) {
        let images = self.images.clone().slice([range.clone()]);
        (self.augmentation.slice(range.clone()).apply(images), self.targets.slice(range))
    }

    /// One optimiser step; returns the new θ and the batch's mean loss.
    fn step(&self, net: &ConvNet, theta: Tensor<1>, recipe: &Recipe) -> (Tensor<1>, Tensor<1>) {
        let gradient = |theta: &Tensor<1>| {
            loss_and_gradient_of(net, theta, self.targets.len(), recipe.micro_batch, |range| self.rows(range))
        };
        let (loss, descent) = if let Some(gsam) = recipe.gsam {
            let step = gsam.direction(&theta, gradient);
            (step.at.loss, step.descent)
        } else {
            let plain = gradient(&theta);
            (plain.loss, plain.gradient)
        };
        (theta - descent * recipe.lr, loss)
    }
}
