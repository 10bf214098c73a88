//! Whether what was promised of a lamp group came true.
//!
//! A countdown is worked out, not said by the controller. So each change of a lamp group is held
//! against the last promise; one that was off takes the lamp group's countdown away until two
//! promises, kept to ourselves, have been right. Where that is wanted, the first has to come true too
//! before any is told.

use std::time::Duration;

use super::timeline::merged;
use crate::clock::Mono;
use crate::report::Light;

/// How far a promise may be off: a second for whole seconds, and half of one for the way.
const TOLERANCE: Duration = Duration::from_millis(1500);
/// How many promises must be right before the next is told.
const PENANCE: u8 = 2;

/// What one lamp group was promised to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trust {
    light: Light,
    promised: Option<Mono>,
    owed: u8,
}

/// What became of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing changed, or nothing was promised.
    None,
    /// It came true.
    Kept,
    /// It did not.
    Broken,
}

impl Trust {
    /// Of a lamp group that was never seen; `proves` itself before it is trusted.
    pub(super) fn new(proves: bool) -> Self {
        Self {
            owed: proves.into(),
            ..Self::default()
        }
    }

    /// Takes in what the lamp group shows at a moment; it is looked at once in `period`.
    pub(super) fn see(&mut self, at: Mono, light: Light, period: Duration) -> Verdict {
        if merged(light) == merged(self.light) {
            return Verdict::None;
        }
        self.light = light;
        let Some(promised) = self.promised.take() else {
            return Verdict::None;
        };
        let off = at.since(promised).max(promised.since(at));
        if off <= TOLERANCE + period {
            self.owed = self.owed.saturating_sub(1);
            Verdict::Kept
        } else {
            self.owed = PENANCE;
            Verdict::Broken
        }
    }

    /// Takes in a promise; None where it must not be told.
    pub(super) fn promise(&mut self, at: Mono, countdown_s: Option<u16>) -> Option<u16> {
        self.promised = countdown_s.map(|s| at + Duration::from_secs(s.into()));
        countdown_s.filter(|_| self.owed == 0)
    }

    /// What was promised holds no longer, and nobody is to blame: another plan, another mode.
    pub(super) fn release(&mut self) {
        self.promised = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(500);

    fn at(ms: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn a_broken_promise_silences_the_next_two() {
        let mut trust = Trust::default();
        trust.see(at(0), Light::Green, PERIOD);
        assert_eq!(trust.promise(at(0), Some(10)), Some(10));
        assert_eq!(trust.see(at(5000), Light::Yellow, PERIOD), Verdict::Broken);
        assert_eq!(trust.promise(at(5000), Some(3)), None);
        assert_eq!(trust.see(at(8400), Light::Red, PERIOD), Verdict::Kept);
        assert_eq!(trust.promise(at(8400), Some(30)), None);
        assert_eq!(trust.see(at(38_000), Light::Green, PERIOD), Verdict::Kept);
        assert_eq!(trust.promise(at(38_000), Some(20)), Some(20));
    }

    #[test]
    fn the_first_promise_is_kept_to_ourselves_where_it_has_to_be_proved() {
        let mut trust = Trust::new(true);
        trust.see(at(0), Light::Green, PERIOD);
        assert_eq!(trust.promise(at(0), Some(10)), None);
        assert_eq!(trust.see(at(9700), Light::Yellow, PERIOD), Verdict::Kept);
        assert_eq!(trust.promise(at(9700), Some(3)), Some(3));
    }

    #[test]
    fn flashing_is_no_change_and_what_was_released_no_lie() {
        let mut trust = Trust::default();
        trust.see(at(0), Light::Green, PERIOD);
        trust.promise(at(0), Some(10));
        assert_eq!(
            trust.see(at(1000), Light::FlashingGreen, PERIOD),
            Verdict::None
        );
        trust.release();
        assert_eq!(trust.see(at(2000), Light::Yellow, PERIOD), Verdict::None);
    }
}
