//! Who is on which lane, in which order, and what the signal shows them.
//!
//! Built anew at every look, in memory that is used again. Not here: what it means.

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{Enu, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::LaneKind;

use super::turned::Turned;
use crate::clock::Mono;
use crate::fusion::{MAX_TRACKS, Picture, Track};
use crate::report::{Class, Light};
use crate::signals::{Forecast, Start};
use crate::site::{Site, line};

/// The site's lanes, prepared for looking at them ten times a second.
#[derive(Debug)]
pub(super) struct Roads {
    pub(super) lanes: Vec<Road>,
    stops: Vec<Bay>,
    /// Longest that a bus stands at a stop that nobody has listed.
    usual_dwell_s: f64,
}

/// Where buses stand at a listed stop.
#[derive(Debug)]
struct Bay {
    lane: usize,
    from_m: f64,
    to_m: f64,
    dwell_s: f64,
}

/// One lane.
#[derive(Debug)]
pub(super) struct Road {
    pub(super) link: (NodeId, NodeId),
    pub(super) id: LaneId,
    pub(super) centre: Vec<Enu>,
    measured: line::Measured,
    /// West, south, east and north of whatever is on it, its width included.
    bounds_m: [f64; 4],
    pub(super) length_m: f64,
    pub(super) width_m: f64,
    pub(super) limit_mps: f64,
    /// It leads to this junction.
    pub(super) approach: bool,
    /// What rules it there.
    pub(super) phases: ArrayVec<PhaseId, 8>,
    /// Some of its connections give way without a signal, or across a permissive green.
    pub(super) gives_way: bool,
    /// Vehicles drive there. Who is on foot in a lane for riders or walkers is beside the carriageway, and
    /// mostly a rider taken for a walker.
    pub(super) carriageway: bool,
}

impl Roads {
    pub(super) fn new(site: &Site, usual_dwell: Duration) -> Self {
        let lanes = site.links.iter().flat_map(|link| {
            // Who stands in a lane to park in is where it may be.
            let lanes = link.lanes.iter();
            let lanes = lanes.filter(|lane| !matches!(lane.kind, LaneKind::Parking(_)));
            lanes.map(move |lane| {
                let mut phases = ArrayVec::new();
                for connection in &lane.connections {
                    if let Some(phase) = connection.phase
                        && !phases.contains(&phase)
                    {
                        // More than eight rule no lane; the rest would only repeat the doubt.
                        let _ = phases.try_push(phase);
                    }
                }
                Road {
                    link: (link.upstream, link.downstream),
                    id: lane.id,
                    length_m: line::length_m(&lane.centre),
                    bounds_m: bounds_m(&lane.centre, lane.width_m / 2.0 + SPARE_M),
                    measured: line::Measured::new(&lane.centre),
                    centre: lane.centre.clone(),
                    width_m: lane.width_m,
                    limit_mps: lane.speed_limit_mps.unwrap_or(link.speed_limit_mps),
                    approach: link.downstream == site.node,
                    carriageway: !matches!(
                        lane.kind,
                        LaneKind::Bike(_) | LaneKind::Sidewalk(_) | LaneKind::Crosswalk(_)
                    ),
                    gives_way: lane.connections.iter().any(|to| gives_way(site, to.phase)),
                    phases,
                }
            })
        });
        let mut roads = Self {
            lanes: lanes.collect(),
            stops: Vec::new(),
            usual_dwell_s: usual_dwell.as_secs_f64(),
        };
        let bays = site.stops.iter().filter_map(|stop| {
            let link = (stop.upstream, stop.downstream);
            let mut lanes = roads.lanes.iter();
            let lane = lanes.position(|road| road.link == link && road.id == stop.lane)?;
            let (_, from_m, to_m) = stop.on(site)?;
            let dwell_s = stop.dwell.unwrap_or(usual_dwell).as_secs_f64();
            Some(Bay {
                lane,
                from_m,
                to_m,
                dwell_s,
            })
        });
        roads.stops = bays.collect();
        roads
    }

    /// How long a bus may stand here because it calls; None where it does not. On a link whose stops are
    /// listed it calls there and nowhere else. A bus is what is called one, and what is as long and is not
    /// called a car: most radars call it a lorry, or nothing.
    fn calls_for_s(&self, track: &Track, on: Option<OnLane>) -> Option<f64> {
        let long = track
            .size
            .map(|size| f64::from(size.length_m) >= BUS_FROM_M);
        let bus = match track.class {
            Class::Bus => true,
            Class::Truck => long != Some(false),
            Class::Unknown => long == Some(true),
            _ => false,
        };
        let link = self.lanes[on.filter(|_| bus)?.lane].link;
        let mut bays = self.stops.iter();
        let bay = bays.find(|bay| {
            // Which lane a long thing is in is not sure to half a metre.
            let road = &self.lanes[bay.lane];
            let foot = road.measured.foot(track.east_m, track.north_m);
            let along = bay.from_m - BAY_SLACK_M..=bay.to_m + BAY_SLACK_M;
            foot.is_some_and(|foot| {
                foot.left_m.abs() <= road.width_m / 2.0 + BESIDE_BAY_M
                    && along.contains(&foot.along_m)
            })
        });
        let listed = self
            .stops
            .iter()
            .any(|bay| self.lanes[bay.lane].link == link);
        let unlisted = track.class == Class::Bus && !listed;
        bay.map(|bay| bay.dwell_s)
            .or(unlisted.then_some(self.usual_dwell_s))
    }

    /// The lane beside its own into which a body of this width reaches for sure.
    fn beside(&self, track: &Track, on: OnLane) -> Option<OnLane> {
        let own = &self.lanes[on.lane];
        let wide_m = track
            .size
            .map_or(CAR_WIDE_M, |size| f64::from(size.width_m));
        let half_m = wide_m.clamp(CAR_WIDE_M, LORRY_WIDE_M) / 2.0;
        if on.left_m.abs() + half_m < own.width_m / 2.0 + OVER_EDGE_M {
            return None;
        }
        let lanes = self.lanes.iter().enumerate();
        let lanes = lanes.filter(|(place, lane)| *place != on.lane && lane.link == own.link);
        let there = lanes.filter_map(|(place, lane)| {
            let foot = lane.measured.foot(track.east_m, track.north_m)?;
            let over_m = lane.width_m / 2.0 + half_m - foot.left_m.abs();
            (over_m >= OVER_EDGE_M).then_some(OnLane {
                lane: place,
                along_m: foot.along_m,
                left_m: foot.left_m,
                yaw_rad: foot.yaw_rad,
            })
        });
        there.min_by(|a, b| a.left_m.abs().total_cmp(&b.left_m.abs()))
    }

    /// The lane under a point, the nearest: of all, and of those that lead along a yaw within a turn.
    fn under(&self, east_m: f64, north_m: f64, yaw: Option<(f64, f64)>) -> [Option<OnLane>; 2] {
        let mut best: [Option<OnLane>; 2] = [None; 2];
        for (place, lane) in self.lanes.iter().enumerate() {
            let [west_m, south_m, east_end_m, north_end_m] = lane.bounds_m;
            if !(west_m..=east_end_m).contains(&east_m)
                || !(south_m..=north_end_m).contains(&north_m)
            {
                continue;
            }
            let Some(foot) = lane.measured.foot(east_m, north_m) else {
                continue;
            };
            let beyond_the_ends = foot.distance_m > foot.left_m.abs() + 1e-6;
            let off = beyond_the_ends || foot.left_m.abs() > lane.width_m / 2.0;
            if off {
                continue;
            }
            let here = OnLane {
                lane: place,
                along_m: foot.along_m,
                left_m: foot.left_m,
                yaw_rad: foot.yaw_rad,
            };
            let along = yaw.is_none_or(|(yaw, turn)| between(yaw, foot.yaw_rad) <= turn);
            for (best, fits) in best.iter_mut().zip([true, along]) {
                let nearer = |found: OnLane| foot.left_m.abs() < found.left_m.abs();
                if fits && best.is_none_or(nearer) {
                    *best = Some(here);
                }
            }
        }
        best
    }
}

fn gives_way(site: &Site, phase: Option<PhaseId>) -> bool {
    let green = phase.and_then(|id| site.phase(id)).map(|phase| phase.green);
    green != Some(crate::site::GreenKind::Protected)
}

impl Road {
    /// The points of a stretch of its centre line, both ends included.
    pub(super) fn between(&self, from_m: f64, to_m: f64) -> impl Iterator<Item = Enu> + '_ {
        let from_m = from_m.clamp(0.0, self.length_m);
        let to_m = to_m.clamp(from_m, self.length_m);
        let mut along_m = 0.0;
        let inner = self.centre.windows(2).filter_map(move |piece| {
            along_m += line::distance_m(piece[0], piece[1]);
            (from_m < along_m && along_m < to_m).then_some(piece[1])
        });
        std::iter::once(self.at(from_m))
            .chain(inner)
            .chain(std::iter::once(self.at(to_m)))
    }

    /// The point of its centre line that far along.
    pub(super) fn at(&self, along_m: f64) -> Enu {
        let mut left_m = along_m;
        for piece in self.centre.windows(2) {
            let length_m = line::distance_m(piece[0], piece[1]);
            if left_m <= length_m && length_m > 0.0 {
                let part = left_m / length_m;
                let mix = |a: f64, b: f64| a + (b - a) * part;
                return Enu {
                    east_m: mix(piece[0].east_m, piece[1].east_m),
                    north_m: mix(piece[0].north_m, piece[1].north_m),
                    up_m: mix(piece[0].up_m, piece[1].up_m),
                };
            }
            left_m -= length_m;
        }
        self.centre.last().copied().unwrap_or_default()
    }
}

