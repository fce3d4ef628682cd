//! One damaged copy.

use distil_random::{Stream, below, stream};

/// What length fields and counters are overwritten with.
const NUMBERS: [u64; 10] =
    [0, 1, 7, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff];

/// Copy `case` of a good file: up to four changes, each to the beginning, the end or anywhere.
pub fn mutant(good: &[u8], case: u64) -> Vec<u8> {
    let mut rng = stream(0, "mutants", case);
    let mut bytes = good.to_vec();
    for _ in 0..=below(&mut rng, 4) {
        change(&mut rng, &mut bytes);
    }
    bytes
}

fn change(rng: &mut Stream, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    match below(rng, 16) {
        0 => bytes.truncate(below(rng, bytes.len())),
        1 => {
            let extra = 1 + below(rng, 40);
            bytes.extend((0..extra).map(|_| 7));
        }
        2 => {
            let range = block(rng, bytes.len());
            bytes.drain(range);
        }
        3 => {
            let range = block(rng, bytes.len());
            let at = below(rng, bytes.len());
            let copy = bytes[range].to_vec();
            bytes.splice(at..at, copy);
        }
        4..9 => number(rng, bytes),
        9..12 => {
            let at = place(rng, bytes.len());
            bytes[at] ^= 1 << below(rng, 8);
        }
        _ => {
            let at = place(rng, bytes.len());
            bytes[at] = below(rng, 256) as u8;
        }
    }
}

/// Headers and directories are where lies do harm: two thirds of the changes hit one of the ends.
fn place(rng: &mut Stream, length: usize) -> usize {
    let near = length.min(64);
    match below(rng, 3) {
        0 => below(rng, near),
        1 => length - 1 - below(rng, near),
        _ => below(rng, length),
    }
}

fn block(rng: &mut Stream, length: usize) -> std::ops::Range<usize> {
    let start = below(rng, length);
    start..length.min(start + 1 + below(rng, 64))
}

/// Overwrites one, two, four or eight bytes with a telling number, of either byte order.
fn number(rng: &mut Stream, bytes: &mut [u8]) {
    let width = [1, 2, 4, 8][below(rng, 4)];
    let at = place(rng, bytes.len()).min(bytes.len().saturating_sub(width));
    let telling = [NUMBERS[below(rng, NUMBERS.len())], bytes.len() as u64][usize::from(below(rng, 4) == 0)];
    let little = telling.to_le_bytes();
    let end = bytes.len().min(at + width);
    let field = &mut bytes[at..end];
    field.copy_from_slice(&little[..field.len()]);
    if below(rng, 2) == 0 {
        field.reverse();
    }
}
