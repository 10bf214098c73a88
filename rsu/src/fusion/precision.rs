//! How well a sensor measures: what its errors are really like, against what it claims.
//!
//! Each sighting of a well-known track misses the expected place by some amount. On average, its
//! square is the track's own variance and the sensor's; what is more or less than that is the
//! sensor's fault, and becomes a factor on what it claims, along the beam and across it. The mean of
//! the misses is no noise but a mount that is not quite what the configuration says: a range (`ranges`) and a
//! heading offset, which are taken off every detection from then on; a sensor that is knocked is found at
//! once (`knock`). For radars there is one more
//! unknown: how far over a body the echo wanders, told apart from noise by the size of the bodies.

use nalgebra::{Matrix2, Vector2};

use super::config::{Sees, Sensor};
use super::doubt::Doubt;
use super::filter::Kalman;
use super::knock::Knock;
use super::ranges::RangeOffset;
use super::ratio::Ratio;
use super::target::Sighting;
use crate::report::Covariance;

/// What is known of one sensor's errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Precision {
    along: Ratio,
    across: Ratio,
    /// Variance of the echo's place over that of an even spread over the body.
    echo: Ratio,
    /// How much of the errors repeats, over what is supposed of such a sensor.
    repeats: Ratio,
    /// Frames in which it was held against tracks that others made.
    checked: f64,
    pub(crate) range: RangeOffset,
    yaw_rad: f64,
    /// Of late: misses of the heading by what they tell, and how much that is.
    astray: (f64, f64),
    /// For so many frames more its heading is looked for anew.
    seeks: u32,
    /// Sums of the frame in hand.
    sums: Sums,
    knock: Knock,
    frames: u32,
}

/// What is to be done to a frame's detections, since the sensor is not quite what it claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correction {
    foot: Vector2<f64>,
    range_m: f64,
    /// By which what it reports is turned: cosine and sine.
    direction: (f64, f64),
    /// Factors on standard deviations along the beam and across it.
    along: f64,
    across: f64,
    /// How much of its heading is not known, in radians; 0 where that is none to speak of.
    doubt: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    yaw: f64,
    yaw_weight: f64,
    others: f64,
    /// The same as far as it says something of the heading.
    yaw_trust: f64,
    count: f64,
}

/// One sighting of a track that is well known, before the track has taken it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Miss<'a> {
    pub(crate) state: &'a Kalman,
    pub(crate) sighting: &'a Sighting,
    /// Length and direction (cosine, sine) of the body, where known.
    pub(crate) length_m: f64,
    pub(crate) direction: Option<(f64, f64)>,
    /// How much of the track this sensor has not made itself, 0..=1.
    pub(crate) others: f64,
    /// The share of the body over which the echo is expected to wander, as a covariance.
    pub(crate) wander: Matrix2<f64>,
}

impl Precision {
    /// As the sensor claims.
    pub(crate) fn new() -> Self {
        Self {
            along: Ratio::new(1.0, 400.0),
            across: Ratio::new(1.0, 400.0),
            echo: Ratio::new(ECHO_SHARE * ECHO_SHARE, 400.0),
            repeats: Ratio::new(1.0, 10.0),
            checked: 0.0,
            range: RangeOffset::SURVEYED,
            yaw_rad: 0.0,
            astray: (0.0, 0.0),
            seeks: 0,
            sums: Sums::default(),
            knock: Knock::default(),
            frames: 0,
        }
    }

    /// What is to be done to all detections of a frame.
    pub(crate) fn correction(&self, sensor: &Sensor) -> Correction {
        let (sin, cos) = (-self.yaw_rad).sin_cos();
        Correction {
            foot: Vector2::new(sensor.pose.east_m, sensor.pose.north_m),
            range_m: self.range.off_m(),
            direction: (cos, sin),
            along: self.along.value(least(sensor), 6.0).sqrt(),
            across: self.across.value(least(sensor), 6.0).sqrt(),
            doubt: if self.is_turned() {
                DOUBT * self.yaw_rad
            } else {
                0.0
            },
        }
    }

    /// Standard deviation of the echo about the centre, as a share of the body.
    pub(crate) fn echo_share(&self) -> f64 {
        self.echo.value(0.02 * 0.02, 0.3 * 0.3).sqrt()
    }

    /// How much of its errors repeats, over what is supposed of such a sensor.
    pub(crate) fn repeats(&self) -> f64 {
        self.repeats.value(0.01, 3.0)
    }

    /// Takes how alike two misses in a row were on one track, how alike they should have been, and the
    /// variance of one of them.
    pub(crate) fn note_alike(&mut self, alike_m2: f64, expected_m2: f64, whole_m2: f64) {
        let most = 9.0 * whole_m2;
        self.repeats.add(
            alike_m2.max(-most).min(most) / whole_m2,
            expected_m2 / (whole_m2 * self.repeats()),
        );
    }

