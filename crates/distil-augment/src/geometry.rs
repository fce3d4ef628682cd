//! Operations that move pixels. Tables with one entry per row and per column of every image are made on the
//! host in f64 and uploaded together; the device combines them.

use burn::tensor::{Bool, Tensor, TensorData};

use crate::patches::sources;
use crate::sample::{Tap, sample};
use crate::upload::{precise, upload};
use crate::{CropBox, PatchOrder};

/// What each output position along one axis reads, and how much of it counts: both \[n · length\].
struct AxisTap {
    source: Vec<f64>,
    weight: Vec<f64>,
}

impl AxisTap {
    /// Reads at `read` = (position, weight), but nothing where the position is outside `0..length`.
    fn new(read: impl Iterator<Item = (f64, f64)>, length: usize) -> Self {
        let last = length as f64 - 1.0;
        let inside = |(source, weight): (f64, f64)| {
            if (0.0..=last).contains(&source) { (source, weight) } else { (source.clamp(0.0, last), 0.0) }
        };
        let (source, weight) = read.map(inside).unzip();
        Self { source, weight }
    }

    /// The sources as offsets of whole lines, `stride` pixels each.
    fn strided(mut self, stride: usize) -> Self {
        self.source.iter_mut().for_each(|source| *source *= stride as f64);
        self
    }
}

pub(crate) fn crop(x: Tensor<4>, shift: &[[i64; 2]]) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let moved = |axis: usize, length: usize| {
        let read =
            shift.iter().flat_map(move |s| (0..length as i64).map(move |i| ((i + s[axis]) as f64, 1.0)));
        AxisTap::new(read, length)
    };
    gather(x, moved(0, h), moved(1, w))
}

pub(crate) fn shuffle_patches(x: Tensor<4>, orders: &[PatchOrder]) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let read = |order: fn(&PatchOrder) -> &[usize], length: usize| {
        let lines = orders.iter().flat_map(|each| sources(order(each), length));
        AxisTap::new(lines.map(|line| (line as f64, 1.0)), length)
    };
    gather(x, read(|each| &each.rows, h), read(|each| &each.columns, w))
}

/// Whole pixels, by the row and the column each output reads.
fn gather(x: Tensor<4>, rows: AxisTap, columns: AxisTap) -> Tensor<4> {
    let [n, _, h, w] = x.dims();
    let rows = rows.strided(w);
    let tables = [rows.source, rows.weight, columns.source, columns.weight];
    let [row, row_weight, column, column_weight] = upload(&tables, &x.device(), precise(x.dtype()));
    let source = row.reshape([n, h, 1]) + column.reshape([n, 1, w]);
    let weight = row_weight.reshape([n, h, 1]) * column_weight.reshape([n, 1, w]);
    sample(x, [Tap { source, weight }])
}

pub(crate) fn cutout(x: Tensor<4>, size: [usize; 2], offset: &[[i64; 2]]) -> Tensor<4> {
    let [n, _, h, w] = x.dims();
    let cut = |axis: usize, length: usize| {
        let mut cut = vec![0.0; n * length];
        for (image, centre) in offset.iter().enumerate() {
            let start = centre[axis] - (size[axis] / 2) as i64;
            for k in 0..size[axis] as i64 {
                let at = (start + k).clamp(0, length as i64 - 1);
                cut[image * length + at as usize] = 1.0;
            }
        }
        cut
    };
    let [rows, columns] = upload(&[cut(0, h), cut(1, w)], &x.device(), x.dtype());
    let hole = rows.reshape([n, 1, h, 1]) * columns.reshape([n, 1, 1, w]);
    x * (hole.neg() + 1.0)
}

/// No arithmetic at all, so mirrored pixels are the same bits.
pub(crate) fn flip(x: Tensor<4>, mirrored: &[bool]) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let mirrored = TensorData::new(mirrored.to_vec(), [n, 1, 1, 1]);
    let mirrored = Tensor::<4, Bool>::from_data(mirrored, &x.device()).expand([n, c, h, w]);
    x.clone().mask_where(mirrored, x.flip([3]))
}

/// Rows first, then columns: with corners at ±1, scaling about the centre is separable, and so is bilinear
/// interpolation with zeros outside.
pub(crate) fn scale(x: Tensor<4>, scale: &[[f32; 2]]) -> Tensor<4> {
    let scaled = |axis: usize, length: usize| {
        let centre = middle(length);
        let at = move |s: &[f32; 2]| {
            let s = f64::from(s[axis]);
            (0..length).map(move |i| s * (i as f64 - centre) + centre)
        };
        scale.iter().flat_map(at).collect::<Vec<f64>>()
    };
    let [_, _, h, w] = x.dims();
    let (rows, columns) = Lines::of(h, w);
    sample_lines(sample_lines(x, &scaled(1, h), rows), &scaled(0, w), columns)
}

