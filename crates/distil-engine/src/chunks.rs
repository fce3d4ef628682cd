use std::ops::Range;

use rayon::prelude::*;

/// Chunks whose results are alive at a time on the CPU. A constant, so that the order of reduction, and
/// with it every bit of the result, does not depend on the machine.
pub const WAVE: usize = 8;

/// The most images of a chunk on the CPU: more would leave its cache.
pub const LARGEST_CPU_CHUNK: usize = 16;

/// `0..n` in consecutive ranges of `size`.
pub(crate) fn ranges(n: usize, size: usize) -> Vec<Range<usize>> {
    (0..n).step_by(size).map(|start| start..n.min(start.saturating_add(size))).collect()
}

/// Works on several ranges at a time, and reduces the results in order.
pub(crate) fn reduce_in_waves<T: Send>(
    ranges: &[Range<usize>],
    work: impl Fn(Range<usize>) -> T + Sync + Send,
    reduce: impl Fn(T, T) -> T,
) -> Option<T> {
    let mut total = None;
    for wave in ranges.chunks(WAVE) {
        let parts: Vec<T> = wave.par_iter().map(|range| work(range.clone())).collect();
        total = total.into_iter().chain(parts).reduce(&reduce);
    }
    total
}
