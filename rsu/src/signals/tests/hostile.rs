//! News that are lost, late, doubled, out of order, wrong, or of a controller that is not well.

use super::*;
use crate::report::ControlMode;

const OTHER: InputId = InputId(1);

#[test]
fn a_change_that_happens_out_of_sight_is_vague_and_says_so() {
    let mut signals = signals();
    for second in 0..=19 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    // 20 to 22 are lost: green ended at 21. Nobody said so, and nobody knows what came.
    assert_eq!(running(&mut signals, 21.3, 1).light, Light::Unknown);
    assert_eq!(running(&mut signals, 22.0, 1).light, Light::Unknown);
    hear(&mut signals, 23.0, |_| 0.0);
    let yellow = running(&mut signals, 23.0, 1);
    assert_eq!(yellow.light, Light::Yellow);
    let timing = yellow.timing.expect("it counts");
    assert_eq!(timing.start, Start::Running { since: None });
    let bounds = (Some(moment(23.0)), Some(moment(24.0)));
    let End::At { min, max, likely } = timing.end else {
        panic!("it ends")
    };
    assert_eq!((min, max, likely), (bounds.0, bounds.1, moment(24.0)));
}

#[test]
fn a_late_double_of_the_green_does_not_bring_it_back() {
    let mut signals = signals();
    for second in 0..=21 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    assert_eq!(running(&mut signals, 21.0, 1).light, Light::Yellow);
    for after_s in [21.05, 21.4] {
        signals.handle_lamps(now(after_s), SIGNAL, &lamps(20));
        assert_eq!(running(&mut signals, after_s, 1).light, Light::Yellow);
    }
    assert!(signals.oddities().out_of_order > 0);
    // What a controller keeps saying is so, whatever was there before.
    signals.handle_lamps(now(22.1), SIGNAL, &lamps(20));
    assert_eq!(running(&mut signals, 22.1, 1).light, Light::Green);
}

#[test]
fn a_red_is_believed_at_once_also_after_a_green_of_a_moment() {
    let mut signals = signals();
    hear(&mut signals, 99.0, |_| 0.0);
    hear(&mut signals, 100.0, |_| 0.0);
    assert_eq!(running(&mut signals, 100.0, 1).light, Light::Green);
    signals.handle_lamps(now(100.1), SIGNAL, &lamps(99));
    assert_eq!(running(&mut signals, 100.1, 1).light, Light::Red);
}

#[test]
fn news_that_arrived_before_others_are_left_out() {
    let mut signals = signals();
    hear(&mut signals, 21.0, |_| 0.0);
    signals.handle_lamps(now(20.9), SIGNAL, &lamps(20));
    assert_eq!(running(&mut signals, 21.0, 1).light, Light::Yellow);
    assert_eq!(signals.oddities().out_of_order, 1);
}

#[test]
fn a_countdown_that_jumps_once_never_promises_more_green_than_before() {
    let mut signals = signals();
    for second in 98..=105 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    let mut wrong = lamps(106);
    wrong.lamps[0].countdown_s = Some(99);
    signals.handle_lamps(now(106.0), SIGNAL, &wrong);
    let doubted = running(&mut signals, 106.0, 1).timing.expect("timed").end;
    let End::At { min, likely, .. } = doubted else {
        panic!("it ends")
    };
    assert_eq!(min, Some(moment(121.0)), "not before it is said twice");
    assert_eq!(likely, moment(205.0));
    hear(&mut signals, 107.0, |_| 0.0);
    hear(&mut signals, 108.0, |_| 0.0);
    let healed = running(&mut signals, 108.0, 1).timing.expect("timed").end;
    let End::At { min, max, likely } = healed else {
        panic!("it ends")
    };
    assert_eq!((min, max, likely), (None, None, moment(121.0)));
}

#[test]
fn ten_reports_a_second_are_as_good_as_one() {
    let mut signals = signals();
    for tenth in 0..1200 {
        let at_s = f64::from(tenth) / 10.0 + 0.013;
        signals.handle_lamps(now(at_s), SIGNAL, &lamps(tenth / 10));
        let state = running(&mut signals, at_s, 1);
        if tenth > 210 {
            let error_s = left_s(&state, at_s) - (true_left_s(tenth / 10, 0) - at_s.fract());
            assert!(error_s.abs() <= 0.1, "{error_s} s at {at_s}");
        }
    }
    assert_eq!(signals.oddities().changed_minds, 0);
    assert_eq!(signals.oddities().stuck_countdowns, 0);
}

