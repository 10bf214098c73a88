//! MAP as a vehicle uses it: which lane am I in, how far is its line, and which phase rules my way?
//!
//! Places are compared in a plane that touches the earth at each junction; within a kilometre that is
//! right to a few centimetres. A vehicle belongs to the lane whose middle is nearest, if it lies within
//! the lane or little beside it and the two point the same way.
//!
//! Several roadside units may tell of one junction: its own, and that of a neighbour, which tells of the
//! road there as far as it knows it and nothing of where its lanes lead. Where such a lane ends and one
//! that leads on begins, both are one.

use v2x_msg::base::{GeoPosition, LaneId, LaneWidth, NodeId, PhaseId};
use v2x_msg::kinds::Map;
use v2x_msg::kinds::map::{self, LaneKind, SpeedLimitKind};

use crate::plane::{Path, Point};

/// The junctions that a unit has heard of.
#[derive(Clone, Debug, Default)]
pub struct Roads {
    junctions: Vec<Junction>,
}

/// One junction.
#[derive(Clone, Debug)]
struct Junction {
    node: NodeId,
    plane: Plane,
    lanes: Vec<Lane>,
}

/// One lane that leads to it.
#[derive(Clone, Debug)]
struct Lane {
    upstream: NodeId,
    id: LaneId,
    width_m: f64,
    limit_mps: Option<f64>,
    /// The last point is the stop line.
    path: Path,
    /// Where it leads; nowhere, if it is a neighbour that tells of it.
    connections: Vec<(NodeId, Option<PhaseId>)>,
}

/// A plane that touches the earth somewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plane {
    origin: GeoPosition,
    east_m: f64,
    north_m: f64,
}

/// Where a vehicle is on the roads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The junction ahead.
    pub node: NodeId,
    /// The road.
    pub upstream: NodeId,
    /// The lane.
    pub lane: LaneId,
    /// From the vehicle's middle to the stop line.
    pub left_m: f64,
    /// Fastest that one may drive there, if MAP says so.
    pub limit_mps: Option<f64>,
    /// The lane that ends at the line: its junction and its place there, until another MAP is heard.
    lane_at: (usize, usize),
    /// The lane before it, while the vehicle is still in that.
    before_at: Option<(usize, usize)>,
}

impl Plane {
    /// That at `origin`.
    pub fn at(origin: GeoPosition) -> Self {
        // Radii of the ellipsoid WGS-84 along the meridian and across it, by 1e-7 degree.
        let lat_rad = origin.lat_deg().to_radians();
        let (sin, cos) = (libm::sin(lat_rad), libm::cos(lat_rad));
        let flat = 1.0 - ECCENTRICITY_2 * sin * sin;
        let across_m = EQUATOR_M / flat.sqrt();
        let along_m = across_m * (1.0 - ECCENTRICITY_2) / flat;
        let step_rad = (1e-7_f64).to_radians();
        Self {
            origin,
            east_m: across_m * cos * step_rad,
            north_m: along_m * step_rad,
        }
    }

    /// A place in this plane; None farther than [`FARTHEST_M`].
    pub fn point(&self, position: GeoPosition) -> Option<Point> {
        let (lat, lon) = self.origin.steps_to(position);
        let point = Point::new(f64::from(lon) * self.east_m, f64::from(lat) * self.north_m);
        (point.length_m() < FARTHEST_M).then_some(point)
    }
}

impl Roads {
    /// Takes the junctions of a MAP that have lanes; parts of one junction that come separately are
    /// put together.
    pub fn hear(&mut self, map: &Map) {
        for node in map.nodes() {
            if node.links().is_empty() {
                continue;
            }
            let known = self.junctions.iter_mut();
            let known = known.into_iter().find(|junction| junction.node == node.id);
            let own_plane = Plane::at(node.ref_pos);
            let same_place = known.as_ref().is_some_and(|junction| {
                let apart = junction.plane.point(node.ref_pos);
                apart.is_some_and(|apart| apart.length_m() < SAME_PLACE_M)
            });
            let plane = match &known {
                Some(junction) if same_place => junction.plane,
                _ => own_plane,
            };
            let lanes = node.links().iter().flat_map(|link| {
                let lanes = link.lanes().iter();
                lanes.filter_map(move |lane| read_lane(link, lane, plane))
            });
            let lanes: Vec<Lane> = lanes.collect();
            match known {
                Some(junction) if same_place => junction.take(lanes),
                // Its own unit knows better where it is.
                Some(junction) if junction.leads() && !lanes.iter().any(Lane::leads) => {}
                _ => {
                    self.junctions.retain(|junction| junction.node != node.id);
                    if self.junctions.len() >= MOST_JUNCTIONS {
                        // The one that has been known longest.
                        self.junctions.remove(0);
                    }
                    self.junctions.push(Junction {
                        node: node.id,
                        plane,
                        lanes,
                    });
                }
            }
        }
    }

