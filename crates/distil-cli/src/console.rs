//! Standard output and standard error: results, notes, errors and progress.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;

/// Work that ends sooner shows no bar.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a log, which is no terminal, gets a line about progress.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Where a command writes to. Results go to standard output and nothing else does.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    bars: MultiProgress,
    verbosity: Verbosity,
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
        Self { bars: MultiProgress::with_draw_target(target), verbosity }
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

    /// Shows progress of `total` steps of something.
    pub(crate) fn progress(&self, label: impl Display, total: u64, unit: &'static str) -> Progress {
        Progress {
            console: self.clone(),
            label: label.to_string(),
            total,
            unit,
            started: Instant::now(),
            pace: None,
            told: Instant::now(),
            bar: None,
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

/// Time and position of the first report: a resumed run's rate must count neither what was done before it nor what it took
/// to start.
#[derive(Debug, Clone, Copy)]
struct PassOptions {
    since: Instant,
    first: u64,
}

impl PassOptions {
    /// Steps a second.
    fn rate(self, done: u64, now: Instant) -> f64 {
        let seconds = (now - self.since).as_secs_f64();
        if seconds > 0.0 { done.saturating_sub(self.first) as f64 / seconds } else { 0.0 }
    }
}

/// Progress of one piece of work: a bar on a terminal, now and then a line in a log.
#[derive(Debug)]
pub(crate) struct Progress {
    console: Console,
    label: String,
    total: u64,
    unit: &'static str,
    started: Instant,
    pace: Option<PassOptions>,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `done` steps are done; `detail` is what is worth watching.
    pub(crate) fn at(&mut self, done: u64, detail: impl Display) {
        let pace = *self.pace.get_or_insert_with(|| PassOptions { since: Instant::now(), first: done });
        if stderr().is_terminal() {
            if self.bar.is_none() && self.started.elapsed() >= PATIENCE {
                self.bar = Some(self.new_bar(done));
            }
            if let Some(bar) = &self.bar {
                bar.set_position(done);
                bar.set_message(detail.to_string());
            }
        } else if self.told.elapsed() >= LOG_INTERVAL {
            self.told = Instant::now();
            let rate = pace.rate(done, self.told);
            self.console.note(line(&self.label, [done, self.total], self.unit, rate, detail));
        }
    }

    /// Another length, once it is known.
    pub(crate) fn set_total(&mut self, total: u64) {
        self.total = total;
        if let Some(bar) = &self.bar {
            bar.set_length(total);
        }
    }

    /// A bar that counts its rate from `done` on.
    fn new_bar(&self, done: u64) -> ProgressBar {
        let counts = if self.unit == "bytes" {
            "{bytes}/{total_bytes} · {bytes_per_sec}"
        } else {
            "{human_pos}/{human_len} · {per_sec}"
        };
        let template = format!("{{prefix}} {{bar:24}} {counts} · {{eta}} left · {{msg}}");
        let style = ProgressStyle::with_template(&template).expect("the template is valid");
        let bar = ProgressBar::new(self.total).with_style(style);
        let bar = self.console.bars.add(bar.with_prefix(self.label.clone()).with_position(done));
        bar.reset_eta();
        bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.console.bars.remove(bar);
        }
    }
}

/// A line of a log: how far (of how much), how fast (a second), how long still.
fn line(label: &str, [done, total]: [u64; 2], unit: &str, rate: f64, detail: impl Display) -> String {
    let left = total.saturating_sub(done) as f64 / rate;
    let eta = if left.is_finite() { format!("{} left", duration(left)) } else { "no estimate".to_owned() };
    let detail = detail.to_string();
    let gap = if detail.is_empty() { "" } else { " · " };
    format!("{label}: {done}/{total} {unit} · {rate:.2}/s · {eta}{gap}{detail}")
}

/// Seconds as "1 h 05 min", "2 min 10 s" or "8.4 s".
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
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
    use std::time::{Duration, Instant};

    use super::{PassOptions, duration, line};

    #[test]
    fn a_resumed_run_counts_what_it_did_itself() {
        let since = Instant::now();
        let pace = PassOptions { since, first: 9000 };
        let said = |done, seconds| {
            let rate = pace.rate(done, since + Duration::from_secs(seconds));
            line("distil", [done, 10_000], "iterations", rate, "loss 1")
        };
        assert_eq!(said(9100, 50), "distil: 9100/10000 iterations · 2.00/s · 7 min 30 s left · loss 1");
        assert_eq!(said(9000, 0), "distil: 9000/10000 iterations · 0.00/s · no estimate · loss 1");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(
            [8.44, 59.6, 61.0, 3725.0].map(duration),
            ["8.4 s", "1 min 00 s", "1 min 01 s", "1 h 02 min"]
        );
    }
}
