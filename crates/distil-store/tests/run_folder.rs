//! Run folders: configuration, event log, lock.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::Path;

use distil_damage::{child, child_folder, names};
use distil_store::{Checkpoint, FileError, RunFolder, RunPaths, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;

const CONFIG: &str = "seed = 1\n[distill]\nipc = 10\nlr_img = 100.0\n";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    iteration: u64,
    loss: f64,
    skipped: Option<String>,
}

fn event(iteration: u64) -> Event {
    Event { iteration, loss: 1.0 / (iteration as f64 + 1.0), skipped: None }
}

#[test]
fn a_new_run_has_its_files() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("runs/a");
    let mut run = RunFolder::create(&folder, CONFIG).unwrap();
    run.append_event(&event(0)).unwrap();
    run.save_checkpoint(&Checkpoint::new(1, &json!({})).unwrap()).unwrap();
    assert_eq!(names(&folder), [".lock", "checkpoints", "events.jsonl", "run.toml", "synthetic"]);
    assert_eq!(run.paths(), &RunPaths::new(&folder));
    assert_eq!(run.paths().read_config().unwrap(), CONFIG);
    assert_eq!(run.paths().read_events::<Event>().unwrap(), [event(0)]);
    assert_eq!(run.checkpoints().latest().unwrap().checkpoint.unwrap().iteration(), 1);
}

#[test]
fn a_folder_in_use_is_refused_in_the_same_process() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create(folder.path(), CONFIG).unwrap();
    for second in [
        RunFolder::create(folder.path(), CONFIG),
        RunFolder::open(folder.path()),
        RunFolder::resume(folder.path(), CONFIG),
    ] {
        let error = second.unwrap_err();
        assert!(matches!(error, StoreError::File(FileError::Locked { .. })), "{error}");
        assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
    }
    drop(run);
    RunFolder::open(folder.path()).unwrap();
}

#[test]
fn a_folder_in_use_is_refused_until_its_process_dies() {
    if let Some(folder) = child_folder() {
        let _run = RunFolder::create(folder.join("run"), CONFIG).unwrap();
        fs::write(folder.join("ready"), "").unwrap();
        while folder.exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut owner = child("a_folder_in_use_is_refused_until_its_process_dies", folder.path());
    while !folder.path().join("ready").exists() {
        assert!(owner.try_wait().unwrap().is_none(), "the owner ended by itself");
        std::thread::yield_now();
    }
    assert!(matches!(RunFolder::open(&run), Err(StoreError::File(FileError::Locked { .. }))));
    assert_eq!(RunPaths::new(&run).read_config().unwrap(), CONFIG, "reading needs no lock");
    owner.kill().unwrap();
    owner.wait().unwrap();
    RunFolder::resume(&run, CONFIG).expect("a dead process holds nothing");
}

#[test]
fn a_run_of_another_configuration_is_refused_by_key() {
    let folder = tempfile::tempdir().unwrap();
    drop(RunFolder::create(folder.path(), CONFIG).unwrap());
    let other = "seed = 1\nname = \"x\"\n[distill]\nipc = 1\nlr_img = 100.0\n";
    for refused in [RunFolder::create(folder.path(), other), RunFolder::resume(folder.path(), other)] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::Differs { .. }), "{error}");
        let error = error.to_string();
        assert!(
            error.contains("distill.ipc is 10 there and 1 here, name is absent there and \"x\" here"),
            "{error}"
        );
        assert!(!error.contains("lr_img"), "{error}");
    }
    let error = RunFolder::create(folder.path(), CONFIG).unwrap_err();
    assert!(matches!(error, StoreError::RunExists { .. }), "{error}");
    let reordered = "# the same\nseed = 1\ndistill = { lr_img = 100.0, ipc = 10 }\n";
    RunFolder::resume(folder.path(), reordered).expect("order and comments do not matter");
    assert_eq!(RunPaths::new(folder.path()).read_config().unwrap(), CONFIG);
}

#[test]
fn other_folders_are_no_runs() {
    let folder = tempfile::tempdir().unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::NoRun { .. }), "{error}");
    assert_eq!(names(folder.path()), [""; 0], "looking leaves nothing");
    let error = RunFolder::create(folder.path(), "seed = ").unwrap_err().to_string();
    assert!(error.contains("run.toml") && !error.contains('\n'), "{error}");
    assert_eq!(names(folder.path()), [""; 0]);
    fs::write(folder.path().join("run.toml"), "seed = = 1").unwrap();
    let error = RunFolder::create(folder.path(), CONFIG).unwrap_err();
    assert!(matches!(error, StoreError::File(FileError::Damaged { .. })), "{error}");
}

#[test]
fn a_creation_that_was_interrupted_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("checkpoints")).unwrap();
    for half in [".distil-1.partial", "checkpoints/.distil-2.partial"] {
        fs::write(folder.path().join(half), "seed").unwrap();
    }
    drop(RunFolder::create(folder.path(), CONFIG).unwrap());
    assert_eq!(names(folder.path()), [".lock", "checkpoints", "events.jsonl", "run.toml", "synthetic"]);
    assert_eq!(names(&folder.path().join("checkpoints")), [""; 0]);
}

