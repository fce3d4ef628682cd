//! A disk that is full, read-only, limited or gone: one clear line, exit code 2, what was there intact, and the same
//! command finishes with the files of an undisturbed one when there is space again.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use common::{Said, distil, folder, run, succeed};
use distil_require::{Need, skipped};
use tempfile::TempDir;

const REPRODUCE: [&str; 8] =
    ["reproduce", "--config", "tiny.toml", "--quiet", "--set", "eval.seeds=1", "--set", "eval.epochs=1"];
const RUN: [&str; 4] = ["run", "--config", "tiny.toml", "--quiet"];

/// Every file below `runs` in `at` whose bytes are those of any run, by its place.
fn left(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![at.join("runs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !["cost.json", "evaluation.json", "report.html"].contains(&name.as_str()) {
                let place = path.strip_prefix(at).expect("inside").to_owned();
                found.insert(place, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

fn same(expected: &Path, at: &Path) {
    let (expected, found) = (left(expected), left(at));
    assert!(found.keys().eq(expected.keys()), "{:?}, not {:?}", found.keys(), expected.keys());
    let other: Vec<&PathBuf> = expected.keys().filter(|path| found[*path] != expected[*path]).collect();
    assert!(other.is_empty(), "{other:?} differ");
}

/// Asserts exit code 2 and one line that holds every piece, with at most a line of help.
#[track_caller]
fn refused(said: &Said, pieces: &[&str]) {
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.starts_with("error: ") && said.err.lines().count() <= 2, "{}", said.err);
    assert!(!said.err.contains("internal error"), "{}", said.err);
    for piece in pieces {
        assert!(said.err.contains(piece), "{piece:?} is missing in: {}", said.err);
    }
}

/// What an undisturbed `reproduce` leaves. Removed when no test needs it any more.
fn undisturbed() -> Arc<TempDir> {
    static WHOLE: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut known = WHOLE.lock().expect("no test ends in here");
    known.upgrade().unwrap_or_else(|| {
        let whole = Arc::new(folder());
        succeed(whole.path(), &REPRODUCE);
        *known = Arc::downgrade(&whole);
        whole
    })
}

/// `distil` that may write files of at most `blocks` of 512 bytes.
fn limited(at: &Path, blocks: u32, args: &[&str]) -> Said {
    let inner = distil(at, args);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -f {blocks} && exec \"$@\"")).arg("sh");
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(at);
    command.output().expect("sh starts").into()
}

#[test]
fn a_size_limit_is_an_error_with_a_remedy() {
    let (whole, at) = (undisturbed(), folder());
    // The limits end the command at an expert, at the first set, and at a checkpoint.
    for blocks in [2, 16, 100] {
        let said = limited(at.path(), blocks, &REPRODUCE);
        refused(&said, &["cannot write runs/", "largest size that is allowed", "ulimit -f"]);
        let names = left(at.path()).into_keys().map(|path| path.display().to_string());
        let halves: Vec<String> = names.filter(|name| name.contains(".partial")).collect();
        assert!(halves.is_empty(), "{halves:?}");
    }
    succeed(at.path(), &REPRODUCE);
    same(whole.path(), at.path());
}

/// A scene with a separate file system at `runs`, played by a shell that may mount one.
fn mounted(at: &Path, size: &str, scene: &str) -> Option<()> {
    fs::create_dir_all(at.join("runs")).expect("a folder");
    let script = format!(
        "mount -t tmpfs -o size={size} tmpfs runs 2>/dev/null || exit 99\n\
         say() {{ \"$@\" >/dev/null 2>>said; echo $? >>codes; }}\n{scene}\ncp -r runs kept"
    );
    let distil = distil(at, &REPRODUCE);
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c"]).arg(script).arg("sh").arg(distil.get_program()).args(distil.get_args());
    let status = command.current_dir(at).status();
    if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
        skipped(Need::Unshare, format!("`unshare -rm` cannot mount a tmpfs here ({status:?})"));
        return None;
    }
    // The mount is gone with its shell; what was in it was copied.
    fs::remove_dir_all(at.join("runs")).expect("a folder");
    fs::rename(at.join("kept"), at.join("runs")).expect("a copy");
    Some(())
}

/// The message and exit code of the first command of a scene; all others must have succeeded.
fn first(at: &Path) -> Said {
    let read = |name: &str| fs::read_to_string(at.join(name)).expect("the shell wrote it");
    let codes = read("codes");
    let codes: Vec<&str> = codes.lines().collect();
    assert!(codes[1..].iter().all(|code| *code == "0"), "{codes:?}: {}", read("said"));
    Said { code: codes[0].parse().ok(), out: String::new(), err: read("said") }
}

