//! Methods that go class by class (DC, DSA, DM): what they move, what they compare, and that interruptions change nothing.

mod common;

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{Bench, CLASSES, SIDE, bytes};
use distil_augment::{Augmentation, Strategy};
use distil_data::{Normalisation, Preprocessing};
use distil_engine::{At, Engine, Targets};
use distil_hypergrad::InnerSet;
use distil_match::{
    Distance, Files, GradientMatching, Init, Ipc, Method, Pixels, RealTraining, RunError, View,
    match_embeddings, match_gradients, run_unvalidated,
};
use distil_models::{ConvNet, Network};
use distil_random::{normal, stream};
use distil_store::{Decoding, RunFolder, SyntheticSet};
use serde_json::Value;

/// A preset for the small set; gradient matching with its own loops.
fn small(preset: Method) -> Method {
    let mut small = Method {
        ipc: Ipc::Each(2),
        iterations: 6,
        validate_every: 4,
        checkpoint_every: 3,
        syn_lr: 0.05,
        ..preset
    };
    if let Some(gradient) = small.objective.get_mut::<GradientMatching>() {
        let loops = [3, 2].map(Some);
        *gradient = GradientMatching {
            outer_loop: loops[0],
            inner_loop: loops[1],
            cluster_every: gradient.cluster_every.map(|_| 2),
            batch_real: 8,
            batch_train: 4,
            real_training: gradient.real_training.map(|real| RealTraining { images: 12, ..real }),
            ..gradient.clone()
        };
    }
    small
}

fn presets() -> [(&'static str, Method); 5] {
    [
        ("dc", small(Method::dc())),
        ("dsa", small(Method::dsa())),
        ("idc", small(Method::idc())),
        ("dream", small(Method::dream())),
        ("dm", small(Method::dm())),
    ]
}

fn set(path: &Path) -> SyntheticSet {
    SyntheticSet::load(path).expect("a set")
}

fn log(bench: &Bench, run: &str) -> Vec<u8> {
    bytes(&bench.folder.path().join(run).join("events.jsonl"))
}

/// The events of the iterations.
fn iterations(bench: &Bench, run: &str) -> Vec<Value> {
    let text = String::from_utf8(log(bench, run)).expect("text");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("one event a line"));
    events.filter(|event| event["kind"] == "iteration").collect()
}

fn losses(bench: &Bench, run: &str) -> Vec<f64> {
    iterations(bench, run).iter().map(|event| event["loss"].as_f64().expect("a loss")).collect()
}

#[test]
fn interrupted_equals_uninterrupted() {
    let bench = Bench::new();
    for (name, method) in presets() {
        let (whole, torn) = (format!("{name}-whole"), format!("{name}-torn"));
        let sets = |files: &Files| [&files.initial, &files.last, &files.best].map(|file| bytes(file));
        let [a, b] = [bench.run(&whole, &method, |_| false), bench.run(&torn, &method, |_| true)];
        assert!(sets(&a) == sets(&b), "{name}");
        assert!(log(&bench, &whole) == log(&bench, &torn), "{name}");
    }
}

#[test]
fn images_move_and_the_objective_falls() {
    let bench = Bench::new();
    for (name, method) in presets() {
        let image_lr = match name {
            "dm" => 5.0,
            // In pixels.
            "idc" | "dream" => 0.02,
            _ => 0.5,
        };
        let method = Method { iterations: 40, validate_every: 40, init: Init::Noise, image_lr, ..method };
        let files = bench.run(name, &method, |_| false);
        let (first, last) = (set(&files.initial), set(&files.last));
        assert_eq!((first.labels, first.syn_lr), (last.labels, last.syn_lr), "{name}");
        for (before, after) in first.images.chunks(SIDE * SIDE).zip(last.images.chunks(SIDE * SIDE)) {
            assert!(before != after, "{name}: an image of some class did not move");
        }
        let losses = losses(&bench, name);
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (early, late) = (mean(&losses[..8]), mean(&losses[32..]));
        assert!(late < 0.9 * early, "{name}: {early} at first, {late} at last");
    }
}

