//! The decoder against a controller of our own making, in virtual time.

mod limits;
mod misbehaviour;

use std::time::Duration;

use super::objects::{StageState, lamp_state, mode_now, stage_now, stage_remaining};
use super::wire::{Address, Composer, Escaping, Header, Kind};
use super::{
    Asking, Carrier, Config, Decoder, Identity, Junction, Moment, Phase, Responder, Stage,
};
use crate::clock::{Mono, Now, Utc};
use crate::report::{Content, ControlMode, LampState, LampStates, Light, SignalPlan};

const UTC: Utc = Utc::from_unix_ns(1_800_000_000_250_000_000);
/// A question or an answer on its way.
const WAY: Duration = Duration::from_millis(4);

fn at(since: Duration) -> Now {
    Now {
        mono: Mono::from_nanos(1_000_000_000) + since,
        utc: UTC + since,
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn phase(number: u8, lamps: &[u8], losing: &[(Light, u8)]) -> Phase {
    Phase {
        number,
        lamps: lamps.to_vec(),
        getting: Vec::new(),
        losing: losing.to_vec(),
        ..Phase::default()
    }
}

const CAR: [(Light, u8); 2] = [(Light::FlashingGreen, 3), (Light::Yellow, 3)];
const WALKER: [(Light, u8); 1] = [(Light::FlashingGreen, 6)];

/// Four stages of the recorded lengths; phase 1 goes on through two of them, 5 is for walkers, 3 has
/// red with yellow before its green.
fn junction() -> Junction {
    let stage = |number, phases: &[u8], time_s| Stage {
        number,
        phases: phases.to_vec(),
        time_s,
        is_on_demand: false,
    };
    let mut third = phase(3, &[5, 6], &CAR);
    third.getting = vec![(Light::RedYellow, 2)];
    Junction {
        plan: 1,
        stages: vec![
            stage(1, &[1, 5], 29),
            stage(2, &[1, 2], 31),
            stage(3, &[3], 29),
            stage(4, &[4], 31),
        ],
        phases: vec![
            phase(1, &[1, 2], &CAR),
            phase(2, &[3, 4], &CAR),
            third,
            phase(4, &[7], &CAR),
            phase(5, &[9], &WALKER),
        ],
        faults: Vec::new(),
    }
}

/// What becomes of an answer on its way.
type Line = dyn FnMut(Duration, &[u8]) -> Option<Vec<u8>>;

/// A decoder and a controller with a line between them.
struct Bench {
    decoder: Decoder,
    controller: Responder,
    now: Duration,
    /// What the controller does at a moment.
    moment: Box<dyn Fn(Duration) -> Moment>,
    /// What becomes of an answer: None where it is lost.
    line: Box<Line>,
    said: Vec<(Duration, Content)>,
    questions: usize,
}

/// Nothing is kept back, so that what is worked out can be seen from the start.
fn plain() -> Config {
    Config {
        proves: false,
        ..Config::default()
    }
}

impl Bench {
    fn new(config: Config, identity: Identity) -> Self {
        let junction = junction();
        let clock = junction.clone();
        Self {
            decoder: Decoder::new(config),
            controller: Responder::new(identity, junction),
            now: Duration::ZERO,
            moment: Box::new(move |now| clock.at(now + ms(370)).unwrap()),
            line: Box::new(|_, bytes| Some(bytes.to_vec())),
            said: Vec::new(),
            questions: 0,
        }
    }

    fn usual() -> Self {
        Self::new(plain(), Identity::default())
    }

    /// Runs on to a moment, waking as the daemon does.
    fn run(&mut self, until: Duration) {
        while self.now < until {
            let mut question = Vec::new();
            while self.decoder.poll_query(at(self.now), &mut question) {}
            if !question.is_empty() {
                self.questions += 1;
                self.ask(&question);
                continue;
            }
            let due = self.decoder.poll_timeout();
            assert!(
                due > at(self.now).mono,
                "awake for nothing at {:?}",
                self.now
            );
            let rest = due.since(at(self.now).mono).min(until - self.now);
            self.now += rest.max(ms(1));
        }
    }

    fn ask(&mut self, question: &[u8]) {
        self.now += WAY;
        let moment = (self.moment)(self.now);
        let mut answers = Vec::new();
        self.controller
            .push(question, &moment, |answer| answers.push(answer.to_vec()));
        self.now += WAY;
        for answer in answers {
            if let Some(answer) = (self.line)(self.now, &answer) {
                self.push(&answer);
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let (now, said) = (self.now, &mut self.said);
        self.decoder
            .push(at(now), bytes, &mut |content| said.push((now, content)));
    }

    fn lamps(&self) -> impl Iterator<Item = (Duration, &LampStates)> {
        self.said.iter().filter_map(|(at, content)| match content {
            Content::Lamps(states) => Some((*at, states)),
            _ => None,
        })
    }

    fn countdowns(&self) -> usize {
        let lamps = self.lamps().flat_map(|(_, states)| &states.lamps);
        lamps.filter(|lamp| lamp.countdown_s.is_some()).count()
    }

    fn plans(&self) -> Vec<&SignalPlan> {
        let plan = |(_, content): &'_ (Duration, Content)| matches!(content, Content::Plan(_));
        let plans = self.said.iter().filter(|said| plan(said));
        plans
            .map(|(_, content)| match content {
                Content::Plan(plan) => plan,
                _ => unreachable!(),
            })
            .collect()
    }

    fn count(&self, kind: &str) -> u64 {
        let counts = self.decoder.counts();
        [counts.rejected(), counts.ignored(), counts.tolerated()]
            .concat()
            .iter()
            .find(|(name, _)| *name == kind)
            .unwrap_or_else(|| panic!("{kind} is not counted"))
            .1
    }

    /// How far each countdown is from what the lamp then does, flashing counted with steady.
    fn errors_ms(&self) -> Vec<i64> {
        let truth = Changes::of(&junction());
        let mut errors = Vec::new();
        for (at, states) in self.lamps() {
            for lamp in &states.lamps {
                let Some(countdown_s) = lamp.countdown_s else {
                    continue;
                };
                let promised_ms = at.as_millis() as i64 + i64::from(countdown_s) * 1000;
                errors.push(promised_ms - truth.after_ms(lamp, at));
            }
        }
        errors
    }
}

/// When each lamp group changes its colour in a cycle, by trying every 10 ms of it.
struct Changes(Vec<Vec<(u8, Light)>>);

impl Changes {
    fn of(junction: &Junction) -> Self {
        let steps = junction.cycle().as_millis() as u64 / 10;
        Self(
            (0..steps)
                .map(|step| junction.at(ms(step * 10)).unwrap().lamps)
                .collect(),
        )
    }

    /// When a lamp that shows this just before `at` shows another colour.
    fn after_ms(&self, lamp: &LampState, at: Duration) -> i64 {
        let asked_ms = (at - WAY).as_millis() as usize + 370;
        let place = self.0[0]
            .iter()
            .position(|(number, _)| u16::from(*number) == lamp.lamp);
        let shows = |step: &usize| {
            let (_, light) = self.0[step % self.0.len()][place.unwrap()];
            merged(light) == merged(lamp.light)
        };
        let changed = (asked_ms / 10..).find(|step| !shows(step)).unwrap();
        changed as i64 * 10 - 370
    }
}

fn merged(light: Light) -> Light {
    match light {
        Light::FlashingGreen => Light::Green,
        Light::RedYellow => Light::Red,
        other => other,
    }
}

#[test]
fn countdowns_come_true_within_a_second() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(300));
    let errors = bench.errors_ms();
    assert!(errors.len() > 3000, "{}", errors.len());
    let worst = errors.iter().copied().map(i64::abs).max().unwrap();
    // Whole seconds that are rounded up are up to a second late, never early.
    assert!(worst <= 1010, "{worst}");
    assert!(
        errors.iter().all(|error| *error >= -20),
        "{:?}",
        errors.iter().min()
    );
    assert_eq!(bench.count("countdown-missed"), 0);
    for (kind, count) in bench.decoder.counts().rejected() {
        assert_eq!(*count, 0, "{kind}");
    }
}

#[test]
fn a_countdown_is_told_once_one_has_come_true() {
    let mut bench = Bench::new(Config::default(), Identity::default());
    bench.run(Duration::from_secs(240));
    let errors = bench.errors_ms();
    assert!(errors.len() > 2000, "{}", errors.len());
    assert!(errors.iter().all(|error| (-20..=1010).contains(error)));
    // Lamp 7 turns green at second 89 and yellow at 114.
    let told = |from: u64, to: u64| {
        let within = Duration::from_secs(from)..Duration::from_secs(to);
        let lamps = bench.lamps().filter(move |(at, _)| within.contains(at));
        let lamps = lamps.flat_map(|(_, states)| &states.lamps);
        lamps
            .filter(|lamp| lamp.lamp == 7 && lamp.countdown_s.is_some())
            .count()
    };
    assert_eq!(told(0, 88), 0);
    assert!(told(90, 113) > 40);
}

#[test]
fn the_whole_cycle_is_told_as_a_plan() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(5));
    let plans = bench.plans();
    assert_eq!(plans.len(), 1);
    let steps = |lamp: u16| -> Vec<(Light, u16)> {
        let plan = plans[0]
            .lamps
            .iter()
            .find(|plan| plan.lamp == lamp)
            .unwrap();
        plan.steps
            .iter()
            .map(|step| (step.light, step.duration_s))
            .collect()
    };
    use Light::{FlashingGreen, Green, Red, RedYellow, Yellow};
    assert_eq!(
        steps(1),
        [(Green, 54), (FlashingGreen, 3), (Yellow, 3), (Red, 60)]
    );
    assert_eq!(steps(9), [(Green, 23), (FlashingGreen, 6), (Red, 91)]);
    assert_eq!(
        steps(5),
        [
            (Red, 60),
            (RedYellow, 2),
            (Green, 21),
            (FlashingGreen, 3),
            (Yellow, 3),
            (Red, 31)
        ]
    );
    let lamps: Vec<u16> = plans[0].lamps.iter().map(|plan| plan.lamp).collect();
    assert_eq!(lamps, [1, 2, 3, 4, 5, 6, 7, 9]);
}

