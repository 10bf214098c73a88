//! Whether a sensor shows the same picture again and again, though those in it are said to move.
//!
//! A box whose camera has died may go on to send what it saw last, under new numbers and stamps. Each of its
//! messages looks new, and who was moving in it is seen to set out from the same place time after time: road
//! users that are not there, a new one each second. So a picture that has been the same to the bit for a
//! second, in which somebody should have moved by metres meanwhile by the sensor's own word, is no evidence any
//! more until it changes.
//!
//! A picture in which everybody stands is no evidence either, once it has been the same to the bit for as long, if
//! the sensor is known never to list even what stands where it was (`jitter`). Not told apart: such a picture from
//! a road on which nobody moves, of a box that rounds or gives no numbers.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::jitter::Jitter;
use crate::clock::Mono;
use crate::report::Detection;

/// What one sensor has shown of late.
#[derive(Clone, Debug)]
pub(crate) struct Hung {
    /// What the parts of the last picture said, since when they have said so, and the moment of the last.
    parts: ArrayVec<u64, MOST_PARTS>,
    since: Mono,
    at: Mono,
    /// So many parts of that moment have come.
    came: usize,
    /// Moments that were like the one before.
    alike: u32,
    /// Somebody in it should have moved, or should not be where he was to the bit.
    hangs: bool,
    jitter: Jitter,
}

impl Hung {
    pub(crate) fn new() -> Self {
        Self {
            parts: ArrayVec::new(),
            since: Mono::ZERO,
            at: Mono::ZERO,
            came: 0,
            alike: 0,
            hangs: false,
            jitter: Jitter::new(),
        }
    }

    /// Forgets what was shown; what the sensor is like stays.
    pub(crate) fn forget(&mut self) {
        self.parts.clear();
        (self.since, self.at, self.came) = (Mono::ZERO, Mono::ZERO, 0);
        (self.alike, self.hangs) = (0, false);
    }

    /// Takes in what the sensor said of `at`, or a part of it, whose places give `print`; whether it is the
    /// same picture still, and cannot be. What is older than the last says nothing.
    pub(crate) fn note(&mut self, at: Mono, print: u64, detections: &[Detection]) -> bool {
        if at < self.at {
            return self.hangs;
        }
        if at > self.at {
            if self.came < self.parts.len() {
                self.parts.truncate(self.came);
                self.begin(self.at);
            }
            self.came = 0;
        }
        self.at = at;
        if self.parts[..self.came.min(self.parts.len())].contains(&print) {
            // A part of this moment again is no other part.
            return self.hangs;
        }
        let part = self.came;
        self.came = (part + 1).min(MOST_PARTS);
        if self.parts.get(part) != Some(&print) {
            self.parts.truncate(part);
            // Of a moment in more parts than are kept nothing is said.
            let _ = self.parts.try_push(print);
            self.begin(at);
            self.jitter.note(at, detections);
            return false;
        }
        self.alike += u32::from(part == 0);
        let for_s = at.seconds_after(self.since);
        if !self.hangs && for_s >= LONG.as_secs_f64() {
            let moved_m = |seen: &Detection| sure_speed_mps(seen) * for_s;
            self.hangs = detections.iter().any(|seen| moved_m(seen) > FAR_M)
                || self.alike >= OFTEN && !detections.is_empty() && self.jitter.always();
        }
        self.hangs
    }

    /// Whether it shows what cannot be.
    pub(crate) fn hangs(&self) -> bool {
        self.hangs
    }

    fn begin(&mut self, at: Mono) {
        (self.since, self.hangs, self.alike) = (at, false, 0);
    }
}

/// How fast a thing is at least by its sensor's word; 0 where nothing is said.
fn sure_speed_mps(seen: &Detection) -> f64 {
    let Some(velocity) = &seen.velocity else {
        return 0.0;
    };
    let (east, north) = (velocity.east_mps, velocity.north_mps);
    let speed = east.hypot(north);
    let cov = &velocity.cov;
    let along = east * east * cov.ee + 2.0 * east * north * cov.en + north * north * cov.nn;
    // What is no number is no claim.
    (speed - SURE * along.max(0.0).sqrt() / speed).max(0.0)
}

