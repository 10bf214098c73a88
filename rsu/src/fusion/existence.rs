//! Whether a thing is there at all: what it means to be seen, and not to be seen.
//!
//! Each frame moves the log-odds of existence. A sighting counts by how much better it fits the
//! thing than a false detection; a miss counts by how likely the sensor was to see the thing: not at
//! all out of its field, little behind another thing. The sensor model is rough, so a published
//! track also has the patience and the end of `Config`.

use std::time::Duration;

use super::config::{Config, Pose, Sees, Sensor};
use super::target::{Target, wrap};
use crate::clock::Mono;

/// What keeps one frame from moving the log-odds too far, and them from growing beyond recall.
const MOST_GAIN: f64 = 6.0;
const MOST_LOG_ODDS: f64 = 12.0;
const LEAST_LOG_ODDS: f64 = -12.0;
/// Probability to be seen all the same, behind another thing.
const SEEN_IN_SHADOW: f64 = 0.15;
/// Below this radial speed a radar that needs motion may lose a thing.
const STILL_MPS: f64 = 0.8;

/// A target that was hidden so long ago may not be any more.
const HIDDEN_FOR: Duration = Duration::from_millis(300);

/// Each target as one sensor sees it, in the order of the targets.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    views: Vec<View>,
}

/// What it means that a sensor does not list a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    /// How likely it was to list it.
    pub(crate) detection_probability: f64,
    /// It would, if nothing stood before the target.
    pub(crate) hidden: bool,
}

#[derive(Clone, Copy, Debug)]
struct View {
    bearing_rad: f64,
    range_m: f64,
    half_width_rad: f64,
    height_m: f64,
    casts_shadow: bool,
}

impl Views {
    pub(crate) fn with_capacity(targets: usize) -> Self {
        Self {
            views: Vec::with_capacity(targets),
        }
    }

    /// Looks at all targets from `pose`.
    pub(crate) fn look(&mut self, pose: &Pose, targets: &[Target]) {
        self.views.clear();
        self.views
            .extend(targets.iter().map(|target| View::new(pose, target)));
    }

    /// What it means that `sensor` does not list the target of that index in the frame just looked
    /// at.
    pub(crate) fn silence(&self, sensor: &Sensor, targets: &[Target], index: usize) -> Silence {
        let view = &self.views[index];
        let mut p = sensor.free_probability(view.bearing_rad, view.range_m);
        if p <= 0.0 {
            return Silence {
                detection_probability: 0.0,
                hidden: false,
            };
        }
        if sensor.sees == Sees::Reflection {
            let velocity = targets[index].state.velocity();
            let (sin, cos) = view.bearing_rad.sin_cos();
            if (velocity.x * cos + velocity.y * sin).abs() < STILL_MPS {
                p *= sensor.detects_still;
            }
        }
        let hidden = self.views.iter().enumerate().any(|(other, front)| {
            other != index && front.casts_shadow && front.hides(view, sensor.pose.up_m)
        });
        if hidden {
            p *= SEEN_IN_SHADOW;
        }
        Silence {
            detection_probability: p,
            hidden,
        }
    }
}

impl View {
    fn new(pose: &Pose, target: &Target) -> Self {
        let (east, north) = (
            target.state.x[0] - pose.east_m,
            target.state.x[1] - pose.north_m,
        );
        let range_m = east.hypot(north).max(0.1);
        let bearing_rad = north.atan2(east);
        let extent = target.extent();
        let broadside = match target.heading.yaw_rad {
            Some(yaw) => {
                let (sin, cos) = (yaw - bearing_rad).sin_cos();
                extent.length_m * sin.abs() + extent.width_m * cos.abs()
            }
            None => extent.width_m,
        };
        Self {
            bearing_rad,
            range_m,
            half_width_rad: (0.5 * broadside / range_m).min(1.0),
            height_m: extent.height_m,
            casts_shadow: target.confirmed,
        }
    }

    /// Whether more than half of `behind` lies in the shadow of this one, for an eye `up_m` above
    /// the road.
    fn hides(&self, behind: &Self, up_m: f64) -> bool {
        if self.range_m >= behind.range_m {
            return false;
        }
        let shadow_m = up_m - (up_m - self.height_m) * behind.range_m / self.range_m;
        shadow_m > 0.5 * behind.height_m
            && wrap(self.bearing_rad - behind.bearing_rad).abs() < self.half_width_rad
    }
}

impl Sensor {
    /// How likely it is to list a thing in that place if nothing stands before it: 0 outside its
    /// field.
    pub(crate) fn free_probability(&self, bearing_rad: f64, range_m: f64) -> f64 {
        let aside = wrap(bearing_rad - self.pose.yaw_rad).abs();
        if range_m < self.min_range_m || range_m > self.max_range_m || aside > self.half_fov_rad {
            return 0.0;
        }
        let share = range_m / self.max_range_m;
        let p = self.detects_near + share * (self.detects_far - self.detects_near);
        p.clamp(0.0, 0.99)
    }
}

impl Target {
    /// A sighting that is `gain` (log) likelier as this thing than as a false one; `weight` is how
    /// much the sensor itself believes it.
    pub(crate) fn credit(&mut self, gain: f64, weight: f64) {
        let step = gain.clamp(0.0, MOST_GAIN) * weight;
        self.log_odds = (self.log_odds + step).min(MOST_LOG_ODDS);
    }

    /// Not listed in a frame of that moment.
    pub(crate) fn debit(&mut self, at: Mono, silence: Silence) {
        let step = (1.0 - silence.detection_probability.clamp(0.0, 0.99)).ln();
        self.log_odds = (self.log_odds + step).max(LEAST_LOG_ODDS);
        if silence.hidden {
            self.hidden_at = at;
        }
    }

    /// Whether it has shown itself well enough to be published from now on.
    pub(crate) fn deserves_confirmation(&self, config: &Config) -> bool {
        self.hits >= config.confirm_hits && self.log_odds >= config.confirm_log_odds
    }

    /// Whether it is to be dropped.
    pub(crate) fn is_over(&self, at: Mono, config: &Config) -> bool {
        let unseen = at.since(self.seen_at);
        if self.confirmed {
            self.is_stale(at, config)
                || (unseen > config.patience && self.log_odds < config.delete_log_odds)
        } else {
            unseen > config.tentative_for || self.log_odds < config.delete_log_odds
        }
    }

    /// Whether it was seen too long ago to be spoken of. Where sensors have fallen silent nothing is
    /// known to be hidden any more.
    pub(crate) fn is_stale(&self, at: Mono, config: &Config) -> bool {
        let unseen = at.since(self.seen_at);
        let hidden = at.since(self.hidden_at) < HIDDEN_FOR
            && unseen <= config.delete_hidden_after
            && self.state.position_sigma_m() < config.hidden_sigma_m;
        unseen > config.delete_after && !hidden
    }
}
