//! Moving over to the lane beside: who wants to, and who may.
//!
//! Drivers move over because they gain by it, and some must: who is not in a lane for their turn, and
//! whose lane is blocked ahead. They ask to be let in. A driver who has not reached the lane of their
//! turn shortly before the stop line goes where the lane leads.
//!
//! Whose on-board unit asks the roadside first waits for leave, but who must move over and has hardly any road
//! left sees for itself. Not here: how a vehicle moves over ([`super::aside`]), what that is worth and whether it
//! is safe ([`super::mobil`]), and how drivers follow ([`super::right_of_way`]).

use std::time::Duration;

use v2x_msg::base::LaneId;

use super::aside::{Aside, Haste, beside, over_m};
use super::roads::{Roads, Turn};
use super::users::Users;
use super::vehicles::{Kind, Vehicle};
use super::{STEP, World};

/// A driver who must move over asks those behind in that lane to be let in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    /// A route of that lane.
    pub route: usize,
    /// How much farther along the driver would be there.
    pub shift_m: f64,
}

/// Whether a driver may change lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leave {
    /// It sees for itself: it does not ask, or nobody answers.
    #[default]
    OwnEyes,
    /// It has asked, or is about to.
    Waits,
    /// Into the lane with this number.
    Granted(LaneId),
    /// Not now.
    Refused,
}

/// Which lanes lie beside each other, and what stands in them.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    /// By approach lane: to its left, to its right.
    approaches: Vec<[Option<usize>; 2]>,
    /// The same by exit lane.
    exits: Vec<[Option<usize>; 2]>,
    /// By route: where something stands that does not go on.
    blocked_m: Vec<Vec<f64>>,
    /// Drivers who never reached the lane of their turn.
    pub(super) gave_up: u32,
    /// Vehicles that began to move over.
    pub(super) changes: u32,
}

/// A lane, and a route in it.
#[derive(Clone, Copy, Debug)]
struct Target {
    route: usize,
    /// Why one must go there, from 0 to 1; None if one only may.
    urgency: Option<f64>,
}

impl Lanes {
    pub(super) fn new(roads: &Roads) -> Self {
        let approach = |one: usize, id: Option<u8>| {
            let from = roads.approaches[one].from;
            let mut others = roads.approaches.iter();
            others.position(|other| other.from == from && Some(other.id.value()) == id)
        };
        let approaches = roads.approaches.iter().enumerate().map(|(i, lane)| {
            let id = lane.id.value();
            [
                approach(i, id.checked_sub(1)),
                approach(i, id.checked_add(1)),
            ]
        });
        let exit = |one: usize, other: Option<usize>| {
            let (lane, other) = (&roads.exits[one], other?);
            let there = roads.exits.get(other)?;
            let apart_m = lane.centre[0].distance_m(there.centre[0]);
            (lane.to == there.to && apart_m < BESIDE_M).then_some(other)
        };
        let exits =
            (0..roads.exits.len()).map(|i| [exit(i, i.checked_sub(1)), exit(i, i.checked_add(1))]);
        Self {
            approaches: approaches.collect(),
            exits: exits.collect(),
            blocked_m: vec![Vec::new(); roads.routes.len()],
            gave_up: 0,
            changes: 0,
        }
    }

    /// Notes what stands on the road and does not go on.
    fn look(&mut self, roads: &Roads, users: &Users, vehicles: &[Vehicle]) {
        for (route, blocked_m) in roads.routes.iter().zip(&mut self.blocked_m) {
            blocked_m.clear();
            let things = users.bodies().iter().filter(|body| stands_for_good(body));
            for thing in things {
                let along_m = route.path.nearest_m(thing.centre);
                let off_m = thing.distance_m(route.path.point_at(along_m));
                if off_m < IN_LANE_M {
                    blocked_m.push(along_m - thing.length_m / 2.0);
                }
            }
        }
        for vehicle in vehicles.iter().filter(|vehicle| vehicle.halt.is_some()) {
            let lane = roads.routes[vehicle.route].approach;
            for (route, blocked_m) in roads.routes.iter().zip(&mut self.blocked_m) {
                if route.approach == lane && vehicle.speed_mps < STANDS_BELOW_MPS {
                    blocked_m.push(vehicle.rear_m());
                }
            }
        }
    }

