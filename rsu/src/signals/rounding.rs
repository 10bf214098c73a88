//! How a controller makes whole seconds: learned from lights whose end was seen to the tenth.
//!
//! Where reports come at any part of a second, each implies another moment for the same end. The true
//! end is the earliest of them if seconds are rounded up, and the latest if they are rounded down.
//! Where all reports come at the same part of a second there is nothing to tell, and nothing to mend.
//! Not here: which news are compared.

use std::time::Duration;

use super::anchor::Rounding;
use crate::clock::Mono;

/// An end within this of what was implied is that.
const NEAR: Duration = Duration::from_millis(150);
/// An end farther away than this is another.
const FAR: Duration = Duration::from_millis(200);
/// But not farther than this: it is no question of rounding then.
const ROUNDED: Duration = Duration::from_millis(1100);
/// What one light counts.
const SHARE: f32 = 0.2;
/// From this on a controller rounds down.
const SURE: f32 = 0.7;

/// The ends that the news of one light have implied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Implied {
    earliest: Mono,
    latest: Mono,
}

impl Implied {
    pub(super) fn new(end: Mono) -> Self {
        Self {
            earliest: end,
            latest: end,
        }
    }

    pub(super) fn add(&mut self, end: Mono) {
        self.earliest = self.earliest.min(end);
        self.latest = self.latest.max(end);
    }

    /// What the true end says of the rounding; None where it fits either, or neither.
    pub(super) fn settle(self, ended: Mono) -> Option<Rounding> {
        let before = self.latest.since(ended);
        let after = ended.since(self.earliest);
        match (before, after) {
            (before, after) if before.max(after) > ROUNDED => None,
            (before, after) if before > FAR && after < NEAR => Some(Rounding::Up),
            (before, after) if after > FAR && before < NEAR => Some(Rounding::Down),
            _ => None,
        }
    }
}

/// What was learned of one controller.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Learned {
    /// Share of the lights that were rounded down, the newer ones counting more.
    down: f32,
}

impl Learned {
    pub(super) fn note(&mut self, seen: Rounding) {
        let down = f32::from(u8::from(seen == Rounding::Down));
        self.down += (down - self.down) * SHARE;
    }

    pub(super) fn rounding(self) -> Rounding {
        if self.down >= SURE {
            Rounding::Down
        } else {
            Rounding::Up
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(ms)
    }

    /// An end as reports at these milliseconds imply it.
    fn implied(end_ms: u64, at_ms: &[u64], down: bool) -> Implied {
        let ends = at_ms.iter().map(|at| {
            let left_ms = end_ms - at;
            let left_s = if down {
                left_ms / 1000
            } else {
                left_ms.div_ceil(1000)
            };
            ms(at + left_s * 1000)
        });
        let mut ends = ends;
        let mut implied = Implied::new(ends.next().expect("some"));
        ends.for_each(|end| implied.add(end));
        implied
    }

    #[test]
    fn the_true_end_tells_how_seconds_are_rounded() {
        let at = [5_000, 5_400, 6_400, 7_400];
        let up = implied(8_000, &at, false);
        assert_eq!(up.settle(ms(8_003)), Some(Rounding::Up));
        let down = implied(8_000, &at, true);
        assert_eq!(down.settle(ms(8_003)), Some(Rounding::Down));
    }

    #[test]
    fn reports_that_all_come_at_the_same_part_of_a_second_tell_nothing() {
        let even = implied(8_000, &[5_000, 6_000, 7_000], true);
        assert_eq!(even.settle(ms(8_010)), None);
        assert_eq!(even.settle(ms(9_900)), None, "another end");
    }

    #[test]
    fn a_controller_rounds_down_once_most_lights_say_so() {
        let mut learned = Learned::default();
        for _ in 0..20 {
            learned.note(Rounding::Down);
        }
        assert_eq!(learned.rounding(), Rounding::Down);
        for n in 0..40 {
            learned.note(if n % 2 == 0 {
                Rounding::Up
            } else {
                Rounding::Down
            });
        }
        assert_eq!(learned.rounding(), Rounding::Up);
    }
}
