//! What happened during a run, from its event log.

use distil_store::{RunPaths, StoreError};
use serde_json::Value;

/// Why a step was not applied to the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// Its loss was above the method's gate.
    Gated,
    /// Its loss or gradient was not finite.
    NonFinite,
    /// A reason this version does not know.
    Other,
}

/// One outer iteration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) iteration: f64,
    pub(crate) loss: Option<f64>,
    pub(crate) syn_lr: Option<f64>,
    pub(crate) skipped: Option<Skipped>,
    pub(crate) seconds: Option<f64>,
}

/// One measurement on held-out training images.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Validation {
    pub(crate) iteration: f64,
    /// In `[0, 1]`.
    pub(crate) accuracy: f64,
    /// Whether it was the best so far.
    pub(crate) best: bool,
}

/// Discriminative areas of the synthetic images before an iteration, as shares of pixels in `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Areas {
    pub(crate) iteration: f64,
    /// At or above the method's threshold: mean, smallest and largest over the images.
    pub(crate) mean: f64,
    pub(crate) smallest: f64,
    pub(crate) largest: f64,
    /// With an activation of at least 0.5.
    pub(crate) above_half: f64,
}

/// Scalars that dropout left out of an iteration's loss, by layer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dropout {
    pub(crate) iteration: f64,
    pub(crate) layers: Vec<String>,
    pub(crate) dropped: Vec<f64>,
    pub(crate) sizes: Vec<f64>,
}

impl Dropout {
    /// Share of a layer that was dropped, in `[0, 1]`.
    pub(crate) fn share(&self, layer: usize) -> f64 {
        self.dropped[layer] / self.sizes[layer].max(1.0)
    }
}

/// All that a report shows of the event log.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct History {
    pub(crate) steps: Vec<Step>,
    pub(crate) validations: Vec<Validation>,
    pub(crate) areas: Vec<Areas>,
    pub(crate) dropout: Vec<Dropout>,
}

impl History {
    /// Reads the log; a missing one is an empty history. Events of unknown kinds and unknown fields are passed over.
    pub(crate) fn read(paths: &RunPaths) -> Result<Self, StoreError> {
        Ok(Self::of(&paths.read_events::<Value>()?))
    }

    fn of(events: &[Value]) -> Self {
        let mut history = Self::default();
        for event in events {
            let Some(iteration) = event["iteration"].as_f64() else { continue };
            match event["kind"].as_str() {
                Some("iteration") => history.steps.push(step(iteration, event)),
                Some("validation") => history.validations.extend(validation(iteration, event)),
                Some("discriminative-area") => history.areas.extend(areas(iteration, event)),
                Some("dropout") => history.dropout.extend(dropped(iteration, event)),
                _ => {}
            }
        }
        history.steps.sort_by(|a, b| a.iteration.total_cmp(&b.iteration));
        history.validations.sort_by(|a, b| a.iteration.total_cmp(&b.iteration));
        history.areas.sort_by(|a, b| a.iteration.total_cmp(&b.iteration));
        history.dropout.sort_by(|a, b| a.iteration.total_cmp(&b.iteration));
        history
    }

    /// The checkpoint that validation chose: the last one that was the best so far.
    pub(crate) fn chosen(&self) -> Option<&Validation> {
        self.validations.iter().rev().find(|validation| validation.best)
    }

    /// Iterations of the steps skipped for `reason`.
    pub(crate) fn skipped(&self, reason: Skipped) -> Vec<f64> {
        self.steps.iter().filter(|step| step.skipped == Some(reason)).map(|step| step.iteration).collect()
    }

    /// (iteration, matching loss) of every finite loss.
    pub(crate) fn losses(&self) -> Vec<(f64, f64)> {
        self.steps.iter().filter_map(|step| Some((step.iteration, step.loss?))).collect()
    }

    /// (iteration, learned step size).
    pub(crate) fn step_sizes(&self) -> Vec<(f64, f64)> {
        self.steps.iter().filter_map(|step| Some((step.iteration, step.syn_lr?))).collect()
    }

