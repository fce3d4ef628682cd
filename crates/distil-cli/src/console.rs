//! Standard output and standard error: results, notes, errors and progress.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use distil::{News, Step, duration};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;
use crate::interrupt;

/// Work that ends sooner shows no bar.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a log, which is not a terminal, gets a line about progress.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Where a command writes to. Results go to standard output and nothing else does.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    bars: MultiProgress,
    verbosity: Verbosity,
    /// What is going on, the innermost task last.
    tasks: Arc<Mutex<Vec<Task>>>,
}

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Errors only.
    Quiet,
    /// Notes and progress.
    Normal,
}

impl Console {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        let target = if verbosity == Verbosity::Normal && stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { bars: MultiProgress::with_draw_target(target), verbosity, tasks: Arc::default() }
    }

    /// Writes a result to standard output.
    pub(crate) fn result(&self, text: impl Display) -> Result<(), Failure> {
        self.bars.suspend(|| {
            let mut out = stdout().lock();
            writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
        })
    }

    /// Writes a line about the course of things to standard error.
    pub(crate) fn note(&self, text: impl Display) {
        if self.verbosity == Verbosity::Normal {
            self.bars.suspend(|| say(&text));
        }
    }

    /// Writes a line that even `--quiet` shows.
    pub(crate) fn warn(&self, text: impl Display) {
        self.bars.suspend(|| say(format_args!("{}: {text}", painted("warning", YELLOW))));
    }

    /// Hears what the libraries say, and asks them to stop when the user does.
    pub(crate) fn listener(&self) -> impl Fn(&News<'_>) -> ControlFlow<()> + Send + Sync + 'static {
        let console = self.clone();
        move |news| {
            match news {
                News::Step(step) => console.show(step),
                News::Note(text) => console.note(text),
                News::Warning(text) => console.warn(text),
                _ => {}
            }
            interrupt::flow()
        }
    }

    /// Shows how far a task is, in place of tasks that began inside it.
    fn show(&self, step: &Step<'_>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        match tasks.iter().position(|task| task.label == step.task) {
            Some(at) => self.end(tasks.drain(at + 1..)),
            None => tasks.push(Task::begin(step)),
        }
        if step.total == Some(step.done) {
            self.end(tasks.pop());
        } else if let Some(task) = tasks.last_mut() {
            task.at(step, self);
        }
    }

    fn end(&self, tasks: impl IntoIterator<Item = Task>) {
        for bar in tasks.into_iter().filter_map(|task| task.bar) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    /// For the log: its lines must not tear the bars.
    pub(crate) fn log_writer(&self) -> LogWriter {
        LogWriter(self.bars.clone())
    }
}

const RED: &str = "1;31";
const YELLOW: &str = "1;33";

/// Writes why the process ends.
pub(crate) fn report(failure: &Failure) {
    for (kind, text) in failure.lines() {
        let colour = if kind == "error" { RED } else { "1;36" };
        say(format_args!("{}: {text}", painted(kind, colour)));
    }
}

/// Standard error may be closed; there is nobody left to tell.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(stderr().lock(), "{text}");
}

/// Whether standard error is a terminal whose user does not refuse colours (<https://no-color.org>).
pub(crate) fn is_coloured() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn painted(word: &str, colour: &str) -> String {
    if is_coloured() { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() }
}

/// Progress of one piece of work: a bar on a terminal, now and then a line in a log.
#[derive(Debug)]
struct Task {
    label: String,
    begun: Instant,
    /// Where it stood then: a resumed run's rate must not count what was done before it.
    first: u64,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Task {
    fn begin(step: &Step<'_>) -> Self {
        let now = Instant::now();
        Self { label: step.task.to_owned(), begun: now, first: step.done, told: now, bar: None }
    }

    fn at(&mut self, step: &Step<'_>, console: &Console) {
        if stderr().is_terminal() {
            if self.bar.is_none() && self.begun.elapsed() >= PATIENCE {
                self.bar = Some(new_bar(step, console));
            }
            if let Some(bar) = &self.bar {
                bar.set_length(step.total.unwrap_or(step.done));
                bar.set_position(step.done);
                bar.set_message(step.detail.to_string());
            }
        } else if self.told.elapsed() >= LOG_INTERVAL {
            self.told = Instant::now();
            let rate = rate(self.first, step.done, self.told - self.begun);
            console.note(line(step, rate));
        }
    }
}

/// Steps a second.
fn rate(first: u64, done: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { done.saturating_sub(first) as f64 / seconds } else { 0.0 }
}

/// A bar that counts its rate from here on.
fn new_bar(step: &Step<'_>, console: &Console) -> ProgressBar {
    let counts = if step.unit == "bytes" {
        "{bytes}/{total_bytes} · {bytes_per_sec}"
    } else {
        "{human_pos}/{human_len} · {per_sec}"
    };
    let template = format!("{{prefix}} {{bar:24}} {counts} · {{eta}} left · {{msg}}");
    let style = ProgressStyle::with_template(&template).expect("the template is valid");
    let bar = ProgressBar::new(step.total.unwrap_or(step.done)).with_style(style);
    let bar = console.bars.add(bar.with_prefix(step.task.to_owned()).with_position(step.done));
    bar.reset_eta();
    bar
}

/// A line of a log: how far (of how much), how fast (a second), how long still.
fn line(step: &Step<'_>, rate: f64) -> String {
    let Step { task, done, unit, .. } = step;
    let total = step.total.unwrap_or(*done);
    let left = total.saturating_sub(*done) as f64 / rate;
    let eta = if left.is_finite() { format!("{} left", duration(left)) } else { "no estimate".to_owned() };
    let detail = step.detail.to_string();
    let gap = if detail.is_empty() { "" } else { " · " };
    format!("{task}: {done}/{total} {unit} · {rate:.2}/s · {eta}{gap}{detail}")
}

/// Writes log lines between the bars.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter(MultiProgress);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.suspend(|| stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_run_counts_what_it_did_itself() {
        let said = |done, seconds| {
            let rate = rate(9000, done, Duration::from_secs(seconds));
            line(&Step::of("distil", done, 10_000, "iterations").with_detail(format_args!("loss 1")), rate)
        };
        assert_eq!(said(9100, 50), "distil: 9100/10000 iterations · 2.00/s · 7 min 30 s left · loss 1");
        assert_eq!(said(9000, 0), "distil: 9000/10000 iterations · 0.00/s · no estimate · loss 1");
    }

    #[test]
    fn inner_tasks_end_when_the_outer_one_moves() {
        let console = Console::new(Verbosity::Quiet);
        let labels = || {
            let tasks = console.tasks.lock().expect("nobody panicked");
            tasks.iter().map(|task| task.label.clone()).collect::<Vec<_>>()
        };
        let show = |task, done| console.show(&Step::of(task, done, 3, "steps"));
        show("distil", 1);
        show("validate", 1);
        assert_eq!(labels(), ["distil", "validate"]);
        show("distil", 2);
        assert_eq!(labels(), ["distil"]);
        show("distil", 3);
        assert!(labels().is_empty());
    }
}
