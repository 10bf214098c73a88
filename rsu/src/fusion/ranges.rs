//! How much too far each sensor measures, held to how well it was surveyed.
//!
//! A miss is the difference between a sighting and a track that several sensors have made, and the constant
//! errors of all of them are in it: the sensor's own, less the share of each that the track has taken over
//! (`lasting`). So a miss is shared out. It moves the sensor that missed one way, and those that made the
//! track the other. A shift that all of them have in common, such as of a whole road between radars that face
//! each other, is in no miss: whatever misses have in common for another reason (a change of speed foreseen a
//! little late, traffic that goes mostly one way) moves one as far up as another down, and what cannot be
//! seen stays at the survey.
//!
//! What is found is a fit by least squares with a memory of half a minute: a frame counts by what it tells
//! beside what is known by then, the survey among it. Of how sensors hang together only this is kept, not
//! a covariance of all with all: each follows its own sum, and the loop over misses does the rest. Not here:
//! where a sensor looks (`precision`), and where it stands, which nobody but `rsu calibrate` asks.

use nalgebra::{Matrix2, Vector2};

use super::config::{Sees, Sensor};
use super::filter::{inverse, matrix};
use super::lasting::Lasting;
use super::precision::{LATE_S, Miss, OF_LATE, Precision, SAME_FRAMES, beam};

/// By how much one sensor measures too far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeOffset {
    off_m: f64,
    /// What misses of late tell of it, in 1/m²; the survey comes on top.
    known: f64,
    /// Of the frame in hand: where to, and how sure that is.
    pull: f64,
    weight: f64,
}

impl RangeOffset {
    /// As surveyed.
    pub(crate) const SURVEYED: Self = Self {
        off_m: 0.0,
        known: 0.0,
        pull: 0.0,
        weight: 0.0,
    };

    /// How much too far it measures, as far as is known.
    pub(crate) fn off_m(&self) -> f64 {
        self.off_m
    }

    /// Takes its part of a miss: a metre more of it moves the miss by `arm`.
    #[inline]
    fn blame(&mut self, arm: Vector2<f64>, (pull, sure): (Vector2<f64>, &Matrix2<f64>)) {
        self.pull += arm.dot(&pull);
        self.weight += arm.dot(&(sure * arm));
    }

    /// A frame is done; `own` if it was this sensor's, which is what its memory counts by.
    pub(crate) fn settle(&mut self, own: bool) {
        let (pull, weight) = (self.pull, self.weight);
        (self.pull, self.weight) = (0.0, 0.0);
        if !(pull.is_finite() && weight.is_finite()) {
            return;
        }
        let mut change = pull / SAME_FRAMES;
        let surveyed = surveyed(self.off_m);
        if own {
            self.known *= OF_LATE;
            // What is forgotten gives way to the survey, which is not.
            change -= (1.0 - OF_LATE) * surveyed * self.off_m;
        }
        self.known += weight / SAME_FRAMES;
        self.off_m += change / (self.known + surveyed);
        self.off_m = self.off_m.clamp(-MOST_M, MOST_M);
    }
}

/// Who measures farthest off, and how far the next does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worst {
    of: usize,
    off_m: f64,
    next_m: f64,
}

impl Worst {
    /// How far off the worst of all others measures.
    pub(crate) fn beside(&self, sensor: usize) -> f64 {
        if sensor == self.of {
            self.next_m
        } else {
            self.off_m
        }
    }
}

/// Of all sensors.
pub(crate) fn worst(precision: &[Precision]) -> Worst {
    let mut worst = Worst::default();
    for (of, precise) in precision.iter().enumerate() {
        let off_m = precise.range.off_m().abs();
        if off_m > worst.off_m {
            worst = Worst {
                of,
                off_m,
                next_m: worst.off_m,
            };
        } else {
            worst.next_m = worst.next_m.max(off_m);
        }
    }
    worst
}

/// Shares out one miss of a sensor among all whose errors are in it.
pub(crate) fn share_out(
    miss: &Miss<'_>,
    lasting: &Lasting,
    (sensor, sensors): (usize, &[Sensor]),
    precision: &mut [Precision],
) {
    if miss.others < LEAST_OTHERS {
        return;
    }
    let position = miss.sighting.position;
    let way = miss.state.velocity();
    // What is late lies behind, and whoever changes speed is foreseen a little off.
    let mut cov = matrix(miss.state.position_cov())
        + miss.sighting.position_cov
        + miss.wander
        + way * way.transpose() * (LATE_S * LATE_S);
    let told = |(of, _): &(usize, _)| sensors.get(*of).is_some_and(|s| s.sees == Sees::Told);
    for (_, share) in lasting.shares().filter(told) {
        // Each road user's own receiver is off by something else, and nothing is learnt of it.
        cov += share * share.transpose() * (TOLD_M * TOLD_M);
    }
    let sure = inverse(&cov);
    let off = position - miss.state.position();
    let pull = sure * off;
    // Held where it is likelier a wrong pair than an error.
    let pull = pull * (MOST_SIGMAS2 / off.dot(&pull)).sqrt().min(1.0);
    let blame = (pull, &sure);
    let Some(own) = sensors.get(sensor).map(|own| beam(own, position)) else {
        return;
    };
    let mut arm = own;
    for (of, share) in lasting.shares() {
        let Some((other, precision)) = sensors.get(of).zip(precision.get_mut(of)) else {
            continue;
        };
        if of == sensor {
            arm -= share * own;
        } else if other.sees != Sees::Told {
            precision
                .range
                .blame(-(share * beam(other, position)), blame);
        }
    }
    precision[sensor].range.blame(arm, blame);
}

/// How sure a survey and a maker are of the ranges of a sensor that is off by so much, in 1/m². Who is off by far
/// more than surveys are was set up wrong, and then the survey says nothing: errors of surveys are supposed to be
/// spread as Student's t, so that of three who disagree one is far off rather than all a little.
fn surveyed(off_m: f64) -> f64 {
    SURVEYED / (1.0 + off_m * off_m * (SURVEYED / FREEDOM))
}

/// A quarter of a metre. Assumed: 0.05 m of the place, and 0.1 to 0.4 m that makers of traffic radars and cameras
/// state for ranges.
const SURVEYED: f64 = 1.0 / (0.25 * 0.25);
/// Degrees of freedom: so few that three surveys in a hundred are off by more than a metre. Assumed.
const FREEDOM: f64 = 3.0;
/// How far off what a road user says of its own place is for a minute or more: satellite navigation without
/// corrections. Assumed.
const TOLD_M: f64 = 1.5;
/// Misses of more standard deviations count as of so many, squared.
const MOST_SIGMAS2: f64 = 9.0;
/// A track that a sensor has made itself has its errors, and says nothing of them.
const LEAST_OTHERS: f64 = 1e-3;
/// Who is off by more measures something else.
const MOST_M: f64 = 3.0;
