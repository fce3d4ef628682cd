//! Objectives other than trajectory matching, on the same small set.

mod common;

use std::collections::BTreeSet;

use burn::tensor::{DType, Tensor, TensorData};
use common::{Bench, CLASSES, SIDE, bytes, method};
use distil_engine::At;
use distil_match::{Files, Init, Ipc, Method, MethodError, Unrolled};
use distil_store::{Expert, Labels, StoreHeader, SyntheticSet, TrajectoryStore};
use serde_json::Value;

/// The preset with the sizes of the small set.
fn small(preset: Method) -> Method {
    let Method { ipc, validate_every, checkpoint_every, syn_lr, .. } = method();
    let mut small = Method { ipc, validate_every, checkpoint_every, syn_lr, iterations: 9, ..preset };
    if let Some(unrolled) = small.objective.get_mut() {
        *unrolled = Unrolled { syn_steps: 3, momentum: 0.5, batch_syn: Some(4), batch_real: 20 };
    }
    small
}

fn losses(bench: &Bench, run: &str) -> Vec<f64> {
    let text = String::from_utf8(bytes(&bench.folder.path().join(run).join("events.jsonl"))).expect("text");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("one event a line"));
    events.filter(|event| event["kind"] == "iteration").filter_map(|event| event["loss"].as_f64()).collect()
}

fn sets(files: &Files) -> Vec<Vec<u8>> {
    [&files.initial, &files.last, &files.best].map(|file| bytes(file)).to_vec()
}

fn set(path: &std::path::Path) -> SyntheticSet {
    SyntheticSet::load(path).expect("a set")
}

#[test]
fn interrupted_equals_uninterrupted() {
    let bench = Bench::new();
    let selections = [("herding", Method::herding()), ("forgetting", Method::forgetting())];
    for (name, preset) in [("dd", Method::dd()), ("ld", Method::ld())].into_iter().chain(selections) {
        let method = match name {
            "herding" | "forgetting" => Method { ipc: Ipc::Each(2), ..preset },
            _ => small(preset),
        };
        let whole = bench.run(&format!("{name}-whole"), &method, |_| false);
        let torn = bench.run(&format!("{name}-torn"), &method, |_| true);
        assert!(sets(&whole) == sets(&torn), "{name}");
        let log = |run: &str| bytes(&bench.folder.path().join(run).join("events.jsonl"));
        assert!(log(&format!("{name}-whole")) == log(&format!("{name}-torn")), "{name}");
    }
}

/// Images are learned by DD and labels by LD, each alone, and what a new network learns from them gets better.
#[test]
fn training_through_learns_what_it_says() {
    let bench = Bench::new();
    for (name, preset) in [("dd", Method::dd()), ("ld", Method::ld())] {
        let method = Method { iterations: 60, validate_every: 60, ..small(preset) };
        let files = bench.run(name, &method, |_| false);
        let (first, last) = (set(&files.initial), set(&files.last));
        assert_eq!(first.images != last.images, name == "dd", "{name}: images");
        assert_eq!(first.labels != last.labels, name == "ld", "{name}: labels");
        assert_eq!(first.syn_lr != last.syn_lr, name == "dd", "{name}: step size");
        let losses = losses(&bench, name);
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (early, late) = (mean(&losses[..15]), mean(&losses[45..]));
        assert!(late < 0.9 * early, "{name}: {early} at first, {late} at last");
    }
}

/// Without experts soft labels start confident in the class.
#[test]
fn labels_start_from_the_class() {
    let bench = Bench::new();
    let files = bench.run("labels", &small(Method::ld()), |_| false);
    let Labels::Soft { logits, classes } = set(&files.initial).labels else { panic!("soft labels") };
    assert_eq!((classes, logits.len()), (CLASSES, 2 * CLASSES * CLASSES));
    for (row, logits) in logits.chunks(classes).enumerate() {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        assert!((logits[row / 2].exp() / sum - 0.9).abs() < 1e-5);
    }
}

#[test]
fn selections_are_real_images_and_differ() {
    let bench = Bench::new();
    let image = |i: usize, pixels: &[f32]| {
        let size = pixels.len() / (2 * CLASSES);
        pixels[i * size..(i + 1) * size].iter().map(|pixel| pixel.to_bits()).collect::<Vec<_>>()
    };
    let train = &bench.dataset.train;
    let mut ends = BTreeSet::new();
    for init in [Init::Real, Init::Herding, Init::KCenter, Init::Forgetting] {
        let name = format!("{init:?}");
        let files = bench.run(&name, &Method { ipc: Ipc::Each(2), init, ..Method::random() }, |_| false);
        let chosen = set(&files.last);
        assert!(bytes(&files.initial) == bytes(&files.last), "{name} learns nothing");
        for i in 0..2 * CLASSES {
            let rows = train.rows_of_class((i / 2) as u32);
            let found = rows
                .iter()
                .any(|&row| image(0, &repeated(&train.images.gather(&[row]))) == image(i, &chosen.images));
            assert!(found, "{name}: image {i} is a real one of its class");
        }
        ends.insert(chosen.images.iter().map(|pixel| pixel.to_bits()).collect::<Vec<_>>());
    }
    assert_eq!(ends.len(), 4, "four ways to choose choose differently");
}

