//! The folder of a reduced run, which must never be taken for the row's result.

use std::fs;
use std::path::{Path, PathBuf};

use distil_store::{RunPaths, WriteError, atomic};
use thiserror::Error;
use toml::Value;

use super::REDUCED;

/// A folder that is not a reduced run's, or cannot be changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReducedError {
    /// It holds something else.
    #[error("{} is not the folder of a reduced run; choose a folder that does not exist with --out, or leave it out", folder.display())]
    NotReduced {
        /// The folder.
        folder: PathBuf,
    },
    /// The system refuses.
    #[error("{}: {source}; check its permissions, or choose another --out", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Removes what an earlier reduced run left, and nothing else.
///
/// # Errors
/// [`ReducedError`] when the folder is not that of a reduced run, or cannot be removed.
pub fn remove_reduced(folder: &Path) -> Result<(), ReducedError> {
    if !folder.exists() {
        return Ok(());
    }
    let config = fs::read_to_string(RunPaths::new(folder).config()).unwrap_or_default();
    let table = config.parse::<toml::Table>().unwrap_or_default();
    let name = table.get("name").and_then(Value::as_str).unwrap_or_default();
    if !name.starts_with(REDUCED) {
        return Err(ReducedError::NotReduced { folder: folder.to_owned() });
    }
    fs::remove_dir_all(folder).map_err(|source| ReducedError::Io { path: folder.to_owned(), source })
}

/// Says in the folder of a finished reduced run, and in its report, that it is one.
///
/// # Errors
/// [`ReducedError`] when the report cannot be read or a file cannot be written.
pub fn mark_reduced(folder: &Path, warning: &str) -> Result<(), ReducedError> {
    atomic::write(folder.join("REDUCED.txt"), format!("{warning}.\n"))?;
    let page = folder.join("report.html");
    let html = fs::read_to_string(&page).map_err(|source| ReducedError::Io { path: page.clone(), source })?;
    Ok(atomic::write(&page, marked(&html, warning))?)
}

/// A report whose title, tab and first line say that the run was reduced.
fn marked(html: &str, warning: &str) -> String {
    let titled = html.replacen("<title>", "<title>REDUCED: ", 1).replacen("<h1>", "<h1>REDUCED: ", 1);
    titled.replacen("</h1>", &format!("</h1>\n<p><strong>{warning}.</strong></p>"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reduced_runs_start_over() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        remove_reduced(&run).unwrap();
        fs::create_dir(&run).unwrap();
        fs::write(run.join("photo.png"), "mine").unwrap();
        for config in ["", "name = \"edf-imagenette-ipc10\"\n"] {
            fs::write(run.join("run.toml"), config).unwrap();
            assert!(remove_reduced(&run).is_err() && run.join("photo.png").is_file());
        }
        fs::write(run.join("run.toml"), "name = \"smoke-REDUCED-edf-imagenette-ipc10\"\n").unwrap();
        remove_reduced(&run).unwrap();
        assert!(!run.exists());
    }

    #[test]
    fn reduced_reports_say_so() {
        let html = "<title>x</title><body><h1>x</h1><p>y";
        let expected = "<title>REDUCED: x</title><body><h1>REDUCED: x</h1>\n<p><strong>w.</strong></p><p>y";
        assert_eq!(marked(html, "w"), expected);
    }
}
