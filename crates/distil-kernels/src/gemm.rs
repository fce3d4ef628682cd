//! Products of matrices stored in panels of [`PANEL`] columns.
//!
//! A panel `[rows, PANEL]` is contiguous, so that a product reads its right factor without stride: strides of a
//! power of two fall on few sets of the first-level cache.

use pulp::{Arch, NullaryFnOnce, Simd, WithSimd};

use crate::{Lanes, PANEL};

/// What happens to the old content of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// It is overwritten.
    New,
    /// The product is added to it.
    Add,
}

/// The left factor A `[m, k]`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Left<'a> {
    /// Panels `[m, PANEL]` one after the other along k, of which the first `depth` columns count.
    Panels {
        /// Panels × m × [`PANEL`] scalars.
        data: &'a [Lanes],
        /// Columns of each panel; `k = panels × depth`.
        depth: usize,
    },
    /// The transposed of one panel `[k, PANEL]`, of which the first `m` columns count.
    Transposed(&'a [Lanes]),
}

/// The right factor B, one panel `[k, PANEL]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) data: &'a [Lanes],
    /// Columns that count; the others are zero, and so are C's.
    pub(crate) columns: usize,
}

/// How many columns of a panel count, when `total` are cut into panels.
pub(crate) fn columns(total: usize, panel: usize) -> usize {
    PANEL.min(total - panel * PANEL)
}

/// C = A·B or C += A·B with C one panel `[m, PANEL]`.
///
/// # Panics
/// When the sizes do not fit each other.
pub(crate) fn multiply(a: Left<'_>, b: Right<'_>, c: &mut [Lanes], write: Write) {
    let (m, k) = (c.len(), b.data.len());
    assert!(b.columns <= PANEL);
    match a {
        Left::Panels { data, depth } => assert!(depth <= PANEL && data.len() * depth == m * k),
        Left::Transposed(data) => assert!(data.len() == k && m <= PANEL),
    }
    Arch::new().dispatch(Multiply { a, b, c, write });
}

struct Multiply<'a> {
    a: Left<'a>,
    b: Right<'a>,
    c: &'a mut [Lanes],
    write: Write,
}

/// Vectors of C's columns in registers at a time.
const VECTORS: usize = 2;

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // 12 × 2 accumulators, 2 vectors of B and 1 of A fit 32 registers, 6 × 2 fit 16.
        let most = if S::REGISTER_COUNT >= 32 { 12 } else { 6 };
        let (b, _) = S::as_simd_f32s(self.b.data.as_flattened());
        let (c, _) = S::as_mut_simd_f32s(self.c.as_flattened_mut());
        let stride = PANEL / S::F32_LANES;
        let m = c.len() / stride;
        let counting = self.b.columns.div_ceil(S::F32_LANES).next_multiple_of(VECTORS);
        for column in (0..counting).step_by(VECTORS) {
            for row in (0..m).step_by(most) {
                let (b, c) = (&b[column..], &mut c[row * stride + column..]);
                let tile = Tile { simd, a: self.a, row, b, c, m, write: self.write };
                tile.of_rows(most.min(m - row));
            }
        }
        if counting < stride && self.write == Write::New {
            c.chunks_exact_mut(stride).for_each(|c| c[counting..].fill(simd.splat_f32s(0.0)));
        }
    }
}

/// A few rows and [`VECTORS`] columns of the product.
struct Tile<'a, S: Simd> {
    simd: S,
    a: Left<'a>,
    row: usize,
    b: &'a [S::f32s],
    c: &'a mut [S::f32s],
    m: usize,
    write: Write,
}

impl<S: Simd> Tile<'_, S> {
    #[inline(always)]
    fn of_rows(self, rows: usize) {
        let simd = self.simd;
        macro_rules! dispatch {
            ($($count:literal),*) => {
                match rows {
                    $($count => simd.vectorize(TileOf::<S, $count>(self)),)*
                    _ => unreachable!("a tile has 1 to 12 rows"),
                }
            };
        }
        dispatch!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    }
}

struct TileOf<'a, S: Simd, const M: usize>(Tile<'a, S>);

impl<S: Simd, const M: usize> NullaryFnOnce for TileOf<'_, S, M> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Tile { simd, a, row, b, c, m, write } = self.0;
        let stride = PANEL / S::F32_LANES;
        let mut sum = [[simd.splat_f32s(0.0); VECTORS]; M];
        match a {
            Left::Panels { data, depth } => {
                for (panel, b) in data.chunks_exact(m).zip(b.chunks(depth * stride)) {
                    let rows: &[Lanes; M] = panel[row..].first_chunk().expect("a tile lies inside A");
                    for (p, b) in (0..depth).zip(b.chunks(stride)) {
                        for i in 0..M {
                            let a = simd.splat_f32s(rows[i][p]);
                            for v in 0..VECTORS {
                                sum[i][v] = simd.mul_add_f32s(a, b[v], sum[i][v]);
                            }
                        }
                    }
                }
            }
            Left::Transposed(data) => {
                for (column, b) in data.iter().zip(b.chunks(stride)) {
                    let column = &column[row..row + M];
                    for i in 0..M {
                        let a = simd.splat_f32s(column[i]);
                        for v in 0..VECTORS {
                            sum[i][v] = simd.mul_add_f32s(a, b[v], sum[i][v]);
                        }
                    }
                }
            }
        }
        for i in 0..M {
            let c = &mut c[i * stride..i * stride + VECTORS];
            for v in 0..VECTORS {
                c[v] = match write {
                    Write::New => sum[i][v],
                    Write::Add => simd.add_f32s(c[v], sum[i][v]),
                };
            }
        }
    }
}
