//! A unit on the roads and under the signals of a synthetic junction, by the very bytes of its roadside
//! unit, and by bytes that are nothing of the kind.

use std::path::Path;
use std::time::Duration;

use rsu::clock::Utc;
use v2x_msg::base::{
    Countdown, DSecond, EnuFrame, GeoPosition, Heading, MinuteOfYear, MsgCount, NodeId,
    ParticipantId, PhaseId, Speed, StationId,
};
use v2x_msg::kinds::bsm::VehicleClass;
use v2x_msg::kinds::rsm::{Participant, ParticipantKind};
use v2x_msg::kinds::spat::{
    Counting, Ends, IntersectionState, Light, Phase, PhaseState, Status, Timing,
};
use v2x_msg::kinds::{Rsm, Spat};

use super::advice::LEAST_MPS;
use super::heard::{Heard, Receiver};
use super::roads::Roads;
use super::signal::{Doubt, OLDEST, Signals};
use super::unit::{Own, Unit};
use crate::plane::Point;
use crate::random::{Purpose, Stream};
use crate::run::run;
use crate::scenario::Scenario;

/// A second and more of what a roadside unit sent at the synthetic junction.
fn frames() -> Vec<Vec<u8>> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/data/moyu-boyuan.frames.hex"
    );
    let text = std::fs::read_to_string(file).expect("part of the project");
    let octets = |line: &str| {
        let pairs = (0..line.len() / 2).map(|i| u8::from_str_radix(&line[2 * i..2 * i + 2], 16));
        pairs.collect::<Result<Vec<u8>, _>>().expect("hexadecimal")
    };
    text.lines().map(octets).collect()
}

fn heard() -> Vec<Heard> {
    let mut receiver = Receiver::default();
    let all = frames();
    let heard = all.iter().map(|frame| receiver.read(frame));
    heard.collect::<Option<_>>().expect("every frame is one")
}

fn node(id: u16) -> NodeId {
    let maps = heard();
    let map = maps.iter().find_map(|heard| match heard {
        Heard::Map(map) => Some(map),
        _ => None,
    });
    let region = map.expect("a MAP").nodes()[0].id.region;
    NodeId { region, id }
}

/// The origin of the synthetic site.
fn frame() -> EnuFrame {
    EnuFrame::new(GeoPosition::from_deg(31.284, 121.161, None).unwrap())
}

fn at(east_m: f64, north_m: f64) -> GeoPosition {
    frame().ground_position(east_m, north_m).unwrap()
}

const SOUTHWARD: Point = Point::new(0.0, -1.0);

/// A car that comes from the north in the middle lane and goes straight on.
fn own(north_m: f64) -> Own {
    Own {
        position: at(-5.0, north_m),
        heading: SOUTHWARD,
        speed_mps: 14.0,
        braking_mps2: 0.0,
        length_m: 4.6,
        width_m: 1.8,
        height_m: 1.5,
        emergency: false,
        class: VehicleClass::PASSENGER_CAR,
        next: node(13),
        then: None,
        sigma_m: 0.5,
        least_mps: LEAST_MPS,
    }
}

/// When the SPATs of the recording were made, the last of them.
fn last_spat() -> (Spat, Utc) {
    let all = heard();
    let mut spats = all.iter().filter_map(|heard| match heard {
        Heard::Spat(spat) => Some((**spat).clone()),
        _ => None,
    });
    let spat = spats.next_back().expect("a SPAT");
    // The recording is of some day of 2026; the message has its minute of the year.
    let about = Utc::from_unix_ms(1_774_000_000_000).unwrap();
    let minute = spat.moy.expect("dated").near(about);
    let ms = spat.time_stamp.expect("dated").ms();
    (spat, minute + Duration::from_millis(ms.into()))
}

