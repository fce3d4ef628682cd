//! The event log: one flat JSON object per line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use distil_files::{WriteError, atomic};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::StoreError;

const REMEDY: &str = "remove that line, or start the run in a new folder";

/// The open log of a run.
#[derive(Debug)]
pub(crate) struct EventLog {
    path: PathBuf,
    file: File,
}

impl EventLog {
    /// Opens the log for appending; makes an empty one when there is none. Appending never makes it: its name in the folder
    /// has to survive a power cut, too.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        if !path.exists() {
            atomic::write(&path, "")?;
        }
        let file = append_to(&path)?;
        Ok(Self { path, file })
    }

    /// Appends one event as one line.
    pub(crate) fn append(&mut self, event: &impl Serialize) -> Result<(), StoreError> {
        let value = serde_json::to_value(event)
            .map_err(|error| self.refused(format!("an event is not JSON ({error})")))?;
        if iteration_of(&value).is_none() {
            return Err(self.refused(format!("the event {value} has no `iteration`")));
        }
        let mut line = serde_json::to_string(event)
            .map_err(|error| self.refused(format!("an event is not JSON ({error})")))?;
        line.push('\n');
        self.append_line(line.as_bytes()).map_err(|source| WriteError::new(&self.path, source))?;
        Ok(())
    }

    fn append_line(&mut self, line: &[u8]) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        self.file.write_all(line).inspect_err(|_| {
            // A full disk may have taken a part of the line; the error itself is what the user has to see.
            let _ = self.file.set_len(before);
        })
    }

    /// Makes all events survive a power failure.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|source| WriteError::new(&self.path, source).into())
    }

    /// Drops events of iterations after `iteration`, and a torn last line.
    pub(crate) fn truncate_after(&mut self, iteration: u64) -> Result<(), StoreError> {
        let old = fs::read(&self.path).map_err(|source| StoreError::read(&self.path, source))?;
        let mut kept = Vec::with_capacity(old.len());
        for line in lines(&self.path, &old)? {
            if line.iteration <= iteration {
                kept.extend_from_slice(line.text);
                kept.push(b'\n');
            }
        }
        if kept != old {
            atomic::write(&self.path, &kept)?;
            self.file = append_to(&self.path)?;
        }
        Ok(())
    }

    fn refused(&self, what: String) -> StoreError {
        StoreError::refused(&self.path, what, "this is a defect of distil, please report it")
    }
}

fn append_to(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().append(true).open(path);
    file.map_err(|source| WriteError::new(path, source).into())
}

/// Reads all events of the log at `path`; a torn last line is left out, a missing log has no events.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, StoreError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(|source| StoreError::read(path, source))?,
    };
    parse(path, &bytes)
}

/// The events in `bytes` of the log at `path`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Vec<T>, StoreError> {
    let parse = |line: Line<'_>| {
        serde_json::from_slice(line.text).map_err(|error| bad_line(path, line.number, &error.to_string()))
    };
    lines(path, bytes)?.into_iter().map(parse).collect()
}

/// A whole line of the log.
struct Line<'a> {
    number: usize,
    text: &'a [u8],
    iteration: u64,
}

/// The whole lines of a log. An interrupted append leaves a last line without its end, which is left out unless
/// nothing but the line break is missing.
fn lines<'a>(path: &Path, bytes: &'a [u8]) -> Result<Vec<Line<'a>>, StoreError> {
    let mut found = Vec::new();
    for (index, piece) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        let text = piece.strip_suffix(b"\n");
        match (serde_json::from_slice(text.unwrap_or(piece)), text) {
            (Ok(value), _) => {
                let iteration = iteration_of(&value)
                    .ok_or_else(|| bad_line(path, number, "it has no whole-number `iteration`"))?;
                found.push(Line { number, text: text.unwrap_or(piece), iteration });
            }
            (Err(_), None) => {}
            (Err(error), Some(_)) => return Err(bad_line(path, number, &error.to_string())),
        }
    }
    Ok(found)
}

fn iteration_of(event: &Value) -> Option<u64> {
    event.as_object()?.get("iteration")?.as_u64()
}

fn bad_line(path: &Path, number: usize, what: &str) -> StoreError {
    StoreError::damaged(path, format!("line {number} is not an event ({what})"), REMEDY)
}
