//! What is measured: the flags that distil and its peer understand alike.

use clap::{Args, FromArgMatches, ValueEnum};
use distil::bench::{Bench, Update, Work};
use distil_match::Gradient;
use distil_models::ConvNet;
use serde::Serialize;

use crate::failure::Failure;

/// What one measurement repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// One iteration of trajectory matching with the exact gradient
    Exact,
    /// The same iteration with TESLA's truncated gradient
    Tesla,
    /// The same as exact for distil, which always computes from stored parameters; a separate mode of the peer
    Adjoint,
    /// One SGD step of a network on a batch of real images
    TrainStep,
    /// One epoch of training a network on the synthetic set
    EvalEpoch,
    /// Grad-CAM maps of all synthetic images, one class each; not available for the peer
    GradCam,
}

impl Mode {
    /// Whether the peer measures it too.
    pub(crate) fn has_peer(self) -> bool {
        self != Self::GradCam
    }

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Tesla => "tesla",
            Self::Adjoint => "adjoint",
            Self::TrainStep => "train-step",
            Self::EvalEpoch => "eval-epoch",
            Self::GradCam => "grad-cam",
        }
    }
}

/// How the peer keeps its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Layout {
    /// One tensor each
    List,
    /// One vector, as in the published code
    Flat,
}

/// The flags of `distil bench step` that decide what is measured; the same words mean the same to the peer.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Setting {
    /// What is timed
    #[arg(long, value_enum, default_value = "exact")]
    pub(crate) mode: Mode,
    /// Channels of every convolution
    #[arg(long, default_value_t = 128, value_parser = count, value_name = "N")]
    pub(crate) width: usize,
    /// Blocks of the network
    #[arg(long, default_value_t = 3, value_parser = count, value_name = "N")]
    pub(crate) depth: usize,
    /// Classes
    #[arg(long, default_value_t = 10, value_parser = count, value_name = "N")]
    pub(crate) classes: usize,
    /// Channels of the images
    #[arg(long, default_value_t = 3, value_parser = count, value_name = "N")]
    pub(crate) channels: usize,
    /// Height and width of the images in pixels
    #[arg(long, default_value_t = 32, value_parser = count, value_name = "N")]
    pub(crate) resolution: usize,
    /// Synthetic images
    #[arg(long, default_value_t = 10, value_parser = count, value_name = "N")]
    pub(crate) images: usize,
    /// Images of one inner step, 0 for all
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) batch_syn: usize,
    /// Inner steps of one iteration
    #[arg(long, default_value_t = 20, value_parser = count, value_name = "N")]
    pub(crate) steps: usize,
    /// Batch of train-step and eval-epoch
    #[arg(long, default_value_t = 256, value_parser = count, value_name = "N")]
    pub(crate) batch: usize,
    /// Images processed at a time on each thread, 0 for the presets' value; no effect on the peer
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) micro_batch: usize,
    /// Allow the peer to use TF32 on CUDA; distil follows Burn
    #[arg(long)]
    pub(crate) tf32: bool,
    /// How the peer stores parameters in mode exact; no effect on distil
    #[arg(long, value_enum, default_value = "list")]
    pub(crate) layout: Layout,
    /// Skip the update of images, labels and step size
    #[arg(long)]
    pub(crate) no_update: bool,
    /// Let the peer's C allocator keep freed memory; no effect on distil
    #[arg(long)]
    pub(crate) keep_pages: bool,
    /// Repetitions before timing starts
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) warmup: usize,
    /// Timed repetitions
    #[arg(long, default_value_t = 5, value_parser = count, value_name = "N")]
    pub(crate) repeats: usize,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
}

/// A number of things that cannot be zero.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("give at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("give a whole number of at least 1".to_owned()),
    }
}

/// What the command line gives without a flag.
impl Default for Setting {
    fn default() -> Self {
        let command = Self::augment_args(clap::Command::new("bench"));
        let matches = command.get_matches_from(["bench"]);
        Self::from_arg_matches(&matches).expect("every flag has a default")
    }
}

