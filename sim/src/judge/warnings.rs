//! Warnings against what then happens: is a driver who runs a red light told of in time, and is
//! anybody warned of to whom nothing happens?
//!
//! A warning of a red light is right if that vehicle passes its line at red soon after. One of two who
//! meet is right if they touch, if one is where the other was or will be within a second and a half, if one of
//! them brakes as hard as nobody does without need: whoever avoids it by that was warned rightly; if the two
//! were in conflict by [`super::conflicts`], which asks for a warning; or if a vehicle on its route that drove on
//! as fast as when the warning began would have met somebody on a line of their own (on foot, on two wheels, or
//! in a car that gives way to nobody), by the same second and a half, where that one truly went: then its
//! driver gave way, however softly. No faster than its driver would through a bend,
//! as far as its stop line, if that was still ahead without its own green, and the next vehicle before it: what
//! it did for those says nothing. A warning of a track that shows nobody is false. Not here: conflicts that nobody was warned of.

use std::time::Duration;

use rsu::clock::Mono;
use rsu::report::Light;
use rsu::warnings::{Change, Kind, Warning};

use crate::plane::Point;
use crate::truth::Truth;
use crate::world::alone::Alone;
use crate::world::snapshot::{Body, FIRST_USER, Snapshot};
use crate::world::vehicles::Vehicle;
use crate::world::{STEP, World};

/// All that was warned of.
#[derive(Clone, Debug, Default)]
pub struct WarningJudge {
    /// What was warned of, in order.
    pub told: Vec<Told>,
    /// Those who passed a red light.
    pub runners: Vec<Runner>,
    /// Being watched: places in `told`.
    open: Vec<Watch>,
}

/// One warning, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Of what.
    pub kind: Kind,
    /// When it began.
    pub since: Mono,
    /// For when.
    pub at: Mono,
    /// How likely it was then.
    pub probability: f64,
    /// Who it was, if the tracks showed anybody.
    pub bodies: [Option<u32>; 2],
    /// Whether it was right; None: nobody knows yet.
    pub right: Option<bool>,
    /// Where they were at its beginning, and how fast.
    pub places: [Option<(Point, f64)>; 2],
}

/// One driver who passed a red light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Runner {
    /// Who.
    pub body: u32,
    /// When it passed its line.
    pub at: Mono,
    /// So long after the beginning of red.
    pub into_red_s: f64,
    /// So long before it was warned of; 0 if never.
    pub lead_s: f64,
}

/// What has been seen of the two since a warning began.
#[derive(Clone, Debug)]
struct Watch {
    place: usize,
    seen: [Vec<(Mono, Body)>; 2],
    /// Of one on a line of their own and a vehicle: the vehicle as it would have driven on; None before the
    /// world has been looked at.
    driven_on: Option<DrivenOn>,
}

/// A vehicle that goes on as fast as when a warning began.
#[derive(Clone, Debug)]
struct DrivenOn {
    /// Which of the two that are warned of it is.
    which: usize,
    /// Where it would be; None where nothing is asked of it, or nothing more.
    vehicle: Option<Vehicle>,
    /// Its front gets no farther.
    until_m: f64,
    seen: Vec<(Mono, Body)>,
}

impl Told {
    /// For a terminal, in seconds of the world.
    pub fn line(&self) -> String {
        let who = |which: usize| match (self.bodies[which], self.places[which]) {
            (Some(id), Some((at, mps))) => {
                let Point { east_m, north_m } = at;
                format!("{id} ({east_m:.1}, {north_m:.1}; {mps:.1} m/s)")
            }
            (Some(id), None) => id.to_string(),
            (None, _) => "nobody".to_owned(),
        };
        format!(
            "warning ({}) at {:.1} s of {} and {}, in {:.1} s, {:.0} %: {}",
            self.kind.name(),
            self.since.seconds_after(Mono::ZERO),
            who(0),
            who(1),
            self.at.seconds_after(self.since),
            self.probability * 100.0,
            match self.right {
                Some(true) => "right",
                Some(false) => "false",
                None => "not known",
            }
        )
    }
}

impl WarningJudge {
    /// The unit has begun to warn of something, or has ended; `body_of` knows whom a track shows.
    pub fn hear(&mut self, now: Mono, change: &Change, body_of: impl Fn(u8) -> Option<u32>) {
        let Change::Begun(warning) = change else {
            return;
        };
        let Warning { first, second, .. } = *warning;
        self.open.push(Watch {
            place: self.told.len(),
            seen: Default::default(),
            driven_on: None,
        });
        self.told.push(Told {
            kind: warning.kind,
            since: now,
            at: warning.at,
            probability: warning.probability,
            bodies: [body_of(first), second.and_then(body_of)],
            right: None,
            places: [None; 2],
        });
    }

