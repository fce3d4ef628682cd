//! ZCA whitening: the fit, the transform and its inverse.

use faer::{
    Accum, Mat, MatMut, MatRef, Side, get_global_parallelism,
    linalg::matmul::{
        matmul,
        triangular::{self, BlockStructure},
    },
    traits::ComplexField,
};

use crate::error::Error;

/// Rows that are centred and multiplied at a time while fitting: 25 MB for D = 3072.
const FIT_ROWS: usize = 1024;

/// A fitted ZCA transform of images with `D` values, in f64.
///
/// white = (x − mean)·matrix with matrix = U (S + eps)^−½ Uᵀ, where U S Uᵀ is the covariance (divided by n − 1)
/// of the images fitted on; inverse = U (S + eps)^½ Uᵀ. This is what the trajectory-matching code bases apply to
/// CIFAR (eps 0.1, pixels in `[0, 1]`). `n` may be smaller than `D`.
///
/// ```
/// use distil_data::Zca;
/// let x = [0.0, 0.1, 0.2, 0.9, 0.8, 0.3, 0.5, 0.5];
/// let zca = Zca::fit(&x, 2, 0.1)?;
/// let back = zca.unwhiten(&zca.whiten(&x)?)?;
/// assert!(back.iter().zip(x).all(|(b, x)| (b - x).abs() < 1e-12));
/// # Ok::<(), distil_data::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Zca {
    /// `[D]` mean of the images fitted on.
    pub mean: Vec<f64>,
    /// `[D, D]`, symmetric.
    pub matrix: Vec<f64>,
    /// `[D, D]`, symmetric; the inverse of `matrix`.
    pub inverse: Vec<f64>,
}

/// Millions of matrix entries help nobody.
impl std::fmt::Debug for Zca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Zca(D = {})", self.d())
    }
}

impl Zca {
    /// Fits to images `x` `[n, D]`, with `eps` added to every eigenvalue of the covariance.
    ///
    /// # Errors
    /// [`Error::Count`] when `x` is not one or more whole images, [`Error::Config`] when `eps` is not positive, a
    /// value is not finite, or the decomposition does not converge.
    pub fn fit(x: &[f64], d: usize, eps: f64) -> Result<Self, Error> {
        let n = whole_rows(x.len(), d)?;
        Self::fit_rows(n, d, eps, |row, out| out.copy_from_slice(&x[row * d..(row + 1) * d]))
    }

    /// Fits to `n` images that `read(row, out)` writes one at a time.
    pub(crate) fn fit_rows(
        n: usize,
        d: usize,
        eps: f64,
        read: impl Fn(usize, &mut [f64]),
    ) -> Result<Self, Error> {
        if n == 0 || d == 0 {
            return Err(Error::Count { what: "images to fit ZCA on".to_owned(), found: 0, expected: 1 });
        }
        if !(eps > 0.0 && eps.is_finite()) {
            return Err(Error::config(
                "zca",
                format!("eps is {eps}; it must be positive, 0.1 in the literature"),
            ));
        }
        let mean = mean(n, d, &read);
        let covariance = covariance(n, &mean, &read);
        let not_finite =
            || Error::config("zca", "the pixels hold values that are not finite; repair the images");
        if mean.iter().any(|m| !m.is_finite()) {
            return Err(not_finite());
        }
        let eigen = covariance.self_adjoint_eigen(Side::Lower).map_err(|_| not_finite())?;
        // Rounding can leave the null space slightly negative.
        let spectrum: Vec<f64> = eigen.S().column_vector().iter().map(|s| s.max(0.0) + eps).collect();
        let matrix = recompose(eigen.U(), &spectrum, |s| 1.0 / s.sqrt());
        let inverse = recompose(eigen.U(), &spectrum, f64::sqrt);
        Ok(Self { mean, matrix, inverse })
    }

    /// Values of one image.
    pub fn d(&self) -> usize {
        self.mean.len()
    }