/// Classes of 2, 5 and 20 images. Where a class is no larger than its synthetic images, these start as all of it: both
/// sides are the same to a network, if it sees them under the same transformation.
#[test]
fn small_and_unequal_classes_are_taken_whole() {
    let mut bench = Bench::new();
    let sizes = [2, 5, 20];
    let rows: Vec<usize> = (0..CLASSES)
        .flat_map(|class| bench.dataset.train.rows_of_class(class as u32).into_iter().take(sizes[class]))
        .collect();
    let all = bench.dataset.train.clone();
    bench.dataset.train = all.subset(&rows);
    let one = |preset| Method { iterations: 1, ..small(preset) };
    for (name, preset) in [("dsa", one(Method::dsa())), ("dm", one(Method::dm()))] {
        bench.run(name, &preset, |_| false);
        assert!(losses(&bench, name)[0] > 0.0, "{name}");
    }
    let rows: Vec<usize> =
        (0..CLASSES).flat_map(|class| all.rows_of_class(class as u32).into_iter().take(2)).collect();
    bench.dataset.train = all.subset(&rows);
    for (name, preset) in [("dsa-whole", Method::dsa()), ("dm-whole", Method::dm())] {
        // Six transformations; one iteration sees a few of them.
        let method = Method { iterations: 12, validate_every: 12, image_lr: 0.0, ..small(preset) };
        bench.run(name, &method, |_| false);
        let losses = losses(&bench, name);
        assert!(losses.iter().all(|&loss| loss < 0.05), "{name}: {losses:?}");
    }
    let alone = Method { augmentation: Strategy::none(), init: Init::Noise, ..one(Method::dsa()) };
    bench.run("noise", &alone, |_| false);
    assert!(losses(&bench, "noise")[0] > 1.0, "noise is not alike");
}

#[test]
fn refused_steps_touch_nothing_and_count_once() {
    let bench = Bench::new();
    for (name, method) in presets() {
        let gated = Method { loss_gate: 1e-12, ..method };
        let files = bench.run(name, &gated, |_| false);
        assert_eq!(set(&files.initial).images, set(&files.last).images, "{name}");
        let events = iterations(&bench, name);
        assert!(events.len() == 6 && events.iter().all(|event| event["reason"] == "gate"), "{name}");
    }
    // The network diverges between the first and the second step of the images: the first one stands.
    let once = |outer_loop, syn_lr| {
        let mut method = Method { iterations: 1, syn_lr, ..small(Method::dc()) };
        method.change(|gradient: &mut GradientMatching| gradient.outer_loop = Some(outer_loop));
        method
    };
    let [diverging, first] = [("diverging", once(3, 1e30)), ("first", once(1, 0.05))]
        .map(|(name, method)| set(&bench.run(name, &method, |_| false).last).images);
    assert_eq!(diverging, first);
    assert_eq!(iterations(&bench, "diverging")[0]["reason"], "non-finite");
}

/// Unless they are given, the loops are those published for the nearest number of images a class: one step at one image.
#[test]
fn loops_follow_the_images_of_a_class() {
    let bench = Bench::new();
    let last = |name: &str, loops| {
        let mut method = Method { ipc: Ipc::Each(1), iterations: 2, ..small(Method::dc()) };
        method.change(|gradient: &mut GradientMatching| {
            (gradient.outer_loop, gradient.inner_loop) = loops;
        });
        set(&bench.run(name, &method, |_| false).last).images
    };
    let published = last("published", (None, None));
    assert_eq!(published, last("one", (Some(1), Some(1))));
    assert_ne!(published, last("two", (Some(2), Some(1))));
    assert_ne!(last("untrained", (Some(2), Some(0))), last("trained", (Some(2), Some(3))));
}

/// Momentum gathers from the second step of a network on, also over the steps of the images between.
#[test]
fn a_network_is_trained_with_momentum() {
    let bench = Bench::new();
    let last = |name: &str, loops, inner_momentum| {
        let mut method = Method { ipc: Ipc::Each(1), iterations: 1, ..small(Method::dc()) };
        method.change(|gradient: &mut GradientMatching| {
            (gradient.outer_loop, gradient.inner_loop) = loops;
            gradient.inner_momentum = inner_momentum;
        });
        set(&bench.run(name, &method, |_| false).last).images
    };
    for (name, loops, alike) in [("one", [2, 1], true), ("epochs", [2, 2], false), ("across", [3, 1], false)]
    {
        let loops = (Some(loops[0]), Some(loops[1]));
        let [none, half] = [0.0, 0.5].map(|momentum| last(&format!("{name}-{momentum}"), loops, momentum));
        assert_eq!(none == half, alike, "{name}");
    }
}

fn random<const D: usize>(purpose: &str, shape: [usize; D]) -> Tensor<D> {
    let mut rng = stream(4, purpose, 0);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| f64::from(normal(&mut rng))).collect();
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

fn number<const D: usize>(tensor: Tensor<D>) -> f64 {
    tensor.sum().into_data().iter::<f64>().sum()
}

