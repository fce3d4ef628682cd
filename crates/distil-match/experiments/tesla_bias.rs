//! How far is TESLA's truncated gradient from the exact one, as the number N of inner steps grows?
//!
//! Experts are trained on real data; at a start epoch of each, both gradients of the matching loss are taken for the
//! same initial set, batches and augmentation, for N from 1 to 40. Prints a Markdown table of cosines and ratios of norms.
//!
//! `cargo run -p distil-match --example tesla_bias` on generated images, or `… -- fashion-mnist` on real ones (found as
//! `distil` finds them); a minute or two on two cores.

#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use distil_progress::Progress;

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Strategy;
use distil_data::clutter::ClutterConfig;
use distil_data::{DataConfig, Dataset, DatasetName, HoldOut};
use distil_engine::{Engine, Targets};
use distil_expert::{Recipe, train_expert};
use distil_hypergrad::{Differentiation, Hypergradient, InnerLoop, InnerSet, InnerStep, adjoint, unroll};
use distil_match::{Draw, trajectory_loss};
use distil_models::{ConvNet, Network};
use distil_random::{permutation, stream};
use distil_stats::Summary;

const SEED: u64 = 0;
const WIDTH: usize = 16;
const EXPERTS: usize = 3;
/// Epochs from which students start, and how far ahead their target is.
const STARTS: [usize; 2] = [0, 3];
const AHEAD: usize = 2;
/// Steps N, and the largest of them.
const STEPS: [usize; 6] = [1, 2, 5, 10, 20, 40];
/// A small step size, MTT's initial one, and one that arrives in few steps.
const SYN_LRS: [f64; 3] = [0.01, 0.03, 0.1];

/// Where students start and should arrive.
type Pair = (Vec<f32>, Vec<f32>);

struct Study {
    net: Network,
    set: InnerSet,
    pairs: Vec<Pair>,
    engine: Engine,
}

/// Truncated against exact.
struct Bias {
    loss: f64,
    cosine: f64,
    norms: f64,
    signs_agree: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let real = std::env::args().nth(1);
    let config = match real.as_deref() {
        None => clutter(),
        Some(name) => {
            let name: DatasetName = serde_json::from_value(serde_json::Value::from(name))?;
            DataConfig {
                validation: Some(HoldOut::Count(100)),
                train_limit: Some(2000),
                ..DataConfig::new(name)
            }
        }
    };
    let data = config.load(Progress::none())?;
    let study = Study::new(&data)?;
    println!("{}: ConvNet width {WIDTH}, {} images in the set\n", data.name, study.set.images.dims()[0]);
    println!(
        "| syn_lr | N | loss | cosine of the images' gradients | smallest | ratio of norms | same sign of syn_lr's gradients |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    for syn_lr in SYN_LRS {
        for steps in STEPS {
            println!("{}", study.row(syn_lr, steps));
        }
    }
    Ok(())
}

/// The data of configs/clutter.toml.
fn clutter() -> DataConfig {
    let clutter = ClutterConfig {
        resolution: 16,
        object_size: 0.8,
        size_jitter: 0.1,
        clutter: 0.1,
        texture: 0.1,
        ..ClutterConfig::easy()
    };
    DataConfig {
        clutter: Some(clutter),
        validation: Some(HoldOut::Count(300)),
        train_limit: Some(1500),
        ..DataConfig::new(DatasetName::Clutter)
    }
}

