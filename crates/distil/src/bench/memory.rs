//! How much memory work takes.

use serde::Serialize;

use crate::{Device, machine};

/// How much memory the work took.
#[derive(Debug, Clone, Serialize)]
pub struct MemoryUse {
    /// The most beyond what was there after set-up, in MiB; `None` where nobody tells.
    pub peak_mib: Option<f64>,
    /// The largest resident size of the process, in MiB, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rss_mib: Option<f64>,
    /// The same before the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rss_before_mib: Option<f64>,
    /// How that was measured.
    #[serde(rename = "memory")]
    pub how: &'static str,
}

/// Memory in use before the work.
#[derive(Debug, Clone, Copy)]
pub(super) enum MemoryWatch {
    /// The largest resident size of the process so far.
    Resident(f64),
    /// What the device's allocator has reserved.
    Reserved(f64),
    Unknown,
}

impl MemoryWatch {
    pub(super) fn start(device: &Device) -> Self {
        match (reserved_mib(device), machine::peak_resident_mib()) {
            (Some(reserved), _) => Self::Reserved(reserved),
            // A device's own memory is not in the resident size of the process.
            (None, Some(resident)) if device.is_cpu() => Self::Resident(resident),
            (None, _) => Self::Unknown,
        }
    }

    pub(super) fn stop(self, device: &Device) -> MemoryUse {
        let rounded = |mib: f64| (mib * 10.0).round() / 10.0;
        let none = MemoryUse { peak_mib: None, max_rss_mib: None, max_rss_before_mib: None, how: "unknown" };
        match self {
            Self::Unknown => none,
            Self::Resident(before) => {
                let after = machine::peak_resident_mib();
                MemoryUse {
                    peak_mib: after.map(|after| rounded(after - before)),
                    max_rss_mib: after.map(rounded),
                    max_rss_before_mib: Some(rounded(before)),
                    how: "growth of max RSS after set-up",
                }
            }
            // The allocator keeps its pages, so what it holds at the end is the most it held.
            Self::Reserved(before) => MemoryUse {
                peak_mib: reserved_mib(device).map(|after| rounded(after - before)),
                how: "growth of the device allocator's reserved bytes after set-up",
                ..none
            },
        }
    }
}

fn reserved_mib(device: &Device) -> Option<f64> {
    device.burn().memory_pool_usage().map(|usage| usage.bytes_reserved as f64 / f64::from(1 << 20))
}
