//! A controller that runs plan P1 and tells it over a network that delays, loses and repeats.

mod hostile;
mod laws;
mod learned;
mod line;
mod soak;
mod steady;
mod succession;

use std::time::Duration;

use arrayvec::ArrayVec;
use proptest::prelude::*;
use v2x_msg::base::{PhaseId, Utc};
use v2x_msg::kinds::spat::Status;

use super::*;
use crate::clock::Mono;
use crate::report::{LampPlan, LampSpan, LampState, LampStates, Light, PlanStep};

const MOYU: &str = include_str!("../../../configs/sites/moyu-boyuan.toml");
const SIGNAL: InputId = InputId(0);
const CYCLE_S: u32 = 100;

#[test]
fn a_countdown_seen_from_its_beginning_is_right_to_a_tenth() {
    let mut signals = signals();
    for second in 0..30 {
        hear(&mut signals, f64::from(second), |_| 0.02);
    }
    // Lamp 1 turned red at second 24 and stays so until 100.
    let red = running(&mut signals, 29.5, 1);
    assert_eq!(red.light, Light::Red);
    assert!((left_s(&red, 29.5) - 70.52).abs() < 0.06, "{red:?}");
    let Start::Running { since: Some(since) } = red.timing.expect("timed").start else {
        panic!("its beginning was seen: {red:?}");
    };
    assert!((since.seconds_after(moment(24.02))).abs() < 1e-6);
}

#[test]
fn a_countdown_met_half_way_is_a_second_vague() {
    let mut signals = signals();
    hear(&mut signals, 10.0, |_| 0.0);
    let End::At { min, max, likely } = running(&mut signals, 10.2, 1).timing.expect("timed").end
    else {
        panic!("it ends");
    };
    assert_eq!(likely, moment(21.0));
    assert_eq!((min, max), (Some(moment(20.0)), Some(moment(21.0))));
}

#[test]
fn a_known_plan_forecasts_the_whole_cycle() {
    let mut signals = signals();
    signals.handle_plan(now(7.0), SIGNAL, &plan());
    for second in 8..=10 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    let forecast = signals.forecast(now(10.0)).expect("fresh");
    let phase = &forecast.phases[0];
    let told: Vec<(Light, f64, f64)> = phase
        .states
        .iter()
        .map(|state| {
            let timing = state.timing.expect("timed");
            let start = match timing.start {
                Start::Running { since } => since.expect("planned"),
                Start::At(start) => start,
            };
            let End::At { min, max, likely } = timing.end else {
                panic!("it ends")
            };
            assert_eq!(
                (min, max),
                (Some(likely), Some(likely)),
                "fixed time is exact"
            );
            let start_s = start.seconds_after(moment(0.0));
            (state.light, start_s, likely.seconds_after(moment(0.0)))
        })
        .collect();
    let expected = [
        (Light::Green, 0.0, 21.0),
        (Light::Yellow, 21.0, 24.0),
        (Light::Red, 24.0, 100.0),
    ];
    assert_eq!(told, expected);
    let next = phase.states[0].timing.expect("timed").next;
    assert_eq!(next, Some((moment(100.0), Duration::from_secs(21))));
}

#[test]
fn a_plan_whose_place_is_known_by_one_report_may_be_a_second_early() {
    let mut signals = signals();
    signals.handle_plan(now(9.0), SIGNAL, &plan());
    hear(&mut signals, 10.0, |_| 0.0);
    let End::At { min, max, likely } = running(&mut signals, 10.0, 1).timing.expect("timed").end
    else {
        panic!("it ends")
    };
    assert_eq!(likely, moment(21.0));
    assert_eq!((min, max), (Some(moment(20.0)), Some(moment(21.0))));
}

#[test]
fn a_plan_that_the_lamps_do_not_follow_is_not_believed() {
    let mut signals = signals();
    let mut other = plan();
    other.lamps[0].steps[0].duration_s += 2;
    other.lamps[0].steps[3].duration_s -= 2;
    signals.handle_plan(now(9.0), SIGNAL, &other);
    hear(&mut signals, 10.0, |_| 0.0);
    assert_eq!(signals.oddities().unplanned_states, 1);
    let forecast = signals.forecast(now(10.0)).expect("fresh");
    assert_eq!(
        forecast.phases[0].states.len(),
        1,
        "only what the countdown says"
    );
}

#[test]
fn a_plan_of_unequal_cycles_is_refused() {
    let mut signals = signals();
    let mut torn = plan();
    torn.lamps[3].steps[0].duration_s += 1;
    signals.handle_plan(now(0.0), SIGNAL, &torn);
    assert_eq!(signals.oddities().refused_plans, 1);
}

