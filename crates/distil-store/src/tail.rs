//! Following the event log of a run that goes on.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;

use crate::error::StoreError;
use crate::events;
use crate::run_folder::RunPaths;

/// Reads what was added to a log since it was last asked.
#[derive(Debug)]
pub struct EventTail {
    path: PathBuf,
    /// Bytes that were read.
    offset: u64,
    /// The last line that was read: a resumed run rewrites its log, and then the line has moved.
    last: Vec<u8>,
}

/// What was added to a log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    /// Whether the log was cut since the last time, as a resumed run does with what was not saved: `events` are then
    /// all of it.
    pub restarted: bool,
    /// The new events, in the order of the log.
    pub events: Vec<Value>,
}

impl EventTail {
    /// Follows the log of a run from its start; it need not exist yet.
    pub fn new(paths: &RunPaths) -> Self {
        Self { path: paths.events(), offset: 0, last: Vec::new() }
    }

    /// The whole lines that were added; a line that is being written comes next time.
    ///
    /// # Errors
    /// [`StoreError::File`] names a line that is not an event; [`StoreError::File`].
    pub fn read(&mut self) -> Result<News, StoreError> {
        let failed = |source| StoreError::read(&self.path, source);
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(News::default()),
            file => file.map_err(failed)?,
        };
        let restarted = !self.is_continued(&mut file).map_err(failed)?;
        let start = if restarted { 0 } else { self.offset };
        let mut added = Vec::new();
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        file.read_to_end(&mut added).map_err(failed)?;
        added.truncate(added.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        let events = events::parse(&self.path, &added)?;
        self.offset = start + added.len() as u64;
        if let Some(last) = added.split_inclusive(|byte| *byte == b'\n').next_back() {
            self.last = last.to_vec();
        } else if restarted {
            self.last.clear();
        }
        Ok(News { restarted, events })
    }

    /// Whether the log still has the last line that was read at its place.
    fn is_continued(&self, file: &mut File) -> std::io::Result<bool> {
        if file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        let mut there = vec![0; self.last.len()];
        file.seek(SeekFrom::Start(self.offset - self.last.len() as u64))?;
        file.read_exact(&mut there)?;
        Ok(there == self.last)
    }
}