/// Derivatives before augmentation, with soft labels, against central differences in f64.
#[test]
fn derivatives_are_slopes_under_every_transformation() {
    let net = Network::from(ConvNet::new(3, CLASSES, SIDE, SIDE).with_width(4).with_depth(2));
    let engine = &Engine::new(Device::flex());
    let theta: Tensor<1> = random("theta", [net.layout().params()]) * 0.3;
    let (images, along): (Tensor<4>, Tensor<4>) =
        (random("x", [3, 3, SIDE, SIDE]), random("v", [3, 3, SIDE, SIDE]));
    let (logits, along_labels): (Tensor<2>, Tensor<2>) =
        (random("y", [3, CLASSES]), random("w", [3, CLASSES]));
    let gradient: Tensor<1> = random("real", [net.layout().params()]) * 0.01;
    let features: Tensor<1> = random("features", [net.features()]);
    let single = Strategy::dsa().operations().iter().map(|operation| operation.name()).collect::<Vec<_>>();
    for names in single.into_iter().chain(["flip+color+crop+cutout"]) {
        let strategy: Strategy = names.parse().expect("a strategy");
        let augmentation: Augmentation = strategy.draw(1, SIDE, SIDE, &mut stream(2, "draw", 0));
        for micro_batch in [usize::MAX, 1] {
            let view =
                View { engine, at: At::training(&net, &theta), augmentation: &augmentation, micro_batch };
            let at = |step: f64| images.clone() + along.clone() * step;
            let labels = |step: f64| Targets::Soft(logits.clone() + along_labels.clone() * step);
            let central = |f: &dyn Fn(f64) -> f64| (f(1e-5) - f(-1e-5)) / 2e-5;
            let close = |what: &str, slope: f64, found: f64| {
                let error = (slope - found).abs() / slope.abs().max(1e-3);
                assert!(error < 1e-4, "{what} under {augmentation:?}: {slope} {found}");
            };
            let embedded = |step| match_embeddings(view, &features, &at(step));
            let slope = central(&|step| number(embedded(step).loss));
            close("embeddings", slope, number(embedded(0.0).images * along.clone()));
            for distance in [Distance::Ours, Distance::Mse, Distance::Cos, Distance::ConvMse] {
                let matched = |x, y| {
                    let set = InnerSet::new(at(x), labels(y));
                    match_gradients(view, &gradient, &set, distance)
                };
                let found = matched(0.0, 0.0);
                let slope = central(&|step| number(matched(step, 0.0).parts));
                close("gradients by images", slope, number(found.images * along.clone()));
                let slope = central(&|step| number(matched(0.0, step).parts));
                let by_labels = found.labels.expect("soft labels") * along_labels.clone();
                close("gradients by labels", slope, number(by_labels));
            }
        }
    }
}

/// IDC's pixels: between black and white after every iteration, and a step is one of pixels.
#[test]
fn images_of_idc_are_pixels_of_tiles() {
    let mut bench = Bench::new();
    let method = small(Method::idc());
    let files = bench.run("idc", &Method { image_lr: 50.0, ..method.clone() }, |_| false);
    let Normalisation::MeanStd { mean, std } = bench.dataset.preprocessing().normalisation.clone() else {
        panic!("normalised by channel")
    };
    let pixels: Vec<f32> = set(&files.last).images.iter().map(|value| value * std[0] + mean[0]).collect();
    assert!(pixels.iter().all(|pixel| (-1e-5..=1.0 + 1e-5).contains(pixel)), "within bounds");
    assert!(pixels.iter().filter(|pixel| **pixel < 1e-5 || **pixel > 1.0 - 1e-5).count() > 3, "some at them");
    assert_eq!(set(&files.last).card.decoding, Decoding::Tiles { factor: 2 });
    // Without the bounds, a step of pixels is 1/s² times one of network input.
    let with = |pixels, image_lr| {
        let mut one = Method { iterations: 1, image_lr, ..method.clone() };
        one.change(|gradient: &mut GradientMatching| {
            (gradient.outer_loop, gradient.pixels) = (Some(1), pixels);
        });
        one
    };
    let lr = 1e-4;
    let unit = set(&bench.run("unit", &with(Pixels::Unit, lr), |_| false).last).images;
    let scaled = f64::from(1.0 / (std[0] * std[0]));
    let plain = set(&bench.run("plain", &with(Pixels::Normalised, lr * scaled), |_| false).last).images;
    let far = unit.iter().zip(&plain).filter(|(a, b)| (**a - **b).abs() > 1e-4).count();
    assert!(far * 20 < unit.len(), "{far} of {} differ by more than a bound", unit.len());
    let zca = Normalisation::Zca(distil_store::Whitening { eps: 0.1, fit_digest: "other".to_owned() });
    bench.dataset.transform = Preprocessing { resize: None, normalisation: zca }.into();
    let path = bench.folder.path().join("zca");
    let mut folder = RunFolder::create(&path, "a = 1").expect("a run");
    let error = run_unvalidated(&bench.inputs(&method), ("idc", "test"), &mut folder, &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(error, Err(RunError::Pixels(_))), "{error:?}");
}
