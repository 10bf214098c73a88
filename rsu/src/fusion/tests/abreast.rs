//! What is taken for one person: people may stand as close as they seem to, and cameras place one differently.

use super::*;

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
