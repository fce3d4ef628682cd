//! Results of a run: its sets and their references, by a protocol and with networks of several architectures.

mod conditions;
mod key;
mod place;
mod untested;

use std::borrow::Cow;

use distil_eval::{EvaluateError, Evaluator, Protocol, StudentError, Subject};
use distil_models::Network;
use distil_store::{
    Evaluation, EvaluationFile, FolderLock, MeasuredSet, OwnWay, Part, RowKind, RunPaths, SyntheticSet,
};
use serde_json::{Value, json};

use crate::config::Config;
use crate::students::Students;
use crate::{Error, SetError};
use conditions::conditions;
use key::key;
use place::{Order, Place, merged};
pub use untested::untested_classes;

/// What of a run is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Every set of it, random real images and all data.
    All,
    /// The set that is the run's result: the one chosen on validation images, or the last where none were held out.
    Result,
}

/// What can be evaluated of a run.
enum Candidate {
    RandomReal,
    Set(Box<SyntheticSet>, MeasuredSet),
    FullData,
}

/// One row of a run's table.
struct Job<'a> {
    name: String,
    place: Place,
    net: &'a Network,
    candidate: &'a Candidate,
    key: String,
}

impl Students<'_> {
    /// Evaluates one set with a network, under a name for tables.
    ///
    /// # Errors
    /// [`Error`] when the set is not one of these data; [`Error::Stopped`] when the listener asked to stop.
    pub fn evaluate(&self, net: &Network, name: &str, set: &SyntheticSet) -> Result<Evaluation, Error> {
        let arch = net.arch();
        let name = if arch == self.own_arch() { name.to_owned() } else { format!("{name} ({arch})") };
        let found = self.measure(net, &name, Subject::Synthetic(&*self.set(set)?))?;
        Ok(counted(Evaluation { conditions: Some(conditions(self, net, self.protocol())), ..found }, set))
    }

    /// Evaluates all sets of a run and their references with `networks`, row by row into the run folder. Rows that still
    /// hold are not measured again, and rows of other architectures, protocols, epochs and numbers of students stay; what is
    /// measured otherwise in a way that rows do not tell, such as from another seed, takes the place of what was there, and
    /// says so first. Only one process does so at a time. `own` is the run's configuration.
    ///
    /// # Errors
    /// [`Error`] when a set is not one of these data or a file cannot be read or written; [`Error::Stopped`] when the listener
    /// asked to stop.
    pub fn evaluate_run(
        &self,
        networks: &[Network],
        run: &RunPaths,
        own: &Config,
        which: Which,
    ) -> Result<EvaluationFile, Error> {
        let _lock = FolderLock::take(run.folder(), "evaluation")?;
        // A damaged file is refused: results of other protocols in it would be lost.
        let before = EvaluationFile::load(&run.evaluation())?.unwrap_or_default().rows;
        let (before, outdated) = split_by_sets(before, run)?;
        let mut candidates = candidates(run, which)?;
        if self.protocol().seeds_on_full() == 0 {
            candidates.retain(|candidate| candidate.kind() != RowKind::Full);
        }
        for candidate in &candidates {
            if let Candidate::Set(set, _) = candidate {
                self.set(set)?;
            }
        }
        self.warn_of_untested_classes();
        let way = self.own_way(own);
        let jobs = self.jobs(networks, &candidates, &way, &before);
        self.announce_outdated(&jobs, &outdated, &way);
        self.announce_replaced(&jobs, &before, &way);
        let archs: Vec<String> = self.known_archs().iter().map(ToString::to_string).collect();
        let order = Order { now: self.protocol(), archs: &archs };
        let mut file = EvaluationFile {
            own: Some(way.clone()),
            rows: Vec::new(),
            paper: self.session.config.published().or_else(|| own.published()),
        };
        let mut rows: Vec<Evaluation> = Vec::new();
        for job in &jobs {
            // The last set may be the best one too: equal sets have equal results.
            let known = rows.iter().chain(&before).find(|row| row.key == job.key).cloned();
            let found = match known {
                Some(known) => known,
                None => self.measure_candidate(job)?,
            };
            rows.push(self.row(job, found));
            file.rows = merged(&rows, &before, &way, &order);
            file.save(run.evaluation())?;
        }
        file.rows = merged(&rows, &before, &way, &order);
        file.save(run.evaluation())?;
        Ok(file)
    }

    /// How students of a kind of row are trained: on all data there may be fewer.
    fn protocol_of(&self, kind: RowKind) -> Cow<'_, Protocol> {
        let protocol = self.protocol();
        match kind {
            RowKind::Full => Cow::Owned(protocol.clone().seeds(protocol.seeds_on_full())),
            _ => Cow::Borrowed(protocol),
        }
    }

    /// Says which classes the test images say nothing about.
    fn warn_of_untested_classes(&self) {
        if let Some(text) = untested_classes(&self.session.dataset) {
            self.session.progress().warn(format_args!("{text}"));
        }
    }

    /// The students that a run's configuration asks for.
    fn own_way(&self, own: &Config) -> OwnWay {
        let shape = self.session.dataset.shape();
        let network = own.eval.network(&own.model);
        let network = network
            .build([shape.channels, shape.height, shape.width], self.session.dataset.classes())
            .map_or(Value::Null, |net| json!(net));
        OwnWay {
            arch: own.model.arch.to_string(),
            protocol: own.eval.described(),
            seeds: own.eval.seeds,
            network,
        }
    }

    /// All rows of a run with these networks.
    fn jobs<'a>(
        &self,
        networks: &'a [Network],
        candidates: &'a [Candidate],
        own: &OwnWay,
        before: &[Evaluation],
    ) -> Vec<Job<'a>> {
        let there: Vec<Place> = before.iter().map(|row| Place::of_row(row, own)).collect();
        let mut jobs = Vec::new();
        for net in networks {
            for candidate in candidates {
                let kind = candidate.kind();
                let costly = kind == RowKind::Full && net.arch() != self.own_arch();
                if !costly {
                    let place = Place::of_job(kind, net, &self.protocol_of(kind), own);
                    let name = place.title(own, there.iter());
                    let key = key(self, net, &self.protocol_of(kind), candidate);
                    jobs.push(Job { name, place, net, candidate, key });
                }
            }
        }
        jobs
    }

    /// Says which rows are left out because the run has replaced or removed their sets, and which are not measured again now.
    fn announce_outdated(&self, jobs: &[Job<'_>], outdated: &[Evaluation], own: &OwnWay) {
        let left_out = |row: &&Evaluation| jobs.iter().all(|job| job.place != Place::of_row(row, own));
        if let Some(names) = names(outdated.iter().filter(left_out)) {
            self.session.progress().warn(format_args!(
                "{names} of evaluation.json will be left out: the run has replaced or removed what they measured; to keep \
                 them, stop now and copy the file"
            ));
        }
    }

    /// Says which rows will be lost although what they measured is still there: they were measured in a way that the table
    /// does not tell from this one.
    fn announce_replaced(&self, jobs: &[Job<'_>], before: &[Evaluation], own: &OwnWay) {
        let lost = |row: &&Evaluation| {
            let here = Place::of_row(row, own);
            jobs.iter().any(|job| job.place == here && job.key != row.key)
        };
        if let Some(names) = names(before.iter().filter(lost)) {
            self.session.progress().warn(format_args!(
                "{names} of evaluation.json will be replaced when measured: the seed, the training or test data, the teacher \
                 or distil's version were others; to keep them, stop now and copy the file"
            ));
        }
    }

    /// A measurement as a row of a run.
    fn row(&self, job: &Job<'_>, found: Evaluation) -> Evaluation {
        let Job { name, net, candidate, key, .. } = job;
        let found = if let Candidate::Set(set, _) = candidate { counted(found, set) } else { found };
        Evaluation {
            kind: candidate.kind(),
            name: name.clone(),
            protocol: self.protocol().described(),
            key: key.clone(),
            set: candidate.measured().cloned(),
            conditions: Some(conditions(self, net, &self.protocol_of(candidate.kind()))),
            ..found
        }
    }

    fn measure_candidate(&self, job: &Job<'_>) -> Result<Evaluation, Error> {
        let Job { name, net, candidate, .. } = job;
        match candidate {
            Candidate::RandomReal => {
                let per_class = self.session.inputs(&self.session.config.distill, None).per_class();
                self.measure(net, name, Subject::RandomReal { per_class: &per_class })
            }
            Candidate::Set(set, _) => self.measure(net, name, Subject::Synthetic(&*self.set(set)?)),
            Candidate::FullData => self.measure(net, name, Subject::FullData),
        }
    }

    fn measure(&self, net: &Network, name: &str, subject: Subject<'_>) -> Result<Evaluation, Error> {
        let protocol = &*self.protocol_of(subject.kind());
        let evaluator = Evaluator { protocol, ..self.evaluator(net) };
        let found = evaluator.evaluate(name, subject, self.session.progress());
        found.map_err(|error| match error {
            EvaluateError::Student(StudentError::Stopped) => {
                Error::stopped("rows that were complete are kept; run the same command again to continue")
            }
            error => error.into(),
        })
    }
}

/// Images count what is stored, also where students see tiles of it.
fn counted(found: Evaluation, set: &SyntheticSet) -> Evaluation {
    let (stored, seen) = (set.shape[0], found.seen.unwrap_or(found.images));
    Evaluation { images: stored, seen: (seen != stored).then_some(seen), ..found }
}

impl Candidate {
    fn kind(&self) -> RowKind {
        match self {
            Self::RandomReal => RowKind::Random,
            Self::Set(_, measured) => RowKind::Set(measured.part),
            Self::FullData => RowKind::Full,
        }
    }

    fn measured(&self) -> Option<&MeasuredSet> {
        match self {
            Self::Set(_, measured) => Some(measured),
            Self::RandomReal | Self::FullData => None,
        }
    }
}

/// Names for a message; `None` of none.
fn names<'a>(rows: impl Iterator<Item = &'a Evaluation>) -> Option<String> {
    let names: Vec<String> = rows.map(|row| format!("“{}”", row.name)).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Rows that hold, and those of sets that the run has replaced or removed since.
fn split_by_sets(rows: Vec<Evaluation>, run: &RunPaths) -> Result<(Vec<Evaluation>, Vec<Evaluation>), Error> {
    let mut now = Vec::new();
    for part in Part::DISTILLED {
        let file = run.set(part);
        if file.is_file() {
            now.push(MeasuredSet::of(part, &file)?);
        }
    }
    Ok(rows.into_iter().partition(|row| row.set.as_ref().is_none_or(|set| now.contains(set))))
}

fn candidates(run: &RunPaths, which: Which) -> Result<Vec<Candidate>, Error> {
    let mut found = vec![Candidate::RandomReal];
    for part in Part::DISTILLED {
        let file = run.set(part);
        if file.is_file() {
            // Before it is read: if a run replaces it meanwhile, its row is out of date, not wrong.
            let measured = MeasuredSet::of(part, &file)?;
            found.push(Candidate::Set(Box::new(SyntheticSet::load(&file)?), measured));
        }
    }
    if found.len() == 1 {
        return Err(SetError::None { folder: run.folder().to_owned() }.into());
    }
    found.push(Candidate::FullData);
    if which == Which::Result {
        let chosen = found.iter().any(|candidate| candidate.kind() == RowKind::Set(Part::Best));
        let result = if chosen { Part::Best } else { Part::Last };
        found.retain(|candidate| candidate.kind() == RowKind::Set(result));
    }
    Ok(found)
}
