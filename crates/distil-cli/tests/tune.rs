//! `distil tune`: what is chosen, what is not done twice, and that stopping between rungs leaves no trace in a run.

mod common;

use std::path::Path;

use common::{folder, run, succeed};
use distil_store::SyntheticSet;

const TUNE: &str = r#"
method = "dm"
[data]
name = "clutter"
train_limit = 200
validation = 50
clutter = { resolution = 16 }
[model]
width = 4
depth = 2
[distill]
ipc = 1
iterations = 12
batch_real = 10
image_lr = 1e-6
checkpoint_every = 1000
[eval]
seeds = 2
epochs = 20
real_lr = 0.05
[tune]
trials = 4
rungs = 2
factor = 2
[[tune.key]]
name = "distill.image_lr"
log = [0.1, 10.0]
[[tune.key]]
name = "distill.init"
values = ["real", "noise"]
"#;

/// Pixels and step size; the card says which command made them.
fn set(folder: &Path, run: &str) -> (Vec<f32>, f32) {
    let set = SyntheticSet::load(folder.join(run).join("synthetic/last.safetensors")).expect("a set");
    (set.images, set.syn_lr)
}

#[test]
fn the_better_settings_go_on_and_nothing_is_done_twice() {
    let folder = folder();
    let path = folder.path();
    std::fs::write(path.join("mine.toml"), TUNE).expect("a file");
    let first = run(path, &["tune", "mine.toml", "--threads", "1"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(
        first.err.contains("4 settings: 4 to iteration 6, 2 to iteration 12; 36 iterations"),
        "{}",
        first.err
    );
    for piece in ["as it stands", "distill.image_lr=", "(best)", "The trials took", "On the test images: "] {
        assert!(first.out.contains(piece), "{piece}: {}", first.out);
    }
    let runs = path.join("runs/tune-mine");
    let log = |trial: &str| std::fs::read_to_string(runs.join(trial).join("events.jsonl")).expect("a log");
    let reached = |trial: usize, iteration: u64| {
        log(&format!("trial-{trial:02}")).contains(&format!("\"iteration\",\"iteration\":{iteration},"))
    };
    // Trial 0 is the configuration as it stands, which is finished in any case.
    let finished: Vec<usize> = (0..4).filter(|&trial| reached(trial, 12)).collect();
    assert!(finished.contains(&0) && finished.len() < 4, "{finished:?}");
    assert!((0..4).all(|trial| reached(trial, 6)));
    let kept = std::fs::read_to_string(runs.join("tune.md")).expect("a page");
    assert_eq!(kept.trim_end(), first.out.trim_end());
    // Again: all is there. Without its record, the runs are still there.
    let again = run(path, &["tune", "mine.toml", "--threads", "1"]);
    assert_eq!(again.out, first.out);
    assert!(!again.err.contains("% on validation"), "{}", again.err);
    let wrong = run(path, &["tune", "mine.toml", "--set", "distill.ipc=2"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("another tuning"), "{}", wrong.err);
    // A trial that was stopped at a rung and went on has the set of one that was not.
    let trial = finished.iter().rev().find(|trial| **trial > 0).expect("a drawn setting goes on");
    let config = runs.join(format!("trial-{trial:02}/run.toml"));
    let config = config.to_str().expect("a path");
    succeed(path, &["run", "--config", config, "--out", "runs/whole", "--threads", "1"]);
    assert!(set(path, "runs/whole") == set(&runs, &format!("trial-{trial:02}")), "the same bits");
}

#[test]
fn what_cannot_be_tuned_is_said_before_anything_is_run() {
    let folder = folder();
    let path = folder.path();
    let refusal = |from: &str, to: &str| {
        assert!(TUNE.contains(from), "{from}");
        std::fs::write(path.join("bad.toml"), TUNE.replace(from, to)).expect("a file");
        let said = run(path, &["tune", "bad.toml"]);
        assert_eq!(said.code, Some(2), "{}", said.err);
        said.err
    };
    assert!(refusal("log = [0.1, 10.0]", "log = [0, 1]").contains("distill.image_lr: give either values"));
    assert!(refusal("trials = 4", "trials = 1").contains("tune.trials is too small"));
    assert!(refusal("trials = 4", "trails = 4").contains("trails"));
    assert!(refusal("\"distill.init\"", "\"distill.innit\"").contains("innit"));
    assert!(refusal("validation = 50", "validation = 0").contains("data.validation = 0"));
    let said = run(path, &["tune", "tiny.toml"]);
    assert!(said.code == Some(2) && said.err.contains("no [tune] table"), "{}", said.err);
    assert!(!path.join("runs").exists(), "nothing was begun");
}
