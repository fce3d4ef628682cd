//! A distillation by the configuration: with validations, into a run folder.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::ControlFlow;
use std::time::Instant;

use distil_data::{Dataset, HoldOut};
use distil_engine::At;
use distil_eval::{StudentError, Training, TrainingSet, accuracy};
use distil_match::{Event, Outcome, RunError, check_images};
use distil_models::Network;
use distil_progress::{News, PartOf, Progress, Step};
use distil_stats::Tally;
use distil_store::{Cost, RunFolder, RunPaths, StoreError, SyntheticSet, TrajectoryStore, atomic, seal};
use thiserror::Error;

use crate::config::Config;
use crate::machine;
use crate::students::Students;
use crate::{Error, Session};

/// Students of validations must not be those of the evaluation: their seeds are far apart.
const VALIDATION_SEED: u64 = 1 << 32;

/// What to do with a run folder that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it (`distil run`).
    Refuse,
    /// Continue it; there must be one (`--resume`).
    Require,
    /// Continue it if there is one (`distil reproduce`).
    Continue,
}

/// Where a run goes. A folder that is there already is held from the start; another is made when everything else that can
/// be refused has been checked.
#[derive(Debug)]
pub struct RunPlace {
    paths: RunPaths,
    folder: Option<RunFolder>,
}

impl RunPlace {
    /// # Errors
    /// [`StoreError`] when the folder is there and must not be, is missing, is that of another configuration, or cannot be
    /// read.
    pub fn find(paths: RunPaths, config: &Config, existing: Existing) -> Result<Self, StoreError> {
        let there = paths.config().is_file();
        let (folder, text) = (paths.folder(), config.to_toml());
        let folder = match existing {
            Existing::Refuse if there => Some(RunFolder::create(folder, &text)?),
            Existing::Require => Some(RunFolder::resume(folder, &text)?),
            Existing::Continue if there => Some(RunFolder::resume(folder, &text)?),
            Existing::Refuse | Existing::Continue => None,
        };
        Ok(Self { paths, folder })
    }

    /// The files of the run.
    pub fn paths(&self) -> &RunPaths {
        &self.paths
    }
}

/// A run without images to choose its best set on.
#[derive(Debug, Error)]
#[error("there are no validation images to choose {what} on; {remedy}")]
pub struct NoValidation {
    /// What would be chosen.
    what: &'static str,
    remedy: &'static str,
}

impl NoValidation {
    /// Of a class that has one image, none can be held out.
    pub(crate) fn of(what: &'static str, dataset: &Dataset) -> Self {
        let most = dataset.train.class_counts(dataset.classes()).into_iter().max().unwrap_or_default();
        let remedy = if most < 2 {
            "every class has one training image, and it is needed: add images to the classes, or a validation part"
        } else {
            "hold some of the training images out (--set data.validation=0.1), or say that none shall be, so that the last set \
             is the result (--set data.validation=0)"
        };
        Self { what, remedy }
    }
}

impl Session {
    /// Refuses what would otherwise be refused after hours of training experts.
    ///
    /// # Errors
    /// [`enum@Error`] when there are no validation images, or too few images of a class.
    pub fn check_run(&self) -> Result<(), Error> {
        let Self { config, dataset, .. } = self;
        if dataset.validation.is_empty() && !config.data.validation.is_some_and(HoldOut::is_nothing) {
            return Err(NoValidation::of("the best set", dataset).into());
        }
        Ok(check_images(&config.distill, dataset)?)
    }