    /// How far ahead something stands in the way on `route`.
    fn blocked_ahead_m(&self, route: usize, along_m: f64) -> Option<f64> {
        let ahead = self.blocked_m[route].iter().map(|at_m| at_m - along_m);
        ahead
            .filter(|ahead_m| (0.0..SEEN_AHEAD_M).contains(ahead_m))
            .min_by(f64::total_cmp)
    }

    /// How many lanes to the left (negative) or right of `lane` the nearest is that leads `turn`.
    pub(super) fn lanes_to_turn(&self, roads: &Roads, lane: usize, turn: Turn) -> Option<i32> {
        let leads = |lane: usize| {
            let mut movements = roads.approaches[lane].movements.iter();
            movements.any(|movement| movement.turn == turn)
        };
        let reach = |side: usize, sign: i32| {
            let mut at = Some(lane);
            (0..MOST_LANES).find_map(|count| {
                let here = at?;
                at = self.approaches[here][side];
                leads(here).then_some(sign * count)
            })
        };
        let (left, right) = (reach(0, -1), reach(1, 1));
        [left, right].into_iter().flatten().min_by_key(|n| n.abs())
    }

    /// Where `vehicle` would or must go.
    fn targets(&self, roads: &Roads, vehicle: &Vehicle) -> [Option<Target>; 2] {
        let route = &roads.routes[vehicle.route];
        let blocked_m = self.blocked_ahead_m(vehicle.route, vehicle.along_m);
        let out_of_it = blocked_m.map(|ahead_m| urgency(ahead_m, 1));
        if vehicle.rear_m() > route.clear_m {
            let beside = self.exits[route.exit];
            return beside.map(|exit| {
                let exit = exit?;
                let mut routes = roads.routes.iter();
                let route = routes.position(|route| route.exit == exit)?;
                Some(Target {
                    route,
                    urgency: out_of_it,
                })
            });
        }
        let left_m = route.stop_m - vehicle.along_m;
        let off = self.lanes_to_turn(roads, route.approach, vehicle.wants);
        let sides = [(0, -1), (1, 1)];
        sides.map(|(side, sign)| {
            let lane = self.approaches[route.approach][side]?;
            let then = self.lanes_to_turn(roads, lane, vehicle.wants);
            let nearer = off.is_some_and(|n| n * sign > 0);
            let urgency = match off {
                _ if out_of_it.is_some() => out_of_it,
                Some(n) if nearer => Some(urgency(left_m - GIVES_UP_M, n.abs())),
                // Away from one's lane only where there is room to come back.
                _ if then == Some(0) => None,
                _ => return None,
            };
            let route = route_in(roads, lane, vehicle.wants)?;
            Some(Target { route, urgency })
        })
    }
}

impl World {
    /// The same world with drivers who change lanes. Who comes takes the lane with the least
    /// traffic, not always one that leads where they go.
    pub fn with_lane_changes(mut self) -> Self {
        self.lanes = Some(Lanes::new(&self.roads));
        self.moves_over = true;
        self
    }

    /// How many vehicles have begun to move over, and how many never reached the lane of their turn.
    pub fn lane_changes(&self) -> (u32, u32) {
        let lanes = self.lanes.as_ref();
        lanes.map_or((0, 0), |lanes| (lanes.changes, lanes.gave_up))
    }

    /// Lets drivers move over, one after another in the order of their ids, so that no two take the
    /// same gap.
    pub(super) fn change_lanes(&mut self) {
        let Some(mut lanes) = self.lanes.take() else {
            return;
        };
        lanes.look(&self.roads, &self.users, &self.vehicles);
        // Some have left the road since the step began.
        self.look_up();
        for i in 0..self.vehicles.len() {
            self.steer_harder(i);
            let vehicle = &self.vehicles[i];
            if vehicle.aside.is_some() && !vehicle.is_aside() {
                self.vehicles[i].aside = None;
            }
            if let Some(back) = self.vehicles[i].thinks_better_of_it() {
                self.vehicles[i] = back;
                self.look_up();
            }
            let vehicle = &self.vehicles[i];
            let turn = self.steps + u64::from(vehicle.id);
            let free = vehicle.aside.is_none() && vehicle.halt.is_none() && vehicle.call.is_none();
            let told = vehicle.means.is_some() && matches!(vehicle.leave, Leave::Granted(_));
            if (turn.is_multiple_of(THINKS_EACH) || told) && free {
                self.think_of_lanes(i, &mut lanes);
            }
        }
        self.lanes = Some(lanes);
    }