#[test]
fn a_change_is_told_within_a_period() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(130));
    let junction = junction();
    // Lamp 7 turns green with stage 4, at cycle second 89.
    let real = Duration::from_secs(89) - ms(370);
    let told = bench.lamps().find(|(at, states)| {
        *at > real
            && states
                .lamps
                .iter()
                .any(|lamp| lamp.lamp == 7 && lamp.light == Light::Green)
    });
    let late = told.unwrap().0 - real;
    assert!(late < ms(530), "{late:?}");
    assert_eq!(junction.cycle(), Duration::from_secs(120));
}

#[test]
fn a_stream_with_escapes_says_the_same() {
    let config = Config {
        carrier: Carrier::Stream,
        ..plain()
    };
    let identity = Identity {
        // All three special bytes, in every frame.
        controller: 0x7E7D_5C00,
        escaping: Escaping::Stream,
        ..Identity::default()
    };
    let mut bench = Bench::new(config, identity);
    bench.run(Duration::from_secs(20));
    let mut usual = Bench::usual();
    usual.run(Duration::from_secs(20));
    assert_eq!(bench.said, usual.said);
}

#[test]
fn a_controller_that_answers_one_value_a_frame_and_counts_on_is_understood() {
    let identity = Identity {
        version: 0x0100,
        echoes_sequence: false,
        most_values: 1,
        ..Identity::default()
    };
    let mut bench = Bench::new(plain(), identity);
    bench.run(Duration::from_secs(150));
    assert!(bench.count("answered-in-part") >= 1);
    assert!(bench.count("sequence-differs") > 100);
    assert_eq!(bench.plans().first().unwrap().lamps.len(), 8);
    let errors = bench.errors_ms();
    assert!(errors.len() > 800, "{}", errors.len());
    assert!(errors.iter().all(|error| (-20..=1200).contains(error)));
}

