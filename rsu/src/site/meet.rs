//! Whether roads meet at the junction as they say, and nowhere before it.
//!
//! A turn is held against the angle between the lanes' ends, a stop line against the junction's node,
//! and lanes against each other. All of it is unwise at most: roads are built in every shape, and the
//! limits leave room for slight bends and slanting arms.

use v2x_msg::base::Enu;

use super::check::{Checker, named};
use super::{Connection, Lane, Link, Turn, across, line, path};
use crate::sheet::Reason;

impl Checker<'_, '_> {
    /// A lane's connection over the junction.
    pub(super) fn crosses_the_junction(
        &self,
        line_no: usize,
        name: &str,
        lane: &Lane,
        connection: &Connection,
    ) {
        let links = self.site.links.iter().map(|link| &link.value);
        let Some(next) = path::next_lane(links, self.site.node, (lane, connection)) else {
            return;
        };
        let (Some(end), Some(begin)) = (lane.centre.last(), next.centre.first()) else {
            return;
        };
        let gap_m = line::distance_m(*end, *begin);
        if gap_m > JUNCTION_M {
            let to = connection.to_node.to_string();
            let told = format!(
                "{name}: {gap_m:.0} m lie between its stop line and the lane to node {to} that it leads to"
            );
            let values = [name.to_owned(), format!("{gap_m:.0}"), to];
            let reason = Reason::new("wide-junction", values, told);
            self.unwise(line_no, "link.lane.connections", reason);
        }
        self.turns_as_it_says(line_no, name, lane, next, connection);
    }

    /// The word that stands for a turn, and the angle between the ends of the two lanes.
    fn turns_as_it_says(
        &self,
        line_no: usize,
        name: &str,
        lane: &Lane,
        next: &Lane,
        connection: &Connection,
    ) {
        let (out, into) = (
            line::last_part(&lane.centre, LOOKED_AT_M),
            line::first_part(&next.centre, LOOKED_AT_M),
        );
        let ends = |part: &[Enu]| part.first().copied().zip(part.last().copied());
        let (Some(out), Some(into)) = (ends(&out), ends(&into)) else {
            return;
        };
        let left_deg = Turn::left_deg(
            line::direction(out.0, out.1),
            line::direction(into.0, into.1),
        );
        let may_be = match connection.turn {
            Turn::Straight => left_deg.abs() <= STRAIGHT_DEG,
            Turn::Left => TURN_DEG.contains(&left_deg),
            Turn::Right => TURN_DEG.contains(&-left_deg),
            Turn::UTurn => left_deg.abs() >= BACK_DEG,
        };
        if may_be {
            return;
        }
        let to = connection.to_node.to_string();
        let (written, seen) = (
            super::write::turn(connection.turn),
            super::write::turn(Turn::of_angle(left_deg)),
        );
        let told = format!(
            "{name}: its turn to node {to} is written as {written} but the lanes make it {seen}, {:.0} degrees",
            left_deg.abs()
        );
        let values = [name.to_owned(), to, written.to_owned(), seen.to_owned()];
        let reason = Reason::new("other-turn", values, told);
        self.unwise(line_no, "link.lane.connections.turn", reason);
    }

    /// A stop line lies on the near side of the junction, the beginning of an exit on its far side.
    pub(super) fn ends_before_the_node(&self, line_no: usize, link: &Link, lane: &Lane, here: Enu) {
        let [first, second, ..] = lane.centre[..] else {
            return;
        };
        let [.., before, last] = lane.centre[..] else {
            return;
        };
        let inward = link.downstream == self.site.node;
        let (way, end) = if inward {
            (line::direction(before, last), last)
        } else {
            (line::direction(first, second), first)
        };
        let along_m = (end.east_m - here.east_m) * way.0 + (end.north_m - here.north_m) * way.1;
        let past_m = if inward { along_m } else { -along_m };
        if past_m <= PAST_NODE_M {
            return;
        }
        let name = format!("lane {} of {}", lane.id.value(), named(link));
        let told = if inward {
            format!(
                "{name} ends {past_m:.0} m beyond the junction's node: its stop line lies before it"
            )
        } else {
            format!(
                "{name} begins {past_m:.0} m before the junction's node: an exit begins behind it"
            )
        };
        let reason = Reason::new("wrong-side-of-node", [name, format!("{past_m:.0}")], told);
        self.unwise(line_no, "points-m", reason);
    }

