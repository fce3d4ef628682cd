//! How time and memory grow with the sizes of the problem.

use clap::{Args, ValueEnum};

use super::comparison::{Comparison, PeerArgs, Rounds, Summary, Turns};
use super::setting::{Mode, Setting, count};
use super::statistics::exponent;
use super::table;
use crate::cli::Global;
use crate::console::Console;
use crate::failure::Failure;

/// What to vary while the rest stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Axis {
    /// Inner steps N
    Steps,
    /// Images of an inner step, with a fixed set
    Batch,
    /// Channels of the network
    Width,
    /// Height and width of the images
    Resolution,
    /// Images per class, with a fixed batch
    Ipc,
}

#[derive(Debug, Args)]
pub(crate) struct GrowthArgs {
    /// What to vary
    #[arg(long, value_enum, value_delimiter = ',', value_name = "AXIS,…",
        default_values = ["steps", "batch", "width", "resolution", "ipc"])]
    axes: Vec<Axis>,
    /// What is timed
    #[arg(long, value_enum, default_value = "exact")]
    mode: Mode,
    /// Channels of every convolution, unless varied
    #[arg(long, default_value_t = 32, value_parser = count, value_name = "N")]
    width: usize,
    /// Height and width of the images, unless varied
    #[arg(long, default_value_t = 32, value_parser = count, value_name = "N")]
    resolution: usize,
    /// Inner steps, unless varied
    #[arg(long, default_value_t = 10, value_parser = count, value_name = "N")]
    steps: usize,
    /// Images processed at a time on each thread, 0 for the presets' value
    #[arg(long, default_value_t = 0, value_name = "N")]
    micro_batch: usize,
    /// Timed repetitions in each process
    #[arg(long, default_value_t = 3, value_parser = count, value_name = "N")]
    repeats: usize,
    #[command(flatten)]
    peer: PeerArgs,
}

impl Axis {
    fn title(self) -> &'static str {
        match self {
            Self::Steps => "N, inner steps",
            Self::Batch => "images of a step",
            Self::Width => "width",
            Self::Resolution => "resolution",
            Self::Ipc => "images per class",
        }
    }

    fn sizes(self) -> &'static [usize] {
        match self {
            Self::Steps | Self::Batch => &[5, 10, 20, 40],
            Self::Width => &[16, 32, 64, 128],
            Self::Resolution => &[16, 32, 64],
            Self::Ipc => &[1, 2, 4, 8],
        }
    }

    /// The setting at one size.
    fn at(self, size: usize, base: &Setting) -> Setting {
        let base = base.clone();
        match self {
            Self::Steps => Setting { steps: size, ..base },
            Self::Batch => Setting { images: 40, batch_syn: size, batch: size, ..base },
            Self::Width => Setting { width: size, ..base },
            Self::Resolution => Setting { resolution: size, ..base },
            Self::Ipc => {
                let images = size * base.classes;
                Setting { images, batch_syn: base.classes, batch: base.classes, ..base }
            }
        }
    }
}

pub(super) fn growth(args: &GrowthArgs, global: &Global, console: &Console) -> Result<(), Failure> {
    let base = Setting {
        mode: args.mode,
        width: args.width,
        resolution: args.resolution,
        steps: args.steps,
        micro_batch: args.micro_batch,
        repeats: args.repeats,
        ..Setting::default()
    };
    let comparison = Comparison::new(&args.peer, 1, global)?;
    let sizes: usize = args.axes.iter().map(|axis| axis.sizes().len()).sum();
    let total = sizes as u64 * comparison.processes(&base);
    let mut turns = Turns { console, task: "growth", total, done: 0 };
    for &axis in &args.axes {
        let mut measured = Vec::new();
        for &size in axis.sizes() {
            let setting = axis.at(size, &base);
            measured.push((setting.clone(), comparison.hold(&setting, &mut turns)?));
        }
        console.result(described(axis, &measured))?;
    }
    Ok(())
}

/// A table of one axis, with the fitted exponents in its last row.
fn described(axis: Axis, measured: &[(Setting, Rounds)]) -> String {
    let compared = measured.iter().any(|(_, rounds)| rounds.peer().is_some());
    let titles = ["distil, s", "distil, MiB", "peer, s", "peer, MiB"];
    let titles = &titles[..if compared { 4 } else { 2 }];
    let first = &measured[0].0;
    let mut lines = vec![
        format!("\n{}, depth {}; {} grows:\n", first.mode.name(), first.depth, axis.title()),
        format!("| {} | {} |", axis.title(), titles.join(" | ")),
        format!("|---:|{}", "---:|".repeat(titles.len())),
    ];
    let rows: Vec<Vec<Option<f64>>> = measured.iter().map(|(_, rounds)| medians(rounds)).collect();
    for (row, size) in rows.iter().zip(axis.sizes()) {
        let cells: Vec<String> = row.iter().map(|&value| table::optional(value)).collect();
        lines.push(format!("| {size} | {} |", cells.join(" | ")));
    }
    let exponents = (0..titles.len()).map(|column| {
        let point = |(row, &size): (&Vec<Option<f64>>, &usize)| Some((size as f64, row[column]?));
        let points: Option<Vec<_>> = rows.iter().zip(axis.sizes()).map(point).collect();
        points.and_then(|points| exponent(&points)).map_or_else(|| "–".to_owned(), |p| format!("{p:.2}"))
    });
    lines.push(format!("| exponent | {} |", exponents.collect::<Vec<_>>().join(" | ")));
    lines.extend(table::noise(measured));
    lines.join("\n")
}

/// Seconds and peak memory of distil, then of the peer.
fn medians(rounds: &Rounds) -> Vec<Option<f64>> {
    let of = |summary: Summary| [Some(summary.seconds.median), summary.peak_mib.map(|peak| peak.median)];
    std::iter::once(rounds.distil()).chain(rounds.peer()).flat_map(of).collect()
}
