//! The first convolution, whose few input channels do not fill a panel: a product with 3×3 patches.

use crate::gemm::{Left, Write, multiply};
use crate::network::Network;
use crate::{Lanes, PANEL};

/// 3×3 patches `[patch panels][pixels]` of one image `[c, h, w]`; column `9·channel + 3·dy + dx`.
pub(crate) fn gather(net: &Network, image: &[f32], patches: &mut [Lanes]) {
    patches.fill([0.0; PANEL]);
    let rows = patches.len() / net.patch_panels();
    each_tap(net, |row, tap, pixel| patches[tap / PANEL * rows + row][tap % PANEL] = image[pixel]);
}

/// The transposed of [`gather`]: adds patches to the pixels they were taken from.
pub(crate) fn scatter(net: &Network, patches: &[Lanes], image: &mut [f32]) {
    let rows = patches.len() / net.patch_panels();
    each_tap(net, |row, tap, pixel| image[pixel] += patches[tap / PANEL * rows + row][tap % PANEL]);
}

/// Calls `f(patch, column, pixel)` for every tap inside the image.
fn each_tap(net: &Network, mut f: impl FnMut(usize, usize, usize)) {
    let (h, w, margin) = (net.height, net.image_width, net.first_padding);
    let grown = 2 * (margin - 1);
    for y in 0..h + grown {
        for x in 0..w + grown {
            let row = y * (w + grown) + x;
            for channel in 0..net.channels {
                for dy in 0..3 {
                    let Some(source_y) = (y + dy).checked_sub(margin).filter(|&y| y < h) else { continue };
                    for dx in 0..3 {
                        let Some(source_x) = (x + dx).checked_sub(margin).filter(|&x| x < w) else {
                            continue;
                        };
                        f(row, channel * 9 + dy * 3 + dx, (channel * h + source_y) * w + source_x);
                    }
                }
            }
        }
    }
}

/// y = patches · W: `weights` `[panels][columns]`, `y` `[panels][pixels]`.
pub(crate) fn forward(net: &Network, patches: &[Lanes], weights: &[Lanes], y: &mut [Lanes], write: Write) {
    let rows = y.len() / net.panels();
    let columns = net.patch_panels() * net.patch_depth();
    for (weights, y) in weights.chunks_exact(columns).zip(y.chunks_exact_mut(rows)) {
        multiply(Left::Panels { data: patches, depth: net.patch_depth() }, weights, y, write);
    }
}

/// ∂patches = ∂y · Wᵀ, with `weights` `[patch panels][channels out]`.
pub(crate) fn backward(net: &Network, dy: &[Lanes], weights: &[Lanes], patches: &mut [Lanes], write: Write) {
    let rows = dy.len() / net.panels();
    let outputs = net.panels() * PANEL;
    for (weights, patches) in weights.chunks_exact(outputs).zip(patches.chunks_exact_mut(rows)) {
        multiply(Left::Panels { data: dy, depth: PANEL }, weights, patches, write);
    }
}

/// ∂W = patchesᵀ · ∂y, added to `gradient` `[o, c, 3, 3]`.
pub(crate) fn weight_gradient(net: &Network, patches: &[Lanes], dy: &[Lanes], gradient: &mut [f32]) {
    let rows = dy.len() / net.panels();
    let taps = net.channels * 9;
    for (panel, dy) in dy.chunks_exact(rows).enumerate() {
        for (group, patches) in patches.chunks_exact(rows).enumerate() {
            let count = PANEL.min(taps - group * PANEL);
            let mut product = [[0.0; PANEL]; PANEL];
            multiply(Left::Transposed(patches), dy, &mut product[..count], Write::New);
            for (tap, product) in product[..count].iter().enumerate() {
                for lane in 0..PANEL.min(net.width - panel * PANEL) {
                    gradient[(panel * PANEL + lane) * taps + group * PANEL + tap] += product[lane];
                }
            }
        }
    }
}
