//! Synthetic sets as commands are given them: a file, or a run folder and the set's part in it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use distil_data::{DataConfig, DatasetName, ImageShape, Preprocessing};
use distil_match::Files;
use distil_store::{RunPaths, SyntheticSet};

use crate::failure::Failure;
use distil::config::Config;

/// Which set of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The one that was chosen on validation images
    Best,
    /// After the last iteration
    Last,
    /// The moving average after the last iteration
    Ema,
    /// Before the first iteration
    Initial,
}

/// A decoded set, its file, and where ZCA matrices are.
#[derive(Debug)]
pub(crate) struct SetSource {
    pub(crate) file: PathBuf,
    pub(crate) set: SyntheticSet,
    cache: PathBuf,
}

impl SetSource {
    /// Reads the set at `subject`, a file or a run folder; `part` is of the folder's [default: best, or else last].
    pub(crate) fn open(subject: &Path, part: Option<Part>) -> Result<Self, Failure> {
        let file = if subject.is_dir() { of_run(subject, part)? } else { of_file(subject, part)? };
        let set = SyntheticSet::load(&file)?.into_decoded();
        Ok(Self { cache: cache(&file)?, file, set })
    }

    /// Pixels `[n, c, h, w]` with normalisation and whitening undone; learned ones leave `[0, 1]`.
    pub(crate) fn pixels(&self) -> Result<Vec<f32>, Failure> {
        Ok(viewer(&self.set, &self.cache)?.invert(shape(&self.set), &self.set.images)?)
    }
}

/// What undoes the preprocessing of a set, with its matrices.
pub(crate) fn viewer(set: &SyntheticSet, cache: &Path) -> Result<Preprocessing, Failure> {
    let mut preprocessing: Preprocessing = serde_json::from_value(set.card.preprocessing.clone())?;
    preprocessing.load_matrix(cache)?;
    Ok(preprocessing)
}

/// Shape of one image.
pub(crate) fn shape(set: &SyntheticSet) -> ImageShape {
    let [_, channels, height, width] = set.shape;
    ImageShape { channels, height, width }
}

fn of_run(folder: &Path, part: Option<Part>) -> Result<PathBuf, Failure> {
    let paths = RunPaths::new(folder);
    paths.read_config()?;
    let files = Files::of(&paths);
    let wanted = match part {
        None => vec![&files.best, &files.last],
        Some(Part::Best) => vec![&files.best],
        Some(Part::Last) => vec![&files.last],
        Some(Part::Ema) => vec![&files.ema],
        Some(Part::Initial) => vec![&files.initial],
    };
    let found = wanted.iter().find(|file| file.is_file());
    found.copied().cloned().ok_or_else(|| {
        Failure::new(
            format_args!("{} has no {}", folder.display(), wanted[0].display()),
            "let the run go on with `distil run --resume`, or choose another --part",
        )
    })
}

fn of_file(file: &Path, part: Option<Part>) -> Result<PathBuf, Failure> {
    match part {
        None => Ok(file.to_owned()),
        Some(_) => {
            Err(Failure::new("--part is for run folders", "leave it out, or name the run folder instead"))
        }
    }
}

/// The cache folder of the run that the set lies in, or the user's.
fn cache(file: &Path) -> Result<PathBuf, Failure> {
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let run = whole.parent().and_then(Path::parent).map(|folder| RunPaths::new(folder).config());
    match run.filter(|config| config.is_file()) {
        Some(config) => Ok(Config::load(&config, &[])?.data.cache_folder()),
        None => Ok(DataConfig::new(DatasetName::Mnist).cache_folder()),
    }
}
