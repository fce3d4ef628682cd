//! Run folders: where everything about one distillation run is.

use std::fs;
use std::path::{Path, PathBuf};

use distil_files::atomic::{self, create_folder};
use distil_files::{FolderLock, seal};
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::difference;
use crate::error::StoreError;
use crate::events::{self, EventLog};
use crate::records::Part;

/// What to do about a damaged `run.toml`.
const CONFIG_REMEDY: &str =
    "restore it from a copy or start a new run; if it was changed on purpose, remove its first line";
/// What to do about checkpoints without a configuration.
const ORPHANS: &str = "restore it, or remove the folder or choose another one to start over";
/// How the names of kept sets begin.
const KEPT: &str = "iteration-";
/// The lock of whoever distils in the folder.
const LOCK: &str = ".lock";

/// Names of the files in a run folder. Reading needs no lock, so reports can be made while a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPaths {
    folder: PathBuf,
}

impl RunPaths {
    /// The files of the run in `folder`, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The run folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The resolved configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("run.toml")
    }

    /// The event log, one JSON object per line.
    pub fn events(&self) -> PathBuf {
        self.folder.join("events.jsonl")
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join("checkpoints")
    }

    /// The folder of synthetic sets.
    pub fn synthetic(&self) -> PathBuf {
        self.folder.join("synthetic")
    }

    /// A set of the run.
    pub fn set(&self, part: Part) -> PathBuf {
        self.synthetic().join(format!("{}.safetensors", part.as_str()))
    }

    /// The set as it was after an iteration, where it was kept.
    pub fn kept_set(&self, iteration: u64) -> PathBuf {
        self.synthetic().join(format!("{KEPT}{iteration:08}.safetensors"))
    }

    /// The sets that were kept ([`RunPaths::kept_set`]), by iteration.
    ///
    /// # Errors
    /// [`StoreError::File`] when the folder of sets cannot be listed.
    pub fn kept_sets(&self) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.synthetic();
        let read = |source| StoreError::read(&folder, source);
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(KEPT) && name.ends_with(".safetensors") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Results of the evaluation.
    pub fn evaluation(&self) -> PathBuf {
        self.folder.join("evaluation.json")
    }

    /// What distilling took: seconds and memory, which no replay repeats.
    pub fn cost(&self) -> PathBuf {
        self.folder.join("cost.json")
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.folder.join("report.html")
    }

    /// Text of the resolved configuration, without its checksum.
    ///
    /// # Errors
    /// [`StoreError::NoRun`] when the folder has no `run.toml`, [`StoreError::File`] when it does not match its
    /// checksum, [`StoreError::File`] when it cannot be read.
    pub fn read_config(&self) -> Result<String, StoreError> {
        let path = self.config();
        if !path.is_file() {
            return Err(StoreError::no_run(&self.folder));
        }
        let bytes = fs::read(&path).map_err(|source| StoreError::read(&path, source))?;
        if bytes.is_empty() {
            return Err(StoreError::damaged(&path, "it is empty", CONFIG_REMEDY));
        }
        seal::check(&path, &bytes, CONFIG_REMEDY)?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| StoreError::damaged(&path, "it is not UTF-8", CONFIG_REMEDY))?;
        Ok(seal::without(&text).to_owned())
    }

    /// All events logged so far; a line that is being written is left out.
    ///
    /// # Errors
    /// [`StoreError::File`] names a line that is not an event; [`StoreError::File`] when the log cannot be read.
    pub fn read_events<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        events::read(&self.events())
    }

    /// The last iteration of the logged events of a kind, or of all; `None` of none.
    ///
    /// # Errors
    /// As for [`RunPaths::read_events`].
    pub fn last_iteration(&self, kind: Option<&str>) -> Result<Option<u64>, StoreError> {
        #[derive(Deserialize)]
        struct Line {
            kind: String,
            iteration: u64,
        }
        let lines: Vec<Line> = self.read_events()?;
        let of_kind = lines.iter().filter(|line| kind.is_none_or(|kind| line.kind == kind));
        Ok(of_kind.map(|line| line.iteration).max())
    }
}

/// A run folder that this process, and no other, writes to. Dropping it, or dying, releases the folder.
#[derive(Debug)]
pub struct RunFolder {
    paths: RunPaths,
    events: EventLog,
    lock: FolderLock,
}

