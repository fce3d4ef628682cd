//! Does the order of classes depend on which images are looked at, and by which network? On the slice of Imagenette.
//!
//! The figures in `docs/benchmarks.md` are printed by
//! `cargo test -p distil-compdd --test imagenette -- --ignored --nocapture`, with the data in `DISTIL_DATA_DIR` or
//! `../shared/data`.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::Device;
use distil_compdd::{Definition, Pace, Pass, Source};
use distil_data::{DataConfig, Dataset, HoldOut, Preprocessing};
use distil_eval::{Protocol, Training, TrainingSet, accuracy};
use distil_gradcam::{Cam, CamModel, ClassMap, ModelCard};
use distil_models::{ConvNet, Network, NetworkState, ResNet18};
use distil_stats::kendall;

const SIDE: usize = 64;

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let root = std::env::var_os("DISTIL_DATA_DIR").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    Some(root.join("imagenette2-224")).filter(|folder| folder.is_dir())
}

fn train(data: &Dataset, network: Network, epochs: usize, seed: u64) -> CamModel {
    let device = Device::flex();
    let augmentation = "color_crop_flip_scale".parse().expect("a strategy");
    let protocol = Protocol { batch: 32, micro_batch: 8, augmentation, ..Protocol::default() };
    let set = TrainingSet::Real(&data.train);
    let training =
        Training { net: &network, set, protocol: &protocol, epochs, lr: 0.02, seed, device: &device };
    let student = training.run(&mut |_| ControlFlow::Continue(())).expect("a network");
    let right = accuracy(&network, &student.theta, &student.buffers, &data.test, &device);
    say(&format!("{}: {:.1} % of 300 test images right", network.arch(), 100.0 * right));
    let state = NetworkState {
        theta: student.theta.into_data().iter::<f32>().collect(),
        buffers: student.buffers.into_data().iter::<f32>().collect(),
    };
    let card = ModelCard {
        network,
        class_names: data.class_names.clone(),
        preprocessing: serde_json::to_value(&data.preprocessing).expect("plain JSON"),
        dataset: data.name.clone(),
        dataset_digest: data.digest.clone(),
        validation_accuracy: None,
        recipe: serde_json::json!("a test"),
        seed,
        distil_version: String::new(),
        command: String::new(),
    };
    CamModel { state, card }
}

/// Complexity of every class, and of the mean standard error.
fn measure(
    model: &CamModel,
    source: &Source,
    names: &[String],
    preprocessing: &Preprocessing,
    cam: Cam,
) -> (Vec<f64>, f64) {
    let definition = Definition { cam, ..Definition::default() };
    let class_map = ClassMap::by_name(names, &model.card.class_names).expect("the same classes");
    let pass = Pass {
        source,
        dataset: "imagenette",
        class_names: names,
        model,
        class_map: &class_map,
        preprocessing,
        definition: &definition,
        device: &Device::flex(),
        pace: Pace::default(),
    };
    let started = Instant::now();
    let measured = pass.run(&mut |_| ControlFlow::Continue(())).expect("a measurement");
    say(&format!("  {:.1} images/s", source.len() as f64 / started.elapsed().as_secs_f64()));
    let each = measured.classes.iter();
    let errors: f64 = each.clone().map(|class| class.standard_error(0).expect("two images")).sum();
    (each.map(|class| class.complexity(0).expect("images")).collect(), errors / names.len() as f64)
}

#[test]
#[ignore = "minutes, and needs Imagenette; prints figures of docs/benchmarks.md"]
fn the_order_of_classes_is_that_of_other_images_and_networks() {
    let Some(path) = folder() else { return say("skipped: imagenette2-224 is not there") };
    let config = DataConfig {
        path: Some(path),
        resolution: Some(SIDE),
        validation: Some(HoldOut::Count(0)),
        ..DataConfig::new("folder".parse().expect("a name"))
    };
    let data = config.load(&mut |_| ControlFlow::Continue(())).expect("images");
    let list = config.list().expect("images").everything();
    let halves: Vec<Source> = (0..2)
        .map(|half| Source::Files(list.subset(&(half..list.len()).step_by(2).collect::<Vec<_>>())))
        .collect();
    let whole = Source::Files(list);
    let resnet =
        |width| Network::ResNet18(ResNet18 { base_width: width, ..ResNet18::new(3, 10, SIDE, SIDE) });
    let convnet = Network::ConvNet(ConvNet::new(3, 10, SIDE, SIDE).with_width(32).with_depth(4));
    let models =
        [train(&data, resnet(12), 24, 0), train(&data, resnet(12), 24, 1), train(&data, convnet, 39, 0)];
    for cam in [Cam::GradCam, Cam::GradCamPlusPlus] {
        let of = |model: &CamModel, source: &Source| {
            measure(model, source, &data.class_names, &data.preprocessing, cam)
        };
        let all: Vec<(Vec<f64>, f64)> = models.iter().map(|model| of(model, &whole)).collect();
        for (at, model) in models.iter().enumerate() {
            let [a, b] = [0, 1].map(|half| of(model, &halves[half]).0);
            let tau = kendall(&a, &b).expect("ten classes");
            let (means, error) = &all[at];
            let spread = means.iter().fold(f64::NEG_INFINITY, |top, mean| top.max(*mean))
                - means.iter().fold(f64::INFINITY, |low, mean| low.min(*mean));
            say(&format!(
                "{cam:?}, model {at}, halves: τ = {:.2} (p = {:.3}, n = {}); range {spread:.3}, standard error {error:.3}",
                tau.coefficient, tau.p, tau.n
            ));
        }
        for [a, b] in [[0, 1], [0, 2], [1, 2]] {
            let tau = kendall(&all[a].0, &all[b].0).expect("ten classes");
            say(&format!(
                "{cam:?}, models {a} and {b}: τ = {:.2} (p = {:.3}, n = {})",
                tau.coefficient, tau.p, tau.n
            ));
        }
    }
}
