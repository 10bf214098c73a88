//! Where a thing points: its course while it moves, held while it stands, and the other way where it backs up.
//!
//! A Kalman filter of one angle. What it takes is the course of the filtered velocity, or a yaw that a sensor
//! measures. Vehicles go backwards too: whose front is known, since he has gone so fast or so far that it must be
//! the front, and who then stands and sets off the other way, backs up. Whose front is not known points where he
//! goes. Not here: the motion itself (`motion`), and how a body lies about it (`target`).

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use nalgebra::Vector2;

use super::filter::Kalman;
use crate::report::Class;

/// Where a thing points: its course while it moves, else what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Heading {
    pub(crate) yaw_rad: Option<f64>,
    /// Its cosine and sine: asked for far more often than it changes.
    pub(crate) direction: Option<(f64, f64)>,
    var: f64,
    moving: bool,
    /// Whenever it last moved, it did so rear first.
    rear_first: bool,
    /// It does so now.
    reverses: bool,
    /// How far it has gone front first, metres: from [`FRONT_KNOWN_M`] on the front is known.
    ahead_m: f32,
    /// How far it has gone rear first since it last did not.
    back_m: f32,
    /// For how long it was seen not to move before it does.
    stood_s: f32,
    /// Since it was last seen.
    unseen_s: f32,
}

impl Heading {
    /// How sure it is, in square radians; 0 where there is none.
    pub(crate) fn var(&self) -> f64 {
        self.var
    }

    /// Turns as far as a body of that kind may have in `dt_s` at that speed: a standing car does not.
    pub(crate) fn predict(&mut self, dt_s: f64, squared_speed: f64, class: Class) {
        let tightness = 1.0 / turning_radius_m(class);
        let squared_rate =
            (squared_speed * (tightness * tightness)).min(MAX_TURN_RADPS * MAX_TURN_RADPS);
        self.var += squared_rate * TURN_LASTS_S * dt_s;
        self.unseen_s += dt_s as f32;
    }

    /// Whether it moves rear first, as far as is known.
    pub(crate) fn reverses(&self) -> bool {
        self.reverses
    }

    /// Takes the course above 1 m/s (once taken up kept down to 0.7, so that it does not flicker),
    /// where the speed is no artefact of its own error; below, a measured yaw.
    pub(crate) fn observe(&mut self, state: &Kalman, measured_rad: Option<f64>, class: Class) {
        let velocity = state.velocity();
        let speed = velocity.norm();
        let since_s = std::mem::take(&mut self.unseen_s).max(0.0);
        let least = if self.moving { STOPPED_MPS } else { MOVING_MPS };
        // A first heading may stand for minutes, so it must not be noise.
        let sigmas = if self.yaw_rad.is_some() { 2.0 } else { 4.0 };
        self.moving = speed > least && speed > sigmas * state.velocity_sigma_mps();
        if self.moving {
            let across = Vector2::new(-velocity.y, velocity.x) / speed;
            let sigma = state.velocity_cov().along(across.x, across.y).sqrt() / speed;
            let course = velocity.y.atan2(velocity.x);
            let fast = speed - 2.0 * state.velocity_sigma_mps() > FASTEST_BACK_MPS;
            self.tell_ends(course, (speed as f32, fast), since_s, class);
            let ahead = if self.rear_first {
                wrap(course + PI)
            } else {
                course
            };
            self.take(ahead, COURSE_REPEATS * sigma * sigma, false);
            self.stood_s = 0.0;
        } else {
            self.stood_s = (self.stood_s + since_s).min(STOOD_S);
            if let Some(measured) = measured_rad {
                self.take(measured, YAW_SIGMA_RAD * YAW_SIGMA_RAD, true);
            }
        }
        // Does not flicker either with how sure the speed is.
        self.reverses = self.rear_first && (self.moving || (self.reverses && speed > STOPPED_MPS));
    }

