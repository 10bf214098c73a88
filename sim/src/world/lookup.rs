//! Who is on which route and what every phase shows, looked up once a step.
//!
//! A driver asks only after those who are on routes that meet their own; to look through everybody for
//! each of them would take the square of their number.

use rsu::clock::Mono;

use super::roads::{Roads, Route};
use super::room;
use super::signals::{Shown, Signals};
use super::vehicles::Vehicle;

/// Looked up at the start of a step; kept from one to the next for its memory.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// By route: places of its vehicles among all, in order of id.
    on_route: Vec<Vec<u32>>,
    /// By route: what its phase shows; None where nothing governs it, or there is no such phase.
    shown: Vec<Option<Shown>>,
    /// Places of the emergency vehicles on duty among all, in order of id.
    sirens: Vec<u32>,
    /// By exit lane: how far into it the queue there begins.
    queue_m: Vec<Option<f64>>,
}

impl Lookup {
    /// Looks everything up.
    pub fn look(&mut self, roads: &Roads, signals: &Signals, vehicles: &[Vehicle], now: Mono) {
        self.on_route.resize_with(roads.routes.len(), Vec::new);
        self.on_route.iter_mut().for_each(Vec::clear);
        self.sirens.clear();
        for (place, vehicle) in (0..).zip(vehicles) {
            self.on_route[vehicle.route].push(place);
            if vehicle.siren {
                self.sirens.push(place);
            }
        }
        room::look(roads, vehicles, &mut self.queue_m);
        self.shown.clear();
        let mut last = None;
        for route in &roads.routes {
            // Routes of one lane mostly share their phase.
            let shown = match (route.phase, last) {
                (None, _) => None,
                (Some(phase), Some((before, shown))) if before == phase => shown,
                (Some(phase), _) => signals.shown(phase, now),
            };
            last = route.phase.map(|phase| (phase, shown));
            self.shown.push(shown);
        }
    }

    /// The vehicles on a route, in order of id.
    pub fn on<'a>(
        &'a self,
        route: usize,
        vehicles: &'a [Vehicle],
    ) -> impl Iterator<Item = &'a Vehicle> + Clone {
        self.on_route[route]
            .iter()
            .map(|&place| &vehicles[place as usize])
    }

    /// The vehicles on all routes that one on this route can follow: those of its lanes, its own among
    /// them.
    pub fn kin<'a>(
        &'a self,
        route: &'a Route,
        vehicles: &'a [Vehicle],
    ) -> impl Iterator<Item = &'a Vehicle> {
        let kin = route.kin.iter();
        kin.flat_map(|&other| self.on(other, vehicles))
    }

    /// The emergency vehicles on duty, in order of id.
    pub fn sirens<'a>(&'a self, vehicles: &'a [Vehicle]) -> impl Iterator<Item = &'a Vehicle> {
        let sirens = self.sirens.iter();
        sirens.map(|&place| &vehicles[place as usize])
    }

    /// How far into an exit lane the last vehicle is that stands or crawls there.
    pub fn queue_m(&self, exit: usize) -> Option<f64> {
        self.queue_m[exit]
    }

    /// What the phase of a route shows.
    pub fn shown(&self, route: usize) -> Option<Shown> {
        self.shown[route]
    }
}
