//! What each driver does next: follow, stop at the line, yield, or go.
//!
//! Everything is decided from the state at the start of the step, so that the order of vehicles
//! does not matter. Whoever passed a stop line first goes first; those that came later wait in
//! front of a shared zone unless the other is sure to be out of it. That is a strict order, so
//! nobody waits for each other, and it holds because every driver can stop at the stop line while
//! the signal is red. Who turns left while the opposite side may drive goes as far as the first lane
//! to cross, and waits there for a gap or the end of their green. Who turns right where no phase governs
//! it, or at a round red light, goes when nobody who may drive comes too soon, and nobody walks there. Who
//! would have to stand within the junction does not enter it ([`super::room`]).

use std::cell::OnceCell;

use rsu::clock::Mono;
use rsu::report::Light;

use super::lanes::stands_for_good;
use super::lookup::Lookup;
use super::roads::{Order, Roads, Route, Turn, Zone};
use super::snapshot::Body;
use super::vehicles::{Kind, Vehicle};
use super::works::Works;
use crate::plane::Point;

/// What all drivers see at the start of a step.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The roads.
    pub roads: &'a Roads,
    /// Every vehicle.
    pub vehicles: &'a [Vehicle],
    /// By route: its vehicles, and what its signal shows.
    pub lookup: &'a Lookup,
    /// Everybody and everything else on the road.
    pub users: &'a [Body],
    /// Who drives ahead beyond the end of each exit lane, if the world goes on there.
    pub beyond: &'a [Option<Ahead>],
    /// When it is.
    pub now: Mono,
    /// Drivers change lanes, and keep room to leave one that is blocked.
    pub moves_over: bool,
    /// Where they may not drive as fast.
    pub works: &'a [Works],
}

/// The last vehicle beyond the end of a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ahead {
    /// Its rear, beyond the end; less than nought if it reaches back into the lane.
    pub rear_m: f64,
    /// How fast it goes.
    pub speed_mps: f64,
}

