//! `distil cite`: BibTeX of what a run used.

use std::path::Path;

use distil::citations::{entries, names, used_by};

use crate::args::CiteArgs;
use crate::console::Console;
use crate::failure::Failure;

pub(crate) fn cite(args: &CiteArgs, console: &Console) -> Result<(), Failure> {
    let wanted = match &args.what {
        None => names(),
        Some(what) if names().contains(&what.as_str()) => vec![what.as_str()],
        Some(what) if Path::new(what).is_dir() => used_by(Path::new(what))?,
        Some(what) => return Err(unknown(what)),
    };
    console.result(entries(&wanted).join("\n\n"))
}

fn unknown(what: &str) -> Failure {
    Failure::new(
        format_args!("{what:?} is neither a method or dataset with a citation nor a run folder"),
        format_args!("choose one of {}, or the folder of a run", names().join(", ")),
    )
}
