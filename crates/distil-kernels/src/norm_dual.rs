//! [`norm`](crate::norm) with its derivative along a direction: forward, and the tangent of its gradient.
//!
//! A dot marks a tangent: ẏ = dy/dε. With c = y − μ and r = 1/σ: ṙ = −r³·mean(c·ċ), x̂̇ = ċ·r + c·ṙ and
//! ż = γ̇·x̂ + γ·x̂̇ + β̇. The ReLU's mask does not move.

use crate::norm::{Map, inverse_std, mean};
use crate::vectorised::vectorised;
use crate::weights::Affine;
use crate::winograd::Maps;
use crate::{Lanes, PANEL, Pair};

/// μ, 1/σ and their tangents, of one channel of one image.
pub(crate) const STATISTICS: usize = 4;

/// One channel's constants: statistics, γ, β and the tangents of all.
#[derive(Clone, Copy)]
struct Channel<'a> {
    statistics: &'a [Lanes],
    gamma: Pair<&'a Lanes>,
    beta: Pair<&'a Lanes>,
}

/// x̂ and z at one pixel, with tangents.
#[derive(Clone, Copy)]
struct Point {
    x: f32,
    dx: f32,
    active: bool,
    dz: f32,
}

impl Channel<'_> {
    #[inline(always)]
    fn point(self, l: usize, y: f32, dy: f32) -> Point {
        let [mean, inverse, mean_tangent, inverse_tangent] = [0, 1, 2, 3].map(|i| self.statistics[i][l]);
        let centred = y - mean;
        let x = centred * inverse;
        let dx = (dy - mean_tangent) * inverse + centred * inverse_tangent;
        let (gamma, beta) = (self.gamma, self.beta);
        Point {
            x,
            dx,
            active: x * gamma.value[l] + beta.value[l] > 0.0,
            dz: gamma.tangent[l] * x + gamma.value[l] * dx + beta.tangent[l],
        }
    }
}

vectorised! {
    /// `y` `[images][panels][pixels]` to `p` `[images][panels][pooled pixels]` with tangents, and the statistics `[images][panels][4]`.
    pub(crate) fn forward<'a>(maps: Maps, affine: Pair<&'a Affine>, y: Pair<&'a [Lanes]>, statistics: &'a mut [Lanes], p: Pair<&'a mut [Lanes]>) {
        let map = Map::of(maps);
        let y = y.value.chunks_exact(map.pixels).zip(y.tangent.chunks_exact(map.pixels));
        let p = p.value.chunks_exact_mut(map.pooled).zip(p.tangent.chunks_exact_mut(map.pooled));
        let maps = y.zip(p).zip(statistics.chunks_exact_mut(STATISTICS));
        for (k, (((y, dy), (p, dp)), s)) in maps.enumerate() {
            measure(y, dy, s);
            pool(map, channel(affine, k % map.panels, s), y, dy, p, dp);
        }
    }
}

#[inline(always)]
fn channel<'a>(affine: Pair<&'a Affine>, panel: usize, statistics: &'a [Lanes]) -> Channel<'a> {
    let Pair { value, tangent } = affine;
    Channel {
        statistics,
        gamma: Pair { value: &value.scale[panel], tangent: &tangent.scale[panel] },
        beta: Pair { value: &value.shift[panel], tangent: &tangent.shift[panel] },
    }
}

#[inline(always)]
fn measure(y: &[Lanes], dy: &[Lanes], s: &mut [Lanes]) {
    s[0] = mean(y);
    s[1] = inverse_std(y, &s[0]);
    s[2] = mean(dy);
    let mut projection = [0.0; PANEL];
    for (y, dy) in y.iter().zip(dy) {
        for l in 0..PANEL {
            projection[l] += (y[l] - s[0][l]) * (dy[l] - s[2][l]);
        }
    }
    for l in 0..PANEL {
        let inverse = s[1][l];
        s[3][l] = -(inverse * inverse * inverse) * (projection[l] / y.len() as f32);
    }
}

#[inline(always)]
fn pool(map: Map, channel: Channel<'_>, y: &[Lanes], dy: &[Lanes], p: &mut [Lanes], dp: &mut [Lanes]) {
    for (at, (p, dp)) in p.iter_mut().zip(dp).enumerate() {
        let (mut sum, mut sum_tangent) = ([0.0; PANEL], [0.0; PANEL]);
        for pixel in map.under(at) {
            let (y, dy) = (&y[pixel], &dy[pixel]);
            for l in 0..PANEL {
                let point = channel.point(l, y[l], dy[l]);
                let z = point.x * channel.gamma.value[l] + channel.beta.value[l];
                sum[l] += if point.active { z } else { 0.0 };
                sum_tangent[l] += if point.active { point.dz } else { 0.0 };
            }
        }
        for l in 0..PANEL {
            p[l] = 0.25 * sum[l];
            dp[l] = 0.25 * sum_tangent[l];
        }
    }
}

