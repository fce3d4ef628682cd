use std::ops::Range;

use burn::tensor::{Device, Tensor};
use distil_random::Stream;
use serde::{Deserialize, Serialize};

use crate::pass::Pass;
use crate::stack::Stack;
use crate::{
    AlexNet, Arch, Arithmetic, ConvNet, EfficientNetLite, Layout, NetworkError, Plain, ResNet18, Vgg11,
    reduce_chunks,
};

/// Any network of this crate: an architecture with all its sizes.
///
/// Its state is two flat vectors: θ `[P]` of what is trained, and buffers `[B]` of running statistics, which is empty
/// unless it has batch norms. Both follow PyTorch's names and order.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use distil_models::{Network, ResNet18};
/// use distil_random::stream;
///
/// let net = Network::ResNet18(ResNet18 { base_width: 4, ..ResNet18::new(3, 10, 32, 32) });
/// let device = Device::flex();
/// let theta = net.theta(&net.init(&mut stream(0, "init", 0)), &device);
/// let buffers = net.buffers(&net.init_buffers(), &device);
/// let images = Tensor::<4>::ones([2, 3, 32, 32], &device);
/// let layer = net.cam_layers().iter().position(|name| name == "layer4").expect("a layer");
/// let map = net.activation(&theta, &buffers, images, layer);
/// assert_eq!(map.dims(), [2, 32, 4, 4]);
/// assert_eq!(net.logits_from(&theta, &buffers, map, layer).dims(), [2, 10]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "arch", rename_all = "lowercase")]
pub enum Network {
    /// The ConvNet that experts are.
    ConvNet(ConvNet),
    /// ResNet-18.
    ResNet18(ResNet18),
    /// VGG-11.
    Vgg11(Vgg11),
    /// AlexNet.
    AlexNet(AlexNet),
    /// EfficientNet-Lite.
    #[serde(rename = "efficientnet-lite")]
    EfficientNetLite(EfficientNetLite),
}

/// What a training forward pass gives.
#[derive(Debug, Clone)]
pub struct TrainingForward {
    /// Logits `[n, k]`.
    pub logits: Tensor<2>,
    /// Running statistics after the batch, `[B]`, without a graph.
    pub buffers: Tensor<1>,
}

/// How a forward pass is carried out.
enum Body<'a> {
    ConvNet(&'a ConvNet),
    Stack(Stack),
}

impl Network {
    /// Which architecture it is.
    pub fn arch(&self) -> Arch {
        match self {
            Self::ConvNet(_) => Arch::ConvNet,
            Self::ResNet18(_) => Arch::ResNet18,
            Self::Vgg11(_) => Arch::Vgg11,
            Self::AlexNet(_) => Arch::AlexNet,
            Self::EfficientNetLite(_) => Arch::EfficientNetLite,
        }
    }

    /// Channels, height and width of its images.
    pub fn image_shape(&self) -> [usize; 3] {
        match self {
            Self::ConvNet(net) => [net.channels, net.height, net.image_width],
            Self::ResNet18(net) => [net.channels, net.height, net.image_width],
            Self::Vgg11(net) => [net.channels, net.height, net.image_width],
            Self::AlexNet(net) => [net.channels, net.height, net.image_width],
            Self::EfficientNetLite(net) => [net.channels, net.height, net.image_width],
        }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        match self {
            Self::ConvNet(net) => net.classes,
            Self::ResNet18(net) => net.classes,
            Self::Vgg11(net) => net.classes,
            Self::AlexNet(net) => net.classes,
            Self::EfficientNetLite(net) => net.classes,
        }
    }

    /// Refuses sizes that cannot work. The other methods may panic on what this refuses.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and what would do.
    pub fn check(&self) -> Result<(), NetworkError> {
        match self {
            Self::ConvNet(net) => Ok(net.check()?),
            Self::ResNet18(net) => net.check(),
            Self::Vgg11(net) => net.check(),
            Self::AlexNet(net) => net.check(),
            Self::EfficientNetLite(net) => net.check(),
        }
    }

    /// Names and shapes of the trained tensors in θ.
    pub fn layout(&self) -> Layout {
        match self.body() {
            Body::ConvNet(net) => net.layout(),
            Body::Stack(stack) => stack.layout(),
        }
    }

    /// Names and shapes of the running statistics; no entry without batch norms.
    pub fn buffers_layout(&self) -> Layout {
        match self.body() {
            Body::ConvNet(_) => Layout::new(Vec::new()),
            Body::Stack(stack) => stack.buffers_layout(),
        }
    }

    /// Values of the largest feature map of one image, between layers.
    pub fn largest_map(&self) -> usize {
        match self.body() {
            Body::ConvNet(net) => net.map_sizes().max().unwrap_or(0),
            Body::Stack(stack) => stack.largest,
        }
    }

    /// Whether a batch's statistics enter its outputs, so that a batch cannot be computed in parts.
    pub fn has_batch_statistics(&self) -> bool {
        !self.buffers_layout().entries().is_empty()
    }

    /// PyTorch's default initialisation: weights and biases of convolutions and linear layers uniform in ±1/√(fan-in),
    /// scales 1, shifts 0. Length `P`.
    pub fn init(&self, rng: &mut Stream) -> Vec<f32> {
        match self.body() {
            Body::ConvNet(net) => net.init(rng),
            Body::Stack(stack) => stack.init(rng),
        }
    }

    /// Running statistics before training: means 0, variances 1. Length `B`.
    pub fn init_buffers(&self) -> Vec<f32> {
        match self.body() {
            Body::ConvNet(_) => Vec::new(),
            Body::Stack(stack) => stack.init_buffers(),
        }
    }

