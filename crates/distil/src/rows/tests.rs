use std::path::Path;

use distil_data::DatasetName;
use toml::{Table, Value};

use super::{Figure, Reduction, Resolved, Rows};
use crate::config::{Config, Layer};

/// Rows of these files of a `configs/`.
fn read(files: &[(&str, &str)]) -> Result<Rows, String> {
    Rows::of(files.iter().copied()).map_err(|error| error.to_string())
}

fn resolved(rows: &Rows, name: &str) -> Resolved {
    rows.resolve(rows.find(name).expect("a row")).expect("a configuration")
}

/// The rows of the repository.
fn published() -> Rows {
    Rows::embedded().expect("the rows of configs/")
}

const TABLE: &str = r#"
title = "A table"
source = "A paper, Table 1"
[[base]]
name = "b"
config = { method = "datm", distill = { ipc = 1, window = { min = 0, max = 4 } } }
[[row]]
name = "t/one"
extends = ["b"]
config.distill.window.max = 6
published = { datm = [50.0, 0.5], random = 20.0 }
[[row]]
name = "t/same"
extends = ["t/one"]
published = { datm = 51.0 }
[[grid]]
name = "t/one-{}-images"
extends = ["t/one"]
key = "distill.ipc"
values = [1, 10]
method = "datm"
published = [50.2, [60.0, 1.0]]
"#;

#[test]
fn rows_are_what_they_extend_and_what_they_say() {
    let rows = read(&[("a/table.toml", TABLE)]).unwrap();
    assert_eq!(rows.iter().count(), 4);
    let one = resolved(&rows, "t/one");
    assert_eq!((one.run.as_str(), one.get("distill.window.max")), ("t-one", Some(&Value::Integer(6))));
    assert_eq!(one.get("distill.window.min"), Some(&Value::Integer(0)));
    let ten = resolved(&rows, "t/one-10-images");
    assert_eq!((ten.run.as_str(), ten.get("distill.ipc")), ("t-one-10-images", Some(&Value::Integer(10))));
    assert_eq!(ten.get("distill.window.max"), Some(&Value::Integer(6)));
    let table: Table = ten.to_toml().parse().unwrap();
    assert_eq!(
        (table["paper"]["accuracy"].as_float(), table["paper"]["std"].as_float()),
        (Some(60.0), Some(1.0))
    );
    assert_eq!(table["paper"]["source"].as_str(), Some("A paper, Table 1"));
}

#[test]
fn rows_with_the_same_settings_share_a_run() {
    let rows = read(&[("table.toml", TABLE)]).unwrap();
    for name in ["t/same", "t/one-1-images"] {
        let twin = resolved(&rows, name);
        assert_eq!((twin.run.as_str(), twin.same_as.as_deref()), ("t-one", Some("t/one")));
        // What the run compares itself with must not depend on the row it was begun by.
        assert_eq!(twin.to_toml(), resolved(&rows, "t/one").to_toml());
        let figure = rows.find(name).unwrap().figure(&twin.config).unwrap();
        assert!(figure.accuracy > 50.0, "{figure}");
    }
}

#[test]
fn plain_configurations_are_rows() {
    let text = "# What it is.\nmethod = \"datm\"\n[data]\nname = \"mnist\"\n[paper]\naccuracy = 91.5\nsource = \"x\"";
    let rows = read(&[("deep/one.toml", text)]).unwrap();
    let row = rows.find("deep/one").unwrap();
    let config = resolved(&rows, "deep/one");
    assert_eq!((row.title.as_str(), config.run.as_str()), ("What it is.", "deep-one"));
    assert_eq!(row.figure(&config.config), Some(Figure { accuracy: 91.5, std: None }));
    assert!(config.to_toml().contains("accuracy = 91.5"));
}

