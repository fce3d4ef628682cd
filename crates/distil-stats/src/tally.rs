//! Scores of a classifier, counted batch by batch.

use crate::calibration::Calibrating;
use crate::error::StatsError;
use crate::scores::{Scores, share};

/// Counts what a classifier says about labelled rows.
///
/// A row whose scores hold a NaN or whose highest score is infinite decides for no class: it is wrong, and in no
/// column of the confusion matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub(crate) classes: usize,
    pub(crate) rows: u64,
    pub(crate) top5: u64,
    pub(crate) confusion: Vec<u64>,
    pub(crate) undecided: Vec<u64>,
    pub(crate) calibrating: Calibrating,
}

impl Tally {
    /// Nothing counted yet, of `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            rows: 0,
            top5: 0,
            confusion: vec![0; classes * classes],
            undecided: vec![0; classes],
            calibrating: Calibrating::default(),
        }
    }

    /// What a network does whose outputs are no numbers: PyTorch takes the first class for the highest of them, whatever it
    /// is shown.
    ///
    /// # Errors
    /// [`StatsError::Label`] for a label that is not a class.
    pub fn of_no_numbers(classes: usize, labels: &[u32]) -> Result<Self, StatsError> {
        let mut tally = Self::new(classes);
        // Of equal scores the first class ranks first.
        tally.add(&vec![0.0_f32; classes * labels.len()], labels)?;
        Ok(tally)
    }

    /// Counts rows of scores (logits) `[n, classes]` with their `labels` `[n]`.
    ///
    /// Of equal scores the class with the lower index ranks first, so that every row has exactly one prediction and
    /// one set of five.
    ///
    /// # Errors
    /// [`StatsError::Scores`] when the lengths do not fit, [`StatsError::Label`] for a label that is not a class. Nothing
    /// is counted then.
    pub fn add<S: Copy + Into<f64>>(&mut self, scores: &[S], labels: &[u32]) -> Result<(), StatsError> {
        let classes = self.classes;
        if scores.len() != labels.len() * classes {
            return Err(StatsError::Scores { scores: scores.len(), labels: labels.len(), classes });
        }
        if let Some(row) = labels.iter().position(|&label| label as usize >= classes) {
            return Err(StatsError::Label { row, label: labels[row], classes });
        }
        let mut row = vec![0.0; classes];
        for (scores, &label) in scores.chunks_exact(classes.max(1)).zip(labels) {
            row.iter_mut().zip(scores).for_each(|(to, from)| *to = (*from).into());
            self.count(&row, label as usize);
        }
        Ok(())
    }

    fn count(&mut self, scores: &[f64], label: usize) {
        self.rows += 1;
        let Some(predicted) = decision(scores) else {
            self.undecided[label] += 1;
            return;
        };
        self.confusion[label * self.classes + predicted] += 1;
        let before = (0..scores.len()).filter(|&class| {
            scores[class] > scores[label] || (scores[class] == scores[label] && class < label)
        });
        self.top5 += u64::from(before.count() < 5);
        self.calibrating.count(scores, label, predicted);
    }

    /// Adds what another tally of the same classes counted, such as that of another student.
    ///
    /// # Panics
    /// When `other` has another number of classes.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.classes, other.classes, "tallies of the same classes");
        let add = |to: &mut [u64], from: &[u64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        self.rows += other.rows;
        self.top5 += other.top5;
        add(&mut self.confusion, &other.confusion);
        add(&mut self.undecided, &other.undecided);
        self.calibrating.merge(&other.calibrating);
    }

    /// Share of rows whose label has the highest score, in `[0, 1]`; 0 of no rows.
    pub fn top1(&self) -> f64 {
        let hits: u64 = self.confusion.iter().step_by(self.classes + 1).sum();
        share(hits, self.rows)
    }

    /// The scores of everything counted so far.
    pub fn scores(&self) -> Scores {
        Scores::of(self)
    }
}

/// The class with the highest score, the first of equal ones; `None` when no score is the highest finite one.
fn decision(scores: &[f64]) -> Option<usize> {
    let mut best = None;
    for (class, &score) in scores.iter().enumerate() {
        if score.is_nan() {
            return None;
        }
        if best.is_none_or(|best: usize| score > scores[best]) {
            best = Some(class);
        }
    }
    best.filter(|&best| scores[best].is_finite())
}

#[cfg(test)]
mod tests {
    use super::{Tally, decision};
    use crate::StatsError;

    #[test]
    fn the_highest_finite_score_decides() {
        assert_eq!(decision(&[0.1, 0.9]), Some(1));
        assert_eq!(decision(&[0.5, 0.5]), Some(0));
        assert_eq!(decision(&[f64::NEG_INFINITY, 0.0]), Some(1));
        for none in [&[f64::NAN, 0.0][..], &[0.0, f64::NAN], &[f64::INFINITY, 0.0], &[f64::NEG_INFINITY], &[]]
        {
            assert_eq!(decision(none), None, "{none:?}");
        }
    }

    #[test]
    fn ties_rank_by_class() {
        // Seven equal scores: classes 0 to 4 are the five.
        let mut tally = Tally::new(7);
        tally.add(&[0.0f32; 14], &[4, 5]).unwrap();
        let scores = tally.scores();
        assert_eq!((scores.top1, scores.top5), (0.0, 0.5));
        assert_eq!((scores.confusion[4][0], scores.confusion[5][0]), (1, 1));
    }

    #[test]
    fn batches_add_up() {
        let values: Vec<f32> = (0u8..30).map(|i| (f32::from(i) * 1.7).sin()).collect();
        let labels = [0, 1, 2, 0, 1, 2, 2, 1, 0, 0];
        let mut whole = Tally::new(3);
        whole.add(&values, &labels).unwrap();
        let (mut parts, mut rest) = (Tally::new(3), Tally::new(3));
        parts.add(&values[..12], &labels[..4]).unwrap();
        rest.add(&values[12..], &labels[4..]).unwrap();
        parts.merge(&rest);
        assert_eq!(parts.confusion, whole.confusion);
        let (parts, whole) = (parts.scores(), whole.scores());
        assert_eq!((parts.top1, parts.f1), (whole.top1, whole.f1));
        assert!((parts.calibration.unwrap().nll - whole.calibration.unwrap().nll).abs() < 1e-12);
    }

    #[test]
    fn undecided_rows_are_wrong() {
        let mut tally = Tally::new(2);
        tally.add(&[f32::NAN, 0.0, 1.0, 0.0], &[1, 0]).unwrap();
        let scores = tally.scores();
        assert_eq!((scores.top1, scores.top5, scores.undecided), (0.5, 0.5, 1));
        assert_eq!(scores.recall, [1.0, 0.0]);
        assert_eq!(scores.confusion, [[1, 0], [0, 0]]);
    }

    #[test]
    fn misfits_are_refused_and_count_nothing() {
        let mut tally = Tally::new(3);
        let error = tally.add(&[0.0f32; 5], &[0, 1]).unwrap_err();
        assert_eq!(error, StatsError::Scores { scores: 5, labels: 2, classes: 3 });
        let error = tally.add(&[0.0f32; 6], &[0, 3]).unwrap_err();
        assert!(error.to_string().contains("label 3 of row 1"), "{error}");
        assert_eq!(tally, Tally::new(3));
    }
}
