use burn::tensor::Tensor;
use distil_engine::{At, Loss, LossGradient};
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, adjoint, unroll};
use distil_random::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Bounds, Cost, Distiller, Inputs, Method, MethodError, Objective, Passes, StepError, StepOutcome, real,
    refuse_out_of_range, refuse_zero, schedule,
};

/// Dataset and label distillation (Wang et al. 2018; Bohdal et al. 2020): a new network is trained for N steps on the
/// set, and its loss on real images is differentiated through that training, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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

impl Objective for Unrolled {
    type State = ();

    fn check(&self, _method: &Method, _epochs: usize) -> Result<(), MethodError> {
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

    fn cost(&self, images: usize, _classes: usize) -> Cost {
        let Self { syn_steps, batch_real, .. } = *self;
        let batch_syn = self.batch(images);
        let each = (syn_steps as u64).saturating_mul(batch_syn as u64);
        let passes =
            Passes { plain: each.saturating_add(batch_real as u64), dual: each, ..Passes::default() };
        Cost { batch_syn, syn_steps, batch_real, passes, products: Differentiation::Exact }
    }

    fn step(
        &self,
        _own: &mut (),
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        let Inputs { method, net, seed, engine, .. } = *inputs;
        let learned = &distiller.learned;
        let set = InnerSet::new(distiller.images().clone(), distiller.targets().clone());
        let images = distiller.targets().len();
        let (sides, key) = (net.sides(), (seed, distiller.iteration));
        let batch = self.batch(images);
        let steps = schedule::inner_steps(images, batch, self.syn_steps, sides, &method.augmentation, key);
        let (syn_lr, momentum, micro_batch) = (learned.syn_lr, self.momentum, method.micro_batch);
        let inner = InnerLoop { engine, net, set: &set, steps: &steps, syn_lr, momentum, micro_batch };
        let start = net.init(&mut stream(seed, "unrolled-network", distiller.iteration));
        let thetas = unroll(&inner, net.theta(&start, engine.device()));
        let LossGradient { loss, gradient, .. } = self.outer(&thetas[self.syn_steps], distiller, inputs);
        let loss = f64::from(loss.into_scalar::<f32>());
        let gradient = match method.refuses(loss) {
            Some(status) => Err(status),
            None => Ok(adjoint(&inner, &thetas, gradient, Differentiation::Exact)),
        };
        let status = distiller.apply_gradient(gradient, method);
        Ok(distiller.outcome(loss, status))
    }
}

impl Unrolled {
    /// The loss of the trained network on real images, and λ_N.
    fn outer(&self, theta: &Tensor<1>, distiller: &Distiller, inputs: &Inputs<'_>) -> LossGradient {
        let Inputs { method, net, dataset, seed, engine, .. } = *inputs;
        let rows =
            real::sample(dataset.train.len(), self.batch_real, (seed, "outer-batch", distiller.iteration));
        let loss = Loss::from(real::targets(dataset, &rows, engine.device()));
        engine.gradient(At::training(net, theta), &loss, rows.len(), method.micro_batch, |range| {
            real::images(&dataset.train, &rows[range], engine.device())
        })
    }

    /// Images of one inner step on a set of `images`.
    fn batch(&self, images: usize) -> usize {
        self.batch_syn.map_or(images, |batch| batch.min(images))
    }
}
