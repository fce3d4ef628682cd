use std::ops::ControlFlow;
use std::path::PathBuf;

use distil_store::{Card, Checkpoint, Part, RunFolder, RunPaths, StoreError, SyntheticSet};
use thiserror::Error;

use crate::enhancement::EnhancementError;
use crate::state::{Selection, card};
use crate::{Distiller, Event, InitError, Inputs, Method, MethodError, NoExperts, NotPixels, StepError};

/// The sets that a run leaves in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Before the first iteration.
    pub initial: PathBuf,
    /// After the last iteration.
    pub last: PathBuf,
    /// After the iteration with the best validation accuracy.
    pub best: PathBuf,
    /// The moving average after the last iteration; written by methods that keep one.
    pub ema: PathBuf,
}

impl Files {
    /// The sets of the run in a folder.
    pub fn of(paths: &RunPaths) -> Self {
        let [initial, last, best, ema] =
            [Part::Initial, Part::Last, Part::Best, Part::Ema].map(|part| paths.set(part));
        Self { initial, last, best, ema }
    }
}

/// How a finished run went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Iterations done.
    pub iterations: u64,
    /// Iterations whose loss was above the gate.
    pub gated: u64,
    /// Iterations whose loss or gradient was not finite.
    pub non_finite: u64,
    /// The iteration with the best validation accuracy, and that accuracy.
    pub best: Option<(u64, f64)>,
}

/// Why a run ended early. All that was done is in the folder; a resumed run continues there.
#[derive(Debug, Error)]
pub enum RunError {
    /// The method cannot run.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// The synthetic set cannot be initialised.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no activation maps.
    #[error(transparent)]
    Enhancement(#[from] EnhancementError),
    /// There are no experts.
    #[error(transparent)]
    NoExperts(#[from] NoExperts),
    /// The images are no pixels.
    #[error(transparent)]
    Pixels(#[from] NotPixels),
    /// There are checkpoints, but none can be read; starting over would delete them.
    #[error(
        "no checkpoint can be read ({reasons}); make them readable, or choose another run folder to start over"
    )]
    NoCheckpoint {
        /// Why each was skipped.
        reasons: String,
    },
    /// The callback asked to stop.
    #[error("stopped after iteration {iteration}; continue with --resume")]
    Stopped {
        /// Iterations done and saved.
        iteration: u64,
    },
    /// Nothing moves any more. The set as the last step left it is in [`Files::last`].
    #[error(
        "none of the {iterations} iterations after iteration {since} could be applied ({gated} in all were above distill.loss_gate, {non_finite} not finite), the set as it was then is saved as synthetic/last.safetensors; lower distill.image_lr, distill.syn_lr or distill.syn_steps, or raise distill.loss_gate"
    )]
    Stuck {
        /// Iterations without a step.
        iterations: u64,
        /// The last iteration whose step was taken.
        since: u64,
        /// Iterations above the gate so far.
        gated: u64,
        /// Iterations that were not finite so far.
        non_finite: u64,
    },
}

/// Trains a student on a set and returns its accuracy on the validation split, in `[0, 1]`. It must
/// not look at the test split. `None` means that it was asked to stop.
pub type Validate<'a> = dyn FnMut(&SyntheticSet) -> Option<f64> + 'a;

/// Called with every event; [`ControlFlow::Break`] saves a checkpoint and stops.
pub type OnEvent<'a> = dyn FnMut(&Event) -> ControlFlow<()> + 'a;

/// Successive iterations without an applied step after which a run gives up.
const PATIENCE: u64 = 200;

/// A run between two of its iterations.
struct Run<'a> {
    inputs: &'a Inputs<'a>,
    card: Card,
    folder: &'a mut RunFolder,
    files: Files,
    distiller: Distiller,
    selection: Selection,
    /// The last validation that the log already holds.
    logged: Option<u64>,
}

impl From<StepError> for RunError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => error.into(),
            StepError::Enhancement(error) => error.into(),
            StepError::NoExperts(error) => error.into(),
            StepError::Pixels(error) => error.into(),
        }
    }
}

/// Distils to the end, or on from the newest checkpoint in `folder`, and keeps the set that is best on validation.
///
/// `name` and `command` go into the cards of the synthetic sets.
///
/// # Errors
/// [`RunError`]; whatever it is, the folder can be resumed.
pub fn run(
    inputs: &Inputs<'_>,
    named: (&str, &str),
    folder: &mut RunFolder,
    validate: &mut Validate<'_>,
    on_event: &mut OnEvent<'_>,
) -> Result<Outcome, RunError> {
    drive(inputs, named, folder, Some(validate), on_event)
}

/// The same without validations: there is no best set, and the last one has the same bytes.
///
/// # Errors
/// As for [`run`].
pub fn run_unvalidated(
    inputs: &Inputs<'_>,
    named: (&str, &str),
    folder: &mut RunFolder,
    on_event: &mut OnEvent<'_>,
) -> Result<Outcome, RunError> {
    drive(inputs, named, folder, None, on_event)
}

fn drive(
    inputs: &Inputs<'_>,
    (name, command): (&str, &str),
    folder: &mut RunFolder,
    mut validate: Option<&mut Validate<'_>>,
    on_event: &mut OnEvent<'_>,
) -> Result<Outcome, RunError> {
    if inputs.method.needs_experts() {
        inputs.experts()?;
    }
    inputs.method.check(inputs.experts.as_ref().map_or(0, |experts| experts.store.header().snapshots - 1))?;
    let (height, width) = inputs.net.sides();
    inputs.method.check_sides([height, width])?;
    let (method, choice) = match inputs.method.objective.prepare(inputs)? {
        Some((objective, event)) => (Method { objective, ..inputs.method.clone() }, Some(event)),
        None => (inputs.method.clone(), None),
    };
    let inputs = &Inputs { method: &method, experts: inputs.experts.clone(), ..*inputs };
    let mut run = Run::open(inputs, card(inputs, name, command), folder)?;
    if let Some(event) = choice {
        run.log_choice(&event, on_event)?;
    }
    loop {
        if let Some(validate) = &mut validate {
            run.validate(*validate, on_event)?;
        }
        if run.distiller.iteration == method.iterations {
            return run.finish();
        }
        run.step(on_event)?;
    }
}

