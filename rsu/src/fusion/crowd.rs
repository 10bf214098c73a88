//! Who is followed at a moment, and where each of them is kept.
//!
//! A frame concerns those who stand where its sensor looks, or near what it lists. It carries these on to its
//! moment and works on them alone; the others stay as the frame left them that concerned them last, and are
//! carried on from there once another does or somebody asks where they are. So a frame costs what it is about
//! and not what the whole junction holds. Nobody is left alone for longer than [`LEFT`].
//!
//! What is kept of each is in `history`, with the frame that carried it on.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::associate::REACH_M;
use super::config::{Sees, Sensor};
use super::pace::Pace;
use super::target::{Sighting, Target};
use super::views::MARGIN_RAD;
use crate::clock::Mono;

/// Nobody is left alone for longer, so that what all frames see is known about as well as if each moved it on.
pub(crate) const LEFT: Duration = Duration::from_millis(100);
/// Nor for more moments than this: so many are kept beyond the window.
pub(crate) const LEFT_MOMENTS: u8 = 16;
/// Nobody moves farther in [`LEFT`]: 216 km/h.
const MOVES_M: f32 = 6.0;
/// Who is farther than this from a detection has nothing to do with it.
const NEAR_M: f32 = REACH_M as f32 + MOVES_M;

/// Everybody who is followed at one moment.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) at: Mono,
    /// In order of birth.
    pub(crate) seats: Vec<Seat>,
    /// The frame worked through last: a device may send one moment in several.
    pub(crate) last: Option<(usize, Mono)>,
    /// Who was not seen at that moment has been judged.
    pub(crate) judged: bool,
    /// Where those are kept whom the frames of that moment have carried on.
    pub(crate) slot: u8,
}

impl Crowd {
    pub(crate) fn with_capacity(max_targets: usize) -> Self {
        Self {
            at: Mono::ZERO,
            seats: Vec::with_capacity(max_targets),
            last: None,
            judged: false,
            slot: 0,
        }
    }
}

/// Where one of them is kept, and where it was then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    uid: u64,
    east_m: f32,
    north_m: f32,
    pub(crate) slot: u8,
    /// Moments that have passed since.
    pub(crate) left: u8,
    /// Among those in the same slot.
    pub(crate) index: u16,
}

impl Seat {
    pub(crate) fn new(target: &Target, slot: u8, index: usize) -> Self {
        let place = target.state.position();
        Self {
            uid: target.uid,
            east_m: place.x as f32,
            north_m: place.y as f32,
            slot,
            left: 0,
            index: index as u16,
        }
    }

    /// The same, a moment later.
    pub(crate) fn left_again(&self) -> Self {
        Self {
            left: self.left + 1,
            ..*self
        }
    }

    /// Whose it is.
    pub(crate) fn is_of(&self, target: &Target) -> bool {
        self.uid == target.uid
    }
}

/// Whom a frame concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concern<'a> {
    field: Option<Field>,
    sightings: &'a [Sighting],
    /// All sightings lie between these, east and north.
    least: [f32; 2],
    most: [f32; 2],
}

impl<'a> Concern<'a> {
    pub(crate) fn new(sensor: &Sensor, sightings: &'a [Sighting]) -> Self {
        let (mut least, mut most) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for sighting in sightings {
            for axis in 0..2 {
                let place = sighting.position[axis] as f32;
                least[axis] = least[axis].min(place);
                most[axis] = most[axis].max(place);
            }
        }
        Self {
            // Who only tells looks nowhere.
            field: (sensor.sees != Sees::Told).then(|| Field::of(sensor)),
            sightings,
            least,
            most,
        }
    }

    /// Whether it concerns somebody who was last known to be there.
    pub(crate) fn reaches(&self, seat: &Seat) -> bool {
        let place = [seat.east_m, seat.north_m];
        self.field.is_some_and(|field| field.holds(place)) || self.lists_near(place)
    }

    fn lists_near(&self, place: [f32; 2]) -> bool {
        let among = |axis: usize| {
            place[axis] >= self.least[axis] - NEAR_M && place[axis] <= self.most[axis] + NEAR_M
        };
        among(0)
            && among(1)
            && self.sightings.iter().any(|sighting| {
                let apart = |axis: usize| (sighting.position[axis] as f32 - place[axis]).abs();
                apart(0) <= NEAR_M && apart(1) <= NEAR_M
            })
    }
}

/// Where a sensor looks, and as far beside it as bodies may stand that hide others.
#[derive(Clone, Copy, Debug)]
struct Field {
    foot: [f32; 2],
    /// Cosine and sine of the middle, and of the angle from there to the edge.
    middle: [f32; 2],
    edge: [f32; 2],
    squared_range_m2: f32,
}

impl Field {
    fn of(sensor: &Sensor) -> Self {
        let pose = &sensor.pose;
        let edge_rad = (sensor.half_fov_rad as f32 + MARGIN_RAD).min(std::f32::consts::PI);
        let (sin, cos) = pose.yaw_rad.sin_cos();
        Self {
            foot: [pose.east_m as f32, pose.north_m as f32],
            middle: [cos as f32, sin as f32],
            edge: [edge_rad.cos(), edge_rad.sin()],
            squared_range_m2: (sensor.max_range_m as f32 + MOVES_M).powi(2),
        }
    }

