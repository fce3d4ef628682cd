//! Scores that compare distillation methods by what a set's information is worth, not by accuracy alone.

use std::f64::consts::E;

use serde::{Deserialize, Serialize};

/// DD-Ranking's label-robust score (Li et al. 2024), of accuracies as **fractions** in `[0, 1]`. Its public code feeds
/// percentage points into the exponential, so its scores leave `[0, 1]` and cannot be compared with these.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelRobust {
    /// Hard-label recovery: accuracy on all real images minus on the set, both with hard labels. Lower is better.
    pub hlr: f64,
    /// Improvement over random: accuracy on the set minus on random real images, both with the set's kind of labels.
    pub ior: f64,
    /// w·IOR − (1 − w)·HLR.
    pub alpha: f64,
    /// α on a scale from 0 (α = −1) to 1 (α = 1).
    pub score: f64,
}

/// DD-Ranking's augmentation-robust score, of accuracies as **fractions** in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AugmentationRobust {
    /// Accuracy on the set minus on random real images, both with augmentation.
    pub with: f64,
    /// The same, both without augmentation.
    pub without: f64,
    /// γ·with + (1 − γ)·without.
    pub beta: f64,
    /// β on a scale from 0 (β = −1) to 1 (β = 1).
    pub score: f64,
}

impl LabelRobust {
    /// From accuracies on `full` data and the set (`hard`) with hard labels, and on the set (`own`) and `random` real images
    /// with the set's kind of labels; `weight` is w in `[0, 1]` (published: 0.5).
    pub fn of(full: f64, hard: f64, own: f64, random: f64, weight: f64) -> Self {
        let (hlr, ior) = (full - hard, own - random);
        let alpha = weight * ior - (1.0 - weight) * hlr;
        Self { hlr, ior, alpha, score: scaled(alpha) }
    }
}

impl AugmentationRobust {
    /// From accuracies on the set and random real images, each `[with, without]` augmentation; `gamma` is γ in `[0, 1]` (not
    /// published).
    pub fn of(set: [f64; 2], random: [f64; 2], gamma: f64) -> Self {
        let [with, without] = [set[0] - random[0], set[1] - random[1]];
        let beta = gamma * with + (1.0 - gamma) * without;
        Self { with, without, beta, score: scaled(beta) }
    }
}

/// (eˣ − e⁻¹) / (e − e⁻¹).
fn scaled(x: f64) -> f64 {
    let least = (-1.0f64).exp();
    (x.exp() - least) / (E - least)
}

#[cfg(test)]
mod tests {
    use super::{AugmentationRobust, LabelRobust};

    #[test]
    fn the_scale_runs_from_nothing_to_everything() {
        // As good as all real images with hard labels, and all of them better than random ones.
        let best = LabelRobust::of(1.0, 1.0, 1.0, 0.0, 0.0);
        assert!((best.score - (1.0 - (-1.0f64).exp()) / (1.0f64.exp() - (-1.0f64).exp())).abs() < 1e-12);
        assert!((LabelRobust::of(1.0, 0.0, 0.0, 1.0, 0.5).score).abs() < 1e-12);
        assert!((AugmentationRobust::of([1.0, 1.0], [0.0, 0.0], 0.3).score - 1.0).abs() < 1e-12);
    }

    #[test]
    fn parts_are_weighed() {
        let got = LabelRobust::of(0.8, 0.5, 0.6, 0.4, 0.25);
        assert!((got.hlr - 0.3).abs() < 1e-12 && (got.ior - 0.2).abs() < 1e-12);
        assert!((got.alpha - (0.25 * 0.2 - 0.75 * 0.3)).abs() < 1e-12);
        // (e^−0.175 − e^−1) / (e − e^−1) by hand.
        assert!((got.score - 0.200_636_955_675_479_96).abs() < 1e-12, "{}", got.score);
        let got = AugmentationRobust::of([0.6, 0.5], [0.4, 0.45], 0.5);
        assert!((got.beta - 0.125).abs() < 1e-12, "{got:?}");
    }
}