impl Study {
    fn new(data: &Dataset) -> Result<Self, Box<dyn std::error::Error>> {
        let (shape, classes, device) = (data.shape(), data.class_names.len(), Device::flex());
        let engine = Engine::new(device.clone());
        let depth = if shape.height < 28 { 2 } else { 3 };
        let net = ConvNet::new(shape.channels, classes, shape.height, shape.width)
            .with_width(WIDTH)
            .with_depth(depth);
        let net = Network::from(net);
        let recipe =
            Recipe { epochs: 5, lr: 0.05, batch: 32, augmentation: Strategy::none(), ..Recipe::default() };
        let mut pairs = Vec::new();
        for expert in 0..EXPERTS {
            let trained = train_expert(&engine, &net, &data.train, &recipe, SEED, expert, Progress::none())?;
            let pair =
                |start: usize| (trained.trajectory[start].clone(), trained.trajectory[start + AHEAD].clone());
            pairs.extend(STARTS.map(pair));
        }
        // One random image of each class.
        let rows: Vec<usize> = (0..classes as u32)
            .map(|class| {
                let rows = data.train.rows_of_class(class);
                rows[permutation(&mut stream(SEED, "set", u64::from(class)), rows.len())[0]]
            })
            .collect();
        let values = TensorData::new(
            data.train.images.gather(&rows),
            [rows.len(), shape.channels, shape.height, shape.width],
        );
        let set = InnerSet::new(
            Tensor::from_data(values, (&device, DType::F32)),
            Targets::from_classes(&data.train.gather_labels(&rows), classes, &device, DType::F32),
        );
        Ok(Self { net, set, pairs, engine })
    }

    /// Means over experts and start epochs, as a row.
    fn row(&self, syn_lr: f64, steps: usize) -> String {
        let found: Vec<Bias> =
            (0..self.pairs.len()).map(|index| self.bias(index as u64, syn_lr, steps)).collect();
        let of = |value: fn(&Bias) -> f64| found.iter().map(value).collect::<Vec<_>>();
        let mean = |value: fn(&Bias) -> f64| {
            let summary = Summary::of(&of(value)).expect("several finite measurements");
            format!("{:.3} ± {:.3}", summary.mean, summary.std)
        };
        let smallest = of(|bias| bias.cosine).into_iter().fold(f64::INFINITY, f64::min);
        // Their ratio has no mean: the exact one passes zero.
        let agree = found.iter().filter(|bias| bias.signs_agree).count();
        format!(
            "| {syn_lr} | {steps} | {} | {} | {smallest:.3} | {} | {agree} of {} |",
            mean(|bias| bias.loss),
            mean(|bias| bias.cosine),
            mean(|bias| bias.norms),
            found.len()
        )
    }

    fn bias(&self, index: u64, syn_lr: f64, steps: usize) -> Bias {
        let (start, target) = &self.pairs[index as usize];
        let mut rng = stream(SEED, "augmentation", index);
        let rows: Vec<usize> = (0..self.set.images.dims()[0]).collect();
        let (strategy, (height, width)) = (Strategy::dsa(), self.net.sides());
        let steps: Vec<InnerStep> = (0..steps)
            .map(|_| {
                let augmentation = strategy.draw(rows.len(), height, width, &mut rng);
                InnerStep { rows: rows.clone(), augmentation }
            })
            .collect();
        let (engine, net, set) = (&self.engine, &self.net, &self.set);
        let inner = InnerLoop { engine, net, set, steps: &steps, syn_lr, momentum: 0.0, micro_batch: 16 };
        let thetas = unroll(&inner, net.theta(start, engine.device()));
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let last: Vec<f64> = thetas[steps.len()].clone().into_data().iter::<f64>().collect();
        let matched =
            trajectory_loss(net.layout(), &last, &wide(start), &wide(target), None, Draw::default());
        let lambda = TensorData::new(matched.lambda, [start.len()]);
        let lambda: Tensor<1> = Tensor::from_data(lambda, (engine.device(), DType::F32));
        let gradient = |how| adjoint(&inner, &thetas, lambda.clone(), how);
        Bias::of(matched.loss, &gradient(Differentiation::Exact), &gradient(Differentiation::Truncated))
    }
}

impl Bias {
    fn of(loss: f64, exact: &Hypergradient, truncated: &Hypergradient) -> Self {
        let values =
            |gradient: &Hypergradient| gradient.images.clone().into_data().iter::<f64>().collect::<Vec<_>>();
        let (a, b) = (values(exact), values(truncated));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (of_a, of_b) = (dot(&a, &a).sqrt(), dot(&b, &b).sqrt());
        let cosine = dot(&a, &b) / (of_a * of_b);
        Self { loss, cosine, norms: of_b / of_a, signs_agree: truncated.syn_lr * exact.syn_lr > 0.0 }
    }
}
