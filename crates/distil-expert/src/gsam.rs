use burn::tensor::Tensor;
use distil_engine::LossGradient;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keeps quotients of norms finite.
const EPS: f64 = 1e-12;

/// Adaptive GSAM, the flatness-seeking step of FTD's experts (Zhuang 2022; method of FTD).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gsam {
    /// Radius ρ of the perturbation, at least 0 (published: 0.01).
    pub rho: f64,
    /// Weight α of the gradient's part orthogonal to the perturbed gradient; 0 is plain SAM
    /// (published: 0.3 or 1).
    pub alpha: f64,
}

/// Everything one GSAM step computed, on the device.
#[derive(Debug, Clone)]
pub struct GsamStep {
    /// Loss and gradient g at w.
    pub at: LossGradient,
    /// The perturbation e = ρ·w²⊙g / ‖|w|⊙g‖ `[P]`.
    pub perturbation: Tensor<1>,
    /// Loss and gradient g' at w + e, on the same batch.
    pub perturbed: LossGradient,
    /// g' − α·g_vertical `[P]`: what the optimiser descends.
    pub descent: Tensor<1>,
}

impl Gsam {
    /// Computes the descent direction at `theta` `[P]`; `gradient` evaluates one fixed batch.
    pub fn direction(&self, theta: &Tensor<1>, gradient: impl Fn(&Tensor<1>) -> LossGradient) -> GsamStep {
        let at = gradient(theta);
        let g = at.gradient.clone();
        let scale = (norm(theta.clone() * g.clone()) + EPS).recip() * self.rho;
        let perturbation = theta.clone() * theta.clone() * g.clone() * scale;
        let perturbed = gradient(&(theta.clone() + perturbation.clone()));
        let sharp = perturbed.gradient.clone();
        let (g_norm, sharp_norm) = (norm(g.clone()), norm(sharp.clone()));
        let cosine = dot(g.clone(), sharp.clone()) / (g_norm.clone() * sharp_norm.clone() + EPS);
        let vertical = g - sharp.clone() * (cosine * g_norm / (sharp_norm + EPS));
        GsamStep { at, perturbation, descent: sharp - vertical * self.alpha, perturbed }
    }
}

fn dot(a: Tensor<1>, b: Tensor<1>) -> Tensor<1> {
    (a * b).sum()
}

fn norm(a: Tensor<1>) -> Tensor<1> {
    dot(a.clone(), a).sqrt()
}
