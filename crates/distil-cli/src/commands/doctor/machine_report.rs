//! What this machine and this build have.

use std::num::NonZeroUsize;

use crate::commands::bench::BURN;
use crate::device::{DeviceChoice, Listed, listed};
use crate::machine;

/// A table of versions, CPU, memory and devices.
pub(super) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let features = machine::cpu_features();
    let features = if features.is_empty() { "no known vector units".to_owned() } else { features.join(" ") };
    let memory = machine::memory_mib().map_or_else(
        || "unknown".to_owned(),
        |(total, available)| format!("{:.1} GiB, {:.1} GiB available", total / 1024.0, available / 1024.0),
    );
    let mut rows = vec![
        ("distil".to_owned(), format!("{}, Burn {BURN}", env!("CARGO_PKG_VERSION"))),
        ("CPU".to_owned(), format!("{}, {cores} cores, {features}", machine::cpu_name())),
        ("threads".to_owned(), rayon::current_num_threads().to_string()),
        ("memory".to_owned(), memory),
    ];
    for kind in listed() {
        rows.extend(devices(kind));
    }
    let lines: Vec<String> = rows.iter().map(|(what, value)| format!("| {what} | {value} |")).collect();
    format!("| | |\n|---|---|\n{}", lines.join("\n"))
}

fn devices((kind, found): (&'static str, Listed)) -> Vec<(String, String)> {
    match found {
        Listed::NotBuilt => {
            vec![(kind.to_owned(), format!("not in this build (cargo feature `{}`)", feature(kind)))]
        }
        Listed::Found(names) if names.is_empty() => vec![(kind.to_owned(), "no device found".to_owned())],
        Listed::Found(names) => {
            let name = |(index, name): (usize, String)| (choice(kind, index), name);
            names.into_iter().enumerate().map(name).collect()
        }
    }
}

/// How `--device` names it.
fn choice(kind: &str, index: usize) -> String {
    let choice = match kind {
        "cuda" => DeviceChoice::Cuda(index),
        "wgpu" => DeviceChoice::Wgpu(index),
        _ => DeviceChoice::Cpu,
    };
    format!("--device {choice}")
}

fn feature(kind: &str) -> &str {
    if kind == "cpu" { "flex" } else { kind }
}
