//! How long work tells how far it is.

use std::ops::ControlFlow;

use crate::error::Error;

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Bytes of a file that come from the network.
    Download,
    /// Bytes of a file whose checksum is being taken.
    Verify,
    /// Files that are read or images that are decoded.
    Read,
    /// Images resized.
    Resize,
    /// The ZCA fit: one step that takes about a minute for 32×32 colour images on two cores.
    FitZca,
    /// Images whitened.
    Whiten,
}

/// One report of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is going on.
    pub stage: Stage,
    /// What it is done to: a file, a part of the set.
    pub item: &'a str,
    /// Units done, see [`Stage`].
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
}

/// Receives progress; [`ControlFlow::Break`] stops the work with [`Error::Stopped`].
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>;

pub(crate) fn report(
    on_progress: OnProgress<'_>,
    stage: Stage,
    item: &str,
    done: usize,
    total: usize,
) -> Result<(), Error> {
    let progress = Progress { stage, item, done: done as u64, total: Some(total as u64) };
    match on_progress(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Stopped),
    }
}
