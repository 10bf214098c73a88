//! Whether a thing is there at all: what it means to be seen, and not to be seen.
//!
//! Each frame moves the log-odds of existence. A sighting counts by how much better it fits the
//! thing than a false detection; a miss counts by how likely the sensor was to see the thing: not at
//! all out of its field, little behind another thing. The sensor model is rough, so a published
//! track also has the patience and the end of `Config`.

use std::time::Duration;

use super::classify::family;
use super::config::{Config, Pose, Sees, Sensor};
use super::eyesight::{Eyesight, Sight};
use super::target::{Target, wrap};
use crate::clock::Mono;

/// What keeps one frame from moving the log-odds too far, and them from growing beyond recall.
const MOST_GAIN: f64 = 6.0;
const MOST_LOG_ODDS: f64 = 12.0;
const LEAST_LOG_ODDS: f64 = -12.0;
/// Points across a body at which it is asked what stands before it.
const POINTS: u32 = 8;
/// Bodies so far outside the field may still stand before those inside.
const MARGIN_RAD: f64 = 0.2;
/// A thing that is so unlikely to be listed counts as hidden.
const HIDDEN_BELOW: f64 = 0.45;
/// How much less each further miss in a row counts, where a miss is no surprise.
const REPETITION: f64 = 1.0;
/// Below this radial speed a radar that needs motion may lose a thing.
const STILL_MPS: f64 = 0.8;

/// A target that was hidden so long ago may not be any more.
const HIDDEN_FOR: Duration = Duration::from_millis(300);

/// Each target as one sensor sees it, in the order of the targets.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    views: Vec<View>,
    by_bearing: Vec<u16>,
    by_range: Vec<u16>,
}

/// One target as one sensor sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// How likely the sensor was to list it; 0 outside its field.
    pub(crate) probability: f64,
    /// What makes it easy or hard to see.
    pub(crate) sight: Sight,
    /// From the middle of the field.
    bearing_rad: f64,
    range_m: f64,
    half_width_rad: f64,
    height_m: f64,
    casts_shadow: bool,
    /// Which of [`POINTS`] points across it stand behind others, and which are hidden by them.
    behind: u8,
    hidden: u8,
}

impl Views {
    pub(crate) fn with_capacity(targets: usize) -> Self {
        Self {
            views: Vec::with_capacity(targets),
            by_bearing: Vec::with_capacity(targets),
            by_range: Vec::with_capacity(targets),
        }
    }

    /// Looks at all targets as `sensor` does.
    pub(crate) fn look(
        &mut self,
        sensor: &Sensor,
        eyesight: &Eyesight,
        targets: &[Target],
        shadows: bool,
    ) {
        let Self {
            views,
            by_bearing,
            by_range,
        } = self;
        views.clear();
        views.extend(targets.iter().map(|target| View::new(&sensor.pose, target)));
        if shadows && sensor.sees != Sees::Told {
            cast(views, by_bearing, by_range, sensor);
        }
        for (view, target) in views.iter_mut().zip(targets) {
            view.judge(sensor, eyesight, target);
        }
    }

    /// The view of each target.
    pub(crate) fn all(&self) -> &[View] {
        &self.views
    }
}

/// Finds what stands before what: from the nearest on, each body is held against those within its own
/// angle only. What is covered by others from end to end covers nothing that they do not.
fn cast(views: &mut [View], by_bearing: &mut Vec<u16>, by_range: &mut Vec<u16>, sensor: &Sensor) {
    by_bearing.clear();
    let seen = |view: &View| {
        view.bearing_rad.abs() < sensor.half_fov_rad + MARGIN_RAD
            && view.range_m < sensor.max_range_m
    };
    by_bearing.extend((0..views.len() as u16).filter(|&i| seen(&views[usize::from(i)])));
    by_range.clone_from(by_bearing);
    let bearing = |views: &[View], i: u16| views[usize::from(i)].bearing_rad;
    let range = |views: &[View], i: u16| views[usize::from(i)].range_m;
    by_bearing.sort_unstable_by(|&a, &b| bearing(views, a).total_cmp(&bearing(views, b)));
    by_range.sort_unstable_by(|&a, &b| range(views, a).total_cmp(&range(views, b)));
    let widths = by_range.iter().map(|&i| &views[usize::from(i)]);
    let widest_m = widths.map(|view| view.half_width_rad * view.range_m);
    let widest_m = widest_m.fold(0.0, f64::max);
    for &front in by_range.iter() {
        let front = views[usize::from(front)];
        if !front.casts_shadow || front.behind & front.hidden == u8::MAX {
            continue;
        }
        // Whatever is farther is no wider than this.
        let reach = front.half_width_rad + widest_m / front.range_m;
        let from = by_bearing.partition_point(|&i| bearing(views, i) < front.bearing_rad - reach);
        for &other in &by_bearing[from..] {
            let behind = &mut views[usize::from(other)];
            if behind.bearing_rad > front.bearing_rad + reach {
                break;
            }
            if behind.range_m > front.range_m + 0.5 {
                behind.stand_behind(&front, sensor.pose.up_m);
            }
        }
    }
}

