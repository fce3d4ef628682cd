//! Winograd's F(4×4, 3×3): a 3×3 convolution as 36 matrix products a tile of 4×4 outputs, a quarter of the
//! multiplications of the direct sum (Lavin and Gray 2016, points 0, ±1, ±2, ∞).
//!
//! With input tiles d, filters g and output tiles y, elementwise in the 36 positions and summed over channels:
//! y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. The gradients are the transposed maps of the same three matrices, so one
//! transform of ∂y serves both ∂d and ∂g.

use pulp::Arch;

use crate::{Lanes, PANEL};

/// Positions of a transformed tile.
pub(crate) const POSITIONS: usize = SIDE * SIDE;
/// Side of an input tile.
const SIDE: usize = 6;
/// Side of an output tile, and the distance of input tiles.
const OUT: usize = 4;

/// The maps of one panel of channels: `images × height × width` pixels, cut into output tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Grid {
    /// Pixels of all images.
    pub(crate) fn pixels(self) -> usize {
        self.images * self.height * self.width
    }

    /// Tiles of all images.
    pub(crate) fn tiles(self) -> usize {
        self.images * self.height.div_ceil(OUT) * self.width.div_ceil(OUT)
    }

    /// Calls `f(tile, image, top, left)` for every tile.
    #[inline(always)]
    fn each_tile(self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let mut tile = 0;
        for image in 0..self.images {
            for top in (0..self.height).step_by(OUT) {
                for left in (0..self.width).step_by(OUT) {
                    f(tile, image, top, left);
                    tile += 1;
                }
            }
        }
    }

    /// Where pixel `(top + i − margin, left + j)` of `image` lies, and the columns `j` inside the map.
    #[inline(always)]
    fn row(self, image: usize, top: usize, i: usize, margin: usize) -> Option<usize> {
        let y = (top + i).checked_sub(margin).filter(|&y| y < self.height)?;
        Some((image * self.height + y) * self.width)
    }
}

/// V = Bᵀ d B: `x` `[panels][pixels]` to `v` `[36][panels][tiles]`, with zeros around the map.
pub(crate) fn input(grid: Grid, x: &[Lanes], v: &mut [Lanes]) {
    let stride = v.len() / POSITIONS;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (panel, x) in x.chunks_exact(grid.pixels()).enumerate() {
                grid.each_tile(
                    #[inline(always)]
                    |tile, image, top, left| {
                        let d = load::<SIDE>(grid, x, image, top, left, 1);
                        let at = panel * grid.tiles() + tile;
                        store_positions(&both_sides(&d, bt), v, stride, at);
                    },
                );
            }
        },
    );
}

/// ∂d = B ∂V Bᵀ, summed over overlapping tiles: `v` `[36][panels][tiles]` to `x` `[panels][pixels]`.
pub(crate) fn input_transposed(grid: Grid, v: &[Lanes], x: &mut [Lanes]) {
    let stride = v.len() / POSITIONS;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            x.fill([0.0; PANEL]);
            for (panel, x) in x.chunks_exact_mut(grid.pixels()).enumerate() {
                grid.each_tile(
                    #[inline(always)]
                    |tile, image, top, left| {
                        let m = load_positions(v, stride, panel * grid.tiles() + tile);
                        let d: [[Lanes; SIDE]; SIDE] = both_sides(&m, b);
                        for (i, row) in d.iter().enumerate() {
                            let Some(start) = grid.row(image, top, i, 1) else { continue };
                            for (j, d) in row.iter().enumerate() {
                                if left + j >= 1 && left + j <= grid.width {
                                    let x = &mut x[start + left + j - 1];
                                    for l in 0..PANEL {
                                        x[l] += d[l];
                                    }
                                }
                            }
                        }
                    },
                );
            }
        },
    );
}

/// y = Aᵀ M A: `m` `[36][panels][tiles]` to `y` `[panels][pixels]`.
pub(crate) fn output(grid: Grid, m: &[Lanes], y: &mut [Lanes]) {
    let stride = m.len() / POSITIONS;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (panel, y) in y.chunks_exact_mut(grid.pixels()).enumerate() {
                grid.each_tile(
                    #[inline(always)]
                    |tile, image, top, left| {
                        let m = load_positions(m, stride, panel * grid.tiles() + tile);
                        let out: [[Lanes; OUT]; OUT] = both_sides(&m, at);
                        for (i, row) in out.iter().enumerate() {
                            let Some(start) = grid.row(image, top, i, 0) else { continue };
                            let count = OUT.min(grid.width - left);
                            y[start + left..start + left + count].copy_from_slice(&row[..count]);
                        }
                    },
                );
            }
        },
    );
}

/// ∂M = A ∂y Aᵀ: `y` `[panels][pixels]` to `m` `[36][panels][tiles]`.
pub(crate) fn output_transposed(grid: Grid, y: &[Lanes], m: &mut [Lanes]) {
    let stride = m.len() / POSITIONS;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (panel, y) in y.chunks_exact(grid.pixels()).enumerate() {
                grid.each_tile(
                    #[inline(always)]
                    |tile, image, top, left| {
                        let dy = load::<OUT>(grid, y, image, top, left, 0);
                        let at = panel * grid.tiles() + tile;
                        store_positions(&both_sides(&dy, a), m, stride, at);
                    },
                );
            }
        },
    );
}

/// U = G g Gᵀ of one group of filters, written to `u[position × stride + at]`.
#[inline(always)]
pub(crate) fn filter(g: &[[Lanes; 3]; 3], u: &mut [Lanes], stride: usize, at: usize) {
    store_positions(&both_sides(g, weights), u, stride, at);
}

