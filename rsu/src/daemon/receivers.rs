//! What of a receiver of satellite navigation is told to the operator: that it has no fix, and that its place or
//! its time is not ours. Each is told once it has lasted, and once it is over; what its decoder has counted says
//! whether it is there. Not here: the words (`observer`).

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::clock::Mono;

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    NoFix,
    Place,
    Clock,
}

/// How the decoder counts them.
const TROUBLES: [(Trouble, &str); 3] = [
    (Trouble::NoFix, "no-fix"),
    (Trouble::Place, "place-differs"),
    (Trouble::Clock, "clock-differs"),
];
/// It has been there for so long, without a pause as long as the other.
const LASTS: Duration = Duration::from_secs(5);
const OVER: Duration = Duration::from_secs(10);

/// What was told of one receiver.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receivers([One; TROUBLES.len()]);

#[derive(Clone, Copy, Debug, Default)]
struct One {
    count: u64,
    began: Option<Mono>,
    last: Option<Mono>,
    told: bool,
}

impl Receivers {
    /// What has come, with true, or is over, by what has been counted until now.
    pub(crate) fn look(
        &mut self,
        counts: &[(&'static str, u64)],
        now: Mono,
    ) -> ArrayVec<(Trouble, bool), { TROUBLES.len() }> {
        let mut news = ArrayVec::new();
        for ((trouble, kind), one) in TROUBLES.into_iter().zip(&mut self.0) {
            let count = counts.iter().find(|(name, _)| *name == kind);
            let count = count.map_or(0, |(_, count)| *count);
            if std::mem::replace(&mut one.count, count) < count {
                one.began = one.began.or(Some(now));
                one.last = Some(now);
            } else if one.last.is_some_and(|last| now.since(last) > OVER) {
                (one.began, one.last) = (None, None);
            }
            let (began, last) = (one.began, one.last);
            let lasts = began
                .zip(last)
                .map(|(began, last)| last.since(began) >= LASTS);
            let is_there = match lasts {
                Some(lasts) => lasts || one.told,
                None => false,
            };
            if std::mem::replace(&mut one.told, is_there) != is_there {
                news.push((trouble, is_there));
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told, and when, of a trouble that is counted each second in which `is_there`.
    fn told(is_there: impl Fn(u64) -> bool) -> Vec<(u64, Trouble, bool)> {
        let (mut receivers, mut counted, mut told) = (Receivers::default(), 0, Vec::new());
        for step in 0..600_u64 {
            if step % 5 == 0 && is_there(step / 5) {
                counted += 1;
            }
            let now = Mono::from_nanos(1_000_000_000_000 + 200_000_000 * step);
            let news = receivers.look(&[("no-fix", 0), ("place-differs", counted)], now);
            told.extend(
                news.into_iter()
                    .map(|(trouble, there)| (step / 5, trouble, there)),
            );
        }
        told
    }

    #[test]
    fn what_lasts_is_told_once_and_that_it_is_over() {
        let place = Trouble::Place;
        assert_eq!(
            told(|s| (20..60).contains(&s)),
            [(25, place, true), (69, place, false)]
        );
        // Each third second only.
        let now_and_then = told(|s| s % 3 == 0);
        assert_eq!(now_and_then, [(6, place, true)]);
    }

    #[test]
    fn what_passes_is_not_told() {
        assert_eq!(told(|s| s % 30 < 3), []);
    }
}
