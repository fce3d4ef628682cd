#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use faer::{
    Accum, Mat, MatMut, MatRef, Side, get_global_parallelism,
    linalg::matmul::{
        matmul,
        triangular::{self, BlockStructure},
    },
    traits::ComplexField,
};
use thiserror::Error;

/// Rows that are centred and multiplied at a time while fitting: 25 MB for D = 3072.
const FIT_ROWS: usize = 1024;

/// A fitted ZCA transform of images with `D` values, in f64.
///
/// white = (x − mean)·matrix with matrix = U (S + eps)^−½ Uᵀ, where U S Uᵀ is the covariance (divided by n − 1)
/// of the images fitted on; inverse = U (S + eps)^½ Uᵀ. This is what the trajectory-matching code bases apply to
/// CIFAR (eps 0.1, pixels in `[0, 1]`). `n` may be smaller than `D`.
///
/// ```
/// use distil_zca::Zca;
/// let x = [0.0, 0.1, 0.2, 0.9, 0.8, 0.3, 0.5, 0.5];
/// let zca = Zca::fit(&x, 2, 0.1)?;
/// let back = zca.unwhiten(&zca.whiten(&x)?)?;
/// assert!(back.iter().zip(x).all(|(b, x)| (b - x).abs() < 1e-12));
/// # Ok::<(), distil_zca::ZcaError>(())
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

/// Why images cannot be whitened.
#[derive(Debug, Error, PartialEq)]
pub enum ZcaError {
    /// Nothing to fit to.
    #[error("there are no images to fit ZCA on; give at least one")]
    NoImages,
    /// The values are not whole images.
    #[error("{values} values are no whole images of {d}; give all of each image")]
    Count {
        /// Number of values.
        values: usize,
        /// Values of one image.
        d: usize,
    },
    /// What is added to the eigenvalues is not positive.
    #[error("eps is {0}; it must be positive, 0.1 in the literature")]
    Eps(f64),
    /// A pixel is infinite or no number.
    #[error("the pixels hold values that are not finite; repair the images")]
    NotFinite,
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
    /// [`ZcaError`] when `x` is not one or more whole images, `eps` is not positive, or a value is not finite.
    pub fn fit(x: &[f64], d: usize, eps: f64) -> Result<Self, ZcaError> {
        let n = whole_rows(x.len(), d)?;
        Self::fit_rows(n, d, eps, &|row, out| out.copy_from_slice(&x[row * d..(row + 1) * d]))
    }

    /// Fits to `n` images of `d` values that `read(row, out)` writes one at a time.
    ///
    /// # Errors
    /// As [`Zca::fit`].
    pub fn fit_rows(
        n: usize,
        d: usize,
        eps: f64,
        read: &dyn Fn(usize, &mut [f64]),
    ) -> Result<Self, ZcaError> {
        if n == 0 || d == 0 {
            return Err(ZcaError::NoImages);
        }
        if !(eps > 0.0 && eps.is_finite()) {
            return Err(ZcaError::Eps(eps));
        }
        let mean = mean(n, d, read);
        let covariance = covariance(n, &mean, read);
        if mean.iter().any(|m| !m.is_finite()) {
            return Err(ZcaError::NotFinite);
        }
        // The decomposition of finite numbers converges.
        let eigen = covariance.self_adjoint_eigen(Side::Lower).map_err(|_| ZcaError::NotFinite)?;
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
    /// [`ZcaError::Count`] when `x` is not whole images.
    pub fn whiten(&self, x: &[f64]) -> Result<Vec<f64>, ZcaError> {
        let n = whole_rows(x.len(), self.d())?;
        Ok(product(n, &shifted(x, &self.mean, |x, m| x - m), &self.matrix))
    }

    /// Takes whitened images `[n, D]` back to pixels; the inverse of [`Zca::whiten`].
    ///
    /// # Errors
    /// [`ZcaError::Count`] when `white` is not whole images.
    pub fn unwhiten(&self, white: &[f64]) -> Result<Vec<f64>, ZcaError> {
        let n = whole_rows(white.len(), self.d())?;
        Ok(shifted(&product(n, white, &self.inverse), &self.mean, |x, m| x + m))
    }

    /// [`Zca::whiten`] in single precision.
    ///
    /// # Errors
    /// [`ZcaError::Count`] when `x` is not whole images.
    pub fn whiten_f32(&self, x: &[f32]) -> Result<Vec<f32>, ZcaError> {
        let n = whole_rows(x.len(), self.d())?;
        Ok(product(n, &shifted(x, &single(&self.mean), |x, m| x - m), &single(&self.matrix)))
    }

    /// [`Zca::unwhiten`] in single precision.
    ///
    /// # Errors
    /// [`ZcaError::Count`] when `white` is not whole images.
    pub fn unwhiten_f32(&self, white: &[f32]) -> Result<Vec<f32>, ZcaError> {
        let n = whole_rows(white.len(), self.d())?;
        Ok(shifted(&product(n, white, &single(&self.inverse)), &single(&self.mean), |x, m| x + m))
    }
}

fn whole_rows(values: usize, d: usize) -> Result<usize, ZcaError> {
    if d == 0 || !values.is_multiple_of(d) {
        return Err(ZcaError::Count { values, d });
    }
    Ok(values / d)
}

fn mean(n: usize, d: usize, read: &dyn Fn(usize, &mut [f64])) -> Vec<f64> {
    let (mut sum, mut row) = (vec![0.0; d], vec![0.0; d]);
    for i in 0..n {
        read(i, &mut row);
        sum.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x);
    }
    sum.iter().map(|sum| sum / n as f64).collect()
}

/// The lower triangle of Xᵀ·X / (n − 1) with centred X. One image has no spread: its covariance is zero.
fn covariance(n: usize, mean: &[f64], read: &dyn Fn(usize, &mut [f64])) -> Mat<f64> {
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
