//! Whether a sensor and the others see the same road at all.
//!
//! A mount that is off by a little is learnt (`precision`). One that is off by much, of a sensor that was set to
//! look the other way, stands where another does, or has left and right exchanged, breaks no pair and teaches
//! nothing: all that it sees is there twice, once as it says and once as the others do. So it is counted, once a
//! second, who of those told of is known to one sensor alone where others look too, who is known to others alone
//! where it looks, and who is known to both. Where the first two are many and the last are hardly any, it stands
//! or looks elsewhere than was said; of two sensors nobody can tell which. A view that was said to be much wider
//! than it is looks alike. Nothing is taken off or left out for it: which of them is right only people can see.
//! Not here: who sees whom (`Track::sources`).

use arrayvec::ArrayVec;

use super::config::{MAX_SENSORS, Sees, Sensor};
use super::picture::{Picture, Track};
use crate::clock::Mono;

/// What the sensors have in common, of late.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accord {
    looked_at: Option<Mono>,
    tallies: ArrayVec<Tally, MAX_SENSORS>,
}

/// Of one sensor, in road users and seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    common: f64,
    alone: f64,
    missed: f64,
}

impl Accord {
    /// Takes in the picture of a moment, where the one before is a second old.
    pub(crate) fn note(&mut self, picture: &Picture, sensors: &[Sensor]) {
        let since_s = self
            .looked_at
            .map_or(EVERY_S, |before| picture.at.seconds_after(before));
        if since_s.abs() < EVERY_S {
            return;
        }
        self.looked_at = Some(picture.at);
        self.tallies
            .extend((self.tallies.len()..sensors.len()).map(|_| Tally::default()));
        for tally in &mut self.tallies {
            tally.common *= KEPT;
            tally.alone *= KEPT;
            tally.missed *= KEPT;
        }
        let gazes: ArrayVec<Gaze, MAX_SENSORS> = sensors.iter().map(Gaze::of).collect();
        for track in &picture.tracks {
            self.count(track, picture.at, &gazes);
        }
    }

    /// Whether the sensor of that place in the list has hardly anything in common with the others.
    pub(crate) fn is_astray(&self, sensor: usize) -> bool {
        self.tallies.get(sensor).is_some_and(|tally| {
            let least = tally.alone.min(tally.missed);
            least > ENOUGH && tally.common < COMMON * least
        })
    }

    /// Who has just come, or is not seen just now, says nothing.
    fn count(&mut self, track: &Track, at: Mono, gazes: &[Gaze]) {
        if at.seconds_after(track.born_at) < KNOWN_S || at.seconds_after(track.seen_at) > UNSEEN_S {
            return;
        }
        let (mut known, mut looking) = (0_u32, 0_u32);
        for (n, gaze) in gazes.iter().enumerate() {
            if gaze.counts {
                let bit = 1 << n;
                known |= track.sources & bit;
                looking |= if gaze.is_on(track) { bit } else { 0 };
            }
        }
        for (n, tally) in self.tallies.iter_mut().enumerate() {
            let own = 1 << n;
            match (known & own != 0, known & !own != 0) {
                (true, true) => tally.common += 1.0,
                (true, false) if looking & !own != 0 => tally.alone += 1.0,
                (false, true) if looking & own != 0 => tally.missed += 1.0,
                _ => {}
            }
        }
    }
}

/// Where a sensor looks, for many questions.
struct Gaze {
    counts: bool,
    east_m: f64,
    north_m: f64,
    ahead: (f64, f64),
    /// Cosine of how far aside it looks.
    least: f64,
    ranges_m: (f64, f64),
}

impl Gaze {
    fn of(sensor: &Sensor) -> Self {
        let (sin, cos) = sensor.pose.yaw_rad.sin_cos();
        let aside_rad = (WITHIN * sensor.half_fov_rad).min(std::f64::consts::PI);
        Self {
            counts: sensor.sees != Sees::Told,
            east_m: sensor.pose.east_m,
            north_m: sensor.pose.north_m,
            ahead: (cos, sin),
            least: aside_rad.cos(),
            ranges_m: (sensor.min_range_m + EDGE_M, WITHIN * sensor.max_range_m),
        }
    }

    /// Well within the sensor's field: at its edges nobody is sure to be seen.
    fn is_on(&self, track: &Track) -> bool {
        let (east_m, north_m) = (track.east_m - self.east_m, track.north_m - self.north_m);
        let range_m = (east_m * east_m + north_m * north_m).sqrt();
        let ahead_m = east_m * self.ahead.0 + north_m * self.ahead.1;
        range_m > self.ranges_m.0 && range_m < self.ranges_m.1 && ahead_m > self.least * range_m
    }
}

const EVERY_S: f64 = 1.0;
/// Of what was counted until a second ago: half of it is gone after 14 s.
const KEPT: f64 = 0.95;
const KNOWN_S: f64 = 1.5;
const UNSEEN_S: f64 = 0.5;
const EDGE_M: f64 = 5.0;
const WITHIN: f64 = 0.7;
/// So many must be known to one side only; fewer may be chance, or hidden.
const ENOUGH: f64 = 20.0;
/// Two who meet at one place may be taken for one now and then.
const COMMON: f64 = 0.2;
