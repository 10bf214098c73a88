//! How each sensor fares: how often it reports, how old that is, and whether it still stands as it
//! was mounted.
//!
//! Read by whoever watches the station; fusion itself has drawn its conclusions already: offsets are
//! taken off, noise is scaled, and a mount under suspicion counts as less sure (`precision`).

use std::time::Duration;

use super::eyesight::Eyesight;
use super::precision::Precision;
use crate::clock::Mono;

/// How one sensor fares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Health {
    /// Frames taken of it.
    pub frames: u64,
    /// Mean rate of its frames of late, Hz; 0 before the second frame.
    pub rate_hz: f64,
    /// Mean age of its newest frame at the moments for which pictures were asked, seconds.
    pub age_s: f64,
    /// How much too far it measures, metres; already taken off.
    pub range_offset_m: f64,
    /// How far it is turned clockwise from its configured heading, radians: what it lists is shown as far
    /// counter-clockwise of where it is. Already taken off.
    pub turned_clockwise_rad: f64,
    /// Variance of its errors over what it claims, along the beam.
    pub noise_along: f64,
    /// The same across the beam.
    pub noise_across: f64,
    /// How much of its errors is the same from frame to frame, over what is supposed of such a sensor.
    pub repeats: f64,
    /// How much later than its configured latency it reports; already taken off. 0 of a sensor with a clock.
    pub later_s: f64,
    /// False detections a frame and square metre.
    pub false_per_m2: f64,
    /// What is wrong with it, if something is: the gravest.
    pub suspicion: Option<Suspicion>,
}

/// What seems wrong with a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// It shows the same picture again and again, though those in it are said to move: not taken.
    Hung,
    /// Nothing has come for a while.
    Silent,
    /// Hardly anything that it sees is seen by the others that look there, nor the reverse: it stands or looks
    /// elsewhere than was said, or less far around.
    Astray,
    /// Its mount is turned by more than a degree.
    Turned,
    /// It measures ranges wrong by more than 0.8 m.
    Shifted,
    /// Its errors are more than twice what it claims.
    Noisy,
}

/// What is counted of one sensor's frames.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pulse {
    frames: u64,
    newest: Option<Mono>,
    interval_s: f64,
    age_s: f64,
}

impl Pulse {
    /// A frame of that moment was taken.
    pub(crate) fn beat(&mut self, at: Mono) {
        self.frames += 1;
        if let Some(newest) = self.newest {
            // The rest of a frame that came in parts is no frame.
            let interval_s = at.seconds_after(newest);
            if interval_s > 0.0 {
                let gain = 1.0 / (self.frames.min(50) as f64);
                self.interval_s += gain * (interval_s - self.interval_s);
            }
        }
        self.newest = self.newest.max(Some(at));
    }

    /// A picture of that moment was asked for.
    pub(crate) fn note_asked(&mut self, at: Mono) {
        if let Some(newest) = self.newest {
            self.age_s += 0.05 * (at.seconds_after(newest) - self.age_s);
        }
    }

    /// The whole of what is known of that sensor at `at`.
    pub(crate) fn health(
        &self,
        at: Mono,
        hangs: bool,
        eyes: &Eyesight,
        precision: &Precision,
    ) -> Health {
        let (range_offset_m, turned_clockwise_rad) = precision.offset();
        let (noise_along, noise_across) = precision.noise();
        let silent = match self.newest {
            None => true,
            Some(newest) => at.since(newest) > self.patience(),
        };
        let suspicion = if silent && hangs {
            Some(Suspicion::Hung)
        } else if silent {
            Some(Suspicion::Silent)
        } else if precision.is_turned() {
            Some(Suspicion::Turned)
        } else if range_offset_m.abs() > SHIFTED_M {
            Some(Suspicion::Shifted)
        } else if noise_along.max(noise_across) > NOISY {
            Some(Suspicion::Noisy)
        } else {
            None
        };
        Health {
            frames: self.frames,
            rate_hz: if self.interval_s > 0.0 {
                1.0 / self.interval_s
            } else {
                0.0
            },
            age_s: self.age_s,
            range_offset_m,
            turned_clockwise_rad,
            noise_along,
            noise_across,
            repeats: precision.repeats(),
            later_s: 0.0,
            false_per_m2: eyes.false_per_m2(),
            suspicion,
        }
    }

    /// Ten of its frames, but a second at least.
    fn patience(&self) -> Duration {
        Duration::from_secs_f64((10.0 * self.interval_s).clamp(1.0, 10.0))
    }
}

/// Offsets of range and ratios of variance that are worth a look.
const SHIFTED_M: f64 = 0.8;
const NOISY: f64 = 4.0;
