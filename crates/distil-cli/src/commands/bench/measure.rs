//! One measurement in this process.

use std::time::Instant;

use burn::tensor::Device;
use serde::Serialize;

use super::setting::Setting;
use super::statistics::Spread;
use super::workload::Workload;
use crate::device::{DeviceChoice, described, is_cpu};
use crate::failure::Failure;
use crate::machine::CpuTime;
use crate::{interrupt, machine};

/// The version that the workspace pins.
pub(crate) const BURN: &str = "0.22.1";

/// What one measurement found: the keys of the peer's JSON line.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Measurement {
    pub(super) mode: &'static str,
    pub(super) seconds_median: f64,
    pub(super) seconds_min: f64,
    pub(super) seconds_max: f64,
    #[serde(flatten)]
    pub(super) memory: Memory,
    pub(super) loss: f64,
    pub(super) params: usize,
    distil: &'static str,
    burn: &'static str,
    pub(super) threads: usize,
    /// Cores that other processes kept busy meanwhile.
    pub(super) other_cores: Option<f64>,
    pub(super) device_name: String,
    settings: Settings,
}

/// Every flag of the measurement.
#[derive(Debug, Clone, Serialize)]
struct Settings {
    #[serde(flatten)]
    setting: Setting,
    device: String,
    threads: usize,
}

/// Repeats the work, and waits for the device before every reading of the clock.
///
/// # Errors
/// [`Failure`] when there is no such device, it fails, or the user asked to stop.
pub(super) fn measure(setting: &Setting, choice: DeviceChoice) -> Result<Measurement, Failure> {
    let setting = setting.clone().resolved();
    let net = setting.network()?;
    let params = net.layout().params();
    let choice = choice.resolved()?;
    let device = choice.open()?;
    let mut work = Workload::new(&setting, net, &device);
    device.sync()?;
    let memory = MemoryWatch::start(&device);
    for _ in 0..setting.warmup {
        timed(&mut work, &device)?;
    }
    let (begun, cpu) = (Instant::now(), CpuTime::now());
    let mut seconds = Vec::with_capacity(setting.repeats);
    let mut loss = f64::NAN;
    for _ in 0..setting.repeats {
        let (elapsed, last) = timed(&mut work, &device)?;
        seconds.push(elapsed);
        loss = last;
    }
    let cpu = cpu.zip(CpuTime::now());
    let others = cpu.map(|(before, after)| after.other_cores(before, begun.elapsed().as_secs_f64()));
    let spread = Spread::of(&seconds);
    let threads = rayon::current_num_threads();
    Ok(Measurement {
        mode: setting.mode.name(),
        seconds_median: spread.median,
        seconds_min: spread.min,
        seconds_max: spread.max,
        memory: memory.stop(&device),
        loss,
        params,
        distil: env!("CARGO_PKG_VERSION"),
        burn: BURN,
        threads,
        other_cores: others.map(|cores| (cores * 100.0).round() / 100.0),
        device_name: described(&device),
        settings: Settings { setting, device: choice.to_string(), threads },
    })
}

/// Does the work once: seconds and loss.
fn timed(work: &mut Workload, device: &Device) -> Result<(f64, f64), Failure> {
    if interrupt::asked() {
        return Err(Failure::interrupted("nothing was measured; run the same command again"));
    }
    device.sync()?;
    let start = Instant::now();
    let loss = work.repeat();
    device.sync()?;
    Ok((start.elapsed().as_secs_f64(), loss))
}

/// How much memory the work took.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Memory {
    /// The most beyond what was there after set-up, in MiB; `None` where nobody tells.
    pub(super) peak_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_rss_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_rss_before_mib: Option<f64>,
    /// How that was measured.
    #[serde(rename = "memory")]
    pub(super) how: &'static str,
}

/// Memory in use before the work.
#[derive(Debug, Clone, Copy)]
enum MemoryWatch {
    /// The largest resident size of the process so far.
    Resident(f64),
    /// What the device's allocator has reserved.
    Reserved(f64),
    Unknown,
}

impl MemoryWatch {
    fn start(device: &Device) -> Self {
        match (reserved_mib(device), machine::peak_resident_mib()) {
            (Some(reserved), _) => Self::Reserved(reserved),
            // A device's own memory is not in the resident size of the process.
            (None, Some(resident)) if is_cpu(device) => Self::Resident(resident),
            (None, _) => Self::Unknown,
        }
    }

    fn stop(self, device: &Device) -> Memory {
        let rounded = |mib: f64| (mib * 10.0).round() / 10.0;
        let none = Memory { peak_mib: None, max_rss_mib: None, max_rss_before_mib: None, how: "unknown" };
        match self {
            Self::Unknown => none,
            Self::Resident(before) => {
                let after = machine::peak_resident_mib();
                Memory {
                    peak_mib: after.map(|after| rounded(after - before)),
                    max_rss_mib: after.map(rounded),
                    max_rss_before_mib: Some(rounded(before)),
                    how: "growth of max RSS after set-up",
                }
            }
            // The allocator keeps its pages, so what it holds at the end is the most it held.
            Self::Reserved(before) => Memory {
                peak_mib: reserved_mib(device).map(|after| rounded(after - before)),
                how: "growth of the device allocator's reserved bytes after set-up",
                ..none
            },
        }
    }
}

fn reserved_mib(device: &Device) -> Option<f64> {
    device.memory_pool_usage().map(|usage| usage.bytes_reserved as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_burn_is_the_pinned_one() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("the manifest of the workspace");
        assert!(manifest.contains(&format!("burn = {{ version = \"={}\"", super::BURN)));
    }
}
