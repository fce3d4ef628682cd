use std::path::PathBuf;

use distil_gradcam::CamError;
use distil_stats::StatsError;
use distil_store::{FileError, WriteError};
use thiserror::Error;

/// Why there is no measurement, ranking or selection.
#[derive(Debug, Error)]
pub enum CompddError {
    /// An image or a folder cannot be read.
    #[error(transparent)]
    Data(#[from] distil_data::Error),
    /// An image cannot be decoded, and unreadable images were not to be skipped.
    #[error("{0}, or leave unreadable images out with --skip-bad")]
    Unreadable(distil_data::Error),
    /// So many unreadable images next to each other are no accident.
    #[error(
        "none of the {images} images from number {first} on can be read ({source}); check the disk and its folder, \
         then run the same command again"
    )]
    NothingReadable {
        /// Number of the first of them.
        first: usize,
        /// How many were tried.
        images: usize,
        /// What is wrong with the first one.
        source: distil_data::Error,
    },
    /// Images in memory without their pixels.
    #[error(
        "the images have lost their pixels to preprocessing; give them as files, or as loaded from files"
    )]
    NoPixels,
    /// Images of another size than the network's.
    #[error("the images are {found}, the model takes {wanted}; load them at that size, or use another model")]
    Shape {
        /// Channels × height × width of the images.
        found: String,
        /// What the network takes.
        wanted: String,
    },
    /// A class has no image to measure.
    #[error("class {name:?} has no image that can be measured; add some, or leave the class out")]
    EmptyClass {
        /// The class.
        name: String,
    },
    /// A map cannot be made.
    #[error(transparent)]
    Cam(#[from] CamError),
    /// Thresholds that cannot be counted.
    #[error(
        "threshold {0} is not above 0 and at most 1; maps lie between 0 and 1, so choose values such as 0.5"
    )]
    Threshold(f64),
    /// No threshold, or one that was given twice.
    #[error("the thresholds {0:?} are none, or name one twice; give each once, such as 0.5,0.1,0.9")]
    Thresholds(Vec<f64>),
    /// A part of a pass that is not there.
    #[error("there is no part {index} of {of}; count parts from 1, as in --shard 1/4")]
    Shard {
        /// Which part, from 1.
        index: usize,
        /// Of how many.
        of: usize,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A measurement that was begun belongs to something else.
    #[error(
        "{what} differ from those of the measurement that was begun; finish it as it was, or choose another --out"
    )]
    Other {
        /// What differs.
        what: &'static str,
    },
    /// Parts that are not of one pass, or not all of them.
    #[error("{0}")]
    Merge(String),
    /// A measurement that is not finished.
    #[error(
        "{done} of {total} images are measured; run `distil compdd measure` again to finish, or merge all parts"
    )]
    Unfinished {
        /// Images measured.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// A class of a category is not in the measurement.
    #[error(
        "category {category}: class {class:?} was not measured ({missing} of {classes} classes are missing); measure the \
         data that hold it, or leave the category out"
    )]
    NotMeasured {
        /// The category.
        category: String,
        /// The first class that is missing.
        class: String,
        /// How many are.
        missing: usize,
        /// Classes of the category.
        classes: usize,
    },
    /// A name that stands for several classes.
    #[error(
        "category {category}: class {class:?} is listed twice, or fits several measured classes; name each once, by its wnid or folder"
    )]
    Ambiguous {
        /// The category.
        category: String,
        /// The name.
        class: String,
    },
    /// No category can be ranked.
    #[error("{0}")]
    Categories(String),
    /// Too few classes to select from.
    #[error(
        "category {category} has {classes} classes; {count} easy and {count} hard ones need {needed}: \
         choose a smaller --count or a larger category"
    )]
    TooFew {
        /// The category.
        category: String,
        /// Its classes.
        classes: usize,
        /// Easy and hard ones that were asked for.
        count: usize,
        /// How many that needs.
        needed: usize,
    },
    /// The measurement has no such threshold.
    #[error("the measurement has no threshold {wanted}; choose one of {known:?}, or measure again")]
    NoThreshold {
        /// What was asked for.
        wanted: f64,
        /// What there is.
        known: Vec<f64>,
    },
    /// The classes have no order that could be compared.
    #[error("{0}; two measurements of at least two classes of different complexity can be compared")]
    NoOrder(#[from] StatsError),
    /// A file is damaged.
    #[error(transparent)]
    Damaged(#[from] FileError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The caller asked to stop; what was measured is kept where a file was given for it.
    #[error("stopped on request; run the same command again to continue")]
    Stopped,
}
