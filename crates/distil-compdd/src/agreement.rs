use distil_stats::{Correlation, kendall};

use crate::ranking::ranked;
use crate::{Category, CompddError, Measurement, Ranked};

/// How far two measurements order the same classes alike: those of two networks, two layers, or two parts of the images.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The threshold of both.
    pub threshold: f64,
    /// Every class in both, the most complex by the first measurement first.
    pub classes: Vec<[Ranked; 2]>,
    /// Kendall's τ_b of the two orders, with its two-sided p-value.
    pub tau: Correlation,
}

impl Agreement {
    /// Compares two measurements at a threshold that both have; without one, at the first of `a`.
    ///
    /// # Errors
    /// [`CompddError`] for an unfinished measurement, a threshold that was not measured, a class that only one of them has, and
    /// for classes that have no order: fewer than two, or all of the same complexity.
    pub fn of(a: &Measurement, b: &Measurement, threshold: Option<f64>) -> Result<Self, CompddError> {
        a.check_complete()?;
        b.check_complete()?;
        let threshold = threshold.unwrap_or(a.definition.thresholds[0]);
        let (at_a, at_b) = (a.threshold(Some(threshold))?, b.threshold(Some(threshold))?);
        // Neither may have a class that the other has not.
        Category::everything(b).labels(a)?;
        let labels = Category::everything(a).labels(b)?;
        let pair = |(label, other): (usize, &usize)| [ranked(a, label, at_a), ranked(b, *other, at_b)];
        let mut classes: Vec<[Ranked; 2]> = labels.iter().enumerate().map(pair).collect();
        classes.sort_by(|x, y| y[0].complexity.total_cmp(&x[0].complexity));
        let [x, y] =
            [0, 1].map(|which| classes.iter().map(|pair| pair[which].complexity).collect::<Vec<_>>());
        let tau = kendall(&x, &y)?;
        Ok(Self { threshold, classes, tau })
    }
}
