//! Decisions on a straight road of two lanes to the east and one to the west, and how requests live.

mod sharing;

use std::f64::consts::PI;

use v2x_msg::base::LaneId;

use super::*;
use crate::report::{Class, Covariance, Velocity};
use crate::scenes::{self, picture, round};
use sharing::{strip, wants_to_know};

const UNIT: StationId = StationId(*b"RSU00001");
const ASKER: StationId = StationId(*b"asker   ");
const HELPER: StationId = StationId(*b"helper  ");

/// Eastward lanes 1 at 0 m and 2 at -3.5 m north from 20 to 620 m east; against them one at 3.5 m.
const ROAD: &str = r#"
[site]
name = "a straight road"
node = 10
synthetic = true
[site.origin]
lat-deg = 31.2
lon-deg = 121.2
[[node]]
id = 11
name = "east"
east-m = 640
north-m = 0
[[node]]
id = 12
name = "west"
east-m = -120
north-m = 0
[[link]]
name = "to east"
upstream = 10
downstream = 11
speed-limit-kmh = 54
points-m = [[20, 1.75], [620, 1.75]]
lane = [{ id = 1, width-m = 3.5 }, { id = 2, width-m = 3.5 }]
[[link]]
name = "from east"
upstream = 11
downstream = 10
speed-limit-kmh = 54
points-m = [[620, 1.75], [20, 1.75]]
[[link.lane]]
id = 1
width-m = 3.5
connections = [{ to-node = 12, to-lane = 1, turn = "straight" }]
[[link]]
name = "to west"
upstream = 10
downstream = 12
speed-limit-kmh = 54
points-m = [[-20, 1.75], [-110, 1.75]]
lane = [{ id = 1, width-m = 3.5 }]
"#;

/// Beside the road, in its middle.
fn camera(max_range_m: f64) -> Sensor {
    scenes::camera((300.0, -20.0), max_range_m)
}

fn all_on() -> Config {
    Config {
        lane_change: true,
        passing: true,
        sharing: true,
        ..Config::default()
    }
}

fn desk_that(config: Config, sensors: &[Sensor]) -> Desk {
    let mut desk = Desk::new(config, &scenes::site(ROAD), UNIT, sensors);
    desk.note_scene(InputId(0), Mono::ZERO);
    desk
}

fn desk() -> Desk {
    desk_that(all_on(), &[camera(1000.0)])
}

fn car(id: u8, east_m: f64, north_m: f64, mps: f64) -> Track {
    let known = scenes::car(id, (east_m, north_m), (mps, 0.0));
    Track {
        position_cov: round(0.2),
        velocity: Velocity {
            cov: round(0.1),
            ..known.velocity
        },
        yaw_rad: Some(if mps < 0.0 { PI } else { 0.0 }),
        ..known
    }
}

/// Who asks: in the right lane, at 300 m, at 10 m/s.
fn asker() -> Track {
    Track {
        own_id: Some(ASKER),
        ..car(100, 300.0, -3.5, 10.0)
    }
}

fn asks(upstream: u16, downstream: u16, lane: u8) -> Request {
    let node = |id| NodeId { region: None, id };
    Request {
        vehicle: ASKER,
        number: 7,
        unit: None,
        lasts: None,
        wish: Wish::Lane {
            upstream: node(upstream),
            downstream: node(downstream),
            lane: LaneId::new(lane).unwrap(),
        },
    }
}

/// What is decided of a request, by who is on the road.
fn decided(desk: &mut Desk, request: &Request, tracks: &[Track]) -> (Verdict, Behavior) {
    desk.hear(Mono::ZERO, request);
    desk.decide(&picture(tracks.iter().copied()));
    (desk.open[0].verdict.unwrap(), desk.advice()[0].behavior)
}

/// Into the left lane, with these others.
fn into_left(others: &[Track]) -> (Verdict, Behavior) {
    let tracks: Vec<Track> = std::iter::once(asker())
        .chain(others.iter().copied())
        .collect();
    decided(&mut desk(), &asks(10, 11, 1), &tracks)
}

const LEFT: (Verdict, Behavior) = (Verdict::Granted, Behavior::CHANGE_LEFT);
const STAY: (Verdict, Behavior) = (Verdict::Taken, Behavior::STRAIGHT_ON);

