//! Helpers of this room's tests: seeded chance, and detections of usual shape.

use crate::clock::Mono;
use crate::report::{Class, Covariance, Detection, Objects};

/// Seeded chance: an xorshift generator, enough for noise in tests.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Evenly in 0..1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// A car as a camera sees it, with 0.3 m of error.
pub(crate) fn car(east_m: f64, north_m: f64) -> Detection {
    Detection {
        device_id: None,
        own_id: None,
        east_m,
        north_m,
        position_cov: Covariance::from_axes(0.0, 0.3, 0.3),
        velocity: None,
        yaw_rad: None,
        size: None,
        class: Class::Car,
        emergency: false,
        existence: 1.0,
    }
}

/// A moment, seconds after an arbitrary beginning.
pub(crate) fn moment(seconds: f64) -> Mono {
    Mono::from_nanos(100_000_000_000).offset_by(seconds)
}

/// A frame of these detections.
pub(crate) fn frame(seconds: f64, detections: &[Detection]) -> Objects {
    Objects {
        seen_at: moment(seconds),
        detections: detections.iter().copied().collect(),
    }
}
