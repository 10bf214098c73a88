//! How far told ends were off, at most: what bounds an end that is not certain.
//!
//! Whether a controller rounds its seconds up or down, how late its news are, and by how much it
//! lengthens a green for a bus: all of it shows in ends that were told, by plan or countdown, and then
//! came sooner or later. It is learned of each light and by how far ahead the end was told, over all
//! phases of a controller. Not here: how often announced ends came true, which is each phase's own.

use std::time::Duration;

use crate::report::Light;

/// An announcement that reaches so far is of this sort.
pub(super) const REACHES: [Duration; 4] = [
    Duration::from_secs(4),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::MAX,
];
/// From so many lights on bounds are told: fewer cannot show what one in a hundred does.
const ENOUGH: u16 = 100;
/// What the largest error counts after each newer one: half after 230.
const FORGET: f32 = 0.997;
/// What came may be surpassed by this share, and by so many seconds.
const MARGIN: f32 = 0.5;
const MARGIN_S: f32 = 0.15;

/// A plan that is off by more was not kept: more than the time between two pieces of news.
const BROKEN_S: f32 = 1.6;
/// So many ends must come as told before a plan that was not kept is believed to the tenth again:
/// some four cycles of a junction.
const PENANCE: u16 = 200;

/// The sort of an announcement that reaches so far.
pub(super) fn reach(left: Duration) -> usize {
    let found = REACHES.iter().position(|reach| left <= *reach);
    found.unwrap_or(REACHES.len() - 1)
}

/// The ends that were told while a light was on, held against its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Missed {
    pub(super) light: Light,
    pub(super) reach: usize,
    /// By how much it came sooner than the latest one; not negative.
    pub(super) early_s: f32,
    /// By how much it came later than the earliest one; not negative.
    pub(super) late_s: f32,
}

/// What was learned of one controller.
#[derive(Clone, Debug, Default)]
pub(super) struct Drift {
    extents: [[Extent; REACHES.len()]; LIGHTS],
    /// So many ends must still come as told.
    owed: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    seen: u16,
    early_s: f32,
    late_s: f32,
}

impl Drift {
    pub(super) fn note(&mut self, missed: &Missed) {
        let extent = &mut self.extents[class(missed.light)][missed.reach];
        extent.seen = extent.seen.saturating_add(1);
        extent.early_s = missed.early_s.max(extent.early_s * FORGET);
        extent.late_s = missed.late_s.max(extent.late_s * FORGET);
        self.owed = if missed.early_s.max(missed.late_s) > BROKEN_S {
            PENANCE
        } else {
            self.owed.saturating_sub(1)
        };
    }

    /// Whether all ends came as told, lately.
    pub(super) fn is_none(&self) -> bool {
        self.owed == 0
    }

    /// By how much a light may end before and after the announced end that is so far away; None
    /// before enough was seen.
    pub(super) fn margins(&self, light: Light, left: Duration) -> Option<(Duration, Duration)> {
        let extent = &self.extents[class(light)][reach(left)];
        let margin = |most_s: f32| Duration::from_secs_f32(most_s * (1.0 + MARGIN) + MARGIN_S);
        (extent.seen >= ENOUGH).then(|| (margin(extent.early_s), margin(extent.late_s)))
    }
}

/// Lights that are told apart.
const LIGHTS: usize = 4;

fn class(light: Light) -> usize {
    match light {
        Light::Green | Light::FlashingGreen => 0,
        Light::Yellow => 1,
        Light::Red | Light::RedYellow => 2,
        Light::Dark | Light::Unknown | Light::FlashingRed | Light::FlashingYellow => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Duration = Duration::from_secs(8);

    fn missed(early_s: f32, late_s: f32) -> Missed {
        Missed {
            light: Light::Green,
            reach: reach(LEFT),
            early_s,
            late_s,
        }
    }

    #[test]
    fn bounds_hold_what_came_and_nothing_is_said_before_enough_came() {
        let mut drift = Drift::default();
        for n in 0..ENOUGH {
            assert_eq!(drift.margins(Light::Green, LEFT), None);
            drift.note(&missed(0.0, if n == 3 { 8.0 } else { 0.0 }));
        }
        let (early, late) = drift.margins(Light::Green, LEFT).expect("enough");
        assert!(early < Duration::from_millis(200), "{early:?}");
        assert!(late > Duration::from_secs(8), "{late:?}");
        assert_eq!(drift.margins(Light::Red, LEFT), None, "another light");
        assert_eq!(drift.margins(Light::Green, 2 * LEFT), None, "farther ahead");
    }

    #[test]
    fn a_plan_that_was_not_kept_is_not_exact_until_many_ends_came_as_told() {
        let mut drift = Drift::default();
        assert!(drift.is_none());
        drift.note(&missed(30.0, 0.0));
        for _ in 0..PENANCE {
            assert!(!drift.is_none());
            drift.note(&missed(0.1, 0.0));
        }
        assert!(drift.is_none());
    }

    #[test]
    fn what_came_once_is_forgotten() {
        let mut drift = Drift::default();
        drift.note(&missed(8.0, 0.0));
        for _ in 0..2000 {
            drift.note(&missed(0.0, 0.0));
        }
        let (early, _) = drift.margins(Light::Green, LEFT).expect("enough");
        assert!(early < Duration::from_millis(300), "{early:?}");
    }
}
