//! Successive halving (Jamieson & Talwalkar, AISTATS 2016): many settings for a while, the better ones for longer.

/// How long trials run and how many go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Halving {
    pub(super) trials: usize,
    pub(super) rungs: u32,
    /// One of so many goes on, so many times as long.
    pub(super) factor: u64,
    /// Iterations of a whole run.
    pub(super) iterations: u64,
}

impl Halving {
    /// Iterations after which the trials of each rung are compared; the last are all.
    pub(super) fn ends(self) -> Vec<u64> {
        let first = (self.iterations / self.factor.saturating_pow(self.rungs - 1)).max(1);
        // Multiples of the first, so that validations fall on them.
        let end = |rung: u32| {
            let end = first.saturating_mul(self.factor.saturating_pow(rung));
            if rung + 1 == self.rungs { self.iterations } else { end.min(self.iterations) }
        };
        (0..self.rungs).map(end).collect()
    }

    /// Trials of each rung.
    pub(super) fn counts(self) -> Vec<usize> {
        let fewer = |count: &usize| Some(count.div_ceil(self.factor as usize).max(1));
        std::iter::successors(Some(self.trials), fewer).take(self.rungs as usize).collect()
    }

    /// Iterations of all trials together.
    pub(super) fn total(self) -> u64 {
        let (ends, counts) = (self.ends(), self.counts());
        let starts = std::iter::once(0).chain(ends.iter().copied());
        ends.iter().zip(starts).zip(counts).map(|((end, start), count)| (end - start) * count as u64).sum()
    }

    /// The trials that go on after a rung with these accuracies: the best ones, of equal ones the earlier.
    pub(super) fn survivors(self, trials: &[(usize, f64)]) -> Vec<usize> {
        let mut order: Vec<(usize, f64)> = trials.to_vec();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        order.truncate(trials.len().div_ceil(self.factor as usize).max(1));
        let mut kept: Vec<usize> = order.into_iter().map(|(trial, _)| trial).collect();
        kept.sort_unstable();
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_settings_cost_less_than_three_runs() {
        let halving = Halving { trials: 9, rungs: 3, factor: 3, iterations: 900 };
        assert_eq!((halving.ends(), halving.counts()), (vec![100, 300, 900], vec![9, 3, 1]));
        assert_eq!(halving.total(), 900 + 600 + 600);
        let odd = Halving { trials: 5, rungs: 2, factor: 2, iterations: 7 };
        assert_eq!((odd.ends(), odd.counts(), odd.total()), (vec![3, 7], vec![5, 3], 15 + 12));
        let short = Halving { trials: 2, rungs: 4, factor: 3, iterations: 5 };
        assert_eq!(short.ends(), [1, 3, 5, 5]);
    }

    #[test]
    fn the_better_go_on_and_the_earlier_of_equals() {
        let halving = Halving { trials: 5, rungs: 2, factor: 2, iterations: 10 };
        assert_eq!(halving.survivors(&[(0, 0.3), (1, 0.5), (2, 0.5), (3, 0.3), (4, 0.1)]), [0, 1, 2]);
        assert_eq!(halving.survivors(&[(3, 0.2)]), [3]);
    }
}
