//! Any row in minutes: the same method on the same classes, with everything made small.

use std::path::Path;

use distil_data::{DatasetKind, DatasetName, DatasetSpec};
use distil_match::{MethodRow, Small, methods};
use toml::{Table, Value};

use super::{Resolved, StandIn};
use crate::config::merge;

/// Epochs of an expert; published ones have 100.
const EPOCHS: usize = 6;
const PUBLISHED_EPOCHS: usize = 100;
const ITERATIONS: u64 = 12;
const SYN_STEPS: usize = 4;
/// The most images a class that are distilled.
const IPC: usize = 2;
/// Real images of a batch, where a method is made small by them.
const REAL: usize = 32;
/// Training images of a class, validation images of a class.
pub(super) const TRAIN: usize = 24;
pub(super) const VALIDATION: usize = 4;
/// Iterations between maps, validations and checkpoints.
const EVERY: u64 = 6;

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
        put(experts, &[("experts", 2), ("epochs", EPOCHS as i64), ("batch", 32)]);
        let needs_experts = distill(&mut config, classes);
        let students =
            [("seeds", 1), ("validation_seeds", 1), ("epochs", 30), ("full_epochs", 2), ("batch", 64)];
        put(section(&mut config, "eval"), &students);
        let said = said(&name, side, stand_in.is_some(), needs_experts);
        let run = format!("{REDUCED}{}", row.run);
        Self { resolved: row.renamed(run, config, "reduced by --scale smoke"), stand_in, said }
    }
}

fn said(name: &str, side: usize, generated: bool, needs_experts: bool) -> String {
    let images = if generated {
        format!("GENERATED images in place of {name}")
    } else {
        format!("few images of {name}")
    };
    let steps = if needs_experts {
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

fn data(data: &mut Table, spec: Option<&DatasetSpec>, side: usize, classes: usize) {
    data.remove("clutter");
    put(data, &[("resolution", side as i64), ("train_limit", (TRAIN * classes) as i64)]);
    put(data, &[("validation", (VALIDATION * classes) as i64)]);
    if spec.is_some_and(|spec| spec.kind() == DatasetKind::ImageFiles) {
        data.insert("counts".to_owned(), Value::String("any".to_owned()));
    }
}

/// Makes the method small; whether it needs experts.
fn distill(config: &mut Table, classes: usize) -> bool {
    let named = config.get("method").and_then(Value::as_str).and_then(distil_match::method);
    let row: &MethodRow = named.unwrap_or_else(|| methods()[0]);
    let mut settings = Table::try_from((row.preset)()).expect("a method is plain TOML");
    merge(&mut settings, section(config, "distill"));
    let method = row.read(settings).expect("rows are tested to be configurations");
    let full = method.ipc.each().unwrap_or(IPC);
    let small = Small {
        expert_epochs: [EPOCHS, PUBLISHED_EPOCHS],
        ipc: [full.min(IPC), full],
        classes,
        iterations: ITERATIONS,
        every: EVERY,
        syn_steps: SYN_STEPS,
        batch_real: REAL,
    };
    let reduced = method.reduced(&small);
    *section(config, "distill") = Table::try_from(&reduced).expect("a method is plain TOML");
    reduced.needs_experts()
}