    /// A vehicle passed its line so long after the beginning of red.
    pub fn ran(&mut self, body: u32, at: Mono, into_red_s: f64) {
        let of_it = |told: &&mut Told| told.kind == Kind::RedLight && told.bodies[0] == Some(body);
        let mut lead_s = 0.0_f64;
        for told in self.told.iter_mut().filter(of_it) {
            told.right = Some(true);
            lead_s = lead_s.max(at.seconds_after(told.since));
        }
        self.runners.push(Runner {
            body,
            at,
            into_red_s,
            lead_s,
        });
    }

    /// Looks at a step that the world has made.
    pub fn follow(&mut self, world: &World, truth: &Truth) {
        if self.open.is_empty() {
            return;
        }
        let now = world.now();
        let Some(road) = truth.at(now) else { return };
        let told = &mut self.told;
        self.open.retain_mut(|watch| {
            let one = &mut told[watch.place];
            for (which, seen) in watch.seen.iter_mut().enumerate() {
                if let Some(body) = one.bodies[which].and_then(|id| road.body(id)) {
                    seen.push((now, *body));
                    one.places[which].get_or_insert((body.centre, body.speed_mps));
                }
            }
            if watch.driven_on.is_none() {
                watch.driven_on = Some(DrivenOn::new(world, one.kind, one.bodies));
            }
            if let Some(driven_on) = &mut watch.driven_on {
                driven_on.follow(now, world, &road);
            }
            if now.since(one.since) < WATCHED_FOR {
                return true;
            }
            one.right = Some(one.right.unwrap_or_else(|| watch.was_right(one.kind)));
            false
        });
    }

    /// The longest time before `at` by which a warning of these two had begun; 0 if none did.
    pub fn lead_s(&self, bodies: [u32; 2], at: Mono) -> f64 {
        let [one, other] = bodies.map(Some);
        let of_them = |told: &&Told| {
            told.kind != Kind::RedLight
                && (told.bodies == [one, other] || told.bodies == [other, one])
        };
        let leads = self.told.iter().filter(of_them);
        leads
            .map(|told| at.seconds_after(told.since))
            .filter(|lead_s| (0.0..LONGEST_LEAD_S).contains(lead_s))
            .fold(0.0, f64::max)
    }

    /// These two were in conflict then: what was warned of them before it was right, however softly it was
    /// avoided in the end.
    pub fn came_true(&mut self, bodies: [u32; 2], at: Mono) {
        let [one, other] = bodies.map(Some);
        for told in &mut self.told {
            let them = told.bodies == [one, other] || told.bodies == [other, one];
            let lead_s = at.seconds_after(told.since);
            if told.kind != Kind::RedLight && them && (0.0..LONGEST_LEAD_S).contains(&lead_s) {
                told.right = Some(true);
            }
        }
    }

    /// Warnings that nothing came of, from `from` on.
    pub fn wrong(&self, from: Mono) -> impl Iterator<Item = &Told> {
        let wrong = move |told: &&Told| told.since >= from && told.right == Some(false);
        self.told.iter().filter(wrong)
    }

    /// The shortest time by which somebody who came at least so late into red was warned of before.
    pub fn shortest_lead_s(&self, late_s: f64) -> Option<f64> {
        let late = self.runners.iter().filter(|one| one.into_red_s >= late_s);
        late.map(|one| one.lead_s).min_by(f64::total_cmp)
    }
}

impl Watch {
    fn was_right(&self, kind: Kind) -> bool {
        if kind == Kind::RedLight {
            return false;
        }
        let [ones, others] = &self.seen;
        let driven_on = self.driven_on.as_ref();
        let gave_way = driven_on
            .is_some_and(|driven_on| met(&driven_on.seen, &self.seen[1 - driven_on.which]));
        met(ones, others) || gave_way || self.seen.iter().any(|seen| brakes_hard(seen))
    }
}

/// Whether one was where the other was or would be soon.
fn met(ones: &[(Mono, Body)], others: &[(Mono, Body)]) -> bool {
    ones.iter().any(|(at, one)| {
        let mut near = others
            .iter()
            .filter(|(then, _)| at.since(*then).max(then.since(*at)).as_secs_f64() <= ENCROACHES_S);
        near.any(|(then, other)| one.overlaps(other) && (crosses(one, other) || at == then))
    })
}

