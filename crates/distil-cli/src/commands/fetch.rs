//! `distil fetch`.

use std::path::{Path, PathBuf};

use distil::Progress;
use distil_data::DatasetName;

use crate::args::FetchArgs;
use crate::console::Console;
use crate::context::data_dir;
use crate::failure::Failure;

pub(crate) fn fetch(args: &FetchArgs, console: &Console) -> Result<(), Failure> {
    let name: DatasetName = args.name.parse().map_err(|_| unknown(&args.name))?;
    let place = into(name, args.data_dir.as_deref(), console)?;
    console.result(format_args!("{name} is in {}", place.display()))
}

/// Fetches a set into the first data folder; returns where it lies.
pub(crate) fn into(name: DatasetName, given: Option<&Path>, console: &Console) -> Result<PathBuf, Failure> {
    let listener = console.listener();
    let fetched = distil_data::fetch(name, &data_dir(given), Progress::to(&listener));
    Ok(fetched.map_err(distil::Error::from)?)
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = DatasetName::all().map(DatasetName::as_str).collect();
    let near = known.iter().find(|known| strsim::normalized_damerau_levenshtein(known, name) > 0.7);
    let message = format!("there is no dataset called {name:?}");
    if let Some(near) = near {
        return Failure::new(message, format_args!("did you mean {near}?"));
    }
    Failure::new(message, format_args!("choose one of {}", downloadable()))
}

/// The names of all sets that can be downloaded.
pub(crate) fn downloadable() -> String {
    let downloaded = DatasetName::all().filter(|name| name.is_downloaded());
    downloaded.map(DatasetName::as_str).collect::<Vec<_>>().join(", ")
}
