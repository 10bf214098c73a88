//! Who goes first where routes meet: right turns that yield, left turns that wait for a gap, and the order of
//! those within the junction.
//!
//! Not here: signals, and what a driver does who has to wait ([`super::right_of_way`]).

use super::bends::Through;
use super::lookup::Place;
use super::right_of_way::{STOP_BEYOND_M, Scene};
use super::roads::{Order, Route, Zone};
use super::vehicles::Vehicle;

impl Scene<'_> {
    /// A right turn that no phase governs, or at a round red light: wait for those who may drive and come
    /// too soon.
    pub(super) fn must_yield(&self, vehicle: &Vehicle) -> bool {
        let route = self.route(vehicle);
        let mut through = Through::new(vehicle, route);
        route.zones.iter().any(|zone| {
            let others = self.lookup.places(zone.other).iter();
            let others = others.filter(|other| other.entered.is_none());
            let others = others.map(|other| other.of(self.vehicles));
            let Some(comes_s) = self.first_comes_s(zone, others.filter(|other| self.comes(other)))
            else {
                return false;
            };
            let margin_s = if zone.merges {
                MERGE_GAP_S
            } else {
                CROSS_GAP_S
            };
            let out_m = zone.leave_m.max(zone.enter_m) + vehicle.length_m;
            if route.on_red {
                return through.is_too_late(out_m, margin_s, comes_s);
            }
            let most_mps = route.speed_mps(zone.enter_m);
            let clear_s = vehicle.least_time_s(out_m - vehicle.along_m, most_mps);
            comes_s < clear_s + margin_s
        })
    }

    /// Whether somebody with an earlier place in the order is still in, or before, this zone.
    /// `waits_to_cross` is asked once for all zones of a vehicle.
    pub(super) fn must_wait(
        &self,
        vehicle: &Vehicle,
        zone: &Zone,
        waits_to_cross: &mut Option<bool>,
    ) -> bool {
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
                let other = other.of(self.vehicles);
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

    /// Whether who turns left has to wait before the first lane to cross: for a gap in all of them, so
    /// as not to stand in one and wait for the next.
    fn must_wait_to_cross(&self, vehicle: &Vehicle, route: &Route) -> bool {
        let crosses = || {
            let zones = route.zones.iter();
            zones.filter(|zone| zone.order == Order::Yields)
        };
        let mut through = Through::new(vehicle, route);
        // The first in the way comes first.
        let first_m = crosses().next().map_or(f64::INFINITY, |zone| zone.enter_m);
        vehicle.along_m <= first_m + STOP_BEYOND_M
            && crosses().any(|zone| self.is_cut_off(vehicle, zone, &mut through))
    }

    /// Whether somebody who has the right of way comes before `vehicle` would be out of the zone.
    fn is_cut_off(&self, vehicle: &Vehicle, zone: &Zone, through: &mut Through<'_>) -> bool {
        let others = self.there(zone).map(|other| other.of(self.vehicles));
        let others = others.filter(|other| other.entered.is_some() || self.comes(other));
        self.first_comes_s(zone, others).is_some_and(|comes_s| {
            let out_m = zone.leave_m.max(zone.enter_m) + vehicle.length_m;
            through.is_too_late(out_m, CROSS_GAP_S, comes_s)
        })
    }

    /// When the first of others comes to a zone, as fast as it can; None if nobody does.
    fn first_comes_s<'a>(
        &self,
        zone: &Zone,
        others: impl Iterator<Item = &'a Vehicle>,
    ) -> Option<f64> {
        let theirs = &self.roads.routes[zone.other];
        let come_s = others.map(|other| {
            let way_m = zone.other_enter_m - other.along_m;
            other.least_time_s(way_m, theirs.speed_mps(other.along_m))
        });
        come_s.min_by(f64::total_cmp)
    }

    /// Who is in this zone on the other route, or before it.
    fn there<'a>(&'a self, zone: &'a Zone) -> impl Iterator<Item = &'a Place> {
        let all = self.lookup.places(zone.other).iter();
        all.filter(|other| other.rear_m() < zone.other_leave_m)
    }
}

/// A right turn wants this before somebody who crosses.
const CROSS_GAP_S: f64 = 1.0;
/// And this before somebody in the lane that it turns into.
const MERGE_GAP_S: f64 = 2.5;
/// A later vehicle comes this long after an earlier one has left a zone.
const CLEAR_GAP_S: f64 = 0.5;
