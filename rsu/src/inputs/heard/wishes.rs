//! What vehicles ask for, frame by frame.

use v2x_msg::base::{Few, LaneId, NodeId, Radius, TimeOffset};
use v2x_msg::kinds::rsi::ReferencePath;
use v2x_msg::kinds::vir::{DriveRequest, LaneOfLink, Status, Wish};

use super::tests::{bus, decoder, frame, noon};
use super::*;

#[test]
fn what_a_vehicle_asks_of_the_roadside_is_passed_on_in_metres_and_the_rest_is_counted() {
    let node = |id| NodeId { region: None, id };
    let lane = LaneOfLink {
        upstream: node(11),
        downstream: node(10),
        lane: LaneId::new(2).ok(),
    };
    let unit = StationId(*b"RSU00001");
    let asked = |id, wish| DriveRequest {
        id,
        status: Status::Asked,
        level: None,
        to_vehicle: None,
        to_unit: Some(unit),
        wish,
        lasts: TimeOffset::from_s(0.5).ok(),
    };
    let at = |east_m, north_m| frame().ground_position(east_m, north_m).unwrap();
    let path = ReferencePath {
        points: Few::new([at(10.0, 0.0), at(60.0, 5.0)]).unwrap(),
        radius: Radius::from_m(8.0).unwrap(),
    };
    let bus = bus(b"bus-0001", 20.0, 90);
    let vir = Vir {
        sec_mark: bus.sec_mark,
        requests: Few::new([
            asked(1, Some(Wish::LaneChange(lane))),
            asked(2, Some(Wish::SensorSharing(Few::new([path]).unwrap()))),
            asked(3, Some(Wish::ClearTheWay { lane, path: None })),
            DriveRequest {
                status: Status::Cancelled,
                ..asked(4, None)
            },
            DriveRequest {
                to_vehicle: Some(StationId(*b"another-")),
                to_unit: None,
                ..asked(5, Some(Wish::LaneChange(lane)))
            },
            asked(6, Some(Wish::LaneChange(LaneOfLink { lane: None, ..lane }))),
        ])
        .unwrap(),
        ..Vir::new(bus.msg_cnt, bus.id, bus.pos)
    };
    let mut octets = Vec::new();
    assert!(Emitter::default().vir(&vir, &mut octets));
    let mut decoder = decoder();
    decoder.config.framing = Framing::Bare;
    let (mut requests, mut places) = (Vec::new(), 0);
    let mut sink = |content| match content {
        Content::Request(request) => requests.push(request),
        Content::Objects(objects) => places += objects.detections.len(),
        other => panic!("{other:?}"),
    };
    decoder.push(noon(100), &octets, &mut sink);
    decoder.flush(noon(200), &mut sink);
    assert_eq!(places, 1);
    let [first, second, third] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert_eq!(
        (first.vehicle, first.number, first.unit),
        (bus.id, 1, Some(unit))
    );
    assert_eq!(first.lasts, Some(Duration::from_millis(500)));
    let wanted = report::Wish::Lane {
        upstream: node(11),
        downstream: node(10),
        lane: LaneId::new(2).unwrap(),
    };
    assert_eq!(first.wish, wanted);
    let report::Wish::Share(area) = &second.wish else {
        panic!("{second:?}")
    };
    let strip = &area.paths[0];
    assert_eq!((area.paths.len(), strip.radius_m), (1, 8.0));
    let end = strip.points_m[1];
    assert!(
        (end.0 - 60.0).abs() < 0.02 && (end.1 - 5.0).abs() < 0.02,
        "{end:?}"
    );
    assert_eq!((third.number, &third.wish), (4, &report::Wish::Nothing));
    // To clear the way, to another vehicle, for a lane that is not named.
    assert!(decoder.counts().ignored().contains(&("wish", 3)));
    // The same frame again asks nothing.
    requests.clear();
    decoder.push(noon(110), &octets, &mut |content| {
        assert!(!matches!(content, Content::Request(_)));
    });
}

