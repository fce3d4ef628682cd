//! What the operating system says about this machine and process; `None` where it does not say (off Linux).

use std::fs;

/// Ticks a second of the times in /proc: fixed in Linux's interface on every architecture that Rust's standard
/// library supports.
const TICKS: f64 = 100.0;

/// The largest resident size this process has had, in MiB.
pub fn peak_resident_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(kibibytes(&status, "VmHWM:")? / 1024.0)
}

/// Forgets the largest resident size so far, so that [`peak_resident_mib`] counts from now; without effect where the
/// system does not allow it.
pub fn reset_peak_resident() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The resident size of this process, in bytes.
pub fn resident_bytes() -> Option<u128> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(kibibytes(&status, "VmRSS:")? as u128 * 1024)
}

/// Memory of the machine and what of it is free or can be freed, in MiB.
pub fn memory_mib() -> Option<(f64, f64)> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    Some((kibibytes(&info, "MemTotal:")? / 1024.0, kibibytes(&info, "MemAvailable:")? / 1024.0))
}

/// The value of a line such as `VmHWM:   1234 kB`.
fn kibibytes(text: &str, key: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// The model of the CPU.
pub fn cpu_name() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// The vector instructions that kernels choose by.
pub fn cpu_features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let known = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    #[cfg(target_arch = "aarch64")]
    let known = [("neon", std::arch::is_aarch64_feature_detected!("neon"))];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known: [(&str, bool); 0] = [];
    known.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

/// CPU seconds used so far.
#[derive(Debug, Clone, Copy)]
pub struct CpuTime {
    machine: f64,
    own: f64,
}

impl CpuTime {
    /// Of the whole machine and of this process.
    pub fn now() -> Option<Self> {
        let machine = busy_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let own = own_ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
        Some(Self { machine: machine / TICKS, own: own / TICKS })
    }

    /// How many cores other processes kept busy since `earlier`, which was `seconds` ago.
    pub fn other_cores(self, earlier: Self, seconds: f64) -> f64 {
        let others = (self.machine - earlier.machine) - (self.own - earlier.own);
        (others / seconds).max(0.0)
    }
}

/// user, nice, system, idle, iowait, irq, softirq, …: everything but waiting.
fn busy_ticks(stat: &str) -> Option<f64> {
    let first = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = first.split_whitespace().map_while(|ticks| ticks.parse().ok()).collect();
    (ticks.len() >= 7).then(|| ticks[..3].iter().chain(&ticks[5..7]).sum())
}

/// utime and stime, fields 14 and 15; the name before them, in brackets, may hold blanks.
fn own_ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use distil_require::{Need, skipped};

    use super::*;

    #[test]
    fn the_formats_of_proc_are_understood() {
        assert_eq!(kibibytes("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n", "VmHWM:"), Some(2048.0));
        assert_eq!(busy_ticks("cpu  1 2 4 1000 500 8 16 3 0 0\ncpu0 1 2 4"), Some(31.0));
        let stat = "17 (a (b) c) S 1 17 17 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0";
        assert_eq!(own_ticks(stat), Some(300.0));
        assert_eq!(kibibytes("", "VmHWM:"), None);
    }

    #[test]
    fn touched_memory_shows() {
        let Some(before) = peak_resident_mib() else {
            skipped(Need::Proc, "this system has no /proc");
            return;
        };
        let block = vec![1u8; 64 << 20];
        assert!(block.iter().map(|&b| u64::from(b)).sum::<u64>() == 64 << 20);
        let grown = peak_resident_mib().expect("it was there before") - before;
        assert!((32.0..256.0).contains(&grown), "{grown} MiB");
    }
}
