use rayon::prelude::*;

use crate::gemm::columns;
use crate::lines::Lines;
use crate::network::{Block, Network, channels_of};
use crate::vectorised::vectorised;
use crate::winograd::{POSITIONS, Taps, TapsGradient};
use crate::{Lanes, PANEL};

/// θ, or a tangent of it, rearranged for the kernels. Made once a step and shared by all threads.
#[derive(Debug)]
pub struct Weights {
    /// First convolution `[panels][patch columns]`.
    pub(crate) first: Lines,
    /// Its transposed `[patch panels][channels out]`.
    pub(crate) first_transposed: Lines,
    /// The other convolutions.
    pub(crate) convs: Vec<Filters>,
    /// Scale and shift of every block's norm, `[panels]` each.
    pub(crate) norms: Vec<Affine>,
    /// Classifier `[classes][panels][pixels]`, in the order of the last block's output.
    pub(crate) classifier: Lines,
    /// Its bias `[classes]`.
    pub(crate) bias: Vec<f32>,
}

/// A 3×3 convolution in the transformed domain.
#[derive(Debug)]
pub(crate) struct Filters {
    /// `[36][panels out][channels in]`.
    pub(crate) forward: Lines,
    /// `[36][panels in][channels out]`.
    pub(crate) backward: Lines,
}

/// Scale and shift of a norm.
#[derive(Debug)]
pub(crate) struct Affine {
    pub(crate) scale: Vec<Lanes>,
    pub(crate) shift: Vec<Lanes>,
}

impl Weights {
    /// Rearranges `theta` `[P]`.
    ///
    /// # Panics
    /// When `theta` does not have `P` scalars.
    pub fn new(net: &Network, theta: &[f32]) -> Self {
        assert_eq!(theta.len(), net.params(), "theta does not fit this network");
        let blocks: Vec<Block> = net.blocks().collect();
        let later: Vec<&[f32]> = blocks[1..].iter().map(|b| filters(net, b, theta)).collect();
        let first = filters(net, &blocks[0], theta);
        let (head, bias) = theta[net.classifier()..].split_at(net.classes * net.features());
        Self {
            first: patch_weights(net, first),
            first_transposed: patch_weights_transposed(net, first),
            convs: later.into_par_iter().map(|w| Filters::new(net.width, w)).collect(),
            norms: blocks.iter().map(|block| Affine::new(net, block, theta)).collect(),
            classifier: classifier(net, head),
            bias: bias.to_vec(),
        }
    }
}

/// Bytes of the [`Weights`] of a network.
pub fn weights_bytes(net: &Network) -> usize {
    let padded = net.panels() * PANEL;
    let first = (net.patch_panels() * net.patch_depth() * net.panels()) + net.patch_panels() * padded;
    let later = (net.depth - 1) * 2 * POSITIONS * net.panels() * padded;
    let norms = 2 * net.depth * net.panels();
    let classifier = net.classes * net.panels() * net.last_pixels();
    (first + later + norms + classifier) * size_of::<Lanes>() + net.classes * size_of::<f32>()
}

/// `[o, i, 3, 3]` of a block.
fn filters<'a>(net: &Network, block: &Block, theta: &'a [f32]) -> &'a [f32] {
    &theta[block.offset..][..net.width * block.channels * 9]
}

fn patch_weights(net: &Network, w: &[f32]) -> Lines {
    let columns = net.patch_panels() * net.patch_depth();
    let taps = net.channels * 9;
    let mut packed = Lines::zeros(net.panels() * columns);
    for (o, filter) in w.chunks_exact(taps).enumerate() {
        for (tap, &value) in filter.iter().enumerate() {
            packed[o / PANEL * columns + tap][o % PANEL] = value;
        }
    }
    packed
}

fn patch_weights_transposed(net: &Network, w: &[f32]) -> Lines {
    let outputs = net.panels() * PANEL;
    let mut packed = Lines::zeros(net.patch_panels() * outputs);
    for (o, filter) in w.chunks_exact(net.channels * 9).enumerate() {
        for (tap, &value) in filter.iter().enumerate() {
            packed[tap / PANEL * outputs + o][tap % PANEL] = value;
        }
    }
    packed
}

fn classifier(net: &Network, w: &[f32]) -> Lines {
    let pixels = net.last_pixels();
    let mut packed = Lines::zeros(net.classes * net.panels() * pixels);
    for (class, row) in w.chunks_exact(net.features()).enumerate() {
        for (c, map) in row.chunks_exact(pixels).enumerate() {
            let start = (class * net.panels() + c / PANEL) * pixels;
            for (pixel, &value) in map.iter().enumerate() {
                packed[start + pixel][c % PANEL] = value;
            }
        }
    }
    packed
}

