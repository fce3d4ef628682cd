//! The distillation loop on a set small enough to see through: what moves, what does not, and that an
//! interrupted run ends as an uninterrupted one.

mod common;

use std::ops::ControlFlow;

use common::{Bench, CLASSES, SIDE, bytes, method};
use distil_match::{Event, Init, Ipc, Method, RunError, run};
use distil_store::{LabelKind, Labels, RunFolder, SyntheticSet};

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
    let method = Method { loss_gate: 1e-9, iterations: 10_000, validate_every: 10_000, ..method() }
        .with_trajectory(|trajectory| trajectory.syn_steps = 1);
    let mut folder = RunFolder::create(bench.folder.path().join("stuck"), "a = 1").expect("a new run");
    let inputs = bench.inputs(&method);
    let outcome =
        run(&inputs, ("datm", "test"), &mut folder, &mut |_| Some(0.5), &mut |_| ControlFlow::Continue(()));
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
    let inputs = bench.inputs(&method);
    let go = &mut |_: &Event| ControlFlow::Continue(());
    let error = run(&inputs, ("datm", "test"), &mut folder, &mut |_| Some(0.5), go)
        .expect_err("nothing to go on from");
    assert!(matches!(error, RunError::NoCheckpoint { .. }), "{error}");
    assert!(checkpoints.iter().all(|file| file.is_file()));
}

/// A process killed between saving its last checkpoint and removing the oldest leaves one too many.
#[test]
fn a_checkpoint_too_many_is_removed_when_the_run_is_resumed() {
    let bench = Bench::new();
    let method = method();
    bench.run("whole", &method, |_| false);
    let path = bench.folder.path().join("whole");
    let checkpoints = || std::fs::read_dir(path.join("checkpoints")).expect("checkpoints").count();
    assert_eq!(checkpoints(), 2);
    let newest = path.join(format!("checkpoints/iteration-{:08}.safetensors", method.iterations));
    std::fs::copy(newest, path.join("checkpoints/iteration-00000001.safetensors")).expect("an old one");
    let mut folder = RunFolder::resume(&path, "a = 1").expect("the same run");
    let inputs = bench.inputs(&method);
    let go = &mut |_: &Event| ControlFlow::Continue(());
    run(&inputs, ("datm", "test"), &mut folder, &mut |_| Some(0.5), go).expect("it is done already");
    assert_eq!(checkpoints(), 2);
}

#[test]
fn hard_labels_stay_what_they_are() {
    let bench = Bench::new();
    let method = Method { labels: LabelKind::Hard, init: Init::Noise, ..method() };
    let files = bench.run("hard", &method, |_| false);
    let set = SyntheticSet::load(&files.last).expect("a set");
    assert_eq!(set.labels, Labels::Hard(vec![0, 0, 1, 1, 2, 2]));
}

/// Classes of the set with another number of images for each.
#[test]
fn each_class_has_the_images_that_are_asked_for() {
    let bench = Bench::new();
    let (ipc, classes) = (Ipc::PerClass(vec![1, 3, 2]), vec![0, 1, 1, 1, 2, 2]);
    let hard = Method { labels: LabelKind::Hard, init: Init::Real, ..method() };
    let dm = Method { iterations: 3, ..Method::dm() };
    let dc = Method { iterations: 2, ..Method::dc() };
    for (name, preset) in [("soft", method()), ("hard", hard), ("dm", dm), ("dc", dc)] {
        let method = Method { ipc: ipc.clone(), ..preset };
        let files = bench.run(name, &method, |_| false);
        let [initial, last] =
            [&files.initial, &files.last].map(|file| SyntheticSet::load(file).expect("a set"));
        assert_eq!((last.shape[0], last.image_classes(), last.card.ipc), (6, classes.clone(), 2), "{name}");
        assert_eq!(last.card.image_classes.is_some(), method.labels == LabelKind::Soft, "{name}");
        let size = last.images.len() / 6;
        let moved = |row: &usize| last.images[row * size..][..size] != initial.images[row * size..][..size];
        assert_eq!((0..6).filter(moved).count(), 6, "{name}: every image is learned");
    }
    // All alike is the number itself.
    let [one, listed] = [Ipc::Each(2), Ipc::PerClass(vec![2; 3])].map(|ipc| {
        let name = format!("alike {ipc}");
        std::fs::read(bench.run(&name, &Method { ipc, ..method() }, |_| false).last).expect("a set")
    });
    assert_eq!(one, listed);
}

#[test]
fn too_many_images_a_class_are_refused_by_name() {
    let bench = Bench::new();
    let method = Method { ipc: Ipc::Each(21), init: Init::Real, ..method() };
    let mut folder = RunFolder::create(bench.folder.path().join("many"), "a = 1").expect("a new run");
    let inputs = bench.inputs(&method);
    let error =
        run(&inputs, ("datm", "test"), &mut folder, &mut |_| Some(0.5), &mut |_| ControlFlow::Continue(()))
            .expect_err("a class has 20 images");
    assert!(
        error.to_string().contains("class 0 has 20 training images, fewer than distill.ipc = 21"),
        "{error}"
    );
}
