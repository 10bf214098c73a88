//! Road users that follow a line of their own, and things that lie on the road.
//!
//! Walkers cross, riders ride along, somebody drives the wrong way, a cone stands in a lane: each is
//! a polyline with a speed, and what it waits for. A walker who waits steps out when their phase is
//! green and no vehicle would come too soon (gap acceptance); one who does not wait steps out. All of
//! them stop for what stands in their way, and drivers brake for them ([`super::right_of_way`]). Left
//! out on purpose: the push and pull between walkers (social force), and riders who overtake.

use rsu::clock::Mono;
use rsu::report::Light;
use v2x_msg::base::PhaseId;

use super::roads::Roads;
use super::signals::Signals;
use super::snapshot::{Body, FIRST_USER};
use super::vehicles::{Kind, Vehicle};
use crate::plane::{Path, Point};
use crate::random::{Purpose, Stream};

/// What a scenario wants of one kind of road user.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What they are.
    pub kind: Kind,
    /// Their way; one point for what stays where it is.
    pub way: Vec<Point>,
    /// Along, across, above ground.
    pub size_m: [f64; 3],
    /// Mean and standard deviation of the speed that they want.
    pub speed_mps: (f64, f64),
    /// The first comes then.
    pub from: Mono,
    /// Nobody comes from then on, and what stays is gone.
    pub until: Mono,
    /// So many come in an hour, by chance; None: one comes, at `from`.
    pub per_hour: Option<f64>,
    /// Where on their way they wait.
    pub wait_m: Option<f64>,
    /// They wait for green of this phase.
    pub phase: Option<PhaseId>,
    /// They wait until no vehicle reaches their way within this time; a thing is put down then.
    pub gap_s: f64,
    /// The event on the road that they are (GB/T 29100-2012), from where they have waited on.
    pub event_type: Option<u16>,
}

/// Something on the road that a roadside unit should tell of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Happening {
    /// What it is, by GB/T 29100-2012.
    pub event_type: u16,
    /// Who it is.
    pub body: u32,
    /// Since when.
    pub since: Mono,
    /// Until when; None while it lasts.
    pub until: Option<Mono>,
    /// Where it is, or was last.
    pub place: Point,
}

/// One road user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct User {
    /// Never used again for another, nor for a vehicle.
    pub id: u32,
    /// Index of the wish that it fulfils.
    pub wish: usize,
    /// Its middle, along its way.
    pub along_m: f64,
    /// Along its way; never negative.
    pub speed_mps: f64,
    /// As fast as it would be.
    pub wanted_mps: f64,
    released: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Users {
    ways: Vec<Way>,
    /// In order of id.
    present: Vec<User>,
    bodies: Vec<Body>,
    next_id: u32,
    id_stride: u32,
}

#[derive(Clone, Debug)]
struct Way {
    wish: Wish,
    path: Option<Path>,
    /// Places on it, beyond where it waits.
    crossing: Vec<Point>,
    came: bool,
}

impl Users {
    /// Those that the wishes ask for; nobody is there yet.
    pub fn new(wishes: Vec<Wish>) -> Self {
        let ways = wishes.into_iter().map(Way::new);
        Self {
            ways: ways.collect(),
            next_id: FIRST_USER,
            id_stride: 1,
            ..Self::default()
        }
    }

    /// Takes only every `of`th id, beginning with that at `place`.
    pub(super) fn share_ids(&mut self, place: u32, of: u32) {
        self.next_id = FIRST_USER + place;
        self.id_stride = of;
    }

    /// Who is there, in order of id.
    pub fn present(&self) -> &[User] {
        &self.present
    }