    /// Whitens images `[n, D]`.
    ///
    /// # Errors
    /// [`Error::Count`] when `x` is not whole images.
    pub fn whiten(&self, x: &[f64]) -> Result<Vec<f64>, Error> {
        let n = whole_rows(x.len(), self.d())?;
        Ok(product(n, &shifted(x, &self.mean, |x, m| x - m), &self.matrix))
    }

    /// Takes whitened images `[n, D]` back to pixels; the inverse of [`Zca::whiten`].
    ///
    /// # Errors
    /// [`Error::Count`] when `white` is not whole images.
    pub fn unwhiten(&self, white: &[f64]) -> Result<Vec<f64>, Error> {
        let n = whole_rows(white.len(), self.d())?;
        Ok(shifted(&product(n, white, &self.inverse), &self.mean, |x, m| x + m))
    }

    /// [`Zca::whiten`] in single precision.
    ///
    /// # Errors
    /// [`Error::Count`] when `x` is not whole images.
    pub fn whiten_f32(&self, x: &[f32]) -> Result<Vec<f32>, Error> {
        let n = whole_rows(x.len(), self.d())?;
        Ok(product(n, &shifted(x, &single(&self.mean), |x, m| x - m), &single(&self.matrix)))
    }

    /// [`Zca::unwhiten`] in single precision.
    ///
    /// # Errors
    /// [`Error::Count`] when `white` is not whole images.
    pub fn unwhiten_f32(&self, white: &[f32]) -> Result<Vec<f32>, Error> {
        let n = whole_rows(white.len(), self.d())?;
        Ok(shifted(&product(n, white, &single(&self.inverse)), &single(&self.mean), |x, m| x + m))
    }
}

fn whole_rows(values: usize, d: usize) -> Result<usize, Error> {
    if d == 0 || !values.is_multiple_of(d) {
        let what = format!("values of whole images of {d} values");
        return Err(Error::Count { what, found: values, expected: values.next_multiple_of(d.max(1)) });
    }
    Ok(values / d)
}

fn mean(n: usize, d: usize, read: &impl Fn(usize, &mut [f64])) -> Vec<f64> {
    let (mut sum, mut row) = (vec![0.0; d], vec![0.0; d]);
    for i in 0..n {
        read(i, &mut row);
        sum.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x);
    }
    sum.iter().map(|sum| sum / n as f64).collect()
}

/// The lower triangle of Xᵀ·X / (n − 1) with centred X. One image has no spread: its covariance is zero.
fn covariance(n: usize, mean: &[f64], read: &impl Fn(usize, &mut [f64])) -> Mat<f64> {
    let d = mean.len();
    let mut sum = Mat::<f64>::zeros(d, d);
    let mut block = vec![0.0; FIT_ROWS.min(n) * d];
    for start in (0..n).step_by(FIT_ROWS) {
        let rows = FIT_ROWS.min(n - start);
        for (i, row) in block.chunks_exact_mut(d).take(rows).enumerate() {
            read(start + i, row);
            row.iter_mut().zip(mean).for_each(|(x, m)| *x -= m);
        }
        let x = MatRef::from_row_major_slice(&block[..rows * d], rows, d);
        triangular::matmul(
            sum.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            x.transpose(),
            BlockStructure::Rectangular,
            x,
            BlockStructure::Rectangular,
            1.0 / (n - 1).max(1) as f64,
            get_global_parallelism(),
        );
    }
    sum
}

/// U·diag(power(spectrum))·Uᵀ, row-major.
fn recompose(u: MatRef<'_, f64>, spectrum: &[f64], power: impl Fn(f64) -> f64) -> Vec<f64> {
    let d = spectrum.len();
    let powers: Vec<f64> = spectrum.iter().map(|&s| power(s)).collect();
    let scaled = Mat::from_fn(d, d, |i, j| u[(i, j)] * powers[j]);
    let mut out = vec![0.0; d * d];
    let dst = MatMut::from_row_major_slice_mut(&mut out, d, d);
    matmul(dst, Accum::Replace, scaled.as_ref(), u.transpose(), 1.0, get_global_parallelism());
    out
}

