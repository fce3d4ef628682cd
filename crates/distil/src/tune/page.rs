//! A tuning's page.

use std::fmt::Write as _;

use distil_report::text_table;
use distil_stats::{Design, verdict};
use distil_store::Evaluation;

use super::Tune;
use super::record::{Record, Trial};
use crate::duration;

/// Budget, trials, and what the test images say of the best one, of the configuration as it stands, and of that in equal time.
pub(super) fn markdown(tune: &Tune, record: &Record, best: usize, found: [&Evaluation; 3]) -> String {
    let [tuned, preset, equal] = found;
    let seconds: f64 = record.trials.iter().map(|trial| trial.seconds).sum();
    let mut page = format!(
        "# Tuning {}\n\nBudget: {}. The trials took {}.\n\n",
        tune.name,
        tune.budget(),
        duration(seconds)
    );
    page += &trials(tune, record, best);
    let row = |name: &str, row: &Evaluation| {
        vec![name.to_owned(), row.percent(), row.interval(), row.summary.n.to_string()]
    };
    let mut table = vec![["set", "test accuracy %", "95 % interval", "students"].map(str::to_owned).to_vec()];
    table.push(row(&format!("trial {best}, the best on held-out images"), tuned));
    table.push(row("the configuration as it stands", preset));
    table.push(row("the same, as long as all trials took", equal));
    let _ = write!(page, "\n{}\n{}\n", text_table(&table), claim(best, tuned, equal));
    page
}

fn trials(tune: &Tune, record: &Record, best: usize) -> String {
    let ends = tune.halving.ends();
    let mut header = vec!["trial".to_owned(), "settings".to_owned()];
    header.extend(ends.iter().map(|end| format!("at {end}, %")));
    header.push("time".to_owned());
    let line = |(number, trial): (usize, &Trial)| {
        let Trial { settings, seconds, scores } = trial;
        let settings = if settings.is_empty() { "as it stands".to_owned() } else { settings.join(", ") };
        let mark = if number == best { " (best)" } else { "" };
        let score =
            |rung: usize| scores.get(rung).map_or_else(String::new, |score| format!("{:.1}", 100.0 * score));
        let mut line = vec![format!("{number}{mark}"), settings];
        line.extend((0..ends.len()).map(score));
        line.push(duration(*seconds));
        line
    };
    let lines = record.trials.iter().enumerate().map(line);
    let said = "Accuracies of the trials are of held-out training images.";
    format!("{}\n{said}\n", text_table(&std::iter::once(header).chain(lines).collect::<Vec<_>>()))
}

/// What may be claimed: the difference to the configuration as it stands in equal time.
fn claim(best: usize, tuned: &Evaluation, equal: &Evaluation) -> String {
    let said = if best == 0 {
        "no setting was better on the held-out images than the configuration as it stands".to_owned()
    } else {
        let (a, b) = ("the tuned setting", "the configuration as it stands (in equal time)");
        verdict((a, &tuned.accuracies), (b, &equal.accuracies), Design::Independent)
    };
    format!(
        "On the test images: {said}. The students are of one set each: their spread says nothing of other seeds."
    )
}
