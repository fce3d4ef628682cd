//! Feed-forward networks as a list of layers that own their places in one flat parameter vector.
//!
//! A network says its layers once; layout, initialisation, forward passes and the cuts at activation maps all
//! follow from that list.

use crate::op::{BatchStatistics, Bias, Convolution, Fill, Flaw, Op, Window};
use crate::{Entry, Layer, Norm};

/// Groups of a group norm, as the literature has it.
const GROUPS: usize = 4;

/// Values of the largest map of one image: products with channels then fit a machine word.
const MOST: usize = 1 << 32;

/// Layers as far as they are written.
#[derive(Debug, Clone)]
pub(crate) struct Builder {
    pub(crate) ops: Vec<Op>,
    /// Names of activation maps, each with the number of layers that lead to it.
    pub(crate) cams: Vec<(String, usize)>,
    pub(crate) flaw: Option<Flaw>,
    /// The most values of the map of one image after any layer.
    pub(crate) largest_map: usize,
    pub(crate) params: Vec<(Entry, Fill)>,
    pub(crate) buffers: Vec<(Entry, Fill)>,
    /// Values of the map of one image after each convolution.
    pub(crate) convolved: Vec<usize>,
    /// Pixels of the map that each batch norm gets.
    pub(crate) norm_pixels: Vec<usize>,
    /// Channels, height and width after the layers so far.
    pub(crate) shape: [usize; 3],
}

impl Builder {
    /// No layer yet, on images of `[channels, height, width]`.
    pub(crate) fn new(shape: [usize; 3]) -> Self {
        Self {
            ops: vec![],
            cams: vec![],
            flaw: None,
            largest_map: 0,
            convolved: vec![],
            params: vec![],
            buffers: vec![],
            norm_pixels: vec![],
            shape,
        }
    }

    pub(crate) fn conv(self, name: &str, out: usize, window: Window, bias: Bias) -> Self {
        self.grouped_conv(name, out, window, 1, bias)
    }

    /// A convolution of every channel by itself, without bias.
    pub(crate) fn depthwise(self, name: &str, window: Window) -> Self {
        let channels = self.shape[0];
        self.grouped_conv(name, channels, window, channels, Bias::Absent)
    }

    fn grouped_conv(mut self, name: &str, out: usize, window: Window, groups: usize, bias: Bias) -> Self {
        let channels = self.shape[0];
        if groups == 0 || !channels.is_multiple_of(groups) || !out.is_multiple_of(groups) {
            let problem = format!(
                "{groups} groups do not divide {channels} input and {out} output channels; use a number that divides both"
            );
            return self.flawed(name, problem);
        }
        let Window { size: [rows, columns], stride, padding } = window;
        let shape = [out, channels / groups, rows, columns];
        let fill = uniform_fill(&shape[1..]);
        let weight = self.param(format!("{name}.weight"), &shape, fill);
        if bias == Bias::Learned {
            self.param(format!("{name}.bias"), &[out], fill);
        }
        self.slide(window);
        self.shape[0] = out;
        self.push(Op::Conv { weight, shape, bias, convolution: Convolution { stride, padding, groups } })
    }

    /// Zeros around the map, so that a square window of this size and stride has ⌈side / stride⌉ positions: TensorFlow's SAME,
    /// which puts the odd one below and to the right.
    pub(crate) fn pad_same(mut self, size: usize, stride: usize) -> Self {
        let missing = |side: usize| ((side.div_ceil(stride) - 1) * stride + size).saturating_sub(side);
        let [above, left] = [self.shape[1], self.shape[2]].map(missing);
        let zeros = [above / 2, above - above / 2, left / 2, left - left / 2];
        self.shape[1] += above;
        self.shape[2] += left;
        if zeros == [0; 4] { self } else { self.push(Op::Pad(zeros)) }
    }

    pub(crate) fn norm(self, name: &str, norm: Norm) -> Self {
        match norm {
            Norm::Instance => self.instance_norm(name),
            Norm::Group => self.group_norm(name, GROUPS),
            Norm::Layer => self.layer_norm(name),
            Norm::Batch => self.batch_norm(name, BatchStatistics::PYTORCH),
            Norm::None => self,
        }
    }

    fn instance_norm(mut self, name: &str) -> Self {
        let [channels, height, width] = self.shape;
        if height * width == 1 {
            self.flaw = self.flaw.or(Some(Flaw::Constant));
        }
        self.group_norm(name, channels)
    }

