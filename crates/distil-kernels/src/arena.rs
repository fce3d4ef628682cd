//! One block of memory a thread, cut into the buffers of a step: no allocation, and no page fault, after the
//! first step of a size.

use std::cell::Cell;

use crate::Lanes;
use crate::lines::Line;

thread_local! {
    static MEMORY: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Hands out consecutive buffers, or counts how much they would take.
#[derive(Debug)]
pub(crate) struct Arena<'a> {
    free: Option<&'a mut [Lanes]>,
    used: usize,
}

impl<'a> Arena<'a> {
    /// A buffer of `lines` lines with undefined content; an empty one when only counting.
    pub(crate) fn take(&mut self, lines: usize) -> &'a mut [Lanes] {
        self.used += lines;
        match self.free.take() {
            None => &mut [],
            Some(free) => {
                let (taken, rest) = free.split_at_mut(lines);
                self.free = Some(rest);
                taken
            }
        }
    }
}

/// Lines that `carve` takes.
pub(crate) fn count<T>(carve: impl FnOnce(&mut Arena<'static>) -> T) -> usize {
    let mut arena = Arena { free: None, used: 0 };
    carve(&mut arena);
    arena.used
}

/// Bytes of so many lines.
pub(crate) fn bytes(lines: usize) -> usize {
    lines * size_of::<Line>()
}

/// Runs `work` on this thread's memory, grown to `lines` lines first.
pub(crate) fn with_arena<T>(lines: usize, work: impl FnOnce(&mut Arena<'_>) -> T) -> T {
    let mut memory = MEMORY.take();
    if memory.len() < lines {
        // Nothing is kept, so the old block goes before the new one comes.
        drop(std::mem::take(&mut memory));
        memory = bytemuck::zeroed_vec(lines);
    }
    let free = bytemuck::cast_slice_mut(&mut memory[..lines]);
    let result = work(&mut Arena { free: Some(free), used: 0 });
    MEMORY.set(memory);
    result
}
