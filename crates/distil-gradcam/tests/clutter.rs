//! Maps of trained networks against the true object masks of the generated set `clutter`.
//!
//! The figures in `docs/benchmarks.md` are printed by
//! `cargo test -p distil-gradcam --test clutter -- --ignored --nocapture`.

use std::io::Write;
use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use distil_data::clutter::{ClutterConfig, ClutterImages, Part, generate};
use distil_data::{ImageShape, Images, Split};
use distil_gradcam::{
    Cam, CamRecipe, Explainer, Localisation, Maps, Noise, Smoothing, Target, accuracy, last_layer,
    localisation, train_network,
};
use distil_models::{ConvNet, Network};

/// Part of a map that counts as "on the object".
const THRESHOLD: f64 = 0.5;

struct Trained {
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

fn train(config: &ClutterConfig, width: usize, depth: usize, epochs: usize) -> Trained {
    let [train, test] = [Part::Train, Part::Test].map(|part| generate(config, 0, part).expect("images"));
    let side = config.resolution;
    let network = Network::ConvNet(ConvNet::new(3, 10, side, side).with_width(width).with_depth(depth));
    let device = Device::flex();
    let augmentation = "crop_scale".parse().expect("a strategy");
    let recipe = CamRecipe { epochs, batch: 64, micro_batch: 16, augmentation, ..CamRecipe::default() };
    let state =
        train_network(&network, &split(&train), &recipe, 0, &device, &mut |_| ControlFlow::Continue(()))
            .expect("a network");
    let (theta, buffers) = (network.theta(&state.theta, &device), network.buffers(&state.buffers, &device));
    let accuracy = accuracy(&network, &theta, &buffers, &split(&test));
    Trained { network, theta, buffers, test, accuracy }
}

impl Trained {
    fn localise(&self, cam: Cam, layer: usize) -> Localisation {
        let Self { network, theta, buffers, test, .. } = self;
        let explainer = Explainer { network, theta, buffers, layer, cam, micro_batch: 16 };
        let rows: Vec<usize> = (0..test.labels.len()).collect();
        let data = TensorData::new(split(test).images.gather(&rows), test.shape);
        let images = Tensor::from_data(data, &Device::flex());
        let got = explainer.explain(&images, Target::Classes(&test.labels), Noise::default());
        let [_, _, h, w] = test.shape;
        let maps = got.expect("maps").raw.unit().resize(h, w);
        localisation(&maps, &test.masks, THRESHOLD).expect("every image shows an object")
    }

    /// The same bump in the middle of every image: what the generator's taste for the middle is worth.
    fn middle(&self) -> Localisation {
        let [n, _, h, w] = self.test.shape;
        let bump = |i: usize| {
            let (y, x) = ((i / w) as f64 - (h - 1) as f64 / 2.0, (i % w) as f64 - (w - 1) as f64 / 2.0);
            (-(y * y + x * x) / (2.0 * (w as f64 / 6.0).powi(2))).exp()
        };
        let one: Vec<f64> = (0..h * w).map(bump).collect();
        let maps = Maps { height: h, width: w, values: one.repeat(n) };
        localisation(&maps.unit(), &self.test.masks, THRESHOLD).expect("every image shows an object")
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn row(name: &str, got: Localisation) -> String {
    let Localisation { iou, chance_iou, pointing, chance_pointing, .. } = got;
    format!("| {name} | {iou:.3} | {chance_iou:.3} | {pointing:.3} | {chance_pointing:.3} |")
}

#[test]
fn maps_find_the_object_far_better_than_chance() {
    let config =
        ClutterConfig { train_per_class: 80, test_per_class: 20, object_size: 0.5, ..ClutterConfig::easy() };
    let trained = train(&config, 12, 2, 14);
    let layer = last_layer(&trained.network).expect("a layer");
    say(&format!("accuracy {:.3}", trained.accuracy));
    say(&row("middle", trained.middle()));
    assert!(trained.accuracy > 0.5, "the network has learned: {}", trained.accuracy);
    for cam in [Cam::GradCam, Cam::GradCamPlusPlus] {
        let got = trained.localise(cam, layer);
        say(&row(&format!("{cam:?}"), got));
        assert!(got.iou > 1.5 * got.chance_iou, "{cam:?}: {got:?}");
        assert!(got.pointing > 2.0 * got.chance_pointing, "{cam:?}: {got:?}");
    }
}

#[test]
#[ignore = "minutes; prints the table of docs/benchmarks.md"]
fn table() {
    let easy = ClutterConfig { train_per_class: 200, test_per_class: 50, ..ClutterConfig::easy() };
    let small = ClutterConfig { object_size: 0.42, ..easy };
    let hard = ClutterConfig {
        train_per_class: 400,
        ..ClutterConfig { test_per_class: 50, ..ClutterConfig::hard() }
    };
    for (name, config, epochs) in [("easy", easy, 20), ("small objects", small, 20), ("hard", hard, 30)] {
        for depth in [2, 3] {
            let trained = train(&config, 32, depth, epochs);
            say(&format!(
                "\n{name}, ConvNet depth {depth} width 32, test accuracy {:.3}\n",
                trained.accuracy
            ));
            say("| map | IoU | by chance | pointing game | by chance |\n|---|---:|---:|---:|---:|");
            for (layer, at) in trained.network.cam_layers().iter().enumerate() {
                for (cam_name, cam) in [
                    ("Grad-CAM", Cam::GradCam),
                    ("Grad-CAM++", Cam::GradCamPlusPlus),
                    ("SmoothGrad-CAM++", Cam::SmoothGradCamPlusPlus(Smoothing::default())),
                    ("the same, public code", Cam::public_code()),
                ] {
                    say(&row(&format!("{cam_name}, {at}"), trained.localise(cam, layer)));
                }
            }
            say(&row("a bump in the middle", trained.middle()));
        }
    }
}
