//! Who sets out through the network by a timetable, and what is done on the way.
//!
//! Not here: how one goes over from one junction to the next ([`super::joined`]).

use rsu::clock::Mono;

use super::joined::{Joined, is_free, way};
use super::seam::Seam;
use crate::random::{Purpose, Stream};
use crate::world::World;
use crate::world::lines::{Call, drawn};
use crate::world::vehicles::Vehicle;

impl Joined {
    /// Sends vehicles of lines on their way that are due, where there is room.
    pub(super) fn let_lines_run<W: AsMut<World> + AsRef<World>>(&mut self, worlds: &mut [W]) {
        for i in 0..self.lines.len() {
            let now = worlds
                .first()
                .map_or(Mono::ZERO, |world| world.as_ref().now());
            let line = &self.lines[i];
            let ((from, here, next), true) = (line.first(), line.is_due(now)) else {
                continue;
            };
            let Some(at) = self.places.iter().position(|place| place.node == here) else {
                continue;
            };
            let world = worlds[at].as_mut();
            let Some(route) = way(world, from, next, line.lane()) else {
                continue;
            };
            let (id, seed) = (world.take_id(), world.seed());
            let turn = world.roads().routes[route].turn;
            let mut vehicle = drawn(seed, id, line.service, turn);
            vehicle.route = route;
            vehicle.wants = turn;
            // Stops are beside it, and another may not lead on at the next junction.
            vehicle.keeps_lane = true;
            vehicle.appeared = now;
            vehicle.trip.since = now;
            vehicle.trip.line = Some(i as u16);
            vehicle.slow = self.lines[i].most_mps().map(|mps| (mps, Mono::NEVER));
            vehicle.call = self.call(world, at, &vehicle);
            let approach = world.roads().routes[route].approach;
            let into = |seam: &&Seam| seam.to == at && seam.approach == approach;
            if let Some(&seam) = self.seams.iter().find(into) {
                vehicle.speed_mps = self.lines[i]
                    .most_mps()
                    .unwrap_or(STARTS_MPS)
                    .min(STARTS_MPS);
                if !is_free(worlds, seam, &vehicle, route) {
                    continue;
                }
                worlds[at].as_mut().admit(vehicle);
            } else {
                worlds[at].as_mut().let_come(vehicle);
            }
            self.lines[i].send();
        }
    }

    /// What somebody does at a stop on its route, in the world at that place.
    pub(super) fn call(&self, to: &World, at: usize, vehicle: &Vehicle) -> Option<Call> {
        let line = &self.lines[usize::from(vehicle.trip.line?)];
        let stop_m = to.roads().routes[vehicle.route].stop_m;
        let draw = Stream::new(to.seed(), u64::from(vehicle.id), Purpose::Dwell);
        let draw = draw.starting_at(u64::from(vehicle.trip.junctions));
        line.call(self.places[at].node, stop_m, draw)
    }

    /// Whether a vehicle of a line leaves the world at that place elsewhere than its line does.
    pub(super) fn strays(&self, world: &World, at: usize, vehicle: &Vehicle) -> bool {
        let Some(line) = vehicle.trip.line else {
            return false;
        };
        let roads = world.roads();
        let route = &roads.routes[vehicle.route];
        let from = roads.approaches[route.approach].from;
        let next = self.lines[usize::from(line)].after((from, self.places[at].node));
        next.is_some_and(|next| next != roads.exits[route.exit].to)
    }
}

/// Vehicles of a line that begins on the road start at this speed.
const STARTS_MPS: f64 = 8.0;
