//! distil and its peer in turns, each measurement in a separate process: A B A B …

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use distil::{DeviceChoice, Progress, Step};
use serde::Serialize;
use serde_json::Value;

use super::setting::{Layout, Mode, Setting, count};
use super::statistics::Spread;
use crate::cli::Global;
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt;

/// Where the peer's program usually lies, from the folder of the project or of its checkout.
const PEER_SCRIPTS: [&str; 3] =
    ["torch_unroll.py", "shared/peers/torch_unroll.py", "../shared/peers/torch_unroll.py"];

/// How distil is compared with PyTorch.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Comparison with a peer")]
pub(crate) struct PeerArgs {
    /// Python with torch, to run the peer program in turns with distil; prints medians and ratios
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// The peer's program [default: torch_unroll.py here or in shared/peers]
    #[arg(long, value_name = "FILE", requires = "peer")]
    peer_script: Option<PathBuf>,
    /// An extra argument for the peer, as in --peer-arg=--layout=flat; may be repeated
    #[arg(long, value_name = "ARG", requires = "peer", allow_hyphen_values = true)]
    peer_arg: Vec<String>,
    /// Processes of each program, run in turns [default: 3; 1 for growth]
    #[arg(long, value_name = "N", value_parser = count)]
    rounds: Option<usize>,
}

impl PeerArgs {
    /// Refuses a peer for what it cannot measure.
    ///
    /// # Errors
    /// [`Failure`] names the mode.
    pub(super) fn check(&self, mode: Mode) -> Result<(), Failure> {
        if self.peer.is_none() || mode.has_peer() {
            return Ok(());
        }
        Err(Failure::new(format_args!("the peer has no mode {}", mode.name()), "leave out --peer"))
    }

    /// Whether one measurement in this process is not what was asked for.
    pub(super) fn wants_processes(&self) -> bool {
        self.peer.is_some() || self.rounds.is_some()
    }
}

/// What one process found.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) seconds: f64,
    pub(super) peak_mib: Option<f64>,
    pub(super) other_cores: Option<f64>,
    /// Its whole JSON line.
    line: Value,
}

/// All processes of one setting.
#[derive(Debug, Clone)]
pub(super) struct Rounds {
    pub(super) distil: Vec<Sample>,
    /// Empty without a peer.
    pub(super) peer: Vec<Sample>,
}

/// Medians over the processes of one program.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Summary {
    pub(super) seconds: Spread,
    pub(super) peak_mib: Option<Spread>,
}

impl Summary {
    /// Of at least one sample.
    fn of(samples: &[Sample]) -> Self {
        let seconds: Vec<f64> = samples.iter().map(|sample| sample.seconds).collect();
        let peaks: Option<Vec<f64>> = samples.iter().map(|sample| sample.peak_mib).collect();
        Self { seconds: Spread::of(&seconds), peak_mib: peaks.map(|peaks| Spread::of(&peaks)) }
    }
}

impl Rounds {
    pub(super) fn distil(&self) -> Summary {
        Summary::of(&self.distil)
    }

    pub(super) fn peer(&self) -> Option<Summary> {
        (!self.peer.is_empty()).then(|| Summary::of(&self.peer))
    }

    /// distil / peer: of the medians, with the extremes over the rounds.
    pub(super) fn ratio(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<Spread> {
        let all = |samples: &[Sample]| samples.iter().map(&of).collect::<Option<Vec<f64>>>();
        let (ours, theirs) = (all(&self.distil)?, all(&self.peer)?);
        if ours.is_empty() || theirs.is_empty() || theirs.iter().any(|&value| value <= 0.0) {
            return None;
        }
        let rounds: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
        let median = Spread::of(&ours).median / Spread::of(&theirs).median;
        Some(Spread { median, ..Spread::of(&rounds) })
    }

    /// Most cores that other processes kept busy during a measurement; the system counts in steps of 10 ms, which
    /// says nothing about shorter ones.
    pub(super) fn other_cores(&self) -> Option<f64> {
        let all = self.distil.iter().chain(&self.peer).filter(|sample| sample.seconds >= 0.05);
        all.filter_map(|sample| sample.other_cores).max_by(f64::total_cmp)
    }

    /// Every line of JSON, and what follows from them.
    pub(super) fn json(&self) -> Value {
        let lines = |samples: &[Sample]| samples.iter().map(|sample| sample.line.clone()).collect::<Vec<_>>();
        serde_json::json!({
            "distil": lines(&self.distil),
            "peer": lines(&self.peer),
            "ratio_seconds": self.ratio(|sample| Some(sample.seconds)),
            "ratio_peak_mib": self.ratio(|sample| sample.peak_mib),
        })
    }
}

/// Which process is running, of how many.
pub(super) struct Turns<'a> {
    pub(super) console: &'a Console,
    pub(super) task: &'static str,
    pub(super) total: u64,
    pub(super) done: u64,
}

