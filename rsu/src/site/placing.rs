//! Places said as people on the road say them: this lane of this link, so far before its end.
//!
//! The end of a lane towards a junction is its stop line. Not here: places in metres or degrees.

use v2x_msg::base::{Enu, EnuFrame, Few, GeoPosition, LaneId, NodeId, Radius};
use v2x_msg::kinds::rsi::{Lanes, ReferenceLink, ReferencePath};

use super::{Lane, Link, line, simplify};

/// A place on a link.
#[derive(Clone, Debug, PartialEq)]
pub struct OnLink {
    /// Where the link comes from.
    pub upstream: NodeId,
    /// Where it leads.
    pub downstream: NodeId,
    /// Which of its lanes; none: all.
    pub lanes: Vec<LaneId>,
    /// Before the lanes' end.
    pub from_stop_line_m: f64,
    /// How far upstream of that it reaches.
    pub length_m: Option<f64>,
}

/// The same place as RSI has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// In the middle of the lanes, at the end that vehicles leave last.
    pub pos: GeoPosition,
    /// The link and its lanes.
    pub link: ReferenceLink,
    /// Along the lanes, from upstream, where the place has a length.
    pub path: Option<ReferencePath>,
}

/// A place that is not on the link.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoPlace {
    /// No such link.
    #[error("the site has no link from node {0} to node {1}")]
    Link(u16, u16),
    /// No such lane.
    #[error("the link has no lane {0}")]
    Lane(u8),
    /// Beyond the beginning of the lane.
    #[error("{wanted_m} m before its end is beyond the lane's beginning: it is {long_m:.1} m long")]
    Beyond {
        /// What was asked for.
        wanted_m: f64,
        /// What there is.
        long_m: f64,
    },
    /// It cannot be told in RSI.
    #[error("the place cannot be told in RSI: its lane is above 15, or too far from the site")]
    Untellable,
}

/// How far the points of a path may be off its lane.
const TOLERANCE_M: f64 = 0.3;

impl OnLink {
    /// Finds the place.
    ///
    /// # Errors
    /// See [`NoPlace`].
    pub fn find<'a>(
        &self,
        mut links: impl Iterator<Item = &'a Link>,
        frame: &EnuFrame,
    ) -> Result<Placed, NoPlace> {
        let is_it =
            |link: &&Link| link.upstream == self.upstream && link.downstream == self.downstream;
        let link = links
            .find(is_it)
            .ok_or(NoPlace::Link(self.upstream.id, self.downstream.id))?;
        let lanes: Vec<&Lane> = match self.lanes.as_slice() {
            [] => {
                let along = |lane: &&Lane| !super::across(lane.kind);
                link.lanes.iter().filter(along).collect()
            }
            wanted => {
                let one = |id: &LaneId| link.lane(*id).ok_or(NoPlace::Lane(id.value()));
                wanted.iter().map(one).collect::<Result<_, _>>()?
            }
        };
        // A link has lanes; this is the one whose line is followed.
        let middle = *lanes.get(lanes.len() / 2).ok_or(NoPlace::Untellable)?;
        let long_m = line::length_m(&middle.centre);
        let begin_m = self.from_stop_line_m + self.length_m.unwrap_or(0.0);
        if begin_m > long_m {
            return Err(NoPlace::Beyond {
                wanted_m: begin_m,
                long_m,
            });
        }
        let ends: Vec<(Enu, Enu)> = lanes
            .iter()
            .map(|lane| (before_end(&lane.centre, self.from_stop_line_m), lane.end()))
            .collect();
        let share = 1.0 / ends.len() as f64;
        let (east_m, north_m) = ends.iter().fold((0.0, 0.0), |(east, north), (at, _)| {
            (east + at.east_m * share, north + at.north_m * share)
        });
        let position = |point: Enu| frame.ground_position(point.east_m, point.north_m);
        let width_m: f64 = lanes.iter().map(|lane| lane.width_m).sum();
        let path = match self.length_m {
            None => None,
            Some(length_m) => {
                let upto = line::first_part(&middle.centre, long_m - self.from_stop_line_m);
                let part = line::last_part(&upto, length_m);
                let aside = aside(&part, east_m, north_m);
                let moved = line::beside(&part, -aside);
                let kept = few(&moved);
                let points: Result<Vec<_>, _> = kept.into_iter().map(position).collect();
                let points = points.map_err(|_| NoPlace::Untellable)?;
                Some(ReferencePath {
                    points: Few::new(points).map_err(|_| NoPlace::Untellable)?,
                    radius: Radius::from_m(width_m / 2.0).map_err(|_| NoPlace::Untellable)?,
                })
            }
        };
        let named = match self.lanes.as_slice() {
            [] => None,
            ids => Some(Lanes::of(ids.iter().copied()).map_err(|_| NoPlace::Untellable)?),
        };
        Ok(Placed {
            pos: frame
                .ground_position(east_m, north_m)
                .map_err(|_| NoPlace::Untellable)?,
            link: ReferenceLink {
                upstream: link.upstream,
                downstream: link.downstream,
                lanes: named,
            },
            path,
        })
    }
}

