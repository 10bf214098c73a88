//! What is set for phases: how it is asked for, and what it says of the lights that are on.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::snmp::{self, Place, Table, Version};
use super::tests::{counted, now, polling, push, push_bytes, said};
use super::*;
use crate::report::Light;

/// A controller that answers what it is asked, 5 ms later.
pub(super) struct Agent {
    pub(super) version: Version,
    /// By column and phase.
    pub(super) set: BTreeMap<(u8, u8), u16>,
    /// What phases 1 to 8 show: reds, yellows, greens.
    pub(super) lamps: [u8; 3],
    /// Its `unitFlashStatus`, where it has one.
    pub(super) flash: Option<u16>,
    /// Its `preemptState`, by way.
    pub(super) preempts: Vec<u16>,
    /// It answers nothing but what is asked after lamps.
    pub(super) is_dumb: bool,
    pub(super) asked: Vec<Vec<Place>>,
}

impl Agent {
    /// Phase 2 green, 4 red; of 2: 10 to 30 s of green, or 40; of 4: 5 to 20 s. Yellows are 3.5 s.
    pub(super) fn new(version: Version) -> Self {
        let of = |phase: u8, least: u16, one: u16, two: u16| {
            let times = [(2, 0), (3, 0), (4, least), (6, one), (7, two), (8, 35)];
            times.map(|(column, value)| ((column, phase), value))
        };
        Self {
            version,
            set: (1..=8u8)
                .flat_map(|phase| match phase {
                    2 => of(phase, 10, 30, 40),
                    4 => of(phase, 5, 20, 0),
                    _ => of(phase, 0, 0, 0),
                })
                .collect(),
            lamps: [0b1000, 0, 0b10],
            flash: None,
            preempts: Vec::new(),
            is_dumb: false,
            asked: Vec::new(),
        }
    }

    fn shows(&mut self, phase: u8, light: Light) {
        let bit = 1 << (phase - 1);
        self.lamps = self.lamps.map(|set| set & !bit);
        self.lamps[[Light::Red, Light::Yellow, Light::Green]
            .iter()
            .position(|l| *l == light)
            .unwrap()] |= bit;
    }

    pub(super) fn answer(&mut self, question: &[u8], out: &mut Vec<u8>) -> bool {
        let (request, places) = snmp::question(question, b"public").unwrap();
        self.asked.push(places.clone());
        let is_lamps = places[0].table == Table::StatusGroups;
        if !is_lamps && self.is_dumb {
            return false;
        }
        let value = |place: &Place| match place.table {
            Table::StatusGroups if place.row > 1 => Some(0),
            Table::StatusGroups => {
                let column = usize::from(place.column).wrapping_sub(2);
                Some(u16::from(self.lamps.get(column).copied().unwrap_or(0)))
            }
            Table::Phases => self.set.get(&(place.column, place.row)).copied(),
            Table::Unit => self.flash.filter(|_| (place.column, place.row) == (6, 0)),
            Table::Preempts => {
                let row = usize::from(place.row).wrapping_sub(1);
                self.preempts
                    .get(row)
                    .copied()
                    .filter(|_| place.column == 16)
            }
        };
        let missing = places.iter().position(|place| value(place).is_none());
        if let (Version::V1, Some(missing)) = (self.version, missing) {
            snmp::refuse(b"public", request, missing as u8 + 1, out);
            return true;
        }
        let values = places
            .iter()
            .filter_map(|place| Some((*place, value(place)?)));
        let values: Vec<(Place, u16)> = values.collect();
        snmp::answer(self.version, b"public", request, &values, out);
        true
    }

    /// How often what is set was asked for.
    fn times_asked(&self) -> usize {
        self.times_asked_for(Table::Phases)
    }

    /// How often a table was asked for, by the first value of the question.
    pub(super) fn times_asked_for(&self, table: Table) -> usize {
        let first = self.asked.iter().map(|places| places[0].table);
        first.filter(|asked| *asked == table).count()
    }
}

/// Runs the two from one moment to another, and gives what was told, and when.
pub(super) fn run(
    decoder: &mut Decoder,
    agent: &mut Agent,
    from_ms: u64,
    to_ms: u64,
) -> Vec<(u64, LampStates)> {
    let mut told = Vec::new();
    let (mut question, mut answer) = (Vec::new(), Vec::new());
    for ms in (from_ms..to_ms).step_by(10) {
        question.clear();
        if !decoder.poll_query(now(ms), &mut question) {
            continue;
        }
        answer.clear();
        if agent.answer(&question, &mut answer) {
            let heard = push_bytes(decoder, now(ms + 5), &answer);
            told.extend(heard.into_iter().map(|states| (ms, states)));
        }
    }
    told
}

