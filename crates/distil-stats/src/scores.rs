//! What is quoted of a classifier.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::tally::Tally;

/// Scores of a classifier on labelled rows; shares are in `[0, 1]`, and 0 where undefined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of rows.
    pub rows: u64,
    /// Rows that decided for no class because a score was not finite; they count as wrong.
    pub undecided: u64,
    /// Share of rows whose label has the highest score.
    pub top1: f64,
    /// Share of rows whose label is among the five highest scores.
    pub top5: f64,
    /// Mean of `f1` over all classes, those that occur in no row included; [`Scores::tested_macro_f1`] leaves them out.
    pub macro_f1: f64,
    /// Of each class: how many of the rows predicted as it are of it.
    pub precision: Vec<f64>,
    /// Of each class: how many of its rows are predicted as it.
    pub recall: Vec<f64>,
    /// Of each class: the harmonic mean of precision and recall.
    pub f1: Vec<f64>,
    /// How often each true class (row) was predicted as each class (column).
    pub confusion: Vec<Vec<u64>>,
    /// Classes of no row, whose scores mean nothing; none where no row was counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untested: Vec<usize>,
    /// How far confidence can be believed; absent when no row decided.
    pub calibration: Option<Calibration>,
}

/// Scores of several classifiers, such as students of different seeds, on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepeatedScores {
    /// Top-5 accuracy of each, in `[0, 1]`.
    pub top5: Vec<f64>,
    /// Macro F1 of each over the classes that were tested, in `[0, 1]`.
    pub macro_f1: Vec<f64>,
    /// Balanced accuracy of each, in `[0, 1]`: the mean recall of the classes that were tested, whatever their numbers of rows.
    #[serde(default)]
    pub balanced: Vec<f64>,
    /// Scores of all their predictions together.
    pub pooled: Scores,
}

impl RepeatedScores {
    /// From what each of them said; `None` without any.
    ///
    /// # Panics
    /// When they have different numbers of classes.
    pub fn of(tallies: &[Tally]) -> Option<Self> {
        let (first, rest) = tallies.split_first()?;
        let mut pooled = first.clone();
        for tally in rest {
            pooled.merge(tally);
        }
        let scores: Vec<Scores> = tallies.iter().map(Tally::scores).collect();
        Some(Self {
            top5: scores.iter().map(|scores| scores.top5).collect(),
            macro_f1: scores.iter().map(Scores::tested_macro_f1).collect(),
            balanced: scores.iter().map(Scores::balanced_accuracy).collect(),
            pooled: pooled.scores(),
        })
    }
}

impl Scores {
    /// Mean of `f1` over the classes that were tested, as it is quoted: what no row is of cannot be predicted right. 0 without
    /// any.
    pub fn tested_macro_f1(&self) -> f64 {
        self.mean_of_tested(&self.f1)
    }

    /// Mean of `recall` over the classes that were tested; 0 without any.
    pub fn balanced_accuracy(&self) -> f64 {
        self.mean_of_tested(&self.recall)
    }

    fn mean_of_tested(&self, values: &[f64]) -> f64 {
        let tested = (0..values.len()).filter(|class| !self.untested.contains(class));
        let tested: Vec<f64> = tested.map(|class| values[class]).collect();
        if tested.is_empty() { 0.0 } else { tested.iter().sum::<f64>() / tested.len() as f64 }
    }

    pub(crate) fn of(tally: &Tally) -> Self {
        let k = tally.classes;
        let cell = |truth: usize, predicted: usize| tally.confusion[truth * k + predicted];
        let actual: Vec<u64> =
            (0..k).map(|c| tally.undecided[c] + (0..k).map(|p| cell(c, p)).sum::<u64>()).collect();
        let predicted: Vec<u64> = (0..k).map(|c| (0..k).map(|t| cell(t, c)).sum()).collect();
        let hits: Vec<u64> = (0..k).map(|c| cell(c, c)).collect();
        let per_class = |of: &dyn Fn(usize) -> f64| (0..k).map(of).collect::<Vec<f64>>();
        let f1 = per_class(&|c| share(2 * hits[c], actual[c] + predicted[c]));
        Self {
            rows: tally.rows,
            undecided: tally.undecided.iter().sum(),
            top1: tally.top1(),
            top5: share(tally.top5, tally.rows),
            macro_f1: if k == 0 { 0.0 } else { f1.iter().sum::<f64>() / k as f64 },
            precision: per_class(&|c| share(hits[c], predicted[c])),
            recall: per_class(&|c| share(hits[c], actual[c])),
            f1,
            confusion: (0..k).map(|truth| (0..k).map(|p| cell(truth, p)).collect()).collect(),
            untested: (0..k).filter(|&class| tally.rows > 0 && actual[class] == 0).collect(),
            calibration: tally.calibrating.calibration(),
        }
    }
}

/// A part of a whole; 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use crate::{RepeatedScores, Tally};

    #[test]
    fn a_class_that_was_not_tested_is_no_part_of_the_mean() {
        // True 0 0 0 1, predicted 0 0 1 1; class 2 neither.
        let rows = [[1.0f32, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
        let mut tally = Tally::new(3);
        tally.add(rows.as_flattened(), &[0, 0, 0, 1]).unwrap();
        let scores = tally.scores();
        assert_eq!(scores.precision, [1.0, 0.5, 0.0]);
        assert_eq!(scores.recall, [2.0 / 3.0, 1.0, 0.0]);
        assert_eq!(scores.f1, [0.8, 2.0 / 3.0, 0.0]);
        assert!((scores.macro_f1 - (0.8 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
        assert!((scores.tested_macro_f1() - f64::midpoint(0.8, 2.0 / 3.0)).abs() < 1e-12);
        assert!((scores.balanced_accuracy() - f64::midpoint(2.0 / 3.0, 1.0)).abs() < 1e-12);
        assert_eq!(scores.untested, [2]);
        assert_eq!(RepeatedScores::of(&[tally]).unwrap().macro_f1, [scores.tested_macro_f1()]);
        assert_eq!(scores.confusion, [[2, 1, 0], [0, 1, 0], [0, 0, 0]]);
    }

    #[test]
    fn repetitions_are_pooled() {
        let (mut right, mut wrong) = (Tally::new(2), Tally::new(2));
        right.add(&[1.0f32, 0.0], &[0]).unwrap();
        wrong.add(&[0.0f32, 1.0], &[0]).unwrap();
        let both = RepeatedScores::of(&[right, wrong]).unwrap();
        assert_eq!(both.macro_f1, [1.0, 0.0], "nothing is of the second class");
        assert_eq!((both.pooled.rows, both.pooled.top1, both.pooled.recall[0]), (2, 0.5, 0.5));
        assert_eq!(RepeatedScores::of(&[]), None);
    }

    #[test]
    fn nothing_counted_is_zero_everywhere() {
        let scores = Tally::new(2).scores();
        assert_eq!((scores.top1, scores.macro_f1, scores.calibration), (0.0, 0.0, None));
        assert!(scores.untested.is_empty());
        let none = Tally::new(0).scores();
        assert_eq!((none.macro_f1.to_bits(), none.tested_macro_f1().to_bits()), (0, 0));
    }
}