#[test]
fn a_second_that_is_seen_to_change_makes_a_countdown_met_half_way_sharp() {
    let mut signals = signals();
    for tenth in 57..75 {
        let at_s = f64::from(tenth) / 10.0;
        signals.handle_lamps(now(at_s), SIGNAL, &lamps(tenth / 10));
    }
    let End::At { min, max, likely } = running(&mut signals, 7.5, 1).timing.expect("timed").end
    else {
        panic!("it ends")
    };
    assert_eq!(likely, moment(21.0));
    let vague_s = max.expect("told").seconds_after(min.expect("told"));
    assert!((vague_s - 0.1).abs() < 1e-6, "{vague_s}");
}

#[test]
fn a_countdown_that_shows_nought_in_its_last_second_keeps_its_end() {
    let mut signals = signals();
    let down = |second: u32| {
        let mut lamps = lamps(second);
        for lamp in &mut lamps.lamps {
            lamp.countdown_s = lamp.countdown_s.map(|s| s - 1);
        }
        lamps
    };
    for second in 15..=20 {
        signals.handle_lamps(now(second.into()), SIGNAL, &down(second));
    }
    assert!(running(&mut signals, 20.3, 1).timing.is_some());
    // Out of the blue it means that nothing is known.
    let mut unknown = lamps(22);
    unknown.lamps[2].countdown_s = Some(0);
    hear(&mut signals, 21.0, |_| 0.0);
    signals.handle_lamps(now(22.0), SIGNAL, &unknown);
    assert_eq!(running(&mut signals, 22.0, 65).timing, None);
}

#[test]
fn a_countdown_that_stands_still_is_followed_and_counted() {
    let mut signals = signals();
    for second in 0..=10 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    for second in 11..=15 {
        signals.handle_lamps(now(second.into()), SIGNAL, &lamps(10));
    }
    assert!(signals.oddities().stuck_countdowns > 0);
    let state = running(&mut signals, 15.0, 1);
    assert!(left_s(&state, 15.0) > 9.0, "held: {state:?}");
}

#[test]
fn a_green_may_end_without_a_yellow() {
    let mut signals = signals();
    hear(&mut signals, 20.0, |_| 0.0);
    signals.handle_lamps(now(21.0), SIGNAL, &lamps(24));
    assert_eq!(running(&mut signals, 21.0, 1).light, Light::Red);
}

#[test]
fn a_countdown_that_turns_unknown_takes_the_timing_at_once() {
    let mut signals = signals();
    hear(&mut signals, 3.0, |_| 0.0);
    hear(&mut signals, 4.0, |_| 0.0);
    let mut unknown = lamps(5);
    unknown.lamps[0].countdown_s = None;
    signals.handle_lamps(now(5.0), SIGNAL, &unknown);
    assert_eq!(running(&mut signals, 5.0, 1).timing, None);
}

#[test]
fn each_way_of_running_has_its_bits_and_untimed_ones_have_no_times() {
    use ControlMode as M;
    for (mode, bits, timed) in [
        (M::Manual, Status::MANUAL_CONTROL, false),
        (M::Flash, Status::STANDBY, false),
        (M::AllRed, Status::STOP_TIME, false),
        (M::Stopped, Status::STOP_TIME, false),
        (
            M::FaultFlash,
            Status::FAILURE | Status::FAILURE_FLASH,
            false,
        ),
        (M::Unknown, Status::NONE, true),
        (M::Off, Status::OFF, false),
        (M::Emergency, Status::PREEMPT, false),
        (M::Fault, Status::FAILURE, false),
        (M::BusPriority, Status::SIGNAL_PRIORITY, true),
        (M::FixedTime, Status::FIXED_TIME, true),
        (M::Coordinated, Status::FIXED_TIME, true),
        (M::Actuated, Status::TRAFFIC_DEPENDENT, true),
        (M::Adaptive, Status::TRAFFIC_DEPENDENT, true),
        (M::Other, Status::NONE, true),
    ] {
        let mut signals = signals();
        signals.handle_mode(now(0.0), SIGNAL, mode);
        hear(&mut signals, 1.0, |_| 0.0);
        assert_eq!(
            running(&mut signals, 1.5, 1).timing.is_some(),
            timed,
            "{mode:?}"
        );
        assert_eq!(
            signals.forecast(now(1.5)).expect("fresh").status,
            bits,
            "{mode:?}"
        );
    }
}

