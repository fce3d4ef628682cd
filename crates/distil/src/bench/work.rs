//! The work that is repeated: the product's own loops, on random data.

use distil_data::{Dataset, ImageShape, Images, Normalisation, Preprocessing, Split};
use distil_engine::Engine;
use distil_eval::{Protocol, Training, TrainingSet};
use distil_expert::{Recipe, header, train_expert};
use distil_match::{Distiller, Experts, Init, Inputs, Method, SoftLabels, Window};
use distil_models::Network;
use distil_progress::{News, Progress};
use distil_random::{below, normal, stream};
use distil_store::{LabelKind, TrajectoryStore};
use tempfile::TempDir;

use super::maps::Maps;
use super::{Bench, Clock, Update, Work};
use crate::Error;

/// How far the target lies from the start, in each parameter.
const TARGET_DISTANCE: f32 = 0.01;
/// Step size of inner steps and of training.
const LR: f64 = 0.01;

/// Work with its data.
pub(super) enum Prepared<'a> {
    Distillation(Box<Distillation<'a>>),
    Expert { images: Dataset, engine: &'a Engine },
    Student { images: Dataset, engine: &'a Engine },
    Maps(Box<Maps>),
}

impl<'a> Prepared<'a> {
    pub(super) fn new(bench: &Bench, engine: &'a Engine) -> Result<Self, Error> {
        Ok(match bench.work {
            Work::Iteration { .. } => Self::Distillation(Box::new(Distillation::new(bench, engine)?)),
            Work::ExpertStep { batch } => {
                // One epoch of all steps.
                let images = batch * (bench.warmup + bench.repeats);
                Self::Expert { images: dataset(&bench.net, bench.net.classes(), images, bench.seed)?, engine }
            }
            Work::Epoch { images, .. } => Self::Student {
                images: dataset(&bench.net, bench.net.classes(), images, bench.seed)?,
                engine,
            },
            Work::Maps { images } => Self::Maps(Box::new(Maps::new(bench, images, engine))),
        })
    }

    /// Does the work as often as it is asked for, and returns the last loss; of maps, their mean.
    pub(super) fn run(&mut self, bench: &Bench, clock: &Clock<'_>) -> Result<f64, Error> {
        let times = bench.warmup + bench.repeats;
        match self {
            Self::Distillation(work) => work.run(times, clock),
            Self::Maps(work) => {
                let mut mean = f64::NAN;
                for _ in 0..times {
                    mean = work.pass();
                    clock.lap()?;
                }
                Ok(mean)
            }
            Self::Expert { images, engine } => {
                let recipe = Recipe {
                    experts: 1,
                    epochs: 1,
                    lr: LR,
                    batch: images.train.len() / times,
                    micro_batch: bench.micro_batch,
                    augmentation: distil_augment::Strategy::none(),
                    gsam: None,
                };
                let lap = |progress: Progress<'_>| {
                    let trained =
                        train_expert(engine, &bench.net, &images.train, &recipe, bench.seed, 0, progress)?;
                    Ok(trained.losses.last().copied().unwrap_or(f64::NAN))
                };
                lapped(clock, lap)
            }
            Self::Student { images, engine } => {
                let batch =
                    if let Work::Epoch { batch, .. } = bench.work { batch } else { images.train.len() };
                let augmentation = distil_augment::Strategy::none();
                let protocol =
                    Protocol { batch, micro_batch: bench.micro_batch, augmentation, ..Protocol::default() };
                let training = Training {
                    net: &bench.net,
                    set: TrainingSet::Real(&images.train),
                    protocol: &protocol,
                    epochs: times - 1,
                    lr: LR,
                    seed: bench.seed,
                    engine,
                };
                lapped(clock, |progress| Ok(training.run(progress)?.loss))
            }
        }
    }
}

/// Work that says itself when a repetition has ended.
fn lapped(clock: &Clock<'_>, work: impl Fn(Progress<'_>) -> Result<f64, Error>) -> Result<f64, Error> {
    let failed = std::cell::RefCell::new(None);
    let listener = |news: &News<'_>| {
        if let (News::Step(_), Err(error)) = (news, clock.lap()) {
            failed.replace(Some(error));
            return std::ops::ControlFlow::Break(());
        }
        std::ops::ControlFlow::Continue(())
    };
    let done = work(Progress::to(&listener));
    failed.take().map_or(done, Err)
}

