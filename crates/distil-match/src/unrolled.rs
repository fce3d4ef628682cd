use burn::tensor::Tensor;
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, adjoint, unroll};
use distil_models::{LossGradient, loss_and_gradient_of};
use distil_random::stream;
use distil_store::LabelKind;
use serde::{Deserialize, Serialize};

use crate::method::{Bounds, refuse_out_of_range, refuse_zero};
use crate::objective::Passes;
use crate::{Distiller, Ingredients, Init, Method, MethodError, Objective, StepOutcome, real, schedule};

/// Dataset and label distillation (Wang et al. 2018; Bohdal et al. 2020): a new network is trained for N steps on the
/// set, and its loss on real images is differentiated through that training, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unrolled {
    /// Inner SGD steps N of a new network.
    pub syn_steps: usize,
    /// Momentum of these steps (0 in both papers; 0.9 in Deng & Russakovsky 2022, "remember the past").
    pub momentum: f64,
    /// Synthetic images of one inner step; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_syn: Option<usize>,
    /// Real training images that an outer loss is taken on, drawn without replacement in every iteration.
    pub batch_real: usize,
}

impl Unrolled {
    /// One iteration.
    pub(crate) fn step(&self, state: &mut Distiller, with: &Ingredients<'_>) -> StepOutcome {
        let Ingredients { method, net, seed, device, .. } = *with;
        let learned = &state.learned;
        let set = InnerSet { images: learned.images.clone(), targets: learned.targets.clone() };
        let images = set.targets.len();
        let (sides, key) = ((net.height, net.image_width), (seed, state.iteration));
        let batch = self.batch(images);
        let steps = schedule::inner_steps(images, batch, self.syn_steps, sides, &method.augmentation, key);
        let (syn_lr, momentum, micro_batch) = (learned.syn_lr, self.momentum, method.micro_batch);
        let inner = InnerLoop { net, set: &set, steps: &steps, syn_lr, momentum, micro_batch };
        let start = net.init(&mut stream(seed, "unrolled-network", state.iteration));
        let thetas = unroll(&inner, net.theta(&start, device));
        let LossGradient { loss, gradient } = self.outer(&thetas[self.syn_steps], state, with);
        let loss = f64::from(loss.into_scalar::<f32>());
        let gradient = match method.refuses(loss) {
            Some(verdict) => Err(verdict),
            None => Ok(adjoint(&inner, &thetas, gradient, Differentiation::Exact)),
        };
        let verdict = state.follow(gradient, method);
        state.outcome(loss, verdict)
    }

    /// The loss of the trained network on real images, and λ_N.
    fn outer(&self, theta: &Tensor<1>, state: &Distiller, with: &Ingredients<'_>) -> LossGradient {
        let Ingredients { method, net, dataset, seed, device, .. } = *with;
        let rows = real::sample(dataset.train.len(), self.batch_real, (seed, "outer-batch", state.iteration));
        loss_and_gradient_of(net, theta, rows.len(), method.micro_batch, |range| {
            real::labelled(dataset, &rows[range], device)
        })
    }

    /// Images of one inner step on a set of `images`.
    pub(crate) fn batch(&self, images: usize) -> usize {
        self.batch_syn.map_or(images, |batch| batch.min(images))
    }

    /// What one iteration on a set of `images` computes.
    pub(crate) fn passes(&self, images: usize) -> Passes {
        let each = (self.syn_steps as u64).saturating_mul(self.batch(images) as u64);
        Passes { plain: each.saturating_add(self.batch_real as u64), dual: each, ..Passes::default() }
    }

    pub(crate) fn check(&self) -> Result<(), MethodError> {
        refuse_zero(&[
            ("syn_steps", self.syn_steps as u64),
            ("batch_syn", self.batch_syn.unwrap_or(1) as u64),
            ("batch_real", self.batch_real as u64),
        ])?;
        refuse_out_of_range(&[
            ("syn_steps", self.syn_steps as f64, Bounds::Steps),
            ("momentum", self.momentum, Bounds::Momentum),
        ])
    }
}

impl Method {
    /// Dataset distillation (Wang et al. 2018): images and the inner step size are learned, from noise, for networks
    /// with random weights. The number of steps and the batch are the paper's order of magnitude; our optimiser is SGD
    /// where the paper's is Adam, so the step sizes are ours.
    pub fn dd() -> Self {
        let objective = Unrolled { syn_steps: 10, momentum: 0.0, batch_syn: None, batch_real: 1024 };
        Self {
            iterations: 5000,
            init: Init::Noise,
            image_lr: 100.0,
            syn_lr: 0.02,
            syn_lr_lr: 1e-5,
            ..Self::plain(Objective::Unrolled(objective))
        }
    }

    /// Label distillation (Bohdal et al. 2020): real images stay as they are, their labels alone are learned. The step
    /// size is ours, as in [`Method::dd`]; a few times larger, it diverges.
    pub fn ld() -> Self {
        Self {
            init: Init::Real,
            labels: LabelKind::Soft,
            image_lr: 0.0,
            label_lr: 5.0,
            label_momentum: 0.5,
            syn_lr_lr: 0.0,
            ..Self::dd()
        }
    }
}
