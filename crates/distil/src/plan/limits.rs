//! How much memory this process may take.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::Memory;

use crate::machine;

/// No machine has that much memory.
const UNLIMITED: u128 = 1 << 60;

/// Something that bounds the memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
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
            Self::ControlGroup => "in this container (limit of the control group)",
            Self::AddressSpace => "by the limit of the address space (ulimit -v)",
            Self::DataSegment => "by the limit of the data segment (ulimit -d)",
        })
    }
}

/// What this process may take in all, by one bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Bytes, those included that the process has already.
    pub bytes: u128,
    /// What bounds it.
    pub bound: Bound,
}

impl Limit {
    /// The part of a plan's memory that this bound counts: mapped files occupy the address space, but of resident memory
    /// the system takes them back when it needs to.
    pub fn counts(&self, memory: &Memory) -> u128 {
        if self.bound == Bound::AddressSpace { memory.total() } else { memory.needed() }
    }

    /// Whether a plan stays within it.
    pub fn allows(&self, memory: &Memory) -> bool {
        self.counts(memory) <= self.bytes
    }
}

/// Every bound that the system tells of; none off Linux.
fn limits() -> Vec<Limit> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let resident = machine::resident_bytes().unwrap_or(0);
    let left = machine::memory_mib().map(|(_, left)| (left * f64::from(1 << 20)) as u128);
    let machine = left.map(|left| Limit { bytes: left + resident, bound: Bound::Machine });
    let group = group_limit(&read("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"))
        .map(|left| Limit { bytes: left + resident, bound: Bound::ControlGroup });
    let process = process_limits(&read("/proc/self/limits"));
    machine.into_iter().chain(group).chain(process).collect()
}

/// The bound that leaves least, relative to what it counts.
pub(super) fn tightest(memory: &Memory) -> Option<Limit> {
    let room = |limit: &Limit| limit.bytes as f64 / limit.counts(memory).max(1) as f64;
    limits().into_iter().min_by(|a, b| room(a).total_cmp(&room(b)))
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

/// What the tightest of a process's control groups has left; pages of files can be taken back.
fn group_limit(own: &str, root: &Path) -> Option<u128> {
    own.lines()
        .filter_map(|line| hierarchy(line, root))
        .filter_map(|(top, path)| least_left(&top, path))
        .min()
}

/// Where the groups of a line of `/proc/self/cgroup` are, and which of them the process is in: `0::/path` of version 2,
/// `4:memory:/path` of version 1, whose controllers have a tree each.
fn hierarchy<'a>(line: &'a str, root: &Path) -> Option<(PathBuf, &'a str)> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let memory = controllers.split(',').any(|controller| controller == "memory");
    let top = if memory { root.join("memory") } else { root.to_owned() };
    (memory || controllers.is_empty()).then(|| (top, path.trim().trim_start_matches('/')))
}

/// The least that any group from `path` up to `top` has left.
fn least_left(top: &Path, path: &str) -> Option<u128> {
    let mut folder = top.join(path);
    let mut least = None;
    // The group is not below the mount point where a container sees only its own part of the tree.
    while folder.starts_with(top) {
        least = least.into_iter().chain(left_in(&folder)).min();
        if !folder.pop() {
            break;
        }
    }
    least
}

fn left_in(group: &Path) -> Option<u128> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u128>().ok();
    let stat = read("memory.stat").unwrap_or_default();
    let pages = |key: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().parse::<u128>().ok()
    };
    // Version 2 throttles above `high` and kills above `max`. Version 1 says a number near 2⁶³ where there is no limit.
    let most = [number("memory.max"), number("memory.high"), number("memory.limit_in_bytes")];
    let most = most.into_iter().flatten().filter(|&bytes| bytes < UNLIMITED).min()?;
    let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
    // Version 1 counts a group's children in the lines that begin with `total_`.
    let files =
        |key: &str| pages(&format!("total_{key} ")).or_else(|| pages(&format!("{key} "))).unwrap_or(0);
    Some(most.saturating_sub(used.saturating_sub(files("active_file") + files("inactive_file"))))
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
    #[test]
    fn groups_of_version_1_count_too() {
        let root = tempfile::tempdir().unwrap();
        let write = |folder: &str, limit: &str, usage: &str| {
            let folder = root.path().join("memory").join(folder);
            fs::create_dir_all(&folder).unwrap();
            let stat = "active_file 1\ntotal_active_file 100\ntotal_inactive_file 50\n";
            for (name, text) in
                [("memory.limit_in_bytes", limit), ("memory.usage_in_bytes", usage), ("memory.stat", stat)]
            {
                fs::write(folder.join(name), text).unwrap();
            }
        };
        let own = "9:name=systemd:/\n4:cpu,memory:/docker/abc\n1:cpu:/docker/abc\n0::/\n";
        let left = || group_limit(own, root.path());
        assert_eq!(left(), None);
        write("", "9223372036854771712\n", "5000\n");
        assert_eq!(left(), None, "no limit");
        // A container sees its own group as the top of the tree.
        write("", "1000\n", "700\n");
        assert_eq!(left(), Some(450));
        write("docker/abc", "800\n", "700\n");
        assert_eq!(left(), Some(250));
    }

    #[test]
    fn the_limit_that_throttles_is_a_limit() {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in [("memory.max", "max"), ("memory.high", "900"), ("memory.current", "400")] {
            fs::write(root.path().join(name), text).unwrap();
        }
        assert_eq!(group_limit("0::/\n", root.path()), Some(500));
    }
}
