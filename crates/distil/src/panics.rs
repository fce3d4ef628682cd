//! Panics of backends, which mean that a device does not compute.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is expected and handled: the panic hook of a program should say nothing about it.
pub fn is_expected() -> bool {
    EXPECTED.get()
}

/// Runs something whose panics are expected and handled.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> std::thread::Result<T> {
    EXPECTED.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(false);
    result
}