    /// How far the mount seems to be from what is configured: range in metres, heading in radians clockwise.
    pub(crate) fn offset(&self) -> (f64, f64) {
        (self.range.off_m(), self.yaw_rad)
    }

    /// Variance of the errors over what is claimed: along the beam and across it.
    pub(crate) fn noise(&self) -> (f64, f64) {
        (self.along.value(0.3, 6.0), self.across.value(0.3, 6.0))
    }

    /// Whether the mount is turned so far that somebody should look after it.
    pub(crate) fn is_turned(&self) -> bool {
        self.yaw_rad.abs() > TURNED_RAD
    }

    /// What is not known of where it stands and looks, if the worst of the others measures so much too far.
    pub(crate) fn doubt(&self, sensor: &Sensor, others_m: f64) -> Doubt {
        // What is taken off beyond a degree counts in each frame already, by more.
        let found_rad = if self.is_turned() { 0.0 } else { self.yaw_rad };
        let survey = CHECKED_FRAMES / (CHECKED_FRAMES + self.checked);
        Doubt::new(sensor, survey, (self.range.off_m(), found_rad), others_m)
    }

    /// Takes one miss.
    pub(crate) fn note(&mut self, sensor: &Sensor, miss: &Miss<'_>) {
        let position = miss.sighting.position;
        let u = beam(sensor, position);
        let nu = position - miss.state.position();
        let range = (position - Vector2::new(sensor.pose.east_m, sensor.pose.north_m)).norm();
        let (along, across) = (nu.dot(&u), u.x * nu.y - u.y * nu.x);
        let p = miss.state.position_cov();
        let r = covariance(&miss.sighting.position_cov);
        let e = covariance(&miss.wander);
        let (pa, pc) = (p.along(u.x, u.y), p.along(-u.y, u.x));
        let (ra, rc) = (r.along(u.x, u.y), r.along(-u.y, u.x));
        let (ea, ec) = (e.along(u.x, u.y), e.along(-u.y, u.x));
        let v = miss.state.velocity();
        let across_mps = u.x * v.y - u.y * v.x;
        let (along_m2, across_m2) = (pa + ra + ea, pc + rc + ec);
        self.knock.note(range, (across, across_mps), across_m2);
        // What is late lies behind, and whoever changes speed is foreseen a little off: of whoever comes nearer
        // or crosses fast a miss that way says little of the mount, and as little each time.
        let yaw_trust = miss.others * across_m2 / (across_m2 + (LATE_S * across_mps).powi(2));
        self.sums.others += miss.others;
        self.sums.yaw_trust += yaw_trust;
        // A track that the sensor has made itself has its errors, and says nothing of them.
        let weight = yaw_trust / across_m2;
        self.sums
            .add(across * range * weight, range * range * weight);
        let (ka, kc) = (
            self.along.value(least(sensor), 6.0),
            self.across.value(least(sensor), 6.0),
        );
        if sensor.sees != Sees::Reflection || miss.length_m < SMALL_M {
            // The claim is already scaled: what it was before is the measure.
            self.along.add(held(along, along_m2) - pa - ea, ra / ka);
            self.across.add(held(across, across_m2) - pc - ec, rc / kc);
        } else if let Some((cos, sin)) = miss.direction.filter(|_| miss.length_m > LARGE_M) {
            let lengthwise = nu.x * cos + nu.y * sin;
            let own = p.along(cos, sin) + r.along(cos, sin);
            let square = held(lengthwise, own + e.along(cos, sin));
            self.echo.add(square - own, miss.length_m * miss.length_m);
        }
    }

    /// The frame is done: turns the mount by what its misses have in common.
    pub(crate) fn settle(&mut self) {
        let sums = std::mem::take(&mut self.sums);
        if let Some(turned_rad) = self.knock.settle() {
            self.yaw_rad = (self.yaw_rad + turned_rad).clamp(-MOST_YAW_RAD, MOST_YAW_RAD);
            // By how much exactly is to be found yet; what was seen of it before says nothing of that.
            self.seeks = SEEK_FRAMES;
            self.astray = (0.0, 0.0);
            return;
        }
        if sums.count < 1.0 {
            return;
        }
        self.frames = self.frames.saturating_add(1);
        self.checked += (sums.others / sums.count).clamp(0.0, 1.0);
        let share = MOUNT_GAIN * sums.yaw_trust / (sums.yaw_trust + 4.0);
        let miss_rad = mean(sums.yaw, sums.yaw_weight);
        let trust = self.trust(miss_rad, sums.yaw_weight);
        self.yaw_rad += trust * (share * miss_rad - LEAK * self.yaw_rad);
        self.yaw_rad = self.yaw_rad.clamp(-MOST_YAW_RAD, MOST_YAW_RAD);
    }

