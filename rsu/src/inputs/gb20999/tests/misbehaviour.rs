//! What controllers, lines and strangers do to the decoder.
//!
//! The line: answers are lost, doubled, late by one question, damaged in any bit, cut anywhere, led
//! by noise; the stream is joined in mid-frame; the cable is cut in mid-frame; nobody answers; every
//! answer comes at once. (Frames: `framing`, `wire`.)
//!
//! The controller: answers one value of many; counts its sequence on; escapes datagrams, or does not
//! escape a stream, or counts its escapes; never answers one value; refuses what it does not have;
//! says values of the wrong size, codes without meaning, values nobody knows; restarts; changes its
//! plan; has a cycle that is not the sum of its stages; stages on demand, stages twice, chains with
//! holes; says that the running stage waits; says a remaining time that is wrong, endless, frozen, or
//! rounded down; stages that flap; lamps that flicker; is in manual control, flashing, actuated.
//!
//! Strangers: other controllers and junctions on the line, frames that set, floods of any bytes and
//! of any values behind a good checksum, frames of nothing but delimiters.

use proptest::prelude::*;

use super::*;

#[test]
fn lost_answers_are_asked_for_again() {
    let mut bench = Bench::usual();
    let mut random = 7_u32;
    bench.line = Box::new(move |_, bytes| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16 & 0b11 != 0).then(|| bytes.to_vec())
    });
    bench.run(Duration::from_secs(240));
    assert!(!bench.plans().is_empty());
    let errors = bench.errors_ms();
    assert!(errors.len() > 500, "{}", errors.len());
    assert!(errors.iter().all(|error| (-20..=1200).contains(error)));
}

#[test]
fn a_controller_that_is_away_is_asked_gently() {
    let mut bench = Bench::usual();
    bench.line = Box::new(|_, _| None);
    bench.run(Duration::from_secs(60));
    assert!(bench.said.is_empty());
    // Never more than one question each retry period of half a second.
    assert!((40..=121).contains(&bench.questions), "{}", bench.questions);
    assert!(bench.count("unanswered-query") > 5);
    bench.line = Box::new(|_, bytes| Some(bytes.to_vec()));
    bench.run(Duration::from_secs(90));
    assert!(bench.countdowns() > 100);
}

#[test]
fn a_controller_that_answers_at_once_is_not_asked_faster() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(10));
    // Two rounds a second of two frames, and one tour of about a dozen.
    assert!(bench.questions <= 10 * 2 * 3 + 20, "{}", bench.questions);
}

#[test]
fn late_answers_count_and_doubled_ones_do_no_harm() {
    let mut bench = Bench::usual();
    bench.line = Box::new(|_, bytes| Some([bytes, bytes].concat()));
    bench.run(Duration::from_secs(150));
    let errors = bench.errors_ms();
    assert!(errors.len() > 1000);
    assert!(errors.iter().all(|error| (-20..=1010).contains(error)));
}

#[test]
fn frames_of_another_controller_or_junction_are_ignored() {
    let config = Config {
        controller: Some(4),
        ..plain()
    };
    let mut bench = Bench::new(config, Identity::default());
    bench.push(&frame(Kind::Report, &[(lamp_state(1), &[0x20])]));
    assert_eq!(bench.count("other-controller"), 1);
    let mut bench = Bench::usual();
    bench.push(&frame(Kind::Report, &[(mode_now(2), &[0x31])]));
    assert_eq!(bench.count("other-junction"), 1);
    assert!(bench.said.is_empty());
}

#[test]
fn values_of_the_wrong_size_or_code_are_counted_and_nothing_is_made_of_them() {
    let mut bench = listener();
    let values: [(Address, &[u8]); 8] = [
        (lamp_state(1), &[]),
        (lamp_state(2), &[1, 2]),
        (lamp_state(0), &[0x20; 64]),
        (lamp_state(65), &[0x20]),
        (stage_now(1), &[1, 2, 3, 4, 5]),
        (stage_remaining(1), &[0; 5]),
        (mode_now(1), &[0x77]),
        (Address::new(200, 1, 1, 1), &[9; 200]),
    ];
    bench.push(&frame(Kind::Report, &values));
    assert!(bench.said.is_empty(), "{:?}", bench.said);
    assert_eq!(bench.count("value-size"), 4);
    assert_eq!(bench.count("other-value"), 3);
    assert_eq!(bench.count("mode-unknown"), 1);
}

