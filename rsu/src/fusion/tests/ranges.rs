//! Ranges that sensors say, and what of them can be known.

use super::*;

const FACING: InputId = InputId(8);
const THIRD: InputId = InputId(9);

/// A radar that says positions only, with 0.3 m of error along the beam and 0.2 m across it.
fn radar(input: InputId, east_m: f64, yaw_rad: f64) -> Sensor {
    let pose = Pose {
        east_m,
        north_m: 0.0,
        up_m: 6.0,
        yaw_rad,
    };
    Sensor {
        sees: Sees::Centre,
        ..Sensor::radar(input, pose)
    }
}

/// A car that is seen too far away by so much.
fn measure(
    sensor: &Sensor,
    longer_m: f64,
    (east_m, north_m): (f64, f64),
    dice: &mut Dice,
) -> Detection {
    let (east, north) = (east_m - sensor.pose.east_m, north_m - sensor.pose.north_m);
    let bearing = north.atan2(east);
    let (deep, aside) = (longer_m + 0.3 * dice.normal(), 0.2 * dice.normal());
    Detection {
        position_cov: Covariance::from_axes(bearing, 0.3, 0.2),
        ..car(
            east_m + deep * bearing.cos() - aside * bearing.sin(),
            north_m + deep * bearing.sin() + aside * bearing.cos(),
        )
    }
}

/// Sensors that measure too far by so much each, at 10 Hz for so long, over cars on a road to the east that
/// all speed up by 1.5 m/s² from 5 m/s on, 20 m apart when they enter it.
fn drive(sensors: &[(Sensor, f64)], seconds: u32, seed: u64) -> Fusion {
    drive_and_look(sensors, seconds, seed, |_, _, _| {})
}

/// The same; `look` is given each picture with where the cars are in truth.
fn drive_and_look(
    sensors: &[(Sensor, f64)],
    seconds: u32,
    seed: u64,
    mut look: impl FnMut(f64, &Picture, &[(f64, f64)]),
) -> Fusion {
    let mut dice = Dice::new(seed);
    let mut fusion = Fusion::new(Config {
        sensors: sensors.iter().map(|(sensor, _)| *sensor).collect(),
        ..Config::default()
    });
    for step in 0..seconds * 10 {
        for (n, (sensor, longer_m)) in sensors.iter().enumerate() {
            let t = f64::from(step) / 10.0 + 0.03 * n as f64;
            let places = places(t);
            let seen: Vec<_> = places
                .map(|place| measure(sensor, *longer_m, place, &mut dice))
                .collect();
            fusion.handle_objects(sensor.input, &frame(t, &seen));
        }
        let t = f64::from(step) / 10.0 + 0.08;
        let truth: Vec<_> = places(t).collect();
        look(t, fusion.picture(moment(t)), &truth);
    }
    fusion
}

/// Where the cars are.
fn places(t: f64) -> impl Iterator<Item = (f64, f64)> {
    let entered = (0..4).map(move |k| (t / 4.0).floor() * 4.0 - 4.0 * f64::from(k));
    let places = entered.map(move |at| {
        let since = t - at;
        (5.0 * since + 0.75 * since * since, 3.5 * ((at / 4.0) % 2.0))
    });
    places.filter(|place| place.0 < 130.0)
}

fn found_m(fusion: &Fusion, input: InputId, seconds: f64) -> f64 {
    let health = fusion.health(input, moment(seconds)).expect("a sensor");
    assert_ne!(health.suspicion, Some(Suspicion::Shifted), "{health:?}");
    health.range_offset_m
}

#[test]
fn what_facing_radars_cannot_know_stays_at_the_survey() {
    for seed in 41..=43 {
        let pair = [
            (radar(RADAR, -10.0, 0.0), 0.0),
            (radar(FACING, 140.0, std::f64::consts::PI), 0.0),
        ];
        let fusion = drive(&pair, 300, seed);
        for (sensor, _) in pair {
            let found = found_m(&fusion, sensor.input, 300.0);
            assert!(
                found.abs() < 0.1,
                "{found} m, {:?}, seed {seed}",
                sensor.input
            );
        }
    }
}

