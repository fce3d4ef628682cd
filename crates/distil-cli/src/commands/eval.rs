//! `distil eval`.

use std::path::{Path, PathBuf};

use distil::config::Config;
use distil::sets::config_file;
use distil::{Students, Which};
use distil_report::results_table_markdown;
use distil_store::{EvaluationFile, RunPaths, SyntheticSet};

use crate::args::EvalArgs;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn eval(args: &EvalArgs, context: Context<'_>) -> Result<(), Failure> {
    let subject = &args.subject;
    if !subject.exists() {
        let help = "give a synthetic set (.safetensors) or a run folder";
        return Err(Failure::new(format_args!("{} does not exist", subject.display()), help));
    }
    let config = Config::load(&config_file(args.config.as_deref(), subject)?, &sets(args))?;
    let set = if subject.is_dir() { None } else { Some(SyntheticSet::load(subject)?) };
    let archs = args.arch.len().max(1) as f64;
    context.announce(&config, |times| match &set {
        Some(_) => archs * times.seeds as f64 * times.student,
        None => archs * times.evaluation(),
    })?;
    let session = context.session(config, None)?;
    let students = Students::of(&session)?;
    let networks = students.networks(&args.arch)?;
    let file = if let Some(set) = set {
        let name = name_of(subject);
        let rows = networks.iter().map(|net| students.evaluate(net, &name, &set));
        EvaluationFile { rows: rows.collect::<Result<_, _>>()?, ..EvaluationFile::default() }
    } else {
        let run = RunPaths::new(subject);
        let own = Config::load(&run.config(), &[])?;
        students.evaluate_run(&networks, &run, &own, Which::All)?
    };
    context.console.result(results_table_markdown(&file).trim_end())
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

fn name_of(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