impl Scene<'_> {
    /// The acceleration that the driver of `vehicle` chooses, in m/s².
    pub fn acceleration_mps2(&self, vehicle: &Vehicle) -> f64 {
        let route = self.route(vehicle);
        let driver = &vehicle.driver;
        let wanted_mps = self.wanted_mps(vehicle);
        let mut chosen = driver.free_mps2(vehicle.speed_mps, wanted_mps);
        let mut heed = |gap_m: f64, ahead_mps: f64| {
            let this = driver.following_mps2(vehicle.speed_mps, wanted_mps, gap_m, ahead_mps);
            chosen = chosen.min(this);
        };
        let leaves_m = if self.moves_over { LEAVES_M } else { 0.0 };
        let mut nearest_m = f64::INFINITY;
        // Who moves over is in two lanes, and in others from one moment to the next.
        let everybody = self.moves_over.then_some(self.vehicles);
        let kin = (!self.moves_over).then(|| self.lookup.kin(route, self.vehicles));
        let everybody = everybody.into_iter().flatten();
        for other in everybody.chain(kin.into_iter().flatten()) {
            if other.id != vehicle.id
                && let Some(gap_m) = self.gap_behind_m(vehicle, other)
            {
                let broken = other.halt.is_some() && other.speed_mps < STANDING_MPS;
                nearest_m = nearest_m.min(gap_m);
                heed(gap_m - if broken { leaves_m } else { 0.0 }, other.speed_mps);
            }
        }
        if let Some(ahead) = self.beyond[route.exit] {
            let end_m = route.path.length_m();
            heed(end_m + ahead.rear_m - vehicle.along_m, ahead.speed_mps);
        }
        for user in self.users {
            if let Some((gap_m, ahead_mps)) = self.gap_before_m(vehicle, user) {
                let for_good = stands_for_good(user);
                heed(gap_m - if for_good { leaves_m } else { 0.0 }, ahead_mps);
            }
        }
        if let Some((halt_m, until)) = vehicle.halt
            && self.now < until
        {
            heed(halt_m - vehicle.along_m, 0.0);
        }
        if let Some(call) = vehicle.call {
            // It stands with its front at the sign, not before it.
            heed(call.at_m + driver.standstill_m - vehicle.along_m, 0.0);
        }
        if vehicle.entered.is_none() && !vehicle.runs_red && self.must_stop(vehicle) {
            heed(route.stop_m - vehicle.along_m, 0.0);
        }
        let mut waits_to_cross = None;
        for zone in &route.zones {
            if self.must_wait(vehicle, zone, &mut waits_to_cross) {
                heed(zone.enter_m + STOP_BEYOND_M - vehicle.along_m, 0.0);
            }
        }
        if self.moves_over {
            chosen = chosen.min(self.letting_in_mps2(vehicle, nearest_m));
        }
        chosen.max(-HARDEST_MPS2)
    }

    /// As fast as its driver would go where it is.
    pub(super) fn wanted_mps(&self, vehicle: &Vehicle) -> f64 {
        let usual_mps = vehicle.wanted_mps(self.route(vehicle).speed_mps(vehicle.along_m));
        let works = self.works.iter();
        let works_mps = works.map(|works| works.most_mps(self.roads, vehicle, self.now));
        let own_mps = vehicle.slow.filter(|(_, until)| self.now < *until);
        let own_mps = own_mps.map_or(f64::INFINITY, |(most_mps, _)| most_mps);
        let red_mps = if vehicle.siren && vehicle.entered.is_none() {
            self.past_red_mps(vehicle)
        } else {
            f64::INFINITY
        };
        works_mps.fold(usual_mps.min(own_mps).min(red_mps), f64::min)
    }

    /// How fast an emergency vehicle comes to a red light: slowly, so as to see and be seen.
    fn past_red_mps(&self, vehicle: &Vehicle) -> f64 {
        let route = self.route(vehicle);
        if self.light(vehicle) != Some(Light::Red) {
            return f64::INFINITY;
        }
        let left_m = (route.stop_m - vehicle.along_m).max(0.0);
        (PAST_RED_MPS * PAST_RED_MPS + 2.0 * vehicle.driver.braking_mps2 / 2.0 * left_m).sqrt()
    }

    /// What the driver chooses who lets in those that ask: only the one right behind does.
    fn letting_in_mps2(&self, vehicle: &Vehicle, nearest_m: f64) -> f64 {
        let own = (vehicle.route, vehicle.along_m);
        let asking = self.vehicles.iter().filter_map(|other| {
            let ask = other.asks.filter(|_| other.id != vehicle.id)?;
            let there = (ask.route, other.along_m + ask.shift_m);
            let gap_m = self.gap_on_m(vehicle, own, other, there)?;
            // Nobody waits for who may never come.
            let lets = (0.0..nearest_m).contains(&gap_m) && vehicle.speed_mps > LETS_IN_FROM_MPS;
            lets.then_some((gap_m, other.speed_mps))
        });
        let nearest = asking.min_by(|a, b| a.0.total_cmp(&b.0));
        nearest.map_or(f64::INFINITY, |(gap_m, ahead_mps)| {
            let wanted_mps = self.wanted_mps(vehicle);
            let behind =
                vehicle
                    .driver
                    .following_mps2(vehicle.speed_mps, wanted_mps, gap_m, ahead_mps);
            behind.max(-LETS_IN_MPS2)
        })
    }

    /// Whether `vehicle` goes on although its signal is yellow, or has turned red since: it could
    /// not stop in comfort, and reaches the line in time.
    pub fn commits(&self, vehicle: &Vehicle) -> bool {
        let route = self.route(vehicle);
        let (Some(shown), None) = (self.lookup.shown(vehicle.route), vehicle.entered) else {
            return false;
        };
        let left_m = (route.stop_m - vehicle.along_m).max(0.01);
        let needed_mps2 = vehicle.speed_mps * vehicle.speed_mps / (2.0 * left_m);
        let cannot_stop = needed_mps2 > vehicle.driver.braking_mps2;
        match shown.light {
            Light::Yellow => {
                // A yellow light has its end.
                let until = shown.until.unwrap_or(self.now);
                let yellow_s = until.seconds_after(self.now);
                let in_time = left_m < vehicle.speed_mps * yellow_s * SLOWING_DOWN;
                cannot_stop && (vehicle.committed || in_time)
            }
            Light::Red => cannot_stop && vehicle.committed,
            _ => false,
        }
    }

    /// How far ahead `user` is or will be in the way of `vehicle`, and how fast it goes along.
    pub(super) fn gap_before_m(&self, vehicle: &Vehicle, user: &Body) -> Option<(f64, f64)> {
        let path = &self.route(vehicle).path;
        let nose = vehicle.place_at(self.roads, vehicle.along_m);
        let reach_m = vehicle.speed_mps * LOOKS_AHEAD_S + LOOKS_AHEAD_M;
        if nose.distance_m(user.centre) > reach_m + user.length_m + user.speed_mps * FORESEEN_S {
            return None;
        }
        let moves = user.direction.times(user.speed_mps);
        let foreseen = if user.kind == Kind::Object || user.speed_mps < 0.1 {
            0
        } else {
            FORESEEN_STEPS
        };
        let beside_m = vehicle.width_m / 2.0 + PASSES_AT_M;
        (0..=reach_m as usize).find_map(|metre| {
            let place = vehicle.place_at(self.roads, vehicle.along_m + metre as f64);
            (0..=foreseen).find_map(|step| {
                let later_s = f64::from(step) * FORESEEN_S / f64::from(FORESEEN_STEPS);
                let then = place.minus(moves.times(later_s));
                (user.distance_m(then) < beside_m).then(|| {
                    let along = path.direction_at(vehicle.along_m + metre as f64);
                    let with = if step == 0 {
                        moves
                    } else {
                        Point::new(0.0, 0.0)
                    };
                    (metre as f64, with.dot(along).max(0.0))
                })
            })
        })
    }

    pub(super) fn route(&self, vehicle: &Vehicle) -> &Route {
        &self.roads.routes[vehicle.route]
    }

    fn light(&self, vehicle: &Vehicle) -> Option<Light> {
        let shown = self.lookup.shown(vehicle.route);
        shown.map(|shown| shown.light)
    }

    /// How far ahead the rear of `other` is, if `vehicle` follows it in a lane that both are in.
    pub(super) fn gap_behind_m(&self, vehicle: &Vehicle, other: &Vehicle) -> Option<f64> {
        let own = (vehicle.route, vehicle.along_m);
        let there = (other.route, other.along_m);
        if vehicle.aside.is_none() && other.aside.is_none() {
            return self.gap_on_m(vehicle, own, other, there);
        }
        // Who moves over as well may come from the other side, and is not in the middle of any lane.
        let alone = vehicle.aside.is_none();
        let has_left = alone && other.has_left_to(vehicle.width_m);
        let there = other.places().take(2 - usize::from(has_left));
        let pairs = vehicle.places().enumerate().flat_map(|(i, own)| {
            there.clone().filter_map(move |there| {
                let gap_m = self.gap_on_m(vehicle, own, other, there)?;
                // Who leaves a lane does not wait for whoever is farther on in it.
                (i == 0 || !vehicle.is_out_before(gap_m, other)).then_some(gap_m)
            })
        });
        pairs.min_by(f64::total_cmp)
    }

    /// The same, with their noses at these places of these routes.
    pub(super) fn gap_on_m(
        &self,
        vehicle: &Vehicle,
        (own_route, own_along_m): (usize, f64),
        other: &Vehicle,
        (other_route, other_along_m): (usize, f64),
    ) -> Option<f64> {
        let (own, theirs) = (
            &self.roads.routes[own_route],
            &self.roads.routes[other_route],
        );
        let other_rear_m = other_along_m - other.length_m;
        if own.approach == theirs.approach {
            let together = own_route == other_route
                || own
                    .parts_from_m(other_route)
                    .is_some_and(|parts_m| other_rear_m < parts_m);
            if together && is_ahead(other, other_along_m, vehicle, own_along_m) {
                return Some(other_rear_m - own_along_m);
            }
        }
        if own.exit == theirs.exit && own_route != other_route {
            let zone = own.zones.iter().find(|zone| zone.other == other_route);
            let in_lane = match zone {
                Some(zone) => other_rear_m > zone.other_enter_m,
                None => other_rear_m > theirs.clear_m,
            };
            let own_m = own_along_m - own.clear_m;
            let their_m = other_along_m - theirs.clear_m;
            if in_lane && is_ahead(other, their_m, vehicle, own_m) {
                return Some(their_m - other.length_m - own_m);
            }
        }
        None
    }

    /// Whether the signal, or those with the right of way, keep `vehicle` at the stop line.
    fn must_stop(&self, vehicle: &Vehicle) -> bool {
        let route = self.route(vehicle);
        if self.has_no_room(vehicle) {
            return true;
        }
        if route.phase.is_none() {
            return route.turn == Turn::Right && self.must_yield(vehicle);
        }
        let Some(shown) = self.lookup.shown(vehicle.route) else {
            return true;
        };
        if vehicle.siren {
            return false;
        }
        if self.holds_back(vehicle) {
            return true;
        }
        match shown.light {
            Light::Green | Light::FlashingGreen => {
                let waits_s = self.now.seconds_after(shown.since);
                vehicle.speed_mps < STANDING_MPS && waits_s < vehicle.driver.reaction_s
            }
            Light::Yellow | Light::Red if route.on_red => {
                !vehicle.committed && self.must_yield(vehicle)
            }
            Light::Yellow | Light::Red => !vehicle.committed,
            _ => true,
        }
    }

    /// A right turn that no phase governs, or at a round red light: wait for those who may drive and come
    /// too soon.
    fn must_yield(&self, vehicle: &Vehicle) -> bool {
        let route = self.route(vehicle);
        let clear_s = |zone: &Zone| {
            let out_m = zone.leave_m.max(zone.enter_m) + vehicle.length_m;
            if route.on_red {
                return self.time_to_s(vehicle, out_m);
            }
            vehicle.least_time_s(out_m - vehicle.along_m, route.speed_mps(zone.enter_m))
        };
        route.zones.iter().any(|zone| {
            self.lookup
                .on(zone.other, self.vehicles)
                .filter(|other| other.entered.is_none())
                .filter(|other| self.comes(other))
                .any(|other| {
                    let way_m = zone.other_enter_m - other.along_m;
                    let theirs = self.route(other);
                    let comes_s = other.least_time_s(way_m, theirs.speed_mps(other.along_m));
                    let margin_s = if zone.merges {
                        MERGE_GAP_S
                    } else {
                        CROSS_GAP_S
                    };
                    comes_s < clear_s(zone) + margin_s
                })
        })
    }

    /// When the front of `vehicle` is at a place of its route, as its driver drives through the bend.
    fn time_to_s(&self, vehicle: &Vehicle, place_m: f64) -> f64 {
        let route = self.route(vehicle);
        let (mut at_m, mut mps, mut time_s) = (vehicle.along_m, vehicle.speed_mps, 0.0);
        while at_m < place_m {
            let metre = (place_m - at_m).min(1.0);
            let faster =
                (mps * mps + 2.0 * UP_TO_SPEED * vehicle.driver.acceleration_mps2 * metre).sqrt();
            let next = faster
                .min(vehicle.wanted_mps(route.speed_mps(at_m)))
                .max(0.5);
            time_s += metre / ((mps + next) / 2.0);
            (at_m, mps) = (at_m + metre, next);
        }
        time_s
    }

    fn may_go(&self, vehicle: &Vehicle) -> bool {
        if vehicle.runs_red || vehicle.siren {
            return true;
        }
        match self.light(vehicle) {
            Some(Light::Green | Light::FlashingGreen) => true,
            Some(Light::Yellow | Light::Red) => vehicle.committed,
            _ => false,
        }
    }

    /// Whether who is before the stop line may drive, and does not wait there for a siren.
    fn comes(&self, vehicle: &Vehicle) -> bool {
        self.may_go(vehicle) && !self.holds_back(vehicle)
    }

    /// Whether somebody who has the right of way comes before `vehicle` would be out of the zone.
    fn is_cut_off(&self, vehicle: &Vehicle, zone: &Zone) -> bool {
        let out_m = zone.leave_m.max(zone.enter_m) + vehicle.length_m;
        // The same whoever comes, and dear.
        let clear_s = OnceCell::new();
        let clear_s = || *clear_s.get_or_init(|| self.time_to_s(vehicle, out_m));
        self.there(zone)
            .filter(|other| other.entered.is_some() || self.comes(other))
            .any(|other| {
                let theirs = self.route(other);
                let way_m = zone.other_enter_m - other.along_m;
                let comes_s = other.least_time_s(way_m, theirs.speed_mps(other.along_m));
                comes_s < clear_s() + CROSS_GAP_S
            })
    }

    /// Who is in this zone on the other route, or before it.
    fn there<'a>(&'a self, zone: &'a Zone) -> impl Iterator<Item = &'a Vehicle> {
        let all = self.lookup.on(zone.other, self.vehicles);
        all.filter(|other| other.rear_m() < zone.other_leave_m)
    }

    /// Whether who turns left has to wait before the first lane to cross: for a gap in all of them, so
    /// as not to stand in one and wait for the next.
    fn must_wait_to_cross(&self, vehicle: &Vehicle, route: &Route) -> bool {
        let crosses = || {
            route
                .zones
                .iter()
                .filter(|zone| zone.order == Order::Yields)
        };
        let first_m = crosses()
            .map(|zone| zone.enter_m)
            .fold(f64::INFINITY, f64::min);
        vehicle.along_m <= first_m + STOP_BEYOND_M
            && crosses().any(|zone| self.is_cut_off(vehicle, zone))
    }

    /// Whether somebody with an earlier place in the order is still in, or before, this zone.
    /// `waits_to_cross` is asked once for all zones of a vehicle.
    fn must_wait(&self, vehicle: &Vehicle, zone: &Zone, waits_to_cross: &mut Option<bool>) -> bool {
        if vehicle.along_m > zone.enter_m + STOP_BEYOND_M {
            return false;
        }
        let route = self.route(vehicle);
        if zone.order == Order::Yields {
            let waits = || self.must_wait_to_cross(vehicle, route);
            if *waits_to_cross.get_or_insert_with(waits) {
                return true;
            }
        }
        self.there(zone)
            .filter(|other| match (other.entered, vehicle.entered) {
                // Who turns left and has not yet gone is the one to wait.
                _ if zone.order == Order::Goes => {
                    other.along_m > zone.other_enter_m + STOP_BEYOND_M
                }
                (Some(theirs), Some(own)) => theirs < own,
                (Some(_), None) => true,
                (None, _) => false,
            })
            .any(|other| {
                let out_m = zone.other_leave_m + other.length_m - other.along_m;
                let most_mps = self.route(other).speed_mps(other.along_m);
                let out_s = other.least_time_s(out_m, most_mps);
                let comes_s = vehicle.least_time_s(
                    zone.enter_m - vehicle.along_m,
                    route.speed_mps(vehicle.along_m),
                );
                comes_s < out_s + CLEAR_GAP_S
            })
    }
}

