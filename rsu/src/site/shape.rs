//! Whether lines lie as a road's do: in the direction of travel, beside each other, at the stop line.
//!
//! What no road can be is wrong; what is seldom meant is unwise. The limits are wide on purpose: a
//! surveyed junction passes in silence, a lane drawn backwards or in the wrong link does not.

use v2x_msg::base::Enu;

use super::check::{Checker, named};
use super::{Lane, Link, across, line};
use crate::sheet::Reason;

/// A line turns by more than this at a point: it goes back on itself. Cosine of 100 degrees.
const BACKWARDS: f64 = -0.17;
/// Between two points of a line; more is probably a point that was forgotten.
const LONG_PIECE_M: f64 = 1_000.0;
/// Lanes of a link end this near to each other along the road.
const STOP_LINES_M: f64 = 15.0;
/// From the middle of one lane to that of the next, beyond half of both widths: a median at most.
const BESIDE_M: f64 = 6.0;
/// How much two lanes may overlap.
const OVERLAP_M: f64 = 0.5;
/// From a lane's stop line to the junction's node.
const FROM_NODE_M: f64 = 150.0;
/// Narrowest lane for motor vehicles that is usual.
const NARROW_M: f64 = 2.0;
/// Widest.
const WIDE_M: f64 = 8.0;

impl Checker<'_, '_> {
    /// Points of one line follow each other.
    pub(super) fn points_in_order(&self, line_no: usize, name: &str, points: &[Enu]) {
        let turns_back = points.windows(3).position(|three| {
            let (before, after) = (
                line::direction(three[0], three[1]),
                line::direction(three[1], three[2]),
            );
            before.0 * after.0 + before.1 * after.1 < BACKWARDS
        });
        if let Some(at) = turns_back {
            let reason = format!(
                "{name} turns back on itself at point {}: are its points in order?",
                at + 2
            );
            self.wrong(line_no, "points-m", &reason);
        }
        let far = |piece: &[Enu]| line::distance_m(piece[0], piece[1]) > LONG_PIECE_M;
        if let Some(at) = points.windows(2).position(far) {
            let told = format!(
                "{name}: points {} and {} are more than {LONG_PIECE_M} m apart",
                at + 1,
                at + 2
            );
            let values = [
                name.to_owned(),
                (at + 1).to_string(),
                (at + 2).to_string(),
                LONG_PIECE_M.to_string(),
            ];
            self.unwise(line_no, "points-m", Reason::new("long-piece", values, told));
        }
    }

    /// The lanes of a link beside each other, and its stop lines.
    pub(super) fn shape_of(&self, at: usize) {
        let link = &self.site.links[at].value;
        let link_line = self.site.links[at].line;
        let lines = &self.site.lane_lines[at];
        let here = self.centre();
        let read = &self.site.read[at];
        let along: Vec<(&Lane, usize)> = link
            .lanes
            .iter()
            .zip(lines.iter().copied())
            .zip(&read.each)
            .filter(|((lane, _), how)| !across(lane.kind) && how.line)
            .map(|(lane, _)| lane)
            .collect();
        for (lane, line_no) in &along {
            if self.leads_the_right_way(*line_no, link, *lane, here) {
                self.ends_before_the_node(*line_no, link, lane, here);
            }
            self.usual_width(*line_no, link, lane);
        }
        if !read.line || !self.leads_the_right_way(link_line, link, &link.points, here) {
            return;
        }
        // Where one is not there, its neighbours are not beside each other.
        if !read.lanes {
            return;
        }
        for pair in along.windows(2) {
            let [(left, _), (right, line_no)] = pair else {
                continue;
            };
            self.beside(*line_no, link, left, right);
        }
    }

