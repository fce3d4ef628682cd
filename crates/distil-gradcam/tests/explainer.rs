//! What holds for every map, network and layer, and what is refused.

use burn::tensor::{Device, Tensor, TensorData};
use distil_engine::{At, Engine};
use distil_gradcam::{
    Cam, CamError, ClassMap, Enhancement, Explainer, Noise, Smoothing, Target, Threshold, last_layer, layer,
};
use distil_models::{AlexNet, ConvNet, Network, ResNet18, Vgg11};
use distil_random::{stream, uniform};

const CAMS: [fn() -> Cam; 4] = [
    || Cam::GradCam,
    || Cam::GradCamPlusPlus,
    || Cam::SmoothGradCamPlusPlus(Smoothing { samples: 2, ..Smoothing::default() }),
    Cam::public_code,
];

/// A network with random parameters on the CPU.
struct Setup {
    engine: Engine,
    network: Network,
    theta: Tensor<1>,
    buffers: Tensor<1>,
}

impl Setup {
    fn new(network: Network) -> Self {
        let engine = Engine::new(Device::flex());
        network.check().expect("a network that works");
        let theta = network.theta(&network.init(&mut stream(1, "setup", 0)), engine.device());
        let buffers = network.buffers(&network.init_buffers(), engine.device());
        Self { engine, network, theta, buffers }
    }

    fn explainer(&self, cam: Cam, micro_batch: usize) -> Explainer<'_> {
        let Self { engine, network, theta, buffers } = self;
        let layer = last_layer(network).expect("a layer");
        Explainer { engine, network, theta, buffers, layer, cam, micro_batch }
    }

    fn images(&self, n: usize) -> Tensor<4> {
        let [c, h, w] = self.network.image_shape();
        let mut rng = stream(2, "images", 0);
        let pixels: Vec<f32> = (0..n * c * h * w).map(|_| uniform(&mut rng, -1.0, 1.0)).collect();
        Tensor::from_data(TensorData::new(pixels, [n, c, h, w]), &Device::flex())
    }
}

fn colour() -> Setup {
    Setup::new(Network::from(ConvNet::new(3, 4, 16, 16).with_width(6).with_depth(2)))
}

#[test]
fn every_layer_of_every_network_has_maps() {
    let networks = [
        Network::from(ConvNet::new(1, 3, 28, 28).with_width(4)),
        Network::from(ConvNet::new(3, 3, 33, 17).with_width(4)),
        Network::from(ResNet18 { base_width: 2, ..ResNet18::new(3, 3, 32, 32) }),
        Network::from(Vgg11 { base_width: 2, ..Vgg11::new(3, 3, 32, 32) }),
        Network::from(AlexNet { base_width: 4, ..AlexNet::new(3, 3, 32, 32) }),
    ];
    for setup in networks.map(Setup::new) {
        let [_, h, w] = setup.network.image_shape();
        let images = setup.images(1);
        for (layer, name) in setup.network.cam_layers().iter().enumerate() {
            for cam in CAMS {
                let explainer = Explainer { layer, ..setup.explainer(cam(), 8) };
                let got = explainer.explain(&images, Target::Classes(&[2]), Noise::default());
                let got = got.unwrap_or_else(|error| panic!("{name}: {error}"));
                let at = At::evaluation(&setup.network, &setup.theta, &setup.buffers);
                let logits = setup.engine.logits(at, &images);
                let logits: Vec<f64> = logits.into_data().iter::<f64>().collect();
                let off = got.scores.iter().zip(&logits).fold(0.0f64, |max, (a, b)| max.max((a - b).abs()));
                assert!(off < 1e-4, "{name}: the scores are the network's, not {off} off");
                let map = got.raw.unit().resize(h, w);
                assert_eq!((map.len(), map.values.len()), (1, h * w));
                assert!(map.values.iter().all(|value| (0.0..=1.0).contains(value)), "{name}");
            }
        }
    }
}

#[test]
fn maps_depend_on_neither_chunks_nor_companions() {
    let setup = colour();
    let images = setup.images(5);
    let classes = [3, 0, 0, 2, 1];
    for cam in CAMS {
        let explain = |micro_batch, rows: std::ops::Range<usize>| {
            let noise = Noise { seed: 1, round: 2, first_image: rows.start as u64 };
            let part = images.clone().slice([rows.clone()]);
            setup.explainer(cam(), micro_batch).explain(&part, Target::Classes(&classes[rows]), noise)
        };
        let whole = explain(100, 0..5).expect("maps").raw;
        let split = explain(2, 0..5).expect("maps").raw;
        let tail = explain(100, 3..5).expect("maps").raw;
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(near(&whole.values, &split.values) && whole.len() == 5);
        assert!(near(&whole.slice(3..5).values, &tail.values) && tail.len() == 2);
        assert!(!near(whole.map(0), whole.map(1)));
    }
}

#[test]
fn each_round_has_its_own_noise() {
    let setup = colour();
    let images = setup.images(1);
    let explain = |noise| {
        let explainer = setup.explainer(Cam::public_code(), 8);
        explainer.explain(&images, Target::Classes(&[1]), noise).expect("maps").raw
    };
    let first = explain(Noise::default());
    assert_eq!(first, explain(Noise::default()));
    for other in [Noise { seed: 1, ..Noise::default() }, Noise { round: 1, ..Noise::default() }] {
        assert_ne!(first, explain(other));
    }
}

