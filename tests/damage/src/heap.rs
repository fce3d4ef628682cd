//! How much a thread allocates, for tests.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread holds. A test binary takes it with
/// `#[global_allocator] static HEAP: Counting = Counting;`.
#[derive(Debug)]
pub struct Counting;

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe to write; this one counts and hands on to the system's"
)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The result of `work`, and the most bytes this thread held at once for it; 0 without [`Counting`].
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    (result, PEAK.get().saturating_sub(before) as usize)
}

#[cfg(test)]
#[global_allocator]
static HEAP: Counting = Counting;

#[test]
fn allocations_are_counted() {
    let (kept, bytes) = peak(|| {
        drop(std::hint::black_box(vec![1u8; 1 << 20]));
        std::hint::black_box(vec![2u8; 1 << 10])
    });
    assert_eq!(kept.len(), 1 << 10);
    assert!((1 << 20..1 << 20 | 4096).contains(&bytes), "{bytes}");
}