impl View {
    fn new(pose: &Pose, target: &Target) -> Self {
        let (east, north) = (
            target.state.x[0] - pose.east_m,
            target.state.x[1] - pose.north_m,
        );
        let range_m = (east * east + north * north).sqrt().max(0.1);
        let extent = target.extent();
        let (sin, cos) = (north / range_m, east / range_m);
        let broadside = match target.heading.direction {
            Some((c, s)) => {
                extent.length_m * (s * cos - c * sin).abs()
                    + extent.width_m * (c * cos + s * sin).abs()
            }
            None => extent.width_m,
        };
        Self {
            probability: 0.0,
            sight: Sight::default(),
            bearing_rad: wrap(north.atan2(east) - pose.yaw_rad),
            range_m,
            half_width_rad: (0.5 * broadside / range_m).clamp(1e-3, 1.0),
            height_m: extent.height_m,
            casts_shadow: target.confirmed,
            behind: 0,
            hidden: 0,
        }
    }

    /// Marks what of it lies behind `front`, for an eye `up_m` above the road.
    fn stand_behind(&mut self, front: &Self, up_m: f64) {
        let away = front.bearing_rad - self.bearing_rad;
        let step = self.half_width_rad * 2.0 / f64::from(POINTS);
        let middle = f64::from(POINTS) / 2.0;
        let first = ((away - front.half_width_rad) / step + middle).clamp(0.0, f64::from(POINTS));
        let last = ((away + front.half_width_rad) / step + middle).clamp(0.0, f64::from(POINTS));
        let (first, last) = ((first + 0.5) as u32, (last + 0.5) as u32);
        let covered = ((1u32 << last) - (1u32 << first.min(last))) as u8;
        self.behind |= covered;
        let shadow_m = up_m - (up_m - front.height_m) * self.range_m / front.range_m;
        if shadow_m > 0.5 * self.height_m {
            self.hidden |= covered;
        }
    }

    fn judge(&mut self, sensor: &Sensor, eyesight: &Eyesight, target: &Target) {
        let inside = sensor.sees != Sees::Told
            && self.range_m >= sensor.min_range_m
            && self.range_m <= sensor.max_range_m
            && self.bearing_rad.abs() <= sensor.half_fov_rad;
        if !inside {
            return;
        }
        let still = sensor.sees == Sees::Reflection && {
            let velocity = target.state.velocity();
            let place = target.state.position();
            let (east, north) = (place.x - sensor.pose.east_m, place.y - sensor.pose.north_m);
            (velocity.x * east + velocity.y * north).abs() < STILL_MPS * self.range_m
        };
        let covered = |mask: u8| mask.count_ones() as f32 / POINTS as f32;
        self.sight = Sight {
            share: (self.range_m / sensor.max_range_m) as f32,
            behind: covered(self.behind),
            hidden: covered(self.hidden),
            still,
            family: family(target.class.best().0),
        };
        self.probability = eyesight.probability(&self.sight);
    }
}

impl Target {
    /// A sighting that is `gain` (log) likelier as this thing than as a false one; `weight` is how
    /// much the sensor itself believes it.
    pub(crate) fn credit(&mut self, gain: f64, weight: f64) {
        let step = gain.clamp(0.0, MOST_GAIN) * weight;
        self.log_odds = (self.log_odds + step).min(MOST_LOG_ODDS);
    }

    /// Not listed in a frame of that moment by the sensor of that index.
    pub(crate) fn debit(&mut self, at: Mono, sensor: usize, view: &View) {
        if view.probability <= 0.0 {
            return;
        }
        // What hid it a moment ago hides it still: misses in a row say less and less.
        let before = self.missed.note(sensor as u8, &view.sight);
        let news = 1.0 / (1.0 + REPETITION * f64::from(before) * (1.0 - view.probability));
        let step = (1.0 - view.probability).ln() * news;
        self.log_odds = (self.log_odds + step).max(LEAST_LOG_ODDS);
        if view.probability < HIDDEN_BELOW || view.sight.hidden > 0.5 {
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
