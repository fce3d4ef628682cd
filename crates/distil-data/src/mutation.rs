//! Damaged copies of a good file, for tests of the readers.

use distil_random::{below, stream};

/// Seeded mutants of `good`: cut off, lengthened, and with bytes overwritten by small, large and random values.
pub(crate) fn mutants(good: &[u8], count: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|index| {
        let mut rng = stream(0, "mutants", index);
        let mut bytes = good.to_vec();
        match below(&mut rng, 4) {
            0 => bytes.truncate(below(&mut rng, good.len())),
            1 => bytes.extend(std::iter::repeat_n(7, 1 + below(&mut rng, 40))),
            _ => {}
        }
        for _ in 0..below(&mut rng, 4) {
            // Headers are where lies do harm: half of the changes hit the first bytes.
            let range = if below(&mut rng, 2) == 0 { bytes.len().min(24) } else { bytes.len() };
            if range > 0 {
                let at = below(&mut rng, range);
                bytes[at] = [0, 1, 3, 0x7f, 0x80, 0xff, below(&mut rng, 256) as u8][below(&mut rng, 7)];
            }
        }
        bytes
    })
}
