//! Answers that count, and those that do not.

use v2x_msg::base::NodeId;
use v2x_msg::kinds::bsm::VehicleClass;
use v2x_msg::kinds::rsc::{About, Suggestion, VehicleAdvice};
use v2x_msg::kinds::rsi::Lanes;

use super::*;
use crate::plane::Point;

const ID: StationId = StationId(*b"a car---");

fn node(id: u16) -> NodeId {
    NodeId { region: None, id }
}

fn lane(number: u8) -> LaneOfLink {
    LaneOfLink {
        upstream: node(11),
        downstream: node(10),
        lane: LaneId::new(number).ok(),
    }
}

fn at(ms: u64) -> Utc {
    Utc::from_unix_ms(1_790_000_000_000 + ms as i64).expect("a time")
}

fn here() -> GeoPosition {
    GeoPosition::from_deg(31.284, 121.161, None).expect("a place")
}

/// An RSC made then that tells a vehicle this of a lane.
fn rsc(made: Utc, vehicle: StationId, behavior: Behavior, number: u8) -> Rsc {
    let count = MsgCount::from_random(1);
    let lane = LaneId::new(number).expect("a lane");
    let advice = VehicleAdvice {
        vehicle,
        suggestion: Some(Suggestion {
            behavior,
            lasts: TimeOffset::from_s(0.5).ok(),
            link: Some(ReferenceLink {
                upstream: node(11),
                downstream: node(10),
                lanes: Lanes::of([lane]).ok(),
            }),
        }),
        about: Some(About::LANE_CHANGE),
    };
    let unit = StationId(*b"RSU00001");
    let mut rsc = Rsc::new(count, unit, here(), [advice], []).expect("one vehicle");
    rsc.sec_mark = Some(DSecond::of(made));
    rsc
}

/// What it says of that lane then.
fn follow(asking: &mut Asking, number: Option<u8>, ms: u64) -> Vec<(u8, Status)> {
    let mut said = Vec::new();
    let ask = number.map(|number| Ask::Lane(lane(number)));
    asking.follow(LANE, ask, at(ms), &mut said);
    said.iter()
        .map(|(open, status)| (open.number, *status))
        .collect()
}

/// One that asks for lane 1 since 1000 ms.
fn asking() -> Asking {
    let mut asking = Asking::new(ID);
    let said = follow(&mut asking, Some(1), 1000);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1, Status::Asked);
    asking
}

#[test]
fn an_answer_holds_as_long_as_it_says_and_nobody_waits_for_ever() {
    let mut asking = asking();
    let granted = Leave::Granted(LaneId::new(1).expect("a lane"));
    assert_eq!(asking.leave(at(1100)), Leave::Waits);
    let left = rsc(at(1180), ID, Behavior::CHANGE_LEFT, 1);
    asking.hear_rsc(&left, ID, at(1200));
    assert_eq!(asking.leave(at(1200)), granted);
    assert_eq!(
        asking.ages(at(1300))[LANE],
        Some(Duration::from_millis(120))
    );
    assert_eq!(asking.leave(at(1679)), granted);
    assert_eq!(asking.leave(at(1680)), Leave::Waits);
    assert_eq!(asking.leave(at(2190)), Leave::OwnEyes);
    let stay = rsc(at(2280), ID, Behavior::STRAIGHT_ON, 1);
    asking.hear_rsc(&stay, ID, at(2300));
    assert_eq!(asking.leave(at(2300)), Leave::Refused);
    let said = follow(&mut asking, None, 2400);
    assert_eq!(said[0].1, Status::Done);
    let ended = asking.take_ended();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].answered_after, Some(Duration::from_millis(200)));
    assert_eq!(ended[0].stood, Duration::from_millis(1400));
    assert!(ended[0].granted);
    assert_eq!(asking.leave(at(2400)), Leave::Waits);
}

#[test]
fn what_others_are_told_or_of_another_lane_or_before_is_no_answer() {
    let mut asking = asking();
    let other = StationId(*b"another-");
    let left = Behavior::CHANGE_LEFT;
    asking.hear_rsc(&rsc(at(1100), other, left, 1), ID, at(1110));
    asking.hear_rsc(&rsc(at(1100), ID, left, 3), ID, at(1110));
    assert_eq!(asking.leave(at(1110)), Leave::Waits);
    assert_eq!(asking.ages(at(1110)), [None, None]);
    asking.hear_rsc(&rsc(at(990), ID, left, 1), ID, at(1010));
    assert_eq!(asking.ages(at(1110)), [None, None]);
    assert!(!asking.slows(at(1110)));
    asking.hear_rsc(&rsc(at(1100), ID, Behavior::SLOW_DOWN, 3), ID, at(1110));
    assert!(asking.slows(at(1110)) && !asking.slows(at(1600)));
}

#[test]
fn another_lane_is_another_request() {
    let mut asking = asking();
    let told = follow(&mut asking, Some(3), 1100);
    assert_eq!(told[0].1, Status::Done);
    assert_eq!(told[1], (told[0].0.wrapping_add(1), Status::Asked));
}

#[test]
fn what_one_is_about_to_do_and_where_one_will_be_is_said() {
    let mut asking = Asking::new(ID);
    let own = Own {
        position: here(),
        heading: Point::new(0.0, -1.0),
        speed_mps: 12.0,
        braking_mps2: 0.0,
        length_m: 4.6,
        width_m: 1.8,
        height_m: 1.5,
        emergency: false,
        class: VehicleClass::PASSENGER_CAR,
        next: node(13),
        then: None,
        sigma_m: 0.5,
        least_mps: 5.0,
    };
    let none = Wishes::default();
    assert_eq!(asking.speak(ID, &own, None, &none, at(1000)), None);
    let wishes = Wishes {
        over: None,
        behavior: Behavior::JUNCTION_LEFT,
        way: vec![here(); 5],
        who_is_there: true,
    };
    let vir = asking.speak(ID, &own, None, &wishes, at(1000));
    let vir = vir.expect("something to say");
    assert_eq!(vir.behavior, Some(Behavior::JUNCTION_LEFT));
    assert_eq!(vir.plan.len(), 4);
    assert_eq!(vir.plan[0].after, TimeOffset::from_s(0.5).ok());
    assert!(matches!(vir.requests[0].wish, Some(Wish::SensorSharing(_))));
}
