//! `distil rows`: the published rows, and what each needs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use distil::config::{Config, Layer};
use distil::plan::Part;
use distil::rows::{Resolved, Row, Rows};
use distil::{Plan, size};
use distil_data::{DatasetName, data_dirs, locate};
use distil_report::text_table;

use crate::context::Context;
use crate::failure::Failure;
use distil::duration;

const HEADER: [&str; 7] = ["row", "method", "ipc", "paper %", "data", "there", "settings of"];
const PLANNED: [&str; 4] = ["peak memory", "of that mapped", "images an iteration", "time here"];

#[derive(Debug, Args)]
pub(crate) struct RowsArgs {
    /// Only rows whose name, title or data contain this
    #[arg(default_value = "", hide_default_value = true)]
    filter: String,
    /// Add planned memory (seconds for all rows), or time as well (half a minute for each size of run)
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "memory")]
    plan: Option<HowMuch>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// How much is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum HowMuch {
    Memory,
    Time,
}

/// Prints the rows that have the filter in their name, title or data.
pub(crate) fn rows(args: &RowsArgs, context: Context<'_>) -> Result<(), Failure> {
    let rows = Rows::embedded()?;
    let mut header = HEADER.map(str::to_owned).to_vec();
    if args.plan.is_some() {
        header.extend(PLANNED.map(str::to_owned));
    }
    let mut lines = vec![header];
    // Rows of one size take the same time.
    let mut times = BTreeMap::new();
    for row in rows.iter() {
        let resolved = rows.resolve(row)?;
        let mut cells = cells(row, &resolved, args.data_dir.as_deref());
        if [&row.name, &row.title, &cells[4]].iter().any(|text| text.contains(&args.filter)) {
            if let Some(plan) = args.plan {
                cells.extend(planned(&resolved, plan, &mut times, context)?);
            }
            lines.push(cells);
        }
    }
    if lines.len() == 1 {
        let message = format!("no row has {:?} in its name, title or data", args.filter);
        return Err(Failure::new(message, "`distil rows` prints all"));
    }
    let folders: Vec<String> =
        data_dirs(args.data_dir.as_deref()).iter().map(|folder| folder.display().to_string()).collect();
    let mut text = text_table(&lines);
    let _ = write!(
        text,
        "\n{} rows. `there`: whether the data are in {}.",
        lines.len() - 1,
        folders.join(" or ")
    );
    context.console.result(text)
}

fn cells(row: &Row, resolved: &Resolved, data_dir: Option<&Path>) -> Vec<String> {
    let value = |key: &str, otherwise: &str| {
        resolved.get(key).map_or_else(
            || otherwise.to_owned(),
            |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        )
    };
    let data = value("data.name", "clutter-easy");
    let paper = row.figure(&resolved.config).map(|figure| figure.to_string());
    vec![
        row.name.clone(),
        value("method", "mtt"),
        value("distill.ipc", "1"),
        paper.unwrap_or_else(|| "–".to_owned()),
        data.clone(),
        there(&data, data_dir).to_owned(),
        resolved.same_as.clone().unwrap_or_default(),
    ]
}

/// Whether the data of a row are there.
fn there(data: &str, data_dir: Option<&Path>) -> &'static str {
    match data.parse::<DatasetName>() {
        Ok(name) if name.spec().places().is_none() => "built in",
        Ok(name) if locate(name, data_dir).is_ok() => "yes",
        _ => "no",
    }
}

/// The cells of [`PLANNED`].
fn planned(
    resolved: &Resolved,
    plan: HowMuch,
    times: &mut BTreeMap<String, String>,
    context: Context<'_>,
) -> Result<Vec<String>, Failure> {
    let layer = Layer::from_text(&resolved.to_toml(), Path::new(&resolved.run))?;
    let config = Config::resolve(vec![layer], &resolved.run)?;
    let device = context.device.open()?;
    let Some(found) = Plan::of(&config, context.data_dir, &device)? else {
        return Ok(vec!["–".to_owned(); PLANNED.len()]);
    };
    let (job, iterations) = (found.job(), config.distill.iterations);
    let memory = job.memory();
    let cost = config.distill.objective.cost(job.images() as usize, found.net().classes());
    let seen = job.batch() * cost.syn_steps as u128;
    let time = match plan {
        HowMuch::Memory => "–".to_owned(),
        // What decides how long an iteration takes.
        HowMuch::Time => {
            match times.entry(format!("{cost:?} {:?} {iterations} {:?}", found.net(), config.eval)) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(unknown) => unknown.insert(duration(found.times().total(iterations))).clone(),
            }
        }
    };
    let images = if seen == 0 { "–".to_owned() } else { seen.to_string() };
    Ok(vec![size(memory.total()), size(memory.of(Part::Experts)), images, time])
}
