//! Where the lanes of one junction go on in those of another, and why they may not.
//!
//! Not here: who goes over ([`super::joined`]).

use v2x_msg::base::NodeId;

use crate::plane::Point;
use crate::world::World;

/// One junction of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Its node.
    pub node: NodeId,
    /// Its origin, on the plane of the network.
    pub origin: Point,
}

/// A lane that goes on in another world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seam {
    pub(super) from: usize,
    pub(super) exit: usize,
    pub(super) to: usize,
    pub(super) approach: usize,
}

/// Why junctions do not make a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotANetwork {
    /// Two junctions with one number.
    #[error("two junctions are node {0}")]
    Twice(NodeId),
    /// Lanes that do not meet.
    #[error(
        "lane {lane} of the road from {from} to {to} ends {gap_m:.1} m from where any lane from {from} \
         begins at {to}; let the roads of both sites end at the same place"
    )]
    Apart {
        /// Where the road comes from.
        from: NodeId,
        /// Where it leads.
        to: NodeId,
        /// Its lane, from the left.
        lane: usize,
        /// To the nearest.
        gap_m: f64,
    },
    /// A lane that nobody comes into.
    #[error("no lane of the road from {from} leads into lane {lane} of {to} from there")]
    Unfed {
        /// Where the road comes from.
        from: NodeId,
        /// Where it leads.
        to: NodeId,
        /// Its number there.
        lane: v2x_msg::base::LaneId,
    },
    /// Nothing says where those go who come from another junction.
    #[error(
        "junction {to} says nothing of those who come from {from}: add a demand, of nought an hour"
    )]
    NoShares {
        /// Where they come from.
        from: NodeId,
        /// Where nothing is said.
        to: NodeId,
    },
}

/// Which lanes from one junction go on in which lanes of another.
pub(super) fn meet(
    places: &[Place],
    from: usize,
    one: &World,
    to: usize,
    other: &World,
) -> Result<Vec<Seam>, NotANetwork> {
    let (own, theirs) = (places[from], places[to]);
    let off = own.origin.minus(theirs.origin);
    let lanes = other.roads().approaches.iter().enumerate();
    let into: Vec<usize> = lanes
        .filter(|(_, lane)| lane.from == own.node)
        .map(|(i, _)| i)
        .collect();
    let mut seams = Vec::new();
    let of_road = one.roads().exits.iter().enumerate();
    let of_road = of_road.filter(|(_, lane)| lane.to == theirs.node);
    for (lane, (exit, road)) in of_road.enumerate() {
        let end = road.centre.last().copied().unwrap_or_default().plus(off);
        let gap_m = |&approach: &usize| {
            let centre = &other.roads().approaches[approach].centre;
            centre
                .first()
                .map_or(f64::INFINITY, |start| start.distance_m(end))
        };
        let nearest = into
            .iter()
            .copied()
            .min_by(|a, b| gap_m(a).total_cmp(&gap_m(b)));
        let apart_m = nearest.as_ref().map_or(f64::INFINITY, gap_m);
        match nearest.filter(|_| apart_m <= MEET_M) {
            Some(approach) => seams.push(Seam {
                from,
                exit,
                to,
                approach,
            }),
            None => {
                return Err(NotANetwork::Apart {
                    from: own.node,
                    to: theirs.node,
                    lane: lane + 1,
                    gap_m: apart_m,
                });
            }
        }
    }
    let fed = |approach: &usize| seams.iter().any(|seam| seam.approach == *approach);
    if let Some(&dry) = into.iter().find(|approach| !fed(approach)) {
        return Err(NotANetwork::Unfed {
            from: own.node,
            to: theirs.node,
            lane: other.roads().approaches[dry].id,
        });
    }
    if !into.is_empty() && other.turn_of(own.node, 0, 0).is_none() {
        return Err(NotANetwork::NoShares {
            from: own.node,
            to: theirs.node,
        });
    }
    Ok(seams)
}

/// Lanes that end and begin so near to each other are one. A frame that touches the earth elsewhere is
/// turned a little: 0.1 m in a kilometre.
const MEET_M: f64 = 1.0;
