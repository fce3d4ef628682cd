//! Forward pass, and loss with gradient, of a chunk of a batch.

use crate::arena::{Arena, bytes, count, with_arena};
use crate::gemm::Write;
use crate::head::{self, Head};
use crate::network::Network;
use crate::norm::STATISTICS;
use crate::weights::{Affine, Weights, filters_gradient};
use crate::winograd::{Maps, POSITIONS};
use crate::{Lanes, PANEL, conv, norm, patches, winograd};

/// Images with their targets: a chunk of a batch of `total` images, over which losses are averaged.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Pixels `[n, c, h, w]`.
    pub images: &'a [f32],
    /// Target distributions `[n, k]`; every row sums to one.
    pub targets: &'a [f32],
    /// Images of the whole batch.
    pub total: usize,
}

/// A chunk's share of the batch's mean loss and of its gradient.
#[derive(Debug, Clone)]
pub struct Gradient {
    /// Share of the mean cross-entropy.
    pub loss: f32,
    /// Its gradient `[P]`. Biases of convolutions have exactly zero: the norm after them removes them.
    pub theta: Vec<f32>,
}

/// Cross-entropy and its gradient.
///
/// # Panics
/// When the sizes of `batch` and `weights` do not fit `net`.
pub fn gradient(net: &Network, weights: &Weights, batch: Batch<'_>) -> Gradient {
    let n = batch_len(net, &batch);
    let lines = count(|arena| Buffers::carve(net, n, arena));
    with_arena(lines, |arena| {
        let mut buffers = Buffers::carve(net, n, arena);
        forward(net, weights, n, batch.images, &mut buffers);
        backward(net, weights, n, batch, buffers)
    })
}

/// Bytes of working memory of [`gradient`] on `n` images, on each thread.
pub fn gradient_bytes(net: &Network, n: usize) -> usize {
    bytes(count(|arena| Buffers::carve(net, n, arena)))
}

/// Images of a batch whose sizes fit.
pub(crate) fn batch_len(net: &Network, batch: &Batch<'_>) -> usize {
    let n = image_count(net, batch.images);
    assert_eq!(batch.targets.len(), n * net.classes, "targets do not fit the images");
    n
}

pub(crate) fn image_count(net: &Network, images: &[f32]) -> usize {
    assert!(images.len().is_multiple_of(net.pixels()), "images do not fit this network");
    images.len() / net.pixels()
}

/// What a forward pass leaves for the backward pass, and scratch memory.
struct Buffers<'a> {
    first: FirstBuffers<'a>,
    later: Vec<BlockBuffers<'a>>,
    /// Output of the last block so far, later its gradient.
    pooled: &'a mut [Lanes],
    products: &'a mut [Lanes],
    filters: &'a mut [Lanes],
    rows: &'a mut [Lanes],
}

/// The first block works on one image after the other: its maps are the largest, and cheap to compute again.
struct FirstBuffers<'a> {
    patches: &'a mut [Lanes],
    y: &'a mut [Lanes],
    /// Of all images.
    statistics: &'a mut [Lanes],
}

struct BlockBuffers<'a> {
    /// Output of the convolution, later its gradient.
    y: &'a mut [Lanes],
    statistics: &'a mut [Lanes],
    /// Transformed input.
    v: &'a mut [Lanes],
}

impl<'a> Buffers<'a> {
    fn carve(net: &Network, n: usize, arena: &mut Arena<'a>) -> Self {
        let sizes = Sizes::of(net, n);
        Self {
            first: FirstBuffers {
                patches: arena.take(sizes.patches),
                y: arena.take(sizes.first),
                statistics: arena.take(net.panels() * n * STATISTICS),
            },
            later: sizes
                .later
                .iter()
                .map(|maps| BlockBuffers {
                    y: arena.take(maps.lines()),
                    statistics: arena.take(net.panels() * n * STATISTICS),
                    v: arena.take(maps.transformed()),
                })
                .collect(),
            pooled: arena.take(sizes.pooled),
            products: arena.take(sizes.most_transformed()),
            filters: arena.take(sizes.filters),
            rows: arena.take(sizes.rows),
        }
    }
}

/// Lengths of buffers in lines.
pub(crate) struct Sizes {
    /// Of one image.
    pub(crate) patches: usize,
    /// Maps of the first block, of one image.
    pub(crate) first: usize,
    /// Maps of the other blocks.
    pub(crate) later: Vec<Maps>,
    /// Of the first block, whose pooled maps are the largest.
    pub(crate) pooled: usize,
    pub(crate) filters: usize,
    pub(crate) rows: usize,
}

