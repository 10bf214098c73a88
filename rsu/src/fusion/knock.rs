//! Whether a sensor has just been knocked: from one frame to the next all that it sees is turned about its
//! foot by the same angle, also what nobody else sees.
//!
//! A track that a sensor has made all by itself says nothing of where that sensor looks, so that slow
//! learning (`precision`) holds it against the tracks of others only. But where all of its tracks jump aside
//! together by one angle in one frame, and stay there in the next few, it is the sensor that has turned. Only
//! a change is looked for: what is off all the time is no knock. Whoever crosses the beam may be seen late
//! instead, and is left out. Not here: what is made of it.

/// What is looked at of one sensor.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Knock {
    /// Of the frame in hand: how far sightings lie aside of their tracks times how far away they are, and
    /// squares of the latter, by weight.
    turn: f64,
    weight: f64,
    /// Sum of squares of how far aside, by variance.
    square: f64,
    count: u32,
    /// Of late: turns by what they tell, and how much that is. A mount that is a little off is off all the time.
    usual: (f64, f64),
    /// Frames in a row in which nothing had turned.
    calm: u32,
    /// By how much all had turned in the first frame after a calm, and how sure that is by all frames since,
    /// in squares of standard deviations.
    turned: Option<(f64, f64)>,
}

impl Knock {
    /// A sighting so far away lies so far aside (to the left) of its track, with that variance, and the track
    /// crosses the beam so fast.
    #[inline]
    pub(crate) fn note(
        &mut self,
        range_m: f64,
        (across_m, across_mps): (f64, f64),
        variance_m2: f64,
    ) {
        if across_mps.abs() > ALONG_MPS {
            return;
        }
        let weight = range_m / variance_m2;
        self.square += across_m * across_m / variance_m2;
        self.turn += across_m * weight;
        self.weight += range_m * weight;
        self.count += 1;
    }

    /// The frame is done; by how much the sensor has been turned to the left, if it has.
    pub(crate) fn settle(&mut self) -> Option<f64> {
        let Self {
            turn,
            weight,
            square,
            count,
            ..
        } = *self;
        (self.turn, self.weight, self.square, self.count) = (0.0, 0.0, 0.0, 0);
        if count < SEEN {
            return None;
        }
        let (usual, known) = self.usual;
        let usual_rad = if known > 0.0 { usual / known } else { 0.0 };
        let turned_rad = turn / weight - usual_rad;
        let sigmas2 = turned_rad * turned_rad * weight;
        let alike = square - turn * turn / weight <= ALIKE * f64::from(count);
        let jumped = turned_rad.abs() > JUMP_RAD && sigmas2 > EACH * EACH && alike;
        if !jumped {
            self.turned = None;
            self.usual = (OF_LATE * usual + turn, OF_LATE * known + weight);
            let quiet = turned_rad.abs() < QUIET_RAD || sigmas2 < EACH * EACH;
            self.calm = if quiet {
                self.calm.saturating_add(1)
            } else {
                0
            };
            return None;
        }
        let calm = std::mem::take(&mut self.calm) >= CALM;
        let Some((first_rad, sure2)) = self.turned.take() else {
            self.turned = calm.then_some((turned_rad, sigmas2));
            return None;
        };
        if first_rad * turned_rad < 0.0 {
            return None;
        }
        let sure2 = sure2 + sigmas2;
        if sure2 > ALL * ALL {
            return Some(first_rad);
        }
        self.turned = Some((first_rad, sure2));
        None
    }
}