    /// Lanes that cross each other where they are no junction.
    pub(super) fn lanes_cross(&self) {
        let lanes = self.boxed_lanes();
        let mut work = MOST_WORK;
        for (at, one) in lanes.iter().enumerate() {
            let mut told: Option<usize> = None;
            for other in &lanes[at + 1..] {
                // One finding for each lane and each link that it crosses.
                if told == Some(other.link) || !one.overlaps(other) {
                    continue;
                }
                let pairs = one.lane.centre.len() * other.lane.centre.len();
                let Some(left) = work.checked_sub(pairs) else {
                    return;
                };
                work = left;
                if !one.crosses(other) {
                    continue;
                }
                told = Some(other.link);
                let name = |one: &Boxed<'_>| {
                    let link = &self.site.links[one.link].value;
                    format!("lane {} of {}", one.lane.id.value(), named(link))
                };
                let (one_name, other_name) = (name(one), name(other));
                let told = format!(
                    "{one_name} crosses {other_name} on the way, not on the junction: are their points right?"
                );
                let reason = Reason::new("lanes-cross", [one_name, other_name], told);
                self.unwise(one.line_no, "points-m", reason);
            }
        }
    }

    fn boxed_lanes(&self) -> Vec<Boxed<'_>> {
        let mut lanes = Vec::new();
        for (at, link) in self.site.links.iter().enumerate() {
            let known = link.value.lanes.iter().zip(&self.site.lane_lines[at]);
            for ((lane, &line_no), how) in known.zip(&self.site.read[at].each) {
                if how.line && !across(lane.kind) {
                    lanes.push(Boxed::new(at, lane, line_no));
                }
            }
        }
        lanes
    }

    /// Where this junction is: at the origin, unless the file has a node for it.
    pub(super) fn centre(&self) -> Enu {
        let nodes = self.site.nodes.iter().map(|node| &node.value);
        let own = nodes.into_iter().find(|node| node.id == self.site.node);
        own.map_or_else(Enu::default, |node| node.position)
    }
}

/// A lane with the box that it lies in.
struct Boxed<'s> {
    link: usize,
    lane: &'s Lane,
    line_no: usize,
    low: (f64, f64),
    high: (f64, f64),
}

impl<'s> Boxed<'s> {
    fn new(link: usize, lane: &'s Lane, line_no: usize) -> Self {
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        for point in &lane.centre {
            low = (low.0.min(point.east_m), low.1.min(point.north_m));
            high = (high.0.max(point.east_m), high.1.max(point.north_m));
        }
        Self {
            link,
            lane,
            line_no,
            low,
            high,
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.low.0 <= other.high.0
            && other.low.0 <= self.high.0
            && self.low.1 <= other.high.1
            && other.low.1 <= self.high.1
    }

    /// Whether it lies on both sides of the other, by more than lines that are one may differ.
    fn crosses(&self, other: &Self) -> bool {
        let (one, other) = (&self.lane.centre, &other.lane.centre);
        if !line::cross_each_other(one, other) {
            return false;
        }
        let aside = |of: &[Enu], point: &Enu| {
            line::foot(of, point.east_m, point.north_m).map_or(0.0, |foot| foot.left_m)
        };
        let both = |of: &[Enu], points: &[Enu]| {
            points.iter().any(|point| aside(of, point) > BOTH_SIDES_M)
                && points.iter().any(|point| aside(of, point) < -BOTH_SIDES_M)
        };
        both(other, one) && both(one, other)
    }
}

/// From a stop line to the next lane, over the junction.
const JUNCTION_M: f64 = 120.0;
/// How much of a lane shows which way it leads at the junction.
const LOOKED_AT_M: f64 = 10.0;
/// Straight on bends by no more.
const STRAIGHT_DEG: f64 = 50.0;
/// A turn to one side.
const TURN_DEG: std::ops::RangeInclusive<f64> = 15.0..=165.0;
/// A turn back is no less.
const BACK_DEG: f64 = 120.0;
/// A junction's node is put somewhere in its middle; roads that meet aslant reach past it.
const PAST_NODE_M: f64 = 10.0;
/// Lines of the same road may cross each other by as much as they are rounded.
const BOTH_SIDES_M: f64 = 0.5;
/// Pairs of pieces that are looked at; no junction has as many.
const MOST_WORK: usize = 20_000_000;

#[cfg(test)]
mod tests {
    use crate::site::Site;

