//! What measurements of complexity look like: Comp-DD's figures, and the page of a measurement.

pub mod figures;
mod page;

use std::path::Path;

use distil_compdd::Selection;
use distil_store::{FileError, seal};
use serde::{Deserialize, Serialize};

pub use page::page;

/// Name of a measurement in its folder.
pub const MEASUREMENT: &str = "complexity.json";
/// Name of a selection next to it.
pub const SELECTION: &str = "selection.json";

/// Content of [`SELECTION`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Selections {
    /// One for each category.
    pub selections: Vec<Selection>,
}

impl Selections {
    /// Reads the file at `path`; `None` where there is none.
    ///
    /// # Errors
    /// [`FileError`] when it is damaged, cannot be read, or holds something else.
    pub fn load(path: &Path) -> Result<Option<Self>, FileError> {
        let remedy = "make it again with `distil compdd select`, or move it away";
        seal::load(path, "a selection", remedy)
    }
}