#[test]
fn silence_takes_the_timing_then_the_colour_then_the_voice() {
    let mut signals = signals();
    for second in 0..=10 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    assert!(running(&mut signals, 12.4, 1).timing.is_some());
    let degraded = running(&mut signals, 12.6, 1);
    assert_eq!((degraded.light, degraded.timing), (Light::Green, None));
    assert!(
        signals.forecast(now(15.1)).is_none(),
        "silent for more than five seconds"
    );

    for second in 20..=23 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    let ended = running(&mut signals, 25.8, 1);
    assert_eq!(
        ended.light,
        Light::Unknown,
        "yellow was to end at 24 and nobody saw what came"
    );
}

#[test]
fn no_countdown_is_no_timing() {
    let mut signals = signals();
    for second in 0..5 {
        let mut lamps = lamps(second);
        for lamp in &mut lamps.lamps {
            lamp.countdown_s = None;
        }
        signals.handle_lamps(now(second.into()), SIGNAL, &lamps);
    }
    let green = running(&mut signals, 4.5, 1);
    assert_eq!((green.light, green.timing), (Light::Green, None));
}

#[test]
fn a_signal_run_by_hand_has_no_timing_whatever_it_displays() {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Manual);
    hear(&mut signals, 1.0, |_| 0.0);
    assert_eq!(running(&mut signals, 1.5, 1).timing, None);
    let forecast = signals.forecast(now(1.5)).expect("fresh");
    assert!(forecast.status.contains(Status::MANUAL_CONTROL));
}

#[test]
fn a_green_that_the_controllers_own_mode_rules_out_is_not_told() {
    for mode in [
        ControlMode::Off,
        ControlMode::Flash,
        ControlMode::FaultFlash,
        ControlMode::AllRed,
    ] {
        let mut signals = signals();
        signals.handle_mode(now(0.0), SIGNAL, mode);
        hear(&mut signals, 1.0, |_| 0.0);
        assert_eq!(
            running(&mut signals, 1.5, 1).light,
            Light::Unknown,
            "{mode:?}"
        );
        assert_eq!(running(&mut signals, 1.5, 65).light, Light::Red, "{mode:?}");
    }
}

#[test]
fn an_end_that_has_passed_is_now_and_then_unknown() {
    let mut signals = signals();
    for second in 0..=20 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    // A green of which nothing is heard any more is gone as soon as the word of it could be here.
    assert!(left_s(&running(&mut signals, 21.05, 1), 21.05) < 1e-6);
    assert_eq!(running(&mut signals, 21.15, 1).light, Light::Unknown);
    // A red holds, and ends now for a while: nobody comes to harm by it.
    for second in 40..=49 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    assert!(left_s(&running(&mut signals, 50.5, 65), 50.5) < 1e-6);
    let red = running(&mut signals, 51.2, 65);
    assert_eq!((red.light, red.timing), (Light::Red, None));
}

#[test]
fn a_change_of_mind_is_followed_at_once() {
    let mut signals = signals();
    hear(&mut signals, 0.0, |_| 0.0);
    hear(&mut signals, 1.0, |_| 0.0);
    let mut longer = lamps(2);
    longer.lamps[0].countdown_s = Some(30);
    signals.handle_lamps(now(2.0), SIGNAL, &longer);
    assert!((left_s(&running(&mut signals, 2.0, 1), 2.0) - 30.0).abs() < 1e-6);
    assert_eq!(signals.oddities().changed_minds, 1);
}

#[test]
fn conflicting_greens_never_leave() {
    let mut signals = signals();
    hear(&mut signals, 0.0, |_| 0.0);
    let mut broken = lamps(1);
    broken.lamps[2].light = Light::Green;
    signals.handle_lamps(now(1.0), SIGNAL, &broken);
    let ids = (PhaseId::new(1).expect("id"), PhaseId::new(65).expect("id"));
    assert_eq!(signals.conflict(), Some(ids));
    let forecast = signals.forecast(now(1.0)).expect("fresh");
    assert!(forecast.status.contains(Status::FAILURE));
    for phase in &forecast.phases {
        assert_eq!(phase.states[..], [StateForecast::bare(Light::Unknown)]);
    }
    hear(&mut signals, 2.0, |_| 0.0);
    assert_eq!(
        running(&mut signals, 2.0, 1).light,
        Light::Green,
        "and it heals"
    );
}