    const MOYU: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");

    /// All that is said of the shipped site with some of its text replaced.
    fn told(from: &str, to: &str) -> Vec<String> {
        assert!(MOYU.contains(from), "the site has no {from}");
        let text = MOYU.replacen(from, to, 1);
        let findings = match Site::parse_with_remarks(&text, "site.toml") {
            Ok((_, remarks)) => remarks,
            Err(findings) => findings,
        };
        findings.iter().map(ToString::to_string).collect()
    }

    fn one(from: &str, to: &str, part: &str) {
        let told = told(from, to);
        let found = told.iter().any(|finding| finding.contains(part));
        assert!(found, "{part} is not in {told:#?}");
    }

    #[test]
    fn a_turn_that_the_lanes_do_not_make_is_told() {
        let right = "{ to-node = 14, to-lane = 3, turn = \"right\" }";
        one(
            right,
            "{ to-node = 14, to-lane = 3, turn = \"left\" }",
            "is written as left but the lanes make it right, 90 degrees",
        );
        let left = "to-node = 12, to-lane = 1, turn = \"left\"";
        for word in ["straight", "u-turn", "right"] {
            one(
                left,
                &format!("to-node = 12, to-lane = 1, turn = \"{word}\""),
                &format!("is written as {word} but the lanes make it left, 90 degrees"),
            );
        }
    }

    #[test]
    fn a_bend_of_thirty_degrees_may_be_called_straight_on_or_a_turn() {
        let north = "[[0, 270], [0, 20]]";
        let aslant = "[[-129.9, 245], [0, 20]]";
        assert_eq!(told(north, aslant), [""; 0], "straight on to the south");
        let text = MOYU.replacen(north, aslant, 1);
        let straight = "{ to-node = 13, to-lane = 2, turn = \"straight\", phase = 1 }";
        let turned = text.replacen(straight, &straight.replace("straight", "right"), 1);
        let (_, remarks) = Site::parse_with_remarks(&turned, "site.toml").unwrap();
        let told: Vec<String> = remarks.iter().map(ToString::to_string).collect();
        assert!(
            told.iter().all(|told| !told.contains("is written as")),
            "{told:?}"
        );
    }

    #[test]
    fn a_stop_line_on_the_far_side_is_told() {
        one(
            "[[0, 270], [0, 20]]",
            "[[0, 270], [0, -60]]",
            "lane 1 of link \"from north\" ends 60 m beyond the junction's node",
        );
        one(
            "[[0, 20], [0, 270]]",
            "[[0, -60], [0, 270]]",
            "lane 1 of link \"to north\" begins 60 m before the junction's node",
        );
    }

    #[test]
    fn lanes_that_cross_before_the_junction_are_told() {
        let from = "width-m     = 3.5\nconnections = [{ to-node = 13, to-lane = 2";
        let own = "width-m     = 3.5\npoints-m = [[10, 270], [-5, 20]]\nconnections = [{ to-node = 13, to-lane = 2";
        let told = told(from, own);
        for crossed in [
            "lane 1 of link \"from north\" crosses lane 2 of link \"from north\"",
            "lane 2 of link \"from north\" crosses lane 1 of link \"to north\"",
        ] {
            let found = told.iter().any(|finding| finding.contains(crossed));
            assert!(found, "{crossed} is not in {told:#?}");
        }
    }
}
