//! Where buses call: in which lane, how far before its end, and for how long one may stand there.
//!
//! A stop in the lane is part of the road as a stop line is: who knows of none takes a bus that lets
//! people in for an obstacle. A stop aside of the lanes needs no entry, for nobody stands in a lane
//! there. Not here: who stands at one ([`crate::events::detect`]).

use std::time::Duration;

#[cfg(feature = "daemon")]
use v2x_msg::base::Enu;
use v2x_msg::base::{LaneId, NodeId};

use super::read::{MAX_REACH_M, node_id, required_id};
use super::{Lane, Link, Site, across, line};
use crate::sheet::{At, Table};

/// A place in a lane where buses call.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// For people; may be empty.
    pub name: String,
    /// Where its link comes from.
    pub upstream: NodeId,
    /// Where its link leads.
    pub downstream: NodeId,
    /// Which of its lanes.
    pub lane: LaneId,
    /// From its downstream end, where the first bus stands, to the lane's end: its stop line, where it
    /// has one.
    pub from_stop_line_m: f64,
    /// How far upstream of that buses stand.
    pub length_m: f64,
    /// Longest that a bus stands there on an ordinary day; None: as the detector has it.
    pub dwell: Option<Duration>,
}

impl Stop {
    /// The lane that it is in, and where in it: from its beginning to the upstream and the downstream end.
    pub(crate) fn on<'s>(&self, site: &'s Site) -> Option<(&'s Lane, f64, f64)> {
        let lane = site.link(self.upstream, self.downstream)?.lane(self.lane)?;
        let to_m = line::length_m(&lane.centre) - self.from_stop_line_m;
        Some((lane, to_m - self.length_m, to_m))
    }

    /// Its line along the lane, from upstream.
    #[cfg(feature = "daemon")]
    pub(crate) fn line(&self, site: &Site) -> Vec<Enu> {
        let Some((lane, from_m, to_m)) = self.on(site) else {
            return Vec::new();
        };
        line::last_part(&line::first_part(&lane.centre, to_m), to_m - from_m)
    }
}

/// Longest that one stop may be.
const MAX_LENGTH_M: f64 = 200.0;

/// `links_whole` if all links are there: else a stop on one that is not is no fault of its own.
pub(super) fn stop(
    mut table: Table<'_, '_>,
    links: &[At<Link>],
    links_whole: bool,
) -> Option<At<Stop>> {
    let line = table.line();
    let name = table.text("name").map_or("", |name| name.value).to_owned();
    let mut on = table.table("on");
    let on_line = on.line();
    let upstream = node_id(&mut on, "upstream");
    let downstream = node_id(&mut on, "downstream");
    let lane = required_id(&mut on, "lane", LaneId::new);
    let mut needed = |key, least| {
        if !on.has(key) {
            on.missing(key);
        }
        on.number(key, least..=MAX_REACH_M).map(|m| m.value)
    };
    let from_stop_line_m = needed("from-stop-line-m", 0.0);
    let length_m = needed("length-m", 5.0);
    on.finish();
    let dwell = table.number("dwell-s", 5.0..=3600.0);
    let value = (|| {
        Some(Stop {
            name,
            upstream: upstream?,
            downstream: downstream?,
            lane: lane?,
            from_stop_line_m: from_stop_line_m?,
            length_m: length_m?,
            dwell: dwell.map(|dwell| Duration::from_secs_f64(dwell.value)),
        })
    })();
    let reason = value.as_ref().and_then(|stop| fault(stop, links));
    if let Some(reason) = reason.filter(|_| links_whole) {
        table.wrong(on_line, "on", &reason);
    }
    table.finish();
    Some(At {
        line,
        value: value?,
    })
}

/// Why nobody can call there.
fn fault(stop: &Stop, links: &[At<Link>]) -> Option<String> {
    let ends = (stop.upstream, stop.downstream);
    let is_it = |at: &&At<Link>| (at.value.upstream, at.value.downstream) == ends;
    let Some(link) = links.iter().find(is_it) else {
        return Some(format!(
            "there is no link from node {} to node {}",
            ends.0, ends.1
        ));
    };
    let Some(lane) = link.value.lane(stop.lane) else {
        let id = stop.lane.value();
        return Some(format!("link \"{}\" has no lane {id}", link.value.name));
    };
    if across(lane.kind) {
        return Some("no bus drives along a crosswalk".to_owned());
    }
    if stop.length_m > MAX_LENGTH_M {
        return Some(format!("a stop is no longer than {MAX_LENGTH_M} m"));
    }
    let (long_m, wanted_m) = (
        line::length_m(&lane.centre),
        stop.from_stop_line_m + stop.length_m,
    );
    (wanted_m > long_m).then(|| {
        format!(
            "{wanted_m} m before its end is beyond the lane's beginning: it is {long_m:.1} m long"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOYU: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");

    fn with(stop: &str) -> Result<Site, String> {
        let text = format!("{MOYU}\n[[stop]]\n{stop}\n");
        Site::parse(&text, "site.toml").map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_stop_lies_in_its_lane_so_far_before_the_stop_line() {
        let on =
            "{ upstream = 12, downstream = 10, lane = 3, from-stop-line-m = 60, length-m = 25 }";
        let site = with(&format!("name = \"Boyuan Rd\"\non = {on}\ndwell-s = 45")).unwrap();
        let stop = site.stops.last().unwrap();
        assert_eq!(stop.dwell, Some(Duration::from_secs(45)));
        let (lane, from_m, to_m) = stop.on(&site).unwrap();
        assert_eq!(lane.id.value(), 3);
        assert!((from_m - 165.0).abs() < 1e-9 && (to_m - 190.0).abs() < 1e-9);
    }

    #[test]
    fn a_stop_where_no_bus_can_stand_is_refused_with_its_line() {
        let line = MOYU.matches('\n').count() + 3;
        let refused = |on: &str| with(&format!("on = {{ {on} }}")).unwrap_err();
        for (on, reason) in [
            (
                "upstream = 12, downstream = 11, lane = 1, from-stop-line-m = 60, length-m = 25",
                "no link from node 12 to node 11",
            ),
            (
                "upstream = 12, downstream = 10, lane = 9, from-stop-line-m = 60, length-m = 25",
                "has no lane 9",
            ),
            (
                "upstream = 12, downstream = 10, lane = 3, from-stop-line-m = 240, length-m = 25",
                "beyond the lane's beginning",
            ),
            (
                "upstream = 12, downstream = 10, lane = 3, from-stop-line-m = 60",
                "length-m",
            ),
            (
                "upstream = 12, downstream = 10, lane = 3, from-stop-line-m = 60, length-m = 25, wide = 3",
                "wide",
            ),
        ] {
            let told = refused(on);
            assert!(told.contains(reason), "{told}");
            assert!(told.contains(&format!("site.toml:{line}")), "{told}");
        }
    }

    #[test]
    fn a_site_with_stops_comes_back_from_its_own_writing() {
        let on =
            "{ upstream = 10, downstream = 13, lane = 3, from-stop-line-m = 60.5, length-m = 25 }";
        let site = with(&format!("name = \"a \\\"b\\\"\"\non = {on}\ndwell-s = 45")).unwrap();
        let back = Site::parse(&site.to_toml(&[]), "back.toml").unwrap();
        assert_eq!(back.stops, site.stops);
    }
}
