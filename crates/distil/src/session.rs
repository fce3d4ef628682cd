//! A whole program in a few calls.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use distil_data::{DataConfig, Dataset};
use distil_eval::{Evaluation, Evaluator, Protocol, ProtocolData, Subject};
use distil_expert::{Recipe, header, train_store};
use distil_match::{Experts, Files, Inputs, Method, run_unvalidated};
use distil_models::{ConvNet, ConvNetConfig, Network};
use distil_store::{RunFolder, RunPaths, StoreError, SyntheticSet, TrajectoryStore};
use tempfile::TempDir;

use crate::{Device, Error};

/// Data, a network and a device: everything that distilling and evaluating share.
///
/// Without a folder of its own, a session keeps experts and checkpoints in a temporary one until it is dropped. With one
/// ([`SessionBuilder::in_folder`]), an interrupted program continues where it was. Both give the same tensors.
#[derive(Debug)]
pub struct Session {
    dataset: Dataset,
    model: ConvNetConfig,
    net: ConvNet,
    recipe: Recipe,
    seed: u64,
    device: Device,
    place: Place,
}

/// Where a session keeps its files.
#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    /// Removed when the session is dropped.
    Temporary(TempDir),
}

/// A [`Session`] to be: [`SessionBuilder::on`] loads the data.
#[derive(Debug, Clone)]
pub struct SessionBuilder {
    data: DataConfig,
    model: ConvNetConfig,
    recipe: Recipe,
    seed: u64,
    folder: Option<PathBuf>,
}

impl Session {
    /// Begins a session on these data, with the published ConvNet, MTT's experts and seed 0.
    #[expect(clippy::new_ret_no_self, reason = "reads as it is: a new session of …, on a device")]
    pub fn new(data: DataConfig) -> SessionBuilder {
        SessionBuilder {
            data,
            model: ConvNetConfig::default(),
            recipe: Recipe::default(),
            seed: 0,
            folder: None,
        }
    }

    /// The data.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Distils, and returns the set after the last iteration. Where the method needs experts, those that are missing are
    /// trained first.
    ///
    /// # Errors
    /// [`Error`] when the method cannot work with these data and experts, or the run gets stuck.
    #[expect(clippy::needless_pass_by_value, reason = "a chain of builders reads without a borrow")]
    pub fn distil(&self, method: Method) -> Result<SyntheticSet, Error> {
        let epochs = if method.needs_experts() { self.recipe.epochs } else { 0 };
        method.check(epochs)?;
        let store = if method.needs_experts() { Some(self.experts()?) } else { None };
        let numbers = (0..self.recipe.experts).collect();
        let inputs = Inputs {
            method: &method,
            net: &self.net,
            dataset: &self.dataset,
            experts: store.as_ref().map(|store| Experts { store, numbers }),
            seed: self.seed,
            device: self.device.burn(),
            cam: None,
        };
        let mut folder = self.run_folder(&method)?;
        let named = ("session", "a program");
        run_unvalidated(&inputs, named, &mut folder, &mut |_| ControlFlow::Continue(()))?;
        Ok(SyntheticSet::load(&Files::of(folder.paths()).last)?)
    }

    /// Trains students on a set, from scratch and one for each seed, and tests them on the test images.
    ///
    /// # Errors
    /// [`Error`] when the set is not one of these data, or the protocol needs a teacher.
    #[expect(clippy::needless_pass_by_value, reason = "a chain of builders reads without a borrow")]
    pub fn evaluate(&self, set: &SyntheticSet, protocol: Protocol) -> Result<Score, Error> {
        protocol.check()?;
        let grounds = ProtocolData::new(&protocol, &self.dataset)?;
        let set = grounds.set(set)?;
        let shape = self.dataset.shape();
        let convnet = protocol.convnet(&self.model);
        let net = convnet.build(shape.channels, self.dataset.classes(), shape.height, shape.width)?;
        let evaluator = Evaluator {
            net: &Network::ConvNet(net),
            dataset: grounds.dataset(),
            protocol: &protocol,
            seed: self.seed,
            device: self.device.burn(),
            teacher: None,
        };
        let go = &mut |_| ControlFlow::Continue(());
        Ok(Score(evaluator.evaluate("distilled", Subject::Synthetic(&set), go)?))
    }

    /// The experts of the session, trained where they are missing.
    ///
    /// # Errors
    /// [`Error`] when one cannot be trained or written.
    pub fn experts(&self) -> Result<TrajectoryStore, Error> {
        let header = header(&self.net, &self.dataset, &self.recipe, self.seed);
        let store = TrajectoryStore::create_or_open(self.folder().join("experts"), &header)?;
        let go = &mut |_| ControlFlow::Continue(());
        train_store(&store, &self.net, &self.dataset, &self.recipe, self.device.burn(), go)?;
        Ok(store)
    }

    fn folder(&self) -> &Path {
        match &self.place {
            Place::Folder(folder) => folder,
            Place::Temporary(folder) => folder.path(),
        }
    }

    /// The folder of a run: continued where it is there, which it may only be with the same settings.
    fn run_folder(&self, method: &Method) -> Result<RunFolder, Error> {
        let settings = toml::to_string_pretty(method).expect("a method is plain TOML");
        let folder = match &self.place {
            Place::Folder(folder) => folder.join("run"),
            Place::Temporary(folder) => {
                tempfile::tempdir_in(folder.path()).map_err(Error::Temporary)?.keep().join("run")
            }
        };
        let there = RunPaths::new(&folder).config().is_file();
        Ok(if there {
            RunFolder::resume(&folder, &settings)?
        } else {
            RunFolder::create(&folder, &settings)?
        })
    }
}

impl SessionBuilder {
    /// The network to distil with, and that of experts and students.
    #[must_use]
    pub fn network(self, model: ConvNetConfig) -> Self {
        Self { model, ..self }
    }

    /// How experts are trained, where a method needs them.
    #[must_use]
    pub fn experts(self, recipe: Recipe) -> Self {
        Self { recipe, ..self }
    }

    /// Keys every random stream.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Keeps experts, checkpoints and sets in this folder, and continues what is there.
    #[must_use]
    pub fn in_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Loads the data and builds the network.
    ///
    /// # Errors
    /// [`Error`] when the data are not there, or the network does not fit them.
    pub fn on(self, device: Device) -> Result<Session, Error> {
        let Self { data, model, recipe, seed, folder } = self;
        data.check()?;
        let dataset = data.load(&mut |_| ControlFlow::Continue(()))?;
        let shape = dataset.shape();
        let net = model.build(shape.channels, dataset.classes(), shape.height, shape.width)?;
        let place = match folder {
            Some(folder) => {
                distil_store::atomic::create_folder(&folder).map_err(StoreError::from)?;
                Place::Folder(folder)
            }
            None => Place::Temporary(tempfile::tempdir().map_err(Error::Temporary)?),
        };
        Ok(Session { dataset, model, net, recipe, seed, device, place })
    }
}

/// What a set is worth.
#[derive(Debug, Clone)]
pub struct Score(pub Evaluation);

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = &self.0.summary;
        let [mean, std] = [summary.mean, summary.std].map(|value| 100.0 * value);
        write!(f, "{mean:.1} ± {std:.1} %")?;
        if let Some([low, high]) = summary.ci95.map(|bounds| bounds.map(|bound| 100.0 * bound)) {
            write!(f, " (95 % interval {low:.1} to {high:.1} %)")?;
        }
        write!(f, ", {} students by {}", self.0.accuracies.len(), self.0.protocol)
    }
}
