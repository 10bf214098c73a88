//! What controllers, lines and strangers do to the decoder.

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
        ..Config::default()
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
        ..Config::default()
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
        ..Config::default()
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
        ..Config::default()
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
        let mut decoder = Decoder::new(Config { carrier, ..Config::default() });
        for chunk in &chunks {
            decoder.push(at(ms(0)), chunk, &mut |_| {});
        }
    }

    #[test]
    fn any_values_do_no_harm(
        frames in proptest::collection::vec(
            (0..6_usize, proptest::collection::vec(
                (prop::sample::select(vec![3_u8, 4, 6, 9, 13]), 0..5_u8, 0..16_u8, 0..9_u8,
                 proptest::collection::vec(0..80_u8, 0..70)), 0..8)),
            0..20,
        ),
        told: bool,
    ) {
        let kinds = [Kind::QueryReply, Kind::Report, Kind::QueryError, Kind::Broadcast,
            Kind::Heartbeat, Kind::SetReply];
        let mut decoder = Decoder::new(Config {
            stage_time: told.then_some(super::super::StageTime::Green),
            ..Config::default()
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