    /// Pairs of phases whose paths cross though the file does not list them.
    pub(super) fn crossings_are_listed(&self) {
        let links: Vec<&Link> = self.site.links.iter().map(|link| &link.value).collect();
        let phases: Vec<_> = self.site.phases.iter().map(|phase| &phase.value).collect();
        // What could not be read may be what crosses, or lists it.
        let whole = self.site.lost.links_whole && self.site.lost.phases_whole;
        if self.site.from_paths || !whole {
            return;
        }
        for (a, b) in super::conflict::crossings(&links, &phases, self.site.node) {
            let listed = self.site.conflicts.iter().map(|pair| pair.value);
            let listed = listed.map(|(one, two)| (one.min(two), one.max(two)));
            let line_no = |id| {
                self.site
                    .phases
                    .iter()
                    .find(|phase| phase.value.id == id)
                    .map_or(0, |phase| phase.line)
            };
            if listed.into_iter().all(|pair| pair != (a, b)) {
                let told = format!(
                    "paths of phases {} and {} cross or merge, but they are not listed as conflicting: both may be \
                     sent as green at once",
                    a.value(),
                    b.value()
                );
                let values = [a, b].map(|phase| phase.value().to_string());
                let reason = Reason::new("conflict-not-listed", values, told);
                self.unwise(line_no(a), "phase", reason);
            }
        }
    }

    /// Whether a line of a link to the junction ends nearer to it than it begins, and the reverse.
    fn leads_the_right_way(
        &self,
        line_no: usize,
        link: &Link,
        what: &impl Line,
        here: Enu,
    ) -> bool {
        let (Some(first), Some(last)) = (what.points().first(), what.points().last()) else {
            return true;
        };
        let inward = link.downstream == self.site.node;
        let (first_m, last_m) = (
            line::distance_m(*first, here),
            line::distance_m(*last, here),
        );
        let name = what.name(link);
        if (last_m < first_m) != inward {
            let way = if inward {
                "to the junction"
            } else {
                "away from the junction"
            };
            let reason = format!(
                "{name} leads {way}, but its points run the other way: they go in the direction of travel"
            );
            self.wrong(line_no, "points-m", &reason);
            return false;
        }
        let near_m = if inward { last_m } else { first_m };
        if near_m > FROM_NODE_M {
            let end = if inward { "ends" } else { "begins" };
            let told = format!("{name} {end} {near_m:.0} m from the junction's node");
            let reason = Reason::new("far-from-node", [name, format!("{near_m:.0}")], told);
            self.unwise(line_no, "points-m", reason);
        }
        true
    }

    fn usual_width(&self, line_no: usize, link: &Link, lane: &Lane) {
        let motor = matches!(lane.kind, v2x_msg::kinds::map::LaneKind::Vehicle(_));
        if motor && !(NARROW_M..=WIDE_M).contains(&lane.width_m) {
            let (name, wide_m) = (lane.name(link), lane.width_m.to_string());
            let told = format!("{name} is {wide_m} m wide, which is unusual for vehicles");
            let reason = Reason::new("unusual-width", [name, wide_m], told);
            self.unwise(line_no, "link.lane.width-m", reason);
        }
    }

    /// Two lanes, the second to the right of the first, looked at where they meet the junction.
    fn beside(&self, line_no: usize, link: &Link, left: &Lane, right: &Lane) {
        let inward = link.downstream == self.site.node;
        let (a, b) = if inward {
            (left.end(), right.end())
        } else {
            (left.centre[0], right.centre[0])
        };
        let Some(foot) = line::foot(&left.centre, b.east_m, b.north_m) else {
            return;
        };
        let (sin, cos) = foot.yaw_rad.sin_cos();
        let (east, north) = (b.east_m - a.east_m, b.north_m - a.north_m);
        let along_m = (east * cos + north * sin).abs();
        // Positive to the right.
        let aside_m = east * sin - north * cos;
        let due_m = (left.width_m + right.width_m) / 2.0;
        let name = right.name(link);
        let left_id = left.id.value();
        if along_m > STOP_LINES_M {
            let told = format!(
                "{name} and lane {left_id} end {along_m:.0} m apart along the road at the junction"
            );
            let values = [name, left_id.to_string(), format!("{along_m:.0}")];
            self.unwise(line_no, "points-m", Reason::new("ends-apart", values, told));
        } else if aside_m <= 0.0 {
            let reason =
                format!("{name} lies to the left of lane {left_id}; lanes count from the left");
            self.wrong(line_no, "link.lane.id", &reason);
        } else if aside_m - due_m > BESIDE_M {
            let gap_m = aside_m - due_m;
            let told = format!("between {name} and lane {left_id} is a gap of {gap_m:.1} m");
            let values = [name, left_id.to_string(), format!("{gap_m:.1}")];
            self.unwise(line_no, "points-m", Reason::new("lane-gap", values, told));
        } else if due_m - aside_m > OVERLAP_M {
            let over_m = due_m - aside_m;
            let told = format!(
                "{name} and lane {left_id} overlap by {over_m:.1} m: are the widths right?"
            );
            let values = [name, left_id.to_string(), format!("{over_m:.1}")];
            let reason = Reason::new("lanes-overlap", values, told);
            self.unwise(line_no, "link.lane.width-m", reason);
        }
    }
}

