//! `distil run`.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use distil_eval::{StudentError, Training, TrainingSet, accuracy, random_real};
use distil_match::{CamNetwork, Event, Experts, Files, Inputs, Outcome, RunError};
use distil_models::{Arch, Network};
use distil_report::Cost;
use distil_store::{RunFolder, RunPaths, SyntheticSet, TrajectoryStore, atomic, seal};

use crate::args::{ConfigArgs, RunArgs};
use crate::console::{Console, Progress};
use crate::failure::Failure;
use crate::interrupt;
use crate::machine;
use crate::places::run_folder;
use crate::session::{Context, Session};
use crate::tracker::Tracker;
use distil::config::Config;

use super::students::Students;
use super::{cam_network, expert, plan, track};

/// Students of validations must not be those of the evaluation: their seeds are far apart.
const VALIDATION_SEED: u64 = 1 << 32;

/// Where the log goes besides the run folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracking {
    Nowhere,
    /// `--tensorboard`.
    TensorBoard,
}

/// What to do with a run folder that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Refuse it (`distil run`).
    Refuse,
    /// Continue it; there must be one (`--resume`).
    Require,
    /// Continue it if there is one (`distil reproduce`).
    Continue,
}

pub(crate) fn run(args: &RunArgs, context: Context<'_>) -> Result<(), Failure> {
    let existing = if args.resume { Existing::Require } else { Existing::Refuse };
    let config = Config::load(&args.config.config, &args.config.sets())?;
    let paths = RunPaths::new(run_folder(args.config.out.as_deref(), &config));
    // Before minutes of loading: a folder that cannot be used.
    let early = prepared(&paths, &config, existing)?;
    plan::refuse_what_does_not_fit(&config, context)?;
    let session = Session::open(config, context)?;
    feasible(&session)?;
    let store = expert::open_if_needed(&session, args.config.experts.as_deref())?;
    let tracking = if args.tensorboard { Tracking::TensorBoard } else { Tracking::Nowhere };
    let outcome = distil(&session, store.as_ref(), early, &paths, &command(&args.config), tracking)?;
    session.console.result(described(&outcome, &paths))
}

/// The run folder, if it is there already.
pub(crate) fn prepared(
    paths: &RunPaths,
    config: &Config,
    existing: Existing,
) -> Result<Option<RunFolder>, Failure> {
    let there = paths.config().is_file();
    let (folder, text) = (paths.folder(), config.to_toml());
    match existing {
        Existing::Refuse if there => Ok(Some(RunFolder::create(folder, &text)?)),
        Existing::Require => Ok(Some(RunFolder::resume(folder, &text)?)),
        Existing::Continue if there => Ok(Some(RunFolder::resume(folder, &text)?)),
        Existing::Refuse | Existing::Continue => Ok(None),
    }
}

/// Refuses what would otherwise be refused after hours of training experts.
pub(crate) fn feasible(session: &Session<'_>) -> Result<(), Failure> {
    let Session { config, dataset, .. } = session;
    if dataset.validation.is_empty() {
        let help = "hold some of the training images out: --set data.validation=0.1";
        return Err(Failure::new("there are no validation images to choose the best set on", help));
    }
    // The references are drawn from the same images as the initial set.
    random_real(&dataset.train, &dataset.class_names, config.distill.ipc, config.seed)?;
    Ok(())
}

/// Distils to the end; what is on standard error meanwhile is progress.
pub(crate) fn distil(
    session: &Session<'_>,
    store: Option<&TrajectoryStore>,
    early: Option<RunFolder>,
    paths: &RunPaths,
    command: &str,
    tracking: Tracking,
) -> Result<Outcome, Failure> {
    let Session { config, dataset, net, device, console } = session;
    let cam = cam_network::open(session)?;
    let students = Students::of(session)?;
    let student = students.network(Arch::ConvNet)?;
    let mut folder = match early {
        Some(folder) => folder,
        None => RunFolder::create(paths.folder(), &config.to_toml())?,
    };
    let inputs = Inputs {
        method: &config.distill,
        net,
        dataset,
        experts: store.map(|store| Experts { store, numbers: (0..config.expert.experts).collect() }),
        seed: config.seed,
        device,
        cam: cam.as_ref().map(|(model, classes)| CamNetwork { model, classes }),
    };
    let bar = console.progress("distil", config.distill.iterations, "iterations");
    let tracker = match tracking {
        Tracking::Nowhere => None,
        Tracking::TensorBoard => Some(Tracker::start(paths, &track::default_folder(paths.folder()))?),
    };
    let mut shown = Shown { console, bar, best: None, timing: Timing::start(), tracker };
    let mut validate = |set: &SyntheticSet| validate(&students, &student, set);
    let named = (config.method.as_str(), command);
    let outcome =
        distil_match::run(&inputs, named, &mut folder, &mut validate, &mut |event| shown.tell(event))
            .map_err(|error| stopped(error, paths.folder()))?;
    if let Some(cost) = shown.timing.cost() {
        atomic::write(paths.cost(), seal::json(&cost))?;
    }
    Ok(outcome)
}

fn stopped(error: RunError, folder: &Path) -> Failure {
    match error {
        RunError::Stopped { iteration } => Failure::interrupted(format_args!(
            "iteration {iteration} is saved in {}; continue with --resume",
            folder.display()
        )),
        error => error.into(),
    }
}

