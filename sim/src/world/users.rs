//! Road users that follow a line of their own, and things that lie on the road.
//!
//! Walkers cross, riders ride along, somebody drives the wrong way, a cone stands in a lane: each is
//! a polyline with a speed, and what it waits for. A walker who waits steps out when their phase is
//! green and no vehicle would come too soon (gap acceptance); one who does not wait steps out. All of
//! them stop for what stands in their way, and drivers brake for them ([`super::right_of_way`]). Walkers
//! whose way has a width use all of it and keep out of each other's way ([`super::walkers`]); others keep
//! to their line. What one of them does next is in `ways`. Left out on purpose: riders who overtake.

use rsu::clock::Mono;
use v2x_msg::base::PhaseId;

use super::roads::Roads;
use super::signals::Signals;
use super::snapshot::{Body, FIRST_USER};
use super::vehicles::{Kind, Vehicle};
use super::walkers::{FELT_M, Walker, edge_push_mps2, push_mps2};
use super::ways::{Others, Way};
use crate::plane::{Path, Point};
use crate::random::{Purpose, Stream};

/// What a scenario wants of one kind of road user.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What they are.
    pub kind: Kind,
    /// Their way; one point for what stays where it is.
    pub way: Vec<Point>,
    /// Which way it points if it stays where it is: a unit vector.
    pub faces: Point,
    /// Along, across, above ground.
    pub size_m: [f64; 3],
    /// So wide is the way of those who walk beside each other and push each other; nought: a line.
    pub wide_m: f64,
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
    /// And a thing where none is nearer than this before it.
    pub room_m: f64,
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
    /// Since when it may be told.
    pub since: Mono,
    /// Since when it is so without doubt and must be told; None: it has not been yet.
    pub sure: Option<Mono>,
    /// Until when; None while it lasts.
    pub until: Option<Mono>,
    /// Where it is, or was last.
    pub place: Point,
    /// Where else it may be said to be: a queue has another tail by another reading.
    pub or_at: [Option<Point>; OTHER_PLACES],
}

