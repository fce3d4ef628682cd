//! What a tuning has done so far, kept in its folder.

use std::path::{Path, PathBuf};

use distil_store::{RunPaths, atomic, seal};
use serde::{Deserialize, Serialize};

use super::TuneError;
use super::halving::Halving;
use crate::Error;

const FILE: &str = "tune.json";

/// Trials with their accuracies and times.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// What the trials depend on.
    described: String,
    pub(super) trials: Vec<Trial>,
    /// Iterations of the configuration as it stands that take as long as all trials did.
    equal: Option<u64>,
    #[serde(skip)]
    folder: PathBuf,
}

/// One trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Trial {
    pub(super) settings: Vec<String>,
    /// Wall-clock seconds, validations included.
    pub(super) seconds: f64,
    /// Accuracy on held-out images at the end of each rung it reached, in `[0, 1]`.
    pub(super) scores: Vec<f64>,
}

impl Record {
    /// That of a folder, or a new one.
    pub(super) fn open(folder: &Path, described: &str, settings: &[Vec<String>]) -> Result<Self, Error> {
        let remedy = "remove it: what trials have reached is in their own folders";
        let there: Option<Self> = seal::load(&folder.join(FILE), "the record of a tuning", remedy)?;
        if let Some(there) = there {
            if there.described != described {
                return Err(TuneError::Other { folder: folder.to_owned() }.into());
            }
            return Ok(Self { folder: folder.to_owned(), ..there });
        }
        let trial =
            |settings: &Vec<String>| Trial { settings: settings.clone(), seconds: 0.0, scores: Vec::new() };
        let trials = settings.iter().map(trial).collect();
        let record = Self { described: described.to_owned(), trials, equal: None, folder: folder.to_owned() };
        record.save()?;
        Ok(record)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn save(&self) -> Result<(), Error> {
        Ok(atomic::write(self.folder.join(FILE), seal::json(self))?)
    }

    /// Counts time, also of what was interrupted.
    pub(super) fn spend(&mut self, trial: usize, seconds: f64) -> Result<(), Error> {
        self.trials[trial].seconds += seconds;
        self.save()
    }

    pub(super) fn score(&mut self, trial: usize, rung: usize, score: f64) -> Result<(), Error> {
        let scores = &mut self.trials[trial].scores;
        scores.truncate(rung);
        scores.push(score);
        self.save()
    }

    /// The best of the trials that reached the last rung.
    pub(super) fn best(&self, last: &[usize]) -> usize {
        let score = |trial: usize| self.trials[trial].scores.last().copied().unwrap_or_default();
        let better = |best: usize, trial: &usize| if score(*trial) > score(best) { *trial } else { best };
        last.iter().fold(last[0], better)
    }

    /// How long the configuration as it stands would run in the time of all trials; decided once, since times differ.
    pub(super) fn equal_iterations(&mut self, halving: &Halving) -> Result<u64, Error> {
        if let Some(equal) = self.equal {
            return Ok(equal);
        }
        let first = &self.trials[0];
        let done = halving.ends()[first.scores.len().max(1) - 1];
        let each = first.seconds / done.max(1) as f64;
        let all: f64 = self.trials.iter().map(|trial| trial.seconds).sum();
        let equal = if each > 0.0 { (all / each).round() as u64 } else { halving.total() };
        self.equal = Some(equal.max(halving.iterations));
        self.save()?;
        Ok(equal.max(halving.iterations))
    }
}

/// The accuracy on held-out images that a run logged at an iteration.
pub(super) fn validation_at(paths: &RunPaths, iteration: u64) -> Result<Option<f64>, Error> {
    #[derive(Deserialize)]
    struct Line {
        kind: String,
        iteration: u64,
        #[serde(default)]
        accuracy: Option<f64>,
    }
    if !paths.config().is_file() {
        return Ok(None);
    }
    let lines: Vec<Line> = paths.read_events()?;
    let there = lines.iter().rev().find(|line| line.kind == "validation" && line.iteration == iteration);
    Ok(there.and_then(|line| line.accuracy))
}