#[test]
fn an_empty_lane_beside_may_be_had() {
    assert_eq!(into_left(&[]), LEFT);
    // Who drives in other lanes does not matter, the asker's own included.
    let around = [car(1, 320.0, -3.5, 10.0), car(2, 300.0, 3.5, -10.0)];
    assert_eq!(into_left(&around), LEFT);
    let mut desk = desk();
    let from_left = Track {
        north_m: 0.0,
        ..asker()
    };
    let told = decided(&mut desk, &asks(10, 11, 2), &[from_left]);
    assert_eq!(told, (Verdict::Granted, Behavior::CHANGE_RIGHT));
    let lane = desk.advice()[0].lane;
    assert_eq!((lane.upstream.id, lane.downstream.id), (10, 11));
    assert_eq!(lane.lanes.unwrap().bits(), 1 << 2);
}

#[test]
fn a_gap_must_hold_for_as_long_as_the_change_takes() {
    // Beside, and just behind.
    assert_eq!(into_left(&[car(1, 302.0, 0.0, 10.0)]), STAY);
    assert_eq!(into_left(&[car(1, 285.0, 0.0, 10.0)]), STAY);
    // At equal speeds a second and the least gap do: 5 m of bodies, 12 m of room, 0.8 m of doubt.
    assert_eq!(into_left(&[car(1, 280.5, 0.0, 10.0)]), LEFT);
    // But not for one who closes in at 5 m/s: that is 15 m and braking.
    assert_eq!(into_left(&[car(1, 280.5, 0.0, 15.0)]), STAY);
    assert_eq!(into_left(&[car(1, 240.0, 0.0, 15.0)]), LEFT);
    // Nor behind one who stands.
    assert_eq!(into_left(&[car(1, 340.0, 0.0, 0.0)]), STAY);
    assert_eq!(into_left(&[car(1, 375.0, 0.0, 0.0)]), LEFT);
    // One who drives the wrong way there.
    assert_eq!(into_left(&[car(1, 375.0, 0.0, -10.0)]), STAY);
}

#[test]
fn who_comes_into_the_lane_from_its_other_side_is_in_it() {
    let mut other = car(1, 305.0, 3.5, 10.0);
    assert_eq!(into_left(&[other]), LEFT);
    other.velocity.north_mps = -1.2;
    assert_eq!(into_left(&[other]), STAY);
}

#[test]
fn a_place_that_is_not_sure_takes_more_room() {
    let unsure = Track {
        position_cov: Covariance::from_axes(0.0, 3.0, 0.2),
        ..car(1, 280.5, 0.0, 10.0)
    };
    assert_eq!(into_left(&[unsure]), STAY);
}

#[test]
fn who_is_behind_and_hears_is_asked_to_make_room() {
    let mut desk = desk();
    let behind = Track {
        own_id: Some(HELPER),
        ..car(1, 283.0, 0.0, 10.0)
    };
    let told = decided(&mut desk, &asks(10, 11, 1), &[asker(), behind]);
    assert_eq!(told, STAY);
    let second = desk.advice()[1];
    assert_eq!(
        (second.vehicle, second.behavior),
        (HELPER, Behavior::SLOW_DOWN)
    );
    assert_eq!(desk.counts().made_room, 1);
    // Nobody is asked who is beside, does not speak, or has somebody else before him to be waited for.
    let beside = Track {
        east_m: 298.0,
        ..behind
    };
    let mute = Track {
        own_id: None,
        ..behind
    };
    for others in [
        vec![beside],
        vec![mute],
        vec![behind, car(2, 303.0, 0.0, 10.0)],
        vec![car(2, 303.0, 0.0, 10.0), behind],
    ] {
        let tracks: Vec<Track> = std::iter::once(asker()).chain(others).collect();
        assert_eq!(decided(&mut desk, &asks(10, 11, 1), &tracks), STAY);
        assert_eq!(desk.advice().len(), 1, "{:?}", desk.advice());
    }
}

#[test]
fn what_was_granted_is_not_taken_back_for_a_hair() {
    let mut desk = desk();
    let close = [asker(), car(1, 283.5, 0.0, 10.0)];
    assert_eq!(decided(&mut desk, &asks(10, 11, 1), &close), STAY);
    let wide = [asker(), car(1, 279.0, 0.0, 10.0)];
    assert_eq!(decided(&mut desk, &asks(10, 11, 1), &wide), LEFT);
    assert_eq!(decided(&mut desk, &asks(10, 11, 1), &close), LEFT);
    let counts = desk.counts();
    assert_eq!((counts.taken_up, counts.granted, counts.refused), (1, 1, 1));
}

