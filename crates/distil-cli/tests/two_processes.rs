//! Two processes at the same work in one folder: the second is refused, and a dead one holds nothing.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::{Said, distil, folder, succeed};

/// Long enough to be met at work.
const LONG: &str =
    "--config tiny.toml --set expert.epochs=400 --set distill.iterations=2000 --set eval.epochs=2000";
const GRID: &str = "\
[data]\nname = \"clutter-easy\"\nresolution = 16\ntrain_limit = 60\nvalidation = 0.1\n[model]\nwidth = 4\ndepth = 2\n\
[eval]\nseeds = 1\nepochs = 2\n[[for]]\nmethods = [\"dm\"]\nset = { distill = { iterations = 2000 } }\n";

fn words(at: &Path, args: &str) -> Command {
    distil(at, &args.split_whitespace().collect::<Vec<_>>())
}

/// Whether this process holds the lock on this file, as the kernel sees it.
fn holds(process: u32, file: &Path) -> bool {
    let Ok(file) = fs::metadata(file) else { return false };
    let locks = fs::read_to_string("/proc/locks").expect("a list of locks");
    let (process, inode) = (process.to_string(), format!(":{}", file.ino()));
    locks
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .any(|lock| lock.get(1) == Some(&"FLOCK") && lock[4] == process && lock[5].ends_with(&inode))
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// Stops `args` in the middle of its work on the folder of `lock`, and meets it there.
fn second_is_refused(at: &Path, args: &str, lock: &str) {
    let mut first =
        words(at, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("distil starts");
    // A run is one, and can be resumed, from the moment that it has a run.toml.
    let is_begun = || !args.starts_with("run ") || at.join(lock).with_file_name("run.toml").is_file();
    while !(holds(first.id(), &at.join(lock)) && is_begun()) {
        assert!(first.try_wait().expect("a child").is_none(), "{args} ended without the lock");
        sleep(Duration::from_millis(2));
    }
    signal(&first, "-STOP");
    let begun = if args.starts_with("run ") { "--resume" } else { "" };
    let again = format!("{args} {begun}");
    let second: Said = words(at, &again).output().expect("distil starts").into();
    assert_eq!((second.code, second.out.as_str()), (Some(2), ""), "{args}: {}", second.err);
    let held = Path::new(lock).parent().expect("a folder").display().to_string();
    let line = second.err.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    assert!(line.contains(&held) && line.contains("in use by another distil process"), "{}", second.err);
    first.kill().expect("a child of our own");
    first.wait().expect("a child");
    assert!(at.join(lock).is_file() && !holds(first.id(), &at.join(lock)));
    // Whoever comes next gets the folder.
    let mut next =
        words(at, &again).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("distil starts");
    while !holds(next.id(), &at.join(lock)) {
        assert!(next.try_wait().expect("a child").is_none(), "{args}: a dead process holds the folder");
        sleep(Duration::from_millis(2));
    }
    next.kill().expect("a child of our own");
    next.wait().expect("a child");
}

/// The folder below `parent` that holds the lock; its name has a digest in it.
fn only_folder(parent: &Path) -> String {
    let mut found = parent.read_dir().expect("a folder");
    found.next().expect("an entry").expect("an entry").file_name().into_string().expect("a plain name")
}

#[test]
fn experts_and_the_run_after_them() {
    let folder = folder();
    let at = folder.path();
    let expert = format!("expert {LONG}");
    // Its folder is known once it is there.
    let mut first =
        words(at, &expert).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("distil starts");
    while !at.join("runs/experts").is_dir()
        || at.join("runs/experts").read_dir().expect("a folder").next().is_none()
    {
        assert!(first.try_wait().expect("a child").is_none(), "no experts");
        sleep(Duration::from_millis(2));
    }
    first.kill().expect("a child of our own");
    first.wait().expect("a child");
    let store = only_folder(&at.join("runs/experts"));
    second_is_refused(at, &expert, &format!("runs/experts/{store}/.experts.lock"));
    succeed(at, &["expert", "--config", "tiny.toml"]);
    let run = "run --config tiny.toml --set distill.iterations=2000";
    second_is_refused(at, run, "runs/tiny/.lock");
    let short = ["--set", "distill.iterations=1", "--out", "runs/done"];
    succeed(at, &[&["run", "--config", "tiny.toml"], &short[..]].concat());
    second_is_refused(at, "eval runs/done --set eval.epochs=2000", "runs/done/.evaluation.lock");
}

#[test]
fn comparisons() {
    let folder = folder();
    fs::write(folder.path().join("grid.toml"), GRID).expect("a configuration");
    let args = "sweep dm --config grid.toml --ipc 1 --seeds 1 --out runs/grid";
    second_is_refused(folder.path(), args, "runs/grid/.comparison.lock");
}

#[test]
fn measurements() {
    let folder = folder();
    let at = folder.path();
    succeed(at, &["train", "--config", "tiny.toml", "--epochs", "1", "--out", "cam.safetensors"]);
    let args =
        "compdd measure --config tiny.toml --model cam.safetensors --layer blocks.0 --batch 1 --out runs/m";
    second_is_refused(at, args, "runs/m/.complexity.lock");
}
