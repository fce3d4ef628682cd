//! Image datasets for dataset distillation: readers, downloads, splits, preprocessing and the generated clutter set.