#[test]
fn one_radar_that_measures_too_far_is_found_where_two_others_show_it() {
    for seed in 44..=46 {
        let three = [
            (radar(RADAR, -10.0, 0.0), 0.5),
            (radar(FACING, 140.0, std::f64::consts::PI), 0.0),
            (radar(THIRD, 145.0, std::f64::consts::PI), 0.0),
        ];
        let fusion = drive(&three, 180, seed);
        let [wrong, facing, third] = three.map(|(s, _)| found_m(&fusion, s.input, 180.0));
        // Two look one way and one the other: nobody can say more than that a third each is likeliest, but
        // the sum of both sides is 0.5 m.
        let sum = wrong + 0.5 * (facing + third);
        assert!(
            (0.35..0.6).contains(&sum),
            "{wrong} {facing} {third}, seed {seed}"
        );
        assert!(
            wrong > 1.5 * facing.max(third),
            "{wrong} {facing} {third}, seed {seed}"
        );
    }
}

#[test]
fn all_that_measure_too_far_are_found_where_they_face_each_other() {
    for seed in 47..=49 {
        let pair = [
            (radar(RADAR, -10.0, 0.0), 0.4),
            (radar(FACING, 140.0, std::f64::consts::PI), 0.3),
        ];
        let fusion = drive(&pair, 180, seed);
        let [one, other] = pair.map(|(s, _)| found_m(&fusion, s.input, 180.0));
        let sum = one + other;
        assert!((0.5..0.8).contains(&sum), "{one} {other}, seed {seed}");
        assert!((one - other).abs() < 0.15, "{one} {other}, seed {seed}");
    }
}

/// Mean of NEES, and root of the mean square along the road, of cars more than 20 m on.
fn wrong(sensors: &[(Sensor, f64)], (from, to): (u32, u32), seed: u64) -> (f64, f64) {
    let (mut nees, mut square, mut count) = (0.0, 0.0_f64, 0.0);
    drive_and_look(sensors, to, seed, |t, picture, truth| {
        for place in truth
            .iter()
            .filter(|place| t > f64::from(from) && place.0 > 20.0)
        {
            let off = |track: &Track| (track.east_m - place.0, track.north_m - place.1);
            let each = picture
                .tracks
                .iter()
                .map(|track| (off(track), track.position_cov));
            let near = each.min_by(|a, b| a.0.0.hypot(a.0.1).total_cmp(&b.0.0.hypot(b.0.1)));
            let Some(((e, n), p)) = near else { continue };
            if e.hypot(n) > 4.0 {
                continue;
            }
            nees +=
                (p.nn * e * e - 2.0 * p.en * e * n + p.ee * n * n) / (p.ee * p.nn - p.en * p.en);
            square += e * e;
            count += 1.0;
        }
    });
    (nees / count, (square / count).sqrt())
}

#[test]
fn one_that_measures_two_metres_too_far_is_told_of_and_most_of_it_taken_off_within_a_minute() {
    for seed in 54..=56 {
        let three = [
            (radar(RADAR, -10.0, 0.0), 2.0),
            (radar(FACING, 140.0, std::f64::consts::PI), 0.0),
            (radar(THIRD, 60.0, 2.0), 0.0),
        ];
        let fusion = drive(&three, 60, seed);
        let health = |n: usize| {
            let health = fusion.health(three[n].0.input, moment(60.0));
            health.expect("a sensor")
        };
        assert_eq!(health(0).suspicion, Some(Suspicion::Shifted), "seed {seed}");
        let [first, second, third] = [0, 1, 2].map(|n| health(n).range_offset_m);
        assert!(first > 1.4, "{first} {second} {third}, seed {seed}");
        assert!(second.abs().max(third.abs()) < 0.4, "{second} {third}");
        let (nees, wrong_m) = wrong(&three, (20, 60), seed);
        assert!((1.0..4.0).contains(&nees), "NEES {nees}, seed {seed}");
        assert!(wrong_m < 0.4, "{wrong_m} m, seed {seed}");
    }
}

/// Two that face each other and contradict each other by two metres: whose they are nobody can say, and so it is told.
#[test]
fn where_nobody_can_say_who_measures_too_far_the_doubt_says_so() {
    for seed in 54..=56 {
        let two = [
            (radar(RADAR, -10.0, 0.0), 2.0),
            (radar(FACING, 140.0, std::f64::consts::PI), 0.0),
        ];
        let (nees, wrong_m) = wrong(&two, (20, 90), seed);
        assert!(wrong_m > 0.4, "{wrong_m} m: it can be known, seed {seed}");
        assert!((1.0..4.0).contains(&nees), "NEES {nees}, seed {seed}");
    }
}