/// Mean accuracy of `eval.validation_seeds` students on the validation images; `None` when the user asked to stop.
fn validate(students: &Students<'_>, net: &Network, set: &SyntheticSet) -> Option<f64> {
    let Session { config, device, console, .. } = students.session;
    let protocol = students.protocol();
    let (count, epochs) = (protocol.validation_seeds, protocol.epochs);
    let set = match students.set(set) {
        Ok(set) => set,
        Err(error) => {
            console.warn(format_args!("validation: {error}; it counts as accuracy 0"));
            return Some(0.0);
        }
    };
    let mut bar = console.progress("validate", (count * (epochs + 1)) as u64, "epochs");
    let mut sum = 0.0;
    for student in 0..count {
        let mut report = |epoch: usize| {
            bar.at((student * (epochs + 1) + epoch) as u64, "");
            interrupt::flow()
        };
        let training = Training {
            net,
            set: TrainingSet::Synthetic(&set),
            protocol,
            epochs,
            lr: protocol.lr_of(&set),
            seed: config.seed.wrapping_add(VALIDATION_SEED + student as u64),
            device,
        };
        let trained = match students.teacher() {
            Some(teacher) => training.run_with_teacher(teacher, &mut report),
            None => training.run(&mut report),
        };
        match trained {
            Ok(student) => {
                let held_out = &students.dataset().validation;
                sum += accuracy(net, &student.theta, &student.buffers, held_out, device);
            }
            Err(StudentError::Stopped) => return None,
            Err(error) => console.warn(format_args!("validation: {error}; it counts as accuracy 0")),
        }
    }
    Some(sum / count as f64)
}

/// Progress of the iterations, and the best validation so far.
struct Shown<'a> {
    console: &'a Console,
    bar: Progress,
    best: Option<f64>,
    timing: Timing,
    tracker: Option<Tracker>,
}

/// How long iterations take, without what lies between them.
struct Timing {
    last: Instant,
    iterations: u64,
    seconds: f64,
}

impl Timing {
    fn start() -> Self {
        machine::reset_peak_resident();
        Self { last: Instant::now(), iterations: 0, seconds: 0.0 }
    }

    /// Counts the time since the last event if that was spent on an iteration.
    fn tell(&mut self, event: &Event) {
        let now = Instant::now();
        if matches!(event, Event::Iteration { .. }) {
            self.iterations += 1;
            self.seconds += (now - self.last).as_secs_f64();
        }
        self.last = now;
    }

    /// `None` where this command did no iteration.
    fn cost(&self) -> Option<Cost> {
        (self.iterations > 0).then(|| Cost {
            iterations: self.iterations,
            seconds_per_iteration: self.seconds / self.iterations as f64,
            peak_mib: machine::peak_resident_mib(),
        })
    }
}

impl Shown<'_> {
    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        self.timing.tell(event);
        match *event {
            Event::Validation { iteration, accuracy, best } => {
                let remark = if best { ", the best so far" } else { "" };
                let percent = 100.0 * accuracy;
                self.console
                    .note(format_args!("iteration {iteration}: {percent:.1} % on validation{remark}"));
                if best {
                    self.best = Some(accuracy);
                }
            }
            Event::Iteration { iteration, loss, syn_lr, .. } => {
                let best = self.best.map_or_else(String::new, |best| format!(", best {:.1} %", 100.0 * best));
                self.bar.at(iteration, format_args!("loss {loss:.4}, step size {syn_lr:.4}{best}"));
            }
            Event::Range { min, max, .. } => self
                .console
                .note(format_args!("the experts chose start epochs {min} to {} for the students", max - 1)),
            Event::DiscriminativeArea { .. } | Event::Dropout { .. } => {}
        }
        // A full disk must not end the run for the sake of a second log.
        if let Some(Err(failure)) = self.tracker.as_mut().map(Tracker::catch_up) {
            self.console.warn(format_args!("no more events for TensorBoard: {}", failure.message()));
            self.tracker = None;
        }
        interrupt::flow()
    }
}

/// The command for the card of the sets: without what only says where files are or how far the run was, so that an
/// interrupted run ends with the same bytes.
pub(crate) fn command(args: &ConfigArgs) -> String {
    let config = args.config.display().to_string();
    let sets = args.sets().into_iter().flat_map(|set| ["--set".to_owned(), set]);
    ["distil run --config".to_owned(), config].into_iter().chain(sets).collect::<Vec<_>>().join(" ")
}

fn described(outcome: &Outcome, paths: &RunPaths) -> String {
    let Outcome { iterations, gated, non_finite, best } = *outcome;
    let files = Files::of(paths);
    let mut lines = vec![
        "| set | iteration | validation accuracy % | file |".to_owned(),
        "|---|---:|---:|---|".to_owned(),
    ];
    if let Some((iteration, accuracy)) = best {
        let percent = 100.0 * accuracy;
        lines.push(format!("| best on validation | {iteration} | {percent:.1} | {} |", files.best.display()));
    }
    lines.push(format!("| last | {iterations} |  | {} |", files.last.display()));
    if files.ema.is_file() {
        lines.push(format!("| moving average | {iterations} |  | {} |", files.ema.display()));
    }
    if gated + non_finite > 0 {
        lines.push(format!("\n{gated} iterations were above the loss gate and {non_finite} were not finite; neither moved the set."));
    }
    lines.join("\n")
}
