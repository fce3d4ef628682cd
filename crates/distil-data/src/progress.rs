//! What loading and fetching say about how far they are.

pub use distil_progress::Progress;
use distil_progress::Step;

use crate::error::Error;

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Download,
    Verify,
    Read,
    Resize,
    /// One step that takes about a minute for 32×32 colour images on two cores.
    FitZca,
    Whiten,
}

impl Stage {
    /// What is done, and what is counted.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Download => ("download", "bytes"),
            Self::Verify => ("verify", "files"),
            Self::Read => ("read", "files"),
            Self::Resize => ("resize", "images"),
            Self::FitZca => ("fit ZCA on", "steps"),
            Self::Whiten => ("whiten", "images"),
        }
    }
}

/// Says that `done` of `total` units of `item` are done.
pub(crate) fn report(
    progress: Progress<'_>,
    stage: Stage,
    item: &str,
    done: usize,
    total: usize,
) -> Result<(), Error> {
    let (verb, unit) = stage.words();
    let task = format!("{verb} {item}");
    let flow = progress.at(Step::of(&task, done as u64, total as u64, unit));
    if flow.is_break() { Err(Error::Stopped) } else { Ok(()) }
}
