use std::f64::consts::PI;

use burn::tensor::{Device, Tensor};
use distil_hypergrad::{AdamState, AdamW, Sgd, SgdState};
use distil_models::Network;
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
    /// × 0.2 after two thirds of the epochs, and again after five sixths (IDC).
    TwoSteps,
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
            Self::TwoSteps if 6 * epoch >= 5 * (last + 1) => 0.2 * 0.2,
            Self::TwoSteps if 3 * epoch >= 2 * (last + 1) => 0.2,
            Self::TwoSteps => 1.0,
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

/// Which parameters weight decay is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decayed {
    /// All of them.
    #[default]
    All,
    /// Tensors of more than one dimension: neither biases nor norms (the public code of RDED and of SRe2L on `ImageNet`).
    Matrices,
}

/// An optimiser with what it remembers.
#[derive(Debug)]
pub(crate) struct OptimizerState {
    kind: Kind,
    /// 1 for each scalar that weight decay is for; all where there is none.
    decayed: Option<Tensor<1>>,
}

#[derive(Debug)]
enum Kind {
    Sgd(Sgd, Box<SgdState<1>>),
    AdamW(AdamW, Box<AdamState<1>>),
}

impl OptimizerState {
    /// That of a protocol for a network, before its first step.
    pub(crate) fn of(protocol: &Protocol, net: &Network, device: &Device) -> Self {
        let weight_decay = protocol.weight_decay;
        let decayed = match protocol.decayed {
            Decayed::All => None,
            Decayed::Matrices => Some(net.theta(&net.layout().matrices(), device)),
        };
        let kind = match protocol.optimiser {
            Optimiser::Sgd => Kind::Sgd(Sgd { momentum: protocol.momentum, weight_decay }, Box::default()),
            Optimiser::AdamW => Kind::AdamW(AdamW { weight_decay, ..AdamW::default() }, Box::default()),
        };
        Self { kind, decayed }
    }

    /// θ `[P]` after one step with step size `lr`.
    pub(crate) fn step(&mut self, theta: Tensor<1>, gradient: Tensor<1>, lr: f64) -> Tensor<1> {
        let decayed = self.decayed.as_ref();
        match &mut self.kind {
            Kind::Sgd(sgd, state) => {
                let (sgd, gradient) = match decayed {
                    None => (*sgd, gradient),
                    Some(mask) => {
                        let shrinks = theta.clone() * mask.clone() * sgd.weight_decay;
                        (Sgd { weight_decay: 0.0, ..*sgd }, gradient + shrinks)
                    }
                };
                let (theta, after) = sgd.update(theta, gradient, lr, std::mem::take(state.as_mut()));
                **state = after;
                theta
            }
            Kind::AdamW(adamw, state) => {
                let (theta, after) =
                    adamw.update(theta, gradient, lr, decayed, std::mem::take(state.as_mut()));
                **state = after;
                theta
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use distil_models::ConvNet;
    use distil_random::stream;

    use super::*;

    #[test]
    fn weight_decay_may_leave_biases_and_norms_alone() {
        let net = Network::from(ConvNet::new(1, 2, 8, 8).with_width(4).with_depth(1));
        let device = Device::flex();
        let start = net.theta(&net.init(&mut stream(1, "test", 0)), &device) + 1.0;
        let mask = net.layout().matrices();
        assert!(mask.contains(&0.0) && mask.contains(&1.0));
        let values = |x: &Tensor<1>| x.clone().into_data().iter::<f32>().collect::<Vec<f32>>();
        for optimiser in [Optimiser::Sgd, Optimiser::AdamW] {
            for decayed in [Decayed::All, Decayed::Matrices] {
                let protocol = Protocol { optimiser, decayed, weight_decay: 0.5, ..Protocol::default() };
                let mut state = OptimizerState::of(&protocol, &net, &device);
                let after = state.step(start.clone(), start.zeros_like(), 0.1);
                for ((after, before), is_matrix) in values(&after).iter().zip(values(&start)).zip(&mask) {
                    let shrinks = decayed == Decayed::All || *is_matrix > 0.0;
                    let wanted = if shrinks { before * 0.95 } else { before };
                    assert!((after - wanted).abs() < 1e-6, "{optimiser:?} {decayed:?}: {after} {wanted}");
                }
            }
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
        near([665, 666, 667].map(|epoch| Schedule::TwoSteps.factor(epoch, 999)), [1.0, 1.0, 0.2]);
        near([0, 833, 834].map(|epoch| Schedule::TwoSteps.factor(epoch, 999)), [1.0, 0.2, 0.04]);
        let step: Vec<usize> = (0..=1000).filter(|&epoch| Schedule::Step.forgets(epoch, 1000)).collect();
        assert_eq!(step, [502], "epoch 501 is trained before the step size is lowered");
        near([501, 502, 1000].map(|epoch| Schedule::Step.factor(epoch, 1000)), [1.0, 0.1, 0.1]);
        assert!((0..=1000).all(|epoch| !Schedule::Cosine.forgets(epoch, 1000)));
    }
}