/// West, south, east and north of a line, and of all that is no farther from it than this.
fn bounds_m(line: &[Enu], reach_m: f64) -> [f64; 4] {
    let mut bounds = [
        f64::INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
    ];
    for point in line {
        bounds = [
            bounds[0].min(point.east_m - reach_m),
            bounds[1].min(point.north_m - reach_m),
            bounds[2].max(point.east_m + reach_m),
            bounds[3].max(point.north_m + reach_m),
        ];
    }
    bounds
}

/// The angle between two directions, 0..=pi.
pub(super) fn between(a_rad: f64, b_rad: f64) -> f64 {
    let apart = (a_rad - b_rad).rem_euclid(std::f64::consts::TAU);
    apart.min(std::f64::consts::TAU - apart)
}

/// A place on a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OnLane {
    /// Its place in [`Roads::lanes`].
    pub(super) lane: usize,
    pub(super) along_m: f64,
    pub(super) left_m: f64,
    /// Direction of the lane there.
    pub(super) yaw_rad: f64,
}

/// One road user, where it is and what stands before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) id: u8,
    pub(super) born_at: Mono,
    pub(super) class: Class,
    pub(super) class_confidence: f32,
    pub(super) emergency: bool,
    pub(super) existence: f32,
    pub(super) east_m: f64,
    pub(super) north_m: f64,
    pub(super) sigma_m: f64,
    /// So far aside it may be because a sensor is turned, which its covariance knows only in part.
    pub(super) aside_m: f64,
    pub(super) speed_mps: f64,
    pub(super) speed_sigma_mps: f64,
    /// Where it goes; None of what hardly moves.
    pub(super) course_rad: Option<f64>,
    pub(super) length_m: f64,
    /// The lane that it is on, in its direction while it moves.
    pub(super) lane: Option<OnLane>,
    /// Of who hardly moves: the lane beside that into which its body reaches. Who stands on its way over
    /// waits for who is before it in either.
    beside: Option<OnLane>,
    /// It is no vehicle for all that is known, and has never moved.
    pub(super) lies: bool,
    /// It may be a bus that calls here, for so long at the most.
    pub(super) calls_for_s: Option<f64>,
    /// It moves against the lane under it, and no lane leads its way.
    pub(super) against: bool,
    /// The one ahead on its lane.
    pub(super) ahead: Option<Ahead>,
    /// Whether the signal that rules it, or the wait for others, explains a stand at the stop line.
    pub(super) hold: Hold,
    /// From its front to the end of its lane.
    pub(super) to_end_m: f64,
    /// Of its lane; infinite off the lanes.
    pub(super) limit_mps: f64,
}

