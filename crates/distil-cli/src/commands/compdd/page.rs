//! The page of a measurement, for `distil report`.

use std::path::{Path, PathBuf};

use distil_compdd::{Category, CompddError, Measurement, Ranked, Ranking, Selected, Selection, Verification};
use distil_report::{ComplexityPage, EasyHard};
use distil_store::{RunPaths, atomic, seal};

use super::{FILE, SELECTION, Selections, figures, load};
use crate::console::Console;
use crate::failure::Failure;

/// Whether a report on `path` is one on a measurement: it is a file, or a folder that holds one and no run.
pub(crate) fn is_measurement(path: &Path) -> bool {
    path.is_file() || (path.join(FILE).is_file() && !RunPaths::new(path).config().is_file())
}

/// Writes `report.html` beside a measurement.
pub(crate) fn write(path: &Path, console: &Console) -> Result<PathBuf, Failure> {
    let measured = load(path)?;
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let selection = folder.join(SELECTION);
    let selected = if selection.is_file() { selected(&selection, &measured)? } else { Vec::new() };
    let page = page(&measured, easy_hard(&measured, selected, console)?)?;
    let to = RunPaths::new(folder).report();
    atomic::write(&to, page.render())?;
    Ok(to)
}

/// The selections of a file, each by what is measured now.
fn selected(file: &Path, measured: &Measurement) -> Result<Vec<Verification>, Failure> {
    const REMEDY: &str = "make it again with `distil compdd select`, or move it away";
    let text = seal::read(file, REMEDY)?.unwrap_or_default();
    let Selections { selections: each } = serde_json::from_slice(&text)
        .map_err(|error| Failure::new(format_args!("{} is no selection: {error}", file.display()), REMEDY))?;
    let verify = |one: &Selection| {
        let threshold = measured.threshold(Some(one.threshold))?;
        Verification::of(measured, &one.names(), threshold)
    };
    Ok(each.iter().map(verify).collect::<Result<_, CompddError>>()?)
}

/// Figures of the own selection, and of those published categories that were measured whole.
fn easy_hard(
    measured: &Measurement,
    selected: Vec<Verification>,
    console: &Console,
) -> Result<Vec<EasyHard>, Failure> {
    let published: Result<Vec<Verification>, CompddError> = Selected::published()
        .iter()
        .map(|one| Verification::of(measured, one, 0))
        .filter(|found| !matches!(found, Err(CompddError::NotMeasured { .. })))
        .collect();
    let (published, dataset) = (published?, &measured.dataset);
    if selected.is_empty() && published.is_empty() {
        console.note("no selection to show: `distil compdd select` makes one");
    }
    let named = [(selected, dataset.clone()), (published, format!("Comp-DD, measured on {dataset}"))];
    let filled = named.into_iter().filter(|(found, _)| !found.is_empty());
    Ok(filled.map(|(found, of)| figures::of_verifications(&found, &of)).collect())
}

fn page(measured: &Measurement, easy_hard: Vec<EasyHard>) -> Result<ComplexityPage, Failure> {
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
        provenance: provenance(measured)?,
    })
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

fn provenance(measured: &Measurement) -> Result<Vec<(String, String)>, Failure> {
    let facts = [
        ("data", measured.dataset.clone()),
        ("data digest", measured.data_digest.clone()),
        ("images", (measured.done() - measured.skipped.len()).to_string()),
        ("network digest", measured.model_digest.clone()),
        ("definition", serde_json::to_string(&measured.definition)?),
        ("distil version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    Ok(facts.map(|(name, value)| (name.to_owned(), value)).to_vec())
}
