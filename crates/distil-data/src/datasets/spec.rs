//! What is known of a dataset before anything is read: its row in the registry.

use std::fmt;
use std::path::Path;

use distil_store::Normalisation;

use crate::{
    clutter::ClutterConfig, config::DataConfig, dataset::Split, error::Error, folder::Found,
    images::ImageShape,
};

/// A dataset's row: every table, plan, download, error and citation that knows something of a dataset reads it here.
#[derive(Debug, Clone, Copy)]
pub struct DatasetSpec {
    /// As it is written in a configuration.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// Shape of its images, where its name tells; of ImageNet's the papers' 128×128.
    pub shape: Option<ImageShape>,
    /// Number of classes, where its name tells.
    pub classes: Option<usize>,
    /// Images of its parts, where its name tells.
    pub counts: Option<PartCounts>,
    /// Where its images come from.
    pub origin: Origin,
    /// Mean and standard deviation that the trajectory-matching papers normalise with; those of the training part
    /// where there are none.
    pub mean_std: Option<MeanStd>,
    /// What DC's code and the ECCV 2024 challenge normalise with, where it is not `mean_std`.
    pub mean_std_of_dc: Option<MeanStd>,
    /// BibTeX entries of the publications to cite.
    pub bibtex: &'static [&'static str],
    /// Keys of `[data]` that mean something for this dataset and not for every one.
    pub(crate) keys: &'static [&'static str],
    /// What images are brought to when `resolution` is not set, in pixels.
    pub(crate) default_side: Option<usize>,
    pub(crate) reader: Reader,
}

/// How a dataset is stored, and so how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetKind {
    /// Drawn from a seed.
    Generated,
    /// Arrays in few files, read as a whole.
    Arrays,
    /// One file an image; can be listed and streamed without being loaded.
    ImageFiles,
}

impl fmt::Display for DatasetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Generated => "generated",
            Self::Arrays => "arrays",
            Self::ImageFiles => "image files",
        })
    }
}

/// How many images a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// As many as this.
    Exactly(usize),
    /// So many or a few less.
    AtMost(usize),
}

impl Count {
    /// The number itself.
    pub fn get(self) -> usize {
        match self {
            Self::Exactly(count) | Self::AtMost(count) => count,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => write!(f, "{count}"),
            Self::AtMost(count) => write!(f, "≤ {count}"),
        }
    }
}

/// Images of the published parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartCounts {
    /// Training images; validation images are held out of them unless there is a part for it.
    pub train: Count,
    /// Images of the published validation part.
    pub validation: Option<usize>,
    /// Test images.
    pub test: usize,
}

impl PartCounts {
    pub(crate) const fn new(train: Count, test: usize) -> Self {
        Self { train, validation: None, test }
    }
}

/// Where the images of a dataset come from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Origin {
    /// Drawn from a seed: there are no files.
    Generated,
    /// Your own files, at `data.path`.
    Own(OwnFiles),
    /// Published files that are looked for below the data folders and can be downloaded.
    Published(Places, Published),
    /// Published files that are looked for below the data folders; how to get them is a sentence's beginning.
    ByHand(Places, &'static str),
}

/// Files that a user brings.
#[derive(Debug, Clone, Copy)]
pub struct OwnFiles {
    /// What `data.path` names ("the folder that holds the class folders").
    pub what: &'static str,
}

/// How a published set may lie below a data folder.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// Folders that hold its files; `""` is the data folder itself.
    pub folders: &'static [&'static str],
    /// Folders of copies that hold this set only.
    pub copies: &'static [&'static str],
    /// Archives that hold its files.
    pub archives: &'static [&'static str],
    pub(crate) sign: Sign,
}

