//! Derivatives of the directional derivative ⟨∇_θ ℓ, v⟩: the dual forward pass and its reverse sweep.
//!
//! The sweep carries, beside the gradient of ℓ, that gradient's tangent along v. The tangent of ∂ℓ/∂θ is the
//! Hessian-vector product, the tangent of ∂ℓ/∂x is the mixed product with the images.

use crate::arena::{Arena, bytes, count, with_arena};
use crate::gemm::Write;
use crate::gradient::{Batch, Sizes, batch_len, head_of, logits_of, write_classifier};
use crate::head;
use crate::network::{Block, Network};
use crate::norm_dual::{self, STATISTICS};
use crate::weights::{Affine, Weights, filters_gradient};
use crate::winograd::Grid;
use crate::{Lanes, PANEL, Pair, conv, patches, winograd};

/// Which products with parameters are wanted beside those with images and targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// None.
    Images,
    /// The Hessian-vector product.
    Hessian,
    /// The Hessian-vector product and the gradient.
    HessianAndGradient,
}

/// A chunk's share of what [`products`] computes for the batch's mean loss ℓ and a direction v.
#[derive(Debug, Clone)]
pub struct Products {
    /// ℓ.
    pub loss: f32,
    /// ⟨∇_θ ℓ, v⟩.
    pub slope: f32,
    /// ∇_θ ℓ `[P]`, if wanted.
    pub gradient: Option<Vec<f32>>,
    /// ∇²_θ ℓ · v `[P]`, if wanted.
    pub hv: Option<Vec<f32>>,
    /// ∂⟨∇_θ ℓ, v⟩/∂images `[n, c, h, w]`.
    pub images: Vec<f32>,
    /// ∂⟨∇_θ ℓ, v⟩/∂targets `[n, k]`.
    pub targets: Vec<f32>,
}

/// Exact second-order products at θ along v, both as [`Weights`].
///
/// # Panics
/// When the sizes of `batch` and the weights do not fit `net`.
pub fn products(net: &Network, at: Pair<&Weights>, batch: Batch<'_>, wanted: Wanted) -> Products {
    let n = batch_len(net, &batch);
    let lines = count(|arena| Buffers::carve(net, n, arena));
    with_arena(lines, |arena| {
        let mut buffers = Buffers::carve(net, n, arena);
        forward(net, at, n, batch.images, &mut buffers);
        Sweep { net, at, n, wanted }.backward(batch, buffers)
    })
}

/// Bytes of working memory of [`products`] on `n` images, on each thread.
pub fn products_bytes(net: &Network, n: usize) -> usize {
    bytes(count(|arena| Buffers::carve(net, n, arena)))
}

type Both<'a> = Pair<&'a mut [Lanes]>;

struct Buffers<'a> {
    patches: &'a mut [Lanes],
    blocks: Vec<BlockBuffers<'a>>,
    /// Output of the last block so far, later its gradient.
    pooled: Both<'a>,
    products: Both<'a>,
    filters: &'a mut [Lanes],
    rows: &'a mut [Lanes],
}

struct BlockBuffers<'a> {
    y: Both<'a>,
    statistics: &'a mut [Lanes],
    v: Both<'a>,
}

impl<'a> Buffers<'a> {
    fn carve(net: &Network, n: usize, arena: &mut Arena<'a>) -> Self {
        let sizes = Sizes::of(net, n);
        let both =
            |arena: &mut Arena<'a>, lines| Pair { value: arena.take(lines), tangent: arena.take(lines) };
        Self {
            patches: arena.take(sizes.patches),
            blocks: (0..net.depth)
                .map(|block| BlockBuffers {
                    y: both(arena, sizes.maps[block]),
                    statistics: arena.take(net.panels() * n * STATISTICS),
                    v: both(arena, sizes.transformed[block]),
                })
                .collect(),
            pooled: both(arena, sizes.pooled),
            products: both(arena, sizes.most_transformed()),
            filters: arena.take(sizes.filters),
            rows: arena.take(sizes.rows),
        }
    }
}

impl Pair<&mut [Lanes]> {
    /// The first lines of both.
    fn first(&mut self, lines: usize) -> Both<'_> {
        Pair { value: &mut self.value[..lines], tangent: &mut self.tangent[..lines] }
    }

    fn shared(&self) -> Pair<&[Lanes]> {
        Pair { value: self.value, tangent: self.tangent }
    }

    fn clear(&mut self) {
        self.value.fill([0.0; PANEL]);
        self.tangent.fill([0.0; PANEL]);
    }
}

/// y = V·U and ẏ = V̇·U + V·U̇.
fn dual_products(panels: usize, v: Pair<&[Lanes]>, u: Pair<&[Lanes]>, out: &mut Both<'_>) {
    conv::products(panels, v.value, u.value, out.value, Write::New);
    conv::products(panels, v.tangent, u.value, out.tangent, Write::New);
    conv::products(panels, v.value, u.tangent, out.tangent, Write::Add);
}