#[test]
fn mistakes_are_named() {
    let head = "title = \"t\"\n";
    for (text, said) in [
        ("[[row]]\nname = \"a\"\nextends = [\"b\"]", "a extends \"b\""),
        ("[[row]]\nname = \"a\"\nextends = [\"a\"]", "a extends itself"),
        ("[[row]]\nname = \"a\"\n[[row]]\nname = \"a\"", "a is defined in"),
        ("[[row]]\nname = \"a\"\npublishd = {}", "unknown field `publishd`"),
        ("[[row]]\nname = \"a\"\npublished = { edf = [1.0, 2.0, 3.0] }", "configs/x.toml"),
        (
            "[[row]]\nname = \"a\"\n[[grid]]\nname = \"g\"\nextends = [\"a\"]\nkey = \"k\"\nvalues = [1]\nmethod = \"m\"",
            "no {} in its name",
        ),
        (
            "[[row]]\nname = \"a\"\n[[grid]]\nname = \"g{}\"\nextends = [\"a\"]\nkey = \"k\"\nvalues = [1]\nmethod = \"m\"\npublished = [1.0, 2.0]",
            "2 published for 1 values",
        ),
        ("[[row]\n", "not TOML"),
    ] {
        let error = read(&[("x.toml", &format!("{head}{text}"))]).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let error = read(&[("x.toml", TABLE)]).unwrap().find("t/onne").unwrap_err().to_string();
    assert!(error.contains("the nearest are t/one,"), "{error}");
}

#[test]
fn every_row_is_whole() {
    let rows = published();
    for row in rows.iter() {
        let resolved = rows.resolve(row).unwrap();
        let said = |key: &str| resolved.get(key).unwrap_or_else(|| panic!("{} does not say {key}", row.name));
        let data = said("data.name").as_str().expect("a name");
        assert!(data.parse::<DatasetName>().is_ok(), "{}: {data}", row.name);
        if row.name.contains('/') {
            said("distill.ipc");
            let layer = Layer::from_text(&resolved.to_toml(), Path::new("row")).unwrap();
            if Config::resolve(vec![layer], "row").unwrap().distill.objective.learns() {
                said("distill.image_lr");
            }
            if resolved.get("distill.window").is_some() {
                for key in ["distill.syn_steps", "distill.window.max"] {
                    said(key);
                }
            }
            assert!(row.name.contains(&format!("-ipc{}", said("distill.ipc"))), "{}", row.name);
            let place = data.rsplit('/').next().expect("a name");
            assert!(row.name.contains(place), "{} is about {data}", row.name);
            assert!(!row.source.is_empty(), "{} names no source", row.name);
        }
        let method = said("method").as_str().expect("a name");
        let own = row.figure(&resolved.config).is_some();
        let known = row.published.is_empty() || own;
        assert!(known, "{} has figures, but none of {method}", row.name);
        for figure in row.published.values() {
            assert!(
                (0.0..100.0).contains(&figure.accuracy) && figure.std.is_none_or(|std| std < 5.0),
                "{}",
                row.name
            );
        }
    }
}

#[test]
fn grids_contain_the_main_result() {
    // Every line of Tables 5 and 6 has one cell with Table 1's settings; all others are separate runs.
    let rows = published();
    let mut twins = std::collections::BTreeMap::<String, (usize, usize)>::new();
    for row in rows.iter().filter(|row| ["table5", "table6"].iter().any(|table| row.name.contains(table))) {
        let (line, _) = row.name.rsplit_once('-').unwrap();
        let counted = twins.entry(line.to_owned()).or_default();
        counted.0 += usize::from(rows.resolve(row).unwrap().same_as.is_some());
        counted.1 += 1;
    }
    assert_eq!(twins.len(), 6 + 6 + 6 + 3);
    for (line, (same, all)) in twins {
        assert_eq!(same, 1, "{line}: {same} of {all}");
    }
}

#[test]
fn every_row_can_be_reduced() {
    let rows = published();
    for row in rows.iter() {
        for there in [true, false] {
            let resolved = rows.resolve(row).unwrap();
            let Reduction { resolved, stand_in, said } = Reduction::of(resolved, there, Path::new("scratch"));
            assert!(resolved.run.starts_with("smoke-REDUCED-"), "{}", resolved.run);
            assert!(!resolved.to_toml().contains("[paper]"), "{} would be compared with the paper", row.name);
            let generated = resolved.get("data.name").and_then(Value::as_str) == Some("folder");
            assert_eq!((generated, said.contains("GENERATED")), (stand_in.is_some(), stand_in.is_some()));
            let number = |key: &str| resolved.get(key).and_then(Value::as_integer).expect("a number");
            assert!(number("distill.ipc") <= 2 && number("distill.iterations") <= 12, "{}", row.name);
            if resolved.get("distill.window").is_none() {
                continue;
            }
            let [min, first, max] =
                ["min", "initial_max", "max"].map(|key| number(&format!("distill.window.{key}")));
            assert!(0 <= min && min < first && first <= max, "{}: {min} {first} {max}", row.name);
            // Effect alignment looks at epochs and follows none.
            let ahead = resolved.get("distill.expert_epochs").and_then(Value::as_integer).unwrap_or(0);
            assert!(max - 1 + ahead <= number("expert.epochs"), "{}", row.name);
        }
    }
}