    /// Tells by its course, before that is taken, which end goes first.
    fn tell_ends(&mut self, course: f64, (mps, fast): (f32, bool), since_s: f32, class: Class) {
        let went_m = mps * since_s;
        let back = (self.yaw_rad).is_some_and(|yaw| wrap(course - yaw).abs() > FRAC_PI_2);
        if back && !self.rear_first {
            // Who was hidden, or did not stand, has turned round; and some turn on the spot.
            let changed_gear = self.stood_s >= STOOD_S && since_s <= LOST_SIGHT_S;
            let known = self.ahead_m >= FRONT_KNOWN_M && has_gears(class);
            self.rear_first = changed_gear && known && !fast;
            self.back_m = 0.0;
            if !self.rear_first {
                self.ahead_m = 0.0;
            }
        } else if back && (fast || self.back_m + went_m > FARTHEST_BACK_M || !has_gears(class)) {
            // It was the front after all.
            self.rear_first = false;
            self.ahead_m = if fast { FRONT_KNOWN_M } else { 0.0 };
        } else if back {
            self.back_m += went_m;
        } else {
            self.rear_first = false;
            let went_m = if fast { FRONT_KNOWN_M } else { went_m };
            self.ahead_m = (self.ahead_m + went_m).min(FRONT_KNOWN_M);
        }
    }

    fn point(&mut self, yaw_rad: f64, var: f64) {
        self.yaw_rad = Some(yaw_rad);
        self.direction = Some((yaw_rad.cos(), yaw_rad.sin()));
        self.var = var;
    }

    /// A Kalman filter of one angle. `either_end`: front and rear look alike in this measurement.
    fn take(&mut self, measured_rad: f64, var: f64, either_end: bool) {
        let Some(old) = self.yaw_rad else {
            self.point(wrap(measured_rad), var);
            return;
        };
        let turn = wrap(measured_rad - old);
        // No body turns so far at once: the heading was wrong, not the course.
        if !either_end && turn.abs() > FRAC_PI_2 {
            self.point(wrap(measured_rad), var);
            return;
        }
        let turn = if either_end { half_turn(turn) } else { turn };
        let gain = self.var / (self.var + var);
        self.point(wrap(old + gain * turn), self.var * (1.0 - gain));
    }
}

/// Whether such a one can go backwards, and not turn on the spot.
fn has_gears(class: Class) -> bool {
    matches!(class, Class::Car | Class::Truck | Class::Bus)
}

/// How tightly a class turns.
#[inline(always)]
fn turning_radius_m(class: Class) -> f64 {
    match class {
        Class::Bus | Class::Truck => 8.0,
        Class::Car | Class::Unknown => 5.0,
        Class::Motorcycle | Class::Bicycle => 2.0,
        Class::Pedestrian | Class::Animal => 0.5,
    }
}

/// An angle in -pi..=pi.
pub(crate) fn wrap(angle_rad: f64) -> f64 {
    if angle_rad.abs() <= PI {
        return angle_rad;
    }
    if angle_rad.abs() <= 3.0 * PI {
        return angle_rad - TAU.copysign(angle_rad);
    }
    let (sin, cos) = angle_rad.sin_cos();
    sin.atan2(cos)
}

/// The difference between two directions of a body whose front and rear look alike: -pi/2..=pi/2.
fn half_turn(angle_rad: f64) -> f64 {
    let angle = wrap(angle_rad);
    if angle > FRAC_PI_2 {
        angle - PI
    } else if angle < -FRAC_PI_2 {
        angle + PI
    } else {
        angle
    }
}

/// Below this speed the course says nothing of where a thing points.
const STOPPED_MPS: f64 = 0.7;
/// Above this speed the course is taken.
const MOVING_MPS: f64 = 1.0;
/// Nobody backs up faster: people do at 1 to 3 m/s.
const FASTEST_BACK_MPS: f64 = 4.0;
/// Few back up for so long a way: who has gone so far goes front first.
const FRONT_KNOWN_M: f32 = 20.0;
/// And nobody who was known to point the other way for longer than this.
const FARTHEST_BACK_M: f32 = 60.0;
/// A gear is changed while standing, or nearly.
const STOOD_S: f32 = 0.4;
/// Of whom was out of sight for longer it is not known that he did not turn.
const LOST_SIGHT_S: f32 = 1.0;
/// The course of a filtered velocity repeats itself from frame to frame: its variance counts so many
/// times.
const COURSE_REPEATS: f64 = 4.0;
/// Standard deviation of a yaw that a sensor measures, its repetition included.
const YAW_SIGMA_RAD: f64 = 0.5;
const MAX_TURN_RADPS: f64 = 1.5;
/// How long a turn lasts: what makes a rate a spread.
const TURN_LASTS_S: f64 = 0.5;