vectorised! {
    /// Turns `y` and ẏ into ∂y and its tangent, given ∂p and its tangent; adds ∂γ and ∂β, and their tangents.
    pub(crate) fn backward<'a>(maps: Maps, affine: Pair<&'a Affine>, statistics: &'a [Lanes], dp: Pair<&'a [Lanes]>, y: Pair<&'a mut [Lanes]>, gradient: Pair<&'a mut Affine>) {
        let map = Map::of(maps);
        let y = y.value.chunks_exact_mut(map.pixels).zip(y.tangent.chunks_exact_mut(map.pixels));
        let dp = dp.value.chunks_exact(map.pooled).zip(dp.tangent.chunks_exact(map.pooled));
        let maps = y.zip(dp).zip(statistics.chunks_exact(STATISTICS));
        for (k, (((y, dy), (dp, ddp)), s)) in maps.enumerate() {
            let panel = k % map.panels;
            let channel = channel(affine, panel, s);
            let sums = sums(map, channel, Pair { value: y, tangent: dy }, dp, ddp);
            for l in 0..PANEL {
                gradient.value.shift[panel][l] += sums.dz[l];
                gradient.value.scale[panel][l] += sums.projection[l];
                gradient.tangent.shift[panel][l] += sums.dz_tangent[l];
                gradient.tangent.scale[panel][l] += sums.projection_tangent[l];
            }
            spread(map, channel, &mut Pair { value: y, tangent: dy }, Pair { value: dp, tangent: ddp }, &sums);
        }
    }
}

/// Σ ∂z, Σ ∂z·x̂ and their tangents.
struct Sums {
    dz: Lanes,
    projection: Lanes,
    dz_tangent: Lanes,
    projection_tangent: Lanes,
}

#[inline(always)]
fn sums(map: Map, channel: Channel<'_>, y: Pair<&[Lanes]>, dp: &[Lanes], ddp: &[Lanes]) -> Sums {
    let zero = [0.0; PANEL];
    let mut sums = Sums { dz: zero, projection: zero, dz_tangent: zero, projection_tangent: zero };
    for (at, (dp, ddp)) in dp.iter().zip(ddp).enumerate() {
        for pixel in map.under(at) {
            let (y, dy) = (&y.value[pixel], &y.tangent[pixel]);
            for l in 0..PANEL {
                let point = channel.point(l, y[l], dy[l]);
                let dz = if point.active { 0.25 * dp[l] } else { 0.0 };
                let ddz = if point.active { 0.25 * ddp[l] } else { 0.0 };
                sums.dz[l] += dz;
                sums.projection[l] += dz * point.x;
                sums.dz_tangent[l] += ddz;
                sums.projection_tangent[l] += ddz * point.x + dz * point.dx;
            }
        }
    }
    sums
}

/// ∂y = γ·r·e with e = ∂z − mean(∂z) − x̂·mean(∂z·x̂), and the product rule for its tangent.
#[inline(always)]
fn spread(map: Map, channel: Channel<'_>, y: &mut Pair<&mut [Lanes]>, dp: Pair<&[Lanes]>, sums: &Sums) {
    let n = 1.0 / map.pixels as f32;
    let (gamma, statistics) = (channel.gamma, channel.statistics);
    for row in 0..map.pixels / map.width {
        for column in 0..map.width {
            let covered = row / 2 * map.pooled_width + column / 2;
            let inside = column / 2 < map.pooled_width && covered < map.pooled;
            let zero = ([0.0; PANEL], [0.0; PANEL]);
            let (dp, ddp) = if inside { (dp.value[covered], dp.tangent[covered]) } else { zero };
            let at = row * map.width + column;
            let (y, dy) = (&mut y.value[at], &mut y.tangent[at]);
            for l in 0..PANEL {
                let point = channel.point(l, y[l], dy[l]);
                let dz = if point.active { 0.25 * dp[l] } else { 0.0 };
                let ddz = if point.active { 0.25 * ddp[l] } else { 0.0 };
                let slope = n * sums.projection[l];
                let e = dz - n * sums.dz[l] - point.x * slope;
                let de = ddz
                    - n * sums.dz_tangent[l]
                    - point.dx * slope
                    - point.x * (n * sums.projection_tangent[l]);
                let (inverse, inverse_tangent) = (statistics[1][l], statistics[3][l]);
                y[l] = gamma.value[l] * inverse * e;
                dy[l] = (gamma.tangent[l] * inverse + gamma.value[l] * inverse_tangent) * e
                    + gamma.value[l] * inverse * de;
            }
        }
    }
}
