use burn::tensor::{DType, Tensor, TensorData};
use distil_engine::{At, Targets, scalars};
use distil_hypergrad::{Differentiation, Hypergradient, InnerLoop, InnerSet, adjoint, unroll};
use distil_store::{Expert, LabelKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::area_weights::AreaWeights;
use crate::{
    Apply, AreaEnhancement, AreaStatistics, Bounds, CommonPatternDropout, Cost, Distiller, Draw,
    EnhancementError, Event, GateLoss, Inputs, Method, MethodError, Objective, Passes, Range, Small,
    StepError, StepOutcome, StepStatus, TrajectoryLoss, Window, init, range, refuse_out_of_range,
    refuse_zero, schedule, switch, trajectory_loss,
};

/// Matching an expert's trajectory (MTT eq. 2 and its successors): N inner steps on the set must arrive where the
/// expert was M epochs later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrajectoryMatching {
    /// Inner SGD steps N of a student (published: 10–100).
    pub syn_steps: usize,
    /// Epochs M that the expert is ahead of the student's start (published: 2 or 3).
    pub expert_epochs: usize,
    /// From which expert epochs a student may start.
    pub window: Window,
    /// Whether the window is fixed or chosen by the experts.
    #[serde(default)]
    pub range: Range,
    /// Images of one inner step; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_syn: Option<usize>,
    /// Common-pattern dropout (EDF), or `"off"`.
    #[serde(default, with = "switch")]
    #[schemars(with = "switch::Switch<CommonPatternDropout>")]
    pub dropout: Option<CommonPatternDropout>,
    /// Discriminative-area enhancement (EDF), or `"off"`.
    #[serde(default, with = "switch")]
    #[schemars(with = "switch::Switch<AreaEnhancement>")]
    pub enhancement: Option<AreaEnhancement>,
    /// How the loss is differentiated through the inner steps.
    pub gradient: Gradient,
    /// Where soft labels come from; unused with hard labels.
    #[serde(default)]
    pub soft_labels: SoftLabels,
}

/// Where the labels of a student's images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gradient {
    /// The exact hypergradient.
    Exact,
    /// TESLA's truncation, which drops every Hessian; biased for N > 1.
    Tesla,
}

/// A student's loss against an expert, and its gradient.
pub(crate) struct Matched {
    pub(crate) loss: TrajectoryLoss,
    /// Or why the images must not move along it.
    pub(crate) gradient: Result<Hypergradient, StepStatus>,
}

impl Objective for TrajectoryMatching {
    type State = AreaWeights;

