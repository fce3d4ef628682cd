#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::ControlFlow;

/// What long work has to say.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum News<'a> {
    /// How far a task is.
    Step(Step<'a>),
    /// Something worth knowing.
    Note(fmt::Arguments<'a>),
    /// Something that may have to be changed.
    Warning(fmt::Arguments<'a>),
}

/// How far a task is.
///
/// A task that goes on inside another one (a validation inside a distillation) is over when the outer one moves again.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Step<'a> {
    /// What is done, in a word or two: `experts`, `download cifar10`.
    pub task: &'a str,
    /// Units done.
    pub done: u64,
    /// Units in all, where that is known.
    pub total: Option<u64>,
    /// What is counted: `epochs`, `images`, `bytes`.
    pub unit: &'static str,
    /// What is worth watching, such as a loss; may be empty.
    pub detail: fmt::Arguments<'a>,
}

impl<'a> Step<'a> {
    /// `done` of `total` units of a task.
    pub fn of(task: &'a str, done: u64, total: u64, unit: &'static str) -> Self {
        Self { task, done, total: Some(total), unit, detail: format_args!("") }
    }

    /// With something that is worth watching.
    #[must_use]
    pub fn with_detail(self, detail: fmt::Arguments<'a>) -> Self {
        Self { detail, ..self }
    }

    /// Of which nobody knows how long it is.
    #[must_use]
    pub fn with_total(self, total: Option<u64>) -> Self {
        Self { total, ..self }
    }
}

/// Hears the news of long work; [`ControlFlow::Break`] asks it to stop.
pub type Listener<'a> = dyn Fn(&News<'_>) -> ControlFlow<()> + 'a;

/// A way to say how far work is. Copies speak to the same listener.
#[derive(Clone, Copy)]
pub struct Progress<'a>(Option<&'a Listener<'a>>);

impl<'a> Progress<'a> {
    /// Nobody listens, and nobody asks to stop.
    pub const fn none() -> Self {
        Self(None)
    }

    /// To this listener.
    pub fn to(listener: &'a Listener<'a>) -> Self {
        Self(Some(listener))
    }

    /// Says how far a task is. On [`ControlFlow::Break`] the work is to stop at its next safe point.
    pub fn at(self, step: Step<'_>) -> ControlFlow<()> {
        self.tell(&News::Step(step))
    }

    /// Says something worth knowing.
    pub fn note(self, text: fmt::Arguments<'_>) {
        let _ = self.tell(&News::Note(text));
    }

    /// Says something that may have to be changed.
    pub fn warn(self, text: fmt::Arguments<'_>) {
        let _ = self.tell(&News::Warning(text));
    }

    /// Hands on what other work said.
    pub fn tell(self, news: &News<'_>) -> ControlFlow<()> {
        self.0.map_or(ControlFlow::Continue(()), |listener| listener(news))
    }
}

impl Default for Progress<'_> {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress::to(…)" } else { "Progress::none()" })
    }
}
