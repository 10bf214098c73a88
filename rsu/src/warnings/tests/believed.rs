//! From when on it is believed that somebody is there, and which way it takes.

use super::*;
use crate::site::Turn;

/// After how long a walker in the middle of the road is warned of, who was first seen when it began, by so many
/// sensors; it and a car down lane 2 of the northern arm would meet after `meets_s`.
fn warned_after_s(sources: u32, meets_s: f64) -> Option<f64> {
    let mut bench = bench();
    bench.signals = vec![(1, Light::Green, 20.0)];
    let began = bench.now;
    let drives = steady((-5.0, 40.0 + 14.0 * meets_s), (0.0, -14.0));
    let walks = steady((-5.0 - 1.4 * meets_s, 40.0), (1.4, 0.0));
    bench.see(meets_s, |t| {
        let (place, velocity) = walks(t);
        let walker = Track {
            born_at: began,
            sources,
            ..walker(2, place, velocity)
        };
        vec![car(1, drives(t).0, drives(t).1), walker]
    });
    bench.changes.iter().find_map(|change| match change {
        Change::Begun(warning) => Some(warning.since.seconds_after(began)),
        Change::Over(_) => None,
    })
}

#[test]
fn whom_two_sensors_see_is_believed_in_sooner() {
    // What is likely is so for a while already when it is believed.
    let close = |after_s: Option<f64>, s: f64| after_s.is_some_and(|a| (a - s).abs() < 0.05);
    let one = warned_after_s(0b1, 2.8);
    assert!(close(one, 1.0), "by one sensor after {one:?} s");
    let two = warned_after_s(0b101, 2.8);
    assert!(close(two, 0.6), "by two sensors after {two:?} s");
}

#[test]
fn what_two_sensors_see_close_before_a_vehicle_may_be_its_echo() {
    // At 0.6 s there are 0.7 s left.
    let two = warned_after_s(0b101, 1.5);
    assert!(two.is_none_or(|after_s| after_s >= 1.0), "after {two:?} s");
}

/// How likely somebody in the outermost lane of the northern arm turns right, at a red light for those who go
/// straight on, 12 m before the line with so many metres a second and braking with so much.
fn turns_right(mps: f64, braking_mps2: f64) -> f64 {
    let mut bench = bench();
    bench.signals = vec![(1, Light::Red, 30.0)];
    let for_s = 1.5;
    bench.see(for_s, |t| {
        let left_s = for_s - t;
        let speed_mps = mps + braking_mps2 * left_s;
        let before_m = (mps + speed_mps) / 2.0 * left_s;
        vec![car(
            1,
            (-8.5, 20.0 + 2.25 + 12.0 + before_m),
            (0.0, -speed_mps),
        )]
    });
    let ways = &bench.warnings.ways.all;
    let right = bench.predictions().iter().filter(|prediction| {
        let way = prediction.way.map(|way| &ways[way]);
        way.is_some_and(|way| way.turn == Turn::Right)
    });
    right.map(|prediction| prediction.weight).sum()
}

#[test]
fn who_does_not_brake_for_a_red_light_before_a_free_turn_turns() {
    // 2.8 m/s² would be needed for a stop, then 2.0.
    assert!(turns_right(8.2, 0.0) > 0.8, "{}", turns_right(8.2, 0.0));
    assert!(turns_right(7.0, 0.0) > 0.8, "{}", turns_right(7.0, 0.0));
    // Who brakes for it may do either.
    let either = turns_right(7.0, 2.0);
    assert!((0.3..0.7).contains(&either), "{either}");
    // So may who rolls up slowly.
    let either = turns_right(3.5, 0.0);
    assert!((0.3..0.7).contains(&either), "{either}");
}

/// After how long somebody on foot is warned of who stands in the lane of a car and was first seen when it began.
fn standing_warned_after_s(sources: u32) -> Option<f64> {
    let mut bench = bench();
    bench.signals = vec![(1, Light::Green, 20.0)];
    let began = bench.now;
    let drives = steady((-5.0, 40.0 + 12.0 * 4.0), (0.0, -12.0));
    bench.see(3.5, |t| {
        let stands = Track {
            born_at: began,
            sources,
            ..walker(2, (-5.0, 40.0), (0.0, 0.0))
        };
        vec![car(1, drives(t).0, drives(t).1), stands]
    });
    bench.changes.iter().find_map(|change| match change {
        Change::Begun(warning) => Some(warning.since.seconds_after(began)),
        Change::Over(_) => None,
    })
}

#[test]
fn whom_one_sensor_alone_sees_stand_in_the_road_may_be_a_false_picture() {
    let one = standing_warned_after_s(0b1).expect("a warning");
    // By then the driver is expected to see it and to brake, for as long as that helps.
    assert!((1.95..2.8).contains(&one), "by one sensor after {one} s");
    let two = standing_warned_after_s(0b11).expect("a warning");
    assert!(two < 1.5, "by two sensors after {two} s");
}
