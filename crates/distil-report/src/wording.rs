//! What the page says in words: the result in one sentence, and what one must know to believe it.

use std::fmt::Write;

use distil_store::Card;

use crate::gallery::GalleryView;
use crate::history::{History, Skipped};
use crate::table::significant;
use distil_store::{Evaluation, EvaluationFile};

/// `fashion-mnist distilled to 1 image per class (mtt)`.
pub(crate) fn title(card: Option<&Card>, folder: &str) -> String {
    match card {
        Some(card) => {
            let plural = plural(card.ipc);
            format!("{} distilled to {} image{plural} per class ({})", card.dataset, card.ipc, card.method)
        }
        None => format!("Run {folder}"),
    }
}

/// The result in one sentence: how far the synthetic images get, between random real images and all data.
pub(crate) fn result(evaluation: Option<&EvaluationFile>, history: &History) -> String {
    let mut parts = Vec::new();
    if let Some(evaluation) = evaluation {
        let reach = |what: String, row: &Evaluation| format!("{what} {} %", row.percent());
        if let Some(row) = evaluation.distilled() {
            // What is not the run's own result says whose it is.
            let whose = if evaluation.is_own(row) { String::new() } else { format!(" (“{}”)", row.name) };
            parts.push(reach(
                format!(
                    "{} synthetic image{}{whose} reach{}",
                    grouped(row.images),
                    plural(row.images),
                    third_person(row.images)
                ),
                row,
            ));
        }
        if let Some(row) = evaluation.random_real() {
            parts.push(reach("random real images".to_owned(), row));
        }
        if let Some(row) = evaluation.full_data() {
            parts.push(reach(format!("all {} training images", grouped(row.images)), row));
        }
    }
    if !parts.is_empty() {
        // A figure stays on one line with its deviation and its unit.
        let text = parts.join(", ").replace(" ± ", "\u{a0}±\u{a0}").replace(" %", "\u{a0}%");
        return capitalised(&format!("{text}."));
    }
    match history.chosen() {
        Some(chosen) => format!(
            "Not evaluated on the test split yet; the best validation accuracy is {:.1} %, at iteration {}.",
            100.0 * chosen.accuracy,
            chosen.iteration
        ),
        None => "Not evaluated yet.".to_owned(),
    }
}

/// What one must know to believe the figures, one sentence or two each.
pub(crate) fn notes(
    evaluation: Option<&EvaluationFile>,
    history: &History,
    gallery: Option<&GalleryView>,
) -> Vec<String> {
    let mut notes = vec![choice(history), steps(history)];
    match evaluation {
        Some(evaluation) => notes.extend(on_results(evaluation)),
        None => notes
            .push("The run has no evaluation.json, so nothing here was measured on the test split.".into()),
    }
    notes.extend(gallery.and_then(|gallery| {
        (gallery.shown < gallery.images).then(|| {
            format!(
                "The gallery shows {} of {} synthetic images, the first of each class.",
                gallery.shown, gallery.images
            )
        })
    }));
    notes
}

fn choice(history: &History) -> String {
    match (history.chosen(), history.validations.is_empty()) {
        (Some(chosen), _) => format!(
            "The checkpoint was chosen by its accuracy on images held out of the training split (iteration {}, {} \
             checks), never on the test split. Being chosen as the highest, that accuracy is optimistic; the test \
             accuracy is not.",
            chosen.iteration,
            history.validations.len()
        ),
        (None, false) => {
            "Accuracy on held-out training images was logged, but no checkpoint is marked as chosen.".into()
        }
        (None, true) => {
            "No accuracy on held-out images was logged, so no checkpoint was chosen by it.".into()
        }
    }
}

fn steps(history: &History) -> String {
    let total = history.steps.len();
    if total == 0 {
        return "No outer step was logged.".to_owned();
    }
    let [gated, broken, other] =
        [Skipped::Gated, Skipped::NonFinite, Skipped::Other].map(|reason| history.skipped(reason).len());
    let mut text = format!(
        "{} outer step{} logged: {gated} held back by the loss gate, {broken} because a value was not finite",
        grouped(total),
        plural(total)
    );
    if other > 0 {
        let _ = write!(text, ", {other} for another reason");
    }
    text.push_str(". A step that is held back leaves the images as they are.");
    text
}