fn with(mode: ControlMode) -> impl Fn(Duration) -> Moment {
    let clock = junction();
    move |now| Moment {
        mode,
        ..clock.at(now + ms(370)).unwrap()
    }
}

#[test]
fn manual_control_flash_and_all_red_have_no_countdown_and_no_plan() {
    for mode in [ControlMode::Manual, ControlMode::Flash, ControlMode::Other] {
        let mut bench = Bench::usual();
        bench.moment = Box::new(with(mode));
        bench.run(Duration::from_secs(60));
        assert_eq!(bench.countdowns(), 0, "{mode:?}");
        assert!(bench.plans().is_empty());
        assert!(bench.lamps().count() > 100);
        assert!(
            bench
                .said
                .iter()
                .any(|(_, content)| *content == Content::Mode(mode))
        );
    }
}

#[test]
fn in_actuated_control_only_the_running_stage_is_timed() {
    let mut bench = Bench::usual();
    bench.moment = Box::new(with(ControlMode::Actuated));
    bench.run(Duration::from_secs(240));
    assert!(bench.plans().is_empty());
    let errors = bench.errors_ms();
    assert!(errors.len() > 300, "{}", errors.len());
    assert!(errors.iter().all(|error| (-20..=1010).contains(error)));
    // Until its transition begins, what remains of a stage is only the most that can remain.
    let mut spans = 0;
    for (_, states) in bench.lamps() {
        for span in &states.spans {
            assert!(span.max_ms.is_some_and(|max_ms| max_ms <= 33_000));
            assert_eq!((span.min_ms, span.likely_ms), (None, None));
            let mut lamps = states.lamps.iter();
            let lamp = lamps.find(|lamp| lamp.lamp == span.lamp);
            assert_eq!(lamp.map(|lamp| lamp.countdown_s), Some(None));
            spans += 1;
        }
    }
    assert!(spans > 300, "{spans}");
    let longest = bench
        .lamps()
        .flat_map(|(_, states)| &states.lamps)
        .filter_map(|lamp| lamp.countdown_s)
        .max();
    assert!(longest <= Some(33), "{longest:?}");
}