    /// Seconds of all iterations together, where logged.
    pub(crate) fn seconds(&self) -> f64 {
        self.steps.iter().filter_map(|step| step.seconds).sum()
    }
}

fn step(iteration: f64, event: &Value) -> Step {
    let skipped = match (event["applied"].as_bool(), event["reason"].as_str()) {
        (_, Some("gate")) => Some(Skipped::Gated),
        (_, Some("non-finite")) => Some(Skipped::NonFinite),
        (Some(false), _) => Some(Skipped::Other),
        _ => None,
    };
    let number = |key: &str| event[key].as_f64().filter(|value| value.is_finite());
    Step { iteration, loss: number("loss"), syn_lr: number("syn_lr"), skipped, seconds: number("seconds") }
}

fn validation(iteration: f64, event: &Value) -> Option<Validation> {
    let accuracy = event["accuracy"].as_f64()?;
    Some(Validation { iteration, accuracy, best: event["best"].as_bool().unwrap_or(false) })
}

fn areas(iteration: f64, event: &Value) -> Option<Areas> {
    let number = |key: &str| event[key].as_f64();
    Some(Areas {
        iteration,
        mean: number("area")?,
        smallest: number("smallest_area")?,
        largest: number("largest_area")?,
        above_half: number("area_half")?,
    })
}

/// `None` where the lists are not equally long.
fn dropped(iteration: f64, event: &Value) -> Option<Dropout> {
    let numbers = |key: &str| event[key].as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>();
    let names = event["layers"].as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
    let layers: Vec<String> = names.collect::<Option<_>>()?;
    let (dropped, sizes) = (numbers("dropped")?, numbers("sizes")?);
    let fits = dropped.len() == layers.len() && sizes.len() == layers.len();
    fits.then_some(Dropout { iteration, layers, dropped, sizes })
}

#[cfg(test)]
mod tests {
    use super::{History, Skipped};
    use serde_json::json;

    #[test]
    fn forgives_unknown_kinds_and_missing_fields() {
        let history = History::of(&[
            json!({"kind": "iteration", "iteration": 2, "loss": null, "applied": false, "reason": "non-finite"}),
            json!({"kind": "iteration", "iteration": 1, "loss": 0.9, "syn_lr": 0.01, "applied": true, "reason": null}),
            json!({"kind": "iteration", "iteration": 3, "loss": 1.4, "applied": false, "reason": "gate", "new": []}),
            json!({"kind": "iteration", "iteration": 4, "loss": "odd", "applied": false, "reason": "unheard of"}),
            json!({"kind": "validation", "iteration": 3, "accuracy": 0.7, "best": true}),
            json!({"kind": "validation", "iteration": 4, "accuracy": 0.6, "best": false}),
            json!({"kind": "validation", "iteration": 5}),
            json!({"kind": "holiday", "iteration": 6}),
            json!({"kind": "dropout", "iteration": 7, "layers": ["a"], "dropped": [1], "sizes": [4]}),
            json!({"kind": "dropout", "iteration": 8, "layers": ["a"], "dropped": [1, 2], "sizes": [4]}),
            json!({"kind": "discriminative-area", "iteration": 9, "area": 0.5, "smallest_area": 0.4}),
        ]);
        assert_eq!((history.dropout.len(), history.areas.len()), (1, 0));
        assert_eq!(history.dropout[0].share(0), 0.25);
        assert_eq!(history.losses(), [(1.0, 0.9), (3.0, 1.4)]);
        assert_eq!(history.step_sizes(), [(1.0, 0.01)]);
        assert_eq!(history.skipped(Skipped::NonFinite), [2.0]);
        assert_eq!(history.skipped(Skipped::Gated), [3.0]);
        assert_eq!(history.skipped(Skipped::Other), [4.0]);
        assert_eq!(history.validations.len(), 2);
        assert_eq!(history.chosen().unwrap().iteration.to_bits(), 3.0_f64.to_bits());
    }
}
