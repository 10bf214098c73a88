//! How one sensor sees each target: from where it stands, how wide, and what stands before it.
//!
//! The sensor's eye is at its pose; bodies are as wide as they show, and the nearer hide the farther. From
//! that and what is known of the sensor's `eyesight` follows how likely it is to list each. What a
//! sighting or a miss means is said in `existence`.
//!
//! Four targets are looked at in the same breath and in single precision: what hides what is known no better
//! than to a metre.

use wide::f32x4;

use super::classify::family;
use super::config::{Pose, Sees, Sensor};
use super::eyesight::{Eyesight, Sight, probabilities};
use super::order::Buckets;
use super::target::Target;

/// Points across a body at which it is asked what stands before it.
const POINTS: u32 = 8;
/// All of them.
const ALL: u8 = u8::MAX;
/// Bodies so far outside the field may still stand before those inside.
pub(crate) const MARGIN_RAD: f32 = 0.2;
/// Below this radial speed a radar that needs motion may lose a thing.
const STILL_MPS: f64 = 0.8;
/// A body this little farther stands beside another, not behind it.
const BESIDE_M: f32 = 0.5;

/// Each target as one sensor sees it, in the order of the targets.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    views: Vec<View>,
    /// Targets by bearing, those near the field only: each bearing with the index of its target, as one
    /// number, for such are sorted fastest.
    order: Vec<u64>,
    buckets: Buckets<u64>,
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
    bearing_rad: f32,
    range_m: f32,
    half_width_rad: f32,
    /// Of the [`POINTS`] points across it, in a radian.
    points_per_rad: f32,
    height_m: f32,
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
            buckets: Buckets::with_capacity(targets, targets),
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
        let eye = Eye::of(&sensor.pose);
        for (four, first) in targets.chunks(4).zip((0..).step_by(4)) {
            self.views.extend(eye.look(four, first).take(four.len()));
        }
        if shadows && sensor.sees != Sees::Told {
            self.cast(sensor);
        }
        for (views, targets) in self.views.chunks_mut(4).zip(targets.chunks(4)) {
            let mut log_odds = [None; 4];
            for ((view, target), log_odds) in views.iter_mut().zip(targets).zip(&mut log_odds) {
                if view.judge(sensor, target) {
                    *log_odds = Some(eyesight.log_odds(&view.sight));
                }
            }
            let each = probabilities(log_odds.map(Option::unwrap_or_default));
            for ((view, log_odds), probability) in views.iter_mut().zip(log_odds).zip(each) {
                // Outside the field there is none.
                if log_odds.is_some() {
                    view.probability = f64::from(probability);
                }
            }
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
            buckets,
            rays,
            by_range,
        } = self;
        let edge_rad = sensor.half_fov_rad as f32 + MARGIN_RAD;
        let (farthest_m, up_m) = (sensor.max_range_m as f32, sensor.pose.up_m as f32);
        let seen = views.iter().map(|view| &view.ray);
        let seen = seen.filter(|ray| ray.bearing_rad.abs() < edge_rad && ray.range_m < farthest_m);
        buckets.all.clear();
        let all = &mut buckets.all;
        all.extend(seen.map(|ray| place(ray.bearing_rad + WAY_ROUND, ray.target)));
        sort(buckets, order);
        rays.clear();
        rays.extend(order.iter().map(|place| views[index(*place)].ray));
        buckets.all.clear();
        let all = &mut buckets.all;
        all.extend(rays.iter().zip(0..).map(|(ray, n)| place(ray.range_m, n)));
        sort(buckets, by_range);
        let widths = rays.iter().map(|ray| ray.half_width_rad * ray.range_m);
        let widest_m = widths.fold(0.0, f32::max);
        for front in by_range.iter() {
            let here = index(*front);
            let front = rays[here];
            if !front.casts_shadow || front.behind & front.hidden == ALL {
                continue;
            }
            // Whatever is farther is no wider than this.
            let reach = front.half_width_rad + widest_m / front.range_m;
            let behind_m = front.range_m + BESIDE_M;
            let (left, right) = rays.split_at_mut(here);
            let mut hide = |ray: &mut Ray| {
                let away_rad = front.bearing_rad - ray.bearing_rad;
                if away_rad.abs() < front.half_width_rad + ray.half_width_rad
                    && ray.range_m > behind_m
                    && ray.behind & ray.hidden != ALL
                {
                    ray.stand_behind(&front, away_rad, up_m);
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
fn place(number: f32, index: u16) -> u64 {
    u64::from(number.to_bits()) << 16 | u64::from(index)
}

/// The number in such a place.
fn number(place: u64) -> f32 {
    f32::from_bits((place >> 16) as u32)
}

/// Sorts such places: as many buckets as there are, from the least number to the largest.
fn sort(buckets: &mut Buckets<u64>, sorted: &mut Vec<u64>) {
    let all = &buckets.all;
    let (least, most) = all.iter().fold((u64::MAX, 0), |(least, most), &place| {
        (place.min(least), place.max(most))
    });
    let count = all.len();
    let least = number(least);
    // What is no number goes into the first, and what lies too far into the last.
    let share = (count as f32 - 0.5) / (number(most) - least);
    let bucket = |place: &u64| (((number(*place) - least) * share) as usize).min(count - 1);
    buckets.sort(count, bucket, sorted, |place| *place);
}

/// The index in such a place.
fn index(place: u64) -> usize {
    (place & INDEX) as usize
}

const INDEX: u64 = u16::MAX as u64;
/// Makes every bearing positive.
const WAY_ROUND: f32 = 4.0;

/// From where and whereto a sensor looks.
struct Eye<'a> {
    pose: &'a Pose,
    /// Cosine and sine of the middle of its field.
    middle: (f32x4, f32x4),
}

impl<'a> Eye<'a> {
    fn of(pose: &'a Pose) -> Self {
        let (sin, cos) = pose.yaw_rad.sin_cos();
        Self {
            pose,
            middle: (f32x4::splat(cos as f32), f32x4::splat(sin as f32)),
        }
    }

    /// Four targets or fewer, whose indices begin with `first`; what is more of the views has no target.
    #[inline(always)]
    fn look(&self, four: &[Target], first: u16) -> impl Iterator<Item = View> + use<> {
        let (mut east, mut north) = ([0.0f32; 4], [0.0f32; 4]);
        let (mut cos, mut sin) = (east, east);
        let (mut length_m, mut width_m, mut round_m) = (east, east, east);
        let (mut height_m, mut casts_shadow) = (east, [false; 4]);
        for (n, target) in four.iter().enumerate().take(4) {
            east[n] = (target.state.x[0] - self.pose.east_m) as f32;
            north[n] = (target.state.x[1] - self.pose.north_m) as f32;
            let extent = target.extent();
            (height_m[n], casts_shadow[n]) = (extent.height_m as f32, target.confirmed);
            if let Some((c, s)) = target.heading.direction {
                (cos[n], sin[n]) = (c as f32, s as f32);
                (length_m[n], width_m[n]) = (extent.length_m as f32, extent.width_m as f32);
            } else {
                round_m[n] = extent.width_m as f32;
            }
        }
        let [east, north, c, s] = [east, north, cos, sin].map(f32x4::new);
        let range_m = (east * east + north * north)
            .sqrt()
            .fast_max(f32x4::splat(0.1));
        let share = f32x4::ONE / range_m;
        // Across the beam and along it.
        let (long, wide) = ((s * east - c * north).abs(), (c * east + s * north).abs());
        let broadside = share * (f32x4::new(length_m) * long + f32x4::new(width_m) * wide)
            + f32x4::new(round_m);
        let half_width = f32x4::HALF * broadside * share;
        let half_width = half_width.fast_max(f32x4::splat(1e-3)).fast_min(f32x4::ONE);
        let (cos, sin) = self.middle;
        let bearing = (north * cos - east * sin).atan2(east * cos + north * sin);
        let points = f32x4::splat(POINTS as f32) / (half_width + half_width);
        let rows = [bearing, range_m, half_width, points].map(f32x4::to_array);
        (0..4).map(move |n: usize| View {
            probability: 0.0,
            sight: Sight::default(),
            ray: Ray {
                bearing_rad: rows[0][n],
                range_m: rows[1][n],
                half_width_rad: rows[2][n],
                points_per_rad: rows[3][n],
                height_m: height_m[n],
                target: first + n as u16,
                casts_shadow: casts_shadow[n],
                behind: 0,
                hidden: 0,
            },
        })
    }
}

impl View {
    /// How it is to be seen; false outside the field.
    #[inline(always)]
    fn judge(&mut self, sensor: &Sensor, target: &Target) -> bool {
        let ray = &self.ray;
        let range_m = f64::from(ray.range_m);
        let inside = sensor.sees != Sees::Told
            && range_m >= sensor.min_range_m
            && range_m <= sensor.max_range_m
            && f64::from(ray.bearing_rad.abs()) <= sensor.half_fov_rad;
        if !inside {
            return false;
        }
        let still = sensor.sees == Sees::Reflection && {
            let velocity = target.state.velocity();
            let place = target.state.position();
            let (east, north) = (place.x - sensor.pose.east_m, place.y - sensor.pose.north_m);
            (velocity.x * east + velocity.y * north).abs() < STILL_MPS * range_m
        };
        let covered = |mask: u8| COVERED[usize::from(mask)];
        let (behind, hidden) = if ray.behind == 0 {
            (0.0, 0.0)
        } else {
            (covered(ray.behind), covered(ray.hidden))
        };
        self.sight = Sight {
            share: ray.range_m / sensor.max_range_m as f32,
            behind,
            hidden,
            still,
            family: family(target.class.best().0),
        };
        true
    }
}

/// The share of [`POINTS`] that each mask marks: counted once, for not every processor counts at once.
const COVERED: [f32; 256] = {
    let mut covered = [0.0; 256];
    let mut mask = 0;
    while mask < covered.len() {
        covered[mask] = mask.count_ones() as f32 / POINTS as f32;
        mask += 1;
    }
    covered
};

impl Ray {
    /// Marks what of it lies behind `front`, which is so far to its left, for an eye `up_m` above the road.
    #[inline(always)]
    fn stand_behind(&mut self, front: &Self, away_rad: f32, up_m: f32) {
        const COUNT: f32 = POINTS as f32;
        let half = front.half_width_rad;
        let edges = f32x4::new([away_rad - half, away_rad + half, 0.0, 0.0]);
        let points = edges * f32x4::splat(self.points_per_rad) + f32x4::splat(0.5 * COUNT + 0.5);
        let points = points.fast_max(f32x4::ZERO).fast_min(f32x4::splat(COUNT));
        let [first, last, ..] = points.fast_trunc_int().to_array();
        let covered = ((1u32 << last) - (1u32 << first.min(last))) as u8;
        self.behind |= covered;
        let shadow_m = up_m - (up_m - front.height_m) * self.range_m / front.range_m;
        if shadow_m > 0.5 * self.height_m {
            self.hidden |= covered;
        }
    }
}
