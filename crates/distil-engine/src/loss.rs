use std::ops::Range;

use burn::tensor::{Int, Tensor};
use distil_models::{Arithmetic, Keep, Moments, Outputs, Plain};

use crate::Targets;

/// A loss of a batch: what is compared with its outputs, and how.
///
/// ```
/// use burn::tensor::{DType, Device, Tensor};
/// use distil_engine::{Loss, Targets};
///
/// let device = Device::flex();
/// let hard = Loss::from(Targets::from_classes(&[0, 2], 3, &device, DType::F32));
/// let regression = Loss::SquaredError(Tensor::zeros([2, 1], &device));
/// assert!(!Loss::Sum(vec![hard, regression]).couples_images());
/// ```
#[derive(Debug, Clone)]
pub enum Loss {
    /// Cross-entropy, the mean over the images.
    CrossEntropy(Targets),
    /// ½·‖logits − values‖², the mean over the images; values are `[n, k]`.
    SquaredError(Tensor<2>),
    /// ⟨outputs, cotangents⟩, summed: any function of outputs, once its derivative by them is known.
    Linear(Box<Cotangents>),
    /// The sum of several.
    Sum(Vec<Loss>),
}

/// What outputs are multiplied with.
#[derive(Debug, Clone, Default)]
pub struct Cotangents {
    /// Of the logits, `[n, k]`.
    pub logits: Option<Tensor<2>>,
    /// Of the features before the last linear layer, `[n, f]`, or `[1, f]` for the same of every image.
    pub features: Option<Tensor<2>>,
    /// Of mean and variance of the input of each batch norm.
    pub moments: Option<Vec<Moments<Plain>>>,
}

impl From<Targets> for Loss {
    fn from(targets: Targets) -> Self {
        Self::CrossEntropy(targets)
    }
}

impl From<Cotangents> for Loss {
    fn from(cotangents: Cotangents) -> Self {
        Self::Linear(Box::new(cotangents))
    }
}

impl Loss {
    /// Whether the images of a batch meet in it.
    pub fn couples_images(&self) -> bool {
        match self {
            Self::CrossEntropy(_) | Self::SquaredError(_) => false,
            Self::Linear(linear) => linear.moments.is_some(),
            Self::Sum(losses) => losses.iter().any(Self::couples_images),
        }
    }

    /// What a pass must keep for it.
    pub(crate) fn keep(&self) -> Keep {
        if self.couples_images() { Keep::Moments } else { Keep::Nothing }
    }

    /// That of the rows of `range`, still as a share of the whole batch.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        self.rowwise(&|values| values.slice([range.clone()]))
    }

    /// That of these rows.
    #[must_use]
    pub fn select(&self, rows: &Tensor<1, Int>) -> Self {
        self.rowwise(&|values| values.select(0, rows.clone()))
    }

    /// The same loss with other rows.
    fn rowwise(&self, rows: &dyn Fn(Tensor<2>) -> Tensor<2>) -> Self {
        match self {
            Self::CrossEntropy(targets) => Self::CrossEntropy(targets.map(rows)),
            Self::SquaredError(values) => Self::SquaredError(rows(values.clone())),
            Self::Linear(linear) => {
                let Cotangents { logits, features, moments } = &**linear;
                let features =
                    features.clone().map(|each| if each.dims()[0] == 1 { each } else { rows(each) });
                Cotangents { logits: logits.clone().map(rows), features, moments: moments.clone() }.into()
            }
            Self::Sum(losses) => Self::Sum(losses.iter().map(|loss| loss.rowwise(rows)).collect()),
        }
    }

    /// Its share of a batch of `n` images, shape `[1]`.
    pub(crate) fn share<A: Arithmetic>(&self, outputs: &Outputs<A>, n: usize) -> A::Tensor<1> {
        match self {
            Self::CrossEntropy(targets) => {
                A::divide(A::cross_entropy(outputs.logits.clone(), targets.probabilities()), n as f64)
            }
            Self::SquaredError(values) => {
                A::divide(A::squared_error(outputs.logits.clone(), values.clone()), n as f64)
            }
            Self::Linear(linear) => linear.product(outputs),
            Self::Sum(losses) => sum::<A>(losses.iter().map(|loss| loss.share(outputs, n))),
        }
    }

    /// The same loss with label logits or values that are differentiated, and those.
    pub(crate) fn tracked(&self) -> (Self, Option<Tensor<2>>) {
        let leaf = |values: &Tensor<2>| values.clone().autodiff().require_grad();
        match self {
            Self::CrossEntropy(Targets::Soft(logits)) => {
                let leaf = leaf(logits);
                (Targets::Soft(leaf.clone()).into(), Some(leaf))
            }
            Self::SquaredError(values) => {
                let leaf = leaf(values);
                (Self::SquaredError(leaf.clone()), Some(leaf))
            }
            Self::CrossEntropy(Targets::Hard(_)) | Self::Linear(_) => (self.clone(), None),
            Self::Sum(losses) => {
                let mut found = None;
                let track = |loss: &Self| {
                    if found.is_some() {
                        return loss.clone();
                    }
                    let (tracked, leaf) = loss.tracked();
                    found = leaf;
                    tracked
                };
                let losses = losses.iter().map(track).collect();
                (Self::Sum(losses), found)
            }
        }
    }

    /// The targets, where it is cross-entropy and nothing else: what the fused kernels know.
    pub(crate) fn targets(&self) -> Option<&Targets> {
        match self {
            Self::CrossEntropy(targets) => Some(targets),
            _ => None,
        }
    }

    /// Shape of what [`Products::labels`](crate::Products::labels) is the derivative by.
    pub fn learnable(&self) -> Option<&Tensor<2>> {
        match self {
            Self::CrossEntropy(Targets::Soft(logits)) => Some(logits),
            Self::SquaredError(values) => Some(values),
            Self::CrossEntropy(Targets::Hard(_)) | Self::Linear(_) => None,
            Self::Sum(losses) => losses.iter().find_map(Self::learnable),
        }
    }
}

impl Cotangents {
    fn product<A: Arithmetic>(&self, outputs: &Outputs<A>) -> A::Tensor<1> {
        let logits = self.logits.iter().map(|c| A::inner(outputs.logits.clone(), c.clone()));
        let features = self.features.iter().map(|c| A::inner(outputs.features.clone(), c.clone()));
        let moments = self.moments.iter().flatten().zip(&outputs.moments).flat_map(|(c, found)| {
            [
                A::inner(found.mean.clone(), c.mean.clone()),
                A::inner(found.variance.clone(), c.variance.clone()),
            ]
        });
        sum::<A>(logits.chain(features).chain(moments))
    }
}

/// # Panics
/// When there is nothing to add.
fn sum<A: Arithmetic>(parts: impl Iterator<Item = A::Tensor<1>>) -> A::Tensor<1> {
    parts.reduce(A::add).expect("a loss has a term")
}
