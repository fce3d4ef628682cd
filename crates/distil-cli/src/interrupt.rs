//! Ctrl-C: the first asks for a stop at the next safe point, the second ends the process.

use std::io::{IsTerminal, stderr};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::console::say;
use crate::failure::Failure;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens for Ctrl-C and for requests to terminate.
///
/// # Errors
/// When the operating system refuses the handler.
pub(crate) fn listen() -> Result<(), Failure> {
    let handler = || {
        if ASKED.swap(true, Ordering::SeqCst) {
            leave();
        }
        // An iteration can take minutes, and a silent program looks as if it had not heard.
        if stderr().is_terminal() {
            say("\nstopping at the next safe point; press Ctrl-C again to stop at once");
        }
    };
    let refused = |error: &dyn std::error::Error| {
        Failure::new(
            format_args!("cannot listen for Ctrl-C: {error}"),
            "run distil outside of that supervisor",
        )
    };
    ctrlc::set_handler(handler).map_err(|error| refused(&error))?;
    survive_size_limits().map_err(|error| refused(&error))
}

/// Makes a write beyond `ulimit -f` an error with a message; its signal would end the process without a word.
#[cfg(unix)]
fn survive_size_limits() -> std::io::Result<()> {
    let seen = std::sync::Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen).map(drop)
}

#[cfg(not(unix))]
fn survive_size_limits() -> std::io::Result<()> {
    Ok(())
}

#[expect(clippy::exit, reason = "the second Ctrl-C must end the process at once, from the handler's thread")]
fn leave() {
    std::process::exit(130)
}

/// Whether a stop was asked for.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Waits for `time`, or until a stop was asked for; says whether it was.
pub(crate) fn wait(time: Duration) -> bool {
    let end = Instant::now() + time;
    while !asked() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
    true
}

/// What callbacks of long loops return.
pub(crate) fn flow() -> ControlFlow<()> {
    if asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
