//! Winograd's F(4×4, 3×3): a 3×3 convolution as 36 matrix products a tile of 4×4 outputs, a quarter of the
//! multiplications of the direct sum (Lavin and Gray 2016, points 0, ±1, ±2, ∞).
//!
//! With input tiles d, filters g and output tiles y, elementwise in the 36 positions and summed over channels:
//! y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. The gradients are the transposed maps of the same three matrices, so one
//! transform of ∂y serves both ∂d and ∂g.

use crate::vectorised::vectorised;
use crate::{Lanes, PANEL};

/// Positions of a transformed tile.
pub(crate) const POSITIONS: usize = SIDE * SIDE;
/// Side of an input tile.
const SIDE: usize = 6;
/// Side of an output tile, and the distance of input tiles.
const OUT: usize = 4;

/// One map, cut into output tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Grid {
    pub(crate) fn pixels(self) -> usize {
        self.height * self.width
    }

    pub(crate) fn tiles(self) -> usize {
        self.height.div_ceil(OUT) * self.width.div_ceil(OUT)
    }

    /// Calls `f(tile, corner)` for every tile.
    #[inline(always)]
    fn each_tile(self, mut f: impl FnMut(usize, Corner)) {
        let mut tile = 0;
        for top in (0..self.height).step_by(OUT) {
            for left in (0..self.width).step_by(OUT) {
                f(tile, Corner { top, left });
                tile += 1;
            }
        }
    }

    /// Where row `top + i − margin` starts, if it is inside the map.
    #[inline(always)]
    fn row(self, at: Corner, i: usize, margin: usize) -> Option<usize> {
        (at.top + i).checked_sub(margin).filter(|&y| y < self.height).map(|y| y * self.width)
    }
}

/// Where a tile of outputs begins.
#[derive(Debug, Clone, Copy)]
struct Corner {
    top: usize,
    left: usize,
}

/// Maps of all images and panels `[images][panels][pixels]`, and their tiles `[36][panels][images × tiles]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Maps {
    pub(crate) images: usize,
    pub(crate) panels: usize,
    pub(crate) grid: Grid,
}

impl Maps {
    /// Lines of all maps.
    pub(crate) fn lines(self) -> usize {
        self.images * self.panels * self.grid.pixels()
    }

    /// Lines of all transformed tiles.
    pub(crate) fn transformed(self) -> usize {
        POSITIONS * self.stride()
    }

    /// Lines between two positions.
    fn stride(self) -> usize {
        self.panels * self.images * self.grid.tiles()
    }

    /// Where the tiles of the `k`-th map start.
    #[inline(always)]
    fn first_tile(self, k: usize) -> usize {
        (k % self.panels * self.images + k / self.panels) * self.grid.tiles()
    }
}

vectorised! {
    /// V = Bᵀ d B, with zeros around the maps.
    pub(crate) fn input<'a>(maps: Maps, x: &'a [Lanes], v: &'a mut [Lanes]) {
        let grid = maps.grid;
        let mut scratch = Scratch::new();
        for (k, x) in x.chunks_exact(grid.pixels()).enumerate() {
            grid.each_tile(
                #[inline(always)]
                |tile, at| {
                    load(grid, x, at, 1, &mut scratch.tile);
                    scratch.both_sides(bt);
                    store_positions(&scratch.whole, v, maps.stride(), maps.first_tile(k) + tile);
                },
            );
        }
    }
}

vectorised! {
    /// ∂d = B ∂V Bᵀ, summed over overlapping tiles.
    pub(crate) fn input_transposed<'a>(maps: Maps, v: &'a [Lanes], x: &'a mut [Lanes]) {
        let grid = maps.grid;
        let mut scratch = Scratch::<SIDE, SIDE>::new();
        x.fill([0.0; PANEL]);
        for (k, x) in x.chunks_exact_mut(grid.pixels()).enumerate() {
            grid.each_tile(
                #[inline(always)]
                |tile, at| {
                    load_positions(v, maps.stride(), maps.first_tile(k) + tile, &mut scratch.tile);
                    scratch.both_sides(b);
                    add_tile(grid, &scratch.whole, at, x);
                },
            );
        }
    }
}

/// Adds an input tile to the map where it is inside.
#[inline(always)]
fn add_tile(grid: Grid, tile: &[[Lanes; SIDE]; SIDE], at: Corner, x: &mut [Lanes]) {
    for (i, row) in tile.iter().enumerate() {
        let Some(start) = grid.row(at, i, 1) else { continue };
        for (j, d) in row.iter().enumerate() {
            if at.left + j >= 1 && at.left + j <= grid.width {
                let x = &mut x[start + at.left + j - 1];
                for l in 0..PANEL {
                    x[l] += d[l];
                }
            }
        }
    }
}

