use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{Loss, Targets};
use distil_hypergrad::{Differentiation, Hypergradient};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Bounds, Cost, Distiller, Effect, EffectBatch, EffectLoss, Inputs, Method, MethodError, Objective, Passes,
    Small, StepError, StepOutcome, Window, real, refuse_out_of_range, refuse_zero, schedule,
};

/// Effect alignment (EAD): training on the set must lower the loss of real images as training on real images does,
/// estimated without training, from gradients at checkpoints of an expert.
///
/// The paper prints none of these values but in words; those of its preset are ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectAlignment {
    /// Checkpoints t_m of one expert that an iteration sums over; each costs three gradients.
    pub checkpoints: usize,
    /// The epochs t they are drawn from, without replacement; `max` is at most the experts' epochs plus 1.
    pub window: Window,
    /// Synthetic images S_t of one iteration; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_syn: Option<usize>,
    /// Real images D_p whose loss counts.
    pub batch_probe: usize,
    /// Real images D_t that the synthetic ones replace.
    pub batch_real: usize,
    /// What the real part is multiplied with.
    pub coefficient: Coefficient,
    /// Weight η_t of every epoch from 0 on; without them, all weigh 1, as is right for experts of a constant step size.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
}

/// 1 − α of EAD's eq. 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Coefficient {
    /// 1: what the derivation gives for mean losses.
    One,
    /// 2 − |D|/|S|, as printed: α = (|G|−|A|)/(|D|−|G|+|A|) with G = D, A = S. For sets smaller than half the data it
    /// is negative, and the set is driven to undo what real images do. For comparison only.
    Printed,
}

impl Coefficient {
    /// Its value for `real` images and a set of `synthetic`.
    pub fn value(self, real: usize, synthetic: usize) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Printed => 2.0 - real as f64 / synthetic as f64,
        }
    }
}

impl Objective for EffectAlignment {
    type State = ();

    fn check(&self, _method: &Method, epochs: usize) -> Result<(), MethodError> {
        refuse_zero(&[
            ("checkpoints", self.checkpoints as u64),
            ("batch_syn", self.batch_syn.unwrap_or(1) as u64),
            ("batch_probe", self.batch_probe as u64),
            ("batch_real", self.batch_real as u64),
        ])?;
        let weights: Vec<_> = self.weights.iter().map(|&weight| ("weights", weight, Bounds::Rate)).collect();
        refuse_out_of_range(&weights)?;
        let Window { min, max, initial_max, .. } = self.window;
        let narrowest = initial_max.unwrap_or(max).min(max);
        if narrowest <= min {
            return Err(MethodError::EmptyWindow { min, max: narrowest });
        }
        if self.checkpoints > narrowest - min {
            return Err(MethodError::FewEpochs { checkpoints: self.checkpoints, epochs: narrowest - min });
        }
        if max - 1 > epochs {
            return Err(MethodError::ShortTrajectory { max, needed: max - 1, epochs });
        }
        if !self.weights.is_empty() && self.weights.len() < max {
            return Err(MethodError::FewWeights { given: self.weights.len(), needed: max });
        }
        Ok(())
    }

    fn cost(&self, images: usize, _classes: usize) -> Cost {
        let (batch_syn, batch_real) = (self.batch(images), self.batch_real());
        let each = |images: usize| (self.checkpoints as u64).saturating_mul(images as u64);
        let passes = Passes { plain: each(batch_real), dual: each(batch_syn), ..Passes::default() };
        // Products without a Hessian, as TESLA's.
        Cost { batch_syn, syn_steps: 0, batch_real, passes, products: Differentiation::Truncated }
    }

    fn needs_experts(&self) -> bool {
        true
    }

    fn reduced(self, small: &Small) -> Self {
        Self {
            checkpoints: 1,
            window: small.window(self.window, small.expert_epochs[0] + 1),
            batch_syn: small.batch_syn(self.batch_syn),
            batch_probe: small.batch_real,
            batch_real: small.batch_real,
            weights: Vec::new(),
            ..self
        }
    }