    /// Host parameters `[P]` as θ on `device`, in f32.
    ///
    /// # Panics
    /// When `params` does not have `P` scalars.
    pub fn theta(&self, params: &[f32], device: &Device) -> Tensor<1> {
        assert_eq!(params.len(), self.layout().params(), "parameters do not fit this network");
        Tensor::from_data(params, device)
    }

    /// Host buffers `[B]` on `device`, in f32.
    ///
    /// # Panics
    /// When `buffers` does not have `B` scalars.
    pub fn buffers(&self, buffers: &[f32], device: &Device) -> Tensor<1> {
        assert_eq!(buffers.len(), self.buffers_layout().params(), "buffers do not fit this network");
        Tensor::from_data(buffers, device)
    }

    /// Logits `[n, k]` of at least one image `[n, c, h, w]` in evaluation: batch norms use their running statistics. On the
    /// CPU all threads take chunks.
    pub fn logits(&self, theta: &Tensor<1>, buffers: &Tensor<1>, images: &Tensor<4>) -> Tensor<2> {
        match self.body() {
            Body::ConvNet(net) => net.logits(theta, images),
            Body::Stack(stack) => {
                let params = stack.layout().split(theta.clone());
                let buffers = split(&stack.buffers_layout(), buffers);
                let work = |rows: Range<usize>| {
                    let part = images.clone().slice([rows]);
                    stack.logits(&mut Pass::evaluation(&params, &buffers), part)
                };
                let n = images.dims()[0];
                let join = |a, b| Tensor::cat(vec![a, b], 0);
                reduce_chunks(n, n, &images.device(), work, join).expect("there are images")
            }
        }
    }

    /// Logits of a training batch, and the running statistics after it. `params` holds one 1-D tensor per layout entry.
    pub fn training_logits(
        &self,
        params: &[Tensor<1>],
        buffers: &Tensor<1>,
        images: Tensor<4>,
    ) -> TrainingForward {
        let stack = match self.body() {
            Body::ConvNet(net) => {
                let logits = net.forward::<Plain>(params, images);
                return TrainingForward { logits, buffers: buffers.clone() };
            }
            Body::Stack(stack) => stack,
        };
        let before = split(&stack.buffers_layout(), buffers);
        let mut pass = Pass::training(params, before);
        let logits = stack.logits(&mut pass, images);
        let after = pass.into_buffers();
        let buffers = if after.is_empty() { buffers.clone() } else { Tensor::cat(after, 0) };
        TrainingForward { logits, buffers }
    }

    /// Names of the activation maps, from input to output: `blocks.0` … of a ConvNet, `layer1` … `layer4` of ResNet-18, each
    /// convolution of VGG-11 and AlexNet, `stage1` … `stage7` and `head` of EfficientNet-Lite.
    pub fn cam_layers(&self) -> Vec<String> {
        match self.body() {
            Body::ConvNet(net) => (0..net.depth).map(|block| format!("blocks.{block}")).collect(),
            Body::Stack(stack) => stack.cams.into_iter().map(|(name, _)| name).collect(),
        }
    }

    /// The activation map `[n, channels, h, w]` of number `layer` of [`Network::cam_layers`], in evaluation: the output of that
    /// layer's ReLU, before any pool. Stages of EfficientNet-Lite end without one; its `head` has one.
    ///
    /// # Panics
    /// When there is no such layer.
    pub fn activation(
        &self,
        theta: &Tensor<1>,
        buffers: &Tensor<1>,
        images: Tensor<4>,
        layer: usize,
    ) -> Tensor<4> {
        let params = self.layout().split(theta.clone());
        match self.body() {
            Body::ConvNet(net) => {
                let before = (0..layer)
                    .fold(images, |x, block| net.pooled::<Plain>(net.block::<Plain>(&params, x, block)));
                net.block::<Plain>(&params, before, layer)
            }
            Body::Stack(stack) => {
                let buffers = split(&stack.buffers_layout(), buffers);
                stack.activation(&mut Pass::evaluation(&params, &buffers), images, layer)
            }
        }
    }

    /// Logits `[n, k]` from the activation map of number `layer` on: of [`Network::activation`], these are the images' logits.
    ///
    /// # Panics
    /// When there is no such layer, or the map is not of its shape.
    pub fn logits_from(
        &self,
        theta: &Tensor<1>,
        buffers: &Tensor<1>,
        activation: Tensor<4>,
        layer: usize,
    ) -> Tensor<2> {
        let params = self.layout().split(theta.clone());
        match self.body() {
            Body::ConvNet(net) => {
                let mut x = net.pooled::<Plain>(activation);
                for block in layer + 1..net.depth {
                    x = net.pooled::<Plain>(net.block::<Plain>(&params, x, block));
                }
                net.classify::<Plain>(&params, Plain::flatten(x, net.features()))
            }
            Body::Stack(stack) => {
                let buffers = split(&stack.buffers_layout(), buffers);
                stack.logits_from(&mut Pass::evaluation(&params, &buffers), activation, layer)
            }
        }
    }

    fn body(&self) -> Body<'_> {
        match self {
            Self::ConvNet(net) => Body::ConvNet(net),
            Self::ResNet18(net) => Body::Stack(net.stack()),
            Self::Vgg11(net) => Body::Stack(net.stack()),
            Self::AlexNet(net) => Body::Stack(net.stack()),
            Self::EfficientNetLite(net) => Body::Stack(net.stack()),
        }
    }
}

/// Buffers as one tensor per entry; none for a layout without entries.
fn split(layout: &Layout, buffers: &Tensor<1>) -> Vec<Tensor<1>> {
    if layout.entries().is_empty() { Vec::new() } else { layout.split(buffers.clone()) }
}
