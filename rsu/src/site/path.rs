//! The way over the junction: how a connection bends from the end of its lane to the next link.
//!
//! Nobody surveys these lines. They are cubic curves that leave a lane in its direction and enter the
//! next in its direction, which for a quarter turn is a circle to within 3 cm in 10 m. They serve to
//! find out what crosses and to be drawn; MAP does not carry them.

use std::mem::discriminant;

use v2x_msg::base::{Enu, NodeId};
use v2x_msg::kinds::map::LaneKind;

use super::{Connection, Lane, Link, Site, Turn, line};

/// Pieces of a curve.
const PIECES: u8 = 16;
/// Where the curve's handles stand, as a share of the distance from end to end; 0.39 of the chord
/// makes a quarter turn a circle.
const HANDLE: f64 = 0.39;

impl Site {
    /// The line over the junction that a connection of a lane takes, from the lane's end to the
    /// beginning of the next; None where that lane does not exist.
    pub fn path(&self, lane: &Lane, connection: &Connection) -> Option<Vec<Enu>> {
        let next = next_lane(&self.links, self.node, (lane, connection))?;
        between(lane, next)
    }

    /// The lane that a connection of a lane leads to, where it exists.
    pub fn lane_after(&self, lane: &Lane, connection: &Connection) -> Option<&Lane> {
        next_lane(&self.links, self.node, (lane, connection))
    }
}

/// The lane that a connection of a lane leads to. Where the site names none, one for the same road users: the
/// left one for turns to the left and back, the right one for turns to the right, the one in the middle
/// for straight on. Who finds none of their own, as riders where their lane ends, have one for motor vehicles.
pub(super) fn next_lane<'a>(
    links: impl IntoIterator<Item = &'a Link>,
    here: NodeId,
    (lane, connection): (&Lane, &Connection),
) -> Option<&'a Lane> {
    let leads = |link: &&Link| link.upstream == here && link.downstream == connection.to_node;
    let exit = links.into_iter().find(leads)?;
    if let Some(id) = connection.to_lane {
        return exit.lane(id);
    }
    let motor = |other: &&Lane| matches!(other.kind, LaneKind::Vehicle(_));
    let same = |other: &&Lane| discriminant(&other.kind) == discriminant(&lane.kind);
    pick(connection.turn, || exit.lanes.iter().filter(same))
        .or_else(|| pick(connection.turn, || exit.lanes.iter().filter(motor)))
}

/// The one of some lanes, from the left, that a turn leads to.
fn pick<'a, I: DoubleEndedIterator<Item = &'a Lane>>(
    turn: Turn,
    lanes: impl Fn() -> I,
) -> Option<&'a Lane> {
    match turn {
        Turn::Left | Turn::UTurn => lanes().next(),
        Turn::Right => lanes().next_back(),
        Turn::Straight => {
            let count = lanes().count();
            lanes().nth(count / 2)
        }
    }
}

/// From the end of one lane to the beginning of another; None where one of them is no line.
pub(super) fn between(from: &Lane, to: &Lane) -> Option<Vec<Enu>> {
    let [.., before, start] = from.centre[..] else {
        return None;
    };
    let [end, after, ..] = to.centre[..] else {
        return None;
    };
    let handle_m = HANDLE * line::distance_m(start, end);
    let leaving = line::towards(start, line::direction(before, start), handle_m);
    let entering = line::towards(end, line::direction(end, after), -handle_m);
    let curve = (0..=PIECES).map(|piece| {
        let t = f64::from(piece) / f64::from(PIECES);
        let s = 1.0 - t;
        let shares = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
        mixed([start, leaving, entering, end], shares)
    });
    Some(curve.collect())
}

fn mixed(points: [Enu; 4], shares: [f64; 4]) -> Enu {
    let mix = |of: fn(&Enu) -> f64| points.iter().zip(shares).map(|(p, s)| of(p) * s).sum();
    Enu {
        east_m: mix(|p| p.east_m),
        north_m: mix(|p| p.north_m),
        up_m: mix(|p| p.up_m),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_is_nearly_a_circle() {
        let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
        let site = Site::parse(text, "site.toml").unwrap();
        let lane = &site.links[0].lanes[0];
        let path = site.path(lane, &lane.connections[0]).unwrap();
        assert_eq!(path[0], lane.end());
        // From (-1.625, 20) southward to (20, -1.625) eastward: about (20, 20), 21.625 m.
        for point in path {
            let radius_m = (point.east_m - 20.0).hypot(point.north_m - 20.0);
            assert!((radius_m - 21.625).abs() < 0.07, "{radius_m}");
        }
    }

    #[test]
    fn where_no_lane_is_named_one_goes_on_in_a_lane_of_ones_own_sort() {
        let text = include_str!("../../../configs/sites/moyu-boyuan-riders.toml");
        let mut site = Site::parse(text, "site.toml").unwrap();
        let mut looked_at = [0, 0];
        for link in &mut site.links {
            let lanes = link.lanes.iter_mut();
            lanes
                .flat_map(|lane| &mut lane.connections)
                .for_each(|one| one.to_lane = None);
        }
        for link in site
            .links
            .iter()
            .filter(|link| link.downstream == site.node)
        {
            for lane in &link.lanes {
                for connection in &lane.connections {
                    let Some(next) = site.lane_after(lane, connection) else {
                        continue;
                    };
                    let (from, to) = (discriminant(&lane.kind), discriminant(&next.kind));
                    assert_eq!(from, to, "{lane:?} leads to {next:?}");
                    looked_at[usize::from(matches!(lane.kind, LaneKind::Bike(_)))] += 1;
                }
            }
        }
        assert!(looked_at.iter().all(|&count| count > 4), "{looked_at:?}");
    }
}
