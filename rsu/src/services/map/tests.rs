//! What a receiver reads of a site.

use v2x_msg::access::dsmp;
use v2x_msg::base::{Enu, LaneId, NodeId, PhaseId};
use v2x_msg::kinds::map::{Movement, Node, SpeedLimitKind};

use super::*;
use crate::clock::Utc;
use crate::services::event::Event;
use crate::services::fixture::{HERE, crossing, far};
use crate::site::line;
use crate::site::simplify::error_m;

/// 2025-12-31T23:59:59Z.
fn now() -> Now {
    Now {
        mono: Mono::ZERO,
        utc: Utc::from_unix_ms(1_767_225_599_000).unwrap(),
    }
}

fn service(site: &Site) -> (Service, Vec<Event>) {
    let mut events = Events::default();
    let count = MsgCount::new(127).unwrap();
    let service = Service::new(&Config::default(), site, count, &mut events).unwrap();
    (service, std::iter::from_fn(|| events.poll()).collect())
}

/// The messages of one slot, as a receiver reads them.
fn slot(service: &mut Service, now: Now, dated: bool) -> Vec<Map> {
    service.ready = Some((now.mono, 0));
    let mut frame = Frame::new();
    let mut messages = Vec::new();
    while service.is_ready() {
        service.compose(now, dated, &mut frame).unwrap();
        let dsmp = dsmp::parse(frame.bytes()).unwrap();
        assert_eq!(dsmp.aid_number, 3618);
        messages.push(Map::read(&Message::decode(dsmp.data).unwrap()).unwrap());
    }
    messages
}

fn first(site: &Site) -> Map {
    slot(&mut service(site).0, now(), true).remove(0)
}

#[test]
fn the_junction_comes_with_its_in_links_and_the_exits_as_in_links_of_neighbours() {
    let map = first(&crossing(2, 2));
    let ids: Vec<_> = map.nodes().iter().map(|node| node.id).collect();
    assert_eq!(ids, [HERE, far(0), far(1), far(2), far(3)]);
    let upstream: Vec<_> = map.nodes()[0]
        .links()
        .iter()
        .map(|link| link.upstream)
        .collect();
    assert_eq!(upstream, [far(0), far(1), far(2), far(3)]);
    for neighbour in &map.nodes()[1..] {
        let upstream: Vec<_> = neighbour.links().iter().map(|link| link.upstream).collect();
        assert_eq!(upstream, [HERE]);
    }
}

#[test]
fn a_link_tells_width_limit_points_and_where_it_leads() {
    let map = first(&crossing(2, 2));
    let link = &map.nodes()[0].links()[0];
    assert_eq!(link.width.steps(), 700);
    assert_eq!(link.speed_limits[0].kind, SpeedLimitKind::VehicleMax);
    assert_eq!(link.speed_limits[0].speed.steps(), 695);
    assert_eq!(link.points.as_ref().unwrap().len(), 2);
    let leads = Movement {
        remote: far(2),
        phase: PhaseId::new(1).ok(),
    };
    assert_eq!(&link.movements[..], [leads]);
}

#[test]
fn a_lane_tells_its_line_maneuvers_and_connections() {
    let site = crossing(2, 2);
    let map = first(&site);
    let lane = &map.nodes()[0].links()[0].lanes()[1];
    assert_eq!(lane.id, LaneId::new(2).unwrap());
    assert_eq!(lane.width.unwrap().steps(), 350);
    assert!(lane.maneuvers.is_some());
    assert_eq!(lane.connects_to[0].remote, far(2));
    assert_eq!(lane.connects_to[0].phase, PhaseId::new(1).ok());
    assert_eq!(lane.connects_to[0].lane.unwrap().lane, lane.id);
    let stop = *lane.points.as_ref().unwrap().last().unwrap();
    let (stop, truth) = (site.frame.enu(stop), site.links[0].lanes[1].centre[1]);
    assert!((stop.east_m - truth.east_m).hypot(stop.north_m - truth.north_m) < 0.02);
}

#[test]
fn only_the_count_and_the_minute_change_from_message_to_message() {
    let site = crossing(2, 2);
    let (mut service, events) = service(&site);
    assert_eq!(events, []);
    let before = slot(&mut service, now(), true).remove(0);
    let second = Duration::from_secs(1);
    let later = Now {
        mono: now().mono + second,
        utc: now().utc + second,
    };
    let after = slot(&mut service, later, true).remove(0);
    assert_eq!((before.msg_cnt.value(), after.msg_cnt.value()), (127, 0));
    assert_eq!(
        before.time_stamp.map(MinuteOfYear::value),
        Some(365 * 1440 - 1)
    );
    assert_eq!(after.time_stamp.map(MinuteOfYear::value), Some(0));
    assert_eq!(before.nodes(), after.nodes());
}

