//! `distil bench` and `distil doctor` at sizes that take no time.

mod common;

use common::{Said, folder, run, succeed};
use serde_json::Value;

const TINY: [&str; 14] = [
    "--width",
    "4",
    "--depth",
    "2",
    "--resolution",
    "8",
    "--images",
    "6",
    "--steps",
    "2",
    "--batch",
    "4",
    "--repeats",
    "2",
];

/// The keys of shared/peers/torch_unroll.py, but for its versions.
const KEYS: [&str; 13] = [
    "mode",
    "seconds_median",
    "seconds_min",
    "seconds_max",
    "peak_mib",
    "memory",
    "loss",
    "params",
    "distil",
    "threads",
    "other_cores",
    "device_name",
    "settings",
];

/// The one line of JSON that a measurement prints.
#[track_caller]
fn measured(more: &[&str]) -> Value {
    let folder = folder();
    let out = succeed(folder.path(), &[&["bench", "step", "--json"], &TINY[..], more].concat());
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn every_mode_prints_the_keys_of_the_peer() {
    for mode in ["exact", "tesla", "adjoint", "train-step", "eval-epoch", "grad-cam"] {
        let line = measured(&["--mode", mode, "--batch-syn", "4"]);
        for key in KEYS {
            assert!(line.get(key).is_some(), "{mode}: {key} is missing in {line}");
        }
        let number = |key: &str| line[key].as_f64().expect(key);
        assert!(number("seconds_min") > 0.0 && number("seconds_max") >= number("seconds_median"));
        assert!(number("loss").is_finite() && number("loss") > 0.0);
        // Two blocks of width 4 on 3×8×8 and ten classes.
        assert_eq!(line["params"], 3 * 4 * 9 + 4 * 4 * 9 + 6 * 4 + 4 * 2 * 2 * 10 + 10);
        let settings = &line["settings"];
        assert_eq!((&settings["mode"], &settings["batch_syn"]), (&Value::from(mode), &Value::from(4)));
        assert_eq!(settings["device"], "cpu");
        if cfg!(target_os = "linux") {
            assert_eq!(line["memory"], "growth of max RSS after set-up");
            assert!(number("max_rss_mib") - number("max_rss_before_mib") - number("peak_mib") < 0.2);
        }
    }
}

/// What is measured is a computation: a seed decides its loss, whatever else is asked for.
#[test]
fn equal_seeds_give_equal_losses() {
    let loss = |more: &[&str]| measured(more)["loss"].as_f64().expect("a loss");
    assert_eq!(loss(&["--seed", "3"]), loss(&["--seed", "3", "--threads", "1"]));
    // As in the peer, the last of two flags counts.
    assert_ne!(loss(&["--seed", "3"]), loss(&["--seed", "3", "--seed", "4"]));
    // Nothing moves without updates, but for the order inside a batch; with them it does.
    let still = loss(&["--no-update", "--warmup", "0"]);
    let later = |more: &[&str]| (still - loss(&[more, &["--warmup", "2"]].concat())).abs();
    assert!(
        later(&["--no-update"]) < 1e-6 && later(&[]) > 1e-6,
        "{} {}",
        later(&["--no-update"]),
        later(&[])
    );
    // The matching loss belongs to the forward sweep, which truncation leaves alone.
    assert_eq!(still, loss(&["--no-update", "--warmup", "0", "--mode", "tesla"]));
    let (whole, chunks) = (loss(&["--no-update"]), loss(&["--no-update", "--micro-batch", "1"]));
    assert!((whole - chunks).abs() < 1e-5 && whole != 0.0, "{whole} {chunks}");
}

#[test]
fn tables_are_markdown() {
    let folder = folder();
    let table = |args: &[&str]| {
        let out = succeed(folder.path(), args);
        let rows: Vec<&str> = out.lines().filter(|line| line.starts_with('|')).collect();
        let columns: Vec<usize> = rows.iter().map(|row| row.matches('|').count()).collect();
        assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{out}");
        out
    };
    let alone = table(&[&["bench", "step"], &TINY[..]].concat());
    for piece in ["exact, width 4, depth 2, 3×8×8, 6 images, N = 2", "peak memory", "seconds, median"] {
        assert!(alone.contains(piece), "{piece:?} is missing in: {alone}");
    }
    let all = table(&["bench", "all", "--widths", "1", "--repeats", "1", "--rounds", "1", "--threads", "1"]);
    for piece in
        ["| exact, width 1,", "| train-step, width 1,", "| eval-epoch, width 1,", "| grad-cam, width 1,"]
    {
        assert!(all.contains(piece), "{piece:?} is missing in: {all}");
    }
    let growth = ["bench", "growth", "--axes", "ipc", "--width", "1", "--steps", "1", "--repeats", "1"];
    let growth = table(&growth);
    assert!(
        growth.contains("| images per class | distil, s |") && growth.contains("| exponent |"),
        "{growth}"
    );
}

/// A stand-in for PyTorch: it prints what it was asked and twice the seconds each time.
#[cfg(unix)]
#[test]
fn a_peer_takes_turns() {
    let folder = folder();
    let script = "echo $0 $@ >> asked; n=$(wc -l < asked); echo noise; \
        echo \"{\\\"seconds_median\\\": $n.0, \\\"peak_mib\\\": 64.0, \\\"other_cores\\\": 0.0}\"\n";
    std::fs::write(folder.path().join("peer.sh"), script).expect("a script");
    let peer = ["--peer", "sh", "--peer-script", "peer.sh", "--peer-arg=--fast", "--rounds", "2"];
    let args = [&["bench", "step", "--layout", "flat"], &TINY[..], &peer[..]].concat();
    let out = succeed(folder.path(), &args);
    assert!(out.contains("| distil / peer |") && out.contains("| 1.50 (1.00 to 2.00) |"), "{out}");
    let asked = std::fs::read_to_string(folder.path().join("asked")).expect("the peer ran");
    assert_eq!(asked.lines().count(), 2);
    for flag in ["--mode exact", "--images 6", "--device cpu", "--layout flat", "--fast", "--threads 0"] {
        assert!(asked.contains(flag), "{flag} is missing in: {asked}");
    }
    assert!(!asked.contains("micro-batch"), "{asked}");
    let json = succeed(folder.path(), &[&args[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (json["distil"].as_array().map(Vec::len), json["peer"].as_array().map(Vec::len)),
        (Some(2), Some(2))
    );
    assert!(json["ratio_seconds"]["median"].as_f64().is_some_and(|ratio| ratio > 0.0));
}

#[test]
fn refusals() {
    let folder = folder();
    let refused = |args: &[&str], pieces: &[&str]| {
        let Said { code, out, err } = run(folder.path(), args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        for piece in pieces {
            assert!(err.contains(piece), "{piece:?} is missing in: {err}");
        }
    };
    refused(&["bench", "step", "--depth", "9"], &["error: ", "at most 5", "--depth"]);
    refused(&["bench", "step", "--images", "0"], &["give at least 1"]);
    refused(&["bench", "step", "--peer-script", "x.py"], &["--peer"]);
    refused(&["bench", "step", "--peer", "python3"], &["torch_unroll.py", "--peer-script"]);
    refused(&["bench", "step", "--mode", "grad-cam", "--peer", "sh"], &["grad-cam", "leave out --peer"]);
    std::fs::write(folder.path().join("peer.sh"), "echo no torch >&2; exit 1\n").expect("a script");
    let failing = |python: &'static str| {
        [&["bench", "step"], &TINY[..], &["--peer", python, "--peer-script", "peer.sh"]].concat()
    };
    refused(&failing("nowhere/python"), &["cannot run nowhere/python"]);
    if cfg!(unix) {
        refused(
            &failing("sh"),
            &["sh did not measure: no torch", "help: run it alone: sh peer.sh --mode exact"],
        );
    }
}

#[test]
fn a_healthy_cpu_passes() {
    let folder = folder();
    let out = succeed(folder.path(), &["doctor", "--config", "tiny.toml", "--images", "3"]);
    for piece in [
        "Burn",
        "| threads |",
        "| --device cpu |",
        "ConvNet (depth 2, width 4), 3×16×16, 10 classes, 3 images",
    ] {
        assert!(out.contains(piece), "{piece:?} is missing in: {out}");
    }
    let checks = [
        "convolution 3 to 4, 16×16",
        "norm of 4 groups, 8×8",
        "ReLU and average pool",
        "classifier",
        "duals",
        "adjoint",
    ];
    for check in checks {
        let row = out.lines().find(|line| line.contains(check)).unwrap_or_else(|| panic!("{check}: {out}"));
        assert!(row.ends_with("| PASS |"), "{row}");
    }
    assert!(!out.contains("FAIL"), "{out}");
}

#[test]
fn a_missing_device_is_one_line() {
    let folder = folder();
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_distil"))
        .args(["doctor", "--device", "cuda:99"])
        .current_dir(folder.path())
        .output();
    let said = Said::from(said.expect("distil starts"));
    assert_eq!(said.code, Some(2));
    let errors: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 1 && errors[0].contains("cuda"), "{}", said.err);
    // What there is, is listed all the same.
    assert!(said.out.contains("| --device cpu |"), "{}", said.out);
}
