//! Killed at random instants and started again, a command ends with the files of an uninterrupted one.
//!
//! A dozen kills in CI; `DISTIL_KILLS=70 cargo test -p distil --test kill` kills each of the commands seventy times.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
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

/// Kills of each command; more only where somebody asks.
fn kills() -> u32 {
    std::env::var("DISTIL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(4)
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

/// Results without the seconds they took.
fn timeless(path: &Path) -> Vec<u8> {
    let mut results: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    for row in results["rows"].as_array_mut().expect("rows") {
        row.as_object_mut().expect("a row").remove("seconds");
    }
    results.to_string().into_bytes()
}

fn finished(command: &mut Command) -> ExitStatus {
    command.output().expect("distil starts").status
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

/// Kills `args` at random instants, lets it finish, and compares what it leaves with an uninterrupted run.
fn survives(name: &str, args: &[&str], prepare: &[&[&str]]) {
    let start = || {
        let folder = folder();
        fs::write(folder.path().join("grid.toml"), GRID).expect("a configuration");
        for step in prepare {
            assert!(finished(&mut distil(folder.path(), step)).success(), "{name}: {step:?}");
        }
        folder
    };
    let whole = start();
    let clock = Instant::now();
    assert!(finished(&mut distil(whole.path(), args)).success(), "{name} without interruption");
    let took = clock.elapsed().as_millis() as usize;
    let expected = left(whole.path());
    let mut rng = stream(8, name, u64::from(kills()));
    let (mut torn, mut hits) = (start(), 0);
    while hits < kills() {
        let wait = Duration::from_millis(below(&mut rng, took.max(1)) as u64);
        let mut command = distil(torn.path(), args);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        if killed(command, wait) {
            hits += 1;
            continue;
        }
        // It got to its end before the kill: that must be the same end, and the next kills begin anew.
        compare(name, &expected, torn.path());
        torn = start();
    }
    let last = distil(torn.path(), args).output().expect("distil starts");
    assert!(last.status.success(), "{name} after {hits} kills: {}", String::from_utf8_lossy(&last.stderr));
    compare(name, &expected, torn.path());
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
    survives("reproduce", &["reproduce", "--config", "tiny.toml", "--quiet"], &[]);
}

#[test]
fn experts_survive() {
    survives("expert", &["expert", "--config", "tiny.toml", "--quiet"], &[]);
}

#[test]
fn evaluations_survive() {
    let before: [&[&str]; 2] = [
        &["expert", "--config", "tiny.toml", "--quiet"],
        &["run", "--config", "tiny.toml", "--quiet", "--set", "distill.iterations=5"],
    ];
    survives("eval", &["eval", "runs/tiny", "--quiet"], &before);
}

#[test]
fn comparisons_survive() {
    let args =
        ["compare", "--methods", "dm,ead", "--config", "grid.toml", "--ipc", "1", "--seeds", "1", "--quiet"];
    survives("compare", &args, &[]);
}
