//! How good is EAD's estimate of what replacing training images does (its Eq. 4), measured against retraining (Eq. 3)?
//!
//! A small network is trained on 200 generated images D by full-batch gradient descent, then again on D − G + A for many
//! groups G and A, from the same start. Prints Markdown tables: correlation of the estimate with the truth, its error beside
//! the bound of Eq. 6, and what is lost when only t_m of the checkpoints are used (Eq. 5).
//!
//! `cargo run -p distil-match --example effect_estimator`, about a minute on two cores.

#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use distil_progress::Progress;

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_data::clutter::ClutterConfig;
use distil_data::{DataConfig, Dataset, DatasetName, HoldOut};
use distil_engine::{At, Engine, Loss, LossGradient, Targets};
use distil_models::{ConvNet, Network};
use distil_random::{below, permutation, stream};
use distil_stats::{pearson, spearman};

/// Images of D, images that A is drawn from (the second half mislabelled), and images of P.
const SIZES: [usize; 3] = [200, 200, 150];
/// Steps T after which R is measured.
const MARKS: [usize; 4] = [3, 10, 30, 100];
const ETA: f64 = 0.05;
/// Groups of each kind.
const GROUPS: usize = 30;
/// Draws of t_m checkpoints.
const DRAWS: u64 = 50;
const SEED: u64 = 0;

/// What is replaced by what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// 1 to 50 images of D by as many others.
    Swap,
    /// 5 to 100 images of D by nothing.
    Remove,
    /// 5 to 100 images of D by 1 to 50 others.
    Unequal,
    /// All of D by 10 to 50 others: EAD's own case.
    All,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Swap, "G and A of one size"),
    (Kind::Remove, "A empty"),
    (Kind::Unequal, "G and A of different sizes"),
    (Kind::All, "G = D, A a set of 10 to 50"),
];

/// G as rows of D, A as rows behind D.
struct Group {
    removed: Vec<usize>,
    added: Vec<usize>,
}

/// Images, and what their outputs are compared with.
type Batch = (Tensor<4>, Loss);

struct Study {
    net: Network,
    engine: Engine,
    /// D, then the images that A is drawn from.
    images: Tensor<4>,
    labels: Vec<u32>,
    probe: Batch,
}

/// A group, what replacing it did, and the terms of both estimates at every t.
struct Case {
    kind: Kind,
    /// R after every one of the marks.
    effects: Vec<f64>,
    printed: Vec<f64>,
    derived: Vec<f64>,
}

/// Which estimate.
type Terms = fn(&Case) -> &[f64];

/// A training run.
struct Trained {
    thetas: Vec<Tensor<1>>,
    /// Largest distance from the start, after each step.
    distances: Vec<f64>,
    /// Largest norm of a gradient.
    gradient: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let study = Study::new()?;
    let start = study.net.theta(&study.net.init(&mut stream(SEED, "init", 0)), study.engine.device());
    let all: Vec<usize> = (0..SIZES[0]).collect();
    let base = study.train(&start, &all);
    let (slopes, probe_gradient) = study.slopes(&base.thetas);
    let mut bound = Bound { gradient: base.gradient.max(probe_gradient), distances: base.distances.clone() };
    let mut found = Vec::new();
    for (which, (kind, _)) in KINDS.iter().enumerate() {
        for index in 0..GROUPS {
            let group = Group::draw(*kind, (which * GROUPS + index) as u64);
            let trained = study.train(&start, &group.rows());
            bound.include(&trained);
            let effect = |&mark: &usize| study.loss(&base.thetas[mark]) - study.loss(&trained.thetas[mark]);
            found.push(Case::of(*kind, MARKS.iter().map(effect).collect(), &group, &slopes));
        }
    }
    println!("{}\n", correlations(&found)?);
    println!("{}\n", errors(&found, &bound));
    println!("{}", subsampled(&found)?);
    Ok(())
}

