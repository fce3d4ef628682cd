use std::path::Path;

use distil_store::{Content, atomic, seal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ClassTally, CompddError, Definition, HISTOGRAM_BINS, Skipped};

/// What a file of a measurement is; ends in the version of the form.
const KIND: &str = "distil.complexity.1";

/// The complexity of the classes of a data set, finished or on the way: also the state that an interrupted pass goes on
/// from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    kind: String,
    /// Name of the data.
    pub dataset: String,
    /// Digest of the images' names and labels, or of their pixels where they were in memory.
    pub data_digest: String,
    /// Digest of the network.
    pub model_digest: String,
    /// What was measured.
    pub definition: Definition,
    /// Classes of the network.
    pub network_classes: usize,
    /// Images of the data.
    pub total: usize,
    /// Which rows were, or are to be, gone through.
    pub parts: Vec<Part>,
    /// Unreadable images that were left out.
    pub skipped: Vec<Skipped>,
    /// Map values of all images, in [`HISTOGRAM_BINS`] bins of equal width in `[0, 1]`.
    pub histogram: Vec<u64>,
    /// Every class, by its label.
    pub classes: Vec<ClassTally>,
}

/// Consecutive rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The first one.
    pub start: usize,
    /// The first one that was not yet gone through.
    pub next: usize,
    /// The one after the last.
    pub end: usize,
}

/// What a measurement is of.
pub(crate) struct Identity<'a> {
    pub(crate) dataset: &'a str,
    pub(crate) data_digest: String,
    pub(crate) model_digest: String,
    pub(crate) definition: &'a Definition,
    pub(crate) network_classes: usize,
    pub(crate) total: usize,
    pub(crate) class_names: &'a [String],
}

impl Measurement {
    pub(crate) fn begin(identity: &Identity<'_>, part: Part) -> Self {
        let (thresholds, network_classes) = (identity.definition.thresholds.len(), identity.network_classes);
        let class = |name: &String| ClassTally::new(name, thresholds, network_classes);
        Self {
            kind: KIND.to_owned(),
            dataset: identity.dataset.to_owned(),
            data_digest: identity.data_digest.clone(),
            model_digest: identity.model_digest.clone(),
            definition: identity.definition.clone(),
            network_classes,
            total: identity.total,
            parts: vec![part],
            skipped: Vec::new(),
            histogram: vec![0; HISTOGRAM_BINS],
            classes: identity.class_names.iter().map(class).collect(),
        }
    }

