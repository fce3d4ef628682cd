//! What a command needs besides its arguments.

use std::path::{Path, PathBuf};

use distil::config::Config;
use distil::{DeviceChoice, Durations, Plan, Progress, RUNS, Session, SessionBuilder};
use distil_data::{DataConfig, Dataset};

use crate::console::Console;
use crate::failure::Failure;
use distil::duration;

/// Seconds after which a command says first how long it takes.
const LONG: f64 = 600.0;

/// Where to speak and compute, and where data are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) console: &'a Console,
    pub(crate) device: DeviceChoice,
    /// `--data-dir`.
    pub(crate) data_dir: Option<&'a Path>,
}

impl Context<'_> {
    /// Opens the device, loads the data and builds the network; `experts` is `--experts`.
    ///
    /// # Errors
    /// [`Failure`] when there is no such device or data, or the network does not fit the images.
    pub(crate) fn session(self, config: Config, experts: Option<&Path>) -> Result<Session, Failure> {
        let device = self.device.open()?;
        Ok(self.begin(config).experts_in(experts).on(device)?)
    }

    /// A session that keeps what runs share below `runs`, and speaks to the console.
    pub(crate) fn begin(self, config: Config) -> SessionBuilder {
        let listener = self.console.listener();
        Session::configured(config).in_folder(RUNS).data_dir(self.data_dir).told_to(listener)
    }

    /// Refuses a run that needs more memory than there is, before anything is read or written, and says how long it takes, as
    /// [`Context::announce`] does. What cannot be planned is refused, if at all, by whatever reads it.
    pub(crate) fn plan(self, config: &Config, seconds: impl Fn(&Durations) -> f64) -> Result<(), Failure> {
        let device = self.device.open()?;
        if let Some(plan) = Plan::of(config, self.data_dir, &device)? {
            plan.check()?;
            self.announce_seconds(seconds(&plan.durations(&plan.times())));
        }
        Ok(())
    }

    /// Says how long something takes that takes more than ten minutes, by a few real steps on random data. What cannot be planned
    /// is refused, if at all, by whatever reads it.
    pub(crate) fn announce(
        self,
        config: &Config,
        seconds: impl Fn(&Durations) -> f64,
    ) -> Result<(), Failure> {
        let device = self.device.open()?;
        if let Some(plan) = Plan::of(config, self.data_dir, &device)? {
            self.announce_seconds(seconds(&plan.durations(&plan.times())));
        }
        Ok(())
    }

    /// The same of a known time.
    pub(crate) fn announce_seconds(self, seconds: f64) {
        if seconds > LONG {
            self.console.warn(format_args!(
                "this takes about {} on this device, if nothing of it is there yet; Ctrl-C stops at a safe point, and the \
                 same command goes on (`distil run`: with --resume)",
                duration(seconds)
            ));
        }
    }

    /// Loads data; those of `--data-dir` first, which is no part of a configuration.
    pub(crate) fn load(self, data: &DataConfig) -> Result<Dataset, Failure> {
        let listener = self.console.listener();
        let loaded = data.clone().searched_in(self.data_dir).load(Progress::to(&listener));
        let loaded = loaded.map_err(distil::Error::from)?;
        if let Some(text) = distil::untested_classes(&loaded) {
            self.console.warn(text);
        }
        Ok(loaded)
    }
}

/// The folder that datasets are fetched to and searched in.
pub(crate) fn data_dir(given: Option<&Path>) -> PathBuf {
    distil_data::data_dirs(given).swap_remove(0)
}