fn forward(net: &Network, at: Pair<&Weights>, n: usize, images: &[f32], buffers: &mut Buffers<'_>) {
    let panels = net.panels();
    let Pair { value, tangent } = at;
    patches::gather(net, images, buffers.patches);
    for (index, (block, buffer)) in net.blocks().zip(&mut buffers.blocks).enumerate() {
        let grid = block.grid(n);
        if index == 0 {
            patches::forward(net, buffers.patches, &value.first, buffer.y.value, Write::New);
            patches::forward(net, buffers.patches, &tangent.first, buffer.y.tangent, Write::New);
        } else {
            let mut products = buffers.products.first(buffer.v.value.len());
            let input = buffers.pooled.first(panels * grid.pixels());
            winograd::input(grid, input.value, buffer.v.value);
            winograd::input(grid, input.tangent, buffer.v.tangent);
            let u =
                Pair { value: &*value.convs[index - 1].forward, tangent: &*tangent.convs[index - 1].forward };
            dual_products(panels, buffer.v.shared(), u, &mut products);
            winograd::output(grid, products.value, buffer.y.value);
            winograd::output(grid, products.tangent, buffer.y.tangent);
        }
        let affine = Pair { value: &value.norms[index], tangent: &tangent.norms[index] };
        let pooled = buffers.pooled.first(panels * n * block.pooled());
        norm_dual::forward(grid, affine, buffer.y.shared(), buffer.statistics, pooled);
    }
}

/// What the reverse sweep is about.
#[derive(Clone, Copy)]
struct Sweep<'a> {
    net: &'a Network,
    at: Pair<&'a Weights>,
    n: usize,
    wanted: Wanted,
}

/// The vectors `[P]` that are wanted.
struct Found {
    gradient: Option<Vec<f32>>,
    hv: Option<Vec<f32>>,
}

/// The logits' part of a sweep, all `[n, k]`.
struct Logits {
    loss: f32,
    slope: f32,
    d_out: Pair<Vec<f32>>,
    targets: Vec<f32>,
}