    /// The same as bodies.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// What each of them is in the language of events; None for most.
    pub fn events(&self) -> impl Iterator<Item = (u32, u16)> + '_ {
        self.present.iter().filter_map(|user| {
            let told = self.ways[user.wish].wish.event_type;
            told.filter(|_| user.released).map(|code| (user.id, code))
        })
    }

    /// Goes on by `step_s` from `now`: all from where vehicles and users are at its start.
    pub fn step(&mut self, now: Mono, step_s: f64, seen: &Seen<'_>, seed: u64, count: u64) {
        let ways = &self.ways;
        for user in &mut self.present {
            ways[user.wish].advance(user, now, step_s, seen);
        }
        self.present.retain(|user| ways[user.wish].holds(user, now));
        for wish in 0..self.ways.len() {
            self.arrive(wish, now, step_s, seen, seed, count);
        }
        let bodies = self
            .present
            .iter()
            .map(|user| self.ways[user.wish].body(user));
        self.bodies = bodies.collect();
    }

    fn arrive(
        &mut self,
        wish: usize,
        now: Mono,
        step_s: f64,
        seen: &Seen<'_>,
        seed: u64,
        count: u64,
    ) {
        let way = &mut self.ways[wish];
        let wanted = &way.wish;
        if now < wanted.from || now >= wanted.until {
            return;
        }
        let comes = match wanted.per_hour {
            Some(per_hour) => {
                let stream = Stream::new(seed, wish as u64, Purpose::UserArrival);
                stream.starting_at(count).chance(per_hour / 3600.0 * step_s)
            }
            None => !way.came && (way.path.is_some() || way.is_free(seen)),
        };
        if !comes {
            return;
        }
        way.came = true;
        let mut draw = Stream::new(seed, u64::from(self.next_id), Purpose::User);
        let (mean_mps, sigma_mps) = wanted.speed_mps;
        let wanted_mps =
            (mean_mps + sigma_mps * draw.normal()).clamp(mean_mps * 0.5, mean_mps * 1.5);
        self.present.push(User {
            id: self.next_id,
            wish,
            along_m: 0.0,
            speed_mps: if wanted.wait_m.is_some_and(|wait_m| wait_m <= 0.0) {
                0.0
            } else {
                wanted_mps
            },
            wanted_mps,
            released: wanted.wait_m.is_none(),
        });
        self.next_id += self.id_stride;
    }
}

/// What road users see.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The roads.
    pub roads: &'a Roads,
    /// The lamps.
    pub signals: &'a Signals,
    /// Every vehicle.
    pub vehicles: &'a [Vehicle],
    /// The same as bodies.
    pub bodies: &'a [Body],
}

impl Way {
    fn new(wish: Wish) -> Self {
        let path = Path::new(&wish.way);
        let crossing = path.as_ref().map_or_else(Vec::new, |path| {
            let from_m = wish.wait_m.unwrap_or(0.0);
            let count = (path.length_m() - from_m).max(0.0) as usize;
            let place = |metre| path.point_at(from_m + metre as f64);
            (0..=count).map(place).collect()
        });
        Self {
            wish,
            path,
            crossing,
            came: false,
        }
    }

    fn advance(&self, user: &mut User, now: Mono, step_s: f64, seen: &Seen<'_>) {
        let Some(path) = &self.path else {
            return;
        };
        let wait_m = self.wish.wait_m.filter(|_| !user.released);
        if let Some(wait_m) = wait_m
            && user.along_m >= wait_m - 0.05
        {
            user.released = self.may_go(now, seen);
            if !user.released {
                user.speed_mps = 0.0;
                return;
            }
        }
        let wanted_mps = if self.is_blocked(user, path, seen) {
            0.0
        } else {
            user.wanted_mps
        };
        let (harder, softer) = match self.wish.kind {
            Kind::Pedestrian | Kind::Animal => (10.0, 2.0),
            Kind::Bicycle => (3.0, 1.0),
            _ => (6.0, 2.0),
        };
        let change = (wanted_mps - user.speed_mps).clamp(-harder * step_s, softer * step_s);
        user.speed_mps = (user.speed_mps + change).max(0.0);
        user.along_m += user.speed_mps * step_s;
        if let Some(wait_m) = wait_m {
            user.along_m = user.along_m.min(wait_m);
        }
    }

