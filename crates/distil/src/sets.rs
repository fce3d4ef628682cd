//! Synthetic sets where they lie: in a file, or in a run folder.

use std::path::{Path, PathBuf};

use distil_data::{DataConfig, DatasetName, ImageShape, Preprocessing, Transform};
use distil_store::{Content, Part, RunPaths, SyntheticSet};
use thiserror::Error;

use crate::Error;
use crate::config::Config;

/// A set that cannot be found or shown.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetError {
    /// The run has not left it.
    #[error("there is no {}; let the run go on with `distil run --resume`, or choose another --part", file.display())]
    Missing {
        /// The set that was looked for first.
        file: PathBuf,
    },
    /// The run has left none.
    #[error("{} holds no synthetic set yet; let the run go on with `distil run --resume`", folder.display())]
    None {
        /// The run folder.
        folder: PathBuf,
    },
    /// A part of a file was asked for.
    #[error("--part is for run folders; leave it out, or name the run folder instead")]
    PartOfFile,
    /// A set was to be named, and something else was.
    #[error("{} is {what}, not a synthetic set; {remedy}", file.display())]
    NoSet {
        /// The file.
        file: PathBuf,
        /// What it is, with its article.
        what: &'static str,
        /// What the user should do.
        remedy: &'static str,
    },
    /// Nobody knows what the set was made for.
    #[error(
        "{} is not in a run folder, so its configuration is unknown; name the configuration it was made with: --config FILE",
        file.display()
    )]
    NoConfig {
        /// The set.
        file: PathBuf,
    },
}

/// A decoded set, its file, and where ZCA matrices are.
#[derive(Debug)]
pub struct SetSource {
    /// The file it was read from.
    pub file: PathBuf,
    /// The set, decoded.
    pub set: SyntheticSet,
    cache: PathBuf,
}

impl SetSource {
    /// Reads the set at `subject`, a file or a run folder; `part` is of the folder, the best set or else the last where
    /// nothing is said.
    ///
    /// # Errors
    /// [`SetError`] when it is not there, [`Error::Store`] when it cannot be read.
    pub fn open(subject: &Path, part: Option<Part>) -> Result<Self, Error> {
        let file = match part {
            _ if subject.is_dir() => of_run(subject, part)?,
            None => subject.to_owned(),
            Some(_) => return Err(SetError::PartOfFile.into()),
        };
        let set = SyntheticSet::load(&file)?.into_decoded();
        Ok(Self { cache: cache(&file)?, file, set })
    }

    /// Pixels `[n, c, h, w]` with normalisation and whitening undone; learned ones leave `[0, 1]`.
    ///
    /// # Errors
    /// [`Error::Data`] when the matrices of its ZCA are not there.
    pub fn pixels(&self) -> Result<Vec<f32>, Error> {
        let transform = Transform::load(self.set.card.preprocessing.clone(), &self.cache)?;
        Ok(transform.invert(shape(&self.set), &self.set.images)?)
    }
}

/// The preprocessing of a card ready for use, with the matrices of a ZCA from the user's cache.
///
/// # Errors
/// As [`SetSource::pixels`].
pub fn transform_of(card: &Preprocessing) -> Result<Transform, Error> {
    Ok(Transform::load(card.clone(), &DataConfig::new(DatasetName::Mnist).cache_folder())?)
}

/// Shape of one image.
pub fn shape(set: &SyntheticSet) -> ImageShape {
    let [_, channels, height, width] = set.shape;
    ImageShape { channels, height, width }
}

fn of_run(folder: &Path, part: Option<Part>) -> Result<PathBuf, Error> {
    let paths = RunPaths::new(folder);
    paths.read_config()?;
    let wanted = part.map_or_else(|| vec![Part::Best, Part::Last], |part| vec![part]);
    let files: Vec<PathBuf> = wanted.into_iter().map(|part| paths.set(part)).collect();
    files
        .iter()
        .find(|file| file.is_file())
        .cloned()
        .ok_or_else(|| SetError::Missing { file: files[0].clone() }.into())
}

/// The configuration that a set was made with: the one that is named, or that of the run folder that `subject` is or
/// lies in.
///
/// # Errors
/// [`SetError::NoConfig`], or [`Error::Store`] when the run's cannot be read.
pub fn config_file(named: Option<&Path>, subject: &Path) -> Result<PathBuf, Error> {
    if let Some(config) = named {
        return Ok(config.to_owned());
    }
    if subject.is_dir() {
        let run = RunPaths::new(subject);
        run.read_config()?;
        return Ok(run.config());
    }
    if let Some(config) = run_of(subject) {
        return Ok(config);
    }
    let file = subject.to_owned();
    let error = match Content::of(subject) {
        Ok(content) if ![Content::Set, Content::Cut].contains(&content) => {
            let remedy = content.remedy().unwrap_or("give a set that `distil run` saved, or a run folder");
            SetError::NoSet { file, what: content.what(), remedy }
        }
        _ => SetError::NoConfig { file },
    };
    Err(error.into())
}

/// The configuration of the run that a set lies in.
fn run_of(file: &Path) -> Option<PathBuf> {
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let config = RunPaths::new(whole.parent()?.parent()?).config();
    config.is_file().then_some(config)
}

/// The cache folder of the run that the set lies in, or the user's.
fn cache(file: &Path) -> Result<PathBuf, Error> {
    match run_of(file) {
        Some(config) => Ok(Config::load(&config, &[])?.data.cache_folder()),
        None => Ok(DataConfig::new(DatasetName::Mnist).cache_folder()),
    }
}
