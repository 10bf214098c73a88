//! A controller says that its next cycle runs another plan, and keeps its word or does not.

use super::*;

/// As P1, but that the first stage's green is ten seconds longer and the last one's shorter.
fn other() -> SignalPlan {
    let lamp = |lamp: u16| {
        let stage = (lamp - 1) % 4;
        let before = stage * 25 + if stage > 0 { 10 } else { 0 };
        let green = [28, 18, 18, 8][usize::from(stage)];
        let steps = [
            (Light::Red, before),
            (Light::Green, green),
            (Light::FlashingGreen, 3),
            (Light::Yellow, 3),
            (Light::Red, 94 - green - before),
        ];
        let steps = steps.map(|(light, duration_s)| PlanStep { light, duration_s });
        LampPlan {
            lamp,
            steps: steps.into_iter().collect(),
        }
    };
    SignalPlan {
        lamps: (1..=8).map(lamp).collect(),
    }
}

/// The lights of a phase whose ends are told, and when they are, in seconds of the test.
fn ends(signals: &mut Signals, at_s: f64, phase: u8) -> Vec<(Light, f64)> {
    let forecast = signals.forecast(now(at_s)).expect("fresh");
    let mut phases = forecast.phases.iter();
    let phase = phases.find(|found| found.phase.value() == phase);
    let states = &phase.expect("a phase of the site").states;
    let end = |state: &StateForecast| match state.timing?.end {
        End::At { likely, .. } => Some((state.light, likely.seconds_after(moment(0.0)).round())),
        End::Endless => None,
    };
    states.iter().filter_map(end).collect()
}

/// The controller shows `plan` in these seconds; it counts down only in the first few.
fn live(signals: &mut Signals, plan: &SignalPlan, seconds: std::ops::Range<u32>) {
    for second in seconds {
        let mut lamps = lamps_of(plan, second);
        if second % CYCLE_S > 10 {
            for lamp in &mut lamps.lamps {
                lamp.countdown_s = None;
            }
        }
        signals.handle_lamps(now(second.into()), SIGNAL, &lamps);
    }
}

const WHOLE: [(Light, f64); 3] = [
    (Light::Green, 21.0),
    (Light::Yellow, 24.0),
    (Light::Red, 100.0),
];

fn warm() -> Signals {
    let mut signals = signals();
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    live(&mut signals, &plan(), 0..9);
    signals
}

#[test]
fn nothing_is_promised_beyond_a_cycle_that_another_plan_follows() {
    let mut signals = warm();
    signals.handle_next_plan(now(8.5), SIGNAL, &plan());
    live(&mut signals, &plan(), 9..11);
    assert_eq!(ends(&mut signals, 10.0, 1), WHOLE);
    signals.handle_next_plan(now(10.5), SIGNAL, &other());
    live(&mut signals, &plan(), 11..13);
    // Its red may go on in the plan that follows; so may a red that reaches into the next cycle.
    assert_eq!(ends(&mut signals, 12.0, 1), WHOLE[..2]);
    let green = running(&mut signals, 12.0, 1).timing.expect("timed");
    assert_eq!((green.basis, green.next), (Basis::Plan, None));
    let left = [
        (Light::Red, 25.0),
        (Light::Green, 46.0),
        (Light::Yellow, 49.0),
    ];
    assert_eq!(ends(&mut signals, 12.0, 2), left);
    // A red that ends after the cycle has no end that anybody knows.
    live(&mut signals, &plan(), 13..100);
    let red = running(&mut signals, 99.0, 2);
    assert_eq!(red.light, Light::Red);
    assert!(
        red.timing.is_none_or(|it| it.basis == Basis::History),
        "{red:?}"
    );
    // The other plan comes, and is told.
    signals.handle_plan(now(100.0), SIGNAL, &other());
    live(&mut signals, &other(), 100..105);
    let told = [
        (Light::Green, 131.0),
        (Light::Yellow, 134.0),
        (Light::Red, 200.0),
    ];
    assert_eq!(ends(&mut signals, 104.0, 1), told);
}

#[test]
fn a_plan_of_another_hour_takes_the_promises_of_one_cycle_only() {
    let mut signals = warm();
    signals.handle_next_plan(now(8.5), SIGNAL, &other());
    live(&mut signals, &plan(), 9..101);
    signals.handle_plan(now(100.5), SIGNAL, &plan());
    signals.handle_next_plan(now(100.6), SIGNAL, &other());
    live(&mut signals, &plan(), 101..105);
    let told = ends(&mut signals, 104.0, 1);
    assert_eq!(told, WHOLE.map(|(light, end_s)| (light, end_s + 100.0)));
}

#[test]
fn a_next_plan_that_cannot_be_one_changes_nothing() {
    let mut signals = warm();
    let mut torn = other();
    torn.lamps[3].steps[0].duration_s += 1;
    signals.handle_next_plan(now(8.5), SIGNAL, &torn);
    signals.handle_next_plan(now(8.5), InputId(9), &other());
    live(&mut signals, &plan(), 9..11);
    assert_eq!(ends(&mut signals, 10.0, 1), WHOLE);
    let oddities = signals.oddities();
    assert_eq!((oddities.refused_plans, oddities.strangers), (1, 1));
}
