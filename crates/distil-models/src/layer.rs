use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A layer as one writes it down. What it gets follows from the layers before it; pairs are rows first.
///
/// ```
/// use distil_models::{Layer, LayerList};
///
/// let layers: Vec<Layer> = serde_json::from_str(r#"[
///     {"type": "conv", "out": 16, "kernel": [3, 3], "padding": [1, 1]},
///     {"type": "batch_norm"}, {"type": "relu"},
///     {"type": "avg_pool", "window": [2, 2]},
///     {"type": "flatten"}, {"type": "linear", "out": 10}
/// ]"#)?;
/// let network = LayerList { channels: 3, height: 32, image_width: 32, layers }.network();
/// assert_eq!(network.layout().params(), 16 * 28 + 32 + 16 * 16 * 16 * 10 + 10);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Layer {
    /// 2-D convolution, zeros outside; a side becomes ⌊(side + 2·padding − kernel) / stride⌋ + 1.
    Conv {
        /// Output channels.
        out: usize,
        /// Rows and columns of the kernel.
        kernel: [usize; 2],
        /// How far it moves.
        #[serde(default = "ones")]
        stride: [usize; 2],
        /// Zeros above and below, left and right.
        #[serde(default)]
        padding: [usize; 2],
        /// Channels are cut into so many groups that do not see each other.
        #[serde(default = "one")]
        groups: usize,
        /// Whether it has a bias.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// Norm of each image and channel by itself, with scale and shift.
    InstanceNorm,
    /// Norm of each image and group of channels.
    GroupNorm {
        /// Number of groups.
        groups: usize,
    },
    /// Norm of each image, with a scale and a shift for each number.
    LayerNorm,
    /// Norm of each channel over the batch, with running statistics for evaluation.
    BatchNorm,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x·Φ(x).
    Gelu,
    /// log(1 + eˣ).
    Softplus,
    /// Average of each window.
    AvgPool {
        /// Rows and columns.
        window: [usize; 2],
        /// How far it moves; its own size without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<[usize; 2]>,
        /// Must be 0.
        #[serde(default)]
        padding: [usize; 2],
    },
    /// Maximum of each window; padding never wins.
    MaxPool {
        /// Rows and columns.
        window: [usize; 2],
        /// How far it moves; its own size without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<[usize; 2]>,
        /// Above and below, left and right.
        #[serde(default)]
        padding: [usize; 2],
    },
    /// Mean over all pixels.
    GlobalAvgPool,
    /// One vector, in C, H, W order. Linear layers flatten by themselves.
    Flatten,
    /// Linear layer.
    Linear {
        /// Outputs.
        out: usize,
        /// Whether it has a bias.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// ReLU of the sum of two branches.
    Residual {
        /// One branch.
        main: Vec<Layer>,
        /// The other; nothing is the input itself.
        #[serde(default)]
        shortcut: Vec<Layer>,
    },
    /// The sum of the input and what the layers make of it.
    Skip {
        /// The layers.
        main: Vec<Layer>,
    },
}

fn one() -> usize {
    1
}

fn ones() -> [usize; 2] {
    [1, 1]
}

fn yes() -> bool {
    true
}
