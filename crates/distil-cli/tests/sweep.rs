//! `distil sweep` from nothing to a table.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{folder, run, succeed};

const GRID: &str = r#"
[data]
name = "clutter-easy"
resolution = 16
train_limit = 60
validation = 0.1
[model]
width = 4
depth = 2
[expert]
experts = 2
epochs = 4
batch = 30
micro_batch = 8
[distill]
checkpoint_every = 2
[eval]
seeds = 1
epochs = 2
[[for]]
methods = ["dm", "dc", "dsa", "dd", "ld", "idc", "dream"]
set = { distill = { iterations = 4, validate_every = 2 } }
[[for]]
methods = ["idc", "dream"]
set = { distill = { outer_loop = 2, batch_real = 4, real_training = { images = 8 } } }
[[for]]
methods = ["dm"]
ipc = [2]
set = { distill = { iterations = 2 }, paper = { accuracy = 48.9, source = "a paper" } }
"#;

fn compare(at: &Path, methods: &str, more: &[&str]) -> String {
    let args = ["sweep", methods, "--config", "grid.toml", "--ipc", "1,2", "--seeds", "2", "--out", "grid"];
    succeed(at, &[&args, more].concat())
}

/// Bytes of every file of the grid's runs but what a clock wrote.
fn files(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![at.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !matches!(name.as_str(), "cost.json" | "evaluation.json" | "methods.md") {
                found.insert(
                    path.strip_prefix(at).expect("inside").to_owned(),
                    fs::read(&path).expect("a file"),
                );
            }
        }
    }
    found
}

#[test]
fn a_table_of_methods_is_resumable() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("grid.toml"), GRID).expect("a configuration");
    let table = compare(at, "random,dm", &[]);
    let rows: Vec<&str> =
        table.lines().filter(|line| line.starts_with("| random") || line.starts_with("| dm")).collect();
    assert_eq!(rows.len(), 4, "{table}");
    let cell = |row: &str, column: usize| row.split('|').nth(column + 1).expect("a cell").trim().to_owned();
    assert!(rows.iter().all(|row| cell(row, 5) == "2"), "two runs each: {table}");
    assert!(
        rows.iter().any(|row| cell(row, 8) == "48.9") && table.contains("Published: a paper."),
        "{table}"
    );
    assert!(cell(rows[0], 6).is_empty() && cell(rows[1], 6).parse::<f64>().is_ok(), "{table}");
    let before = files(&at.join("grid"));
    // Nothing is done again, and a run that is gone comes back with the same bytes.
    fs::remove_dir_all(at.join("grid/dm-ipc2-seed1")).expect("a run");
    let again = compare(at, "random,dm", &[]);
    let accuracy = |table: &str| {
        table.lines().filter(|line| line.contains("dm")).map(|row| cell(row, 2)).collect::<Vec<_>>()
    };
    assert_eq!(accuracy(&again), accuracy(&table));
    assert!(files(&at.join("grid")) == before, "the same bytes");
    assert!(compare(at, "random,dm", &["--table", "latex"]).starts_with("\\begin{tabular}"));
}

#[test]
fn arms_of_an_ablation_share_their_experts() {
    let folder = folder();
    let at = folder.path();
    let arms = "reference = \"alone\"\n".to_owned()
        + GRID
        + r#"
[[variant]]
name = "alone"
method = "dm"
[[variant]]
name = "longer"
method = "dm"
set = { distill = { iterations = 6 } }
"#;
    fs::write(at.join("grid.toml"), arms).expect("a configuration");
    let table = compare(at, "all", &[]);
    let rows: Vec<&str> = table.lines().skip(2).take(4).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.split('|').nth(1).expect("a cell").trim()).collect();
    assert_eq!(names, ["alone", "longer", "alone", "longer"], "{table}");
    assert!(table.contains("Difference: to alone with"), "{table}");
    let iterations = |run: &str| {
        let text = fs::read_to_string(at.join("grid").join(run).join("run.toml")).expect("a run");
        text.parse::<toml::Table>().expect("TOML")["distill"]["iterations"].as_integer()
    };
    assert_eq!([iterations("alone-ipc1-seed0"), iterations("longer-ipc2-seed1")], [Some(4), Some(6)]);
    // A method of the list besides the arms.
    assert!(compare(at, "longer,random", &[]).contains("| random"));
}

#[test]
fn a_stuck_arm_is_a_row_and_the_others_go_on() {
    let folder = folder();
    let at = folder.path();
    let stuck = "[[for]]\nmethods = [\"datm\"]\nset = { distill = { iterations = 250, syn_steps = 2, expert_epochs = 1, loss_gate = 1e-9, init = \"real\", window = { min = 0, max = 1, initial_max = 1 } } }\n";
    fs::write(at.join("grid.toml"), format!("{GRID}{stuck}")).expect("a configuration");
    let args =
        ["sweep", "datm,random", "--config", "grid.toml", "--ipc", "1", "--seeds", "1", "--out", "grid"];
    let said = run(at, &args);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("1 of 2 runs got stuck: datm-ipc1-seed0"), "{}", said.err);
    let row = |name: &str| said.out.lines().find(|line| line.starts_with(name)).map(str::to_owned);
    assert!(row("| datm").is_some_and(|row| row.contains(" stuck ")), "{}", said.out);
    assert!(row("| random").is_some_and(|row| !row.contains("stuck")), "{}", said.out);
    assert!(said.out.contains("Stuck: datm-ipc1-seed0: none of the"), "{}", said.out);
    assert!(fs::read_to_string(at.join("grid/methods.md")).is_ok_and(|text| text.contains(" stuck ")));
}

#[test]
fn slips_show_before_hours_of_work() {
    let folder = folder();
    let at = folder.path();
    let refused = |grid: &str, methods: &str| {
        fs::write(at.join("grid.toml"), grid).expect("a configuration");
        let said = run(at, &["sweep", methods, "--config", "grid.toml", "--out", "grid"]);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(!at.join("grid").exists(), "nothing was begun");
        said.err
    };
    assert!(refused(GRID, "random,dmm").contains("there is no method \"dmm\""));
    let late = format!("{GRID}[[for]]\nmethods = [\"ld\"]\nset = {{ distill = {{ window = 3 }} }}\n");
    assert!(refused(&late, "random,ld").contains("unknown key `distill.window`"));
    assert!(refused(&format!("{GRID}[[for]]\nmethod = [\"ld\"]\n"), "random").contains("[[for]]"));
    let unknown = format!("reference = \"gone\"\n{GRID}");
    assert!(refused(&unknown, "random").contains("no variant is called \"gone\""));
    assert!(refused(&format!("{GRID}[[variant]]\nname = \"a\"\n"), "a").contains("[[variant]]"));
    let said = run(at, &["compare"]);
    assert_eq!(said.code, Some(2), "two results: {}", said.err);
}