vectorised! {
    /// y = Aᵀ M A.
    pub(crate) fn output<'a>(maps: Maps, m: &'a [Lanes], y: &'a mut [Lanes]) {
        let grid = maps.grid;
        let mut scratch = Scratch::<SIDE, OUT>::new();
        for (k, y) in y.chunks_exact_mut(grid.pixels()).enumerate() {
            grid.each_tile(
                #[inline(always)]
                |tile, corner| {
                    load_positions(m, maps.stride(), maps.first_tile(k) + tile, &mut scratch.tile);
                    scratch.both_sides(at);
                    for (i, row) in scratch.whole.iter().enumerate() {
                        let Some(start) = grid.row(corner, i, 0) else { continue };
                        let count = OUT.min(grid.width - corner.left);
                        y[start + corner.left..][..count].copy_from_slice(&row[..count]);
                    }
                },
            );
        }
    }
}

vectorised! {
    /// ∂M = A ∂y Aᵀ.
    pub(crate) fn output_transposed<'a>(maps: Maps, y: &'a [Lanes], m: &'a mut [Lanes]) {
        let grid = maps.grid;
        let mut scratch = Scratch::new();
        for (k, y) in y.chunks_exact(grid.pixels()).enumerate() {
            grid.each_tile(
                #[inline(always)]
                |tile, at| {
                    load(grid, y, at, 0, &mut scratch.tile);
                    scratch.both_sides(a);
                    store_positions(&scratch.whole, m, maps.stride(), maps.first_tile(k) + tile);
                },
            );
        }
    }
}

/// `N × N` pixels from `(top − margin, left − margin)` on, zeros outside the map.
#[inline(always)]
fn load<const N: usize>(grid: Grid, x: &[Lanes], at: Corner, margin: usize, tile: &mut [[Lanes; N]; N]) {
    for (i, row) in tile.iter_mut().enumerate() {
        let start = grid.row(at, i, margin);
        for (j, value) in row.iter_mut().enumerate() {
            let inside = at.left + j >= margin && at.left + j < grid.width + margin;
            *value = match start {
                Some(start) if inside => x[start + at.left + j - margin],
                _ => [0.0; PANEL],
            };
        }
    }
}

#[inline(always)]
fn store_positions(t: &[[Lanes; SIDE]; SIDE], out: &mut [Lanes], stride: usize, at: usize) {
    for (position, t) in t.as_flattened().iter().enumerate() {
        out[position * stride + at] = *t;
    }
}

#[inline(always)]
fn load_positions(x: &[Lanes], stride: usize, at: usize, tile: &mut [[Lanes; SIDE]; SIDE]) {
    for (position, t) in tile.as_flattened_mut().iter_mut().enumerate() {
        *t = x[position * stride + at];
    }
}

/// Working memory of one tile, outside the loop over tiles so that nothing is cleared for each.
struct Scratch<const I: usize, const O: usize> {
    tile: [[Lanes; I]; I],
    half: [[Lanes; I]; O],
    whole: [[Lanes; O]; O],
}

impl<const I: usize, const O: usize> Scratch<I, O> {
    #[inline(always)]
    fn new() -> Self {
        Self { tile: [[[0.0; PANEL]; I]; I], half: [[[0.0; PANEL]; I]; O], whole: [[[0.0; PANEL]; O]; O] }
    }

    /// T x Tᵀ of the tile x, where `map` applies T to one column.
    #[inline(always)]
    fn both_sides(&mut self, map: impl Fn([f32; I]) -> [f32; O]) {
        for j in 0..I {
            for l in 0..PANEL {
                let out = map(std::array::from_fn(|i| self.tile[i][j][l]));
                for (i, out) in out.into_iter().enumerate() {
                    self.half[i][j][l] = out;
                }
            }
        }
        for i in 0..O {
            for l in 0..PANEL {
                let out = map(std::array::from_fn(|j| self.half[i][j][l]));
                for (j, out) in out.into_iter().enumerate() {
                    self.whole[i][j][l] = out;
                }
            }
        }
    }
}

/// Filters in the nine taps and in the 36 positions.
pub(crate) struct Taps(Scratch<3, SIDE>);

impl Taps {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(Scratch::new())
    }

    /// The taps, to be filled before [`Taps::transform`].
    #[inline(always)]
    pub(crate) fn taps(&mut self) -> &mut [Lanes] {
        self.0.tile.as_flattened_mut()
    }

    /// U = G g Gᵀ, written to `u[position × stride + at]`.
    #[inline(always)]
    pub(crate) fn transform(&mut self, u: &mut [Lanes], stride: usize, at: usize) {
        self.0.both_sides(weights);
        store_positions(&self.0.whole, u, stride, at);
    }
}

/// Gradients of filters in the 36 positions and in the nine taps.
pub(crate) struct TapsGradient(Scratch<SIDE, 3>);

impl TapsGradient {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(Scratch::new())
    }

    /// ∂g = Gᵀ ∂U G of `u[position × stride + at]`.
    #[inline(always)]
    pub(crate) fn transform(&mut self, u: &[Lanes], stride: usize, at: usize) -> &[Lanes] {
        load_positions(u, stride, at, &mut self.0.tile);
        self.0.both_sides(weights_transposed);
        self.0.whole.as_flattened()
    }
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
