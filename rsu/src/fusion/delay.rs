//! How much later than it says a sensor without a clock of its own reports: learnt against the others.
//!
//! What is late lags behind whoever moves, by as much as they are fast. So a sensor whose sightings of fast
//! road users lie behind (or before) the tracks that others make of them, is later (or earlier) than its
//! configured latency says, and its frames are taken at the moment at which they fit. Slow traffic, and
//! tracks that nobody else sees, say nothing. That all sensors are late together cannot be seen.
//!
//! The moment of a frame changes by whole steps only, and never within frames of one moment.

use nalgebra::Vector2;

use crate::clock::Mono;

/// What is known of one sensor's delay.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delay {
    /// Beyond the configured latency.
    later_s: f64,
    /// As it is taken off just now, and since which moment.
    taken_off_s: f64,
    newest: Option<Mono>,
    /// Of the frame in hand: misses times speeds, and squares of speeds, by weight.
    sum: f64,
    weight: f64,
    count: f64,
}

impl Delay {
    /// When a frame was captured that is said to be of `seen_at`.
    pub(crate) fn captured(&mut self, seen_at: Mono) -> Mono {
        if self.newest.is_none_or(|newest| seen_at > newest) {
            self.newest = Some(seen_at);
            if (self.later_s - self.taken_off_s).abs() > STEP_S {
                self.taken_off_s = (self.later_s / STEP_S).round() * STEP_S;
            }
        }
        seen_at.offset_by(-self.taken_off_s)
    }

    /// Takes one miss of a track at that velocity; `variance_m2` is of the miss along it, `others` how much of
    /// the track this sensor has not made itself.
    pub(crate) fn note(
        &mut self,
        miss: Vector2<f64>,
        velocity: Vector2<f64>,
        (variance_m2, others): (f64, f64),
    ) {
        let speed = velocity.norm();
        if speed < FAST_MPS || others < LEAST_OTHERS {
            return;
        }
        let behind_m = -miss.dot(&velocity) / speed;
        let most_m = 3.0 * variance_m2.sqrt();
        self.sum += others * behind_m.max(-most_m).min(most_m) * speed / variance_m2;
        self.weight += others * others * speed * speed / variance_m2;
        self.count += 1.0;
    }

    /// The frame is done: moves by what its misses have in common.
    pub(crate) fn settle(&mut self) {
        let step_s = self.sum / self.weight;
        // Without weight there is none.
        if step_s.is_finite() {
            let share = GAIN * self.count / (self.count + 4.0);
            self.later_s += share * step_s.clamp(-MOST_S, MOST_S) - LEAK * self.later_s;
            self.later_s = self.later_s.clamp(-MOST_S, MOST_S);
        }
        (self.sum, self.weight, self.count) = (0.0, 0.0, 0.0);
    }

    /// How much later it is than configured, as it is taken off.
    pub(crate) fn taken_off_s(&self) -> f64 {
        self.taken_off_s
    }

    /// Time began anew.
    pub(crate) fn forget_moment(&mut self) {
        self.newest = None;
    }
}

/// Slower road users say more of places than of times.
const FAST_MPS: f64 = 5.0;
/// A track that the sensor has made itself agrees with it.
const LEAST_OTHERS: f64 = 0.2;
/// Delays beyond this are faults, not habits.
const MOST_S: f64 = 0.3;
/// In such steps it is taken off.
const STEP_S: f64 = 0.005;
/// How much of a frame's common lag is taken for the sensor's.
const GAIN: f64 = 0.02;
const LEAK: f64 = 1e-4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fusion::testing::moment;

    #[test]
    fn what_is_slow_or_seen_by_nobody_else_says_nothing() {
        let mut delay = Delay::default();
        for _ in 0..1000 {
            delay.note(Vector2::new(-1.0, 0.0), Vector2::new(2.0, 0.0), (0.1, 0.9));
            delay.note(Vector2::new(-1.0, 0.0), Vector2::new(20.0, 0.0), (0.1, 0.1));
            delay.settle();
        }
        assert_eq!(delay.captured(moment(1.0)), moment(1.0));
    }

    #[test]
    fn one_moment_stays_one_whatever_is_learnt_meanwhile() {
        let mut delay = Delay::default();
        let first = delay.captured(moment(1.0));
        for _ in 0..1000 {
            delay.note(Vector2::new(-2.0, 0.0), Vector2::new(10.0, 0.0), (0.5, 1.0));
            delay.settle();
        }
        assert_eq!(delay.captured(moment(1.0)), first);
        let later_s = moment(1.1).seconds_after(delay.captured(moment(1.1)));
        assert!((0.15..=MOST_S + 1e-9).contains(&later_s), "{later_s}");
    }
}
