//! Lines of the site with as many points as a message has room for.
//!
//! A line has at most 31 points. Near the survey they are points of the survey (Douglas and Peucker's
//! way); told more coarsely they may lie beside it, which takes fewer ([`fit`]). Where 31 points
//! do not hold a line within what is allowed, it is told only as far from the junction as they do: a
//! short lane that is right serves a vehicle better than a long one that is wrong.

use v2x_msg::base::{Enu, EnuFrame, GeoPosition, LaneId, NodeId, OutOfRange};
use v2x_msg::kinds::map::Points;

use super::Unbuildable;
use crate::site::simplify::simplified;
use crate::site::{Site, fit, line};

/// The site's frame, whether the site tells heights, and how its lines are told.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    frame: &'a EnuFrame,
    heights: bool,
    /// Whether nodes and links are told with their names.
    pub(super) names: bool,
    /// How far a lane may be off.
    pub(super) tolerance_m: f64,
    /// How much of a road is told, from the junction.
    pub(super) reach_m: f64,
}

/// A line of the road that is told only in part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Where its link comes from.
    pub upstream: NodeId,
    /// Where its link leads.
    pub downstream: NodeId,
    /// The lane; None: the link's own line.
    pub lane: Option<LaneId>,
    /// How much of it is told, from the junction.
    pub told_m: f64,
    /// How long it is.
    pub long_m: f64,
    /// Why.
    pub by: Limit,
}

/// What a line is too long for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The 31 points of a line.
    Points,
    /// The octets of a message.
    Octets,
}

/// A line as it is told.
pub(super) struct Told {
    /// None where there are fewer than two.
    pub(super) points: Option<Points>,
    pub(super) tolerance_m: f64,
    pub(super) told_m: f64,
    pub(super) long_m: f64,
    /// None where all of it is told.
    pub(super) by: Option<Limit>,
}

/// Whose line it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Lane,
    Link,
}

impl<'a> Plane<'a> {
    /// As exact and as far as can be. A site whose points are all level with its origin tells no
    /// heights: they would be made up.
    pub(super) fn of(site: &'a Site) -> Self {
        let lanes = site.links.iter().flat_map(|link| &link.lanes);
        let mut points = lanes.flat_map(|lane| &lane.centre);
        Self {
            frame: &site.frame,
            heights: points.any(|point| point.up_m.abs() >= LEVEL_M),
            names: true,
            tolerance_m: FINEST_M,
            reach_m: f64::INFINITY,
        }
    }

    /// The same, told so exactly and so far.
    pub(super) fn with(self, tolerance_m: f64, reach_m: f64) -> Self {
        Self {
            tolerance_m,
            reach_m,
            ..self
        }
    }

    /// The same without what nobody drives by.
    pub(super) fn without_names(self) -> Self {
        Self {
            names: false,
            ..self
        }
    }

    pub(super) fn position(&self, point: Enu) -> Result<GeoPosition, OutOfRange> {
        if self.heights {
            self.frame.position(point)
        } else {
            self.frame.ground_position(point.east_m, point.north_m)
        }
    }

    /// A line of at most 31 points; `inward` if it leads to the junction.
    pub(super) fn told(&self, whole: &[Enu], of: Of, inward: bool) -> Result<Told, Unbuildable> {
        let long_m = line::length_m(whole);
        let reach_m = self.reach_m.min(long_m);
        let mut told = Told {
            points: None,
            tolerance_m: self.tolerance_m,
            told_m: reach_m,
            long_m,
            by: (reach_m < long_m).then_some(Limit::Octets),
        };
        if whole.len() < 2 {
            return Ok(told);
        }
        let near = if reach_m < long_m {
            part(whole, reach_m, inward)
        } else {
            whole.to_vec()
        };
        let coarser = TOLERANCES_M.into_iter().filter(|t| *t >= self.tolerance_m);
        for tolerance_m in coarser {
            let kept = self.thinned(&near, tolerance_m, of);
            if kept.len() <= MOST_POINTS {
                told.tolerance_m = tolerance_m;
                told.points = Some(self.points(&kept)?);
                return Ok(told);
            }
        }
        let (kept, told_m) = self.farthest(&near, reach_m, of, inward);
        told.tolerance_m = COARSEST_M;
        told.points = Some(self.points(&kept)?);
        told.told_m = told_m;
        told.by = Some(Limit::Points);
        Ok(told)
    }

    /// As much of a line as 31 points hold, from the junction, to a metre.
    fn farthest(&self, line: &[Enu], long_m: f64, of: Of, inward: bool) -> (Vec<Enu>, f64) {
        let (mut holds_m, mut too_far_m) = (1.0_f64.min(long_m), long_m);
        let mut kept = self.thinned(&part(line, holds_m, inward), COARSEST_M, of);
        // Points of a line are not so near to each other; and if they are, they are lost here.
        kept.truncate(MOST_POINTS);
        while too_far_m - holds_m > 1.0 {
            let middle_m = f64::midpoint(holds_m, too_far_m);
            let points = self.thinned(&part(line, middle_m, inward), COARSEST_M, of);
            if points.len() <= MOST_POINTS {
                (kept, holds_m) = (points, middle_m);
            } else {
                too_far_m = middle_m;
            }
        }
        (kept, holds_m)
    }

