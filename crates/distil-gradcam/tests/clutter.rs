//! Maps of trained networks against the true object masks of the generated set `clutter`.
//!
//! The figures in `docs/benchmarks.md` are printed by
//! `cargo test -p distil-gradcam --test clutter -- --ignored --nocapture`.

use distil_progress::Progress;
use std::io::Write;

use burn::tensor::{Device, Tensor, TensorData};
use distil_data::clutter::{ClutterConfig, ClutterImages, Part, generate};
use distil_data::{ImageShape, Images, Split};
use distil_engine::{At, Engine};
use distil_eval::{Protocol, Training, TrainingSet, accuracy};
use distil_gradcam::{
    Cam, Explainer, Localisation, Maps, Noise, Smoothing, Target, Threshold, layer, localisation,
};
use distil_models::{ConvNet, Network, ResNet18};

struct Trained {
    engine: Engine,
    network: Network,
    theta: Tensor<1>,
    buffers: Tensor<1>,
    test: ClutterImages,
    accuracy: f64,
}

fn split(images: &ClutterImages) -> Split {
    let [_, channels, height, width] = images.shape;
    let shape = ImageShape { channels, height, width };
    let pixels = Images::from_u8(shape, images.pixels.clone()).expect("whole images");
    let pixels = pixels.with_mean_std(&[0.5; 3], &[0.25; 3]).expect("three channels");
    Split::new(pixels, images.labels.clone()).expect("one label an image")
}

fn train(config: &ClutterConfig, network: Network, epochs: usize) -> Trained {
    let [train, test] = [Part::Train, Part::Test].map(|part| generate(config, 0, part).expect("images"));
    let (engine, split) = (Engine::new(Device::flex()), (split(&train), split(&test)));
    let augmentation = "crop_scale".parse().expect("a strategy");
    let protocol = Protocol { batch: 64, micro_batch: 16, augmentation, ..Protocol::default() };
    let set = TrainingSet::Real(&split.0);
    let training =
        Training { net: &network, set, protocol: &protocol, epochs, lr: 0.02, seed: 0, engine: &engine };
    let student = training.run(Progress::none()).expect("a network");
    let (theta, buffers) = (student.theta, student.buffers);
    let accuracy = accuracy(&engine, At::evaluation(&network, &theta, &buffers), &split.1);
    Trained { engine, network, theta, buffers, test, accuracy }
}

impl Trained {
    fn localise(&self, cam: Cam, layer: usize, threshold: Threshold) -> Localisation {
        let Self { engine, network, theta, buffers, test, .. } = self;
        let explainer = Explainer { engine, network, theta, buffers, layer, cam, micro_batch: 16 };
        let rows: Vec<usize> = (0..test.labels.len()).collect();
        let data = TensorData::new(split(test).images.gather(&rows), test.shape);
        let images = Tensor::from_data(data, engine.device());
        let got = explainer.explain(&images, Target::Classes(&test.labels), Noise::default());
        let [_, _, h, w] = test.shape;
        let maps = got.expect("maps").raw.unit().resize(h, w);
        localisation(&maps, &test.masks, threshold).expect("every image shows an object")
    }

