//! How late a controller's news come, as far as they show it.
//!
//! The news of an announced end should come a whole number of seconds before it. What is more than
//! that is delay in the device or on the way, and of that only what varies shows. Not here: what is
//! the same each time, which the configuration tells.

use std::time::Duration;

/// The share of news that come no later than told.
const SHARE: f32 = 0.95;
/// How far one piece of news moves the estimate, at most, in seconds.
const STEP_S: f32 = 0.005;

/// The lateness that 95 in 100 pieces of news do not exceed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Jitter {
    late_s: f32,
}

impl Jitter {
    pub(super) fn note(&mut self, late: Duration) {
        let step_s = if late.as_secs_f32() > self.late_s {
            SHARE * STEP_S
        } else {
            (SHARE - 1.0) * STEP_S
        };
        self.late_s = (self.late_s + step_s).max(0.0);
    }

    pub(super) fn lateness(self) -> Duration {
        Duration::from_secs_f32(self.late_s.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_evenly_spread_lateness_it_finds_what_few_exceed() {
        let mut jitter = Jitter::default();
        for n in 0..20_000_u64 {
            jitter.note(Duration::from_millis(n * 37 % 200));
        }
        let found_s = jitter.lateness().as_secs_f32();
        assert!((found_s - 0.19).abs() < 0.01, "{found_s}");
        for _ in 0..2000 {
            jitter.note(Duration::ZERO);
        }
        assert!(
            jitter.lateness() < Duration::from_millis(1),
            "and it forgets"
        );
    }
}
