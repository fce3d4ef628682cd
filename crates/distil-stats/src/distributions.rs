//! The distributions behind tests and intervals.

use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};
use statrs::function::gamma::ln_gamma;

/// Intervals of Simpson's rule for the noncentral t distribution, even.
const PANELS: usize = 8000;

/// P(|T| ≥ |t|) of Student's t with `df` > 0 degrees of freedom.
pub(crate) fn student_two_sided(t: f64, df: f64) -> f64 {
    2.0 * student(df).cdf(-t.abs())
}

/// The t with P(T ≤ t) = `p`, for `p` in (0, 1).
pub(crate) fn student_quantile(p: f64, df: f64) -> f64 {
    let student = student(df);
    let rough = student.inverse_cdf(p);
    // The library inverts to about seven digits; Newton's steps end at the precision of its distribution function.
    (0..3).fold(rough, |t, _| t - (student.cdf(t) - p) / student.pdf(t))
}

/// P(|Z| ≥ |z|) of the standard normal distribution.
pub(crate) fn normal_two_sided(z: f64) -> f64 {
    2.0 * normal_cdf(-z.abs())
}

pub(crate) fn normal_cdf(z: f64) -> f64 {
    Normal::standard().cdf(z)
}

pub(crate) fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// P(T ≤ t) of the noncentral t distribution: T = (Z + `shift`) / S with S² a χ² of `df` degrees divided by `df`,
/// integrated over S.
pub(crate) fn noncentral_t_cdf(t: f64, df: f64, shift: f64) -> f64 {
    // S has mean about 1 and standard deviation about 1/√(2 df); beyond 12 of them nothing is left in f64.
    let reach = 12.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - reach).max(0.0), 1.0 + reach);
    let constant = std::f64::consts::LN_2 + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let at = |s: f64| {
        // 0⁰ = 1: with one degree of freedom the density does not vanish at 0.
        let power = if df > 1.0 { (df - 1.0) * s.ln() } else { 0.0 };
        (constant + power - 0.5 * df * s * s).exp() * normal_cdf(t * s - shift)
    };
    let width = (high - low) / PANELS as f64;
    let inner: f64 = (1..PANELS)
        .map(|panel| if panel % 2 == 1 { 4.0 } else { 2.0 } * at(low + panel as f64 * width))
        .sum();
    (width / 3.0 * (at(low) + inner + at(high))).clamp(0.0, 1.0)
}

fn student(df: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, df).expect("degrees of freedom are positive")
}
