//! `distil rank-score`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil_eval::{Arm, ArmResult, EvaluateError, RankScores, Ranking, RankingProgress, StudentError};
use distil_match::Files;
use distil_models::Arch;
use distil_store::{RunPaths, SyntheticSet, atomic, seal};

use super::eval::config_file;
use super::students::Students;
use crate::failure::Failure;
use crate::interrupt;
use crate::session::{Context, Session};
use distil::config::Config;

#[derive(Debug, Args)]
pub(crate) struct RankScoreArgs {
    /// A synthetic set (.safetensors), or a run folder for the set that was chosen on validation
    #[arg(value_name = "SYN", value_hint = ValueHint::AnyPath)]
    subject: PathBuf,
    /// The configuration [default: the one of the run that made the set]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a key of the configuration over protocol dd-ranking, as in `eval.epochs=300`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Whom networks learn from where the set's kind of labels is meant [default: the set's own labels]
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    teacher: Option<PathBuf>,
    /// Step sizes, of which each training takes the best on validation images
    #[arg(long, value_name = "LR,…", value_delimiter = ',', value_parser = step_size, default_value = "0.001,0.005,0.01,0.05,0.1")]
    grid: Vec<f64>,
    /// w: what improvement over random images weighs beside hard-label recovery
    #[arg(long, value_name = "W", default_value_t = 0.5, value_parser = share)]
    weight: f64,
    /// γ: what training with augmentation weighs beside training without; no default is published
    #[arg(long, value_name = "GAMMA", default_value_t = 0.5, value_parser = share)]
    gamma: f64,
    /// Number of networks of each training
    #[arg(long, value_name = "N")]
    seeds: Option<usize>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
}

impl RankScoreArgs {
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

fn step_size(text: &str) -> Result<f64, &'static str> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    value.ok_or("give positive numbers such as 0.01")
}

fn share(text: &str) -> Result<f64, &'static str> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or("give a number from 0 to 1")
}

pub(crate) fn rank_score(args: &RankScoreArgs, context: Context<'_>) -> Result<(), Failure> {
    let run = args.subject.is_dir().then(|| RunPaths::new(&args.subject));
    let file = config_file(args.config.as_deref(), &args.subject, run.as_ref())?;
    let mut sets = vec!["eval.protocol=dd-ranking".to_owned()];
    sets.extend(args.set.iter().cloned());
    sets.extend(args.seeds.map(|seeds| format!("eval.seeds={seeds}")));
    let config = Config::load(&file, &sets)?;
    let set = SyntheticSet::load(run.as_ref().map_or_else(|| args.subject.clone(), chosen))?;
    let session = Session::open(config, context)?;
    if session.dataset.validation.is_empty() {
        let help = "hold some of the training images out: --set data.validation=0.1";
        return Err(Failure::new("there are no validation images to choose step sizes on", help));
    }
    let students = Students::taught_by(&session, args.teacher.as_deref())?;
    let scores = measure(args, &students, &set)?;
    if let Some(run) = run {
        atomic::write(run.folder().join("ranking.json"), seal::json(&scores))?;
    }
    session.console.result(described(&scores, args))
}

/// The set of a run that was chosen on validation images, or the last one.
fn chosen(run: &RunPaths) -> PathBuf {
    let Files { best, last, .. } = Files::of(run);
    if best.is_file() { best } else { last }
}

fn measure(args: &RankScoreArgs, students: &Students<'_>, set: &SyntheticSet) -> Result<RankScores, Failure> {
    let Session { config, dataset, device, console, .. } = students.session;
    let net = students.network(Arch::ConvNet)?;
    let ranking = Ranking {
        net: &net,
        dataset,
        protocol: &config.eval,
        teacher: students.teacher(),
        grid: &args.grid,
        weight: args.weight,
        gamma: args.gamma,
        seed: config.seed,
        device,
    };
    let mut bar = console.progress("rank", Arm::ALL.len() as u64, "trainings");
    let mut report = |progress: RankingProgress| -> ControlFlow<()> {
        let RankingProgress { arm, lr, students } = progress;
        let done = Arm::ALL.iter().position(|each| *each == arm).unwrap_or(0);
        let epoch = format_args!("{}/{}", students.epoch, students.epochs);
        bar.at(done as u64, format_args!("{} at {lr}, epoch {epoch}", arm.as_str()));
        interrupt::flow()
    };
    ranking.scores(set, &mut report).map_err(|error| match error {
        EvaluateError::Student(StudentError::Stopped) => {
            Failure::interrupted("nothing is kept; run the same command again")
        }
        error => error.into(),
    })
}

fn described(scores: &RankScores, args: &RankScoreArgs) -> String {
    let mut lines = vec![
        "| training | step size | test accuracy % | seeds |".to_owned(),
        "|---|---:|---:|---:|".to_owned(),
    ];
    for ArmResult { arm, lr, evaluation, .. } in &scores.arms {
        let summary = evaluation.summary;
        let (mean, std) = (100.0 * summary.mean, 100.0 * summary.std);
        lines.push(format!("| {} | {lr} | {mean:.1} ± {std:.1} | {} |", arm.as_str(), summary.n));
    }
    let RankScores { label, augmentation, .. } = scores;
    let labels = if args.teacher.is_some() { "a teacher's outputs" } else { "the set's own" };
    lines.push(format!(
        "\nLabel-robust score {:.3}: hard-label recovery {:.3}, improvement over random {:.3}, α = {:.3} (w = {}).",
        label.score, label.hlr, label.ior, label.alpha, args.weight
    ));
    lines.push(format!(
        "Augmentation-robust score {:.3}: {:+.3} with and {:+.3} without augmentation, β = {:.3} (γ = {}).",
        augmentation.score, augmentation.with, augmentation.without, augmentation.beta, args.gamma
    ));
    lines.push(format!(
        "\nAccuracies enter as fractions in [0, 1], so scores lie in [0, 1]; DD-Ranking's public code takes percentage \
         points, whose scores cannot be compared with these. Labels of the set: {labels}. Step sizes were chosen from {:?} on \
         validation images, not on test; accuracies are those after the last epoch.",
        args.grid
    ));
    lines.join("\n")
}