    /// Who is on the way over and finds something put down before them gets out of its way in less
    /// road.
    fn steer_harder(&mut self, i: usize) {
        let vehicle = &self.vehicles[i];
        let Some(aside) = vehicle.aside else {
            return;
        };
        let off_m = aside.off_m(vehicle.along_m);
        let share = (off_m / aside.off_m).abs();
        let quick_m = over_m(vehicle, off_m, Haste::Quick) * share;
        let locked_m = over_m(vehicle, off_m, Haste::Locked);
        let left_m = aside.begin_m + aside.over_m - vehicle.along_m;
        let more_than = |least_m: f64| left_m >= least_m * STEERS_BY;
        let least_m = match (more_than(quick_m), more_than(locked_m)) {
            (true, _) => quick_m,
            (false, true) => locked_m,
            (false, false) => return,
        };
        if share < 0.1 || self.scene().is_free_to_move(vehicle) {
            return;
        }
        self.vehicles[i].aside = Some(Aside {
            begin_m: vehicle.along_m,
            over_m: least_m,
            off_m,
            ..aside
        });
    }

    fn think_of_lanes(&mut self, i: usize, lanes: &mut Lanes) {
        self.vehicles[i].asks = None;
        self.vehicles[i].means = None;
        let vehicle = &self.vehicles[i];
        let route = &self.roads.routes[vehicle.route];
        let before_line_m = route.stop_m - vehicle.along_m;
        let on_exit = vehicle.rear_m() > route.clear_m;
        if vehicle.trip.junctions > 0 && vehicle.along_m < SEEN_BEHIND_M {
            return;
        }
        if !on_exit && before_line_m < GIVES_UP_M {
            if vehicle.entered.is_none() && vehicle.wants != route.turn {
                lanes.gave_up += 1;
                self.vehicles[i].wants = route.turn;
            }
            return;
        }
        let scene = self.scene();
        let (mut best, mut ask): (Option<(f64, Vehicle, _)>, Option<Ask>) = (None, None);
        let may = self.now() >= vehicle.settled;
        let makes_room = scene.siren_behind(vehicle);
        for mut target in lanes.targets(&self.roads, vehicle).into_iter().flatten() {
            if vehicle.keeps_lane && target.urgency.is_none() {
                continue;
            }
            if makes_room && !vehicle.keeps_lane {
                target.urgency = Some(target.urgency.unwrap_or(0.5).max(0.5));
            }
            if target.urgency.is_none() && !may {
                continue;
            }
            let mut would_be = beside(&self.roads, vehicle, target.route, Haste::Easy);
            for haste in [Haste::Quick, Haste::Locked] {
                if target.urgency.is_some() && !scene.is_free_to_move(&would_be) {
                    would_be = beside(&self.roads, vehicle, target.route, haste);
                }
            }
            let ahead_m = lanes.blocked_ahead_m(target.route, would_be.along_m);
            let own_m = lanes.blocked_ahead_m(vehicle.route, vehicle.along_m);
            if let Some(aside) = &mut would_be.aside {
                aside.must = own_m.is_some();
            }
            if !scene.has_road_to_get_out(&would_be) {
                continue;
            }
            let better = match (own_m, ahead_m) {
                (_, None) => true,
                (Some(own_m), Some(ahead_m)) => ahead_m > own_m + MORE_ROAD_M,
                (None, Some(_)) => false,
            };
            if !better {
                continue;
            }
            match scene.gain_mps2(vehicle, &would_be, target.urgency) {
                Some(gain) if best.as_ref().is_none_or(|(most, ..)| gain > *most) => {
                    best = Some((gain, would_be, target.urgency));
                }
                Some(_) => {}
                None if target.urgency.is_some() => {
                    ask = Some(Ask {
                        route: target.route,
                        shift_m: would_be.along_m - vehicle.along_m,
                    });
                }
                None => {}
            }
        }
        let lane_of = |route: usize| self.roads.routes[route].approach;
        match best {
            Some((_, moved, urgency)) if !on_exit && !self.may_go(&moved, urgency) => {
                self.vehicles[i].means = Some(lane_of(moved.route));
            }
            Some((_, moved, _)) => {
                self.vehicles[i] = moved;
                self.vehicles[i].settled = self.now() + STAYS;
                self.look_up();
                lanes.changes += 1;
            }
            None => {
                let means = ask.filter(|_| !on_exit).map(|ask| lane_of(ask.route));
                self.vehicles[i].means = means;
                self.vehicles[i].asks = ask;
                if ask.is_some() {
                    self.lookup.note_asking(i);
                }
            }
        }
    }

