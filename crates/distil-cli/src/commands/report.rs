//! `distil report`.

use std::path::{Path, PathBuf};

use distil_data::{ImageShape, Preprocessing};
use distil_match::Files;
use distil_report::{
    Gallery, Results, results_table_csv, results_table_latex, results_table_markdown, soft_label_captions,
    write_report,
};
use distil_store::{Labels, RunPaths, SyntheticSet};

use super::compdd::page;
use crate::cli::{ReportArgs, TableFormat};
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;

pub(crate) fn report(args: &ReportArgs, console: &Console) -> Result<(), Failure> {
    if page::is_measurement(&args.run) {
        return complexity(args, console);
    }
    let run = RunPaths::new(&args.run);
    run.read_config()?;
    if let Some(format) = args.table {
        return table(&run, format, console);
    }
    let config = Config::load(&run.config(), &[])?;
    console.result(format_args!("wrote {}", write(&run, &config, console)?.display()))
}

/// Writes the report of a measurement of complexity.
fn complexity(args: &ReportArgs, console: &Console) -> Result<(), Failure> {
    if args.table.is_some() {
        return Err(Failure::new(
            format_args!("{} is a measurement, and --table is for runs", args.run.display()),
            "its classes.csv holds the table; `distil compdd rank` prints it in order",
        ));
    }
    console.result(format_args!("wrote {}", page::write(&args.run, console)?.display()))
}

/// Prints the results that still hold.
fn table(run: &RunPaths, format: TableFormat, console: &Console) -> Result<(), Failure> {
    let results = Results::of_run(run)?.ok_or_else(|| {
        let folder = run.folder().display();
        Failure::new(
            format_args!("{folder} has not been evaluated"),
            format_args!("measure it first: distil eval {folder}"),
        )
    })?;
    if let Some(warning) = results.warning() {
        console.warn(warning);
    }
    let text = match format {
        TableFormat::Markdown => results_table_markdown(&results.evaluation),
        TableFormat::Csv => results_table_csv(&results.evaluation),
        TableFormat::Latex => results_table_latex(&results.evaluation),
    };
    console.result(text.trim_end())
}

/// Writes the report of a run, with its pictures where they can be shown.
pub(crate) fn write(run: &RunPaths, config: &Config, console: &Console) -> Result<PathBuf, Failure> {
    let gallery = match gallery(run, &config.data.cache_folder()) {
        Ok(gallery) => gallery,
        Err(failure) => {
            console.warn(format_args!("the report has no pictures: {}", failure.message()));
            None
        }
    };
    Ok(write_report(run.folder(), gallery)?)
}

/// The best set (or else the last) beside the initial one; `None` before there is any.
fn gallery(run: &RunPaths, cache: &Path) -> Result<Option<Gallery>, Failure> {
    let files = Files::of(run);
    let Some(file) = [&files.best, &files.last, &files.initial].into_iter().find(|file| file.is_file())
    else {
        return Ok(None);
    };
    let after = SyntheticSet::load(file)?;
    let mut preprocessing: Preprocessing = serde_json::from_value(after.card.preprocessing.clone())?;
    preprocessing.load_matrix(cache)?;
    let pictures = |set: &SyntheticSet| {
        let [_, channels, height, width] = set.shape;
        preprocessing.undo(ImageShape { channels, height, width }, &set.images)
    };
    let before = files.initial.is_file().then(|| SyntheticSet::load(&files.initial)).transpose()?;
    let before = before.filter(|set| set.shape == after.shape);
    Ok(Some(Gallery {
        shape: after.shape,
        pixels_before: before.as_ref().map(pictures).transpose()?,
        pixels_after: pictures(&after)?,
        captions: soft_label_captions(&after.labels, &after.card.class_names),
        labels: classes(&after),
    }))
}

/// Class of each image: sets are sorted by class, and a learned label may lean towards another one.
fn classes(set: &SyntheticSet) -> Vec<u32> {
    match &set.labels {
        Labels::Hard(labels) => labels.clone(),
        Labels::Soft { .. } => (0..set.shape[0]).map(|row| (row / set.card.ipc) as u32).collect(),
    }
}
