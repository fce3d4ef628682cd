//! How far a classifier's confidence can be believed.

use serde::{Deserialize, Serialize};

/// Bins of the calibration error: equal parts of the confidences (0, 1], closed on the right (Guo et al. 2017).
pub const CALIBRATION_BINS: usize = 15;

/// How far the softmax of a classifier's scores can be believed as probabilities, over the rows that decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Expected calibration error: the mean over rows of |accuracy − confidence| of their bin
    /// ([`CALIBRATION_BINS`] of them), in `[0, 1]`.
    pub ece: f64,
    /// Negative log-likelihood of the labels, in nats a row.
    pub nll: f64,
    /// Brier score: squared distance of the probabilities to the one-hot label, summed over classes, a row; in
    /// `[0, 2]`.
    pub brier: f64,
    /// What a reliability diagram shows: all [`CALIBRATION_BINS`] bins, the least confident first; empty in results of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<ReliabilityBin>,
}

/// Rows whose confidence lies in one part of (0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Number of rows.
    pub rows: u64,
    /// Share of them that are right; 0 of none.
    pub accuracy: f64,
    /// Their mean confidence; 0 of none.
    pub confidence: f64,
}

/// Sums behind a [`Calibration`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Calibrating {
    bins: [Bin; CALIBRATION_BINS],
    nll: f64,
    brier: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bin {
    rows: u64,
    correct: u64,
    confidence: f64,
}

impl Calibrating {
    /// Counts one row of scores that has a highest finite one, `predicted`.
    pub(crate) fn count(&mut self, scores: &[f64], label: usize, predicted: usize) {
        // Relative to the highest score, no exponential overflows.
        let top = scores[predicted];
        let total: f64 = scores.iter().map(|score| (score - top).exp()).sum();
        let probability = |class: usize| (scores[class] - top).exp() / total;
        let confidence = probability(predicted);
        let bin = ((confidence * CALIBRATION_BINS as f64).ceil() as usize).clamp(1, CALIBRATION_BINS) - 1;
        let bin = &mut self.bins[bin];
        bin.rows += 1;
        bin.correct += u64::from(predicted == label);
        bin.confidence += confidence;
        self.nll += total.ln() - (scores[label] - top);
        self.brier += (0..scores.len())
            .map(|class| (probability(class) - f64::from(u8::from(class == label))).powi(2))
            .sum::<f64>();
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (to, from) in self.bins.iter_mut().zip(&other.bins) {
            to.rows += from.rows;
            to.correct += from.correct;
            to.confidence += from.confidence;
        }
        self.nll += other.nll;
        self.brier += other.brier;
    }

    pub(crate) fn calibration(&self) -> Option<Calibration> {
        let rows = self.bins.iter().map(|bin| bin.rows).sum::<u64>() as f64;
        let gaps: f64 = self.bins.iter().map(|bin| (bin.correct as f64 - bin.confidence).abs()).sum();
        let bins = self.bins.iter().map(|bin| {
            let count = bin.rows.max(1) as f64;
            let (accuracy, confidence) = (bin.correct as f64 / count, bin.confidence / count);
            ReliabilityBin { rows: bin.rows, accuracy, confidence }
        });
        (rows > 0.0).then(|| Calibration {
            ece: gaps / rows,
            nll: self.nll / rows,
            brier: self.brier / rows,
            bins: bins.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{CALIBRATION_BINS, Calibration, ReliabilityBin, Tally};

    fn calibration(rows: &[[f64; 2]], labels: &[u32]) -> Calibration {
        let mut tally = Tally::new(2);
        tally.add(rows.as_flattened(), labels).unwrap();
        tally.scores().calibration.unwrap()
    }

    #[test]
    fn a_confidence_that_comes_true_is_calibrated() {
        // Four rows say 75 % for class 0, and three of them are.
        let rows = [[3.0f64.ln(), 0.0]; 4];
        let got = calibration(&rows, &[0, 0, 1, 0]);
        assert!(got.ece < 1e-12, "{got:?}");
        let nll = -(3.0 * 0.75f64.ln() + 0.25f64.ln()) / 4.0;
        let brier = (3.0 * 2.0 * 0.25f64.powi(2) + 2.0 * 0.75f64.powi(2)) / 4.0;
        assert!((got.nll - nll).abs() < 1e-12 && (got.brier - brier).abs() < 1e-12, "{got:?}");
    }

    #[test]
    fn certainty_that_is_wrong_is_as_bad_as_it_gets() {
        let got = calibration(&[[1000.0, 0.0], [0.0, 1000.0]], &[1, 0]);
        assert_eq!((got.ece, got.nll, got.brier), (1.0, 1000.0, 2.0));
        assert_eq!(got.bins.len(), CALIBRATION_BINS);
        assert_eq!(
            got.bins[CALIBRATION_BINS - 1],
            ReliabilityBin { rows: 2, accuracy: 0.0, confidence: 1.0 }
        );
    }

    #[test]
    fn bins_are_separate() {
        // One bin over- and one underconfident by the same gap do not cancel: 60 % all right, 90 % all wrong.
        let rows = [[1.5f64.ln(), 0.0], [9.0f64.ln(), 0.0]];
        let got = calibration(&rows, &[0, 1]);
        assert!((got.ece - f64::midpoint(0.4, 0.9)).abs() < 1e-12, "{got:?}");
        let filled: Vec<&ReliabilityBin> = got.bins.iter().filter(|bin| bin.rows > 0).collect();
        assert_eq!(
            filled.iter().map(|bin| (bin.rows, bin.accuracy)).collect::<Vec<_>>(),
            [(1, 1.0), (1, 0.0)]
        );
        assert!((filled[0].confidence - 0.6).abs() < 1e-12 && (filled[1].confidence - 0.9).abs() < 1e-12);
    }
}
