//! The paper's figures of a measurement, as SVG.

use distil_compdd::{ClassTally, Measurement, Selection, SubsetComplexity, Verification};
use distil_report::{Distribution, EasyHard, EasyHardBars};

/// Bars of the distribution of classes.
const BINS: usize = 30;

/// Files of a measurement: how its classes are distributed at each threshold, and its map values.
pub fn of_measurement(measured: &Measurement) -> Vec<(String, String)> {
    let thresholds = measured.definition.thresholds.iter();
    let classes = thresholds.zip(of_classes(measured));
    let mut files: Vec<(String, String)> =
        classes.map(|(threshold, figure)| (format!("distribution-{threshold}.svg"), figure.svg())).collect();
    files.push(("activation.svg".to_owned(), of_values(measured).svg()));
    files
}

/// How classes are distributed at each threshold (Figures 8 to 10).
pub fn of_classes(measured: &Measurement) -> Vec<Distribution> {
    let one = |(at, threshold): (usize, &f64)| {
        let each = measured.classes.iter().filter_map(|class: &ClassTally| class.complexity(at));
        let values: Vec<f64> = each.map(percent).collect();
        let (classes, dataset) = (values.len(), &measured.dataset);
        let title = format!("Complexity of the {classes} classes of {dataset}, map values ≥ {threshold}");
        Distribution::of(&title, "complexity, %", "classes", &values, BINS)
    };
    measured.definition.thresholds.iter().enumerate().map(one).collect()
}

/// How map values are distributed.
pub fn of_values(measured: &Measurement) -> Distribution {
    let all = measured.histogram.iter().sum::<u64>().max(1) as f64;
    let images = measured.done() - measured.skipped.len();
    Distribution {
        title: format!("Map values of {images} images of {}", measured.dataset),
        x_label: "map value".to_owned(),
        y_label: "% of values".to_owned(),
        range: [0.0, 1.0],
        bins: measured.histogram.iter().map(|count| percent(*count as f64 / all)).collect(),
    }
}

/// Easy next to hard (Figure 4b) of a selection.
pub fn of_selections(selections: &[Selection], dataset: &str) -> EasyHard {
    let bars = selections.iter().filter_map(|one| {
        let (easy, hard) = (SubsetComplexity::of(&one.easy)?, SubsetComplexity::of(&one.hard)?);
        Some(pair(&one.category, easy, hard))
    });
    easy_hard(bars.collect(), dataset)
}

/// The same of a selection that was held against a measurement.
pub fn of_verifications(found: &[Verification], dataset: &str) -> EasyHard {
    easy_hard(found.iter().map(|one| pair(&one.category, one.easy, one.hard)).collect(), dataset)
}

fn easy_hard(categories: Vec<EasyHardBars>, dataset: &str) -> EasyHard {
    let title = format!("Complexity of easy and hard subsets of {dataset}");
    EasyHard { title, y_label: "complexity, % (± standard error)".to_owned(), categories }
}

fn pair(name: &str, easy: SubsetComplexity, hard: SubsetComplexity) -> EasyHardBars {
    let bar = |one: SubsetComplexity| (percent(one.mean), one.standard_error.map(percent));
    EasyHardBars { name: name.to_owned(), easy: bar(easy), hard: bar(hard) }
}

fn percent(share: f64) -> f64 {
    100.0 * share
}
