//! One run evaluated by several protocols.

mod common;

use common::{TINY, folder, run, succeed};

/// A run on whitened images, evaluated by its own protocol.
fn whitened() -> tempfile::TempDir {
    let folder = folder();
    let text = TINY.replace("[model]", "zca = true\n[model]").replace("ema = 0.5\n", "");
    std::fs::write(folder.path().join("tiny.toml"), text).expect("a configuration");
    succeed(folder.path(), &["reproduce", "--config", "tiny.toml", "--quiet"]);
    folder
}

fn rows(folder: &std::path::Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder.join("runs/tiny/evaluation.json")).expect("results");
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = file["rows"].as_array().expect("rows").iter();
    rows.map(|row| (text(row, "name"), text(row, "protocol"))).collect()
}

#[test]
fn rows_of_protocols_stand_side_by_side_and_are_not_compared() {
    let folder = whitened();
    let at = |args: &[&str]| succeed(folder.path(), args);
    let own = rows(folder.path());
    assert!(
        own.len() == 4 && own.iter().all(|(_, protocol)| protocol == "datm with epochs = 3, full_epochs = 1")
    );
    let short = ["--set", "eval.epochs=2", "--set", "eval.full_epochs=1", "--set", "eval.seeds=2"];
    let challenge = [&["eval", "runs/tiny", "--protocol", "eccv-2024"], &short[..]].concat();
    let table = at(&challenge);
    assert!(
        table.contains("| distilled, last [eccv-2024] ") && table.contains("| distilled, last "),
        "{table}"
    );
    assert!(table.contains("Rows of different protocols must not be compared."), "{table}");
    let both = rows(folder.path());
    assert_eq!(both.len(), 8);
    assert!(
        both[..4].iter().all(|(_, protocol)| protocol == "eccv-2024 with epochs = 2, full_epochs = 1"),
        "{both:?}"
    );
    assert_eq!(both[4..], own, "the run's own rows are as they were");
    // Again: everything is known, in either order.
    assert_eq!(at(&challenge), table);
    let again = at(&["eval", "runs/tiny"]);
    assert!(again.contains("[eccv-2024]") && rows(folder.path())[..4] == own, "{again}");
    let compared =
        run(folder.path(), &["compare", "runs/tiny:distilled, last", ":distilled, last [eccv-2024]"]);
    assert!(compared.code == Some(2), "{}", compared.out);
    assert!(
        compared.err.contains("datm with") && compared.err.contains("and eccv-2024 with"),
        "{}",
        compared.err
    );
}

#[test]
fn a_command_rewrites_only_what_it_measured() {
    let folder = whitened();
    let own = rows(folder.path());
    for more in [["--arch", "mlp"], ["--seeds", "1"], ["--set", "eval.epochs=2"]] {
        succeed(folder.path(), &[&["eval", "runs/tiny"], &more[..]].concat());
        let now = rows(folder.path());
        assert!(own.iter().all(|row| now.contains(row)), "{more:?}: {now:?}");
    }
    let all = rows(folder.path());
    assert_eq!(all.len(), own.len() + 3 + 4 + 4, "no full data for another architecture: {all:?}");
    let names: std::collections::BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "{all:?}");
    for name in ["(mlp)", "last [1 seed]", "last [datm with epochs = 2, full_epochs = 1]"] {
        assert!(names.iter().any(|there| there.contains(name)), "{name}: {names:?}");
    }
    // The result is still quoted from the run's own row, and nothing is measured twice.
    let table = succeed(folder.path(), &["eval", "runs/tiny"]);
    assert!(table.contains("Difference: to “distilled, best on validation” of the same"), "{table}");
    assert_eq!(rows(folder.path()).len(), all.len());
    // Another seed is not told by a row: what is replaced is said first.
    let said = run(folder.path(), &["eval", "runs/tiny", "--seeds", "1", "--set", "seed=9"]);
    assert!(said.code == Some(0) && said.err.contains("will be replaced when measured"), "{}", said.err);
    assert_eq!(rows(folder.path()).len(), all.len());
}

#[test]
fn a_teacher_is_asked_for_checked_and_learned_from() {
    let folder = whitened();
    let at = |args: &[&str]| succeed(folder.path(), args);
    let short = ["--set", "eval.epochs=2", "--set", "eval.full_epochs=1", "--seeds", "2"];
    let taught = |teacher: &[&'static str]| {
        [&["eval", "runs/tiny/synthetic/last.safetensors", "--protocol", "rded-kd"], teacher, &short[..]]
            .concat()
    };
    let refused = run(folder.path(), &taught(&[]));
    assert!(
        refused.code == Some(2) && refused.err.contains("name one with --teacher FILE"),
        "{}",
        refused.err
    );
    let train = ["train", "--config", "tiny.toml", "--epochs", "3", "--out"];
    at(&[&train[..], &["zca.safetensors"]].concat());
    at(&[
        &train[..],
        &["plain.safetensors", "--arch", "resnet18", "--width", "4", "--norm", "batch"],
        &["--set", "data.zca=false"],
    ]
    .concat());
    let refused = run(folder.path(), &taught(&["--teacher", "zca.safetensors"]));
    assert!(
        refused.code == Some(2) && refused.err.contains("was trained on other input (ZCA)"),
        "{}",
        refused.err
    );
    let table = at(&taught(&["--teacher", "plain.safetensors"]));
    assert!(table.contains("Protocol: rded-kd with epochs = 2"), "{table}");
    assert!(table.contains("at step size 0.001"), "{table}");
}

#[test]
fn a_set_is_scored_by_its_labels_and_augmentation() {
    let folder = folder();
    succeed(folder.path(), &["reproduce", "--config", "tiny.toml", "--quiet"]);
    let short =
        ["--set", "eval.epochs=2", "--set", "eval.full_epochs=1", "--seeds", "2", "--grid", "0.01,0.1"];
    let said = succeed(folder.path(), &[&["rank-score", "runs/tiny"], &short[..]].concat());
    assert!(
        said.contains("| all real images, hard labels | 0.") && said.contains("Label-robust score 0."),
        "{said}"
    );
    assert!(said.contains("fractions in [0, 1]") && said.contains("not on test"), "{said}");
    let text = std::fs::read_to_string(folder.path().join("runs/tiny/ranking.json")).expect("scores");
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(file["arms"].as_array().map(Vec::len), Some(6));
    let refused = run(folder.path(), &["rank-score", "runs/tiny", "--weight", "2"]);
    assert!(refused.code == Some(2) && refused.err.contains("from 0 to 1"), "{}", refused.err);
}
