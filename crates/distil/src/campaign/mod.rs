//! Published rows, one after the other: what is done, how far the others are, and what the results say of the published
//! figures. Nothing here schedules: each row is `distil reproduce`, which goes on where it stopped.

mod table;
#[cfg(test)]
mod tests;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use distil_store::{Cost, Evaluation, EvaluationFile, PaperFigure, Part, RowKind, RunPaths, SyntheticSet};
use serde::Deserialize;

use crate::Error;
use crate::config::{Config, ConfigError};
use crate::rows::Rows;

pub use verdict::Verdict;

/// The rows that are worked off, in their order: `configs/campaign.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Its rows.
    #[serde(rename = "queue")]
    pub entries: Vec<CampaignEntry>,
}

/// A row of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignEntry {
    /// The row of `configs/`.
    pub row: String,
    /// What is other than in the row, as `--set` takes it: fewer experts, fewer iterations.
    #[serde(default)]
    pub set: Vec<String>,
    /// What one must know to compare.
    #[serde(default)]
    pub note: String,
    /// Which row of the results is held against the published figure.
    #[serde(default)]
    pub quote: Quote,
}

/// A row of the results of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quote {
    /// Its set.
    #[default]
    Distilled,
    /// Random real images, drawn anew for each student, as figures of random images are published.
    Random,
}

/// How far a row is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Nothing of it is there.
    Waiting,
    /// So many of its iterations are logged.
    Running {
        /// The last one that is logged.
        iteration: u64,
        /// All.
        of: u64,
    },
    /// Its results are there.
    Done(Box<Finished>),
}

/// The results of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The result that is quoted.
    pub result: Evaluation,
    /// What was published.
    pub paper: Option<PaperFigure>,
    /// Seconds and memory of distilling, where something was distilled.
    pub cost: Option<Cost>,
    /// Digest of the dataset.
    pub dataset: String,
}

impl Campaign {
    /// Reads the text of such a file.
    ///
    /// # Errors
    /// [`ConfigError`] when it is another file, or names an unknown row.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let campaign: Self = toml::from_str(text)
            .map_err(|error| ConfigError::plain(format_args!("a campaign cannot be read: {error}")))?;
        let rows = Rows::embedded()?;
        for entry in &campaign.entries {
            rows.find(&entry.row)?;
        }
        Ok(campaign)
    }

    /// The one of `configs/`.
    ///
    /// # Errors
    /// As for [`Campaign::parse`]; tests see to it that there are none.
    pub fn embedded() -> Result<Self, ConfigError> {
        Self::parse(include_str!("../../../../configs/campaign.toml"))
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be read, and as for [`Campaign::parse`].
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::plain(format_args!("{}: {error}", file.display())))?;
        Self::parse(&text)
    }

    /// How far each row is below `folder`.
    ///
    /// # Errors
    /// [`enum@Error`] when a run folder is damaged.
    pub fn states(&self, folder: &Path) -> Result<Vec<State>, Error> {
        self.entries.iter().map(|entry| entry.state(folder)).collect()
    }
}

impl CampaignEntry {
    /// Where its run is: rows that differ in what is set are other runs.
    pub fn folder(&self, below: &Path) -> PathBuf {
        let mut name = self.row.replace('/', "-");
        for set in &self.set {
            name.push('-');
            name.extend(set.chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '=')));
        }
        below.join(name)
    }

    /// The command line of the row, for people.
    pub fn command_line(&self) -> String {
        let sets: Vec<String> = self.set.iter().map(|set| format!(" --set {set}")).collect();
        format!("distil reproduce {}{}", self.row, sets.concat())
    }

    /// Runs it, as a process of low priority, with further arguments. Its results are in its folder, not on standard output.
    ///
    /// # Errors
    /// Why the process could not be started.
    pub fn run(&self, program: &Path, below: &Path, further: &[String]) -> std::io::Result<ExitStatus> {
        let mut command = if cfg!(unix) {
            let mut nice = Command::new("nice");
            nice.args(["-n", "10"]).arg(program);
            nice
        } else {
            Command::new(program)
        };
        command.args(["reproduce", &self.row]);
        self.set.iter().for_each(|set| {
            command.args(["--set", set]);
        });
        command.arg("--out").arg(self.folder(below)).args(further).stdout(Stdio::null()).status()
    }

    fn state(&self, below: &Path) -> Result<State, Error> {
        let paths = RunPaths::new(self.folder(below));
        if !paths.config().is_file() {
            return Ok(State::Waiting);
        }
        let config = Config::load(&paths.config(), &[])?;
        let file = EvaluationFile::load(&paths.evaluation())?.unwrap_or_default();
        let own = |row: &&Evaluation| file.is_own(row);
        let random = file.rows.iter().filter(own).find(|row| row.kind == RowKind::Random);
        let quoted = file.distilled().filter(own).and_then(|distilled| match self.quote {
            Quote::Distilled => Some(distilled),
            Quote::Random => random,
        });
        let Some(result) = quoted.cloned() else {
            let iteration = paths.last_iteration(None)?.unwrap_or(0);
            return Ok(State::Running { iteration, of: config.distill.iterations });
        };
        let part = if paths.set(Part::Best).is_file() { Part::Best } else { Part::Last };
        let dataset = SyntheticSet::load(paths.set(part))?.card.dataset_digest;
        let cost = Cost::load(&paths.cost())?;
        Ok(State::Done(Box::new(Finished { result, paper: config.paper, cost, dataset })))
    }
}
