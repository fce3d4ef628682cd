use std::fmt;

use burn::tensor::{Device, Tensor};
use distil_random::{Stream, uniform};
use serde::{Deserialize, Serialize};

use crate::builder::Builder;
use crate::op::{BatchStatistics, Bias, Fill, Op};
use crate::{Arch, Architecture, Entry, Layout, Moments, NetworkError, Plain};

/// A network: a list of layers that own their places in one flat parameter vector.
///
/// Its state is two flat vectors: θ `[P]` of what is trained, and buffers `[B]` of running statistics, which is empty
/// unless it has batch norms. Both follow PyTorch's names and order. It is written to files as the [`Architecture`] it comes from.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use distil_models::{BatchNorms, Network, Plain, ResNet18};
/// use distil_random::stream;
///
/// let net = Network::from(ResNet18 { base_width: 4, ..ResNet18::new(3, 10, 32, 32) });
/// let device = Device::flex();
/// let params = net.layout().split(net.theta(&net.init(&mut stream(0, "init", 0)), &device));
/// let images = Tensor::<4>::ones([2, 3, 32, 32], &device);
/// assert_eq!(net.forward::<Plain>(&params, BatchNorms::Batch, images.clone()).dims(), [2, 10]);
/// let layer = net.cam_layers().iter().position(|name| name == "layer4").expect("a layer");
/// let map = net.activation(&params, BatchNorms::Batch, images, layer);
/// assert_eq!(map.dims(), [2, 32, 4, 4]);
/// assert_eq!(net.logits_from(&params, BatchNorms::Batch, map, layer).dims(), [2, 10]);
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Architecture")]
pub struct Network {
    architecture: Architecture,
    ops: Vec<Op>,
    cams: Vec<(String, usize)>,
    convolved: Vec<usize>,
    largest_map: usize,
    layout: Layout,
    fills: Vec<Fill>,
    buffers: Layout,
    initial_buffers: Vec<Fill>,
    /// Pixels and settings of each batch norm.
    norms: Vec<(usize, BatchStatistics)>,
    features: usize,
    classes: usize,
}

/// An architecture as it was read: absurd sizes are refused before they become layers.
#[derive(Deserialize)]
struct Unchecked(Architecture);

impl TryFrom<Unchecked> for Network {
    type Error = NetworkError;

    fn try_from(Unchecked(architecture): Unchecked) -> Result<Self, NetworkError> {
        architecture.check()?;
        Ok(architecture.into())
    }
}

/// What it was made from; all else follows.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(&self.architecture).finish()
    }
}

impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        self.architecture == other.architecture
    }
}

impl Eq for Network {}

impl From<Architecture> for Network {
    /// The layers of an architecture. Sizes that [`Network::check`] refuses give a network that panics when it runs.
    fn from(architecture: Architecture) -> Self {
        let Builder { ops, cams, largest_map, convolved, params, buffers, norm_pixels, shape, .. } =
            architecture.layers();
        let unzip = |entries: Vec<(Entry, Fill)>| -> (Vec<Entry>, Vec<Fill>) { entries.into_iter().unzip() };
        let ((params, fills), (buffers, initial_buffers)) = (unzip(params), unzip(buffers));
        let mut settings = Vec::new();
        statistics(&ops, &mut settings);
        settings.sort_by_key(|(mean, _)| *mean);
        let norms = norm_pixels.into_iter().zip(settings).map(|(pixels, (_, norm))| (pixels, norm)).collect();
        let features = match ops.last() {
            Some(Op::Linear { shape: [_, features], .. }) => *features,
            _ => 0,
        };
        let (layout, buffers) = (Layout::new(params), Layout::new(buffers));
        let classes = shape.iter().product();
        Self {
            architecture,
            ops,
            cams,
            convolved,
            largest_map,
            layout,
            fills,
            buffers,
            initial_buffers,
            norms,
            features,
            classes,
        }
    }
}

/// The settings of all batch norms, each with the place of its running mean.
fn statistics(ops: &[Op], found: &mut Vec<(usize, BatchStatistics)>) {
    for op in ops {
        match op {
            Op::BatchNorm { mean, statistics, .. } => found.push((*mean, *statistics)),
            Op::Residual { main, shortcut } => {
                statistics(main, found);
                statistics(shortcut, found);
            }
            Op::Skip(main) => statistics(main, found),
            _ => {}
        }
    }
}

impl From<Network> for Architecture {
    fn from(network: Network) -> Self {
        network.architecture
    }
}

impl Network {
    /// What it was made from.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Which architecture it is.
    pub fn arch(&self) -> Arch {
        self.architecture.arch()
    }

    /// Channels, height and width of its images.
    pub fn image_shape(&self) -> [usize; 3] {
        self.architecture.image_shape()
    }

    /// Height and width of its images.
    pub fn sides(&self) -> (usize, usize) {
        let [_, height, width] = self.image_shape();
        (height, width)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Length of the flattened feature vector before the last linear layer.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of parameters of the last linear layer, which lie at the end of θ.
    pub fn classifier_params(&self) -> usize {
        let Op::Linear { shape: [out, features], bias, .. } = self.halves().1 else { return 0 };
        out * features + if *bias == Bias::Learned { *out } else { 0 }
    }

    /// Refuses sizes that cannot work. The other methods may panic on what this refuses.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        self.architecture.check()
    }

