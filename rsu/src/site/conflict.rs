//! Which phases must not be green together.
//!
//! The file lists the pairs, as the controller's own matrix does. Where it lists none, or asks for
//! it, the pairs are found from the road: two phases conflict where a path of one crosses a path of
//! the other or ends in the same lane. Excepted is who turns under a green that says "give way"
//! (`permissive`): to the right before anybody, to the left and back before those who come from
//! ahead, any way before people on a crosswalk. Two turns to the left that face each other are not
//! held apart either: where there is room for it they pass each other, and centre lines do not tell.
//! Paths that no phase rules, as that of a right turn
//! on red, conflict with nothing. Paths are centre lines: clearances and islands are not known here,
//! so the controller's matrix may have more pairs.

use v2x_msg::base::{Enu, NodeId, PhaseId};
use v2x_msg::kinds::map::LaneKind;

use super::{GreenKind, Lane, Link, Phase, Site, Turn, line, path};

/// Lanes that begin nearer to each other than this are the same lane.
const SAME_LANE_M: f64 = 1.0;
/// How far along the next link a vehicle's path is looked at: crosswalks lie there.
const BEYOND_M: f64 = 12.0;
/// How far before the stop line.
const BEFORE_M: f64 = 6.0;
/// Cosine between the directions of two approaches that face each other.
const FACING: f64 = -0.5;
/// More paths than this are no junction; what is behind them is not looked at.
const MOST_PATHS: usize = 1_000;

impl Site {
    /// Whether two phases must never be green together; the same both ways round, and never of a
    /// phase with itself.
    pub fn conflict(&self, a: PhaseId, b: PhaseId) -> bool {
        a != b && self.conflicts.contains(&(a.min(b), a.max(b)))
    }

    /// The pairs of phases whose paths cross, found from the road alone; the smaller id first, in
    /// order.
    pub fn crossings(&self) -> Vec<(PhaseId, PhaseId)> {
        let links: Vec<&Link> = self.links.iter().collect();
        let phases: Vec<&Phase> = self.phases.iter().collect();
        crossings(&links, &phases, self.node)
    }
}

