use burn::tensor::{DType, Tensor, TensorData};
use distil_gradcam::Noise;
use distil_hypergrad::{Differentiation, Hypergradient, InnerLoop, InnerSet, adjoint, unroll};
use distil_models::{Targets, scalars};
use distil_store::LabelKind;
use serde::{Deserialize, Serialize};

use crate::method::{Bounds, refuse_out_of_range, refuse_zero};
use crate::objective::Passes;
use crate::{
    Apply, AreaEnhancement, AreaStatistics, CommonPatternDropout, Distiller, Draw, EnhancementError,
    Ingredients, Init, Method, MethodError, Objective, Range, StepError, StepOutcome, TrajectoryLoss,
    Verdict, Window, init, schedule, switch, trajectory_loss,
};

/// Matching an expert's trajectory (MTT eq. 2 and its successors): N inner steps on the set must arrive where the
/// expert was M epochs later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrajectoryMatching {
    /// Inner SGD steps N of a student (published: 10–100).
    pub syn_steps: usize,
    /// Epochs M that the expert is ahead of the student's start (published: 2 or 3).
    pub expert_epochs: usize,
    /// From which expert epochs a student may start.
    pub window: Window,
    /// Whether the window stands as it is or the experts choose it.
    #[serde(default)]
    pub range: Range,
    /// Images of one inner step; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_syn: Option<usize>,
    /// Common-pattern dropout (EDF), or `"off"`.
    #[serde(default, with = "switch")]
    pub dropout: Option<CommonPatternDropout>,
    /// Discriminative-area enhancement (EDF), or `"off"`.
    #[serde(default, with = "switch")]
    pub enhancement: Option<AreaEnhancement>,
    /// How the loss is differentiated through the inner steps.
    pub gradient: Gradient,
    /// Where soft labels come from; without soft labels, nothing asks.
    #[serde(default)]
    pub soft_labels: SoftLabels,
}

/// Where the labels of a student's images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SoftLabels {
    /// They start as experts' logits and are learned with the images (DATM).
    #[default]
    Learned,
    /// In every iteration, the logits that the expert's target θ*_{t+M} gives the unaugmented images (TESLA's teacher
    /// labels). A set holds those of the last iteration whose step was taken, made before that step, as in the
    /// public code.
    Teacher,
}

/// Exact, or truncated as TESLA does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gradient {
    /// The exact hypergradient.
    Exact,
    /// TESLA's truncation, which drops every Hessian; biased for N > 1.
    Tesla,
}

/// A student's loss against an expert, and its gradient.
struct Matched {
    loss: TrajectoryLoss,
    /// Or why the images must not move along it.
    gradient: Result<Hypergradient, Verdict>,
}

impl TrajectoryMatching {
    /// One iteration.
    pub(crate) fn step(
        &self,
        state: &mut Distiller,
        with: &Ingredients<'_>,
    ) -> Result<StepOutcome, StepError> {
        let areas = self.refresh(state, with)?;
        let experts = with.experts()?;
        let expert = schedule::expert(&experts.numbers, with.seed, state.iteration);
        let start_epoch = self.window.draw(with.seed, state.iteration);
        let trajectory = experts.store.expert(expert)?;
        let start = trajectory.snapshot(start_epoch);
        let target = trajectory.snapshot(start_epoch + self.expert_epochs);
        let taught = self.taught(state, with, target);
        let Matched { loss, gradient } = self.hypergradient(state, with, taught.as_ref(), [start, target]);
        let logs = state.iteration.is_multiple_of(with.method.log_every);
        let dropped = if logs { loss.dropped_by_layer(&with.net.layout()) } else { None };
        let gradient = gradient.map(|gradient| self.enhanced(state, gradient));
        let verdict = state.follow(gradient, with.method);
        if let Some(labels) = taught.filter(|_| verdict == Verdict::Applied) {
            state.learned.targets = labels;
        }
        let outcome = state.outcome(loss.loss, verdict);
        Ok(StepOutcome { expert: Some(expert), start_epoch: Some(start_epoch), areas, dropped, ..outcome })
    }

    /// Makes new activation maps where they are due.
    fn refresh(
        &self,
        state: &mut Distiller,
        with: &Ingredients<'_>,
    ) -> Result<Option<AreaStatistics>, EnhancementError> {
        let Some(enhancement) = &self.enhancement else { return Ok(None) };
        if !enhancement.is_due(state.iteration) {
            return Ok(None);
        }
        let cam = with.cam.ok_or(EnhancementError::NoModel)?;
        let images = &state.learned.images;
        // Rows lie class by class. The public code takes the largest logit of the learned label, which starts
        // out as the same.
        let labels: Vec<u32> = (0..images.dims()[0]).map(|row| (row / with.method.ipc) as u32).collect();
        let noise = Noise { seed: with.seed, round: state.iteration, first_image: 0 };
        let images = (images, &with.dataset.preprocessing.normalisation);
        let (mask, areas) = enhancement.refresh(images, &labels, cam, noise, with.method.micro_batch)?;
        state.mask = Some(mask);
        Ok(Some(areas))
    }