impl DrivenOn {
    fn new(world: &World, kind: Kind, bodies: [Option<u32>; 2]) -> Self {
        let driven = |id: u32| {
            let vehicles = world.vehicles();
            let place = vehicles.binary_search_by_key(&id, |vehicle| vehicle.id);
            place.ok().map(|place| &vehicles[place])
        };
        // Of two vehicles on their routes both may have given way, and which was to is not asked here.
        let own_line = |which: usize| bodies[which].is_some_and(|id| id >= FIRST_USER);
        let which = usize::from(own_line(0));
        let asked = kind != Kind::RedLight && own_line(1 - which);
        let vehicle = bodies[which].filter(|_| asked).and_then(driven);
        let until_m = vehicle.map_or(f64::INFINITY, |vehicle| {
            let route = &world.roads().routes[vehicle.route];
            let light = |phase| world.signals().light(phase, world.now());
            if vehicle.entered.is_none() && route.phase.map(light) != Some(Light::Green) {
                route.stop_m
            } else {
                f64::INFINITY
            }
        });
        Self {
            which,
            vehicle: vehicle.cloned(),
            until_m,
            seen: Vec::new(),
        }
    }

    /// Goes on to where it would be a step later, with the others where they are.
    fn follow(&mut self, now: Mono, world: &World, road: &Snapshot) {
        let Some(vehicle) = &mut self.vehicle else {
            return;
        };
        if !self.seen.is_empty() {
            let step_s = STEP.as_secs_f64();
            let slows_mps2 = Alone::new(world).slows_mps2(vehicle);
            vehicle.speed_mps = (vehicle.speed_mps + slows_mps2 * step_s).max(0.0);
            vehicle.along_m += vehicle.speed_mps * step_s;
        }
        let end_m = world.roads().routes[vehicle.route].path.length_m();
        let gone_on = world.body_of(vehicle);
        let mut others = road.vehicles().iter().filter(|body| body.id != vehicle.id);
        let is_there = road.body(vehicle.id).is_some();
        let blocked = others.any(|body| body.overlaps(&gone_on));
        if !is_there || vehicle.along_m > self.until_m.min(end_m) || blocked {
            self.vehicle = None;
            return;
        }
        self.seen.push((now, gone_on));
    }
}

/// Who follows another is always where the other was.
fn crosses(one: &Body, other: &Body) -> bool {
    one.direction.dot(other.direction) < SAME_WAY_COS
}

fn brakes_hard(seen: &[(Mono, Body)]) -> bool {
    let long = seen.windows(4);
    long.into_iter().any(|some| {
        let (first, last) = (&some[0], &some[3]);
        let span_s = last.0.seconds_after(first.0);
        first.1.speed_mps - last.1.speed_mps > HARD_MPS2 * span_s
    })
}

