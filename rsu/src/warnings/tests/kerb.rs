//! Those who come to the carriageway on foot: told of once they can no longer stop before it, or early where
//! those before them went on.
//!
//! The outermost lane of the northern arm is 8.5 m west of the origin; its edge is 10.1 m west of it.

use super::*;

/// Somebody walks east from 16 m west of the origin, 40 m north of it, up to where it stops, if it does; a
/// car comes down the outermost lane to where both would meet. What is begun is told with how far the
/// walker's front was from the edge then.
fn come(bench: &mut Bench, ids: (u8, u8), stops_at_m: Option<f64>) -> Option<f64> {
    let before = bench.begun().len();
    let (mps, from_m) = (1.4, -16.0);
    let drives = steady((-8.5, 40.0 + 12.0 * 4.9), (0.0, -12.0));
    let mut begun_m = None;
    for look in 0..48 {
        let t = f64::from(look) * 0.1;
        let braking_m = mps * mps / (2.0 * 1.5);
        let walked_m = mps * t;
        let (east_m, speed) = match stops_at_m {
            Some(stop_m) if from_m + walked_m > stop_m - braking_m => {
                let after_s = t - (stop_m - braking_m - from_m) / mps;
                let brakes_s = after_s.min(mps / 1.5);
                let gone_m = mps * brakes_s - 0.75 * brakes_s * brakes_s;
                (stop_m - braking_m + gone_m, mps - 1.5 * brakes_s)
            }
            _ => (from_m + walked_m, mps),
        };
        bench.see(0.0, |_| {
            vec![
                car(ids.0, drives(t).0, drives(t).1),
                walker(ids.1, (east_m, 40.0), (speed, 0.0)),
            ]
        });
        bench.now = bench.now.offset_by(0.1);
        if begun_m.is_none() && bench.begun().len() > before {
            begun_m = Some(-10.1 - (east_m + 0.25));
        }
    }
    // Both have gone before the next come.
    bench.see(1.0, |_| Vec::new());
    begun_m
}

#[test]
fn who_stops_at_the_kerb_is_not_warned_of_and_who_goes_on_is_once_it_cannot_stop() {
    for stops_at_m in [-13.0, -11.5, -10.8] {
        let mut bench = bench();
        assert_eq!(come(&mut bench, (1, 2), Some(stops_at_m)), None);
    }
    let mut bench = bench();
    let begun_m = come(&mut bench, (1, 2), None).expect("a warning");
    // With 1.4 m/s and 1.5 m/s² one needs 0.65 m.
    assert!((0.2..1.2).contains(&begun_m), "{begun_m} m before the edge");
    assert_eq!(bench.begun(), [(Kind::Soft, 1, Some(2))]);
}

#[test]
fn where_those_before_went_on_the_next_is_warned_of_earlier() {
    let mut bench = bench();
    let first_m = come(&mut bench, (1, 2), None).expect("a warning");
    for pair in 2..6 {
        assert!(come(&mut bench, (2 * pair, 2 * pair + 1), None).is_some());
    }
    let last_m = come(&mut bench, (20, 21), None).expect("a warning");
    assert!(last_m > first_m + 1.0, "{first_m} m, then {last_m} m");
}

#[test]
fn where_those_before_stopped_whoever_goes_on_is_warned_of_all_the_same() {
    let mut bench = bench();
    for pair in 0..8 {
        let begun_m = come(&mut bench, (2 * pair + 1, 2 * pair + 2), Some(-11.5));
        assert_eq!(begun_m, None);
    }
    let begun_m = come(&mut bench, (40, 41), None).expect("a warning");
    assert!(begun_m > -0.5, "{begun_m} m before the edge");
}
