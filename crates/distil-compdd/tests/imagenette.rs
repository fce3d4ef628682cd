//! Does the order of classes depend on which images are measured, and by which network? On the slice of Imagenette.
//!
//! The figures in `docs/benchmarks.md` are printed by
//! `cargo test -p distil-compdd --test imagenette -- --ignored --nocapture`, with the data in `DISTIL_DATA_DIR` or
//! `../shared/data`.

use distil_progress::Progress;
use std::io::Write;
use std::path::PathBuf;

use burn::tensor::Device;
use distil_compdd::{Definition, Pass, PassOptions, Source};
use distil_data::{DataConfig, Dataset, HoldOut, Images, Split};
use distil_engine::{At, Engine};
use distil_eval::{Protocol, Training, TrainingSet, accuracy};
use distil_gradcam::{Cam, CamModel, ClassMap, ModelCard};
use distil_models::{Arch, ConvNet, Network, NetworkState, ResNet18};
use distil_random::{below, shuffle, stream};
use distil_require::{Need, skipped};
use distil_stats::kendall;

const SIDE: usize = 64;
/// Random splits into halves, and resamples of an interval.
const DRAWS: u64 = 1999;

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let root = std::env::var_os("DISTIL_DATA_DIR").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    Some(root.join("imagenette2-224")).filter(|folder| folder.is_dir())
}

fn load(path: PathBuf) -> Dataset {
    let config = DataConfig {
        path: Some(path),
        resolution: Some(SIDE),
        validation: Some(HoldOut::Count(0)),
        ..DataConfig::new("folder".parse().expect("a name"))
    };
    config.load(Progress::none()).expect("images")
}

/// A network, what it is called, and how many of the test images it has right.
struct Looker {
    name: &'static str,
    model: CamModel,
    right: f64,
}

/// Which map of each network.
#[derive(Debug, Clone, Copy)]
enum Map {
    /// That of its last layer, as in the paper.
    Last(Cam),
    /// Grad-CAM++ where maps lie on the objects of `clutter` and order its settings best (docs/benchmarks.md), chosen before these
    /// photographs were measured there.
    OnObjects,
}

impl Map {
    fn definition(self, looker: &Looker) -> Definition {
        match self {
            Self::Last(cam) => Definition { cam, ..Definition::default() },
            Self::OnObjects => {
                let layer = match looker.model.network.arch() {
                    Arch::ConvNet => "blocks.1",
                    _ => "layer2",
                };
                let cam = Cam::GradCamPlusPlus;
                Definition { cam, layer: Some(layer.to_owned()), ..Definition::default() }
            }
        }
    }
}

fn looker(data: &Dataset, name: &'static str, network: Network, epochs: Option<usize>, seed: u64) -> Looker {
    let engine = Engine::new(Device::flex());
    let state = epochs.map_or_else(
        || NetworkState {
            theta: network.init(&mut stream(seed, "init", 0)),
            buffers: network.init_buffers(),
        },
        |epochs| train(data, &network, epochs, seed),
    );
    let card = ModelCard {
        architecture: serde_json::to_value(&network).expect("plain JSON"),
        class_names: data.class_names.clone(),
        preprocessing: data.preprocessing().clone(),
        dataset: data.name.clone(),
        dataset_digest: data.digest.clone(),
        validation_accuracy: None,
        recipe: serde_json::json!("a test"),
        seed,
        distil_version: String::new(),
        command: String::new(),
    };
    let model = CamModel { network, state, card };
    let (theta, buffers) = model.tensors(engine.device());
    let right = accuracy(&engine, At::evaluation(&model.network, &theta, &buffers), &data.test);
    Looker { name, model, right }
}

fn train(data: &Dataset, network: &Network, epochs: usize, seed: u64) -> NetworkState {
    let augmentation = "color_crop_flip_scale".parse().expect("a strategy");
    let protocol = Protocol { batch: 32, micro_batch: 8, augmentation, ..Protocol::default() };
    let (set, engine) = (TrainingSet::Real(&data.train), &Engine::new(Device::flex()));
    let training = Training { net: network, set, protocol: &protocol, epochs, lr: 0.02, seed, engine };
    let student = training.run(Progress::none()).expect("a network");
    NetworkState {
        theta: student.theta.into_data().iter::<f32>().collect(),
        buffers: student.buffers.into_data().iter::<f32>().collect(),
    }
}

