use std::f64::consts::PI;

use burn::tensor::Tensor;
use distil_hypergrad::{Sgd, SgdState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Protocol;

/// What moves a student's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Optimiser {
    /// SGD with the protocol's momentum and weight decay.
    #[default]
    Sgd,
    /// AdamW (β 0.9 and 0.999, ε 1e-8) with the protocol's weight decay; momentum does nothing.
    AdamW,
}

/// How the step size changes from epoch to epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// × 0.1 once, after epoch `epochs / 2 + 1`, and the optimiser forgets.
    #[default]
    Step,
    /// × (1 + cos(π e / E)) / 2 in epoch e of E: to nothing.
    Cosine,
    /// × (1 + cos(π e / 2E)) / 2: to a half, as RDED's.
    SmoothedCosine,
}

impl Schedule {
    /// The factor of the step size in `epoch`, when the last one is `last`.
    pub(crate) fn factor(self, epoch: usize, last: usize) -> f64 {
        let passed = epoch as f64 / (last + 1) as f64;
        match self {
            Self::Step if epoch < turn(last) => 1.0,
            Self::Step => 0.1,
            Self::Cosine => 0.5 * (1.0 + (PI * passed).cos()),
            Self::SmoothedCosine => 0.5 * (1.0 + (0.5 * PI * passed).cos()),
        }
    }

    /// Whether the optimiser forgets before `epoch`.
    pub(crate) fn forgets(self, epoch: usize, last: usize) -> bool {
        self == Self::Step && epoch == turn(last)
    }
}

/// The public code trains epoch E/2 + 1 first and lowers the step size after it.
fn turn(last: usize) -> usize {
    last / 2 + 2
}

/// An optimiser with what it remembers.
#[derive(Debug)]
pub(crate) enum OptimizerState {
    Sgd(Sgd, Box<SgdState<1>>),
    AdamW(AdamW, Box<Moments>),
}

impl OptimizerState {
    /// That of a protocol, before its first step.
    pub(crate) fn of(protocol: &Protocol) -> Self {
        let weight_decay = protocol.weight_decay;
        match protocol.optimiser {
            Optimiser::Sgd => Self::Sgd(Sgd { momentum: protocol.momentum, weight_decay }, Box::default()),
            Optimiser::AdamW => Self::AdamW(AdamW { weight_decay }, Box::default()),
        }
    }

    /// θ `[P]` after one step with step size `lr`.
    pub(crate) fn step(&mut self, theta: Tensor<1>, gradient: Tensor<1>, lr: f64) -> Tensor<1> {
        match self {
            Self::Sgd(sgd, state) => {
                let (theta, after) = sgd.update(theta, gradient, lr, std::mem::take(state.as_mut()));
                **state = after;
                theta
            }
            Self::AdamW(adamw, moments) => adamw.step(theta, gradient, lr, moments),
        }
    }
}

/// AdamW as PyTorch computes it (Loshchilov & Hutter 2019): θ ← θ(1 − lr·wd), then
/// θ ← θ − lr·m̂ / (√v̂ + ε) with m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², both divided by 1 − βᵗ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamW {
    pub(crate) weight_decay: f64,
}

/// Running means of gradients and their squares, and how many they are of.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    means: Option<(Tensor<1>, Tensor<1>)>,
    steps: i32,
}

const BETAS: (f64, f64) = (0.9, 0.999);
const EPS: f64 = 1e-8;

impl AdamW {
    fn step(self, theta: Tensor<1>, gradient: Tensor<1>, lr: f64, moments: &mut Moments) -> Tensor<1> {
        let (first, second) = BETAS;
        let (of_first, of_second) = (gradient.clone() * (1.0 - first), gradient.square() * (1.0 - second));
        let (m, v) = match moments.means.take() {
            Some((m, v)) => (m * first + of_first, v * second + of_second),
            None => (of_first, of_second),
        };
        moments.steps += 1;
        let (m_hat, v_hat) = (1.0 - first.powi(moments.steps), 1.0 - second.powi(moments.steps));
        moments.means = Some((m.clone(), v.clone()));
        let denominator = (v / v_hat).sqrt() + EPS;
        theta * (1.0 - lr * self.weight_decay) - m / denominator * (lr / m_hat)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;

    /// Three steps of `torch.optim.AdamW([p], lr=…, weight_decay=0.01)` in f64, PyTorch 2.15.
    #[test]
    fn adamw_is_pytorchs() {
        let device = Device::flex();
        let vector =
            |values: [f64; 3]| Tensor::<1>::from_data(TensorData::from(values), (&device, DType::F64));
        let mut theta = vector([0.5, -1.0, 2.0]);
        let mut optimizer = OptimizerState::AdamW(AdamW { weight_decay: 0.01 }, Box::default());
        let steps = [
            (0.01, [0.1, -0.2, 0.0], [0.489_950_000_999_999_9, -0.989_900_000_5, 1.9998]),
            (
                0.01,
                [0.3, 0.05, -1e-3],
                [0.480_723_195_220_459_03, -0.985_106_329_109_994_9, 2.007_041_283_026_631],
            ),
            (
                0.005,
                [-0.4, 0.2, 2.0],
                [0.481_006_164_047_362_57, -0.985_980_521_697_343_6, 2.003_748_300_722_400_6],
            ),
        ];
        for (lr, gradient, wanted) in steps {
            theta = optimizer.step(theta, vector(gradient), lr);
            let got: Vec<f64> = theta.clone().into_data().iter::<f64>().collect();
            assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?} {wanted:?}");
        }
    }

    #[test]
    fn schedules_end_where_they_should() {
        let factors = |schedule: Schedule| [0, 150, 299].map(|epoch| schedule.factor(epoch, 299));
        let near = |got: [f64; 3], wanted: [f64; 3]| {
            assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{got:?} {wanted:?}");
        };
        near(factors(Schedule::Cosine), [1.0, 0.5, 0.0]);
        near(factors(Schedule::SmoothedCosine), [1.0, 0.5 + 0.125f64.sqrt(), 0.502_618]);
        let step: Vec<usize> = (0..=1000).filter(|&epoch| Schedule::Step.forgets(epoch, 1000)).collect();
        assert_eq!(step, [502], "epoch 501 is trained before the step size is lowered");
        near([501, 502, 1000].map(|epoch| Schedule::Step.factor(epoch, 1000)), [1.0, 0.1, 0.1]);
        assert!((0..=1000).all(|epoch| !Schedule::Cosine.forgets(epoch, 1000)));
    }
}
