//! The distillation loop on a set small enough to see through: what moves, what does not, and that an
//! interrupted run ends as an uninterrupted one.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use distil_data::{Dataset, ImageShape, Images, Normalisation, Preprocessing, Split};
use distil_expert::{Recipe, header, train_store};
use distil_match::{Event, Files, Ingredients, Init, Method, RunError, Window, run};
use distil_models::ConvNet;
use distil_random::{below, stream};
use distil_store::{LabelKind, Labels, RunFolder, SyntheticSet, TrajectoryStore};

const SIDE: usize = 8;
const CLASSES: usize = 3;

/// Images whose class is the third of the rows that is bright.
fn split(purpose: &str, per_class: usize) -> Split {
    let mut rng = stream(3, purpose, 0);
    let n = per_class * CLASSES;
    let labels: Vec<u32> = (0..n).map(|i| (i % CLASSES) as u32).collect();
    let pixel = |i: usize, rng: &mut _| {
        let (label, row) = (labels[i / (SIDE * SIDE)] as usize, i / SIDE % SIDE);
        (below(rng, 60) + if row * CLASSES / SIDE == label { 150 } else { 0 }) as u8
    };
    let bytes = (0..n * SIDE * SIDE).map(|i| pixel(i, &mut rng)).collect();
    let shape = ImageShape { channels: 1, height: SIDE, width: SIDE };
    Split::new(Images::from_u8(shape, bytes).expect("whole images"), labels).expect("one label each")
}

fn dataset() -> Dataset {
    let preprocessing = Preprocessing {
        resize: None,
        normalisation: Normalisation::MeanStd { mean: vec![0.3], std: vec![0.25] },
    };
    let parts = [split("train", 20), split("validation", 4), split("test", 4)];
    let names = (0..CLASSES).map(|c| format!("class {c}")).collect();
    Dataset::from_parts("bands", names, parts, preprocessing).expect("parts of one shape")
}

fn method() -> Method {
    Method {
        ipc: 2,
        iterations: 9,
        syn_steps: 3,
        expert_epochs: 1,
        window: Window { min: 0, max: 2, initial_max: Some(1), expand_until: 4 },
        batch_syn: Some(4),
        image_lr: 1.0,
        syn_lr: 0.05,
        syn_lr_lr: 1e-4,
        loss_gate: 100.0,
        ema: 0.9,
        validate_every: 4,
        checkpoint_every: 3,
        ..Method::datm()
    }
}