#[test]
fn a_unit_finds_its_lane_and_its_phase_by_the_bytes_of_the_roadside_unit() {
    let mut roads = Roads::default();
    for heard in heard() {
        if let Heard::Map(map) = heard {
            roads.hear(&map);
        }
    }
    // The junction, and its neighbours with the roads that lead to them.
    assert_eq!(roads.len(), 5);
    // The stop line is 20 m north of the middle; lanes are 3.25, 3.5 and 3.5 m wide, from the left.
    for (aside_m, lane) in [(-1.6, 1), (-5.0, 2), (-8.5, 3)] {
        let place = roads.find(at(aside_m, 120.0), SOUTHWARD).expect("a lane");
        assert_eq!((place.upstream, place.lane.value()), (node(11), lane));
        assert!((place.left_m - 100.0).abs() < 0.3, "{place:?}");
        assert!((place.limit_mps.expect("a limit") - 60.0 / 3.6).abs() < 0.1);
    }
    let straight = roads.find(at(-5.0, 120.0), SOUTHWARD).unwrap();
    let phase = |next| roads.phase(&straight, node(next));
    assert_eq!(phase(13), Some(PhaseId::new(1).ok()));
    assert_eq!(phase(12), None, "the middle lane does not turn");
    // Who goes the other way, or is not on the road, is in no lane.
    assert_eq!(roads.find(at(-5.0, 120.0), SOUTHWARD.times(-1.0)), None);
    assert_eq!(roads.find(at(-40.0, 120.0), SOUTHWARD), None);
}

#[test]
fn a_unit_that_has_heard_map_and_spat_advises_a_speed() {
    let (spat, made) = last_spat();
    let mut unit = Unit::new(StationId(*b"a car---"));
    let now = made + Duration::from_millis(60);
    assert_eq!(
        unit.think(&own(200.0), now).advice,
        None,
        "nothing is known"
    );
    for heard in heard() {
        if let Heard::Map(_) = heard {
            unit.hear(&heard, now).unwrap();
        }
    }
    unit.hear(&Heard::Spat(Box::new(spat.clone())), now)
        .unwrap();
    let advised = [60.0, 100.0, 140.0, 180.0, 220.0, 260.0].map(|north_m| {
        let told = unit.think(&own(north_m), now);
        told.advice.map(|advice| {
            assert_eq!(advice.phase.value(), 1);
            assert!((5.0..=16.7).contains(&advice.aim.speed_mps), "{advice:?}");
            assert!(advice.aim.arrives > now);
        })
    });
    assert!(advised.iter().any(Option::is_some), "{spat:?}");
    // What was said is too old by then.
    let later = now + OLDEST + Duration::from_millis(10);
    for north_m in [100.0, 180.0, 260.0] {
        assert_eq!(unit.think(&own(north_m), later).advice, None);
    }
}

#[test]
fn who_turns_right_without_a_light_is_advised_behind_those_who_wait_for_theirs() {
    let mut spat = spat_at(noon(0), Status::FIXED_TIME);
    spat.intersections[0].id = node(10);
    let turns_right = Own {
        position: at(-8.5, 150.0),
        next: node(14),
        ..own(150.0)
    };
    // Somebody in that lane or the one beside it, at so many m/s.
    let advised = |east_m: f64, speed_mps: f64| {
        let mut unit = Unit::new(StationId(*b"a car---"));
        for heard in heard() {
            if let Heard::Map(_) = heard {
                unit.hear(&heard, noon(60)).unwrap();
            }
        }
        unit.hear(&Heard::Spat(Box::new(spat.clone())), noon(60))
            .unwrap();
        let id = ParticipantId::new(9).unwrap();
        let mut other = Participant::new(ParticipantKind::Motor, id, at(east_m, 22.5));
        other.speed = Speed::nearest_mps(speed_mps);
        other.heading = Heading::from_deg(180.0).ok();
        let sender = StationId(*b"RSU00001");
        let rsm = Rsm::new(MsgCount::new(1).unwrap(), sender, at(0.0, 0.0), [other]).unwrap();
        unit.hear(&Heard::Rsm(Box::new(rsm)), noon(60)).unwrap();
        unit.think(&turns_right, noon(60)).advice
    };
    let advice = advised(-8.5, 0.0).expect("somebody stands ahead");
    assert_eq!(advice.phase.value(), 1);
    assert!(advice.aim.speed_mps < 12.0, "{advice:?}");
    assert!(advice.aim.arrives > noon(12_000), "{advice:?}");
    assert_eq!(advised(-5.0, 0.0), None, "in the lane beside it");
    assert_eq!(advised(-8.5, 8.0), None, "it may turn as well");
}

const NOON_MS: i64 = 1_774_008_000_000;

fn noon(ms: i64) -> Utc {
    Utc::from_unix_ms(NOON_MS + ms).unwrap()
}