    /// Distils by the configuration to the end. `command` goes into the cards of the sets; `on_event` hears everything that is
    /// logged.
    ///
    /// # Errors
    /// [`enum@Error`] when the run cannot start or gets stuck; [`Error::Stopped`] when the listener or `on_event` asked to stop.
    /// Whatever it is, the folder can be resumed.
    pub fn run(
        &self,
        store: Option<&TrajectoryStore>,
        place: RunPlace,
        command: &str,
        on_event: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Outcome, Error> {
        let mut inputs = self.inputs(&self.config.distill, store);
        let maps = self.open_maps(&inputs)?;
        inputs.maps = maps.as_ref().map(|maps| maps.source(self.device.engine()));
        let students = Students::of(self)?;
        let student = students.own_network()?;
        let RunPlace { paths, folder } = place;
        let mut folder = match folder {
            Some(folder) => folder,
            None => RunFolder::create(paths.folder(), &self.config.to_toml())?,
        };
        let (best, timing) = (Cell::new(None), RefCell::new(Timing::start()));
        let mut validate = |set: &SyntheticSet| students.validate(&student, set);
        let mut tell = |event: &Event| {
            timing.borrow_mut().tell(event);
            if let Event::Validation { accuracy, best: true, .. } = event {
                best.set(Some(*accuracy));
            }
            let flow = self.tell_event(event, self.config.distill.iterations, best.get());
            if on_event(event).is_break() { ControlFlow::Break(()) } else { flow }
        };
        let named = (self.config.method.as_str(), command);
        // Where nothing is held out, nothing is chosen: the last set is the result.
        let outcome = if self.dataset.validation.is_empty() {
            distil_match::run_unvalidated(&inputs, named, &mut folder, &mut tell)
        } else {
            distil_match::run(&inputs, named, &mut folder, &mut validate, &mut tell)
        };
        let outcome = outcome.map_err(|error| stopped(error, &paths))?;
        if let Some(cost) = timing.into_inner().cost() {
            atomic::write(paths.cost(), seal::json(&cost))?;
        }
        let Outcome { iterations, gated, non_finite, .. } = outcome;
        if iterations > 0 && gated + non_finite == iterations {
            return Err(RunError::Stuck { iterations, since: 0, gated, non_finite }.into());
        }
        if let (Some((0, _)), true) = (outcome.best, self.config.distill.objective.learns()) {
            self.progress().warn(format_args!(
                "on the {} validation images no set was better than the one that the run began with: what is called best on \
                 validation has learned nothing, and only the last set is distilled; more iterations may help, and more \
                 validation images tell more (data.validation)",
                self.dataset.validation.len()
            ));
        }
        Ok(outcome)
    }

    /// Tells the listener what a run logged, with the best validation so far.
    pub(crate) fn tell_event(&self, event: &Event, iterations: u64, best: Option<f64>) -> ControlFlow<()> {
        let progress = self.progress();
        match *event {
            Event::Validation { iteration, accuracy, best } => {
                let remark = if best { ", the best so far" } else { "" };
                let percent = 100.0 * accuracy;
                progress.tell(&News::Note(format_args!(
                    "iteration {iteration}: {percent:.1} % on validation{remark}"
                )))
            }
            Event::Iteration { iteration, loss, syn_lr, .. } => {
                let best = best.map_or_else(String::new, |best| format!(", best {:.1} %", 100.0 * best));
                let step = Step::of("distil", iteration, iterations, "iterations");
                progress.at(step.with_detail(format_args!("loss {loss:.4}, step size {syn_lr:.4}{best}")))
            }
            Event::Range { min, max, .. } => progress.tell(&News::Note(format_args!(
                "the experts chose start epochs {min} to {} for the students",
                max - 1
            ))),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn stopped(error: RunError, paths: &RunPaths) -> Error {
    match error {
        RunError::Stopped { iteration } => Error::stopped(format_args!(
            "iteration {iteration} is saved in {}; run the same command again to continue (`distil run`: with --resume)",
            paths.folder().display()
        )),
        error => error.into(),
    }
}

impl Students<'_> {
    /// Mean accuracy of `eval.validation_seeds` students on the validation images; `None` when the listener asked to stop.
    fn validate(&self, net: &Network, set: &SyntheticSet) -> Option<f64> {
        let (protocol, progress) = (self.protocol(), self.session.progress());
        let count = protocol.validation_seeds;
        let nothing = |error: &dyn fmt::Display| {
            progress.warn(format_args!("validation: {error}; it counts as accuracy 0"));
        };
        let set = match self.set(set) {
            Ok(set) => set,
            Err(error) => {
                nothing(&error);
                return Some(0.0);
            }
        };
        let mut sum = 0.0;
        for student in 0..count {
            let part = PartOf { task: "validate", each: "student", index: student, count };
            match progress.part(part, |progress| self.validated(net, &set, student, progress)) {
                Ok(accuracy) => sum += accuracy,
                Err(StudentError::Stopped) => return None,
                Err(error @ StudentError::Diverged { .. }) => {
                    let held_out = &self.dataset().validation.labels;
                    let lost = Tally::of_no_numbers(net.classes(), held_out).map_or(0.0, |lost| lost.top1());
                    progress.warn(format_args!(
                        "validation: {error}; its network takes everything for the first class, {:.1} % right",
                        100.0 * lost
                    ));
                    sum += lost;
                }
                Err(error) => nothing(&error),
            }
        }
        Some(sum / count as f64)
    }

    /// Accuracy of one student on the validation images.
    fn validated(
        &self,
        net: &Network,
        set: &SyntheticSet,
        student: usize,
        progress: Progress<'_>,
    ) -> Result<f64, StudentError> {
        let Session { config, device, .. } = self.session;
        let protocol = self.protocol();
        let training = Training {
            net,
            set: TrainingSet::Synthetic(set),
            protocol,
            epochs: protocol.epochs,
            lr: protocol.lr_of(set),
            seed: config.seed.wrapping_add(VALIDATION_SEED + student as u64),
            engine: device.engine(),
        };
        let trained = match self.teacher() {
            Some(teacher) => training.run_with_teacher(teacher, progress)?,
            None => training.run(progress)?,
        };
        let held_out = &self.dataset().validation;
        let at = At::evaluation(net, &trained.theta, &trained.buffers);
        Ok(accuracy(device.engine(), at, held_out))
    }
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

    /// `None` where this run did no iteration.
    fn cost(&self) -> Option<Cost> {
        (self.iterations > 0).then(|| Cost {
            iterations: self.iterations,
            seconds_per_iteration: self.seconds / self.iterations as f64,
            peak_mib: machine::peak_resident_mib(),
        })
    }
}