/// Trajectory matching between a start and a target, iteration by iteration.
pub(super) struct Distillation<'a> {
    method: Method,
    net: Network,
    dataset: Dataset,
    store: TrajectoryStore,
    /// Holds the store.
    _folder: TempDir,
    seed: u64,
    engine: &'a Engine,
    distiller: Option<Distiller>,
}

impl<'a> Distillation<'a> {
    fn new(bench: &Bench, engine: &'a Engine) -> Result<Self, Error> {
        let Bench { net, seed, .. } = bench;
        let Work::Iteration { images, .. } = bench.work else { unreachable!("an iteration is asked for") };
        // As many classes as divide the images evenly; the network knows more.
        let classes = greatest_divisor(images, net.classes());
        let dataset = dataset(net, classes, images, *seed)?;
        let folder = tempfile::tempdir().map_err(Error::Temporary)?;
        let recipe = Recipe { experts: 1, epochs: 1, ..Recipe::default() };
        let store = TrajectoryStore::create_or_open(
            folder.path().join("experts"),
            &header(net, &dataset, &recipe, *seed),
        )?;
        let start = net.init(&mut stream(*seed, "bench-init", 0));
        let mut rng = stream(*seed, "bench-target", 0);
        let target = start.iter().map(|&p| p + TARGET_DISTANCE * normal(&mut rng)).collect();
        store.write(0, &[start, target])?;
        let mut work = Self {
            method: method(bench, images / classes),
            net: net.clone(),
            dataset,
            store,
            _folder: folder,
            seed: *seed,
            engine,
            distiller: None,
        };
        work.distiller = Some(Distiller::start(&work.inputs()).map_err(distil_match::RunError::from)?);
        Ok(work)
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            method: &self.method,
            net: &self.net,
            dataset: &self.dataset,
            experts: Some(Experts { store: &self.store, numbers: vec![0] }),
            seed: self.seed,
            engine: self.engine,
            maps: None,
        }
    }

    /// Returns the last matching loss.
    fn run(&mut self, times: usize, clock: &Clock<'_>) -> Result<f64, Error> {
        let mut distiller = self.distiller.take().expect("work is done once");
        let inputs = self.inputs();
        let mut loss = f64::NAN;
        for _ in 0..times {
            loss = distiller.step(&inputs).map_err(distil_match::RunError::from)?.loss;
            clock.lap()?;
        }
        Ok(loss)
    }
}

/// MTT with soft labels, in the sizes that are asked for.
fn method(bench: &Bench, ipc: usize) -> Method {
    let Work::Iteration { batch_syn, syn_steps, gradient, update, .. } = bench.work else {
        unreachable!("an iteration is asked for")
    };
    let scale = if update == Update::Apply { 1.0 } else { 0.0 };
    let base = Method {
        ipc: ipc.into(),
        init: Init::Noise,
        labels: LabelKind::Soft,
        image_lr: 100.0 * scale,
        label_lr: 2.0 * scale,
        syn_lr: LR,
        syn_lr_lr: 1e-5 * scale,
        augmentation: distil_augment::Strategy::none(),
        micro_batch: bench.micro_batch,
        ..Method::mtt()
    };
    base.with_trajectory(|trajectory| {
        trajectory.syn_steps = syn_steps;
        trajectory.expert_epochs = 1;
        trajectory.window = Window { min: 0, max: 1, initial_max: None, expand_until: 0 };
        trajectory.batch_syn = Some(batch_syn);
        trajectory.gradient = gradient;
        trajectory.soft_labels = SoftLabels::Learned;
    })
}

fn greatest_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// Random training images of the network's shape.
fn dataset(net: &Network, classes: usize, images: usize, seed: u64) -> Result<Dataset, Error> {
    let [channels, height, width] = net.image_shape();
    let shape = ImageShape { channels, height, width };
    let mut rng = stream(seed, "bench-images", 0);
    let split = |count: usize, rng: &mut distil_random::Stream| {
        let bytes = (0..count * shape.len()).map(|_| below(rng, 256) as u8).collect();
        let labels = (0..count).map(|image| (image % classes) as u32).collect();
        Split::new(Images::from_u8(shape, bytes)?, labels)
    };
    let parts = [split(images, &mut rng)?, split(0, &mut rng)?, split(0, &mut rng)?];
    let (mean, std) = (vec![0.5; channels], vec![0.25; channels]);
    let preprocessing = Preprocessing { resize: None, normalisation: Normalisation::MeanStd { mean, std } };
    let names = (0..classes).map(|class| class.to_string()).collect();
    Ok(Dataset::from_parts("random", names, parts, preprocessing)?)
}
