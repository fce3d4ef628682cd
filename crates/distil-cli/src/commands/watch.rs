//! `distil watch`: how a run goes, in the terminal.

use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use distil_report::LiveRun;
use distil_store::{EventTail, RunPaths};

use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt;
use distil::config::Config;
use distil::duration;

/// Back to the line above and clear from there on.
const ABOVE: &str = "\x1b[1A\x1b[J";

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The run folder
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    run: PathBuf,
    /// Seconds between checks of the log
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    every: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.01..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "give seconds between 0.01 and 3600".to_owned())
}

pub(crate) fn watch(args: &WatchArgs, console: &Console) -> Result<(), Failure> {
    let paths = RunPaths::new(&args.run);
    paths.read_config()?;
    let total = Config::load(&paths.config(), &[])?.distill.iterations;
    let (mut tail, mut live, started) = (EventTail::new(&paths), LiveRun::new(total), Instant::now());
    let mut screen = Screen { terminal: stdout().is_terminal(), drawn: 0 };
    loop {
        let news = tail.read()?;
        if news.restarted {
            console.note("the run continues from a checkpoint");
            live = LiveRun::new(total);
        }
        live.take(&news.events, started.elapsed().as_secs_f64());
        if !news.events.is_empty() || screen.drawn == 0 {
            screen.draw(&live)?;
        }
        if live.is_done() || interrupt::wait(args.every) {
            return Ok(());
        }
    }
}

/// Standard output: a terminal is redrawn, anything else gets a line more.
struct Screen {
    terminal: bool,
    /// Lines that stand there.
    drawn: usize,
}

impl Screen {
    fn draw(&mut self, live: &LiveRun) -> Result<(), Failure> {
        let left = live.seconds_left().map(|left| format!(" · {} left", duration(left))).unwrap_or_default();
        let mut text = format!("{}{left}\n", live.line());
        let curve = live.curve();
        if self.terminal && !curve.is_empty() {
            text += &["loss ", &curve, "\n"].concat();
        }
        if self.terminal {
            text.insert_str(0, &ABOVE.repeat(self.drawn));
        }
        self.drawn = text.lines().count();
        let mut out = stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
    }
}
