//! Those who set off, those who cross by red among them, and what was learnt of where people go.

use super::*;

/// One comes south in lane 2 of the northern arm and is `from_m` north of the origin, with a speed and an
/// acceleration; another comes from the east against red at 14 m/s in lane 2.
fn crossed_by_red((from_m, mps, mps2): (f64, f64, f64), crosser_m: f64) -> Bench {
    let mut bench = bench();
    bench.signals = vec![(1, Light::Green, 30.0), (65, Light::Red, 30.0)];
    let crosses = steady((crosser_m, 5.0), (-14.0, 0.0));
    bench.see(2.0, |t| {
        let place = (-5.0, from_m - mps * t - mps2 * t * t / 2.0);
        let crosser = crosses(t);
        vec![
            car(1, place, (0.0, -mps - mps2 * t)),
            car(2, crosser.0, crosser.1),
        ]
    });
    bench
}

fn meets(bench: &Bench) -> bool {
    let begun = bench.begun();
    begun.iter().any(|(kind, ..)| *kind == Kind::Vehicles)
}

#[test]
fn whoever_sets_off_goes_on_speeding_up() {
    // From 4 m/s with 1.5 m/s² it is at the other's lane, 29 m on, after 4.1 s; the other is there after 4.1 s too.
    assert!(meets(&crossed_by_red((34.0, 4.0, 1.5), 52.0)));
    // At a steady 4 m/s it is nowhere near by then.
    assert!(!meets(&crossed_by_red((34.0, 4.0, 0.0), 52.0)));
}

/// One that stood at the eastern arm's line sets off as its green begins, while another from the north is still on
/// the junction, slowly; `by_green`: that one came over its line by green. Whether the two are warned of.
fn sets_off_before(by_green: bool) -> bool {
    let mut bench = bench();
    let there = |t: f64| car(2, (-5.0, 26.0 - 3.5 * t), (0.0, -3.5));
    let stands = || car(1, (22.5, 5.0), (0.0, 0.0));
    let light = if by_green { Light::Green } else { Light::Red };
    bench.signals = vec![(1, light, 30.0), (65, Light::Red, 1.2)];
    bench.see(1.2, |t| vec![there(t), stands()]);
    bench.signals = vec![(1, Light::Red, 30.0), (65, Light::Green, 30.0)];
    bench.see(3.0, |t| {
        let mps = 2.0 * t;
        let sets_off = car(1, (22.5 - t * t, 5.0), (-mps, 0.0));
        vec![there(t + 1.2), sets_off]
    });
    meets(&bench)
}

#[test]
fn who_sets_off_lets_the_junction_clear_but_is_warned_of_who_ran_a_red() {
    assert!(!sets_off_before(true));
    assert!(sets_off_before(false));
}
