//! What the parts of EDF change about the steps of a run, as a table.

use distil_match::{Change, PartEffect, StepError, part_effects};
use distil_store::{Part, RunPaths};
use thiserror::Error;

use crate::{Error, Session, SetSource};

/// Gradients that cannot be compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GradientsError {
    /// The run has no such part.
    #[error(
        "the run has neither dropout nor enhancement of a trajectory; to see what they would change, give \
         --set distill.dropout.ratio=0.25 or --set distill.enhancement.beta=1"
    )]
    NoPart,
    /// No step has a loss.
    #[error("no step from this set has a finite loss; choose another set with --part")]
    NoStep,
    /// A step cannot be made.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// What each part changes, over several steps from one set.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientEffects {
    /// What was measured of each part, one entry a step.
    pub parts: Vec<(String, Vec<PartEffect>)>,
}

impl Session {
    /// Compares the gradients of `steps` steps, those of the run's first iterations, from a set of the run with what they would
    /// be without dropout and enhancement. Without a part, it is the initial set.
    ///
    /// # Errors
    /// [`enum@Error`] when the set, the experts or the network used for maps are not there, or the run has neither part.
    pub fn inspect_gradients(
        &self,
        run: &RunPaths,
        part: Option<Part>,
        steps: u64,
    ) -> Result<GradientEffects, Error> {
        let source = SetSource::open(run.folder(), Some(part.unwrap_or(Part::Initial)))?;
        let trajectory = self.config.distill.trajectory();
        if trajectory.is_none_or(|t| t.dropout.is_none() && t.enhancement.is_none()) {
            return Err(GradientsError::NoPart.into());
        }
        let store = self.open_experts()?;
        let mut inputs = self.inputs(&self.config.distill, Some(&store));
        let maps = self.open_maps(&inputs)?;
        inputs.maps = maps.as_ref().map(|maps| maps.source(self.device.engine()));
        let mut parts: Vec<(String, Vec<PartEffect>)> = Vec::new();
        for step in 0..steps {
            for effect in part_effects(&inputs, &source.set, step).map_err(GradientsError::from)? {
                match parts.iter_mut().find(|(name, _)| name == effect.part) {
                    Some((_, effects)) => effects.push(effect),
                    None => parts.push((effect.part.to_owned(), vec![effect])),
                }
            }
            let done = distil_progress::Step::of("compare gradients", step + 1, steps, "steps");
            if self.progress().at(done).is_break() {
                return Err(Error::stopped("nothing was kept; run the same command again"));
            }
        }
        if parts.is_empty() {
            return Err(GradientsError::NoStep.into());
        }
        Ok(GradientEffects { parts })
    }
}

impl GradientEffects {
    /// A table: means over the steps, with the smallest and largest where there are several.
    pub fn markdown(&self) -> String {
        let mut lines = vec![
            "| part | cosine, images | length, images | length, labels | syn_lr | loss |".to_owned(),
            "|---|---:|---:|---:|---:|---:|".to_owned(),
        ];
        for (part, effects) in &self.parts {
            let of = |value: &dyn Fn(&PartEffect) -> f64| effects.iter().map(value).collect::<Vec<f64>>();
            let labels: Vec<f64> = effects.iter().filter_map(|effect| Some(effect.labels?.norm)).collect();
            let images = |value: fn(&Change) -> f64| of(&|effect| value(&effect.images));
            lines.push(format!(
                "| {part} | {} | × {} | {} | × {} | × {} |",
                spread(&images(|change| change.cosine), 4),
                spread(&images(|change| change.norm), 2),
                if labels.is_empty() { "–".to_owned() } else { format!("× {}", spread(&labels, 2)) },
                spread(&of(&|effect| effect.syn_lr), 2),
                spread(&of(&|effect| effect.loss), 2),
            ));
        }
        lines.join("\n")
    }
}

/// The mean, and between what it lies.
fn spread(values: &[f64], digits: usize) -> String {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (least, most) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    if values.len() < 2 || format!("{least:.digits$}") == format!("{most:.digits$}") {
        return format!("{mean:.digits$}");
    }
    format!("{mean:.digits$} ({least:.digits$}–{most:.digits$})")
}
