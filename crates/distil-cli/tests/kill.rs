//! Killed at random instants and started again, a command ends with the files of an uninterrupted one.
//!
//! A dozen kills in CI. The soak: `DISTIL_KILLS=40 cargo test -p distil-cli --test kill -- --nocapture` kills each of the
//! commands forty times and says how far they had come.
#![expect(clippy::print_stdout, reason = "a soak says what it did")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{distil, folder};
use distil_random::{below, stream};
use serde_json::Value;

const GRID: &str = "\
[data]\nname = \"clutter-easy\"\nresolution = 16\ntrain_limit = 60\nvalidation = 0.1\n\
[model]\nwidth = 4\ndepth = 2\n[expert]\nexperts = 2\nepochs = 3\nbatch = 30\nmicro_batch = 8\n\
[distill]\ncheckpoint_every = 2\n[eval]\nseeds = 1\nepochs = 2\n\
[[for]]\nmethods = [\"dm\", \"ead\"]\nset = { distill = { iterations = 6, validate_every = 3 } }\n\
[[for]]\nmethods = [\"ead\"]\nset = { distill = { window = { min = 0, max = 3 }, checkpoints = 2 } }\n";

/// A run of everything that EDF adds: a range that the experts choose, dropout, areas of maps that are made again.
const EDF: &str = "\
method = \"edf\"\n[data]\nname = \"clutter-easy\"\nresolution = 16\ntrain_limit = 60\nvalidation = 0.1\n\
[model]\nwidth = 4\ndepth = 2\n[expert]\nexperts = 2\nepochs = 5\nbatch = 30\nmicro_batch = 8\n\
[distill]\nipc = 1\ninit = \"real\"\niterations = 24\nsyn_steps = 3\nloss_gate = 100\nrange = \"auto\"\nvalidate_every = 12\n\
checkpoint_every = 5\nkeep_every = 8\nenhancement = { refresh_every = 7 }\n\
[eval]\nseeds = 1\nepochs = 2\nfull_epochs = 1\n";
/// Thirty pictures, a network that looks at them, and what measures them with it.
const PHOTOS: &str = "\
[data]\nname = \"folder\"\npath = \"photos\"\nresolution = 16\n[model]\nwidth = 4\ndepth = 2\n\
[eval]\nbatch = 16\nfull_epochs = 1\n";
const CAM: &str = "train --config photos.toml --epochs 2 --out cam.safetensors";
const MEASURE: &str = "compdd measure --config photos.toml --model cam.safetensors --out runs/measured \
                       --cam smooth-grad-cam++ --layer blocks.0 --batch 1 --save-every 0 --quiet";

/// Kills of each command; more only where somebody asks.
fn kills() -> u32 {
    std::env::var("DISTIL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(2)
}

/// What a finished command leaves, without what a clock wrote.
fn left(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![at.join("runs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            match name.as_str() {
                _ if path.is_dir() => folders.push(path),
                "cost.json" | "methods.md" | "report.html" => {}
                "evaluation.json" => {
                    found.insert(path.clone(), timeless(&path));
                }
                _ => {
                    found.insert(path.clone(), fs::read(&path).expect("a file"));
                }
            }
        }
    }
    found
        .into_iter()
        .map(|(path, bytes)| (path.strip_prefix(at).expect("inside").to_owned(), bytes))
        .collect()
}

/// Results without the seconds they took, and without their checksum, which counts those.
fn timeless(path: &Path) -> Vec<u8> {
    let mut results: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    results.as_object_mut().expect("results").remove("sha256");
    for row in results["rows"].as_array_mut().expect("rows") {
        row.as_object_mut().expect("a row").remove("seconds");
    }
    results.to_string().into_bytes()
}

/// Runs the command to an end that has to be a good one.
fn finish(mut command: Command, what: &str) {
    let last = command.output().expect("distil starts");
    assert!(last.status.success(), "{what}: {}", String::from_utf8_lossy(&last.stderr));
}

