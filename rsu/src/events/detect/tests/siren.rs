//! Who makes room for an emergency vehicle, and who has broken down near one.

use super::*;

/// An ambulance that comes down the approach 20 m/s fast, past whoever stands at 150 m, from 320 m on.
fn ambulance(t: f64) -> Track {
    Track {
        emergency: true,
        ..car(40, IN_M + 3.4, 320.0 - 20.0 * t, -20.0)
    }
}

/// A driver who comes at 10 m/s from 200 m on and stands at 150 m after five seconds.
fn stops(t: f64) -> Track {
    if t < 5.0 {
        car(1, IN_M, 200.0 - 10.0 * t, -10.0)
    } else {
        car(1, IN_M, 150.0, 0.0)
    }
}

/// When 903 was raised, in seconds after the bench began.
fn stopped_s(bench: &Bench) -> Option<f64> {
    let raised = bench
        .told
        .iter()
        .find(|(_, code, stage)| (*code, *stage) == (903, events::Stage::Holds));
    raised.map(|(ms, ..)| (*ms as f64 - 1000.0) / 1000.0)
}

#[test]
fn who_makes_room_for_a_siren_is_not_stopped() {
    let mut bench = bench();
    // It stands for 25 s: the ambulance is within 150 m from 1 s to 16 s, and ten more are nobody's business.
    bench.see(30.0, |t| match t {
        _ if t < 17.0 => vec![stops(t), ambulance(t)],
        _ => vec![stops(t)],
    });
    bench.see(3.0, |t| vec![car(1, IN_M, 150.0 - 5.0 * t, -5.0)]);
    assert_eq!(bench.raised(), [905]);
}

#[test]
fn who_has_broken_down_near_a_siren_is_told_later() {
    let mut bench = bench();
    bench.see(60.0, |t| match t {
        _ if t < 17.0 => vec![stops(t), ambulance(t)],
        _ => vec![stops(t)],
    });
    // It was heard there until 16 s, or a moment longer; ten more and fifteen of evidence.
    let told_s = stopped_s(&bench).unwrap();
    assert!((40.0..43.0).contains(&told_s), "{told_s}");
}

#[test]
fn who_stood_there_before_the_siren_counts_as_ever() {
    let mut bench = bench();
    bench.see(10.0, |_| vec![car(1, IN_M, 150.0, 0.0)]);
    bench.see(7.0, |t| vec![car(1, IN_M, 150.0, 0.0), ambulance(t)]);
    let told_s = stopped_s(&bench).unwrap();
    assert!((14.9..15.3).contains(&told_s), "{told_s}");
}

#[test]
fn nobody_makes_room_for_a_minute() {
    // An ambulance that crawls along beside it for ever.
    let crawls = |t: f64| Track {
        emergency: true,
        ..car(40, IN_M + 3.4, 160.0 - 2.0 * (t % 5.0), -2.0)
    };
    let mut bench = bench();
    bench.see(90.0, |t| vec![stops(t), crawls(t)]);
    let told_s = stopped_s(&bench).unwrap();
    assert!((79.9..81.0).contains(&told_s), "5 + 60 + 15 s: {told_s}");
}

#[test]
fn an_ambulance_that_has_arrived_explains_no_stand() {
    let arrived = || Track {
        emergency: true,
        ..car(40, IN_M + 3.4, 250.0, 0.0)
    };
    let mut bench = bench();
    bench.see(40.0, |_| vec![arrived()]);
    assert_eq!(bench.raised(), [903], "it stands in a lane, as others do");
    bench.see(21.0, |t| vec![stops(t), arrived()]);
    assert_eq!(bench.raised(), [903, 903]);
}

#[test]
fn a_junction_that_is_held_for_an_emergency_vehicle_explains_a_stand_near_it() {
    let stands = |north_m: f64| {
        move |t: f64| match t {
            _ if t < 2.0 => vec![car(1, OUT_M, north_m - 10.0 * (2.0 - t), 10.0)],
            _ => vec![car(1, OUT_M, north_m, 0.0)],
        }
    };
    for (held, told) in [(false, &[903][..]), (true, &[])] {
        let mut bench = bench();
        (bench.light, bench.held) = (Some((Light::Red, 0)), held);
        bench.see(30.0, stands(100.0));
        assert_eq!(bench.raised(), told, "{held}");
    }
    // 200 m beyond it nobody knows of the emergency vehicle.
    let mut bench = bench();
    (bench.light, bench.held) = (Some((Light::Red, 0)), true);
    bench.see(30.0, stands(220.0));
    assert_eq!(bench.raised(), [903]);
}

#[test]
fn where_nobody_is_to_make_room_a_siren_explains_nothing() {
    let mut bench = bench_with(Config {
        siren_within_m: 0.0,
        ..Config::default()
    });
    bench.see(21.0, |t| vec![stops(t), ambulance(t)]);
    assert_eq!(bench.raised(), [905, 903]);
}

#[test]
fn what_lies_in_a_lane_makes_room_for_nobody() {
    let mut bench = bench();
    let crawls = |t: f64| Track {
        emergency: true,
        ..car(40, IN_M + 3.4, 160.0 - 2.0 * (t % 5.0), -2.0)
    };
    bench.see(17.0, |t| {
        vec![of(Class::Unknown, car(1, IN_M, 150.0, 0.0)), crawls(t)]
    });
    assert!(bench.raised().contains(&401), "{:?}", bench.told);
}

#[test]
fn who_stands_on_its_way_into_the_next_lane_waits_for_those_in_either() {
    // Lane 2 is from 3.25 m to 6.75 m west. One stands in lane 1 to its left, 0.9 m over the edge; before it
    // in lane 2 a queue stands at red; nobody is in lane 1. Another stands behind it in lane 2.
    let road = |_: f64| {
        let mut cars = queue(23.0, 6);
        cars.push(car(20, -3.1, 73.0, 0.0));
        cars.push(car(21, IN_M, 83.0, 0.0));
        cars
    };
    let mut bench = bench();
    bench.light = Some((Light::Red, 0));
    bench.see(60.0, road);
    assert_eq!(bench.raised(), NONE);
    // Whoever stands in the middle of lane 1 does not.
    let mut bench = super::bench();
    bench.light = Some((Light::Red, 0));
    bench.see(16.0, |t| {
        let mut cars = road(t);
        cars[6].east_m = -1.6;
        cars
    });
    assert!(bench.raised().contains(&903), "{:?}", bench.told);
}