struct Bench {
    net: ConvNet,
    dataset: Dataset,
    store: TrajectoryStore,
    device: Device,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let net = ConvNet::new(1, CLASSES, SIDE, SIDE).with_width(4).with_depth(2);
        let (dataset, device) = (dataset(), Device::flex());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recipe = Recipe { experts: 2, epochs: 3, batch: 10, ..Recipe::default() };
        let header = header(&net, &dataset, &recipe, 5);
        let store = TrajectoryStore::create_or_open(folder.path().join("experts"), &header).expect("a store");
        let mut go = |_| ControlFlow::Continue(());
        train_store(&store, &net, &dataset, &recipe, &device, &mut go).expect("experts");
        Self { net, dataset, store, device, folder }
    }

    fn ingredients<'a>(&'a self, method: &'a Method) -> Ingredients<'a> {
        Ingredients {
            method,
            net: &self.net,
            dataset: &self.dataset,
            store: &self.store,
            experts: self.store.complete(),
            seed: 11,
            device: &self.device,
        }
    }

    /// Runs in `name`, stopping (and resuming) wherever `stop` says so.
    fn run(&self, name: &str, method: &Method, stop: impl Fn(&Event) -> bool) -> Files {
        let path = self.folder.path().join(name);
        let mut stops = Vec::new();
        loop {
            let mut folder = if stops.is_empty() {
                RunFolder::create(&path, "a = 1").expect("a new run")
            } else {
                RunFolder::resume(&path, "a = 1").expect("the same run")
            };
            let mut told = |event: &Event| {
                if stop(event) && !stops.contains(event) {
                    stops.push(*event);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            };
            let with = self.ingredients(method);
            let mut validate = |set: &SyntheticSet| Some(f64::from(set.images[0].abs().fract()));
            match run(&with, ("datm", "test"), &mut folder, &mut validate, &mut told) {
                Ok(_) => return Files::of(folder.paths()),
                Err(RunError::Stopped { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn interrupted_equals_uninterrupted() {
    let bench = Bench::new();
    let method = method();
    let whole = bench.run("whole", &method, |_| false);
    let torn = bench.run("torn", &method, |_| true);
    for (a, b) in [
        (&whole.initial, &torn.initial),
        (&whole.last, &torn.last),
        (&whole.best, &torn.best),
        (&whole.ema, &torn.ema),
    ] {
        assert_eq!(bytes(a), bytes(b), "{} differs", b.display());
    }
    let log = |name: &str| bytes(&bench.folder.path().join(name).join("events.jsonl"));
    assert_eq!(log("whole"), log("torn"));
    let text = String::from_utf8(log("whole")).expect("JSON is UTF-8");
    assert_eq!(text.matches("\"iteration\",").count(), 9, "{text}");
    assert_eq!(text.matches("\"validation\",").count(), 4, "{text}");
}

#[test]
fn an_iteration_moves_everything_that_is_learned() {
    let bench = Bench::new();
    let files = bench.run("moves", &method(), |_| false);
    let [first, last, ema] =
        [&files.initial, &files.last, &files.ema].map(|path| SyntheticSet::load(path).expect("a set"));
    assert_eq!(first.shape, [6, 1, SIDE, SIDE]);
    assert_ne!(first.images, last.images);
    assert_ne!(first.syn_lr.to_bits(), last.syn_lr.to_bits());
    assert_ne!(last.images, ema.images);
    let (Labels::Soft { logits: before, .. }, Labels::Soft { logits: after, .. }) =
        (&first.labels, &last.labels)
    else {
        panic!("DATM learns soft labels");
    };
    assert_ne!(before, after);
    let likely =
        |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
    let classes: Vec<_> = before.chunks(CLASSES).map(likely).collect();
    assert_eq!(classes, [0, 0, 1, 1, 2, 2].map(Some), "labels start from experts that are right");
}

#[test]
fn gated_and_non_finite_steps_touch_nothing() {
    let bench = Bench::new();
    let gated = Method { loss_gate: 1e-9, ..method() };
    let diverging = Method { syn_lr: 1e30, loss_gate: f64::INFINITY, ..method() };
    for (name, method, reason) in [("gated", gated, "gate"), ("diverging", diverging, "non-finite")] {
        let files = bench.run(name, &method, |_| false);
        let [first, last] =
            [&files.initial, &files.last].map(|path| SyntheticSet::load(path).expect("a set"));
        assert_eq!(first.images, last.images);
        assert_eq!(first.labels, last.labels);
        let log = bytes(&bench.folder.path().join(name).join("events.jsonl"));
        let log = String::from_utf8(log).expect("JSON is UTF-8");
        assert_eq!(log.matches(&format!("\"reason\":\"{reason}\"")).count(), 9, "{log}");
    }
}

#[test]
fn a_run_in_which_no_step_counts_gives_up() {
    let bench = Bench::new();
    let method =
        Method { loss_gate: 1e-9, iterations: 10_000, syn_steps: 1, validate_every: 10_000, ..method() };
    let mut folder = RunFolder::create(bench.folder.path().join("stuck"), "a = 1").expect("a new run");
    let with = bench.ingredients(&method);
    let outcome =
        run(&with, ("datm", "test"), &mut folder, &mut |_| Some(0.5), &mut |_| ControlFlow::Continue(()));
    assert!(
        matches!(outcome, Err(RunError::Stuck { iterations: 200, since: 0, gated: 200, non_finite: 0 })),
        "{outcome:?}"
    );
}

#[test]
fn checkpoints_that_cannot_be_read_are_not_thrown_away() {
    let bench = Bench::new();
    let method = method();
    bench.run("damaged", &method, |_| false);
    let path = bench.folder.path().join("damaged");
    let checkpoints: Vec<_> = std::fs::read_dir(path.join("checkpoints"))
        .expect("checkpoints")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    for file in &checkpoints {
        std::fs::write(file, b"torn").expect("a damaged file");
    }
    let mut folder = RunFolder::resume(&path, "a = 1").expect("the same run");
    let with = bench.ingredients(&method);
    let go = &mut |_: &Event| ControlFlow::Continue(());
    let error =
        run(&with, ("datm", "test"), &mut folder, &mut |_| Some(0.5), go).expect_err("nothing to go on from");
    assert!(matches!(error, RunError::NoCheckpoint { .. }), "{error}");
    assert!(checkpoints.iter().all(|file| file.is_file()));
}

#[test]
fn hard_labels_stay_what_they_are() {
    let bench = Bench::new();
    let method = Method { labels: LabelKind::Hard, init: Init::Noise, ..method() };
    let files = bench.run("hard", &method, |_| false);
    let set = SyntheticSet::load(&files.last).expect("a set");
    assert_eq!(set.labels, Labels::Hard(vec![0, 0, 1, 1, 2, 2]));
}

#[test]
fn too_many_images_a_class_are_refused_by_name() {
    let bench = Bench::new();
    let method = Method { ipc: 21, init: Init::Real, ..method() };
    let mut folder = RunFolder::create(bench.folder.path().join("many"), "a = 1").expect("a new run");
    let with = bench.ingredients(&method);
    let error =
        run(&with, ("datm", "test"), &mut folder, &mut |_| Some(0.5), &mut |_| ControlFlow::Continue(()))
            .expect_err("a class has 20 images");
    assert!(
        error.to_string().contains("class 0 has 20 training images, fewer than distill.ipc = 21"),
        "{error}"
    );
}