    fn group_norm(mut self, name: &str, groups: usize) -> Self {
        let [channels, ..] = self.shape;
        if groups == 0 || !channels.is_multiple_of(groups) {
            let problem = format!("{channels} channels cannot be split into {groups} groups; use a multiple");
            return self.flawed(name, problem);
        }
        let weight = self.affine(name, &[channels]);
        self.push(Op::GroupNorm { weight, groups })
    }

    fn layer_norm(mut self, name: &str) -> Self {
        let shape = self.shape;
        let weight = self.affine(name, &shape);
        self.push(Op::LayerNorm { weight })
    }

    pub(crate) fn batch_norm(mut self, name: &str, statistics: BatchStatistics) -> Self {
        let [channels, height, width] = self.shape;
        let (weight, mean) = (self.affine(name, &[channels]), self.buffers.len());
        for (statistic, value) in [("running_mean", 0.0), ("running_var", 1.0)] {
            let entry = Entry { name: format!("{name}.{statistic}"), shape: vec![channels] };
            self.buffers.push((entry, Fill::Constant(value)));
        }
        self.norm_pixels.push(height * width);
        self.push(Op::BatchNorm { weight, mean, statistics })
    }

    pub(crate) fn relu(self) -> Self {
        self.push(Op::Relu)
    }

    pub(crate) fn relu6(self) -> Self {
        self.push(Op::Relu6)
    }

    pub(crate) fn avg_pool(mut self, window: Window) -> Self {
        self.slide(window);
        self.push(Op::AvgPool(window))
    }

    pub(crate) fn max_pool(mut self, window: Window) -> Self {
        self.slide(window);
        self.push(Op::MaxPool(window))
    }

    pub(crate) fn global_pool(mut self) -> Self {
        [self.shape[1], self.shape[2]] = [1, 1];
        self.push(Op::GlobalPool)
    }

    fn flatten(mut self) -> Self {
        self.shape = [self.values(), 1, 1];
        self.push(Op::Flatten)
    }

    /// A linear layer on the flattened map.
    pub(crate) fn linear(mut self, name: &str, out: usize, bias: Bias) -> Self {
        let features = self.values();
        let fill = uniform_fill(&[features]);
        let weight = self.param(format!("{name}.weight"), &[out, features], fill);
        if bias == Bias::Learned {
            self.param(format!("{name}.bias"), &[out], fill);
        }
        self.shape = [out, 1, 1];
        self.push(Op::Linear { weight, shape: [out, features], bias })
    }

    /// The basic block of ResNet-18 with torchvision's names.
    pub(crate) fn basic_block(self, name: &str, out: usize, stride: usize, norm: Norm) -> Self {
        let (channels, shortcut) = (self.shape[0], Window::square(1, stride, 0));
        self.residual(
            |block| {
                block
                    .conv(&format!("{name}.conv1"), out, Window::square(3, stride, 1), Bias::Absent)
                    .norm(&format!("{name}.bn1"), norm)
                    .relu()
                    .conv(&format!("{name}.conv2"), out, Window::square(3, 1, 1), Bias::Absent)
                    .norm(&format!("{name}.bn2"), norm)
            },
            |block| {
                if stride == 1 && channels == out {
                    return block;
                }
                block
                    .conv(&format!("{name}.downsample.0"), out, shortcut, Bias::Absent)
                    .norm(&format!("{name}.downsample.1"), norm)
            },
        )
    }

    /// ReLU of the sum of what two branches make of the input.
    fn residual(mut self, main: impl FnOnce(Self) -> Self, shortcut: impl FnOnce(Self) -> Self) -> Self {
        let (before, input) = (std::mem::take(&mut self.ops), self.shape);
        self = main(self);
        let (main, output) = (std::mem::take(&mut self.ops), self.shape);
        self.shape = input;
        self = shortcut(self);
        let shortcut = std::mem::replace(&mut self.ops, before);
        self.joined(output, Op::Residual { main, shortcut })
    }

    /// What `add` adds to the layers, as one layer that keeps its input: their sum.
    pub(crate) fn skip(mut self, add: impl FnOnce(Self) -> Self) -> Self {
        let (before, input) = (std::mem::take(&mut self.ops), self.shape);
        self = add(self);
        let main = std::mem::replace(&mut self.ops, before);
        self.joined(input, Op::Skip(main))
    }

    /// A layer that adds the map so far to another one of `shape`.
    fn joined(self, shape: [usize; 3], op: Op) -> Self {
        if self.shape == shape {
            return self.push(op);
        }
        let problem = format!(
            "its branches end as {:?} and {shape:?} (channels, height, width); make them equal",
            self.shape
        );
        self.flawed("the sum", problem)
    }

    /// What is written in a list, with names by place below `name`.
    pub(crate) fn layers(self, name: &str, layers: &[Layer]) -> Self {
        let named = |place: usize| format!("{name}.{place}");
        layers.iter().enumerate().fold(self, |builder, (place, layer)| builder.layer(&named(place), layer))
    }