    /// The gradient with the images' part weighted, where the method does that.
    fn enhanced(&self, state: &Distiller, gradient: Hypergradient) -> Hypergradient {
        let observes = self.enhancement.as_ref().is_none_or(|e| e.apply == Apply::Observe);
        match &state.mask {
            Some(mask) if !observes => Hypergradient { images: mask.apply(gradient.images), ..gradient },
            _ => gradient,
        }
    }

    /// The labels that the expert's target gives, where it is asked.
    fn taught(&self, state: &Distiller, with: &Ingredients<'_>, target: &[f32]) -> Option<Targets> {
        (self.soft_labels == SoftLabels::Teacher).then(|| {
            let theta = with.net.theta(target, with.device);
            let parts = state.learned.images.clone().split(init::BATCH, 0);
            Targets::Soft(Tensor::cat(parts.iter().map(|part| with.net.logits(&theta, part)).collect(), 0))
        })
    }

    /// The matching loss and its gradient, between two snapshots of an expert. Labels that are given are constants.
    fn hypergradient(
        &self,
        state: &Distiller,
        with: &Ingredients<'_>,
        taught: Option<&Targets>,
        [start, target]: [&[f32]; 2],
    ) -> Matched {
        let (method, net) = (with.method, with.net);
        let learned = &state.learned;
        let targets = taught.unwrap_or(&learned.targets).clone();
        let set = InnerSet { images: learned.images.clone(), targets };
        let images = set.targets.len();
        let sides = (net.height, net.image_width);
        let key = (with.seed, state.iteration);
        let batch = self.batch(images);
        let steps = schedule::inner_steps(images, batch, self.syn_steps, sides, &method.augmentation, key);
        let (syn_lr, micro_batch) = (learned.syn_lr, method.micro_batch);
        let inner = InnerLoop { net, set: &set, steps: &steps, syn_lr, momentum: 0.0, micro_batch };
        let thetas = unroll(&inner, net.theta(start, with.device));
        let theta_n = scalars(thetas[self.syn_steps].clone());
        let draw = Draw { seed: with.seed, iteration: state.iteration };
        let mut matched = trajectory_loss(&net.layout(), &theta_n, start, target, self.dropout, draw);
        drop(theta_n);
        if let Some(verdict) = method.refuses(matched.loss) {
            return Matched { loss: matched, gradient: Err(verdict) };
        }
        let lambda = std::mem::take(&mut matched.lambda);
        let params = lambda.len();
        let lambda = TensorData::new(lambda, [params]);
        let lambda = Tensor::from_data(lambda, (with.device, DType::F32));
        let gradient = adjoint(&inner, &thetas, lambda, self.gradient.into());
        let labels = gradient.labels.filter(|_| taught.is_none());
        let gradient = Hypergradient { labels, ..gradient };
        Matched { loss: matched, gradient: Ok(gradient) }
    }

    /// Images of one inner step on a set of `images`.
    pub fn batch(&self, images: usize) -> usize {
        self.batch_syn.map_or(images, |batch| batch.min(images))
    }

    /// What one iteration on a set of `images` computes.
    pub(crate) fn passes(&self, images: usize) -> Passes {
        let each = (self.syn_steps as u64).saturating_mul(self.batch(images) as u64);
        Passes { plain: each, dual: each, ..Passes::default() }
    }

    /// Refuses settings that cannot work with experts of `epochs` epochs.
    pub(crate) fn check(&self, epochs: usize) -> Result<(), MethodError> {
        refuse_zero(&[
            ("syn_steps", self.syn_steps as u64),
            ("expert_epochs", self.expert_epochs as u64),
            ("batch_syn", self.batch_syn.unwrap_or(1) as u64),
            ("enhancement.refresh_every", self.enhancement.as_ref().map_or(1, |e| e.refresh_every)),
        ])?;
        refuse_out_of_range(&[
            ("syn_steps", self.syn_steps as f64, Bounds::Steps),
            ("dropout.ratio", self.dropout.map_or(0.0, |dropout| dropout.ratio), Bounds::Ratio),
        ])?;
        if let Some((key, value, range)) = self.enhancement.as_ref().and_then(AreaEnhancement::fault) {
            return Err(MethodError::Range { key, value, range });
        }
        self.check_window(epochs)
    }