    fn step(
        &self,
        _own: &mut (),
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        let experts = inputs.experts()?;
        let expert = schedule::expert(&experts.numbers, inputs.seed, distiller.iteration);
        let trajectory = experts.store.expert(expert)?;
        let images = distiller.images().dims()[0];
        let rows =
            real::sample(images, self.batch(images), (inputs.seed, "synthetic-batch", distiller.iteration));
        let epochs = schedule::checkpoints(self.window, self.checkpoints, inputs.seed, distiller.iteration);
        let checkpoints = epochs.into_iter().map(|epoch| {
            let weight = self.weights.get(epoch).copied().unwrap_or(1.0);
            (inputs.net.theta(trajectory.snapshot(epoch), inputs.device()), weight)
        });
        let found = self.effect(distiller, inputs, &rows, checkpoints);
        let loss = found.loss;
        let gradient = match inputs.method.refuses(loss) {
            Some(status) => Err(status),
            None => Ok(scattered(found, distiller, &rows, inputs.device())),
        };
        let status = distiller.apply_gradient(gradient, inputs.method);
        Ok(StepOutcome { expert: Some(expert), ..distiller.outcome(loss, status) })
    }
}

impl EffectAlignment {
    /// The loss of the rows of the set against two batches of real images. Real and synthetic images are augmented
    /// alike (one operation, parameters for each image); the probe stands for the images that a student is tested on
    /// and is not.
    fn effect(
        &self,
        distiller: &Distiller,
        inputs: &Inputs<'_>,
        rows: &[usize],
        checkpoints: impl Iterator<Item = (Tensor<1>, f64)>,
    ) -> EffectLoss {
        let Inputs { method, net, dataset, seed, engine, .. } = inputs;
        let device = engine.device();
        let train = dataset.train.len();
        let batch = |purpose, count| {
            let (images, targets) = real::labelled(
                dataset,
                &real::sample(train, count, (*seed, purpose, distiller.iteration)),
                device,
            );
            EffectBatch { images, loss: targets.into(), augmentation: Augmentation::None }
        };
        let probe = batch("probe-batch", self.batch_probe);
        let real = batch("real-batch", self.batch_real);
        let most = rows.len().max(real.images.dims()[0]);
        let mut rng = distil_random::stream(*seed, "augmentation", distiller.iteration);
        let (height, width) = net.sides();
        let drawn = method.augmentation.draw(most, height, width, &mut rng);
        let real = EffectBatch { augmentation: drawn.slice(0..real.images.dims()[0]), ..real };
        let index = index(rows, device);
        let synthetic = EffectBatch {
            images: distiller.images().clone().select(0, index.clone()),
            loss: Loss::from(distiller.targets().clone()).select(&index),
            augmentation: drawn.slice(0..rows.len()),
        };
        let coefficient = self.coefficient.value(train, distiller.images().dims()[0]);
        let (probe, real, synthetic) = (&probe, &real, &synthetic);
        let effect =
            Effect { engine, net, probe, real, synthetic, coefficient, micro_batch: method.micro_batch };
        effect.loss(checkpoints)
    }

    /// Synthetic images of one iteration on a set of `images`.
    fn batch(&self, images: usize) -> usize {
        self.batch_syn.map_or(images, |batch| batch.min(images))
    }

    /// Real images of one iteration.
    fn batch_real(&self) -> usize {
        self.batch_probe.saturating_add(self.batch_real)
    }
}

/// The gradient of some rows as one of the whole set.
fn scattered(found: EffectLoss, distiller: &Distiller, rows: &[usize], device: &Device) -> Hypergradient {
    let add = IndexingUpdateOp::Add;
    let images = distiller.images().zeros_like();
    let labels = match distiller.targets() {
        Targets::Soft(logits) => Some(logits.zeros_like()),
        Targets::Hard(_) => None,
    };
    Hypergradient {
        images: images.select_assign(0, index(rows, device), found.images, add),
        labels: labels
            .zip(found.labels)
            .map(|(zeros, part)| zeros.select_assign(0, index(rows, device), part, add)),
        syn_lr: 0.0,
        theta: None,
    }
}

fn index(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    Tensor::from_data(TensorData::from(rows.as_slice()), device)
}
