/// How a sliding window moves; pairs are rows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns.
    pub size: [usize; 2],
    /// How far it moves.
    pub stride: [usize; 2],
    /// What is added above and below, left and right.
    pub padding: [usize; 2],
}

impl Window {
    /// A square window.
    pub(crate) fn square(size: usize, stride: usize, padding: usize) -> Self {
        Self { size: [size; 2], stride: [stride; 2], padding: [padding; 2] }
    }

    /// Positions along each side; 0 where the window does not fit.
    pub(crate) fn positions(self, sides: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let room = (sides[axis] + 2 * self.padding[axis]).checked_sub(self.size[axis]);
            room.map_or(0, |room| room / self.stride[axis].max(1) + 1)
        })
    }
}

/// How a convolution moves, but for its kernel's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// How far it moves.
    pub stride: [usize; 2],
    /// Zeros above and below, left and right.
    pub padding: [usize; 2],
    /// Channels are cut into so many groups that do not see each other.
    pub groups: usize,
}

/// A layer ready to run; numbers are indices of tensors in the layouts, biases and shifts lie right after their weights.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Conv {
        weight: usize,
        shape: [usize; 4],
        bias: Bias,
        convolution: Convolution,
    },
    Pad([usize; 4]),
    GroupNorm {
        weight: usize,
        groups: usize,
    },
    LayerNorm {
        weight: usize,
    },
    /// Running mean at `mean`, running variance after it; each value of a channel stands for `pixels`.
    BatchNorm {
        weight: usize,
        mean: usize,
        statistics: BatchStatistics,
    },
    Relu,
    Relu6,
    Gelu,
    Softplus,
    AvgPool(Window),
    MaxPool(Window),
    GlobalPool,
    Flatten,
    Linear {
        weight: usize,
        shape: [usize; 2],
        bias: Bias,
    },
    /// ReLU of the sum of two branches; an empty shortcut is the identity.
    Residual {
        main: Vec<Op>,
        shortcut: Vec<Op>,
    },
    /// The sum of the input and what the layers make of it.
    Skip(Vec<Op>),
}

/// Whether a layer has a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bias {
    Learned,
    Absent,
}

impl From<bool> for Bias {
    fn from(learned: bool) -> Self {
        if learned { Self::Learned } else { Self::Absent }
    }
}

/// How batch norms treat statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BatchStatistics {
    /// Added to variances before the square root.
    pub(crate) eps: f64,
    /// The share of a batch's statistics in the running ones.
    pub(crate) momentum: f64,
}

impl BatchStatistics {
    /// PyTorch's default.
    pub(crate) const PYTORCH: Self = Self { eps: 1e-5, momentum: 0.1 };
}

/// Where initial values come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fill {
    /// Uniform in ± this bound.
    Uniform(f32),
    Constant(f32),
}

/// Why a list of layers cannot work on its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A layer would leave no pixel.
    Vanishes,
    /// An instance norm would see a single pixel, whose deviation from its own mean is always 0.
    Constant,
    /// Something else, in words, and what to do about it.
    Layer { place: String, problem: String },
}