/// How a folder shows that it holds a set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sign {
    /// One of these files is in it.
    AnyFile(&'static [&'static str]),
    /// This folder is in it.
    Folder(&'static str),
    /// ImageNet's training part is in it, or at least this class.
    Imagenet { first: Option<&'static str> },
}

/// Published files, and where they are.
///
/// Sums of the IDX files and the CIFAR-10 batches were taken from verified copies. Those of the CIFAR archives,
/// CIFAR-100's members, SVHN's files and Tiny-ImageNet's zip are the ones that several unrelated projects pin for these
/// addresses and lengths; their publishers print MD5 sums (CIFAR) or none.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    pub(crate) base_url: &'static str,
    /// Folder below the data folder that the files go to; empty for the data folder itself.
    pub(crate) folder: &'static str,
    /// Name, length and SHA-256 of each.
    pub(crate) files: &'static [(&'static str, u64, &'static str)],
    /// SHA-256 of the files inside the archive that are read, when `files` is one archive.
    pub(crate) members: &'static [(&'static str, &'static str)],
}

/// One published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Where it is.
    pub url: String,
    /// Its name on disk.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hex.
    pub sha256: String,
}

impl Published {
    /// The files to download, from their publisher or from a mirror that has them under the same names.
    pub fn files(&self, base_url: Option<&str>) -> Vec<RemoteFile> {
        let base = base_url.unwrap_or(self.base_url).trim_end_matches('/');
        let file = |&(name, bytes, sha256): &(&str, u64, &str)| RemoteFile {
            url: format!("{base}/{name}"),
            name: name.to_owned(),
            bytes,
            sha256: sha256.to_owned(),
        };
        self.files.iter().map(file).collect()
    }
}

/// Mean and standard deviation of each channel, of pixels in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanStd {
    /// One mean per channel.
    pub mean: &'static [f32],
    /// One standard deviation per channel.
    pub std: &'static [f32],
}

impl MeanStd {
    pub(crate) fn normalisation(self) -> Normalisation {
        Normalisation::MeanStd { mean: self.mean.to_vec(), std: self.std.to_vec() }
    }
}

/// How the images are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader {
    Generated(fn(&DataConfig) -> ClutterConfig),
    Arrays(fn(&Path) -> Result<Arrays, Error>),
    ImageFiles(fn(&DataConfig, &Path) -> Result<Found, Error>),
}

/// The parts of a set that is read as a whole.
#[derive(Debug)]
pub(crate) struct Arrays {
    pub(crate) class_names: Vec<String>,
    pub(crate) train: Split,
    /// A published validation part.
    pub(crate) validation: Option<Split>,
    pub(crate) test: Split,
}

impl Arrays {
    pub(crate) fn new(class_names: &[&str], (train, test): (Split, Split)) -> Self {
        let class_names = class_names.iter().map(|&name| name.to_owned()).collect();
        Self { class_names, train, validation: None, test }
    }
}

impl DatasetSpec {
    /// A row of which nothing else is known.
    pub(crate) const fn new(name: &'static str, title: &'static str, origin: Origin, reader: Reader) -> Self {
        Self {
            name,
            title,
            shape: None,
            classes: None,
            counts: None,
            origin,
            mean_std: None,
            mean_std_of_dc: None,
            bibtex: &[],
            keys: &[],
            default_side: None,
            reader,
        }
    }

    /// How it is stored.
    pub fn kind(&self) -> DatasetKind {
        match self.reader {
            Reader::Generated(_) => DatasetKind::Generated,
            Reader::Arrays(_) => DatasetKind::Arrays,
            Reader::ImageFiles(_) => DatasetKind::ImageFiles,
        }
    }

    /// Whether `distil fetch` can download it.
    pub fn is_downloaded(&self) -> bool {
        matches!(self.origin, Origin::Published(..))
    }

    /// Where it is looked for below the data folders, if it is.
    pub fn places(&self) -> Option<&Places> {
        match &self.origin {
            Origin::Published(places, _) | Origin::ByHand(places, _) => Some(places),
            Origin::Generated | Origin::Own(_) => None,
        }
    }

    /// The files that a user brings for it, if a user does.
    pub fn own_files(&self) -> Option<&OwnFiles> {
        match &self.origin {
            Origin::Own(own) => Some(own),
            _ => None,
        }
    }

    /// What to do when it is nowhere.
    pub(crate) fn how_to_get(&self) -> String {
        match self.origin {
            Origin::ByHand(_, how) => how.to_owned(),
            _ => format!("run `distil fetch {}`", self.name),
        }
    }
}

/// A square image.
pub(crate) const fn square(channels: usize, side: usize) -> ImageShape {
    ImageShape { channels, height: side, width: side }
}