impl Sizes {
    pub(crate) fn of(net: &Network, n: usize) -> Self {
        let panels = net.panels();
        let first = net.blocks().next().expect("a network has a block");
        Self {
            patches: net.patch_panels() * first.grid().pixels(),
            first: panels * first.grid().pixels(),
            later: net.blocks().skip(1).map(|block| net.maps(block, n)).collect(),
            pooled: panels * n * first.pooled(),
            filters: if net.depth > 1 { POSITIONS * panels * PANEL } else { 0 },
            rows: net.classes * panels * net.last_pixels(),
        }
    }

    pub(crate) fn most_transformed(&self) -> usize {
        self.later.iter().map(|maps| maps.transformed()).max().unwrap_or(0)
    }
}

fn forward(net: &Network, weights: &Weights, n: usize, images: &[f32], buffers: &mut Buffers<'_>) {
    let panels = net.panels();
    let Buffers { first, later, pooled, products, .. } = buffers;
    let mut blocks = net.blocks();
    let block = blocks.next().expect("a network has a block");
    let pooled_images = pooled.chunks_exact_mut(panels * block.pooled());
    let statistics = first.statistics.chunks_exact_mut(panels * STATISTICS);
    for ((image, pooled), statistics) in images.chunks_exact(net.pixels()).zip(pooled_images).zip(statistics)
    {
        first_convolution(net, weights, image, first.patches, first.y);
        norm::forward(net.maps(block, 1), &weights.norms[0], first.y, statistics, pooled);
    }
    for (index, (block, buffer)) in blocks.zip(later).enumerate() {
        let maps = net.maps(block, n);
        let products = &mut products[..maps.transformed()];
        winograd::input(maps, &pooled[..maps.lines()], buffer.v);
        conv::products(net.width, buffer.v, &weights.convs[index].forward, products, Write::New);
        winograd::output(maps, products, buffer.y);
        let pooled = &mut pooled[..panels * n * block.pooled()];
        norm::forward(maps, &weights.norms[index + 1], buffer.y, buffer.statistics, pooled);
    }
}

/// Patches of one image, and the first block's convolution of them.
fn first_convolution(
    net: &Network,
    weights: &Weights,
    image: &[f32],
    patches: &mut [Lanes],
    y: &mut [Lanes],
) {
    patches::gather(net, image, patches);
    patches::forward(net, patches, &weights.first, y, Write::New);
}

fn backward(
    net: &Network,
    weights: &Weights,
    n: usize,
    batch: Batch<'_>,
    mut buffers: Buffers<'_>,
) -> Gradient {
    let mut theta = vec![0.0; net.params()];
    let head = head_of(net, n);
    let features = &mut buffers.pooled[..net.panels() * n * head.pixels];
    let out = logits_of(head, weights, features);
    let (loss, d_out) = cross_entropy(net.classes, &out, batch);
    buffers.rows.fill([0.0; PANEL]);
    head::rows_gradient(head, &d_out, features, buffers.rows);
    write_classifier(net, buffers.rows, &d_out, &mut theta);
    features.fill([0.0; PANEL]);
    head::features_gradient(head, &d_out, &weights.classifier, features);
    later_backward(net, weights, n, &mut buffers, &mut theta);
    first_backward(net, weights, batch.images, &mut buffers, &mut theta);
    Gradient { loss, theta }
}

/// All blocks but the first, from the last on.
fn later_backward(net: &Network, weights: &Weights, n: usize, buffers: &mut Buffers<'_>, theta: &mut [f32]) {
    let panels = net.panels();
    let Buffers { later, pooled, products, filters, .. } = buffers;
    for (index, (block, buffer)) in net.blocks().skip(1).zip(later).enumerate().rev() {
        let maps = net.maps(block, n);
        let mut affine = Affine::zero(panels);
        let d_pooled = &pooled[..panels * n * block.pooled()];
        norm::backward(maps, &weights.norms[index + 1], buffer.statistics, d_pooled, buffer.y, &mut affine);
        affine.write(net, &block, theta);
        let target = &mut theta[block.offset..][..net.width * block.channels * 9];
        let products = &mut products[..maps.transformed()];
        winograd::output_transposed(maps, buffer.y, products);
        for panel in 0..panels {
            conv::filter_products(net.width, panel, buffer.v, products, filters, Write::New);
            filters_gradient(net.width, panel, filters, target);
        }
        conv::products(net.width, products, &weights.convs[index].backward, buffer.v, Write::New);
        winograd::input_transposed(maps, buffer.v, &mut pooled[..maps.lines()]);
    }
}

