//! Objectives beside trajectory matching, on the same small set.

mod common;

use std::collections::BTreeSet;

use common::{Bench, CLASSES, bytes, method};
use distil_match::{Files, Init, Method, Unrolled};
use distil_store::{Labels, SyntheticSet};
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
    for (name, preset) in [("dd", Method::dd()), ("ld", Method::ld()), ("herding", Method::herding())] {
        let method = match name {
            "herding" => Method { ipc: 2, ..preset },
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
    for init in [Init::Real, Init::Herding, Init::KCenter] {
        let name = format!("{init:?}");
        let files = bench.run(&name, &Method { ipc: 2, init, ..Method::random() }, |_| false);
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
    assert_eq!(ends.len(), 3, "three ways to choose choose differently");
}

/// One image, as often as the set has images, so that both are cut alike.
fn repeated(pixels: &[f32]) -> Vec<f32> {
    pixels.repeat(2 * CLASSES)
}
