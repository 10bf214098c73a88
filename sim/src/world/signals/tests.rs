//! Programs that decide, driven step by step with detectors made by hand.

use super::*;
use crate::world::STEP;

const LIGHTS: usize = 4;

fn phase(id: u8) -> PhaseId {
    PhaseId::new(id).expect("not zero")
}

fn at(seconds: f64) -> Mono {
    Mono::ZERO.offset_by(seconds)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Four stages of 18 s (least 8, greatest 40) with 7 s of clearance: a cycle of 100 s.
fn stages() -> Vec<HeadStage> {
    let stage = |id| HeadStage {
        stage: Stage {
            phases: vec![phase(id)],
            green: seconds(18),
            flashing_green: seconds(3),
            yellow: seconds(3),
            all_red: seconds(1),
        },
        least: seconds(8),
        greatest: seconds(40),
    };
    (1..=LIGHTS as u8).map(stage).collect()
}

const ACTUATED: Control = Control::Actuated {
    gap: Duration::from_secs(3),
    detector_m: 40.0,
};
const BUSES: Control = Control::BusPriority {
    correction: Duration::from_secs(5),
    extension: Duration::from_secs(8),
    bus_m: 150.0,
};

fn head(control: Control, offsets: Vec<(Mono, Duration)>, preempts: Vec<Preempt>) -> Signals {
    let head = Head::new(stages(), control, Duration::ZERO, offsets, preempts);
    Signals::Live(Box::new(head.expect("a program")))
}

/// Runs for so long; `sees` says of each phase whether somebody is there and waits, and its bus.
fn run(mut signals: Signals, for_s: f64, sees: impl Fn(f64, u8) -> (bool, Option<f64>)) -> Signals {
    let mut now = Mono::ZERO;
    while now < at(for_s) {
        let now_s = now.seconds_after(Mono::ZERO);
        let detected: Vec<Detected> = (1..=LIGHTS as u8)
            .map(|id| {
                let (there, bus) = sees(now_s, id);
                Detected {
                    phase: phase(id),
                    present: there,
                    waiting: there,
                    bus: bus.map(Duration::from_secs_f64),
                    emergency: false,
                }
            })
            .collect();
        signals.follow(now, &detected);
        now += STEP;
    }
    signals
}

/// The greens of a phase until `until_s`: when they begin and end.
fn greens(signals: &Signals, id: u8, until_s: f64) -> Vec<(f64, f64)> {
    let mut greens = Vec::new();
    let mut now = Mono::ZERO;
    while now < at(until_s) {
        let Some(shown) = signals.shown(phase(id), now) else {
            break;
        };
        let Some(until) = shown.until else {
            break;
        };
        if shown.light == Light::Green {
            let from_start = |moment: Mono| moment.seconds_after(Mono::ZERO);
            greens.push((from_start(shown.since), from_start(until)));
        }
        now = until;
    }
    greens
}

/// No two phases are ever open at once, and every green is cleared in full.
fn assert_safe(signals: &Signals, until_s: f64) {
    for tenth in 0..(until_s * 10.0) as u32 {
        let now = at(f64::from(tenth) / 10.0);
        let open = (1..=LIGHTS as u8).filter(|&id| {
            let light = signals.light(phase(id), now);
            !matches!(light, Light::Red)
        });
        assert!(open.count() <= 1, "two open at {tenth} tenths");
    }
    for id in 1..=LIGHTS as u8 {
        for (_, ends_s) in greens(signals, id, until_s - 10.0) {
            for (after_s, light) in [
                (0.0, Light::FlashingGreen),
                (2.99, Light::FlashingGreen),
                (3.0, Light::Yellow),
                (5.99, Light::Yellow),
                (6.0, Light::Red),
            ] {
                let shown = signals.light(phase(id), at(ends_s + after_s));
                assert_eq!(shown, light, "{after_s} s after {ends_s} s");
            }
        }
    }
}

#[test]
fn an_actuated_green_ends_in_a_gap_between_its_least_and_its_greatest() {
    // Phase 1 is seen until 15 s and not after; phase 3 always.
    let sees = |now_s: f64, id| (id == 3 || (id == 1 && now_s < 15.0), None);
    let signals = run(head(ACTUATED, vec![], vec![]), 120.0, sees);
    let first = greens(&signals, 1, 60.0)[0];
    assert!((first.1 - 18.0).abs() < 0.25, "3 s after 15 s: {first:?}");
    // Phase 2 is left out: nobody waits for it.
    assert_eq!(greens(&signals, 2, 100.0), vec![]);
    let third = signals.shown(phase(3), at(100.0)).expect("a phase");
    assert_eq!((third.light, third.until), (Light::Green, None));
    assert_eq!(third.since, at(first.1 + 7.0));
    assert_safe(&signals, 60.0);
}

#[test]
fn an_actuated_green_never_exceeds_its_greatest_while_somebody_waits() {
    let signals = run(head(ACTUATED, vec![], vec![]), 300.0, |_, _| (true, None));
    let all = greens(&signals, 1, 290.0);
    assert!(all.len() > 1);
    for (begins_s, ends_s) in all {
        assert!((ends_s - begins_s - 40.0).abs() < 1e-6);
    }
    assert_safe(&signals, 290.0);
}

#[test]
fn with_nobody_waiting_it_stays_green_and_nobody_knows_for_how_long() {
    let signals = run(head(ACTUATED, vec![], vec![]), 200.0, |_, _| (false, None));
    let shown = signals.shown(phase(1), at(150.0)).expect("a phase");
    assert_eq!((shown.light, shown.until), (Light::Green, None));
    assert_eq!(signals.colour_expected(phase(1), at(150.0)), None);
    assert_eq!(signals.colour_expected(phase(3), at(150.0)), None);
}

#[test]
fn without_buses_the_grid_is_kept_to_the_millisecond() {
    let signals = run(head(BUSES, vec![], vec![]), 400.0, |_, _| (true, None));
    assert_eq!(
        greens(&signals, 2, 330.0),
        vec![(25.0, 43.0), (125.0, 143.0), (225.0, 243.0), (325.0, 343.0)]
    );
    assert_eq!(signals.mode(at(300.0)), ControlMode::Coordinated);
}

#[test]
fn a_bus_that_would_miss_its_green_by_little_has_it_extended_and_the_grid_is_regained() {
    // A bus of phase 2 needs until 47 s; its green ends at 43 s.
    let sees = |now_s: f64, id| {
        let bus = (id == 2 && (35.0..47.0).contains(&now_s)).then_some(47.0 - now_s);
        (true, bus)
    };
    let signals = run(head(BUSES, vec![], vec![]), 400.0, sees);
    let all = greens(&signals, 2, 330.0);
    assert_eq!(all[0], (25.0, 48.0), "{all:?}");
    assert_eq!(*all.last().expect("some"), (325.0, 343.0), "{all:?}");
    assert_eq!(signals.mode(at(45.0)), ControlMode::BusPriority);
    assert_safe(&signals, 390.0);
}

#[test]
fn a_bus_that_comes_too_late_gets_no_extension() {
    let sees = |now_s: f64, id| {
        let bus = (id == 2 && (35.0..60.0).contains(&now_s)).then_some(60.0 - now_s);
        (true, bus)
    };
    let signals = run(head(BUSES, vec![], vec![]), 200.0, sees);
    assert_eq!(greens(&signals, 2, 60.0)[0], (25.0, 43.0));
}

#[test]
fn a_bus_on_red_has_the_greens_before_its_own_cut_but_not_below_their_least() {
    // A bus stands at the line of phase 3 from 2 s on.
    let sees = |now_s: f64, id| {
        let bus = (id == 3 && (2.0..40.0).contains(&now_s)).then_some(0.0);
        (true, bus)
    };
    let signals = run(head(BUSES, vec![], vec![]), 400.0, sees);
    assert_eq!(greens(&signals, 1, 30.0)[0], (0.0, 8.0));
    assert_eq!(greens(&signals, 2, 40.0)[0], (15.0, 23.0));
    let third = signals.shown(phase(3), at(35.0)).expect("a phase");
    assert_eq!((third.light, third.since), (Light::Green, at(30.0)));
    // Recovery: back on the grid within three cycles.
    let last = *greens(&signals, 1, 310.0).last().expect("some");
    assert_eq!(last, (300.0, 318.0));
    assert_safe(&signals, 390.0);
}

#[test]
fn a_new_offset_is_reached_in_steps() {
    let moved = vec![(at(90.0), seconds(12))];
    let control = Control::Coordinated {
        correction: seconds(5),
    };
    let signals = run(head(control, moved, vec![]), 500.0, |_, _| (false, None));
    let all = greens(&signals, 1, 420.0);
    assert_eq!(all[0], (0.0, 18.0));
    assert_eq!(*all.last().expect("some"), (412.0, 430.0), "{all:?}");
    for (begins_s, ends_s) in all {
        assert!((13.0..=23.0).contains(&(ends_s - begins_s)));
    }
    assert_safe(&signals, 490.0);
}

#[test]
fn a_call_comes_after_the_clearance_is_held_and_lets_go() {
    let call = Preempt {
        from: at(3.0),
        until: at(50.0),
        phase: phase(4),
    };
    for control in [ACTUATED, BUSES] {
        let signals = run(head(control, vec![], vec![call.clone()]), 300.0, |_, _| {
            (true, None)
        });
        // The least green of phase 1 is 8 s, its clearance 7 s.
        assert_eq!(greens(&signals, 1, 20.0)[0], (0.0, 8.0));
        let called = greens(&signals, 4, 100.0)[0];
        assert!((called.0 - 15.0).abs() < 1e-9, "{called:?}");
        assert!(called.1 >= 50.0, "{called:?}");
        assert_eq!(signals.mode(at(30.0)), ControlMode::Emergency);
        assert!(greens(&signals, 1, 290.0).len() > 1, "it goes on");
        assert_safe(&signals, 290.0);
    }
}

#[test]
fn what_has_been_shown_stays_true() {
    let sees = |now_s: f64, id: u8| {
        let there = (now_s as u64 / 7 + u64::from(id)).is_multiple_of(3);
        (there, (there && id == 3).then_some(5.0))
    };
    for control in [ACTUATED, BUSES] {
        let mut signals = head(control, vec![], vec![]);
        let mut told: Vec<(Mono, u8, Light)> = Vec::new();
        for step in 0..3000_u32 {
            let now = Mono::ZERO + STEP * step;
            let now_s = now.seconds_after(Mono::ZERO);
            let detected: Vec<Detected> = (1..=LIGHTS as u8)
                .map(|id| {
                    let (there, bus) = sees(now_s, id);
                    Detected {
                        phase: phase(id),
                        present: there,
                        waiting: there,
                        bus: bus.map(Duration::from_secs_f64),
                        emergency: false,
                    }
                })
                .collect();
            signals.follow(now, &detected);
            for id in 1..=LIGHTS as u8 {
                // A step ahead is settled already.
                let soon = now + STEP;
                told.push((soon, id, signals.light(phase(id), soon)));
            }
        }
        for (then, id, light) in told {
            assert_eq!(signals.light(phase(id), then), light, "{id} at {then:?}");
        }
    }
}
