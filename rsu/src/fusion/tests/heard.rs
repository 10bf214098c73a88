//! Road users that speak of themselves, beside sensors that see them.

use v2x_msg::base::StationId;

use super::*;

const AIR: InputId = InputId(9);
const BUS: StationId = StationId(*b"bus-0042");

fn fusion_with_air() -> Fusion {
    let mut sensors = sensors();
    sensors.push(Sensor::heard(AIR));
    Fusion::new(Config {
        sensors,
        ..Config::default()
    })
}

/// A word with 1.5 m of error, and a speed.
fn word(id: StationId, east_m: f64, north_m: f64, east_mps: f64) -> Detection {
    Detection {
        own_id: Some(id),
        position_cov: Covariance::from_axes(0.0, 1.5, 1.5),
        velocity: Some(Velocity {
            east_mps,
            north_mps: 0.0,
            cov: Covariance::from_axes(0.0, 0.3, 0.3),
        }),
        ..car(east_m, north_m)
    }
}

/// Ten times a second from 0 s: what a camera sees, and, 30 ms later, what is told.
fn run(
    fusion: &mut Fusion,
    steps: std::ops::Range<i32>,
    seen: impl Fn(f64) -> Vec<Detection>,
    told: impl Fn(f64) -> Vec<Detection>,
) {
    for step in steps {
        let t = f64::from(step) / 10.0;
        fusion.handle_objects(CAMERA, &frame(t, &seen(t)));
        let words = told(t + 0.03);
        if !words.is_empty() {
            fusion.handle_objects(AIR, &frame(t + 0.03, &words));
        }
    }
}

#[test]
fn who_is_seen_and_heard_is_one_and_keeps_the_name() {
    let mut fusion = fusion_with_air();
    let seen = |t: f64| vec![car(20.0 + 10.0 * t, 3.0), car(20.0 + 10.0 * t, -3.0)];
    run(&mut fusion, 0..10, seen, |_| Vec::new());
    let before = ids(&mut fusion, 0.9);
    // Its satellites are a metre off for all the time.
    let told = |t: f64| vec![word(BUS, 21.0 + 10.0 * t, 3.0, 10.0)];
    run(&mut fusion, 10..40, seen, told);
    assert_eq!(ids(&mut fusion, 3.95), before, "nobody came, nobody went");
    let bus = nearest(&mut fusion, 3.95, 59.5, 3.0);
    assert_eq!(bus.own_id, Some(BUS));
    assert_eq!(bus.sources, 0b1001);
    assert!(
        (bus.east_m - 59.5).abs() < 0.5,
        "what is seen weighs more: {bus:?}"
    );
    let other = nearest(&mut fusion, 3.95, 59.5, -3.0);
    assert_eq!((other.own_id, other.sources), (None, 0b0001));
}

#[test]
fn who_is_only_heard_is_followed_and_who_is_silent_is_not_missed() {
    let mut fusion = fusion_with_air();
    // Behind the cameras.
    let told = |t: f64| vec![word(BUS, -80.0 + 8.0 * t, 2.0, 8.0)];
    run(&mut fusion, 0..20, |_| vec![car(30.0, 0.0)], told);
    let bus = nearest(&mut fusion, 2.0, -64.0, 2.0);
    assert!((bus.east_m + 64.0).abs() < 1.0, "{bus:?}");
    assert_eq!((bus.own_id, bus.sources), (Some(BUS), 0b1000));
    let seen = nearest(&mut fusion, 2.0, 30.0, 0.0);
    assert!(seen.existence > 0.99 && seen.own_id.is_none(), "{seen:?}");
    let health = fusion.health(AIR, moment(60.0)).unwrap();
    assert_eq!(health.suspicion, None, "a road on which nobody speaks");
}

#[test]
fn a_new_name_is_the_same_road_user() {
    let mut fusion = fusion_with_air();
    let later = StationId(*b"bus-9999");
    let seen = |t: f64| vec![car(20.0 + 10.0 * t, 3.0)];
    let told = |t: f64| {
        let name = if t < 2.0 { BUS } else { later };
        vec![word(name, 20.0 + 10.0 * t, 3.0, 10.0)]
    };
    run(&mut fusion, 0..20, seen, told);
    let before = ids(&mut fusion, 1.95);
    run(&mut fusion, 20..40, seen, told);
    assert_eq!(ids(&mut fusion, 3.95), before);
    assert_eq!(nearest(&mut fusion, 3.95, 59.5, 3.0).own_id, Some(later));
    assert_eq!(fusion.counts().published, 1);
}

