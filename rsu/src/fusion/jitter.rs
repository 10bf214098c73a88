//! Whether what stands is seen by a sensor where it was to the bit, or a little aside each time.
//!
//! Every measurement has noise, so who lists what it measured never lists the same numbers twice, also of what
//! stands. A box that rounds, or that holds what stands where it is, does. Which of them a sensor is shows in
//! things that have stood for a while under one number; a sensor that gives no numbers is not known, and counts
//! as one that rounds. Learnt only from pictures that are not as a whole the one before. Not here: what follows
//! for a picture that does not change (`hung`).

use crate::clock::Mono;
use crate::report::Detection;

/// How what stands is listed by one sensor.
#[derive(Clone, Debug)]
pub(crate) struct Jitter {
    /// By the lowest bits of the device's number.
    things: Box<[Thing]>,
    /// Of things that stood: listed once more, and then to the bit where they were.
    listed: u32,
    same: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Thing {
    id: u16,
    /// Where it is taken to stand, since when.
    place_m: (f64, f64),
    since: Mono,
    /// When it was listed last, and where.
    at: Mono,
    last_m: (f64, f64),
}

impl Jitter {
    pub(crate) fn new() -> Self {
        Self {
            things: vec![Thing::default(); THINGS].into_boxed_slice(),
            listed: 0,
            same: 0,
        }
    }

    /// Takes what was listed at that moment.
    pub(crate) fn note(&mut self, at: Mono, detections: &[Detection]) {
        for seen in detections {
            let Some(id) = seen.device_id else { continue };
            let here_m = (seen.east_m, seen.north_m);
            let thing = &mut self.things[usize::from(id) % THINGS];
            let off_m = (here_m.0 - thing.place_m.0).hypot(here_m.1 - thing.place_m.1);
            // What is no number stands nowhere.
            let stays = off_m < STANDS_WITHIN_M;
            if thing.id != id || at.seconds_after(thing.at) > LASTS_S || !stays {
                *thing = Thing {
                    id,
                    place_m: here_m,
                    since: at,
                    at,
                    last_m: here_m,
                };
                continue;
            }
            if at <= thing.at {
                continue;
            }
            if at.seconds_after(thing.since) > STOOD_S {
                self.listed += 1;
                self.same += u32::from(here_m == thing.last_m);
            }
            (thing.at, thing.last_m) = (at, here_m);
        }
        if self.listed > MOST_LISTED {
            (self.listed, self.same) = (self.listed / 2, self.same / 2);
        }
    }

    /// Whether it is known that nothing is ever listed where it was to the bit, not even what stands.
    pub(crate) fn always(&self) -> bool {
        self.listed >= ENOUGH && self.same.saturating_mul(SELDOM) <= self.listed
    }
}

/// Numbers that are kept apart.
const THINGS: usize = 256;
/// What stays within this for so long stands: whoever creeps has left it by then.
const STANDS_WITHIN_M: f64 = 1.0;
const STOOD_S: f64 = 5.0;
/// A number that was not listed for longer begins anew.
const LASTS_S: f64 = 1.0;
/// So many sightings of what stands tell: half a minute of one thing.
const ENOUGH: u32 = 300;
const MOST_LISTED: u32 = 20_000;
/// Where rounding is much finer than the noise two may be the same now and then: no more than one in so many.
const SELDOM: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::testing::{Dice, car, moment};

    /// One that stands and one that drives by, for a minute, by a box that rounds to so much; none if zero.
    fn watched(round_m: f64, numbered: bool, stands: bool) -> Jitter {
        let mut dice = Dice::new(3);
        let mut jitter = Jitter::new();
        for step in 0..600 {
            let t = f64::from(step) / 10.0;
            let mut listed = |id: u16, east_m: f64| {
                let said = |m: f64| match round_m {
                    0.0 => m,
                    step_m => (m / step_m).round() * step_m,
                };
                let place = (
                    said(east_m + 0.1 * dice.normal()),
                    said(0.1 * dice.normal()),
                );
                Detection {
                    device_id: numbered.then_some(id),
                    ..car(place.0, place.1)
                }
            };
            let drives = listed(1, 3.0 * t);
            let waits = listed(2, 20.0);
            let seen = [drives, waits];
            jitter.note(moment(t), if stands { &seen } else { &seen[..1] });
        }
        jitter
    }

    #[test]
    fn who_rounds_is_told_from_who_does_not() {
        assert!(watched(0.0, true, true).always());
        assert!(watched(0.01, true, true).always());
        assert!(!watched(0.1, true, true).always());
        assert!(!watched(0.5, true, true).always());
    }

    #[test]
    fn without_numbers_or_where_nothing_stands_nothing_is_known() {
        assert!(!watched(0.0, false, true).always());
        assert!(!watched(0.0, true, false).always());
    }
}
