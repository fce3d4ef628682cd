//! `distil compare A B`: whether one result is better than another.

use std::path::{Path, PathBuf};

use distil_report::{Contender, Results, comparison_markdown};
use distil_stats::Design;
use distil_store::{Evaluation, EvaluationFile, FileError, RunPaths};

use crate::args::CompareArgs;
use crate::console::Console;
use crate::failure::Failure;

pub(crate) fn compare(args: &CompareArgs, console: &Console) -> Result<(), Failure> {
    let [first, second] = &args.subjects[..] else { unreachable!("clap asks for two") };
    let a = Place::of(first, None)?;
    let b = Place::of(second, Some(&a.path))?;
    let (row_a, row_b) = (a.row()?, b.row()?);
    let (name_a, name_b) = names((&a, &row_a), (&b, &row_b));
    let design = if args.paired { Design::Paired } else { Design::Independent };
    let [a, b] = [(&name_a, &row_a), (&name_b, &row_b)].map(|(name, row)| Contender { name, row });
    console.result(comparison_markdown(a, b, design)?.trim_end())
}

/// Where a result is: a run folder or a file of results, and the name of a row in it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    row: Option<String>,
}

impl Place {
    /// `PATH`, `PATH:ROW`, or `:ROW` of the other result's path.
    fn of(text: &str, other: Option<&Path>) -> Result<Self, Failure> {
        if Path::new(text).exists() {
            return Ok(Self { path: text.into(), row: None });
        }
        for (colon, _) in text.rmatch_indices(':') {
            let (path, row) = (&text[..colon], text[colon + 1..].trim());
            let path = if path.is_empty() { other } else { Some(Path::new(path)) };
            if let Some(path) = path.filter(|path| path.exists()) {
                let row = (!row.is_empty()).then(|| row.to_owned());
                return Ok(Self { path: path.to_owned(), row });
            }
        }
        Err(Failure::new(
            format_args!("there is no {text}"),
            "give a run folder or an evaluation.json, and a row after a colon: runs/clutter:\"random real\"",
        ))
    }

    fn row(&self) -> Result<Evaluation, Failure> {
        let results = self.results()?;
        let rows = &results.evaluation.rows;
        let found = match &self.row {
            Some(name) => named(rows, name),
            // A stale result must not be replaced by another one without a word.
            None if results.outdated.is_empty() => match &rows[..] {
                [only] => Some(only),
                _ => results.evaluation.distilled(),
            },
            None => None,
        };
        if let Some(row) = found {
            return Ok(row.clone());
        }
        let what = match &self.row {
            Some(name) => format!("has no row “{name}”"),
            None => "has no row of a distilled set".to_owned(),
        };
        let help = results.warning().unwrap_or_else(|| {
            let names = rows.iter().map(|row| format!("“{}”", row.name)).collect::<Vec<_>>();
            format!("name one after a colon; there are {}", names.join(", "))
        });
        Err(Failure::new(format_args!("{} {what}", self.path.display()), help))
    }

    /// What the place holds, without rows that are out of date where that can be known.
    fn results(&self) -> Result<Results, Failure> {
        let run = if self.path.is_dir() { Some(self.path.as_path()) } else { self.path.parent() };
        let run = run.map(RunPaths::new).filter(|run| run.config().is_file());
        let results = match run {
            Some(run) if self.path.is_dir() || self.path.file_name() == run.evaluation().file_name() => {
                Results::of_run(&run)?
            }
            _ => self.file()?,
        };
        results.filter(|results| *results != Results::default()).ok_or_else(|| {
            Failure::new(
                format_args!("{} holds no results", self.path.display()),
                format_args!("measure them first: distil eval {}", self.path.display()),
            )
        })
    }

    fn file(&self) -> Result<Option<Results>, FileError> {
        let path = if self.path.is_dir() { self.path.join("evaluation.json") } else { self.path.clone() };
        let evaluation = EvaluationFile::load(&path)?;
        Ok(evaluation.map(|evaluation| Results { evaluation, outdated: Vec::new() }))
    }
}

/// The row of that name, or the only one whose name contains it.
fn named<'a>(rows: &'a [Evaluation], name: &str) -> Option<&'a Evaluation> {
    let wanted = name.to_lowercase();
    let exact = rows.iter().find(|row| row.name.to_lowercase() == wanted);
    let mut like = rows.iter().filter(|row| row.name.to_lowercase().contains(&wanted));
    exact.or_else(|| like.next().filter(|_| like.next().is_none()))
}

/// What tells the two apart: their places, their rows, or both.
fn names(a: (&Place, &Evaluation), b: (&Place, &Evaluation)) -> (String, String) {
    let name = |(place, row): (&Place, &Evaluation)| {
        let path = place.path.display();
        match (a.0.path == b.0.path, a.1.name == b.1.name) {
            (true, _) => row.name.clone(),
            (false, true) => path.to_string(),
            (false, false) => format!("{path} ({})", row.name),
        }
    };
    (name(a), name(b))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Place;

    #[test]
    fn a_row_follows_the_last_colon_that_a_path_ends_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a:b");
        std::fs::create_dir(&path).unwrap();
        let place = |text: &str, other| Place::of(text, other).ok().map(|place| (place.path, place.row));
        let text = path.display().to_string();
        assert_eq!(place(&text, None), Some((path.clone(), None)));
        let row = Some("x: y".to_owned());
        assert_eq!(place(&format!("{text}:x: y"), None), Some((path.clone(), row)));
        assert_eq!(place(":last", Some(&path)), Some((path.clone(), Some("last".into()))));
        assert_eq!(place(":last", None), None);
        assert_eq!(place("nowhere", Some(Path::new("."))), None);
    }
}