#[test]
fn a_colour_of_no_meaning_is_unknown_and_has_no_countdown() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(3));
    bench.said.clear();
    bench.push(&frame(Kind::Report, &[(lamp_state(1), &[0x99])]));
    let (_, states) = bench.lamps().next().unwrap();
    let lamp = states.lamps.iter().find(|lamp| lamp.lamp == 1).unwrap();
    assert_eq!((lamp.light, lamp.countdown_s), (Light::Unknown, None));
    assert_eq!(bench.count("colour-unknown"), 1);
}

#[test]
fn values_that_are_never_answered_do_not_keep_the_others_from_being_told() {
    let mut bench = Bench::usual();
    let clock = junction();
    // It has all else, so that no answer holds a refusal too.
    bench.moment = Box::new(move |now| Moment {
        utc: Some(at(now).utc),
        ..clock.at(now + ms(370)).unwrap()
    });
    bench.line = Box::new(|_, bytes| {
        // As if lamp group 3 and the plan's number did not exist, without a word.
        let frame = super::super::wire::parse(bytes).unwrap();
        let kept: Vec<_> = frame
            .values()
            .filter(|value| {
                value.address != lamp_state(3) && value.address != Address::new(13, 2, 3, 1)
            })
            .collect();
        let (mut plain, mut out) = (Vec::new(), Vec::new());
        let mut composer = Composer::new(&frame.header, &mut plain);
        for value in kept {
            composer.value(value.address, value.data);
        }
        composer.finish(Escaping::None, &mut out);
        Some(out)
    });
    bench.run(Duration::from_secs(60));
    assert!(bench.lamps().count() > 40, "{}", bench.lamps().count());
    assert_eq!(bench.countdowns(), 0, "no plan is known");
    assert!(bench.count("unanswered-query") <= 8);
}

#[test]
fn stages_that_flap_with_every_answer_do_not_make_us_ask_for_ever() {
    let mut bench = Bench::usual();
    let clock = junction();
    bench.moment = Box::new(move |now| {
        let stage = 1 + (now.as_millis() / 8 % 4) as u8;
        Moment {
            stage,
            lamps: (1..=9).map(|lamp| (lamp, Light::Green)).collect(),
            ..clock.at(now).unwrap()
        }
    });
    bench.run(Duration::from_secs(20));
    assert!(bench.questions < 20 * 2 * 4 + 60, "{}", bench.questions);
}

#[test]
fn lamps_that_flicker_do_not_keep_others_from_being_asked() {
    let config = Config {
        lamps: u64::MAX >> 24,
        ..plain()
    };
    let mut bench = Bench::new(config, Identity::default());
    let clock = junction();
    bench.moment = Box::new(move |now| {
        let flicker = [Light::Dark, Light::Yellow][(now.as_millis() / 300 % 2) as usize];
        Moment {
            lamps: (1..=40)
                .map(|lamp| (lamp, if lamp == 1 { flicker } else { Light::Red }))
                .collect(),
            mode: ControlMode::Flash,
            ..clock.at(now).unwrap()
        }
    });
    bench.run(Duration::from_secs(20));
    let full = bench.lamps().filter(|(_, states)| states.lamps.len() == 40);
    assert!(full.count() >= 15);
    assert!(bench.questions < 20 * 2 * 12, "{}", bench.questions);
}

#[test]
fn a_stage_that_is_said_to_wait_while_it_runs_has_no_countdown() {
    let mut bench = Bench::usual();
    let clock = junction();
    bench.moment = Box::new(move |now| Moment {
        state: StageState::Waiting,
        ..clock.at(now).unwrap()
    });
    bench.run(Duration::from_secs(40));
    assert_eq!(bench.countdowns(), 0);
}

#[test]
fn a_remaining_time_without_end_is_no_countdown() {
    for remaining_s in [60_000, u32::MAX] {
        let mut bench = Bench::usual();
        let clock = junction();
        bench.moment = Box::new(move |now| Moment {
            remaining_s,
            ..clock.at(now).unwrap()
        });
        bench.run(Duration::from_secs(200));
        let longest = bench
            .lamps()
            .flat_map(|(_, states)| &states.lamps)
            .filter_map(|lamp| lamp.countdown_s)
            .max();
        assert_eq!(longest, None, "{remaining_s}");
    }
}

