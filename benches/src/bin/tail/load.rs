//! Threads that do nothing, as fast as they can.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Busy until it is dropped.
pub(crate) struct Load {
    end: Arc<AtomicBool>,
    burners: Vec<JoinHandle<()>>,
}

impl Load {
    /// Of ordinary priority, on whatever core the system puts them.
    pub(crate) fn start(burners: usize) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let burn = |_| {
            let end = Arc::clone(&end);
            thread::spawn(move || {
                let mut sum = 0_u64;
                while !end.load(Ordering::Relaxed) {
                    sum = (0..10_000).fold(sum, |sum, n| black_box(sum.wrapping_mul(31) + n));
                }
            })
        };
        Self {
            burners: (0..burners).map(burn).collect(),
            end,
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        for burner in self.burners.drain(..) {
            // It has nothing to tell.
            let _ = burner.join();
        }
    }
}
