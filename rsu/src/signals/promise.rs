//! The end that the last message promised: from one message to the next it moves by a tenth at most.
//!
//! What is known of an end grows sharper, and now and then turns out to have been a part of a second
//! off: where the first reports of several seconds in a row were lost, or where one basis takes the
//! place of another. Whoever drives by the end must not see it jump. So it is told on its way from what
//! was promised to what is known, a little nearer with each message, and bounds hold both. What is
//! farther off is another end, which is told at once. Not here: what is known.

use std::time::Duration;

use super::anchor::CHANGED_MIND;
use super::forecast::{Basis, End, Start, StateForecast, Timing};
use crate::clock::Mono;
use crate::report::Light;

/// Most that an end moves from message to message: a tenth of a second, less what messages may be off
/// their slots.
const MOST: Duration = Duration::from_millis(90);
/// By a plan that is followed an end that is off by so much is still the same one.
const SAME_BY_PLAN: Duration = Duration::from_secs(2);
/// On the way from farther off than this nobody can say how sure the told end is.
const SURE: Duration = Duration::from_millis(500);

/// What a message has said of a running light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    light: Light,
    end: Mono,
}

impl Promise {
    /// What is promised by telling these states; None where no end is, or nobody but the past says so.
    pub(super) fn of(states: &[StateForecast]) -> Option<Self> {
        let (light, likely, _) = running(states)?;
        Some(Self { light, end: likely })
    }

    /// Holds the running state's end, and what follows from it, near to what was promised.
    pub(super) fn keep(self, states: &mut [StateForecast], at: Mono) {
        let Some((light, known, basis)) = running(states) else {
            return;
        };
        let same = match basis {
            Basis::Plan => SAME_BY_PLAN,
            Basis::Countdown | Basis::Limits | Basis::History => CHANGED_MIND,
        };
        let off = apart(known, self.end);
        if light != self.light || off <= MOST || off > same {
            return;
        }
        let nearer = if known > self.end {
            self.end + MOST
        } else {
            self.end - MOST
        };
        move_all(states, known, nearer.max(at));
    }
}

/// The running light, its likely end, and what that rests on, where a controller or its plan says so.
fn running(states: &[StateForecast]) -> Option<(Light, Mono, Basis)> {
    let state = states.first()?;
    let Timing { end, basis, .. } = state.timing?;
    match end {
        End::At { likely, .. } if basis != Basis::History => Some((state.light, likely, basis)),
        _ => None,
    }
}

/// Moves all that is told by what the running end moves; bounds are widened, not moved.
fn move_all(states: &mut [StateForecast], from: Mono, to: Mono) {
    let later = to.since(from);
    let sooner = from.since(to);
    let moved = |moment: Mono| moment + later - sooner;
    for timing in states.iter_mut().filter_map(|state| state.timing.as_mut()) {
        if let Start::At(start) = &mut timing.start {
            *start = moved(*start);
        }
        if let End::At { min, max, likely } = &mut timing.end {
            *likely = moved(*likely);
            *min = min.map(|min| min.min(*likely));
            *max = max.map(|max| max.max(*likely));
        }
        if let Some((start, _)) = &mut timing.next {
            *start = moved(*start);
        }
        if later.max(sooner) > SURE {
            timing.confidence = None;
        }
    }
}

fn apart(a: Mono, b: Mono) -> Duration {
    a.since(b).max(b.since(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(ms)
    }

    fn state(light: Light, start: Start, end: Mono, basis: Basis) -> StateForecast {
        let timing = Timing {
            start,
            end: End::At {
                min: Some(end),
                max: Some(end),
                likely: end,
            },
            confidence: Some(1.0),
            basis,
            next: Some((end + Duration::from_secs(30), Duration::from_secs(5))),
        };
        StateForecast {
            light,
            timing: Some(timing),
        }
    }

    /// Green until so many milliseconds, then yellow for three seconds.
    fn green(end_ms: u64, basis: Basis) -> [StateForecast; 2] {
        let end = ms(end_ms);
        let after = end + Duration::from_secs(3);
        [
            state(Light::Green, Start::Running { since: None }, end, basis),
            state(Light::Yellow, Start::At(end), after, basis),
        ]
    }

    fn end(state: &StateForecast) -> (Mono, Mono, Mono) {
        match state.timing.map(|timing| timing.end) {
            Some(End::At {
                min: Some(min),
                max: Some(max),
                likely,
            }) => (min, likely, max),
            other => panic!("{other:?}"),
        }
    }

    /// What so many messages say of an end that was promised and is known to be another.
    fn messages(promised_ms: u64, known_ms: u64, basis: Basis, count: usize) -> Vec<Mono> {
        let mut promise = Promise::of(&green(promised_ms, basis));
        let mut told = Vec::new();
        for _ in 0..count {
            let mut states = green(known_ms, basis);
            if let Some(promise) = promise {
                promise.keep(&mut states, ms(1_000));
            }
            promise = Promise::of(&states);
            told.push(end(&states[0]).1);
        }
        told
    }

    #[test]
    fn an_end_goes_in_small_steps_to_where_it_is() {
        for (promised, known) in [(20_000, 19_000), (19_000, 20_000), (20_000, 19_950)] {
            let told = messages(promised, known, Basis::Plan, 12);
            let mut before = ms(promised);
            for end in &told {
                assert!(apart(*end, before) <= MOST);
                before = *end;
            }
            assert_eq!(told.last(), Some(&ms(known)), "and arrives");
        }
    }

    #[test]
    fn another_end_is_told_at_once() {
        for (basis, known) in [
            (Basis::Plan, 17_900),
            (Basis::Countdown, 18_700),
            (Basis::Countdown, 40_000),
        ] {
            assert_eq!(messages(20_000, known, basis, 1), [ms(known)]);
        }
        let mut red = green(19_500, Basis::Plan);
        red[0].light = Light::Red;
        let untouched = red;
        let promise = Promise::of(&green(20_000, Basis::Plan));
        promise.expect("told").keep(&mut red, ms(1_000));
        assert_eq!(red, untouched, "another light");
    }

    #[test]
    fn bounds_hold_what_is_known_and_what_follows_moves_along() {
        let mut states = green(19_000, Basis::Plan);
        let promise = Promise::of(&green(20_000, Basis::Plan)).expect("told");
        promise.keep(&mut states, ms(1_000));
        assert_eq!(end(&states[0]), (ms(19_000), ms(19_910), ms(19_910)));
        assert_eq!(end(&states[1]), (ms(22_000), ms(22_910), ms(22_910)));
        let yellow = states[1].timing.expect("timed");
        assert_eq!(yellow.start, Start::At(ms(19_910)), "no gap");
        assert_eq!(yellow.confidence, None, "nobody has proved this one");
        assert_eq!(yellow.next.map(|next| next.0), Some(ms(52_910)));
    }

    #[test]
    fn an_end_that_has_come_is_now() {
        let mut states = green(19_000, Basis::Plan);
        let promise = Promise::of(&green(17_500, Basis::Plan)).expect("told");
        promise.keep(&mut states, ms(18_000));
        assert_eq!(end(&states[0]).1, ms(18_000));
        assert_eq!(Promise::of(&green(19_000, Basis::History)), None);
    }
}