/// One image, as often as the set has images, so that both are cut alike.
fn repeated(pixels: &[f32]) -> Vec<f32> {
    pixels.repeat(2 * CLASSES)
}

/// Four experts that learn and unlearn: each has the epochs of a trained one in another order.
fn with_forgetful_experts(bench: Bench) -> Bench {
    let orders = [[0, 3, 1, 2, 1, 3], [0, 1, 2, 1, 3, 1], [3, 0, 3, 0, 2, 1], [3, 2, 3, 0, 3, 0]];
    let header = StoreHeader { snapshots: orders[0].len(), ..bench.store.header().clone() };
    let store =
        TrajectoryStore::create_or_open(bench.folder.path().join("forgetful"), &header).expect("a store");
    for (expert, order) in orders.iter().enumerate() {
        let trained = bench.store.expert(expert % 2).expect("an expert");
        let trajectory: Vec<Vec<f32>> = order.iter().map(|&epoch| trained.snapshot(epoch).to_vec()).collect();
        store.write(expert, &trajectory).expect("an expert");
    }
    Bench { store, ..bench }
}

/// Whether the expert after this epoch gives the label of an image the largest logit.
fn right(bench: &Bench, expert: &Expert, epoch: usize, row: usize) -> bool {
    let (net, split, device) = (&bench.net, &bench.dataset.train, bench.engine.device());
    let theta = net.theta(expert.snapshot(epoch), device);
    let buffers = net.buffers(expert.buffers(epoch), device);
    let image = TensorData::new(split.images.gather(&[row]), [1, 1, SIDE, SIDE]);
    let image = Tensor::<4>::from_data(image, (device, DType::F32));
    let logits = bench.engine.logits(At::evaluation(net, &theta, &buffers), &image).into_data();
    let logits: Vec<f32> = logits.iter::<f32>().collect();
    let label = split.labels[row] as usize;
    (0..CLASSES).all(|class| class == label || logits[class] < logits[label])
}

/// The definition once more, image by image: forgotten where an epoch was right and the next wrong, over three experts,
/// without their untrained networks; never right is last.
#[test]
fn forgetting_chooses_what_is_forgotten_most_often() {
    let bench = with_forgetful_experts(Bench::new());
    let ipc = 5;
    let files = bench.run("forgetting", &Method::forgetting().ipc(ipc), |_| false);
    let again = bench.run("again", &Method::forgetting().ipc(ipc), |_| false);
    assert!(sets(&files) == sets(&again), "the same experts, the same images");
    let mut expected = Vec::new();
    let mut all = BTreeSet::new();
    for class in 0..CLASSES {
        let mut left: Vec<(usize, Option<usize>)> = Vec::new();
        for row in bench.dataset.train.rows_of_class(class as u32) {
            let (mut ever, mut count) = (false, 0);
            for number in 0..3 {
                let expert = bench.store.expert(number).expect("an expert");
                let marks: Vec<bool> = (1..6).map(|epoch| right(&bench, &expert, epoch, row)).collect();
                ever |= marks.contains(&true);
                count += (1..5).filter(|&t| marks[t - 1] && !marks[t]).count();
            }
            left.push((row, ever.then_some(count)));
        }
        all.extend(left.iter().map(|(_, count)| *count));
        for _ in 0..ipc {
            // The first of the largest; `None` is less than any count.
            let most = left.iter().map(|(_, count)| *count).max().expect("an image is left");
            let first = left.iter().position(|(_, count)| *count == most).expect("it is there");
            expected.push(left.remove(first).0);
        }
    }
    assert!(all.len() > 2, "the experts forget some images more often than others: {all:?}");
    assert!(set(&files.last).images == bench.dataset.train.images.gather(&expected), "other images: {all:?}");
}

#[test]
fn experts_of_one_epoch_forget_nothing() {
    let refused = Method::forgetting().check(1);
    assert_eq!(refused, Err(MethodError::NothingForgotten { epochs: 1 }));
    let text = MethodError::NothingForgotten { epochs: 1 }.to_string();
    assert!(text.contains("distill.init = \"forgetting\"") && text.contains("raise expert.epochs"), "{text}");
    assert!(Method::forgetting().check(2).is_ok() && Method::herding().check(1).is_ok());
}
