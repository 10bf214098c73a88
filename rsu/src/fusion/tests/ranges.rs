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
    let mut dice = Dice::new(seed);
    let mut fusion = Fusion::new(Config {
        sensors: sensors.iter().map(|(sensor, _)| *sensor).collect(),
        ..Config::default()
    });
    for step in 0..seconds * 10 {
        for (n, (sensor, longer_m)) in sensors.iter().enumerate() {
            let t = f64::from(step) / 10.0 + 0.03 * n as f64;
            let entered = (0..4).map(|k| (t / 4.0).floor() * 4.0 - 4.0 * f64::from(k));
            let places = entered.map(|at| {
                let since = t - at;
                (5.0 * since + 0.75 * since * since, 3.5 * ((at / 4.0) % 2.0))
            });
            let seen: Vec<_> = places
                .filter(|place| place.0 < 130.0)
                .map(|place| measure(sensor, *longer_m, place, &mut dice))
                .collect();
            fusion.handle_objects(sensor.input, &frame(t, &seen));
        }
        fusion.picture(moment(f64::from(step) / 10.0 + 0.08));
    }
    fusion
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
