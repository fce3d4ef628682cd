//! What the parts of EDF change about a step of a run, measured: gradients with a part next to those without.

use burn::tensor::{DType, Tensor, TensorData};
use distil_engine::Targets;
use distil_hypergrad::Hypergradient;
use distil_store::{Labels, SyntheticSet};

use crate::area_weights::AreaWeights;
use crate::outer::Learned;
use crate::seen::Seen;
use crate::{
    AreaEnhancement, Distiller, Inputs, MapOf, MapSource, Method, StepError, TrajectoryMatching, schedule,
};

/// How one gradient differs from another that points almost there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Cosine of the angle between them.
    pub cosine: f64,
    /// Its length over the other's.
    pub norm: f64,
}

/// What a part changes about one step.
#[derive(Debug, Clone, PartialEq)]
pub struct PartEffect {
    /// The part, and what it is compared with.
    pub part: &'static str,
    /// The gradient of the images.
    pub images: Change,
    /// That of soft labels, where the part changes it.
    pub labels: Option<Change>,
    /// The derivative by the inner step size over the other's.
    pub syn_lr: f64,
    /// The loss over the other's.
    pub loss: f64,
}

/// A gradient and the loss it is of.
struct Side {
    gradient: Hypergradient,
    loss: f64,
}

/// What dropout and enhancement change about the step that a run would take from `set` in `iteration`, whose number decides on
/// expert, start and batches. Empty where the method has neither, or matches no trajectories, or the loss is not finite there.
///
/// The loss gate plays no part. A wrong map's row is compared with the own map's: a cosine near 1 says that the place did not
/// matter.
///
/// # Errors
/// When an expert cannot be read, or maps cannot be made.
pub fn part_effects(
    inputs: &Inputs<'_>,
    set: &SyntheticSet,
    iteration: u64,
) -> Result<Vec<PartEffect>, StepError> {
    let Some(trajectory) = inputs.method.trajectory() else { return Ok(Vec::new()) };
    let method = Method { loss_gate: f64::INFINITY, ..inputs.method.clone() };
    let inputs = &Inputs { method: &method, experts: inputs.experts.clone(), ..*inputs };
    let distiller = holding(inputs, set, iteration);
    let plain = TrajectoryMatching { dropout: None, ..trajectory.clone() };
    let Some(without) = side(&plain, inputs, &distiller)? else { return Ok(Vec::new()) };
    let dropped = match trajectory.dropout {
        Some(_) => side(trajectory, inputs, &distiller)?,
        None => None,
    };
    let mut effects = Vec::new();
    effects.extend(dropped.as_ref().map(|dropped| of("dropout", dropped, &without)));
    let Some(enhancement) = &trajectory.enhancement else { return Ok(effects) };
    let weighted = |maps| weights(enhancement, maps, inputs, &distiller);
    let own = weighted(MapOf::Own)?;
    let enhanced = without.weighed(&own);
    effects.push(of("enhancement", &enhanced, &without));
    effects.extend(dropped.map(|dropped| of("both", &dropped.weighed(&own), &without)));
    if matches!(inputs.maps, Some(MapSource::Network(_))) {
        let wrong = without.weighed(&weighted(MapOf::WrongClass)?);
        effects.push(of("map of a wrong class, to the own map", &wrong, &enhanced));
    }
    let permuted = without.weighed(&weighted(MapOf::Permuted)?);
    effects.push(of("map of another image, to the own map", &permuted, &enhanced));
    Ok(effects)
}

/// A distillation that is at this set.
fn holding(inputs: &Inputs<'_>, set: &SyntheticSet, iteration: u64) -> Distiller {
    let device = inputs.device();
    let images = Tensor::from_data(TensorData::new(set.images.clone(), set.shape), device);
    let targets = match &set.labels {
        Labels::Soft { logits, classes } => {
            let logits = TensorData::new(logits.clone(), [set.shape[0], *classes]);
            Targets::Soft(Tensor::from_data(logits, device))
        }
        Labels::Hard(labels) => Targets::from_classes(labels, inputs.net.classes(), device, DType::F32),
    };
    let learned = Learned { syn_lr: f64::from(set.syn_lr), ..Learned::new(images, targets, inputs.method) };
    let decoding = inputs.method.decoding;
    Distiller {
        seen: Seen::of(decoding, &learned),
        decoding,
        learned,
        iteration,
        gated: 0,
        non_finite: 0,
        last_applied: 0,
        own: None,
    }
}

/// Loss and gradient of the step of an iteration; `None` where the loss is not finite.
fn side(
    trajectory: &TrajectoryMatching,
    inputs: &Inputs<'_>,
    distiller: &Distiller,
) -> Result<Option<Side>, StepError> {
    let experts = inputs.experts()?;
    let expert = schedule::expert(&experts.numbers, inputs.seed, distiller.iteration);
    let start_epoch = trajectory.window.draw(inputs.seed, distiller.iteration);
    let expert = experts.store.expert(expert)?;
    let ends = [start_epoch, start_epoch + trajectory.expert_epochs].map(|epoch| expert.snapshot(epoch));
    let labels =
        trajectory.teacher_labels(distiller, inputs, (&expert, start_epoch + trajectory.expert_epochs));
    let matched = trajectory.hypergradient(distiller, inputs, labels.as_ref(), ends);
    let loss = matched.loss.loss;
    Ok(matched.gradient.ok().map(|gradient| Side { gradient, loss }))
}

/// Weights of the images' gradient, by the image's own map or another.
fn weights(
    enhancement: &AreaEnhancement,
    maps: MapOf,
    inputs: &Inputs<'_>,
    distiller: &Distiller,
) -> Result<AreaWeights, StepError> {
    let mut weights = AreaWeights::default();
    weights.refresh(&AreaEnhancement { maps, ..enhancement.clone() }, distiller, inputs)?;
    Ok(weights)
}

impl Side {
    fn weighed(&self, weights: &AreaWeights) -> Self {
        let images = weights.weigh(self.gradient.images.clone());
        Self { gradient: Hypergradient { images, ..self.gradient.clone() }, loss: self.loss }
    }
}

fn of(part: &'static str, with: &Side, without: &Side) -> PartEffect {
    let changed = with.gradient.syn_lr != without.gradient.syn_lr;
    let labels = with.gradient.labels.as_ref().zip(without.gradient.labels.as_ref());
    PartEffect {
        part,
        images: change(&with.gradient.images, &without.gradient.images),
        labels: labels.filter(|_| changed).map(|(with, without)| change(with, without)),
        syn_lr: with.gradient.syn_lr / without.gradient.syn_lr,
        loss: with.loss / without.loss,
    }
}

fn change<const D: usize>(with: &Tensor<D>, without: &Tensor<D>) -> Change {
    let values = |x: &Tensor<D>| x.clone().into_data().iter::<f64>().collect::<Vec<f64>>();
    let (with, without) = (values(with), values(without));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let [length, other] = [&with, &without].map(|values| product(values, values).sqrt());
    Change { cosine: product(&with, &without) / (length * other), norm: length / other }
}