#[test]
fn where_a_fault_has_ended_and_no_mode_was_ever_said_the_plan_is_believed_again() {
    let mut signals = signals();
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    for second in 0..6 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    signals.handle_mode(now(5.5), SIGNAL, ControlMode::Fault);
    hear(&mut signals, 6.0, |_| 0.0);
    assert_eq!(running(&mut signals, 6.0, 1).timing, None);
    signals.handle_mode(now(6.5), SIGNAL, ControlMode::Unknown);
    for second in 7..11 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    let timing = running(&mut signals, 10.0, 1).timing.expect("planned");
    assert_eq!(timing.basis, Basis::Plan);
    let status = signals.forecast(now(10.0)).expect("fresh").status;
    assert_eq!(status, Status::FIXED_TIME);
}

#[test]
fn lamps_that_all_flash_or_are_all_dark_tell_the_bits_too() {
    let all = |light| {
        let mut lamps = lamps(0);
        for lamp in &mut lamps.lamps {
            (lamp.light, lamp.countdown_s) = (light, None);
        }
        lamps
    };
    for (mode, light, bits) in [
        (None, Light::FlashingYellow, Status::STANDBY),
        (None, Light::Dark, Status::OFF),
        (
            Some(ControlMode::Fault),
            Light::FlashingRed,
            Status::FAILURE | Status::FAILURE_FLASH,
        ),
    ] {
        let mut signals = signals();
        if let Some(mode) = mode {
            signals.handle_mode(now(0.0), SIGNAL, mode);
        }
        signals.handle_lamps(now(1.0), SIGNAL, &all(light));
        assert_eq!(
            signals.forecast(now(1.0)).expect("fresh").status,
            bits,
            "{light:?}"
        );
    }
}

#[test]
fn in_silence_a_followed_plan_holds_with_falling_confidence_and_then_not() {
    let mut signals = signals();
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    for second in 0..=10 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    let confidence = |signals: &mut Signals, at_s| {
        let state = running(signals, at_s, 1);
        state.timing.map(|timing| timing.confidence.expect("told"))
    };
    assert_eq!(confidence(&mut signals, 12.4), Some(1.0));
    let early = confidence(&mut signals, 12.6).expect("still timed");
    let late = confidence(&mut signals, 13.9).expect("still timed");
    assert!(0.0 < late && late < early && early < 0.5, "{early}, {late}");
    assert!((left_s(&running(&mut signals, 13.9, 1), 13.9) - 7.1).abs() < 0.05);
    assert_eq!(confidence(&mut signals, 14.1), None);
    let status = signals.forecast(now(14.1)).expect("not yet mute").status;
    assert!(status.contains(Status::NO_VALID_SPAT));
    assert!(signals.forecast(now(15.1)).is_none());
}

#[test]
fn in_silence_a_plan_never_tells_a_colour_that_nobody_saw() {
    let mut signals = signals();
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    for second in 10..=20 {
        hear(&mut signals, f64::from(second), |_| 0.0);
    }
    for at_s in [22.6, 23.9] {
        assert_eq!(running(&mut signals, at_s, 1).light, Light::Unknown);
        assert_eq!(running(&mut signals, at_s, 65).light, Light::Red, "runs on");
    }
}

#[test]
fn a_green_whose_planned_end_nobody_confirms_is_not_told_beyond_it() {
    for counts in [true, false] {
        let mut signals = signals();
        signals.handle_plan(now(0.0), SIGNAL, &plan());
        for second in 1..=20 {
            let mut lamps = lamps(second);
            if !counts && second > 1 {
                lamps
                    .lamps
                    .iter_mut()
                    .for_each(|lamp| lamp.countdown_s = None);
            }
            signals.handle_lamps(now(second.into()), SIGNAL, &lamps);
        }
        assert_eq!(running(&mut signals, 21.05, 1).light, Light::Green);
        assert_eq!(running(&mut signals, 21.15, 1).light, Light::Unknown);
        hear(&mut signals, 22.0, |_| 0.0);
        assert_eq!(running(&mut signals, 22.0, 1).light, Light::Yellow);
    }
}

