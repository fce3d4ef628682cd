//! Settings for a method on data of one's own: successive halving over named keys, on held-out training images alone, next to
//! the configuration as it stands with the same time. The test images are seen once, at the end.

mod halving;
mod page;
mod record;
mod space;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use distil_data::HoldOut;
use distil_match::{Event, RunError};
use distil_store::{Evaluation, FolderLock, RunPaths, atomic};
use serde::Deserialize;
use thiserror::Error;

use crate::config::{Config, ConfigError, Layer};
use crate::evaluation::Which;
use crate::run::{Existing, RunPlace};
use crate::students::Students;
use crate::{Device, Error, Plan, Session, SessionBuilder};
use halving::Halving;
use record::Record;
pub use space::Key;

/// A tuning that cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TuneError {
    /// The file has no such table.
    #[error("{}: there is no [tune] table; write one with trials = 9 and [[tune.key]] tables", file.display())]
    Nothing {
        /// The file.
        file: PathBuf,
    },
    /// The table is malformed.
    #[error("{}: [tune]: {what}; give trials, perhaps rungs and factor, and [[tune.key]] tables with name and values, log or linear", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A number is too small.
    #[error("tune.{key} is too small; give at least {least}")]
    Few {
        /// The key.
        key: &'static str,
        /// What works.
        least: u64,
    },
    /// A key has no values.
    #[error(
        "tune.key {name}: give either values = [a, b], log = [low, high] above 0, or linear = [low, high]"
    )]
    Key {
        /// Its name.
        name: String,
    },
    /// Nothing is held out.
    #[error(
        "data.validation = 0 leaves no images to choose settings on; hold some out, such as data.validation = 0.1"
    )]
    NoValidation,
    /// The folder is that of another tuning.
    #[error("{} is the folder of another tuning; choose another with --out, or remove it", folder.display())]
    Other {
        /// The folder.
        folder: PathBuf,
    },
}

/// `[tune]` of a file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    trials: usize,
    #[serde(default = "three")]
    rungs: u32,
    #[serde(default = "three_times")]
    factor: u64,
    #[serde(rename = "key")]
    keys: Vec<Key>,
}

fn three() -> u32 {
    3
}

fn three_times() -> u64 {
    3
}

/// A tuning: its trials and how long they run.
#[derive(Debug, Clone)]
pub struct Tune {
    /// Its name, that of the file.
    pub name: String,
    halving: Halving,
    /// What each trial sets, as `--set` takes it; the first sets nothing.
    settings: Vec<Vec<String>>,
    layers: Vec<Layer>,
}

/// What a tuning found, with what the test images say of it.
#[derive(Debug, Clone)]
pub struct Tuned {
    /// What the best trial sets; empty where it is the configuration as it stands.
    pub settings: Vec<String>,
    /// Students of the best trial's set.
    pub best: Evaluation,
    /// Students of the set of the configuration as it stands.
    pub preset: Evaluation,
    /// The same where the configuration was given as many seconds as all trials took.
    pub equal: Evaluation,
    page: String,
}

impl Tuned {
    /// Budget, trials and results, in Markdown.
    pub fn markdown(&self) -> &str {
        &self.page
    }
}

