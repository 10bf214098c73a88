//! MAP as a vehicle uses it: which lane am I in, how far is its line, and which phase rules my way?
//!
//! Places are compared in a plane that touches the earth at each junction; within a kilometre that is
//! right to a few centimetres. A vehicle belongs to the lane whose middle is nearest, if it lies within
//! the lane or little beside it and the two point the same way.

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
            let plane = Plane::at(node.ref_pos);
            let lanes = node.links().iter().flat_map(|link| {
                let lanes = link.lanes().iter();
                lanes.filter_map(move |lane| read_lane(link, lane, plane))
            });
            let lanes: Vec<Lane> = lanes.collect();
            let known = self
                .junctions
                .iter_mut()
                .find(|junction| junction.node == node.id && junction.plane == plane);
            match known {
                Some(junction) => {
                    for lane in lanes {
                        let same = |other: &&mut Lane| {
                            (other.upstream, other.id) == (lane.upstream, lane.id)
                        };
                        if let Some(other) = junction.lanes.iter_mut().find(same) {
                            *other = lane;
                        } else if junction.lanes.len() < MOST_LANES {
                            junction.lanes.push(lane);
                        }
                    }
                }
                None => {
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
        let mut best: Option<(f64, Place)> = None;
        for junction in &self.junctions {
            let Some(point) = junction.plane.point(position) else {
                continue;
            };
            for lane in &junction.lanes {
                let Some((along_m, aside_m)) = lane.project(point, heading) else {
                    continue;
                };
                let nearest = best.as_ref().map_or(f64::INFINITY, |(aside_m, _)| *aside_m);
                if aside_m < nearest {
                    let place = Place {
                        node: junction.node,
                        upstream: lane.upstream,
                        lane: lane.id,
                        left_m: lane.path.length_m() - along_m,
                        limit_mps: lane.limit_mps,
                    };
                    best = Some((aside_m, place));
                }
            }
        }
        best.map(|(_, place)| place)
    }

    /// Whether this way is in MAP, and the phase that rules it, from that lane to the node `next`.
    pub fn phase(&self, place: &Place, next: NodeId) -> Option<Option<PhaseId>> {
        let lane = self.lane(place)?;
        let mut ways = lane.connections.iter();
        ways.find(|(to, _)| *to == next).map(|(_, phase)| *phase)
    }

    /// Where something else is in the lane of `place`: how far before its line.
    pub fn in_lane(&self, place: &Place, position: GeoPosition, heading: Point) -> Option<f64> {
        let junction = self.junctions.iter().find(|one| one.node == place.node)?;
        let lane = self.lane(place)?;
        let (along_m, aside_m) = lane.project(junction.plane.point(position)?, heading)?;
        (aside_m < lane.width_m / 2.0).then(|| lane.path.length_m() - along_m)
    }

    fn lane(&self, place: &Place) -> Option<&Lane> {
        let junction = self.junctions.iter().find(|one| one.node == place.node)?;
        let mut lanes = junction.lanes.iter();
        lanes.find(|lane| (lane.upstream, lane.id) == (place.upstream, place.lane))
    }
}

impl Lane {
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
/// Who believes to be so far beside a lane may still be in it.
const BESIDE_M: f64 = 0.8;
/// Cosine of 30 degrees.
const SAME_WAY: f64 = 0.866;
