//! `distil rank-score`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil::config::Config;
use distil::sets::config_file;
use distil::{Durations, RankSettings, SetSource, Students};
use distil_eval::{ArmResult, RankScores};
use distil_store::{RunPaths, atomic, seal};

use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct RankScoreArgs {
    /// A synthetic set (.safetensors), or a run folder for the set chosen on validation images
    #[arg(value_name = "SYN", value_hint = ValueHint::AnyPath)]
    subject: PathBuf,
    /// The configuration [default: the one of the run that made the set]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a key of the configuration over protocol dd-ranking, as in `eval.epochs=300`; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Teacher whose outputs stand for the set's kind of labels [default: the labels stored in the set]
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    teacher: Option<PathBuf>,
    /// Step sizes to try; each training uses the best on validation images
    #[arg(long, value_name = "LR,…", value_delimiter = ',', value_parser = step_size, default_value = "0.001,0.005,0.01,0.05,0.1")]
    grid: Vec<f64>,
    /// w: the weight of improvement over random images against hard-label recovery
    #[arg(long, value_name = "W", default_value_t = 0.5, value_parser = share)]
    weight: f64,
    /// γ: the weight of training with augmentation against training without; no default is published
    #[arg(long, value_name = "GAMMA", default_value_t = 0.5, value_parser = share)]
    gamma: f64,
    /// Number of networks of each training
    #[arg(long, value_name = "N")]
    seeds: Option<usize>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
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
    let file = config_file(args.config.as_deref(), &args.subject)?;
    let mut sets = vec!["eval.protocol=dd-ranking".to_owned()];
    sets.extend(args.set.iter().cloned());
    sets.extend(args.seeds.map(|seeds| format!("eval.seeds={seeds}")));
    let config = Config::load(&file, &sets)?;
    let set = SetSource::open(&args.subject, None)?.set;
    // Four arms on the set's size and two on all data, each with every step size and then for every seed.
    let runs = |times: &Durations| (args.grid.len() + times.seeds) as f64;
    context.announce(&config, |times| runs(times) * (4.0 * times.student + 2.0 * times.full_student))?;
    let session = context.session(config, None)?;
    let students = Students::taught_by(&session, &session.config().eval, args.teacher.as_deref())?;
    let settings = RankSettings { grid: &args.grid, weight: args.weight, gamma: args.gamma };
    let scores = students.rank(&set, settings)?;
    if args.subject.is_dir() {
        let run = RunPaths::new(&args.subject);
        atomic::write(run.folder().join("ranking.json"), seal::json(&scores))?;
    }
    context.console.result(described(&scores, args))
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
