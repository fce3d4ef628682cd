use distil_store::{StoreError, TrajectoryStore};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Inputs, StepError, TrajectoryMatching, Window};

/// The most experts that are read; more say little that is new, and each is read whole.
const EXPERTS: usize = 8;
/// Share of the agreed movement that the window holds.
const SHARE: f64 = 0.75;

/// Who chooses the expert epochs from which a student may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Range {
    /// The method's window as it stands (published).
    #[default]
    Fixed,
    /// The experts: the shortest window that holds three quarters of the movement they agree on; see
    /// [`Profile::window`]. Whether the window widens, and when, stays as `window.initial_max` and
    /// `window.expand_until` say.
    Auto,
}

/// What the experts do from each epoch on, over the M epochs that a student has to catch up with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// Mean over experts of ‖θ_{t+M} − θ_t‖, one a start epoch t.
    pub lengths: Vec<f64>,
    /// Mean over pairs of experts of the cosine between their steps θ_{t+M} − θ_t; 1 with a single expert.
    pub agreements: Vec<f64>,
}

impl Profile {
    /// Reads the first of `experts` (at most 8) and compares their steps of `ahead` epochs.
    ///
    /// # Errors
    /// When an expert cannot be read.
    pub fn of(store: &TrajectoryStore, experts: &[usize], ahead: usize) -> Result<Self, StoreError> {
        let experts: Vec<_> =
            experts.iter().take(EXPERTS).map(|&expert| store.expert(expert)).collect::<Result<_, _>>()?;
        let snapshots: Vec<Vec<&[f32]>> = experts
            .iter()
            .map(|expert| (0..expert.snapshots()).map(|epoch| expert.snapshot(epoch)).collect())
            .collect();
        Ok(Self::of_snapshots(&snapshots, ahead))
    }

    /// The profile of `snapshots[expert][epoch]` `[P]`. Both sums need one pass over the steps: with unit steps
    /// u_e, Σ over pairs of ⟨u_e, u_f⟩ is (‖Σ u_e‖² − E) / 2.
    pub(crate) fn of_snapshots(snapshots: &[Vec<&[f32]>], ahead: usize) -> Self {
        let starts = snapshots.iter().map(Vec::len).min().unwrap_or(0).saturating_sub(ahead);
        let (lengths, agreements) = (0..starts).map(|t| agreement(snapshots, t, ahead)).unzip();
        Self { lengths, agreements }
    }

    /// The shortest range of start epochs that holds three quarters of Σ_t agreement·length (negative agreement
    /// counts as none), the earliest among equally short ones. A step that is long but different in every expert
    /// is noise of their batches, which no small set can teach; a short one teaches little.
    ///
    /// Without any agreement, all start epochs.
    pub fn window(&self) -> std::ops::Range<usize> {
        let signal: Vec<f64> = self
            .lengths
            .iter()
            .zip(&self.agreements)
            .map(|(length, agreed)| length * agreed.max(0.0))
            .collect();
        let total: f64 = signal.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return 0..signal.len();
        }
        // Rounding must not ask for more than there is.
        let wanted = SHARE * total * (1.0 - 1e-12);
        for width in 1..signal.len() {
            let holds = |start: &usize| signal[*start..start + width].iter().sum::<f64>() >= wanted;
            if let Some(start) = (0..=signal.len() - width).find(holds) {
                return start..start + width;
            }
        }
        0..signal.len()
    }
}

/// Mean length of the experts' steps from epoch `t`, and their mean pairwise cosine.
fn agreement(snapshots: &[Vec<&[f32]>], t: usize, ahead: usize) -> (f64, f64) {
    let params = snapshots[0][t].len();
    let mut sum = vec![0f64; params];
    let mut lengths = Vec::with_capacity(snapshots.len());
    for expert in snapshots {
        let step = |i: usize| f64::from(expert[t + ahead][i]) - f64::from(expert[t][i]);
        let length = (0..params).map(|i| step(i) * step(i)).sum::<f64>().sqrt();
        if length > 0.0 {
            sum.iter_mut().enumerate().for_each(|(i, sum)| *sum += step(i) / length);
        }
        lengths.push(length);
    }
    let moving = lengths.iter().filter(|length| **length > 0.0).count() as f64;
    let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
    let squared: f64 = sum.iter().map(|s| s * s).sum();
    let cosine = if moving > 1.0 { (squared - moving) / (moving * (moving - 1.0)) } else { moving };
    (mean, cosine)
}

/// The window that the experts choose, and what it was chosen from; `None` where it is fixed.
pub(crate) fn chosen(
    settings: &TrajectoryMatching,
    inputs: &Inputs<'_>,
) -> Result<Option<(Window, Profile)>, StepError> {
    if settings.range == Range::Fixed {
        return Ok(None);
    }
    let experts = inputs.experts()?;
    let profile = Profile::of(experts.store, &experts.numbers, settings.expert_epochs)?;
    Ok(Some((moved(settings.window, &profile.window()), profile)))
}

