//! Whatever comes in: counted, bounded, finite.

use std::time::Duration;

use proptest::prelude::*;
use v2x_msg::base::StationId;

use super::super::testing::{Dice, car, frame, moment};
use super::*;
use crate::report::{Class, Covariance, Detection, MAX_OBJECTS, Size, Velocity};

#[test]
fn numbers_that_cannot_be_are_refused_and_counted() {
    let mut fusion = fusion();
    let fast = Velocity {
        east_mps: 1e4,
        north_mps: 0.0,
        cov: Covariance::default(),
    };
    let wrong = [
        car(f64::NAN, 0.0),
        car(0.0, f64::INFINITY),
        car(1e9, 0.0),
        Detection {
            position_cov: Covariance {
                ee: f64::NAN,
                en: 0.0,
                nn: 1.0,
            },
            ..car(1.0, 1.0)
        },
        Detection {
            position_cov: Covariance {
                ee: 1.0,
                en: 5.0,
                nn: 1.0,
            },
            ..car(1.0, 1.0)
        },
        Detection {
            velocity: Some(fast),
            ..car(1.0, 1.0)
        },
        Detection {
            yaw_rad: Some(f64::NAN),
            ..car(1.0, 1.0)
        },
        Detection {
            existence: f32::NAN,
            ..car(1.0, 1.0)
        },
    ];
    fusion.handle_objects(CAMERA, &frame(0.0, &wrong));
    assert_eq!(fusion.counts().malformed, wrong.len() as u64);
    assert_eq!(fusion.counts().detections, 0);
}

#[test]
fn at_the_foot_of_a_sensor_nothing_is_surer_than_it_was_said() {
    for away_m in [0.0, 0.01, 0.2] {
        let mut fusion = fusion();
        watch(&mut fusion, 0.0, 0.2, |_| vec![car(away_m, 0.0)]);
        let seen = nearest(&mut fusion, 0.2, away_m, 0.0);
        // Three times with 0.3 m.
        let cov = seen.position_cov;
        assert!(cov.ee > 0.02 && cov.nn > 0.02, "at {away_m} m: {cov:?}");
    }
}

#[test]
fn an_input_that_is_no_sensor_is_refused_and_counted() {
    let mut fusion = fusion();
    fusion.handle_objects(InputId(200), &frame(0.0, &[car(30.0, 0.0)]));
    assert_eq!(fusion.counts().unknown_input, 1);
    assert_eq!(fusion.counts().frames, 0);
}

/// A thousand standing cars, 20 m apart, more than any report or any RSM holds.
fn crowd(fusion: &mut Fusion, t: f64, count: usize) {
    for half in 0..count.div_ceil(MAX_OBJECTS) {
        let cars: Vec<Detection> = (half * MAX_OBJECTS..count.min((half + 1) * MAX_OBJECTS))
            .map(|n| car(20.0 * (n % 20) as f64, 20.0 * (n / 20) as f64 - 300.0))
            .collect();
        fusion.handle_objects(CAMERA, &frame(t, &cars));
    }
}

#[test]
fn at_255_tracks_further_ones_are_counted_and_not_published() {
    let mut fusion = fusion();
    for step in 0..8 {
        crowd(&mut fusion, f64::from(step) / 10.0, 400);
    }
    let ids = ids(&mut fusion, 0.7);
    assert_eq!(ids, (1..=255).collect::<Vec<u8>>());
    assert!(fusion.counts().ids_exhausted > 0);
}

#[test]
fn at_most_384_things_are_followed() {
    let mut fusion = fusion();
    for step in 0..8 {
        crowd(&mut fusion, f64::from(step) / 10.0, 1000);
    }
    assert!(fusion.counts().births_refused >= 616);
    assert_eq!(ids(&mut fusion, 0.7).len(), 255);
}

#[test]
fn an_id_rests_before_another_thing_has_it() {
    let config = Config {
        sensors: sensors(),
        id_rest: Duration::from_secs(5),
        ..Config::default()
    };
    let mut fusion = Fusion::new(Config {
        max_tracks: 255,
        ..config
    });
    for step in 0..5 {
        crowd(&mut fusion, f64::from(step) / 10.0, 255);
    }
    assert_eq!(ids(&mut fusion, 0.4).len(), 255);
    // All go, and others come elsewhere: no id is free until the first have rested.
    let elsewhere = |t: f64| vec![car(30.0 + 0.0 * t, 490.0)];
    watch(&mut fusion, 0.5, 6.0, elsewhere);
    assert!(ids(&mut fusion, 6.0).is_empty());
    watch(&mut fusion, 6.1, 8.0, elsewhere);
    assert_eq!(ids(&mut fusion, 8.0).len(), 1);
}

