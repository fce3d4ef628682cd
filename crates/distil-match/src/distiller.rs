use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::Dataset;
use distil_gradcam::Noise;
use distil_hypergrad::{Differentiation, Hypergradient, InnerLoop, InnerSet, adjoint, unroll};
use distil_models::ConvNet;
use distil_store::{StoreError, TrajectoryStore};
use serde::Serialize;
use thiserror::Error;

use crate::enhancement::Mask;
use crate::method::Gradient;
use crate::outer::Learned;
use crate::{
    Apply, AreaStatistics, CamNetwork, Draw, EnhancementError, InitError, Method, TrajectoryLoss, init,
    schedule, trajectory_loss,
};

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
#[derive(Debug, Clone, PartialEq)]
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
    /// Statistics of the activation maps, where they were made anew.
    pub areas: Option<AreaStatistics>,
    /// Scalars that dropout left out, one count a parameter tensor; there every `log_every` iterations.
    pub dropped: Option<Vec<usize>>,
}

/// Why an iteration could not be done.
#[derive(Debug, Error)]
pub enum StepError {
    /// An expert cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no activation maps.
    #[error(transparent)]
    Enhancement(#[from] EnhancementError),
}

/// A student's loss against an expert, and its gradient.
struct Matched {
    loss: TrajectoryLoss,
    /// Or why the images must not move along it.
    gradient: Result<Hypergradient, Verdict>,
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
    /// The network of discriminative-area enhancement; methods without it take no notice.
    pub cam: Option<CamNetwork<'a>>,
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
    /// Gradient weights of the images; there from the first refresh on.
    pub(crate) mask: Option<Mask>,
}

impl Distiller {
    /// The state at iteration 0.
    ///
    /// # Errors
    /// [`InitError`] when a class has too few images, or an expert cannot be read.
    pub fn start(with: &Ingredients<'_>) -> Result<Self, InitError> {
        let Ingredients { method, net, dataset, store, experts, seed, device, .. } = with;
        let learned = init::initialise(method, net, dataset, store, experts, *seed, device)?;
        Ok(Self { learned, iteration: 0, gated: 0, non_finite: 0, last_applied: 0, mask: None })
    }

    /// Iterations done.
    pub fn iteration(&self) -> u64 {
        self.iteration
    }

    /// One iteration of trajectory matching.
    ///
    /// # Errors
    /// When an expert cannot be read, or maps are due and cannot be made.
    pub fn step(&mut self, with: &Ingredients<'_>) -> Result<StepOutcome, StepError> {
        let method = with.method;
        let areas = self.refresh(with)?;
        let expert = schedule::expert(&with.experts, with.seed, self.iteration);
        let start_epoch = method.window.draw(with.seed, self.iteration);
        let trajectory = with.store.expert(expert)?;
        let start = trajectory.snapshot(start_epoch);
        let target = trajectory.snapshot(start_epoch + method.expert_epochs);
        let Matched { loss, gradient } = self.hypergradient(with, start, target);
        let logs = self.iteration.is_multiple_of(method.log_every);
        let dropped = if logs { loss.dropped_by_layer(&with.net.layout()) } else { None };
        let verdict = self.follow(gradient, method);
        let (iteration, syn_lr, loss) = (self.iteration, self.learned.syn_lr, loss.loss);
        Ok(StepOutcome { iteration, expert, start_epoch, loss, syn_lr, verdict, areas, dropped })
    }

    /// Makes new activation maps where they are due.
    fn refresh(&mut self, with: &Ingredients<'_>) -> Result<Option<AreaStatistics>, EnhancementError> {
        let Some(enhancement) = &with.method.enhancement else { return Ok(None) };
        if !enhancement.is_due(self.iteration) {
            return Ok(None);
        }
        let cam = with.cam.ok_or(EnhancementError::NoModel)?;
        let images = &self.learned.images;
        // Rows lie class by class. The public code takes the largest logit of the learned label, which starts
        // out as the same.
        let labels: Vec<u32> = (0..images.dims()[0]).map(|row| (row / with.method.ipc) as u32).collect();
        let noise = Noise { seed: with.seed, round: self.iteration, first_image: 0 };
        let (mask, areas) = enhancement.refresh(images, &labels, cam, noise, with.method.micro_batch)?;
        self.mask = Some(mask);
        Ok(Some(areas))
    }

    /// Moves along a gradient, and counts.
    fn follow(&mut self, gradient: Result<Hypergradient, Verdict>, method: &Method) -> Verdict {
        self.iteration += 1;
        match gradient {
            Ok(gradient) => {
                let gradient = self.enhanced(gradient, method);
                self.learned = self.learned.clone().update(gradient, method);
                self.last_applied = self.iteration;
                Verdict::Applied
            }
            Err(verdict) => {
                self.gated += u64::from(verdict == Verdict::Gate);
                self.non_finite += u64::from(verdict == Verdict::NonFinite);
                verdict
            }
        }
    }

    /// The gradient with the images' part weighted, where the method does that.
    fn enhanced(&self, gradient: Hypergradient, method: &Method) -> Hypergradient {
        let observes = method.enhancement.as_ref().is_none_or(|e| e.apply == Apply::Observe);
        match &self.mask {
            Some(mask) if !observes => Hypergradient { images: mask.apply(gradient.images), ..gradient },
            _ => gradient,
        }
    }

    /// The matching loss and its gradient.
    fn hypergradient(&self, with: &Ingredients<'_>, start: &[f32], target: &[f32]) -> Matched {
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
        let draw = Draw { seed: with.seed, iteration: self.iteration };
        let matched =
            trajectory_loss(&net.layout(), &theta_n, &wide(start), &wide(target), method.dropout, draw);
        let refused = |loss, verdict| Matched { loss, gradient: Err(verdict) };
        if !matched.loss.is_finite() {
            return refused(matched, Verdict::NonFinite);
        }
        if matched.loss > method.loss_gate {
            return refused(matched, Verdict::Gate);
        }
        let params = matched.lambda.len();
        let lambda = TensorData::new(matched.lambda.clone(), [params]);
        let lambda = Tensor::from_data(lambda, (with.device, DType::F32));
        let differentiation = match method.gradient {
            Gradient::Exact => Differentiation::Exact,
            Gradient::Tesla => Differentiation::Truncated,
        };
        let gradient = adjoint(&inner, &thetas, lambda, differentiation);
        let gradient = if is_finite(&gradient) { Ok(gradient) } else { Err(Verdict::NonFinite) };
        Matched { loss: matched, gradient }
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
