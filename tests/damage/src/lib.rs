//! Damaged copies of good files, and the claims that tests make about reading them: no reader panics or allocates more
//! than it can hold, and a checksum finds every flipped byte.
//!
//! Deterministic: case `i` is drawn from the stream ("mutants", i). each reader gets 5,000 cases, or
//! `DISTIL_MUTANTS` (100,000 in nightly CI); the fuzz targets in `tests/fuzz` start from the same seeds.

mod flips;
mod heap;
mod killed;
mod mutate;

pub use flips::every_damage_is_found;
pub use heap::{Counting, peak};
pub use killed::{child, child_folder, names};
pub use mutate::mutant;

/// Cases for each reader.
pub fn cases() -> u64 {
    let given = std::env::var("DISTIL_MUTANTS").ok();
    given.map_or(5000, |cases| cases.parse().expect("DISTIL_MUTANTS is a number of damaged copies"))
}

/// The most that reading one damaged copy of a file of a few kilobytes may allocate, in bytes.
const MOST_HEAP: usize = 32 << 20;

/// Reads damaged copies of `seeds`, each repaired by `repair` where a checksum would hide what is behind it. Returns how
/// many were read without an error.
///
/// # Panics
/// When a seed is refused, when `read` panics, or when it allocates too much (which needs [`Counting`] as allocator).
pub fn assault(seeds: &[Vec<u8>], repair: impl Fn(&mut [u8]), read: impl Fn(&[u8]) -> bool) -> u64 {
    for seed in seeds {
        assert!(read(seed), "a seed of {} bytes is refused", seed.len());
    }
    let mut accepted = 0;
    for case in 0..cases() {
        let seed = &seeds[(case % seeds.len() as u64) as usize];
        let mut bytes = mutant(seed, case);
        // Half of the cases keep their wrong checksums.
        if (case / seeds.len() as u64).is_multiple_of(2) {
            repair(&mut bytes);
        }
        let (fine, peak) = peak(|| read(&bytes));
        assert!(peak < MOST_HEAP, "case {case} allocates {peak} bytes for a file of {}", bytes.len());
        accepted += u64::from(fine);
    }
    accepted
}