    /// Reads what [`Measurement::save`] wrote.
    ///
    /// # Errors
    /// [`CompddError::Read`]; [`CompddError::Damaged`] when it does not match its checksum; [`CompddError::File`] when it is something else.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CompddError> {
        let path = path.as_ref();
        let read = |source| CompddError::Read { path: path.to_owned(), source };
        let content = Content::of(path).map_err(read)?;
        if content != Content::Json && !content.may_be_toml() {
            let what = content.what();
            let problem = format!(
                "this is {what}, not a measurement of complexity; make one with `distil compdd measure`"
            );
            return Err(CompddError::File { path: path.to_owned(), problem });
        }
        let bytes = std::fs::read(path).map_err(read)?;
        let problem = |what: String| CompddError::File {
            path: path.to_owned(),
            problem: format!(
                "this is not a measurement of complexity ({what}); make one with `distil compdd measure`"
            ),
        };
        seal::check(path, &bytes, "restore it from a copy, or make one with `distil compdd measure`")?;
        let mut fields: serde_json::Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|error| problem(error.to_string()))?;
        fields.remove("sha256");
        let found = Self::deserialize(Value::Object(fields)).map_err(|error| problem(error.to_string()))?;
        found.check().map_err(problem)?;
        Ok(found)
    }

    fn check(&self) -> Result<(), String> {
        if self.kind != KIND {
            return Err(format!("its kind is {:?}, not {KIND:?}", self.kind));
        }
        self.definition.check().map_err(|error| error.to_string())?;
        let thresholds = self.definition.thresholds.len();
        if self.histogram.len() != HISTOGRAM_BINS
            || !self.classes.iter().all(|class| class.fits(thresholds, self.network_classes))
        {
            return Err("its numbers are not complete".to_owned());
        }
        let sound = |part: &Part| part.start <= part.next && part.next <= part.end && part.end <= self.total;
        if !self.parts.iter().all(sound) {
            return Err("its parts are not of its images".to_owned());
        }
        Ok(())
    }

    /// Writes it as JSON, whole or not at all.
    ///
    /// # Errors
    /// [`CompddError::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CompddError> {
        Ok(atomic::write(path, self.text())?)
    }

    /// The file as [`Measurement::save`] writes it.
    pub fn text(&self) -> String {
        seal::compact_json(self)
    }

    /// A table of the classes as CSV (RFC 4180), in full precision.
    pub fn csv(&self) -> String {
        let thresholds = &self.definition.thresholds;
        let columns =
            thresholds.iter().flat_map(|at| [format!("complexity_{at}"), format!("standard_error_{at}")]);
        let header = ["class".to_owned(), "images".to_owned()].into_iter().chain(columns).collect();
        let shown = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let line = |class: &ClassTally| {
            let values = (0..thresholds.len())
                .flat_map(|at| [class.complexity(at), class.standard_error(at)].map(shown));
            [class.name.clone(), class.images.to_string()].into_iter().chain(values).collect()
        };
        csv_table(std::iter::once(header).chain(self.classes.iter().map(line)))
    }

    /// Images gone through.
    pub fn done(&self) -> usize {
        self.parts.iter().map(|part| part.next - part.start).sum()
    }

    /// Whether every image was gone through.
    pub fn is_complete(&self) -> bool {
        self.done() == self.total
    }

    /// Number of `threshold` among those of the definition; the first one for `None`.
    ///
    /// # Errors
    /// [`CompddError::NoThreshold`].
    pub fn threshold(&self, threshold: Option<f64>) -> Result<usize, CompddError> {
        let known = &self.definition.thresholds;
        let Some(wanted) = threshold else { return Ok(0) };
        let found = known.iter().position(|threshold| *threshold == wanted);
        found.ok_or_else(|| CompddError::NoThreshold { wanted, known: known.clone() })
    }

    /// Refuses what is not finished, and classes without images.
    ///
    /// # Errors
    /// [`CompddError::Unfinished`], [`CompddError::EmptyClass`].
    pub fn check_complete(&self) -> Result<(), CompddError> {
        if !self.is_complete() {
            return Err(CompddError::Unfinished { done: self.done(), total: self.total });
        }
        match self.classes.iter().find(|class| class.images == 0) {
            Some(class) => Err(CompddError::EmptyClass { name: class.name.clone() }),
            None => Ok(()),
        }
    }

    /// Refuses to go on with a measurement of something else.
    pub(crate) fn check_is_of(&self, identity: &Identity<'_>, part: Part) -> Result<(), CompddError> {
        let names = self.classes.iter().map(|class| &class.name);
        let [own] = self.parts[..] else {
            return Err(CompddError::Other { what: "the parts" });
        };
        for (same, what) in [
            (self.data_digest == identity.data_digest && self.total == identity.total, "the images"),
            (names.eq(identity.class_names), "the classes"),
            (self.model_digest == identity.model_digest, "the model's parameters or preprocessing"),
            (self.definition == *identity.definition, "the thresholds, or the map that is measured,"),
            ((own.start, own.end) == (part.start, part.end), "the parts"),
        ] {
            if !same {
                return Err(CompddError::Other { what });
            }
        }
        Ok(())
    }

    /// One measurement of the parts of a pass that were made apart, in any order. Equal, to the byte, to one that was made
    /// in one go.
    ///
    /// # Errors
    /// [`CompddError::Merge`] when they are not of one pass, are not finished, or overlap.
    pub fn merge(parts: &[Self]) -> Result<Self, CompddError> {
        let mut each: Vec<&Self> = parts.iter().filter(|one| one.first_row().is_some()).collect();
        each.sort_by_key(|one| one.first_row());
        let Some((&first, rest)) = each.split_first() else {
            return Err(CompddError::Merge("there is nothing to merge; name the parts".to_owned()));
        };
        let mut whole = first.clone();
        for one in rest {
            whole.join(one)?;
        }
        whole.parts.sort_by_key(|part| part.start);
        whole.parts = joined(&whole.parts)?;
        Ok(whole)
    }

    /// The first row of its parts; `None` when they are all empty.
    fn first_row(&self) -> Option<usize> {
        self.parts.iter().filter(|part| part.start < part.end).map(|part| part.start).min()
    }

    fn join(&mut self, other: &Self) -> Result<(), CompddError> {
        let names = |one: &Self| one.classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>();
        let same = self.data_digest == other.data_digest
            && self.model_digest == other.model_digest
            && self.definition == other.definition
            && self.total == other.total
            && names(self) == names(other);
        if !same {
            let what = "the parts are of different images, networks or definitions; measure them alike";
            return Err(CompddError::Merge(what.to_owned()));
        }
        self.parts.extend(&other.parts);
        self.skipped.extend(other.skipped.iter().cloned());
        for (bin, more) in self.histogram.iter_mut().zip(&other.histogram) {
            *bin += more;
        }
        for (class, more) in self.classes.iter_mut().zip(&other.classes) {
            class.join(more);
        }
        Ok(())
    }
}

/// Finished parts in order, neighbours as one.
fn joined(parts: &[Part]) -> Result<Vec<Part>, CompddError> {
    let mut whole: Vec<Part> = Vec::new();
    for part in parts.iter().filter(|part| part.start < part.end) {
        let Part { start, next, end } = *part;
        if next < end {
            let what =
                format!("rows {start} to {end} are not finished; run their `distil compdd measure` again");
            return Err(CompddError::Merge(what));
        }
        match whole.last_mut() {
            Some(last) if last.end > start => {
                let what = format!("two parts hold row {start}; give every part once");
                return Err(CompddError::Merge(what));
            }
            Some(last) if last.end == start => (last.next, last.end) = (next, end),
            _ => whole.push(*part),
        }
    }
    Ok(whole)
}

/// Lines of cells as CSV (RFC 4180).
fn csv_table(lines: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = csv::Writer::from_writer(Vec::new());
    let whole = "memory takes every line";
    for line in lines {
        table.write_record(line).expect(whole);
    }
    String::from_utf8(table.into_inner().expect(whole)).expect("cells are text")
}
