//! Whose cycle this is, by the number that a radar gives to each: the next of the radar that is listened to,
//! the last one again, or one of another radar under the same sensor number.
//!
//! A radar counts evenly, by 2 in the recording; a few may be lost on the way. Which step is its own is learnt,
//! and until it is known every cycle is taken. Two radars that were started at different moments do not go on
//! where the other one was, so that as long as the one goes on the other is told apart; one that was started
//! anew is left out for a moment and taken then. Not here: what a cycle says. Not told apart: two who speak as
//! one from the beginning, or whose numbers happen to be next to each other.

use crate::clock::Mono;

/// Whose cycle it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The next of the radar that is listened to.
    Next,
    /// That one's last cycle again.
    Again,
    /// Another's, or out of order.
    Other,
}

/// What is known of a radar's numbers.
#[derive(Debug, Default)]
pub(super) struct Count {
    last: Option<Last>,
    /// The number has been seen to change.
    has_counted: bool,
    /// Cycles in a row that were the same to the bit.
    same: u32,
    /// From number to number, and for how many cycles in a row it has been so; 0 before the second.
    pace: u16,
    even_for: u32,
    /// Cycles in a row that did not go on where the last one was.
    others: u32,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: Mono,
    number: u16,
    /// Of all its messages.
    print: u64,
}

impl Count {
    /// Takes the cycle that began to arrive at that moment; `says_nothing` if it has no objects.
    pub(super) fn take(&mut self, at: Mono, number: u16, print: u64, says_nothing: bool) -> Whose {
        let this = Last { at, number, print };
        let Some(last) = self.last else {
            self.last = Some(this);
            return Whose::Next;
        };
        let gone = number.wrapping_sub(last.number);
        self.has_counted |= gone != 0;
        let is_same = gone == 0 && print == last.print && !says_nothing;
        self.same = if is_same {
            self.same.saturating_add(1)
        } else {
            0
        };
        if gone == 0 {
            self.last = Some(this);
            let again = self.has_counted || self.same >= FROZEN;
            return if again { Whose::Again } else { Whose::Next };
        }
        if self.even_for >= EVEN && !self.follows(gone, at.seconds_after(last.at)) {
            self.others += 1;
            if self.others < STARTED_ANEW {
                return Whose::Other;
            }
            // The one before has gone: whoever speaks now must show first that it counts.
            self.even_for = 0;
        }
        self.others = 0;
        if gone == self.pace {
            self.even_for = self.even_for.saturating_add(1);
        } else if self.even_for < EVEN {
            (self.pace, self.even_for) = (gone, 0);
        }
        self.last = Some(this);
        Whose::Next
    }

    /// Forgets the last cycle: what comes next may be anybody's.
    pub(super) fn restart(&mut self) {
        (self.last, self.even_for, self.others) = (None, 0, 0);
    }

    /// Whether a number may be the next, that much farther on and so long after the last; a few that were
    /// lost take their time, unless the last was held up on its way.
    fn follows(&self, gone: u16, after_s: f64) -> bool {
        let cycles = gone / self.pace.max(1);
        let lost_s = f64::from(cycles.saturating_sub(1)) * LEAST_CYCLE_S;
        gone.is_multiple_of(self.pace.max(1)) && lost_s <= after_s + HELD_UP_S
    }
}

/// So many cycles the same to the bit are no measurements: noise alone would tell them apart.
const FROZEN: u32 = 10;
/// Who has counted evenly for so many cycles does.
const EVEN: u32 = 8;
/// After so many cycles of others in a row the radar has gone, or has been started anew.
const STARTED_ANEW: u32 = 4;
/// A gateway holds a cycle up for so long at the most: who is no farther ahead may be the same radar.
const HELD_UP_S: f64 = 0.5;
/// No radar measures more often than this.
const LEAST_CYCLE_S: f64 = 0.04;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const CYCLE_MS: u64 = 74;

    fn at(ms: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(ms)
    }

    /// Somebody who counts by two from a number on, once a cycle from that moment on.
    fn radar(number: u16, from_ms: u64) -> impl Iterator<Item = (u64, u16)> {
        (0..).map(move |n: u16| {
            let at_ms = from_ms + u64::from(n) * CYCLE_MS;
            (at_ms, number.wrapping_add(n.wrapping_mul(2)))
        })
    }

    fn heard(count: &mut Count, cycles: impl IntoIterator<Item = (u64, u16)>) -> Vec<Whose> {
        let cycles = cycles.into_iter();
        let all = cycles.map(|(ms, number)| count.take(at(ms), number, ms, false));
        all.collect()
    }

    #[test]
    fn of_two_radars_under_one_number_the_one_before_is_listened_to() {
        // The other is started at any other moment, and speaks at any part of the cycle.
        for (start, part_ms) in [(9, 5), (400, 37), (20_001, 60), (65_500, 70)] {
            let mut count = Count::default();
            let own = radar(65_000, 0).take(600);
            let other = radar(start, 20 * CYCLE_MS + part_ms).take(100);
            let mut both: Vec<(u64, u16, bool)> = own.map(|(ms, n)| (ms, n, true)).collect();
            both.extend(other.map(|(ms, n)| (ms, n, false)));
            both.sort_unstable();
            for (ms, number, is_own) in both {
                let whose = count.take(at(ms), number, ms, false);
                let right = if is_own { Whose::Next } else { Whose::Other };
                assert_eq!(whose, right, "{start}: {number} after {ms} ms");
            }
        }
    }

    #[test]
    fn a_radar_that_is_started_anew_is_left_out_for_three_cycles() {
        let mut count = Count::default();
        heard(&mut count, radar(5000, 0).take(50));
        let whose = heard(&mut count, radar(0, 60 * CYCLE_MS).take(50));
        assert!(whose[..3].iter().all(|one| *one == Whose::Other));
        assert!(whose[3..].iter().all(|one| *one == Whose::Next));
    }

    #[test]
    fn cycles_that_are_lost_or_come_in_a_bunch_are_the_same_radars() {
        let mut count = Count::default();
        heard(&mut count, radar(100, 0).take(50));
        let some = radar(100, 0).skip(50).take(300);
        // Two of three are lost for a while; then a gateway hangs for a second and says all at once.
        let lost = some.enumerate().filter(|(i, _)| *i > 200 || i % 3 == 0);
        let late = lost.map(|(i, (ms, n))| (if i > 280 { ms + 1000 } else { ms }, n));
        let bunched = late.map(|(ms, n)| (ms - ms % 300, n));
        let whose = heard(&mut count, bunched);
        assert!(whose.iter().all(|one| *one == Whose::Next), "{whose:?}");
    }

    #[test]
    fn who_counts_unevenly_is_taken_as_it_is() {
        let mut count = Count::default();
        let uneven = (0..300_u16).map(|n| (u64::from(n) * CYCLE_MS, 7 * n + n % 5 * (n % 3)));
        assert!(
            heard(&mut count, uneven)
                .iter()
                .all(|one| *one == Whose::Next)
        );
    }
}
