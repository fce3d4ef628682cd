//! Results of a run: its sets and their references, by a protocol and with networks of several architectures.

mod conditions;
mod key;

use distil_eval::{EvaluateError, ProtocolName, StudentError, Subject};
use distil_models::{Arch, Network};
use distil_store::{
    Evaluation, EvaluationFile, FolderLock, MeasuredSet, Part, RowKind, RunPaths, SyntheticSet,
};

use crate::students::Students;
use crate::{Error, SetError};
use conditions::conditions;
use key::key;

/// What of a run is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Every set of it, random real images and all data.
    All,
    /// The set chosen on validation images.
    Best,
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
        let name = titled(name, [net.arch(), self.own_arch()], None);
        let found = self.measure(net, &name, Subject::Synthetic(&*self.set(set)?))?;
        Ok(counted(Evaluation { conditions: Some(conditions(self, net)), ..found }, set))
    }

    /// Evaluates all sets of a run and their references with `networks`, row by row into the run folder; rows that still
    /// hold are kept, those of other architectures and of other protocols too. Only one process does so at a time. `own` is the
    /// protocol of the run's configuration.
    ///
    /// # Errors
    /// [`Error`] when a set is not one of these data or a file cannot be read or written; [`Error::Stopped`] when the listener
    /// asked to stop.
    pub fn evaluate_run(
        &self,
        networks: &[Network],
        run: &RunPaths,
        own: ProtocolName,
        which: Which,
    ) -> Result<EvaluationFile, Error> {
        let _lock = FolderLock::take(run.folder(), "evaluation")?;
        // A damaged file is refused: results of other protocols in it would be lost.
        let before = EvaluationFile::load(&run.evaluation())?.unwrap_or_default().rows;
        let paper = self.session.config.paper.clone();
        let arch = self.own_arch().name().to_owned();
        let mut file = EvaluationFile { protocol: own.as_str().to_owned(), arch, rows: Vec::new(), paper };
        let mut rows: Vec<Evaluation> = Vec::new();
        let candidates = candidates(run, which)?;
        for candidate in &candidates {
            if let Candidate::Set(set, _) = candidate {
                self.set(set)?;
            }
        }
        let known = self.known_archs().into_iter();
        let all: Vec<Network> = known.filter_map(|arch| self.network(arch).ok()).collect();
        let jobs = self.jobs(&all, &candidates, own);
        for job in &jobs {
            // The last set may be the best one too: equal sets have equal results.
            let known = rows.iter().chain(&before).find(|row| row.key == job.key).cloned();
            let found = match known {
                Some(known) => known,
                None if networks.contains(job.net) => self.measure_candidate(job)?,
                None => continue,
            };
            rows.push(self.row(job, found));
            // Rows that are still to come may hold, too: an interruption must not lose them.
            let waiting = before.iter().filter(|old| {
                jobs.iter().any(|job| job.key == old.key) && rows.iter().all(|row| row.key != old.key)
            });
            let so_far: Vec<Evaluation> = rows.iter().chain(waiting).cloned().collect();
            file.rows = self.with_others(&so_far, &before);
            file.save(run.evaluation())?;
        }
        file.rows = self.with_others(&rows, &before);
        file.save(run.evaluation())?;
        Ok(file)
    }

    /// All rows of a run with these networks.
    fn jobs<'a>(
        &self,
        networks: &'a [Network],
        candidates: &'a [Candidate],
        own: ProtocolName,
    ) -> Vec<Job<'a>> {
        let protocol = Some(self.protocol().name()).filter(|name| *name != own);
        let mut jobs = Vec::new();
        for net in networks {
            for candidate in candidates {
                let costly = matches!(candidate, Candidate::FullData) && net.arch() != self.own_arch();
                if !costly {
                    let name = titled(&candidate.kind().to_string(), [net.arch(), self.own_arch()], protocol);
                    let key = key(self, net, candidate);
                    jobs.push(Job { name, net, candidate, key });
                }
            }
        }
        jobs
    }

    /// A measurement as a row of a run.
    fn row(&self, job: &Job<'_>, found: Evaluation) -> Evaluation {
        let Job { name, net, candidate, key } = job;
        let found = if let Candidate::Set(set, _) = candidate { counted(found, set) } else { found };
        Evaluation {
            kind: candidate.kind(),
            name: name.clone(),
            protocol: self.protocol().described(),
            key: key.clone(),
            set: candidate.measured().cloned(),
            conditions: Some(conditions(self, net)),
            ..found
        }
    }

    /// `rows`, and after them what was measured before by other protocols; rows whose set has changed since are told apart by
    /// their readers.
    fn with_others(&self, rows: &[Evaluation], before: &[Evaluation]) -> Vec<Evaluation> {
        let now = self.protocol().name();
        let others = before.iter().filter(|row| row.protocol_name() != now.as_str());
        rows.iter().chain(others).cloned().collect()
    }

    fn measure_candidate(&self, job: &Job<'_>) -> Result<Evaluation, Error> {
        let Job { name, net, candidate, .. } = job;
        match candidate {
            Candidate::RandomReal => {
                let ipc = self.session.config.distill.ipc;
                self.measure(net, name, Subject::RandomReal { ipc })
            }
            Candidate::Set(set, _) => self.measure(net, name, Subject::Synthetic(&*self.set(set)?)),
            Candidate::FullData => self.measure(net, name, Subject::FullData),
        }
    }

    fn measure(&self, net: &Network, name: &str, subject: Subject<'_>) -> Result<Evaluation, Error> {
        let found = self.evaluator(net).evaluate(name, subject, self.session.progress());
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

/// A row's name in tables: students of the experts' architecture and of the run's own protocol need no remark.
fn titled(name: &str, [arch, own]: [Arch; 2], protocol: Option<ProtocolName>) -> String {
    let arch = if arch == own { String::new() } else { format!(" ({arch})") };
    let protocol = protocol.map_or_else(String::new, |protocol| format!(" [{protocol}]"));
    format!("{name}{arch}{protocol}")
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
    if which == Which::Best {
        found.retain(|candidate| candidate.kind() == RowKind::Set(Part::Best));
    }
    Ok(found)
}
