//! Feed-forward networks as a list of layers that own their places in one flat parameter vector.
//!
//! A network says its layers once; layout, initialisation, forward passes and the cuts at activation maps all
//! follow from that list.

use distil_random::{Stream, uniform};

use crate::backbone::BackboneNorm;
use crate::{Entry, Layout};

/// How a sliding window moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) size: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Window {
    pub(crate) fn new(size: usize, stride: usize, padding: usize) -> Self {
        Self { size, stride, padding }
    }

    /// Positions along a side; 0 when the window does not fit.
    fn positions(self, side: usize) -> usize {
        (side + 2 * self.padding).checked_sub(self.size).map_or(0, |room| room / self.stride + 1)
    }
}

/// A layer; numbers are indices of tensors in the layouts.
#[derive(Debug, Clone)]
pub(crate) enum Layer {
    Conv {
        weight: usize,
        shape: [usize; 4],
        bias: Option<usize>,
        window: Window,
        /// Channels are cut into so many groups that do not see each other.
        groups: usize,
    },
    /// Zeros around the map: above, below, left and right.
    Pad([usize; 4]),
    /// Scale at `weight`, shift after it.
    InstanceNorm {
        weight: usize,
    },
    /// Scale at `weight`, shift after it; running mean at `mean`, running variance after it.
    BatchNorm {
        weight: usize,
        mean: usize,
        statistics: BatchStatistics,
    },
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    MaxPool(Window),
    /// Mean over all pixels.
    GlobalPool,
    /// ReLU of the sum of two branches; an empty shortcut is the identity.
    Residual {
        main: Vec<Layer>,
        shortcut: Vec<Layer>,
    },
    /// The sum of the input and what the layers make of it.
    Skip(Vec<Layer>),
}

/// How batch norms treat statistics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchStatistics {
    /// Added to variances before the square root.
    pub(crate) eps: f64,
    /// The share of a batch's statistics in the running ones.
    pub(crate) momentum: f64,
}

impl BatchStatistics {
    /// PyTorch's default.
    const PYTORCH: Self = Self { eps: 1e-5, momentum: 0.1 };
}

/// Where initial values come from.
#[derive(Debug, Clone, Copy)]
enum Fill {
    /// Uniform in ± this bound.
    Uniform(f32),
    Constant(f32),
}

/// Why a list of layers cannot work on its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A layer would leave no pixel.
    Vanishes,
    /// An instance norm would see a single pixel, whose deviation from its own mean is always 0.
    Constant,
}

#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) layers: Vec<Layer>,
    /// Names of activation maps, each with the number of layers that lead to it.
    pub(crate) cams: Vec<(String, usize)>,
    pub(crate) flaw: Option<Flaw>,
    /// Values of the largest map of one image.
    pub(crate) largest: usize,
    params: Vec<(Entry, Fill)>,
    buffers: Vec<(Entry, Fill)>,
    /// Channels, height and width after the layers so far.
    shape: [usize; 3],
}

/// Whether a convolution has a bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bias {
    Learned,
    Absent,
}

impl Stack {
    /// No layer yet, on images of `[channels, height, width]`.
    pub(crate) fn new(shape: [usize; 3]) -> Self {
        Self { layers: vec![], cams: vec![], flaw: None, largest: 0, params: vec![], buffers: vec![], shape }
    }

    pub(crate) fn conv(mut self, name: &str, out: usize, window: Window, bias: Bias) -> Self {
        let [channels, ..] = self.shape;
        let shape = [out, channels, window.size, window.size];
        let fill = uniform_fill(&shape[1..]);
        let weight = self.param(format!("{name}.weight"), &shape, fill);
        let bias = (bias == Bias::Learned).then(|| self.param(format!("{name}.bias"), &[out], fill));
        self.slide(window);
        self.shape[0] = out;
        self.push(Layer::Conv { weight, shape, bias, window, groups: 1 })
    }

    /// A convolution of every channel by itself, without bias.
    pub(crate) fn depthwise(mut self, name: &str, window: Window) -> Self {
        let [channels, ..] = self.shape;
        let shape = [channels, 1, window.size, window.size];
        let weight = self.param(format!("{name}.weight"), &shape, uniform_fill(&shape[1..]));
        self.slide(window);
        self.push(Layer::Conv { weight, shape, bias: None, window, groups: channels })
    }

    /// Zeros around the map, so that a window of this size and stride has ⌈side / stride⌉ positions: TensorFlow's SAME, which puts
    /// the odd one below and to the right.
    pub(crate) fn pad_same(mut self, size: usize, stride: usize) -> Self {
        let missing = |side: usize| ((side.div_ceil(stride) - 1) * stride + size).saturating_sub(side);
        let [above, left] = [self.shape[1], self.shape[2]].map(missing);
        let zeros = [above / 2, above - above / 2, left / 2, left - left / 2];
        self.shape[1] += above;
        self.shape[2] += left;
        if zeros == [0; 4] { self } else { self.push(Layer::Pad(zeros)) }
    }

    pub(crate) fn norm(mut self, name: &str, norm: BackboneNorm) -> Self {
        match norm {
            BackboneNorm::Instance => {
                let [_, height, width] = self.shape;
                if height * width == 1 {
                    self.flaw = self.flaw.or(Some(Flaw::Constant));
                }
                let weight = self.affine(name);
                self.push(Layer::InstanceNorm { weight })
            }
            BackboneNorm::Batch => self.batch_norm(name, BatchStatistics::PYTORCH),
        }
    }

