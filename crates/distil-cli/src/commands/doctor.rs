//! `distil doctor`: what this machine has, and whether the chosen device computes what the CPU computes.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil::config::Config;
use distil::doctor::{Doctor, Finding, Outcome};
use distil::{DeviceChoice, DeviceError, Plan, Progress, devices, machine};

use super::bench::BURN;
use crate::context::Context;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Check on the shapes of this configuration [default: 32×32 RGB images in ten classes, width 128]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Set a key of the configuration, as in `model.width=32`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// Where datasets are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Images of a batch [default: those of an inner step, at most 8]
    #[arg(long, value_name = "N")]
    images: Option<std::num::NonZeroUsize>,
}

pub(crate) fn doctor(args: &DoctorArgs, context: Context<'_>) -> Result<(), Failure> {
    let console = context.console;
    console.result(describe())?;
    let choice = context.device.resolved()?;
    let mut doctor = shapes(args, context)?;
    doctor.images = args.images.map_or(doctor.images, NonZeroUsize::get);
    let net = &doctor.net;
    let [channels, height, width] = net.image_shape();
    console.result(format_args!(
        "\n{choice} in f32 against the CPU in f64: {}, {channels}×{height}×{width}, {} classes, {} images\n",
        net.architecture(),
        net.classes(),
        doctor.images
    ))?;
    let listener = console.listener();
    let findings = doctor.examine(choice, Progress::to(&listener))?;
    console.result(table(&findings))?;
    verdict(&findings, choice)
}

/// The network of the configuration, if there is one, and the images of its inner step.
fn shapes(args: &DoctorArgs, context: Context<'_>) -> Result<Doctor, Failure> {
    let Some(file) = &args.config else { return Ok(Doctor::default()) };
    let config = Config::load(file, &args.set)?;
    let device = DeviceChoice::Cpu.open()?;
    Ok(Doctor::of(&Plan::known(&config, context.data_dir, &device)?))
}

/// A table of versions, CPU, memory and devices.
fn describe() -> String {
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
    for (kind, found) in devices() {
        rows.extend(of_kind(kind, found));
    }
    let lines: Vec<String> = rows.iter().map(|(what, value)| format!("| {what} | {value} |")).collect();
    format!("| | |\n|---|---|\n{}", lines.join("\n"))
}

fn of_kind(kind: &str, found: Result<Vec<String>, DeviceError>) -> Vec<(String, String)> {
    match found {
        Err(DeviceError::NotBuilt { feature }) => {
            vec![(kind.to_owned(), format!("not in this build (cargo feature `{feature}`)"))]
        }
        Err(error) => vec![(kind.to_owned(), error.to_string())],
        Ok(names) if names.is_empty() => vec![(kind.to_owned(), "no device found".to_owned())],
        Ok(names) => {
            let named = |index| if kind == "cpu" { kind.to_owned() } else { format!("{kind}:{index}") };
            let names = names.into_iter().enumerate();
            names.map(|(index, name)| (format!("--device {}", named(index)), name)).collect()
        }
    }
}

fn table(findings: &[Finding]) -> String {
    let mut lines = vec![
        "| check | error | tolerance | ms | first, ms | |".to_owned(),
        "|---|---:|---:|---:|---:|---|".to_owned(),
    ];
    for Finding { name, tolerance, outcome } in findings {
        let cells = match outcome {
            Outcome::Compared { error, milliseconds, first, .. } => {
                let verdict = if error <= tolerance { "PASS" } else { "FAIL" };
                format!("{error:.1e} | {tolerance:.0e} | {milliseconds:.1} | {first:.0} | {verdict}")
            }
            Outcome::Broken(_) => format!("– | {tolerance:.0e} | – | – | FAIL"),
        };
        lines.push(format!("| {name} | {cells} |"));
    }
    lines.join("\n")
}

/// One line for everything that failed.
fn verdict(findings: &[Finding], choice: DeviceChoice) -> Result<(), Failure> {
    let failed: Vec<String> = findings.iter().filter_map(Finding::complaint).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format_args!(
            "{} of {} checks failed on {choice}: {}",
            failed.len(),
            findings.len(),
            failed.join("; ")
        ),
        "do not compute on this device with this build; update its driver, or use another --device",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(error: f64) -> Finding {
        let outcome = Outcome::Compared { error, worst: "value", milliseconds: 1.0, first: 2.0 };
        Finding { name: "norm".to_owned(), tolerance: 1e-4, outcome }
    }

    #[test]
    fn what_fails_is_named() {
        assert!(verdict(&[finding(1e-5)], DeviceChoice::Cpu).is_ok());
        let broken = Finding { outcome: Outcome::Broken("no kernel".to_owned()), ..finding(0.0) };
        let failure = verdict(&[finding(1e-5), finding(0.5), broken], DeviceChoice::Wgpu(0)).unwrap_err();
        assert_eq!(
            failure.message(),
            "2 of 3 checks failed on wgpu:0: norm is off by 5.0e-1 (value); norm does not run (no kernel)"
        );
        assert!(verdict(&[finding(f64::NAN)], DeviceChoice::Cpu).is_err());
        let table = table(&[finding(0.5), finding(f64::NAN)]);
        assert_eq!(table.matches("FAIL").count(), 2, "{table}");
    }
}
