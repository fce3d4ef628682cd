//! Any row in minutes: the same method on the same classes, with everything made small.

use std::path::Path;

use distil_data::{DatasetKind, DatasetName, DatasetSpec};
use distil_match::{EffectAlignment, Method, TrajectoryMatching};
use toml::{Table, Value};

use super::{Resolved, StandIn};

/// Epochs of an expert; published ones have 100.
const EPOCHS: i64 = 6;
const PUBLISHED_EPOCHS: i64 = 100;
const ITERATIONS: i64 = 12;
const SYN_STEPS: i64 = 4;
/// The most images a class that are distilled.
const IPC: i64 = 2;
/// Real images of each batch of effect alignment.
const REAL: i64 = 32;
/// Training images of a class, validation images of a class.
pub(super) const TRAIN: usize = 24;
pub(super) const VALIDATION: usize = 4;
/// Iterations between maps, validations and checkpoints.
const EVERY: i64 = 6;

/// What the names of reduced runs begin with.
pub const REDUCED: &str = "smoke-REDUCED-";

/// A row made small.
#[derive(Debug)]
pub struct Reduction {
    /// Its configuration; the name of the run says that it is reduced.
    pub resolved: Resolved,
    /// Generated images in place of a dataset that is not there.
    pub stand_in: Option<StandIn>,
    /// What was made small, in one sentence.
    pub said: String,
}

impl Reduction {
    /// Shrinks a row. `there` tells whether its data are; images are generated below `scratch` where they are not.
    pub fn of(row: Resolved, there: bool, scratch: &Path) -> Self {
        let name = row.get("data.name").and_then(Value::as_str).unwrap_or("clutter-easy").to_owned();
        let need = name.parse().ok().map(DatasetName::spec).filter(|spec| spec.places().is_some());
        let side =
            if need.and_then(|spec| spec.shape).is_some_and(|shape| shape.height > 32) { 32 } else { 16 };
        let mut config = row.config.clone();
        let classes = need.and_then(|spec| spec.classes).unwrap_or(10);
        data(section(&mut config, "data"), need, side, classes);
        let stand_in = need.filter(|_| !there).map(|spec| StandIn::new(spec, side, scratch));
        if let Some(stand_in) = &stand_in {
            stand_in.replace(section(&mut config, "data"));
        }
        put(section(&mut config, "model"), &[("width", 8), ("depth", if side == 16 { 2 } else { 3 })]);
        let experts = section(&mut config, "expert");
        put(experts, &[("experts", 2), ("epochs", EPOCHS), ("batch", 32)]);
        let preset = preset(&config);
        let follows = preset.objective.get::<TrajectoryMatching>().is_some();
        let aligns = preset.objective.get::<EffectAlignment>().is_some();
        distill(section(&mut config, "distill"), classes as i64);
        if aligns {
            align(section(&mut config, "distill"));
        }
        if follows {
            follow(section(&mut config, "distill"));
        }
        let students =
            [("seeds", 1), ("validation_seeds", 1), ("epochs", 30), ("full_epochs", 2), ("batch", 64)];
        put(section(&mut config, "eval"), &students);
        let said = said(&name, side, stand_in.is_some(), follows);
        let run = format!("{REDUCED}{}", row.run);
        Self { resolved: row.renamed(run, config, "reduced by --scale smoke"), stand_in, said }
    }
}

/// The published settings of the row's method.
fn preset(config: &Table) -> Method {
    let name = config.get("method").and_then(Value::as_str).unwrap_or("mtt");
    distil_match::method(name).map_or_else(Method::mtt, |row| (row.preset)())
}

fn said(name: &str, side: usize, generated: bool, follows: bool) -> String {
    let images = if generated {
        format!("GENERATED images in place of {name}")
    } else {
        format!("few images of {name}")
    };
    let steps = if follows {
        format!(
            "2 experts of {EPOCHS} epochs, begun from any real images, {ITERATIONS} iterations of {SYN_STEPS} steps"
        )
    } else {
        format!("{ITERATIONS} iterations")
    };
    format!("{images}, {side}×{side} pixels, width 8, at most {IPC} images a class, {steps}, one seed")
}

fn section<'a>(table: &'a mut Table, key: &str) -> &'a mut Table {
    let value = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
    if !value.is_table() {
        *value = Value::Table(Table::new());
    }
    value.as_table_mut().expect("it was just made one")
}

fn put(table: &mut Table, values: &[(&str, i64)]) {
    for (key, value) in values {
        table.insert((*key).to_owned(), Value::Integer(*value));
    }
}

fn whole(table: &Table, key: &str) -> Option<i64> {
    table.get(key).and_then(Value::as_integer)
}

fn data(data: &mut Table, spec: Option<&DatasetSpec>, side: usize, classes: usize) {
    data.remove("clutter");
    put(data, &[("resolution", side as i64), ("train_limit", (TRAIN * classes) as i64)]);
    put(data, &[("validation", (VALIDATION * classes) as i64)]);
    if spec.is_some_and(|spec| spec.kind() == DatasetKind::ImageFiles) {
        data.insert("counts".to_owned(), Value::String("any".to_owned()));
    }
}

fn distill(distill: &mut Table, classes: i64) {
    let ipc = whole(distill, "ipc").unwrap_or(1);
    let small = ipc.min(IPC);
    if let Some(batch) = whole(distill, "batch_syn") {
        // The same share of the set.
        put(distill, &[("batch_syn", (batch * small / ipc).clamp(1, small * classes))]);
    }
    put(distill, &[("ipc", small), ("iterations", ITERATIONS)]);
    put(distill, &[("validate_every", EVERY), ("checkpoint_every", EVERY)]);
}

/// What only trajectory matching has.
fn follow(distill: &mut Table) {
    let ahead = whole(distill, "expert_epochs").unwrap_or(2).min(2);
    put(distill, &[("syn_steps", SYN_STEPS), ("expert_epochs", ahead)]);
    window(section(distill, "window"), EPOCHS - ahead + 1);
    if let Some(Value::Table(maps)) = distill.get_mut("enhancement")
        && let Some(every) = whole(maps, "refresh_every")
    {
        put(maps, &[("refresh_every", every.min(EVERY))]);
    }
    // Experts of a few epochs classify too few images correctly.
    distill.insert("init".to_owned(), Value::String("real".to_owned()));
}

/// What only effect alignment has.
fn align(distill: &mut Table) {
    put(distill, &[("checkpoints", 1), ("batch_probe", REAL), ("batch_real", REAL)]);
    distill.remove("weights");
    window(section(distill, "window"), EPOCHS + 1);
}

/// The window in the same part of a shorter expert; `most` is the largest bound that it has room for.
fn window(window: &mut Table, most: i64) {
    let scaled = |epoch: i64| epoch * EPOCHS / PUBLISHED_EPOCHS;
    let max = scaled(whole(window, "max").unwrap_or(PUBLISHED_EPOCHS)).clamp(1, most);
    let min = scaled(whole(window, "min").unwrap_or(0)).clamp(0, max - 1);
    let initial = whole(window, "initial_max").map_or(max, scaled).clamp(min + 1, max);
    put(window, &[("min", min), ("max", max), ("initial_max", initial), ("expand_until", ITERATIONS / 2)]);
}