    /// Whether a thing can be put down: nobody would have to brake hard for it.
    fn is_free(&self, seen: &Seen<'_>) -> bool {
        let (Some(&place), true) = (self.wish.way.first(), self.wish.gap_s > 0.0) else {
            return true;
        };
        !seen.vehicles.iter().any(|vehicle| {
            let path = &seen.roads.routes[vehicle.route].path;
            let along_m = path.nearest_m(place);
            let ahead_m = along_m - vehicle.along_m;
            let reach_m = vehicle.speed_mps * self.wish.gap_s + PUT_DOWN_M;
            let beside = path.point_at(along_m).distance_m(place) < vehicle.width_m / 2.0 + NEAR_M;
            beside && (-vehicle.length_m..reach_m).contains(&ahead_m)
        })
    }

    /// Whether the signal and the traffic let one go who waits.
    fn may_go(&self, now: Mono, seen: &Seen<'_>) -> bool {
        let green = |phase| seen.signals.light(phase, now) == Light::Green;
        if !self.wish.phase.is_none_or(green) {
            return false;
        }
        self.wish.gap_s <= 0.0
            || !seen
                .vehicles
                .iter()
                .any(|other| self.comes_too_soon(other, seen))
    }

    fn comes_too_soon(&self, vehicle: &Vehicle, seen: &Seen<'_>) -> bool {
        let path = &seen.roads.routes[vehicle.route].path;
        let reach_m = vehicle.speed_mps * self.wish.gap_s + NEAR_M;
        let beside_m = vehicle.width_m / 2.0 + NEAR_M / 2.0;
        (0..=(reach_m as usize)).any(|metre| {
            let place = path.point_at(vehicle.along_m + metre as f64);
            let near = |other: &Point| place.distance_m(*other) < beside_m;
            self.crossing.iter().any(near)
        })
    }

    /// Whether a vehicle stands where it would be before it could stop.
    fn is_blocked(&self, user: &User, path: &Path, seen: &Seen<'_>) -> bool {
        let [length_m, width_m, _] = self.wish.size_m;
        let nose_m = user.along_m + length_m / 2.0;
        let reach_m = user.speed_mps * user.speed_mps / 6.0 + KEPT_FREE_M;
        let beside_m = width_m / 2.0 + 0.2;
        (0..=(reach_m / SAMPLE_M) as usize).any(|i| {
            let place = path.point_at(nose_m + i as f64 * SAMPLE_M);
            let near = |body: &Body| body.distance_m(place) < beside_m;
            seen.bodies.iter().any(near)
        })
    }

    fn holds(&self, user: &User, now: Mono) -> bool {
        match &self.path {
            Some(path) => user.along_m < path.length_m(),
            None => now < self.wish.until,
        }
    }

    fn body(&self, user: &User) -> Body {
        let [length_m, width_m, height_m] = self.wish.size_m;
        let north = Point::new(0.0, 1.0);
        let (centre, direction) = match &self.path {
            Some(path) => (path.point_at(user.along_m), path.direction_at(user.along_m)),
            None => (self.wish.way.first().copied().unwrap_or(north), north),
        };
        Body {
            id: user.id,
            kind: self.wish.kind,
            centre,
            direction,
            speed_mps: if self.path.is_some() {
                user.speed_mps
            } else {
                0.0
            },
            length_m,
            width_m,
            height_m,
        }
    }
}

/// Nearer than this to somebody's way is in it.
const NEAR_M: f64 = 2.0;
/// Nothing is put down so near before a vehicle.
const PUT_DOWN_M: f64 = 15.0;
/// What walkers and riders keep free before them.
const KEPT_FREE_M: f64 = 1.0;
/// Spacing of the places that are looked at.
const SAMPLE_M: f64 = 0.5;
