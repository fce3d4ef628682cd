use std::ops::Range;

use burn::tensor::Device;
use rayon::prelude::*;

/// Applies `work` to `0..n` in consecutive ranges of at most `micro_batch` (at least one) rows, and
/// returns the results in order.
///
/// On the CPU backend the ranges run on all threads of rayon's pool: small chunks stay in the cache, and
/// every operation of a chunk gets a core, also those that Burn does not split. The results do not
/// depend on the number of threads. Other devices take one chunk after the other, because their
/// streams, and the memory these keep, are per thread.
pub fn map_chunks<T: Send>(
    n: usize,
    micro_batch: usize,
    device: &Device,
    work: impl Fn(Range<usize>) -> T + Sync + Send,
) -> Vec<T> {
    let size = micro_batch.max(1);
    let starts: Vec<usize> = (0..n).step_by(size).collect();
    let range = |start: usize| start..n.min(start.saturating_add(size));
    if starts.len() > 1 && computes_on_cpu(device) {
        starts.into_par_iter().map(|start| work(range(start))).collect()
    } else {
        starts.into_iter().map(|start| work(range(start))).collect()
    }
}

/// Burn tells a device's backend at compile time (by features that a library must not enable) or in words.
fn computes_on_cpu(device: &Device) -> bool {
    format!("{device:?}").contains("Flex")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_rows_in_order() {
        let device = Device::flex();
        let ranges = |n, size| map_chunks(n, size, &device, |range| range);
        assert_eq!(ranges(5, 2), [0..2, 2..4, 4..5]);
        assert_eq!(ranges(5, usize::MAX), vec![0..5]);
        assert_eq!(ranges(2, 0), [0..1, 1..2]);
        assert!(ranges(0, 3).is_empty());
    }

    #[test]
    fn the_cpu_backend_is_recognised() {
        assert!(computes_on_cpu(&Device::flex()) && computes_on_cpu(&Device::flex().autodiff()));
    }
}