#[test]
fn a_gap_is_granted_to_one_of_two_who_come_from_both_sides() {
    let mut desk = desk();
    let second = StationId(*b"second  ");
    let rival = Track {
        own_id: Some(second),
        ..car(101, 301.0, 3.5, 10.0)
    };
    desk.hear(Mono::ZERO, &asks(10, 11, 1));
    let same_lane = Request {
        vehicle: second,
        ..asks(10, 11, 1)
    };
    desk.hear(Mono::ZERO, &same_lane);
    for _ in 0..3 {
        desk.decide(&picture([asker(), rival]));
        let told = desk.advice().iter();
        let told: Vec<_> = told.map(|told| (told.vehicle, told.behavior)).collect();
        let (first, other) = (Behavior::CHANGE_LEFT, Behavior::STRAIGHT_ON);
        assert_eq!(told, [(ASKER, first), (second, other)]);
    }
    // Once the first wants it no more the second has it.
    let no_more = Request {
        wish: Wish::Nothing,
        ..asks(10, 11, 1)
    };
    desk.hear(Mono::ZERO, &no_more);
    desk.decide(&picture([asker(), rival]));
    assert_eq!(desk.advice()[0].behavior, Behavior::CHANGE_RIGHT);
}

#[test]
fn another_wish_under_an_old_number_is_decided_afresh() {
    let mut desk = desk();
    assert_eq!(decided(&mut desk, &asks(10, 11, 1), &[asker()]), LEFT);
    // The room that would do to keep what was granted does not do for what was not.
    let own = Track {
        north_m: 0.0,
        ..asker()
    };
    let close = [own, car(1, 283.5, -3.5, 10.0)];
    assert_eq!(decided(&mut desk, &asks(10, 11, 2), &close), STAY);
}

#[test]
fn a_lane_that_nobody_sees_is_not_free() {
    let tracks = [asker()];
    let unseen = (Verdict::Unseen, Behavior::STRAIGHT_ON);
    // No sensor but radios: who is silent may still be there.
    let mut deaf = desk_that(all_on(), &[Sensor::heard(InputId(0))]);
    assert_eq!(decided(&mut deaf, &asks(10, 11, 1), &tracks), unseen);
    let mut short = desk_that(all_on(), &[camera(40.0)]);
    assert_eq!(decided(&mut short, &asks(10, 11, 1), &tracks), unseen);
    // A sensor that has fallen silent sees nothing.
    let mut silent = desk();
    silent.hear(Mono::ZERO, &asks(10, 11, 1));
    let at = Mono::ZERO + Duration::from_millis(501);
    silent.decide(&Picture {
        at,
        ..picture(tracks)
    });
    assert_eq!(silent.advice()[0].behavior, Behavior::STRAIGHT_ON);
    // What is behind somebody who is seen need not be seen.
    let behind = [asker(), car(1, 270.0, 0.0, 10.0), car(2, 330.0, 0.0, 10.0)];
    assert_eq!(decided(&mut short, &asks(10, 11, 1), &behind), LEFT);
}

#[test]
fn a_lane_that_cannot_be_had_from_here_is_not_granted() {
    let not_there = (Verdict::NotThere, Behavior::STRAIGHT_ON);
    let mut desk = desk();
    for far in [
        // Beyond the next lane, before the lane's beginning, too near to its end.
        Track {
            north_m: -12.0,
            ..asker()
        },
        Track {
            east_m: 0.0,
            ..asker()
        },
        Track {
            east_m: 600.0,
            ..asker()
        },
    ] {
        assert_eq!(decided(&mut desk, &asks(10, 11, 1), &[far]), not_there);
    }
    // Across.
    let mut across = asker();
    (across.velocity.east_mps, across.velocity.north_mps) = (0.0, 10.0);
    assert_eq!(decided(&mut desk, &asks(10, 11, 1), &[across]), not_there);
    let nobody = decided(&mut desk, &asks(10, 11, 1), &[car(1, 300.0, -3.5, 10.0)]);
    assert_eq!(nobody, (Verdict::Unknown, Behavior::STRAIGHT_ON));
}

/// In the left lane behind a lorry at 5 m/s, asking for the lane of those who come.
fn passing(others: &[Track]) -> (Verdict, Behavior) {
    let own = Track {
        east_m: 150.0,
        north_m: 0.0,
        velocity: Velocity {
            east_mps: 6.0,
            ..asker().velocity
        },
        ..asker()
    };
    let lorry = Track {
        class: Class::Truck,
        ..car(90, 170.0, 0.0, 5.0)
    };
    let tracks: Vec<Track> = [own, lorry]
        .into_iter()
        .chain(others.iter().copied())
        .collect();
    decided(&mut desk(), &asks(11, 10, 1), &tracks)
}

