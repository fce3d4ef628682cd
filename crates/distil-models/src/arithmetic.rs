use std::fmt;

use burn::tensor::Tensor;

use crate::{Convolution, Plain, Window};

/// The operations a network is made of, over one kind of number.
///
/// A forward definition that is generic over `Arithmetic` runs unchanged on plain tensors and on
/// duals. Methods are associated functions: an arithmetic has no state.
pub trait Arithmetic {
    /// A number array of rank `D`.
    type Tensor<const D: usize>: Clone;

    /// Its shape.
    fn dims<const D: usize>(x: &Self::Tensor<D>) -> [usize; D];

    /// Same scalars, another shape.
    fn reshape<const D: usize, const E: usize>(x: Self::Tensor<D>, shape: [usize; E]) -> Self::Tensor<E>;

    /// Each number divided by a constant.
    fn divide(x: Self::Tensor<1>, by: f64) -> Self::Tensor<1>;

    /// The sum of two arrays of the same shape.
    fn add<const D: usize>(a: Self::Tensor<D>, b: Self::Tensor<D>) -> Self::Tensor<D>;

    /// 2-D convolution: `x` `[n, i, h, w]`, `weight` `[o, i / groups, kh, kw]`, `bias` `[o]`.
    fn conv2d(
        x: Self::Tensor<4>,
        weight: Self::Tensor<4>,
        bias: Option<Self::Tensor<1>>,
        convolution: Convolution,
    ) -> Self::Tensor<4>;

    /// Zeros around the map: above, below, left and right.
    fn pad(x: Self::Tensor<4>, zeros: [usize; 4]) -> Self::Tensor<4>;

    /// Group norm with biased variance and affine `weight`, `bias` `[c]`: statistics over each image's
    /// `c / groups × h × w` values. With `groups == c` this is the field's "instance norm".
    fn group_norm(
        x: Self::Tensor<4>,
        weight: Self::Tensor<1>,
        bias: Self::Tensor<1>,
        groups: usize,
    ) -> Self::Tensor<4>;

    /// Layer norm over an image's `c × h × w` values, with affine `weight` and `bias` of one number each, `[c·h·w]`.
    fn layer_norm(x: Self::Tensor<4>, weight: Self::Tensor<1>, bias: Self::Tensor<1>) -> Self::Tensor<4>;

    /// Batch norm on the batch's own statistics, over `n × h × w` values of each channel, differentiated through; and their
    /// values.
    fn batch_norm(
        x: Self::Tensor<4>,
        weight: Self::Tensor<1>,
        bias: Self::Tensor<1>,
        eps: f64,
    ) -> (Self::Tensor<4>, Moments<Plain>);

    /// Batch norm on given statistics, which are constants.
    fn frozen_norm(
        x: Self::Tensor<4>,
        weight: Self::Tensor<1>,
        bias: Self::Tensor<1>,
        given: &Moments<Plain>,
        eps: f64,
    ) -> Self::Tensor<4>;

    /// Mean and biased variance of each channel over `n × h × w` values.
    fn moments(x: &Self::Tensor<4>) -> Moments<Self>;

    /// max(x, 0); the derivative at 0 is 0.
    fn relu(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// min(max(x, 0), 6); the derivative at 0 and 6 is 0.
    fn relu6(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// x·Φ(x) with the normal distribution Φ, exactly (by erf).
    fn gelu(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// log(1 + eˣ).
    fn softplus(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// Average of each window; windows that leave the map are left out, so odd sides round down.
    fn avg_pool(x: Self::Tensor<4>, window: Window) -> Self::Tensor<4>;

    /// Maximum of each window; padding never wins.
    fn max_pool(x: Self::Tensor<4>, window: Window) -> Self::Tensor<4>;

    /// Mean over all pixels, `[n, c, 1, 1]`.
    fn global_pool(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// `x · weightᵀ + bias`: `x` `[n, f]`, `weight` `[k, f]`, `bias` `[k]`.
    fn linear(x: Self::Tensor<2>, weight: Self::Tensor<2>, bias: Option<Self::Tensor<1>>) -> Self::Tensor<2>;

    /// Cross-entropy −Σ p·log softmax(out), **summed** over the batch, shape `[1]`.
    ///
    /// `out` and `probabilities` are `[n, k]`; the rows of `probabilities` sum to one. The sum, not
    /// the mean, is what splits exactly into micro-batches.
    fn cross_entropy(out: Self::Tensor<2>, probabilities: Tensor<2>) -> Self::Tensor<1>;

    /// ½·Σ (out − targets)², **summed** over the batch, shape `[1]`; both are `[n, k]`.
    fn squared_error(out: Self::Tensor<2>, targets: Tensor<2>) -> Self::Tensor<1>;

    /// Σ x·cotangent, shape `[1]`.
    fn inner<const D: usize>(x: Self::Tensor<D>, cotangent: Tensor<D>) -> Self::Tensor<1>;
}

/// Mean and biased variance of each channel `[c]`.
pub struct Moments<A: Arithmetic + ?Sized> {
    /// Means.
    pub mean: A::Tensor<1>,
    /// Biased variances.
    pub variance: A::Tensor<1>,
}

impl Clone for Moments<Plain> {
    fn clone(&self) -> Self {
        Self { mean: self.mean.clone(), variance: self.variance.clone() }
    }
}

impl fmt::Debug for Moments<Plain> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moments").field("mean", &self.mean).field("variance", &self.variance).finish()
    }
}
