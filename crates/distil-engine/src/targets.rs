use std::ops::Range;

use burn::tensor::activation::softmax;
use burn::tensor::{DType, Device, Tensor, TensorData};

/// What a batch's outputs are compared with.
#[derive(Debug, Clone)]
pub enum Targets {
    /// One-hot class probabilities `[n, k]`.
    Hard(Tensor<2>),
    /// Label **logits** `[n, k]`; the target distribution is their softmax.
    Soft(Tensor<2>),
}

impl Targets {
    /// Hard targets for class indices below `classes`.
    pub fn from_classes(labels: &[u32], classes: usize, device: &Device, dtype: DType) -> Self {
        let mut one_hot = vec![0f32; labels.len() * classes];
        for (row, &label) in labels.iter().enumerate() {
            one_hot[row * classes + label as usize] = 1.0;
        }
        let data = TensorData::new(one_hot, [labels.len(), classes]);
        Self::Hard(Tensor::from_data(data, (device, dtype)))
    }

    /// The target distribution `[n, k]`.
    pub fn probabilities(&self) -> Tensor<2> {
        match self {
            Self::Hard(one_hot) => one_hot.clone(),
            Self::Soft(logits) => softmax(logits.clone(), 1),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values().dims()[0]
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of `range`.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        self.map(|values| values.slice([range]))
    }

    /// The same kind of target over other values.
    #[must_use]
    pub fn map(&self, f: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        match self {
            Self::Hard(one_hot) => Self::Hard(f(one_hot.clone())),
            Self::Soft(logits) => Self::Soft(f(logits.clone())),
        }
    }

    fn values(&self) -> &Tensor<2> {
        match self {
            Self::Hard(values) | Self::Soft(values) => values,
        }
    }
}
