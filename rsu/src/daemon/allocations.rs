//! How many times a thread has asked for memory, in debug builds of `rsu` alone: the straight path is to
//! do without after its start, and whoever runs a debug build can see whether it does.
//!
//! Other programs keep the allocator that they have, and nothing is counted there, but for a test that
//! counts in its own way.
#![expect(
    unsafe_code,
    reason = "counting allocations takes a global allocator, which is an unsafe trait; this one \
              passes every call on to the system's, unchanged, and counts beside it"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_USED: AtomicBool = AtomicBool::new(false);

thread_local! {
    // Made without allocating, and nothing is done at its end.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator; before each block it calls what is given, which must not allocate.
#[derive(Debug)]
pub struct Counting(pub fn());

/// One more for the calling thread.
pub fn count_allocation() {
    IS_USED.store(true, Ordering::Relaxed);
    // A thread that is ending is not asked after.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

/// So many on the calling thread since it began; None where nobody counts.
pub(crate) fn on_this_thread() -> Option<u64> {
    IS_USED.load(Ordering::Relaxed).then(|| COUNT.get())
}

// SAFETY: every method passes its arguments on to `System` as they are and returns what it returns,
// so the contract of `GlobalAlloc` holds as far as it holds for `System`. What counts beside it neither
// allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        (self.0)();
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        (self.0)();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        (self.0)();
        // SAFETY: `block` came from this allocator, that is from `System`, with this layout.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}
