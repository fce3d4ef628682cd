//! One measurement in this process.

use distil::bench::{Measured, MemoryUse};
use distil::{DeviceChoice, Progress};
use serde::Serialize;

use super::setting::Setting;
use super::statistics::Spread;
use crate::console::Console;
use crate::failure::Failure;

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
    pub(super) memory: MemoryUse,
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

/// Measures a setting in this process.
///
/// # Errors
/// [`Failure`] when there is no such device, it fails, or the user asked to stop.
pub(super) fn measure(
    setting: &Setting,
    choice: DeviceChoice,
    console: &Console,
) -> Result<Measurement, Failure> {
    let setting = setting.clone().resolved();
    let choice = choice.resolved()?;
    let device = choice.open()?;
    let bench = setting.bench()?;
    let listener = console.listener();
    let Measured { seconds, loss, memory, other_cores } = bench.measure(&device, Progress::to(&listener))?;
    let spread = Spread::of(&seconds);
    let threads = rayon::current_num_threads();
    Ok(Measurement {
        mode: setting.mode.name(),
        seconds_median: spread.median,
        seconds_min: spread.min,
        seconds_max: spread.max,
        memory,
        loss,
        params: bench.net.layout().params(),
        distil: env!("CARGO_PKG_VERSION"),
        burn: BURN,
        threads,
        other_cores: other_cores.map(|cores| (cores * 100.0).round() / 100.0),
        device_name: device.to_string(),
        settings: Settings { setting, device: choice.to_string(), threads },
    })
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
