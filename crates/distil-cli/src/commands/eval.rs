//! `distil eval`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use distil_eval::{EvaluateError, Evaluation, Evaluator, StudentError, Subject};
use distil_match::Files;
use distil_models::{Arch, Network, NetworkConfig};
use distil_report::{
    Conditions, EvaluationFile, MeasuredSet, PaperFigure, results_table_markdown, set_digest,
};
use distil_store::{RunPaths, SyntheticSet, atomic, hex};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::cli::EvalArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::interrupt;
use crate::workbench::{Surroundings, Workbench};

use super::conditions::conditions;

pub(crate) fn eval(args: &EvalArgs, around: Surroundings<'_>) -> Result<(), Failure> {
    let subject = &args.subject;
    if !subject.exists() {
        let help = "give a synthetic set (.safetensors) or a run folder";
        return Err(Failure::new(format_args!("{} does not exist", subject.display()), help));
    }
    let run = subject.is_dir().then(|| RunPaths::new(subject));
    let mut sets = args.set.clone();
    sets.extend(args.seeds.map(|seeds| format!("eval.seeds={seeds}")));
    let config = Config::load(&config_file(args, run.as_ref())?, &sets)?;
    if let Some(run) = run {
        let bench = Workbench::open(config, around)?;
        let file = evaluate_run(&bench, &networks(&bench, &args.arch)?, &run, Which::All)?;
        return bench.console.result(results_table_markdown(&file).trim_end());
    }
    let set = SyntheticSet::load(subject)?;
    let bench = Workbench::open(config, around)?;
    let networks = networks(&bench, &args.arch)?;
    evaluator(&bench, &networks[0]).accepts(&set)?;
    let mut kept = Kept::default();
    for net in &networks {
        let result = measure(&bench, net, &named(&name_of(subject), net.arch()), Subject::Synthetic(&set))?;
        let conditions = Some(conditions(&bench, net));
        kept.rows.push(Row { key: String::new(), set: None, conditions, result });
    }
    bench.console.result(results_table_markdown(&kept.readable()).trim_end())
}

/// The networks of the architectures asked for, each once: the configuration's ConvNet, and the published form of others.
///
/// # Errors
/// [`Failure`] when one does not fit the images.
pub(crate) fn networks(bench: &Workbench<'_>, archs: &[Arch]) -> Result<Vec<Network>, Failure> {
    let asked = Arch::ALL.into_iter().filter(|arch| archs.contains(arch));
    asked.map(|arch| network(bench, arch)).collect()
}

fn network(bench: &Workbench<'_>, arch: Arch) -> Result<Network, Failure> {
    let (shape, classes) = (bench.dataset.shape(), bench.dataset.classes());
    let published = NetworkConfig::published(arch);
    Ok(published.build(&bench.config.model, shape.channels, classes, shape.height, shape.width)?)
}

/// A row's name in tables: students of the experts' architecture need no remark.
fn named(name: &str, arch: Arch) -> String {
    if arch == Arch::ConvNet { name.to_owned() } else { format!("{name} ({arch})") }
}

/// The configuration that was named, or the one of the run that the set belongs to.
fn config_file(args: &EvalArgs, run: Option<&RunPaths>) -> Result<PathBuf, Failure> {
    if let Some(config) = &args.config {
        return Ok(config.clone());
    }
    if let Some(run) = run {
        run.read_config()?;
        return Ok(run.config());
    }
    let file = args.subject.canonicalize().unwrap_or_else(|_| args.subject.clone());
    let found = file.parent().and_then(Path::parent).map(|folder| RunPaths::new(folder).config());
    found.filter(|config| config.is_file()).ok_or_else(|| {
        Failure::new(
            format_args!(
                "{} is not in a run folder, so its configuration is unknown",
                args.subject.display()
            ),
            "name the configuration it was made with: --config FILE",
        )
    })
}

fn name_of(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Contents of `evaluation.json`, with the keys that tell whether a row still holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    rows: Vec<Row>,
    #[serde(default)]
    paper: Option<PaperFigure>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    /// Digest of everything the row depends on.
    #[serde(default)]
    key: String,
    /// The file of the set, by which reports know whether the row still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set: Option<MeasuredSet>,
    /// What comparisons must agree in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conditions: Option<Conditions>,
    #[serde(flatten)]
    result: Evaluation,
}

impl Kept {
    /// As the report reads it.
    fn readable(&self) -> EvaluationFile {
        let value = serde_json::to_value(self).expect("results are plain JSON");
        serde_json::from_value(value).expect("the report reads what the evaluation writes")
    }

    /// Results of an earlier, interrupted or shorter evaluation; anything else is measured anew.
    fn load(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }
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

/// All rows of a run with these networks.
fn jobs<'a>(
    bench: &Workbench<'_>,
    networks: &'a [Network],
    candidates: &'a [(&'static str, Candidate)],
) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for net in networks {
        for (name, candidate) in candidates {
            let costly = matches!(candidate, Candidate::FullData) && net.arch() != Arch::ConvNet;
            if !costly {
                let (name, key) = (named(name, net.arch()), key(bench, net, candidate));
                jobs.push(Job { name, net, candidate, key });
            }
        }
    }
    jobs
}