/// Somebody or something ahead of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ahead {
    pub(super) id: u8,
    /// The space between the two.
    pub(super) free_m: f64,
    pub(super) speed_mps: f64,
}

/// What the end of a lane says to who stands there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hold {
    /// Nothing: it leads on.
    Free,
    /// Wait, or nobody knows.
    Wait,
    /// Green since that moment.
    Green(Mono),
}

impl Spot {
    /// The lanes into which its body reaches, its own first.
    fn lanes(&self) -> impl Iterator<Item = OnLane> + use<> {
        [self.lane, self.beside].into_iter().flatten()
    }

    /// Whether it drives on the carriageway.
    pub(super) fn drives(&self) -> bool {
        !matches!(
            self.class,
            Class::Pedestrian | Class::Bicycle | Class::Animal
        )
    }
}

/// Everybody at one moment.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) spots: ArrayVec<Spot, MAX_TRACKS>,
    /// Who stands in the way of others, in each lane into which its body reaches.
    in_the_way: ArrayVec<InTheWay, { 2 * MAX_TRACKS }>,
}

/// Somebody in a lane for whom those behind brake.
#[derive(Clone, Copy, Debug)]
struct InTheWay {
    id: u8,
    lane: usize,
    along_m: f64,
    length_m: f64,
    speed_mps: f64,
}

