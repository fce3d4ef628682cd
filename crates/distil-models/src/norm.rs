use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Normalisation after each convolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Group norm with one group a channel, the field's "instance norm": what sets are distilled and evaluated with.
    #[default]
    Instance,
    /// Batch norm with running statistics (momentum 0.1), as torchvision's networks have it. A batch is computed whole, because
    /// its images meet in the statistics.
    Batch,
    /// Group norm with four groups.
    Group,
    /// Norm over all values of an image, with a scale and a shift for each.
    Layer,
    /// No normalisation, and no norm parameters.
    None,
}
