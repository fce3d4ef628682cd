//! The fixtures of kinds `soft_eval` and `stats`.

use distil_golden::{Fixture, Precision, check_all};
use distil_stats::{Summary, Tally, paired, welch, wilcoxon};
use serde::Deserialize;

#[test]
fn golden() {
    check_all(&["soft_eval", "stats"], |fixture, precision| match fixture.kind.as_str() {
        "soft_eval" => soft_eval(fixture, precision),
        _ => stats(fixture, precision),
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SoftEval {
    classes: Option<usize>,
    samples: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stats {
    a: Option<usize>,
    b: Option<usize>,
    #[serde(default)]
    paired: bool,
}

fn soft_eval(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: SoftEval = fixture.options()?;
    let (logits, labels) = (fixture.float("logits")?, &fixture.integer("labels")?.values);
    let [rows, classes] = logits.shape[..] else { return Err("logits are not [n, k]".into()) };
    announced(options.samples, rows)?;
    announced(options.classes, classes)?;
    let labels: Vec<u32> = labels.iter().map(|label| *label as u32).collect();
    let mut tally = Tally::new(classes);
    match precision {
        Precision::F64 => tally.add(&logits.values, &labels),
        Precision::F32 => {
            tally.add(&logits.values.iter().map(|value| *value as f32).collect::<Vec<_>>(), &labels)
        }
    }
    .map_err(|error| error.to_string())?;
    let scores = tally.scores();
    fixture.expect("top1", &[scores.top1], precision)?;
    fixture.expect("top5", &[scores.top5], precision)?;
    let cells: Vec<i64> = scores.confusion.iter().flatten().map(|count| *count as i64).collect();
    fixture.expect_integers("confusion", &cells)?;
    fixture.expect("precision", &scores.precision, precision)?;
    fixture.expect("recall", &scores.recall, precision)?;
    fixture.expect("f1", &scores.f1, precision)?;
    fixture.expect("macro_f1", &[scores.macro_f1], precision)
}

fn stats(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Stats = fixture.options()?;
    let (a, b) = (sample(fixture, "a", precision)?, sample(fixture, "b", precision)?);
    announced(options.a, a.len())?;
    announced(options.b, b.len())?;
    for (name, values) in [("a", &a), ("b", &b)] {
        let summary = Summary::of(values).ok_or("an empty sample")?;
        fixture.expect(&format!("mean_{name}"), &[summary.mean], precision)?;
        fixture.expect(&format!("std_{name}"), &[summary.std], precision)?;
        let interval = summary.ci95.ok_or("a sample without an interval")?;
        fixture.expect(&format!("ci95_{name}"), &interval, precision)?;
    }
    let test = welch(&a, &b).map_err(|error| error.to_string())?;
    fixture.expect("welch", &[test.t, test.df, test.p], precision)?;
    if options.paired {
        let test = paired(&a, &b).map_err(|error| error.to_string())?;
        fixture.expect("paired", &[test.t, test.df, test.p], precision)?;
        let test = wilcoxon(&a, &b).map_err(|error| error.to_string())?;
        fixture.expect("wilcoxon", &[test.statistic, test.p], precision)?;
    }
    Ok(())
}

/// Measurements as an evaluation holds them; statistics are always computed in f64.
fn sample(fixture: &Fixture, name: &str, precision: Precision) -> Result<Vec<f64>, String> {
    let values = fixture.float(name)?.values.iter();
    Ok(match precision {
        Precision::F64 => values.copied().collect(),
        Precision::F32 => values.map(|value| f64::from(*value as f32)).collect(),
    })
}

fn announced(announced: Option<usize>, found: usize) -> Result<(), String> {
    match announced {
        Some(count) if count != found => Err(format!("{count} announced, {found} found")),
        _ => Ok(()),
    }
}
