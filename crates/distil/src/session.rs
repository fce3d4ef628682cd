//! Data, a network and a device: what everything else is done with.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use distil_data::{DataConfig, Dataset};
use distil_eval::{Evaluation, Protocol, Subject};
use distil_expert::Recipe;
use distil_match::{Experts, Files, Inputs, Method, run_unvalidated};
use distil_models::{Network, NetworkConfig};
use distil_progress::{News, Progress};
use distil_store::{RunFolder, RunPaths, SyntheticSet, TrajectoryStore};
use tempfile::TempDir;

use crate::config::Config;
use crate::students::Students;
use crate::{Device, Error};

/// Data, a network and a device: everything that distilling and evaluating share.
///
/// Without a folder, a session keeps experts and checkpoints in a temporary one until it is dropped. With one
/// ([`SessionBuilder::in_folder`]), an interrupted program continues where it was. Both give the same tensors.
#[derive(Debug)]
pub struct Session {
    pub(crate) config: Config,
    pub(crate) dataset: Dataset,
    pub(crate) net: Network,
    pub(crate) device: Device,
    pub(crate) place: Place,
    listener: SharedListener,
}

/// Where a session keeps its files.
#[derive(Debug)]
pub(crate) struct Place {
    root: Root,
    /// The experts, where they are not below the root.
    pub(crate) experts: Option<PathBuf>,
}

#[derive(Debug)]
enum Root {
    Folder(PathBuf),
    /// Removed when the session is dropped.
    Temporary(TempDir),
}

/// Hears how long work goes, from any thread.
#[derive(Clone, Default)]
struct SharedListener(Option<Arc<Heard>>);

type Heard = dyn Fn(&News<'_>) -> ControlFlow<()> + Send + Sync;

impl fmt::Debug for SharedListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a listener" } else { "nobody" })
    }
}

impl SharedListener {
    fn progress(&self) -> Progress<'_> {
        self.0.as_ref().map_or(Progress::none(), |listener| Progress::to(&**listener))
    }
}

/// A [`Session`] to be: [`SessionBuilder::on`] loads the data.
#[derive(Debug, Clone)]
pub struct SessionBuilder {
    config: Config,
    folder: Option<PathBuf>,
    experts: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    listener: SharedListener,
}

impl Session {
    /// Begins a session on these data, with the published ConvNet, MTT's experts and seed 0.
    #[expect(clippy::new_ret_no_self, reason = "reads as it is: a new session of …, on a device")]
    pub fn new(data: DataConfig) -> SessionBuilder {
        Self::configured(Config::new(data))
    }

    /// Begins a session with everything a configuration says.
    pub fn configured(config: Config) -> SessionBuilder {
        let listener = SharedListener::default();
        SessionBuilder { config, folder: None, experts: None, data_dir: None, listener }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The data.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The network of experts and students.
    pub fn net(&self) -> &Network {
        &self.net
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same session by another configuration; data that stay the same are not loaded again.
    ///
    /// # Errors
    /// As [`SessionBuilder::on`].
    pub fn by(self, config: Config) -> Result<Self, Error> {
        if self.config.data == config.data && self.config.model == config.model {
            return Ok(Self { config, ..self });
        }
        let Self { device, place, listener, .. } = self;
        let dataset = config.data.load(listener.progress())?;
        let net = network(&config.model, &dataset)?;
        Ok(Self { config, dataset, net, device, place, listener })
    }

    /// Distils, and returns the set after the last iteration. Where the method needs experts, those that are missing are
    /// trained first.
    ///
    /// # Errors
    /// [`Error`] when the method cannot work with these data and experts, or the run gets stuck.
    #[expect(clippy::needless_pass_by_value, reason = "a chain of builders reads without a borrow")]
    pub fn distil(&self, method: Method) -> Result<SyntheticSet, Error> {
        let needed = method.needs_experts();
        method.check(if needed { self.config.expert.epochs } else { 0 })?;
        let store = needed.then(|| self.train_experts()).transpose()?;
        let inputs = self.inputs(&method, store.as_ref());
        let mut folder = self.own_run_folder(&method)?;
        let mut on_event = |event: &distil_match::Event| self.tell_event(event, method.iterations, None);
        run_unvalidated(&inputs, ("session", "a program"), &mut folder, &mut on_event)?;
        Ok(SyntheticSet::load(&Files::of(folder.paths()).last)?)
    }

    /// Trains students on a set, from scratch and one for each seed, and tests them on the test images.
    ///
    /// # Errors
    /// [`Error`] when the set is not one of these data, or the protocol needs a teacher and names none.
    #[expect(clippy::needless_pass_by_value, reason = "a chain of builders reads without a borrow")]
    pub fn evaluate(&self, set: &SyntheticSet, protocol: Protocol) -> Result<Score, Error> {
        protocol.check()?;
        let students = Students::by(self, &protocol)?;
        let net = students.own_network()?;
        let set = students.set(set)?;
        let evaluator = students.evaluator(&net);
        Ok(Score(evaluator.evaluate("distilled", Subject::Synthetic(&set), self.progress())?))
    }

    /// What a method works with.
    pub(crate) fn inputs<'a>(&'a self, method: &'a Method, store: Option<&'a TrajectoryStore>) -> Inputs<'a> {
        let numbers = (0..self.config.expert.experts).collect();
        Inputs {
            method,
            net: &self.net,
            dataset: &self.dataset,
            experts: store.map(|store| Experts { store, numbers }),
            seed: self.config.seed,
            engine: self.device.engine(),
            maps: None,
        }
    }