    /// How many junctions it knows.
    pub fn len(&self) -> usize {
        self.junctions.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.junctions.is_empty()
    }

    /// Where somebody is who believes to be at `position` and points `heading`, a unit vector.
    pub fn find(&self, position: GeoPosition, heading: Point) -> Option<Place> {
        let mut best: Option<(f64, f64, (usize, usize))> = None;
        for (j, junction) in self.junctions.iter().enumerate() {
            let Some(point) = junction.plane.point(position) else {
                continue;
            };
            for (l, lane) in junction.lanes.iter().enumerate() {
                let Some((along_m, aside_m)) = lane.project(point, heading) else {
                    continue;
                };
                // Where two tell of one place, who knows where it leads is believed.
                let off_m = aside_m + if lane.leads() { 0.0 } else { TOLD_TWICE_M };
                if best.is_none_or(|(nearest_m, ..)| off_m < nearest_m) {
                    best = Some((off_m, along_m, (j, l)));
                }
            }
        }
        let (_, along_m, here) = best?;
        let junction = &self.junctions[here.0];
        let lane = &junction.lanes[here.1];
        let mut place = Place {
            node: junction.node,
            upstream: lane.upstream,
            lane: lane.id,
            left_m: lane.path.length_m() - along_m,
            limit_mps: lane.limit_mps,
            lane_at: here,
            before_at: None,
        };
        if let Some(next) = junction.goes_on(lane) {
            let on = &junction.lanes[next];
            place.lane = on.id;
            place.left_m += on.path.length_m();
            let limits = [lane.limit_mps, on.limit_mps].into_iter().flatten();
            place.limit_mps = limits.reduce(f64::min);
            (place.lane_at, place.before_at) = ((here.0, next), Some(here));
        }
        Some(place)
    }

    /// Whether this way is in MAP, and the phase that rules it, from that lane to the node `next`.
    pub fn phase(&self, place: &Place, next: NodeId) -> Option<Option<PhaseId>> {
        let lane = self.lane(place)?;
        let mut ways = lane.connections.iter();
        ways.find(|(to, _)| *to == next).map(|(_, phase)| *phase)
    }

    /// The light of that lane: of the first way out of it that has one.
    pub fn light(&self, place: &Place) -> Option<PhaseId> {
        let mut ways = self.lane(place)?.connections.iter();
        ways.find_map(|(_, phase)| *phase)
    }

    /// Where something else is in the lane of `place`, or in the one before it: how far before its line.
    pub fn in_lane(&self, place: &Place, position: GeoPosition, heading: Point) -> Option<f64> {
        let junction = self.junctions.get(place.lane_at.0)?;
        let point = junction.plane.point(position)?;
        let left_m = |lane: &Lane| {
            let (along_m, aside_m) = lane.project(point, heading)?;
            (aside_m < lane.width_m / 2.0).then(|| lane.path.length_m() - along_m)
        };
        let lane = self.lane(place)?;
        if let Some(left_m) = left_m(lane) {
            return Some(left_m);
        }
        let before = junction.lanes.get(place.before_at?.1)?;
        left_m(before).map(|left_m| left_m + lane.path.length_m())
    }

    fn lane(&self, place: &Place) -> Option<&Lane> {
        let (junction, lane) = place.lane_at;
        self.junctions.get(junction)?.lanes.get(lane)
    }
}

impl Junction {
    /// Whether anybody has told where its lanes lead.
    fn leads(&self) -> bool {
        self.lanes.iter().any(Lane::leads)
    }

