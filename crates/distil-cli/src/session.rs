//! A configuration with its data, network and device at hand.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use distil_data::{DataConfig, Dataset, Stage};
use distil_models::ConvNet;

use crate::console::{Console, Progress};
use crate::device::DeviceChoice;
use crate::failure::Failure;
use crate::interrupt;
use distil::config::Config;

/// What a command needs besides its configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) console: &'a Console,
    pub(crate) device: DeviceChoice,
    /// `--data-dir`.
    pub(crate) data_dir: Option<&'a Path>,
}

/// Everything that experts, runs and evaluations of one configuration share.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) config: Config,
    pub(crate) dataset: Dataset,
    pub(crate) net: ConvNet,
    pub(crate) device: Device,
    pub(crate) console: &'a Console,
}

impl<'a> Session<'a> {
    /// Opens the device, loads the data and builds the network.
    ///
    /// # Errors
    /// [`Failure`] when there is no such device or data, or the network does not fit the images.
    pub(crate) fn open(config: Config, context: Context<'a>) -> Result<Self, Failure> {
        let device = context.device.open()?;
        let dataset = load(&config.data, context.data_dir, context.console)?;
        let shape = dataset.shape();
        let net = config.model.build(shape.channels, dataset.classes(), shape.height, shape.width)?;
        tracing::info!(?device, parameters = net.layout().params(), dataset = dataset.name, "ready");
        Ok(Self { config, dataset, net, device, console: context.console })
    }
}

/// Loads the data a configuration names; `data_dir` is searched first, but is no part of the configuration.
pub(crate) fn load(
    data: &DataConfig,
    data_dir: Option<&Path>,
    console: &Console,
) -> Result<Dataset, Failure> {
    let data = data.clone().searched_in(data_dir);
    let mut watch = Watch::new(console);
    data.load(&mut |progress| watch.tell(progress)).map_err(stopped)
}

/// A stop that the user asked for is no error.
pub(crate) fn stopped(error: distil_data::Error) -> Failure {
    match error {
        distil_data::Error::Stopped => Failure::interrupted("run the same command again to continue"),
        error => error.into(),
    }
}

/// The folder that datasets are fetched to and searched in.
pub(crate) fn data_dir(given: Option<&Path>) -> PathBuf {
    distil_data::data_dirs(given).swap_remove(0)
}

/// Shows the stages of loading or fetching data, one after the other.
pub(crate) struct Watch<'a> {
    console: &'a Console,
    current: Option<(Stage, String, Progress)>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        Self { console, current: None }
    }

    pub(crate) fn tell(&mut self, progress: distil_data::Progress<'_>) -> std::ops::ControlFlow<()> {
        let distil_data::Progress { stage, item, done, total } = progress;
        let same = self.current.as_ref().is_some_and(|(s, i, _)| *s == stage && i == item);
        if !same {
            let (verb, unit) = words(stage);
            let bar = self.console.progress(format_args!("{verb} {item}"), total.unwrap_or(0), unit);
            self.current = Some((stage, item.to_owned(), bar));
        }
        if let Some((_, _, bar)) = &mut self.current {
            bar.set_total(total.unwrap_or(done));
            bar.at(done, "");
        }
        interrupt::flow()
    }
}

fn words(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Download => ("download", "bytes"),
        Stage::Verify => ("verify", "files"),
        Stage::Read => ("read", "files"),
        Stage::Resize => ("resize", "images"),
        Stage::FitZca => ("fit ZCA on", "steps"),
        Stage::Whiten => ("whiten", "images"),
        _ => ("prepare", "steps"),
    }
}