/// Whether `one` is ahead of `other`; the older of two that are level.
fn is_ahead(one: &Vehicle, one_m: f64, other: &Vehicle, other_m: f64) -> bool {
    one_m > other_m || (one_m >= other_m && one.id < other.id)
}

/// Drivers keep the standstill gap from a stop line, and from a point this far beyond the edge of a
/// zone: they stop two metres before the one and a metre before the other.
const STOP_BEYOND_M: f64 = 1.0;
/// Share of their acceleration that drivers use on the way to the speed of a bend.
const UP_TO_SPEED: f64 = 0.7;
/// Drivers look so far ahead for people and things: at their speed, and besides.
const LOOKS_AHEAD_S: f64 = 3.5;
const LOOKS_AHEAD_M: f64 = 15.0;
/// They foresee for so long where somebody goes, in so many steps.
const FORESEEN_S: f64 = 2.0;
const FORESEEN_STEPS: u32 = 4;
/// And pass at least at this distance.
const PASSES_AT_M: f64 = 0.4;
/// Who goes on at yellow may have to slow down for a bend.
const SLOWING_DOWN: f64 = 0.75;
/// So much room is kept before what blocks a lane, to get out of it.
const LEAVES_M: f64 = 10.0;
/// Nobody brakes harder to let somebody in.
const LETS_IN_MPS2: f64 = 1.5;
/// And nobody stops for it.
const LETS_IN_FROM_MPS: f64 = 1.0;
/// An emergency vehicle passes a red light no faster than 20 km/h (assumed).
const PAST_RED_MPS: f64 = 20.0 / 3.6;
/// Slower than this is standing.
pub(super) const STANDING_MPS: f64 = 0.5;
/// Tyres give no more.
const HARDEST_MPS2: f64 = 8.0;
/// A right turn wants this before somebody who crosses.
const CROSS_GAP_S: f64 = 1.0;
/// And this before somebody in the lane that it turns into.
const MERGE_GAP_S: f64 = 2.5;
/// A later vehicle comes this long after an earlier one has left a zone.
const CLEAR_GAP_S: f64 = 0.5;
