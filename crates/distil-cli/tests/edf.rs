//! EDF from the command line: its network of activation maps is trained where none is named, taken where one is, and missed by name.

mod common;

use common::{TINY, distil, folder, run, succeed};

/// The toy with EDF's preset.
fn toy(folder: &std::path::Path) {
    let text = TINY.replace("method = \"datm\"", "method = \"edf\"").replace(
        "[distill]\n",
        "[distill]\nipc = 1\nloss_gate = 100\nwindow = { min = 0, max = 4, initial_max = 2, expand_until = 20 }\nenhancement = { refresh_every = 10 }\n",
    );
    std::fs::write(folder.join("edf.toml"), text).expect("a configuration");
}

fn log(folder: &std::path::Path, run: &str) -> String {
    std::fs::read_to_string(folder.join("runs").join(run).join("events.jsonl")).expect("a log")
}

#[test]
fn everything_in_one_command_with_a_network_of_its_own() {
    let folder = folder();
    toy(folder.path());
    let table = succeed(folder.path(), &["reproduce", "--config", "edf.toml"]);
    assert!(table.contains("distilled, last"), "{table}");
    let networks = std::fs::read_dir(folder.path().join("runs/cam")).expect("networks").count();
    assert_eq!(networks, 1);
    let log = log(folder.path(), "edf");
    assert_eq!(log.matches("\"discriminative-area\"").count(), 4, "{log}");
    assert!(log.contains("\"kind\":\"dropout\",\"iteration\":1,"), "{log}");
    assert!(succeed(folder.path(), &["cite", "runs/edf"]).contains("Discriminative"));
    // The same run with the network that is there; nothing is trained again.
    succeed(folder.path(), &["run", "--config", "edf.toml", "--out", "runs/again"]);
    let set = |run: &str| {
        std::fs::read(folder.path().join("runs").join(run).join("synthetic/last.safetensors")).expect("a set")
    };
    assert!(set("edf") == set("again"));
    // What the parts change about the first steps, also with other values.
    let table = succeed(folder.path(), &["inspect", "runs/edf", "--gradients", "2"]);
    for part in
        ["| dropout | 0.9", "| enhancement | 0.9", "| both | ", "| map of a wrong class, to the own map | "]
    {
        assert!(table.contains(part), "{part}: {table}");
    }
    let off = ["--set", "distill.dropout=off", "--set", "distill.enhancement=off"];
    let said = run(folder.path(), &[&["inspect", "runs/edf", "--gradients"][..], &off].concat());
    assert!(said.code == Some(2) && said.err.contains("neither dropout nor enhancement"), "{}", said.err);
}

#[test]
fn a_named_network_is_taken_and_a_missing_one_named() {
    let folder = folder();
    toy(folder.path());
    succeed(folder.path(), &["expert", "--config", "edf.toml"]);
    let said = run(folder.path(), &["run", "--config", "edf.toml"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("runs/cam") && said.err.contains("distil train"), "{}", said.err);
    succeed(folder.path(), &["train", "--config", "edf.toml", "--out", "cam.safetensors"]);
    let model = "distill.enhancement.model=cam.safetensors";
    let map =
        "distill.enhancement.cam={ smooth-grad-cam-plus-plus = { form = \"public-code\", samples = 2 } }";
    let code = "distill.enhancement.classes=public-code";
    let sets = ["--set", model, "--set", map, "--set", code, "--set", "distill.range=auto"];
    let mut args = vec!["run", "--config", "edf.toml"];
    args.extend(sets);
    let said: common::Said = distil(folder.path(), &args).output().expect("distil starts").into();
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("public-code"), "a warning: {}", said.err);
    assert!(said.err.contains("the experts chose start epochs"), "{}", said.err);
    assert!(log(folder.path(), "edf").starts_with("{\"kind\":\"range\",\"iteration\":0,"));
    // Three classes for ten labels.
    let indices = ["--set", model, "--set", "distill.enhancement.class_indices=[1,2,3]"];
    let mut args = vec!["run", "--config", "edf.toml", "--out", "runs/few"];
    args.extend(indices);
    let said = run(folder.path(), &args);
    assert!(said.code == Some(2) && said.err.contains("3 entries for 10 classes"), "{}", said.err);
}