fn spat_at(made: Utc, status: Status) -> Spat {
    let state = |light, start, ends| PhaseState {
        light,
        timing: Some(Timing::Counting(Counting {
            start: Countdown::from_tenths(start).ok(),
            ends: Ends::fixed(Countdown::from_tenths(ends).unwrap()),
            confidence: None,
            next_start: None,
            next_duration: None,
        })),
    };
    let states = [
        state(Light::Red, 0, 100),
        state(Light::ProtectedGreen, 100, 300),
    ];
    let phase = Phase::new(PhaseId::new(1).unwrap(), states).unwrap();
    let id = NodeId {
        region: None,
        id: 10,
    };
    let mut intersection = IntersectionState::new(id, [phase]).unwrap();
    intersection.status = status;
    let mut spat = Spat::new(MsgCount::new(1).unwrap(), [intersection]).unwrap();
    spat.moy = Some(MinuteOfYear::of(made));
    spat.time_stamp = Some(DSecond::of(made));
    spat
}

#[test]
fn only_a_fresh_and_dated_word_of_a_controller_in_control_is_believed() {
    let good = Status::FIXED_TIME;
    let phase = PhaseId::new(1).unwrap();
    let here = NodeId {
        region: None,
        id: 10,
    };
    let mut signals = Signals::default();
    assert_eq!(signals.hear(&spat_at(noon(0), good), noon(40)), Ok(()));
    let belief = signals.belief(here, phase, noon(40)).expect("believed");
    let begins: Vec<i64> = belief
        .windows
        .iter()
        .map(|window| window.begins.unix_ms())
        .collect();
    assert_eq!(
        begins,
        [NOON_MS, NOON_MS + 10_000],
        "counted from when it was made"
    );
    assert_eq!(belief.windows[1].ends, Some(noon(30_000)));
    let again = signals.hear(&spat_at(noon(0), good), noon(90));
    assert_eq!(again, Err(Doubt::Overtaken));
    let old = signals.hear(&spat_at(noon(100), good), noon(1_200));
    assert_eq!(old, Err(Doubt::Old));
    let ahead = signals.hear(&spat_at(noon(2_000), good), noon(1_200));
    assert_eq!(ahead, Err(Doubt::Ahead));
    let mut undated = spat_at(noon(1_200), good);
    undated.time_stamp = None;
    assert_eq!(signals.hear(&undated, noon(1_210)), Err(Doubt::NotDated));
    assert_eq!(
        signals.belief(here, phase, noon(1_210)),
        None,
        "silent for too long"
    );
    // A fault takes back what was said before.
    assert_eq!(
        signals.hear(&spat_at(noon(1_300), good), noon(1_310)),
        Ok(())
    );
    let faulty = signals.hear(&spat_at(noon(1_400), Status::FAILURE_FLASH), noon(1_410));
    assert_eq!(faulty, Err(Doubt::OutOfControl));
    assert_eq!(signals.belief(here, phase, noon(1_410)), None);
}

#[test]
fn any_bytes_at_all_neither_harm_a_unit_nor_make_it_believe_what_is_not_valid() {
    let all = frames();
    let (_, made) = last_spat();
    let mut draw = Stream::new(7, 1, Purpose::Fault);
    let mut receiver = Receiver::default();
    let mut unit = Unit::new(StationId(*b"a car---"));
    let mut signals = Signals::default();
    let (mut read, mut believed) = (0_u32, 0_u32);
    for round in 0..4_000_u64 {
        let pick = |draw: &mut Stream, count: usize| (draw.bits() % count as u64) as usize;
        let mut bytes = all[pick(&mut draw, all.len())].clone();
        match round % 4 {
            // As it was sent,
            0 => {}
            // with some octets changed, mostly within the message,
            1 => {
                for _ in 0..=pick(&mut draw, 4) {
                    let place = pick(&mut draw, bytes.len());
                    bytes[place] ^= 1 << pick(&mut draw, 8);
                }
            }
            // cut off, with the length that says so,
            2 => {
                bytes.truncate(7 + pick(&mut draw, bytes.len() - 7));
                let length = (bytes.len() - 6) as u16;
                bytes[4..6].copy_from_slice(&length.to_be_bytes());
            }
            // or noise behind a header.
            _ => {
                for octet in &mut bytes[6..] {
                    *octet = draw.bits() as u8;
                }
            }
        }
        let now = made + Duration::from_millis(round % 900);
        let Some(heard) = receiver.read(&bytes) else {
            continue;
        };
        read += 1;
        if let Heard::Spat(spat) = &heard
            && signals.hear(spat, now).is_ok()
        {
            believed += 1;
            for intersection in &spat.intersections {
                for phase in intersection.phases() {
                    let Some(belief) = signals.belief(intersection.id, phase.id(), now) else {
                        continue;
                    };
                    assert!(
                        belief.said.ns_since(now) <= 150_000_000,
                        "of what is to come"
                    );
                    assert!(now.since(belief.said) <= OLDEST, "of long ago");
                    let begins: Vec<Utc> = belief.windows.iter().map(|one| one.begins).collect();
                    assert!(begins.is_sorted());
                    for window in belief.windows {
                        assert!(window.ends.is_none_or(|ends| ends >= window.begins));
                    }
                }
            }
        }
        // Doubt is an answer.
        let _ = unit.hear(&heard, now);
        let told = unit.think(&own(30.0 + (round % 230) as f64), now);
        if let Some(advice) = told.advice {
            assert!((5.0..=163.8).contains(&advice.aim.speed_mps) && advice.aim.arrives >= now);
        }
        assert!(unit.junctions() <= 32);
    }
    assert!(read > 1_000 && believed > 2, "{read} {believed}");
}