impl Study {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let clutter = ClutterConfig {
            resolution: 16,
            object_size: 0.8,
            train_per_class: 50,
            test_per_class: 15,
            ..ClutterConfig::easy()
        };
        let config = DataConfig {
            clutter: Some(clutter),
            validation: Some(HoldOut::Count(10)),
            train_limit: Some(SIZES[0] + SIZES[1]),
            ..DataConfig::new(DatasetName::Clutter)
        };
        let data: Dataset = config.load(Progress::none())?;
        let device = Device::flex();
        let shape = data.shape();
        let tensor = |values: Vec<f32>, n| -> Tensor<4> {
            let data = TensorData::new(values, [n, shape.channels, shape.height, shape.width]);
            Tensor::from_data(data, (&device, DType::F32))
        };
        let order = permutation(&mut stream(SEED, "order", 0), SIZES[0] + SIZES[1]);
        let mut labels = data.train.gather_labels(&order);
        let mut rng = stream(SEED, "mislabelled", 0);
        for label in &mut labels[SIZES[0] + SIZES[1] / 2..] {
            *label = (*label + 1 + below(&mut rng, 9) as u32) % 10;
        }
        let images = tensor(data.train.images.gather(&order), order.len());
        let rows: Vec<usize> = (0..SIZES[2]).collect();
        let classes = Targets::from_classes(&data.test.gather_labels(&rows), 10, &device, DType::F32);
        let probe = (tensor(data.test.images.gather(&rows), rows.len()), classes.into());
        let net = ConvNet::new(shape.channels, 10, shape.height, shape.width).with_width(8).with_depth(2);
        Ok(Self { net: net.into(), engine: Engine::new(device), images, labels, probe })
    }

    /// Loss on the probe.
    fn loss(&self, theta: &Tensor<1>) -> f64 {
        scalar(self.gradient(theta, &self.probe, 16).loss)
    }

    fn gradient(&self, theta: &Tensor<1>, (images, loss): &Batch, micro_batch: usize) -> LossGradient {
        let (at, n) = (At::training(&self.net, theta), images.dims()[0]);
        self.engine.gradient(at, loss, n, micro_batch, |rows| images.clone().slice([rows]))
    }

    fn rows(&self, rows: &[usize]) -> Batch {
        let index: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let index = Tensor::from_data(TensorData::from(index.as_slice()), self.engine.device());
        let labels: Vec<u32> = rows.iter().map(|&row| self.labels[row]).collect();
        let targets = Targets::from_classes(&labels, 10, self.engine.device(), DType::F32);
        (self.images.clone().select(0, index), targets.into())
    }

    /// Full-batch gradient descent on some rows.
    fn train(&self, start: &Tensor<1>, rows: &[usize]) -> Trained {
        let batch = self.rows(rows);
        let mut trained = Trained { thetas: vec![start.clone()], distances: vec![0.0], gradient: 0.0 };
        for step in 0..MARKS[MARKS.len() - 1] {
            let theta = trained.thetas[step].clone();
            let LossGradient { gradient, .. } = self.gradient(&theta, &batch, 16);
            trained.gradient = trained.gradient.max(norm(gradient.clone()));
            let next = theta - gradient * ETA;
            let distance = norm(next.clone() - start.clone());
            trained.distances.push(distance.max(trained.distances[step]));
            trained.thetas.push(next);
        }
        trained
    }

    /// ⟨g_P(θ_t), ∇ℓ(x_i; θ_t)⟩ of every t and row i, and the largest norm of g_P.
    fn slopes(&self, thetas: &[Tensor<1>]) -> (Vec<Vec<f64>>, f64) {
        let mut largest = 0.0f64;
        let at = |theta: &Tensor<1>| {
            let probe = self.gradient(theta, &self.probe, 16).gradient;
            largest = largest.max(norm(probe.clone()));
            let slope = |row: usize| {
                let gradient = self.gradient(theta, &self.rows(&[row]), 1).gradient;
                scalar((probe.clone() * gradient).sum())
            };
            (0..self.labels.len()).map(slope).collect()
        };
        (thetas[..thetas.len() - 1].iter().map(at).collect(), largest)
    }
}