impl Affine {
    fn new(net: &Network, block: &Block, theta: &[f32]) -> Self {
        let start = block.offset + net.width * (block.channels * 9 + 1);
        let (scale, shift) = theta[start..start + 2 * net.width].split_at(net.width);
        let panels = |values: &[f32]| (0..net.panels()).map(|panel| channels_of(values, panel)).collect();
        Self { scale: panels(scale), shift: panels(shift) }
    }
}

impl Filters {
    /// From `[o, i, 3, 3]` with as many channels in as out.
    fn new(width: usize, w: &[f32]) -> Self {
        let (out, input) = (width * 9, 9);
        let (forward, backward) =
            rayon::join(|| transformed(width, w, [input, out]), || transformed(width, w, [out, input]));
        Self { forward, backward }
    }
}

/// `[36][panels of lanes][outer]` from the nine taps at `outer × strides[0] + lane × strides[1]`.
fn transformed(width: usize, w: &[f32], strides: [usize; 2]) -> Lines {
    let panels = width.div_ceil(PANEL);
    let count = POSITIONS * panels * panels * PANEL;
    // Without channels of padding every line is written.
    let mut u = if width == panels * PANEL { Lines::any(count) } else { Lines::zeros(count) };
    transform(width, w, strides, &mut u);
    u
}

vectorised! {
    fn transform<'a>(width: usize, w: &'a [f32], strides: [usize; 2], u: &'a mut [Lanes]) {
        let stride = u.len() / POSITIONS;
        let outers = width.div_ceil(PANEL) * PANEL;
        let mut filters = Taps::new();
        for panel in 0..outers / PANEL {
            for outer in 0..width {
                let g = filters.taps();
                if width < outers {
                    g.fill([0.0; PANEL]);
                }
                for lane in 0..columns(width, panel) {
                    let start = outer * strides[0] + (panel * PANEL + lane) * strides[1];
                    for (g, &tap) in g.iter_mut().zip(&w[start..start + 9]) {
                        g[lane] = tap;
                    }
                }
                filters.transform(u, stride, panel * outers + outer);
            }
        }
    }
}

vectorised! {
    /// Writes ∂θ of one panel of output channels, from ∂U `[36][channels in]`, to `gradient` `[o, i, 3, 3]`.
    pub(crate) fn filters_gradient<'a>(width: usize, panel: usize, u: &'a [Lanes], gradient: &'a mut [f32]) {
        let inputs = u.len() / POSITIONS;
        let mut filters = TapsGradient::new();
        for i in 0..width {
            let g = filters.transform(u, inputs, i);
            for lane in 0..columns(width, panel) {
                let taps = &mut gradient[((panel * PANEL + lane) * width + i) * 9..][..9];
                for (tap, g) in taps.iter_mut().zip(g) {
                    *tap = g[lane];
                }
            }
        }
    }
}

impl Affine {
    pub(crate) fn zero(panels: usize) -> Self {
        Self { scale: vec![[0.0; PANEL]; panels], shift: vec![[0.0; PANEL]; panels] }
    }

    /// Writes these values to a block's part of `theta` `[P]`.
    pub(crate) fn write(&self, net: &Network, block: &Block, theta: &mut [f32]) {
        let start = block.offset + net.width * (block.channels * 9 + 1);
        let (scale, shift) = theta[start..start + 2 * net.width].split_at_mut(net.width);
        scale.copy_from_slice(&self.scale.as_flattened()[..net.width]);
        shift.copy_from_slice(&self.shift.as_flattened()[..net.width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_buffers() {
        for (channels, width, depth) in [(3, 40, 3), (1, 16, 1), (5, 64, 2)] {
            let net =
                Network { channels, classes: 3, height: 16, image_width: 16, width, depth, first_padding: 1 };
            let made = Weights::new(&net, &vec![0.0; net.params()]);
            let convs: usize = made.convs.iter().map(|conv| conv.forward.len() + conv.backward.len()).sum();
            let norms: usize = made.norms.iter().map(|norm| norm.scale.len() + norm.shift.len()).sum();
            let lines =
                made.first.len() + made.first_transposed.len() + convs + norms + made.classifier.len();
            assert_eq!(weights_bytes(&net), lines * PANEL * 4 + made.bias.len() * 4, "{net:?}");
        }
    }
}
