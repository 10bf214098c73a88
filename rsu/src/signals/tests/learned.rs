//! What the past tells where a controller announces nothing.

use super::*;

/// The lamps of a second, without countdowns.
fn silent_lamps(second: u32) -> LampStates {
    let mut lamps = lamps(second);
    for lamp in &mut lamps.lamps {
        lamp.countdown_s = None;
    }
    lamps
}

fn after(cycles: u32) -> Signals {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Actuated);
    for second in 0..cycles * CYCLE_S + 11 {
        signals.handle_lamps(now(second.into()), SIGNAL, &silent_lamps(second));
    }
    signals
}

#[test]
fn a_light_that_lasted_so_long_is_expected_to_do_so_again() {
    let mut signals = after(3);
    let at_s = f64::from(3 * CYCLE_S + 10);
    let state = running(&mut signals, at_s, 1);
    let timing = state.timing.expect("learned");
    assert_eq!((state.light, timing.basis), (Light::Green, Basis::History));
    assert!((left_s(&state, at_s) - 11.0).abs() < 0.1, "{state:?}");
    assert_eq!(
        timing.confidence, None,
        "three times are too few to be sure"
    );
}

#[test]
fn what_always_comes_true_is_stated_with_confidence_and_bounds() {
    let mut signals = after(30);
    let at_s = f64::from(30 * CYCLE_S + 10);
    let timing = running(&mut signals, at_s, 1).timing.expect("learned");
    assert!(timing.confidence.expect("often enough") > 0.9, "{timing:?}");
    let End::At { min, max, likely } = timing.end else {
        panic!("it ends")
    };
    assert!(min.expect("told") <= likely && likely <= max.expect("told"));
    let (next, length) = timing.next.expect("it always came again in the same way");
    assert!((next.seconds_after(likely) - 79.0).abs() < 0.1);
    assert!((length.as_secs_f64() - 21.0).abs() < 0.1);
}

#[test]
fn a_light_that_outlasts_all_before_may_end_at_any_moment() {
    let mut signals = after(12);
    let at = |second: u32| f64::from(12 * CYCLE_S + second);
    for second in 11..=80 {
        signals.handle_lamps(now(at(second)), SIGNAL, &silent_lamps(10));
    }
    let state = running(&mut signals, at(80), 1);
    assert!(left_s(&state, at(80)) <= 1.0 + 1e-6);
    let timing = state.timing.expect("said with doubt");
    assert!(timing.confidence.expect("told") < 0.5, "{timing:?}");
    let End::At { min, max, .. } = timing.end else {
        panic!("it ends")
    };
    assert_eq!((min, max), (Some(moment(at(80))), None));
}

#[test]
fn a_red_that_follows_a_neighbours_yellow_is_known_by_it() {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Actuated);
    // Lamp 2 turns green 4 s after lamp 1 turns yellow; how long lamp 1 is green varies.
    let mut at = 0;
    let mut cycle = |signals: &mut Signals, green_s: u32, until: Light| {
        for (lights, length_s) in [
            ((Light::Green, Light::Red), green_s),
            ((Light::Yellow, Light::Red), 3),
            ((Light::Red, Light::Red), 1),
            ((Light::Red, Light::Green), 12),
            ((Light::Red, Light::Yellow), 3),
            ((Light::Red, Light::Red), 1),
        ] {
            for _ in 0..length_s {
                let mut lamps = silent_lamps(99);
                (lamps.lamps[0].light, lamps.lamps[1].light) = lights;
                signals.handle_lamps(now(at.into()), SIGNAL, &lamps);
                at += 1;
            }
            if lights.0 == until {
                break;
            }
        }
        f64::from(at - 1)
    };
    for green_s in [10, 31, 17, 24, 38, 12, 27] {
        cycle(&mut signals, green_s, Light::Unknown);
    }
    let at_s = cycle(&mut signals, 21, Light::Yellow);
    let phase_of_lamp_2 = signals.watches.iter().find(|watch| watch.lamps == [2]);
    let phase = phase_of_lamp_2.expect("of the site").phase.value();
    let red = running(&mut signals, at_s, phase);
    assert_eq!(red.light, Light::Red);
    assert!((left_s(&red, at_s) - 2.0).abs() < 0.1, "{red:?}");
}