impl Turns<'_> {
    fn next(&mut self, who: &str, setting: &Setting) {
        let (mode, described) = (setting.mode.name(), setting.described());
        let step = Step::of(self.task, self.done, self.total, "processes");
        // A stop is asked for below, where nothing is lost.
        let listener = self.console.listener();
        let _ = Progress::to(&listener).at(step.with_detail(format_args!("{who}: {mode}, {described}")));
        self.done += 1;
    }
}

/// Who takes part, and how often.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    peer: Option<Peer<'a>>,
    rounds: usize,
    device: DeviceChoice,
    threads: usize,
}

/// The other program.
#[derive(Debug)]
struct Peer<'a> {
    python: &'a Path,
    script: PathBuf,
    more: &'a [String],
    device: Option<String>,
}

impl<'a> Comparison<'a> {
    /// # Errors
    /// [`Failure`] when there is no such device, or no program of the peer.
    pub(super) fn new(args: &'a PeerArgs, rounds: usize, global: &Global) -> Result<Self, Failure> {
        let device = global.device.resolved()?;
        let peer = args.peer.as_deref().map(|python| Peer::new(python, args, device)).transpose()?;
        let rounds = args.rounds.unwrap_or(rounds);
        Ok(Self { peer, rounds, device, threads: global.threads.unwrap_or(0) })
    }

    /// Measurements of one setting.
    pub(super) fn processes(&self, setting: &Setting) -> u64 {
        (self.rounds * if self.peer_for(setting).is_some() { 2 } else { 1 }) as u64
    }

    /// The peer, where it can measure this.
    fn peer_for(&self, setting: &Setting) -> Option<&Peer<'a>> {
        self.peer.as_ref().filter(|_| setting.mode.has_peer())
    }

    /// Measures one setting.
    ///
    /// # Errors
    /// [`Failure`] when a program fails, or the user asked to stop.
    pub(super) fn hold(&self, setting: &Setting, turns: &mut Turns<'_>) -> Result<Rounds, Failure> {
        let mut rounds = Rounds { distil: Vec::new(), peer: Vec::new() };
        for _ in 0..self.rounds {
            turns.next("distil", setting);
            rounds.distil.push(sample(&mut self.distil(setting)?)?);
            if let Some(peer) = self.peer_for(setting) {
                turns.next("peer", setting);
                rounds.peer.push(sample(&mut peer.command(setting, self.threads))?);
            }
        }
        Ok(rounds)
    }

    fn distil(&self, setting: &Setting) -> Result<Command, Failure> {
        let own = std::env::current_exe().map_err(|error| {
            Failure::new(format_args!("cannot find distil: {error}"), "use an installed one")
        })?;
        let mut command = Command::new(own);
        command.args(["bench", "step", "--json", "--quiet"]).args(setting.flags());
        command.args(["--micro-batch", &setting.micro_batch.to_string()]);
        command.args(["--threads", &self.threads.to_string(), "--device", &self.device.to_string()]);
        Ok(command)
    }
}

impl<'a> Peer<'a> {
    fn new(python: &'a Path, args: &'a PeerArgs, device: DeviceChoice) -> Result<Self, Failure> {
        let script = match &args.peer_script {
            Some(script) => Some(script.clone()),
            None => PEER_SCRIPTS.iter().map(PathBuf::from).find(|script| script.is_file()),
        };
        let script = script.filter(|script| script.is_file()).ok_or_else(|| {
            Failure::new(
                "the peer's program torch_unroll.py is not there",
                "say where it is: --peer-script shared/peers/torch_unroll.py",
            )
        })?;
        let more = args.peer_arg.as_slice();
        let device = match device {
            _ if more.iter().any(|arg| arg.starts_with("--device")) => None,
            DeviceChoice::Wgpu(_) => {
                let message = "PyTorch has no wgpu devices, so give the peer its own device";
                return Err(Failure::new(message, "add --peer-arg=--device=cpu, or cuda"));
            }
            device => Some(device.to_string()),
        };
        Ok(Self { python, script, more, device })
    }

