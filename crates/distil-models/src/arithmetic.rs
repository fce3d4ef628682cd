use burn::tensor::Tensor;

/// The operations a network is made of, over one kind of number.
///
/// A forward definition that is generic over `Arithmetic` runs unchanged on plain tensors and on
/// duals. Methods are associated functions: an arithmetic has no state.
pub trait Arithmetic {
    /// A number array of rank `D`.
    type Tensor<const D: usize>: Clone;

    /// Same scalars, another shape.
    fn reshape<const D: usize, const E: usize>(x: Self::Tensor<D>, shape: [usize; E]) -> Self::Tensor<E>;

    /// `[n, c, h, w]` as `[n, features]`, in C, H, W order.
    fn flatten(x: Self::Tensor<4>, features: usize) -> Self::Tensor<2>;

    /// 2-D convolution, stride 1: `x` `[n, i, h, w]`, `weight` `[o, i, k, k]`, `bias` `[o]`.
    fn conv2d(
        x: Self::Tensor<4>,
        weight: Self::Tensor<4>,
        bias: Self::Tensor<1>,
        padding: usize,
    ) -> Self::Tensor<4>;

    /// Group norm with biased variance and affine `weight`, `bias` `[c]`: statistics over each image's
    /// `c / groups × h × w` values. With `groups == c` this is the field's "instance norm".
    fn group_norm(
        x: Self::Tensor<4>,
        weight: Self::Tensor<1>,
        bias: Self::Tensor<1>,
        groups: usize,
    ) -> Self::Tensor<4>;

    /// max(x, 0); the derivative at 0 is 0.
    fn relu(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// 2×2 average pool, stride 2; odd sides round down.
    fn avg_pool(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// 2×2 max pool, stride 2; odd sides round down.
    fn max_pool(x: Self::Tensor<4>) -> Self::Tensor<4>;

    /// `x · weightᵀ + bias`: `x` `[n, f]`, `weight` `[k, f]`, `bias` `[k]`.
    fn linear(x: Self::Tensor<2>, weight: Self::Tensor<2>, bias: Self::Tensor<1>) -> Self::Tensor<2>;

    /// Cross-entropy −Σ p·log softmax(out), **summed** over the batch, shape `[1]`.
    ///
    /// `out` and `probabilities` are `[n, k]`; the rows of `probabilities` sum to one. The sum, not
    /// the mean, is what splits exactly into micro-batches.
    fn cross_entropy(out: Self::Tensor<2>, probabilities: Tensor<2>) -> Self::Tensor<1>;
}
