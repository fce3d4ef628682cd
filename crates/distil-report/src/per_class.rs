//! What the quoted set's students say, class by class.

use std::fmt::Write;

use distil_stats::{RepeatedScores, Scores, Summary};
use serde::Serialize;

use crate::confusion::HeatMap;
use crate::wording::grouped;
use distil_store::Evaluation;

/// The most classes that are all listed; of more of them, this many with the lowest F1 are.
const LISTED: usize = 20;

/// A section on classes.
#[derive(Debug, Serialize)]
pub(crate) struct PerClass {
    /// Which row it is about, and how many predictions it counts.
    pub(crate) about: String,
    /// Name and value of scores of the whole.
    pub(crate) totals: Vec<(&'static str, String)>,
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) heat: HeatMap,
}

/// One class, shares in percent.
#[derive(Debug, Serialize)]
pub(crate) struct ClassRow {
    pub(crate) name: String,
    pub(crate) precision: String,
    pub(crate) recall: String,
    pub(crate) f1: String,
}

impl PerClass {
    /// The section on `row`; `None` when its evaluation kept no scores.
    pub(crate) fn of(row: &Evaluation, names: &[String]) -> Option<Self> {
        let scores = row.scores.as_ref()?;
        let pooled = &scores.pooled;
        let k = pooled.f1.len();
        let students = scores.top5.len();
        let mut about = format!(
            "“{}”: {} predictions of {students} student{} together",
            row.name,
            grouped(pooled.rows as usize),
            if students == 1 { "" } else { "s" }
        );
        if pooled.undecided > 0 {
            let rows = grouped(pooled.undecided as usize);
            let _ = write!(about, ", {rows} of them not finite and in no column");
        }
        about.push('.');
        let untested = pooled.untested.len();
        if untested > 0 {
            let (classes, have) = if untested == 1 { ("class has", "is") } else { ("classes have", "are") };
            let _ = write!(about, " {untested} {classes} no test images and {have} left out of macro F1.");
        }
        let mut order: Vec<usize> = (0..k).collect();
        if k > LISTED {
            // Classes without test images come last: nothing is known of them.
            let untested = |class: usize| pooled.untested.contains(&class);
            order.sort_by(|&i, &j| untested(i).cmp(&untested(j)).then(pooled.f1[i].total_cmp(&pooled.f1[j])));
            order.truncate(LISTED);
            let _ = write!(about, " The {LISTED} of {k} classes with the lowest F1 are listed.");
        }
        let classes = order.into_iter().map(|class| class_row(class, pooled, names)).collect();
        Some(Self { about, totals: totals(scores), classes, heat: HeatMap::of(&pooled.confusion, names) })
    }
}

fn class_row(class: usize, scores: &Scores, names: &[String]) -> ClassRow {
    let tested = !scores.untested.contains(&class);
    let percent =
        |values: &[f64]| if tested { format!("{:.1}", 100.0 * values[class]) } else { "–".to_owned() };
    ClassRow {
        name: names.get(class).cloned().unwrap_or_else(|| format!("class {class}")),
        precision: percent(&scores.precision),
        recall: percent(&scores.recall),
        f1: percent(&scores.f1),
    }
}

fn totals(scores: &RepeatedScores) -> Vec<(&'static str, String)> {
    let repeated = |values: &[f64]| match Summary::of(values) {
        Some(Summary { n: 1, mean, .. }) => format!("{:.1} %", 100.0 * mean),
        Some(Summary { mean, std, .. }) => format!("{:.1} ± {:.1} %", 100.0 * mean, 100.0 * std),
        None => "–".to_owned(),
    };
    let balanced = (!scores.balanced.is_empty()).then(|| ("balanced accuracy", repeated(&scores.balanced)));
    let mut totals = vec![("macro F1", repeated(&scores.macro_f1))];
    totals.extend(balanced);
    // Of five classes or fewer, every label is among the five.
    if scores.pooled.f1.len() > 5 {
        totals.push(("top-5 accuracy", repeated(&scores.top5)));
    }
    if let Some(calibration) = &scores.pooled.calibration {
        totals.push(("calibration error (15 bins)", format!("{:.1} %", 100.0 * calibration.ece)));
        totals.push(("negative log-likelihood", format!("{:.3} nats", calibration.nll)));
        totals.push(("Brier score", format!("{:.3}", calibration.brier)));
    }
    totals
}

#[cfg(test)]
pub(crate) mod tests {
    use distil_stats::{RepeatedScores, Tally};

    use super::PerClass;
    use crate::testing::row;
    use distil_store::Evaluation;

    /// `students` that each predict `k` rows, the first wrongly.
    pub(crate) fn scores(k: usize, students: usize) -> Option<RepeatedScores> {
        let mut logits = vec![0.0f32; k * k];
        (0..k).for_each(|class| logits[class * k + class.max(1) % k] = 3.0);
        let mut tally = Tally::new(k);
        tally.add(&logits, &(0..k as u32).collect::<Vec<_>>()).unwrap();
        RepeatedScores::of(&vec![tally; students])
    }

    #[test]
    fn classes_are_named_and_counted() {
        let row = Evaluation { scores: scores(3, 2), ..row("distilled, last", 3, 0.6, 2) };
        let section = PerClass::of(&row, &["cat".into(), "dog".into(), "owl".into()]).unwrap();
        assert_eq!(section.about, "“distilled, last”: 6 predictions of 2 students together.");
        let dog = &section.classes[1];
        assert_eq!(
            (dog.name.as_str(), dog.precision.as_str(), dog.recall.as_str(), dog.f1.as_str()),
            ("dog", "50.0", "100.0", "66.7")
        );
        let names: Vec<&str> = section.totals.iter().map(|(name, _)| *name).collect();
        assert!(names.contains(&"macro F1") && !names.contains(&"top-5 accuracy"), "{names:?}");
    }

    #[test]
    fn a_class_without_test_images_has_no_scores() {
        // Every prediction is right, and nothing is of the third class.
        let mut tally = Tally::new(3);
        tally.add(&[3.0f32, 0.0, 0.0, 0.0, 3.0, 0.0], &[0, 1]).unwrap();
        let row = Evaluation { scores: RepeatedScores::of(&[tally]), ..row("distilled, last", 3, 1.0, 1) };
        let section = PerClass::of(&row, &[]).unwrap();
        assert_eq!(section.totals[0].1, "100.0 %");
        assert!(section.about.ends_with("1 class has no test images and is left out of macro F1."));
        let cells = |class: usize| {
            let row = &section.classes[class];
            [&row.precision, &row.recall, &row.f1].map(String::as_str)
        };
        assert_eq!([cells(0), cells(2)], [["100.0"; 3], ["–"; 3]]);
    }

    #[test]
    fn of_many_classes_the_worst_are_listed() {
        let row = Evaluation { scores: scores(30, 1), ..row("distilled, last", 3, 0.6, 1) };
        let section = PerClass::of(&row, &[]).unwrap();
        assert_eq!(section.classes.len(), 20);
        assert_eq!((section.classes[0].name.as_str(), section.classes[0].f1.as_str()), ("class 0", "0.0"));
        assert!(section.about.contains("The 20 of 30 classes"), "{}", section.about);
    }

    #[test]
    fn rows_of_earlier_versions_have_no_section() {
        assert!(PerClass::of(&row("distilled, last", 3, 0.6, 2), &[]).is_none());
    }
}
