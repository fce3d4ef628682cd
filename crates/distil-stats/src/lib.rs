//! Statistics of repeated measurements, and the scores of classifiers.
//!
//! Accuracies of distilled sets scatter from student to student, and differences between methods are often smaller than
//! that. [`verdict`] says in one sentence whether one is better, [`Comparison`] holds the numbers behind it, [`holm`]
//! corrects a table of them, and [`seeds_needed`] says what would settle the matter. [`Tally`] counts what a classifier
//! says and gives its [`Scores`]: top-1 and top-5 accuracy, confusion, precision, recall, F1 and calibration.
//!
//! ```
//! use distil_stats::{Design, Summary, Tally, verdict};
//!
//! let (new, old) = ([0.712, 0.705, 0.718, 0.709, 0.714], [0.684, 0.671, 0.688, 0.679, 0.690]);
//! assert_eq!(
//!     verdict(("new", &new), ("old", &old), Design::Independent),
//!     "new beats old by 2.9 points [2.0, 3.9], p < 0.001 (Welch), g = 4.1, 5 seeds each"
//! );
//! let summary = Summary::of(&new).expect("five measurements");
//! assert!((summary.mean - 0.7116).abs() < 1e-12);
//!
//! let mut tally = Tally::new(3);
//! tally.add(&[2.0f32, 0.1, 0.3, 0.0, 0.5, 1.5], &[0, 1])?;
//! assert_eq!(tally.scores().top1, 0.5);
//! # Ok::<(), distil_stats::StatsError>(())
//! ```

#![forbid(unsafe_code)]

mod bootstrap;
mod calibration;
mod comparison;
mod correlation;
mod distributions;
mod effect;
mod error;
mod holm;
mod power;
mod ranking;
mod ranks;
mod ratio;
mod scores;
mod summary;
mod tally;
mod tsne;
mod ttest;
mod wilcoxon;

pub use bootstrap::{Bootstrap, IntervalKind};
pub use calibration::{CALIBRATION_BINS, Calibration, ReliabilityBin};
pub use comparison::{Comparison, p_value, verdict};
pub use correlation::{Correlation, KENDALL_EXACT_UP_TO, kendall, pearson, spearman};
pub use effect::{Effect, dz, hedges_g};
pub use error::StatsError;
pub use holm::holm;
pub use power::{ALPHA, Design, MOST_SEEDS, POWER, power, seeds_needed};
pub use ranking::{AugmentationRobust, LabelRobust};
pub use ratio::Ratio;
pub use scores::{RepeatedScores, Scores};
pub use summary::Summary;
pub use tally::Tally;
pub use tsne::{TSne, inter_class_distance};
pub use ttest::{TTest, paired, welch};
pub use wilcoxon::{WILCOXON_EXACT_UP_TO, Wilcoxon, wilcoxon};
