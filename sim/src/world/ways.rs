//! What one of those who follow a line of their own does next: it waits, goes, stops for what stands in its
//! way, and walks round it.
//!
//! Not here: who comes, and what they are to each other ([`super::users`]).

use rsu::clock::Mono;
use rsu::report::Light;

use super::snapshot::Body;
use super::users::{Seen, User, Wish};
use super::vehicles::{Kind, Vehicle};
use super::walkers::stride;
use crate::plane::{Path, Point};

/// A way that some take, and what they are.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) wish: Wish,
    pub(super) path: Option<Path>,
    /// Places on it, beyond where it waits.
    crossing: Vec<Point>,
    pub(super) came: bool,
}

impl Way {
    pub(super) fn new(wish: Wish) -> Self {
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

    pub(super) fn advance(
        &self,
        user: &mut User,
        others: &Others,
        now: Mono,
        step_s: f64,
        seen: &Seen<'_>,
    ) {
        let Some(path) = &self.path else {
            return;
        };
        let wait_m = self.wish.wait_m.filter(|_| !user.released);
        if let Some(wait_m) = wait_m
            && user.along_m >= wait_m - 0.05
        {
            let patient = user.held_up_s < PATIENCE_S;
            user.released = self.may_go(now, seen, patient);
            let green = self.has_green(now, seen);
            user.held_up_s = if green && !user.released {
                user.held_up_s + step_s
            } else {
                0.0
            };
            if !user.released {
                (user.speed_mps, user.aside_mps) = (0.0, 0.0);
                return;
            }
        }
        let before = self.blocked_by(user, path, seen);
        self.walk_round(user, path, before, step_s);
        let wanted_mps = if before.is_some() {
            0.0
        } else {
            user.wanted_mps.min(others.most_mps)
        };
        // Nobody stops dead where they will have to wait.
        let to_wait_mps = wait_m.map_or(f64::INFINITY, |wait_m| {
            (2.0 * STOPS_EASILY_MPS2 * (wait_m - user.along_m).max(0.0)).sqrt()
        });
        let wanted_mps = if wanted_mps > to_wait_mps && !self.may_go(now, seen, true) {
            to_wait_mps
        } else {
            wanted_mps
        };
        if self.wish.wide_m > 0.0 {
            let along = path.direction_at(user.along_m);
            let velocity = stride(user.velocity(path), along, wanted_mps, others.push, step_s);
            user.speed_mps = velocity.dot(along).max(0.0);
            user.aside_mps = velocity.dot(along.left());
            // Who walks round somebody may be beside the way.
            let half_m = user.aside_m.abs().max(self.wish.wide_m / 2.0);
            user.aside_m = (user.aside_m + user.aside_mps * step_s).clamp(-half_m, half_m);
            user.along_m += user.speed_mps * step_s;
            if let Some(wait_m) = wait_m {
                user.along_m = user.along_m.min(wait_m);
            }
            return;
        }
        let (harder, softer) = match self.wish.kind {
            Kind::Pedestrian | Kind::Animal => (10.0, 2.0),
            Kind::Bicycle | Kind::ElectricBicycle => (3.0, 1.0),
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
    pub(super) fn is_free(&self, seen: &Seen<'_>) -> bool {
        let (Some(&place), true) = (self.wish.way.first(), self.wish.gap_s > 0.0) else {
            return true;
        };
        // It may lie along the way of who passes, however it is turned.
        let half_m = self.wish.size_m[0].max(self.wish.size_m[1]) / 2.0;
        // Who moves over is in the lane that it leaves as well.
        let is_in_the_way = |vehicle: &Vehicle, (route, nose_m): (usize, f64)| {
            let path = &seen.roads.routes[route].path;
            let along_m = path.nearest_m(place);
            let ahead_m = along_m - nose_m;
            let reach_m = vehicle.speed_mps * self.wish.gap_s + self.wish.room_m;
            let beside = path.point_at(along_m).distance_m(place) < vehicle.width_m / 2.0 + NEAR_M;
            beside && (-vehicle.length_m - half_m..reach_m + half_m).contains(&ahead_m)
        };
        let mut vehicles = seen.vehicles.iter();
        !vehicles.any(|vehicle| vehicle.places().any(|there| is_in_the_way(vehicle, there)))
    }

    /// Whether the signal and the traffic let one go who waits. Who has waited for long at green goes before
    /// a vehicle that stands: it gives way, and neither would go before the other.
    fn may_go(&self, now: Mono, seen: &Seen<'_>, patient: bool) -> bool {
        if !self.has_green(now, seen) {
            return false;
        }
        let counts = |other: &&Vehicle| {
            other.speed_mps > STANDS_MPS || patient && !waits_at_red(other, now, seen)
        };
        let mut vehicles = seen.vehicles.iter().filter(counts);
        self.wish.gap_s <= 0.0 || !vehicles.any(|other| self.comes_too_soon(other, seen))
    }

    fn has_green(&self, now: Mono, seen: &Seen<'_>) -> bool {
        let green = |phase| seen.signals.light(phase, now) == Light::Green;
        self.wish.phase.is_none_or(green)
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

    /// Whom a vehicle that stands has held up for long goes behind it: else each of the two might wait for
    /// the other for ever.
    fn walk_round(&self, user: &mut User, path: &Path, before: Option<&Body>, step_s: f64) {
        let stands = before.filter(|body| body.speed_mps < STANDS_MPS);
        let walks = matches!(
            self.wish.kind,
            Kind::Pedestrian | Kind::Bicycle | Kind::ElectricBicycle
        );
        let Some(body) = stands.filter(|_| walks) else {
            user.held_up_s = 0.0;
            if self.wish.wide_m <= 0.0 && before.is_none() && user.aside_m != 0.0 {
                let back_m = ASIDE_MPS * step_s;
                user.aside_m -= user.aside_m.clamp(-back_m, back_m);
            }
            return;
        };
        user.held_up_s += step_s;
        if user.held_up_s > PATIENCE_S {
            let left = path.direction_at(user.along_m).left();
            let behind = if body.direction.dot(left) > 0.0 {
                -1.0
            } else {
                1.0
            };
            let most_m = WALKS_ROUND_M + self.wish.wide_m / 2.0;
            user.aside_m = (user.aside_m + behind * ASIDE_MPS * step_s).clamp(-most_m, most_m);
        }
    }

    /// The vehicle that is where it would be before it could stop. One beside it, or behind it, that it comes no
    /// nearer to is in nobody's way: that vehicle may stand there because of it.
    fn blocked_by<'a>(&self, user: &User, path: &Path, seen: &Seen<'a>) -> Option<&'a Body> {
        let [length_m, width_m, _] = self.wish.size_m;
        let nose_m = user.along_m + length_m / 2.0;
        let reach_m = user.speed_mps * user.speed_mps / 6.0 + KEPT_FREE_M;
        let beside_m = width_m / 2.0 + 0.2;
        let here = user.place(path);
        (0..=(reach_m / SAMPLE_M) as usize).find_map(|i| {
            let along_m = nose_m + i as f64 * SAMPLE_M;
            let place = User { along_m, ..*user }.place(path);
            let near = |body: &Body| {
                let off_m = body.distance_m(place);
                off_m < beside_m && off_m < body.distance_m(here)
            };
            seen.bodies.iter().find(|body| near(body))
        })
    }

    pub(super) fn holds(&self, user: &User, now: Mono) -> bool {
        match &self.path {
            Some(path) => user.along_m < path.length_m(),
            None => now < self.wish.until,
        }
    }

    pub(super) fn body(&self, user: &User) -> Body {
        let [length_m, width_m, height_m] = self.wish.size_m;
        let (centre, direction) = match &self.path {
            Some(path) => (user.place(path), user.course(path)),
            None => {
                let place = self.wish.way.first().copied();
                (place.unwrap_or_default(), self.wish.faces)
            }
        };
        Body {
            id: user.id,
            kind: self.wish.kind,
            centre,
            direction,
            speed_mps: if self.path.is_some() {
                user.whole_speed_mps()
            } else {
                0.0
            },
            length_m,
            width_m,
            height_m,
        }
    }
}

/// Whether a vehicle is before its stop line and has to stay there.
fn waits_at_red(vehicle: &Vehicle, now: Mono, seen: &Seen<'_>) -> bool {
    let route = &seen.roads.routes[vehicle.route];
    let red = |phase| seen.signals.light(phase, now) == Light::Red;
    let heeds = !(vehicle.runs_red || vehicle.siren || route.on_red);
    vehicle.entered.is_none() && heeds && route.phase.is_some_and(red)
}

/// What the others on lines of their own mean to one of them.
pub(super) struct Others {
    /// Of a walker.
    pub(super) push: Point,
    /// Of a rider.
    pub(super) most_mps: f64,
}

/// Who is held up by a vehicle that stands waits for so long, and goes before or behind it; behind it so fast
/// and so far beside its way (assumed).
const STANDS_MPS: f64 = 0.1;
const PATIENCE_S: f64 = 5.0;
const ASIDE_MPS: f64 = 0.6;
const WALKS_ROUND_M: f64 = 4.0;
/// So hard one brakes who comes to a place to wait at (assumed).
const STOPS_EASILY_MPS2: f64 = 1.5;
/// Nearer than this to somebody's way is in it.
const NEAR_M: f64 = 2.0;
/// What walkers and riders keep free before them.
const KEPT_FREE_M: f64 = 1.0;
/// Spacing of the places that are looked at.
const SAMPLE_M: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::world::snapshot::FIRST_USER;

    /// Whether a car that stands there, pointing north, holds up somebody who walks east from the origin.
    fn holds_up(east_m: f64, north_m: f64) -> bool {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let world = Scenario::load(std::path::Path::new(file))
            .expect("a scenario")
            .world(1)
            .expect("a world");
        let way = Way::new(Wish {
            wide_m: 4.0,
            ..crate::world::tests::somebody(
                Kind::Pedestrian,
                [0.5, 0.6, 1.7],
                1.4,
                &[[-5.0, 0.0], [5.0, 0.0]],
            )
        });
        let user = User {
            id: FIRST_USER,
            wish: 0,
            along_m: 5.0,
            speed_mps: 0.0,
            aside_m: 0.0,
            aside_mps: 0.0,
            wanted_mps: 1.4,
            held_up_s: 0.0,
            released: true,
        };
        let car = Body {
            id: 1,
            kind: Kind::Car,
            centre: Point::new(east_m, north_m),
            direction: Point::new(0.0, 1.0),
            speed_mps: 0.0,
            length_m: 4.8,
            width_m: 1.8,
            height_m: 1.5,
        };
        let seen = Seen {
            roads: world.roads(),
            signals: world.signals(),
            vehicles: &[],
            bodies: &[car],
        };
        let path = way.path.as_ref().expect("a way");
        way.blocked_by(&user, path, &seen).is_some()
    }

    #[test]
    fn a_car_ahead_holds_up_a_walker_and_one_that_it_leaves_behind_does_not() {
        // Its side is 0.9 m beside its middle, and the walker's front 0.25 m before its own.
        assert!(holds_up(1.5, 0.0));
        assert!(holds_up(1.5, 2.6));
        // The walker has just come past it, and it waits for the walker.
        assert!(!holds_up(-1.05, 0.0));
        assert!(!holds_up(-0.9, 2.4));
    }
}