fn before_end(centre: &[Enu], by_m: f64) -> Enu {
    let part = line::first_part(centre, (line::length_m(centre) - by_m).max(0.0));
    part[part.len() - 1]
}

/// How far a point lies to the left of a line.
fn aside(part: &[Enu], east_m: f64, north_m: f64) -> f64 {
    line::foot(part, east_m, north_m).map_or(0.0, |foot| foot.left_m)
}

/// At most 32 points, as a path may have; more tolerance where the line needs it.
fn few(line: &[Enu]) -> Vec<Enu> {
    let mut tolerance_m = TOLERANCE_M;
    loop {
        let kept = simplify::simplified(line, tolerance_m);
        if kept.len() <= 32 || tolerance_m > 1000.0 {
            return kept;
        }
        tolerance_m *= 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::fixture::{HERE, crossing, far};

    fn on(lanes: &[u8], from_stop_line_m: f64, length_m: Option<f64>) -> OnLink {
        OnLink {
            upstream: far(0),
            downstream: HERE,
            lanes: lanes.iter().map(|id| LaneId::new(*id).unwrap()).collect(),
            from_stop_line_m,
            length_m,
        }
    }

    #[test]
    fn a_place_on_a_lane_lies_so_far_before_its_stop_line() {
        let site = crossing(2, 2);
        let placed = on(&[1], 30.0, Some(20.0)).find(site.links.iter(), &site.frame);
        let placed = placed.unwrap();
        let at = site.frame.enu(placed.pos);
        let link = site.link(far(0), HERE).unwrap();
        let end = link.lane(LaneId::new(1).unwrap()).unwrap().end();
        let off_m = (at.east_m - end.east_m).hypot(at.north_m - end.north_m);
        assert!((off_m - 30.0).abs() < 0.1, "{off_m}");
        let found = site.lane_at(at.east_m, at.north_m, None).unwrap();
        assert_eq!(found.lane.id.value(), 1);
        assert_eq!(placed.link.lanes.unwrap().bits(), 0b10);
        // From upstream to the place itself.
        let path = placed.path.unwrap();
        let ends = [path.points[0], path.points[path.points.len() - 1]];
        let [first, last] = ends.map(|point| {
            let at = site.frame.enu(point);
            (at.east_m - end.east_m).hypot(at.north_m - end.north_m)
        });
        assert!((first - 50.0).abs() < 0.1 && (last - 30.0).abs() < 0.1);
    }

    #[test]
    fn without_lanes_it_lies_in_the_middle_of_the_link() {
        let site = crossing(2, 2);
        let placed = on(&[], 30.0, Some(20.0)).find(site.links.iter(), &site.frame);
        let placed = placed.unwrap();
        assert_eq!(placed.link.lanes, None);
        let link = site.link(far(0), HERE).unwrap();
        let width_m: f64 = link.lanes.iter().map(|lane| lane.width_m).sum();
        let radius = Radius::from_m(width_m / 2.0).unwrap();
        assert_eq!(placed.path.unwrap().radius, radius);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let site = crossing(2, 2);
        let find = |on: OnLink| on.find(site.links.iter(), &site.frame);
        assert_eq!(find(on(&[9], 1.0, None)), Err(NoPlace::Lane(9)));
        assert!(matches!(
            find(on(&[1], 10.0, Some(1e5))),
            Err(NoPlace::Beyond { .. })
        ));
        let nowhere = OnLink {
            upstream: HERE,
            ..on(&[1], 1.0, None)
        };
        assert!(matches!(find(nowhere), Err(NoPlace::Link(..))));
    }
}
