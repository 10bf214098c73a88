//! What each driver does next: follow, stop at the line, yield, or go.
//!
//! Everything is decided from the state at the start of the step, so that the order of vehicles
//! does not matter. Whoever passed a stop line first goes first; those that came later wait in
//! front of a shared zone unless the other is sure to be out of it. That is a strict order, so
//! nobody waits for each other, and it holds because every driver can stop at the stop line while
//! the signal is red. Who turns left while the opposite side may drive goes as far as the first lane
//! to cross, and waits there for a gap or the end of their green.

use rsu::clock::Mono;
use rsu::report::Light;

use super::lookup::Lookup;
use super::roads::{Order, Roads, Route, Turn, Zone};
use super::snapshot::Body;
use super::vehicles::{Kind, Vehicle};
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
        let wanted_mps = route.speed_mps(vehicle.along_m) * driver.eagerness;
        let mut chosen = driver.free_mps2(vehicle.speed_mps, wanted_mps);
        let mut heed = |gap_m: f64, ahead_mps: f64| {
            let this = driver.following_mps2(vehicle.speed_mps, wanted_mps, gap_m, ahead_mps);
            chosen = chosen.min(this);
        };
        for other in self.lookup.kin(route, self.vehicles) {
            if other.id != vehicle.id
                && let Some(gap_m) = self.gap_behind_m(vehicle, other)
            {
                heed(gap_m, other.speed_mps);
            }
        }
        if let Some(ahead) = self.beyond[route.exit] {
            let end_m = route.path.length_m();
            heed(end_m + ahead.rear_m - vehicle.along_m, ahead.speed_mps);
        }
        for user in self.users {
            if let Some((gap_m, ahead_mps)) = self.gap_before_m(vehicle, user) {
                heed(gap_m, ahead_mps);
            }
        }
        if let Some((halt_m, until)) = vehicle.halt
            && self.now < until
        {
            heed(halt_m - vehicle.along_m, 0.0);
        }
        if vehicle.entered.is_none() && !vehicle.runs_red && self.must_stop(vehicle) {
            heed(route.stop_m - vehicle.along_m, 0.0);
        }
        for zone in &route.zones {
            if self.must_wait(vehicle, zone) {
                heed(zone.enter_m + STOP_BEYOND_M - vehicle.along_m, 0.0);
            }
        }
        chosen.max(-HARDEST_MPS2)
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
    fn gap_before_m(&self, vehicle: &Vehicle, user: &Body) -> Option<(f64, f64)> {
        let path = &self.route(vehicle).path;
        let nose = path.point_at(vehicle.along_m);
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
            let place = path.point_at(vehicle.along_m + metre as f64);
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

    fn route(&self, vehicle: &Vehicle) -> &Route {
        &self.roads.routes[vehicle.route]
    }

    /// How far ahead the rear of `other` is, if `vehicle` follows it.
    fn gap_behind_m(&self, vehicle: &Vehicle, other: &Vehicle) -> Option<f64> {
        let (own, theirs) = (self.route(vehicle), self.route(other));
        if own.approach == theirs.approach {
            let together = vehicle.route == other.route
                || own
                    .parts_from_m(other.route)
                    .is_some_and(|parts_m| other.rear_m() < parts_m);
            if together && is_ahead(other, other.along_m, vehicle, vehicle.along_m) {
                return Some(other.rear_m() - vehicle.along_m);
            }
        }
        if own.exit == theirs.exit && vehicle.route != other.route {
            let zone = own.zones.iter().find(|zone| zone.other == other.route);
            let in_lane = match zone {
                Some(zone) => other.rear_m() > zone.other_enter_m,
                None => other.rear_m() > theirs.clear_m,
            };
            let own_m = vehicle.along_m - own.clear_m;
            let their_m = other.along_m - theirs.clear_m;
            if in_lane && is_ahead(other, their_m, vehicle, own_m) {
                return Some(their_m - other.length_m - own_m);
            }
        }
        None
    }

    /// Whether the signal, or those with the right of way, keep `vehicle` at the stop line.
    fn must_stop(&self, vehicle: &Vehicle) -> bool {
        let route = self.route(vehicle);
        if route.phase.is_none() {
            return route.turn == Turn::Right && self.must_yield(vehicle);
        }
        let Some(shown) = self.lookup.shown(vehicle.route) else {
            return true;
        };
        match shown.light {
            Light::Green | Light::FlashingGreen => {
                let waits_s = self.now.seconds_after(shown.since);
                vehicle.speed_mps < STANDING_MPS && waits_s < vehicle.driver.reaction_s
            }
            Light::Yellow | Light::Red => !vehicle.committed,
            _ => true,
        }
    }

    /// A right turn that no phase governs: wait for those who may drive and come too soon.
    fn must_yield(&self, vehicle: &Vehicle) -> bool {
        let route = self.route(vehicle);
        let clear_s = |zone: &Zone| {
            let through_m = zone.leave_m.max(zone.enter_m) + vehicle.length_m - vehicle.along_m;
            vehicle.least_time_s(through_m, route.speed_mps(zone.enter_m))
        };
        route.zones.iter().any(|zone| {
            self.lookup
                .on(zone.other, self.vehicles)
                .filter(|other| other.entered.is_none())
                .filter(|other| self.may_go(other))
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

    fn may_go(&self, vehicle: &Vehicle) -> bool {
        if vehicle.runs_red {
            return true;
        }
        match self.lookup.shown(vehicle.route).map(|shown| shown.light) {
            Some(Light::Green | Light::FlashingGreen) => true,
            Some(Light::Yellow | Light::Red) => vehicle.committed,
            _ => false,
        }
    }

    /// Whether `other`, who has the right of way, comes before `vehicle` would be out of the zone.
    fn cuts_in(&self, vehicle: &Vehicle, other: &Vehicle, zone: &Zone) -> bool {
        if other.entered.is_none() && !self.may_go(other) {
            return false;
        }
        let through_m = zone.leave_m.max(zone.enter_m) + vehicle.length_m - vehicle.along_m;
        let clear_s = vehicle.least_time_s(through_m, self.route(vehicle).speed_mps(zone.enter_m));
        let theirs = self.route(other);
        let way_m = zone.other_enter_m - other.along_m;
        let comes_s = other.least_time_s(way_m, theirs.speed_mps(other.along_m));
        comes_s < clear_s + CROSS_GAP_S
    }

    /// Whether somebody with an earlier place in the order is still in, or before, this zone.
    fn must_wait(&self, vehicle: &Vehicle, zone: &Zone) -> bool {
        if vehicle.along_m > zone.enter_m + STOP_BEYOND_M {
            return false;
        }
        let route = self.route(vehicle);
        let mut there = self
            .lookup
            .on(zone.other, self.vehicles)
            .filter(|other| other.rear_m() < zone.other_leave_m);
        if zone.order == Order::Yields
            && there
                .clone()
                .any(|other| self.cuts_in(vehicle, other, zone))
        {
            return true;
        }
        there
            .by_ref()
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
/// Slower than this is standing.
const STANDING_MPS: f64 = 0.5;
/// Tyres give no more.
const HARDEST_MPS2: f64 = 8.0;
/// A right turn wants this before somebody who crosses.
const CROSS_GAP_S: f64 = 1.0;
/// And this before somebody in the lane that it turns into.
const MERGE_GAP_S: f64 = 2.5;
/// A later vehicle comes this long after an earlier one has left a zone.
const CLEAR_GAP_S: f64 = 0.5;
