//! Interpolation by cubic B-splines, as `scipy.ndimage` does it with `mode="constant"`.

/// The pole of the cubic B-spline's inverse filter.
const POLE: f64 = -0.267_949_192_431_122_7;

/// An image as coefficients of cubic B-splines: the interpolation passes through its pixels.
#[derive(Debug)]
pub(crate) struct Spline {
    coefficients: Vec<f64>,
    sides: [usize; 2],
}

impl Spline {
    /// Of `pixels` `[h, w]`; the image goes on as its mirror at the borders.
    pub(crate) fn new(pixels: &[f32], sides: [usize; 2]) -> Self {
        let [height, width] = sides;
        let mut coefficients: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel)).collect();
        for row in coefficients.chunks_mut(width) {
            filter(row);
        }
        for column in 0..width {
            let mut line: Vec<f64> = (0..height).map(|row| coefficients[row * width + column]).collect();
            filter(&mut line);
            line.into_iter().enumerate().for_each(|(row, value)| coefficients[row * width + column] = value);
        }
        Self { coefficients, sides }
    }

    /// The value at a row and column, pixels at whole numbers; `None` outside of the outermost pixels' centres.
    pub(crate) fn at(&self, place: [f64; 2]) -> Option<f64> {
        let inside = |axis: usize| (0.0..=self.sides[axis] as f64 - 1.0).contains(&place[axis]);
        if !(inside(0) && inside(1)) {
            return None;
        }
        let [rows, columns] = [0, 1].map(|axis| taps(place[axis], self.sides[axis]));
        let of_row = |(row, weight): (usize, f64)| {
            let line = &self.coefficients[row * self.sides[1]..][..self.sides[1]];
            weight * columns.iter().map(|(column, weight)| weight * line[*column]).sum::<f64>()
        };
        Some(rows.into_iter().map(of_row).sum())
    }
}

/// The four coefficients next to `at` along an axis and their shares.
fn taps(at: f64, side: usize) -> [(usize, f64); 4] {
    let (first, t) = (at.floor() as i64 - 1, at - at.floor());
    let u = 1.0 - t;
    let weights = [
        u * u * u / 6.0,
        (4.0 - 3.0 * t * t * (2.0 - t)) / 6.0,
        (4.0 - 3.0 * u * u * (2.0 - u)) / 6.0,
        t * t * t / 6.0,
    ];
    let mut tap = 0;
    weights.map(|weight| {
        tap += 1;
        (mirrored(first + tap - 1, side), weight)
    })
}

/// The pixel that a place outside of `0..side` mirrors, the outermost pixels not repeated.
fn mirrored(at: i64, side: usize) -> usize {
    let last = side as i64 - 1;
    if last == 0 {
        return 0;
    }
    let within = at.rem_euclid(2 * last);
    within.min(2 * last - within) as usize
}

/// From samples to coefficients along a line (Unser 1999): a causal and an anticausal pass, mirrored at the ends.
fn filter(line: &mut [f64]) {
    let last = line.len() - 1;
    if last == 0 {
        return;
    }
    for value in &mut *line {
        *value *= (1.0 - POLE) * (1.0 - 1.0 / POLE);
    }
    let far = POLE.powi(last as i32);
    let (mut power, mut first) = (POLE, line[0] + far * line[last]);
    for i in 1..last {
        first += power * (line[i] + far * line[last - i]);
        power *= POLE;
    }
    line[0] = first / (1.0 - far * far);
    for i in 1..=last {
        line[i] += POLE * line[i - 1];
    }
    line[last] = (POLE * line[last - 1] + line[last]) * POLE / (POLE * POLE - 1.0);
    for i in (0..last).rev() {
        line[i] = POLE * (line[i + 1] - line[i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_passes_through_the_pixels_and_keeps_straight_lines() {
        let pixels: Vec<f32> = (0..35).map(|i| (i as f32 * 1.3).sin()).collect();
        let spline = Spline::new(&pixels, [5, 7]);
        for (i, &pixel) in pixels.iter().enumerate() {
            let value = spline.at([(i / 7) as f64, (i % 7) as f64]).expect("inside");
            assert!((value - f64::from(pixel)).abs() < 1e-6, "{i}: {value} {pixel}");
        }
        assert_eq!(spline.at([-0.01, 0.0]), None);
        assert_eq!(spline.at([4.0, 6.01]), None);
        let flat = Spline::new(&[0.25; 12], [3, 4]);
        assert!((flat.at([0.3, 2.9]).expect("inside") - 0.25).abs() < 1e-12);
        let pixel = Spline::new(&[0.5], [1, 1]).at([0.0, 0.0]).expect("the pixel itself");
        assert!((pixel - 0.5).abs() < 1e-12);
    }
}
