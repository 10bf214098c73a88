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
    /// Before their lines: whether they stand now, and how often they have come to.
    standing: BTreeMap<u32, (bool, u32)>,
}

impl Journeys {
    /// Looks at a step of the world.
    pub fn follow(&mut self, world: &World) {
        for vehicle in world.vehicles().iter().filter(|one| one.entered.is_none()) {
            let (stands, stops) = self.standing.entry(vehicle.id).or_default();
            if !*stands && vehicle.speed_mps < STANDS_MPS {
                *stops += 1;
            }
            // Who creeps up a queue has not driven on.
            *stands = vehicle.speed_mps < if *stands { DRIVES_MPS } else { STANDS_MPS };
        }
    }

    /// Takes one that passed; `counts` if the judge does.
    pub fn passed(&mut self, crossing: &Crossing, world: &World, counts: bool) {
        let standing = self.standing.remove(&crossing.vehicle);
        if !counts {
            return;
        }
        if let Some((_, stops)) = standing {
            self.stops.add(f64::from(stops));
        }
        let vehicles = world.vehicles();
        let who = vehicles.binary_search_by_key(&crossing.vehicle, |one| one.id);
        if who.is_ok_and(|i| vehicles[i].siren) {
            self.emergency_delay_s.add(crossing.delay_s);
        }
        match crossing.kind {
            Kind::Bus => self.bus_delay_s.add(crossing.delay_s),
            _ => self.delay_s.add(crossing.delay_s),
        }
    }
}

/// Slower is standing, until one drives faster than the second.
const STANDS_MPS: f64 = 0.5;
const DRIVES_MPS: f64 = 3.0;
