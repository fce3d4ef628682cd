//! What a run will need, before it starts: memory, disk, time; and what to change when it does not fit.
//!
//! What the kernels work in is exact. What a network on Burn's operations takes for an image is measured. The whole is meant to
//! be within 20 % of the largest resident size of a real run (docs/benchmarks.md).

mod calibration;
mod durations;
mod job;
mod limits;
mod log;
mod measured;
mod memory;
mod page;
mod remedy;
#[cfg(test)]
mod tests;

use burn::tensor::DType;
use distil_data::DatasetSize;
use distil_gradcam::CamModel;
use distil_models::Network;
use thiserror::Error;

use crate::config::Config;
use crate::{Device, Error};

pub use calibration::Times;
pub use durations::Durations;
pub use job::{DataSize, Job, Stored, Students};
pub use limits::{Bound, Limit};
pub use measured::PerImage;
pub use memory::{Memory, Part};
pub use remedy::{Change, Remedy};

/// A run that cannot be planned, or does not fit.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Neither the name of the data nor their files tell their size.
    #[error(
        "nothing tells the size of the images of {data}; correct data.path, or look at the data first: `distil data info`"
    )]
    UnknownSize {
        /// Name of the data.
        data: String,
    },
    /// There is not enough memory.
    #[error("this run needs about {needed} of memory, and {available} are available {bound}; {remedy}")]
    DoesNotFit {
        /// What the run needs.
        needed: String,
        /// What there is.
        available: String,
        /// What bounds it.
        bound: Bound,
        /// The remedy.
        remedy: String,
    },
}

/// A run with the shapes it stands for, before any data are loaded.
#[derive(Debug)]
pub struct Plan<'a> {
    config: &'a Config,
    net: Network,
    /// The network used for maps, where its file is there.
    cam: Option<Network>,
    /// The students' teacher, where its file is there.
    teacher: Option<Network>,
    data: DataSize,
    /// Training, validation and test images.
    images: [usize; 3],
    measured: Option<PerImage>,
    device: Device,
}

impl<'a> Plan<'a> {
    /// The plan of a configuration on a device; `None` where the size of the data cannot be known without loading them.
    ///
    /// # Errors
    /// [`Error::Network`] when the network does not fit the images.
    pub fn of(
        config: &'a Config,
        data_dir: Option<&std::path::Path>,
        device: &Device,
    ) -> Result<Option<Self>, Error> {
        let Some(size) = config.data.clone().searched_in(data_dir).size() else { return Ok(None) };
        let mut plan = Self::sized(config, size, device)?;
        plan.measured = plan.measure();
        Ok(Some(plan))
    }

