use burn::tensor::Tensor;
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Engine, Loss};
use distil_hypergrad::mixed;
use distil_models::Network;

/// Images with what they are compared with, and how the network sees them.
#[derive(Debug, Clone)]
pub struct EffectBatch {
    /// Images `[n, c, h, w]`; at least one.
    pub images: Tensor<4>,
    /// What their outputs are compared with.
    pub loss: Loss,
    /// Augmentation parameters, one an image.
    pub augmentation: Augmentation,
}

/// The effect of training on synthetic instead of real images (EAD eq. 5 and 7): how differently the two lower the
/// loss of a probe, to first order, summed over checkpoints of one training.
#[derive(Debug)]
pub struct Effect<'a> {
    /// Where to compute.
    pub engine: &'a Engine,
    /// The network; batch norms use each batch's own statistics.
    pub net: &'a Network,
    /// P: the images whose loss counts.
    pub probe: &'a EffectBatch,
    /// D: what is replaced.
    pub real: &'a EffectBatch,
    /// S: what replaces it.
    pub synthetic: &'a EffectBatch,
    /// What the real part is multiplied with: 1 for mean losses.
    pub coefficient: f64,
    /// The most images alive at a time, on each CPU thread.
    pub micro_batch: usize,
}

/// An effect and its gradient.
#[derive(Debug, Clone)]
pub struct EffectLoss {
    /// ⟨g_P, coefficient·g_D − g_S⟩ at each checkpoint, times its weight.
    pub terms: Vec<f64>,
    /// |Σ terms|.
    pub loss: f64,
    /// ∂loss/∂images of S, before augmentation.
    pub images: Tensor<4>,
    /// ∂loss/∂label logits of S, for soft targets.
    pub labels: Option<Tensor<2>>,
}

impl Effect<'_> {
    /// |Σ_t weight_t · ⟨g_P(θ_t), coefficient·g_D(θ_t) − g_S(θ_t)⟩| and its gradient with respect to S, where every g is
    /// that of a mean loss. g_P and g_D are constants; nothing is unrolled, and one θ_t is held at a time.
    ///
    /// `checkpoints` yields θ_t `[P]` and weight_t (η_t, or 1 where all are the same). At 0 the gradient is 0.
    pub fn loss(&self, checkpoints: impl IntoIterator<Item = (Tensor<1>, f64)>) -> EffectLoss {
        let mut terms = Vec::new();
        let mut images = self.synthetic.images.zeros_like();
        let mut labels = self.synthetic.loss.learnable().map(Tensor::zeros_like);
        for (theta, weight) in checkpoints {
            let probe = self.gradient(&theta, self.probe);
            let real = scalar((probe.clone() * self.gradient(&theta, self.real)).sum());
            let EffectBatch { images: x, loss, augmentation } = self.synthetic;
            let (at, batch) = (At::training(self.net, &theta), Batch { images: x, loss, augmentation });
            let found = mixed(self.engine, at, &batch, &probe, self.micro_batch);
            terms.push(weight * (self.coefficient * real - scalar(found.slope)));
            images = images + found.images * weight;
            labels = labels.zip(found.labels).map(|(sum, part)| sum + part * weight);
        }
        let sum: f64 = terms.iter().sum();
        // Of −Σ weight·⟨g_P, g_S⟩, in the direction in which |sum| grows.
        let sign = if sum == 0.0 { 0.0 } else { -sum.signum() };
        EffectLoss { terms, loss: sum.abs(), images: images * sign, labels: labels.map(|l| l * sign) }
    }

    /// ∇_θ of the batch's mean loss.
    fn gradient(&self, theta: &Tensor<1>, batch: &EffectBatch) -> Tensor<1> {
        let rows = |range: std::ops::Range<usize>| {
            batch.augmentation.slice(range.clone()).apply(batch.images.clone().slice([range]))
        };
        let (at, n) = (At::training(self.net, theta), batch.images.dims()[0]);
        self.engine.gradient(at, &batch.loss, n, self.micro_batch, rows).gradient
    }
}

/// The value of a tensor of one element.
fn scalar(tensor: Tensor<1>) -> f64 {
    tensor.into_data().iter::<f64>().sum()
}
