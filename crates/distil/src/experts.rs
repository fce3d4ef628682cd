//! The experts of a session.

use std::path::{Path, PathBuf};

use distil_expert::{ExpertError, Recipe, header, train_store};
use distil_store::{StoreError, StoreHeader, TrajectoryStore, import_replay_buffers};
use thiserror::Error;

use crate::{Error, Session};

/// Experts that a run needs and that are not there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MissingExperts {
    /// None at all.
    #[error(
        "there are no experts in {}; train them first: `distil expert` with the same configuration", folder.display()
    )]
    All {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// Some.
    #[error(
        "{found} of {asked} experts are in {}; train the others with `distil expert`, or ask for fewer with --set expert.experts=N",
        folder.display()
    )]
    Some {
        /// Experts there are.
        found: usize,
        /// Experts there should be.
        asked: usize,
        /// Their folder.
        folder: PathBuf,
    },
}

impl Session {
    /// Trains the experts that are missing.
    ///
    /// # Errors
    /// [`enum@Error`] when one cannot be trained or written; [`Error::Stopped`] when the listener asked to stop.
    pub fn train_experts(&self) -> Result<TrajectoryStore, Error> {
        let recipe = &self.config.expert;
        let header = self.expert_header();
        let store = TrajectoryStore::create_or_open(self.expert_folder(&header), &header)?;
        for damaged in store.damaged() {
            self.progress().warn(format_args!("{damaged}; it is trained again now"));
        }
        match train_store(&store, self.device.engine(), &self.net, &self.dataset, recipe, self.progress()) {
            Ok(_) => Ok(store),
            Err(ExpertError::Stopped { .. }) => {
                let asked = recipe.experts;
                let kept = asked - missing(&store, recipe);
                Err(Error::stopped(format_args!("{kept} of {asked} experts are kept; {}", Error::AGAIN)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the experts over from replay buffers of MTT's code, which must have been trained on these data and this network:
    /// the files do not say on which.
    ///
    /// # Errors
    /// [`enum@Error`] when a file does not fit; [`Error::Stopped`] when the listener asked to stop.
    pub fn import_experts(&self, buffers: &[impl AsRef<Path>]) -> Result<TrajectoryStore, Error> {
        let header = self.expert_header();
        let folder = self.expert_folder(&header);
        let buffers: Vec<PathBuf> = buffers.iter().map(|path| path.as_ref().to_owned()).collect();
        import_replay_buffers(&buffers, &header, folder, self.progress()).map_err(|error| match error {
            StoreError::Stopped => Error::stopped(Error::AGAIN),
            error => error.into(),
        })
    }

    /// Trains the experts that are missing, where the configuration's method needs any.
    ///
    /// # Errors
    /// As [`Session::train_experts`].
    pub fn train_needed_experts(&self) -> Result<Option<TrajectoryStore>, Error> {
        self.config.distill.needs_experts().then(|| self.train_experts()).transpose()
    }

    /// The experts, where the configuration's method needs any: all of them must be there.
    ///
    /// # Errors
    /// As [`Session::open_experts`].
    pub fn open_needed_experts(&self) -> Result<Option<TrajectoryStore>, Error> {
        self.config.distill.needs_experts().then(|| self.open_experts()).transpose()
    }

    /// The experts, all of which must be there.
    ///
    /// # Errors
    /// [`MissingExperts`], or [`enum@Error`] when the store cannot be read.
    pub fn open_experts(&self) -> Result<TrajectoryStore, Error> {
        let (recipe, header) = (&self.config.expert, self.expert_header());
        let folder = self.expert_folder(&header);
        if !folder.join("store.json").is_file() {
            return Err(MissingExperts::All { folder }.into());
        }
        let store = TrajectoryStore::create_or_open(&folder, &header)?;
        match missing(&store, recipe) {
            0 => Ok(store),
            missing => {
                let (found, asked) = (recipe.experts - missing, recipe.experts);
                Err(MissingExperts::Some { found, asked, folder }.into())
            }
        }
    }

    fn expert_header(&self) -> StoreHeader {
        header(&self.net, &self.dataset, &self.config.expert, self.config.seed)
    }
}

fn missing(store: &TrajectoryStore, recipe: &Recipe) -> usize {
    recipe.experts - store.complete().iter().filter(|index| **index < recipe.experts).count()
}
