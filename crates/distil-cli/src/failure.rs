//! How a command ends when it does not succeed.

use std::any::Any;
use std::error::Error;
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use distil::config::ConfigError;
use distil_compdd::CompddError;

/// Why a command ended early: one line for the user, and what to do where the line does not say it.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bad input, a missing file, a full disk: exit code 2.
    Refused,
    /// Ctrl-C, after everything worth keeping was saved: exit code 130.
    Interrupted,
    /// Whoever read our output has gone; nothing is wrong.
    BrokenPipe,
}

impl Failure {
    /// A refusal whose message holds no remedy.
    pub(crate) fn new(message: impl Display, help: impl Display) -> Self {
        Self { help: Some(help.to_string()), ..Self::plain(message) }
    }

    /// A refusal whose message says what to do.
    pub(crate) fn plain(message: impl Display) -> Self {
        Self { kind: Kind::Refused, message: one_line(&message.to_string()), help: None }
    }

    /// The user asked to stop; `help` says how to go on.
    pub(crate) fn interrupted(help: impl Display) -> Self {
        Self { kind: Kind::Interrupted, message: "interrupted".to_owned(), help: Some(help.to_string()) }
    }

    /// From an error of standard output.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { kind: Kind::BrokenPipe, message: String::new(), help: None };
        }
        Self::new(format_args!("cannot write to standard output: {error}"), "check where it is redirected to")
    }

    /// The same, with the name of the file it is about before it.
    pub(crate) fn about(self, file: &Path) -> Self {
        Self { message: format!("{}: {}", file.display(), self.message), ..self }
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Refused => ExitCode::from(2),
            Kind::Interrupted => ExitCode::from(130),
            Kind::BrokenPipe => ExitCode::SUCCESS,
        }
    }

    /// The lines for standard error; none for a broken pipe.
    pub(crate) fn lines(&self) -> Vec<(&'static str, &str)> {
        if self.kind == Kind::BrokenPipe {
            return Vec::new();
        }
        let error = ("error", self.message.as_str());
        std::iter::once(error).chain(self.help.as_deref().map(|help| ("help", help))).collect()
    }
}

/// Errors of the libraries name the file or key, and after the last semicolon the remedy; those of configurations keep them
/// apart. A stop that the user asked for is not an error.
impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let any = &error as &dyn Any;
        let config = match any.downcast_ref::<distil::Error>() {
            Some(distil::Error::Stopped { how_on }) => return Self::interrupted(how_on),
            Some(distil::Error::Config(config)) => Some(config),
            _ => any.downcast_ref::<ConfigError>(),
        };
        if let Some(CompddError::Stopped) = any.downcast_ref::<CompddError>() {
            return Self::interrupted("run the same command again to continue");
        }
        if let Some(remedy) = config.and_then(ConfigError::remedy) {
            return Self::new(&error, remedy);
        }
        let line = one_line(&error.to_string());
        match line.rsplit_once("; ") {
            Some((message, remedy)) => Self::new(message, remedy),
            None => Self::plain(line),
        }
    }
}

/// Some foreign errors (TOML's) span lines.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn a_message_is_one_line() {
        let failure = Failure::new("first\n  second\n", "do this");
        assert_eq!(failure.lines(), [("error", "first; second"), ("help", "do this")]);
    }

    #[test]
    fn a_library_says_the_remedy_last() {
        let failure = Failure::from(distil::DeviceError::NotBuilt { feature: "cuda" });
        assert!(failure.lines()[1].1.starts_with("build it with"), "{failure:?}");
    }
}