/// Rounding.
const SPARE_M: f64 = 1e-3;
/// Shorter is no bus.
const BUS_FROM_M: f64 = 7.0;
/// Where the middle of a bus is seen is so far off along its stop,
const BAY_SLACK_M: f64 = 3.0;
/// and beside it.
const BESIDE_BAY_M: f64 = 1.0;
/// Faster has moved on for certain.
pub(super) const MOVES_FROM_MPS: f64 = 1.5;
/// Vehicles are as wide as that, whatever a radar makes of them,
const CAR_WIDE_M: f64 = 1.8;
/// and no wider.
const LORRY_WIDE_M: f64 = 2.6;
/// Whose body is so far over the edge of a lane is in the next one too.
const OVER_EDGE_M: f64 = 0.3;
/// Below this speed a course says nothing of where somebody is going.
const COURSE_FROM_MPS: f64 = 2.0;
/// Most that a course may differ from the lane's: beyond it drives across or against it.
const ALONG_RAD: f64 = std::f64::consts::FRAC_PI_3;
/// At least that much off the lane's direction goes against it.
const AGAINST_RAD: f64 = 2.6;

impl Scene {
    pub(super) fn set(
        &mut self,
        now: Mono,
        picture: &Picture,
        forecast: Option<&Forecast>,
        roads: &Roads,
        turned: &Turned,
    ) {
        self.spots.clear();
        for track in &picture.tracks {
            let spot = Spot {
                aside_m: turned.aside_m(track),
                ..spot(track, roads)
            };
            // As many as the picture has.
            let _ = self.spots.try_push(spot);
        }
        for spot in &mut self.spots {
            spot.hold = hold(now, spot, forecast, roads);
        }
        self.find_leaders();
    }

    /// Everybody on a lane.
    pub(super) fn on(&self, lane: usize) -> impl Iterator<Item = (&Spot, OnLane)> {
        self.spots.iter().filter_map(move |spot| {
            let on = spot.lane.filter(|on| on.lane == lane)?;
            Some((spot, on))
        })
    }

