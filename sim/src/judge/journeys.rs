//! How long road users took to the stop line, against a free road, and how often they stood.

use std::collections::BTreeMap;

use super::samples::Samples;
use crate::world::vehicles::Kind;
use crate::world::{Crossing, World};

/// Delays of those that passed a stop line.
#[derive(Clone, Debug, Default)]
pub struct Journeys {
    /// Of buses.
    pub bus_delay_s: Samples,
    /// Of all others.
    pub delay_s: Samples,
    /// Of these, of emergency vehicles on duty.
    pub emergency_delay_s: Samples,
    /// How often each of them came to a stand before its line.
    pub stops: Samples,
    /// The same of buses alone, without the stand at a bus stop.
    pub bus_stops: Samples,
    /// How long buses stood at their stop.
    pub bus_dwell_s: Samples,
    /// Those before their lines.
    standing: BTreeMap<u32, Standing>,
}

/// How somebody comes to its line.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// It stands.
    stands: bool,
    /// It has come to a stand so often.
    stops: u32,
    /// It has called at a bus stop, for which it stood once.
    called: bool,
}

impl Journeys {
    /// Looks at a step of the world.
    pub fn follow(&mut self, world: &World) {
        for vehicle in world.vehicles().iter().filter(|one| one.entered.is_none()) {
            let one = self.standing.entry(vehicle.id).or_default();
            if !one.stands && vehicle.speed_mps < STANDS_MPS {
                one.stops += 1;
            }
            // Who creeps up a queue has not driven on.
            one.stands = vehicle.speed_mps < if one.stands { DRIVES_MPS } else { STANDS_MPS };
            one.called |= vehicle.call.is_some_and(|call| call.until.is_some());
        }
    }

    /// Takes one that passed; `counts` if the judge does.
    pub fn passed(&mut self, crossing: &Crossing, world: &World, counts: bool) {
        let standing = self.standing.remove(&crossing.vehicle);
        if !counts {
            return;
        }
        if let Some(one) = standing {
            self.stops.add(f64::from(one.stops));
            if crossing.kind == Kind::Bus {
                let at_stop = u32::from(one.called);
                self.bus_stops
                    .add(f64::from(one.stops.saturating_sub(at_stop)));
            }
        }
        let vehicles = world.vehicles();
        let who = vehicles.binary_search_by_key(&crossing.vehicle, |one| one.id);
        let who = who.ok().map(|i| &vehicles[i]);
        if who.is_some_and(|one| one.siren) {
            self.emergency_delay_s.add(crossing.delay_s);
        }
        match crossing.kind {
            Kind::Bus => self.bus_delay_s.add(crossing.delay_s),
            _ => self.delay_s.add(crossing.delay_s),
        }
        // Nobody dwells but who calls.
        let dwelt_s = who.map(|one| one.dwelt_s).filter(|dwelt_s| *dwelt_s > 0.0);
        if let Some(dwelt_s) = dwelt_s {
            self.bus_dwell_s.add(dwelt_s);
        }
    }

    /// Takes over what came of other stop lines.
    pub fn add_all(&mut self, other: &Self) {
        self.bus_delay_s.add_all(&other.bus_delay_s);
        self.delay_s.add_all(&other.delay_s);
        self.emergency_delay_s.add_all(&other.emergency_delay_s);
        self.stops.add_all(&other.stops);
        self.bus_stops.add_all(&other.bus_stops);
        self.bus_dwell_s.add_all(&other.bus_dwell_s);
    }
}

/// Slower is standing, until one drives faster than the second.
const STANDS_MPS: f64 = 0.5;
const DRIVES_MPS: f64 = 3.0;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn a_bus_that_calls_stands_once_for_that_and_dwells_as_long_as_it_was_drawn() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-bus-and-ambulance.toml"
        );
        let scenario = Scenario::load(Path::new(file)).expect("a scenario");
        let mut world = scenario.world(1).expect("a world");
        let mut journeys = Journeys::default();
        let mut buses = 0;
        for _ in 0..9_000 {
            world.step();
            journeys.follow(&world);
            for crossing in world.crossings() {
                buses += usize::from(crossing.kind == Kind::Bus);
                journeys.passed(crossing, &world, true);
            }
        }
        let calls = journeys.bus_dwell_s.count();
        assert!(
            buses >= calls && calls > 5,
            "{calls} calls of {buses} buses"
        );
        assert_eq!(journeys.bus_stops.count(), buses);
        let line = scenario
            .file
            .line
            .iter()
            .find(|line| line.dwell_s.is_some());
        let [least_s, most_s] = line.and_then(|line| line.dwell_s).expect("a stop");
        let (shortest_s, longest_s) = (
            journeys.bus_dwell_s.least().expect("some"),
            journeys.bus_dwell_s.quantile(1.0).expect("some"),
        );
        assert!(shortest_s >= least_s && longest_s <= most_s + 0.1);
        // One who has green after its stop stands nowhere else.
        assert_eq!(journeys.bus_stops.least(), Some(0.0));
    }
}
