//! Panics of other people's code that are handled: of readers of damaged files, of backends on devices that do not compute.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is expected and handled: the panic hook of a program should say nothing about it.
pub fn panic_is_expected() -> bool {
    EXPECTED.get()
}

/// Runs something whose panics are expected.
///
/// # Errors
/// What it panicked with.
pub fn caught<T>(work: impl FnOnce() -> T) -> std::thread::Result<T> {
    let before = EXPECTED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(before);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caught_panic_is_expected_only_while_it_lasts() {
        assert!(!panic_is_expected());
        let inner = caught(|| {
            assert!(caught(panic_is_expected).is_ok_and(|expected| expected));
            assert!(panic_is_expected());
            std::panic::panic_any(7);
        });
        assert_eq!(inner.unwrap_err().downcast_ref(), Some(&7));
        assert!(!panic_is_expected());
    }
}
