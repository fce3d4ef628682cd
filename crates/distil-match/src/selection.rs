//! Selections of real images: the baselines that learn nothing.

use serde::{Deserialize, Serialize};

use crate::{Init, Method, Objective};

/// A selection of real images: what is chosen is [`Method::init`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {}

impl Method {
    /// Random real images: the baseline of every table.
    pub fn random() -> Self {
        Self { iterations: 0, init: Init::Real, ..Self::plain(Objective::Selection(Selection {})) }
    }

    /// Herding (Welling 2009) on features of a trained network.
    pub fn herding() -> Self {
        Self { init: Init::Herding, ..Self::random() }
    }

    /// Greedy k-center (Sener & Savarese 2018) on features of a trained network.
    pub fn k_center() -> Self {
        Self { init: Init::KCenter, ..Self::random() }
    }
}

/// Features of the images of one class, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Features {
    /// `[n, width]`.
    pub(crate) values: Vec<f32>,
    /// Features of an image.
    pub(crate) width: usize,
}

impl Features {
    fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.width..(i + 1) * self.width]
    }

    fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0f64; self.width];
        for row in self.rows() {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let n = self.rows().len() as f64;
        for sum in &mut mean {
            *sum /= n;
        }
        mean
    }

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

    /// The image nearest to the mean, then again and again the image farthest from all that are chosen, which covers
    /// the class with balls of at most twice the least radius. Of equally good images the first.
    pub(crate) fn k_center(&self, count: usize) -> Vec<usize> {
        let mean = self.mean();
        let mut nearest = vec![f64::INFINITY; self.rows().len()];
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count.min(nearest.len()) {
            let best = if chosen.is_empty() {
                self.first_least(&chosen, |row| square_distance(row, &mean))
            } else {
                let free = (0..nearest.len()).filter(|i| !chosen.contains(i));
                // The first of equals, unlike `max_by`.
                free.rev().max_by(|&a, &b| nearest[a].total_cmp(&nearest[b])).expect("an image is left")
            };
            let centre: Vec<f64> = self.row(best).iter().map(|&value| f64::from(value)).collect();
            for (near, row) in nearest.iter_mut().zip(self.rows()) {
                *near = near.min(square_distance(row, &centre));
            }
            chosen.push(best);
        }
        chosen
    }

    fn first_least(&self, chosen: &[usize], of: impl Fn(&[f32]) -> f64) -> usize {
        let free = self.rows().enumerate().filter(|(i, _)| !chosen.contains(i));
        let least = free.map(|(i, row)| (i, of(row))).min_by(|a, b| a.1.total_cmp(&b.1));
        least.expect("an image is left").0
    }
}

fn square_distance(row: &[f32], point: &[f64]) -> f64 {
    row.iter().zip(point).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use distil_random::{normal, stream};

    use super::*;

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

    #[test]
    fn k_center_takes_the_farthest() {
        assert_eq!(line(&[0.0, 1.0, 10.0, 4.0, 20.0]).k_center(3), [2, 0, 4]);
        let far = line(&[0.0, 5.0, 10.0]).k_center(3);
        assert_eq!(far, [1, 0, 2], "of equals the first");
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