impl Group {
    fn draw(kind: Kind, index: u64) -> Self {
        let mut rng = stream(SEED, "group", index);
        let mut size = |low: usize, high: usize| low + below(&mut rng, high + 1 - low);
        let (removed, added) = match kind {
            Kind::Swap => {
                let size = size(1, 50);
                (size, size)
            }
            Kind::Remove => (size(5, 100), 0),
            Kind::Unequal => (size(5, 100), size(1, 50)),
            Kind::All => (SIZES[0], size(10, 50)),
        };
        let mut some =
            |of: usize, count| permutation(&mut rng, of).into_iter().take(count).collect::<Vec<_>>();
        let removed = some(SIZES[0], removed);
        Self { removed, added: some(SIZES[1], added).into_iter().map(|row| SIZES[0] + row).collect() }
    }

    /// D − G + A.
    fn rows(&self) -> Vec<usize> {
        let kept = (0..SIZES[0]).filter(|row| !self.removed.contains(row));
        kept.chain(self.added.iter().copied()).collect()
    }

    /// The term of one t in Eq. 4 as printed: mean losses, α = (|G|−|A|)/(|D|−|G|+|A|), no step size.
    fn printed(&self, slopes: &[f64]) -> f64 {
        let alpha = self.surplus() / self.rows().len() as f64;
        mean(slopes, &self.removed) - alpha * mean_of_all(slopes) - mean(slopes, &self.added)
    }

    fn surplus(&self) -> f64 {
        self.removed.len() as f64 - self.added.len() as f64
    }
}

fn mean(slopes: &[f64], rows: &[usize]) -> f64 {
    rows.iter().map(|&row| slopes[row]).sum::<f64>() / rows.len().max(1) as f64
}

fn mean_of_all(slopes: &[f64]) -> f64 {
    slopes[..SIZES[0]].iter().sum::<f64>() / SIZES[0] as f64
}

impl Case {
    fn of(kind: Kind, effects: Vec<f64>, group: &Group, slopes: &[Vec<f64>]) -> Self {
        let rows = group.rows();
        let printed = slopes.iter().map(|at| group.printed(at)).collect();
        // To first order R ≈ −η Σ_t ⟨g_P, ḡ_D − ḡ_{D−G+A}⟩.
        let derived = slopes.iter().map(|at| -ETA * (mean_of_all(at) - mean(at, &rows))).collect();
        Self { kind, effects, printed, derived }
    }
}

/// The cases of a kind: R at a mark, and an estimate.
fn pairs(found: &[Case], kind: Kind, mark: usize, estimate: impl Fn(&Case) -> f64) -> [Vec<f64>; 2] {
    let of = || found.iter().filter(|case| case.kind == kind);
    [of().map(|case| case.effects[mark]).collect(), of().map(estimate).collect()]
}

fn correlations(found: &[Case]) -> Result<String, Box<dyn std::error::Error>> {
    let mut lines = vec![
        "| groups | T | Eq. 4 as printed: Pearson | Spearman | derived: Pearson | Spearman | mean abs R | mean abs error of derived |".to_owned(),
        "|---|---:|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for (kind, name) in KINDS {
        for (mark, &steps) in MARKS.iter().enumerate() {
            let over = |terms: Terms| pairs(found, kind, mark, |case| terms(case)[..steps].iter().sum());
            let ([r, printed], [_, derived]) = (over(|case| &case.printed), over(|case| &case.derived));
            let rank = |estimate: &[f64]| spearman(&r, estimate).map(|found| found.coefficient);
            let line = |estimate: &[f64]| pearson(&r, estimate).map(|found| found.coefficient);
            let size = r.iter().map(|r| r.abs()).sum::<f64>() / r.len() as f64;
            let error = r.iter().zip(&derived).map(|(r, e)| (r - e).abs()).sum::<f64>() / r.len() as f64;
            lines.push(format!(
                "| {name} | {steps} | {:.3} | {:.3} | {:.3} | {:.3} | {size:.2e} | {error:.2e} |",
                line(&printed)?,
                rank(&printed)?,
                line(&derived)?,
                rank(&derived)?
            ));
        }
    }
    Ok(lines.join("\n"))
}