/// What was warned of has happened by then, or was false.
const WATCHED_FOR: Duration = Duration::from_secs(6);
/// One who is where the other was, or will be, within this has met it but for chance.
const ENCROACHES_S: f64 = 1.5;
/// A warning that began longer before was of something else.
const LONGEST_LEAD_S: f64 = 8.0;
/// Directions that are more alike are those of one stream.
const SAME_WAY_COS: f64 = 0.9;
/// Nobody brakes so hard without need.
const HARD_MPS2: f64 = 3.8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    const MPS: f64 = 10.0;
    /// So far along its way the other walks across.
    const ACROSS_M: f64 = 40.0;

    /// Whether a vehicle gave way that was 10 m along its way when the warning began and has hardly moved since,
    /// to somebody who walks across and would be in its way so long later. `blocks_m`: another vehicle stands
    /// there. `until_m`: it has to stop there.
    fn gave_way(until_m: f64, blocks_m: Option<f64>, walks_in_s: f64) -> bool {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let mut world = Scenario::load(std::path::Path::new(file))
            .expect("a scenario")
            .world(1)
            .expect("a world");
        while world.vehicles().is_empty() {
            world.step();
        }
        let vehicle = Vehicle {
            id: 1,
            route: 0,
            along_m: 10.0,
            speed_mps: MPS,
            aside: None,
            aside_m: 0.0,
            ..world.vehicles()[0].clone()
        };
        let path = &world.roads().routes[0].path;
        let along = path.direction_at(ACROSS_M);
        let car = |id: u32, along_m: f64| Body {
            id,
            kind: crate::world::vehicles::Kind::Car,
            centre: path.point_at(along_m),
            direction: path.direction_at(along_m),
            speed_mps: 0.0,
            length_m: 4.6,
            width_m: 1.8,
            height_m: 1.5,
        };
        let mut driven_on = DrivenOn {
            which: 0,
            vehicle: Some(vehicle),
            until_m,
            seen: Vec::new(),
        };
        let mut walked = Vec::new();
        for step in 0..60 {
            let after_s = f64::from(step) * 0.1;
            let now = Mono::ZERO.offset_by(after_s);
            let mut bodies = vec![car(1, 10.0)];
            bodies.extend(blocks_m.map(|along_m| car(2, along_m)));
            let left_m = 1.5 * (walks_in_s - after_s);
            let walker = Body {
                id: FIRST_USER,
                centre: path.point_at(ACROSS_M).plus(along.left().times(left_m)),
                direction: along.left().times(-1.0),
                length_m: 0.5,
                width_m: 0.5,
                ..car(1, ACROSS_M)
            };
            bodies.push(walker);
            walked.push((now, walker));
            driven_on.follow(now, &world, &Snapshot { at: now, bodies });
        }
        met(&driven_on.seen, &walked)
    }

    #[test]
    fn a_driver_who_gives_way_to_somebody_was_warned_of_rightly() {
        let far_m = f64::INFINITY;
        assert!(gave_way(far_m, None, 3.0));
        // Who would have been past, or had to stop before it, or has another before it, gave way to nobody.
        assert!(!gave_way(far_m, None, 6.5));
        assert!(!gave_way(30.0, None, 3.0));
        assert!(!gave_way(far_m, Some(25.0), 3.0));
    }

    /// What is asked of a vehicle before its line while its light is so, and of whom it gave way to; and where its
    /// line is.
    fn asked(
        light: Light,
        kind: Kind,
        bodies: impl Fn(u32) -> [Option<u32>; 2],
    ) -> (DrivenOn, f64) {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let scenario = Scenario::load(std::path::Path::new(file)).expect("a scenario");
        let mut world = scenario.world(1).expect("a world");
        for _ in 0..3000 {
            world.step();
            let comes = world.vehicles().iter().find(|vehicle| {
                let phase = world.roads().routes[vehicle.route].phase;
                let shows = phase.map(|phase| world.signals().light(phase, world.now()));
                vehicle.entered.is_none() && shows == Some(light)
            });
            if let Some(vehicle) = comes {
                let stop_m = world.roads().routes[vehicle.route].stop_m;
                return (DrivenOn::new(&world, kind, bodies(vehicle.id)), stop_m);
            }
        }
        panic!("nobody came to {light:?}");
    }

    #[test]
    fn who_comes_to_its_line_by_its_own_green_would_have_gone_on_and_at_red_it_would_not() {
        let with_user = |id| [Some(id), Some(FIRST_USER)];
        let (at_green, _) = asked(Light::Green, Kind::Vehicles, with_user);
        assert!(at_green.until_m.is_infinite());
        for light in [Light::Red, Light::Yellow] {
            let (held, stop_m) = asked(light, Kind::Vehicles, with_user);
            assert!((held.until_m - stop_m).abs() < 1e-9, "{light:?}");
        }
        // And who may not go over its line meets nobody beyond it.
        let (beyond_m, before_m) = (ACROSS_M + 60.0, ACROSS_M - 10.0);
        assert!(gave_way(beyond_m, None, 3.0));
        assert!(!gave_way(before_m, None, 3.0));
    }

    #[test]
    fn one_gives_way_to_a_car_on_a_line_of_its_own_and_nothing_is_asked_of_two_on_routes() {
        for user_first in [false, true] {
            let (with_user, _) = asked(Light::Green, Kind::Vehicles, |id| {
                let pair = [Some(id), Some(FIRST_USER)];
                if user_first { [pair[1], pair[0]] } else { pair }
            });
            assert!(with_user.vehicle.is_some());
            assert_eq!(with_user.which, usize::from(user_first));
        }
        let (on_routes, _) = asked(Light::Green, Kind::Vehicles, |id| {
            [Some(id), Some(FIRST_USER - 1)]
        });
        assert!(on_routes.vehicle.is_none());
        let (of_a_light, _) = asked(Light::Green, Kind::RedLight, |id| {
            [Some(id), Some(FIRST_USER)]
        });
        assert!(of_a_light.vehicle.is_none());
    }
}
