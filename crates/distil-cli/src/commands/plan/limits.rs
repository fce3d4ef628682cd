//! How much memory this process may take.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use distil_match::plan::Memory;

use crate::machine;

/// Something that bounds the memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// What the machine has left.
    Machine,
    /// The control group (container) that the process is in.
    ControlGroup,
    /// `ulimit -v`.
    AddressSpace,
    /// `ulimit -d`.
    DataSegment,
}

/// As it continues "of memory are available".
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "on this machine now",
            Self::ControlGroup => "in this container (memory.max of the control group)",
            Self::AddressSpace => "by the limit of the address space (ulimit -v)",
            Self::DataSegment => "by the limit of the data segment (ulimit -d)",
        })
    }
}

/// What this process may take in all, by one bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Bytes, those included that the process has already.
    pub(crate) bytes: u128,
    pub(crate) bound: Bound,
}

impl Limit {
    /// The part of a plan's memory that this bound counts: mapped files occupy the address space, but of resident memory
    /// the system takes them back when it needs to.
    pub(crate) fn counts(&self, memory: &Memory) -> u128 {
        if self.bound == Bound::AddressSpace { memory.total() } else { memory.needed() }
    }

    pub(crate) fn allows(&self, memory: &Memory) -> bool {
        self.counts(memory) <= self.bytes
    }
}

/// Every bound that the system tells of; none off Linux.
pub(crate) fn limits() -> Vec<Limit> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let resident = machine::resident_bytes().unwrap_or(0);
    let left = machine::memory_mib().map(|(_, left)| (left * f64::from(1 << 20)) as u128);
    let machine = left.map(|left| Limit { bytes: left + resident, bound: Bound::Machine });
    let group = group_limit(&read("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"))
        .map(|left| Limit { bytes: left + resident, bound: Bound::ControlGroup });
    let process = process_limits(&read("/proc/self/limits"));
    machine.into_iter().chain(group).chain(process).collect()
}

/// `ulimit -v` and `-d`: soft limits of `/proc/self/limits`.
fn process_limits(text: &str) -> Vec<Limit> {
    let soft = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u128>().ok()
    };
    let bounds = [("Max address space", Bound::AddressSpace), ("Max data size", Bound::DataSegment)];
    bounds.into_iter().filter_map(|(key, bound)| Some(Limit { bytes: soft(key)?, bound })).collect()
}

/// What the tightest of a process's control groups (version 2) has left; pages of files can be taken back.
fn group_limit(own: &str, root: &Path) -> Option<u128> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?.trim();
    let mut folder: PathBuf = root.join(path.trim_start_matches('/'));
    let mut least = None;
    // The group is not below the mount point where a container sees only its own part of the tree.
    while folder.starts_with(root) {
        least = least.into_iter().chain(left_in(&folder)).min();
        if !folder.pop() {
            break;
        }
    }
    least
}

fn left_in(group: &Path) -> Option<u128> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let most: u128 = read("memory.max")?.trim().parse().ok()?;
    let used: u128 = read("memory.current")?.trim().parse().ok()?;
    let stat = read("memory.stat").unwrap_or_default();
    let files = |key: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().parse::<u128>().ok()
    };
    let cache = files("active_file ").unwrap_or(0) + files("inactive_file ").unwrap_or(0);
    Some(most.saturating_sub(used.saturating_sub(cache)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_a_shell_are_understood() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max data size             unlimited            unlimited            bytes     \n\
            Max address space         2147483648           unlimited            bytes     \n";
        assert_eq!(process_limits(text), [Limit { bytes: 2 << 30, bound: Bound::AddressSpace }]);
        assert_eq!(process_limits(""), []);
    }

    #[test]
    fn the_tightest_control_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("outer/inner");
        fs::create_dir_all(&inner).unwrap();
        let write = |folder: &str, max: &str, current: &str, stat: &str| {
            for (name, text) in [("memory.max", max), ("memory.current", current), ("memory.stat", stat)] {
                fs::write(root.path().join(folder).join(name), text).unwrap();
            }
        };
        let left = || group_limit("1:name=x:/y\n0::/outer/inner\n", root.path());
        assert_eq!(left(), None);
        write("outer/inner", "max\n", "500\n", "");
        assert_eq!(left(), None);
        write("outer", "1000\n", "700\n", "anon 400\nactive_file 100\ninactive_file 200\n");
        assert_eq!(left(), Some(600));
        write("outer/inner", "800\n", "500\n", "inactive_file 50");
        assert_eq!(left(), Some(350));
        write("outer/inner", "300\n", "500\n", "");
        assert_eq!(left(), Some(0));
        assert_eq!(group_limit("0::/elsewhere\n", root.path()), None);
        assert_eq!(group_limit("", root.path()), None);
    }
}