    /// How far one frame's miss of the heading is followed, 0..=1: by what it tells beside the survey, and all
    /// the way once those of late show that the mount was turned. What lies close to a sensor tells little of
    /// where it looks: half a metre that an echo is off the middle of a body is a degree at 30 m.
    fn trust(&mut self, miss_rad: f64, weight: f64) -> f64 {
        if !weight.is_finite() {
            return 0.0;
        }
        let (sum, known) = self.astray;
        self.astray = (OF_LATE * sum + miss_rad * weight, OF_LATE * known + weight);
        if self.seeks > 0 {
            self.seeks -= 1;
            // What was seen before it was found says nothing of how it is now.
            self.astray = (0.0, 0.0);
            return 1.0;
        }
        let (sum, known) = self.astray;
        if sum * sum > ASTRAY * ASTRAY * SAME_FRAMES * known {
            self.seeks = SEEK_FRAMES;
        }
        weight / (weight + 1.0 / (SUPPOSED_RAD * SUPPOSED_RAD))
    }
}

impl Correction {
    /// Where a detection would have been reported by a sensor that is mounted as configured, and its
    /// claimed covariance made honest.
    #[inline(always)]
    pub(crate) fn apply(
        &self,
        position: Vector2<f64>,
        claimed: Matrix2<f64>,
    ) -> (Vector2<f64>, Matrix2<f64>) {
        let arm = position - self.foot;
        let range = arm.norm();
        let share = 1.0 / range;
        let place = if range < 1.0 {
            position
        } else {
            let arm = arm * ((range - self.range_m) * share);
            let (cos, sin) = self.direction;
            self.foot + Vector2::new(arm.x * cos - arm.y * sin, arm.x * sin + arm.y * cos)
        };
        // Of what lies at its foot, any way.
        let (x, y) = if range > 0.1 {
            (arm.x * share, arm.y * share)
        } else {
            (1.0, 0.0)
        };
        // A stretch along the beam by a and across it by c, on either side of what is claimed.
        let (a, c) = (self.along, self.across);
        let ee = a * x * x + c * y * y;
        let en = (a - c) * x * y;
        let nn = a * y * y + c * x * x;
        let (p, q, r) = (claimed[(0, 0)], claimed[(0, 1)], claimed[(1, 1)]);
        let (ep, eq) = (ee * p + en * q, ee * q + en * r);
        let (np, nq) = (en * p + nn * q, en * q + nn * r);
        // What is taken off is an estimate: a part of it counts as not known.
        let unsure = (self.doubt * range).powi(2);
        let across = ep * en + eq * nn - unsure * x * y;
        let honest = Matrix2::new(
            ep * ee + eq * en + unsure * y * y,
            across,
            across,
            np * en + nq * nn + unsure * x * x,
        );
        (place, honest)
    }
}

impl Sums {
    fn add(&mut self, yaw: f64, yaw_weight: f64) {
        self.yaw += yaw;
        self.yaw_weight += yaw_weight;
        self.count += 1.0;
    }
}

/// Of the variance that is claimed and scaled, so much is left at least: a device that tracks is never
/// taken to be surer than it says, for errors that last look small.
fn least(sensor: &Sensor) -> f64 {
    sensor.covariance_scale.max(2.0).recip()
}

/// The square of a miss, held where it is likelier a wrong pair than an error.
fn held(miss: f64, variance: f64) -> f64 {
    (miss * miss).min(9.0 * variance)
}

/// From the sensor to a place, of length 1; of what lies at its foot, any way.
pub(crate) fn beam(sensor: &Sensor, position: Vector2<f64>) -> Vector2<f64> {
    let arm = position - Vector2::new(sensor.pose.east_m, sensor.pose.north_m);
    let range_m = arm.norm();
    if range_m > 0.1 {
        arm / range_m
    } else {
        Vector2::x()
    }
}

fn covariance(m: &Matrix2<f64>) -> Covariance {
    Covariance {
        ee: m[(0, 0)],
        en: m[(0, 1)],
        nn: m[(1, 1)],
    }
}

