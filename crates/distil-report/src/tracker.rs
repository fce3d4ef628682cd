//! The TensorBoard file of a run, written from its event log.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use distil_store::{EventTail, RunPaths, StoreError, WriteError, atomic};
use serde_json::Value;

use crate::tensorboard::{tensorboard_header, tensorboard_record};

/// What the names of our files end with; other files in the folder are left alone.
const ENDING: &str = ".distil";

/// Adds what a run logs to a TensorBoard file.
#[derive(Debug)]
pub struct Tracker {
    tail: EventTail,
    config: String,
    folder: PathBuf,
    file: PathBuf,
    events: usize,
}

impl Tracker {
    /// Writes the log of `run` so far to a new file in `folder`, in place of one from before. The log holds no times, so
    /// all of it is given that of its last change.
    ///
    /// # Errors
    /// [`StoreError`] when the log cannot be read or the file cannot be written.
    pub fn start(run: &RunPaths, folder: &Path) -> Result<Self, StoreError> {
        atomic::create_folder(folder)?;
        let changed = std::fs::metadata(run.events()).and_then(|file| file.modified());
        let config = run.read_config()?;
        let (tail, folder) = (EventTail::new(run), folder.to_owned());
        let mut tracker = Self { tail, config, file: PathBuf::new(), folder, events: 0 };
        let events = tracker.tail.read()?.events;
        tracker.begin(changed.unwrap_or_else(|_| SystemTime::now()), &events)?;
        Ok(tracker)
    }

    /// Adds what was logged since; its time is now.
    ///
    /// # Errors
    /// As [`Tracker::start`].
    pub fn catch_up(&mut self) -> Result<(), StoreError> {
        let news = self.tail.read()?;
        if news.restarted {
            return self.begin(SystemTime::now(), &news.events);
        }
        let records = records(&news.events, seconds(SystemTime::now()));
        self.events += news.events.len();
        let file = OpenOptions::new().append(true).open(&self.file);
        file.and_then(|mut file: File| file.write_all(&records)).map_err(|error| refused(&self.file, error))
    }

    /// Where the file of a run goes when nothing is said.
    pub fn default_folder(run: &Path) -> PathBuf {
        run.join("tensorboard")
    }

    /// The file, and how many events it holds.
    pub fn written(&self) -> (&Path, usize) {
        (&self.file, self.events)
    }

    /// A new file of all events.
    fn begin(&mut self, time: SystemTime, events: &[Value]) -> Result<(), StoreError> {
        let time = seconds(time);
        for old in self.folder.read_dir().map_err(|error| refused(&self.folder, error))?.flatten() {
            let name = old.file_name();
            let name = name.to_string_lossy();
            if name.contains("tfevents") && name.ends_with(ENDING) {
                std::fs::remove_file(old.path()).map_err(|error| refused(&old.path(), error))?;
            }
        }
        self.file = self.folder.join(format!("events.out.tfevents.{:010}{ENDING}", time as u64));
        self.events = events.len();
        let all = [tensorboard_header(time, &self.config), records(events, time)].concat();
        Ok(atomic::write(&self.file, all)?)
    }
}

fn records(events: &[Value], time: f64) -> Vec<u8> {
    events.iter().filter_map(|event| tensorboard_record(event, time)).flatten().collect()
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn refused(path: &Path, error: std::io::Error) -> StoreError {
    WriteError::new(path, error).into()
}
