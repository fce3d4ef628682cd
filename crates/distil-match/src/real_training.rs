use burn::tensor::Tensor;
use distil_augment::{CutMix, Operation};
use distil_engine::{At, Loss, Targets};
use distil_random::{stream, unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gradient::Student;
use crate::{Inputs, real};

/// Training of the network on real images between two steps of the set, where other methods train it on the set (IDC, DREAM); under
/// the run's augmentation, each image for itself, without cutout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RealTraining {
    /// Real images of one pass (published: 2000; Tiny-ImageNet 1000).
    pub images: usize,
    /// Weight decay (published: 0.0005).
    pub weight_decay: f64,
    /// Chance that a batch is mixed by `CutMix`, images and labels (published: 0.5).
    pub cutmix: f64,
}

impl Default for RealTraining {
    fn default() -> Self {
        Self { images: 2000, weight_decay: 5e-4, cutmix: 0.5 }
    }
}

impl RealTraining {
    /// One pass over some real images in batches of `batch`, at step size `lr` with `momentum`; `step` keys the random numbers.
    pub(crate) fn pass(
        &self,
        student: Student,
        (lr, momentum, batch): (f64, f64, usize),
        step: u64,
        inputs: &Inputs<'_>,
    ) -> Student {
        let Inputs { method, net, dataset, seed, engine, .. } = *inputs;
        let rows = real::sample(dataset.train.len(), self.images, (seed, "real-training", step));
        let mut rng = stream(seed, "real-training-batches", step);
        // Boxes of another image take the place of holes.
        let augmentation = method.augmentation.clone().without(Operation::Cutout);
        let (height, width) = net.sides();
        rows.chunks(batch).fold(student, |Student { theta, buffers, velocity }, rows| {
            let (images, targets) = real::labelled(dataset, rows, engine.device());
            let images = augmentation.draw(rows.len(), height, width, &mut rng).apply(images);
            let (images, loss) = if f64::from(unit(&mut rng)) < self.cutmix {
                mixed(images, &targets, &mut rng)
            } else {
                (images, Loss::from(targets))
            };
            let at = At::training(net, &theta);
            let each = |range| images.clone().slice([range]);
            let found = engine.gradient(at, &loss, rows.len(), method.micro_batch, each);
            let buffers = net.running(&buffers, &found.batch, rows.len());
            let decayed = found.gradient + theta.clone() * self.weight_decay;
            let direction = match velocity {
                Some(velocity) => velocity * momentum + decayed,
                None => decayed,
            };
            let theta = theta - direction.clone() * lr;
            Student { theta, buffers, velocity: (momentum > 0.0).then_some(direction) }
        })
    }
}

/// Images mixed by `CutMix` with λ from Beta(1, 1), and the loss of labels in the same shares.
fn mixed(images: Tensor<4>, targets: &Targets, rng: &mut distil_random::Stream) -> (Tensor<4>, Loss) {
    let CutMix { images, order, kept } = CutMix::of(images, 1.0, rng);
    let own = targets.probabilities();
    let labels = own.clone() * kept + own.select(0, order) * (1.0 - kept);
    (images, Loss::from(Targets::Hard(labels)))
}