/// Standard deviation of a radar's echo about the centre, as a share of length and width, before
/// anything was learnt: it wanders over about +-0.2 of the length, and a little is added.
pub(crate) const ECHO_SHARE: f64 = 0.15;
/// Bodies shorter than this echo from their centre, as far as a radar can tell.
const SMALL_M: f64 = 2.5;
const LARGE_M: f64 = 3.5;
/// How much of a frame's common miss moves the mount.
const MOUNT_GAIN: f64 = 0.03;
/// A mount turned farther than this, one degree, is under suspicion.
const TURNED_RAD: f64 = 0.0175;
/// The share of such an offset that counts as not known.
const DOUBT: f64 = 0.3;
/// Frames held against others that find as much as the survey did: in so many the offsets are learnt.
const CHECKED_FRAMES: f64 = 1.0 / MOUNT_GAIN;
/// A mount that nobody has knocked is supposed to look where the survey says, to so much: 0.2 degree.
const SUPPOSED_RAD: f64 = 0.0035;
/// What is left of how far it was astray with each frame: a memory of 30 s.
pub(crate) const OF_LATE: f64 = 1.0 - 1.0 / 420.0;
/// Misses of so many frames in a row are one: bodies are seen off their middle by the same for a second or two.
pub(crate) const SAME_FRAMES: f64 = 20.0;
/// Who is astray by so many standard deviations was turned,
const ASTRAY: f64 = 5.0;
/// and where it looks now is sought for so many frames.
const SEEK_FRAMES: u32 = 420;
const LEAK: f64 = 2e-4;
/// By so much a sighting may be late, or its track foreseen wrong, s.
pub(crate) const LATE_S: f64 = 0.1;
const MOST_YAW_RAD: f64 = 0.06;

/// A mean by weight; zero where nothing has any. What stands at a sensor's foot says nothing of where
/// the sensor looks, and a weight that is lost in rounding says nothing at all.
fn mean(sum: f64, weight: f64) -> f64 {
    let mean = sum / weight;
    if mean.is_finite() { mean } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::testing::Dice;

    /// A sensor that is truly turned by so much, past which a car goes each 20 s for 8 s, half of it seen by
    /// others, so far away; its echo is off the middle of the car by the same for 1.5 s. How far it is taken to
    /// be turned, in degrees, at the end of each ten seconds.
    fn found(turned_deg: f64, range_m: f64, cars: u32, seconds: u32, seed: u64) -> Vec<f64> {
        let mut dice = Dice::new(seed);
        let mut precision = Precision::new();
        let mut off_m = vec![0.0_f64; cars as usize];
        let mut found = Vec::new();
        for frame in 0..seconds * 14 {
            for off_m in &mut off_m {
                *off_m = 0.95 * *off_m + 0.312 * 0.5 * dice.normal();
                if frame % 280 >= 112 {
                    continue;
                }
                let across_m = *off_m + 0.1 * dice.normal();
                let miss_rad = turned_deg.to_radians() - precision.yaw_rad + across_m / range_m;
                let weight = 0.5 * range_m * range_m / (0.26 + 0.1);
                precision.sums.add(miss_rad * weight, weight);
                precision.sums.others += 0.5;
                precision.sums.yaw_trust += 0.5;
            }
            precision.settle();
            if frame % 140 == 139 {
                found.push(precision.yaw_rad.to_degrees());
            }
        }
        found
    }

    #[test]
    fn a_few_cars_close_by_do_not_turn_a_mount_that_stands_as_surveyed() {
        for seed in 1..=5 {
            let found = found(0.0, 25.0, 1, 1800, seed);
            let most_deg = found.iter().fold(0.0_f64, |most, deg| most.max(deg.abs()));
            // 0.2 degree are half a metre at 150 m.
            assert!(most_deg < 0.2, "{most_deg}, seed {seed}");
        }
    }

    #[test]
    fn a_knock_is_found_within_a_minute_where_there_is_traffic_and_later_where_there_is_little() {
        for seed in 1..=5 {
            let busy = found(2.0, 40.0, 8, 60, seed);
            let last = busy.last().expect("six");
            assert!((1.5..2.5).contains(last), "{busy:?}, seed {seed}");
            let quiet = found(2.0, 30.0, 2, 600, seed);
            let last = quiet.last().expect("sixty");
            assert!((1.0..3.0).contains(last), "{quiet:?}, seed {seed}");
        }
    }

    #[test]
    fn misses_without_weight_move_no_mount() {
        let mut precision = Precision::new();
        precision.sums.add(0.02, 1.0);
        precision.sums.others = 1.0;
        precision.sums.yaw_trust = 1.0;
        precision.settle();
        let (_, before) = precision.offset();
        assert!(before > 0.0);
        precision.sums.add(0.0, 0.0);
        precision.sums.add(f64::NAN, 1.0);
        precision.sums.others = 1.0;
        precision.sums.yaw_trust = 1.0;
        precision.settle();
        let (_, after) = precision.offset();
        assert!(after > 0.9 * before && after <= before, "{after:?}");
    }
}