#[test]
fn lamps_of_one_phase_that_disagree_are_unknown() {
    let text = MOYU.replace("lamps      = [1]\n", "lamps      = [1, 20]\n");
    let site = Site::parse(&text, "site.toml").expect("whole");
    let inputs = [("signal".to_owned(), SIGNAL)];
    let mut signals = Signals::new(Config::default(), &site, &inputs).expect("fits");
    let mut news = lamps(1);
    news.lamps.push(LampState {
        lamp: 20,
        light: Light::Red,
        countdown_s: None,
    });
    signals.handle_lamps(now(1.0), SIGNAL, &news);
    assert_eq!(running(&mut signals, 1.0, 1).light, Light::Unknown);
    assert_eq!(signals.oddities().disagreeing_lamps, 1);
}

#[test]
fn a_phase_of_no_input_is_refused() {
    let site = Site::parse(MOYU, "site.toml").expect("whole");
    let inputs = [("radar".to_owned(), SIGNAL)];
    let refused = Signals::new(Config::default(), &site, &inputs).expect_err("no controller");
    assert!(
        refused
            .to_string()
            .contains("controller \"signal\", which is no input")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Over any network that delays by up to 80 ms and loses every fifth piece of news: the moment
    /// that is promised holds to a tenth from message to message, and is right to a fifth.
    #[test]
    fn promises_hold_and_come_true(
        with_plan in any::<bool>(),
        jitter_ms in proptest::collection::vec(0_u32..80, 250),
        lost in proptest::collection::vec(0_u8..5, 250),
    ) {
        let mut signals = signals();
        let mut before: Option<(Light, Mono)> = None;
        let mut errors = Vec::new();
        for second in 0_u32..250 {
            let place = second as usize;
            if with_plan && second == 0 {
                signals.handle_plan(now(0.0), SIGNAL, &plan());
            }
            // The news around a change are not lost here: then nobody could know of it.
            let change = [0, 1, 21, 22, 24, 25].contains(&(second % CYCLE_S));
            if lost[place] > 0 || change {
                hear(&mut signals, second.into(), |_| f64::from(jitter_ms[place]) / 1e3);
            }
            for tenth in 1..10 {
                let at_s = f64::from(second) + f64::from(tenth) / 10.0;
                let Some(state) = said(&mut signals, at_s, 1) else {
                    before = None;
                    continue;
                };
                let Some(Timing { end: End::At { min, max, likely }, .. }) = state.timing else {
                    before = None;
                    continue;
                };
                prop_assert!(min.is_none_or(|min| min <= likely));
                prop_assert!(max.is_none_or(|max| likely <= max));
                if let Some((light, promised)) = before.filter(|(light, _)| *light == state.light) {
                    let moved = likely.seconds_after(promised).abs();
                    prop_assert!(moved <= 0.1, "{light:?} moved by {moved} s at {at_s}");
                }
                before = Some((state.light, likely));
                if second >= CYCLE_S && likely > moment(at_s) {
                    errors.push((left_s(&state, at_s) - true_left_s(second, tenth)).abs());
                }
            }
        }
        errors.sort_by(f64::total_cmp);
        let p99 = errors[errors.len() * 99 / 100];
        prop_assert!(p99 <= 0.2, "countdown error p99 {p99} s");
    }

    /// Any sequence of news: no panic, states of a phase differ, min <= likely <= max.
    #[test]
    fn any_news_give_a_forecast_that_can_be_said(
        news in proptest::collection::vec(
            (0_u32..400, 0_u16..12, 0_usize..9, proptest::option::of(0_u16..400), 0_u8..4),
            1..120,
        ),
    ) {
        let mut signals = signals();
        for (second, lamp, light, countdown_s, kind) in news {
            let at = f64::from(second);
            match kind {
                0 => {
                    signals.handle_plan(now(at), SIGNAL, &plan());
                }
                1 => hear(&mut signals, at, |_| 0.0),
                2 => {
                    signals.handle_mode(now(at), SIGNAL, ControlMode::FixedTime);
                }
                _ => {
                    let light = LIGHTS[light];
                    let mut lamps = LampStates::default();
                    lamps.lamps.push(LampState { lamp, light, countdown_s });
                    signals.handle_lamps(now(at), SIGNAL, &lamps);
                }
            }
            let Some(forecast) = signals.forecast(now(at + 0.3)) else { continue };
            for phase in &forecast.phases {
                prop_assert!(!phase.states.is_empty());
                for (place, state) in phase.states.iter().enumerate() {
                    let earlier = &phase.states[..place];
                    prop_assert!(earlier.iter().all(|other| other.light != state.light));
                    if let Some(Timing { end: End::At { min, max, likely }, .. }) = state.timing {
                        prop_assert!(min.is_none_or(|min| min <= likely));
                        prop_assert!(max.is_none_or(|max| likely <= max));
                    }
                }
            }
        }
    }
}

const LIGHTS: [Light; 9] = [
    Light::Unknown,
    Light::Dark,
    Light::Red,
    Light::FlashingRed,
    Light::RedYellow,
    Light::Green,
    Light::FlashingGreen,
    Light::Yellow,
    Light::FlashingYellow,
];

fn signals() -> Signals {
    let site = Site::parse(MOYU, "site.toml").expect("whole");
    let inputs = [("signal".to_owned(), SIGNAL)];
    Signals::new(Config::default(), &site, &inputs).expect("fits")
}

/// The controller tells what it shows at a whole second; the news take `delay_s`.
fn hear(signals: &mut Signals, second: f64, delay_s: impl Fn(u32) -> f64) {
    let whole = second as u32;
    signals.handle_lamps(now(second + delay_s(whole)), SIGNAL, &lamps(whole));
}

fn running(signals: &mut Signals, at_s: f64, phase: u8) -> StateForecast {
    heard(signals, at_s, phase).expect("news are fresh")
}

/// The running state of a phase; None where nothing may be said.
fn heard(signals: &mut Signals, at_s: f64, phase: u8) -> Option<StateForecast> {
    told(signals.forecast(now(at_s))?, phase)
}

/// The same as a message says it.
fn said(signals: &mut Signals, at_s: f64, phase: u8) -> Option<StateForecast> {
    told(signals.say(now(at_s))?, phase)
}

fn told(forecast: &Forecast, phase: u8) -> Option<StateForecast> {
    let mut phases = forecast.phases.iter();
    let phase = phases.find(|found| found.phase.value() == phase);
    Some(phase.expect("a phase of the site").states[0])
}

fn left_s(state: &StateForecast, at_s: f64) -> f64 {
    let End::At { likely, .. } = state.timing.expect("timed").end else {
        panic!("it ends")
    };
    likely.seconds_after(moment(at_s))
}

/// Seconds that phase 1 keeps its colour, at a tenth within a second.
fn true_left_s(second: u32, tenth: u32) -> f64 {
    let into = second % CYCLE_S;
    let end = [21, 24, 100].into_iter().find(|end| into < *end);
    f64::from(end.expect("within the cycle") - into) - f64::from(tenth) / 10.0
}

/// Plan P1: lamps 1 and 5 (straight on, north and south), then 2 and 6 (left), then 3 and 7, 4 and 8
/// of the crossing road; each green 18, flashing 3, yellow 3, all red 1.
fn plan() -> SignalPlan {
    let lamp = |lamp: u16| {
        let before = (lamp - 1) % 4 * 25;
        let mut steps = ArrayVec::new();
        for (light, duration_s) in [
            (Light::Red, before),
            (Light::Green, 18),
            (Light::FlashingGreen, 3),
            (Light::Yellow, 3),
            (Light::Red, 76 - before),
        ] {
            if duration_s > 0 {
                steps.push(PlanStep { light, duration_s });
            }
        }
        LampPlan { lamp, steps }
    };
    SignalPlan {
        lamps: (1..=8).map(lamp).collect(),
    }
}

/// What the lamps show at a second, by going through the plan step by step.
fn lamps(second: u32) -> LampStates {
    lamps_of(&plan(), second)
}

fn lamps_of(plan: &SignalPlan, second: u32) -> LampStates {
    let cycle_s = plan.lamps[0].cycle().as_secs() as u32;
    let at = |lamp: &LampPlan, second: u32| {
        let mut left = second % cycle_s;
        for step in &lamp.steps {
            if left < u32::from(step.duration_s) {
                return step.light;
            }
            left -= u32::from(step.duration_s);
        }
        unreachable!("the steps fill the cycle")
    };
    let state = |lamp: &LampPlan| {
        let light = at(lamp, second);
        let other = |ahead: &u32| merged(at(lamp, second + ahead)) != merged(light);
        let ahead = (1..=cycle_s).find(other);
        LampState {
            lamp: lamp.lamp,
            light,
            countdown_s: ahead.and_then(|s| u16::try_from(s).ok()),
        }
    };
    LampStates {
        lamps: plan.lamps.iter().map(state).collect(),
        ..LampStates::default()
    }
}

fn moment(seconds: f64) -> Mono {
    Mono::from_nanos(1_000_000_000_000).offset_by(seconds)
}

fn now(seconds: f64) -> Now {
    let start = Utc::from_unix_ms(1_790_000_000_000).expect("in range");
    Now {
        mono: moment(seconds),
        utc: start + moment(seconds).since(moment(0.0)),
    }
}