#[test]
fn a_stage_on_demand_leaves_the_end_before_it_open() {
    let mut bench = Bench::usual();
    let mut changed = junction();
    changed.stages[2].is_on_demand = true;
    bench.controller.configure(changed);
    bench.run(Duration::from_secs(120));
    assert!(bench.plans().is_empty());
    // Stage 2, before it, lasts from second 29 to 60: nothing that it promises can be relied on.
    let inside = |at: &Duration| (Duration::from_secs(30)..Duration::from_secs(59)).contains(at);
    let timed = bench
        .lamps()
        .filter(|(at, _)| inside(at))
        .flat_map(|(_, states)| &states.lamps)
        .filter(|lamp| lamp.countdown_s.is_some());
    assert_eq!(timed.count(), 0);
    assert!(bench.countdowns() > 100);
}

#[test]
fn a_countdown_that_does_not_come_true_is_withdrawn() {
    let mut bench = Bench::usual();
    let clock = junction();
    // Its remaining time is 8 s too long in every stage.
    bench.moment = Box::new(move |now| {
        let moment = clock.at(now + ms(370)).unwrap();
        Moment {
            remaining_s: moment.remaining_s + 8,
            ..moment
        }
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
fn how_far_its_clock_is_off_is_told_to_half_a_second() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(10));
    assert_eq!(
        bench.decoder.counts().clock_ahead_ms(),
        None,
        "it tells none"
    );
    for off_s in [0, -3, 3_600] {
        let mut bench = Bench::usual();
        let clock = junction();
        bench.moment = Box::new(move |now| Moment {
            utc: Some(Utc::from_unix_ns(
                at(now).utc.unix_ns() + off_s * 1_000_000_000,
            )),
            ..clock.at(now + ms(370)).unwrap()
        });
        bench.run(Duration::from_secs(10));
        let behind_ms = bench.decoder.counts().clock_ahead_ms().unwrap();
        assert!((behind_ms + off_s * 1_000).abs() <= 510, "{behind_ms}");
        assert!(bench.countdowns() > 10, "all else is as it was");
    }
}

#[test]
fn a_controller_that_rounds_down_is_found_out() {
    let mut bench = Bench::usual();
    let clock = junction();
    bench.moment = Box::new(move |now| {
        let moment = clock.at(now + ms(370)).unwrap();
        Moment {
            remaining_s: moment.remaining_s - 1,
            ..moment
        }
    });
    bench.run(Duration::from_secs(300));
    assert!(bench.count("remaining-rounds-down") >= 1);
    let learned = Duration::from_secs(100);
    bench.said.retain(|(at, _)| *at > learned);
    let errors = bench.errors_ms();
    assert!(errors.len() > 1000);
    assert!(
        errors.iter().all(|error| (-20..=1010).contains(error)),
        "{:?}",
        errors.iter().min()
    );
}

#[test]
fn another_plan_is_asked_for_and_told() {
    let mut bench = Bench::usual();
    bench.run(Duration::from_secs(130));
    let mut other = junction();
    other.plan = 7;
    for stage in &mut other.stages {
        stage.time_s += 5;
    }
    let clock = other.clone();
    bench.controller.configure(other);
    bench.moment = Box::new(move |now| clock.at(now).unwrap());
    bench.said.clear();
    bench.run(Duration::from_secs(140));
    let plans = bench.plans();
    let cycle = |plan: &SignalPlan| plan.lamps[0].cycle().as_secs();
    assert_eq!(
        plans.iter().map(|plan| cycle(plan)).collect::<Vec<_>>(),
        [140]
    );
}

#[test]
fn a_cycle_that_is_not_the_sum_of_its_stages_has_no_countdown_unless_told() {
    for (told, timed) in [(None, false), (Some(super::StageTime::Whole), true)] {
        let config = Config {
            stage_time: told,
            ..plain()
        };
        let mut bench = Bench::new(config, Identity::default());
        bench.line = Box::new(|_, bytes| {
            // The cycle of 120 s is said to be 123.
            let cycle = [0x08, 0x09, 0x02, 0x03, 0x01, 0, 0, 0, 120];
            let Some(found) = bytes.windows(9).position(|window| window == cycle) else {
                return Some(bytes.to_vec());
            };
            let mut bent = bytes.to_vec();
            bent[found + 8] = 123;
            super::wire::repair(&mut bent);
            Some(bent)
        });
        bench.run(Duration::from_secs(30));
        assert_eq!(bench.countdowns() > 0, timed);
        assert_eq!(!bench.plans().is_empty(), timed);
    }
}

fn frame(kind: Kind, values: &[(Address, &[u8])]) -> Vec<u8> {
    let header = Header {
        version: 0x0102,
        host: 1,
        controller: 3,
        junction: 0,
        sequence: 77,
        kind,
    };
    let (mut plain, mut out) = (Vec::new(), Vec::new());
    let mut composer = Composer::new(&header, &mut plain);
    for (address, data) in values {
        assert!(composer.value(*address, data));
    }
    composer.finish(Escaping::None, &mut out);
    out
}

fn listener() -> Bench {
    let config = Config {
        asking: None,
        ..plain()
    };
    Bench::new(config, Identity::default())
}

#[test]
fn active_reports_are_told_without_a_question() {
    let mut bench = listener();
    assert_eq!(bench.decoder.poll_timeout(), Mono::NEVER);
    let values: [(Address, &[u8]); 3] = [
        (lamp_state(1), &[0x20]),
        (lamp_state(2), &[0x12]),
        (mode_now(1), &[0x31]),
    ];
    bench.push(&frame(Kind::Report, &values));
    let lamp = |lamp, light| LampState {
        lamp,
        light,
        countdown_s: None,
    };
    let lamps = [lamp(1, Light::Green), lamp(2, Light::FlashingRed)];
    let lamps = lamps.into_iter().collect();
    let said: Vec<_> = bench.said.iter().map(|(_, content)| content).collect();
    let expected = [
        &Content::Mode(ControlMode::Flash),
        &Content::Lamps(LampStates {
            lamps,
            ..LampStates::default()
        }),
    ];
    assert_eq!(said, expected);
}

#[test]
fn an_active_report_tells_a_change_at_once_and_hurries_the_next_question() {
    let mut bench = Bench::usual();
    bench.run(ms(3200));
    bench.said.clear();
    let before = bench.decoder.poll_timeout();
    bench.push(&frame(Kind::Report, &[(lamp_state(7), &[0x20])]));
    let (_, states) = bench.lamps().next().unwrap();
    assert!(
        states
            .lamps
            .iter()
            .any(|lamp| lamp.lamp == 7 && lamp.light == Light::Green)
    );
    assert!(bench.decoder.poll_timeout() < before);
}

#[test]
fn a_heartbeat_is_answered_by_who_asks_and_by_nobody_else() {
    let heartbeat = frame(Kind::Heartbeat, &[]);
    let mut bench = Bench::usual();
    bench.push(&heartbeat);
    let mut out = Vec::new();
    assert!(bench.decoder.poll_query(at(ms(1)), &mut out));
    let reply = super::wire::parse(&out).unwrap();
    assert_eq!(
        (reply.header.kind, reply.header.sequence),
        (Kind::HeartbeatReply, 77)
    );
    let mut silent = listener();
    silent.push(&heartbeat);
    assert!(!silent.decoder.poll_query(at(ms(1)), &mut Vec::new()));
}

#[test]
fn nothing_but_queries_and_heartbeat_replies_is_ever_sent() {
    let mut bench = Bench::usual();
    for step in 0..600 {
        bench.push(&frame(Kind::Heartbeat, &[]));
        let mut out = Vec::new();
        let now = at(ms(100 * step));
        while bench.decoder.poll_query(now, &mut out) {}
        let mut rest = &out[..];
        while !rest.is_empty() {
            let (one, left) = rest.split_at(super::wire::said_size(rest).unwrap());
            let kind = super::wire::parse(one).unwrap().header.kind;
            assert!(matches!(kind, Kind::Query | Kind::HeartbeatReply));
            rest = left;
        }
        bench.now += ms(100);
    }
}
