//! Instance norm, ReLU and 2×2 average pool in one pass over a map, and its gradient in two.
//!
//! With x̂ = (y − μ)/σ, z = γ·x̂ + β, the output is the pooled max(z, 0). All sums are over one channel of one
//! image. Group norm with one group a channel is the field's instance norm.

use crate::vectorised::vectorised;
use crate::weights::Affine;
use crate::winograd::Maps;
use crate::{Lanes, PANEL};

/// Added to variances before the square root, as PyTorch's norms do.
pub(crate) const EPS: f32 = 1e-5;

/// Mean and 1/σ of one channel of one image.
pub(crate) const STATISTICS: usize = 2;

/// Sizes of one map as a loop needs them.
#[derive(Clone, Copy)]
pub(crate) struct Map {
    pub(crate) width: usize,
    pub(crate) pooled_width: usize,
    pub(crate) pooled: usize,
    pub(crate) pixels: usize,
    pub(crate) panels: usize,
}

impl Map {
    pub(crate) fn of(maps: Maps) -> Self {
        let grid = maps.grid;
        let (h, w) = (grid.height / 2, grid.width / 2);
        Self {
            width: grid.width,
            pooled_width: w,
            pooled: h * w,
            pixels: grid.height * grid.width,
            panels: maps.panels,
        }
    }

    /// The four pixels under a pooled one.
    #[inline(always)]
    pub(crate) fn under(self, pooled: usize) -> [usize; 4] {
        let at = 2 * (pooled / self.pooled_width) * self.width + 2 * (pooled % self.pooled_width);
        [at, at + 1, at + self.width, at + self.width + 1]
    }
}

/// Mean of `y` over the pixels.
#[inline(always)]
pub(crate) fn mean(y: &[Lanes]) -> Lanes {
    let mut sum = [0.0; PANEL];
    for y in y {
        for l in 0..PANEL {
            sum[l] += y[l];
        }
    }
    sum.map(|sum| sum / y.len() as f32)
}

/// 1/σ with the biased variance.
#[inline(always)]
pub(crate) fn inverse_std(y: &[Lanes], mean: &Lanes) -> Lanes {
    let mut sum = [0.0; PANEL];
    for y in y {
        for l in 0..PANEL {
            let centred = y[l] - mean[l];
            sum[l] += centred * centred;
        }
    }
    sum.map(|sum| 1.0 / (sum / y.len() as f32 + EPS).sqrt())
}

vectorised! {
    /// `y` `[images][panels][pixels]` to `p` `[images][panels][pooled pixels]`, and the statistics `[images][panels][2]`.
    pub(crate) fn forward<'a>(maps: Maps, affine: &'a Affine, y: &'a [Lanes], statistics: &'a mut [Lanes], p: &'a mut [Lanes]) {
        let map = Map::of(maps);
        let maps = y.chunks_exact(map.pixels).zip(p.chunks_exact_mut(map.pooled));
        for (k, ((y, p), s)) in maps.zip(statistics.chunks_exact_mut(STATISTICS)).enumerate() {
            let panel = k % map.panels;
            s[0] = mean(y);
            s[1] = inverse_std(y, &s[0]);
            pool(map, y, s, &affine.scale[panel], &affine.shift[panel], p);
        }
    }
}

#[inline(always)]
fn pool(map: Map, y: &[Lanes], s: &[Lanes], gamma: &Lanes, beta: &Lanes, p: &mut [Lanes]) {
    let mut scale = [0.0; PANEL];
    for l in 0..PANEL {
        scale[l] = s[1][l] * gamma[l];
    }
    for (at, p) in p.iter_mut().enumerate() {
        let mut sum = [0.0; PANEL];
        for pixel in map.under(at) {
            let y = &y[pixel];
            for l in 0..PANEL {
                sum[l] += ((y[l] - s[0][l]) * scale[l] + beta[l]).max(0.0);
            }
        }
        for l in 0..PANEL {
            p[l] = 0.25 * sum[l];
        }
    }
}

vectorised! {
    /// Turns `y` into ∂y, given ∂p; adds ∂γ and ∂β `[panels]`.
    pub(crate) fn backward<'a>(maps: Maps, affine: &'a Affine, statistics: &'a [Lanes], dp: &'a [Lanes], y: &'a mut [Lanes], gradient: &'a mut Affine) {
        let map = Map::of(maps);
        let maps = y.chunks_exact_mut(map.pixels).zip(dp.chunks_exact(map.pooled));
        for (k, ((y, dp), s)) in maps.zip(statistics.chunks_exact(STATISTICS)).enumerate() {
            let panel = k % map.panels;
            let (gamma, beta) = (&affine.scale[panel], &affine.shift[panel]);
            let (sum, projection) = sums(map, y, s, gamma, beta, dp);
            for l in 0..PANEL {
                gradient.shift[panel][l] += sum[l];
                gradient.scale[panel][l] += projection[l];
            }
            spread(map, y, s, [gamma, beta, &sum, &projection], dp);
        }
    }
}

/// Σ ∂z and Σ ∂z·x̂.
#[inline(always)]
fn sums(map: Map, y: &[Lanes], s: &[Lanes], gamma: &Lanes, beta: &Lanes, dp: &[Lanes]) -> (Lanes, Lanes) {
    let (mut sum, mut projection) = ([0.0; PANEL], [0.0; PANEL]);
    for (at, dp) in dp.iter().enumerate() {
        for pixel in map.under(at) {
            let y = &y[pixel];
            for l in 0..PANEL {
                let x = (y[l] - s[0][l]) * s[1][l];
                let dz = if x * gamma[l] + beta[l] > 0.0 { 0.25 * dp[l] } else { 0.0 };
                sum[l] += dz;
                projection[l] += dz * x;
            }
        }
    }
    (sum, projection)
}

/// ∂y = γ/σ·(∂z − mean(∂z) − x̂·mean(∂z·x̂)) over all pixels, those that no pooled pixel covers included.
#[inline(always)]
fn spread(map: Map, y: &mut [Lanes], s: &[Lanes], channel: [&Lanes; 4], dp: &[Lanes]) {
    let [gamma, beta, sum, projection] = channel;
    let n = 1.0 / map.pixels as f32;
    let height = map.pixels / map.width;
    for row in 0..height {
        for column in 0..map.width {
            let covered = row / 2 * map.pooled_width + column / 2;
            let inside = column / 2 < map.pooled_width && covered < map.pooled;
            let dp = if inside { dp[covered] } else { [0.0; PANEL] };
            let y = &mut y[row * map.width + column];
            for l in 0..PANEL {
                let x = (y[l] - s[0][l]) * s[1][l];
                let dz = if x * gamma[l] + beta[l] > 0.0 { 0.25 * dp[l] } else { 0.0 };
                y[l] = gamma[l] * s[1][l] * (dz - n * sum[l] - x * (n * projection[l]));
            }
        }
    }
}