    fn check_window(&self, epochs: usize) -> Result<(), MethodError> {
        let Window { min, max, initial_max, .. } = self.window;
        let bound = initial_max.unwrap_or(max).min(max);
        let max = match self.range {
            // The experts will choose among what they have.
            Range::Auto => 1,
            Range::Fixed if bound <= min => return Err(MethodError::EmptyWindow { min, max: bound }),
            Range::Fixed => max,
        };
        let (ahead, needed) = (self.expert_epochs, max - 1 + self.expert_epochs);
        if needed > epochs {
            return Err(MethodError::ShortExperts { max, ahead, needed, epochs });
        }
        Ok(())
    }
}

impl From<Gradient> for Differentiation {
    fn from(gradient: Gradient) -> Self {
        match gradient {
            Gradient::Exact => Self::Exact,
            Gradient::Tesla => Self::Truncated,
        }
    }
}

impl Method {
    /// MTT (Cazenavette et al. 2022), with its settings for CIFAR-10 at one image a class.
    pub fn mtt() -> Self {
        let objective = TrajectoryMatching {
            syn_steps: 50,
            expert_epochs: 2,
            window: Window { min: 0, max: 2, initial_max: None, expand_until: 0 },
            range: Range::Fixed,
            batch_syn: None,
            dropout: None,
            enhancement: None,
            gradient: Gradient::Exact,
            soft_labels: SoftLabels::Learned,
        };
        Self {
            iterations: 5000,
            image_lr: 100.0,
            syn_lr_lr: 1e-7,
            ..Self::plain(Objective::Trajectory(objective))
        }
    }

    /// FTD (Du et al. 2023): MTT on flat experts, with an EMA of the images.
    pub fn ftd() -> Self {
        Self { ema: 0.9999, ..Self::mtt() }
    }

    /// TESLA (Cui et al. 2023): MTT with the truncated gradient, with its settings for CIFAR-10 at one image a class
    /// and hard labels; `labels = "soft"` with `soft_labels = "teacher"` is its setting for ImageNet-1K. The public
    /// code's image gradient is half of its formula, so that its `image_lr` of 1000 moves images as 500 does here.
    pub fn tesla() -> Self {
        let method = Self { image_lr: 1000.0, ..Self::mtt() };
        method.with_trajectory(|trajectory| {
            trajectory.window.max = 5;
            trajectory.gradient = Gradient::Tesla;
        })
    }

    /// DATM (Guo et al. 2024): correctly classified initial images, soft labels, a widening window
    /// and a loss gate; settings for CIFAR-10 at one image a class.
    pub fn datm() -> Self {
        let method = Self {
            iterations: 10_000,
            init: Init::Correct,
            labels: LabelKind::Soft,
            label_lr: 5.0,
            loss_gate: 1.1,
            ..Self::mtt()
        };
        method.with_trajectory(|trajectory| {
            trajectory.syn_steps = 80;
            trajectory.window.max = 4;
        })
    }

    /// M-DATM (Zhou et al. 2024): DATM with hard labels and its own range. The published range is not
    /// known; this is DATM's for CIFAR-100 at ten images a class, the nearest there is.
    pub fn m_datm() -> Self {
        let method = Self {
            ipc: 10,
            labels: LabelKind::Hard,
            label_lr: 0.0,
            image_lr: 1000.0,
            syn_lr_lr: 1e-5,
            loss_gate: 1.0,
            ..Self::datm()
        };
        let window = Window { min: 0, max: 50, initial_max: Some(30), expand_until: 2000 };
        method.with_trajectory(|trajectory| trajectory.window = window)
    }

    /// EDF (Wang et al. 2025): DATM with common-pattern dropout and discriminative-area enhancement; settings
    /// for ImageNette at ten images a class. Without the two, this is DATM to the last bit.
    ///
    /// Paper and public code agree on all of these; the paper does not print the window, the gate, `syn_lr` and
    /// its own step size, which are the public code's. Both name a `batch_syn` above the number of images, which
    /// means all of them.
    pub fn edf() -> Self {
        let method = Self {
            ipc: 10,
            image_lr: 1000.0,
            label_lr: 2.0,
            syn_lr_lr: 1e-5,
            loss_gate: 1.5,
            ..Self::datm()
        };
        method.with_trajectory(|trajectory| {
            trajectory.syn_steps = 40;
            trajectory.window = Window { min: 0, max: 20, initial_max: Some(10), expand_until: 1000 };
            trajectory.dropout = Some(CommonPatternDropout::default());
            trajectory.enhancement = Some(AreaEnhancement::default());
        })
    }
}