/// `window` over the start epochs `chosen`: its first bound keeps its share of the whole, rounded up to an epoch, and
/// leaves at least one to start from.
fn moved(window: Window, chosen: &std::ops::Range<usize>) -> Window {
    let Window { min, max, initial_max, expand_until } = window;
    let share = |initial: usize| {
        let part = initial.saturating_sub(min) as f64 / max.saturating_sub(min).max(1) as f64;
        (chosen.start + (part * chosen.len() as f64).ceil() as usize)
            .clamp(chosen.start + 1, chosen.end.max(chosen.start + 1))
    };
    Window { min: chosen.start, max: chosen.end, initial_max: initial_max.map(share), expand_until }
}

#[cfg(test)]
mod tests {
    use distil_random::{normal, stream};

    use super::*;

    const PARAMS: usize = 400;

    /// Experts whose steps are `drift(t)` along a common direction plus `noise(t)` of their own.
    fn experts(
        count: u64,
        epochs: usize,
        drift: impl Fn(usize) -> f32,
        noise: impl Fn(usize) -> f32,
    ) -> Vec<Vec<Vec<f32>>> {
        let mut common = stream(1, "direction", 0);
        let direction: Vec<f32> = (0..PARAMS).map(|_| normal(&mut common)).collect();
        (0..count)
            .map(|expert| {
                let mut rng = stream(1, "expert", expert);
                let mut theta: Vec<f32> = (0..PARAMS).map(|_| normal(&mut rng)).collect();
                let mut path = vec![theta.clone()];
                for t in 0..epochs {
                    for (theta, direction) in theta.iter_mut().zip(&direction) {
                        *theta += drift(t) * direction + noise(t) * normal(&mut rng);
                    }
                    path.push(theta.clone());
                }
                path
            })
            .collect()
    }

    fn profile(experts: &[Vec<Vec<f32>>], ahead: usize) -> Profile {
        let views: Vec<Vec<&[f32]>> =
            experts.iter().map(|expert| expert.iter().map(Vec::as_slice).collect()).collect();
        Profile::of_snapshots(&views, ahead)
    }

    #[test]
    fn agreement_is_the_mean_pairwise_cosine() {
        let steps = [[1.0f32, 0.0], [0.0, 2.0], [-3.0, 0.0]];
        let experts: Vec<Vec<Vec<f32>>> =
            steps.iter().map(|step| vec![vec![0.5, 0.5], vec![0.5 + step[0], 0.5 + step[1]]]).collect();
        let got = profile(&experts, 1);
        assert!((got.lengths[0] - 2.0).abs() < 1e-12);
        // Cosines 0, −1 and 0.
        assert!((got.agreements[0] + 1.0 / 3.0).abs() < 1e-12, "{got:?}");
        assert_eq!(profile(&experts[..1], 1).agreements, [1.0]);
    }

    #[test]
    fn early_agreement_makes_an_early_window() {
        let early = experts(4, 20, |t| if t < 6 { 1.0 } else { 0.0 }, |_| 0.7);
        let window = profile(&early, 1).window();
        assert!(window.start <= 1 && (4..=7).contains(&window.end), "{window:?}");
        // The same length of the steps, but of noise first.
        let late = experts(4, 20, |t| if t < 12 { 0.0 } else { 0.7 }, |t| if t < 12 { 1.0 } else { 0.7 });
        let window = profile(&late, 2).window();
        assert!(window.start >= 10, "{window:?}");
    }

    #[test]
    fn even_movement_makes_a_window_of_three_quarters() {
        let even = experts(3, 20, |_| 1.0, |_| 0.0);
        assert_eq!(profile(&even, 1).window().len(), 15);
        let one = experts(1, 10, |t| if t < 2 { 5.0 } else { 0.1 }, |_| 0.0);
        assert_eq!(profile(&one, 1).window(), 0..2, "one expert: its length alone");
    }

    #[test]
    fn a_first_bound_keeps_its_share() {
        let published = Window { min: 10, max: 30, initial_max: Some(15), expand_until: 500 };
        let over = |chosen: std::ops::Range<usize>| {
            let Window { min, max, initial_max, expand_until } = moved(published, &chosen);
            assert_eq!(expand_until, 500, "when it widens is not the experts' to say");
            (min, max, initial_max.expect("a first bound"))
        };
        // A quarter of the epochs, rounded up.
        assert_eq!(over(4..12), (4, 12, 6));
        assert_eq!(over(4..13), (4, 13, 7));
        assert_eq!(over(7..8), (7, 8, 8), "one epoch is the whole");
        let open = Window { initial_max: None, ..published };
        assert_eq!(moved(open, &(3..9)), Window { min: 3, max: 9, initial_max: None, expand_until: 500 });
        // Bounds outside the window, as a configuration may have them.
        for (initial, bound) in [(10, 4), (5, 4), (30, 11), (99, 11)] {
            let window = Window { initial_max: Some(initial), ..published };
            assert_eq!(moved(window, &(3..11)).initial_max, Some(bound), "initial_max {initial}");
        }
    }

    #[test]
    fn experts_that_stand_still_leave_every_epoch() {
        let still = experts(2, 8, |_| 0.0, |_| 0.0);
        assert_eq!(profile(&still, 2).window(), 0..7);
    }
}