fn on_results(evaluation: &EvaluationFile) -> Vec<String> {
    let mut notes = Vec::new();
    let single: Vec<&str> =
        evaluation.rows.iter().filter(|row| row.summary.n == 1).map(|row| row.name.as_str()).collect();
    if !single.is_empty() {
        notes.push(format!(
            "Only one student was trained for: {}. One student gives no interval.",
            single.join("; ")
        ));
    }
    if evaluation.rows.iter().any(|row| row.summary.n > 1) {
        notes.push(
            "± is the standard deviation over students. The 95% interval is Student's t interval of their mean: it \
             covers students' randomness on this one synthetic set, not that of distilling again."
                .to_owned(),
        );
    }
    if evaluation.distilled().is_some() && evaluation.random_real().is_some() {
        notes.push(
            "Random real images are drawn separately for every student, with as many per class as the set has."
                .into(),
        );
    }
    notes
}

/// The run in a few figures: a name and a value each, only those that were logged.
pub(crate) fn run_facts(history: &History) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(last) = history.steps.last() {
        let count = |reason| history.skipped(reason).len();
        let skipped = [Skipped::Gated, Skipped::NonFinite, Skipped::Other].map(count);
        let total = history.steps.len();
        facts.push(("last iteration", grouped(last.iteration as usize)));
        facts.push((
            "steps applied",
            format!("{} of {}", grouped(total - skipped.iter().sum::<usize>()), grouped(total)),
        ));
        facts.push(("held back by the gate", grouped(skipped[0])));
        facts.push(("not finite", grouped(skipped[1])));
    }
    if let (Some((_, first)), Some((_, last))) = (history.losses().first(), history.losses().last()) {
        facts.push((
            "matching loss, first and last",
            format!("{} → {}", significant(*first), significant(*last)),
        ));
    }
    if let (Some((_, first)), Some((_, last))) = (history.step_sizes().first(), history.step_sizes().last()) {
        facts
            .push(("step size, first and last", format!("{} → {}", significant(*first), significant(*last))));
    }
    if let Some(chosen) = history.chosen() {
        let at = grouped(chosen.iteration as usize);
        facts.push((
            "best validation accuracy",
            format!("{:.1} % at iteration {at}", 100.0 * chosen.accuracy),
        ));
    }
    let seconds = history.seconds();
    if seconds > 0.0 {
        facts.push(("time in outer steps", duration(seconds)));
    }
    facts
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `60 000`, with spaces that do not break.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let places = digits.chars().enumerate();
    places.fold(String::new(), |mut text, (index, digit)| {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
        text
    })
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn third_person(count: usize) -> &'static str {
    if count == 1 { "es" } else { "" }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::{grouped, notes, result};
    use crate::history::{History, Validation};
    use crate::testing::row;
    use distil_store::EvaluationFile;

    #[test]
    fn the_result_fits_what_was_measured() {
        let rows = vec![
            row("random real", 10, 0.523, 5),
            row("distilled, best on validation", 10, 0.701, 5),
            row("full data", 60_000, 0.885, 1),
        ];
        let mut file = EvaluationFile { rows, paper: None, ..EvaluationFile::default() };
        let history = History::default();
        assert_eq!(
            result(Some(&file), &history).replace('\u{a0}', " "),
            "10 synthetic images reach 70.1 ± 0.4 %, random real images 52.3 ± 0.4 %, all 60 000 training images 88.5 %."
        );
        file.rows.remove(1);
        assert!(result(Some(&file), &history).starts_with("Random real images 52.3\u{a0}"));
        assert_eq!(result(Some(&EvaluationFile::default()), &history), "Not evaluated yet.");
        let validations = vec![Validation { iteration: 50.0, accuracy: 0.61, best: true }];
        assert!(result(None, &History { validations, ..history }).contains("61.0 %"));
    }

    #[test]
    fn notes_never_claim_a_choice_that_was_not_made() {
        let history = History::default();
        assert!(!notes(None, &history, None).iter().any(|note| note.contains("was chosen by its accuracy")));
        let validations = vec![Validation { iteration: 50.0, accuracy: 0.61, best: true }];
        let history = History { validations, ..history };
        assert!(notes(None, &history, None).iter().any(|note| note.contains("was chosen by its accuracy")));
        assert!(notes(None, &history, None).iter().any(|note| note.contains("no evaluation.json")));
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [grouped(10), grouped(5000), grouped(60_000), grouped(1_281_167)].join("|"),
            "10|5000|60\u{a0}000|1\u{a0}281\u{a0}167"
        );
    }
}
