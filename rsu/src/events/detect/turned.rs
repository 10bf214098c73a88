//! How far aside somebody may be because a sensor that sees it is known to be turned.
//!
//! A turn is found at once and taken off as far as it is known, which is to about a degree until somebody has
//! looked after the mount: far out that is another lane. Not here: how a turn is found ([`crate::fusion`]).

use arrayvec::ArrayVec;

use crate::fusion::{MAX_SENSORS, Sensor, Track};

/// So much of a turn that has been found may be left.
const LEFT_RAD: f64 = 0.0175;

/// The sensors that are known to be turned.
#[derive(Clone, Debug, Default)]
pub(super) struct Turned {
    of: ArrayVec<Eye, MAX_SENSORS>,
}

#[derive(Clone, Copy, Debug)]
struct Eye {
    source: u32,
    east_m: f64,
    north_m: f64,
}

impl Turned {
    /// Those of now, each with its bit in [`Track::sources`].
    pub(super) fn set<'s>(&mut self, sensors: impl Iterator<Item = (u32, &'s Sensor)>) {
        self.of.clear();
        let eyes = sensors.map(|(source, sensor)| Eye {
            source,
            east_m: sensor.pose.east_m,
            north_m: sensor.pose.north_m,
        });
        self.of.extend(eyes.take(MAX_SENSORS));
    }

    /// How far aside a track may be that one of them has seen; nought of others.
    pub(super) fn aside_m(&self, track: &Track) -> f64 {
        let saw = self.of.iter().filter(|eye| track.sources & eye.source != 0);
        let off_m = saw.map(|eye| {
            let range_m = (track.east_m - eye.east_m).hypot(track.north_m - eye.north_m);
            LEFT_RAD * range_m
        });
        off_m.fold(0.0, f64::max)
    }
}
