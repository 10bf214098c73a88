//! Whether the junction flashes or is pre-empted: how it is asked for, and what becomes of the answer.

use super::settings_tests::{Agent, run};
use super::snmp::{Table, Version};
use super::tests::{counted, now, polling, push, said};
use super::*;
use crate::report::Light;

const VERSIONS: [Version; 2] = [Version::V1, Version::V2c];

/// Runs the two from one moment to another, and gives all that was told.
fn told(decoder: &mut Decoder, agent: &mut Agent, from_ms: u64, to_ms: u64) -> Vec<Content> {
    let mut told = Vec::new();
    let (mut question, mut answer) = (Vec::new(), Vec::new());
    for ms in (from_ms..to_ms).step_by(10) {
        question.clear();
        answer.clear();
        if decoder.poll_query(now(ms), &mut question) && agent.answer(&question, &mut answer) {
            decoder.push(now(ms + 5), &answer, &mut |content| told.push(content));
        }
    }
    told
}

fn modes(told: &[Content]) -> Vec<ControlMode> {
    let mode = |content: &Content| match content {
        Content::Mode(mode) => Some(*mode),
        _ => None,
    };
    told.iter().filter_map(mode).collect()
}

fn last_lights(told: &[Content]) -> Vec<Light> {
    let lamps = |content: &Content| match content {
        Content::Lamps(states) => Some(states.lamps.iter().map(|s| s.light).collect()),
        _ => None,
    };
    told.iter().rev().find_map(lamps).expect("lamps")
}

/// A controller with ways to pre-empt it, that does neither flash nor is pre-empted.
fn agent(version: Version, preempts: usize) -> Agent {
    Agent {
        flash: Some(2),
        preempts: vec![2; preempts],
        ..Agent::new(version)
    }
}

#[test]
fn what_the_unit_says_is_how_it_is_run() {
    use ControlMode::{Emergency, FaultFlash, Flash};
    let cases = [
        (3, 2, Some(Flash)),
        (4, 2, Some(Flash)),
        (5, 2, Some(FaultFlash)),
        (6, 6, Some(FaultFlash)),
        (7, 2, Some(Flash)),
        (8, 6, Some(Flash)),
        (2, 4, Some(Emergency)),
        (2, 5, Some(Emergency)),
        (2, 6, Some(Emergency)),
        (2, 7, Some(Emergency)),
        (2, 8, Some(Emergency)),
        (2, 3, None),
        (2, 9, None),
        (2, 1, None),
        (1, 2, None),
        (0, 0, None),
        (200, 200, None),
    ];
    for version in VERSIONS {
        for (flash, preempt, mode) in cases {
            let (mut decoder, mut agent) = (polling(), agent(version, 6));
            assert!(modes(&told(&mut decoder, &mut agent, 0, 10_000)).is_empty());
            agent.flash = Some(flash);
            agent.preempts[3] = preempt;
            let during = told(&mut decoder, &mut agent, 10_000, 12_000);
            let case = format!("{version:?}: {flash}, {preempt}");
            assert_eq!(modes(&during).first().copied(), mode, "{case}");
            let flashes = matches!(mode, Some(Flash | FaultFlash));
            let unknown = last_lights(&during).iter().all(|l| *l == Light::Unknown);
            assert_eq!(unknown, flashes, "{case}");
            (agent.flash, agent.preempts[3]) = (Some(2), 2);
            let after = told(&mut decoder, &mut agent, 12_000, 14_000);
            let ended = mode.map(|_| ControlMode::Unknown);
            assert_eq!(modes(&after).last().copied(), ended, "{case}");
            assert!(last_lights(&after).contains(&Light::Green), "{case}");
        }
    }
}

#[test]
fn lamps_are_asked_after_at_the_same_moments_whatever_the_unit_says() {
    for version in VERSIONS {
        let plain = run(&mut polling(), &mut Agent::new(version), 0, 90_000);
        let asked_at = |mut agent: Agent| -> Vec<u64> {
            let told = run(&mut polling(), &mut agent, 0, 90_000);
            told.into_iter().map(|(ms, _)| ms).collect()
        };
        let plain: Vec<u64> = plain.into_iter().map(|(ms, _)| ms).collect();
        assert_eq!(plain.len(), 177);
        assert_eq!(plain, asked_at(agent(version, 10)));
        let dumb = Agent {
            is_dumb: true,
            ..agent(version, 10)
        };
        assert_eq!(plain, asked_at(dumb));
    }
}