/// Ends the command after `wait`, as a power cut would; `true` when it was still running.
fn killed(mut command: Command, wait: Duration) -> bool {
    let mut child = command.spawn().expect("distil starts");
    sleep(wait);
    let running = child.try_wait().expect("a child").is_none();
    child.kill().expect("a child of our own");
    // Its pipes are dropped unread: it says little.
    child.wait().expect("a child");
    running
}

/// The command as it is given again: a run that has begun is continued on request only.
fn again(at: &Path, args: &str) -> Command {
    let begun = args.starts_with("run ") && at.join("runs/edf/run.toml").is_file();
    words(at, &if begun { format!("{args} --resume") } else { args.to_owned() })
}

fn words(at: &Path, args: &str) -> Command {
    distil(at, &args.split_whitespace().collect::<Vec<_>>())
}

/// Kills `args` at random instants, lets it finish, and compares what it leaves with an uninterrupted run.
fn survives(name: &str, args: &str, prepare: &[&str]) {
    let start = || {
        let folder = folder();
        for (file, text) in [("grid.toml", GRID), ("edf.toml", EDF), ("photos.toml", PHOTOS)] {
            fs::write(folder.path().join(file), text).expect("a configuration");
        }
        common::photos(folder.path());
        for step in prepare {
            finish(words(folder.path(), step), name);
        }
        folder
    };
    let whole = start();
    let clock = Instant::now();
    finish(words(whole.path(), args), name);
    let took = clock.elapsed().as_millis() as usize;
    let expected = left(whole.path());
    let mut rng = stream(8, name, u64::from(kills()));
    let (mut torn, mut hits, mut ends) = (start(), 0, 0);
    while hits < kills() {
        let wait = Duration::from_millis(below(&mut rng, took.max(1)) as u64);
        let mut command = again(torn.path(), args);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        if killed(command, wait) {
            hits += 1;
            continue;
        }
        // It got to its end before the kill: that must be the same end, and the next kills start over.
        compare(name, &expected, torn.path());
        ends += 1;
        torn = start();
    }
    finish(again(torn.path(), args), &format!("{name} after {hits} kills"));
    compare(name, &expected, torn.path());
    println!("{name}: {hits} kills, {} ends with the same {} files", ends + 1, expected.len());
}

fn compare(name: &str, expected: &BTreeMap<PathBuf, Vec<u8>>, at: &Path) {
    let found = left(at);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(expected), "{name}: files");
    let other: Vec<&PathBuf> = expected.keys().filter(|path| found[*path] != expected[*path]).collect();
    assert!(other.is_empty(), "{name}: {other:?} differ");
}

#[test]
fn experts_runs_and_evaluations_survive() {
    survives("reproduce", "reproduce --config tiny.toml --quiet", &[]);
}

#[test]
fn experts_survive() {
    survives("expert", "expert --config tiny.toml --quiet", &[]);
}

/// Range, dropout and maps have their own state.
#[test]
fn resumed_runs_survive() {
    let experts = "expert --config edf.toml --quiet";
    let maps = "reproduce --config edf.toml --out edf --quiet --set distill.iterations=1";
    survives("run", "run --config edf.toml --quiet", &[experts, maps]);
}

#[test]
fn evaluations_survive() {
    let experts = "expert --config tiny.toml --quiet";
    let run = "run --config tiny.toml --quiet --set distill.iterations=5";
    survives("eval", "eval runs/tiny --quiet", &[experts, run]);
}

#[test]
fn comparisons_survive() {
    let args = "sweep dm,ead --config grid.toml --ipc 1 --seeds 1 --quiet";
    survives("compare", args, &[]);
}

#[test]
fn measurements_survive() {
    survives("compdd", MEASURE, &[CAM]);
}

#[test]
fn parts_of_measurements_survive() {
    survives("compdd, part", &format!("{MEASURE} --shard 2/2"), &[CAM]);
}
