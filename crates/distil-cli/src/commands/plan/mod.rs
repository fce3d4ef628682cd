//! `distil plan`: what a run will need; and the refusal of a run that does not fit.

mod calibration;
mod data_size;
mod limits;
mod table;

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device};
use clap::{Args, ValueHint};
use distil_gradcam::CamModel;
use distil_match::plan::{Change, Job, Memory, Part, Remedy, Students};
use distil_models::{ConvNet, Network};

use crate::console::duration;
use crate::device::is_cpu;
use crate::failure::Failure;
use crate::session::Context;
use data_size::Images;
use distil::config::Config;
use limits::Limit;

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The configuration (TOML)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// Set a key of the configuration, as in `distill.ipc=10`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where datasets are kept; needed only for sets that no name describes
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
    /// Skip the timing run
    #[arg(long)]
    no_timing: bool,
}

impl PlanArgs {
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

/// A configuration with the shapes it stands for.
#[derive(Debug)]
struct Planned<'a> {
    config: &'a Config,
    net: ConvNet,
    /// The network of activation maps, where its file is there.
    cam: Option<Network>,
    /// The students' teacher, where its file is there.
    teacher: Option<Network>,
    images: Images,
    device: Device,
}

pub(crate) fn plan(args: &PlanArgs, context: Context<'_>) -> Result<(), Failure> {
    let config = Config::load(&args.config, &args.set)?;
    let planned = Planned::new(&config, context)?.ok_or_else(|| {
        Failure::new(
            format_args!("nothing tells the size of the images of {}", config.data.name),
            "correct data.path, or look at the data first: `distil data info`",
        )
    })?;
    let (job, limits) = (planned.job(), limits::limits());
    let memory = job.memory();
    let tightest = tightest(&limits, &memory);
    let fits = !planned.on_host() || tightest.is_none_or(|limit| limit.allows(&memory));
    let times = (fits && !args.no_timing).then(|| {
        let Planned { config, net, images, device, .. } = &planned;
        calibration::calibrate(config, net, images.validation, device)
    });
    let remedy = tightest.filter(|_| !fits).map(|limit| remedy(&job, limit));
    context.console.result(table::table(&planned, &job, tightest, times.as_ref(), remedy.as_deref()))
}

/// A plan in a few words, for a list of many.
pub(crate) struct Summary {
    /// At the peak.
    pub(crate) memory: String,
    /// Of that, mapped files.
    pub(crate) mapped: String,
    /// Images that pass through the network in the inner steps of an iteration.
    pub(crate) images: String,
    /// What decides how long an iteration takes.
    pub(crate) size: String,
}

/// What a run will need; `None` where nothing tells the size of its images.
pub(crate) fn summary(config: &Config, context: Context<'_>) -> Result<Option<Summary>, Failure> {
    let Some(planned) = Planned::new(config, context)? else { return Ok(None) };
    let job = planned.job();
    let memory = job.memory();
    let cost = config.distill.objective.cost(job.images() as usize, planned.net.classes);
    let seen = job.batch() * cost.syn_steps as u128;
    Ok(Some(Summary {
        memory: table::size(memory.total()),
        mapped: table::size(memory.of(Part::Experts)),
        images: if seen == 0 { "–".to_owned() } else { seen.to_string() },
        size: format!("{cost:?} {:?} {} {:?}", planned.net, config.distill.iterations, config.eval),
    }))
}

/// How long a run takes on this device, from a few of its own steps.
pub(crate) fn timed(config: &Config, context: Context<'_>) -> Result<String, Failure> {
    let Some(planned) = Planned::new(config, context)? else { return Ok("–".to_owned()) };
    let times = calibration::calibrate(config, &planned.net, planned.images.validation, &planned.device);
    Ok(duration(times.total(config.distill.iterations)))
}

/// Refuses a run that needs more memory than there is, before anything is read or written. What cannot be planned is
/// refused, if at all, by whatever reads it.
pub(crate) fn refuse_what_does_not_fit(config: &Config, context: Context<'_>) -> Result<(), Failure> {
    let Some(planned) = Planned::new(config, context)? else { return Ok(()) };
    let (job, limits) = (planned.job(), limits::limits());
    let memory = planned.in_this_process(&job);
    let Some(limit) = tightest(&limits, &memory).filter(|limit| !limit.allows(&memory)) else {
        return Ok(());
    };
    let (needs, there) = (table::size(limit.counts(&memory)), table::size(limit.bytes));
    Err(Failure::new(
        format_args!("this run needs about {needs} of memory, and {there} are available {}", limit.bound),
        remedy(&job, limit),
    ))
}

/// The bound that leaves least, relative to what it counts.
fn tightest(limits: &[Limit], memory: &Memory) -> Option<Limit> {
    let room = |limit: &Limit| limit.bytes as f64 / limit.counts(memory).max(1) as f64;
    limits.iter().min_by(|a, b| room(a).total_cmp(&room(b))).copied()
}

/// What to change, in words.
fn remedy(job: &Job<'_>, limit: Limit) -> String {
    let Some(Remedy { changes, memory }) = job.remedy(|memory| limit.allows(memory)) else {
        return "use less data (data.train_limit), a smaller network or resolution, or a larger machine"
            .to_owned();
    };
    let flags: Vec<String> = changes.iter().map(flag).collect();
    let needs = table::size(limit.counts(&memory));
    format!("it fits in {needs} with {}; `distil plan` shows what takes how much", flags.join(" "))
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

impl<'a> Planned<'a> {
    /// `None` where the size of the data cannot be known without loading them.
    fn new(config: &'a Config, context: Context<'_>) -> Result<Option<Self>, Failure> {
        let Some(images) = data_size::images(&config.data, context.data_dir) else { return Ok(None) };
        let shape = images.shape;
        let net = config.model.build(shape.channels, images.classes, shape.height, shape.width)?;
        let device = context.device.open()?;
        // A file that cannot be read is refused by the run itself.
        let network = |path: &PathBuf| {
            CamModel::open(path, [shape.height, shape.width]).ok().map(|model| model.network)
        };
        let enhancement = config.distill.enhancement();
        let cam = enhancement.and_then(|enhancement| enhancement.model.as_ref()).and_then(network);
        let teacher = config.eval.teacher.as_ref().and_then(network);
        Ok(Some(Self { config, net, cam, teacher, images, device }))
    }

    fn job(&self) -> Job<'_> {
        let Self { config, net, cam, teacher, images, device } = self;
        Job {
            method: &config.distill,
            net,
            kernels: net.kernels(device, DType::F32),
            cam: cam.as_ref(),
            teacher: teacher.as_ref(),
            experts: if config.distill.needs_experts() { config.expert.experts } else { 0 },
            expert_epochs: config.expert.epochs,
            students: Students { batch: config.eval.batch, micro_batch: config.eval.micro_batch },
            data: images.size,
            device,
            threads: if self.on_host() { rayon::current_num_threads() } else { 1 },
        }
    }

    fn on_host(&self) -> bool {
        is_cpu(&self.device)
    }

    /// What of a plan lies in this process: all of it on the CPU.
    fn in_this_process(&self, job: &Job<'_>) -> Memory {
        let mut memory = job.memory();
        if !self.on_host() {
            let host = [Part::Program, Part::Data, Part::Zca, Part::Loss, Part::Reading, Part::Experts];
            memory.parts.retain(|(part, _)| host.contains(part));
        }
        memory
    }
}