#[test]
fn two_that_name_themselves_stay_two_side_by_side() {
    let mut fusion = fusion_with_air();
    let other = StationId(*b"taxi-001");
    let told = |t: f64| {
        vec![
            word(BUS, 20.0 + 10.0 * t, 1.0, 10.0),
            word(other, 20.0 + 10.0 * t, -1.0, 10.0),
        ]
    };
    run(&mut fusion, 0..60, |_| Vec::new(), told);
    let picture = fusion.picture(moment(5.95));
    let mut names: Vec<_> = picture
        .tracks
        .iter()
        .map(|t| (t.north_m > 0.0, t.own_id))
        .collect();
    names.sort_unstable_by_key(|(north, _)| *north);
    assert_eq!(names, [(false, Some(other)), (true, Some(BUS))]);
}

#[test]
fn two_under_one_name_are_two_places() {
    let mut fusion = fusion_with_air();
    // Sixty metres apart, one towards the other, each at its own moment; they meet after four seconds.
    for step in 0..80 {
        let t = f64::from(step) / 10.0;
        let there = [word(BUS, 20.0 + 8.0 * t, 2.0, 8.0)];
        let here = [word(BUS, 84.0 - 8.0 * (t + 0.05), -8.0, -8.0)];
        fusion.handle_objects(AIR, &frame(t, &there));
        fusion.handle_objects(AIR, &frame(t + 0.05, &here));
        if step > 10 {
            let tracks = &fusion.picture(moment(t + 0.05)).tracks;
            assert_eq!(tracks.len(), 2, "{t}: {tracks:?}");
            assert!(tracks.iter().all(|track| track.own_id == Some(BUS)));
        }
    }
    assert_eq!(fusion.counts().published, 2);
}

/// One comes first; the other a second later, in the lane beside and half a length behind, so that each word
/// lies within the error of both. Each speaks at its own moment, as radios do.
#[test]
fn who_comes_up_beside_another_has_a_number_of_its_own_from_the_first() {
    for seed in 1..=20 {
        let mut dice = Dice::new(seed);
        let mut fusion = fusion_with_air();
        let other = StationId(*b"taxi-001");
        let off = [0; 4].map(|_| 0.5 * dice.normal());
        let mut numbers: Vec<(StationId, u8)> = Vec::new();
        for step in 0..60 {
            let t = f64::from(step) / 10.0;
            let one = word(BUS, -90.0 + 10.0 * t + off[0], 1.75 + off[1], 10.0);
            fusion.handle_objects(AIR, &frame(t, &[one]));
            if step >= 10 {
                let t = t + 0.04;
                let two = word(other, -92.0 + 10.0 * t + off[2], -1.75 + off[3], 10.0);
                fusion.handle_objects(AIR, &frame(t, &[two]));
            }
            for track in &fusion.picture(moment(t + 0.05)).tracks {
                let told = track.own_id.map(|name| (name, track.id));
                numbers.extend(told.filter(|told| !numbers.contains(told)));
            }
        }
        let names: Vec<_> = numbers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [BUS, other], "seed {seed}: {numbers:?}");
    }
}

#[test]
fn strangers_cannot_fill_the_room_of_what_is_seen() {
    let mut fusion = fusion_with_air();
    for step in 0..200u32 {
        let t = f64::from(step) * 0.02;
        let words: Vec<_> = (0..100u32)
            .map(|n| {
                let number = step * 100 + n;
                let id = StationId(u64::from(number).to_be_bytes());
                let (row, column) = (f64::from(number % 97), f64::from(number % 89));
                word(id, -400.0 + 4.0 * row, 20.0 + 4.0 * column, 0.0)
            })
            .collect();
        fusion.handle_objects(AIR, &frame(t, &words));
        if step % 5 == 0 {
            fusion.handle_objects(CAMERA, &frame(t, &[car(30.0, -20.0)]));
        }
    }
    assert!(fusion.counts().births_refused > 0);
    let seen = nearest(&mut fusion, 4.0, 30.0, -20.0);
    assert!(
        (seen.east_m - 30.0).abs() < 0.3 && seen.sources & 1 == 1,
        "{seen:?}"
    );
}