    /// Names and shapes of the trained tensors in θ.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Names and shapes of the running statistics; no entry without batch norms.
    pub fn buffers_layout(&self) -> &Layout {
        &self.buffers
    }

    /// Values of the feature map of one image after each convolution.
    pub fn map_sizes(&self) -> &[usize] {
        &self.convolved
    }

    /// Values of the largest feature map of one image, between layers.
    pub fn largest_map(&self) -> usize {
        self.largest_map
    }

    /// Whether a batch's statistics enter its outputs in training, so that a batch cannot be computed in parts.
    pub fn has_batch_statistics(&self) -> bool {
        !self.norms.is_empty()
    }

    /// PyTorch's default initialisation: weights and biases of convolutions and linear layers uniform in ±1/√(fan-in),
    /// scales 1, shifts 0. Length `P`.
    pub fn init(&self, rng: &mut Stream) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.layout.params());
        for (entry, fill) in self.layout.entries().iter().zip(&self.fills) {
            match *fill {
                Fill::Constant(value) => values.extend(std::iter::repeat_n(value, entry.len())),
                Fill::Uniform(bound) => {
                    values.extend((0..entry.len()).map(|_| uniform(rng, -bound, bound)));
                }
            }
        }
        values
    }

    /// Running statistics before training: means 0, variances 1. Length `B`.
    pub fn init_buffers(&self) -> Vec<f32> {
        let value = |fill: &Fill| match *fill {
            Fill::Constant(value) | Fill::Uniform(value) => value,
        };
        let entries = self.buffers.entries().iter().zip(&self.initial_buffers);
        entries.flat_map(|(entry, fill)| std::iter::repeat_n(value(fill), entry.len())).collect()
    }

    /// Host parameters `[P]` as θ on `device`, in f32.
    ///
    /// # Panics
    /// When `params` does not have `P` scalars.
    pub fn theta(&self, params: &[f32], device: &Device) -> Tensor<1> {
        assert_eq!(params.len(), self.layout.params(), "parameters do not fit this network");
        Tensor::from_data(params, device)
    }

    /// Host buffers `[B]` on `device`, in f32.
    ///
    /// # Panics
    /// When `buffers` does not have `B` scalars.
    pub fn buffers(&self, buffers: &[f32], device: &Device) -> Tensor<1> {
        assert_eq!(buffers.len(), self.buffers.params(), "buffers do not fit this network");
        Tensor::from_data(buffers, device)
    }

    /// Running statistics `[B]` after a training batch of `n` images with these statistics: the share `momentum` of the batch's
    /// enters, its variance as the unbiased one.
    ///
    /// # Panics
    /// When `batch` is not of this network.
    pub fn running(&self, buffers: &Tensor<1>, batch: &[Moments<Plain>], n: usize) -> Tensor<1> {
        if self.norms.is_empty() {
            return buffers.clone();
        }
        let before = self.running_moments(buffers);
        assert_eq!(before.len(), batch.len(), "one batch norm each");
        let moved = before.iter().zip(batch).zip(&self.norms).flat_map(|((old, new), (pixels, norm))| {
            let m = norm.momentum;
            // A single value has no unbiased variance.
            let count = (n * pixels) as f64;
            let unbiased = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
            let variance = new.variance.clone() * unbiased;
            [
                old.mean.clone() * (1.0 - m) + new.mean.clone() * m,
                old.variance.clone() * (1.0 - m) + variance * m,
            ]
        });
        Tensor::cat(moved.collect(), 0)
    }

    /// Names of the activation maps, from input to output: `blocks.0` … of a ConvNet, `layer1` … `layer4` of ResNet-18, each
    /// convolution of VGG-11 and AlexNet, `stage1` … `stage7` and `head` of EfficientNet-Lite.
    pub fn cam_layers(&self) -> Vec<String> {
        self.cams.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Number of layers up to an activation map.
    pub(crate) fn cam(&self, layer: usize) -> usize {
        self.cams[layer].1
    }

    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// All layers but the last, and the last: a linear one.
    pub(crate) fn halves(&self) -> (&[Op], &Op) {
        let (last, before) =
            self.ops.split_last().expect("a network that was checked ends with a linear layer");
        (before, last)
    }

    pub(crate) fn batch_norms(&self) -> usize {
        self.norms.len()
    }

    /// Buffers `[B]` as moments of each batch norm.
    pub(crate) fn running_moments(&self, buffers: &Tensor<1>) -> Vec<Moments<Plain>> {
        if self.norms.is_empty() {
            return Vec::new();
        }
        let mut parts = self.buffers.split(buffers.clone()).into_iter();
        let mut moments = Vec::with_capacity(self.norms.len());
        while let (Some(mean), Some(variance)) = (parts.next(), parts.next()) {
            moments.push(Moments { mean, variance });
        }
        moments
    }
}