#[test]
fn the_predicted_class_is_that_of_the_highest_score() {
    let setup = colour();
    let images = setup.images(6);
    let explainer = setup.explainer(Cam::GradCam, 4);
    let predicted = explainer.explain(&images, Target::Predicted, Noise::default()).expect("maps");
    assert_eq!(predicted.classes, predicted.predicted());
    let again = explainer.explain(&images, Target::Classes(&predicted.classes), Noise::default());
    assert_eq!(again.expect("maps"), predicted);
    for (row, (class, confidence)) in
        predicted.scores.chunks(4).zip(predicted.classes.iter().zip(predicted.confidences()))
    {
        assert!(row.iter().all(|score| *score <= row[*class as usize]));
        assert!((0.25..=1.0).contains(&confidence));
    }
}

/// A network whose classifier ignores its features sees nothing: maps are zero, and weights β everywhere.
#[test]
fn a_map_of_nothing_is_weighted_beta() {
    let mut setup = colour();
    let classifier = 4 * setup.network.classes() * 6 * 4 + setup.network.classes();
    let params = setup.theta.dims()[0];
    let body = setup.theta.clone().narrow(0, 0, params - classifier);
    setup.theta = Tensor::cat(vec![body, Tensor::zeros([classifier], &Device::flex())], 0);
    let enhancement = Enhancement { beta: 2.0, threshold: Threshold::Mean };
    let map = ClassMap::by_index(vec![0, 1], 4).expect("classes");
    for cam in CAMS {
        let explainer = setup.explainer(cam(), 8);
        let got = explainer.discriminative(&setup.images(2), &[0, 1], &map, enhancement, Noise::default());
        let got = got.expect("maps");
        assert!(got.maps.values.iter().all(|value| *value == 0.0));
        assert!(got.weights.iter().all(|weight| *weight == 2.0));
        assert_eq!(got.areas, [1.0, 1.0]);
    }
}

/// The class map decides whose map is taken: the subset's label 0 is the model's class 3 here, and class 0 as in the
/// public code.
#[test]
fn labels_are_mapped_before_maps_are_taken() {
    let setup = colour();
    let images = setup.images(2);
    let explainer = setup.explainer(Cam::GradCam, 8);
    let enhancement = Enhancement { beta: 1.0, threshold: Threshold::Fixed(0.4) };
    let weights = |map: &ClassMap| {
        let got = explainer.discriminative(&images, &[0, 1], map, enhancement, Noise::default());
        got.expect("maps").weights
    };
    let direct = |classes: &[u32]| {
        let got = explainer.explain(&images, Target::Classes(classes), Noise::default()).expect("maps");
        let weights = enhancement.weights(&got.raw.unit().resize(16, 16));
        weights.into_iter().map(|weight| weight as f32).collect::<Vec<_>>()
    };
    let mapped = ClassMap::by_index(vec![3, 2], 4).expect("classes");
    let public = ClassMap::public_code(2, 4).expect("classes");
    assert_eq!(weights(&mapped), direct(&[3, 2]));
    assert_eq!(weights(&public), direct(&[0, 1]));
    assert_ne!(weights(&mapped), weights(&public));
    assert!(weights(&mapped).iter().all(|weight| *weight == 1.0 || *weight >= 1.4));
}

#[test]
fn what_does_not_fit_is_refused() {
    let setup = colour();
    let explainer = setup.explainer(Cam::GradCam, 8);
    let refused = |images: &Tensor<4>, classes: &[u32]| {
        let error = explainer.explain(images, Target::Classes(classes), Noise::default());
        error.expect_err("a refusal").to_string()
    };
    let images = setup.images(2);
    assert!(refused(&images, &[0]).contains("1 classes for 2 images"));
    assert!(refused(&images, &[0, 4]).contains("class 4 is not one of the model's 4 classes"));
    assert!(refused(&Tensor::zeros([0, 3, 16, 16], &Device::flex()), &[]).contains("no image"));
    let small = images.clone().slice([0..2, 0..3, 0..16, 0..8]);
    assert!(refused(&small, &[0, 1]).contains("3×16×8, the model takes 3×16×16"));
    let broken = images * f32::NAN;
    assert!(refused(&broken, &[0, 1]).contains("the map of image 0 is not a number"));
    let wrong = Explainer { layer: 2, ..explainer };
    let error = wrong.explain(&setup.images(1), Target::Predicted, Noise::default());
    assert!(matches!(error, Err(CamError::Layer { .. })));
    assert_eq!(layer(&setup.network, "blocks.0").expect("a layer"), 0);
    let error = layer(&setup.network, "layer4").expect_err("no such layer").to_string();
    assert!(error.contains("\"layer4\"") && error.contains("blocks.0, blocks.1"), "{error}");
    let flat = Network::from(ConvNet::new(3, 4, 16, 16).with_depth(0));
    assert!(last_layer(&flat).is_err());
    let settings = Cam::SmoothGradCamPlusPlus(Smoothing { samples: 0, ..Smoothing::default() });
    let error = Explainer { cam: settings, ..explainer };
    let error = error.explain(&setup.images(1), Target::Predicted, Noise::default());
    assert!(matches!(error, Err(CamError::Setting(_))));
}
