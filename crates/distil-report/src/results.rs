//! The results of a run that still hold.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use distil_store::{Evaluation, EvaluationFile, FileError, MeasuredSet, Part, RunPaths};

use crate::error::ReportError;

/// The results of a run, without those of sets that the run has replaced since.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    /// The rows that hold, and the published figure.
    pub evaluation: EvaluationFile,
    /// Names of the rows that are out of date; `distil eval` measures them again.
    pub outdated: Vec<String>,
}

impl Results {
    /// Reads a run's results and compares every row with the set that the run holds now; `None` before an evaluation.
    ///
    /// A distilled row is out of date when its set's file has changed or is gone, and when it was written by a version
    /// that did not record the file.
    ///
    /// # Errors
    /// [`ReportError::Store`] when `evaluation.json` holds something else, or a file cannot be read.
    pub fn of_run(paths: &RunPaths) -> Result<Option<Self>, ReportError> {
        let Some(mut evaluation) = EvaluationFile::load(&paths.evaluation())? else { return Ok(None) };
        let mut digests = BTreeMap::new();
        let mut outdated = Vec::new();
        let mut rows = Vec::new();
        for row in evaluation.rows {
            if holds(&row, paths, &mut digests)? {
                rows.push(row);
            } else {
                outdated.push(row.name);
            }
        }
        evaluation.rows = rows;
        Ok(Some(Self { evaluation, outdated }))
    }

    /// One sentence on the rows that are out of date, with the remedy; `None` when there are none.
    pub fn warning(&self) -> Option<String> {
        let names = self.outdated.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ");
        let are = if self.outdated.len() == 1 { "is" } else { "are" };
        (!self.outdated.is_empty()).then(|| {
            format!(
                "Out of date: {names} {are} not shown, because the run has changed since, or did not record what was \
                 evaluated; run `distil eval`."
            )
        })
    }
}

fn holds(
    row: &Evaluation,
    paths: &RunPaths,
    now: &mut BTreeMap<Part, Option<MeasuredSet>>,
) -> Result<bool, FileError> {
    let Some(set) = &row.set else {
        // Rows of real images depend on no set. A row without a key was not written by an evaluation of this run.
        return Ok(row.key.is_empty() || !row.kind.is_distilled());
    };
    let found = match now.entry(set.part) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => {
            let file = paths.set(set.part);
            unknown.insert(file.is_file().then(|| MeasuredSet::of(set.part, &file)).transpose()?)
        }
    };
    Ok(found.as_ref() == Some(set))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use distil_store::{Evaluation, EvaluationFile, MeasuredSet, Part, RunPaths};

    use super::Results;
    use crate::testing::row;

    #[test]
    fn a_row_holds_as_long_as_its_set() {
        let folder = tempfile::tempdir().unwrap();
        let paths = RunPaths::new(folder.path());
        assert_eq!(Results::of_run(&paths).unwrap(), None);
        fs::create_dir_all(paths.synthetic()).unwrap();
        let file = paths.set(Part::Last);
        fs::write(&file, "one set").unwrap();
        let digest = MeasuredSet::of(Part::Last, &file).unwrap().digest;
        let measured = |name: &str, part: Part| Evaluation {
            key: "k".into(),
            set: Some(MeasuredSet { part, digest: digest.clone() }),
            ..row(name, 10, 0.5, 2)
        };
        let rows = vec![
            row("random real", 10, 0.4, 2),
            measured("distilled, last", Part::Last),
            measured("distilled, EMA", Part::Ema),
            Evaluation {
                key: "k".into(),
                name: "distilled, old".into(),
                ..row("distilled, last", 10, 0.3, 2)
            },
            row("distilled, by hand", 10, 0.2, 2),
        ];
        let text = serde_json::to_string(&EvaluationFile { rows, paper: None, ..EvaluationFile::default() })
            .unwrap();
        fs::write(paths.evaluation(), text).unwrap();
        let shown = || {
            let results = Results::of_run(&paths).unwrap().unwrap();
            let names = results.evaluation.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
            (names.join("|"), results.warning().unwrap())
        };
        let (names, warning) = shown();
        assert_eq!(names, "random real|distilled, last|distilled, by hand");
        assert!(warning.contains("“distilled, EMA”, “distilled, old” are not shown"), "{warning}");
        fs::write(&file, "another set").unwrap();
        let (names, warning) = shown();
        assert_eq!(names, "random real|distilled, by hand");
        assert!(warning.contains("“distilled, last”") && warning.contains("run `distil eval`"), "{warning}");
    }
}
