#![doc = include_str!("../README.md")]
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
