//! `distil eval`.

mod kept;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use distil_eval::{EvaluateError, Evaluation, ProtocolName, StudentError, Subject};
use distil_match::Files;
use distil_models::{Arch, Network};
use distil_report::{
    Conditions, EvaluationFile, EvaluationRow, MeasuredSet, PaperFigure, results_table_markdown, set_digest,
};
use distil_store::{FolderLock, Part, RowKind, RunPaths, SyntheticSet};

use super::conditions::conditions;
use super::students::Students;
use crate::args::EvalArgs;
use crate::failure::Failure;
use crate::interrupt;
use crate::session::{Context, Session};
use distil::config::Config;
use kept::key;

pub(crate) fn eval(args: &EvalArgs, context: Context<'_>) -> Result<(), Failure> {
    let subject = &args.subject;
    if !subject.exists() {
        let help = "give a synthetic set (.safetensors) or a run folder";
        return Err(Failure::new(format_args!("{} does not exist", subject.display()), help));
    }
    let run = subject.is_dir().then(|| RunPaths::new(subject));
    let config = Config::load(&config_file(args.config.as_deref(), subject, run.as_ref())?, &sets(args))?;
    if let Some(run) = run {
        let own = Config::load(&run.config(), &[])?.eval.name();
        let session = Session::open(config, context)?;
        let students = Students::of(&session)?;
        let file = evaluate_run(&students, &networks(&students, &args.arch)?, &run, own, Which::All)?;
        return session.console.result(results_table_markdown(&file).trim_end());
    }
    let set = SyntheticSet::load(subject)?;
    let session = Session::open(config, context)?;
    let students = Students::of(&session)?;
    let networks = networks(&students, &args.arch)?;
    let seen = students.set(&set)?;
    let mut file = EvaluationFile::default();
    for net in &networks {
        let name = named(&name_of(subject), net.arch(), None);
        let result = measure(&students, net, &name, Subject::Synthetic(&seen))?;
        file.rows.push(row(RowKind::Other, result, conditions(&students, net)));
    }
    session.console.result(results_table_markdown(&file).trim_end())
}

/// What the flags set: the protocol first, so that `--set` can change it.
fn sets(args: &EvalArgs) -> Vec<String> {
    let protocol = args.protocol.map(|protocol| format!("eval.protocol={protocol}"));
    let mut sets: Vec<String> = protocol.into_iter().chain(args.set.iter().cloned()).collect();
    sets.extend(args.seeds.map(|seeds| format!("eval.seeds={seeds}")));
    let text = |path: &PathBuf| toml::Value::String(path.to_string_lossy().into_owned());
    sets.extend(args.teacher.as_ref().map(|path| format!("eval.teacher={}", text(path))));
    sets
}

/// The networks of the architectures asked for, each once.
///
/// # Errors
/// [`Failure`] when one does not fit the images.
pub(crate) fn networks(students: &Students<'_>, archs: &[Arch]) -> Result<Vec<Network>, Failure> {
    let asked = Arch::ALL.into_iter().filter(|arch| archs.contains(arch));
    asked.map(|arch| students.network(arch)).collect()
}

/// A row's name in tables: students of the experts' architecture and of the run's own protocol need no remark.
fn named(name: &str, arch: Arch, protocol: Option<ProtocolName>) -> String {
    let arch = if arch == Arch::ConvNet { String::new() } else { format!(" ({arch})") };
    let protocol = protocol.map_or_else(String::new, |protocol| format!(" [{protocol}]"));
    format!("{name}{arch}{protocol}")
}

/// The configuration that was named, or the one of the run that the set belongs to.
pub(crate) fn config_file(
    named: Option<&Path>,
    subject: &Path,
    run: Option<&RunPaths>,
) -> Result<PathBuf, Failure> {
    if let Some(config) = named {
        return Ok(config.to_owned());
    }
    if let Some(run) = run {
        run.read_config()?;
        return Ok(run.config());
    }
    let file = subject.canonicalize().unwrap_or_else(|_| subject.to_owned());
    let found = file.parent().and_then(Path::parent).map(|folder| RunPaths::new(folder).config());
    found.filter(|config| config.is_file()).ok_or_else(|| {
        Failure::new(
            format_args!("{} is not in a run folder, so its configuration is unknown", subject.display()),
            "name the configuration it was made with: --config FILE",
        )
    })
}

fn name_of(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What of a run is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every set of it, random real images and all data.
    All,
    /// The set chosen on validation images.
    Best,
}

/// What can be evaluated of a run.
pub(crate) enum Candidate {
    RandomReal,
    Set(Part, Box<SyntheticSet>, MeasuredSet),
    FullData,
}

impl Candidate {
    fn kind(&self) -> RowKind {
        match self {
            Self::RandomReal => RowKind::Random,
            Self::Set(part, ..) => RowKind::Distilled(*part),
            Self::FullData => RowKind::Full,
        }
    }
}

/// The row of a measurement that nobody keeps.
fn row(kind: RowKind, result: Evaluation, conditions: Conditions) -> EvaluationRow {
    let Evaluation { name, arch, protocol, images, epochs, lr, accuracies, summary, seconds, scores } =
        result;
    EvaluationRow {
        kind,
        name,
        arch: arch.to_string(),
        protocol,
        images,
        epochs,
        lr,
        accuracies,
        summary,
        seconds,
        key: String::new(),
        set: None,
        conditions: Some(conditions),
        scores,
    }
}

/// One row of a run's table.
struct Job<'a> {
    name: String,
    net: &'a Network,
    candidate: &'a Candidate,
    key: String,
}