impl Setting {
    /// Resolves every 0 that stands for a default.
    pub(crate) fn resolved(mut self) -> Self {
        if self.batch_syn == 0 || self.batch_syn > self.images {
            self.batch_syn = self.images;
        }
        if self.micro_batch == 0 {
            self.micro_batch = match self.mode {
                Mode::Exact | Mode::Tesla | Mode::Adjoint | Mode::GradCam => {
                    distil_match::Method::mtt().micro_batch
                }
                Mode::TrainStep => distil_expert::Recipe::default().micro_batch,
                Mode::EvalEpoch => distil_eval::Protocol::default().micro_batch,
            };
        }
        self
    }

    /// The network.
    ///
    /// # Errors
    /// [`Failure`] when depth and resolution do not go together.
    pub(crate) fn network(&self) -> Result<ConvNet, Failure> {
        let net = ConvNet::new(self.channels, self.classes, self.resolution, self.resolution)
            .with_width(self.width)
            .with_depth(self.depth);
        match net.check() {
            Ok(()) => Ok(net),
            Err(error) => Err(Failure::new(error, "change --depth, --resolution or --width")),
        }
    }

    /// What is measured, of a [resolved](Self::resolved) setting.
    pub(crate) fn bench(&self) -> Result<Bench, Failure> {
        let &Self { images, batch_syn, steps: syn_steps, batch, .. } = self;
        let iteration = |gradient| {
            let update = if self.no_update { Update::Zero } else { Update::Apply };
            Work::Iteration { images, batch_syn, syn_steps, gradient, update }
        };
        let work = match self.mode {
            Mode::Exact | Mode::Adjoint => iteration(Gradient::Exact),
            Mode::Tesla => iteration(Gradient::Tesla),
            Mode::TrainStep => Work::ExpertStep { batch },
            Mode::EvalEpoch => Work::Epoch { images, batch },
            Mode::GradCam => Work::Maps { images },
        };
        let &Self { micro_batch, warmup, repeats, seed, .. } = self;
        Ok(Bench { net: self.network()?.into(), work, micro_batch, warmup, repeats, seed })
    }

    /// As flags that distil and the peer understand alike.
    pub(crate) fn flags(&self) -> Vec<String> {
        let numbers = [
            ("--width", self.width),
            ("--depth", self.depth),
            ("--classes", self.classes),
            ("--channels", self.channels),
            ("--resolution", self.resolution),
            ("--images", self.images),
            ("--batch-syn", self.batch_syn),
            ("--steps", self.steps),
            ("--batch", self.batch),
            ("--warmup", self.warmup),
            ("--repeats", self.repeats),
        ];
        let mut flags = vec!["--mode".to_owned(), self.mode.name().to_owned()];
        flags.extend(numbers.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_string()]));
        flags.extend(["--seed".to_owned(), self.seed.to_string()]);
        let switches = [("--tf32", self.tf32), ("--no-update", self.no_update)];
        flags.extend(switches.into_iter().filter(|(_, on)| *on).map(|(flag, _)| flag.to_owned()));
        flags
    }

    /// What is measured, in words.
    pub(crate) fn described(&self) -> String {
        let Self { width, depth, channels, resolution: side, images, batch_syn, steps, batch, .. } = self;
        let net = format!("width {width}, depth {depth}, {channels}×{side}×{side}");
        match self.mode {
            Mode::TrainStep => format!("{net}, batch {batch}"),
            Mode::GradCam => format!("{net}, {images} images"),
            Mode::EvalEpoch => format!("{net}, {images} images in batches of {}", batch.min(images)),
            _ if *batch_syn == 0 || batch_syn >= images => format!("{net}, {images} images, N = {steps}"),
            _ => format!("{net}, {images} images, {batch_syn} a step, N = {steps}"),
        }
    }
}
