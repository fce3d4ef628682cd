//! How long the log of a run gets. It grows by lines of bounded length, a few an iteration, and a resumed run takes back
//! those that it will write again: so it needs no rotation.

use super::Job;

/// The longest line of an iteration, of a validation, and of the areas of recomputed maps.
const ITERATION: u128 = 200;
const VALIDATION: u128 = 96;
const AREA: u128 = 240;
/// A line about dropout: next to its tensors, and for each of these next to its name.
const DROPOUT: (u128, u128) = (96, 32);
/// The line of the range: in addition to its start epochs, and for each of these.
const RANGE: (u128, u128) = (128, 56);

impl Job<'_> {
    /// The most that the run's log takes.
    pub(super) fn log_bytes(&self) -> u128 {
        let iterations = u128::from(self.method.iterations);
        let every = |n: u64| iterations / u128::from(n.max(1)) + 2;
        let lines = iterations.saturating_mul(ITERATION + self.dropout_line());
        let validations = every(self.method.validate_every) * VALIDATION;
        let maps = self.method.enhancement().map_or(0, |maps| every(maps.refresh_every) * AREA);
        let range = self.method.trajectory().map_or(0, |_| self.range_line());
        lines.saturating_add(validations + maps + range)
    }

    fn dropout_line(&self) -> u128 {
        let dropout = self.method.trajectory().is_some_and(|trajectory| trajectory.dropout.is_some());
        let layout = self.net.layout();
        let tensors = layout.entries().iter().map(|entry| entry.name.len() as u128 + DROPOUT.1);
        if dropout { tensors.sum::<u128>() + DROPOUT.0 } else { 0 }
    }

    fn range_line(&self) -> u128 {
        (self.expert_epochs as u128).saturating_mul(RANGE.1).saturating_add(RANGE.0)
    }
}

#[cfg(test)]
mod tests {
    use distil_match::{AreaStatistics, Event, Profile, StepStatus};
    use distil_models::{ConvNet, Network};

    use super::*;

    /// A number that takes as many digits as any.
    const LONG: f64 = -2.225_073_858_507_201_4e-308;

    fn line(event: &Event) -> u128 {
        serde_json::to_string(event).unwrap().len() as u128 + 1
    }

    #[test]
    fn no_line_is_longer_than_planned() {
        let iteration = 99_999_999;
        let step = Event::Iteration {
            iteration,
            expert: Some(99_999),
            start_epoch: Some(99_999),
            loss: LONG,
            syn_lr: LONG,
            applied: false,
            reason: Some(StepStatus::NonFinite),
        };
        assert!((ITERATION * 3 / 4..=ITERATION).contains(&line(&step)), "{}", line(&step));
        let validation = Event::Validation { iteration, accuracy: LONG, best: false };
        assert!((VALIDATION / 2..=VALIDATION).contains(&line(&validation)), "{}", line(&validation));
        let areas = AreaStatistics {
            area: LONG,
            smallest_area: LONG,
            largest_area: LONG,
            area_half: LONG,
            activation: LONG,
        };
        let areas = Event::DiscriminativeArea { iteration, areas };
        assert!((AREA / 2..=AREA).contains(&line(&areas)), "{}", line(&areas));
        let profile = Profile { lengths: vec![LONG; 100], agreements: vec![LONG; 100] };
        let range = Event::Range { iteration: 0, min: 99_999, max: 99_999, profile };
        assert!(line(&range) <= RANGE.0 + 100 * RANGE.1, "{}", line(&range));
    }

    #[test]
    fn a_line_about_dropout_is_no_longer_than_planned() {
        let net = Network::from(ConvNet::new(3, 100, 128, 128));
        let entries = net.layout().entries();
        let sizes = vec![999_999_999; entries.len()];
        let layers: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        let names: usize = layers.iter().map(String::len).sum();
        let event = Event::Dropout { iteration: 99_999_999, dropped: sizes.clone(), sizes, layers };
        let planned = DROPOUT.0 + names as u128 + DROPOUT.1 * entries.len() as u128;
        assert!((planned / 2..=planned).contains(&line(&event)), "{} {planned}", line(&event));
    }
}