#[test]
fn a_green_that_is_still_shown_after_its_end_is_believed() {
    let mut signals = signals();
    for tenth in 0..230_u32 {
        let mut lamps = lamps((tenth / 10).min(20));
        if tenth >= 210 {
            lamps.lamps[0].countdown_s = None;
        }
        signals.handle_lamps(now(f64::from(tenth) / 10.0), SIGNAL, &lamps);
        let shown = running(&mut signals, f64::from(tenth) / 10.0 + 0.05, 1);
        assert_eq!(shown.light, Light::Green, "at {tenth}");
    }
}

#[test]
fn countdowns_that_jump_each_time_by_something_else_do_not_move_a_proved_plan() {
    let mut signals = signals();
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    hear(&mut signals, 5.0, |_| 0.0);
    for second in 6..=20_u32 {
        let mut lamps = lamps(second);
        for (place, lamp) in lamps.lamps.iter_mut().enumerate() {
            let off = (second as u16 * 7 + place as u16 * 3) % 5 + 1;
            lamp.countdown_s = lamp.countdown_s.map(|s| s + off);
        }
        signals.handle_lamps(now(second.into()), SIGNAL, &lamps);
        let timing = running(&mut signals, second.into(), 1)
            .timing
            .expect("timed");
        let End::At { min, max, likely } = timing.end else {
            panic!("it ends")
        };
        assert!(
            (likely.seconds_after(moment(21.0))).abs() < 0.05,
            "{second}"
        );
        assert_eq!((min, max, timing.confidence), (None, None, None), "doubted");
    }
}

#[test]
fn countdowns_that_say_another_end_twice_take_the_plans_word() {
    let mut signals = signals();
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    hear(&mut signals, 5.0, |_| 0.0);
    for second in [6_u32, 7] {
        let mut lamps = lamps(second);
        for lamp in &mut lamps.lamps {
            lamp.countdown_s = lamp.countdown_s.map(|s| s + 10);
        }
        signals.handle_lamps(now(second.into()), SIGNAL, &lamps);
    }
    let green = running(&mut signals, 7.0, 1);
    assert!((left_s(&green, 7.0) - 24.0).abs() < 0.1, "{green:?}");
    assert_eq!(green.timing.expect("timed").basis, Basis::Countdown);
}

#[test]
fn a_plan_with_conflicting_greens_is_refused() {
    let mut signals = signals();
    let mut wrong = plan();
    wrong.lamps[2].steps = wrong.lamps[0].steps.clone();
    signals.handle_plan(now(0.0), SIGNAL, &wrong);
    assert_eq!(signals.oddities().refused_plans, 1);
    hear(&mut signals, 1.0, |_| 0.0);
    let forecast = signals.forecast(now(1.0)).expect("fresh");
    assert!(forecast.phases.iter().all(|phase| phase.states.len() == 1));
}

/// The phases of lamps 3, 4, 7 and 8 are driven by a controller of their own.
fn two_controllers() -> Signals {
    let mut site = Site::parse(MOYU, "site.toml").expect("whole");
    for phase in &mut site.phases {
        if phase.lamps.iter().any(|lamp| [3, 4, 7, 8].contains(lamp)) {
            phase.controller = "other".to_owned();
        }
    }
    let inputs = [("signal".to_owned(), SIGNAL), ("other".to_owned(), OTHER)];
    Signals::new(Config::default(), &site, &inputs).expect("fits")
}

#[test]
fn of_two_controllers_the_older_word_dates_the_lamps() {
    let mut signals = two_controllers();
    signals.handle_lamps(now(10.0), SIGNAL, &lamps(10));
    signals.handle_lamps(now(11.0), OTHER, &lamps(11));
    let forecast = signals.forecast(now(11.2)).expect("fresh");
    assert_eq!(forecast.collected_at, moment(10.0));
    // One that no longer speaks dates the message as long as its lights are told.
    signals.handle_lamps(now(14.0), OTHER, &lamps(14));
    let forecast = signals.forecast(now(14.9)).expect("fresh");
    assert_eq!(forecast.collected_at, moment(10.0));
    let forecast = signals.forecast(now(15.1)).expect("fresh");
    assert_eq!(forecast.collected_at, moment(14.0));
}

