//! Images that are tiled of others, and the order of their tiles.

use distil_random::{Stream, permutation};

use crate::Augmentation;

/// The order in which an image's strips of rows and its strips of columns stand, `[strip]`: which one is where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchOrder {
    /// Of the strips of rows, top to bottom.
    pub rows: Vec<usize>,
    /// Of the strips of columns, left to right; as many.
    pub columns: Vec<usize>,
}

/// For each of `images` images a random order of its `patches` strips of columns and of its `patches` strips of rows, as RDED's
/// `ShufflePatches`: tiles of one row stay in one row.
pub fn draw_patches(patches: usize, images: usize, rng: &mut Stream) -> Augmentation {
    let mut order = || permutation(rng, patches);
    Augmentation::ShufflePatches(
        (0..images).map(|_| PatchOrder { columns: order(), rows: order() }).collect(),
    )
}

/// Which line of `length` each line reads, when strips stand in this order. Strips have ⌊length / strips⌋ lines, the last one of
/// them the rest as well.
pub(crate) fn sources(order: &[usize], length: usize) -> Vec<usize> {
    let strips = order.len();
    let size = length / strips;
    let strip = |which: usize| {
        let end = if which + 1 == strips { length } else { (which + 1) * size };
        which * size..end
    };
    order.iter().flat_map(|&which| strip(which)).collect()
}

#[cfg(test)]
mod tests {
    use distil_random::stream;

    use super::*;

    #[test]
    fn strips_move_whole_and_every_line_is_read_once() {
        assert_eq!(sources(&[1, 0], 6), [3, 4, 5, 0, 1, 2]);
        // The last strip has what is left over.
        assert_eq!(sources(&[2, 0, 1], 7), [4, 5, 6, 0, 1, 2, 3]);
        // More strips than lines: all but the last are empty.
        assert_eq!(sources(&[2, 1, 0], 2), [0, 1]);
    }

    #[test]
    fn every_order_is_drawn() {
        let drawn = draw_patches(3, 300, &mut stream(2, "test", 0));
        let Augmentation::ShufflePatches(orders) = drawn else { panic!("another augmentation: {drawn:?}") };
        let mut seen: Vec<_> = orders.iter().map(|order| order.columns.clone()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6);
        assert!(orders.iter().any(|order| order.rows != order.columns), "drawn apart");
    }
}