/// A vehicle that says where it is and, at the same moment, that it would change lanes; the requests and
/// the entries of a road user that come of it, for each of these frames in turn.
fn both(order: &[(Frame, i64, i64)]) -> (Vec<(u8, bool)>, Vec<Detection>) {
    let mut decoder = decoder();
    decoder.config.framing = Framing::Bare;
    let (mut requests, mut entries) = (Vec::new(), Vec::new());
    let mut sink = |content| match content {
        Content::Request(request) => {
            let stands = request.wish != report::Wish::Nothing;
            requests.push((request.number, stands));
        }
        Content::Objects(objects) => entries.extend(objects.detections.iter().copied()),
        other => panic!("{other:?}"),
    };
    for (frame, made, arrived) in order {
        let said = bus(b"bus-0001", 20.0, *made);
        let mut octets = Vec::new();
        match frame {
            Frame::Bsm => {
                let mut framed = Vec::new();
                assert!(Emitter::default().bsm(&said, &mut framed));
                octets.extend(dsmp::parse(&framed).unwrap().data);
            }
            Frame::Vir(status) => {
                let node = |id| NodeId { region: None, id };
                let wish = Wish::LaneChange(LaneOfLink {
                    upstream: node(11),
                    downstream: node(10),
                    lane: LaneId::new(2).ok(),
                });
                let vir = Vir {
                    sec_mark: said.sec_mark,
                    requests: Few::new([DriveRequest {
                        id: 1,
                        status: *status,
                        level: None,
                        to_vehicle: None,
                        to_unit: None,
                        wish: Some(wish),
                        lasts: None,
                    }])
                    .unwrap(),
                    ..Vir::new(said.msg_cnt, said.id, said.pos)
                };
                assert!(Emitter::default().vir(&vir, &mut octets));
            }
        }
        decoder.flush(noon(*arrived), &mut sink);
        decoder.push(noon(*arrived), &octets, &mut sink);
    }
    decoder.flush(noon(9000), &mut sink);
    (requests, entries)
}

#[derive(Clone, Copy)]
enum Frame {
    Bsm,
    Vir(Status),
}

const ASKED: Frame = Frame::Vir(Status::Asked);

#[test]
fn a_wish_is_heard_whichever_of_two_messages_of_one_moment_comes_first() {
    for order in [
        [
            (Frame::Bsm, 0, 20),
            (ASKED, 0, 60),
            (Frame::Bsm, 100, 120),
            (ASKED, 100, 160),
        ],
        // It was overtaken by the next BSM.
        [
            (Frame::Bsm, 0, 20),
            (Frame::Bsm, 100, 120),
            (ASKED, 0, 125),
            (ASKED, 100, 160),
        ],
        [
            (ASKED, 0, 20),
            (Frame::Bsm, 0, 60),
            (ASKED, 100, 120),
            (Frame::Bsm, 100, 160),
        ],
    ] {
        let (requests, entries) = both(&order);
        assert_eq!(requests, [(1, true), (1, true)]);
        let sized = entries.iter().filter(|seen| seen.size.is_some());
        assert_eq!(sized.count(), 2, "each BSM says how long it is");
    }
}

#[test]
fn a_place_is_told_once_and_by_vir_only_of_who_says_nothing_else() {
    let (_, entries) = both(&[(Frame::Bsm, 0, 20), (ASKED, 0, 60), (ASKED, 100, 160)]);
    assert_eq!(entries.len(), 1);
    let (_, entries) = both(&[(ASKED, 0, 20), (ASKED, 100, 120), (ASKED, 200, 220)]);
    assert_eq!(entries.len(), 3, "it never speaks BSM");
    let (_, entries) = both(&[(Frame::Bsm, 0, 20), (ASKED, 1100, 1120)]);
    assert_eq!(entries.len(), 2, "it speaks BSM no more");
}

#[test]
fn what_was_asked_earlier_undoes_nothing_that_was_said_later() {
    let done = Frame::Vir(Status::Done);
    let (requests, _) = both(&[(done, 100, 120), (ASKED, 0, 130), (done, 100, 140)]);
    assert_eq!(requests, [(1, false)]);
}