/// Of fewer sightings a frame nothing is said.
const SEEN: u32 = 2;
/// Smaller turns are for slow learning: 0.7 degrees.
const JUMP_RAD: f64 = 0.0122;
/// Each of two frames or more in a row is sure by so many standard deviations, and all together by so many.
/// From the second on the tracks have begun to follow.
const EACH: f64 = 2.5;
const ALL: f64 = 5.0;
/// All have turned by one angle: what else they are off by is within what is claimed.
const ALIKE: f64 = 1.0;
/// Who crosses the beam faster may be seen late instead.
const ALONG_MPS: f64 = 2.0;
/// Turned by less is not turned.
const QUIET_RAD: f64 = JUMP_RAD / 2.0;
/// What is left of how it usually is turned with each frame: a memory of some five seconds.
const OF_LATE: f64 = 0.985;
/// A jump comes after so many frames without.
const CALM: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(knock: &mut Knock, turned_rad: f64, count: u32) -> Option<f64> {
        for place in 0..count {
            let range_m = 40.0 + 12.0 * f64::from(place);
            // A quarter of a degree of noise, as far to the left as to the right.
            let sigma_m = range_m * 0.0044;
            let noise_m = if place % 2 == 0 { 0.5 } else { -0.5 } * sigma_m;
            let across_m = range_m * turned_rad + noise_m;
            knock.note(range_m, (across_m, 0.0), sigma_m * sigma_m);
        }
        knock.settle()
    }

    #[test]
    fn a_knock_is_found_in_its_second_frame() {
        let mut knock = Knock::default();
        for _ in 0..20 {
            assert_eq!(frame(&mut knock, 0.0, 6), None);
        }
        assert_eq!(frame(&mut knock, -0.035, 6), None);
        let found = frame(&mut knock, -0.029, 6);
        assert!(
            found.is_some_and(|rad| (rad + 0.035).abs() < 0.002),
            "{found:?}"
        );
        assert_eq!(frame(&mut knock, 0.0, 6), None);
    }

    #[test]
    fn what_few_show_adds_up_over_frames_in_a_row() {
        // Two sightings whose common turn of 0.0135 rad is sure by 2.9 standard deviations.
        let look = |knock: &mut Knock, turned_rad: f64| {
            for range_m in [40.0, 60.0] {
                let sigma_m: f64 = range_m * 0.0065;
                knock.note(range_m, (range_m * turned_rad, 0.0), sigma_m * sigma_m);
            }
            knock.settle()
        };
        let mut knock = Knock::default();
        (0..20).for_each(|_| assert_eq!(look(&mut knock, 0.0), None));
        assert_eq!(look(&mut knock, 0.0135), None);
        assert_eq!(look(&mut knock, 0.0135), None);
        assert!(look(&mut knock, 0.0135).is_some(), "three in a row");
        (0..20).for_each(|_| assert_eq!(look(&mut knock, 0.0), None));
        assert_eq!(look(&mut knock, 0.0135), None);
        assert_eq!(look(&mut knock, 0.0135), None);
        assert_eq!(look(&mut knock, 0.0), None, "it was back");
        assert_eq!(look(&mut knock, 0.0135), None);
    }

    #[test]
    fn what_is_always_off_is_no_knock() {
        let mut knock = Knock::default();
        assert!((0..50).all(|_| frame(&mut knock, 0.03, 6).is_none()));
    }

    #[test]
    fn one_frame_or_one_sighting_is_not_enough() {
        let mut knock = Knock::default();
        for _ in 0..20 {
            frame(&mut knock, 0.0, 6);
        }
        assert_eq!(frame(&mut knock, 0.035, 6), None);
        assert_eq!(frame(&mut knock, 0.0, 6), None, "it was one frame");
        for _ in 0..20 {
            frame(&mut knock, 0.0, 6);
        }
        assert!((0..5).all(|_| frame(&mut knock, 0.035, 1).is_none()));
    }

    #[test]
    fn who_crosses_the_beam_late_has_not_turned_it_nor_who_jumps_alone() {
        let mut knock = Knock::default();
        for _ in 0..20 {
            frame(&mut knock, 0.0, 6);
        }
        for _ in 0..3 {
            (0..4).for_each(|_| knock.note(40.0, (1.5, 15.0), 0.06));
            assert_eq!(knock.settle(), None);
        }
        for _ in 0..20 {
            frame(&mut knock, 0.0, 6);
        }
        for _ in 0..3 {
            knock.note(100.0, (5.0, 0.0), 0.2);
            (0..3).for_each(|_| knock.note(60.0, (0.0, 0.0), 0.2));
            assert_eq!(knock.settle(), None);
        }
    }
}