/// x `[n, D]` · matrix `[D, D]`, row-major.
fn product<T: ComplexField>(n: usize, x: &[T], matrix: &[T]) -> Vec<T> {
    let d = matrix.len().isqrt();
    let mut out = vec![T::zero_impl(); n * d];
    matmul(
        MatMut::from_row_major_slice_mut(&mut out, n, d),
        Accum::Replace,
        MatRef::from_row_major_slice(x, n, d),
        MatRef::from_row_major_slice(matrix, d, d),
        T::one_impl(),
        get_global_parallelism(),
    );
    out
}

fn shifted<T: Copy>(x: &[T], mean: &[T], shift: impl Fn(T, T) -> T) -> Vec<T> {
    x.iter().zip(mean.iter().cycle()).map(|(&x, &m)| shift(x, m)).collect()
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use distil_random::{Stream, normal, stream};

    fn draws(rng: &mut Stream, n: usize) -> Vec<f64> {
        (0..n).map(|_| f64::from(normal(rng))).collect()
    }

    /// With n ≫ D the covariance of white images is S/(S + eps) in U's basis: near 1 for a tiny eps.
    #[test]
    fn whitened_images_are_uncorrelated_with_unit_variance() {
        let mut rng = stream(1, "zca test", 0);
        let mix = draws(&mut rng, 16);
        let raw = draws(&mut rng, 4 * 3000);
        let x: Vec<f64> = raw
            .chunks(4)
            .flat_map(|r| (0..4).map(|j| (0..4).map(|i| r[i] * mix[i * 4 + j]).sum::<f64>()))
            .collect();
        let white = Zca::fit(&x, 4, 1e-12).unwrap().whiten(&x).unwrap();
        for (i, j) in (0..16).map(|k| (k / 4, k % 4)) {
            let c: f64 = white.chunks(4).map(|r| r[i] * r[j]).sum::<f64>() / 2999.0;
            assert!((c - f64::from(u8::from(i == j))).abs() < 1e-6, "{i} {j} {c}");
        }
    }

    #[test]
    fn fewer_images_than_values_round_trip_and_one_image_is_enough() {
        let mut rng = stream(2, "zca test", 0);
        for n in [1, 2, 5] {
            let x = draws(&mut rng, n * 12);
            let zca = Zca::fit(&x, 12, 0.1).unwrap();
            let back = zca.unwhiten(&zca.whiten(&x).unwrap()).unwrap();
            assert!(back.iter().zip(&x).all(|(b, x)| (b - x).abs() < 1e-12));
        }
    }

    #[test]
    fn blocks_of_rows_add_up() {
        let mut rng = stream(3, "zca test", 0);
        let x = draws(&mut rng, 3 * (2 * FIT_ROWS + 17));
        let n = x.len() / 3;
        let mean = mean(n, 3, &|row, out: &mut [f64]| out.copy_from_slice(&x[row * 3..row * 3 + 3]));
        let got = covariance(n, &mean, &|row, out: &mut [f64]| out.copy_from_slice(&x[row * 3..row * 3 + 3]));
        let direct = x.chunks(3).map(|r| (r[2] - mean[2]) * (r[1] - mean[1])).sum::<f64>() / (n - 1) as f64;
        assert!((got[(2, 1)] - direct).abs() < 1e-12);
    }

    #[test]
    fn impossible_fits_are_refused() {
        assert!(Zca::fit(&[], 4, 0.1).is_err());
        assert!(Zca::fit(&[0.0; 7], 4, 0.1).is_err());
        assert!(Zca::fit(&[0.0; 8], 4, 0.0).is_err());
        assert!(Zca::fit(&[0.0; 8], 4, f64::NAN).is_err());
        assert!(Zca::fit(&[0.0, f64::NAN], 1, 0.1).is_err());
        assert!(Zca::fit(&[0.0; 8], 4, 0.1).unwrap().whiten_f32(&[0.0; 3]).is_err());
    }
}
