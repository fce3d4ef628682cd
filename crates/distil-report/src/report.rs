//! From a run folder to a page.

use std::path::{Path, PathBuf};

use distil_store::{
    Card, Evaluation, EvaluationFile, Inspection, MeasuredSet, Part, RunPaths, StoreError, SyntheticSet,
    atomic,
};
use serde::Serialize;
use serde_json::Value;

use crate::curves::{ChartView, charts};
use crate::error::ReportError;
use crate::gallery::{Gallery, GalleryView};
use crate::history::History;
use crate::html;
use crate::interval::Intervals;
use crate::layers::LayersView;
use crate::per_class::PerClass;
use crate::reliability::Reliability;
use crate::results::Results;
use crate::seen::{Current, SeenView};
use crate::several::Comparisons;
use crate::significance::{Differences, Finding};
use crate::table::{protocol, significant};
use crate::wording::{self, grouped};

/// Name of the template; its ending makes the template engine escape every value.
const TEMPLATE: &str = "page.html";
/// The part of it that every run has.
const RUN: &str = "run.html";

/// Everything that a run's page shows.
#[derive(Debug)]
pub struct Report {
    pub(crate) folder: String,
    config: String,
    card: Option<Card>,
    pub(crate) results: Option<Results>,
    pub(crate) history: History,
    gallery: Option<Gallery>,
    inspection: Option<(Inspection, Current)>,
}

/// What the template sees.
#[derive(Serialize)]
struct Page {
    style: &'static str,
    title: String,
    /// Side by side, where there are several.
    several: Option<Comparisons>,
    runs: Vec<RunView>,
}

/// What it sees of one run.
#[derive(Serialize)]
struct RunView {
    title: String,
    result: String,
    warning: Option<String>,
    results: Option<ResultsView>,
    per_class: Option<PerClass>,
    reliability: Option<Reliability>,
    facts: Vec<(&'static str, String)>,
    charts: Vec<ChartView>,
    layers: Option<LayersView>,
    seen: Option<SeenView>,
    gallery: Option<GalleryView>,
    config: String,
    provenance: Vec<(&'static str, String)>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ResultsView {
    rows: Vec<RowView>,
    has_differences: bool,
    scale: String,
    protocol: Vec<String>,
}

#[derive(Serialize)]
struct RowView {
    kind: &'static str,
    name: String,
    images: String,
    accuracy: String,
    interval: String,
    seeds: String,
    difference: String,
    /// Class of the difference: whether it can be believed.
    found: &'static str,
    strip: String,
}

impl Report {
    /// Gathers what the run in `folder` has. Only `run.toml` must be there; the page says what is missing. The gallery
    /// comes from the caller because showing network input as pixels takes the data set's statistics.
    ///
    /// # Errors
    /// [`ReportError::Store`] when `folder` is not a run folder or one of its files is damaged or something else,
    /// [`ReportError::Gallery`] when the gallery's parts do not fit each other.
    pub fn from_run(folder: &Path, gallery: Option<Gallery>) -> Result<Self, ReportError> {
        if let Some(gallery) = &gallery {
            gallery.check()?;
        }
        let paths = RunPaths::new(folder);
        let config = paths.read_config()?;
        let history = History::read(&paths)?;
        let card = find_card(&paths, &history)?;
        let results = Results::of_run(&paths)?;
        let inspection = inspection(&paths)?;
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let name = whole.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { folder: name, config, card, results, history, gallery, inspection })
    }

    /// The page: one HTML file that needs neither network nor scripts.
    pub fn render(&self) -> String {
        page(&self.title(), None, vec![self.view()])
    }

    /// One page of several runs: all of them compared with the first, then each by itself.
    ///
    /// # Errors
    /// [`ReportError::NoRuns`] for no run.
    pub fn render_all(runs: &[Self]) -> Result<String, ReportError> {
        match runs {
            [] => Err(ReportError::NoRuns),
            [one] => Ok(one.render()),
            several => {
                let title = format!("{} runs compared", several.len());
                let views = several.iter().map(Self::view).collect();
                Ok(page(&title, Some(Comparisons::of(several)), views))
            }
        }
    }

    pub(crate) fn title(&self) -> String {
        wording::title(self.card.as_ref(), &self.folder)
    }

    fn view(&self) -> RunView {
        let names = self.card.as_ref().map_or(&[][..], |card| &card.class_names);
        let gallery = self.gallery.as_ref().map(|gallery| gallery.view(names));
        let evaluation = self.results.as_ref().map(|results| &results.evaluation);
        RunView {
            title: self.title(),
            result: wording::result(evaluation, &self.history),
            warning: self.results.as_ref().and_then(Results::warning),
            results: evaluation.filter(|file| !file.rows.is_empty()).map(results),
            per_class: evaluation
                .and_then(EvaluationFile::distilled)
                .and_then(|row| PerClass::of(row, names)),
            reliability: evaluation.and_then(EvaluationFile::distilled).and_then(Reliability::of),
            facts: wording::run_facts(&self.history),
            charts: charts(&self.history),
            layers: LayersView::of(&self.history.dropout),
            seen: self.inspection.as_ref().map(|(seen, current)| SeenView::of(seen, names, *current)),
            notes: wording::notes(evaluation, &self.history, gallery.as_ref()),
            gallery,
            config: self.config.clone(),
            provenance: self.provenance(),
        }
    }

    fn provenance(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("run folder", self.folder.clone())];
        match &self.card {
            Some(card) => facts.extend(card_facts(card)),
            None => facts.push(("synthetic set", "none is saved yet, so no card".to_owned())),
        }
        facts
    }
}