impl Tune {
    /// Reads a configuration with a table `[tune]`; `sets` are as for [`Config::load`].
    ///
    /// # Errors
    /// [`TuneError`], or [`Error::Config`] of the configuration or of any trial.
    pub fn load(file: &Path, sets: &[String]) -> Result<Self, Error> {
        let mut layer = Layer::from_file(file)?;
        let place = || file.to_owned();
        let table = layer.take("tune").ok_or_else(|| TuneError::Nothing { file: place() })?;
        let table: Table = table.try_into().map_err(|error: toml::de::Error| TuneError::Table {
            file: place(),
            what: error.message().to_owned(),
        })?;
        let mut layers = vec![layer];
        for set in sets {
            layers.push(Layer::from_set(set)?);
        }
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let config = Config::resolve(layers.clone(), &name)?;
        let Table { trials, rungs, factor, keys } = table;
        for (key, value, least) in
            [("trials", trials as u64, 2), ("rungs", u64::from(rungs), 1), ("factor", factor, 2)]
        {
            if value < least {
                return Err(TuneError::Few { key, least }.into());
            }
        }
        keys.iter().try_for_each(Key::check)?;
        if config.data.validation.is_some_and(HoldOut::is_nothing) {
            return Err(TuneError::NoValidation.into());
        }
        let halving = Halving { trials, rungs, factor, iterations: config.distill.iterations };
        let settings = space::settings(&keys, trials, config.seed);
        let tune = Self { name, halving, settings, layers };
        // No slip shall show up after hours.
        for trial in 0..trials {
            tune.config(trial)?;
        }
        Ok(tune)
    }

    /// The run of a trial.
    fn config(&self, trial: usize) -> Result<Config, ConfigError> {
        self.resolved(&format!("trial-{trial:02}"), &self.settings[trial])
    }

    fn resolved(&self, name: &str, sets: &[String]) -> Result<Config, ConfigError> {
        let mut layers = self.layers.clone();
        let first = self.halving.ends()[0];
        let own = [format!("name={name}"), format!("distill.validate_every={first}")];
        for set in sets.iter().chain(&own) {
            layers.push(Layer::from_set(set)?);
        }
        Config::resolve(layers, name)
    }

    /// What all trials may cost, in words, before any is begun.
    pub fn budget(&self) -> String {
        let (ends, counts) = (self.halving.ends(), self.halving.counts());
        let rungs: Vec<String> =
            ends.iter().zip(counts).map(|(end, count)| format!("{count} to iteration {end}")).collect();
        format!(
            "{} settings: {}; {} iterations in all, and then the configuration as it stands for as many seconds",
            self.halving.trials,
            rungs.join(", "),
            self.halving.total()
        )
    }

    /// Seconds of everything, from times of the first trial's network; `None` where the size of the data is not known.
    ///
    /// # Errors
    /// [`Error::Plan`] where it does not fit into memory, and those of [`Plan::of`].
    pub fn seconds(&self, data_dir: Option<&Path>, device: &Device) -> Result<Option<f64>, Error> {
        let config = self.config(0)?;
        let Some(plan) = Plan::of(&config, data_dir, device)? else { return Ok(None) };
        plan.check()?;
        let durations = plan.durations(&plan.times());
        let share = self.halving.total() as f64 / self.halving.iterations.max(1) as f64;
        let students = 3.0 * durations.seeds as f64 * durations.student;
        Ok(Some(durations.experts + (2.0 * share + 1.0) * durations.distillation + students))
    }

    /// Runs every trial as far as it goes, then the configuration as it stands to its end and for as many seconds as the trials
    /// took, and tests the three. What is there below `folder` is not done again; the page is kept as `tune.md`.
    ///
    /// # Errors
    /// [`enum@Error`] of the first run that fails; one that gets stuck only loses. [`Error::Stopped`] when the listener asked to stop.
    pub fn run(
        &self,
        folder: &Path,
        begin: impl FnOnce(Config) -> SessionBuilder,
        device: &Device,
    ) -> Result<Tuned, Error> {
        atomic::create_folder(folder)?;
        let _lock = FolderLock::take(folder, "tuning")?;
        let mut record = Record::open(folder, &self.described()?, &self.settings)?;
        let mut session = begin(self.config(0)?).on(device.clone())?;
        let mut alive: Vec<usize> = (0..self.halving.trials).collect();
        for (rung, end) in self.halving.ends().into_iter().enumerate() {
            let mut scores = Vec::new();
            for &trial in &alive {
                session = session.by(self.config(trial)?)?;
                let score = match record.trials[trial].scores.get(rung) {
                    Some(score) => *score,
                    None => self.climb(&session, &mut record, (trial, rung), end)?,
                };
                scores.push((trial, score));
            }
            alive = self.halving.survivors(&scores);
        }
        let best = record.best(&alive);
        let equal = record.equal_iterations(&self.halving)?;
        session.progress().note(format_args!(
            "the best is trial {best}; the configuration as it stands now gets the same time: {equal} iterations"
        ));
        let longer = self.resolved("as-it-stands", &[format!("distill.iterations={equal}")])?;
        let mut found = Vec::new();
        for config in [self.config(best)?, self.config(0)?, longer] {
            session = session.by(config)?;
            found.push(finished(&session, folder)?);
        }
        let [best_row, preset, equal_row] = found.try_into().expect("three runs");
        let page = page::markdown(self, &record, best, [&best_row, &preset, &equal_row]);
        atomic::write(folder.join("tune.md"), &page)?;
        let settings = self.settings[best].clone();
        Ok(Tuned { settings, best: best_row, preset, equal: equal_row, page })
    }

