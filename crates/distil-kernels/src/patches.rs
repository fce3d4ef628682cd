//! The first convolution, whose few input channels do not fill a panel: a product with 3×3 patches.

use crate::gemm::{Left, Right, Write, columns, multiply};
use crate::network::Network;
use crate::{Lanes, PANEL};

/// 3×3 patches `[patch panels][pixels]` of one image `[c, h, w]`; column `9·channel + 3·dy + dx`.
pub(crate) fn gather(net: &Network, image: &[f32], patches: &mut [Lanes]) {
    patches.fill([0.0; PANEL]);
    each_run(net, patches.len() / net.patch_panels(), |run| {
        let patches = &mut patches[run.patch..][..run.count];
        for (patch, pixel) in patches.iter_mut().zip(&image[run.pixel..][..run.count]) {
            patch[run.lane] = *pixel;
        }
    });
}

/// The transposed of [`gather`]: adds patches to the pixels they were taken from.
pub(crate) fn scatter(net: &Network, patches: &[Lanes], image: &mut [f32]) {
    each_run(net, patches.len() / net.patch_panels(), |run| {
        let patches = &patches[run.patch..][..run.count];
        for (pixel, patch) in image[run.pixel..][..run.count].iter_mut().zip(patches) {
            *pixel += patch[run.lane];
        }
    });
}

/// Neighbouring patches of one line whose tap of one column lies inside the image.
struct Run {
    /// The first patch, with the panel that holds the column.
    patch: usize,
    /// The column, in its panel.
    lane: usize,
    /// The pixel under that tap of the first patch; the others follow it.
    pixel: usize,
    count: usize,
}

/// Calls `f` for every column of every line of patches: `rows` patches a panel.
///
/// Lines are outermost, so that the patches being written stay in the first-level cache; columns of one line of the image
/// come from right to left, so that pixels get their sums in the order of the patches.
fn each_run(net: &Network, rows: usize, mut f: impl FnMut(Run)) {
    let (h, w, margin) = (net.height, net.image_width, net.first_padding);
    let (lines, columns) = (h + 2 * (margin - 1), w + 2 * (margin - 1));
    for y in 0..lines {
        for channel in 0..net.channels {
            for dy in (0..3).filter(|dy| (margin..h + margin).contains(&(y + dy))) {
                for dx in (0..3).rev() {
                    let tap = channel * 9 + dy * 3 + dx;
                    let (from, to) = (margin.saturating_sub(dx), columns.min(w + margin - dx));
                    f(Run {
                        patch: tap / PANEL * rows + y * columns + from,
                        lane: tap % PANEL,
                        pixel: (channel * h + y + dy - margin) * w + from + dx - margin,
                        count: to - from,
                    });
                }
            }
        }
    }
}

/// y = patches · W: `weights` `[panels][columns]`, `y` `[panels][pixels]`.
pub(crate) fn forward(net: &Network, patches: &[Lanes], weights: &[Lanes], y: &mut [Lanes], write: Write) {
    let rows = y.len() / net.panels();
    let taps = net.patch_panels() * net.patch_depth();
    for (panel, (weights, y)) in weights.chunks_exact(taps).zip(y.chunks_exact_mut(rows)).enumerate() {
        let weights = Right { data: weights, columns: columns(net.width, panel) };
        multiply(Left::Panels { data: patches, depth: net.patch_depth() }, weights, y, write);
    }
}

/// ∂patches = ∂y · Wᵀ, with `weights` `[patch panels][channels out]`.
pub(crate) fn backward(net: &Network, dy: &[Lanes], weights: &[Lanes], patches: &mut [Lanes], write: Write) {
    let rows = dy.len() / net.panels();
    let (outputs, depth) = (net.panels() * PANEL, net.width.min(PANEL));
    let groups = weights.chunks_exact(outputs).zip(patches.chunks_exact_mut(rows));
    for (group, (weights, patches)) in groups.enumerate() {
        let weights =
            Right { data: &weights[..net.panels() * depth], columns: columns(net.channels * 9, group) };
        multiply(Left::Panels { data: dy, depth }, weights, patches, write);
    }
}

/// ∂W = patchesᵀ · ∂y, added to `gradient` `[o, c, 3, 3]`.
pub(crate) fn weight_gradient(net: &Network, patches: &[Lanes], dy: &[Lanes], gradient: &mut [f32]) {
    let rows = dy.len() / net.panels();
    let taps = net.channels * 9;
    for (panel, dy) in dy.chunks_exact(rows).enumerate() {
        for (group, patches) in patches.chunks_exact(rows).enumerate() {
            let count = columns(taps, group);
            let mut product = [[0.0; PANEL]; PANEL];
            let dy = Right { data: dy, columns: columns(net.width, panel) };
            multiply(Left::Transposed(patches), dy, &mut product[..count], Write::New);
            for (tap, product) in product[..count].iter().enumerate() {
                for lane in 0..dy.columns {
                    gradient[(panel * PANEL + lane) * taps + group * PANEL + tap] += product[lane];
                }
            }
        }
    }
}