#[test]
fn a_controller_that_died_is_not_believed_to_the_end_of_its_light() {
    let mut signals = two_controllers();
    // Its lamp 1 is green up to 21 s, by its own word.
    signals.handle_lamps(now(10.0), SIGNAL, &lamps(10));
    let mut silent = Vec::new();
    for second in 10..=20 {
        signals.handle_lamps(now(second.into()), OTHER, &lamps(second));
        if [10, 12, 14, 15, 19].contains(&second) {
            let state = running(&mut signals, f64::from(second) + 0.1, 1);
            silent.push((state.light, state.timing.is_some()));
        }
    }
    let expected = [
        (Light::Green, true),
        (Light::Green, true),
        (Light::Green, false),
        (Light::Unknown, false),
        (Light::Unknown, false),
    ];
    assert_eq!(silent, expected);
}

#[test]
fn phases_of_a_controller_that_speaks_of_anything_but_lamps_are_told() {
    let mut signals = signals();
    let mut told = 0;
    for second in 0..=20 {
        match second % 3 {
            0 => signals.handle_mode(now(second.into()), SIGNAL, ControlMode::FixedTime),
            1 => signals.handle_plan(now(second.into()), SIGNAL, &plan()),
            _ => signals.handle_next_plan(now(second.into()), SIGNAL, &plan()),
        };
        while signals.poll_not_mentioned(moment(second.into())).is_some() {
            assert!(second > 10);
            told += 1;
        }
    }
    assert_eq!(told, signals.watches.len());
}

#[test]
fn a_phase_that_a_speaking_controller_does_not_mention_is_told_once() {
    let mut signals = signals();
    let mut told = Vec::new();
    for second in 0..=40 {
        let mut news = lamps(second);
        // Never mentioned; and not while the controller itself is silent, or after that for a while.
        news.lamps.retain(|state| state.lamp != 1 || second == 30);
        if !(12..=20).contains(&second) {
            signals.handle_lamps(now(second.into()), SIGNAL, &news);
        }
        while let Some(phase) = signals.poll_not_mentioned(moment(second.into())) {
            told.push((second, phase.value()));
        }
    }
    assert_eq!(told, [(11, 1)]);
    assert_eq!(signals.oddities().phases_not_mentioned, 1);
}

#[test]
fn a_lamp_that_is_mentioned_no_more_is_soon_unknown() {
    let mut signals = signals();
    signals.handle_lamps(now(0.0), SIGNAL, &lamps(0));
    for second in 1..=12 {
        let mut rest = lamps(second);
        rest.lamps.retain(|state| state.lamp != 1);
        signals.handle_lamps(now(second.into()), SIGNAL, &rest);
    }
    assert_eq!(running(&mut signals, 4.9, 1).light, Light::Green);
    assert_eq!(running(&mut signals, 5.1, 1).light, Light::Unknown);
    assert_ne!(running(&mut signals, 12.5, 65).light, Light::Unknown);
}

#[test]
fn a_controller_that_died_in_green_neither_conflicts_for_ever_nor_hides_the_other() {
    let mut signals = two_controllers();
    signals.handle_lamps(now(19.0), SIGNAL, &lamps(19));
    for second in 19..=60 {
        signals.handle_lamps(now(second.into()), OTHER, &lamps(second));
    }
    // Lamp 3 is green from 50 to 71, and lamp 1 was green when its controller fell silent.
    assert_eq!(signals.conflict(), None);
    assert_eq!(running(&mut signals, 60.0, 65).light, Light::Green);
    assert_eq!(running(&mut signals, 60.0, 1).light, Light::Unknown);
}

#[test]
fn plans_of_two_controllers_that_do_not_fit_tell_no_green_to_come() {
    let mut signals = two_controllers();
    // The other controller is 45 s ahead: its plan has lamp 3 green from 5 to 26.
    for second in 0..=3 {
        let at = now(second.into());
        signals.handle_plan(at, SIGNAL, &plan());
        signals.handle_plan(at, OTHER, &plan());
        signals.handle_lamps(at, SIGNAL, &lamps(second));
        signals.handle_lamps(at, OTHER, &lamps(second + 45));
    }
    let forecast = signals.forecast(now(3.0)).expect("fresh");
    for id in [1, 65] {
        let mut phases = forecast.phases.iter();
        let phase = phases.find(|phase| phase.phase.value() == id);
        assert_eq!(phase.expect("of the site").states.len(), 1, "phase {id}");
    }
}