/// Training and test images together, each in its own class, and the labels they had.
fn one_by_one(data: &Dataset) -> (Split, Vec<u32>) {
    let bytes = [&data.train, &data.test].map(|split| split.images.bytes().expect("bytes"));
    let images = Images::from_u8(data.train.images.shape(), bytes.concat()).expect("whole images");
    let labels = [&data.train.labels[..], &data.test.labels].concat();
    (Split::new(images, (0..labels.len() as u32).collect()).expect("one label an image"), labels)
}

/// Complexity of every image.
fn measure(looker: &Looker, (images, labels): &(Split, Vec<u32>), data: &Dataset, map: Map) -> Vec<f64> {
    let names: Vec<String> = (0..labels.len()).map(|image| image.to_string()).collect();
    let class_map =
        ClassMap::by_index(labels.clone(), data.class_names.len()).expect("classes of the network");
    let pass = Pass {
        source: &Source::Memory { split: images.clone(), digest: String::new() },
        dataset: "imagenette",
        class_names: &names,
        model: &looker.model,
        class_map: &class_map,
        transform: &data.transform,
        definition: &map.definition(looker),
        engine: &Engine::new(Device::flex()),
        options: PassOptions::default(),
    };
    let measured = pass.run(Progress::none()).expect("a measurement");
    measured.classes.iter().map(|image| image.complexity(0).expect("one image")).collect()
}

/// Mean of each class over the images at `rows`.
fn means(values: &[f64], rows: &[Vec<usize>]) -> Vec<f64> {
    let mean = |rows: &Vec<usize>| rows.iter().map(|row| values[*row]).sum::<f64>() / rows.len() as f64;
    rows.iter().map(mean).collect()
}

/// Kendall's τ of the orders of the classes.
fn tau(a: &[f64], b: &[f64]) -> f64 {
    kendall(a, b).map_or(0.0, |found| found.coefficient)
}

/// Every class cut into halves that share no image.
fn halves(rows: &[Vec<usize>], draw: u64) -> [Vec<Vec<usize>>; 2] {
    let mut rng = stream(0, "halves", draw);
    let mut both = [Vec::new(), Vec::new()];
    for class in rows {
        let mut class = class.clone();
        shuffle(&mut rng, &mut class);
        let second = class.split_off(class.len() / 2);
        both[0].push(class);
        both[1].push(second);
    }
    both
}

/// Mean, and where 95 % lie.
fn spread(mut taus: Vec<f64>) -> String {
    taus.sort_by(f64::total_cmp);
    let mean = taus.iter().sum::<f64>() / taus.len() as f64;
    let at = |share: f64| taus[((taus.len() - 1) as f64 * share).round() as usize];
    format!("{mean:.2} ({:.2} to {:.2})", at(0.025), at(0.975))
}

/// τ of `a`'s order by one half of the images and `b`'s order by the other half, over random halves.
fn of_halves(a: &[f64], b: &[f64], rows: &[Vec<usize>]) -> String {
    let one = |draw| {
        let [first, second] = halves(rows, draw);
        tau(&means(a, &first), &means(b, &second))
    };
    spread((0..DRAWS).map(one).collect())
}

/// τ of two networks' orders by the same images, and its bootstrap interval over images, drawn within classes.
fn of_networks(a: &[f64], b: &[f64], rows: &[Vec<usize>]) -> String {
    let one = |draw| {
        let mut rng = stream(0, "resample", draw);
        let again = |class: &Vec<usize>| class.iter().map(|_| class[below(&mut rng, class.len())]).collect();
        let drawn: Vec<Vec<usize>> = rows.iter().map(again).collect();
        tau(&means(a, &drawn), &means(b, &drawn))
    };
    let found = kendall(&means(a, rows), &means(b, rows)).expect("ten classes");
    let interval = spread((0..DRAWS).map(one).collect());
    let interval = &interval[interval.find('(').expect("an interval")..];
    format!("{:.2} {interval}, p = {:.3}", found.coefficient, found.p)
}

