//! The wish to end, as threads that wait for something else can hear it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Raised once, never lowered.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Tells everybody.
    pub(crate) fn raise(&self) {
        *lock(&self.raised) = true;
        self.changed.notify_all();
    }

    /// Whether it has been raised.
    pub(crate) fn is_raised(&self) -> bool {
        *lock(&self.raised)
    }

    /// Waits, at most this long; true if it has been raised.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let raised = lock(&self.raised);
        let (raised, _) = self
            .changed
            .wait_timeout_while(raised, at_most, |raised| !*raised)
            .unwrap_or_else(PoisonError::into_inner);
        *raised
    }
}

/// A lock whose value is whole at every moment, so that a panic elsewhere cannot have broken it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
