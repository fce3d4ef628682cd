//! `distil plan`, and the refusal of runs that do not fit into memory.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Said, distil, folder, succeed};

/// The tiny configuration with steps that take more than a gigabyte.
const HUGE: [&str; 12] = [
    "--set",
    "model.width=320",
    "--set",
    "distill.ipc=9",
    "--set",
    "distill.micro_batch=256",
    "--set",
    "data.resolution=64",
    "--set",
    "eval.micro_batch=1",
    "--threads",
    "8",
];

/// `distil` in a shell that first sets a limit.
fn limited(folder: &Path, ulimit: &str, args: &[&str]) -> Said {
    let plain = distil(folder, args);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{ulimit} && exec \"$0\" \"$@\"")).arg(plain.get_program());
    command.args(plain.get_args()).current_dir(folder);
    command.output().expect("a shell").into()
}

#[test]
fn a_plan_itemises_memory_disk_and_time() {
    let folder = folder();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/clutter.toml");
    let said = succeed(folder.path(), &["plan", "--config", config]);
    for piece in [
        "50 images, 50 a step, N = 12",
        "| parameters θ_0…θ_N |",
        "| filters of θ and λ, transformed |",
        "| working memory of the threads |",
        "| experts' trajectories |",
        "| iterations an hour |",
        "It fits: ",
    ] {
        assert!(said.contains(piece), "{piece:?} is missing in: {said}");
    }
    let untimed = succeed(folder.path(), &["plan", "--config", "tiny.toml", "--no-timing"]);
    assert!(untimed.contains("Nothing was timed."), "{untimed}");
    // Nothing was loaded, and nothing is left but the configuration.
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_plan_needs_no_data() {
    let folder = folder();
    let args = ["plan", "--config", "tiny.toml", "--no-timing", "--set", "data.name=cifar100"];
    let said = succeed(folder.path(), &args);
    assert!(said.contains("100 images") && said.contains("3×16×16"), "{said}");
    let args = ["plan", "--config", "tiny.toml", "--set", "data.name=folder", "--set", "data.path=nowhere"];
    let said = common::run(folder.path(), &args);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("folder") && said.err.contains("help:"), "{}", said.err);
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_does_not_fit_is_refused_at_once() {
    let folder = folder();
    let run = [&["run", "--config", "tiny.toml"][..], &HUGE].concat();
    for (ulimit, bound) in [("ulimit -v 1900000", "ulimit -v"), ("ulimit -d 1900000", "ulimit -d")] {
        let said = limited(folder.path(), ulimit, &run);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert_eq!(said.out, "");
        assert_eq!(said.err.lines().count(), 2, "{}", said.err);
        for piece in ["error: this run needs about", bound, "help: it fits in", "--set distill.micro_batch="]
        {
            assert!(said.err.contains(piece), "{piece:?} is missing in: {}", said.err);
        }
    }
    for command in [&["reproduce"][..], &["sweep", "datm"]] {
        let args = [command, &["--config", "tiny.toml"], &HUGE].concat();
        let said = limited(folder.path(), "ulimit -v 1900000", &args);
        assert!(said.code == Some(2) && said.err.contains("ulimit -v"), "{command:?}: {}", said.err);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "something was left behind");
    let plan = [&["plan", "--config", "tiny.toml"][..], &HUGE].concat();
    let said = limited(folder.path(), "ulimit -v 1900000", &plan);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("**It does not fit**") && said.out.contains("Nothing was timed."),
        "{}",
        said.out
    );
}

/// A limit that leaves what was planned is enough: experts and run succeed below it.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_fits_is_not_refused() {
    let folder = folder();
    for command in ["expert", "run"] {
        let args =
            [command, "--config", "tiny.toml", "--set", "distill.iterations=2", "--set", "eval.epochs=0"];
        let said = limited(folder.path(), "ulimit -v 700000", &args);
        assert_eq!(said.code, Some(0), "{}", said.err);
    }
}