#[test]
fn without_a_good_clock_no_minute_is_told() {
    let (mut service, _) = service(&crossing(2, 2));
    assert_eq!(slot(&mut service, now(), false)[0].time_stamp, None);
}

/// The site with the bends of all its lines, half a metre, made `factor` times as wide.
fn bent(mut site: Site, factor: f64) -> Site {
    for link in &mut site.links {
        let lanes = link.lanes.iter_mut().map(|lane| &mut lane.centre);
        for line in lanes.chain([&mut link.points]) {
            let (first, last) = (line[0], line[line.len() - 1]);
            for point in line.iter_mut() {
                let share =
                    (point.east_m - first.east_m).hypot(point.north_m - first.north_m) / 180.0;
                let wider = |from: f64, to: f64, is: f64| {
                    let straight = from + (to - from) * share;
                    straight + (is - straight) * factor
                };
                point.east_m = wider(first.east_m, last.east_m, point.east_m);
                point.north_m = wider(first.north_m, last.north_m, point.north_m);
            }
        }
    }
    site
}

#[test]
fn what_is_too_long_is_told_more_coarsely_before_it_is_split() {
    let site = bent(crossing(4, 6), 0.3);
    let (mut service, events) = service(&site);
    assert_eq!(events, [Event::MapCoarser { tolerance_m: 0.1 }]);
    let messages = slot(&mut service, now(), true);
    assert_eq!((messages.len(), messages[0].nodes().len()), (1, 5));
}

#[test]
fn neighbours_follow_in_messages_of_their_own_where_the_whole_is_too_long() {
    let (mut service, events) = service(&bent(crossing(4, 6), 4.0));
    let messages = slot(&mut service, now(), true);
    let parts = messages.len();
    assert_eq!(events, [Event::MapInParts { parts }]);
    assert_eq!(messages[0].nodes()[0].links().len(), 4);
    let ids: Vec<_> = messages
        .iter()
        .flat_map(Map::nodes)
        .map(|node| node.id)
        .collect();
    assert_eq!(
        ids,
        [HERE, far(0), far(1), far(2), far(3)],
        "each node once"
    );
}

#[test]
fn a_junction_that_is_too_long_goes_out_in_parts_that_hold_all_its_links() {
    let (mut service, events) = service(&bent(crossing(6, 12), 8.0));
    let messages = slot(&mut service, now(), true);
    let parts = messages.len();
    assert_eq!(
        events,
        [
            Event::MapCoarser { tolerance_m: 0.48 },
            Event::MapInParts { parts }
        ]
    );
    let of_here = messages
        .iter()
        .flat_map(Map::nodes)
        .filter(|node| node.id == HERE);
    assert!(of_here.clone().count() > 1);
    let links: Vec<_> = of_here
        .flat_map(Node::links)
        .map(|link| link.upstream)
        .collect();
    assert_eq!(links, [far(0), far(1), far(2), far(3)]);
    let counts: Vec<u8> = messages.iter().map(|map| map.msg_cnt.value()).collect();
    let expected: Vec<u8> = (0..parts).map(|part| ((127 + part) % 128) as u8).collect();
    assert_eq!(counts, expected);
}

/// Four links of so many lanes to the junction, and four away from it, on arcs.
fn curved(lanes: u8, radius_m: f64, long_m: f64) -> Site {
    let mut site = crossing(lanes, 2);
    for link in &mut site.links {
        let inward = link.downstream == HERE;
        let bend = |line: &mut Vec<Enu>| {
            let (from, to) = if inward {
                (line[1], line[0])
            } else {
                (line[0], line[1])
            };
            let long = (to.east_m - from.east_m).hypot(to.north_m - from.north_m);
            let way = (
                (to.east_m - from.east_m) / long,
                (to.north_m - from.north_m) / long,
            );
            let steps = (long_m / 5.0) as u32;
            let point = |step: u32| {
                let angle = f64::from(step) * 5.0 / radius_m;
                let (out_m, left_m) = (radius_m * angle.sin(), radius_m * (1.0 - angle.cos()));
                Enu {
                    east_m: from.east_m + way.0 * out_m - way.1 * left_m,
                    north_m: from.north_m + way.1 * out_m + way.0 * left_m,
                    up_m: 0.0,
                }
            };
            *line = (0..=steps).map(point).collect();
            if inward {
                line.reverse();
            }
        };
        bend(&mut link.points);
        link.lanes
            .iter_mut()
            .for_each(|lane| bend(&mut lane.centre));
    }
    site
}

