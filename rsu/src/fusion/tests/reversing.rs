//! Who backs up points the other way than he goes; who turns round does not back up.

use std::f64::consts::{FRAC_PI_3, PI};

use super::*;

/// What was told of somebody at one moment.
#[derive(Clone, Copy, Debug)]
struct Told {
    at_s: f64,
    yaw_deg: f64,
    reverses: bool,
    /// Of the velocity along where it points.
    ahead_mps: f64,
}

/// What is told, ten times a second, of one who is at `way(t)`, east and north, and points there; the camera says
/// how he lies if it `orients`.
fn told(
    for_s: f64,
    seed: u64,
    way: impl Fn(f64) -> (f64, f64, f64),
    class: Class,
    orients: bool,
) -> Vec<Told> {
    let mut fusion = fusion();
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    for step in 0..(for_s * 10.0) as u32 {
        let t = f64::from(step) / 10.0;
        let (east_m, north_m, yaw_rad) = way(t);
        let (dx, dy) = (0.2 * dice.normal(), 0.2 * dice.normal());
        // Front and rear look alike.
        let end = if dice.uniform() < 0.5 { 0.0 } else { PI };
        let seen = Detection {
            class,
            yaw_rad: orients.then_some(yaw_rad + end + 0.1 * dice.normal()),
            ..car(60.0 + east_m + dx, north_m + dy)
        };
        fusion.handle_objects(CAMERA, &frame(t, &[seen]));
        let tracks = &fusion.picture(moment(t)).tracks;
        let Some((track, yaw_rad)) = tracks.first().and_then(|t| Some((t, t.yaw_rad?))) else {
            continue;
        };
        let (sin, cos) = yaw_rad.sin_cos();
        all.push(Told {
            at_s: t,
            yaw_deg: yaw_rad.to_degrees(),
            reverses: track.reverses,
            ahead_mps: track.velocity.east_mps * cos + track.velocity.north_mps * sin,
        });
    }
    all
}

/// Goes along a straight line to the east: pieces of so many seconds at so many m/s, with changes of speed of
/// 1.5 m/s².
fn straight(pieces: &'static [(f64, f64)]) -> impl Fn(f64) -> (f64, f64, f64) {
    move |t| {
        let (mut along_m, mut mps) = (0.0, pieces[0].1);
        let (mut piece, mut left_s) = (0, pieces[0].0);
        for _ in 0..(t * 100.0).round() as u32 {
            left_s -= 0.01;
            if left_s <= 0.0 && piece + 1 < pieces.len() {
                piece += 1;
                left_s = pieces[piece].0;
            }
            mps += (pieces[piece].1 - mps).clamp(-0.015, 0.015);
            along_m += mps * 0.01;
        }
        (along_m, 0.0, 0.0)
    }
}

fn off_deg(yaw_deg: f64, from_deg: f64) -> f64 {
    ((yaw_deg - from_deg + 540.0).rem_euclid(360.0) - 180.0).abs()
}

fn at(told: &[Told], at_s: f64) -> Told {
    let near = |told: &&Told| (told.at_s - at_s).abs() < 0.05;
    *told.iter().find(near).expect("it is told of")
}

#[test]
fn who_drove_up_and_stood_backs_up_with_its_front_where_it_was() {
    // At 8 m/s, stands at about 8 s, backs from 11 to 18 s, stands, drives on from 21 s.
    const WAY: &[(f64, f64)] = &[(3.0, 8.0), (8.0, 0.0), (7.0, -1.5), (3.0, 0.0), (6.0, 4.0)];
    for seed in 1..=5 {
        for (class, orients) in [(Class::Truck, false), (Class::Car, true)] {
            let told = told(27.0, seed, straight(WAY), class, orients);
            for told in told.iter().filter(|told| told.at_s > 1.0) {
                assert!(off_deg(told.yaw_deg, 0.0) < 40.0, "{told:?}, seed {seed}");
                let backs = (13.5..18.0).contains(&told.at_s);
                let forth = told.at_s < 11.0 || told.at_s > 22.0;
                assert!(!forth || !told.reverses, "{told:?}, seed {seed}");
                assert!(!backs || told.reverses, "{told:?}, seed {seed}");
                assert!(
                    !backs || (-2.2..-0.8).contains(&told.ahead_mps),
                    "{told:?}, seed {seed}"
                );
            }
        }
    }
}

