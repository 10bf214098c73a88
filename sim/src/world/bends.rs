//! When a driver is at a place beyond a bend, as far as anybody has to know.
//!
//! How a driver goes through a bend is reckoned metre by metre. The way is gone once however many places are
//! asked for, and no farther than it takes to tell whether somebody else comes before. Not here: who asks
//! ([`super::conflicts`]).

use super::roads::Route;
use super::vehicles::Vehicle;

/// A driver on the way along the own route, in thought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Through<'a> {
    vehicle: &'a Vehicle,
    route: &'a Route,
    at: At,
    /// The farthest place that was asked for.
    asked_m: f64,
}

/// Where on the way, how fast, and after which time.
#[derive(Clone, Copy, Debug)]
struct At {
    along_m: f64,
    speed_mps: f64,
    time_s: f64,
}

impl<'a> Through<'a> {
    /// From where it is.
    pub(super) fn new(vehicle: &'a Vehicle, route: &'a Route) -> Self {
        Self {
            vehicle,
            route,
            at: At::start(vehicle),
            asked_m: f64::NEG_INFINITY,
        }
    }

    /// Whether its front is at `place_m` only later than `margin_s` before somebody comes after `comes_s`.
    pub(super) fn is_too_late(&mut self, place_m: f64, margin_s: f64, comes_s: f64) -> bool {
        if place_m < self.asked_m {
            // What was gone may end beyond it, or past its last whole metre.
            self.at = At::start(self.vehicle);
        }
        self.asked_m = place_m;
        // Time only grows on the way.
        let too_late = |at: &At| comes_s < at.time_s + margin_s;
        while place_m - self.at.along_m >= 1.0 {
            if too_late(&self.at) {
                return true;
            }
            self.at = self.at.gone(1.0, self.vehicle, self.route);
        }
        let mut at = self.at;
        while at.along_m < place_m {
            at = at.gone(place_m - at.along_m, self.vehicle, self.route);
        }
        too_late(&at)
    }
}

impl At {
    fn start(vehicle: &Vehicle) -> Self {
        Self {
            along_m: vehicle.along_m,
            speed_mps: vehicle.speed_mps,
            time_s: 0.0,
        }
    }

    /// At most a metre farther.
    fn gone(self, metre: f64, vehicle: &Vehicle, route: &Route) -> Self {
        let (mps, accelerates_mps2) = (self.speed_mps, vehicle.driver.acceleration_mps2);
        let faster = (mps * mps + 2.0 * UP_TO_SPEED * accelerates_mps2 * metre).sqrt();
        let next = faster
            .min(vehicle.wanted_mps(route.speed_mps(self.along_m)))
            .max(0.5);
        Self {
            along_m: self.along_m + metre,
            speed_mps: next,
            time_s: self.time_s + metre / ((mps + next) / 2.0),
        }
    }
}

/// Share of their acceleration that drivers use on the way to the speed of a bend.
const UP_TO_SPEED: f64 = 0.7;

#[cfg(test)]
mod tests {
    use super::super::tests::world;
    use super::*;

    /// The same, gone anew for each place.
    fn time_to_s(vehicle: &Vehicle, route: &Route, place_m: f64) -> f64 {
        let mut at = At::start(vehicle);
        while at.along_m < place_m {
            at = at.gone((place_m - at.along_m).min(1.0), vehicle, route);
        }
        at.time_s
    }

    #[test]
    fn places_asked_for_in_any_order_are_as_if_each_was_asked_for_alone() {
        let mut world = world(400.0, 3);
        (0..600).for_each(|_| world.step());
        let (mut late, mut early) = (0, 0);
        for vehicle in world.vehicles() {
            let route = &world.roads().routes[vehicle.route];
            let mut through = Through::new(vehicle, route);
            for i in 0..40_u32 {
                // To and fro, whole metres and others, some behind it.
                let off_m = f64::from(i * 37 % 90) - 5.0;
                let place_m = vehicle.along_m + off_m + f64::from(i % 3) * 0.37;
                let comes_s = f64::from(i * 13 % 17);
                let alone = comes_s < time_to_s(vehicle, route, place_m) + 1.0;
                let told = through.is_too_late(place_m, 1.0, comes_s);
                assert_eq!(told, alone, "{place_m} m, {comes_s} s: {vehicle:?}");
                *(if told { &mut late } else { &mut early }) += 1;
            }
        }
        assert!(late > 100 && early > 100, "{late} late, {early} in time");
    }
}