#[test]
fn a_countdown_is_trusted_as_far_as_it_kept_its_word() {
    let mut honest = signals();
    let mut liar = signals();
    for second in 0..30 * CYCLE_S {
        hear(&mut honest, second.into(), |_| 0.0);
        let mut lamps = lamps(second);
        // The green always ends 5 s before its countdown says, until 4 s are left.
        let lie = lamps.lamps[0].countdown_s.filter(|s| *s > 4).map(|s| s + 5);
        lamps.lamps[0].countdown_s = lie.or(lamps.lamps[0].countdown_s);
        liar.handle_lamps(now(second.into()), SIGNAL, &lamps);
    }
    let at_s = f64::from(30 * CYCLE_S + 5);
    for signals in [&mut honest, &mut liar] {
        signals.handle_lamps(now(at_s), SIGNAL, &lamps(5));
    }
    let confidence = |signals: &mut Signals| {
        let timing = running(signals, at_s, 1).timing.expect("it counts");
        assert_eq!(timing.basis, Basis::Countdown);
        timing.confidence.expect("tried often enough")
    };
    assert!(confidence(&mut honest) > 0.9);
    assert!(confidence(&mut liar) < 0.2);
}

/// A green that lasted 21 s each time, 13 s into it, with what the controller says of its latest end.
fn with_latest_end(latest_ms: Option<u32>) -> Timing {
    let mut signals = after(30);
    for second in 11..=13 {
        let mut lamps = silent_lamps(second);
        lamps.spans.push(LampSpan {
            lamp: 1,
            max_ms: latest_ms.map(|ms| ms - second * 1000),
            ..LampSpan::default()
        });
        signals.handle_lamps(now(f64::from(30 * CYCLE_S + second)), SIGNAL, &lamps);
    }
    let state = running(&mut signals, f64::from(30 * CYCLE_S) + 13.0, 1);
    state.timing.expect("learned")
}

#[test]
fn a_controllers_own_limits_bound_what_the_past_tells() {
    let free = with_latest_end(None);
    let bound = with_latest_end(Some(15_000));
    let end = |timing: Timing| match timing.end {
        End::At { max, likely, .. } => (likely, max),
        End::Endless => panic!("it ends"),
    };
    let limit = moment(f64::from(30 * CYCLE_S) + 15.0);
    assert!(end(free).0 > limit, "{free:?}");
    assert_eq!(end(bound), (limit, Some(limit)));
}

/// The earliest, likely and latest end of a state, in seconds after a moment.
fn end_s(state: &StateForecast, from_s: f64) -> Option<(Option<f64>, f64, Option<f64>)> {
    let after = |end: Mono| (end.seconds_after(moment(from_s)) * 1e3).round() / 1e3;
    match state.timing?.end {
        End::At { min, max, likely } => Some((min.map(after), after(likely), max.map(after))),
        End::Endless => None,
    }
}

/// One cycle of a controller that says of each green of lamp 1, 21 s long, that it lasts from 8 to 40 s;
/// what is told of the green, second by second.
fn told_by_limits(signals: &mut Signals, from_s: u32) -> Vec<StateForecast> {
    let mut told = Vec::new();
    for second in 0..CYCLE_S {
        let at_s = f64::from(from_s + second);
        let mut lamps = silent_lamps(second);
        let is_green = merged(lamps.lamps[0].light) == Light::Green;
        if is_green {
            let left_ms = |limit_s: u32| limit_s.checked_sub(second).map(|s| s * 1000);
            lamps.spans.push(LampSpan {
                lamp: 1,
                min_ms: left_ms(8),
                max_ms: left_ms(40),
                ..LampSpan::default()
            });
        }
        signals.handle_lamps(now(at_s), SIGNAL, &lamps);
        if is_green {
            told.push(running(signals, at_s, 1));
        }
    }
    told
}

#[test]
fn a_green_has_bounds_from_its_first_time_on_where_the_controller_has_limits() {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Actuated);
    let told = told_by_limits(&mut signals, 0);
    let expected = |second: usize, likely_s: f64| {
        let state = &told[second];
        let min_s = (second as f64).max(8.0);
        assert_eq!(end_s(state, 0.0), Some((Some(min_s), likely_s, Some(40.0))));
        let timing = state.timing.expect("timed");
        let sure = 2.0 / (40.0 - min_s);
        assert!((f64::from(timing.confidence.expect("some")) - sure).abs() < 1e-3);
        assert_eq!(timing.basis, Basis::Limits);
    };
    // The middle, and it stands still; hardly anybody is sure of it.
    expected(0, 24.0);
    expected(7, 24.0);
    expected(20, 24.0);
    // What the past tells keeps to them too.
    told_by_limits(&mut signals, CYCLE_S);
    let again = told_by_limits(&mut signals, 2 * CYCLE_S);
    let (min_s, likely_s, max_s) = end_s(&again[3], (2 * CYCLE_S).into()).expect("told");
    assert!((likely_s - 21.0).abs() < 0.1);
    assert_eq!((min_s, max_s), (Some(8.0), Some(40.0)));
}

