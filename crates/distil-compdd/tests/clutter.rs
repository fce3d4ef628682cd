//! Does measured complexity mean what it is called? On the generated set `clutter` the share of background is known.
//!
//! The figures in `docs/benchmarks.md` are printed by
//! `cargo test -p distil-compdd --test clutter -- --ignored --nocapture`.

use distil_progress::Progress;
use std::io::Write;

use burn::tensor::Device;
use distil_compdd::{Definition, Pass, PassOptions, Source};
use distil_data::clutter::{CLASS_NAMES, ClutterConfig, Part, generate};
use distil_data::{ImageShape, Images, Normalisation, Preprocessing, Split};
use distil_engine::{At, Engine};
use distil_eval::{Protocol, Training, TrainingSet, accuracy};
use distil_gradcam::{Cam, CamModel, ClassMap, ModelCard};
use distil_models::{ConvNet, Network, NetworkState, ResNet18};
use distil_random::{shuffle, stream};
use distil_stats::{Correlation, spearman};

const SIDE: usize = 32;
const CLASSES: usize = CLASS_NAMES.len();

/// `count` settings of growing glyphs. Clutter and texture are drawn independently of the size, over their whole ranges:
/// a measure of edges or of contrast would be misled.
fn settings(count: usize, per_class: usize) -> Vec<ClutterConfig> {
    let mut levels: [Vec<usize>; 2] = [(0..count).collect(), (0..count).collect()];
    for (levels, purpose) in levels.iter_mut().zip(["clutter", "texture"]) {
        shuffle(&mut stream(0, purpose, 0), levels);
    }
    let share = |level: usize| level as f32 / (count - 1) as f32;
    let each = (0..count).map(|at| ClutterConfig {
        resolution: SIDE,
        object_size: 0.36 + 0.52 * share(at),
        size_jitter: 0.1,
        clutter: share(levels[0][at]),
        texture: share(levels[1][at]),
        train_per_class: per_class,
        test_per_class: 1,
    });
    each.collect()
}

fn split(config: &ClutterConfig, seed: u64) -> (Split, f64) {
    let drawn = generate(config, seed, Part::Train).expect("images");
    let [n, channels, height, width] = drawn.shape;
    let background = (0..n).map(|at| f64::from(drawn.background_share(at))).sum::<f64>() / n as f64;
    let images = Images::from_u8(ImageShape { channels, height, width }, drawn.pixels).expect("whole images");
    (Split::new(images, drawn.labels).expect("one label an image"), background)
}

fn preprocessing() -> Preprocessing {
    let normalisation = Normalisation::MeanStd { mean: vec![0.5; 3], std: vec![0.25; 3] };
    Preprocessing { resize: None, normalisation }
}

/// One network that has seen all settings.
fn train(settings: &[ClutterConfig], network: Network, epochs: usize) -> (CamModel, f64) {
    let engine = Engine::new(Device::flex());
    let together = |seed: u64| {
        let each: Vec<Split> = settings.iter().map(|config| split(config, seed).0).collect();
        let bytes = each.iter().flat_map(|split| split.images.bytes().expect("bytes").to_vec()).collect();
        let images = Images::from_u8(each[0].images.shape(), bytes).expect("whole images");
        let images = images.with_mean_std(&[0.5; 3], &[0.25; 3]).expect("three channels");
        let labels = each.iter().flat_map(|split| split.labels.clone()).collect();
        Split::new(images, labels).expect("one label an image")
    };
    let augmentation = "crop_scale".parse().expect("a strategy");
    let protocol = Protocol { batch: 64, micro_batch: 16, augmentation, ..Protocol::default() };
    let (train, test) = (together(1), together(2));
    let set = TrainingSet::Real(&train);
    let training =
        Training { net: &network, set, protocol: &protocol, epochs, lr: 0.02, seed: 0, engine: &engine };
    let student = training.run(Progress::none()).expect("a network");
    let at = At::evaluation(&network, &student.theta, &student.buffers);
    let accuracy = accuracy(&engine, at, &test);
    let state = NetworkState {
        theta: student.theta.into_data().iter::<f32>().collect(),
        buffers: student.buffers.into_data().iter::<f32>().collect(),
    };
    (model(network, state), accuracy)
}

