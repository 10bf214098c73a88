//! Long bodies that cameras list in parts, and what must not pass for a part.

use super::*;

/// A body of that class and length as a camera lists it.
fn long(class: Class, length_m: f32, east_m: f64) -> Detection {
    Detection {
        class,
        size: Some(Size {
            length_m,
            width_m: 2.5,
            height_m: Some(3.2),
        }),
        ..car(east_m, 0.0)
    }
}

/// With noise, so that it is nobody's luck.
fn noisy(detection: Detection, dice: &mut Dice) -> Detection {
    Detection {
        east_m: detection.east_m + 0.3 * dice.normal(),
        north_m: detection.north_m + 0.3 * dice.normal(),
        ..detection
    }
}

/// Two cameras at 10 Hz, from `from` to `to` seconds: what each lists.
fn look(
    fusion: &mut Fusion,
    (from, to): (u32, u32),
    dice: &mut Dice,
    lists: impl Fn(f64) -> [Vec<Detection>; 2],
) {
    for step in from * 10..to * 10 {
        let t = f64::from(step) / 10.0;
        for (camera, list) in [CAMERA, SECOND_CAMERA].into_iter().zip(lists(t)) {
            let list: Vec<_> = list.into_iter().map(|d| noisy(d, dice)).collect();
            fusion.handle_objects(camera, &frame(t, &list));
        }
    }
}

/// A lorry of 16 m in two halves about `east_m`.
fn halves(east_m: f64) -> Vec<Detection> {
    vec![
        long(Class::Truck, 8.0, east_m - 4.0),
        long(Class::Truck, 8.0, east_m + 4.0),
    ]
}

#[test]
fn a_lorry_that_one_camera_lists_in_parts_is_one_where_it_is() {
    for seed in 1..=8 {
        let mut dice = Dice::new(seed);
        let mut fusion = fusion();
        let place = |t: f64| 20.0 + 6.0 * t;
        let whole = |t: f64| vec![long(Class::Truck, 16.0, place(t))];
        look(&mut fusion, (0, 2), &mut dice, |t| [whole(t), whole(t)]);
        let id = ids(&mut fusion, 1.9);
        assert_eq!(id.len(), 1, "seed {seed}");
        for second in 2..12 {
            look(&mut fusion, (second, second + 1), &mut dice, |t| {
                [halves(place(t)), whole(t)]
            });
            let t = f64::from(second) + 0.9;
            assert_eq!(ids(&mut fusion, t), id, "at {t} s, seed {seed}");
            let lorry = nearest(&mut fusion, t, place(t), 0.0);
            let off_m = (lorry.east_m - place(t)).abs();
            assert!(off_m < 1.0, "{off_m} m off at {t} s, seed {seed}");
            let length_m = lorry.size.map_or(0.0, |size| size.length_m);
            assert!((length_m - 16.0).abs() < 0.1, "{length_m} m, seed {seed}");
        }
    }
}

#[test]
fn a_car_that_another_camera_takes_for_the_end_of_a_bus_is_one_of_its_own() {
    for seed in 1..=8 {
        let mut dice = Dice::new(seed);
        let mut fusion = fusion();
        // 12 m of bus, a gap of a metre, a car: 17.6 m in the eyes of the second camera.
        let bus = |t: f64| long(Class::Bus, 12.0, 30.0 + 6.0 * t);
        let behind = |t: f64| long(Class::Car, 4.6, 20.7 + 6.0 * t);
        let both = |t: f64| long(Class::Bus, 17.6, 27.2 + 6.0 * t);
        look(&mut fusion, (0, 2), &mut dice, |t| {
            [vec![bus(t)], vec![both(t)]]
        });
        look(&mut fusion, (2, 12), &mut dice, |t| {
            [vec![bus(t), behind(t)], vec![both(t)]]
        });
        let car = nearest(&mut fusion, 11.9, 20.7 + 6.0 * 11.9, 0.0);
        let off_m = (car.east_m - (20.7 + 6.0 * 11.9)).abs();
        assert!(off_m < 1.5, "nearest {off_m} m off, seed {seed}");
    }
}

#[test]
fn two_that_passed_for_one_lorry_are_two_soon_after_nobody_lists_it_whole() {
    for seed in 1..=8 {
        let mut dice = Dice::new(seed);
        let mut fusion = fusion();
        let whole = |t: f64| vec![long(Class::Truck, 16.0, 20.0 + 6.0 * t)];
        look(&mut fusion, (0, 4), &mut dice, |t| [whole(t), whole(t)]);
        let apart = |t: f64| halves(20.0 + 6.0 * t);
        look(&mut fusion, (4, 7), &mut dice, |t| [apart(t), apart(t)]);
        assert_eq!(ids(&mut fusion, 6.9).len(), 2, "seed {seed}");
    }
}