/// Bounds of a phase in what was told last, rounded up to seconds.
fn bounds_s(told: &[(u64, LampStates)], lamp: u16) -> Option<(Option<u32>, Option<u32>)> {
    let span = told.last().unwrap().1.span(lamp)?;
    let seconds = |ms: u32| ms.div_ceil(1000);
    Some((span.min_ms.map(seconds), span.max_ms.map(seconds)))
}

#[test]
fn what_is_set_bounds_a_green_and_a_yellow_whose_beginning_was_seen() {
    for version in [Version::V1, Version::V2c] {
        let (mut decoder, mut agent) = (polling(), Agent::new(version));
        let told = run(&mut decoder, &mut agent, 0, 20_000);
        assert_eq!(bounds_s(&told, 2), None, "nobody saw this green begin");
        agent.shows(2, Light::Red);
        agent.shows(4, Light::Green);
        let told = run(&mut decoder, &mut agent, 20_000, 21_000);
        assert_eq!(bounds_s(&told, 4), Some((Some(4), Some(20))));
        run(&mut decoder, &mut agent, 21_000, 30_000);
        agent.shows(4, Light::Yellow);
        let told = run(&mut decoder, &mut agent, 30_000, 31_000);
        let (least, most) = bounds_s(&told, 4).unwrap();
        assert_eq!(most, Some(3), "half a second of 3.5 s is over");
        assert!(least <= most);
        agent.shows(4, Light::Red);
        agent.shows(2, Light::Green);
        let told = run(&mut decoder, &mut agent, 31_000, 32_000);
        assert_eq!(
            bounds_s(&told, 2),
            Some((Some(9), Some(40))),
            "the later of two"
        );
        assert_eq!(bounds_s(&told, 4), None, "of reds nothing is set");
    }
}

#[test]
fn bounds_count_down_and_hold_the_moment_at_which_the_light_began() {
    let (mut decoder, mut agent) = (polling(), Agent::new(Version::V2c));
    run(&mut decoder, &mut agent, 0, 20_000);
    agent.shows(4, Light::Green);
    let told = run(&mut decoder, &mut agent, 20_000, 45_000);
    for (ms, states) in told {
        // It began between the question before and the first answer that tells it.
        let began = (19_500, 20_505);
        let span = states.span(4);
        let (min_ms, max_ms) = (span.and_then(|s| s.min_ms), span.and_then(|s| s.max_ms));
        let left_ms = |end: u64| {
            u32::try_from(end.saturating_sub(ms + 5))
                .ok()
                .filter(|ms| *ms > 0)
        };
        assert!(
            min_ms.unwrap_or(0) <= left_ms(began.1 + 5000).unwrap_or(0),
            "{ms}"
        );
        assert!(
            min_ms.unwrap_or(0) >= left_ms(began.0 + 5000).unwrap_or(0),
            "{ms}"
        );
        assert!(
            max_ms.unwrap_or(0) >= left_ms(began.0 + 20_000).unwrap_or(0),
            "{ms}"
        );
        assert!(
            max_ms.unwrap_or(0) <= left_ms(began.1 + 20_000).unwrap_or(0),
            "{ms}"
        );
    }
}

#[test]
fn walkers_may_take_longer_than_the_greatest_green() {
    let (mut decoder, mut agent) = (polling(), Agent::new(Version::V2c));
    agent.set.insert((2, 4), 7);
    agent.set.insert((3, 4), 18);
    run(&mut decoder, &mut agent, 0, 20_000);
    agent.shows(4, Light::Green);
    let told = run(&mut decoder, &mut agent, 20_000, 20_600);
    assert_eq!(bounds_s(&told, 4), Some((Some(4), Some(25))));
}

#[test]
fn lamps_are_asked_after_at_the_same_moments_whatever_becomes_of_what_is_set() {
    let asked_at = |is_dumb: bool, known: bool| {
        let mut agent = Agent {
            is_dumb,
            ..Agent::new(Version::V1)
        };
        if !known {
            agent.set.clear();
        }
        let told = run(&mut polling(), &mut agent, 0, 90_000);
        told.into_iter().map(|(ms, _)| ms).collect::<Vec<_>>()
    };
    let plain = asked_at(false, true);
    assert_eq!(
        plain.len(),
        177,
        "twice a second, after a second and a half"
    );
    assert_eq!(plain, asked_at(true, true));
    assert_eq!(plain, asked_at(false, false));
}