impl RunFolder {
    /// Makes a run folder for the resolved configuration `config` (TOML). A folder without `run.toml` is taken, with
    /// whatever else is in it but checkpoints.
    ///
    /// # Errors
    /// [`StoreError::File`] when it holds checkpoints of a run whose configuration is missing.
    /// [`StoreError::RunExists`] when the folder holds a run of the same configuration, [`StoreError::Differs`] (naming
    /// the keys) when of another one, [`StoreError::File`] when another process uses it, [`StoreError::File`].
    pub fn create(folder: impl Into<PathBuf>, config: &str) -> Result<Self, StoreError> {
        let paths = RunPaths::new(folder);
        parse_config(&paths.config(), config)?;
        create_folder(paths.folder())?;
        let lock = FolderLock::of_file(paths.folder(), LOCK)?;
        if paths.config().exists() {
            check_config(&paths, config)?;
            return Err(StoreError::RunExists { path: paths.folder });
        }
        if Checkpoints::new(paths.checkpoints()).any()? {
            return Err(StoreError::damaged(
                &paths.config(),
                "it is missing, but there are checkpoints",
                ORPHANS,
            ));
        }
        create_folder(paths.checkpoints())?;
        create_folder(paths.synthetic())?;
        // Last: a folder that has it is complete.
        atomic::write(paths.config(), seal::toml(config))?;
        Self::with_lock(paths, lock)
    }

    /// Opens the run folder to continue a run of the same configuration.
    ///
    /// # Errors
    /// [`StoreError::Differs`] names the keys in which `config` differs from the run's; otherwise as
    /// [`RunFolder::open`].
    pub fn resume(folder: impl Into<PathBuf>, config: &str) -> Result<Self, StoreError> {
        let run = Self::open(folder)?;
        check_config(&run.paths, config)?;
        Ok(run)
    }

    /// Opens the run folder with whatever configuration it holds (see [`RunPaths::read_config`]).
    ///
    /// # Errors
    /// [`StoreError::NoRun`] when it is not a run folder, [`StoreError::File`] when another process uses it.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let paths = RunPaths::new(folder);
        paths.read_config()?;
        let lock = FolderLock::of_file(paths.folder(), LOCK)?;
        Self::with_lock(paths, lock)
    }

    fn with_lock(paths: RunPaths, lock: FolderLock) -> Result<Self, StoreError> {
        for folder in [paths.folder.clone(), paths.checkpoints(), paths.synthetic()] {
            create_folder(&folder)?;
            atomic::sweep(&folder)?;
        }
        let events = EventLog::open(paths.events())?;
        Ok(Self { paths, events, lock })
    }

    /// Names of the files in the folder.
    pub fn paths(&self) -> &RunPaths {
        &self.paths
    }

    /// Appends one event to the log. It must be a flat JSON object with a whole-number `iteration`.
    ///
    /// # Errors
    /// [`StoreError::File`] when the disk is full; the log then still ends with the last whole event.
    /// [`StoreError::Gone`] when the folder no longer exists.
    pub fn append_event(&mut self, event: &impl Serialize) -> Result<(), StoreError> {
        self.check_present()?;
        self.events.append(event)
    }

    /// Drops the events of iterations after `iteration` and a line that an interruption tore. After resuming from the
    /// checkpoint of `iteration`, an interrupted run so ends with the same bytes as an uninterrupted one.
    ///
    /// # Errors
    /// [`StoreError::File`] names a line that is not an event; [`StoreError::File`], [`StoreError::File`].
    pub fn truncate_events_after(&mut self, iteration: u64) -> Result<(), StoreError> {
        self.events.truncate_after(iteration)
    }

    /// Saves a checkpoint after making sure that all events before it are on the disk.
    ///
    /// # Errors
    /// [`StoreError::File`] when a file cannot be written, [`StoreError::Gone`] when the folder no longer exists.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.check_present()?;
        self.events.sync()?;
        self.checkpoints().save(checkpoint)?;
        Ok(())
    }

    /// A folder that somebody removed must not come back with checkpoints and nothing else: the next run in it would
    /// take them for its own.
    fn check_present(&self) -> Result<(), StoreError> {
        if self.paths.config().is_file() && self.lock.is_at(&self.paths.folder.join(LOCK)) {
            return Ok(());
        }
        Err(StoreError::Gone { path: self.paths.folder.clone() })
    }

    /// The run's checkpoints.
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.paths.checkpoints())
    }
}

fn check_config(paths: &RunPaths, config: &str) -> Result<(), StoreError> {
    let path = paths.config();
    let there = parse_config(&path, &paths.read_config()?)?;
    let here = parse_config(&path, config)?;
    match difference::describe(&there, &here) {
        None => Ok(()),
        Some(differences) => Err(StoreError::Differs {
            path: paths.folder.clone(),
            differences,
            remedy: "choose another run folder (--out), or go on with the configuration of this one",
        }),
    }
}

pub(crate) fn parse_config(path: &Path, text: &str) -> Result<Value, StoreError> {
    let table: Result<toml::Table, _> = text.parse();
    let table = table.map_err(|error| {
        StoreError::damaged(
            path,
            format!("it is not TOML ({})", error.message()),
            "restore it or start a new run",
        )
    })?;
    Ok(serde_json::to_value(table).expect("TOML maps onto JSON"))
}
