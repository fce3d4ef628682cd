//! What a measurement says of a published figure.

use std::fmt;

use distil_stats::Summary;
use distil_store::PaperFigure;

/// Half of the last digit of figures that are printed to a tenth of a percent.
const ROUNDING: f64 = 0.05;

/// How a measured accuracy stands to a published one, by their intervals: the 95 % interval of the mean of our students, and
/// one standard deviation around the published mean (or its rounding, where no deviation was published).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The intervals overlap.
    Met,
    /// Ours lies above.
    Above,
    /// Ours lies below.
    Below,
    /// Nothing was published.
    NoFigure,
}

impl Verdict {
    /// Of accuracies in `[0, 1]` against a figure in percent.
    pub fn of(measured: &Summary, paper: Option<&PaperFigure>) -> Self {
        let Some(PaperFigure { accuracy, std, .. }) = paper else { return Self::NoFigure };
        let spread = std.unwrap_or(ROUNDING);
        let [low, high] = measured.ci95.unwrap_or([measured.mean; 2]).map(|share| 100.0 * share);
        match () {
            () if high < accuracy - spread => Self::Below,
            () if low > accuracy + spread => Self::Above,
            () => Self::Met,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Met => "met",
            Self::Above => "above",
            Self::Below => "below",
            Self::NoFigure => "–",
        })
    }
}
