//! Sensors that stand or look elsewhere than was said.

use super::*;

/// Three cameras that look all around, and what is true of eight cars on two roads that cross.
fn cameras() -> Vec<Sensor> {
    [
        (CAMERA, 15.0, -15.0),
        (SECOND_CAMERA, -15.0, 15.0),
        (RADAR, -15.0, -15.0),
    ]
    .map(|(input, east_m, north_m)| Sensor {
        half_fov_rad: 3.2,
        max_range_m: 150.0,
        ..Sensor::camera(
            input,
            Pose {
                east_m,
                north_m,
                up_m: 6.0,
                yaw_rad: 0.0,
            },
        )
    })
    .to_vec()
}

fn traffic(t: f64) -> Vec<(f64, f64)> {
    let place = |k: u8| {
        let along = (10.0 * t + 53.0 * f64::from(k)) % 220.0 - 110.0;
        match k % 4 {
            0 => (along, -5.0),
            1 => (-along, 5.0),
            2 => (5.0, along),
            _ => (-5.0, -along),
        }
    };
    (0..8).map(place).collect()
}

/// The second at which each of the first `count` cameras was first said to stand elsewhere, where what the first
/// one says is `bent`.
fn told_after_s(
    count: usize,
    seed: u64,
    bent: impl Fn(f64, f64) -> (f64, f64),
) -> Vec<Option<i32>> {
    let sensors = cameras()[..count].to_vec();
    let inputs: Vec<InputId> = sensors.iter().map(|sensor| sensor.input).collect();
    let mut fusion = Fusion::new(Config {
        sensors,
        ..Config::default()
    });
    let mut dice = Dice::new(seed);
    let mut told = vec![None; count];
    for step in 0..600 {
        let t = f64::from(step) / 10.0;
        for (n, input) in inputs.iter().enumerate() {
            let mut seen = Vec::new();
            for (east_m, north_m) in traffic(t) {
                let (east_m, north_m) = if n == 0 {
                    bent(east_m, north_m)
                } else {
                    (east_m, north_m)
                };
                if dice.uniform() > 0.1 {
                    seen.push(car(
                        east_m + 0.3 * dice.normal(),
                        north_m + 0.3 * dice.normal(),
                    ));
                }
            }
            fusion.handle_objects(*input, &frame(t, &seen));
        }
        fusion.picture(moment(t));
        for (input, told) in inputs.iter().zip(&mut told) {
            let suspicion = fusion.health(*input, moment(t)).unwrap().suspicion;
            if suspicion == Some(Suspicion::Astray) {
                told.get_or_insert(step / 10);
            }
        }
    }
    told
}

fn about(turn_deg: f64) -> impl Fn(f64, f64) -> (f64, f64) {
    let (sin, cos) = turn_deg.to_radians().sin_cos();
    move |east_m, north_m| {
        let (east_m, north_m) = (east_m - 15.0, north_m + 15.0);
        (
            15.0 + cos * east_m - sin * north_m,
            -15.0 + sin * east_m + cos * north_m,
        )
    }
}

#[test]
fn a_mount_that_is_off_by_much_is_told_within_a_minute_and_of_that_sensor_alone() {
    for seed in 1..=3 {
        let told = |bent: &dyn Fn(f64, f64) -> (f64, f64)| told_after_s(3, seed, bent);
        for (what, told) in [
            ("the other way", told(&about(180.0))),
            ("20 degrees aside", told(&about(20.0))),
            (
                "east for north",
                told(&|east_m, north_m| (east_m - 30.0, north_m + 30.0)),
            ),
            (
                "left for right",
                told(&|east_m, north_m| (east_m, -30.0 - north_m)),
            ),
        ] {
            assert!(
                told[0].is_some_and(|s| s < 60),
                "{what}, seed {seed}: {told:?}"
            );
            assert_eq!(told[1..], [None, None], "{what}, seed {seed}");
        }
    }
}

#[test]
fn of_two_that_have_nothing_in_common_both_are_told() {
    let told = told_after_s(2, 4, about(180.0));
    assert!(told.iter().all(Option::is_some), "{told:?}");
}

#[test]
fn who_stands_as_said_or_is_off_by_a_little_is_not_astray() {
    for seed in 1..=3 {
        for turn_deg in [0.0, 1.0, 2.0] {
            let told = told_after_s(3, seed, about(turn_deg));
            assert_eq!(told, [None, None, None], "{turn_deg}, seed {seed}");
        }
    }
}

#[test]
fn cameras_that_each_see_a_road_of_their_own_contradict_nobody() {
    // They look the same way from 400 m apart, and their fields do not meet.
    let mut sensors = cameras();
    sensors.truncate(2);
    sensors[1].pose.east_m = 400.0;
    let mut fusion = Fusion::new(Config {
        sensors,
        ..Config::default()
    });
    for step in 0..600 {
        let t = f64::from(step) / 10.0;
        let here: Vec<_> = traffic(t).iter().map(|(e, n)| car(*e, *n)).collect();
        let there: Vec<_> = traffic(t).iter().map(|(e, n)| car(e + 400.0, *n)).collect();
        fusion.handle_objects(CAMERA, &frame(t, &here));
        fusion.handle_objects(SECOND_CAMERA, &frame(t, &there));
        fusion.picture(moment(t));
        for input in [CAMERA, SECOND_CAMERA] {
            let suspicion = fusion.health(input, moment(t)).unwrap().suspicion;
            assert_ne!(suspicion, Some(Suspicion::Astray), "{t}");
        }
    }
}
