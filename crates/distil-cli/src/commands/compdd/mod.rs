//! `distil compdd`.

mod args;
mod measure;
mod recovery;
mod source;
mod tables;

use std::path::{Path, PathBuf};

use distil::complexity::{MEASUREMENT, SELECTION, Selections, figures, page};
use distil_compdd::{
    Agreement, Category, CompddError, Measurement, Ranking, Selected, Selection, Verification, categories,
};
use distil_data::ImagenetSubset;
use distil_store::{Content, RunPaths, atomic, seal};

pub(crate) use args::CompddCommand;
use args::{AgreeArgs, MergeArgs, RankArgs, SelectArgs, Subject, VerifyArgs};

use crate::console::Console;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn compdd(command: &CompddCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        CompddCommand::Measure(args) => {
            let (measured, folder) = measure::measure(args, context)?;
            context
                .console
                .note(format_args!("wrote {} and classes.csv", folder.join(MEASUREMENT).display()));
            context.console.result(tables::classes(&measured).trim_end())
        }
        CompddCommand::Merge(args) => merge(args, context.console),
        CompddCommand::Rank(args) => rank(args, context),
        CompddCommand::Select(args) => select(args, context),
        CompddCommand::Verify(args) => verify(args, context),
        CompddCommand::Agree(args) => agree(args, context.console),
        CompddCommand::Recovery(args) => recovery::recovery(args, context.console),
    }
}

/// Whether a report on `path` is one on a measurement: it is a JSON file, or a folder that holds one and no run.
pub(crate) fn is_measurement(path: &Path) -> bool {
    matches!(Content::of(path), Ok(Content::Json))
        || (path.join(MEASUREMENT).is_file() && !RunPaths::new(path).config().is_file())
}

/// Writes `report.html` next to a measurement.
pub(crate) fn write_page(path: &Path, console: &Console) -> Result<PathBuf, Failure> {
    let measured = load(path)?;
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let page = page(&measured, folder)?;
    if page.easy_hard.is_empty() {
        console.note("no selection to show: `distil compdd select` makes one");
    }
    let to = RunPaths::new(folder).report();
    atomic::write(&to, page.render())?;
    Ok(to)
}

fn merge(args: &MergeArgs, console: &Console) -> Result<(), Failure> {
    let parts: Result<Vec<Measurement>, CompddError> = args.parts.iter().map(Measurement::load).collect();
    let whole = Measurement::merge(&parts?)?;
    whole.check_complete()?;
    write(&args.out, &[(MEASUREMENT, whole.text()), ("classes.csv", whole.csv())])?;
    write_figures(&args.out, &whole)?;
    console.note(format_args!("wrote {} and classes.csv", args.out.join(MEASUREMENT).display()));
    console.result(tables::classes(&whole).trim_end())
}

fn rank(args: &RankArgs, context: Context<'_>) -> Result<(), Failure> {
    let (measured, folder) = measured(&args.subject, context)?;
    let threshold = measured.threshold(args.threshold)?;
    let each = chosen(&args.categories, &measured, args.smallest, context.console)?;
    let rankings: Result<Vec<Ranking>, CompddError> =
        each.iter().map(|category| Ranking::of(&measured, category, threshold)).collect();
    let rankings = rankings?;
    let json = serde_json::to_string_pretty(&rankings)? + "\n";
    write(&folder, &[("ranking.json", json), ("ranking.csv", tables::ranking_csv(&rankings))])?;
    context.console.note(format_args!("wrote ranking.json and ranking.csv to {}", folder.display()));
    context.console.result(tables::rankings(&rankings).trim_end())
}

fn select(args: &SelectArgs, context: Context<'_>) -> Result<(), Failure> {
    let (measured, folder) = measured(&args.subject, context)?;
    let threshold = measured.threshold(args.threshold)?;
    let each = chosen(&args.categories, &measured, 2 * args.count.get(), context.console)?;
    let select = |category: &Category| -> Result<Selection, CompddError> {
        Ranking::of(&measured, category, threshold)?.select(args.count.get())
    };
    let selections = each.iter().map(select).collect::<Result<Vec<Selection>, CompddError>>()?;
    let names: Vec<Selected> = selections.iter().map(Selection::names).collect();
    let figure = figures::of_selections(&selections, &measured.dataset).svg();
    let shown = tables::selections(&selections);
    let json = seal::json(&Selections { selections });
    let toml = Selected::toml(&names);
    write(&folder, &[(SELECTION, json), ("selection.toml", toml), ("selection.svg", figure)])?;
    let to = folder.display();
    context.console.note(format_args!("wrote selection.json, .svg and .toml (for data.classes) to {to}"));
    context.console.result(shown.trim_end())
}

