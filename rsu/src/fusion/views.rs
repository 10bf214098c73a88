//! How one sensor sees each target: from where it stands, how wide, and what stands before it.
//!
//! The sensor's eye is at its pose; bodies are as wide as they show, and the nearer hide the farther. From
//! that and what is known of the sensor's `eyesight` follows how likely it is to list each. What a
//! sighting or a miss means is said in `existence`.

use super::classify::family;
use super::config::{Pose, Sees, Sensor};
use super::eyesight::{Eyesight, Sight};
use super::target::{Target, wrap};

/// Points across a body at which it is asked what stands before it.
const POINTS: u32 = 8;
/// All of them.
const ALL: u8 = u8::MAX;
/// Bodies so far outside the field may still stand before those inside.
const MARGIN_RAD: f64 = 0.2;
/// Below this radial speed a radar that needs motion may lose a thing.
const STILL_MPS: f64 = 0.8;
/// A body this little farther stands beside another, not behind it.
const BESIDE_M: f64 = 0.5;

/// Each target as one sensor sees it, in the order of the targets.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    views: Vec<View>,
    /// Targets by bearing, those near the field only: each bearing with the index of its target, as one
    /// number, for such are sorted fastest.
    order: Vec<u64>,
    /// What they show, in that order.
    rays: Vec<Ray>,
    /// The same by range, with the index of the ray.
    by_range: Vec<u64>,
}

/// One target as one sensor sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// How likely the sensor was to list it; 0 outside its field.
    pub(crate) probability: f64,
    /// What makes it easy or hard to see.
    pub(crate) sight: Sight,
    ray: Ray,
}

/// What of a target casts shadows, and gets them.
#[derive(Clone, Copy, Debug)]
struct Ray {
    /// From the middle of the field.
    bearing_rad: f64,
    range_m: f64,
    half_width_rad: f64,
    height_m: f64,
    target: u16,
    casts_shadow: bool,
    /// Which of [`POINTS`] points across it stand behind others, and which are hidden by them.
    behind: u8,
    hidden: u8,
}

impl Views {
    pub(crate) fn with_capacity(targets: usize) -> Self {
        Self {
            views: Vec::with_capacity(targets),
            order: Vec::with_capacity(targets),
            rays: Vec::with_capacity(targets),
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
        self.views.clear();
        let views = targets.iter().zip(0..);
        let views = views.map(|(target, index)| View::new(&sensor.pose, target, index));
        self.views.extend(views);
        if shadows && sensor.sees != Sees::Told {
            self.cast(sensor);
        }
        for (view, target) in self.views.iter_mut().zip(targets) {
            view.judge(sensor, eyesight, target);
        }
    }

    /// The view of each target.
    pub(crate) fn all(&self) -> &[View] {
        &self.views
    }

    /// Finds what stands before what: from the nearest on, each body is held against those within its own
    /// angle only. What is covered by others from end to end covers nothing that they do not.
    fn cast(&mut self, sensor: &Sensor) {
        let Self {
            views,
            order,
            rays,
            by_range,
        } = self;
        let edge_rad = sensor.half_fov_rad + MARGIN_RAD;
        let seen = views.iter().map(|view| &view.ray);
        let seen =
            seen.filter(|ray| ray.bearing_rad.abs() < edge_rad && ray.range_m < sensor.max_range_m);
        order.clear();
        order.extend(seen.map(|ray| place(ray.bearing_rad + WAY_ROUND, ray.target)));
        order.sort_unstable();
        rays.clear();
        rays.extend(order.iter().map(|place| views[index(*place)].ray));
        by_range.clear();
        by_range.extend(rays.iter().zip(0..).map(|(ray, n)| place(ray.range_m, n)));
        by_range.sort_unstable();
        let widths = rays.iter().map(|ray| ray.half_width_rad * ray.range_m);
        let widest_m = widths.fold(0.0, f64::max);
        for front in by_range.iter() {
            let here = index(*front);
            let front = rays[here];
            if !front.casts_shadow || front.behind & front.hidden == ALL {
                continue;
            }
            // Whatever is farther is no wider than this.
            let reach = front.half_width_rad + widest_m / front.range_m;
            let (left, right) = rays.split_at_mut(here);
            let mut hide = |ray: &mut Ray| {
                let away_rad = front.bearing_rad - ray.bearing_rad;
                if away_rad.abs() < front.half_width_rad + ray.half_width_rad
                    && ray.range_m > front.range_m + BESIDE_M
                    && ray.behind & ray.hidden != ALL
                {
                    ray.stand_behind(&front, sensor.pose.up_m);
                }
                away_rad.abs() <= reach
            };
            // Outwards from itself, as far as it reaches.
            let _ = left.iter_mut().rev().all(&mut hide);
            let _ = right.iter_mut().all(&mut hide);
        }
        for ray in rays.iter() {
            views[usize::from(ray.target)].ray = *ray;
        }
    }
}

/// A positive number with the index of what it is of, to be sorted by.
fn place(number: f64, index: u16) -> u64 {
    number.to_bits() & !INDEX | u64::from(index)
}

/// The index in such a place.
fn index(place: u64) -> usize {
    (place & INDEX) as usize
}

const INDEX: u64 = u16::MAX as u64;
/// Makes every bearing positive.
const WAY_ROUND: f64 = 4.0;

impl View {
    fn new(pose: &Pose, target: &Target, index: u16) -> Self {
        let (east, north) = (
            target.state.x[0] - pose.east_m,
            target.state.x[1] - pose.north_m,
        );
        let range_m = (east * east + north * north).sqrt().max(0.1);
        let extent = target.extent();
        let share = 1.0 / range_m;
        let (sin, cos) = (north * share, east * share);
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
            ray: Ray {
                bearing_rad: wrap(north.atan2(east) - pose.yaw_rad),
                range_m,
                half_width_rad: (0.5 * broadside * share).clamp(1e-3, 1.0),
                height_m: extent.height_m,
                target: index,
                casts_shadow: target.confirmed,
                behind: 0,
                hidden: 0,
            },
        }
    }

    fn judge(&mut self, sensor: &Sensor, eyesight: &Eyesight, target: &Target) {
        let ray = &self.ray;
        let inside = sensor.sees != Sees::Told
            && ray.range_m >= sensor.min_range_m
            && ray.range_m <= sensor.max_range_m
            && ray.bearing_rad.abs() <= sensor.half_fov_rad;
        if !inside {
            return;
        }
        let still = sensor.sees == Sees::Reflection && {
            let velocity = target.state.velocity();
            let place = target.state.position();
            let (east, north) = (place.x - sensor.pose.east_m, place.y - sensor.pose.north_m);
            (velocity.x * east + velocity.y * north).abs() < STILL_MPS * ray.range_m
        };
        let covered = |mask: u8| mask.count_ones() as f32 / POINTS as f32;
        self.sight = Sight {
            share: (ray.range_m / sensor.max_range_m) as f32,
            behind: covered(ray.behind),
            hidden: covered(ray.hidden),
            still,
            family: family(target.class.best().0),
        };
        self.probability = eyesight.probability(&self.sight);
    }
}

impl Ray {
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
}
