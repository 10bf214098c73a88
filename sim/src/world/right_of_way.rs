//! What each driver does next: follow, stop at the line, yield, or go.
//!
//! Everything is decided from the state at the start of the step, so that the order of vehicles
//! does not matter. Whoever passed a stop line first goes first; those that came later wait in
//! front of a shared zone unless the other is sure to be out of it. That is a strict order, so
//! nobody waits for each other, and it holds because every driver can stop at the stop line while
//! the signal is red. Who turns left while the opposite side may drive goes as far as the first lane
//! to cross, and waits there for a gap or the end of their green. Who turns right where no phase governs
//! it, or at a round red light, goes when nobody who may drive comes too soon, and nobody walks there. Who
//! would have to stand within the junction does not enter it ([`super::room`]). Not here: who goes first where
//! routes meet ([`super::conflicts`]), and people and things in the way ([`super::foreseen`]).

use rsu::clock::Mono;
use rsu::report::Light;

use super::heeding::Heeding;
use super::lanes::stands_for_good;
use super::lookup::Lookup;
use super::roads::{Kin, Roads, Route, Turn};
use super::snapshot::Body;
use super::vehicles::Vehicle;
use super::works::Works;

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
        let mut heeding = Heeding::free(driver, vehicle.speed_mps, wanted_mps);
        let leaves_m = if self.moves_over { LEAVES_M } else { 0.0 };
        let nearest_m = self.heed_those_ahead(vehicle, leaves_m, &mut heeding);
        if let Some(ahead) = self.beyond[route.exit] {
            let end_m = route.path.length_m();
            heeding.heed(end_m + ahead.rear_m - vehicle.along_m, ahead.speed_mps);
        }
        for user in self.users {
            let within_m = heeding.within_m() + leaves_m;
            if let Some((gap_m, ahead_mps)) = self.gap_before_m(vehicle, user, within_m) {
                let for_good = stands_for_good(user);
                heeding.heed(gap_m - if for_good { leaves_m } else { 0.0 }, ahead_mps);
            }
        }
        if let Some((halt_m, until)) = vehicle.halt
            && self.now < until
        {
            heeding.heed(halt_m - vehicle.along_m, 0.0);
        }
        if let Some(call) = vehicle.call {
            // It stands with its front at the sign, not before it.
            heeding.heed(call.at_m + driver.standstill_m - vehicle.along_m, 0.0);
        }
        let to_line_m = route.stop_m - vehicle.along_m;
        let heeds_line = vehicle.entered.is_none() && !vehicle.runs_red;
        if heeds_line && heeding.matters(to_line_m) && self.must_stop(vehicle) {
            heeding.heed(to_line_m, 0.0);
        }
        let mut waits_to_cross = None;
        for zone in &route.zones {
            let to_zone_m = zone.enter_m + STOP_BEYOND_M - vehicle.along_m;
            // The next are farther away.
            if !heeding.matters(to_zone_m) {
                break;
            }
            if self.must_wait(vehicle, zone, &mut waits_to_cross) {
                heeding.heed(to_zone_m, 0.0);
                break;
            }
        }
        let mut chosen = heeding.chosen_mps2();
        if self.moves_over {
            chosen = chosen.min(self.letting_in_mps2(vehicle, nearest_m));
        }
        chosen.max(-HARDEST_MPS2)
    }

    /// Heeds the vehicles ahead in the lanes that `vehicle` is in; how far the nearest is.
    fn heed_those_ahead(&self, vehicle: &Vehicle, leaves_m: f64, heeding: &mut Heeding<'_>) -> f64 {
        let route = self.route(vehicle);
        let mut nearest_m = f64::INFINITY;
        let mut heed = |gap_m: f64, speed_mps: f64, broken: bool| {
            nearest_m = nearest_m.min(gap_m);
            heeding.heed(gap_m - if broken { leaves_m } else { 0.0 }, speed_mps);
        };
        // Who moves over is in two lanes.
        let alone = vehicle.aside.is_none();
        if alone {
            let own = (vehicle.id, vehicle.along_m, route.clear_m);
            for kin in &route.kin {
                // Who came later is farther back, as a rule: the nearest first, and few of the others matter.
                for other in self.lookup.places(kin.route).iter().rev() {
                    if !other.aside
                        && other.id != vehicle.id
                        && let Some(gap_m) =
                            kin.gap_m(own, (other.id, other.along_m, other.length_m))
                    {
                        heed(gap_m, other.speed_mps, other.broken);
                    }
                }
            }
        }
        let all = self.vehicles.iter().filter(|_| !alone);
        let aside = self.lookup.aside(self.vehicles).filter(|_| alone);
        for other in all.chain(aside).filter(|other| other.id != vehicle.id) {
            if let Some(gap_m) = self.gap_behind_m(vehicle, other) {
                let broken = other.halt.is_some() && other.speed_mps < STANDING_MPS;
                heed(gap_m, other.speed_mps, broken);
            }
        }
        nearest_m
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
        let asking = self.lookup.asking(self.vehicles).filter_map(|other| {
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
        // Who moves over as well may come from the other side, and is in the middle of no lane until it is all
        // but over.
        let has_left = vehicle
            .off_middle_m()
            .is_some_and(|off_m| other.has_left_to(vehicle.width_m + 2.0 * off_m));
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
        let own = &self.roads.routes[own_route];
        let kin = own.kin.iter().find(|kin| kin.route == other_route)?;
        let own = (vehicle.id, own_along_m, own.clear_m);
        kin.gap_m(own, (other.id, other_along_m, other.length_m))
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
    pub(super) fn comes(&self, vehicle: &Vehicle) -> bool {
        self.may_go(vehicle) && !self.holds_back(vehicle)
    }
}

impl Kin {
    /// How far ahead the rear of another on this route is for somebody (id, place, where the exit lane of its
    /// own route begins), if both are in one lane; of two that are level the older is ahead.
    fn gap_m(
        &self,
        (id, along_m, clear_m): (u32, f64, f64),
        (other_id, other_m, length_m): (u32, f64, f64),
    ) -> Option<f64> {
        let is_ahead =
            |own_m: f64, their_m: f64| their_m > own_m || (their_m >= own_m && other_id < id);
        let rear_m = other_m - length_m;
        if rear_m < self.parts_m && is_ahead(along_m, other_m) {
            return Some(rear_m - along_m);
        }
        let (own_m, their_m) = (along_m - clear_m, other_m - self.clear_m);
        (rear_m > self.joins_m && is_ahead(own_m, their_m)).then_some(their_m - length_m - own_m)
    }
}

/// Drivers keep the standstill gap from a stop line, and from a point this far beyond the edge of a
/// zone: they stop two metres before the one and a metre before the other.
pub(super) const STOP_BEYOND_M: f64 = 1.0;
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
