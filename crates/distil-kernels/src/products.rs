//! Derivatives of the directional derivative ⟨∇_θ ℓ, v⟩: the dual forward pass and its reverse sweep.
//!
//! The sweep carries, in addition to the gradient of ℓ, that gradient's tangent along v. The tangent of ∂ℓ/∂θ is the
//! Hessian-vector product, the tangent of ∂ℓ/∂x is the mixed product with the images.

use crate::arena::{Arena, bytes, count, with_arena};
use crate::gemm::Write;
use crate::gradient::{Batch, Sizes, batch_len, head_of, logits_of, write_classifier};
use crate::head;
use crate::network::{Block, Network};
use crate::norm_dual::{self, STATISTICS};
use crate::weights::{Affine, Weights, filters_gradient};
use crate::{Lanes, PANEL, Pair, conv, patches, winograd};

/// Which products with parameters are wanted in addition to those with images and targets.
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
    first: FirstBuffers<'a>,
    later: Vec<BlockBuffers<'a>>,
    /// Output of the last block so far, later its gradient.
    pooled: Both<'a>,
    products: Both<'a>,
    filters: &'a mut [Lanes],
    rows: &'a mut [Lanes],
}

/// The first block works on one image after the other: its maps are the largest, and cheap to compute again.
struct FirstBuffers<'a> {
    patches: &'a mut [Lanes],
    y: Both<'a>,
    /// Of all images.
    statistics: &'a mut [Lanes],
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
            first: FirstBuffers {
                patches: arena.take(sizes.patches),
                y: both(arena, sizes.first),
                statistics: arena.take(net.panels() * n * STATISTICS),
            },
            later: sizes
                .later
                .iter()
                .map(|maps| BlockBuffers {
                    y: both(arena, maps.lines()),
                    statistics: arena.take(net.panels() * n * STATISTICS),
                    v: both(arena, maps.transformed()),
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
    /// So many lines of both from `start` on.
    fn part(&mut self, start: usize, lines: usize) -> Both<'_> {
        Pair { value: &mut self.value[start..][..lines], tangent: &mut self.tangent[start..][..lines] }
    }

    /// The same lines, borrowed once more.
    fn again(&mut self) -> Both<'_> {
        Pair { value: self.value, tangent: self.tangent }
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
fn dual_products(width: usize, v: Pair<&[Lanes]>, u: Pair<&[Lanes]>, out: &mut Both<'_>) {
    conv::products(width, v.value, u.value, out.value, Write::New);
    conv::products(width, v.tangent, u.value, out.tangent, Write::New);
    conv::products(width, v.value, u.tangent, out.tangent, Write::Add);
}

fn forward(net: &Network, at: Pair<&Weights>, n: usize, images: &[f32], buffers: &mut Buffers<'_>) {
    let panels = net.panels();
    let Pair { value, tangent } = at;
    let mut blocks = net.blocks();
    let block = blocks.next().expect("a network has a block");
    let lines = panels * block.pooled();
    for (index, image) in images.chunks_exact(net.pixels()).enumerate() {
        buffers.first.convolve(net, at, image);
        let FirstBuffers { y, statistics, .. } = &mut buffers.first;
        let statistics = &mut statistics[index * panels * STATISTICS..][..panels * STATISTICS];
        let affine = Pair { value: &value.norms[0], tangent: &tangent.norms[0] };
        let pooled = buffers.pooled.part(index * lines, lines);
        norm_dual::forward(net.maps(block, 1), affine, y.shared(), statistics, pooled);
    }
    for (index, (block, buffer)) in blocks.zip(&mut buffers.later).enumerate() {
        let maps = net.maps(block, n);
        let mut products = buffers.products.part(0, maps.transformed());
        let input = buffers.pooled.part(0, maps.lines());
        winograd::input(maps, input.value, buffer.v.value);
        winograd::input(maps, input.tangent, buffer.v.tangent);
        let u = Pair { value: &*value.convs[index].forward, tangent: &*tangent.convs[index].forward };
        dual_products(net.width, buffer.v.shared(), u, &mut products);
        winograd::output(maps, products.value, buffer.y.value);
        winograd::output(maps, products.tangent, buffer.y.tangent);
        let affine = Pair { value: &value.norms[index + 1], tangent: &tangent.norms[index + 1] };
        let pooled = buffers.pooled.part(0, panels * n * block.pooled());
        norm_dual::forward(maps, affine, buffer.y.shared(), buffer.statistics, pooled);
    }
}

impl FirstBuffers<'_> {
    /// Patches and convolution of one image.
    fn convolve(&mut self, net: &Network, at: Pair<&Weights>, image: &[f32]) {
        patches::gather(net, image, self.patches);
        patches::forward(net, self.patches, &at.value.first, self.y.value, Write::New);
        patches::forward(net, self.patches, &at.tangent.first, self.y.tangent, Write::New);
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
        self.later(&mut buffers, &mut found);
        let images = self.first(batch.images, &mut buffers, &mut found);
        let Found { gradient, hv } = found;
        Products { loss: logits.loss, slope: logits.slope, gradient, hv, images, targets: logits.targets }
    }

    /// Loss, classifier, and the gradient of the features.
    fn head(self, batch: Batch<'_>, buffers: &mut Buffers<'_>, found: &mut Found) -> Logits {
        let Pair { value, tangent } = self.at;
        let head = head_of(self.net, self.n);
        let lines = self.net.panels() * self.n * head.pixels;
        let mut features = buffers.pooled.part(0, lines);
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

    /// All blocks but the first, from the last on.
    fn later(self, buffers: &mut Buffers<'_>, found: &mut Found) {
        let Self { net, at: Pair { value, tangent }, n, .. } = self;
        let panels = net.panels();
        for (index, block) in net.blocks().skip(1).enumerate().rev() {
            let maps = net.maps(block, n);
            let affine = Pair { value: &value.norms[index + 1], tangent: &tangent.norms[index + 1] };
            let mut gradient = Pair { value: Affine::zero(panels), tangent: Affine::zero(panels) };
            let BlockBuffers { y, statistics, v } = &mut buffers.later[index];
            let d_pooled = buffers.pooled.part(0, panels * n * block.pooled());
            norm_dual::backward(maps, affine, statistics, d_pooled.shared(), y.again(), gradient.as_mut());
            found.write_affine(net, &block, &gradient);
            let products = buffers.products.part(0, maps.transformed());
            winograd::output_transposed(maps, y.value, products.value);
            winograd::output_transposed(maps, y.tangent, products.tangent);
            found.write_filters(net, &block, v, &products, buffers.filters);
            let u = Pair { value: &*value.convs[index].backward, tangent: &*tangent.convs[index].backward };
            dual_products(net.width, products.shared(), u, v);
            let input = buffers.pooled.part(0, maps.lines());
            winograd::input_transposed(maps, v.value, input.value);
            winograd::input_transposed(maps, v.tangent, input.tangent);
        }
    }

    /// The first block: parameters, and the product with the images.
    fn first(self, images: &[f32], buffers: &mut Buffers<'_>, found: &mut Found) -> Vec<f32> {
        let Self { net, at, .. } = self;
        let Pair { value, tangent } = at;
        let panels = net.panels();
        let block = net.blocks().next().expect("a network has a block");
        let (lines, scalars) = (panels * block.pooled(), net.width * net.channels * 9);
        let mut gradient = Pair { value: Affine::zero(panels), tangent: Affine::zero(panels) };
        let mut moved = vec![0.0; images.len()];
        let each = images.chunks_exact(net.pixels()).zip(moved.chunks_exact_mut(net.pixels()));
        for (index, (image, moved)) in each.enumerate() {
            buffers.first.convolve(net, at, image);
            let FirstBuffers { patches, y, statistics } = &mut buffers.first;
            let statistics = &statistics[index * panels * STATISTICS..][..panels * STATISTICS];
            let affine = Pair { value: &value.norms[0], tangent: &tangent.norms[0] };
            let d_pooled = buffers.pooled.part(index * lines, lines);
            let maps = net.maps(block, 1);
            norm_dual::backward(maps, affine, statistics, d_pooled.shared(), y.again(), gradient.as_mut());
            if let Some(hv) = &mut found.hv {
                patches::weight_gradient(net, patches, y.tangent, &mut hv[..scalars]);
            }
            if let Some(gradient) = &mut found.gradient {
                patches::weight_gradient(net, patches, y.value, &mut gradient[..scalars]);
            }
            patches::backward(net, y.tangent, &value.first_transposed, patches, Write::New);
            patches::backward(net, y.value, &tangent.first_transposed, patches, Write::Add);
            patches::scatter(net, patches, moved);
        }
        found.write_affine(net, &block, &gradient);
        moved
    }
}

impl Found {
    fn write_affine(&mut self, net: &Network, block: &Block, gradient: &Pair<Affine>) {
        for (affine, found) in [(&gradient.value, &mut self.gradient), (&gradient.tangent, &mut self.hv)] {
            if let Some(theta) = found {
                affine.write(net, block, theta);
            }
        }
    }

    /// Filters of a convolution between panels, from its transformed input and output gradient.
    fn write_filters(
        &mut self,
        net: &Network,
        block: &Block,
        v: &Both<'_>,
        m: &Both<'_>,
        filters: &mut [Lanes],
    ) {
        let panels = net.panels();
        let here = block.offset..block.offset + net.width * block.channels * 9;
        for panel in 0..panels {
            if let Some(hv) = &mut self.hv {
                conv::filter_products(net.width, panel, v.value, m.tangent, filters, Write::New);
                conv::filter_products(net.width, panel, v.tangent, m.value, filters, Write::Add);
                filters_gradient(net.width, panel, filters, &mut hv[here.clone()]);
            }
            if let Some(gradient) = &mut self.gradient {
                conv::filter_products(net.width, panel, v.value, m.value, filters, Write::New);
                filters_gradient(net.width, panel, filters, &mut gradient[here.clone()]);
            }
        }
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