#[test]
fn after_a_lost_line_everything_is_asked_anew() {
    let config = Config {
        carrier: Carrier::Stream,
        ..plain()
    };
    let identity = Identity {
        escaping: Escaping::Stream,
        ..Identity::default()
    };
    let mut bench = Bench::new(config, identity);
    bench.run(Duration::from_secs(5));
    let half = frame(Kind::Report, &[(lamp_state(1), &[0x20])]);
    bench.push(&half[..half.len() / 2]);
    bench.decoder.link_restarted();
    bench.said.clear();
    bench.run(Duration::from_secs(8));
    assert!(bench.countdowns() > 5);
    assert_eq!(bench.count("cut"), 0);
}

#[test]
fn periods_of_nothing_are_not_taken_at_their_word() {
    let config = Config {
        asking: Some(Asking {
            state_every: Duration::ZERO,
            plan_every: Duration::ZERO,
            retry_after: Duration::ZERO,
            retries: 0,
            batch: 0,
            host: 0,
        }),
        ..plain()
    };
    let mut bench = Bench::new(config, Identity::default());
    bench.run(Duration::from_secs(2));
    assert!(bench.questions < 2000 / 8 + 10, "{}", bench.questions);
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(
        chunks in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![Just(0x7E_u8), Just(0x7D), Just(0x5C), any::<u8>()], 0..120),
            0..8,
        ),
        stream: bool,
    ) {
        let carrier = if stream { Carrier::Stream } else { Carrier::Datagrams };
        let mut decoder = Decoder::new(Config { carrier, ..plain() });
        for chunk in &chunks {
            decoder.push(at(ms(0)), chunk, &mut |_| {});
        }
    }

    #[test]
    fn any_values_do_no_harm(
        frames in proptest::collection::vec(
            (0..6_usize, proptest::collection::vec(
                (prop::sample::select(vec![3_u8, 4, 6, 9, 13, 16]), 0..5_u8, 0..31_u8, 0..9_u8,
                 proptest::collection::vec(0..80_u8, 0..70)), 0..8)),
            0..20,
        ),
        told: bool,
    ) {
        let kinds = [Kind::QueryReply, Kind::Report, Kind::QueryError, Kind::Broadcast,
            Kind::Heartbeat, Kind::SetReply];
        let mut decoder = Decoder::new(Config {
            stage_time: told.then_some(super::super::StageTime::Green),
            ..plain()
        });
        let mut out = Vec::new();
        for (step, (kind, values)) in frames.iter().enumerate() {
            let values: Vec<(Address, &[u8])> = values
                .iter()
                .map(|(c, o, a, e, data)| (Address::new(*c, *o, *a, *e), &data[..]))
                .collect();
            let now = at(ms(300 * step as u64));
            decoder.push(now, &frame(kinds[*kind], &values), &mut |content| {
                if let Content::Lamps(states) = content {
                    assert!(states.lamps.iter().all(|lamp| lamp.countdown_s != Some(0)));
                }
            });
            let mut asked = 0;
            while decoder.poll_query(now, &mut out) {
                asked += 1;
                assert!(asked < 10, "asks for ever");
            }
        }
    }
}

#[test]
fn answers_that_are_one_question_late_never_make_a_time_that_is_far_off() {
    let mut bench = Bench::usual();
    let mut held = Vec::new();
    bench.line = Box::new(move |_, bytes| Some(std::mem::replace(&mut held, bytes.to_vec())));
    bench.run(Duration::from_secs(200));
    // A question is put again after half a second, so that an answer may be as old as that.
    let errors = bench.errors_ms();
    assert!(
        errors.iter().all(|error| (-20..=2100).contains(error)),
        "{:?}",
        errors.iter().max()
    );
}

