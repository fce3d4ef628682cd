use burn::tensor::Tensor;
use distil_engine::Targets;
use distil_hypergrad::{Hypergradient, Sgd, SgdState};

use crate::Method;
use crate::distiller::squares_are_finite;

/// The most the inner step size may change in one iteration: a factor of two either way.
const STEP_LIMIT: f64 = std::f64::consts::LN_2;

/// Everything that distillation learns, with the state of its optimisers.
#[derive(Debug, Clone)]
pub(crate) struct Learned {
    /// Images `[n, c, h, w]`.
    pub(crate) images: Tensor<4>,
    /// Hard targets, or learned logits `[n, k]`.
    pub(crate) targets: Targets,
    /// Inner step size; positive.
    pub(crate) syn_lr: f64,
    pub(crate) image_state: SgdState<4>,
    pub(crate) label_state: SgdState<2>,
    /// Momentum buffer of the inner step size.
    pub(crate) syn_lr_buffer: f64,
    /// Moving average of the images, where the method keeps one.
    pub(crate) ema: Option<Tensor<4>>,
}

impl Learned {
    /// The start: no momentum, and an average that equals the images.
    pub(crate) fn new(images: Tensor<4>, targets: Targets, method: &Method) -> Self {
        Self {
            ema: (method.ema > 0.0).then(|| images.clone()),
            images,
            targets,
            syn_lr: method.syn_lr,
            image_state: SgdState::default(),
            label_state: SgdState::default(),
            syn_lr_buffer: 0.0,
        }
    }

    /// Whether images and learned labels are numbers that a network can work with.
    pub(crate) fn is_finite(&self) -> bool {
        let labels = match &self.targets {
            Targets::Soft(logits) => squares_are_finite(logits),
            Targets::Hard(_) => true,
        };
        labels && squares_are_finite(&self.images)
    }

    /// One outer step along the hypergradient.
    pub(crate) fn update(self, gradient: Hypergradient, method: &Method) -> Self {
        let sgd = |momentum| Sgd { momentum, weight_decay: 0.0 };
        let (images, image_state) = sgd(method.objective.image_momentum(method.image_momentum)).update(
            self.images,
            gradient.images,
            method.image_lr,
            self.image_state,
        );
        let (targets, label_state) = match (self.targets, gradient.labels) {
            (Targets::Soft(logits), Some(labels)) => {
                let optimiser = sgd(method.label_momentum);
                let (logits, state) = optimiser.update(logits, labels, method.label_lr, self.label_state);
                (Targets::Soft(logits), state)
            }
            (targets, _) => (targets, self.label_state),
        };
        let syn_lr_buffer = method.syn_lr_momentum * self.syn_lr_buffer + gradient.syn_lr;
        let ema = self.ema.map(|ema| ema * method.ema + images.clone() * (1.0 - method.ema));
        Self {
            syn_lr: positive_step(self.syn_lr, method.syn_lr_lr * syn_lr_buffer),
            images,
            targets,
            image_state,
            label_state,
            syn_lr_buffer,
            ema,
        }
    }
}

/// a·exp(−step/a): the published step a − step to first order, but positive whatever the step is. The
/// published update crosses zero and crashes (or explodes) on data it was not tuned for.
fn positive_step(a: f64, step: f64) -> f64 {
    let moved = a * (-step / a).clamp(-STEP_LIMIT, STEP_LIMIT).exp();
    // Sets store it in f32.
    moved.clamp(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX))
}

#[cfg(test)]
mod tests {
    use super::positive_step;

    #[test]
    fn step_size_follows_sgd_and_stays_positive() {
        assert!((positive_step(0.01, 1e-6) - (0.01 - 1e-6)).abs() < 1e-10);
        assert!((positive_step(0.01, -1e-6) - (0.01 + 1e-6)).abs() < 1e-10);
        assert!((positive_step(0.01, 5.0) - 0.005).abs() < 1e-15);
        assert!((positive_step(0.01, -5.0) - 0.02).abs() < 1e-15);
    }
}
