use std::ops::Range;

use burn::tensor::{DType, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_data::Split;
use distil_engine::{At, Engine, Loss, Targets};
use distil_models::Network;
use distil_progress::{Progress, Step};
use distil_random::{permutation, stream};
use thiserror::Error;

use crate::Recipe;

/// A trained expert.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Parameters at initialisation and after every epoch: epochs + 1 vectors of `P`.
    pub trajectory: Vec<Vec<f32>>,
    /// Running statistics at initialisation and after every epoch: epochs + 1 vectors of `B`, empty without batch norms.
    pub buffers: Vec<Vec<f32>>,
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

/// Trains expert `expert` of a store with this `seed` on `train`, in f32.
///
/// Progress is told after every step, and counts steps of this expert.
///
/// # Errors
/// [`ExpertError`] when it was stopped, diverged, or has no data.
pub fn train_expert(
    engine: &Engine,
    net: &Network,
    train: &Split,
    recipe: &Recipe,
    seed: u64,
    expert: usize,
    progress: Progress<'_>,
) -> Result<Trained, ExpertError> {
    if train.labels.is_empty() {
        return Err(ExpertError::NoData);
    }
    let initial = net.init(&mut stream(seed, "expert-init", expert as u64));
    let mut state = State {
        theta: net.theta(&initial, engine.device()),
        buffers: net.buffers(&net.init_buffers(), engine.device()),
    };
    let mut trained =
        Trained { trajectory: vec![initial], buffers: vec![net.init_buffers()], losses: Vec::new() };
    let steps = train.labels.len().div_ceil(recipe.batch);
    let mut shown = String::new();
    for epoch in 0..recipe.epochs {
        let order = permutation(&mut epoch_stream(seed, "expert-order", expert, epoch), train.labels.len());
        let mut augmentation = epoch_stream(seed, "expert-augmentation", expert, epoch);
        let mut losses = Vec::with_capacity(steps);
        for (step, rows) in order.chunks(recipe.batch).enumerate() {
            let batch = Batch::new(net, train, rows, recipe, &mut augmentation, engine);
            let (next, loss) = batch.step(engine, net, state, recipe);
            state = next;
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
        let snapshot = host(&state.theta);
        let buffers = host(&state.buffers);
        if !loss.is_finite() || snapshot.iter().chain(&buffers).any(|p| !p.is_finite()) {
            return Err(ExpertError::Diverged { expert, epoch: epoch + 1, loss });
        }
        trained.losses.push(loss);
        trained.trajectory.push(snapshot);
        trained.buffers.push(buffers);
    }
    Ok(trained)
}

fn host(values: &Tensor<1>) -> Vec<f32> {
    values.clone().into_data().iter::<f32>().collect()
}

/// Parameters and running statistics while an expert trains.
struct State {
    theta: Tensor<1>,
    buffers: Tensor<1>,
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
    loss: Loss,
    augmentation: Augmentation,
}

impl Batch {
    fn new(
        net: &Network,
        train: &Split,
        rows: &[usize],
        recipe: &Recipe,
        rng: &mut distil_random::Stream,
        engine: &Engine,
    ) -> Self {
        let [channels, height, width] = net.image_shape();
        let shape = [rows.len(), channels, height, width];
        let data = TensorData::new(train.images.gather(rows), shape);
        let augmentation = recipe.augmentation.draw(rows.len(), height, width, rng);
        let labels: Vec<u32> = rows.iter().map(|&row| train.labels[row]).collect();
        let device = engine.device();
        Self {
            images: Tensor::from_data(data, (device, DType::F32)),
            loss: Targets::from_classes(&labels, net.classes(), device, DType::F32).into(),
            augmentation,
        }
    }

    /// Some rows, augmented.
    fn rows(&self, range: Range<usize>) -> Tensor<4> {
        self.augmentation.slice(range.clone()).apply(self.images.clone().slice([range]))
    }

    /// One optimiser step; returns the new state and the batch's mean loss. With GSAM, running statistics are those at θ, not
    /// at the perturbed θ.
    fn step(&self, engine: &Engine, net: &Network, state: State, recipe: &Recipe) -> (State, Tensor<1>) {
        let n = self.images.dims()[0];
        let gradient = |theta: &Tensor<1>| {
            engine.gradient(At::training(net, theta), &self.loss, n, recipe.micro_batch, |range| {
                self.rows(range)
            })
        };
        let State { theta, buffers } = state;
        let (at, descent) = if let Some(gsam) = recipe.gsam {
            let step = gsam.direction(&theta, gradient);
            (step.at, step.descent)
        } else {
            let plain = gradient(&theta);
            let descent = plain.gradient.clone();
            (plain, descent)
        };
        let buffers = net.running(&buffers, &at.batch, n);
        (State { theta: theta - descent * recipe.lr, buffers }, at.loss)
    }
}
