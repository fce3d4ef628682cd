//! `distil report`.

use std::path::{Path, PathBuf};

use distil::config::Config;
use distil::sets::shape;
use distil_data::Transform;
use distil_report::{
    Gallery, Report, Results, results_table_csv, results_table_latex, results_table_markdown,
    soft_label_captions, write_report, write_reports,
};
use distil_store::{Part, RunPaths, SyntheticSet};

use super::compdd;
use crate::args::{ReportArgs, TableFormat};
use crate::console::Console;
use crate::failure::Failure;

pub(crate) fn report(args: &ReportArgs, console: &Console) -> Result<(), Failure> {
    if let [only] = &args.runs[..]
        && compdd::is_measurement(only)
    {
        return complexity(only, args, console);
    }
    let runs: Vec<RunPaths> = args.runs.iter().map(RunPaths::new).collect();
    for run in &runs {
        run.read_config()?;
    }
    if let Some(format) = args.table {
        let [run] = &runs[..] else {
            return Err(Failure::new("--table is of one run", "name one, or use `distil compare` for two"));
        };
        return table(run, format, console);
    }
    let of_run = |run: &RunPaths| {
        let config = Config::load(&run.config(), &[])?;
        Ok(Report::from_run(run.folder(), gallery_or_none(run, &config, console))?)
    };
    let reports = runs.iter().map(of_run).collect::<Result<Vec<_>, Failure>>()?;
    let beside = |run: &RunPaths| run.folder().parent().unwrap_or(Path::new("")).join("comparison.html");
    let own = if let [run] = &runs[..] { run.report() } else { beside(&runs[0]) };
    let file = args.out.clone().unwrap_or(own);
    write_reports(&file, &reports)?;
    console.result(format_args!("wrote {}", file.display()))
}

/// Writes the report of a measurement of complexity.
fn complexity(measurement: &Path, args: &ReportArgs, console: &Console) -> Result<(), Failure> {
    if args.table.is_some() {
        return Err(Failure::new(
            format_args!("{} is a measurement, and --table is for runs", measurement.display()),
            "its classes.csv holds the table; `distil compdd rank` prints it in order",
        ));
    }
    console.result(format_args!("wrote {}", compdd::write_page(measurement, console)?.display()))
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
    Ok(write_report(run.folder(), gallery_or_none(run, config, console))?)
}

fn gallery_or_none(run: &RunPaths, config: &Config, console: &Console) -> Option<Gallery> {
    gallery(run, &config.data.cache_folder()).unwrap_or_else(|failure| {
        let folder = run.folder().display();
        console.warn(format_args!("the report of {folder} has no pictures: {}", failure.message()));
        None
    })
}

/// The best set (or else the last) next to the initial one; `None` before there is any.
fn gallery(run: &RunPaths, cache: &Path) -> Result<Option<Gallery>, Failure> {
    let wanted = [Part::Best, Part::Last, Part::Initial].map(|part| run.set(part));
    let Some(file) = wanted.iter().find(|file| file.is_file()) else { return Ok(None) };
    let after = SyntheticSet::load(file)?.into_decoded();
    let transform = Transform::load(after.card.preprocessing.clone(), cache).map_err(distil::Error::from)?;
    let pictures = |set: &SyntheticSet| transform.undo(shape(set), &set.images);
    let initial = run.set(Part::Initial);
    let before = initial.is_file().then(|| SyntheticSet::load(&initial)).transpose()?;
    let before = before.map(SyntheticSet::into_decoded);
    let before = before.filter(|set| set.shape == after.shape);
    Ok(Some(Gallery {
        shape: after.shape,
        pixels_before: before.as_ref().map(pictures).transpose()?,
        pixels_after: pictures(&after)?,
        captions: soft_label_captions(&after.labels, &after.card.class_names),
        labels: after.image_classes(),
    }))
}
