//! `distil doctor`: what this machine has, and whether the chosen device computes what the CPU computes.

mod check;
mod checks;
mod machine_report;

use std::path::PathBuf;

use clap::{Args, ValueHint};
use distil_models::ConvNet;

use crate::device::DeviceChoice;
use crate::failure::Failure;
use crate::interrupt;
use crate::session::{Context, load};
use check::{Finding, Outcome};
use distil::config::Config;

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

/// How many images a batch has where nobody said it: errors do not depend on it much, and time does.
const FEW: usize = 8;

pub(crate) fn doctor(args: &DoctorArgs, context: Context<'_>) -> Result<(), Failure> {
    let console = context.console;
    console.result(machine_report::describe())?;
    let choice = context.device.resolved()?;
    let device = choice.open()?;
    let (net, batch) = shapes(args, context)?;
    let images = args.images.map_or(batch, std::num::NonZeroUsize::get);
    let reference = DeviceChoice::Cpu.open()?;
    console.result(format_args!(
        "\n{choice} in f32 against the CPU in f64: width {}, depth {}, {}×{}×{}, {} classes, {images} images\n",
        net.width, net.depth, net.channels, net.height, net.image_width, net.classes
    ))?;
    let tolerances = Tolerances::of(choice);
    let checks = checks::of_network(&net, images);
    let mut bar = console.progress("doctor", checks.len() as u64, "checks");
    let mut findings = Vec::new();
    for (done, check) in checks.iter().enumerate() {
        if interrupt::asked() {
            return Err(Failure::interrupted("run the same command again"));
        }
        bar.at(done as u64, &check.name);
        let tolerance = if check.is_whole { tolerances.whole } else { tolerances.operation };
        findings.push(check.compare(&device, &reference, tolerance));
    }
    drop(bar);
    console.result(table(&findings))?;
    verdict(&findings, choice)
}

/// The network of a configuration and the images of its inner step.
fn shapes(args: &DoctorArgs, context: Context<'_>) -> Result<(ConvNet, usize), Failure> {
    let Some(file) = &args.config else {
        return Ok((ConvNet::new(3, 10, 32, 32), FEW));
    };
    let config = Config::load(file, &args.set)?;
    let dataset = load(&config.data, context.data_dir, context.console)?;
    let (shape, classes) = (dataset.shape(), dataset.classes());
    let net = config.model.build(shape.channels, classes, shape.height, shape.width)?;
    let images = config.distill.ipc.saturating_mul(classes);
    let batch = config.distill.trajectory().map_or(images, |trajectory| trajectory.batch(images));
    let step = batch.min(config.distill.micro_batch);
    Ok((net, step.min(FEW)))
}

/// The largest relative errors that are rounding.
#[derive(Debug, Clone, Copy)]
struct Tolerances {
    /// Of one operation.
    operation: f64,
    /// Of a pass over the network: errors add up, and units near zero switch.
    whole: f64,
}

impl Tolerances {
    fn of(choice: DeviceChoice) -> Self {
        match choice {
            // Tensor cores may round the factors of convolutions and products to TF32.
            DeviceChoice::Cuda(_) => Self { operation: 5e-3, whole: 5e-2 },
            _ => Self { operation: 1e-4, whole: 1e-3 },
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