/// Reports of one moment that are told apart.
const MOST_PARTS: usize = 8;
/// No sensor makes its picture anew less often than this where somebody moves.
const LONG: Duration = Duration::from_secs(1);
/// And so many of its pictures in a row are the same by chance of no sensor that measures.
const OFTEN: u32 = 5;
/// Farther than any box rounds places.
const FAR_M: f64 = 3.0;
/// Standard deviations of a speed.
const SURE: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::testing::{Dice, car, moment};
    use crate::report::{Covariance, Velocity};

    fn moving(speed_mps: f64, sigma_mps: f64) -> Detection {
        Detection {
            velocity: Some(Velocity {
                east_mps: 0.0,
                north_mps: speed_mps,
                cov: Covariance::from_axes(0.0, 100.0, sigma_mps),
            }),
            ..car(10.0, 20.0)
        }
    }

    /// When it is first seen to hang, if it shows these parts at 10 Hz for 20 s.
    fn hangs_at(parts: &[(u64, Detection)]) -> Option<f64> {
        let mut hung = Hung::new();
        let each = (0..200).map(|n| f64::from(n) / 10.0);
        let mut seen = each.flat_map(|t| parts.iter().map(move |part| (t, part)));
        let first = seen.find(|(t, (print, d))| hung.note(moment(*t), *print, &[*d]));
        first.map(|(t, _)| t)
    }

    #[test]
    fn who_is_said_to_move_and_does_not_move_is_found_out() {
        let standing = (7, moving(0.0, 0.3));
        assert_eq!(hangs_at(&[(1, moving(10.0, 0.3))]), Some(1.0));
        assert_eq!(hangs_at(&[standing, (1, moving(10.0, 0.3))]), Some(1.0));
        let walker = hangs_at(&[(1, moving(1.5, 0.2))]);
        assert!(
            walker.is_some_and(|t| (3.0..4.0).contains(&t)),
            "{walker:?}"
        );
    }

    #[test]
    fn who_may_stand_may_be_shown_for_ever() {
        assert_eq!(hangs_at(&[(1, car(3.0, 4.0))]), None);
        assert_eq!(hangs_at(&[(1, moving(0.0, 0.0))]), None);
        assert_eq!(hangs_at(&[(1, moving(1.0, 0.5))]), None);
        assert_eq!(hangs_at(&[(1, moving(f64::NAN, 0.5))]), None);
    }

    /// Two that stand, each a little aside of where it was, for a minute; then the last picture again and again for
    /// ten seconds. When it is first seen to hang.
    fn hangs_after(round_m: f64) -> Option<f64> {
        let mut dice = Dice::new(5);
        let mut hung = Hung::new();
        let mut shown = [car(0.0, 0.0); 2];
        for n in 0..700_u32 {
            if n < 600 {
                shown = [(1, 10.0), (2, 30.0)].map(|(id, east_m)| {
                    let off_m = 0.2 * dice.normal();
                    let east_m = ((east_m + off_m) / round_m).round() * round_m;
                    Detection {
                        device_id: Some(id),
                        ..car(east_m, 5.0)
                    }
                });
            }
            let print = shown[0].east_m.to_bits() ^ shown[1].east_m.to_bits().rotate_left(7);
            if hung.note(moment(f64::from(n) / 10.0), print, &shown) {
                return Some(f64::from(n) / 10.0);
            }
        }
        None
    }

    #[test]
    fn a_picture_of_who_stands_hangs_if_even_they_were_never_seen_where_they_were() {
        let at_s = hangs_after(0.001).expect("it hangs from the sixtieth second on");
        assert!((60.0..62.0).contains(&at_s), "{at_s}");
        assert_eq!(hangs_after(0.5), None);
    }

    #[test]
    fn a_picture_that_changes_in_any_part_does_not_hang() {
        let mut hung = Hung::new();
        let fast = [moving(20.0, 0.1)];
        for n in 0..300_u32 {
            let at = moment(f64::from(n) / 10.0);
            assert!(!hung.note(at, 1, &fast));
            // The second part is there or not, or is another.
            if n % 3 > 0 {
                assert!(!hung.note(at, u64::from(n % 3), &fast));
            }
        }
    }

    #[test]
    fn it_is_believed_again_with_the_first_picture_that_differs() {
        let mut hung = Hung::new();
        let fast = [moving(20.0, 0.1)];
        for n in 0..50_u32 {
            hung.note(moment(f64::from(n) / 10.0), 1, &fast);
        }
        assert!(hung.hangs());
        assert!(!hung.note(moment(5.0), 2, &fast));
        assert!(!hung.hangs());
    }
}
