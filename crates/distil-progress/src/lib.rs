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

/// One of several equal parts of a task, such as a student of an evaluation.
#[derive(Debug, Clone, Copy)]
pub struct PartOf<'a> {
    /// The whole task: `evaluate`, `experts`.
    pub task: &'a str,
    /// What a part is called: `student`, `expert`.
    pub each: &'static str,
    /// Which part, from 0.
    pub index: usize,
    /// Number of parts.
    pub count: usize,
}

impl PartOf<'_> {
    /// Tells the steps of this part as steps of the whole task.
    fn tell(self, news: &News<'_>, progress: Progress<'_>) -> ControlFlow<()> {
        let News::Step(Step { done, total: Some(size), unit, detail, .. }) = *news else {
            return progress.tell(news);
        };
        let (index, count) = (self.index as u64, self.count as u64);
        let comma = if detail.as_str() == Some("") { "" } else { ", " };
        progress.at(Step::of(self.task, index * size + done, count * size, unit).with_detail(format_args!(
            "{} {}/{count}{comma}{detail}",
            self.each,
            index + 1
        )))
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

    /// Does `work` as one part of a task: the steps it tells become steps of the whole.
    pub fn part<T>(self, part: PartOf<'_>, work: impl FnOnce(Progress<'_>) -> T) -> T {
        work(Progress::to(&|news| part.tell(news, self)))
    }

    /// Passes on the news of other work.
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
