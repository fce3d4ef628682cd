use super::ONE_EXPERT;
use crate::selection::{Features, square_distance};
use crate::{Family, Init, Method, MethodRow, Selection};

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "herding",
    title: "Herding on features of a trained network",
    published: "Welling, ICML 2009",
    preset: Method::herding,
    family: Family::of::<Selection>(),
    sections: &[ONE_EXPERT],
    citations: &[include_str!("bibtex/herding.bib")],
};

impl Method {
    /// Herding (Welling 2009) on features of a trained network.
    pub fn herding() -> Self {
        Self { init: Init::Herding, ..Self::random() }
    }
}

impl Features {
    /// The first `count` images such that, at every length, the mean of the chosen is as near to the mean of all as one
    /// more image can bring it. Of equally good images the first; at most as many as there are.
    pub(crate) fn herding(&self, count: usize) -> Vec<usize> {
        let mean = self.mean();
        let mut sum = vec![0f64; self.width];
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count.min(self.rows().len()) {
            let size = (chosen.len() + 1) as f64;
            let wanted: Vec<f64> = mean.iter().zip(&sum).map(|(mean, sum)| size * mean - sum).collect();
            let best = self.first_least(&chosen, |row| square_distance(row, &wanted));
            sum.iter_mut().zip(self.row(best)).for_each(|(sum, &value)| *sum += f64::from(value));
            chosen.push(best);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use distil_random::{normal, stream};

    use super::Features;

    fn line(values: &[f32]) -> Features {
        Features { values: values.to_vec(), width: 1 }
    }

    #[test]
    fn herding_balances_what_it_has_chosen() {
        // Mean 3: first 4 (|1| beats |-2|), then 1, so that the mean is 2.5, and not 4's neighbour 7 (mean 5.5).
        assert_eq!(line(&[0.0, 7.0, 4.0, 1.0]).herding(2), [2, 3]);
        assert_eq!(line(&[5.0, 5.0, 5.0]).herding(2), [0, 1], "of equals the first, each once");
        assert_eq!(line(&[1.0, 2.0]).herding(9).len(), 2);
    }

    /// Greedy by definition, against a slow restatement on random features.
    #[test]
    fn every_choice_is_the_best_one() {
        let mut rng = stream(1, "features", 0);
        let features = Features { values: (0..30 * 4).map(|_| normal(&mut rng)).collect(), width: 4 };
        let mean = features.mean();
        let gap = |chosen: &[usize]| {
            let mean_of = |d: usize| {
                chosen.iter().map(|&i| f64::from(features.row(i)[d])).sum::<f64>() / chosen.len() as f64
            };
            (0..4).map(|d| (mean_of(d) - mean[d]).powi(2)).sum::<f64>()
        };
        let chosen = features.herding(6);
        for k in 1..=6 {
            let others = (0..30).filter(|i| !chosen[..k - 1].contains(i));
            let best = others.map(|i| gap(&[&chosen[..k - 1], &[i]].concat())).fold(f64::INFINITY, f64::min);
            assert!((gap(&chosen[..k]) - best).abs() < 1e-12);
        }
    }
}
