//! A first configuration for data that nobody has distilled yet: small enough that this machine finishes it in minutes, and
//! with what a published run would take.

mod text;

use std::fmt;
use std::path::Path;

use distil_data::{DataConfig, DatasetKind, DatasetSize, HoldOut, ImageShape, Sides};
use distil_progress::Progress;
use thiserror::Error;

use crate::config::{Config, Layer};
use crate::{Device, Durations, Error, Plan, Times, duration};

/// Experts of a first run.
const EXPERTS: usize = 5;
/// Steps of SGD that an expert should make at least.
const EXPERT_STEPS: usize = 120;
const EPOCHS: [usize; 2] = [5, 30];
/// Iterations of a first run: fewer show nothing, and of more there is little use with so few experts.
const ITERATIONS: [u64; 2] = [100, 1000];
/// The share of the time that training on real images may take, as experts and for comparison.
const REAL_SHARE: f64 = 0.5;

/// Validation images that tell good sets from bad ones, and the share that they may be.
const ENOUGH: usize = 30;
const MOST_HELD_OUT: f64 = 0.3;
/// Sets of up to so many picture files are read once, so that what cannot be read is known at once.
const READ_THROUGH: usize = 20_000;

/// A configuration to start from.
#[derive(Debug, Clone)]
pub struct Starter {
    /// The configuration, with comments, as TOML.
    pub text: String,
    /// How long it takes on this device.
    pub durations: Durations,
    /// How long the published recipe would take, at this size of images.
    pub published: Durations,
    /// Training images that it uses, and that there are.
    pub images: [usize; 2],
    /// Sides of the pictures, where the data are picture files.
    pub sides: Option<Sides>,
    /// What the configuration chose.
    pub scale: Scale,
}

/// The size of a first run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// What pictures are resized to; as they are without it.
    pub resolution: Option<usize>,
    /// Channels of the network.
    pub width: usize,
    /// The share of training images that are held out for validation, where the usual one would be too few.
    pub validation: Option<f64>,
    /// Training images, where not all are used.
    pub limit: Option<usize>,
    /// Epochs of an expert, and of a network on all data.
    pub epochs: usize,
    /// Images a step of an expert.
    pub batch: usize,
    /// Iterations of the distillation.
    pub iterations: u64,
}

/// A first configuration that cannot be.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StarterError {
    /// Nothing tells how large the data are.
    #[error("the size of {data} cannot be told; look at it first: `distil data info`")]
    Unknown {
        /// The data.
        data: String,
    },
}

impl Starter {
    /// A configuration that takes about `minutes` on a device, or a little longer where the smallest one does.
    ///
    /// # Errors
    /// [`Error::Data`] when the data cannot be listed, [`StarterError`] when nothing tells their size.
    pub fn of(
        data: &DataConfig,
        data_dir: Option<&Path>,
        name: &str,
        minutes: f64,
        device: &Device,
        progress: Progress<'_>,
    ) -> Result<Self, Error> {
        let there = data.clone().searched_in(data_dir);
        let sides = match data.name.spec().kind() {
            DatasetKind::ImageFiles => there.list()?.sides(),
            DatasetKind::Generated | DatasetKind::Arrays => None,
        };
        let size = |validation| {
            let size = DataConfig { validation, ..there.clone() }.size();
            size.ok_or(StarterError::Unknown { data: name.to_owned() })
        };
        let usual = size(None)?;
        // Data with a validation part of their own keep it.
        let own = size(Some(HoldOut::Count(0)))?.images[1] > 0;
        let validation = if own { None } else { validation(usual) };
        let held = validation.map_or(Ok(usual), |share| size(Some(HoldOut::Share(share))))?;
        let planned = Planned { data, name, usual, held, validation, device };
        let seconds = 60.0 * minutes;
        let mut smallest = None;
        for (resolution, width) in candidates(sides) {
            let found = planned.fitted(resolution, width, sides, seconds)?;
            let fits = found.durations.total() <= seconds;
            smallest = Some(found);
            if fits {
                break;
            }
        }
        let starter = smallest.expect("there is a smallest candidate");
        if sides.is_some() && starter.images[1] <= READ_THROUGH {
            DataConfig { resolution: starter.scale.resolution, ..there }.load(progress)?;
        }
        Ok(starter)
    }
}

impl fmt::Display for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { durations, published, images: [used, there], sides, scale, .. } = self;
        if used == there {
            write!(f, "{there} training images")?;
        } else {
            write!(f, "{used} of {there} training images")?;
        }
        if let (Some(sides), Some(side)) = (sides, scale.resolution) {
            write!(f, ", pictures of about {} pixels as {side}×{side}", sides.typical)?;
        }
        writeln!(f, "; width {}, {} iterations.\n", scale.width, scale.iterations)?;
        writeln!(f, "| on this device, as busy as it is now | this configuration | as published (MTT) |")?;
        writeln!(f, "|---|---:|---:|")?;
        let rows = [
            ("experts", durations.experts, published.experts),
            ("distillation", durations.distillation, published.distillation),
            ("evaluation", durations.evaluation(), published.evaluation()),
        ];
        for (step, here, published) in rows {
            writeln!(f, "| {step} | {} | {} |", duration(here), duration(published))?;
        }
        write!(f, "| **all** | {} | {} |", duration(durations.total()), duration(published.total()))
    }
}

