//! Those who stand at a crosswalk and are about to have green.
//!
//! The crosswalk over the northern arm is walked along 17 m north of the origin, with the green of phase 65; the
//! outermost lane that leads there is 8.5 m east of it, and its edge 10.25 m.

use super::*;

/// What is begun within two seconds, of somebody who stands so far east and has green after `green_s`, and a car
/// that comes to the crosswalk after `comes_s`.
fn begun(stands_m: f64, green_s: f64, comes_s: f64) -> Vec<(Kind, u8, Option<u8>)> {
    let text = include_str!("../../../../configs/sites/tongji-crossing.toml");
    let mut bench = bench_of(&scenes::site(text));
    bench.signals = vec![(65, Light::Red, green_s), (129, Light::Green, 20.0)];
    let drives = steady((8.5, 17.0 - 8.0 * comes_s), (0.0, 8.0));
    bench.see(2.0, |t| {
        let walker = walker(2, (stands_m, 17.0), (0.0, 0.0));
        vec![car(1, drives(t).0, drives(t).1), walker]
    });
    bench.begun()
}

const WARNED: [(Kind, u8, Option<u8>); 1] = [(Kind::Soft, 1, Some(2))];

#[test]
fn whoever_is_about_to_have_green_is_warned_of_while_it_stands() {
    // From 13 m it walks 2.5 s to where it would be touched.
    assert_eq!(begun(13.0, 2.0, 4.7), WARNED);
    // Without green nobody goes.
    assert_eq!(begun(13.0, 20.0, 4.7), NONE);
    // Nor does who stands elsewhere.
    assert_eq!(begun(18.0, 2.0, 4.7), NONE);
}

#[test]
fn whoever_comes_too_soon_is_let_pass() {
    // From 11 m one second is enough.
    assert_eq!(begun(11.0, 2.0, 3.3), NONE);
    assert_eq!(begun(11.0, 2.0, 4.5), WARNED);
}