impl Sweep<'_> {
    fn backward(self, batch: Batch<'_>, mut buffers: Buffers<'_>) -> Products {
        let zeros = || vec![0.0; self.net.params()];
        let mut found = Found {
            gradient: (self.wanted == Wanted::HessianAndGradient).then(zeros),
            hv: (self.wanted != Wanted::Images).then(zeros),
        };
        let logits = self.head(batch, &mut buffers, &mut found);
        let mut images = vec![0.0; batch.images.len()];
        self.blocks(&mut buffers, &mut found, &mut images);
        let Found { gradient, hv } = found;
        Products { loss: logits.loss, slope: logits.slope, gradient, hv, images, targets: logits.targets }
    }

    /// Loss, classifier, and the gradient of the features.
    fn head(self, batch: Batch<'_>, buffers: &mut Buffers<'_>, found: &mut Found) -> Logits {
        let Pair { value, tangent } = self.at;
        let head = head_of(self.net, self.n);
        let lines = self.net.panels() * self.n * head.pixels;
        let mut features = buffers.pooled.first(lines);
        let out = logits_of(head, value, features.value);
        let mut moved = logits_of(head, tangent, features.value);
        head::products(head, features.tangent, &value.classifier, &mut moved);
        let logits = cross_entropy(self.net.classes, &out, &moved, batch);
        let d_out = &logits.d_out;
        if let Some(hv) = &mut found.hv {
            buffers.rows.fill([0.0; PANEL]);
            head::rows_gradient(head, &d_out.tangent, features.value, buffers.rows);
            head::rows_gradient(head, &d_out.value, features.tangent, buffers.rows);
            write_classifier(self.net, buffers.rows, &d_out.tangent, hv);
        }
        if let Some(gradient) = &mut found.gradient {
            buffers.rows.fill([0.0; PANEL]);
            head::rows_gradient(head, &d_out.value, features.value, buffers.rows);
            write_classifier(self.net, buffers.rows, &d_out.value, gradient);
        }
        features.clear();
        head::features_gradient(head, &d_out.value, &value.classifier, features.value);
        head::features_gradient(head, &d_out.tangent, &value.classifier, features.tangent);
        head::features_gradient(head, &d_out.value, &tangent.classifier, features.tangent);
        logits
    }

    fn blocks(self, buffers: &mut Buffers<'_>, found: &mut Found, images: &mut [f32]) {
        let panels = self.net.panels();
        let Pair { value, tangent } = self.at;
        for (index, block) in self.net.blocks().enumerate().rev() {
            let grid = block.grid(self.n);
            let affine = Pair { value: &value.norms[index], tangent: &tangent.norms[index] };
            let mut gradient = Pair { value: Affine::zero(panels), tangent: Affine::zero(panels) };
            let BlockBuffers { y, statistics, .. } = &mut buffers.blocks[index];
            let d_pooled = buffers.pooled.first(panels * self.n * block.pooled());
            let both = Pair { value: &mut gradient.value, tangent: &mut gradient.tangent };
            let y = Pair { value: &mut *y.value, tangent: &mut *y.tangent };
            norm_dual::backward(grid, affine, statistics, d_pooled.shared(), y, both);
            for (affine, found) in
                [(&gradient.value, &mut found.gradient), (&gradient.tangent, &mut found.hv)]
            {
                if let Some(theta) = found {
                    affine.write(self.net, &block, theta);
                }
            }
            if index == 0 {
                self.first(buffers, found, images);
            } else {
                self.later(index, block, grid, buffers, found);
            }
        }
    }

    /// The first convolution: parameters, then images.
    fn first(self, buffers: &mut Buffers<'_>, found: &mut Found, images: &mut [f32]) {
        let Pair { value, tangent } = self.at;
        let y = &buffers.blocks[0].y;
        let scalars = self.net.width * self.net.channels * 9;
        if let Some(hv) = &mut found.hv {
            patches::weight_gradient(self.net, buffers.patches, y.tangent, &mut hv[..scalars]);
        }
        if let Some(gradient) = &mut found.gradient {
            patches::weight_gradient(self.net, buffers.patches, y.value, &mut gradient[..scalars]);
        }
        patches::backward(self.net, y.tangent, &value.first_transposed, buffers.patches, Write::New);
        patches::backward(self.net, y.value, &tangent.first_transposed, buffers.patches, Write::Add);
        patches::scatter(self.net, buffers.patches, images);
    }

    /// A convolution between panels: parameters, then the gradient of its input.
    fn later(self, index: usize, block: Block, grid: Grid, buffers: &mut Buffers<'_>, found: &mut Found) {
        let panels = self.net.panels();
        let Pair { value, tangent } = self.at;
        let BlockBuffers { y, v, .. } = &mut buffers.blocks[index];
        let products = buffers.products.first(v.value.len());
        winograd::output_transposed(grid, y.value, products.value);
        winograd::output_transposed(grid, y.tangent, products.tangent);
        let here = block.offset..block.offset + self.net.width * block.channels * 9;
        let filters = &mut *buffers.filters;
        for panel in 0..panels {
            if let Some(hv) = &mut found.hv {
                conv::filter_products(panels, panel, v.value, products.tangent, filters, Write::New);
                conv::filter_products(panels, panel, v.tangent, products.value, filters, Write::Add);
                filters_gradient(self.net.width, panel, filters, &mut hv[here.clone()]);
            }
            if let Some(gradient) = &mut found.gradient {
                conv::filter_products(panels, panel, v.value, products.value, filters, Write::New);
                filters_gradient(self.net.width, panel, filters, &mut gradient[here.clone()]);
            }
        }
        let u =
            Pair { value: &*value.convs[index - 1].backward, tangent: &*tangent.convs[index - 1].backward };
        dual_products(panels, products.shared(), u, v);
        let input = buffers.pooled.first(panels * grid.pixels());
        winograd::input_transposed(grid, v.value, input.value);
        winograd::input_transposed(grid, v.tangent, input.tangent);
    }
}

/// Loss, its slope, and what flows back from both. The slope is Σ (softmax(out) − t)·moved, because every row of
/// targets t sums to one.
fn cross_entropy(classes: usize, out: &[f32], moved: &[f32], batch: Batch<'_>) -> Logits {
    let total = batch.total as f32;
    let (mut loss, mut slope) = (0.0, 0.0);
    let mut d_out = Pair { value: Vec::with_capacity(out.len()), tangent: Vec::with_capacity(out.len()) };
    let rows = out.chunks_exact(classes).zip(moved.chunks_exact(classes));
    for ((out, moved), targets) in rows.zip(batch.targets.chunks_exact(classes)) {
        let (probabilities, log_sum) = head::softmax(out);
        loss += out.iter().zip(targets).map(|(x, t)| t * (log_sum - x)).sum::<f32>();
        let mean: f32 = probabilities.iter().zip(moved).map(|(p, dx)| p * dx).sum();
        slope += mean - targets.iter().zip(moved).map(|(t, dx)| t * dx).sum::<f32>();
        d_out.value.extend(probabilities.iter().zip(targets).map(|(p, t)| (p - t) / total));
        d_out.tangent.extend(probabilities.iter().zip(moved).map(|(p, dx)| p * (dx - mean) / total));
    }
    let targets = moved.iter().map(|dx| -dx / total).collect();
    Logits { loss: loss / total, slope: slope / total, d_out, targets }
}
