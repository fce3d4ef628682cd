use distil_augment::Strategy;
use distil_hypergrad::InnerStep;
use distil_random::{below, permutation, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The expert epochs from which a student may start: t is uniform in `min..U`, where U widens linearly
/// from `initial_max` to `max` (DATM's sequential generation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First start epoch.
    pub min: usize,
    /// Bound of the start epochs, itself excluded.
    pub max: usize,
    /// The bound at iteration 0; without it, the window has its full width from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_max: Option<usize>,
    /// Iteration at which the bound reaches `max`.
    #[serde(default)]
    pub expand_until: u64,
}

impl Window {
    /// The bound U at `iteration`: initial_max + ⌊(max − initial_max)·iteration / expand_until⌋, at most `max`.
    pub fn bound(&self, iteration: u64) -> usize {
        let Some(initial) = self.initial_max.filter(|&initial| initial < self.max) else {
            return self.max;
        };
        if iteration >= self.expand_until {
            return self.max;
        }
        let grown = (self.max - initial) as u128 * u128::from(iteration) / u128::from(self.expand_until);
        initial + grown as usize
    }

    /// The start epoch of `iteration`.
    pub(crate) fn draw(&self, seed: u64, iteration: u64) -> usize {
        let width = self.bound(iteration) - self.min;
        self.min + below(&mut stream(seed, "start-epoch", iteration), width)
    }
}

/// The expert of `iteration`: every expert once, in a new order each round.
pub(crate) fn expert(experts: &[usize], seed: u64, iteration: u64) -> usize {
    let n = experts.len() as u64;
    let order = permutation(&mut stream(seed, "expert-order", iteration / n), experts.len());
    experts[order[(iteration % n) as usize]]
}

/// `count` different epochs of the window at `iteration`, ascending.
pub(crate) fn checkpoints(window: Window, count: usize, seed: u64, iteration: u64) -> Vec<usize> {
    let width = window.bound(iteration) - window.min;
    let mut epochs = permutation(&mut stream(seed, "checkpoints", iteration), width);
    epochs.truncate(count);
    epochs.sort_unstable();
    epochs.into_iter().map(|epoch| window.min + epoch).collect()
}

/// The inner steps of `iteration`: chunks of successive permutations of the synthetic set, each with
/// its own augmentation. A permutation's last chunk may be smaller.
pub(crate) fn inner_steps(
    images: usize,
    batch: usize,
    steps: usize,
    (height, width): (usize, usize),
    augmentation: &Strategy,
    (seed, iteration): (u64, u64),
) -> Vec<InnerStep> {
    let mut batches = stream(seed, "batches", iteration);
    let mut augmentations = stream(seed, "augmentation", iteration);
    let mut pending: Vec<Vec<usize>> = Vec::new();
    (0..steps)
        .map(|_| {
            if pending.is_empty() {
                let order = permutation(&mut batches, images);
                pending = order.chunks(batch).map(<[usize]>::to_vec).collect();
            }
            let rows = pending.pop().expect("a permutation of at least one image has a chunk");
            let augmentation = augmentation.draw(rows.len(), height, width, &mut augmentations);
            InnerStep { rows, augmentation }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_widens_as_published() {
        let window = Window { min: 0, max: 20, initial_max: Some(10), expand_until: 1000 };
        let bounds: Vec<usize> = [0, 99, 100, 500, 999, 1000, 5000].map(|it| window.bound(it)).to_vec();
        assert_eq!(bounds, [10, 10, 11, 15, 19, 20, 20]);
        let fixed = Window { min: 2, max: 4, initial_max: None, expand_until: 0 };
        let drawn: Vec<usize> = (0..50).map(|it| fixed.draw(0, it)).collect();
        assert!(drawn.iter().all(|t| (2..4).contains(t)) && drawn.contains(&2) && drawn.contains(&3));
    }

    #[test]
    fn checkpoints_differ_and_stay_in_the_window() {
        let window = Window { min: 2, max: 7, initial_max: Some(5), expand_until: 10 };
        let mut seen = Vec::new();
        for iteration in 0..40 {
            let epochs = checkpoints(window, 3, 4, iteration);
            assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]), "{epochs:?}");
            assert!(epochs.iter().all(|epoch| (2..window.bound(iteration)).contains(epoch)), "{epochs:?}");
            seen.extend(epochs);
        }
        assert!((2..7).all(|epoch| seen.contains(&epoch)));
    }

    #[test]
    fn every_round_visits_every_expert() {
        let experts = [0, 2, 5];
        for round in 0..4 {
            let mut seen: Vec<usize> = (0..3).map(|i| expert(&experts, 9, round * 3 + i)).collect();
            seen.sort_unstable();
            assert_eq!(seen, experts);
        }
    }

    #[test]
    fn batches_cover_the_set_before_they_repeat() {
        let none: Strategy = "none".parse().expect("a valid strategy");
        let steps = inner_steps(5, 2, 6, (8, 8), &none, (1, 0));
        let mut first: Vec<usize> = steps[..3].iter().flat_map(|step| step.rows.clone()).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3, 4]);
        assert_eq!(steps[3..].iter().map(|step| step.rows.len()).sum::<usize>(), 5);
    }
}
