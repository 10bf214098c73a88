//! What holds whatever comes in.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever two controllers say, no two greens that conflict are told: not now, not to come.
    #[test]
    fn no_conflicting_greens_are_ever_told(
        news in proptest::collection::vec((0_u32..3, 0_u8..2, 0_u32..300, 0_usize..9, 0_u16..9), 1..150),
    ) {
        let mut site = Site::parse(MOYU, "site.toml").expect("whole");
        for phase in &mut site.phases {
            if phase.lamps.iter().any(|lamp| lamp % 2 == 1) {
                phase.controller = "other".to_owned();
            }
        }
        let inputs = [("signal".to_owned(), SIGNAL), ("other".to_owned(), InputId(1))];
        let mut signals = Signals::new(Config::default(), &site, &inputs).expect("fits");
        for input in [SIGNAL, InputId(1)] {
            signals.handle_plan(now(0.0), input, &plan());
        }
        let mut at_s = 0.0;
        for (later, input, second, light, lamp) in news {
            at_s += f64::from(later) * 0.7;
            let mut lamps = lamps(second);
            if let Some(lamp) = lamps.lamps.get_mut(usize::from(lamp)) {
                lamp.light = LIGHTS[light];
            }
            signals.handle_lamps(now(at_s), InputId(input), &lamps);
            let Some(forecast) = signals.forecast(now(at_s + 0.05)) else { continue };
            let greens: Vec<_> = forecast.phases.iter().filter_map(green).collect();
            for (place, (a, from, to)) in greens.iter().enumerate() {
                for (b, other_from, other_to) in &greens[..place] {
                    let meet = from < other_to && other_from < to;
                    prop_assert!(!(meet && site.conflict(*a, *b)), "{a:?} and {b:?} at {at_s}");
                }
            }
        }
    }

    /// Over any plan, and a network that delays, loses, doubles and reorders: once the plan is
    /// known, the end of a running light moves by at most a tenth from message to message, bounds
    /// are in order, and the change is told no later than the news of it come.
    #[test]
    fn in_fixed_time_ends_stand_still(
        lengths in proptest::collection::vec(4_u16..40, 8),
        jitter_ms in proptest::collection::vec(0_u32..80, 300),
        fate in proptest::collection::vec(0_u8..12, 300),
        reports_a_second in prop_oneof![Just(1_u32), Just(5)],
    ) {
        let mut signals = signals();
        let plan = any_plan(&lengths);
        let cycle_s: u32 = plan.lamps[0].steps.iter().map(|step| u32::from(step.duration_s)).sum();
        signals.handle_plan(now(0.0), SIGNAL, &plan);
        let mut promised: Option<(Light, Mono)> = None;
        let mut news: Vec<(f64, u32)> = Vec::new();
        for place in 0..300_u32 {
            let second = place / reports_a_second;
            let sent_s = f64::from(place) / f64::from(reports_a_second);
            let delay_s = f64::from(jitter_ms[place as usize]) / 1e3;
            let change = shown_by(&plan, 1, second) != shown_by(&plan, 1, second + cycle_s - 1);
            match fate[place as usize] {
                0 if !change => {}
                1 => news.extend([(sent_s + delay_s, second), (sent_s + delay_s + 0.15, second)]),
                _ => news.push((sent_s + delay_s, second)),
            }
        }
        news.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at_s, second) in news {
            signals.handle_lamps(now(at_s), SIGNAL, &lamps_of(&plan, second));
            for later_s in [0.0, 0.04] {
                let Some(state) = said(&mut signals, at_s + later_s, 1) else { continue };
                if later_s == 0.0 && at_s < f64::from(second) + 0.1 {
                    prop_assert_eq!(state.light, shown_by(&plan, 1, second), "at {}", at_s);
                }
                let Some(Timing { end: End::At { min, max, likely }, basis, .. }) = state.timing else {
                    promised = None;
                    continue;
                };
                prop_assert!(min.is_none_or(|min| min <= likely));
                prop_assert!(max.is_none_or(|max| likely <= max));
                if basis != Basis::Plan {
                    promised = None;
                    continue;
                }
                let same = promised.filter(|(light, _)| *light == state.light);
                if let Some((_, before)) = same.filter(|_| likely > moment(at_s + later_s)) {
                    let moved_s = likely.seconds_after(before).abs();
                    // The same light of the next cycle is another one.
                    prop_assert!(moved_s <= 0.1 || moved_s > 4.0, "moved by {} s at {}", moved_s, at_s);
                }
                promised = Some((state.light, likely));
            }
        }
    }
}

/// A phase that is or will be green, and when.
fn green(phase: &PhaseForecast) -> Option<(PhaseId, Mono, Mono)> {
    let mut states = phase.states.iter();
    let state = states.find(|state| matches!(state.light, Light::Green | Light::FlashingGreen))?;
    let (from, to) = match state.timing {
        // Without times it is on now; for how long is not said.
        None => (Mono::ZERO, phase_now(phase)),
        Some(timing) => {
            let from = match timing.start {
                Start::Running { .. } => Mono::ZERO,
                Start::At(start) => start,
            };
            match timing.end {
                End::Endless => (from, Mono::NEVER),
                End::At { likely, .. } => (from, likely),
            }
        }
    };
    Some((phase.phase, from, to))
}

/// Just after the origin: greens without times are compared with those that are on.
fn phase_now(_: &PhaseForecast) -> Mono {
    Mono::from_nanos(1)
}

/// Two groups of lamps that are green in turn.
pub(super) fn any_plan(lengths: &[u16]) -> SignalPlan {
    let [green_a, yellow_a, clear_a, green_b, yellow_b, clear_b, ..] = *lengths else {
        unreachable!("eight lengths")
    };
    let (a, b) = (green_a + yellow_a + clear_a, green_b + yellow_b + clear_b);
    let steps = |lights: [(Light, u16); 4]| {
        let steps = lights.into_iter().filter(|(_, duration_s)| *duration_s > 0);
        steps
            .map(|(light, duration_s)| PlanStep { light, duration_s })
            .collect()
    };
    let first = [
        (Light::Green, green_a),
        (Light::Yellow, yellow_a),
        (Light::Red, clear_a + b),
        (Light::Red, 0),
    ];
    let second = [
        (Light::Red, a),
        (Light::Green, green_b),
        (Light::Yellow, yellow_b),
        (Light::Red, clear_b),
    ];
    let lamp = |lamp: u16| match lamp {
        1 | 5 => LampPlan {
            lamp,
            steps: steps(first),
        },
        3 | 7 => LampPlan {
            lamp,
            steps: steps(second),
        },
        _ => LampPlan {
            lamp,
            steps: steps([
                (Light::Red, a + b),
                (Light::Red, 0),
                (Light::Red, 0),
                (Light::Red, 0),
            ]),
        },
    };
    SignalPlan {
        lamps: (1..=8).map(lamp).collect(),
    }
}

pub(super) fn shown_by(plan: &SignalPlan, lamp: u16, second: u32) -> Light {
    let lamps = lamps_of(plan, second);
    let found = lamps.lamps.iter().find(|state| state.lamp == lamp);
    merged(found.expect("a lamp of the plan").light)
}