#[test]
fn a_controller_that_restarts_is_understood_again() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(20));
    // While it starts up it runs no plan and flashes.
    let mut none = junction();
    none.plan = 0;
    none.stages.clear();
    bench.controller.configure(none);
    bench.moment = Box::new(|_| Moment {
        mode: ControlMode::Flash,
        stage: 0,
        state: StageState::Waiting,
        elapsed_s: 0,
        remaining_s: 0,
        lamps: (1..=9).map(|lamp| (lamp, Light::FlashingYellow)).collect(),
        utc: None,
    });
    bench.said.clear();
    bench.run(Duration::from_secs(40));
    assert_eq!(bench.countdowns(), 0);
    assert!(bench.lamps().count() > 20, "the lamps are still told");
    bench.controller.configure(junction());
    bench.moment = Box::new(with(ControlMode::FixedTime));
    bench.said.clear();
    bench.run(Duration::from_secs(60));
    assert!(bench.countdowns() > 100);
    assert_eq!(bench.plans().len(), 2, "told again after ten seconds");
}

#[test]
fn a_remaining_time_that_stands_still_is_found_out() {
    let mut bench = Bench::usual();
    let clock = junction();
    bench.moment = Box::new(move |now| Moment {
        remaining_s: 15,
        ..clock.at(now + ms(370)).unwrap()
    });
    bench.run(Duration::from_secs(480));
    assert!(bench.count("countdown-missed") > 0);
    let late = bench
        .lamps()
        .filter(|(at, _)| *at > Duration::from_secs(240))
        .flat_map(|(_, states)| &states.lamps)
        .filter(|lamp| lamp.countdown_s.is_some());
    assert_eq!(late.count(), 0);
}

#[test]
fn a_controller_whose_times_are_wrong_from_the_start_never_has_one_told() {
    for wrong in [0, 7, 15] {
        let mut bench = Bench::new(Config::default(), Identity::default());
        let clock = junction();
        bench.moment = Box::new(move |now| {
            let moment = clock.at(now + ms(370)).unwrap();
            let remaining_s = match wrong {
                // Frozen, and too long.
                0 => 12,
                wrong => moment.remaining_s + wrong,
            };
            Moment {
                remaining_s,
                ..moment
            }
        });
        bench.run(Duration::from_secs(300));
        // A time that stands still comes true by chance now and then.
        let most = if wrong == 0 {
            bench.lamps().count() * 8 / 50
        } else {
            0
        };
        assert!(
            bench.countdowns() <= most,
            "{wrong}: {}",
            bench.countdowns()
        );
    }
}

#[test]
fn stages_that_no_plan_has_have_no_countdown() {
    for stage in [0, 9, 65, 255] {
        let mut bench = Bench::usual();
        let clock = junction();
        bench.moment = Box::new(move |now| Moment {
            stage,
            ..clock.at(now).unwrap()
        });
        bench.run(Duration::from_secs(10));
        assert_eq!(bench.countdowns(), 0, "{stage}");
        assert!(bench.lamps().count() > 10, "{stage}");
    }
}

#[test]
fn frames_of_nothing_but_delimiters_are_counted_and_cost_little() {
    for (byte, carrier) in [0x7E_u8, 0x7D, 0x5C]
        .into_iter()
        .flat_map(|byte| [(byte, Carrier::Datagrams), (byte, Carrier::Stream)])
    {
        let config = Config { carrier, ..plain() };
        let mut bench = Bench::new(config, Identity::default());
        for _ in 0..100 {
            bench.push(&vec![byte; 60_000]);
        }
        let rejected: u64 = bench
            .decoder
            .counts()
            .rejected()
            .iter()
            .map(|(_, n)| n)
            .sum();
        assert!(rejected > 0 && bench.said.is_empty());
    }
}

#[test]
fn a_frame_of_255_lamp_states_is_one_report_of_64() {
    let mut bench = listener();
    let values: Vec<(Address, &[u8])> = (0..255_u8)
        .map(|place| (lamp_state(1 + place % 64), &[0x20][..]))
        .collect();
    bench.push(&frame(Kind::Report, &values));
    let reports: Vec<usize> = bench
        .lamps()
        .map(|(_, states)| states.lamps.len())
        .collect();
    assert_eq!(reports, [64]);
}

#[test]
fn frames_that_set_something_change_nothing() {
    let mut bench = Bench::usual();
    bench.push(&frame(Kind::Set, &[(lamp_state(1), &[0x20])]));
    bench.push(&frame(Kind::SetReply, &[(lamp_state(1), &[0x20])]));
    bench.push(&frame(Kind::SetError, &[(lamp_state(1), &[0x20])]));
    assert!(bench.said.is_empty());
    assert_eq!((bench.count("request"), bench.count("set-reply")), (1, 2));
}
