//! What a run took.

use std::path::Path;

use distil_files::{FileError, seal};
use serde::{Deserialize, Serialize};

/// What distilling a set took, as `cost.json` in a run folder says. No part of a run's replayed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Iterations that were timed: those of the last command that did any.
    pub iterations: u64,
    /// Mean wall-clock seconds of one, validations excluded.
    pub seconds_per_iteration: f64,
    /// Largest resident size of the process while it distilled, data and program included, in MiB; absent where the
    /// system does not say.
    #[serde(default)]
    pub peak_mib: Option<f64>,
}

impl Cost {
    /// Reads a run's `cost.json`; `None` where there is none.
    ///
    /// # Errors
    /// [`FileError`] when it is damaged, cannot be read, or holds something else.
    pub fn load(path: &Path) -> Result<Option<Self>, FileError> {
        seal::load(path, "the cost of a run", "remove it; the table does without the cost of this run")
    }
}

#[cfg(test)]
mod tests {
    use distil_files::seal;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cost.json");
        assert_eq!(Cost::load(&path).unwrap(), None);
        let cost = Cost { iterations: 3, seconds_per_iteration: 0.5, peak_mib: None };
        std::fs::write(&path, "{\"of\": \"another form\"}").unwrap();
        assert!(matches!(Cost::load(&path), Err(FileError::Foreign { .. })));
        std::fs::write(&path, seal::json(&cost)).unwrap();
        assert_eq!(Cost::load(&path).unwrap(), Some(cost));
        distil_damage::every_damage_is_found(&path, || Cost::load(&path));
    }
}
