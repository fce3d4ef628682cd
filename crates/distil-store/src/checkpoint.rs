//! Checkpoints: everything a run needs to continue as if it had not been interrupted.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use distil_files::atomic;
use distil_files::container::{self, Container, Format, Tensor, Values};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::StoreError;

pub(crate) const CHECKPOINT: Format = Format {
    kind: "distil.checkpoint.2",
    expected: "a checkpoint",
    origin: "delete the file, an older checkpoint will be used",
    remedy: "delete the file, an older checkpoint will be used",
};
/// How many checkpoints a folder keeps: the newest, and one to fall back on.
const KEPT: usize = 2;

/// The card of a checkpoint.
#[derive(Serialize, Deserialize)]
struct Progress {
    iteration: u64,
    state: Value,
}

/// Named f32 tensors and a JSON state, as they were after an iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    iteration: u64,
    state: Value,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Checkpoint {
    /// A checkpoint after `iteration`, with the given state and no tensors yet. State must not hold NaN or infinities
    /// (JSON has none); such numbers belong in tensors.
    ///
    /// # Errors
    /// [`StoreError::CheckpointContent`] when the state cannot be written as JSON.
    pub fn new(iteration: u64, state: &impl Serialize) -> Result<Self, StoreError> {
        let state = serde_json::to_value(state)
            .map_err(|error| StoreError::CheckpointContent { iteration, what: format!("state ({error})") })?;
        Ok(Self { iteration, state, tensors: BTreeMap::new() })
    }

    /// Adds a tensor, replacing one of the same name.
    ///
    /// # Panics
    /// When the number of values is not the product of `shape`.
    #[must_use]
    pub fn with_tensor(mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "tensor `{name}` of shape {shape:?}");
        self.tensors.insert(name.to_owned(), (shape.to_vec(), values));
        self
    }

    /// The iteration after which the checkpoint was made.
    pub fn iteration(&self) -> u64 {
        self.iteration
    }

    /// The state as the type it was made from.
    ///
    /// # Errors
    /// [`StoreError::CheckpointContent`] when it is of another type.
    pub fn state<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        T::deserialize(&self.state).map_err(|error| self.lacks(format!("state ({error})")))
    }

    /// Values of the tensor `name`, which must have shape `shape`.
    ///
    /// # Errors
    /// [`StoreError::CheckpointContent`] when there is none of that shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<&[f32], StoreError> {
        match self.tensors.get(name) {
            Some((stored, values)) if stored == shape => Ok(values),
            Some((stored, _)) => {
                Err(self.lacks(format!("tensor `{name}` of shape {shape:?} (it is {stored:?})")))
            }
            None => Err(self.lacks(format!("tensor `{name}`"))),
        }
    }

    /// Names and shapes of the tensors, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, (shape, _))| (name.as_str(), shape.as_slice()))
    }

    /// Writes the checkpoint to `path`.
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        let card = Progress { iteration: self.iteration, state: self.state.clone() };
        let tensors = self.tensors.iter().map(|(name, (shape, values))| Tensor {
            name,
            shape: shape.clone(),
            values: Values::F32(vec![values]),
        });
        Ok(container::write(path, &CHECKPOINT, &card, tensors.collect())?)
    }

    /// Reads a checkpoint and verifies its checksum.
    ///
    /// # Errors
    /// [`StoreError::File`] when it is truncated, altered or not a checkpoint, [`StoreError::File`] when it cannot
    /// be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let bytes = container::read(path, &CHECKPOINT)?;
        Self::of(&Container::open(path, &CHECKPOINT, &bytes)?)
    }

    /// The checkpoint in a file whose checksum is right.
    pub(crate) fn of(file: &Container<'_>) -> Result<Self, StoreError> {
        let Progress { iteration, state } = file.card()?;
        let mut tensors = BTreeMap::new();
        for name in file.names() {
            let (shape, values) = file.f32(name)?;
            tensors.insert(name.to_owned(), (shape.to_vec(), values.to_vec()));
        }
        Ok(Self { iteration, state, tensors })
    }

    fn lacks(&self, what: String) -> StoreError {
        StoreError::CheckpointContent { iteration: self.iteration, what }
    }
}