/// ∂g = Gᵀ ∂U G of one group of filters.
#[inline(always)]
pub(crate) fn filter_transposed(u: &[Lanes], stride: usize, at: usize) -> [[Lanes; 3]; 3] {
    both_sides(&load_positions(u, stride, at), weights_transposed)
}

/// `N × N` pixels from `(top − margin, left − margin)` on, zeros outside the map.
#[inline(always)]
fn load<const N: usize>(
    grid: Grid,
    x: &[Lanes],
    image: usize,
    top: usize,
    left: usize,
    margin: usize,
) -> [[Lanes; N]; N] {
    let mut tile = [[[0.0; PANEL]; N]; N];
    for (i, row) in tile.iter_mut().enumerate() {
        let Some(start) = grid.row(image, top, i, margin) else { continue };
        for (j, value) in row.iter_mut().enumerate() {
            if left + j >= margin && left + j < grid.width + margin {
                *value = x[start + left + j - margin];
            }
        }
    }
    tile
}

#[inline(always)]
fn store_positions(t: &[[Lanes; SIDE]; SIDE], out: &mut [Lanes], stride: usize, at: usize) {
    for (position, t) in t.as_flattened().iter().enumerate() {
        out[position * stride + at] = *t;
    }
}

#[inline(always)]
fn load_positions(x: &[Lanes], stride: usize, at: usize) -> [[Lanes; SIDE]; SIDE] {
    let mut t = [[[0.0; PANEL]; SIDE]; SIDE];
    for (position, t) in t.as_flattened_mut().iter_mut().enumerate() {
        *t = x[position * stride + at];
    }
    t
}

/// T x Tᵀ, where `map` applies T to one column.
#[inline(always)]
fn both_sides<const I: usize, const O: usize>(
    x: &[[Lanes; I]; I],
    map: impl Fn([f32; I]) -> [f32; O],
) -> [[Lanes; O]; O] {
    let mut half = [[[0.0; PANEL]; I]; O];
    for j in 0..I {
        for l in 0..PANEL {
            let out = map(std::array::from_fn(|i| x[i][j][l]));
            for i in 0..O {
                half[i][j][l] = out[i];
            }
        }
    }
    let mut whole = [[[0.0; PANEL]; O]; O];
    for i in 0..O {
        for l in 0..PANEL {
            let out = map(std::array::from_fn(|j| half[i][j][l]));
            for j in 0..O {
                whole[i][j][l] = out[j];
            }
        }
    }
    whole
}

#[inline(always)]
fn bt(d: [f32; 6]) -> [f32; 6] {
    let even = d[4] - 4.0 * d[2];
    let odd = d[3] - 4.0 * d[1];
    let far = d[4] - d[2];
    let twice = 2.0 * (d[3] - d[1]);
    [
        4.0 * d[0] - 5.0 * d[2] + d[4],
        even + odd,
        even - odd,
        far + twice,
        far - twice,
        4.0 * d[1] - 5.0 * d[3] + d[5],
    ]
}

#[inline(always)]
fn b(v: [f32; 6]) -> [f32; 6] {
    let (s12, d12) = (v[1] + v[2], v[1] - v[2]);
    let (s34, d34) = (v[3] + v[4], v[3] - v[4]);
    [
        4.0 * v[0],
        4.0 * (v[5] - d12) - 2.0 * d34,
        -5.0 * v[0] - 4.0 * s12 - s34,
        d12 + 2.0 * d34 - 5.0 * v[5],
        v[0] + s12 + s34,
        v[5],
    ]
}

#[inline(always)]
fn at(m: [f32; 6]) -> [f32; 4] {
    let (s12, d12) = (m[1] + m[2], m[1] - m[2]);
    let (s34, d34) = (m[3] + m[4], m[3] - m[4]);
    [m[0] + s12 + s34, d12 + 2.0 * d34, s12 + 4.0 * s34, d12 + 8.0 * d34 + m[5]]
}

#[inline(always)]
fn a(y: [f32; 4]) -> [f32; 6] {
    let (even, odd) = (y[0] + y[2], y[1] + y[3]);
    let (even2, odd2) = (y[0] + 4.0 * y[2], 2.0 * y[1] + 8.0 * y[3]);
    [y[0], even + odd, even - odd, even2 + odd2, even2 - odd2, y[3]]
}

#[inline(always)]
fn weights(g: [f32; 3]) -> [f32; 6] {
    const SIXTH: f32 = 1.0 / 6.0;
    let even = (g[0] + g[2]) * -SIXTH;
    let odd = g[1] * SIXTH;
    let even2 = g[0] * (SIXTH / 4.0) + g[2] * SIXTH;
    let odd2 = g[1] * (SIXTH / 2.0);
    [g[0] * 0.25, even - odd, even + odd, even2 + odd2, even2 - odd2, g[2]]
}

#[inline(always)]
fn weights_transposed(u: [f32; 6]) -> [f32; 3] {
    const SIXTH: f32 = 1.0 / 6.0;
    let (s12, d12) = (u[1] + u[2], u[1] - u[2]);
    let (s34, d34) = (u[3] + u[4], u[3] - u[4]);
    [
        u[0] * 0.25 - s12 * SIXTH + s34 * (SIXTH / 4.0),
        d34 * (SIXTH / 2.0) - d12 * SIXTH,
        (s34 - s12) * SIXTH + u[5],
    ]
}