    pub(crate) fn progress(&self) -> Progress<'_> {
        self.listener.progress()
    }

    /// The folder of everything this session keeps.
    pub(crate) fn root(&self) -> &Path {
        match &self.place.root {
            Root::Folder(folder) => folder,
            Root::Temporary(folder) => folder.path(),
        }
    }

    /// The folder of a run: continued where it is there, which it may only be with the same settings.
    fn own_run_folder(&self, method: &Method) -> Result<RunFolder, Error> {
        let settings = toml::to_string_pretty(method).expect("a method is plain TOML");
        let folder = match &self.place.root {
            Root::Folder(folder) => folder.join("run"),
            Root::Temporary(folder) => {
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
    pub fn network(mut self, model: NetworkConfig) -> Self {
        self.config.model = model;
        self
    }

    /// How experts are trained, where a method needs them.
    #[must_use]
    pub fn experts(mut self, recipe: Recipe) -> Self {
        self.config.expert = recipe;
        self
    }

    /// Seed of all random numbers.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Keeps experts, checkpoints and sets in this folder, and continues what is there.
    #[must_use]
    pub fn in_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Keeps experts in this folder instead, or finds them there.
    #[must_use]
    pub fn experts_in(self, folder: Option<&Path>) -> Self {
        Self { experts: folder.map(Path::to_owned), ..self }
    }

    /// Searches datasets in this folder first.
    #[must_use]
    pub fn data_dir(self, folder: Option<&Path>) -> Self {
        Self { data_dir: folder.map(Path::to_owned), ..self }
    }

    /// Tells a listener how long work goes; its answer can stop it.
    #[must_use]
    pub fn told_to(self, listener: impl Fn(&News<'_>) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self { listener: SharedListener(Some(Arc::new(listener))), ..self }
    }

    /// Loads the data and builds the network.
    ///
    /// # Errors
    /// [`Error`] when the data are not there, or the network does not fit them.
    pub fn on(self, device: Device) -> Result<Session, Error> {
        let Self { config, folder, experts, data_dir, listener } = self;
        config.data.check()?;
        let dataset = config.data.clone().searched_in(data_dir.as_deref()).load(listener.progress())?;
        let net = network(&config.model, &dataset)?;
        let root = match folder {
            Some(folder) => Root::Folder(folder),
            None => Root::Temporary(tempfile::tempdir().map_err(Error::Temporary)?),
        };
        tracing::info!(?device, parameters = net.layout().params(), dataset = dataset.name, "ready");
        Ok(Session { config, dataset, net, device, place: Place { root, experts }, listener })
    }
}

fn network(model: &NetworkConfig, dataset: &Dataset) -> Result<Network, Error> {
    let shape = dataset.shape();
    Ok(model.build([shape.channels, shape.height, shape.width], dataset.classes())?)
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
