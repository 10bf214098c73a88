//! MAP against the road: where lanes and stop lines are that vehicles are told of.
//!
//! Each lane of a MAP that has points is held against the lane of the world between the same two
//! nodes and with the same number; the last point of an approach lane stands for its stop line. The
//! error of a centre line is the distance of the world's line, metre by metre along what both have,
//! from the told one. Lanes of the world that no MAP told are counted. Exits are told as links of the
//! node that they lead to; of these a MAP may have none.

use std::collections::BTreeMap;

use v2x_msg::base::{EnuFrame, LaneId, NodeId};
use v2x_msg::kinds::map::{Lane, LaneKind, Map, Node, Points};

use super::samples::Samples;
use crate::plane::{Path, Point};
use crate::world::roads::Roads;

/// What was found in all MAPs.
#[derive(Clone, Debug)]
pub struct MapJudge {
    /// Distance from the stop line, along the lane; of each approach lane as it was told last.
    pub stop_line_m: Samples,
    /// Distance from the centre line, metre by metre.
    pub centre_line_m: Samples,
    /// Lanes of vehicles that were told and that the world has not.
    pub unknown: u64,
    /// As last told: centre lines, for drawings.
    pub told: BTreeMap<(NodeId, LaneId), Vec<Point>>,
    frame: EnuFrame,
    node: NodeId,
    lanes: BTreeMap<(NodeId, LaneId), Path>,
}

impl MapJudge {
    /// A judge of the lanes that lead to a junction.
    pub fn new(frame: EnuFrame, node: NodeId, roads: &Roads) -> Self {
        let lanes = roads.approaches.iter();
        let lanes = lanes.filter_map(|lane| {
            let key = (lane.from, lane.id);
            Some((key, Path::new(&lane.centre)?))
        });
        Self {
            stop_line_m: Samples::default(),
            centre_line_m: Samples::default(),
            unknown: 0,
            told: BTreeMap::new(),
            frame,
            node,
            lanes: lanes.collect(),
        }
    }

    /// Takes one MAP; a lane that is told again as before is not measured again.
    pub fn hear(&mut self, map: &Map) {
        let id = self.node;
        let ours = map.nodes().iter().filter(|node| node.id == id);
        for link in ours.flat_map(Node::links) {
            for lane in link.lanes().iter().filter(|lane| for_vehicles(lane)) {
                let Some(points) = &lane.points else { continue };
                let key = (link.upstream, lane.id);
                let line = self.line(points);
                if self.told.get(&key) != Some(&line) {
                    self.measure(key, &line);
                    self.told.insert(key, line);
                }
            }
        }
    }

    /// Lanes that lead to the junction, and of these those that were never told.
    pub fn missing(&self) -> (usize, usize) {
        let untold = self.lanes.keys().filter(|key| !self.told.contains_key(key));
        (self.lanes.len(), untold.count())
    }

    fn line(&self, points: &Points) -> Vec<Point> {
        let places = points.iter().map(|&point| self.frame.enu(point));
        places
            .map(|place| Point::new(place.east_m, place.north_m))
            .collect()
    }

    fn measure(&mut self, key: (NodeId, LaneId), line: &[Point]) {
        let (Some(real), Some(last)) = (self.lanes.get(&key), line.last()) else {
            self.unknown += 1;
            return;
        };
        let end_m = real.length_m();
        let stop = real.point_at(end_m);
        let along = real.direction_at(end_m);
        self.stop_line_m.add(last.minus(stop).dot(along).abs());
        for metre in 0..=end_m as usize {
            let place = real.point_at(metre as f64);
            // Where the told line begins later or ends sooner there is nothing to hold against it.
            if let Some(off_m) = off_line_m(line, place) {
                self.centre_line_m.add(off_m);
            }
        }
    }
}

/// Crosswalks and lanes of riders are told too, but the world has only those of vehicles.
fn for_vehicles(lane: &Lane) -> bool {
    lane.attributes
        .is_none_or(|attributes| matches!(attributes.kind, LaneKind::Vehicle(_)))
}

/// How far a place is beside a line; None beyond its ends.
fn off_line_m(line: &[Point], place: Point) -> Option<f64> {
    let mut nearest: Option<f64> = None;
    for piece in line.windows(2) {
        let way = piece[1].minus(piece[0]);
        let length_m = way.length_m();
        if length_m <= 0.0 {
            continue;
        }
        let along_m = place.minus(piece[0]).dot(way) / length_m;
        let inside = (-CORNER_M..=length_m + CORNER_M).contains(&along_m);
        if inside {
            let foot = piece[0].plus(way.times(along_m.clamp(0.0, length_m) / length_m));
            let off_m = foot.distance_m(place);
            nearest = Some(nearest.map_or(off_m, |least| least.min(off_m)));
        }
    }
    nearest
}

/// Where two pieces meet at an angle, neither holds what is outside of the corner.
const CORNER_M: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_held_against_the_piece_beside_it() {
        let line = [
            Point::new(0.0, 0.0),
            Point::new(10.0, 0.0),
            Point::new(10.0, 10.0),
        ];
        let off_m = |east_m, north_m| off_line_m(&line, Point::new(east_m, north_m));
        assert!((off_m(5.0, 0.3).expect("beside") - 0.3).abs() < 1e-9);
        assert!((off_m(10.2, 6.0).expect("beside") - 0.2).abs() < 1e-9);
        assert_eq!(off_m(-3.0, -1.0), None);
    }
}
