//! Whether a message was heard before, to the bit: what somebody recorded and says again.
//!
//! A stamp counts the milliseconds of a minute, so that what was said a minute or two ago is of now again by it,
//! and only its sender knows better. But no sender says the same twice for a long time, though it stand still:
//! with ten messages a second at whole tenths, the stamp comes again after 600 messages and the number of the
//! message, which goes to 127, after 128, so that both come again together after 9,600, which is 16 minutes; at
//! other rates that divide a minute it takes as long or longer. So what comes again sooner, but is no repetition
//! of now, was recorded.
//!
//! Prints of what was heard are kept, in sets of eight, so that looking for one takes the same time however many
//! there are; in a full set the oldest goes. 3,000 messages a second are kept for more than two minutes, fewer for
//! twelve. Not here: senders that do not count their messages (`super`), and recordings that are changed, which
//! only signatures tell.

use std::time::Duration;

use crate::clock::Mono;

/// What was heard of late.
#[derive(Debug)]
pub(super) struct Replays {
    /// Of each a part of its print, and when it was heard, in tenths of a second; 0 for none.
    sets: Box<[[u64; WAYS]]>,
}

impl Replays {
    pub(super) fn new() -> Self {
        Self {
            sets: vec![[0; WAYS]; SETS].into_boxed_slice(),
        }
    }

    /// Whether the same was heard before, but not just now; else it is noted.
    pub(super) fn note(&mut self, now: Mono, octets: &[u8]) -> bool {
        let print = print_of(octets);
        let tick = (now.nanos() / TICK_NS) & TICK_MASK;
        let set = &mut self.sets[(print % SETS as u64) as usize];
        let part = print & !TICK_MASK;
        let age = |entry: u64| tick.wrapping_sub(entry) & TICK_MASK;
        let known = |entry: &u64| *entry != 0 && entry & !TICK_MASK == part;
        if let Some(entry) = set.iter_mut().find(|entry| known(entry)) {
            let ticks = age(*entry);
            if ticks < ticks_of(KEPT) {
                return ticks >= ticks_of(JUST_NOW);
            }
            *entry = part | tick;
            return false;
        }
        let oldest = (0..WAYS).max_by_key(|&way| match set[way] {
            0 => u64::MAX,
            entry => age(entry),
        });
        set[oldest.unwrap_or(0)] = part | tick;
        false
    }
}

const fn ticks_of(span: Duration) -> u64 {
    span.as_nanos() as u64 / TICK_NS
}

fn print_of(octets: &[u8]) -> u64 {
    const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const FNV_PRIME: u64 = 0x0100_0000_01b3;
    let print = octets.iter().fold(FNV_OFFSET, |print, octet| {
        (print ^ u64::from(*octet)).wrapping_mul(FNV_PRIME)
    });
    // Both ends of it are used, and its last octets have moved little of the upper one.
    let print = (print ^ (print >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    print ^ (print >> 29)
}

const WAYS: usize = 8;
/// 8 MiB, of which as much is touched as is heard.
const SETS: usize = 1 << 17;
const TICK_NS: u64 = 100_000_000;
/// 19 days until they begin anew.
const TICK_MASK: u64 = (1 << 24) - 1;
/// Well below the 16 minutes after which a sender that stands may say the same again.
const KEPT: Duration = Duration::from_secs(12 * 60);
/// A radio, or a second one, that hands over a frame twice does so within this; nothing that is older than the
/// oldest word allowed and younger than a minute has a stamp of now.
const JUST_NOW: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Mono {
        Mono::from_nanos(5_000_000_000_000).offset_by(s)
    }

    fn word(n: u64) -> [u8; 40] {
        let mut word = [7; 40];
        word[11..19].copy_from_slice(&n.to_be_bytes());
        word
    }

    #[test]
    fn the_same_a_minute_later_is_a_replay_and_a_quarter_of_an_hour_later_is_none() {
        for (later_s, replay) in [
            (0.0, false),
            (1.0, false),
            (60.0, true),
            (120.0, true),
            (600.0, true),
            (960.0, false),
        ] {
            let mut replays = Replays::new();
            assert!(!replays.note(at(0.0), &word(1)));
            assert_eq!(replays.note(at(later_s), &word(1)), replay, "{later_s} s");
            assert!(!replays.note(at(later_s), &word(2)));
        }
    }

    #[test]
    fn a_replay_does_not_make_what_was_heard_newer() {
        let mut replays = Replays::new();
        replays.note(at(0.0), &word(1));
        assert!(replays.note(at(600.0), &word(1)));
        assert!(!replays.note(at(800.0), &word(1)));
    }

    #[test]
    fn of_3000_a_second_nearly_all_are_known_a_minute_and_two_later() {
        let mut replays = Replays::new();
        let mut mistaken = 0;
        for n in 0..420_000_u64 {
            mistaken += u32::from(replays.note(at(n as f64 / 3000.0), &word(n)));
        }
        assert_eq!(mistaken, 0);
        // What was said from 70 to 80 s and from 10 to 20 s, at 140 s.
        for (from, least) in [(210_000_u64, 29_950), (30_000, 29_500)] {
            let known = (from..from + 30_000).filter(|n| replays.note(at(140.0), &word(*n)));
            let known = known.count();
            assert!(known >= least, "{known} of 30,000 from {from} on");
        }
    }

    #[test]
    fn a_parked_car_that_counts_is_never_taken_for_a_recording() {
        let mut replays = Replays::new();
        for n in 0..20_000_u64 {
            let said = word(((n % 600) << 8) | (n % 128));
            assert!(!replays.note(at(n as f64 / 10.0), &said), "message {n}");
        }
    }
}
