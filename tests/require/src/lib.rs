//! What tests need of the machine. A test whose need is not met says so and passes, unless `DISTIL_REQUIRE` names the
//! need (`DISTIL_REQUIRE=strace,data`): then it fails, so that a CI that has everything leaves nothing out unnoticed.

use std::fmt::Display;

/// The variable that names what must be there, with commas between.
const VARIABLE: &str = "DISTIL_REQUIRE";

/// Something that a machine may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// strace, and leave to trace.
    Strace,
    /// A chromium on the path.
    Chromium,
    /// `unshare -rm`, which can mount a tmpfs.
    Unshare,
    /// Datasets in `DISTIL_DATA_DIR`.
    Data,
    /// Mesa's Vulkan driver for CPUs.
    Lavapipe,
    /// A Python with the packages of `tests/python`.
    Python,
    /// The rights of root.
    Root,
    /// A user who is not root.
    User,
    /// Linux's /proc.
    Proc,
}

impl Need {
    const ALL: [Self; 9] = [
        Self::Strace,
        Self::Chromium,
        Self::Unshare,
        Self::Data,
        Self::Lavapipe,
        Self::Python,
        Self::Root,
        Self::User,
        Self::Proc,
    ];

    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// Says that a test, or a part of it, is left out for want of `need`.
///
/// # Panics
/// When `DISTIL_REQUIRE` names `need`, or something that no test needs.
#[track_caller]
pub fn skipped(need: Need, why: impl Display) {
    let required = std::env::var(VARIABLE).unwrap_or_default();
    assert!(!is_required(need, &required), "{VARIABLE} names {}, but {why}", need.name());
    #[expect(clippy::print_stdout, reason = "a test that is left out says so")]
    {
        println!("skipped: {why}");
    }
}

fn is_required(need: Need, required: &str) -> bool {
    let names = || required.split(',').map(str::trim).filter(|name| !name.is_empty());
    let known = Need::ALL.map(Need::name);
    if let Some(odd) = names().find(|name| !known.iter().any(|known| known == name)) {
        panic!("{VARIABLE} names {odd:?}; tests need {}", known.join(", "));
    }
    names().any(|name| name == need.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_required() {
        assert!(is_required(Need::Data, "strace, data"));
        assert!(!is_required(Need::Root, "strace,data") && !is_required(Need::Root, ""));
    }

    #[test]
    #[should_panic(expected = "tests need strace")]
    fn a_slip_is_noticed() {
        is_required(Need::Data, "date");
    }
}
