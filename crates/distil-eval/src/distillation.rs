use burn::tensor::Tensor;
use distil_augment::{CutMix, beta, mixing_order};
use distil_engine::Targets;
use distil_models::Network;
use distil_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Teacher;

/// How two images of a batch become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mix {
    /// Not at all.
    None,
    /// A box of one image is pasted into the other; its share of the area is 1 − λ before it is cut at the border
    /// (Yun et al. 2019).
    #[default]
    CutMix,
    /// λ of one and 1 − λ of the other (Zhang et al. 2018).
    Mixup,
}

/// Learning from a teacher's outputs instead of labels: the Kullback–Leibler divergence of the student's distribution from
/// the teacher's, both at one temperature, summed over classes, mean over the batch, **without** the factor T² that Hinton's
/// has. The teacher sees the very images that the student sees, mixed ones too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Distillation {
    /// T: outputs are divided by it before the softmax (published: 20; with mixup 4).
    pub temperature: f64,
    /// How images of a batch are mixed (published: CutMix).
    pub mix: Mix,
    /// λ is drawn from Beta(alpha, alpha), once a batch (published: 1; with mixup 0.8).
    pub mix_alpha: f64,
    /// What the teacher's batch norms normalise by (published: running statistics; SRe2L's code on CIFAR never leaves training
    /// mode). Without batch norms it changes nothing.
    #[serde(skip_serializing_if = "is_running")]
    pub teacher_norms: Norms,
}

/// Where the means and variances of batch norms come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Norms {
    /// Those kept from training.
    #[default]
    Running,
    /// Those of the batch at hand, all of it at once.
    Batch,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_running(norms: &Norms) -> bool {
    *norms == Norms::Running
}

impl Default for Distillation {
    fn default() -> Self {
        Self { temperature: 20.0, mix: Mix::CutMix, mix_alpha: 1.0, teacher_norms: Norms::Running }
    }
}

impl Distillation {
    /// A batch of images `[n, c, h, w]` mixed with itself in another order.
    pub(crate) fn mixed(&self, images: Tensor<4>, rng: &mut Stream) -> Tensor<4> {
        if self.mix == Mix::None {
            return images;
        }
        if self.mix == Mix::CutMix {
            return CutMix::of(images, self.mix_alpha, rng).images;
        }
        let others = images.clone().select(0, mixing_order(&images, rng));
        let lambda = beta(self.mix_alpha, rng);
        images * lambda + others * (1.0 - lambda)
    }

    /// The teacher's distribution at the temperature, as targets.
    pub(crate) fn targets(&self, teacher: &Teacher, images: &Tensor<4>) -> Targets {
        Targets::Soft(teacher.logits(images, self.teacher_norms) / self.temperature)
    }
}

/// A softmax at temperature T is one of a network whose classifier is divided by T. `theta` `[P]` with its classifier times
/// `factor`; the chain rule asks for the same of gradients.
pub(crate) fn with_classifier(net: &Network, theta: Tensor<1>, factor: f64) -> Tensor<1> {
    let (all, head) = (net.layout().params(), net.classifier_params());
    let body = theta.clone().narrow(0, 0, all - head);
    Tensor::cat(vec![body, theta.narrow(0, all - head, head) * factor], 0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};
    use distil_engine::{At, Engine};
    use distil_models::{ConvNet, ResNet18};
    use distil_random::stream;

    use super::*;

    /// `F.kl_div(log_softmax(s / 4, 1), softmax(t / 4, 1), reduction="batchmean")` of PyTorch 2.15.
    #[test]
    fn the_loss_is_pytorchs_divergence_but_for_the_teachers_entropy() {
        let device = Device::flex();
        let tensor = |values: [f64; 6]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [2, 3]), (&device, DType::F64))
        };
        let (teacher, student) =
            (tensor([1.0, 2.0, 0.5, 0.0, -1.0, 3.0]), tensor([0.2, 0.1, -0.3, 1.0, 0.0, 0.5]));
        let targets = Targets::Soft(teacher.clone() / 4.0).probabilities();
        let log = |x: Tensor<2>| burn::tensor::activation::log_softmax(x / 4.0, 1);
        let sum = |x: Tensor<2>| x.sum().into_data().iter::<f64>().sum::<f64>();
        let cross_entropy = -sum(targets.clone() * log(student)) / 2.0;
        let entropy = -sum(targets * log(teacher)) / 2.0;
        assert!((cross_entropy - entropy - 0.051_663_793_623_447_42).abs() < 1e-7);
    }

    #[test]
    fn a_divided_classifier_divides_the_outputs() {
        let engine = Engine::new(Device::flex());
        let resnet = ResNet18 { base_width: 4, ..ResNet18::new(1, 3, 16, 16) };
        for net in
            [Network::from(ConvNet::new(1, 3, 16, 16).with_width(4).with_depth(2)), Network::from(resnet)]
        {
            let theta = net.theta(&net.init(&mut stream(1, "test", 0)), engine.device());
            let buffers = net.buffers(&net.init_buffers(), engine.device());
            let values: Vec<f32> = (0..512).map(|i| (i as f32 * 0.7).sin()).collect();
            let images = Tensor::<4>::from_data(TensorData::new(values, [2, 1, 16, 16]), engine.device());
            let values = |x: Tensor<2>| x.into_data().iter::<f32>().collect::<Vec<f32>>();
            let logits = |theta: &Tensor<1>| engine.logits(At::evaluation(&net, theta, &buffers), &images);
            let wanted = values(logits(&theta) / 8.0);
            let divided = with_classifier(&net, theta, 0.125);
            assert_eq!(values(logits(&divided)), wanted, "eighths are exact");
        }
    }

    #[test]
    fn mixed_images_are_of_two() {
        let device = Device::flex();
        let values: Vec<f32> = (0..4 * 36).map(|i| (i / 36) as f32).collect();
        let images = Tensor::<4>::from_data(TensorData::new(values, [4, 1, 6, 6]), &device);
        let pixels = |mix, index| {
            let distillation = Distillation { mix, ..Distillation::default() };
            let mixed = distillation.mixed(images.clone(), &mut stream(5, "test", index));
            mixed.into_data().iter::<f32>().collect::<Vec<f32>>()
        };
        assert_eq!(pixels(Mix::None, 0), images.clone().into_data().iter::<f32>().collect::<Vec<f32>>());
        let (mut pasted, mut blended) = (0, 0);
        for index in 0..20 {
            for (row, image) in pixels(Mix::CutMix, index).chunks(36).enumerate() {
                let others: Vec<f32> = image.iter().copied().filter(|&p| p != row as f32).collect();
                assert!(others.windows(2).all(|pair| pair[0] == pair[1]), "one other image");
                pasted += others.len();
            }
            let mixup = pixels(Mix::Mixup, index);
            assert!(mixup.chunks(36).all(|image| image.iter().all(|p| *p == image[0])));
            blended += mixup.iter().filter(|p| p.fract() != 0.0).count();
        }
        assert!((400..1600).contains(&pasted) && blended > 500, "{pasted} {blended}");
    }
}
