//! The page of a measurement.

use std::path::Path;

use distil_compdd::{Category, CompddError, Measurement, Ranked, Ranking, Selected, Selection, Verification};
use distil_report::{ComplexityPage, EasyHard};

use super::{SELECTION, Selections, figures};
use crate::Error;

/// The page of a measurement in `folder`, with the selection that lies next to it.
///
/// # Errors
/// [`Error`] when the selection cannot be read.
pub fn page(measured: &Measurement, folder: &Path) -> Result<ComplexityPage, Error> {
    let easy_hard = easy_hard(measured, selected(&folder.join(SELECTION), measured)?)?;
    let ranking = Ranking::of(measured, &Category::everything(measured), 0)?;
    let mut header = vec!["Class".to_owned(), "Images".to_owned()];
    for threshold in &measured.definition.thresholds {
        header.push(format!("Complexity at {threshold}, %"));
    }
    Ok(ComplexityPage {
        title: format!("How complex the scenes of {} are", measured.dataset),
        result: result(measured, &ranking),
        classes: figures::of_classes(measured),
        easy_hard,
        activation: figures::of_values(measured),
        header,
        rows: ranking.classes.iter().map(|class| cells(class, measured)).collect(),
        notes: notes(measured),
        provenance: provenance(measured),
    })
}

/// The selections of a file, each by what is measured now; none without the file.
fn selected(file: &Path, measured: &Measurement) -> Result<Vec<Verification>, Error> {
    let verify = |one: &Selection| {
        let threshold = measured.threshold(Some(one.threshold))?;
        Verification::of(measured, &one.names(), threshold)
    };
    let each = Selections::load(file)?.map_or_else(Vec::new, |found| found.selections);
    Ok(each.iter().map(verify).collect::<Result<_, CompddError>>()?)
}

/// Figures of the own selection, and of those published categories that were measured whole.
fn easy_hard(measured: &Measurement, selected: Vec<Verification>) -> Result<Vec<EasyHard>, Error> {
    let published: Result<Vec<Verification>, CompddError> = Selected::published()
        .iter()
        .map(|one| Verification::of(measured, one, 0))
        .filter(|found| !matches!(found, Err(CompddError::NotMeasured { .. })))
        .collect();
    let (published, dataset) = (published?, &measured.dataset);
    let named = [(selected, dataset.clone()), (published, format!("Comp-DD, measured on {dataset}"))];
    let filled = named.into_iter().filter(|(found, _)| !found.is_empty());
    Ok(filled.map(|(found, of)| figures::of_verifications(&found, &of)).collect())
}

/// Ends of the ranking in a sentence.
fn result(measured: &Measurement, ranking: &Ranking) -> String {
    let classes = &ranking.classes;
    let mean = classes.iter().map(|class| class.complexity).sum::<f64>() / classes.len().max(1) as f64;
    let end = |class: Option<&Ranked>| {
        class.map_or_else(String::new, |class| format!("{:.1} % ({})", 100.0 * class.complexity, class.class))
    };
    format!(
        "Complexity of the {} classes of {}: {:.1} % on average, from {} to {}.",
        classes.len(),
        measured.dataset,
        100.0 * mean,
        end(classes.last()),
        end(classes.first())
    )
}

fn cells(ranked: &Ranked, measured: &Measurement) -> Vec<String> {
    let mut cells = vec![ranked.class.clone(), ranked.images.to_string()];
    let tally = measured.classes.iter().find(|class| class.name == ranked.class);
    for at in 0..measured.definition.thresholds.len() {
        let value = tally.and_then(|class| class.complexity(at));
        let error = tally.and_then(|class| class.standard_error(at));
        let shown = |value: f64| format!("{:.2}", 100.0 * value);
        cells.push(match (value, error) {
            (Some(value), Some(error)) => format!("{} ± {}", shown(value), shown(error)),
            (value, _) => value.map_or_else(String::new, shown),
        });
    }
    cells
}

fn notes(measured: &Measurement) -> Vec<String> {
    let first = measured.definition.thresholds.first().copied().unwrap_or_default();
    let mut notes = vec![
        format!(
            "Complexity of an image is 1 − the share of its activation map's values ≥ the threshold; of a class, the mean \
             over its images; of a subset, the mean over its classes. Classes are ordered by the threshold {first}."
        ),
        "± is the standard error from the images that were measured. It does not cover what another network would see: \
         the order of classes depends on it, see docs/benchmarks.md of distil."
            .to_owned(),
    ];
    if !measured.skipped.is_empty() {
        notes.push(format!("{} unreadable images were left out.", measured.skipped.len()));
    }
    notes
}

fn provenance(measured: &Measurement) -> Vec<(String, String)> {
    let facts = [
        ("data", measured.dataset.clone()),
        ("data digest", measured.data_digest.clone()),
        ("images", (measured.done() - measured.skipped.len()).to_string()),
        ("network digest", measured.model_digest.clone()),
        ("definition", serde_json::to_string(&measured.definition).expect("a definition is plain JSON")),
        ("distil version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    facts.map(|(name, value)| (name.to_owned(), value)).to_vec()
}