/// Most places at which a happening may be besides.
pub const OTHER_PLACES: usize = 4;

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
    /// Left of its line.
    pub aside_m: f64,
    /// To the left.
    pub aside_mps: f64,
    /// As fast as it would be.
    pub wanted_mps: f64,
    /// For so long a vehicle has stood in its way.
    pub(super) held_up_s: f64,
    pub(super) released: bool,
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

    /// Whether somebody, or something, has nowhere to go.
    pub(super) fn stays(&self, id: u32) -> bool {
        let user = self.user(id);
        user.is_some_and(|user| self.ways[user.wish].path.is_none())
    }

    /// Whether somebody who waits at a kerb for its signal, or for who comes, has not left it yet.
    pub(super) fn is_at_kerb(&self, id: u32) -> bool {
        let user = self.user(id).filter(|user| !user.released);
        user.is_some_and(|user| self.ways[user.wish].wish.wait_m.is_some())
    }

    fn user(&self, id: u32) -> Option<&User> {
        let place = self
            .present
            .binary_search_by_key(&id, |user| user.id)
            .ok()?;
        Some(&self.present[place])
    }

    /// What some of them are in the language of events, and whether they are that without doubt: who is on foot
    /// beside the road is about to be an event, and is none before the first step on the carriageway.
    pub(super) fn events(&self, roads: &Roads) -> impl Iterator<Item = (u32, u16, bool)> {
        let with_bodies = self.present.iter().zip(&self.bodies);
        with_bodies.filter_map(|(user, body)| {
            let told = self.ways[user.wish].wish.event_type;
            let on_foot = matches!(body.kind, Kind::Pedestrian | Kind::Animal);
            let code = told.filter(|_| user.released)?;
            Some((user.id, code, !on_foot || roads.is_carriageway(body.centre)))
        })
    }

    /// Goes on by `step_s` from `now`: all from where vehicles and users are at its start.
    pub fn step(&mut self, now: Mono, step_s: f64, seen: &Seen<'_>, seed: u64, count: u64) {
        let ways = &self.ways;
        let others = self.present.iter().map(|user| Others {
            push: self.push(user),
            most_mps: self.behind_mps(user),
        });
        let others: Vec<Others> = others.collect();
        for (user, others) in self.present.iter_mut().zip(&others) {
            ways[user.wish].advance(user, others, now, step_s, seen);
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

    /// What pushes a walker, from where everybody was at the end of the last step.
    fn push(&self, user: &User) -> Point {
        let way = &self.ways[user.wish];
        let (true, Some(path)) = (way.wish.wide_m > 0.0, &way.path) else {
            return Point::default();
        };
        let along = path.direction_at(user.along_m);
        let place = user.place(path);
        let one = Walker {
            place,
            velocity: user.velocity(path),
        };
        let mut push = Point::default();
        for (other, body) in self.present.iter().zip(&self.bodies) {
            if other.id == user.id {
                continue;
            }
            match body.kind {
                Kind::Pedestrian => {
                    let velocity = body.direction.times(body.speed_mps);
                    let other = Walker {
                        place: body.centre,
                        velocity,
                    };
                    push = push.plus(push_mps2(&one, along, &other));
                }
                Kind::Object => {
                    let apart_m = body.distance_m(place);
                    if apart_m < FELT_M {
                        let away = place.minus(body.centre).direction();
                        push = push.plus(away.times(edge_push_mps2(apart_m)));
                    }
                }
                _ => {}
            }
        }
        let half_m = way.wish.wide_m / 2.0;
        let edges = edge_push_mps2(half_m + user.aside_m) - edge_push_mps2(half_m - user.aside_m);
        push.plus(along.left().times(edges))
    }

    /// As fast as one who rides or drives may go behind others of its kind who are ahead in its way.
    fn behind_mps(&self, user: &User) -> f64 {
        let way = &self.ways[user.wish];
        let rides = !matches!(way.wish.kind, Kind::Pedestrian | Kind::Object);
        let (true, Some(path)) = (rides, &way.path) else {
            return f64::INFINITY;
        };
        let (place, along) = (user.place(path), user.course(path));
        let [length_m, width_m, _] = way.wish.size_m;
        let others = self.present.iter().zip(&self.bodies);
        let ahead = others.filter_map(|(other, body)| {
            let off = body.centre.minus(place);
            let (ahead_m, beside_m) = (off.dot(along), off.cross(along).abs());
            let in_way = other.id != user.id
                && body.kind != Kind::Object
                && ahead_m > 0.0
                && beside_m < (width_m + body.width_m) / 2.0;
            let gap_m = ahead_m - (length_m + body.length_m) / 2.0 - KEPT_BEHIND_M;
            let goes_mps = body.direction.dot(along).max(0.0) * body.speed_mps;
            in_way.then(|| goes_mps + (2.0 * EASES_MPS2 * gap_m.max(0.0)).sqrt())
        });
        ahead.fold(f64::INFINITY, f64::min)
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
        let half_m = wanted.wide_m / 2.0;
        let mut beside = Stream::new(seed, u64::from(self.next_id), Purpose::UserAside);
        self.present.push(User {
            aside_m: beside.between(-half_m, half_m) * USED_AT_FIRST,
            aside_mps: 0.0,
            id: self.next_id,
            wish,
            along_m: 0.0,
            speed_mps: if wanted.wait_m.is_some_and(|wait_m| wait_m <= 0.0) {
                0.0
            } else {
                wanted_mps
            },
            wanted_mps,
            held_up_s: 0.0,
            released: wanted.wait_m.is_none(),
        });
        self.next_id += self.id_stride;
    }
}

impl User {
    pub(super) fn place(&self, path: &Path) -> Point {
        let on_line = path.point_at(self.along_m);
        if self.aside_m == 0.0 {
            return on_line;
        }
        let left = path.direction_at(self.along_m).left();
        on_line.plus(left.times(self.aside_m))
    }

    pub(super) fn whole_speed_mps(&self) -> f64 {
        if self.aside_mps == 0.0 {
            return self.speed_mps;
        }
        Point::new(self.speed_mps, self.aside_mps).length_m()
    }

    /// Where it points: whither it walks.
    pub(super) fn course(&self, path: &Path) -> Point {
        let along = path.direction_at(self.along_m);
        if self.aside_mps == 0.0 || self.speed_mps < STROLLS_MPS {
            return along;
        }
        self.velocity(path).direction()
    }

    pub(super) fn velocity(&self, path: &Path) -> Point {
        let along = path.direction_at(self.along_m);
        along
            .times(self.speed_mps)
            .plus(along.left().times(self.aside_mps))
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

/// Riders keep so far behind each other, and slow down like this for it (assumed).
const KEPT_BEHIND_M: f64 = 0.7;
const EASES_MPS2: f64 = 1.5;
/// Who walks slower points where the way leads.
const STROLLS_MPS: f64 = 0.3;
/// Of the width of their way walkers use so much when they come.
const USED_AT_FIRST: f64 = 0.8;