    fn layer(self, name: &str, layer: &Layer) -> Self {
        match layer {
            Layer::Conv { out, kernel, stride, padding, groups, bias } => {
                let window = Window { size: *kernel, stride: *stride, padding: *padding };
                self.grouped_conv(name, *out, window, *groups, (*bias).into())
            }
            Layer::InstanceNorm => self.instance_norm(name),
            Layer::GroupNorm { groups } => self.group_norm(name, *groups),
            Layer::LayerNorm => self.layer_norm(name),
            Layer::BatchNorm => self.batch_norm(name, BatchStatistics::PYTORCH),
            Layer::Relu => self.relu().map_named(name),
            Layer::Relu6 => self.relu6().map_named(name),
            Layer::Gelu => self.push(Op::Gelu).map_named(name),
            Layer::Softplus => self.push(Op::Softplus).map_named(name),
            Layer::AvgPool { padding, .. } if *padding != [0, 0] => {
                self.flawed(name, "padding of an average pool must be 0; leave it out".to_owned())
            }
            Layer::AvgPool { window, stride, padding } => {
                self.avg_pool(Window { size: *window, stride: stride.unwrap_or(*window), padding: *padding })
            }
            Layer::MaxPool { window, stride, padding } => {
                self.max_pool(Window { size: *window, stride: stride.unwrap_or(*window), padding: *padding })
            }
            Layer::GlobalAvgPool => self.global_pool(),
            Layer::Flatten => self.flatten(),
            Layer::Linear { out, bias } => self.linear(name, *out, (*bias).into()),
            Layer::Residual { main, shortcut } => {
                let branch = |part: &str| format!("{name}.{part}");
                self.residual(
                    |block| block.layers(&branch("main"), main),
                    |block| block.layers(&branch("shortcut"), shortcut),
                )
                .map_named(name)
            }
            Layer::Skip { main } => {
                self.skip(|block| block.layers(&format!("{name}.main"), main)).map_named(name)
            }
        }
    }

    /// Names an activation map unless it lies in a branch or has no pixels.
    fn map_named(self, name: &str) -> Self {
        let nested = name.contains(".main.") || name.contains(".shortcut.");
        if nested || self.shape[1] * self.shape[2] == 1 { self } else { self.cam(name) }
    }

    /// Channels after the layers so far.
    pub(crate) fn channels(&self) -> usize {
        self.shape[0]
    }

    /// Names the output of the layers so far as an activation map.
    pub(crate) fn cam(mut self, name: impl Into<String>) -> Self {
        self.cams.push((name.into(), self.ops.len()));
        self
    }

    fn push(mut self, op: Op) -> Self {
        let values = self.values();
        self.largest_map = self.largest_map.max(values);
        if matches!(op, Op::Conv { .. }) {
            self.convolved.push(values);
        }
        self.ops.push(op);
        if values <= MOST {
            return self;
        }
        self.shape = [1, 1, 1];
        self.flawed(
            "a layer",
            format!("its map has more than {MOST} values; use fewer channels or smaller images"),
        )
    }

    /// Values of the map so far; the largest number where they are more.
    fn values(&self) -> usize {
        self.shape.iter().fold(1, |product: usize, side| product.saturating_mul(*side))
    }

    fn flawed(mut self, place: &str, problem: String) -> Self {
        self.flaw = self.flaw.or(Some(Flaw::Layer { place: place.to_owned(), problem }));
        self
    }

    /// Scale and shift of a norm.
    fn affine(&mut self, name: &str, shape: &[usize]) -> usize {
        let weight = self.param(format!("{name}.weight"), shape, Fill::Constant(1.0));
        self.param(format!("{name}.bias"), shape, Fill::Constant(0.0));
        weight
    }

    fn param(&mut self, name: String, shape: &[usize], fill: Fill) -> usize {
        self.params.push((Entry { name, shape: shape.to_vec() }, fill));
        self.params.len() - 1
    }

    fn slide(&mut self, window: Window) {
        [self.shape[1], self.shape[2]] = window.positions([self.shape[1], self.shape[2]]);
        if self.shape.contains(&0) || window.stride.contains(&0) || window.size.contains(&0) {
            self.flaw = Some(Flaw::Vanishes);
        }
    }
}

/// PyTorch's default: uniform in ±1/√(fan-in), weights and biases alike.
fn uniform_fill(fan_in: &[usize]) -> Fill {
    Fill::Uniform(1.0 / (fan_in.iter().product::<usize>().max(1) as f32).sqrt())
}
