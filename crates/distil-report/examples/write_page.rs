//! Makes a run folder with results and images, and its page.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use distil_report::{Gallery, Results, results_table_markdown, write_report};
use distil_stats::Summary;
use distil_store::{Part, RowKind, RunFolder, atomic, seal};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut run = RunFolder::create(folder.path().join("example"), "method = \"dm\"\n[distill]\nipc = 1")?;
    for iteration in 1..=20 {
        let event = json!({"kind": "iteration", "iteration": iteration, "loss": 3.0 / f64::from(iteration)});
        run.append_event(&event)?;
    }
    // What `distil_eval::Evaluator` returns.
    let row = |kind: RowKind, images: usize, accuracies: &[f64]| {
        json!({"kind": kind, "name": kind.to_string(), "arch": "convnet", "protocol": "mtt", "images": images,
            "epochs": 1000, "lr": 0.01, "accuracies": accuracies, "summary": Summary::of(accuracies),
            "seconds": 60.0})
    };
    let distilled = row(RowKind::Set(Part::Last), 2, &[0.712, 0.705, 0.718]);
    let random = row(RowKind::Random, 2, &[0.541, 0.560, 0.533]);
    let paths = run.paths().clone();
    atomic::write(paths.evaluation(), seal::json(&json!({"rows": [distilled, random]})))?;

    let gallery = Gallery {
        shape: [2, 1, 8, 8],
        pixels_before: Some(vec![0.5; 128]),
        pixels_after: (0..128_u8).map(|i| f32::from(i % 64) / 63.0).collect(),
        labels: vec![0, 1],
        captions: vec!["the first image".into(), "the second".into()],
    };
    let page = write_report(paths.folder(), Some(gallery))?;
    println!("{} has {} bytes", page.display(), std::fs::metadata(&page)?.len());
    let results = Results::of_run(&paths)?.ok_or("the run has results")?;
    println!("{}", results_table_markdown(&results.evaluation));
    Ok(())
}
