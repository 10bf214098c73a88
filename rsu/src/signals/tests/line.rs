//! What is told of a change over a line that delays, loses, doubles and reorders.

use super::laws::{any_plan, shown_by};
use super::*;

/// Reports that are not struck are late by no more, in seconds.
pub(super) const JITTER_S: f64 = 0.08;
/// Those that are struck by no more.
const HELD_UP_S: f64 = 1.5;

/// What the network does to a report.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Arrives,
    Lost,
    Doubled,
    HeldUp(f64),
}

/// A report that arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) arrives_s: f64,
    pub(super) second: u32,
    pub(super) held_up_s: f64,
}

pub(super) fn fates(reports: usize) -> impl Strategy<Value = Vec<(Fate, f64)>> {
    let fate = prop_oneof![
        8 => Just(Fate::Arrives),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Doubled),
        3 => (0.0..HELD_UP_S).prop_map(Fate::HeldUp),
    ];
    proptest::collection::vec((fate, 0.0..JITTER_S), reports)
}

/// The reports in the order of their arrival. Where the controller's clock tells how late they are,
/// the input has left out those that were overtaken.
pub(super) fn arrivals(fates: &[(Fate, f64)], each_s: f64, stamped: bool) -> Vec<Word> {
    let mut words = Vec::new();
    for (place, (fate, jitter_s)) in fates.iter().enumerate() {
        let sent_s = place as f64 * each_s;
        let mut arrives = |late_s: f64, held_up_s: f64| {
            words.push((
                place,
                Word {
                    arrives_s: sent_s + jitter_s + late_s,
                    second: sent_s as u32,
                    held_up_s,
                },
            ));
        };
        match *fate {
            Fate::Lost => {}
            Fate::Arrives => arrives(0.0, 0.0),
            Fate::Doubled => {
                arrives(0.0, 0.0);
                arrives(0.15, 0.15);
            }
            Fate::HeldUp(late_s) => arrives(late_s, late_s),
        }
    }
    words.sort_by(|(_, a), (_, b)| a.arrives_s.total_cmp(&b.arrives_s));
    let mut newest = 0;
    words.retain(|(place, _)| {
        let overtaken = *place < newest;
        newest = newest.max(*place);
        !(stamped && overtaken)
    });
    words
        .into_iter()
        .map(|(_, word)| Word {
            held_up_s: if stamped { word.held_up_s } else { 0.0 },
            ..word
        })
        .collect()
}

/// When the light of lamp 1 that is on at `at_s` ends.
pub(super) fn true_end_s(plan: &SignalPlan, at_s: f64) -> f64 {
    let second = at_s as u32;
    let light = shown_by(plan, 1, second);
    let ends = (second + 1..).find(|later| shown_by(plan, 1, *later) != light);
    f64::from(ends.expect("it changes"))
}

pub(super) fn hear_word(signals: &mut Signals, plan: &SignalPlan, word: Word) {
    let mut lamps = lamps_of(plan, word.second);
    lamps.held_up = Duration::from_secs_f64(word.held_up_s);
    signals.handle_lamps(now(word.arrives_s), SIGNAL, &lamps);
}

/// Every tenth of a second from one word to the next, the moments at which SPAT is sent.
pub(super) fn looks(words: &[Word]) -> impl Iterator<Item = (Word, Vec<f64>)> + '_ {
    words.iter().enumerate().map(|(place, word)| {
        let until_s = words
            .get(place + 1)
            .map_or(word.arrives_s + 3.0, |next| next.arrives_s);
        let first = (word.arrives_s * 10.0).ceil() as u32;
        let looks = (first..).map(|tenth| f64::from(tenth) / 10.0);
        (*word, looks.take_while(|at_s| *at_s < until_s).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The change is never told late by more than the input's own resolution: a light that lets go
    /// is not told any more so long after its end, whatever the line does.
    #[test]
    fn a_change_is_never_late_by_more_than_the_input_resolves(
        lengths in proptest::collection::vec(4_u16..40, 8),
        fates in fates(200),
        tenths_each in prop_oneof![Just(2_u32), Just(10)],
        with_plan in any::<bool>(),
        stamped in any::<bool>(),
    ) {
        let plan = any_plan(&lengths);
        let each_s = f64::from(tenths_each) / 10.0;
        let mut signals = signals();
        if with_plan {
            signals.handle_plan(now(0.0), SIGNAL, &plan);
        }
        // Whole seconds, and how late a report may be that nothing tells it by.
        let resolution_s = if stamped { 1.0 + JITTER_S } else { 1.0 + JITTER_S + HELD_UP_S };
        let words = arrivals(&fates, each_s, stamped);
        for (word, looks) in looks(&words) {
            hear_word(&mut signals, &plan, word);
            for at_s in looks {
                let Some(state) = heard(&mut signals, at_s, 1) else { continue };
                if !matches!(state.light, Light::Green | Light::Yellow) {
                    continue;
                }
                // A hair more: moments are whole nanoseconds.
                let past_s = at_s - resolution_s - 0.101;
                let on = past_s < 0.0 || (past_s as u32..=at_s as u32)
                    .any(|second| shown_by(&plan, 1, second) == state.light);
                prop_assert!(on, "{:?} still told at {} s", state.light, at_s);
            }
        }
    }

    /// With the plan known, and the controller's clock to tell late reports by: the end of a running
    /// light lies within its bounds, the likely one moves by no more than a tenth from message to
    /// message and is late by no more than the jitter.
    #[test]
    fn in_fixed_time_late_reports_move_no_end(
        lengths in proptest::collection::vec(4_u16..40, 8),
        fates in fates(200),
        tenths_each in prop_oneof![Just(2_u32), Just(10)],
    ) {
        let plan = any_plan(&lengths);
        let mut signals = signals();
        signals.handle_plan(now(0.0), SIGNAL, &plan);
        let words = arrivals(&fates, f64::from(tenths_each) / 10.0, true);
        let mut promised: Option<(Light, Mono)> = None;
        for (word, looks) in looks(&words) {
            hear_word(&mut signals, &plan, word);
            for at_s in looks {
                let running = said(&mut signals, at_s, 1);
                let timing = running.and_then(|state| Some((state.light, state.timing?)));
                let Some((light, Timing { end: End::At { min, max, likely }, basis: Basis::Plan, .. })) = timing
                else {
                    promised = None;
                    continue;
                };
                prop_assert!(min.is_none_or(|min| min <= likely));
                prop_assert!(max.is_none_or(|max| likely <= max));
                // Of a light that nobody says has ended yet: the one that was on when it was seen.
                let seen_s = word.arrives_s - word.held_up_s - JITTER_S;
                let end_s = true_end_s(&plan, seen_s.max(f64::from(word.second)));
                if moment(end_s) <= moment(at_s) || shown_by(&plan, 1, word.second) != light {
                    promised = None;
                    continue;
                }
                let end = moment(end_s);
                let slack = Duration::from_millis(150);
                prop_assert!(min.is_none_or(|min| min <= end + slack), "{:?} {:?} at {}", min, end, at_s);
                prop_assert!(max.is_none_or(|max| end <= max + slack), "{:?} {:?} at {}", max, end, at_s);
                if let Some((_, before)) = promised.filter(|(before, _)| *before == light) {
                    let moved_s = likely.seconds_after(before).abs();
                    // The same light of the next cycle is another one.
                    prop_assert!(moved_s <= 0.1 || moved_s > 4.0, "moved by {} s at {}", moved_s, at_s);
                }
                promised = Some((light, likely));
            }
        }
    }
}