/// Resolutions and widths, the most ambitious first; pictures are never enlarged, and the small ones of one size are taken as
/// they are.
fn candidates(sides: Option<Sides>) -> Vec<(Option<usize>, usize)> {
    let widths = [128, 64, 32, 16];
    match sides {
        Some(Sides { typical, alike }) if !alike || typical > 64 => {
            let sizes = [(64, 128), (64, 64), (32, 128), (32, 64), (32, 32), (16, 32), (16, 16)];
            let smallest = sizes[sizes.len() - 1].0;
            let there = sizes.into_iter().filter(|(side, _)| *side <= typical.max(smallest));
            there.map(|(side, width)| (Some(side), width)).collect()
        }
        _ => widths.map(|width| (None, width)).to_vec(),
    }
}

/// What all candidates have in common.
struct Planned<'a> {
    data: &'a DataConfig,
    name: &'a str,
    /// The data as they are parted if nothing is said.
    usual: DatasetSize,
    /// The data with the validation images of the configuration held out.
    held: DatasetSize,
    validation: Option<f64>,
    device: &'a Device,
}

impl Planned<'_> {
    /// The configuration at a resolution and width, with as much training as `seconds` allow.
    fn fitted(
        &self,
        resolution: Option<usize>,
        width: usize,
        sides: Option<Sides>,
        seconds: f64,
    ) -> Result<Starter, Error> {
        let (there, classes) = (self.usual.images[0], self.usual.classes);
        let scale = Scale {
            resolution,
            width,
            validation: self.validation,
            limit: None,
            epochs: EPOCHS[0],
            batch: batch(there),
            iterations: ITERATIONS[0],
        };
        let first = self.config(&scale)?;
        let times = Plan::sized(&first, self.size(&scale), self.device)?.times();
        let limit = most_images(&first, &times, seconds).max(2 * classes);
        let images = there.min(limit);
        let scale = Scale {
            limit: (images < there).then_some(images),
            epochs: epochs(images),
            batch: batch(images),
            ..scale
        };
        let durations = |scale: &Scale| -> Result<Durations, Error> {
            let config = self.config(scale)?;
            Ok(Plan::sized(&config, self.size(scale), self.device)?.durations(&times))
        };
        let short = durations(&scale)?;
        let left = (seconds - short.total()).max(0.0) / times.iteration;
        let iterations = (scale.iterations + left as u64).min(ITERATIONS[1]) / 50 * 50;
        let scale = Scale { iterations: iterations.max(ITERATIONS[0]), ..scale };
        let published = published(&first);
        let published = Plan::sized(&published, self.size(&Scale { limit: None, ..scale }), self.device)?;
        let wide = if width == 128 { times } else { published.times() };
        Ok(Starter {
            text: text::of(self.name, self.data, &scale),
            durations: durations(&scale)?,
            published: published.durations(&wide),
            images: [images, there],
            sides,
            scale,
        })
    }

    /// The data as a configuration of this scale loads them.
    fn size(&self, scale: &Scale) -> DatasetSize {
        let DatasetSize { shape, images: [train, validation, test], .. } = self.held;
        let shape = scale.resolution.map_or(shape, |side| ImageShape { height: side, width: side, ..shape });
        let train = scale.limit.map_or(train, |limit| train.min(limit));
        DatasetSize { shape, images: [train, validation, test], ..self.held }
    }

    fn config(&self, scale: &Scale) -> Result<Config, Error> {
        let text = text::of(self.name, self.data, scale);
        let layer = Layer::from_text(&text, Path::new("the first configuration"))?;
        Ok(Config::resolve(vec![layer], self.name)?)
    }
}

/// A larger share where a tenth of the training images would tell good sets from bad ones by chance.
fn validation(usual: DatasetSize) -> Option<f64> {
    let [train, validation, _] = usual.images;
    let share = ENOUGH as f64 / (train + validation).max(1) as f64;
    (validation < ENOUGH).then(|| ((20.0 * share).ceil() / 20.0).min(MOST_HELD_OUT))
}

/// The recipe of MTT's publication on the same images.
fn published(first: &Config) -> Config {
    let mut config = Config::new(first.data.clone());
    config.data.train_limit = None;
    config
}

/// Images of which a few experts can be trained, and students for comparison, in the time for real images.
fn most_images(config: &Config, times: &Times, seconds: f64) -> usize {
    let passes = (EXPERTS * EPOCHS[0] + config.eval.seeds * (EPOCHS[0] + 1)) as f64;
    (REAL_SHARE * seconds / (passes * times.plain)) as usize
}

fn batch(images: usize) -> usize {
    (images / 16).next_power_of_two().clamp(16, 256)
}

fn epochs(images: usize) -> usize {
    EXPERT_STEPS.div_ceil(images.div_ceil(batch(images)).max(1)).clamp(EPOCHS[0], EPOCHS[1])
}

#[cfg(test)]
mod tests;