impl<'a> Run<'a> {
    fn open(inputs: &'a Inputs<'a>, card: Card, folder: &'a mut RunFolder) -> Result<Self, RunError> {
        let files = Files::of(folder.paths());
        let latest = folder.checkpoints().latest()?;
        if latest.checkpoint.is_none() && !latest.skipped.is_empty() {
            let reasons = latest.skipped.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Err(RunError::NoCheckpoint { reasons });
        }
        for skipped in &latest.skipped {
            tracing::warn!("{skipped}; continuing from an earlier checkpoint");
        }
        let (distiller, selection) = match latest.checkpoint {
            Some(checkpoint) => Distiller::restore(&checkpoint, inputs.method, inputs.device())?,
            None => (Distiller::start(inputs)?, Selection::default()),
        };
        distiller.open(inputs)?;
        if distiller.iteration == 0 {
            distiller.synthetic_set(&card).save(&files.initial)?;
        }
        folder.truncate_events_after(distiller.iteration)?;
        folder.checkpoints().remove_before(distiller.iteration)?;
        let logged = folder.paths().last_iteration(Some("validation"))?;
        Ok(Self { inputs, card, folder, files, distiller, selection, logged })
    }

    /// Logs what the method chose at the start, once; a resumed run has chosen the same.
    fn log_choice(&mut self, event: &Event, on_event: &mut OnEvent<'_>) -> Result<(), RunError> {
        if self.folder.paths().last_iteration(Some(event.kind()))?.is_some() {
            return Ok(());
        }
        self.folder.append_event(event)?;
        if on_event(event).is_break() {
            self.save()?;
            return Err(RunError::Stopped { iteration: self.distiller.iteration });
        }
        Ok(())
    }

    fn step(&mut self, on_event: &mut OnEvent<'_>) -> Result<(), RunError> {
        let step = self.distiller.step(self.inputs)?;
        // Only the log shows these: a callback could stop between them and the step's own event.
        for event in &step.events {
            self.folder.append_event(event)?;
        }
        self.keep()?;
        let event = Event::of(&step);
        self.folder.append_event(&event)?;
        let &Distiller { iteration, gated, non_finite, last_applied, .. } = &self.distiller;
        if on_event(&event).is_break() {
            self.save()?;
            return Err(RunError::Stopped { iteration });
        }
        if iteration.is_multiple_of(self.inputs.method.checkpoint_every) {
            self.save()?;
        }
        if iteration - last_applied >= PATIENCE {
            // What the last step that counted left is worth keeping, and looking at.
            self.distiller.synthetic_set(&self.card).save(&self.files.last)?;
            self.save()?;
            return Err(RunError::Stuck { iterations: PATIENCE, since: last_applied, gated, non_finite });
        }
        Ok(())
    }

    /// Keeps the set as it is now where that is due. A run that continues from before writes the same file again.
    fn keep(&self) -> Result<(), RunError> {
        let iteration = self.distiller.iteration;
        if self.inputs.method.keep_every.is_some_and(|every| iteration.is_multiple_of(every)) {
            let path = self.folder.paths().kept_set(iteration);
            self.distiller.synthetic_set(&self.card).save(path)?;
        }
        Ok(())
    }

    /// Validates the set where that is due: at the start, every `validate_every` iterations, at the end.
    fn validate(&mut self, validate: &mut Validate<'_>, on_event: &mut OnEvent<'_>) -> Result<(), RunError> {
        let iteration = self.distiller.iteration;
        let method = self.inputs.method;
        let due = iteration.is_multiple_of(method.validate_every) || iteration == method.iterations;
        if !due || self.selection.validated == Some(iteration) {
            return Ok(());
        }
        let set = self.distiller.synthetic_set(&self.card);
        let Some(accuracy) = validate(&set) else {
            self.save()?;
            return Err(RunError::Stopped { iteration });
        };
        let best = self.selection.best.is_none_or(|(_, before)| accuracy > before);
        if best {
            set.save(&self.files.best)?;
            self.selection.best = Some((iteration, accuracy));
        }
        self.selection.validated = Some(iteration);
        let event = Event::Validation { iteration, accuracy, best };
        if self.logged.is_none_or(|logged| logged < iteration) {
            self.folder.append_event(&event)?;
        }
        self.save()?;
        if on_event(&event).is_break() {
            return Err(RunError::Stopped { iteration });
        }
        Ok(())
    }

    fn save(&self) -> Result<(), RunError> {
        let checkpoint: Checkpoint = self.distiller.checkpoint(self.selection)?;
        Ok(self.folder.save_checkpoint(&checkpoint)?)
    }

    fn finish(self) -> Result<Outcome, RunError> {
        self.distiller.synthetic_set(&self.card).save(&self.files.last)?;
        if let Some(averaged) = self.distiller.averaged_set(&self.card) {
            averaged.save(&self.files.ema)?;
        }
        let &Distiller { iteration, gated, non_finite, .. } = &self.distiller;
        Ok(Outcome { iterations: iteration, gated, non_finite, best: self.selection.best })
    }
}
