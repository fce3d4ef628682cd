//! `distil compare` and the tables of `distil report`, on results written by hand.

mod common;

use std::path::Path;

use common::{folder, run};
use serde_json::{Value, json};

/// The kind of a row by its title here.
fn kind(name: &str) -> Value {
    match name {
        "random real" => json!("random"),
        "full data" => json!("full"),
        "distilled, best on validation" => json!({"set": "best"}),
        "distilled, EMA" => json!({"set": "ema"}),
        name if name.starts_with("distilled") => json!({"set": "last"}),
        _ => json!("other"),
    }
}

fn row(name: &str, accuracies: &[f64], test: &str, epochs: usize) -> Value {
    let n = accuracies.len();
    let mean = accuracies.iter().sum::<f64>() / n as f64;
    json!({
        "kind": kind(name), "name": name, "arch": "convnet", "protocol": "", "images": 10, "epochs": epochs, "lr": 0.01, "accuracies": accuracies, "seconds": 1.0,
        "summary": {"n": n, "mean": mean, "std": 0.01, "ci95": [mean - 0.01, mean + 0.01]},
        "conditions": {
            "dataset": "mnist", "test": test, "network": {"arch": "convnet"},
            "protocol": {"epochs": epochs, "seeds": n},
        },
    })
}

const HIGH: [f64; 5] = [0.71, 0.72, 0.70, 0.71, 0.73];
const LOW: [f64; 4] = [0.66, 0.67, 0.65, 0.66];

fn save(folder: &Path, file: &str, rows: &[Value]) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
    std::fs::write(path, json!({ "rows": rows }).to_string()).expect("a file of results");
}

#[test]
fn the_verdict_is_one_sentence() {
    let folder = folder();
    let best = "distilled, best on validation";
    save(
        folder.path(),
        "a/evaluation.json",
        &[row(best, &HIGH, "x", 100), row("random real", &LOW, "x", 100)],
    );
    save(folder.path(), "b.json", &[row(best, &LOW, "x", 100)]);
    let first = |args: &[&str]| {
        let said = run(folder.path(), args);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{args:?}");
        said.out.lines().next().unwrap().to_owned()
    };
    let files = first(&["compare", "b.json", "a"]);
    assert!(
        files.starts_with("a beats b.json by 5.4 points [") && files.ends_with("5 and 4 seeds"),
        "{files}"
    );
    let rows = first(&["compare", "a", ":random"]);
    assert!(rows.starts_with("distilled, best on validation beats random real by 5.4 points ["), "{rows}");
    let both = first(&["compare", "a/evaluation.json:random real", "b.json"]);
    assert!(both.contains("are equal"), "{both}");
    let unpaired = first(&["compare", "a", "b.json", "--paired"]);
    assert!(unpaired.starts_with("cannot tell: pairs need equally many values"), "{unpaired}");
}

#[test]
fn what_is_not_comparable_is_refused() {
    let folder = folder();
    let set = "distilled, last";
    save(
        folder.path(),
        "a/evaluation.json",
        &[row(set, &HIGH, "x", 100), row("random real", &LOW, "x", 100)],
    );
    save(folder.path(), "data/evaluation.json", &[row(set, &LOW, "y", 100)]);
    save(folder.path(), "short/evaluation.json", &[row(set, &LOW, "x", 10)]);
    let mut old = row(set, &LOW, "x", 100);
    old.as_object_mut().unwrap().remove("conditions");
    save(folder.path(), "old/evaluation.json", &[old]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (b, pieces) in [
        ("data", ["was tested on mnist (x)", "same test images"]),
        ("short", ["other protocols", "eval.epochs: 100 and 10"]),
        ("old", ["does not say how it was measured", "distil eval"]),
        ("a:EMA", ["a has no row “EMA”", "“random real”"]),
        ("empty", ["empty holds no results", "distil eval empty"]),
        ("nowhere", ["there is no nowhere", "run folder"]),
    ] {
        let said = run(folder.path(), &["compare", "a", b]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{b}: {}", said.err);
        for piece in pieces {
            assert!(said.err.replace("different", "other").contains(piece), "{piece:?}: {}", said.err);
        }
    }
    assert_eq!(run(folder.path(), &["compare", "a"]).code, Some(2), "one result is not a comparison");
}

#[test]
fn a_run_that_went_on_is_not_compared_by_its_old_results() {
    let folder = folder();
    let mut kept = row("distilled, last", &HIGH, "x", 100);
    kept["key"] = "k".into();
    kept["set"] = json!({"part": "last", "digest": "of a set that is gone"});
    save(folder.path(), "run/evaluation.json", &[kept, row("random real", &LOW, "x", 100)]);
    std::fs::write(folder.path().join("run/run.toml"), "\n").unwrap();
    let said = run(folder.path(), &["compare", "run", "run:random real"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("Out of date: “distilled, last”"), "{}", said.err);
    let said = run(folder.path(), &["report", "run", "--table", "csv"]);
    assert_eq!((said.code, said.out.lines().count()), (Some(0), 2), "{}", said.out);
    assert!(said.out.contains("\nrandom real,10,") && said.err.contains("Out of date"), "{}", said.err);
    let said = run(folder.path(), &["report", "run", "--table", "latex"]);
    assert!(
        said.out.starts_with("\\begin{tabular}") && said.out.contains("random real & 10 &"),
        "{}",
        said.out
    );
}