#[test]
fn who_was_first_seen_backing_out_is_right_once_it_drives_off() {
    const WAY: &[(f64, f64)] = &[(6.0, -1.5), (3.0, 0.0), (12.0, 8.0)];
    for seed in 1..=5 {
        let told = told(16.0, seed, straight(WAY), Class::Truck, false);
        for told in told.iter().filter(|told| told.at_s > 10.5) {
            assert!(
                off_deg(told.yaw_deg, 0.0) < 30.0 && !told.reverses,
                "{told:?}, seed {seed}"
            );
        }
    }
}

#[test]
fn a_front_that_was_taken_wrongly_is_the_rear_once_it_goes_fast() {
    // So far and slowly rear first that it is taken for the front, and then away.
    const WAY: &[(f64, f64)] = &[(16.0, -1.6), (3.0, 0.0), (20.0, 9.0)];
    for seed in 1..=5 {
        let told = told(30.0, seed, straight(WAY), Class::Truck, false);
        // Past 4 m/s for certain from 23 s on.
        for told in told.iter().filter(|told| told.at_s > 24.0) {
            assert!(
                off_deg(told.yaw_deg, 0.0) < 30.0 && !told.reverses,
                "{told:?}, seed {seed}"
            );
        }
    }
}

/// A U-turn to the left: straight on at 6 m/s, half a circle of 6 m at 3 m/s, and back.
fn u_turn(t: f64) -> (f64, f64, f64) {
    const R: f64 = 6.0;
    let turn_s = R * PI / 3.0;
    if t < 5.0 {
        return (6.0 * t - 30.0, 0.0, 0.0);
    }
    let on_s = t - 5.0;
    if on_s < turn_s {
        let a = on_s * 3.0 / R;
        return (R * a.sin(), R - R * a.cos(), a);
    }
    (-6.0 * (on_s - turn_s), 2.0 * R, PI)
}

#[test]
fn who_turns_round_in_one_go_does_not_back_up() {
    for seed in 1..=5 {
        let told = told(16.0, seed, u_turn, Class::Car, false);
        assert!(!told.iter().any(|told| told.reverses), "seed {seed}");
        assert!(
            off_deg(at(&told, 15.0).yaw_deg, 180.0) < 15.0,
            "seed {seed}"
        );
    }
}

/// A turn in three goes: forth to the left, back to the right, forth to the left, each 60 degrees about 7 m.
fn three_goes(t: f64) -> (f64, f64, f64) {
    const R: f64 = 7.0;
    const THIRD: f64 = FRAC_PI_3;
    // At 6 m/s until 5 s, then a go of 60 degrees takes 4 s, with 1.5 s between them.
    if t < 5.0 {
        return (6.0 * t - 30.0, 0.0, 0.0);
    }
    let gone = |n: f64| {
        let share = ((t - 5.0 - 5.5 * n) / 4.0).clamp(0.0, 1.0);
        // Slow at both ends.
        THIRD * (1.0 - (share * PI).cos()) / 2.0
    };
    let (mut x, mut y, mut yaw) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (n, side) in [(0.0, 1.0), (1.0, -1.0), (2.0, 1.0)] {
        // Forth to the left or back to the right: the body turns to the left by either.
        let after = yaw + gone(n);
        x += side * R * (after.sin() - yaw.sin());
        y -= side * R * (after.cos() - yaw.cos());
        yaw = after;
    }
    (x, y, yaw)
}

#[test]
fn a_turn_in_three_goes_ends_the_other_way_round() {
    for seed in 1..=5 {
        let told = told(22.0, seed, three_goes, Class::Car, false);
        let back = at(&told, 13.0);
        assert!(
            back.reverses && off_deg(back.yaw_deg, 98.0) < 40.0,
            "{back:?}, seed {seed}"
        );
        let last = at(&told, 19.5);
        assert!(
            !last.reverses && off_deg(last.yaw_deg, 174.0) < 40.0,
            "{last:?}, seed {seed}"
        );
    }
}

#[test]
fn who_turns_on_the_spot_does_not_back_up() {
    const WAY: &[(f64, f64)] = &[(20.0, 1.5), (3.0, 0.0), (8.0, -1.5)];
    for seed in 1..=5 {
        for class in [Class::Pedestrian, Class::Bicycle] {
            let told = told(30.0, seed, straight(WAY), class, false);
            assert!(!told.iter().any(|told| told.reverses), "seed {seed}");
            assert!(
                off_deg(at(&told, 29.0).yaw_deg, 180.0) < 40.0,
                "seed {seed}"
            );
        }
    }
}