#[test]
fn who_does_not_know_what_is_set_is_asked_no_more() {
    // All columns of both groups are unknown: a question for each, by either version.
    for version in [Version::V1, Version::V2c] {
        let mut agent = Agent::new(version);
        agent.set.clear();
        let mut decoder = polling();
        let told = run(&mut decoder, &mut agent, 0, 300_000);
        assert_eq!(agent.times_asked(), 12);
        assert_eq!(counted(&decoder, "no-phase-times"), 12);
        assert!(told.iter().all(|(_, states)| states.spans.is_empty()));
    }
    let mut agent = Agent {
        is_dumb: true,
        ..Agent::new(Version::V2c)
    };
    let mut decoder = polling();
    run(&mut decoder, &mut agent, 0, 300_000);
    assert_eq!(agent.times_asked(), 3);
}

#[test]
fn a_controller_of_fewer_phases_is_asked_for_those_only() {
    // By version 1 one phase that is not there spoils the answer for all.
    let mut agent = Agent::new(Version::V1);
    agent.set.retain(|(_, phase), _| *phase <= 4);
    let mut decoder = polling();
    run(&mut decoder, &mut agent, 0, 20_000);
    agent.shows(4, Light::Green);
    let told = run(&mut decoder, &mut agent, 20_000, 21_000);
    assert_eq!(bounds_s(&told, 4), Some((Some(4), Some(20))));
    let last = agent
        .asked
        .iter()
        .rfind(|places| places[0].table == Table::Phases);
    assert!(
        last.unwrap().iter().all(|place| place.row > 8),
        "then the second eight"
    );
    let before = agent.asked.len();
    run(&mut decoder, &mut agent, 70_000, 90_000);
    let later = agent.asked[before..]
        .iter()
        .filter(|places| places[0].table == Table::Phases);
    assert!(later.clone().count() > 0, "a minute later");
    assert!(later.clone().all(|places| places.len() == 4));
}

#[test]
fn times_that_people_have_changed_are_known_a_minute_later() {
    let (mut decoder, mut agent) = (polling(), Agent::new(Version::V2c));
    run(&mut decoder, &mut agent, 0, 20_000);
    assert_eq!(
        agent.times_asked(),
        12,
        "six columns, and none of the second eight"
    );
    agent.set.insert((6, 4), 50);
    run(&mut decoder, &mut agent, 20_000, 80_000);
    agent.shows(4, Light::Green);
    let told = run(&mut decoder, &mut agent, 80_000, 81_000);
    assert_eq!(bounds_s(&told, 4), Some((Some(4), Some(50))));
    assert_eq!(agent.times_asked(), 18);
}

#[test]
fn after_a_pause_nobody_knows_which_green_it_is() {
    let (mut decoder, mut agent) = (polling(), Agent::new(Version::V2c));
    run(&mut decoder, &mut agent, 0, 20_000);
    agent.shows(4, Light::Green);
    run(&mut decoder, &mut agent, 20_000, 21_000);
    let told = run(&mut decoder, &mut agent, 30_000, 31_000);
    assert_eq!(bounds_s(&told, 4), None);
}

#[test]
fn who_broadcasts_is_asked_nothing() {
    let (mut decoder, mut agent) = (polling(), Agent::new(Version::V2c));
    run(&mut decoder, &mut agent, 0, 1600);
    assert_eq!((agent.asked.len(), agent.times_asked()), (1, 0));
    push(&mut decoder, now(1600), &said(0, 0));
    run(&mut decoder, &mut agent, 1600, 3090);
    assert_eq!(agent.times_asked(), 0);
    assert_eq!(decoder.poll_timeout(), now(3100).mono);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever an agent answers, least is not above most, and nothing panics.
    #[test]
    fn any_answer_does_no_harm(
        set in proptest::collection::vec((0u8..10, 0u8..20, any::<u16>()), 0..80),
        shown in proptest::collection::vec((1u8..9, 0usize..3), 0..40),
        version in prop_oneof![Just(Version::V1), Just(Version::V2c)],
    ) {
        let mut agent = Agent::new(version);
        agent.set = set.into_iter().map(|(column, phase, value)| ((column, phase), value)).collect();
        let mut decoder = polling();
        run(&mut decoder, &mut agent, 0, 15_000);
        let mut ms = 15_000;
        for (phase, light) in shown {
            agent.shows(phase, [Light::Red, Light::Yellow, Light::Green][light]);
            for (_, states) in run(&mut decoder, &mut agent, ms, ms + 2000) {
                for span in &states.spans {
                    prop_assert!(span.max_ms.is_none_or(|max| span.min_ms.is_none_or(|min| min <= max)));
                }
            }
            ms += 2000;
        }
    }
}