fn verify(args: &VerifyArgs, context: Context<'_>) -> Result<(), Failure> {
    let (measured, folder) = measured(&args.subject, context)?;
    let threshold = measured.threshold(args.threshold)?;
    let found = match &args.selection {
        Some(file) => Selected::read(file)?
            .iter()
            .map(|one| Verification::of(&measured, one, threshold))
            .collect::<Result<Vec<Verification>, CompddError>>()?,
        None => known(Selected::published(), context.console, |one| {
            (one.category.clone(), Verification::of(&measured, one, threshold))
        })?,
    };
    let music_hard = ImagenetSubset::find("comp-dd/music-hard").and_then(ImagenetSubset::note);
    let looked_at = found.iter().any(|one| one.category == "music") && args.selection.is_none();
    if let Some(note) = music_hard.filter(|_| looked_at) {
        context.console.note(note);
    }
    let json = serde_json::to_string_pretty(&found)? + "\n";
    let figure = figures::of_verifications(&found, &measured.dataset).svg();
    write(&folder, &[("verification.json", json), ("verification.svg", figure)])?;
    context.console.note(format_args!("wrote verification.json and .svg to {}", folder.display()));
    context.console.result(tables::verifications(&found).trim_end())
}

fn agree(args: &AgreeArgs, console: &Console) -> Result<(), Failure> {
    let found = Agreement::of(&load(&args.first)?, &load(&args.second)?, args.threshold)?;
    console.result(tables::agreement(&found).trim_end())
}

/// The measurement that is asked for, made where it is not there yet, and the folder for what follows from it.
fn measured(subject: &Subject, context: Context<'_>) -> Result<(Measurement, PathBuf), Failure> {
    let Some(path) = &subject.measured else { return measure::measure(&subject.images, context) };
    let measured = load(path)?;
    let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
    let beside = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((measured, subject.images.out.clone().unwrap_or_else(|| beside.to_owned())))
}

/// A finished measurement from its file or folder.
fn load(path: &Path) -> Result<Measurement, Failure> {
    let file = if path.is_dir() { path.join(MEASUREMENT) } else { path.to_owned() };
    let measured = Measurement::load(file)?;
    measured.check_complete()?;
    Ok(measured)
}

/// The categories that `--categories` names.
fn chosen(
    which: &str,
    measured: &Measurement,
    smallest: usize,
    console: &Console,
) -> Result<Vec<Category>, Failure> {
    match which {
        "all" => Ok(vec![Category::everything(measured)]),
        "auto" => Ok(categories(measured, smallest)?),
        "published" => known(Category::published(), console, |category| {
            (category.name.clone(), Ranking::of(measured, category, 0).map(|_| category.clone()))
        }),
        file if Path::new(file).is_file() => Ok(Category::read(file)?),
        other => Err(Failure::new(
            format_args!("--categories {other:?} is neither a file nor a known choice"),
            "choose all, auto, published, or a TOML file of lists such as bird = [\"n01537544\", \"n01592084\"]",
        )),
    }
}

/// What can be made of those published categories whose classes were all measured.
fn known<A, B>(
    published: Vec<A>,
    console: &Console,
    make: impl Fn(&A) -> (String, Result<B, CompddError>),
) -> Result<Vec<B>, Failure> {
    let (mut found, mut left) = (Vec::new(), Vec::new());
    for one in published {
        match make(&one) {
            (_, Ok(made)) => found.push(made),
            (name, Err(CompddError::NotMeasured { .. })) => left.push(name),
            (_, Err(error)) => return Err(error.into()),
        }
    }
    if found.is_empty() {
        return Err(Failure::new(
            "no category of Comp-DD was measured whole",
            "measure ImageNet (--data imagenet --data-dir DIR), or name categories of your own in a TOML file",
        ));
    }
    if !left.is_empty() {
        console.note(format_args!(
            "left out, because not all of their classes were measured: {}",
            left.join(", ")
        ));
    }
    Ok(found)
}

fn write_figures(folder: &Path, measured: &Measurement) -> Result<(), Failure> {
    let files = figures::of_measurement(measured);
    let files: Vec<(&str, String)> = files.iter().map(|(name, svg)| (name.as_str(), svg.clone())).collect();
    write(folder, &files)
}

fn write(folder: &Path, files: &[(&str, String)]) -> Result<(), Failure> {
    atomic::create_folder(folder)?;
    for (name, text) in files {
        atomic::write(folder.join(name), text)?;
    }
    Ok(())
}