/// A lane, or a link's own line.
trait Line {
    fn points(&self) -> &[Enu];
    fn name(&self, link: &Link) -> String;
}

impl Line for Lane {
    fn points(&self) -> &[Enu] {
        &self.centre
    }

    fn name(&self, link: &Link) -> String {
        format!("lane {} of {}", self.id.value(), named(link))
    }
}

impl Line for Vec<Enu> {
    fn points(&self) -> &[Enu] {
        self
    }

    fn name(&self, link: &Link) -> String {
        named(link)
    }
}

#[cfg(test)]
mod tests {
    use crate::site::Site;

    const MOYU: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");

    /// All that is said of the shipped site with some of its text replaced.
    fn told(changes: &[(&str, &str)]) -> Vec<String> {
        let mut text = MOYU.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "the site has no {from}");
            text = text.replacen(from, to, 1);
        }
        let findings = match Site::parse_with_remarks(&text, "site.toml") {
            Ok((_, remarks)) => remarks,
            Err(findings) => findings,
        };
        findings.iter().map(ToString::to_string).collect()
    }

    fn one(changes: &[(&str, &str)], part: &str) {
        let told = told(changes);
        assert!(
            told.iter().any(|finding| finding.contains(part)),
            "{part} is not in {told:#?}"
        );
    }

    #[test]
    fn the_shipped_site_passes_in_silence() {
        assert_eq!(told(&[]), [""; 0]);
    }

    #[test]
    fn a_link_drawn_against_the_traffic_is_refused() {
        one(
            &[("[[0, 270], [0, 20]]", "[[0, 20], [0, 270]]")],
            "link \"from north\" leads to the junction, but its points",
        );
        one(
            &[("[[0, 20], [0, 270]]", "[[0, 270], [0, 20]]")],
            "link \"to north\" leads away from the junction, but",
        );
    }

    #[test]
    fn points_out_of_order_are_refused() {
        one(
            &[(
                "[[0, 270], [0, 20]]",
                "[[0, 270], [0, 100], [0, 150], [0, 20]]",
            )],
            "turns back on itself at point 2",
        );
    }

    #[test]
    fn a_lane_that_ends_elsewhere_is_told() {
        let own = |points: &str| {
            format!(
                "width-m     = 3.5\npoints-m = {points}\nconnections = [{{ to-node = 13, to-lane = 2"
            )
        };
        let from = "width-m     = 3.5\nconnections = [{ to-node = 13, to-lane = 2";
        one(
            &[(from, &own("[[-5, 270], [-5, 50]]"))],
            "lane 2 of link \"from north\" and lane 1 end 30 m apart",
        );
        one(
            &[(from, &own("[[5, 270], [5, 20]]"))],
            "lane 2 of link \"from north\" lies to the left of lane 1",
        );
        one(
            &[(from, &own("[[-15, 270], [-15, 20]]"))],
            "between lane 2 of link \"from north\" and lane 1 is a gap of 10.0 m",
        );
        one(
            &[(from, &own("[[-3, 270], [-3, 20]]"))],
            "lane 2 of link \"from north\" and lane 1 overlap by 2.0 m",
        );
        one(
            &[(from, &own("[[-5, 470], [-5, 220]]"))],
            "lane 2 of link \"from north\" ends 220 m from the junction's node",
        );
    }

    #[test]
    fn a_crossing_that_is_not_listed_is_told() {
        one(
            &[("[[conflict]]\nphases = [1, 65]\n", "")],
            "paths of phases 1 and 65 cross or merge, but they are not listed",
        );
    }

    #[test]
    fn a_width_that_no_lane_has_is_told() {
        one(
            &[("width-m     = 3.5", "width-m     = 12")],
            "is 12 m wide, which is unusual",
        );
    }
}
