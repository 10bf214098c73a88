//! Lines that run through a network: what runs, through which junctions, and when one sets out.

use rsu::clock::Mono;
use std::time::Duration;
use v2x_msg::base::{LaneId, NodeId};

use crate::random::Stream;
use crate::world::lines::{Call, Service};

/// A line of buses, or the way of an emergency vehicle.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// As people call it.
    pub name: String,
    /// What runs.
    pub service: Service,
    /// From where it comes, through which junctions, and where it goes.
    nodes: Vec<NodeId>,
    /// It begins again at its end.
    closed: bool,
    start: Start,
    sent: u32,
    calls: Calls,
}

/// When and how vehicles of a line set out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// When the first does.
    pub from: Mono,
    /// From one to the next.
    pub every: Duration,
    /// How many.
    pub count: u32,
    /// In this lane; None: in the leftmost that leads their way.
    pub lane: Option<LaneId>,
}

/// Where vehicles of a line call, for how long, and how fast they drive between.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calls {
    /// On the way to these junctions, so many metres before the stop line.
    pub stops: Vec<(NodeId, f64)>,
    /// They stand for a time between these two.
    pub dwell_s: (f64, f64),
    /// No faster than this.
    pub most_mps: Option<f64>,
}

impl Line {
    /// A line by at least three nodes.
    pub fn new(
        name: String,
        service: Service,
        nodes: Vec<NodeId>,
        closed: bool,
        start: Start,
    ) -> Option<Self> {
        (nodes.len() >= 3).then_some(Self {
            name,
            service,
            nodes,
            closed,
            start,
            sent: 0,
            calls: Calls::default(),
        })
    }

    /// The same with stops.
    pub fn calling(self, calls: Calls) -> Self {
        Self { calls, ..self }
    }

    /// As fast as its vehicles drive, if that is not as one may.
    pub(super) fn most_mps(&self) -> Option<f64> {
        self.calls.most_mps
    }

    /// The lane in which its vehicles set out, if it says.
    pub(super) fn lane(&self) -> Option<LaneId> {
        self.start.lane
    }

    /// What is done on the way to a junction whose stop line is at `stop_m` of the route: nothing, or a
    /// call.
    pub(super) fn call(&self, to: NodeId, stop_m: f64, mut draw: Stream) -> Option<Call> {
        let stops = &self.calls.stops;
        let (_, before_m) = stops.iter().find(|(node, _)| *node == to)?;
        let (least_s, most_s) = self.calls.dwell_s;
        Some(Call {
            at_m: stop_m - before_m,
            dwell: Duration::from_secs_f64(draw.between(least_s, most_s)),
            until: None,
        })
    }

    /// Where it goes on who has come from the first of two nodes to the second; None where it ends, or
    /// does not run.
    pub fn after(&self, (from, here): (NodeId, NodeId)) -> Option<NodeId> {
        let count = self.nodes.len();
        let stops = if self.closed { count } else { count - 2 };
        (0..stops)
            .find(|&i| self.nodes[i] == from && self.nodes[(i + 1) % count] == here)
            .map(|i| self.nodes[(i + 2) % count])
    }

    /// Whether the line runs from the first of three nodes by the second to the third.
    pub fn ways(&self) -> impl Iterator<Item = (NodeId, NodeId, NodeId)> + '_ {
        let count = self.nodes.len();
        let ways = if self.closed { count } else { count - 2 };
        (0..ways).map(move |i| {
            let node = |i: usize| self.nodes[i % count];
            (node(i), node(i + 1), node(i + 2))
        })
    }

    /// Junctions of one round; None if it ends.
    pub fn round(&self) -> Option<usize> {
        self.closed.then_some(self.nodes.len())
    }

    /// From where, to which junction, and on to where it begins.
    pub(super) fn first(&self) -> (NodeId, NodeId, NodeId) {
        (self.nodes[0], self.nodes[1], self.nodes[2])
    }

    /// Whether another bus is to set out.
    pub(super) fn is_due(&self, now: Mono) -> bool {
        let start = &self.start;
        self.sent < start.count && now >= start.from + start.every * self.sent
    }

    /// One has set out.
    pub(super) fn send(&mut self) {
        self.sent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u16) -> NodeId {
        NodeId { region: None, id }
    }

    fn line(closed: bool) -> Line {
        let nodes = [1, 2, 3, 4].map(node).to_vec();
        let start = Start {
            from: Mono::ZERO,
            every: Duration::from_secs(60),
            count: 2,
            lane: None,
        };
        Line::new("7".to_owned(), Service::Bus, nodes, closed, start).expect("four nodes")
    }

    #[test]
    fn a_line_knows_where_it_goes_on() {
        assert_eq!(line(false).after((node(2), node(3))), Some(node(4)));
        assert_eq!(line(false).after((node(3), node(4))), None, "it has ended");
        assert_eq!(line(true).after((node(3), node(4))), Some(node(1)));
        assert_eq!(line(true).after((node(4), node(1))), Some(node(2)));
        assert_eq!(line(true).after((node(1), node(4))), None, "the other way");
    }

    #[test]
    fn buses_set_out_one_after_the_other() {
        let mut line = line(true);
        assert!(line.is_due(Mono::ZERO));
        line.send();
        let minute = Mono::ZERO + Duration::from_secs(60);
        assert!(!line.is_due(Mono::ZERO) && line.is_due(minute));
        line.send();
        assert!(
            !line.is_due(minute + Duration::from_secs(600)),
            "there are two"
        );
    }
}