    /// Whether somebody who would be there is given leave to, or goes without.
    fn may_go(&self, would_be: &Vehicle, urgency: Option<f64>) -> bool {
        let lane = self.roads.routes[would_be.route].approach;
        match would_be.leave {
            Leave::OwnEyes => true,
            Leave::Granted(id) if id == self.roads.approaches[lane].id => true,
            Leave::Granted(_) | Leave::Waits | Leave::Refused => {
                urgency.is_some_and(|urgency| urgency > WAITS_UNTIL)
            }
        }
    }
}

/// What stands and will not drive on: a thing, or a vehicle without a driver.
pub(super) fn stands_for_good(body: &super::snapshot::Body) -> bool {
    matches!(body.kind, Kind::Object | Kind::Car | Kind::Truck) && body.speed_mps < STANDS_BELOW_MPS
}

/// The route of an approach lane that turns that way, or as nearly as the lane leads.
pub(super) fn route_in(roads: &Roads, lane: usize, turn: Turn) -> Option<usize> {
    let in_lane = |wanted: Option<Turn>| {
        let mut routes = roads.routes.iter();
        routes.position(|route| {
            route.approach == lane && wanted.is_none_or(|wanted| route.turn == wanted)
        })
    };
    in_lane(Some(turn))
        .or_else(|| in_lane(Some(Turn::Straight)))
        .or_else(|| in_lane(None))
}

/// How many lanes to cross from `lane` to one that leads `turn`.
pub(super) fn lanes_off(world: &World, lane: usize, turn: Turn) -> Option<u32> {
    let lanes = world.lanes.as_ref()?;
    let off = lanes.lanes_to_turn(&world.roads, lane, turn)?;
    Some(off.unsigned_abs())
}

/// From 0, far away, to 1, where the road ends.
fn urgency(left_m: f64, lanes: i32) -> f64 {
    (1.0 - left_m / (URGENT_FROM_M * f64::from(lanes))).clamp(0.0, 1.0)
}

/// A driver thinks of lanes so often, in steps: twice a second.
const THINKS_EACH: u64 = 500 / STEP.as_millis() as u64;
/// So much road per lane is plenty to move over.
const URGENT_FROM_M: f64 = 150.0;
/// Nearer to the stop line nobody changes lanes any more: the solid line (assumed).
const GIVES_UP_M: f64 = 30.0;
/// Lanes whose middles are nearer lie beside each other.
const BESIDE_M: f64 = 5.0;
/// What stands nearer to the middle of a lane is in the way: half a lorry and some.
const IN_LANE_M: f64 = 1.6;
/// Drivers see so far that a lane is blocked.
const SEEN_AHEAD_M: f64 = 300.0;
/// A blocked lane is worth moving to if it leads on for so much longer.
const MORE_ROAD_M: f64 = 50.0;
/// Who has moved over stays for so long, unless it must go on (assumed).
const STAYS: Duration = Duration::from_secs(10);
/// Slower stands.
const STANDS_BELOW_MPS: f64 = 0.1;
/// More lanes has no approach.
const MOST_LANES: i32 = 8;
/// Who has so much more road than needed may steer harder.
const STEERS_BY: f64 = 1.3;
/// So far from where they came from another junction nobody changes lanes: who comes behind is in another
/// world yet and cannot be asked.
const SEEN_BEHIND_M: f64 = 40.0;
/// Who must move over waits for leave until it is so urgent.
const WAITS_UNTIL: f64 = 0.7;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_grows_as_the_road_runs_out() {
        assert!(urgency(400.0, 2) < 1e-12);
        assert!((urgency(150.0, 2) - 0.5).abs() < 1e-12);
        assert!(urgency(-3.0, 1) > 1.0 - 1e-12);
    }
}