    /// Takes lanes that are told of in its plane, each in the place of what was told of it before.
    fn take(&mut self, lanes: Vec<Lane>) {
        for lane in lanes {
            let key = |lane: &Lane| (lane.upstream, lane.id, lane.leads());
            let same = |other: &&mut Lane| key(other) == key(&lane);
            if let Some(other) = self.lanes.iter_mut().find(same) {
                *other = lane;
            } else if self.lanes.len() < MOST_LANES {
                self.lanes.push(lane);
            }
        }
    }

    /// In which lane one goes on at the end of a lane that leads nowhere.
    fn goes_on(&self, lane: &Lane) -> Option<usize> {
        let end = *lane.path.points().last()?;
        let apart_m = |other: &Lane| {
            let start = other.path.points().first();
            start.map_or(f64::INFINITY, |start| start.distance_m(end))
        };
        let joins = |other: &&Lane| {
            other.upstream == lane.upstream && other.leads() && apart_m(other) < JOINS_M
        };
        if lane.leads() {
            return None;
        }
        let lanes = self.lanes.iter().enumerate();
        let lanes = lanes.filter(|(_, other)| joins(other));
        let nearest = lanes.min_by(|a, b| apart_m(a.1).total_cmp(&apart_m(b.1)));
        nearest.map(|(place, _)| place)
    }
}

impl Lane {
    fn leads(&self) -> bool {
        !self.connections.is_empty()
    }

    /// How far along the lane a place is, and how far beside its middle; None if it is not in the lane or
    /// points elsewhere.
    fn project(&self, point: Point, heading: Point) -> Option<(f64, f64)> {
        let mut best: Option<(f64, f64, Point)> = None;
        let mut before_m = 0.0;
        for pair in self.path.points().windows(2) {
            let piece = pair[1].minus(pair[0]);
            let length_m = piece.length_m();
            let direction = piece.direction();
            let off = point.minus(pair[0]);
            let along_m = off.dot(direction).clamp(0.0, length_m);
            let aside_m = pair[0].plus(direction.times(along_m)).distance_m(point);
            if best.is_none_or(|(_, nearest_m, _)| aside_m < nearest_m) {
                best = Some((before_m + along_m, aside_m, direction));
            }
            before_m += length_m;
        }
        let (along_m, aside_m, direction) = best?;
        let near = aside_m < self.width_m / 2.0 + BESIDE_M;
        (near && direction.dot(heading) > SAME_WAY).then_some((along_m, aside_m))
    }
}

fn read_lane(link: &map::Link, lane: &map::Lane, plane: Plane) -> Option<Lane> {
    let for_vehicles = lane
        .attributes
        .is_none_or(|attributes| matches!(attributes.kind, LaneKind::Vehicle(_)));
    if !for_vehicles {
        return None;
    }
    let points = lane.points.as_ref()?;
    let points: Option<Vec<Point>> = points.iter().map(|point| plane.point(*point)).collect();
    let limits = lane.speed_limits.iter().chain(link.speed_limits.iter());
    let mut most = limits.filter(|limit| limit.kind == SpeedLimitKind::VehicleMax);
    let shared_m = link.width.m() / link.lanes().len().max(1) as f64;
    Some(Lane {
        upstream: link.upstream,
        id: lane.id,
        width_m: lane.width.map_or(shared_m, LaneWidth::m),
        limit_mps: most.next().map(|limit| limit.speed.mps()),
        path: Path::new(&points?)?,
        connections: lane
            .connects_to
            .iter()
            .map(|connection| (connection.remote, connection.phase))
            .collect(),
    })
}

/// WGS-84.
const EQUATOR_M: f64 = 6_378_137.0;
const ECCENTRICITY_2: f64 = 6.694_379_990_141e-3;
/// Planes are not used farther out.
const FARTHEST_M: f64 = 3000.0;
/// A unit remembers so many junctions, and of each so many lanes.
const MOST_JUNCTIONS: usize = 32;
const MOST_LANES: usize = 64;
/// Two that tell of one junction place it no farther apart,
const SAME_PLACE_M: f64 = 5.0;
/// and lanes of theirs that are one join within this.
const JOINS_M: f64 = 1.7;
/// So much farther off may a lane be that is told of by who knows where it leads.
const TOLD_TWICE_M: f64 = 0.3;
/// Who believes to be so far beside a lane may still be in it.
const BESIDE_M: f64 = 0.8;
/// Cosine of 30 degrees.
const SAME_WAY: f64 = 0.866;