    /// Everything that trials depend on.
    fn described(&self) -> Result<String, Error> {
        let Halving { trials, rungs, factor, iterations } = self.halving;
        let config = self.config(0)?.to_toml();
        Ok(format!(
            "{trials} trials, {rungs} rungs, factor {factor}, {iterations} iterations\n{:?}\n{config}",
            self.settings
        ))
    }

    /// Takes a trial to iteration `end`, and its accuracy on held-out images there.
    fn climb(
        &self,
        session: &Session,
        record: &mut Record,
        (trial, rung): (usize, usize),
        end: u64,
    ) -> Result<f64, Error> {
        let paths = RunPaths::new(record.folder().join(&session.config.name));
        session.progress().note(format_args!(
            "trial {trial} to iteration {end}{}",
            if self.settings[trial].is_empty() {
                String::new()
            } else {
                format!(": {}", self.settings[trial].join(", "))
            }
        ));
        let started = Instant::now();
        let found = run_to(session, &paths, end);
        record.spend(trial, started.elapsed().as_secs_f64())?;
        let score = match found {
            Ok(()) => record::validation_at(&paths, end)?.unwrap_or(0.0),
            Err(Error::Run(why @ RunError::Stuck { .. })) => {
                session.progress().warn(format_args!("trial {trial} is stuck: {why}"));
                0.0
            }
            Err(other) => return Err(other),
        };
        record.score(trial, rung, score)?;
        Ok(score)
    }
}

/// Distils until the validation of iteration `end` is logged.
fn run_to(session: &Session, paths: &RunPaths, end: u64) -> Result<(), Error> {
    if record::validation_at(paths, end)?.is_some() {
        return Ok(());
    }
    let reached = Cell::new(false);
    let mut on_event = |event: &Event| match event {
        Event::Validation { iteration, .. }
            if *iteration == end && end < session.config.distill.iterations =>
        {
            reached.set(true);
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    };
    match distil(session, paths, &mut on_event) {
        Err(Error::Stopped { .. }) if reached.get() => Ok(()),
        other => other,
    }
}

fn distil(
    session: &Session,
    paths: &RunPaths,
    on_event: &mut dyn FnMut(&Event) -> ControlFlow<()>,
) -> Result<(), Error> {
    let place = RunPlace::find(paths.clone(), &session.config, Existing::Continue)?;
    session.check_run()?;
    let store = session.train_needed_experts()?;
    session.train_needed_maps_network()?;
    session.run(store.as_ref(), place, "distil tune", on_event)?;
    Ok(())
}

/// A run to its end, and the students of its result.
fn finished(session: &Session, folder: &Path) -> Result<Evaluation, Error> {
    let paths = RunPaths::new(folder.join(&session.config.name));
    distil(session, &paths, &mut |_| ControlFlow::Continue(()))?;
    let students = Students::of(session)?;
    let networks = vec![students.own_network()?];
    let results = students.evaluate_run(&networks, &paths, &session.config, Which::Result)?;
    Ok(results.distilled().cloned().expect("an evaluation has a row of its set"))
}
