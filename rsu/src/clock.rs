//! Time as a value: what the shell reads once per wake-up and hands down.
//!
//! [`Mono`] is for ages, timers and latency; [`Utc`] is for what goes on the air or into a log, and
//! may step. Nothing here reads a clock: `daemon` does, and so does the simulator's virtual one.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

pub use v2x_msg::base::Utc;

/// A moment on a clock that never steps, in nanoseconds since an arbitrary origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// The origin of the clock.
    pub const ZERO: Self = Self(0);
    /// Later than every moment that comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// From nanoseconds since the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Time since `earlier`, zero if `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Seconds from `other` to `self`, negative if `self` is earlier.
    pub fn seconds_after(self, other: Self) -> f64 {
        if self >= other {
            self.since(other).as_secs_f64()
        } else {
            -other.since(self).as_secs_f64()
        }
    }

    /// `self` moved by signed seconds, held at the clock's origin and end.
    pub fn offset_by(self, seconds: f64) -> Self {
        let nanos = (seconds * 1e9).round();
        if nanos >= 0.0 {
            Self(self.0.saturating_add(nanos as u64))
        } else {
            Self(self.0.saturating_sub((-nanos) as u64))
        }
    }
}

impl Add<Duration> for Mono {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl AddAssign<Duration> for Mono {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Mono {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For ages and timers.
    pub mono: Mono,
    /// For the air and for logs.
    pub utc: Utc,
}

impl Now {
    /// What UTC was, or will be, at `moment`, by the relation that holds now.
    pub fn utc_at(&self, moment: Mono) -> Utc {
        if moment >= self.mono {
            self.utc + moment.since(self.mono)
        } else {
            self.utc - self.mono.since(moment)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_before_the_origin_is_the_origin() {
        assert_eq!(Mono::from_nanos(5) - Duration::from_secs(1), Mono::ZERO);
        assert_eq!(Mono::from_nanos(5).offset_by(-1.0), Mono::ZERO);
    }

    #[test]
    fn seconds_after_is_signed() {
        let later = Mono::ZERO + Duration::from_millis(1500);
        assert!((later.seconds_after(Mono::ZERO) - 1.5).abs() < 1e-9);
        assert!((Mono::ZERO.seconds_after(later) + 1.5).abs() < 1e-9);
    }
}
