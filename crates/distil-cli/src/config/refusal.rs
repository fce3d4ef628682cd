//! Errors of a configuration: where, which key, and what would do.

use toml::{Table, Value};

use super::Config;
use super::layers::{Layers, lookup, paths};
use crate::failure::Failure;

/// Keys that exist though no preset sets them.
const OPTIONAL: [&str; 33] = [
    "expert.store",
    "expert.gsam.rho",
    "expert.gsam.alpha",
    "distill.batch_syn",
    "distill.weights",
    "distill.window.initial_max",
    "distill.dropout.ratio",
    "distill.dropout.granularity",
    "distill.dropout.criterion",
    "distill.enhancement.beta",
    "distill.enhancement.threshold",
    "distill.enhancement.refresh_every",
    "distill.enhancement.apply",
    "distill.enhancement.cam",
    "distill.enhancement.layer",
    "distill.enhancement.model",
    "distill.enhancement.classes",
    "distill.enhancement.class_indices",
    "distill.window.expand_until",
    "distill.outer_loop",
    "distill.inner_loop",
    "model.depth",
    "eval.synthetic_lr",
    "eval.depth",
    "eval.resized_crop",
    "eval.shuffle_patches",
    "eval.teacher",
    "eval.distillation.temperature",
    "eval.distillation.mix",
    "eval.distillation.mix_alpha",
    "paper.accuracy",
    "paper.source",
    "paper.note",
];
/// The section whose keys depend on the method; serde reads them in one piece and does not say which is wrong.
const OBJECTIVE: &str = "distill";
/// How alike two names are before one is taken for a slip of the other.
const ALIKE: f64 = 0.7;

/// A value that the configuration cannot be made of.
pub(super) fn of_value(
    layers: &Layers,
    base: &Table,
    error: &serde_path_to_error::Error<toml::de::Error>,
) -> Failure {
    let message = error.inner().message();
    let path = match error.path().to_string() {
        section if section == OBJECTIVE => at_fault(layers, base, message).unwrap_or(section),
        path => path,
    };
    match message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((key, rest)) => unknown(layers, base, &full_path(&path, key), rest),
        None => of_key(layers, base, path.trim_start_matches('.'), message),
    }
}

/// The key behind an error somewhere in [`OBJECTIVE`]: the one without which the error would be another, or none.
fn at_fault(layers: &Layers, base: &Table, message: &str) -> Option<String> {
    let written = layers.leaves().into_iter().filter(|path| path.starts_with(OBJECTIVE));
    written.rev().find(|path| {
        let without = Value::Table(layers.without(path).over(base.clone()));
        without.try_into::<Config>().err().is_none_or(|error| error.message() != message)
    })
}

/// Paths of unknown keys end with the key, except inside enums.
fn full_path(path: &str, key: &str) -> String {
    let section = path.strip_suffix(key).unwrap_or(path).trim_end_matches('.');
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn unknown(layers: &Layers, base: &Table, path: &str, expected: &str) -> Failure {
    let section = path.rsplit_once('.').map_or("", |(section, _)| section);
    let siblings: Vec<String> = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") })
        .collect();
    let help = match suggestion(path, &siblings, base) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("known keys there: {}", siblings.join(", ")),
    };
    Failure::new(format_args!("{}: unknown key `{path}`", origin(layers, path)), help)
}

/// The nearest key of the same section, or the same key of another one.
fn suggestion(path: &str, siblings: &[String], base: &Table) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let key = last(path);
    let nearest = |known: &[String]| {
        let scored =
            known.iter().map(|known| (strsim::normalized_damerau_levenshtein(&key, &last(known)), known));
        scored
            .filter(|(score, _)| *score >= ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known.clone())
    };
    let anywhere: Vec<String> =
        paths(base).into_iter().chain(OPTIONAL.map(str::to_owned)).filter(|known| known != path).collect();
    nearest(siblings).or_else(|| nearest(&anywhere))
}

/// A known key with an impossible value, or a key that is missing.
pub(super) fn of_key(layers: &Layers, base: &Table, path: &str, message: &str) -> Failure {
    let message = message
        .replace("invalid type: ", "")
        .replace("invalid value: ", "")
        .replace("usize", "a whole number ≥ 0");
    let help = if message.starts_with("missing field") {
        format!("add it to the section [{path}]")
    } else {
        match lookup(base, path) {
            Some(Value::Table(_)) | None => "see the configurations in configs/ for examples".to_owned(),
            Some(value) => format!("for example {path} = {value}"),
        }
    };
    Failure::new(format_args!("{}: {path}: {message}", origin(layers, path)), help)
}

/// Where a key, or the section that should hold it, was written.
fn origin(layers: &Layers, path: &str) -> String {
    let mut path = path;
    loop {
        if let Some(origin) = layers.origin(path) {
            return origin;
        }
        match path.rsplit_once('.') {
            Some((section, _)) => path = section,
            None => return "the configuration".to_owned(),
        }
    }
}
