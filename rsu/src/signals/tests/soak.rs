//! A day of a controller whose clock is not ours.

use super::*;

/// A step of a sequence that looks like chance and is the same each time: 0..1.
fn chance(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f64 / (1_u64 << 24) as f64
}

/// The controller's second lasts `second_s` of ours; news take up to 80 ms, one in twenty is lost,
/// but none around a change. Returns errors of the likely end in seconds, sorted, and the oddities.
fn a_day(second_s: f64, with_plan: bool) -> (Vec<f64>, Oddities) {
    let mut signals = signals();
    if with_plan {
        signals.handle_plan(now(0.0), SIGNAL, &plan());
    }
    let mut state = 1;
    let mut errors = Vec::new();
    for second in 0..86_400_u32 {
        let (delay_s, lost) = (0.08 * chance(&mut state), chance(&mut state) < 0.05);
        let change = [0, 1, 21, 22, 24, 25].contains(&(second % CYCLE_S));
        if lost && !change {
            continue;
        }
        let at_s = f64::from(second) * second_s + delay_s;
        signals.handle_lamps(now(at_s), SIGNAL, &lamps(second));
        if second < 2 * CYCLE_S || second % 7 != 0 {
            continue;
        }
        let told = running(&mut signals, at_s, 1);
        let ends_at_s = (f64::from(second) + true_left_s(second, 0)) * second_s;
        errors.push(left_s(&told, at_s) - (ends_at_s - at_s));
    }
    errors.sort_by(f64::total_cmp);
    (errors, signals.oddities())
}

#[test]
fn over_a_day_countdowns_follow_a_clock_that_runs_fast_or_slow() {
    for (parts_per_million, with_plan) in [(-300.0, false), (300.0, true)] {
        let (errors, oddities) = a_day(1.0 + parts_per_million * 1e-6, with_plan);
        let (least, most) = (errors[0], errors[errors.len() - 1]);
        // What news are late by, and what the clocks drift apart in the longest light.
        let most_s = 0.08 + 0.03 + 0.001;
        assert!(-most_s <= least && most <= most_s, "{least} to {most} s");
        assert_eq!(oddities.changed_minds, 0);
        assert_eq!(oddities.unplanned_states, 0);
    }
}
