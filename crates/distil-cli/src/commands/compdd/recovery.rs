//! What distilled sets recover of the accuracy on all data, out of stored runs.

use std::path::{Path, PathBuf};

use distil_compdd::{Category, Measurement, Ranking, SubsetComplexity};
use distil_report::{Recovery, recovery_table_csv, recovery_table_latex, recovery_table_markdown};
use distil_store::RunPaths;

use super::args::RecoveryArgs;
use super::load;
use crate::args::TableFormat;
use crate::console::Console;
use crate::failure::Failure;

pub(super) fn recovery(args: &RecoveryArgs, console: &Console) -> Result<(), Failure> {
    let measured =
        args.measured.iter().map(|path| load(path)).collect::<Result<Vec<Measurement>, Failure>>()?;
    if measured.len() > 1 && measured.len() != args.runs.len() {
        return Err(Failure::new(
            format_args!("there are {} measurements for {} runs", measured.len(), args.runs.len()),
            "give --measured once for all runs, or once for each, in their order",
        ));
    }
    let mut rows = Vec::new();
    for (at, text) in args.runs.iter().enumerate() {
        let (name, run) = named(text);
        let measured = measured.get(at).or(measured.first());
        for row in Recovery::of_run(&RunPaths::new(run))? {
            let complexity =
                measured.map(|measured| complexity(measured, &row, args.threshold)).transpose()?;
            let subset = name.clone().unwrap_or_else(|| row.subset.clone());
            rows.push(Recovery { subset, complexity, ..row });
        }
    }
    let text = match args.table {
        TableFormat::Markdown => recovery_table_markdown(&rows),
        TableFormat::Csv => recovery_table_csv(&rows),
        TableFormat::Latex => recovery_table_latex(&rows),
    };
    console.result(text.trim_end())
}

/// `RUN`, or `NAME=RUN`.
fn named(text: &str) -> (Option<String>, PathBuf) {
    match text.split_once('=').filter(|_| !Path::new(text).exists()) {
        Some((name, run)) => (Some(name.trim().to_owned()), run.into()),
        None => (None, text.into()),
    }
}

/// Complexity of the classes of a run.
fn complexity(
    measured: &Measurement,
    row: &Recovery,
    threshold: Option<f64>,
) -> Result<(f64, Option<f64>), Failure> {
    let category = Category { name: row.subset.clone(), classes: row.class_names.clone() };
    let ranking = Ranking::of(measured, &category, measured.threshold(threshold)?)?;
    let found = SubsetComplexity::of(&ranking.classes)
        .ok_or_else(|| Failure::new(format_args!("{} has no classes", row.subset), "distil it again"))?;
    Ok((found.mean, found.standard_error))
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_name_ends_at_the_first_equals_sign_unless_there_is_such_a_folder() {
        assert_eq!(named("bird-easy=runs/a=b"), (Some("bird-easy".to_owned()), "runs/a=b".into()));
        assert_eq!(named("runs/a"), (None, "runs/a".into()));
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("a=b");
        std::fs::create_dir(&run).unwrap();
        assert_eq!(named(&run.display().to_string()), (None, run));
    }
}
