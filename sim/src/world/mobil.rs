//! Whether moving over is safe, and what it is worth.
//!
//! The model is MOBIL (Kesting, Treiber, Helbing 2007: "General lane-changing model MOBIL for
//! car-following models", Transportation Research Record 1999): a driver moves over if the new
//! follower need not brake harder than is safe, and if what the driver gains outweighs, with some
//! politeness, what the followers lose. Whoever must move over needs no gain, and accepts the harder
//! braking the less road is left. Not here: who thinks of moving over, and where to
//! ([`super::lanes`]).

use super::lanes::stands_for_good;
use super::right_of_way::{STANDING_MPS, Scene};
use super::roads::Route;
use super::sirens::ROOM_FOR_SIREN_M;
use super::vehicles::Vehicle;

impl Scene<'_> {
    /// What moving over is worth to `vehicle`; None if it may not or does not want to.
    pub(super) fn gain_mps2(
        &self,
        vehicle: &Vehicle,
        would_be: &Vehicle,
        urgency: Option<f64>,
    ) -> Option<f64> {
        let route = &self.roads.routes[would_be.route];
        let aside = would_be.aside.as_ref()?;
        let end_m = aside.begin_m + aside.over_m + would_be.length_m;
        let room = if would_be.along_m < route.stop_m {
            end_m < route.stop_m
        } else {
            end_m < route.path.length_m()
        };
        if !self.is_free_to_move(would_be) {
            return None;
        }
        let safe_mps2 = SAFE_MPS2 + (HARSH_MPS2 - SAFE_MPS2) * urgency.unwrap_or(0.0);
        let own = (would_be.route, would_be.along_m);
        let mut behind: Option<(f64, &Vehicle)> = None;
        for (other, place) in self.near(route).filter(|(other, _)| other.id != vehicle.id) {
            if let Some(gap_m) = self.gap_on_m(would_be, own, other, place)
                && gap_m < LEAST_GAP_M
            {
                return None;
            }
            if let Some(gap_m) = self.gap_on_m(other, place, would_be, own)
                && behind.is_none_or(|least| is_nearer((gap_m, other), least))
            {
                behind = Some((gap_m, other));
            }
        }
        let mut followers_gain = 0.0;
        if let Some((gap_m, other)) = behind {
            if other.siren && gap_m < ROOM_FOR_SIREN_M {
                return None;
            }
            let now = self.acceleration_mps2(other);
            let wanted_mps = self.wanted_mps(other);
            let follows =
                other
                    .driver
                    .following_mps2(other.speed_mps, wanted_mps, gap_m, vehicle.speed_mps);
            if gap_m < LEAST_GAP_M || follows < -safe_mps2 {
                return None;
            }
            followers_gain += follows.min(now) - now;
        }
        let own_then = self.acceleration_mps2(would_be);
        if !room || own_then < -safe_mps2 {
            return None;
        }
        let gain = own_then - self.acceleration_mps2(vehicle);
        if let Some(urgency) = urgency {
            return Some(gain + MUST_MPS2 * (1.0 + urgency));
        }
        followers_gain += self.gain_behind_mps2(vehicle);
        // Who hardly moves has nothing to gain from another place in the same queue.
        let whole = gain + POLITENESS * followers_gain;
        (whole > THRESHOLD_MPS2 && vehicle.speed_mps > CREEPS_MPS).then_some(whole)
    }

    /// Whether nothing stands where `would_be` moves over.
    pub(super) fn is_free_to_move(&self, would_be: &Vehicle) -> bool {
        let over_m = would_be.aside.map_or(0.0, |aside| aside.over_m);
        let mut things = self.users.iter().filter(|user| stands_for_good(user));
        !things.any(|thing| {
            let gap = self.gap_before_m(would_be, thing, f64::INFINITY);
            gap.is_some_and(|(gap_m, _)| gap_m < over_m)
        })
    }

    /// Whether `would_be`, if it stands, has road enough before those who stand in the lane that it leaves: it
    /// would be in two lanes until they go. Out of a lane that does not lead on one goes as one can.
    pub(super) fn has_road_to_get_out(&self, would_be: &Vehicle) -> bool {
        let Some(aside) = would_be.aside.filter(|aside| !aside.must) else {
            return true;
        };
        let here = (aside.from, would_be.along_m + aside.shift_m);
        let stand = |one: &&Vehicle| one.id != would_be.id && one.speed_mps < STANDING_MPS;
        let kin = self.lookup.kin(&self.roads.routes[aside.from]);
        let mut ahead = kin.map(|(_, place)| place.of(self.vehicles)).filter(stand);
        would_be.speed_mps >= STANDING_MPS
            || !ahead.any(|other| {
                let gap_m = self.gap_on_m(would_be, here, other, (other.route, other.along_m));
                gap_m.is_some_and(|gap_m| !would_be.is_out_before(gap_m, other))
            })
    }

    /// Who is in the lanes of a route, and where; who moves over in both of its places, whichever they are.
    fn near<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = (&'a Vehicle, (usize, f64))> {
        let kin = self.lookup.kin(route).filter(|(_, place)| !place.aside);
        let kin = kin.map(|(kin, place)| {
            let other = place.of(self.vehicles);
            (other, (kin.route, place.along_m))
        });
        let aside = self.lookup.aside(self.vehicles);
        let aside = aside.flat_map(|other| other.places().map(move |place| (other, place)));
        kin.chain(aside)
    }

    /// What the one behind would gain if `vehicle` were not there.
    fn gain_behind_mps2(&self, vehicle: &Vehicle) -> f64 {
        let own = (vehicle.route, vehicle.along_m);
        let others = || {
            let kin = self.lookup.kin(self.route(vehicle));
            let others = kin.map(|(_, place)| place.of(self.vehicles));
            others.filter(|other| other.id != vehicle.id)
        };
        let nearest = |one, other| if is_nearer(other, one) { other } else { one };
        let gaps = others().filter_map(|other| {
            let gap_m = self.gap_on_m(other, (other.route, other.along_m), vehicle, own)?;
            Some((gap_m, other))
        });
        let Some((gap_m, behind)) = gaps.reduce(nearest) else {
            return 0.0;
        };
        let ahead = others().filter_map(|other| {
            let gap_m = self.gap_on_m(vehicle, own, other, (other.route, other.along_m))?;
            Some((gap_m, other))
        });
        let ahead = ahead.reduce(nearest);
        let ahead = ahead.map(|(gap_m, other)| (gap_m, other.speed_mps));
        let wanted_mps = self.wanted_mps(behind);
        let then = ahead.map_or_else(
            || behind.driver.free_mps2(behind.speed_mps, wanted_mps),
            |(ahead_m, ahead_mps)| {
                let free_m = gap_m + vehicle.length_m + ahead_m;
                behind
                    .driver
                    .following_mps2(behind.speed_mps, wanted_mps, free_m, ahead_mps)
            },
        );
        (then - self.acceleration_mps2(behind)).max(0.0)
    }
}

/// Whether one is nearer than another; the older of two that are as near.
fn is_nearer((gap_m, one): (f64, &Vehicle), (other_m, other): (f64, &Vehicle)) -> bool {
    gap_m < other_m || (gap_m <= other_m && one.id < other.id)
}

/// Kesting et al. 2007: politeness, threshold, safe braking.
const POLITENESS: f64 = 0.2;
const THRESHOLD_MPS2: f64 = 0.2;
const SAFE_MPS2: f64 = 3.0;
/// What others must put up with from who has no road left (assumed).
const HARSH_MPS2: f64 = 4.5;
/// What having to is worth (assumed).
const MUST_MPS2: f64 = 2.0;
/// Slower moves over only if it must.
const CREEPS_MPS: f64 = 2.0;
/// To the next bumper, at least.
const LEAST_GAP_M: f64 = 1.5;