#[test]
fn who_does_not_know_how_it_is_doing_is_asked_no_more() {
    for version in VERSIONS {
        let mut agent = Agent::new(version);
        run(&mut polling(), &mut agent, 0, 300_000);
        let asked = agent.times_asked_for(Table::Unit) + agent.times_asked_for(Table::Preempts);
        // By version 1 each of the two has to be found out by itself.
        assert_eq!(asked, if version == Version::V1 { 2 } else { 1 });
    }
}

#[test]
fn what_an_agent_has_of_it_is_asked_on() {
    for version in VERSIONS {
        // Six of ten ways, and no word of flashing.
        let (mut decoder, mut six) = (polling(), agent(version, 6));
        six.flash = None;
        run(&mut decoder, &mut six, 0, 10_000);
        let asked = six.asked.iter().rfind(|of| of[0].table == Table::Preempts);
        assert_eq!(asked.expect("it goes on").len(), 6);
        six.preempts[5] = 6;
        let heard = told(&mut decoder, &mut six, 10_000, 11_000);
        assert_eq!(modes(&heard), [ControlMode::Emergency]);
        // Flashing, and no way to pre-empt.
        let (mut decoder, mut none) = (polling(), agent(version, 0));
        run(&mut decoder, &mut none, 0, 10_000);
        let asked = none.asked.iter().rfind(|of| of[0].table == Table::Unit);
        assert_eq!(asked.expect("it goes on").len(), 1);
        none.flash = Some(6);
        let heard = told(&mut decoder, &mut none, 10_000, 11_000);
        assert_eq!(modes(&heard), [ControlMode::FaultFlash]);
    }
}

#[test]
fn who_never_answers_is_asked_seldom_and_who_has_answered_is_asked_on() {
    let (mut decoder, mut dumb) = (polling(), agent(Version::V2c, 2));
    dumb.is_dumb = true;
    run(&mut decoder, &mut dumb, 0, 300_000);
    assert_eq!(dumb.times_asked_for(Table::Unit), 3 + 4);
    dumb.is_dumb = false;
    run(&mut decoder, &mut dumb, 300_000, 400_000);
    dumb.is_dumb = true;
    let before = dumb.times_asked_for(Table::Unit);
    run(&mut decoder, &mut dumb, 400_000, 410_000);
    assert_eq!(dumb.times_asked_for(Table::Unit) - before, 20);
}

#[test]
fn a_state_of_which_nothing_is_heard_any_more_is_not_told_for_long() {
    let (mut decoder, mut agent) = (polling(), agent(Version::V2c, 2));
    agent.preempts[0] = 6;
    let heard = told(&mut decoder, &mut agent, 0, 10_000);
    assert_eq!(modes(&heard), [ControlMode::Emergency]);
    agent.is_dumb = true;
    assert!(modes(&told(&mut decoder, &mut agent, 10_000, 14_000)).is_empty());
    let heard = told(&mut decoder, &mut agent, 14_000, 16_000);
    assert_eq!(modes(&heard), [ControlMode::Unknown]);
}

#[test]
fn a_broadcast_knows_more_than_what_was_polled() {
    let (mut decoder, mut agent) = (polling(), agent(Version::V2c, 2));
    agent.flash = Some(6);
    let heard = told(&mut decoder, &mut agent, 0, 10_000);
    assert_eq!(modes(&heard), [ControlMode::FaultFlash]);
    let states = push(&mut decoder, now(10_000), &said(0, 0)).remove(0);
    assert!(states.lamps.iter().any(|s| s.light == Light::Green));
    assert_eq!(decoder.poll_timeout(), now(11_500).mono, "nothing is asked");
    assert_eq!(counted(&decoder, "snmp-not-asked"), 0);
}