fn first_backward(
    net: &Network,
    weights: &Weights,
    images: &[f32],
    buffers: &mut Buffers<'_>,
    theta: &mut [f32],
) {
    let panels = net.panels();
    let Buffers { first, pooled, .. } = buffers;
    let block = net.blocks().next().expect("a network has a block");
    let mut affine = Affine::zero(panels);
    let d_pooled = pooled.chunks_exact(panels * block.pooled());
    let statistics = first.statistics.chunks_exact(panels * STATISTICS);
    for ((image, d_pooled), statistics) in images.chunks_exact(net.pixels()).zip(d_pooled).zip(statistics) {
        first_convolution(net, weights, image, first.patches, first.y);
        norm::backward(net.maps(block, 1), &weights.norms[0], statistics, d_pooled, first.y, &mut affine);
        let target = &mut theta[..net.width * net.channels * 9];
        patches::weight_gradient(net, first.patches, first.y, target);
    }
    affine.write(net, &block, theta);
}

pub(crate) fn head_of(net: &Network, n: usize) -> Head {
    Head { classes: net.classes, images: n, panels: net.panels(), pixels: net.last_pixels() }
}

/// Logits `[n, k]` of the last block's output.
pub(crate) fn logits_of(head: Head, weights: &Weights, features: &[Lanes]) -> Vec<f32> {
    let mut out: Vec<f32> = weights.bias.iter().copied().cycle().take(head.images * head.classes).collect();
    head::products(head, features, &weights.classifier, &mut out);
    out
}

/// Share of the mean cross-entropy, and its gradient with respect to the logits.
fn cross_entropy(classes: usize, out: &[f32], batch: Batch<'_>) -> (f32, Vec<f32>) {
    let total = batch.total as f32;
    let (mut loss, mut d_out) = (0.0, Vec::with_capacity(out.len()));
    for (out, targets) in out.chunks_exact(classes).zip(batch.targets.chunks_exact(classes)) {
        let (probabilities, log_sum) = head::softmax(out);
        loss += out.iter().zip(targets).map(|(x, t)| t * (log_sum - x)).sum::<f32>();
        d_out.extend(probabilities.iter().zip(targets).map(|(p, t)| (p - t) / total));
    }
    (loss / total, d_out)
}

/// Writes ∂ of the classifier from its panels and from ∂ of the logits to `theta` `[P]`.
pub(crate) fn write_classifier(net: &Network, rows: &[Lanes], d_out: &[f32], theta: &mut [f32]) {
    let pixels = net.last_pixels();
    let (weight, bias) = theta[net.classifier()..].split_at_mut(net.classes * net.features());
    for (class, row) in weight.chunks_exact_mut(net.features()).enumerate() {
        for (c, map) in row.chunks_exact_mut(pixels).enumerate() {
            let start = (class * net.panels() + c / PANEL) * pixels;
            for (pixel, value) in map.iter_mut().enumerate() {
                *value = rows[start + pixel][c % PANEL];
            }
        }
    }
    for d_out in d_out.chunks_exact(net.classes) {
        for (bias, d_out) in bias.iter_mut().zip(d_out) {
            *bias += d_out;
        }
    }
}

/// Logits `[n, k]` of `images` `[n, c, h, w]`.
///
/// # Panics
/// When the sizes of `images` and `weights` do not fit `net`.
pub fn logits(net: &Network, weights: &Weights, images: &[f32]) -> Vec<f32> {
    evaluate(net, weights, images, |head, features| logits_of(head, weights, features))
}

/// Features `[n, f]` before the classifier, in C, H, W order, of `images` `[n, c, h, w]`.
///
/// # Panics
/// When the sizes of `images` and `weights` do not fit `net`.
pub fn features(net: &Network, weights: &Weights, images: &[f32]) -> Vec<f32> {
    evaluate(net, weights, images, |head, features| {
        let lane = |image: usize, c: usize, pixel: usize| {
            features[(image * head.panels + c / PANEL) * head.pixels + pixel][c % PANEL]
        };
        let image = |image| {
            (0..net.width).flat_map(move |c| (0..head.pixels).map(move |pixel| lane(image, c, pixel)))
        };
        (0..head.images).flat_map(image).collect()
    })
}

/// What `read` makes of the last block's output, `[images][panels][pixels]`.
fn evaluate(
    net: &Network,
    weights: &Weights,
    images: &[f32],
    read: impl FnOnce(Head, &[Lanes]) -> Vec<f32>,
) -> Vec<f32> {
    let n = image_count(net, images);
    let lines = count(|arena| Buffers::carve(net, n, arena));
    with_arena(lines, |arena| {
        let mut buffers = Buffers::carve(net, n, arena);
        forward(net, weights, n, images, &mut buffers);
        let head = head_of(net, n);
        read(head, &buffers.pooled[..net.panels() * n * head.pixels])
    })
}
