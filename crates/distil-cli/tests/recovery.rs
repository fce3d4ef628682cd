//! Does distillation recover less where scenes are more complex? On `clutter`, whose complexity is known, all by the
//! command line: ten settings are distilled and evaluated, measured by one network that has seen them all, and set
//! against each other by `distil compdd recovery`.
//!
//! The table in `docs/benchmarks.md` is printed by
//! `cargo test -p distil-cli --test recovery -- --ignored --nocapture`; an interrupted command continues.

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{run, succeed};
use distil_data::clutter::{CLASS_NAMES, ClutterConfig, Part, generate};
use distil_stats::{Correlation, spearman};
use image::{Rgb, RgbImage};

const SETTINGS: usize = 10;
const SIDE: usize = 16;
/// Smaller than `configs/clutter.toml` in what costs time, not in what is learned.
const SMALLER: [&str; 6] = [
    "data.train_limit=1000",
    "expert.experts=4",
    "distill.iterations=80",
    "distill.validate_every=80",
    "eval.validation_seeds=1",
    "eval.seeds=5",
];
/// How the network that is looked through learns.
const CAM: &str = "[data]\nname = \"folder\"\npath = \"all\"\n[eval]\nbatch = 64\nmicro_batch = 16\nreal_lr = 0.02\n\
                   augmentation = \"crop_scale\"\n";

/// Objects shrink while clutter grows.
fn setting(at: usize) -> ClutterConfig {
    let share = at as f32 / (SETTINGS - 1) as f32;
    ClutterConfig {
        resolution: SIDE,
        object_size: 0.9 - 0.3 * share,
        size_jitter: 0.05,
        clutter: 0.05 + 0.85 * share,
        texture: 0.1,
        train_per_class: 20,
        test_per_class: 1,
    }
}

/// Writes images of a setting as a folder of classes; returns their mean share of background.
fn photos(config: &ClutterConfig, seed: u64, folder: &Path, prefix: &str) -> f64 {
    let drawn = generate(config, seed, Part::Train).expect("images");
    let [n, _, height, width] = drawn.shape;
    for image in 0..n {
        let class = folder.join(CLASS_NAMES[drawn.labels[image] as usize]);
        fs::create_dir_all(&class).expect("a folder");
        let value = |channel: usize, x: u32, y: u32| {
            drawn.pixels[((image * 3 + channel) * height + y as usize) * width + x as usize]
        };
        RgbImage::from_fn(width as u32, height as u32, |x, y| {
            Rgb([0, 1, 2].map(|channel| value(channel, x, y)))
        })
        .save(class.join(format!("{prefix}{image}.png")))
        .expect("a photo");
    }
    (0..n).map(|at| f64::from(drawn.background_share(at))).sum::<f64>() / n as f64
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

/// Distils and evaluates a setting, if that is not done yet.
fn distil(folder: &Path, at: usize) {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/clutter.toml");
    let ClutterConfig { object_size, size_jitter, clutter, .. } = setting(at);
    let mut sets: Vec<String> = SMALLER.map(str::to_owned).to_vec();
    sets.push(format!("data.clutter.object_size={object_size}"));
    sets.push(format!("data.clutter.size_jitter={size_jitter}"));
    sets.push(format!("data.clutter.clutter={clutter}"));
    let out = format!("runs/{at}");
    let mut args = vec!["reproduce", "--config", config, "--out", &out];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    let said = run(folder, &args);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

/// One network for all settings, and what it measures of each.
fn measure(folder: &Path) -> Vec<f64> {
    fs::write(folder.join("cam.toml"), CAM).expect("a file");
    let shares = (0..SETTINGS).map(|at| {
        photos(&setting(at), 1, &folder.join("all"), &format!("{at}-"));
        photos(&setting(at), 2, &folder.join(format!("s{at}")), "")
    });
    let shares = shares.collect();
    let learned = ["--arch", "resnet18", "--width", "8", "--epochs", "16", "--out", "cam.safetensors"];
    if !folder.join("cam.safetensors").is_file() {
        let said = succeed(folder, &[&["train", "--config", "cam.toml"], &learned[..]].concat());
        say(said.trim());
    }
    for at in 0..SETTINGS {
        let (data, out) = (format!("s{at}"), format!("m{at}"));
        let cam = ["--model", "cam.safetensors", "--cam", "grad-cam++", "--layer", "layer2"];
        succeed(folder, &[&["compdd", "measure", "--data", &data, "--out", &out], &cam[..]].concat());
    }
    shares
}

/// A column of the CSV of one method.
fn column(csv: &str, method: &str, name: &str) -> Vec<f64> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let at = |name: &str| header.iter().position(|cell| *cell == name).expect("a column");
    let (of, method_at) = (at(name), at("method"));
    lines
        .filter(|cells| cells[method_at] == method)
        .map(|cells| cells[of].parse().expect("a number"))
        .collect()
}

#[test]
#[ignore = "ten minutes on two cores; prints the table of docs/benchmarks.md"]
fn recovery_ratio_against_complexity() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("recovery");
    fs::create_dir_all(&folder).expect("a folder");
    let background = measure(&folder);
    (0..SETTINGS).for_each(|at| distil(&folder, at));
    let runs: Vec<String> = (0..SETTINGS).map(|at| format!("clutter {at}=runs/{at}")).collect();
    let measured: Vec<String> = (0..SETTINGS).map(|at| format!("m{at}")).collect();
    let mut args = vec!["compdd", "recovery"];
    args.extend(runs.iter().map(String::as_str));
    args.extend(measured.iter().flat_map(|folder| ["--measured", folder]));
    say(&succeed(&folder, &args));
    let csv = succeed(&folder, &[&args[..], &["--table", "csv"]].concat());
    let complexity = column(&csv, "datm", "complexity");
    assert_eq!(complexity.len(), SETTINGS);
    let shown =
        |found: Result<Correlation, _>| found.map_or(f64::NAN, |found: Correlation| found.coefficient);
    say(&format!("ρ of complexity and background: {:.3}", shown(spearman(&complexity, &background))));
    for method in ["datm", "random real"] {
        for name in ["recovery_ratio", "accuracy", "full_accuracy"] {
            let rho = shown(spearman(&column(&csv, method, name), &background));
            say(&format!("ρ of {name} of {method} and background: {rho:.3}"));
        }
    }
    let found = spearman(&complexity, &background).expect("settings differ");
    assert!(found.coefficient > 0.8, "complexity is not what it was measured for: {found:?}");
}
