//! From data to report on the generated set, and what interruptions do to it: nothing.

mod common;

use std::path::Path;

use common::{folder, run, succeed};

/// Names and contents of the files whose bytes must not depend on interruptions.
fn products(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![run.join("run.toml"), run.join("events.jsonl")];
    let sets = std::fs::read_dir(run.join("synthetic")).expect("synthetic sets");
    files.extend(sets.map(|entry| entry.expect("an entry").path()));
    files.sort();
    let name = |file: &Path| file.file_name().expect("a name").to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), std::fs::read(file).expect("a file"))).collect()
}

#[test]
fn every_step_and_the_same_in_one() {
    let folder = folder();
    let at = |args: &[&str]| succeed(folder.path(), args);
    let info = at(&["data", "info", "--config", "tiny.toml", "--sheet", "sheet.png"]);
    assert!(info.contains("3x16x16") && info.contains("zigzag"), "{info}");
    assert!(std::fs::read(folder.path().join("sheet.png")).unwrap().starts_with(b"\x89PNG"));
    let experts = at(&["expert", "--config", "tiny.toml"]);
    assert!(
        experts.starts_with("2 experts of 5 epochs are in runs/experts/clutter-easy-convnet-d2-w4-"),
        "{experts}"
    );
    assert_eq!(at(&["expert", "--config", "tiny.toml"]), experts);
    let sets = at(&["run", "--config", "tiny.toml"]);
    assert!(sets.contains("| last | 40 |") && sets.contains("moving average"), "{sets}");
    let table = at(&["eval", "runs/tiny"]);
    for row in
        ["random real", "distilled, last", "distilled, best on validation", "distilled, EMA", "full data"]
    {
        assert_eq!(
            table.lines().filter(|line| line.starts_with(&format!("| {row} "))).count(),
            1,
            "{row}: {table}"
        );
    }
    let one = at(&["eval", "runs/tiny/synthetic/best.safetensors", "--seeds", "1"]);
    assert!(one.contains("| best ") && !one.contains("random"), "{one}");
    assert_eq!(at(&["report", "runs/tiny"]).trim_end(), "wrote runs/tiny/report.html");
    assert!(at(&["cite", "runs/tiny"]).contains("Siamese Augmentation"));
    // The same in one command, and again: nothing is recomputed, the table is the same.
    assert_eq!(at(&["reproduce", "--config", "tiny.toml", "--out", "runs/one"]), table);
    assert_eq!(at(&["reproduce", "--config", "tiny.toml", "--out", "runs/one"]), table);
    assert_eq!(products(&folder.path().join("runs/one")), products(&folder.path().join("runs/tiny")));
}

#[test]
fn existing_runs_are_not_overwritten() {
    let folder = folder();
    succeed(folder.path(), &["reproduce", "--config", "tiny.toml", "--quiet"]);
    let before = products(&folder.path().join("runs/tiny"));
    let again = run(folder.path(), &["run", "--config", "tiny.toml"]);
    assert!(again.code == Some(2) && again.err.contains("--resume"), "{}", again.err);
    let other =
        run(folder.path(), &["run", "--config", "tiny.toml", "--resume", "--set", "distill.syn_steps=4"]);
    assert!(
        other.code == Some(2) && other.err.contains("distill.syn_steps is 3 there and 4 here"),
        "{}",
        other.err
    );
    let fewer =
        run(folder.path(), &["run", "--config", "tiny.toml", "--out", "more", "--set", "expert.experts=3"]);
    assert!(fewer.code == Some(2) && fewer.err.contains("2 of 3 experts"), "{}", fewer.err);
    assert!(!folder.path().join("more").exists());
    assert_eq!(products(&folder.path().join("runs/tiny")), before);
}

#[test]
fn progress_is_on_standard_error_and_quiet_is_quiet() {
    let folder = folder();
    let said = run(folder.path(), &["expert", "--config", "tiny.toml", "--threads", "1"]);
    assert!(said.code == Some(0) && said.err.contains("training 2 of 2 experts"), "{}", said.err);
    let quiet = ["expert", "--config", "tiny.toml", "--quiet", "--set", "seed=1"];
    let said = run(folder.path(), &quiet);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(said.out.contains("2 experts"));
}

#[cfg(unix)]
mod interruptions {
    use std::path::Path;
    use std::process::{Child, Command};
    use std::time::Duration;

    use super::common::{Said, distil, folder, run, succeed};
    use super::products;

    fn signal(child: &Child, name: &str) {
        let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
    }

    /// Waits until the log of the run has at least this many lines.
    fn wait_for_events(child: &mut Child, run: &Path, lines: usize) {
        let count =
            || std::fs::read_to_string(run.join("events.jsonl")).map_or(0, |text| text.lines().count());
        while count() < lines {
            assert!(
                child.try_wait().expect("a status").is_none(),
                "the run ended before it could be interrupted"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn an_interrupted_run_ends_with_the_same_bytes() {
        let folder = folder();
        let (set, whole, parts) =
            ("distill.iterations=300", folder.path().join("whole"), folder.path().join("parts"));
        let run_to = |out: &'static str| ["run", "--config", "tiny.toml", "--set", set, "--out", out];
        succeed(folder.path(), &["expert", "--config", "tiny.toml", "--set", set]);
        succeed(folder.path(), &run_to("whole"));
        let mut args = run_to("parts").to_vec();
        // Ctrl-C: stops at once, saves, says how to go on.
        let mut child = distil(folder.path(), &args).spawn().unwrap();
        wait_for_events(&mut child, &parts, 10);
        signal(&child, "-INT");
        let said = Said::from(child.wait_with_output().unwrap());
        assert_eq!(said.code, Some(130), "{}", said.err);
        assert!(
            said.err.contains("error: interrupted\nhelp: iteration") && said.err.contains("--resume"),
            "{}",
            said.err
        );
        assert!(!parts.join("synthetic/last.safetensors").exists());
        // Death without notice, twice.
        args.push("--resume");
        for lines in [30, 70] {
            let mut child = distil(folder.path(), &args).spawn().unwrap();
            wait_for_events(&mut child, &parts, lines);
            signal(&child, "-KILL");
            assert_eq!(child.wait_with_output().unwrap().status.code(), None);
        }
        succeed(folder.path(), &args);
        let (parts, whole) = (products(&parts), products(&whole));
        let differing: Vec<_> = parts.iter().zip(&whole).filter(|(a, b)| a != b).map(|(a, _)| &a.0).collect();
        assert!(differing.is_empty() && parts.len() == whole.len(), "{differing:?} differ");
    }

    #[test]
    fn interrupted_experts_continue() {
        let folder = folder();
        let many = ["expert", "--config", "tiny.toml", "--experts", "e", "--set", "expert.experts=40"];
        let mut child = distil(folder.path(), &many).spawn().unwrap();
        while !folder.path().join("e/expert-0001.safetensors").exists() {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the experts were ready before they could be interrupted"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        signal(&child, "-INT");
        let said = Said::from(child.wait_with_output().unwrap());
        assert!(said.code == Some(130) && said.err.contains("of 40 experts are kept"), "{}", said.err);
        let kept = std::fs::read(folder.path().join("e/expert-0001.safetensors")).unwrap();
        let said = run(folder.path(), &["expert", "--config", "tiny.toml", "--experts", "e"]);
        assert!(said.code == Some(0), "{}", said.err);
        // The second expert is the same whether it was one of forty or one of two.
        succeed(folder.path(), &["expert", "--config", "tiny.toml", "--experts", "f"]);
        assert_eq!(std::fs::read(folder.path().join("f/expert-0001.safetensors")).unwrap(), kept);
    }
}
