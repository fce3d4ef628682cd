//! The generated sets. Their size is that of their presets; `[data.clutter]` and `resolution` change it.

use super::spec::{Count, DatasetSpec, Origin, PartCounts, Reader, square};
use crate::{
    clutter::{CLASS_NAMES, ClutterConfig},
    config::DataConfig,
};

pub(super) const EASY: DatasetSpec =
    row("clutter-easy", "large glyphs, few distractors", ClutterConfig::easy(), |_| ClutterConfig::easy());
pub(super) const HARD: DatasetSpec =
    row("clutter-hard", "small glyphs among distractors", ClutterConfig::hard(), |_| ClutterConfig::hard());
pub(super) const ANY: DatasetSpec = DatasetSpec {
    keys: &["clutter"],
    ..row("clutter", "glyphs as [data.clutter] says", ClutterConfig::easy(), |data| {
        data.clutter.unwrap_or_default()
    })
};

const fn row(
    name: &'static str,
    title: &'static str,
    preset: ClutterConfig,
    parameters: fn(&DataConfig) -> ClutterConfig,
) -> DatasetSpec {
    let [train, test] = [preset.train_per_class, preset.test_per_class];
    DatasetSpec {
        shape: Some(square(3, preset.resolution)),
        classes: Some(CLASS_NAMES.len()),
        counts: Some(PartCounts::new(Count::Exactly(CLASS_NAMES.len() * train), CLASS_NAMES.len() * test)),
        ..DatasetSpec::new(name, title, Origin::Generated, Reader::Generated(parameters))
    }
}