/// What crosses on the junction `here`.
pub(super) fn crossings(
    links: &[&Link],
    phases: &[&Phase],
    here: NodeId,
) -> Vec<(PhaseId, PhaseId)> {
    let paths = paths(links, phases, here);
    let mut pairs = Vec::new();
    for (at, one) in paths.iter().enumerate() {
        for other in &paths[..at] {
            let pair = (one.phase.min(other.phase), one.phase.max(other.phase));
            if pair.0 != pair.1 && !pairs.contains(&pair) && one.conflicts_with(other) {
                pairs.push(pair);
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

fn paths(links: &[&Link], phases: &[&Phase], here: NodeId) -> Vec<Path> {
    let mut paths = Vec::new();
    for link in links.iter().filter(|link| link.downstream == here) {
        for lane in &link.lanes {
            for connection in &lane.connections {
                let Some(phase) = connection.phase else {
                    continue;
                };
                let ruling = phases.iter().find(|known| known.id == phase);
                let gives_way = ruling.is_some_and(|known| known.green == GreenKind::Permissive);
                let (ways, ends) = if on_foot(lane) {
                    (lane.centre.clone(), None)
                } else {
                    match path::next_lane(links.iter().copied(), here, (lane, connection)) {
                        Some(next) => (way(lane, next), next.centre.first().copied()),
                        None => continue,
                    }
                };
                if let Some(path) = Path::new(phase, lane, ways, ends) {
                    paths.push(Path {
                        turn: connection.turn,
                        yields: gives_way,
                        ..path
                    });
                }
                if paths.len() >= MOST_PATHS {
                    return paths;
                }
            }
        }
    }
    paths
}

/// Over the junction, with the last metres before it and the first behind it.
fn way(lane: &Lane, next: &Lane) -> Vec<Enu> {
    let mut way = line::last_part(&lane.centre, BEFORE_M);
    way.pop();
    way.extend(path::between(lane, next).unwrap_or_default());
    way.pop();
    way.extend(line::first_part(&next.centre, BEYOND_M));
    way
}

fn on_foot(lane: &Lane) -> bool {
    matches!(lane.kind, LaneKind::Crosswalk(_) | LaneKind::Sidewalk(_))
}

/// What one connection sweeps.
struct Path {
    phase: PhaseId,
    on_foot: bool,
    turn: Turn,
    /// Whether it turns under a green that gives way.
    yields: bool,
    line: Vec<Enu>,
    /// Where it begins, and in which direction.
    start: Enu,
    heading: (f64, f64),
    /// Where the next lane begins.
    ends: Option<Enu>,
    low: (f64, f64),
    high: (f64, f64),
}

impl Path {
    fn new(phase: PhaseId, lane: &Lane, line: Vec<Enu>, ends: Option<Enu>) -> Option<Self> {
        let [.., before, start] = lane.centre[..] else {
            return None;
        };
        let low = |of: fn(&Enu) -> f64| line.iter().map(of).fold(f64::INFINITY, f64::min);
        let high = |of: fn(&Enu) -> f64| line.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = (
            (low(|p| p.east_m), low(|p| p.north_m)),
            (high(|p| p.east_m), high(|p| p.north_m)),
        );
        Some(Path {
            phase,
            on_foot: on_foot(lane),
            turn: Turn::Straight,
            yields: false,
            start,
            heading: line::direction(before, start),
            ends,
            low,
            high,
            line,
        })
    }

    fn conflicts_with(&self, other: &Path) -> bool {
        if self.start == other.start || (self.on_foot && other.on_foot) {
            return false;
        }
        if self.gives_way_to(other) || other.gives_way_to(self) || self.passes(other) {
            return false;
        }
        self.ends_with(other)
            || (self.overlaps(other) && line::cross_each_other(&self.line, &other.line))
    }

    fn gives_way_to(&self, other: &Path) -> bool {
        match self.turn {
            Turn::Right => self.yields,
            Turn::Left | Turn::UTurn => self.yields && (self.faces(other) || other.on_foot),
            Turn::Straight => false,
        }
    }

    /// Two that turn to the left, or back, before each other.
    fn passes(&self, other: &Path) -> bool {
        let left = |path: &Path| matches!(path.turn, Turn::Left | Turn::UTurn) && !path.on_foot;
        left(self) && left(other) && self.faces(other)
    }

    fn faces(&self, other: &Path) -> bool {
        self.heading.0 * other.heading.0 + self.heading.1 * other.heading.1 < FACING
    }

    fn ends_with(&self, other: &Path) -> bool {
        match (self.ends, other.ends) {
            (Some(one), Some(two)) => line::distance_m(one, two) < SAME_LANE_M,
            _ => false,
        }
    }

    fn overlaps(&self, other: &Path) -> bool {
        self.low.0 <= other.high.0
            && other.low.0 <= self.high.0
            && self.low.1 <= other.high.1
            && other.low.1 <= self.high.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOYU: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");

    fn moyu() -> Site {
        Site::parse(MOYU, "site.toml").unwrap()
    }

    fn ids(pairs: &[(PhaseId, PhaseId)]) -> Vec<(u8, u8)> {
        pairs.iter().map(|(a, b)| (a.value(), b.value())).collect()
    }

    #[test]
    fn a_conflict_holds_both_ways_and_never_with_itself() {
        let site = moyu();
        let id = |id| PhaseId::new(id).unwrap();
        assert!(site.conflict(id(1), id(65)) && site.conflict(id(65), id(1)));
        assert!(
            !site.conflict(id(1), id(129)),
            "north and south go together"
        );
        assert!(!site.conflict(id(1), id(1)));
    }

    #[test]
    fn every_crossing_of_the_shipped_site_is_listed() {
        let site = moyu();
        let found = site.crossings();
        // The list has four more: a left turn and the straight road into the same link but another
        // lane, which the controller keeps apart though the centre lines do not meet.
        let more: Vec<_> = site
            .conflicts
            .iter()
            .filter(|pair| !found.contains(pair))
            .copied()
            .collect();
        assert!(
            found.iter().all(|pair| site.conflicts.contains(pair)),
            "{found:?}"
        );
        assert_eq!(ids(&more), [(1, 66), (2, 193), (65, 130), (129, 194)]);
    }

    #[test]
    fn who_turns_under_a_permissive_green_conflicts_only_with_those_from_the_side() {
        let text = MOYU.replacen(
            "name       = \"north left\"\ncontroller = \"signal\"\nlamps      = [2]\ngreen      = \"protected\"",
            "name       = \"north left\"\ncontroller = \"signal\"\nlamps      = [2]\ngreen      = \"permissive\"",
            1,
        );
        let found = ids(&Site::parse(&text, "site.toml").unwrap().crossings());
        assert!(
            !found.contains(&(2, 129)),
            "against the straight road from ahead: {found:?}"
        );
        assert!(
            found.contains(&(2, 65)),
            "against the straight road from the side: {found:?}"
        );
    }

    #[test]
    fn a_permissive_right_turn_conflicts_with_nothing_and_a_protected_one_where_roads_merge() {
        let ruled = |green: &str| {
            let phase = format!(
                "\n[[phase]]\nid = 3\nname = \"north right\"\ncontroller = \"signal\"\nlamps = [9]\ngreen = \"{green}\"\n"
            );
            MOYU.replacen(
                "{ to-node = 14, to-lane = 3, turn = \"right\" }",
                "{ to-node = 14, to-lane = 3, turn = \"right\", phase = 3 }",
                1,
            ) + &phase
        };
        let of = |green| ids(&Site::parse(&ruled(green), "site.toml").unwrap().crossings());
        let with_it = |pairs: Vec<(u8, u8)>| -> Vec<(u8, u8)> {
            pairs
                .into_iter()
                .filter(|(a, b)| *a == 3 || *b == 3)
                .collect()
        };
        assert_eq!(with_it(of("permissive")), []);
        // The straight road from the east ends in the same lane 3 to the west.
        assert_eq!(with_it(of("protected")), [(3, 65)]);
    }
}
