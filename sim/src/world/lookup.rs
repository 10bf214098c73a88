//! Who is on which route and what every phase shows, looked up once a step.
//!
//! A driver asks only after those who are on routes that meet their own; to look through everybody for
//! each of them would take the square of their number.

use rsu::clock::Mono;

use super::right_of_way::STANDING_MPS;
use super::roads::{Kin, Roads, Route};
use super::room;
use super::signals::{Shown, Signals};
use super::vehicles::Vehicle;

/// Looked up at the start of a step; kept from one to the next for its memory.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// Everybody, by route, and on one route in order of id.
    places: Vec<Place>,
    /// By route: where its vehicles begin among those, and at the end their number.
    begins: Vec<u32>,
    /// By route: what its phase shows; None where nothing governs it, or there is no such phase.
    shown: Vec<Option<Shown>>,
    /// Places of the emergency vehicles on duty among all, in order of id.
    sirens: Vec<u32>,
    /// Of those who move over.
    aside: Vec<u32>,
    /// Of those who ask to be let in.
    asking: Vec<u32>,
    /// By exit lane: how far into it the queue there begins.
    queue_m: Vec<Option<f64>>,
}

/// What others need to know of a vehicle most often, side by side for those of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// As the vehicle has it.
    pub(super) along_m: f64,
    pub(super) length_m: f64,
    pub(super) speed_mps: f64,
    pub(super) entered: Option<u64>,
    pub(super) id: u32,
    /// Its place among all vehicles.
    pub(super) at: u32,
    /// It moves over, or did a moment ago.
    pub(super) aside: bool,
    /// It has broken down and stands.
    pub(super) broken: bool,
}

impl Place {
    fn new(at: u32, vehicle: &Vehicle) -> Self {
        Self {
            along_m: vehicle.along_m,
            length_m: vehicle.length_m,
            speed_mps: vehicle.speed_mps,
            entered: vehicle.entered,
            id: vehicle.id,
            at,
            aside: vehicle.aside.is_some(),
            broken: vehicle.halt.is_some() && vehicle.speed_mps < STANDING_MPS,
        }
    }

    /// Its rear bumper, along its route.
    pub(super) fn rear_m(&self) -> f64 {
        self.along_m - self.length_m
    }

    /// The vehicle itself.
    pub(super) fn of<'a>(&self, vehicles: &'a [Vehicle]) -> &'a Vehicle {
        &vehicles[self.at as usize]
    }
}

impl Lookup {
    /// Looks everything up.
    pub fn look(&mut self, roads: &Roads, signals: &Signals, vehicles: &[Vehicle], now: Mono) {
        self.sort(roads.routes.len(), vehicles);
        for list in [&mut self.sirens, &mut self.aside, &mut self.asking] {
            list.clear();
        }
        for (at, vehicle) in (0..).zip(vehicles) {
            if vehicle.siren {
                self.sirens.push(at);
            }
            if vehicle.aside.is_some() {
                self.aside.push(at);
            }
            if vehicle.asks.is_some() {
                self.asking.push(at);
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

    /// Puts everybody beside those on the same route, by counting.
    fn sort(&mut self, routes: usize, vehicles: &[Vehicle]) {
        self.begins.clear();
        self.begins.resize(routes + 2, 0);
        // Two further on: what is where the next route begins becomes, as its vehicles are put in, where it
        // ends.
        for vehicle in vehicles {
            self.begins[vehicle.route + 2] += 1;
        }
        for route in 2..self.begins.len() {
            self.begins[route] += self.begins[route - 1];
        }
        let Some(first) = vehicles.first() else {
            self.places.clear();
            return;
        };
        self.places.resize(vehicles.len(), Place::new(0, first));
        for (at, vehicle) in (0..).zip(vehicles) {
            let next = &mut self.begins[vehicle.route + 1];
            self.places[*next as usize] = Place::new(at, vehicle);
            *next += 1;
        }
    }

    /// Somebody asks to be let in since everything was looked up.
    pub(super) fn note_asking(&mut self, at: usize) {
        let at = at as u32;
        if let Err(place) = self.asking.binary_search(&at) {
            self.asking.insert(place, at);
        }
    }

    /// Who is on a route, in order of id.
    pub(super) fn places(&self, route: usize) -> &[Place] {
        &self.places[self.begins[route] as usize..self.begins[route + 1] as usize]
    }

    /// Who is on the routes that one on this route can follow: those of its lanes, its own among them.
    pub(super) fn kin<'a>(
        &'a self,
        route: &'a Route,
    ) -> impl Iterator<Item = (&'a Kin, &'a Place)> {
        let kin = route.kin.iter();
        kin.flat_map(|kin| self.places(kin.route).iter().map(move |place| (kin, place)))
    }

    /// Those who move over, or did a moment ago, in order of id.
    pub(super) fn aside<'a>(
        &'a self,
        vehicles: &'a [Vehicle],
    ) -> impl Iterator<Item = &'a Vehicle> {
        self.aside.iter().map(|&at| &vehicles[at as usize])
    }

    /// Those who ask to be let in, or did a moment ago, in order of id.
    pub(super) fn asking<'a>(
        &'a self,
        vehicles: &'a [Vehicle],
    ) -> impl Iterator<Item = &'a Vehicle> {
        self.asking.iter().map(|&at| &vehicles[at as usize])
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