    /// The same bump in the middle of every image: what the generator's taste for the middle is worth.
    fn middle(&self, threshold: Threshold) -> Localisation {
        let [n, _, h, w] = self.test.shape;
        let bump = |i: usize| {
            let (y, x) = ((i / w) as f64 - (h - 1) as f64 / 2.0, (i % w) as f64 - (w - 1) as f64 / 2.0);
            (-(y * y + x * x) / (2.0 * (w as f64 / 6.0).powi(2))).exp()
        };
        let one: Vec<f64> = (0..h * w).map(bump).collect();
        let maps = Maps { height: h, width: w, values: one.repeat(n) };
        localisation(&maps.unit(), &self.test.masks, threshold).expect("every image shows an object")
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn row(name: &str, got: Localisation) -> String {
    let Localisation { iou, chance_iou, pointing, chance_pointing, .. } = got;
    format!("| {name} | {iou:.3} | {chance_iou:.3} | {pointing:.3} | {chance_pointing:.3} |")
}

/// Easy pictures with smaller glyphs, which have room to be elsewhere than in the middle.
fn easy(train_per_class: usize, test_per_class: usize) -> ClutterConfig {
    ClutterConfig { train_per_class, test_per_class, object_size: 0.5, ..ClutterConfig::easy() }
}

fn convnet() -> Network {
    Network::from(ConvNet::new(3, 10, 32, 32).with_width(16).with_depth(3))
}

#[test]
fn maps_find_the_object_far_better_than_chance() {
    let trained = train(&easy(100, 15), convnet(), 12);
    assert!(trained.accuracy > 0.6, "the network has learned: {}", trained.accuracy);
    let middle_block = layer(&trained.network, "blocks.1").expect("a layer");
    let bump = trained.middle(Threshold::Fixed(0.5));
    for (cam, iou, pointing) in [(Cam::GradCam, 2.0, 3.0), (Cam::GradCamPlusPlus, 4.0, 5.0)] {
        let got = trained.localise(cam, middle_block, Threshold::Fixed(0.5));
        say(&row(&format!("{cam:?}, test accuracy {:.3}", trained.accuracy), got));
        assert!(got.iou > iou * got.chance_iou, "{cam:?}: {got:?}");
        assert!(got.pointing > pointing * got.chance_pointing, "{cam:?}: {got:?}");
        if cam == Cam::GradCamPlusPlus {
            assert!(got.iou > bump.iou && got.pointing > bump.pointing, "{got:?} {bump:?}");
        }
    }
}

#[test]
#[ignore = "minutes; prints the table of docs/benchmarks.md"]
fn table() {
    let hard = ClutterConfig { train_per_class: 300, test_per_class: 20, ..ClutterConfig::hard() };
    let resnet = ResNet18 { base_width: 8, ..ResNet18::new(3, 10, 32, 32) };
    for (name, config, network, epochs) in [
        ("easy, object_size 0.5; ConvNet depth 3 width 16", easy(150, 20), convnet(), 15),
        ("hard; ConvNet depth 3 width 16", hard, convnet(), 24),
        ("easy, object_size 0.5; ResNet-18 base width 8", easy(150, 20), Network::from(resnet), 9),
    ] {
        let trained = train(&config, network, epochs);
        say(&format!("\n{name}; {} epochs; test accuracy {:.3}\n", epochs + 1, trained.accuracy));
        say("| map, layer | IoU at 0.5 | by chance | IoU at mean | by chance | pointing game | by chance |");
        say("|---|---:|---:|---:|---:|---:|---:|");
        let line = |name: &str, fixed: Localisation, mean: Localisation| {
            let Localisation { iou, chance_iou, pointing, chance_pointing, .. } = fixed;
            say(&format!(
                "| {name} | {iou:.3} | {chance_iou:.3} | {:.3} | {:.3} | {pointing:.3} | {chance_pointing:.3} |",
                mean.iou, mean.chance_iou
            ));
        };
        for (layer, at) in trained.network.cam_layers().iter().enumerate() {
            for (cam_name, cam) in [
                ("Grad-CAM", Cam::GradCam),
                ("Grad-CAM++", Cam::GradCamPlusPlus),
                ("SmoothGrad-CAM++", Cam::SmoothGradCamPlusPlus(Smoothing::default())),
                ("SmoothGrad-CAM++ as in public code", Cam::public_code()),
            ] {
                let at_threshold = |threshold| trained.localise(cam, layer, threshold);
                let (fixed, mean) = (at_threshold(Threshold::Fixed(0.5)), at_threshold(Threshold::Mean));
                line(&format!("{cam_name}, {at}"), fixed, mean);
            }
        }
        line("a bump in the middle", trained.middle(Threshold::Fixed(0.5)), trained.middle(Threshold::Mean));
    }
}