/// What is measured of Eq. 6: lower ends of its constants.
struct Bound {
    gradient: f64,
    distances: Vec<f64>,
}

impl Bound {
    fn include(&mut self, trained: &Trained) {
        self.gradient = self.gradient.max(trained.gradient);
        for (most, distance) in self.distances.iter_mut().zip(&trained.distances) {
            *most = most.max(*distance);
        }
    }

    /// ℓT²C + T²g/|D| with ℓ = g, the largest gradient seen: the constants are no smaller.
    fn value(&self, steps: usize) -> f64 {
        let squared = (steps * steps) as f64;
        squared * self.gradient * (self.distances[steps] + 1.0 / SIZES[0] as f64)
    }
}

fn errors(found: &[Case], bound: &Bound) -> String {
    let mut lines = vec![
        "| T | C | g | bound of Eq. 6 | largest abs R | largest error of Eq. 4 as printed | its share of the bound | largest error of derived | its share |".to_owned(),
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for (mark, &steps) in MARKS.iter().enumerate() {
        let most = |estimate: &dyn Fn(&Case) -> f64| {
            found.iter().map(|case| (case.effects[mark] - estimate(case)).abs()).fold(0.0, f64::max)
        };
        let over = |terms: Terms| most(&|case| terms(case)[..steps].iter().sum());
        let (printed, derived) = (over(|case| &case.printed), over(|case| &case.derived));
        let value = bound.value(steps);
        lines.push(format!(
            "| {steps} | {:.2} | {:.2} | {value:.2e} | {:.3} | {printed:.2} | {:.1e} | {derived:.3} | {:.1e} |",
            bound.distances[steps],
            bound.gradient,
            most(&|_| 0.0),
            printed / value,
            derived / value
        ));
    }
    lines.join("\n")
}

/// Spearman's correlation of R after T steps when t_m of the checkpoints stand for the sum, drawn from all T or from the
/// first few: mean over draws.
fn subsampled(found: &[Case]) -> Result<String, Box<dyn std::error::Error>> {
    let counts = [1usize, 2, 4, 10];
    let mut lines = vec![
        format!(
            "| groups | drawn from the first | {} |",
            counts.map(|count| format!("t_m = {count}")).join(" | ")
        ),
        format!("|---|---:|{}", "---:|".repeat(counts.len())),
    ];
    for (kind, name) in KINDS {
        for first in [10, 30, 100] {
            let mut cells = Vec::new();
            for count in counts {
                let mut sum = 0.0;
                for draw in 0..DRAWS {
                    let drawn = permutation(&mut stream(SEED, "checkpoints", draw), first);
                    let estimate = |case: &Case| drawn[..count].iter().map(|&t| case.derived[t]).sum();
                    let [r, estimate] = pairs(found, kind, MARKS.len() - 1, estimate);
                    sum += spearman(&r, &estimate)?.coefficient;
                }
                cells.push(format!("{:.3}", sum / DRAWS as f64));
            }
            lines.push(format!("| {name} | {first} | {} |", cells.join(" | ")));
        }
    }
    Ok(lines.join("\n"))
}

fn scalar(tensor: Tensor<1>) -> f64 {
    tensor.into_data().iter::<f64>().sum()
}

fn norm(tensor: Tensor<1>) -> f64 {
    tensor.into_data().iter::<f64>().map(|v| v * v).sum::<f64>().sqrt()
}
