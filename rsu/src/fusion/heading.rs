//! Where a thing points: its course while it moves, held while it stands.
//!
//! A Kalman filter of one angle. What it takes is the course of the filtered velocity, or a yaw that a sensor
//! measures. Not here: the motion itself (`motion`), and how a body lies about it (`target`).

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
    }

    /// Takes the course above 1 m/s (once taken up kept down to 0.7, so that it does not flicker),
    /// where the speed is no artefact of its own error; below, a measured yaw.
    pub(crate) fn observe(&mut self, state: &Kalman, measured_rad: Option<f64>) {
        let velocity = state.velocity();
        let speed = velocity.norm();
        let least = if self.moving { STOPPED_MPS } else { MOVING_MPS };
        // A first heading may stand for minutes, so it must not be noise.
        let sigmas = if self.yaw_rad.is_some() { 2.0 } else { 4.0 };
        self.moving = speed > least && speed > sigmas * state.velocity_sigma_mps();
        if self.moving {
            let across = Vector2::new(-velocity.y, velocity.x) / speed;
            let sigma = state.velocity_cov().along(across.x, across.y).sqrt() / speed;
            self.take(
                velocity.y.atan2(velocity.x),
                COURSE_REPEATS * sigma * sigma,
                false,
            );
        } else if let Some(measured) = measured_rad {
            self.take(measured, YAW_SIGMA_RAD * YAW_SIGMA_RAD, true);
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
/// The course of a filtered velocity repeats itself from frame to frame: its variance counts so many
/// times.
const COURSE_REPEATS: f64 = 4.0;
/// Standard deviation of a yaw that a sensor measures, its repetition included.
const YAW_SIGMA_RAD: f64 = 0.5;
const MAX_TURN_RADPS: f64 = 1.5;
/// How long a turn lasts: what makes a rate a spread.
const TURN_LASTS_S: f64 = 0.5;