/// Logs two events an iteration up to and without `end`.
fn log(run: &mut RunFolder, iterations: std::ops::Range<u64>) {
    for iteration in iterations {
        run.append_event(&event(iteration)).unwrap();
        run.append_event(&Event { skipped: Some("umlauts äöü\nand breaks".into()), ..event(iteration) })
            .unwrap();
    }
}

fn uninterrupted() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path(), CONFIG).unwrap();
    log(&mut run, 0..20);
    fs::read(run.paths().events()).unwrap()
}

#[test]
fn a_log_torn_at_any_byte_ends_as_if_nothing_had_happened() {
    let whole = uninterrupted();
    let folder = tempfile::tempdir().unwrap();
    drop(RunFolder::create(folder.path(), CONFIG).unwrap());
    let path = RunPaths::new(folder.path()).events();
    // A checkpoint after iteration 9 exists, so all its events were on the disk when the log was torn.
    let start = whole.split_inclusive(|byte| *byte == b'\n').take(20).map(<[u8]>::len).sum::<usize>();
    for length in (start - 1..=whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let mut run = RunFolder::resume(folder.path(), CONFIG).unwrap();
        run.truncate_events_after(9).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole[..start], "torn after {length} bytes");
        log(&mut run, 10..20);
        assert_eq!(fs::read(&path).unwrap(), whole, "torn after {length} bytes");
    }
}

#[test]
fn a_line_being_written_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path(), CONFIG).unwrap();
    run.append_event(&event(0)).unwrap();
    append(&run.paths().events(), "{\"iteration\":1,\"lo");
    assert_eq!(run.paths().read_events::<Event>().unwrap(), [event(0)]);
    assert_eq!(RunPaths::new(folder.path().join("none")).read_events::<Event>().unwrap(), []);
}

fn append(path: &Path, text: &str) {
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_damaged_line_in_the_middle_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path(), CONFIG).unwrap();
    run.append_event(&event(0)).unwrap();
    for (line, what) in [("\0\0\0", "line 2"), ("[1]", "line 2"), ("{\"iteration\":-1}", "line 2")] {
        let before = fs::read(run.paths().events()).unwrap();
        append(&run.paths().events(), &format!("{line}\n"));
        run.append_event(&event(1)).unwrap();
        let errors =
            [run.truncate_events_after(0).unwrap_err(), run.paths().read_events::<Event>().unwrap_err()];
        for error in errors.map(|error| error.to_string()) {
            assert!(
                error.contains("events.jsonl") && error.contains(what) && !error.contains('\n'),
                "{error}"
            );
        }
        fs::write(run.paths().events(), before).unwrap();
    }
}

#[test]
fn events_need_an_iteration() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(folder.path(), CONFIG).unwrap();
    for event in [json!({"loss": 1}), json!([1]), json!({"iteration": "1"}), json!({"iteration": -1})] {
        assert!(matches!(run.append_event(&event), Err(StoreError::Refused { .. })), "{event}");
    }
    assert_eq!(fs::read(run.paths().events()).unwrap(), b"");
}

#[test]
fn a_folder_that_was_taken_away_is_not_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let (here, there) = (parent.path().join("run"), parent.path().join("there"));
    let mut run = RunFolder::create(&here, CONFIG).unwrap();
    fs::rename(&here, &there).unwrap();
    let errors = |run: &mut RunFolder| {
        let checkpoint = Checkpoint::new(1, &json!({})).unwrap();
        [run.append_event(&event(1)).unwrap_err(), run.save_checkpoint(&checkpoint).unwrap_err()]
    };
    for error in errors(&mut run) {
        assert!(matches!(error, StoreError::Gone { .. }) && error.to_string().contains("; "), "{error}");
    }
    assert!(!here.exists());
    // Another run in its place is none of ours.
    let other = RunFolder::create(&here, CONFIG).unwrap();
    assert!(errors(&mut run).iter().all(|error| matches!(error, StoreError::Gone { .. })));
    drop(other);
    fs::remove_dir_all(&here).unwrap();
    fs::rename(&there, &here).unwrap();
    run.append_event(&event(1)).unwrap();
}

#[test]
fn checkpoints_without_a_configuration_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create(folder.path(), CONFIG).unwrap();
    run.save_checkpoint(&Checkpoint::new(1, &json!({})).unwrap()).unwrap();
    drop(run);
    fs::remove_file(folder.path().join("run.toml")).unwrap();
    let error = RunFolder::create(folder.path(), CONFIG).unwrap_err();
    assert!(matches!(error, StoreError::File(FileError::Damaged { .. })), "{error}");
}

#[test]
fn every_damaged_byte_of_a_configuration_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = "name = \"é\"\nseed = 1\n[distill]\nipc = 10\n";
    drop(RunFolder::create(folder.path(), config).unwrap());
    let paths = RunPaths::new(folder.path());
    assert_eq!(paths.read_config().unwrap(), config);
    distil_damage::every_damage_is_found(&paths.config(), || paths.read_config());
    drop(RunFolder::resume(folder.path(), config).unwrap());
}