    fn check(&self, method: &Method, epochs: usize) -> Result<(), MethodError> {
        if method.labels == LabelKind::Hard && self.soft_labels == SoftLabels::Teacher {
            return Err(MethodError::HardTeacher);
        }
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

    fn cost(&self, images: usize, _classes: usize) -> Cost {
        let batch_syn = self.batch(images);
        let each = (self.syn_steps as u64).saturating_mul(batch_syn as u64);
        let passes = Passes { plain: each, dual: each, ..Passes::default() };
        Cost { batch_syn, syn_steps: self.syn_steps, batch_real: 0, passes, products: self.gradient.into() }
    }

    fn needs_experts(&self) -> bool {
        true
    }

    fn image_momentum(&self, configured: f64) -> f64 {
        match &self.enhancement {
            Some(enhancement) if enhancement.apply == Apply::PlainUpdate => 0.0,
            _ => configured,
        }
    }

    fn prepare(&self, inputs: &Inputs<'_>) -> Result<Option<(Self, Event)>, StepError> {
        let Some((window, profile)) = range::chosen(self, inputs)? else { return Ok(None) };
        let event = Event::Range { iteration: 0, min: window.min, max: window.max, profile };
        Ok(Some((Self { window, ..self.clone() }, event)))
    }

    fn open(&self, own: &AreaWeights, inputs: &Inputs<'_>) -> Result<(), StepError> {
        match self.enhancement {
            Some(_) => Ok(own.check_network(inputs)?),
            None => Ok(()),
        }
    }

    fn reduced(self, small: &Small) -> Self {
        let expert_epochs = self.expert_epochs.min(2);
        let maps = |maps: AreaEnhancement| AreaEnhancement {
            refresh_every: maps.refresh_every.min(small.every),
            ..maps
        };
        Self {
            syn_steps: small.syn_steps,
            expert_epochs,
            window: small.window(self.window, small.expert_epochs[0] - expert_epochs + 1),
            batch_syn: small.batch_syn(self.batch_syn),
            enhancement: self.enhancement.map(maps),
            ..self
        }
    }

    fn step(
        &self,
        own: &mut AreaWeights,
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        let iteration = distiller.iteration;
        let areas = self.refresh(own, distiller, inputs)?;
        let experts = inputs.experts()?;
        let expert = schedule::expert(&experts.numbers, inputs.seed, iteration);
        let start_epoch = self.window.draw(inputs.seed, iteration);
        let trajectory = experts.store.expert(expert)?;
        let start = trajectory.snapshot(start_epoch);
        let target = trajectory.snapshot(start_epoch + self.expert_epochs);
        let teacher = (&trajectory, start_epoch + self.expert_epochs);
        let labels = self.teacher_labels(distiller, inputs, teacher);
        let Matched { loss, gradient } =
            self.hypergradient(distiller, inputs, labels.as_ref(), [start, target]);
        let layout = inputs.net.layout();
        let logs = iteration.is_multiple_of(inputs.method.log_every);
        let dropped = if logs { loss.dropped_by_layer(layout) } else { None };
        let gradient = gradient.map(|gradient| self.enhanced(own, gradient));
        let status = distiller.apply_gradient(gradient, inputs.method);
        if let Some(labels) = labels.filter(|_| status == StepStatus::Applied) {
            distiller.learned.targets = labels;
        }
        let mut outcome = distiller.outcome(loss.loss, status);
        (outcome.expert, outcome.start_epoch) = (Some(expert), Some(start_epoch));
        outcome.events.extend(areas.map(|areas| Event::of_areas(outcome.iteration, areas)));
        outcome.events.extend(dropped.map(|dropped| Event::of_dropout(outcome.iteration, dropped, layout)));
        Ok(outcome)
    }
}

impl TrajectoryMatching {
    /// Makes new activation maps where they are due.
    fn refresh(
        &self,
        own: &mut AreaWeights,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<Option<AreaStatistics>, EnhancementError> {
        match &self.enhancement {
            Some(enhancement) if enhancement.is_due(distiller.iteration) => {
                own.refresh(enhancement, distiller, inputs).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The gradient with the images' part weighted, where the method does that.
    fn enhanced(&self, own: &AreaWeights, gradient: Hypergradient) -> Hypergradient {
        let observes = self.enhancement.as_ref().is_none_or(|e| e.apply == Apply::Observe);
        if observes { gradient } else { Hypergradient { images: own.weigh(gradient.images), ..gradient } }
    }

    /// The labels that the expert's target gives, where it is the teacher.
    pub(crate) fn teacher_labels(
        &self,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
        (expert, epoch): (&Expert, usize),
    ) -> Option<Targets> {
        (self.soft_labels == SoftLabels::Teacher).then(|| {
            let [theta, buffers] = inputs.snapshot(expert, epoch);
            let at = At::evaluation(inputs.net, &theta, &buffers);
            let parts = distiller.images().clone().split(init::BATCH, 0);
            Targets::Soft(Tensor::cat(parts.iter().map(|part| inputs.engine.logits(at, part)).collect(), 0))
        })
    }

    /// The matching loss and its gradient, between two snapshots of an expert. Labels that are given are constants.
    pub(crate) fn hypergradient(
        &self,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
        given: Option<&Targets>,
        [start, target]: [&[f32]; 2],
    ) -> Matched {
        let (method, net) = (inputs.method, inputs.net);
        let learned = &distiller.learned;
        let targets = given.unwrap_or(distiller.targets()).clone();
        let images = targets.len();
        let set = InnerSet::new(distiller.images().clone(), targets);
        let (engine, sides) = (inputs.engine, net.sides());
        let key = (inputs.seed, distiller.iteration);
        let batch = self.batch(images);
        let steps = schedule::inner_steps(images, batch, self.syn_steps, sides, &method.augmentation, key);
        let (syn_lr, micro_batch) = (learned.syn_lr, method.micro_batch);
        let inner = InnerLoop { engine, net, set: &set, steps: &steps, syn_lr, momentum: 0.0, micro_batch };
        let thetas = unroll(&inner, net.theta(start, inputs.device()));
        let theta_n = scalars(thetas[self.syn_steps].clone());
        let draw = Draw { seed: inputs.seed, iteration: distiller.iteration };
        let mut matched = trajectory_loss(net.layout(), &theta_n, start, target, self.dropout, draw);
        drop(theta_n);
        let gated = match self.dropout.map(|dropout| dropout.gate) {
            Some(GateLoss::All) => matched.full,
            Some(GateLoss::Kept) | None => matched.loss,
        };
        // A denominator that vanishes where errors are kept has no gradient, whatever all errors say.
        let refused =
            if matched.loss.is_finite() { method.refuses(gated) } else { Some(StepStatus::NonFinite) };
        if let Some(status) = refused {
            return Matched { loss: matched, gradient: Err(status) };
        }
        let lambda = std::mem::take(&mut matched.lambda);
        let params = lambda.len();
        let lambda = TensorData::new(lambda, [params]);
        let lambda = Tensor::from_data(lambda, (inputs.device(), DType::F32));
        let gradient = adjoint(&inner, &thetas, lambda, self.gradient.into());
        let labels = gradient.labels.filter(|_| given.is_none());
        let gradient = Hypergradient { labels, ..gradient };
        Matched { loss: matched, gradient: Ok(gradient) }
    }

    /// Images of one inner step on a set of `images`.
    pub fn batch(&self, images: usize) -> usize {
        self.batch_syn.map_or(images, |batch| batch.min(images))
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