    fn command(&self, setting: &Setting, threads: usize) -> Command {
        let mut command = Command::new(self.python);
        command.arg(&self.script).args(setting.flags()).args(["--threads", &threads.to_string()]);
        if let Some(device) = &self.device {
            command.args(["--device", device]);
        }
        // The peer has the flat layout in one mode only.
        if setting.layout == Layout::Flat && setting.mode == Mode::Exact {
            command.args(["--layout", "flat"]);
        }
        if setting.keep_pages {
            command.arg("--keep-pages");
        }
        command.args(self.more);
        command
    }
}

/// Runs a process to its end and reads the last line it printed.
fn sample(command: &mut Command) -> Result<Sample, Failure> {
    let stopped = || Failure::interrupted("run the same command again");
    if interrupt::asked() {
        return Err(stopped());
    }
    let program = Path::new(command.get_program()).to_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        Failure::new(
            format_args!("cannot run {}: {error}", program.display()),
            "check the path of the program",
        )
    })?;
    if interrupt::asked() {
        return Err(stopped());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let number = |key: &str| line.get(key).and_then(Value::as_f64);
    match number("seconds_median") {
        Some(seconds) if output.status.success() => {
            let (peak_mib, other_cores) = (number("peak_mib"), number("other_cores"));
            Ok(Sample { seconds, peak_mib, other_cores, line })
        }
        _ => Err(refused(command, &line, &String::from_utf8_lossy(&output.stderr))),
    }
}

/// What a program that did not measure has said: in its JSON line, or last on standard error.
fn refused(command: &Command, line: &Value, errors: &str) -> Failure {
    let said = line.get("error").and_then(Value::as_str);
    let last = || errors.lines().rfind(|line| !line.trim().is_empty() && !line.starts_with("help: "));
    let said = said.or_else(last).unwrap_or("it printed no measurement").trim();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    Failure::new(
        format_args!("{} did not measure: {said}", program.to_string_lossy()),
        format_args!("run it alone: {}", words.join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(ours: &[f64], theirs: &[f64]) -> Rounds {
        let samples = |values: &[f64]| {
            let sample =
                |&seconds: &f64| Sample { seconds, peak_mib: None, other_cores: None, line: Value::Null };
            values.iter().map(sample).collect()
        };
        Rounds { distil: samples(ours), peer: samples(theirs) }
    }

    #[test]
    fn ratios_pair_neighbours_in_time() {
        // The machine was slow in the second round: the medians and each round agree nevertheless.
        let ratio = rounds(&[1.0, 4.0, 2.0], &[2.0, 8.0, 4.0]).ratio(|sample| Some(sample.seconds));
        assert_eq!(ratio, Some(Spread { median: 0.5, min: 0.5, max: 0.5 }));
        let spread = rounds(&[1.0, 1.0, 3.0], &[1.0, 2.0, 1.0]).ratio(|sample| Some(sample.seconds));
        assert_eq!(spread, Some(Spread { median: 1.0, min: 0.5, max: 3.0 }));
        assert_eq!(rounds(&[1.0], &[1.0]).ratio(|sample| sample.peak_mib), None);
        assert_eq!(rounds(&[1.0], &[]).ratio(|sample| Some(sample.seconds)), None);
    }

    #[test]
    fn a_failure_says_why() {
        let command = Command::new("python");
        let said = |line: Value, errors: &str| refused(&command, &line, errors).message().to_owned();
        assert_eq!(
            said(serde_json::json!({"error": "out of memory"}), ""),
            "python did not measure: out of memory"
        );
        assert_eq!(said(Value::Null, "error: no cuda\nhelp: use cpu\n"), "python did not measure: no cuda");
        assert!(said(Value::Null, "").contains("no measurement"));
    }
}
