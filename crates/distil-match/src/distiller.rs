use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::Dataset;
use distil_hypergrad::{Differentiation, Hypergradient, InnerLoop, InnerSet, adjoint, unroll};
use distil_models::ConvNet;
use distil_store::{StoreError, TrajectoryStore};
use serde::Serialize;

use crate::method::Gradient;
use crate::outer::Learned;
use crate::{InitError, Method, init, schedule, trajectory_loss};

/// What happened to one iteration's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Images, labels and step size moved.
    Applied,
    /// The loss was above the gate; nothing moved.
    Gate,
    /// Loss or gradient was not finite; nothing moved.
    NonFinite,
}

/// One iteration, as the log shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOutcome {
    /// Iteration, from 1.
    pub iteration: u64,
    /// The expert that was matched.
    pub expert: usize,
    /// The epoch the student started from.
    pub start_epoch: usize,
    /// Matching loss.
    pub loss: f64,
    /// Inner step size after the iteration.
    pub syn_lr: f64,
    /// What happened.
    pub verdict: Verdict,
}

/// Everything a distillation needs that does not change while it runs.
#[derive(Debug)]
pub struct Ingredients<'a> {
    /// How to distil.
    pub method: &'a Method,
    /// The student network; the experts' too.
    pub net: &'a ConvNet,
    /// Real data; only the training split is read.
    pub dataset: &'a Dataset,
    /// Expert trajectories.
    pub store: &'a TrajectoryStore,
    /// The complete experts to use, ascending; at least one.
    pub experts: Vec<usize>,
    /// Keys every random stream.
    pub seed: u64,
    /// Where to compute.
    pub device: &'a Device,
}

/// The state of a distillation between two iterations.
#[derive(Debug, Clone)]
pub struct Distiller {
    pub(crate) learned: Learned,
    /// Iterations done.
    pub(crate) iteration: u64,
    /// Iterations whose loss was above the gate.
    pub(crate) gated: u64,
    /// Iterations whose loss or gradient was not finite.
    pub(crate) non_finite: u64,
    /// The last iteration whose step was taken.
    pub(crate) last_applied: u64,
}

impl Distiller {
    /// The state at iteration 0.
    ///
    /// # Errors
    /// [`InitError`] when a class has too few images, or an expert cannot be read.
    pub fn start(with: &Ingredients<'_>) -> Result<Self, InitError> {
        let Ingredients { method, net, dataset, store, experts, seed, device } = with;
        let learned = init::initialise(method, net, dataset, store, experts, *seed, device)?;
        Ok(Self { learned, iteration: 0, gated: 0, non_finite: 0, last_applied: 0 })
    }

    /// Iterations done.
    pub fn iteration(&self) -> u64 {
        self.iteration
    }

    /// One iteration of trajectory matching.
    ///
    /// # Errors
    /// When an expert cannot be read.
    pub fn step(&mut self, with: &Ingredients<'_>) -> Result<StepOutcome, StoreError> {
        let method = with.method;
        let expert = schedule::expert(&with.experts, with.seed, self.iteration);
        let start_epoch = method.window.draw(with.seed, self.iteration);
        let trajectory = with.store.expert(expert)?;
        let start = trajectory.snapshot(start_epoch);
        let target = trajectory.snapshot(start_epoch + method.expert_epochs);
        let (loss, gradient) = self.hypergradient(with, start, target);
        let verdict = match gradient {
            Ok(gradient) => {
                self.learned = self.learned.clone().update(gradient, method);
                Verdict::Applied
            }
            Err(verdict) => verdict,
        };
        self.iteration += 1;
        if verdict == Verdict::Applied {
            self.last_applied = self.iteration;
        }
        self.gated += u64::from(verdict == Verdict::Gate);
        self.non_finite += u64::from(verdict == Verdict::NonFinite);
        let syn_lr = self.learned.syn_lr;
        Ok(StepOutcome { iteration: self.iteration, expert, start_epoch, loss, syn_lr, verdict })
    }

    /// The matching loss and its gradient, or why the images must not move along it.
    fn hypergradient(
        &self,
        with: &Ingredients<'_>,
        start: &[f32],
        target: &[f32],
    ) -> (f64, Result<Hypergradient, Verdict>) {
        let (method, net) = (with.method, with.net);
        let set = InnerSet { images: self.learned.images.clone(), targets: self.learned.targets.clone() };
        let images = set.targets.len();
        let batch = method.batch_syn.unwrap_or(images).min(images);
        let sides = (net.height, net.image_width);
        let key = (with.seed, self.iteration);
        let steps = schedule::inner_steps(images, batch, method.syn_steps, sides, &method.augmentation, key);
        let inner = InnerLoop {
            net,
            set: &set,
            steps: &steps,
            syn_lr: self.learned.syn_lr,
            micro_batch: method.micro_batch,
        };
        let thetas = unroll(&inner, net.theta(start, with.device));
        let theta_n: Vec<f64> = thetas[method.syn_steps].clone().into_data().iter::<f64>().collect();
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let dropout = method.common_pattern_dropout;
        let matched = trajectory_loss(&net.layout(), &theta_n, &wide(start), &wide(target), dropout);
        if !matched.loss.is_finite() {
            return (matched.loss, Err(Verdict::NonFinite));
        }
        if matched.loss > method.loss_gate {
            return (matched.loss, Err(Verdict::Gate));
        }
        let params = matched.lambda.len();
        let lambda = TensorData::new(matched.lambda, [params]);
        let lambda = Tensor::from_data(lambda, (with.device, DType::F32));
        let differentiation = match method.gradient {
            Gradient::Exact => Differentiation::Exact,
            Gradient::Tesla => Differentiation::Truncated,
        };
        let gradient = adjoint(&inner, &thetas, lambda, differentiation);
        let gradient = if is_finite(&gradient) { Ok(gradient) } else { Err(Verdict::NonFinite) };
        (matched.loss, gradient)
    }
}

/// A sum over squares is finite only if every part is (or is close to overflow, which is no better).
fn is_finite(gradient: &Hypergradient) -> bool {
    let images = gradient.images.clone();
    let labels = gradient.labels.clone().map(|l| (l.clone() * l).sum());
    let sums = [Some((images.clone() * images).sum()), labels];
    gradient.syn_lr.is_finite()
        && sums.into_iter().flatten().all(|sum| sum.into_data().iter::<f32>().all(f32::is_finite))
}