    fn find_leaders(&mut self) {
        self.in_the_way.clear();
        for spot in &self.spots {
            // Drivers wait for an animal; somebody on foot before a car may be its driver.
            if !spot.drives() && spot.class != Class::Animal {
                continue;
            }
            let there = spot.lanes().map(|on| InTheWay {
                id: spot.id,
                lane: on.lane,
                along_m: on.along_m,
                length_m: spot.length_m,
                speed_mps: spot.speed_mps,
            });
            self.in_the_way.extend(there);
        }
        for spot in &mut self.spots {
            let (id, length_m) = (spot.id, spot.length_m);
            let ahead = spot.lanes().flat_map(|own| {
                let there = self.in_the_way.iter();
                let others = there.filter(move |other| other.lane == own.lane && other.id != id);
                others.filter_map(move |other| {
                    let between_m = other.along_m - own.along_m;
                    let free_m = between_m - (length_m + other.length_m) / 2.0;
                    (between_m > 0.0).then_some(Ahead {
                        id: other.id,
                        free_m,
                        speed_mps: other.speed_mps,
                    })
                })
            });
            spot.ahead = ahead.min_by(|a, b| a.free_m.total_cmp(&b.free_m));
        }
    }
}

fn spot(track: &Track, roads: &Roads) -> Spot {
    let velocity = &track.velocity;
    let speed_mps = velocity.east_mps.hypot(velocity.north_mps);
    let course = velocity.north_mps.atan2(velocity.east_mps);
    // Who is on foot may cross any lane.
    let on_foot = matches!(track.class, Class::Pedestrian | Class::Animal);
    let moves = speed_mps >= COURSE_FROM_MPS && !on_foot;
    let along = moves.then_some((course, ALONG_RAD));
    let [any, lane] = roads.under(track.east_m, track.north_m, along);
    let length_m = track.size.map_or(4.5, |size| f64::from(size.length_m));
    let to_end_m = lane.map_or(f64::INFINITY, |on| {
        roads.lanes[on.lane].length_m - on.along_m - length_m / 2.0
    });
    let covariance = &track.position_cov;
    Spot {
        id: track.id,
        born_at: track.born_at,
        class: track.class,
        class_confidence: track.class_confidence,
        emergency: track.emergency,
        existence: track.existence,
        east_m: track.east_m,
        north_m: track.north_m,
        sigma_m: covariance.ee.max(covariance.nn).max(0.0).sqrt(),
        aside_m: 0.0,
        speed_mps,
        speed_sigma_mps: velocity.cov.ee.max(velocity.cov.nn).max(0.0).sqrt(),
        course_rad: moves.then_some(course),
        length_m,
        against: moves
            && lane.is_none()
            && any.is_some_and(|on| between(course, on.yaw_rad) >= AGAINST_RAD),
        lane: lane.or(any.filter(|on| moves && between(course, on.yaw_rad) >= AGAINST_RAD)),
        ahead: None,
        beside: lane
            .filter(|_| speed_mps < MOVES_FROM_MPS && !on_foot)
            .and_then(|on| roads.beside(track, on)),
        lies: false,
        calls_for_s: roads.calls_for_s(track, lane),
        hold: Hold::Wait,
        to_end_m,
        limit_mps: lane.map_or(f64::INFINITY, |on| roads.lanes[on.lane].limit_mps),
    }
}

/// Where a lane ends at the junction, all of its phases must have been green for a stand to be
/// without a reason; where it gives way, or nobody knows its light, there may always be one.
fn hold(now: Mono, spot: &Spot, forecast: Option<&Forecast>, roads: &Roads) -> Hold {
    let Some(on) = spot.lane else {
        return Hold::Wait;
    };
    let road = &roads.lanes[on.lane];
    if !road.approach {
        return Hold::Free;
    }
    if road.gives_way || road.phases.is_empty() {
        return Hold::Wait;
    }
    let mut since = Mono::ZERO;
    for id in &road.phases {
        let phases = forecast.map_or(&[][..], |forecast| &forecast.phases);
        let running = phases
            .iter()
            .find(|phase| phase.phase == *id)
            .and_then(|phase| phase.states.first());
        match running {
            Some(state) if state.light == Light::Green => {
                let start = state.timing.map(|timing| timing.start);
                let began = match start {
                    Some(Start::Running { since: Some(began) }) => began,
                    _ => now,
                };
                since = since.max(began);
            }
            _ => return Hold::Wait,
        }
    }
    Hold::Green(since)
}
