//! `distil campaign`: rows are worked off once, one that fails does not end the others, and the table says how far all are.

mod common;

use common::{folder, run};

/// A row that takes a second, one that cannot be run, and the first one again with another setting.
const QUEUE: &str = r#"
[[queue]]
row = "clutter-dm"
set = ["distill.iterations=1", "distill.ipc=1", "model.width=4", "eval.epochs=1", "eval.seeds=2", "eval.full_seeds=0", "data.validation=0"]
note = "much reduced"

[[queue]]
row = "clutter-dm"
set = ["distill.ipc=0"]

[[queue]]
row = "clutter-dm"
set = ["distill.iterations=2", "distill.ipc=1", "model.width=4", "eval.epochs=1", "eval.seeds=2", "eval.full_seeds=0", "data.validation=0"]
"#;

#[test]
fn rows_are_worked_off_once_and_a_failure_does_not_end_the_others() {
    let folder = folder();
    std::fs::write(folder.path().join("queue.toml"), QUEUE).expect("a file");
    let args = ["campaign", "--config", "queue.toml", "--out", "all", "--threads", "1"];
    let before = run(folder.path(), &[&args[..], &["--table"]].concat());
    assert_eq!(before.code, Some(0), "{}", before.err);
    assert!(before.out.contains("waiting") && before.out.contains("0 of 3 rows are done"), "{}", before.out);
    let said = run(folder.path(), &args);
    assert_eq!(said.code, Some(2), "{}", said.err);
    for piece in ["row 3 of 3: distil reproduce clutter-dm", "distill.ipc is 0", "1 row failed: clutter-dm"] {
        assert!(said.err.contains(piece), "{piece}: {}", said.err);
    }
    for piece in ["2 of 3 rows are done", "much reduced", "MiB"] {
        assert!(said.out.contains(piece), "{piece}: {}", said.out);
    }
    assert!(
        std::fs::read_to_string(folder.path().join("all/campaign.md")).expect("a table").contains("2 of 3")
    );
    assert!(!said.out.contains("random real"), "results of rows are in their folders: {}", said.out);
    // What is done is not done again; what failed is tried again.
    let again = run(folder.path(), &args);
    assert!(!again.err.contains("row 1 of 3") && again.err.contains("row 2 of 3"), "{}", again.err);
    assert_eq!(again.out, said.out);
    let wrong = run(folder.path(), &["campaign", "--config", "tiny.toml"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("a campaign cannot be read"), "{}", wrong.err);
}