/// Three cycles by a plan; then 12 s into the green an emergency takes the junction over at once.
fn called_off(mode: ControlMode) -> Signals {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, mode);
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    let called = 3 * CYCLE_S + 12;
    for second in 0..called {
        hear(&mut signals, second.into(), |_| 0.0);
    }
    signals.handle_mode(now(called.into()), SIGNAL, ControlMode::Emergency);
    let mut cut = lamps(21);
    for lamp in &mut cut.lamps {
        lamp.countdown_s = None;
    }
    signals.handle_lamps(now(called.into()), SIGNAL, &cut);
    // And back to the plan, a cycle later.
    signals.handle_mode(now(f64::from(4 * CYCLE_S)), SIGNAL, mode);
    for second in 4 * CYCLE_S..4 * CYCLE_S + 6 {
        hear(&mut signals, second.into(), |_| 0.0);
    }
    signals
}

#[test]
fn an_end_that_was_called_off_is_remembered_and_bounds_are_wider_or_not_told_after_it() {
    for mode in [ControlMode::FixedTime, ControlMode::Coordinated] {
        let mut signals = called_off(mode);
        let at_s = f64::from(4 * CYCLE_S + 5);
        let timing = running(&mut signals, at_s, 1).timing.expect("timed");
        let End::At { min, max, likely } = timing.end else {
            panic!("it ends")
        };
        assert!((likely.seconds_after(moment(at_s)) - 16.0).abs() < 0.1);
        // It ended 9 s before its told end, at least.
        let early_s = min.map(|min| likely.seconds_after(min));
        assert!(
            early_s.is_none_or(|early_s| early_s >= 9.0),
            "{mode:?}: {timing:?}"
        );
        assert_eq!(min.is_some(), max.is_some());
    }
}

#[test]
fn a_coordinated_plan_is_bounded_by_how_it_was_kept() {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Coordinated);
    signals.handle_plan(now(0.0), SIGNAL, &plan());
    let told = |signals: &mut Signals, at_s| {
        let timing = running(signals, at_s, 1).timing.expect("timed");
        match timing.end {
            End::At { min, max, likely } => min
                .zip(max)
                .map(|(min, max)| (likely.seconds_after(min), max.seconds_after(likely))),
            End::Endless => panic!("it ends"),
        }
    };
    for second in 0..=10 {
        hear(&mut signals, second.into(), |_| 0.0);
    }
    assert_eq!(
        told(&mut signals, 10.0),
        None,
        "nobody knows yet whether it is kept"
    );
    for second in 11..=14 * CYCLE_S + 10 {
        hear(&mut signals, second.into(), |_| 0.0);
    }
    let (early_s, late_s) = told(&mut signals, f64::from(14 * CYCLE_S + 10)).expect("by now");
    assert!(early_s < 0.3 && late_s < 0.3, "{early_s} {late_s}");
}

#[test]
fn seconds_that_are_rounded_down_are_read_so_once_that_is_known() {
    let mut signals = signals();
    signals.handle_mode(now(0.0), SIGNAL, ControlMode::Actuated);
    // Lamps change 0.6 s into the second, and are told then; reports come at whole seconds.
    let told = |signals: &mut Signals, at_s: f64, down: bool| {
        let into_s = at_s - 0.6;
        let second = into_s.floor();
        let mut news = lamps(second as u32);
        for lamp in &mut news.lamps {
            let left_s = lamp.countdown_s.map(|s| f64::from(s) - (into_s - second));
            let whole = |left_s: f64| {
                if down {
                    (left_s + 1e-6).floor()
                } else {
                    (left_s - 1e-6).ceil()
                }
            };
            lamp.countdown_s = left_s.map(|left_s| whole(left_s).max(1.0) as u16);
        }
        signals.handle_lamps(now(at_s), SIGNAL, &news);
    };
    for second in 1..5 * CYCLE_S {
        told(&mut signals, second.into(), true);
        told(&mut signals, f64::from(second) + 0.6, true);
    }
    let at_s = f64::from(5 * CYCLE_S);
    for second in 0..10 {
        told(&mut signals, at_s + f64::from(second), true);
        told(&mut signals, at_s + f64::from(second) + 0.6, true);
    }
    let green = running(&mut signals, at_s + 9.7, 1);
    assert!((left_s(&green, at_s) - 21.6).abs() < 0.05, "{green:?}");
}