#[test]
fn after_a_flood_of_false_things_a_newcomer_is_told_of_soon() {
    let mut fusion = fusion();
    assert_eq!(fusion.config().id_rest, Duration::from_secs(30));
    for step in 0..5 {
        crowd(&mut fusion, f64::from(step) / 10.0, 255);
    }
    assert_eq!(ids(&mut fusion, 0.4).len(), 255);
    // The flood ends; who comes then has a number within the time that all tracks take to go, and 5 s.
    watch(&mut fusion, 0.5, 8.0, |_| vec![car(30.0, 490.0)]);
    let told = ids(&mut fusion, 8.0);
    assert_eq!(told.len(), 1);
    // Whose rest is over is taken first: nobody else has had it for the longest time.
    watch(&mut fusion, 8.1, 9.0, |_| {
        vec![car(30.0, 490.0), car(60.0, -490.0)]
    });
    let both = ids(&mut fusion, 9.0);
    assert!(both.len() == 2 && both.contains(&told[0]), "{both:?}");
}

#[test]
fn a_crowd_in_one_spot_is_paired_within_bounds() {
    let mut fusion = fusion();
    let mut dice = Dice::new(9);
    watch(&mut fusion, 0.0, 0.8, |_| {
        (0..MAX_OBJECTS)
            .map(|_| car(30.0 + 4.0 * dice.uniform(), 4.0 * dice.uniform()))
            .collect()
    });
    assert!(fusion.counts().oversized_groups > 0);
    assert!(ids(&mut fusion, 0.8).len() <= 255);
}

/// Any number a device could send, wrong ones among them.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -200.0..200.0f64,
        1 => prop::num::f64::ANY,
        1 => Just(1e9),
    ]
}

fn any_detection() -> impl Strategy<Value = Detection> {
    let place = (
        any_number(),
        any_number(),
        any_number(),
        any_number(),
        any_number(),
    );
    let motion = prop::option::of((any_number(), any_number(), any_number(), any_number()));
    let rest = (
        prop::option::of(any_number()),
        0..7u8,
        any::<f32>(),
        prop::option::of(0..50u16),
    );
    (
        place,
        motion,
        rest,
        prop::option::of((any::<f32>(), 0.1..20.0f32)),
    )
        .prop_map(
            |(
                (east_m, north_m, ee, nn, en),
                motion,
                (yaw_rad, class, existence, device_id),
                size,
            )| Detection {
                device_id,
                // Few names for many things: some claim the same.
                own_id: device_id
                    .filter(|id| id % 3 == 0)
                    .map(|id| StationId([id as u8; 8])),
                east_m,
                north_m,
                position_cov: Covariance {
                    ee: ee.abs(),
                    en,
                    nn: nn.abs(),
                },
                velocity: motion.map(|(east_mps, north_mps, ee, nn)| Velocity {
                    east_mps,
                    north_mps,
                    cov: Covariance {
                        ee: ee.abs(),
                        en: 0.0,
                        nn: nn.abs(),
                    },
                }),
                yaw_rad,
                size: size.map(|(length_m, width_m)| Size {
                    length_m,
                    width_m,
                    height_m: None,
                }),
                class: [
                    Class::Unknown,
                    Class::Car,
                    Class::Truck,
                    Class::Bus,
                    Class::Motorcycle,
                    Class::Bicycle,
                    Class::Pedestrian,
                ][usize::from(class)],
                emergency: false,
                existence,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_reports_make_a_picture_of_finite_numbers(
        reports in prop::collection::vec(
            (0..4usize, prop_oneof![9 => -0.3..0.3f64, 1 => -4000.0..4000.0f64],
             prop::collection::vec(any_detection(), 0..20), any::<bool>()),
            1..60,
        )
    ) {
        let inputs = [CAMERA, SECOND_CAMERA, RADAR, InputId(99)];
        let mut fusion = fusion();
        for (step, (input, offset, detections, look)) in reports.iter().enumerate() {
            let t = step as f64 * 0.05 + offset;
            fusion.handle_objects(inputs[*input], &frame(t, detections));
            if *look {
                check(fusion.picture(moment(step as f64 * 0.05)))?;
            }
        }
        check(fusion.picture(moment(reports.len() as f64 * 0.05)))?;
    }
}

fn check(picture: &Picture) -> Result<(), TestCaseError> {
    for pair in picture.tracks.windows(2) {
        prop_assert!(pair[0].id < pair[1].id);
    }
    for track in &picture.tracks {
        let Velocity {
            east_mps,
            north_mps,
            cov,
        } = track.velocity;
        let p = track.position_cov;
        let numbers = [
            track.east_m,
            track.north_m,
            east_mps,
            north_mps,
            p.ee,
            p.en,
            p.nn,
            cov.ee,
            cov.en,
            cov.nn,
            track.yaw_rad.unwrap_or(0.0),
            track.existence.into(),
            track.class_confidence.into(),
        ];
        prop_assert!(numbers.iter().all(|number| number.is_finite()), "{track:?}");
        prop_assert!(
            p.ee > 0.0 && p.nn > 0.0 && p.en * p.en < p.ee * p.nn,
            "{track:?}"
        );
        prop_assert!(track.id > 0);
        prop_assert!((0.0..=1.0).contains(&track.existence));
    }
    Ok(())
}