/// The newest checkpoint that can be read, and what is wrong with the newer ones.
#[derive(Debug)]
pub struct Latest {
    /// The checkpoint; `None` when there is none that can be read.
    pub checkpoint: Option<Checkpoint>,
    /// One error per newer checkpoint that was skipped; the user should be told.
    pub skipped: Vec<StoreError>,
}

/// A folder of checkpoints that keeps the newest two.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which is made when the first is saved.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Saves a checkpoint, then removes all but the newest two. Checkpoints of later iterations are removed too: a run
    /// that saves an earlier one went back, and they would be taken for its future.
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be written or an old one not be removed.
    pub fn save(&self, checkpoint: &Checkpoint) -> Result<PathBuf, StoreError> {
        atomic::create_folder(&self.folder)?;
        let path = self.path(checkpoint.iteration);
        checkpoint.save(&path)?;
        for iteration in self.iterations()?.into_iter().filter(|i| *i > checkpoint.iteration) {
            self.remove(iteration)?;
        }
        self.remove_before(checkpoint.iteration)?;
        Ok(path)
    }

    /// Removes the older checkpoints that [`Checkpoints::save`] would have removed after the one of `iteration`, had its
    /// process not been killed between the two.
    ///
    /// # Errors
    /// [`StoreError::File`] when one cannot be removed, [`StoreError::File`] when the folder cannot be listed.
    pub fn remove_before(&self, iteration: u64) -> Result<(), StoreError> {
        let past = self.iterations()?.into_iter().filter(|i| *i <= iteration);
        past.rev().skip(KEPT).try_for_each(|old| self.remove(old))
    }

    fn remove(&self, iteration: u64) -> Result<(), StoreError> {
        let path = self.path(iteration);
        fs::remove_file(&path).map_err(|source| atomic::WriteError::new(&path, source).into())
    }

    /// The newest checkpoint that can be read. Damaged newer ones are skipped and reported in the result.
    ///
    /// # Errors
    /// [`StoreError::File`] when the folder cannot be listed. Having no checkpoint is not an error.
    pub fn latest(&self) -> Result<Latest, StoreError> {
        let mut skipped = Vec::new();
        for iteration in self.iterations()?.into_iter().rev() {
            let path = self.path(iteration);
            match Checkpoint::load(&path) {
                Ok(checkpoint) if checkpoint.iteration == iteration => {
                    return Ok(Latest { checkpoint: Some(checkpoint), skipped });
                }
                Ok(checkpoint) => {
                    let what = format!("it is of iteration {}", checkpoint.iteration);
                    skipped.push(StoreError::damaged(&path, what, CHECKPOINT.remedy));
                }
                Err(error) => skipped.push(error),
            }
        }
        Ok(Latest { checkpoint: None, skipped })
    }

    /// Whether there is any, readable or not.
    pub(crate) fn any(&self) -> Result<bool, StoreError> {
        Ok(!self.iterations()?.is_empty())
    }

    fn path(&self, iteration: u64) -> PathBuf {
        self.folder.join(format!("iteration-{iteration:08}.safetensors"))
    }

    /// Iterations of the checkpoints that are present, in ascending order.
    fn iterations(&self) -> Result<Vec<u64>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|source| StoreError::read(&self.folder, source))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| StoreError::read(&self.folder, source))?.file_name();
            let digits = name
                .to_str()
                .and_then(|name| name.strip_prefix("iteration-")?.strip_suffix(".safetensors"))
                .and_then(|digits| digits.parse().ok());
            found.extend(digits.filter(|iteration| self.path(*iteration).is_file()));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
