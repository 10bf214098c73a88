//! How long road users took to the stop line, against a free road.

use super::samples::Samples;
use crate::world::Crossing;
use crate::world::vehicles::Kind;

/// Delays of those that passed a stop line.
#[derive(Clone, Debug, Default)]
pub struct Journeys {
    /// Of buses.
    pub bus_delay_s: Samples,
    /// Of all others.
    pub delay_s: Samples,
}

impl Journeys {
    /// Takes one that passed.
    pub fn passed(&mut self, crossing: &Crossing) {
        match crossing.kind {
            Kind::Bus => self.bus_delay_s.add(crossing.delay_s),
            _ => self.delay_s.add(crossing.delay_s),
        }
    }
}
