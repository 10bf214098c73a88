//! Long vehicles within a bend: nose and tail are on the lane, the middle is not.

use super::*;

/// A bus that turns left out of the northern arm, whose ends are on the middle of its way: where it is foreseen
/// once it has turned, off the middle of the lane that leads east 1.6 m south of the origin.
fn foreseen_off_m() -> f64 {
    let (radius_m, half_m, mps) = (21.625_f64, 6.0_f64, 7.0);
    let middle_m = (radius_m * radius_m - half_m * half_m).sqrt();
    let mut bench = bench();
    bench.signals = vec![(2, Light::Green, 20.0)];
    bench.see(0.7, |t| {
        let angle = std::f64::consts::PI + 0.6 + mps * t / middle_m;
        let (sin, cos) = angle.sin_cos();
        let place = (20.0 + middle_m * cos, 20.0 + middle_m * sin);
        vec![user(1, Class::Bus, place, (-sin * mps, cos * mps))]
    });
    let after_s = 4.0;
    let knot = bench.predictions()[0].knots[(after_s / STEP_S) as usize];
    assert!(knot.east_m > 20.0, "{knot:?}");
    (knot.north_m + 1.625).abs()
}

#[test]
fn a_bus_is_in_the_middle_of_its_lane_again_once_it_has_turned() {
    // Its middle is 0.85 m inside the bend.
    let off_m = foreseen_off_m();
    assert!(off_m < 0.25, "{off_m} m");
}