/// Pixels are areas here, not points: the box's borders fall on the image's. Outside the box its border pixels go on.
pub(crate) fn resized_crop(x: Tensor<4>, boxes: &[CropBox]) -> Tensor<4> {
    let stretched = |start: fn(&CropBox) -> usize, side: fn(&CropBox) -> usize, length: usize| {
        let at = move |each: &CropBox| {
            let (start, side) = (start(each) as f64, side(each) as f64);
            (0..length).map(move |i| {
                let inside = (i as f64 + 0.5) * side / length as f64 - 0.5;
                start + inside.clamp(0.0, side - 1.0)
            })
        };
        boxes.iter().flat_map(at).collect::<Vec<f64>>()
    };
    let [_, _, h, w] = x.dims();
    let (rows, columns) = Lines::of(h, w);
    let vertical = stretched(|each| each.top, |each| each.height, h);
    let horizontal = stretched(|each| each.left, |each| each.width, w);
    sample_lines(sample_lines(x, &vertical, rows), &horizontal, columns)
}

/// The axis a separable operation runs along: its length and the distance of its neighbours in memory; its
/// shape inside an image, and shape and distance of neighbours of the axis across.
#[derive(Clone, Copy)]
struct Lines {
    length: usize,
    stride: usize,
    own: [usize; 2],
    across: [usize; 2],
    across_stride: usize,
}

impl Lines {
    /// Rows and columns of images of `h` × `w` pixels.
    fn of(h: usize, w: usize) -> (Self, Self) {
        let rows = Self { length: h, stride: w, own: [h, 1], across: [1, w], across_stride: 1 };
        let columns = Self { length: w, stride: 1, own: [1, w], across: [h, 1], across_stride: w };
        (rows, columns)
    }
}

/// Reads along an axis at the positions `at`, `[n · length]`, linearly between pixels.
fn sample_lines(x: Tensor<4>, at: &[f64], lines: Lines) -> Tensor<4> {
    let Lines { length, stride, own, across, across_stride } = lines;
    let n = at.len() / length;
    let near =
        AxisTap::new(at.iter().map(|at| (at.floor(), 1.0 - (at - at.floor()))), length).strided(stride);
    let far = AxisTap::new(at.iter().map(|at| (at.floor() + 1.0, at - at.floor())), length).strided(stride);
    let starts = (0..across[0] * across[1]).map(|line| (line * across_stride) as f64).collect();
    let tables = [starts, near.source, near.weight, far.source, far.weight];
    let [starts, near, near_weight, far, far_weight] = upload(&tables, &x.device(), precise(x.dtype()));
    let starts = starts.reshape([1, across[0], across[1]]);
    let tap = |source: Tensor<1>, weight: Tensor<1>| Tap {
        source: source.reshape([n, own[0], own[1]]) + starts.clone(),
        weight: weight.reshape([n, own[0], own[1]]),
    };
    sample(x, [tap(near, near_weight), tap(far, far_weight)])
}

/// Bilinear at `M·(x, y)`, where `M` rotates normalised coordinates: in the pixels of an image that is not
/// square it shears as well. Each pixel coordinate is a term of the output's column plus one of its row.
pub(crate) fn rotate(x: Tensor<4>, angle: &[f32]) -> Tensor<4> {
    let [n, _, h, w] = x.dims();
    let turned = |length: usize, across: usize, factor: fn(f64) -> f64, offset: f64| {
        let stretch = if length > 1 { (across as f64 - 1.0) / (length as f64 - 1.0) } else { 0.0 };
        let centre = middle(length);
        let term = move |a: &f32| {
            let factor = factor(f64::from(*a)) * stretch;
            (0..length).map(move |i| factor * (i as f64 - centre) + offset)
        };
        angle.iter().flat_map(term).collect::<Vec<f64>>()
    };
    let tables = [
        turned(w, w, f64::cos, middle(w)),
        turned(h, w, |a| -a.sin(), 0.0),
        turned(w, h, f64::sin, 0.0),
        turned(h, h, f64::cos, middle(h)),
    ];
    let [x_column, x_row, y_column, y_row] = upload(&tables, &x.device(), precise(x.dtype()));
    let columns = interpolate(x_column.reshape([n, 1, w]) + x_row.reshape([n, h, 1]), w, 1);
    let rows = interpolate(y_column.reshape([n, 1, w]) + y_row.reshape([n, h, 1]), h, w);
    let tap = |row: usize, column: usize| Tap {
        source: rows[row].source.clone() + columns[column].source.clone(),
        weight: rows[row].weight.clone() * columns[column].weight.clone(),
    };
    sample(x, [tap(0, 0), tap(0, 1), tap(1, 0), tap(1, 1)])
}

/// The two positions next to `at` along an axis, as offsets of `stride` pixels, with their shares; a
/// position outside `0..length` is moved inside and counts nothing.
fn interpolate(at: Tensor<3>, length: usize, stride: usize) -> [Tap; 2] {
    let low = at.clone().floor();
    let far = at - low.clone();
    let near = far.clone().neg() + 1.0;
    [(low.clone(), near), (low + 1.0, far)].map(|(position, weight)| {
        let inside = position.clone().clamp(0.0, length as f64 - 1.0);
        let outside = inside.clone().not_equal(position);
        Tap { source: inside * stride as f64, weight: weight.mask_fill(outside, 0.0) }
    })
}

fn middle(length: usize) -> f64 {
    (length as f64 - 1.0) / 2.0
}