/// All rows of a run with these networks.
fn jobs<'a>(
    students: &Students<'_>,
    networks: &'a [Network],
    candidates: &'a [Candidate],
    protocol: Option<ProtocolName>,
) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for net in networks {
        for candidate in candidates {
            let costly = matches!(candidate, Candidate::FullData) && net.arch() != Arch::ConvNet;
            if !costly {
                let name = named(&candidate.kind().to_string(), net.arch(), protocol);
                let key = key(students, net, candidate);
                jobs.push(Job { name, net, candidate, key });
            }
        }
    }
    jobs
}

/// Evaluates all sets of a run and their references with `networks`, row by row into the run folder; rows that still hold
/// are kept, those of other architectures and of other protocols too. Only one process does so at a time. `own` is the
/// protocol of the run's configuration.
pub(crate) fn evaluate_run(
    students: &Students<'_>,
    networks: &[Network],
    run: &RunPaths,
    own: ProtocolName,
    which: Which,
) -> Result<EvaluationFile, Failure> {
    let protocol = Some(students.protocol().name()).filter(|name| *name != own);
    let _lock = FolderLock::take(run.folder(), "evaluation")?;
    let before = kept::load(&run.evaluation())?.rows;
    let paper = students.session.config.paper.as_ref().map(PaperFigure::from);
    let mut file = EvaluationFile { protocol: own.as_str().to_owned(), rows: Vec::new(), paper };
    let mut rows: Vec<EvaluationRow> = Vec::new();
    let now = students.protocol().name();
    let candidates = candidates(run, which)?;
    for candidate in &candidates {
        if let Candidate::Set(_, set, _) = candidate {
            students.set(set)?;
        }
    }
    let all: Vec<Network> = Arch::ALL.into_iter().filter_map(|arch| students.network(arch).ok()).collect();
    let jobs = jobs(students, &all, &candidates, protocol);
    for Job { name, net, candidate, key } in &jobs {
        // The last set may be the best one too: equal sets have equal results.
        let known = rows.iter().chain(&before).find(|row| row.key == *key);
        let conditions = conditions(students, net);
        let found = match known {
            Some(known) => EvaluationRow {
                protocol: students.protocol().described(),
                conditions: Some(conditions),
                ..known.clone()
            },
            None if networks.contains(net) => {
                row(candidate.kind(), measured_row(students, net, name, candidate)?, conditions)
            }
            None => continue,
        };
        let (kind, name, key) = (candidate.kind(), name.clone(), key.clone());
        rows.push(EvaluationRow { kind, name, key, set: measured(candidate), ..found });
        // Rows that are still to come may hold, too: an interruption must not lose them.
        let waiting = before.iter().filter(|old| {
            jobs.iter().any(|job| job.key == old.key) && rows.iter().all(|row| row.key != old.key)
        });
        let so_far: Vec<EvaluationRow> = rows.iter().chain(waiting).cloned().collect();
        file.rows = kept::with_others(&so_far, &before, now);
        kept::save(&file, run)?;
    }
    file.rows = kept::with_others(&rows, &before, now);
    kept::save(&file, run)?;
    Ok(file)
}

fn measured_row(
    students: &Students<'_>,
    net: &Network,
    name: &str,
    candidate: &Candidate,
) -> Result<Evaluation, Failure> {
    match candidate {
        Candidate::RandomReal => {
            let ipc = students.session.config.distill.ipc;
            measure(students, net, name, Subject::RandomReal { ipc })
        }
        Candidate::Set(_, set, _) => measure(students, net, name, Subject::Synthetic(&*students.set(set)?)),
        Candidate::FullData => measure(students, net, name, Subject::FullData),
    }
}

fn candidates(run: &RunPaths, which: Which) -> Result<Vec<Candidate>, Failure> {
    let files = Files::of(run);
    let mut found = vec![Candidate::RandomReal];
    for part in Part::ALL {
        let file = match part {
            Part::Last => &files.last,
            Part::Best => &files.best,
            Part::Ema => &files.ema,
        };
        if file.is_file() {
            // Before it is read: if a run replaces it meanwhile, its row is out of date, not wrong.
            let measured = MeasuredSet { part: part.as_str().to_owned(), digest: set_digest(file)? };
            found.push(Candidate::Set(part, Box::new(SyntheticSet::load(file)?), measured));
        }
    }
    if found.len() == 1 {
        return Err(Failure::new(
            format_args!("{} holds no synthetic set yet", run.folder().display()),
            "let the run go on with `distil run --resume`",
        ));
    }
    found.push(Candidate::FullData);
    if which == Which::Best {
        found.retain(|candidate| candidate.kind() == RowKind::Distilled(Part::Best));
    }
    Ok(found)
}

fn measured(candidate: &Candidate) -> Option<MeasuredSet> {
    match candidate {
        Candidate::Set(.., measured) => Some(measured.clone()),
        Candidate::RandomReal | Candidate::FullData => None,
    }
}

fn measure(
    students: &Students<'_>,
    net: &Network,
    name: &str,
    subject: Subject<'_>,
) -> Result<Evaluation, Failure> {
    let mut bar = students.session.console.progress(format_args!("evaluate {name}"), 0, "epochs");
    let mut report = |progress: distil_eval::Progress| -> ControlFlow<()> {
        let distil_eval::Progress { student, students: count, epoch, epochs } = progress;
        bar.set_total((count * epochs) as u64);
        bar.at((student * epochs + epoch) as u64, format_args!("student {}/{count}", student + 1));
        interrupt::flow()
    };
    students.evaluator(net).evaluate(name, subject, &mut report).map_err(|error| match error {
        EvaluateError::Student(StudentError::Stopped) => {
            Failure::interrupted("rows that were complete are kept; run the same command again to continue")
        }
        error => error.into(),
    })
}