#[test]
fn a_full_disk_is_an_error_and_space_is_the_remedy() {
    let whole = undisturbed();
    for size in ["12k", "56k", "180k", "300k"] {
        let at = folder();
        let scene = "say \"$@\"; mount -o remount,size=16m tmpfs runs; say \"$@\"";
        if mounted(at.path(), size, scene).is_none() {
            return;
        }
        refused(&first(at.path()), &["runs/", "o space left on", "free some space"]);
        same(whole.path(), at.path());
    }
}

#[test]
fn a_read_only_disk_is_an_error_and_nothing_changes() {
    let (whole, at) = (undisturbed(), folder());
    let scene = "mount -o remount,ro tmpfs runs; say \"$@\"; mount -o remount,rw tmpfs runs; say \"$@\"\n\
                 mount -o remount,ro tmpfs runs; cp -r runs before; say \"$@\"; diff -r runs before && say true";
    if mounted(at.path(), "16m", scene).is_none() {
        return;
    }
    let read = |name: &str| fs::read_to_string(at.path().join(name)).expect("the shell wrote it");
    let codes = read("codes");
    assert_eq!(codes.lines().collect::<Vec<_>>(), ["2", "0", "2", "0"], "{}", read("said"));
    for line in read("said").lines().filter(|line| line.starts_with("error")) {
        assert!(line.contains("runs/") && line.contains("read-only"), "{line}");
    }
    same(whole.path(), at.path());
}

/// Starts a run, and takes its folder away when it has logged some iterations. Returns what it said.
fn bereft(at: &Path, take: impl Fn(&Path)) -> Said {
    let mut args = RUN.to_vec();
    args.extend(["--set", "distill.iterations=300"]);
    let mut child = distil(at, &args).spawn().expect("distil starts");
    let run = at.join("runs/tiny");
    while fs::read_to_string(run.join("events.jsonl")).map_or(0, |log| log.lines().count()) < 20 {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before anything was taken");
        std::thread::sleep(Duration::from_millis(1));
    }
    take(&run);
    child.wait_with_output().expect("a child").into()
}

#[test]
fn a_folder_that_disappears_stays_away_and_is_continued_when_it_is_back() {
    let (whole, at) = (folder(), folder());
    for place in [&whole, &at] {
        succeed(place.path(), &["expert", "--config", "tiny.toml", "--quiet"]);
    }
    let set = ["--set", "distill.iterations=300"];
    succeed(whole.path(), &[&RUN[..], &set].concat());
    let elsewhere = at.path().join("elsewhere");
    let said = bereft(at.path(), |run| fs::rename(run, &elsewhere).expect("a rename"));
    refused(&said, &["runs/tiny", "removed or replaced"]);
    assert!(!at.path().join("runs/tiny").exists(), "it must not come back by itself");
    fs::rename(&elsewhere, at.path().join("runs/tiny")).expect("a rename");
    succeed(at.path(), &[&RUN[..], &set, &["--resume"]].concat());
    same(whole.path(), at.path());
}

#[test]
fn a_folder_that_a_file_replaces_is_an_error() {
    let at = folder();
    succeed(at.path(), &["expert", "--config", "tiny.toml", "--quiet"]);
    let said = bereft(at.path(), |run| {
        // In one step: what is removed piece by piece, the run fills again meanwhile.
        fs::rename(run, run.with_extension("away")).expect("a folder");
        fs::write(run, "in the way").expect("a file");
    });
    refused(&said, &["runs/tiny", "help: "]);
    refused(&run(at.path(), &RUN), &["runs/tiny"]);
    assert_eq!(fs::read(at.path().join("runs/tiny")).expect("the file"), b"in the way");
    fs::remove_file(at.path().join("runs/tiny")).expect("the file");
    succeed(at.path(), &RUN);
}

#[test]
fn checkpoints_without_a_configuration_are_not_continued() {
    let at = folder();
    succeed(at.path(), &["reproduce", "--config", "tiny.toml", "--quiet"]);
    fs::remove_file(at.path().join("runs/tiny/run.toml")).expect("the configuration");
    refused(&run(at.path(), &RUN), &["runs/tiny/run.toml", "missing, but there are checkpoints", "help: "]);
}