#[test]
fn a_guess_between_limits_moves_on_in_few_steps_and_never_into_the_past() {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Actuated);
    let mut ends = Vec::new();
    for second in 0..40 {
        let mut lamps = silent_lamps(1);
        lamps.spans.push(LampSpan {
            lamp: 1,
            min_ms: 8_u32.checked_sub(second).map(|s| s * 1000),
            max_ms: Some((40 - second) * 1000),
            ..LampSpan::default()
        });
        let at_s = f64::from(second) + 1.0;
        signals.handle_lamps(now(at_s), SIGNAL, &lamps);
        let (min_s, likely_s, max_s) = end_s(&running(&mut signals, at_s, 1), 0.0).expect("told");
        assert!(min_s <= Some(likely_s) && Some(likely_s) <= max_s && likely_s >= at_s);
        ends.push(likely_s);
    }
    ends.dedup();
    assert!(ends.len() <= 6, "{ends:?}");
}

#[test]
fn history_may_be_switched_off() {
    let site = Site::parse(MOYU, "site.toml").expect("whole");
    let inputs = [("signal".to_owned(), SIGNAL)];
    let config = Config {
        use_history: false,
        ..Config::default()
    };
    let mut signals = Signals::new(config, &site, &inputs).expect("fits");
    for second in 0..3 * CYCLE_S {
        signals.handle_lamps(now(second.into()), SIGNAL, &silent_lamps(second));
    }
    let at_s = f64::from(3 * CYCLE_S - 1);
    assert_eq!(running(&mut signals, at_s, 1).timing, None);
}

#[test]
fn what_a_person_did_by_hand_is_not_learned() {
    let mut signals = after(12);
    let at = |second: u32| f64::from(12 * CYCLE_S + second);
    signals.handle_mode(now(at(11)), SIGNAL, ControlMode::Manual);
    for second in 11..=19 {
        signals.handle_lamps(now(at(second)), SIGNAL, &silent_lamps(30));
    }
    for second in 20..=500 {
        signals.handle_lamps(now(at(second)), SIGNAL, &silent_lamps(10));
    }
    signals.handle_mode(now(at(501)), SIGNAL, ControlMode::Actuated);
    for second in 501..=511 {
        signals.handle_lamps(now(at(second)), SIGNAL, &silent_lamps(second - 412));
    }
    // Red for ten seconds, then green again: it lasts as it did before the hand.
    for second in 512..=520 {
        signals.handle_lamps(now(at(second)), SIGNAL, &silent_lamps(second - 512));
    }
    let state = running(&mut signals, at(520), 1);
    assert!((left_s(&state, at(520)) - 13.0).abs() < 0.1, "{state:?}");
}

/// Lamp 1 is dark for 8 s after each of so many cycles' greens, or every lamp is; then 3 s more of it.
fn dark_each_cycle(cycles: u32, all: bool) -> (Signals, f64) {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Actuated);
    let mut at = 0;
    let mut show = |signals: &mut Signals, light: Light, seconds: u32| {
        for _ in 0..seconds {
            let mut lamps = silent_lamps(99);
            let dark = light == Light::Dark;
            for lamp in lamps.lamps.iter_mut().skip(1).filter(|_| all && dark) {
                lamp.light = Light::Dark;
            }
            lamps.lamps[0].light = light;
            signals.handle_lamps(now(at.into()), SIGNAL, &lamps);
            at += 1;
        }
    };
    for _ in 0..cycles {
        show(&mut signals, Light::Red, 30);
        show(&mut signals, Light::Green, 20);
        show(&mut signals, Light::Dark, 8);
    }
    show(&mut signals, Light::Red, 30);
    show(&mut signals, Light::Green, 20);
    show(&mut signals, Light::Dark, 3);
    (signals, f64::from(at - 1))
}

#[test]
fn a_lamp_that_is_dark_in_each_cycle_has_an_end_once_that_is_proved() {
    let (mut signals, at_s) = dark_each_cycle(9, false);
    let state = running(&mut signals, at_s, 1);
    assert_eq!((state.light, state.timing), (Light::Dark, None));
    let (mut signals, at_s) = dark_each_cycle(12, false);
    let state = running(&mut signals, at_s, 1);
    assert!((left_s(&state, at_s) - 6.0).abs() < 0.1, "{state:?}");
}

#[test]
fn an_outage_of_all_lamps_is_no_length_that_is_learned() {
    for cycles in [1, 3, 30] {
        let (mut signals, at_s) = dark_each_cycle(cycles, true);
        let phases: Vec<u8> = signals
            .watches
            .iter()
            .map(|watch| watch.phase.value())
            .collect();
        for phase in phases {
            let state = running(&mut signals, at_s, phase);
            assert_eq!((state.light, state.timing), (Light::Dark, None), "{cycles}");
        }
    }
}
