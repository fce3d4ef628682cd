//! Panics are defects of distil: the user sees one line that asks for a report.

use std::panic::PanicHookInfo;

use crate::console::say;

/// Replaces the message and backtrace hint of the standard library.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        if !distil::panic_is_expected() {
            describe(info);
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>) {
    let text = info.payload_as_str().unwrap_or("no message").replace('\n', " ");
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    say(format_args!("error: internal error{place}: {text}"));
    say(format_args!(
        "help: this is a defect of distil; please report the command and this line at {}/issues",
        env!("CARGO_PKG_REPOSITORY")
    ));
}