#[test]
fn four_links_of_five_lanes_on_bends_are_in_one_message() {
    // The radius, and how much of 300 m there is room for.
    for (radius_m, room_m) in [
        (150.0, 250.0),
        (200.0, 300.0),
        (300.0, 300.0),
        (500.0, 300.0),
    ] {
        let site = curved(5, radius_m, 300.0);
        let (messages, left_out) = messages(&Config::default(), &site, None).unwrap();
        let first = Map::read(&messages[0]).unwrap();
        assert_eq!(first.nodes()[0].id, HERE);
        assert_eq!(first.nodes()[0].links().len(), 4);
        assert!(left_out.spread.is_empty() && left_out.links.is_empty());
        for cut in &left_out.cuts {
            assert!(cut.told_m >= room_m, "{radius_m}: {cut:?}");
        }
        assert_eq!(left_out.cuts.is_empty(), room_m >= 300.0, "{radius_m}");
        let first = &first.nodes()[0];
        for (told, source) in first.links().iter().zip(site.approaches()) {
            for (told, source) in told.lanes().iter().zip(&source.lanes) {
                let points = told.points.as_ref().unwrap().iter();
                let read: Vec<Enu> = points.map(|point| site.frame.enu(*point)).collect();
                let read: Vec<Enu> = read.iter().map(|p| Enu { up_m: 0.0, ..*p }).collect();
                let near = line::last_part(&source.centre, line::length_m(&read));
                // What T/CSAE 159-2020, 8.2.3 allows, with what positions are rounded by.
                let off_m = error_m(&near, &read).max(error_m(&read, &source.centre));
                assert!(off_m <= 0.5, "{radius_m}: {off_m}");
            }
        }
    }
}

#[test]
fn a_junction_with_no_room_is_told_shorter_before_it_is_split() {
    let site = curved(5, 120.0, 300.0);
    let (messages, left_out) = messages(&Config::default(), &site, None).unwrap();
    assert!(
        left_out.spread.is_empty() && left_out.links.is_empty(),
        "{left_out:?}"
    );
    let here = left_out.cuts.iter().filter(|cut| cut.downstream == HERE);
    for cut in here.clone() {
        assert_eq!(cut.by, Limit::Octets);
        assert!(cut.told_m >= 150.0 && cut.told_m < cut.long_m, "{cut:?}");
    }
    assert!(here.count() > 0);
    let nodes: Vec<NodeId> = messages
        .iter()
        .flat_map(|message| {
            Map::read(message)
                .unwrap()
                .nodes()
                .iter()
                .map(|node| node.id)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        nodes,
        [HERE, far(0), far(1), far(2), far(3)],
        "each node once"
    );
}

#[test]
fn a_junction_of_which_no_link_fits_has_no_map() {
    let mut site = bent(crossing(31, 5), 8.0);
    for link in &mut site.links {
        let more = link.lanes[0].connections.clone();
        link.lanes
            .iter_mut()
            .for_each(|lane| lane.connections = more.repeat(8));
    }
    let told = messages(&Config::default(), &site, None).err();
    assert_eq!(told, Some(Unbuildable::TooLong));
    let lines = crate::site::FileLines::default();
    let findings = findings::findings(&Config::default(), &site, "site.toml", &lines);
    assert!(findings.any_wrong(), "{findings}");
}

#[test]
fn a_link_that_is_too_long_alone_is_named_and_left_out() {
    let mut site = crossing(2, 2);
    site.links[0] = bent(crossing(20, 31), 8.0).links.swap_remove(0);
    let (mut service, events) = service(&site);
    assert!(
        events.contains(&Event::LinkTooLong { link: 0 }),
        "{events:?}"
    );
    let messages = slot(&mut service, now(), true);
    let of_here = messages
        .iter()
        .flat_map(Map::nodes)
        .filter(|node| node.id == HERE);
    assert_eq!(of_here.map(|node| node.links().len()).sum::<usize>(), 3);
}

#[test]
fn a_site_without_in_links_has_no_map() {
    let mut site = crossing(2, 2);
    site.links.clear();
    let built = Service::new(
        &Config::default(),
        &site,
        MsgCount::new(0).unwrap(),
        &mut Events::default(),
    );
    assert_eq!(built.err(), Some(Unbuildable::NoLinks));
}

#[test]
fn heights_are_told_where_the_site_has_them() {
    let mut site = crossing(1, 2);
    assert_eq!(
        first(&site).nodes()[0].links()[0].points.as_ref().unwrap()[0].elevation(),
        None
    );
    site.links[0].lanes[0].centre[0].up_m = 1.5;
    let map = first(&site);
    let points = map.nodes()[0].links()[0].lanes()[0]
        .points
        .as_ref()
        .unwrap();
    let heights: Vec<_> = points.iter().map(|p| p.elevation().unwrap().m()).collect();
    assert!(
        (heights[0] - 1.5).abs() < 0.06 && heights[1].abs() < 0.06,
        "{heights:?}"
    );
}
