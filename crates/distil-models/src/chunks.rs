use std::ops::Range;

use burn::tensor::Device;
use rayon::prelude::*;

/// Chunks whose results are alive at a time on the CPU. A constant, so that the order of reduction, and
/// with it every bit of the result, does not depend on the machine.
pub const WAVE: usize = 8;

/// The most images of a chunk on the CPU: more would leave its cache.
pub const LARGEST_CPU_CHUNK: usize = 16;

/// Images of each chunk but the last of a batch of `n`, when at most `micro_batch` are allowed at a time.
///
/// On the CPU a chunk is at most half the batch, so that two threads have work, and at most 16 images, which stay in
/// the cache. Other devices take as many as are allowed. A function of sizes alone, never of the number of threads.
pub fn chunk_size(n: usize, micro_batch: usize, device: &Device) -> usize {
    let most = if computes_on_cpu(device) { n.div_ceil(2).min(LARGEST_CPU_CHUNK) } else { n };
    micro_batch.min(most).max(1)
}

/// Applies `work` to `0..n` in consecutive ranges of [`chunk_size`] rows, and reduces the results in order; `None` when `n` is 0.
///
/// On the CPU backend the ranges run on all threads of rayon's pool: small chunks stay in the cache, and
/// every operation of a chunk gets a core, also those that Burn does not split. The result does not
/// depend on the number of threads. Other devices take one chunk after the other, because their
/// streams, and the memory these keep, are per thread.
pub fn reduce_chunks<T: Send>(
    n: usize,
    micro_batch: usize,
    device: &Device,
    work: impl Fn(Range<usize>) -> T + Sync + Send,
    reduce: impl Fn(T, T) -> T,
) -> Option<T> {
    let size = chunk_size(n, micro_batch, device);
    let starts: Vec<usize> = (0..n).step_by(size).collect();
    let range = |start: usize| start..n.min(start.saturating_add(size));
    if starts.len() == 1 || !computes_on_cpu(device) {
        return starts.into_iter().map(|start| work(range(start))).reduce(reduce);
    }
    let mut total = None;
    for wave in starts.chunks(WAVE) {
        let parts: Vec<T> = wave.par_iter().map(|&start| work(range(start))).collect();
        total = total.into_iter().chain(parts).reduce(&reduce);
    }
    total
}

/// Burn tells a device's backend at compile time (by features that a library must not enable) or in words.
pub(crate) fn computes_on_cpu(device: &Device) -> bool {
    format!("{device:?}").contains("Flex")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_rows_in_order() {
        let device = Device::flex();
        let ranges = |n, size| {
            let joined = |mut a: Vec<(usize, usize)>, b| {
                a.extend(b);
                a
            };
            reduce_chunks(n, size, &device, |range| vec![(range.start, range.end)], joined)
        };
        assert_eq!(ranges(5, 2), Some(vec![(0, 2), (2, 4), (4, 5)]));
        assert_eq!(ranges(5, usize::MAX), Some(vec![(0, 3), (3, 5)]));
        assert_eq!(ranges(40, usize::MAX), Some(vec![(0, 16), (16, 32), (32, 40)]));
        assert_eq!(ranges(2, 0), Some(vec![(0, 1), (1, 2)]));
        assert_eq!(ranges(40, 1).map(|all| all.len()), Some(40));
        assert_eq!(ranges(0, 3), None);
    }

    #[test]
    fn the_cpu_backend_is_recognised() {
        assert!(computes_on_cpu(&Device::flex()) && computes_on_cpu(&Device::flex().autodiff()));
    }
}
