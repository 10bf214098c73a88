//! A promised end stands still where the first reports of seconds are lost: at the start, and in seconds
//! that follow each other.

use super::laws::{any_plan, shown_by};
use super::line::{Fate, JITTER_S, Word, arrivals, fates, hear_word, looks, true_end_s};
use super::*;

/// So long at a time no second is seen to begin, in seconds: from when, how many, and how much of each
/// is lost.
fn blind_spots() -> impl Strategy<Value = Vec<(u32, u32, f64)>> {
    let later = (0_u32..36, 1_u32..8, 0.05..0.95);
    let first = (Just(0_u32), 0_u32..6, 0.05..0.95);
    (first, proptest::collection::vec(later, 0..6)).prop_map(|(first, mut spots)| {
        spots.push(first);
        spots
    })
}

/// What arrives of so many reports a second.
fn words(
    fates: &[(Fate, f64)],
    blind: &[(u32, u32, f64)],
    a_second: u32,
    stamped: bool,
) -> Vec<Word> {
    let mut fates = fates.to_vec();
    for (place, (fate, _)) in fates.iter_mut().enumerate() {
        let (second, nth) = (place as u32 / a_second, place as u32 % a_second);
        let into_s = f64::from(nth) / f64::from(a_second);
        let lost = |(from, many, share): &(u32, u32, f64)| {
            (*from..from + many).contains(&second) && into_s < *share
        };
        if a_second > 1 && blind.iter().any(lost) {
            *fate = Fate::Lost;
        }
    }
    arrivals(&fates, 1.0 / f64::from(a_second), stamped)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// With a plan or with countdowns alone, whatever reports are lost or held up: from message to
    /// message the end of a light that goes on moves by no more than a tenth, and what a plan promises
    /// comes within its bounds.
    #[test]
    fn an_end_stands_still_where_seconds_are_not_seen_to_begin(
        lengths in proptest::collection::vec(4_u16..40, 8),
        fates in fates(400),
        blind in blind_spots(),
        a_second in prop_oneof![Just(1_u32), Just(2), Just(5), Just(10)],
        with_plan in any::<bool>(),
    ) {
        let plan = any_plan(&lengths);
        let mut signals = signals();
        if with_plan {
            signals.handle_plan(now(0.0), SIGNAL, &plan);
        }
        let words = words(&fates[..40 * a_second as usize], &blind, a_second, true);
        let mut promised: Option<(Mono, Mono)> = None;
        // Before any report came with its second, a line resolves no more than a second.
        let mut resolved_s = 1.0;
        for (word, looks) in looks(&words) {
            hear_word(&mut signals, &plan, word);
            if (word.arrives_s - word.held_up_s).fract() < JITTER_S {
                resolved_s = 0.0;
            }
            for at_s in looks {
                let state = said(&mut signals, at_s, 1);
                let timing = state.and_then(|state| Some((state.light, state.timing?)));
                let Some((light, Timing { end: End::At { min, max, likely }, basis, .. })) = timing else {
                    promised = None;
                    continue;
                };
                prop_assert!(min.is_none_or(|min| min <= likely));
                prop_assert!(max.is_none_or(|max| likely <= max));
                // The light that the newest report saw, whose end nobody has told yet.
                let seen_s = word.arrives_s - word.held_up_s - JITTER_S;
                let end_s = true_end_s(&plan, seen_s.max(f64::from(word.second)));
                let end = moment(end_s);
                let over = end <= moment(at_s) || likely <= moment(at_s);
                if over || shown_by(&plan, 1, word.second) != light {
                    promised = None;
                    continue;
                }
                if basis == Basis::Plan {
                    let slack = Duration::from_secs_f64(resolved_s + 0.15);
                    prop_assert!(min.is_none_or(|min| min <= end + slack), "{:?} {:?} at {}", min, end, at_s);
                    prop_assert!(max.is_none_or(|max| end <= max + slack), "{:?} {:?} at {}", max, end, at_s);
                }
                if let Some((_, before)) = promised.filter(|(other, _)| *other == end) {
                    let moved_s = likely.seconds_after(before).abs();
                    prop_assert!(moved_s <= 0.1, "moved by {} s at {} by {:?}", moved_s, at_s, basis);
                }
                promised = Some((end, likely));
            }
        }
    }
}