    /// The plan for data of a known size, whose files are not looked at. It is for times: nothing is measured for its memory.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub(crate) fn sized(config: &'a Config, found: DatasetSize, device: &Device) -> Result<Self, Error> {
        let shape = found.shape;
        let net = config.model.build([shape.channels, shape.height, shape.width], found.classes)?;
        // A file that cannot be read is refused by the run itself.
        let network = |path: &std::path::PathBuf| {
            CamModel::open(path, [shape.height, shape.width]).ok().map(|model| model.network)
        };
        let enhancement = config.distill.enhancement();
        let cam = enhancement.and_then(|enhancement| enhancement.model.as_ref()).and_then(network);
        let teacher = config.eval.teacher.as_ref().and_then(network);
        let data = DataSize {
            kept: found.images.iter().sum(),
            train: [found.images[0], found.smallest],
            read: found.read,
            read_pixels: found.read_shape.len(),
            zca: config.data.zca,
        };
        let device = device.clone();
        Ok(Self { config, net, cam, teacher, data, images: found.images, measured: None, device })
    }

    /// As [`Plan::of`], where the size must be known.
    ///
    /// # Errors
    /// [`PlanError::UnknownSize`], and those of [`Plan::of`].
    pub fn known(
        config: &'a Config,
        data_dir: Option<&std::path::Path>,
        device: &Device,
    ) -> Result<Self, Error> {
        let unknown = || PlanError::UnknownSize { data: config.data.name.to_string() };
        Ok(Self::of(config, data_dir, device)?.ok_or_else(unknown)?)
    }

    /// Name of the run.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The network of experts and students.
    pub fn net(&self) -> &Network {
        &self.net
    }

    /// What it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Everything that decides what the run needs.
    pub fn job(&self) -> Job<'_> {
        let Self { config, net, cam, teacher, data, device, .. } = self;
        Job {
            method: &config.distill,
            net,
            kernels: device.engine().kernels(net, DType::F32),
            cam: cam.as_ref(),
            teacher: teacher.as_ref(),
            experts: if config.distill.needs_experts() { config.expert.experts } else { 0 },
            expert_epochs: config.expert.epochs,
            students: Students { batch: config.eval.batch, micro_batch: config.eval.micro_batch },
            data: *data,
            measured: self.measured,
            engine: device.engine(),
            threads: if device.is_cpu() { rayon::current_num_threads() } else { 1 },
        }
    }

    /// The bound that leaves least, where the plan's memory is this process's; `None` on other devices, and where the system
    /// does not tell.
    pub fn limit(&self) -> Option<Limit> {
        let memory = self.job().memory();
        limits::tightest(&memory).filter(|_| self.device.is_cpu())
    }

    /// What to change so that the run fits, in words; `None` where it does.
    pub fn remedy(&self) -> Option<String> {
        let (job, limit) = (self.job(), self.limit()?);
        (!limit.allows(&job.memory())).then(|| remedy(&job, limit))
    }

    /// How long the run takes, from a few real steps on random data. Takes seconds.
    pub fn times(&self) -> Times {
        calibration::calibrate(self.config, &self.net, self.synthetic_and_held_out(), self.device.engine())
    }

    /// Synthetic images as networks see them, and those that a validation classifies.
    fn synthetic_and_held_out(&self) -> [usize; 2] {
        [usize::try_from(self.job().images()).unwrap_or(usize::MAX), self.images[1]]
    }

    /// Refuses a run that needs more memory than there is, before anything is read or written.
    ///
    /// # Errors
    /// [`PlanError::DoesNotFit`] gives the remedy.
    pub fn check(&self) -> Result<(), PlanError> {
        let (job, memory) = (self.job(), self.in_this_process());
        let Some(limit) = limits::tightest(&memory).filter(|limit| !limit.allows(&memory)) else {
            return Ok(());
        };
        Err(PlanError::DoesNotFit {
            needed: size(limit.counts(&memory)),
            available: size(limit.bytes),
            bound: limit.bound,
            remedy: remedy(&job, limit),
        })
    }

    /// What passes over an image take, where no formula says it: on Burn's operations on the CPU. What is far from fitting is not
    /// tried.
    fn measure(&self) -> Option<PerImage> {
        let job = self.job();
        let room = limits::tightest(&job.memory()).map_or(u128::MAX, |limit| limit.bytes / 2);
        let tried = job.kernels.is_none() && self.device.is_cpu() && job.of_one_chunk() < room;
        let batch = usize::try_from(job.batch().max(2)).unwrap_or(usize::MAX);
        let measure = || {
            let sizes = (batch, job.threads);
            measured::per_image(&self.config.distill, &self.net, sizes, self.device.engine())
        };
        tried.then(measure).flatten()
    }

    /// What of the plan lies in this process: all of it on the CPU.
    fn in_this_process(&self) -> Memory {
        let mut memory = self.job().memory();
        if !self.device.is_cpu() {
            let host = [Part::Program, Part::Data, Part::Zca, Part::Loss, Part::Reading, Part::Experts];
            memory.parts.retain(|(part, _)| host.contains(part));
        }
        memory
    }
}

/// What to change, in words.
fn remedy(job: &Job<'_>, limit: Limit) -> String {
    let Some(Remedy { changes, memory }) = job.remedy(|memory| limit.allows(memory)) else {
        return "use less data (data.train_limit), a smaller network or resolution, or a larger machine"
            .to_owned();
    };
    let flags: Vec<String> = changes.iter().map(flag).collect();
    let needs = size(limit.counts(&memory));
    format!("it fits in {needs} with {} (`distil plan` shows what takes how much)", flags.join(" "))
}

fn flag(change: &Change) -> String {
    match change {
        Change::MicroBatch(size) => format!("--set distill.micro_batch={size}"),
        Change::StudentMicroBatch(size) => format!("--set eval.micro_batch={size}"),
        Change::Threads(threads) => format!("--threads {threads}"),
        Change::BatchSyn(batch) => format!("--set distill.batch_syn={batch}"),
        Change::Ipc(ipc) => format!("--set distill.ipc={ipc}"),
    }
}

/// Bytes in a unit that leaves few digits.
pub fn size(bytes: u128) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = match value {
        _ if unit == 0 => 0,
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$} {}", units[unit])
}
