//! Long runs leak nothing, and their log is as long as planned.
//!
//! Takes minutes: `cargo test -p distil-cli --test long_run -- --ignored --nocapture --test-threads 1`.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "a measurement says what it measured")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{TINY, distil, folder, succeed};

/// Iterations of a run: the allocator's last large step was seen at the 1,600th.
const STEPS: u64 = 6000;
/// Epochs of all experts together.
const EPOCHS: u64 = 2500;
/// Less than a student's parameters (3.6 KiB): whoever kept one vector a step would be found.
const LEAK: f64 = 1024.0;
/// Parts of a series whose means are compared.
const BLOCKS: usize = 16;
/// Ranks, from 0, of the slopes between neighbouring blocks that enclose the median of their distribution 96 times in 100.
const INTERVAL: [usize; 2] = [3, 11];

/// Resident memory after so many steps.
type Sample = (u64, f64);

/// Runs `args` to its end and looks at its memory now and then; `steps` tells how far it is.
fn watched(at: &Path, args: &[&str], steps: impl Fn() -> u64) -> Vec<Sample> {
    let mut child =
        distil(at, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("distil starts");
    let mut samples = Vec::new();
    loop {
        let resident = resident(child.id());
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "{args:?}: {status}");
            return samples;
        }
        samples.extend(resident.map(|bytes| (steps(), bytes)));
        sleep(Duration::from_millis(20));
    }
}

/// Bytes of a process in memory, from the second field of statm; `None` when it is gone.
fn resident(process: u32) -> Option<f64> {
    let statm = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: f64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    (pages > 0.0).then_some(pages * 4096.0)
}

/// Bytes a step: the median of the slopes from block to block of the second half, and an interval by their
/// ranks. What is allocated once is there by then; an allocator that takes a large piece shows in one slope of
/// fifteen, a leak in all. What comes after the last step is left out.
fn slope(samples: &[Sample]) -> [f64; 3] {
    let last = samples.last().expect("samples").0;
    let begin = last / 2;
    let span = (last - begin) as f64 / BLOCKS as f64;
    let mean = |block: usize| {
        let within = |step: u64| step < last && ((step - begin) as f64 / span) as usize == block;
        let inside = samples.iter().filter(|(step, _)| *step >= begin && within(*step));
        let inside: Vec<f64> = inside.map(|(_, bytes)| *bytes).collect();
        assert!(!inside.is_empty(), "too few samples");
        inside.iter().sum::<f64>() / inside.len() as f64
    };
    let means: Vec<f64> = (0..BLOCKS).map(mean).collect();
    let mut slopes: Vec<f64> = means.windows(2).map(|pair| (pair[1] - pair[0]) / span).collect();
    slopes.sort_by(f64::total_cmp);
    [slopes[INTERVAL[0]], slopes[slopes.len() / 2], slopes[INTERVAL[1]]]
}

#[track_caller]
fn leaks_nothing(what: &str, samples: &[Sample]) {
    let [low, slope, high] = slope(samples);
    let (count, last) = (samples.len(), samples.last().expect("samples"));
    let mib = last.1 / f64::from(1 << 20);
    println!(
        "{what}: {slope:.0} bytes a step, {low:.0} to {high:.0} ({count} samples, {mib:.1} MiB after {} steps)",
        last.0
    );
    assert!(high < LEAK, "{what}: memory grows by {slope:.0} ({low:.0} to {high:.0}) bytes a step");
}

#[test]
fn a_leak_would_show() {
    let noise = |i: u64| f64::from((i * 2_654_435_761 % 97) as u32) * 1e3;
    let step = |i: u64| if i > STEPS * 2 / 3 { 6e6 } else { 0.0 };
    let series = |leak: f64| (0..STEPS).map(move |i| (i, 2e7 + leak * i as f64 + noise(i) + step(i)));
    let of = |leak: f64| slope(&series(leak).collect::<Vec<_>>());
    let [low, none, high] = of(0.0);
    assert!(low <= 0.0 && high >= 0.0 && none.abs() < 50.0 && high < LEAK / 2.0, "{low} {none} {high}");
    let [low, some, high] = of(3600.0);
    assert!((some - 3600.0).abs() < 50.0 && low > LEAK, "{low} {some} {high}");
}

/// A long run of a configuration whose experts and maps are there: its memory, and a log of at most `line` bytes an
/// iteration.
fn long_run(at: &Path, config: &str, line: u64) {
    let iterations = format!("distill.iterations={STEPS}");
    let mut args = vec!["run", "--config", config, "--out", "runs/long"];
    for set in [
        &iterations,
        "distill.validate_every=100000",
        "distill.checkpoint_every=100",
        "distill.keep_every=1000",
    ] {
        args.extend(["--set", set]);
    }
    let log = at.join("runs/long/events.jsonl");
    let done = || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("{\"kind\":\"iteration\"")).count() as u64
    };
    leaks_nothing(config, &watched(at, &args, done));
    let bytes = fs::metadata(&log).expect("a log").len();
    println!("{config}: {} bytes of log an iteration", bytes / STEPS);
    assert_eq!(done(), STEPS);
    assert!(bytes <= line * STEPS, "{bytes} bytes of log");
}

#[test]
#[ignore = "minutes"]
fn matching_of_trajectories() {
    let folder = folder();
    succeed(folder.path(), &["expert", "--config", "tiny.toml"]);
    long_run(folder.path(), "tiny.toml", 200);
}

#[test]
#[ignore = "minutes"]
fn matching_with_dropout_and_maps() {
    let folder = folder();
    let at = folder.path();
    let distill =
        "[distill]\nipc = 1\nloss_gate = 100\nrange = \"auto\"\nenhancement = { refresh_every = 10 }\n";
    let text = TINY.replace("\"datm\"", "\"edf\"").replace("[distill]\n", distill);
    fs::write(at.join("edf.toml"), text).expect("a configuration");
    let once = ["reproduce", "--config", "edf.toml", "--out", "runs/once", "--set", "distill.iterations=1"];
    succeed(at, &once);
    long_run(at, "edf.toml", 800);
}

#[test]
#[ignore = "minutes"]
fn epochs_of_experts() {
    let folder = folder();
    let at = folder.path();
    let (experts, store) = (format!("expert.experts={}", EPOCHS / 5), at.join("experts"));
    let args = ["expert", "--config", "tiny.toml", "--experts", "experts", "--set", &experts];
    let done = || {
        let files = store.read_dir().into_iter().flatten().flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        5 * names.filter(|name| name.ends_with(".safetensors")).count() as u64
    };
    leaks_nothing("experts", &watched(at, &args, done));
    assert_eq!(done(), EPOCHS);
}
