//! Worlds of junctions that go on in each other.
//!
//! Where a lane that leads from one junction to another ends, a lane towards the other begins. A
//! vehicle whose front comes there drives on in the other world in the same step, with its speed and
//! all that it is; until then who drives there is known only as it was when the step began. All
//! worlds make their step from that, and who goes over is dealt with in order of id, so the order of
//! the junctions means nothing.
//!
//! Who is to turn where its lane does not lead changes lanes as it goes over, if there is room; else it
//! moves over on the way to the line where drivers change lanes, and goes where its lane leads where they
//! do not. Not here: who sets out by a timetable (`departures`).

use v2x_msg::base::{LaneId, NodeId};

use super::lines::Line;
pub use super::seam::{NotANetwork, Place};
use super::seam::{Seam, meet};
use crate::world::World;
use crate::world::right_of_way::Ahead;
use crate::world::vehicles::Vehicle;

/// Somebody on the way from one world to another.
#[derive(Clone, Debug)]
struct Crosser {
    vehicle: Vehicle,
    seam: Seam,
    route: usize,
    /// It has to change lanes for its route.
    changes: bool,
}

/// Somebody who changed lanes: its tail is still where it came from.
#[derive(Clone, Copy, Debug)]
struct Tail {
    id: u32,
    seam: usize,
}

/// How the worlds of a network are joined, and who goes over.
#[derive(Clone, Debug)]
pub struct Joined {
    pub(super) places: Vec<Place>,
    pub(super) seams: Vec<Seam>,
    pub(super) lines: Vec<Line>,
    tails: Vec<Tail>,
    crossers: Vec<Crosser>,
    /// By world and approach lane, who was the last there; kept for its memory.
    last: Vec<Vec<Option<Ahead>>>,
    /// Vehicles of a line that could not go where it goes.
    strayed: u64,
}

impl Joined {
    /// Joins worlds of these places by their nodes.
    pub fn new<W: AsMut<World> + AsRef<World>>(
        places: Vec<Place>,
        worlds: &mut [W],
    ) -> Result<Self, NotANetwork> {
        for (i, place) in places.iter().enumerate() {
            if places[..i].iter().any(|other| other.node == place.node) {
                return Err(NotANetwork::Twice(place.node));
            }
        }
        let mut seams = Vec::new();
        for from in 0..places.len() {
            for to in 0..places.len() {
                let (one, other) = (worlds[from].as_ref(), worlds[to].as_ref());
                seams.extend(meet(&places, from, one, to, other)?);
            }
        }
        for seam in &seams {
            worlds[seam.from].as_mut().open(seam.exit);
        }
        Ok(Self {
            places,
            seams,
            lines: Vec::new(),
            tails: Vec::new(),
            crossers: Vec::new(),
            last: Vec::new(),
            strayed: 0,
        })
    }

    /// The same with lines that run through it.
    pub fn with_lines(mut self, lines: Vec<Line>) -> Self {
        self.lines = lines;
        self
    }

    /// The lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Where the junctions are, in the order of the worlds.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// How many vehicles of a line have lost it: there was no room to change lanes.
    pub fn strayed(&self) -> u64 {
        self.strayed
    }

    /// Where somebody's way leads from the junction that its lane leads to: it knows where it is going.
    /// `at` is the place of the world that it drives in; None where its lane leaves the network.
    pub fn onward<W: AsRef<World>>(
        &self,
        worlds: &[W],
        at: usize,
        vehicle: &Vehicle,
    ) -> Option<NodeId> {
        let exit = worlds[at].as_ref().roads().routes[vehicle.route].exit;
        let mut seams = self.seams.iter();
        let seam = seams.find(|seam| seam.from == at && seam.exit == exit)?;
        let to = worlds[seam.to].as_ref();
        let route = self.way_on(to, vehicle, vehicle.trip.junctions + 1, *seam)?;
        Some(to.roads().exits[to.roads().routes[route].exit].to)
    }

    /// The route in the world beyond a seam that somebody wants who will then have so many junctions
    /// behind it.
    fn way_on(&self, to: &World, vehicle: &Vehicle, junctions: u32, seam: Seam) -> Option<usize> {
        let (from, here) = (self.places[seam.from].node, self.places[seam.to].node);
        let routes = &to.roads().routes;
        let nearest = |ways: &mut dyn Iterator<Item = usize>| {
            ways.min_by_key(|&route| (routes[route].approach.abs_diff(seam.approach), route))
        };
        let line = vehicle.trip.line.map(|line| &self.lines[usize::from(line)]);
        match line.and_then(|line| line.after((from, here))) {
            Some(next) => {
                let leads = |&route: &usize| {
                    let route = &routes[route];
                    to.roads().approaches[route.approach].from == from
                        && to.roads().exits[route.exit].to == next
                };
                nearest(&mut (0..routes.len()).filter(leads))
            }
            None => {
                let turn = to.turn_of(from, vehicle.id, junctions);
                turn.and_then(|turn| nearest(&mut to.routes(from, turn)))
            }
        }
    }