    fn holds(&self, place: [f32; 2]) -> bool {
        let [east_m, north_m] = [place[0] - self.foot[0], place[1] - self.foot[1]];
        let ([cos, sin], [edge_cos, edge_sin]) = (self.middle, self.edge);
        let ahead_m = east_m * cos + north_m * sin;
        let aside_m = (north_m * cos - east_m * sin).abs();
        // How far it lies outside of the edge on its side.
        let outside_m = aside_m * edge_cos - ahead_m * edge_sin;
        outside_m <= MOVES_M && east_m * east_m + north_m * north_m <= self.squared_range_m2
    }
}

/// How far to carry on whom earlier moments have left: each such moment is reckoned once.
#[derive(Clone, Debug)]
pub(crate) struct Paces {
    to: Mono,
    made: ArrayVec<(Mono, Pace), { LEFT_MOMENTS as usize + 1 }>,
    /// The one that was asked for last, and its place: mostly the next is the same.
    last: Option<Mono>,
    place: usize,
}

impl Paces {
    pub(crate) fn new(to: Mono) -> Self {
        Self {
            to,
            made: ArrayVec::new(),
            last: None,
            place: 0,
        }
    }

    /// From a moment on.
    #[inline(always)]
    pub(crate) fn since(&mut self, from: Mono) -> &mut Pace {
        if self.last != Some(from) {
            (self.last, self.place) = (Some(from), self.place_of(from));
        }
        &mut self.made[self.place].1
    }

    fn place_of(&mut self, from: Mono) -> usize {
        let known = self.made.iter().position(|(of, _)| *of == from);
        known.unwrap_or_else(|| {
            if self.made.is_full() {
                self.made.pop();
            }
            self.made
                .push((from, Pace::new(self.to.seconds_after(from))));
            self.made.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fusion::screen::believe;
    use crate::fusion::testing::{car, moment};
    use crate::fusion::{Config, Pose};
    use crate::report::InputId;

    fn sighting(sensor: &Sensor, (east_m, north_m): (f64, f64)) -> Sighting {
        believe(&car(east_m, north_m), sensor, &Config::default()).unwrap()
    }

    proptest! {
        /// Whom a sensor may see or have hidden by somebody, and who is near what it lists, is reached from
        /// wherever it was up to 100 ms before.
        #[test]
        fn whom_a_frame_is_about_it_reaches(
            foot in (-80.0..80.0f64, -80.0..80.0f64),
            (yaw_rad, half_fov_rad, max_range_m) in (-3.2..3.2f64, 0.05..3.2f64, 20.0..250.0f64),
            (bearing, share) in (-1.0..1.0f64, 0.0..1.0f64),
            (way_rad, moved_m) in (0.0..6.3f64, 0.0..5.9f64),
            (aside, strays_m) in (-1.0..1.0f64, 0.0..14.0f64),
        ) {
            let pose = Pose { east_m: foot.0, north_m: foot.1, up_m: 6.0, yaw_rad };
            let sensor = Sensor { half_fov_rad, max_range_m, ..Sensor::camera(InputId(1), pose) };
            let seat = |place: (f64, f64)| {
                let before = (place.0 - moved_m * way_rad.cos(), place.1 - moved_m * way_rad.sin());
                let target = Target::new(1, (moment(0.0), 0), &sighting(&sensor, before), true);
                Seat::new(&target, 0, 0)
            };
            let reach_rad = (half_fov_rad + f64::from(MARGIN_RAD)).min(std::f64::consts::PI);
            let (sin, cos) = (yaw_rad + bearing * reach_rad).sin_cos();
            let range_m = share * max_range_m;
            let inside = (foot.0 + range_m * cos, foot.1 + range_m * sin);
            prop_assert!(Concern::new(&sensor, &[]).reaches(&seat(inside)));
            // Somewhere behind it, but listed there.
            let (sin, cos) = (yaw_rad + std::f64::consts::PI * aside).sin_cos();
            let behind = (foot.0 + 300.0 * cos, foot.1 + 300.0 * sin);
            let listed = (behind.0 + strays_m * aside, behind.1 - strays_m);
            let (near, far) = (sighting(&sensor, listed), sighting(&sensor, inside));
            prop_assert!(Concern::new(&sensor, &[far, near]).reaches(&seat(behind)));
        }
    }

    #[test]
    fn who_stands_behind_a_sensor_does_not_concern_it_and_who_speaks_concerns_those_nearby() {
        let pose = Pose {
            east_m: 0.0,
            north_m: 0.0,
            up_m: 6.0,
            yaw_rad: 0.0,
        };
        let camera = Sensor::camera(InputId(1), pose);
        let seat = |place| {
            let target = Target::new(1, (moment(0.0), 0), &sighting(&camera, place), true);
            Seat::new(&target, 0, 0)
        };
        let seen = [sighting(&camera, (40.0, 0.0))];
        let concern = Concern::new(&camera, &seen);
        assert!(concern.reaches(&seat((40.0, 10.0))));
        assert!(!concern.reaches(&seat((-30.0, 0.0))));
        assert!(!concern.reaches(&seat((150.0, 0.0))));
        let heard = Sensor::heard(InputId(2));
        let concern = Concern::new(&heard, &seen);
        assert!(concern.reaches(&seat((50.0, 10.0))));
        assert!(!concern.reaches(&seat((10.0, 0.0))));
    }
}
