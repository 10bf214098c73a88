//! People shoulder to shoulder are two, also while now and then only one of them is seen.

use super::*;

/// Two who walk north at 1.3 m/s, so far apart, before two cameras that each miss one or the other for several
/// frames on end and a radar that hears one of them at most; by how many ids they went in a minute and a half.
fn ids_of_two(apart_m: f64, seed: u64) -> Vec<u8> {
    let mut fusion = fusion();
    let mut dice = Dice::new(seed);
    let mut blind = [[0_u32; 2]; 2];
    let mut all = Vec::new();
    for step in 0..1800 {
        let t = f64::from(step) / 20.0;
        // Up and down, so that they stay before the sensors.
        let turn_s = t.rem_euclid(30.0);
        let north_m = -10.0 + 1.3 * turn_s.min(30.0 - turn_s);
        let mut walker = |n: usize| Detection {
            class: Class::Pedestrian,
            position_cov: Covariance::from_axes(0.0, 0.15, 0.1),
            ..car(
                25.0 + apart_m * n as f64 + 0.15 * dice.normal(),
                north_m + 0.1 * dice.normal(),
            )
        };
        let both = [walker(0), walker(1)];
        if step % 2 == 0 {
            let camera = (step / 2 % 2) as usize;
            let mut seen = Vec::new();
            for (blind, walker) in blind[camera].iter_mut().zip(both) {
                if *blind == 0 && dice.uniform() < 0.05 {
                    *blind = 3;
                }
                if *blind == 0 {
                    seen.push(walker);
                } else {
                    *blind -= 1;
                }
            }
            let input = [CAMERA, SECOND_CAMERA][camera];
            fusion.handle_objects(input, &frame(t, &seen));
        } else {
            let heard = (dice.uniform() < 0.5).then_some(both[0]);
            fusion.handle_objects(RADAR, &frame(t, heard.as_slice()));
        }
        all.extend(ids(&mut fusion, t));
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn two_who_walk_shoulder_to_shoulder_stay_two() {
    for seed in 1..=5 {
        let ids = ids_of_two(0.55, seed);
        assert_eq!(ids.len(), 2, "{ids:?}, seed {seed}");
    }
}

#[test]
fn one_whom_two_cameras_place_differently_is_one() {
    for seed in 1..=5 {
        let mut fusion = fusion();
        let mut dice = Dice::new(seed);
        let mut shown = 0;
        for step in 0..600 {
            let t = f64::from(step) / 20.0;
            let camera = (step % 2) as usize;
            let off_m = [0.0, 0.4][camera];
            let walker = Detection {
                class: Class::Pedestrian,
                position_cov: Covariance::from_axes(0.0, 0.15, 0.15),
                ..car(
                    25.0 + off_m + 0.15 * dice.normal(),
                    -15.0 + 1.3 * t + 0.15 * dice.normal(),
                )
            };
            let input = [CAMERA, SECOND_CAMERA][camera];
            fusion.handle_objects(input, &frame(t, &[walker]));
            if t > 3.0 {
                shown = shown.max(ids(&mut fusion, t).len());
            }
        }
        assert_eq!(shown, 1, "seed {seed}");
    }
}