/// Rows of each class.
fn by_class(labels: &[u32], keep: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let of = |class: u32| (0..labels.len()).filter(|row| labels[*row] == class && keep(*row)).collect();
    (0..=labels.iter().copied().max().expect("images")).map(of).collect()
}

fn lookers(data: &Dataset) -> [Looker; 5] {
    let resnet = || Network::from(ResNet18 { base_width: 12, ..ResNet18::new(3, 10, SIDE, SIDE) });
    let convnet = || Network::from(ConvNet::new(3, 10, SIDE, SIDE).with_width(32).with_depth(4));
    [
        looker(data, "ConvNet, seed 0", convnet(), Some(39), 0),
        looker(data, "ConvNet, seed 1", convnet(), Some(39), 1),
        looker(data, "ResNet-18, seed 0", resnet(), Some(24), 0),
        looker(data, "ResNet-18, seed 1", resnet(), Some(24), 1),
        looker(data, "ResNet-18, untrained", resnet(), None, 0),
    ]
}

#[test]
#[ignore = "minutes, and needs Imagenette; prints figures of docs/benchmarks.md"]
fn the_order_of_classes_is_that_of_other_images_and_networks() {
    let Some(path) = folder() else { return skipped(Need::Data, "imagenette2-224 is not there") };
    let data = load(path);
    let (images, trained) = (one_by_one(&data), data.train.len());
    let (all, unseen) = (by_class(&images.1, |_| true), by_class(&images.1, |row| row >= trained));
    let lookers = lookers(&data);
    for map in [Map::Last(Cam::GradCam), Map::Last(Cam::GradCamPlusPlus), Map::OnObjects] {
        say(&format!("\n{map:?}\n\n| network | right, % | classes, % | standard error | τ of halves |"));
        say("|---|---:|---:|---:|---:|");
        let found: Vec<Vec<f64>> =
            lookers.iter().map(|looker| measure(looker, &images, &data, map)).collect();
        for (Looker { name, right, .. }, values) in lookers.iter().zip(&found) {
            let (mut each, halves) = (means(values, &all), of_halves(values, values, &all));
            each.sort_by(f64::total_cmp);
            let (low, high) = (100.0 * each[0], 100.0 * each[each.len() - 1]);
            let (right, error) = (100.0 * right, 100.0 * standard_error(values, &all));
            say(&format!("| {name} | {right:.1} | {low:.1} to {high:.1} | {error:.2} | {halves} |"));
        }
        say(
            "\n| networks | τ, the same images | 300 unseen images | τ, other halves |\n|---|---:|---:|---:|",
        );
        for [a, b] in [[0, 1], [2, 3], [0, 2], [0, 3], [2, 4]] {
            let names = format!("{} and {}", lookers[a].name, lookers[b].name);
            let [whole, rest] = [&all, &unseen].map(|rows| of_networks(&found[a], &found[b], rows));
            say(&format!("| {names} | {whole} | {rest} | {} |", of_halves(&found[a], &found[b], &all)));
        }
    }
}

/// Of a class, averaged over the classes.
fn standard_error(values: &[f64], rows: &[Vec<usize>]) -> f64 {
    let of = |(class, mean): (&Vec<usize>, f64)| {
        let n = class.len() as f64;
        let squares: f64 = class.iter().map(|row| (values[*row] - mean).powi(2)).sum();
        (squares / (n - 1.0) / n).sqrt()
    };
    rows.iter().zip(means(values, rows)).map(of).sum::<f64>() / rows.len() as f64
}

#[test]
fn halves_share_no_image_and_an_order_agrees_with_itself() {
    let rows = by_class(&[0, 1, 0, 1, 1, 0, 0, 1], |_| true);
    let [mut first, second] = halves(&rows, 0);
    assert!(first.iter().chain(&second).all(|class| class.len() == 2), "{first:?} {second:?}");
    for (class, rest) in first.iter_mut().zip(second) {
        class.extend(rest);
        class.sort_unstable();
    }
    assert_eq!(first, rows);
    let values = [0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.9];
    assert_eq!(of_halves(&values, &values, &rows), "1.00 (1.00 to 1.00)");
    let turned = values.map(|value| 1.0 - value);
    assert!(of_networks(&values, &turned, &rows).starts_with("-1.00 (-1.00 to -1.00)"));
}