fn scenario(name: &str) -> Scenario {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/scenarios");
    let mut scenario = Scenario::load(&Path::new(folder).join(name)).expect("a scenario");
    scenario.file.traffic_s = 60;
    scenario.file.settle_s = 5;
    scenario
}

const A_WHILE: Option<Duration> = Some(Duration::from_secs(40));

#[test]
fn vehicles_hear_are_advised_and_are_heard() {
    let scenario = scenario("moyu-green-advice.toml");
    let outcome = run(&scenario, 1, A_WHILE).expect("a run");
    let score = outcome.judge.on_board.as_ref().expect("units");
    assert!(score.units > 15, "{}", score.units);
    assert!(score.advice > 10 && score.advised > 0, "{}", score.advice);
    let right = score.advice_right as f64 / score.advice as f64;
    assert!(right >= 0.95, "{right}");
    assert_eq!(score.spat_unknown, 0);
    assert!(score.air.down.between(0.0, 150.0).delivered().unwrap() > 0.9);
    assert!(
        score.heard_by_roadside > 2_000,
        "{}",
        score.heard_by_roadside
    );
    assert!(
        score.named > 500,
        "RSM calls them by their names: {}",
        score.named
    );
    assert_eq!(score.unread, 0);
    // By the same chance, the same.
    let again = run(&scenario, 1, A_WHILE).expect("a run");
    assert_eq!(again.judge.traffic.hash, outcome.judge.traffic.hash);
    assert_eq!(again.world_hash, outcome.world_hash);
}

#[test]
fn units_that_tell_their_drivers_nothing_change_nothing_on_the_road() {
    let mut with = scenario("moyu-green-advice.toml");
    with.file.air.as_mut().expect("a table").advice = false;
    let with = run(&with, 2, A_WHILE).expect("a run");
    let mut without = scenario("moyu-green-advice.toml");
    without.file.air = None;
    for demand in &mut without.file.demand {
        demand.equipped = 0.0;
    }
    let without = run(&without, 2, A_WHILE).expect("a run");
    assert!(without.judge.on_board.is_none(), "nobody has a radio");
    assert_eq!(with.world_hash, without.world_hash);
}

#[test]
fn vehicles_ask_first_are_answered_and_heed_it() {
    let mut scenario = scenario("moyu-lane-requests.toml");
    for demand in &mut scenario.file.demand {
        demand.equipped = 1.0;
    }
    let outcome = run(&scenario, 1, A_WHILE).expect("a run");
    let score = outcome.judge.on_board.as_ref().expect("units");
    let [lane, sharing] = &score.requests;
    assert!(lane.answered > 0 && lane.granted > 0, "{lane:?}");
    assert!(sharing.answered > 3, "{sharing:?}");
    for requests in [lane, sharing] {
        assert!(requests.answered * 10 > requests.asked * 9, "{requests:?}");
    }
    assert_eq!(outcome.judge.traffic.undecoded, 0);
    // By the same chance, the same.
    let again = run(&scenario, 1, A_WHILE).expect("a run");
    assert_eq!(again.judge.traffic.hash, outcome.judge.traffic.hash);
    assert_eq!(again.world_hash, outcome.world_hash);
}

#[test]
fn where_nobody_answers_drivers_see_for_themselves() {
    let mut scenario = scenario("moyu-lane-requests.toml");
    assert!(scenario.file.rsu.remove("requests").is_some());
    let outcome = run(&scenario, 1, A_WHILE).expect("a run");
    let score = outcome.judge.on_board.as_ref().expect("units");
    let [lane, sharing] = &score.requests;
    assert!(lane.asked > 0 && sharing.asked > 0);
    assert_eq!(lane.answered + sharing.answered, 0);
}
