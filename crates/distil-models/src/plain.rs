use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::Tensor;

use crate::Arithmetic;

/// Added to variances before the square root, as PyTorch's norms do.
const NORM_EPS: f64 = 1e-5;

/// Ordinary tensors, tracked by autodiff or not.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

impl Plain {
    /// Standardised values `(x − μ) / σ` per group, shape `[n, groups, m]`, and `1 / σ` `[n, groups, 1]`.
    pub fn standardise(x: Tensor<4>, groups: usize) -> (Tensor<3>, Tensor<3>) {
        let [n, c, h, w] = x.dims();
        let x = x.reshape([n, groups, c / groups * h * w]);
        let centred = x.clone() - x.mean_dim(2);
        let variance = (centred.clone() * centred.clone()).mean_dim(2);
        let scale = (variance + NORM_EPS).sqrt().recip();
        (centred * scale.clone(), scale)
    }
}

impl Arithmetic for Plain {
    type Tensor<const D: usize> = Tensor<D>;

    fn reshape<const D: usize, const E: usize>(x: Tensor<D>, shape: [usize; E]) -> Tensor<E> {
        x.reshape(shape)
    }

    fn flatten(x: Tensor<4>, features: usize) -> Tensor<2> {
        let n = x.dims()[0];
        x.reshape([n, features])
    }

    fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, padding: usize) -> Tensor<4> {
        conv2d(x, weight, Some(bias), ConvOptions::new([1, 1], [padding, padding], [1, 1], 1))
    }

    fn group_norm(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, groups: usize) -> Tensor<4> {
        let dims = x.dims();
        let c = dims[1];
        let (standard, _) = Self::standardise(x, groups);
        standard.reshape(dims) * weight.reshape([1, c, 1, 1]) + bias.reshape([1, c, 1, 1])
    }

    fn relu(x: Tensor<4>) -> Tensor<4> {
        relu(x)
    }

    fn avg_pool(x: Tensor<4>) -> Tensor<4> {
        avg_pool2d(x, AvgPoolOptions::new([2, 2]))
    }

    fn max_pool(x: Tensor<4>) -> Tensor<4> {
        max_pool2d(x, MaxPoolOptions::new([2, 2]))
    }

    fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
        x.matmul(weight.transpose()) + bias.unsqueeze()
    }

    fn cross_entropy(out: Tensor<2>, probabilities: Tensor<2>) -> Tensor<1> {
        (probabilities * log_softmax(out, 1)).sum().neg()
    }
}