    pub(crate) fn batch_norm(mut self, name: &str, statistics: BatchStatistics) -> Self {
        let [channels, ..] = self.shape;
        let (weight, mean) = (self.affine(name), self.buffers.len());
        for (statistic, value) in [("running_mean", 0.0), ("running_var", 1.0)] {
            let entry = Entry { name: format!("{name}.{statistic}"), shape: vec![channels] };
            self.buffers.push((entry, Fill::Constant(value)));
        }
        self.push(Layer::BatchNorm { weight, mean, statistics })
    }

    pub(crate) fn relu(self) -> Self {
        self.push(Layer::Relu)
    }

    pub(crate) fn relu6(self) -> Self {
        self.push(Layer::Relu6)
    }

    pub(crate) fn max_pool(mut self, window: Window) -> Self {
        self.slide(window);
        self.push(Layer::MaxPool(window))
    }

    pub(crate) fn global_pool(mut self) -> Self {
        [self.shape[1], self.shape[2]] = [1, 1];
        self.push(Layer::GlobalPool)
    }

    /// The basic block of ResNet-18 with torchvision's names.
    pub(crate) fn residual(mut self, name: &str, out: usize, stride: usize, norm: BackboneNorm) -> Self {
        let (before, input) = (std::mem::take(&mut self.layers), self.shape);
        self = self
            .conv(&format!("{name}.conv1"), out, Window::new(3, stride, 1), Bias::Absent)
            .norm(&format!("{name}.bn1"), norm)
            .relu()
            .conv(&format!("{name}.conv2"), out, Window::new(3, 1, 1), Bias::Absent)
            .norm(&format!("{name}.bn2"), norm);
        let main = std::mem::take(&mut self.layers);
        if stride != 1 || input[0] != out {
            self.shape = input;
            self = self
                .conv(&format!("{name}.downsample.0"), out, Window::new(1, stride, 0), Bias::Absent)
                .norm(&format!("{name}.downsample.1"), norm);
        }
        let shortcut = std::mem::replace(&mut self.layers, before);
        self.push(Layer::Residual { main, shortcut })
    }

    /// What `add` adds to the stack, as one layer that keeps its input: their sum.
    pub(crate) fn skip(mut self, add: impl FnOnce(Self) -> Self) -> Self {
        let before = std::mem::take(&mut self.layers);
        self = add(self);
        let main = std::mem::replace(&mut self.layers, before);
        self.push(Layer::Skip(main))
    }

    /// Channels after the layers so far.
    pub(crate) fn channels(&self) -> usize {
        self.shape[0]
    }

    /// Names the output of the layers so far as an activation map.
    pub(crate) fn cam(mut self, name: impl Into<String>) -> Self {
        self.cams.push((name.into(), self.layers.len()));
        self
    }

    /// Ends the network with one linear layer on its flattened features.
    pub(crate) fn classifier(mut self, name: &str, classes: usize) -> Self {
        let features = self.shape.iter().product();
        let fill = uniform_fill(&[features]);
        self.param(format!("{name}.weight"), &[classes, features], fill);
        self.param(format!("{name}.bias"), &[classes], fill);
        self
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.params.iter().map(|(entry, _)| entry.clone()).collect())
    }

    pub(crate) fn buffers_layout(&self) -> Layout {
        Layout::new(self.buffers.iter().map(|(entry, _)| entry.clone()).collect())
    }

    /// PyTorch's default initial parameters.
    pub(crate) fn init(&self, rng: &mut Stream) -> Vec<f32> {
        let mut values = Vec::new();
        for (entry, fill) in &self.params {
            match *fill {
                Fill::Constant(value) => values.extend(std::iter::repeat_n(value, entry.len())),
                Fill::Uniform(bound) => {
                    values.extend((0..entry.len()).map(|_| uniform(rng, -bound, bound)));
                }
            }
        }
        values
    }

    /// Initial buffers: running means 0, running variances 1.
    pub(crate) fn init_buffers(&self) -> Vec<f32> {
        let value = |fill: Fill| match fill {
            Fill::Constant(value) | Fill::Uniform(value) => value,
        };
        self.buffers.iter().flat_map(|(entry, fill)| std::iter::repeat_n(value(*fill), entry.len())).collect()
    }

    fn push(mut self, layer: Layer) -> Self {
        self.largest = self.largest.max(self.shape.iter().product());
        self.layers.push(layer);
        self
    }

    /// Scale and shift of a norm.
    fn affine(&mut self, name: &str) -> usize {
        let channels = [self.shape[0]];
        let weight = self.param(format!("{name}.weight"), &channels, Fill::Constant(1.0));
        self.param(format!("{name}.bias"), &channels, Fill::Constant(0.0));
        weight
    }

    fn param(&mut self, name: String, shape: &[usize], fill: Fill) -> usize {
        self.params.push((Entry { name, shape: shape.to_vec() }, fill));
        self.params.len() - 1
    }

    fn slide(&mut self, window: Window) {
        for side in &mut self.shape[1..] {
            *side = window.positions(*side);
            if *side == 0 {
                self.flaw = Some(Flaw::Vanishes);
            }
        }
    }
}

/// PyTorch's default: uniform in ±1/√(fan-in), weights and biases alike.
fn uniform_fill(fan_in: &[usize]) -> Fill {
    Fill::Uniform(1.0 / (fan_in.iter().product::<usize>().max(1) as f32).sqrt())
}
