//! Resampling as weighted sums of gathers, one gather per tap.
//!
//! Why gathers and not matrices: batched `R·x·Cᵀ` would serve the separable operations and is faster on a
//! CPU (scaling 256 images of 3×32×32, forward and backward on two busy cores: 8 ms against 63 ms; a
//! training step on them takes seconds). But f32 matrix products on a GPU may run in TF32, which keeps ten
//! bits of every pixel, and a rotation is not separable: its dense matrix has (h·w)² entries per image.
//! Gathers are exact up to the rounding of the weights, cost O(pixels), and serve every operation.
//!
//! Why their backward pass should still be deterministic on a GPU (argued, not measured), although it
//! scatters with atomic additions, whose order is not fixed: every tap is a separate gather, so its scatter
//! starts from zero, and at most two of its outputs read one pixel with a non-zero weight. `0 + a + b` and
//! `0 + b + a` are the same float. Two is the most because
//! - a shift reads each pixel once;
//! - scaling runs along one axis at a time, where neighbouring outputs read `s ≥ 1/1.2` pixels apart, and a
//!   half-open unit interval holds at most two such points (three need `s < 1/2`);
//! - a rotation maps the output grid to a lattice of determinant 1 (whatever the image's aspect). Three of its
//!   points that are not on one line span a triangle of area ≥ 1/2, the largest that fits in a closed unit
//!   square, so a half-open one cannot hold them; three on one line need a lattice vector shorter than 1/2
//!   along both axes, and there is none for angles up to 15°.
//!
//! Larger angles and scales below 1/2 are sampled just as exactly, only this argument does not cover them;
//! nor does it cover angles so near to zero that rounding moves a coordinate across a pixel's border.
//!
//! Taps that fall outside the image are moved inside with weight zero: the zeros they add change nothing.

use burn::tensor::Tensor;

/// One tap: for every output pixel the input pixel it reads, counted in row-major order \[n, h, w\], and
/// how much of it counts (anything that broadcasts to the same shape).
pub(crate) struct Tap {
    pub(crate) source: Tensor<3>,
    pub(crate) weight: Tensor<3>,
}

/// `out = Σ_taps weight · x[source]`, the same for all channels of an image.
pub(crate) fn sample<const K: usize>(x: Tensor<4>, taps: [Tap; K]) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let dtype = x.dtype();
    // Two dimensions: the CPU backend has a fast path for them.
    let pixels = x.reshape([n * c, h * w]);
    taps.map(|Tap { source, weight }| {
        let source = source.int().reshape([n, 1, h * w]).expand([n, c, h * w]).reshape([n * c, h * w]);
        let read = pixels.clone().gather(1, source).reshape([n, c, h, w]);
        read * weight.cast(dtype).unsqueeze_dim::<4>(1)
    })
    .into_iter()
    .reduce(|sum, tap| sum + tap)
    .expect("every operation has at least one tap")
}
