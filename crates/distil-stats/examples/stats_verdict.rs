//! Compares the test accuracies of three methods, five students each.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use distil_stats::{Comparison, Design, StatsError, Summary, holm, verdict};

const NEW: [f64; 5] = [0.712, 0.705, 0.718, 0.709, 0.714];
const OLD: [f64; 5] = [0.684, 0.671, 0.688, 0.679, 0.690];
const NEAR: [f64; 5] = [0.701, 0.713, 0.709, 0.698, 0.716];

fn main() -> Result<(), StatsError> {
    for (name, accuracies) in [("new", NEW), ("near", NEAR), ("old", OLD)] {
        if let Some(Summary { mean, std, ci95: Some([low, high]), .. }) = Summary::of(&accuracies) {
            let [mean, std, low, high] = [mean, std, low, high].map(|share| 100.0 * share);
            println!("{name:>4}: {mean:.1} ± {std:.1} %, 95% interval {low:.1} to {high:.1} %");
        }
    }
    println!("{}", verdict(("new", &NEW), ("old", &OLD), Design::Independent));
    println!("{}", verdict(("new", &NEW), ("near", &NEAR), Design::Independent));

    // Two tests against the same set: both p values have to be corrected.
    let p = |other| Ok(Comparison::of(&NEW, other, Design::Independent)?.test.p);
    let corrected = holm(&[p(&OLD)?, p(&NEAR)?]);
    println!(
        "after Holm's correction: p = {:.4} against old, {:.2} against near",
        corrected[0], corrected[1]
    );
    Ok(())
}