    /// Every world goes on by one step.
    pub fn step<W: AsMut<World> + AsRef<World>>(&mut self, worlds: &mut [W]) {
        self.look_across(worlds);
        for world in &mut *worlds {
            world.as_mut().step();
        }
        self.go_over(worlds);
        self.let_lines_run(worlds);
    }

    /// Tells each world who drives beyond its lanes, as things are when the step begins.
    fn look_across<W: AsMut<World> + AsRef<World>>(&mut self, worlds: &mut [W]) {
        self.last.resize_with(worlds.len(), Vec::new);
        for (world, last) in worlds.iter().zip(&mut self.last) {
            world.as_ref().last_in_each(last);
        }
        for seam in &self.seams {
            let ahead = self.last[seam.to][seam.approach];
            worlds[seam.from].as_mut().set_beyond(seam.exit, ahead);
        }
        let (seams, last) = (&self.seams, &self.last);
        self.tails.retain(|tail| {
            let seam = seams[tail.seam];
            let vehicles = worlds[seam.to].as_ref().vehicles();
            let there = vehicles.binary_search_by_key(&tail.id, |vehicle| vehicle.id);
            let Some(vehicle) = there.ok().map(|i| &vehicles[i]) else {
                return false;
            };
            let rear = Ahead {
                rear_m: vehicle.rear_m(),
                speed_mps: vehicle.speed_mps,
            };
            let nearest = last[seam.to][seam.approach]
                .filter(|last| last.rear_m < rear.rear_m)
                .unwrap_or(rear);
            worlds[seam.from]
                .as_mut()
                .set_beyond(seam.exit, Some(nearest));
            rear.rear_m < 0.0
        });
    }

    /// Lets those drive on in another world who have come to where their lane goes on there.
    fn go_over<W: AsMut<World> + AsRef<World>>(&mut self, worlds: &mut [W]) {
        let mut crossers = std::mem::take(&mut self.crossers);
        crossers.clear();
        for (from, world) in worlds.iter().enumerate() {
            let world = world.as_ref();
            for vehicle in world.left() {
                let route = &world.roads().routes[vehicle.route];
                let of_it = |seam: &&Seam| seam.from == from && seam.exit == route.exit;
                let strays = self.strays(world, from, vehicle);
                self.strayed += u64::from(strays);
                if let Some(&seam) = self.seams.iter().find(of_it) {
                    let mut vehicle = vehicle.clone();
                    vehicle.trip.line = vehicle.trip.line.filter(|_| !strays);
                    vehicle.along_m -= route.path.length_m();
                    crossers.push(self.crosser(worlds[seam.to].as_ref(), vehicle, seam));
                }
            }
        }
        crossers.sort_by_key(|crosser| (crosser.changes, crosser.vehicle.id));
        for i in 0..crossers.len() {
            let (pending, crosser) = (&crossers[i + 1..], &crossers[i]);
            let mut route = crosser.route;
            let mut aside_m = crosser.vehicle.aside_m;
            let seam = crosser.seam;
            if crosser.changes {
                let target = worlds[seam.to].as_ref().roads().routes[route].approach;
                if self.has_room(worlds, pending, crosser, target) {
                    aside_m = beside_m(worlds[seam.to].as_ref(), target, seam.approach);
                    let place = self.seams.iter().position(|other| *other == seam);
                    self.tails.extend(place.map(|seam| Tail {
                        id: crosser.vehicle.id,
                        seam,
                    }));
                } else {
                    let to = worlds[seam.to].as_ref();
                    let onward = to.route_towards(seam.approach, crosser.vehicle.wants);
                    route = onward.unwrap_or_else(|| straight_on(to, seam.approach));
                }
            }
            let mut vehicle = crosser.vehicle.clone();
            vehicle.route = route;
            vehicle.aside_m = aside_m;
            if let Some(line) = vehicle.trip.line {
                let to = worlds[seam.to].as_ref();
                let route = &to.roads().routes[route];
                let way = (self.places[seam.from].node, self.places[seam.to].node);
                let next = self.lines[usize::from(line)].after(way);
                let leads = next.is_none_or(|next| next == to.roads().exits[route.exit].to);
                let lane = seam.approach;
                if !leads && to.route_towards(lane, vehicle.wants).is_none() {
                    vehicle.trip.line = None;
                    self.strayed += 1;
                } else {
                    vehicle.call = self.call(to, seam.to, &vehicle);
                }
            }
            worlds[seam.to].as_mut().admit(vehicle);
        }
        self.crossers = crossers;
    }