#[test]
fn passing_needs_the_other_lane_free_until_it_is_over() {
    assert_eq!(passing(&[]), LEFT);
    // 39 m at 5 m/s more and the change: eleven seconds at 10 m/s, and whoever comes as long at 12.
    assert_eq!(passing(&[car(1, 250.0, 3.5, -12.0)]), STAY);
    assert_eq!(passing(&[car(1, 350.0, 3.5, -12.0)]), STAY);
    assert_eq!(passing(&[car(1, 470.0, 3.5, -12.0)]), LEFT);
    // Who stands there is nearer to be reached, but must be far too.
    assert_eq!(passing(&[car(1, 260.0, 3.5, 0.0)]), STAY);
    assert_eq!(passing(&[car(1, 340.0, 3.5, 0.0)]), LEFT);
    // Who has passed by does not matter; who is passing already, just behind, does.
    assert_eq!(passing(&[car(1, 120.0, 3.5, -12.0)]), LEFT);
    assert_eq!(passing(&[car(1, 138.0, 3.5, 15.0)]), STAY);
}

#[test]
fn nobody_passes_into_what_is_not_seen() {
    let own = Track {
        east_m: 450.0,
        north_m: 0.0,
        ..asker()
    };
    // The lane of those who come begins at 620 m, and who comes from beyond is not known.
    let told = decided(&mut desk(), &asks(11, 10, 1), &[own]);
    assert_eq!(told, (Verdict::Unseen, Behavior::STRAIGHT_ON));
}

#[test]
fn each_sort_of_answer_is_switched_on_its_own() {
    let only_sharing = Config {
        sharing: true,
        ..Config::default()
    };
    let mut desk = desk_that(only_sharing, &[camera(1000.0)]);
    desk.hear(Mono::ZERO, &asks(10, 11, 1));
    assert!(!desk.is_asked(Mono::ZERO));
    assert_eq!(desk.counts().not_served, 1);
    let only_changes = Config {
        lane_change: true,
        ..Config::default()
    };
    let mut desk = desk_that(only_changes, &[camera(1000.0)]);
    let own = Track {
        north_m: 0.0,
        ..asker()
    };
    let told = decided(&mut desk, &asks(11, 10, 1), &[own]);
    assert_eq!(told.0, Verdict::NotThere);
    assert!(!Config::default().is_on());
}

#[test]
fn a_request_ends_with_its_time_or_by_its_vehicles_word() {
    let mut desk = desk();
    let at = |ms| Mono::ZERO + Duration::from_millis(ms);
    desk.hear(at(0), &asks(10, 11, 1));
    assert!(desk.is_asked(at(999)) && !desk.is_asked(at(1000)));
    let brief = Request {
        lasts: Some(Duration::from_millis(300)),
        ..asks(10, 11, 1)
    };
    desk.hear(at(1000), &brief);
    desk.hear(at(1200), &brief);
    assert!(desk.is_asked(at(1499)) && !desk.is_asked(at(1500)));
    desk.hear(at(2000), &asks(10, 11, 1));
    let no_more = Request {
        wish: Wish::Nothing,
        ..asks(10, 11, 1)
    };
    desk.hear(at(2100), &no_more);
    assert!(!desk.is_asked(at(2100)));
    let to_another = Request {
        unit: Some(StationId(*b"RSU00002")),
        ..asks(10, 11, 1)
    };
    desk.hear(at(2100), &to_another);
    assert!(!desk.is_asked(at(2100)));
    let counts = desk.counts();
    assert_eq!((counts.taken_up, counts.not_served), (3, 1));
}

#[test]
fn more_requests_than_there_is_room_for_are_counted_and_answers_fit_one_message() {
    let mut desk = desk();
    for number in 0..40 {
        desk.hear(
            Mono::ZERO,
            &Request {
                number,
                ..asks(10, 11, 1)
            },
        );
    }
    assert_eq!(
        (desk.counts().taken_up, desk.counts().turned_away),
        (16, 24)
    );
    desk.decide(&picture([asker()]));
    // One vehicle is told once, however often it asks.
    assert_eq!(desk.advice().len(), 1);
}

#[test]
fn figures_that_are_not_numbers_grant_nothing_and_harm_nobody() {
    let nan = f64::NAN;
    let mut odd = asker();
    odd.position_cov = Covariance {
        ee: nan,
        en: nan,
        nn: nan,
    };
    assert_eq!(
        decided(&mut desk(), &asks(10, 11, 1), &[odd]).0,
        Verdict::NotThere
    );
    let mut desk = desk();
    desk.hear(
        Mono::ZERO,
        &wants_to_know([strip(&[(nan, nan), (nan, 0.0)], nan)]),
    );
    desk.decide(&picture([asker(), car(1, 300.0, 0.0, 5.0)]));
    assert_eq!(desk.shared().unwrap().count(), 0);
}