fn model(network: Network, state: NetworkState) -> CamModel {
    let card = ModelCard {
        architecture: serde_json::to_value(&network).expect("plain JSON"),
        class_names: CLASS_NAMES.map(str::to_owned).to_vec(),
        preprocessing: preprocessing(),
        dataset: "clutter".to_owned(),
        dataset_digest: String::new(),
        validation_accuracy: None,
        recipe: serde_json::json!("a test"),
        seed: 0,
        distil_version: String::new(),
        command: String::new(),
    };
    CamModel { network, state, card }
}

/// Measured complexity of every setting at every threshold, `[thresholds][settings]`, and the true background shares.
fn measure(
    model: &CamModel,
    settings: &[ClutterConfig],
    definition: &Definition,
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let class_names = CLASS_NAMES.map(str::to_owned);
    let class_map = ClassMap::public_code(CLASSES, CLASSES).expect("as many classes");
    let mut measured = vec![Vec::new(); definition.thresholds.len()];
    let mut background = Vec::new();
    for config in settings {
        let (split, share) = split(config, 0);
        let pass = Pass {
            source: &Source::Memory { split, digest: String::new() },
            dataset: "clutter",
            class_names: &class_names,
            model,
            class_map: &class_map,
            transform: &preprocessing().into(),
            definition,
            engine: &Engine::new(Device::flex()),
            options: PassOptions::default(),
        };
        let found = pass.run(Progress::none()).expect("a measurement");
        for (threshold, measured) in measured.iter_mut().enumerate() {
            let of = |class: &distil_compdd::ClassTally| class.complexity(threshold).expect("images");
            measured.push(found.classes.iter().map(of).sum::<f64>() / CLASSES as f64);
        }
        background.push(share);
    }
    (measured, background)
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn shown(found: Result<Correlation, distil_stats::StatsError>) -> String {
    found.map_or_else(|_| "–".to_owned(), |found| format!("{:.3}", found.coefficient))
}

#[test]
#[ignore = "minutes; prints the table of docs/benchmarks.md"]
fn table() {
    let thresholds = vec![0.5, 0.1, 0.9];
    let (learned, shown_to) = (settings(24, 12), settings(24, 20));
    let resnet = || Network::from(ResNet18 { base_width: 8, ..ResNet18::new(3, CLASSES, SIDE, SIDE) });
    let convnet = || Network::from(ConvNet::new(3, CLASSES, SIDE, SIDE).with_width(16).with_depth(3));
    for (name, network, epochs) in
        [("ConvNet depth 3 width 16", convnet(), 15), ("ResNet-18 width 8", resnet(), 9)]
    {
        let (trained, accuracy) = train(&learned, network.clone(), epochs);
        let state =
            NetworkState { theta: network.init(&mut stream(0, "init", 0)), buffers: network.init_buffers() };
        let untrained = model(network.clone(), state);
        say(&format!("\n{name}, {} epochs, {:.1} % right\n", epochs + 1, 100.0 * accuracy));
        say("| map, layer | ρ at 0.5 | at 0.1 | at 0.9 | untrained, at 0.5 |\n|---|---:|---:|---:|---:|");
        for layer in network.cam_layers() {
            for (cam_name, cam) in [("Grad-CAM", Cam::GradCam), ("Grad-CAM++", Cam::GradCamPlusPlus)] {
                let definition = Definition {
                    thresholds: thresholds.clone(),
                    cam,
                    layer: Some(layer.clone()),
                    ..Definition::default()
                };
                let (measured, background) = measure(&trained, &shown_to, &definition);
                let (control, _) = measure(&untrained, &shown_to, &definition);
                let rho = |measured: &Vec<f64>| shown(spearman(measured, &background));
                let each: Vec<String> = measured.iter().chain([&control[0]]).map(rho).collect();
                say(&format!("| {cam_name}, {layer} | {} |", each.join(" | ")));
            }
        }
    }
}

#[test]
fn complexity_orders_settings_as_the_true_background_does() {
    let network = Network::from(ResNet18 { base_width: 4, ..ResNet18::new(3, CLASSES, SIDE, SIDE) });
    let settings = settings(20, 4);
    let (trained, accuracy) = train(&settings, network, 5);
    let definition =
        Definition { cam: Cam::GradCamPlusPlus, layer: Some("layer2".to_owned()), ..Definition::default() };
    let (measured, background) = measure(&trained, &settings, &definition);
    let found = spearman(&measured[0], &background).expect("settings differ");
    say(&format!("ρ = {:.3}, n = {}, {:.1} % right", found.coefficient, found.n, 100.0 * accuracy));
    // 1.000 for the longer trained, wider network of docs/benchmarks.md.
    assert!(found.coefficient > 0.8 && found.n == 20, "{found:?}");
}