    /// Somebody at a seam, with the way that it is to take in the world that it comes to.
    fn crosser(&self, to: &World, mut vehicle: Vehicle, seam: Seam) -> Crosser {
        let now = to.now();
        let since_s = vehicle.along_m / vehicle.speed_mps.max(0.01);
        vehicle.appeared = now.offset_by(-since_s.min(0.1));
        vehicle.trip.junctions += 1;
        vehicle.dwelt_s = 0.0;
        vehicle.aside = None;
        vehicle.asks = None;
        vehicle.entered = None;
        vehicle.committed = false;
        vehicle.runs_red = false;
        vehicle.halt = None;
        vehicle.means = None;
        let route = self.way_on(to, &vehicle, vehicle.trip.junctions, seam);
        let route = route.unwrap_or_else(|| straight_on(to, seam.approach));
        vehicle.wants = to.roads().routes[route].turn;
        Crosser {
            changes: to.roads().routes[route].approach != seam.approach,
            vehicle,
            seam,
            route,
        }
    }

    /// Whether somebody can change to another lane as it goes over, without anybody braking hard.
    fn has_room<W: AsRef<World>>(
        &self,
        worlds: &[W],
        pending: &[Crosser],
        crosser: &Crosser,
        approach: usize,
    ) -> bool {
        let Seam {
            to, approach: own, ..
        } = crosser.seam;
        // Every lane on the way there: lanes of one road follow each other.
        let mut lanes = approach.min(own + 1)..=approach.max(own.saturating_sub(1));
        let fast = crosser.vehicle.speed_mps > CHANGES_FROM_MPS;
        fast && lanes.all(|lane| {
            let into = |seam: &&Seam| seam.to == to && seam.approach == lane;
            let taken = |other: &Crosser| other.seam.to == to && other.seam.approach == lane;
            let target = self.seams.iter().find(into);
            !pending.iter().any(taken)
                && target
                    .is_some_and(|seam| is_free(worlds, *seam, &crosser.vehicle, crosser.route))
        })
    }
}

/// The first route from one node to another, in this lane if one is named.
pub(super) fn way(
    world: &World,
    from: NodeId,
    next: NodeId,
    lane: Option<LaneId>,
) -> Option<usize> {
    let roads = world.roads();
    roads.routes.iter().position(|route| {
        let approach = &roads.approaches[route.approach];
        let here = lane.is_none_or(|lane| approach.id == lane);
        here && approach.from == from && roads.exits[route.exit].to == next
    })
}

/// Where a lane leads: straight on, if that is among it.
fn straight_on(world: &World, approach: usize) -> usize {
    let routes = &world.roads().routes;
    let of_lane = |&route: &usize| routes[route].approach == approach;
    let straight = |&route: &usize| routes[route].turn != crate::world::roads::Turn::Straight;
    // Lanes that lead nowhere are no lanes of a world.
    let ways = (0..routes.len()).filter(of_lane);
    ways.min_by_key(|route| (straight(route), *route))
        .unwrap_or(0)
}

/// Whether somebody can come into a lane at a seam, and neither brakes harder than in comfort nor
/// makes anybody do so.
pub(super) fn is_free<W: AsRef<World>>(
    worlds: &[W],
    seam: Seam,
    vehicle: &Vehicle,
    route: usize,
) -> bool {
    let (from, to) = (worlds[seam.from].as_ref(), worlds[seam.to].as_ref());
    let driver = vehicle.driver;
    if let Some(ahead) = to.last_in(seam.approach) {
        let gap_m = ahead.rear_m - vehicle.along_m;
        let wanted_mps = to.roads().routes[route].speed_mps(0.0) * driver.eagerness;
        let brakes = driver.following_mps2(vehicle.speed_mps, wanted_mps, gap_m, ahead.speed_mps);
        if gap_m < driver.standstill_m || brakes < -COMFORT_MPS2 {
            return false;
        }
    }
    from.coming(seam.exit).is_none_or(|coming| {
        let (other, gap_m) = (coming.vehicle, coming.short_m + vehicle.rear_m());
        let driver = other.driver;
        let speed_mps = other.speed_mps;
        let brakes = driver.following_mps2(speed_mps, coming.wanted_mps, gap_m, vehicle.speed_mps);
        gap_m > driver.standstill_m && brakes > -COMFORT_MPS2
    })
}

/// How far left of where `to` begins `from` begins.
fn beside_m(world: &World, to: usize, from: usize) -> f64 {
    let lanes = &world.roads().approaches;
    let (Some(&own), Some(&theirs)) = (lanes[to].centre.first(), lanes[from].centre.first()) else {
        return 0.0;
    };
    let along = lanes[to]
        .centre
        .get(1)
        .map_or(own, |next| next.minus(own).direction());
    theirs.minus(own).dot(along.left())
}

/// Nobody changes lanes in a queue.
const CHANGES_FROM_MPS: f64 = 5.0;
/// Nobody is to brake harder for somebody who comes into their lane (MOBIL's bound of safety is 3 to 4).
const COMFORT_MPS2: f64 = 3.0;
