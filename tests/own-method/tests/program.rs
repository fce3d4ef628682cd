//! Everything that a method of this workspace can do, one from outside can.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const SETS: &[&str] = &[
    "method=drift",
    "data.name=clutter",
    "data.train_limit=200",
    "data.validation=40",
    "data.clutter.resolution=16",
    "model.width=4",
    "model.depth=1",
    "distill.ipc=2",
    "distill.validate_every=400",
    "distill.checkpoint_every=5",
    "distill.memory=0.5",
    "eval.seeds=1",
    "eval.epochs=2",
];

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().expect("a folder"));
        std::fs::write(bench.0.path().join("drift.toml"), "").expect("a file");
        bench
    }

    fn command(&self, arguments: &[&str], sets: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distil-own-method"));
        command.current_dir(self.0.path()).args(arguments);
        for set in sets {
            command.args(["--set", set]);
        }
        command
    }

    fn run(&self, out: &str, iterations: u64, more: &[&str]) -> Command {
        let mut command =
            self.command(&["run", "--config", "drift.toml", "--device", "cpu", "--out", out], SETS);
        command.args(["--set", &format!("distill.iterations={iterations}")]).args(more);
        command
    }

    fn set(&self, run: &str) -> PathBuf {
        self.0.path().join(run).join("synthetic/last.safetensors")
    }
}

fn done(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Waits for the first checkpoint, then kills without warning.
fn kill_after_a_checkpoint(mut child: Child, run: &Path) {
    let checkpoints = run.join("checkpoints");
    let saved = || std::fs::read_dir(&checkpoints).is_ok_and(|mut entries| entries.next().is_some());
    while !saved() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("a child to kill");
    child.wait().expect("a child");
}

#[test]
fn a_killed_run_continues_with_the_same_bytes() {
    let bench = Bench::new();
    done(&mut bench.run("whole", 4000, &[]));
    let child = bench.run("killed", 4000, &[]).stderr(Stdio::null()).spawn().expect("the program starts");
    kill_after_a_checkpoint(child, &bench.0.path().join("killed"));
    assert!(!bench.set("killed").exists(), "it was killed before its end");
    done(&mut bench.run("killed", 4000, &["--resume"]));
    let [whole, killed] = ["whole", "killed"].map(|run| std::fs::read(bench.set(run)).expect("a set"));
    assert!(digest_part(&whole) == digest_part(&killed), "the sets differ");
}

/// A set without its header, which names the command that made it.
fn digest_part(file: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(file[..8].try_into().expect("eight bytes"));
    &file[8 + usize::try_from(length).expect("a short header")..]
}

#[test]
fn it_is_in_every_list() {
    let bench = Bench::new();
    let said = |arguments: &[&str]| {
        String::from_utf8(done(&mut bench.command(arguments, &[])).stdout).expect("text")
    };
    assert!(said(&["methods"]).contains("| `drift` | Drifting towards running class means |"));
    assert!(said(&["cite", "drift"]).starts_with("@misc{drift,"));
    let schema = said(&["schema"]);
    assert!(schema.contains("Weight of the mean so far") && schema.contains("\"drift\""));
}

#[test]
fn its_keys_are_checked_like_any_other() {
    let bench = Bench::new();
    let refused = |set: &str| {
        let output =
            bench.command(&["plan", "--no-timing", "--config", "drift.toml"], &[SETS, &[set]].concat());
        let output = { output }.output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).expect("text")
    };
    assert!(refused("distill.memroy=0.5").contains("did you mean `distill.memory`?"));
    assert!(refused("distill.memory=1.5").contains("distill.memory = 1.5 is out of range"));
    assert!(refused("distill.syn_steps=5").contains("unknown key `distill.syn_steps`"));
}