/// Makes one page of several runs and writes it to `path`, whole or not at all.
///
/// # Errors
/// [`ReportError::NoRuns`]; [`ReportError::Store`] when the file cannot be written.
pub fn write_reports(path: &Path, runs: &[Report]) -> Result<(), ReportError> {
    Ok(atomic::write(path, Report::render_all(runs)?)?)
}

fn page(title: &str, several: Option<Comparisons>, runs: Vec<RunView>) -> String {
    let page = Page { style: include_str!("style.css"), title: title.to_owned(), several, runs };
    html::render(&[(TEMPLATE, include_str!("page.html")), (RUN, include_str!("run.html"))], page)
}

/// What a network saw of the run, and whether of the set that is there now.
fn inspection(paths: &RunPaths) -> Result<Option<(Inspection, Current)>, ReportError> {
    let Some(found) = Inspection::load(&Inspection::path(paths))? else { return Ok(None) };
    let file = paths.set(found.set.part);
    let same = file.is_file() && MeasuredSet::of(found.set.part, &file)? == found.set;
    Ok(Some((found, if same { Current::Yes } else { Current::No })))
}

/// Makes the page of the run in `folder` and writes it to the folder's `report.html`, whole or not at all.
///
/// # Errors
/// As [`Report::from_run`]; [`ReportError::Store`] also when the file cannot be written.
pub fn write_report(folder: &Path, gallery: Option<Gallery>) -> Result<PathBuf, ReportError> {
    let page = Report::from_run(folder, gallery)?.render();
    let path = RunPaths::new(folder).report();
    atomic::write(&path, page)?;
    Ok(path)
}

/// The card of the set that validation chose, or else of the last one, or of the one the run began with.
fn find_card(paths: &RunPaths, history: &History) -> Result<Option<Card>, StoreError> {
    let chosen = history.chosen().map(|_| Part::Best);
    let parts = chosen.into_iter().chain([Part::Last, Part::Initial]);
    match parts.map(|part| paths.set(part)).find(|path| path.is_file()) {
        Some(path) => SyntheticSet::load(path).map(|set| Some(set.card)),
        None => Ok(None),
    }
}

fn card_facts(card: &Card) -> Vec<(&'static str, String)> {
    let augmentation = if card.augmentation.is_empty() { "none" } else { &card.augmentation };
    let labels = format!("{:?}", card.label_kind).to_lowercase();
    vec![
        ("data set", card.dataset.clone()),
        ("data set digest", card.dataset_digest.clone()),
        ("preprocessing", card.preprocessing.to_string()),
        ("method", card.method.clone()),
        ("network", flat(&card.architecture)),
        ("augmentation", augmentation.to_owned()),
        ("images per class", card.ipc.to_string()),
        ("labels", labels),
        ("iteration of the set", card.iteration.to_string()),
        ("seed", card.seed.to_string()),
        ("distil version", card.distil_version.clone()),
        ("command", card.command.clone()),
    ]
}

/// JSON for people: `key: value, key: value` without the outer braces.
fn flat(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let one = |(key, value): (&String, &Value)| format!("{key}: {}", flat_inner(value));
            fields.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        other => flat_inner(other),
    }
}

fn flat_inner(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(value) if number.is_f64() => significant(value),
            _ => number.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(flat_inner).collect::<Vec<_>>().join(", ")),
        Value::Object(_) => format!("{{{}}}", flat(value)),
        other => other.to_string(),
    }
}

fn results(evaluation: &EvaluationFile) -> ResultsView {
    let intervals = Intervals::of(evaluation);
    let quoted = evaluation.distilled();
    let differences = Differences::of(evaluation);
    let findings = differences.as_ref().map_or(&[][..], |differences| &differences.findings);
    let view = |(index, row): (usize, &Evaluation)| {
        let finding = findings.get(index).copied().unwrap_or(Finding::Reference);
        RowView {
            kind: if quoted.is_some_and(|quoted| std::ptr::eq(quoted, row)) { "quoted" } else { "" },
            name: row.name.clone(),
            images: grouped(row.images),
            accuracy: row.percent(),
            interval: if row.summary.ci95.is_some() { row.interval() } else { String::new() },
            seeds: row.summary.n.to_string(),
            difference: finding.text(),
            found: if finding.is_significant() == Some(true) { "believed" } else { "open" },
            strip: intervals.row(row),
        }
    };
    let mut rows: Vec<RowView> = evaluation.rows.iter().enumerate().map(view).collect();
    rows.extend(evaluation.paper.as_ref().map(|paper| RowView {
        kind: "paper",
        name: "published".to_owned(),
        images: String::new(),
        accuracy: paper.percent(),
        interval: String::new(),
        seeds: String::new(),
        difference: String::new(),
        found: "",
        strip: intervals.paper(paper.accuracy),
    }));
    let has_differences = differences.is_some();
    ResultsView { rows, has_differences, scale: intervals.scale(), protocol: protocol(evaluation) }
}