/// Evaluates all sets of a run and their references with `networks`, row by row into the run folder; rows that still hold
/// are kept, those of other architectures too.
pub(crate) fn evaluate_run(
    bench: &Workbench<'_>,
    networks: &[Network],
    run: &RunPaths,
    which: Which,
) -> Result<EvaluationFile, Failure> {
    let before = Kept::load(&run.evaluation());
    let paper = bench.config.paper.as_ref().map(PaperFigure::from);
    let mut kept = Kept { rows: Vec::new(), paper };
    let candidates = candidates(run, which)?;
    for (_, candidate) in &candidates {
        if let (Candidate::Set(set, _), Some(net)) = (candidate, networks.first()) {
            evaluator(bench, net).accepts(set)?;
        }
    }
    let all: Vec<Network> = Arch::ALL.into_iter().filter_map(|arch| network(bench, arch).ok()).collect();
    let jobs = jobs(bench, &all, &candidates);
    for Job { name, net, candidate, key } in &jobs {
        // The last set may be the best one too: equal sets have equal results.
        let known = kept.rows.iter().chain(&before.rows).find(|row| row.key == *key);
        let result = match known {
            Some(Row { result, .. }) => Evaluation { name: name.clone(), ..result.clone() },
            None if networks.contains(net) => measure(bench, net, name, subject(bench, candidate))?,
            None => continue,
        };
        let conditions = Some(conditions(bench, net));
        kept.rows.push(Row { key: key.clone(), set: measured(candidate), conditions, result });
        // Rows that are still to come may hold, too: an interruption must not lose them.
        let waiting = before.rows.iter().filter(|old| {
            jobs.iter().any(|job| job.key == old.key) && kept.rows.iter().all(|row| row.key != old.key)
        });
        let rows = kept.rows.iter().chain(waiting).cloned().collect();
        save(&Kept { rows, paper: kept.paper.clone() }, run)?;
    }
    save(&kept, run)?;
    Ok(kept.readable())
}

fn save(kept: &Kept, run: &RunPaths) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(kept).expect("results are plain JSON");
    Ok(atomic::write(run.evaluation(), format!("{text}\n"))?)
}

fn candidates(run: &RunPaths, which: Which) -> Result<Vec<(&'static str, Candidate)>, Failure> {
    let files = Files::of(run);
    let mut found = vec![("random real", Candidate::RandomReal)];
    for (name, part, file) in [
        ("distilled, last", "last", &files.last),
        ("distilled, best on validation", "best", &files.best),
        ("distilled, EMA", "ema", &files.ema),
    ] {
        if file.is_file() {
            // Before it is read: if a run replaces it meanwhile, its row is out of date, not wrong.
            let measured = MeasuredSet { part: part.to_owned(), digest: set_digest(file)? };
            found.push((name, Candidate::Set(Box::new(SyntheticSet::load(file)?), measured)));
        }
    }
    if found.len() == 1 {
        return Err(Failure::new(
            format_args!("{} holds no synthetic set yet", run.folder().display()),
            "let the run go on with `distil run --resume`",
        ));
    }
    found.push(("full data", Candidate::FullData));
    if which == Which::Best {
        found.retain(|(_, candidate)| matches!(candidate, Candidate::Set(_, set) if set.part == "best"));
    }
    Ok(found)
}

fn subject<'a>(bench: &Workbench<'_>, candidate: &'a Candidate) -> Subject<'a> {
    match candidate {
        Candidate::RandomReal => Subject::RandomReal { ipc: bench.config.distill.ipc },
        Candidate::Set(set, _) => Subject::Synthetic(set),
        Candidate::FullData => Subject::FullData,
    }
}

fn measured(candidate: &Candidate) -> Option<MeasuredSet> {
    match candidate {
        Candidate::Set(_, measured) => Some(measured.clone()),
        Candidate::RandomReal | Candidate::FullData => None,
    }
}

/// Changes whenever the same protocol gives other students.
const PROTOCOL_VERSION: u32 = 1;

/// Digest of everything that a row depends on.
fn key(bench: &Workbench<'_>, net: &Network, candidate: &Candidate) -> String {
    let Workbench { config, dataset, .. } = bench;
    let net = match net {
        Network::ConvNet(net) => json!(net),
        other => json!(other),
    };
    let mut hash = Sha256::new();
    let ipc = config.distill.ipc;
    let around = json!([
        PROTOCOL_VERSION,
        config.eval,
        net,
        dataset.digest,
        config.seed,
        ipc,
        env!("CARGO_PKG_VERSION")
    ]);
    hash.update(around.to_string());
    match candidate {
        Candidate::RandomReal => hash.update(b"random"),
        Candidate::FullData => hash.update(b"full"),
        Candidate::Set(set, _) => {
            hash.update(set.syn_lr.to_le_bytes());
            set.images.iter().for_each(|pixel| hash.update(pixel.to_le_bytes()));
            hash.update(format!("{:?}", set.labels));
        }
    }
    hex(&hash.finalize())
}

fn evaluator<'a>(bench: &'a Workbench<'_>, net: &'a Network) -> Evaluator<'a> {
    let Workbench { config, dataset, device, .. } = bench;
    Evaluator { net, dataset, protocol: &config.eval, seed: config.seed, device }
}

fn measure(
    bench: &Workbench<'_>,
    net: &Network,
    name: &str,
    subject: Subject<'_>,
) -> Result<Evaluation, Failure> {
    let mut bar = bench.console.progress(format_args!("evaluate {name}"), 0, "epochs");
    let mut report = |progress: distil_eval::Progress| -> ControlFlow<()> {
        let distil_eval::Progress { student, students, epoch, epochs } = progress;
        bar.set_total((students * epochs) as u64);
        bar.at((student * epochs + epoch) as u64, format_args!("student {}/{students}", student + 1));
        interrupt::flow()
    };
    evaluator(bench, net).evaluate(name, subject, &mut report).map_err(|error| match error {
        EvaluateError::Student(StudentError::Stopped) => {
            Failure::interrupted("rows that were complete are kept; run the same command again to continue")
        }
        error => error.into(),
    })
}