    /// The line with fewer points, within what `of` allows where a lane is told within `tolerance_m`.
    fn thinned(&self, line: &[Enu], tolerance_m: f64, of: Of) -> Vec<Enu> {
        if tolerance_m <= FINEST_M {
            return simplified(line, tolerance_m);
        }
        let closely = tolerance_m >= CLOSELY_FROM_M;
        let tolerance_m = match of {
            Of::Lane => tolerance_m,
            Of::Link => tolerance_m * LINK_SLACK,
        };
        if self.heights {
            simplified(line, tolerance_m.min(COARSEST_M))
        } else if closely {
            fit::fitted_closely(line, tolerance_m)
        } else {
            fit::fitted(line, tolerance_m)
        }
    }

    fn points(&self, line: &[Enu]) -> Result<Points, Unbuildable> {
        let places = line.iter().map(|point| self.position(*point));
        Ok(Points::new(places.collect::<Result<Vec<_>, _>>()?)?)
    }
}

/// What lies within `reach_m` of the junction.
fn part(whole: &[Enu], reach_m: f64, inward: bool) -> Vec<Enu> {
    if inward {
        line::last_part(whole, reach_m)
    } else {
        line::first_part(whole, reach_m)
    }
}

/// A tenth of what T/CSAE 159-2020, 8.2.3 allows a lane to be off.
pub(super) const FINEST_M: f64 = 0.05;
/// Of the half metre that a lane may be off, 2 cm are left for what positions are rounded by in the
/// message (a step of 1e-7 degrees is 1.1 cm). The site's own lines count as right.
pub(super) const COARSEST_M: f64 = 0.48;
/// Where every point counts, so that the cost does not.
const CLOSELY_FROM_M: f64 = 0.4;
/// From exact to short. The last is for what would not be told whole at 0.4 m.
pub(super) const TOLERANCES_M: [f64; 5] = [FINEST_M, 0.1, 0.2, 0.4, COARSEST_M];
/// T/CSAE 159-2020, 8.2.3 allows a link's own line to be off by 2 m, four times as much as a lane.
const LINK_SLACK: f64 = 4.0;
/// Half a step of height: what is closer to the origin's height counts as level with it.
const LEVEL_M: f64 = 0.05;
/// Points of a link or a lane.
const MOST_POINTS: usize = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::fixture::crossing;
    use crate::site::simplify::error_m;

    /// North to a stop line at the origin, `long_m` long, swinging to both sides.
    fn swinging(long_m: f64, by_m: f64, every_m: f64) -> Vec<Enu> {
        let steps = (long_m / 5.0) as i32;
        let point = |step: i32| {
            let from_end_m = f64::from(step) * 5.0;
            Enu {
                east_m: by_m * (from_end_m / every_m * std::f64::consts::TAU).sin(),
                north_m: from_end_m,
                up_m: 0.0,
            }
        };
        (0..=steps).rev().map(point).collect()
    }

    fn read(plane: &Plane<'_>, told: &Told) -> Vec<Enu> {
        let points = told.points.as_ref().unwrap().iter();
        points
            .map(|point| Enu {
                up_m: 0.0,
                ..plane.frame.enu(*point)
            })
            .collect()
    }

    #[test]
    fn what_31_points_do_not_hold_is_told_from_the_stop_line_as_far_as_they_do() {
        let site = crossing(1, 2);
        let plane = Plane::of(&site);
        for (long_m, by_m, every_m) in [
            (900.0, 8.0, 150.0),
            (1800.0, 8.0, 150.0),
            (600.0, 3.0, 40.0),
        ] {
            let whole = swinging(long_m, by_m, every_m);
            let told = plane.told(&whole, Of::Lane, true).unwrap();
            let points = read(&plane, &told);
            assert!(points.len() <= MOST_POINTS);
            // Two centimetres are rounding of the message.
            let near = part(&whole, told.told_m, true);
            assert!(error_m(&points, &whole) <= COARSEST_M + 0.02, "{long_m}");
            assert!(error_m(&near, &points) <= COARSEST_M + 0.02, "{long_m}");
            let end_m = line::distance_m(points[points.len() - 1], whole[whole.len() - 1]);
            assert!(end_m < 0.02, "the stop line stays: {end_m}");
            if told.by.is_none() {
                assert!((told.told_m - told.long_m).abs() < 1e-9);
            } else {
                assert_eq!(told.by, Some(Limit::Points));
                assert!(told.told_m < told.long_m && told.told_m > 150.0);
                // A metre more would have been too much.
                let more = part(&whole, told.told_m + 1.5, true);
                assert!(fit::fitted_closely(&more, COARSEST_M).len() > MOST_POINTS);
            }
        }
        let worst = plane
            .told(&swinging(1800.0, 8.0, 150.0), Of::Lane, true)
            .unwrap();
        assert_eq!(worst.by, Some(Limit::Points));
    }

    #[test]
    fn an_exit_is_told_from_its_beginning() {
        let site = crossing(1, 2);
        let plane = Plane::of(&site);
        let mut whole = swinging(1800.0, 8.0, 150.0);
        whole.reverse();
        let told = plane.told(&whole, Of::Lane, false).unwrap();
        assert_eq!(told.by, Some(Limit::Points));
        let points = read(&plane, &told);
        assert!(line::distance_m(points[0], whole[0]) < 0.02);
    }

    #[test]
    fn a_links_own_line_may_be_four_times_as_far_off_as_a_lane() {
        let site = crossing(1, 2);
        let plane = Plane {
            tolerance_m: COARSEST_M,
            ..Plane::of(&site)
        };
        let whole = swinging(450.0, 8.0, 150.0);
        let told = |of| read(&plane, &plane.told(&whole, of, true).unwrap());
        let (lane, link) = (told(Of::Lane), told(Of::Link));
        assert!(link.len() < lane.len());
        let off_m = error_m(&whole, &link);
        assert!(off_m > COARSEST_M && off_m < 2.0, "{off_m}");
    }
}
