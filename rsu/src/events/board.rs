//! The signs that are told: one entry a sign, of whoever has put it up.
//!
//! A sign that is taken down is sent with its end for a while, as events are, so that receivers drop
//! it at once; its id then rests. Nothing here allocates after [`Board::new`]. Not here: what signs
//! mean; events ([`super::book`]).

use arrayvec::ArrayVec;
use v2x_msg::base::{GeoPosition, MinuteOfYear};
use v2x_msg::kinds::rsi;

use super::book::{Config, Refused};
use super::claim::{Key, Origin, SignClaim, Until, end_minute};
use super::ids::Ids;
use super::scale::Scale;
use crate::clock::{Mono, Now};

/// Most signs at a time: as many as there are ids.
pub const MAX_SIGNS: usize = 256;

/// All signs.
#[derive(Debug)]
pub struct Board {
    config: Config,
    ids: Ids,
    scale: Scale,
    entries: Vec<Entry>,
    left_out: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    claim: SignClaim,
    down_at: Option<Mono>,
}

impl Board {
    /// An empty board. Positions go on air counted from `ref_pos`.
    pub fn new(config: Config, ref_pos: GeoPosition) -> Self {
        Self {
            ids: Ids::new(config.id_rest),
            config,
            scale: Scale::new(ref_pos),
            entries: Vec::with_capacity(MAX_SIGNS),
            left_out: 0,
        }
    }

    /// Keeps the ids of the site's file for its own signs.
    pub fn reserve(&mut self, ids: impl Iterator<Item = u8>) {
        self.ids.reserve(ids);
    }

    /// Puts a sign up, or changes it; gives its id.
    ///
    /// # Errors
    /// See [`Refused`]; counted in [`Board::left_out`].
    pub fn handle_claim(&mut self, now: Now, claim: &SignClaim) -> Result<u8, Refused> {
        let taken = self.take(now, claim);
        self.left_out += u64::from(taken.is_err());
        taken
    }

    fn take(&mut self, now: Now, claim: &SignClaim) -> Result<u8, Refused> {
        if !self.scale.fits_sign(&claim.sign) {
            return Err(Refused::TooLong);
        }
        let known = self
            .entries
            .iter()
            .position(|entry| entry.claim.key == claim.key);
        let place = match known {
            Some(place) => {
                let id = self.entries[place].claim.sign.id;
                self.entries[place].claim.clone_from(claim);
                self.entries[place].claim.sign.id = id;
                self.entries[place].down_at = None;
                place
            }
            None => {
                if self.entries.len() == MAX_SIGNS {
                    return Err(Refused::Full);
                }
                let wanted = claim.keeps_id.then_some(claim.sign.id);
                let own = claim.key.origin == Origin::Site;
                let id = self.ids.take(now.mono, wanted, own).ok_or(Refused::NoId)?;
                let mut claim = claim.clone();
                claim.sign.id = id;
                self.entries.push(Entry {
                    claim,
                    down_at: None,
                });
                self.entries.len() - 1
            }
        };
        let claim = &mut self.entries[place].claim;
        if let Until::Utc(until) = claim.until {
            claim.sign.validity.end = end_minute(until, now.utc);
        }
        Ok(claim.sign.id)
    }

    /// Takes a sign down; false if there is none.
    pub fn handle_end(&mut self, now: Now, key: Key) -> bool {
        let standing = |entry: &&mut Entry| entry.claim.key == key && entry.down_at.is_none();
        let Some(entry) = self.entries.iter_mut().find(standing) else {
            return false;
        };
        entry.take_down(now);
        true
    }

    /// Takes down what is over, and forgets what has been sent with its end for long enough.
    pub fn follow(&mut self, now: Now) {
        for entry in &mut self.entries {
            if entry.down_at.is_none() && entry.claim.until.is_over(now) {
                entry.take_down(now);
            }
        }
        let long_enough = |entry: &Entry| {
            entry
                .down_at
                .is_some_and(|down| now.mono.since(down) >= self.config.cleared_for)
        };
        while let Some(place) = self.entries.iter().position(long_enough) {
            let id = self.entries.remove(place).claim.sign.id;
            self.ids.give_back(now.mono, id);
        }
    }

    /// Whether there is anything to send.
    pub fn speaks(&self) -> bool {
        !self.entries.is_empty()
    }

    /// What is sent, most urgent first: by level, then id.
    pub fn sent(&self) -> ArrayVec<&rsi::Sign, MAX_SIGNS> {
        let signs = self.entries.iter().map(|entry| &entry.claim.sign);
        let mut sent: ArrayVec<&rsi::Sign, MAX_SIGNS> = signs.collect();
        let level = |sign: &rsi::Sign| sign.level.map_or(0, rsi::Level::value);
        sent.sort_unstable_by_key(|sign| (std::cmp::Reverse(level(sign)), sign.id));
        sent
    }

    /// Signs that were turned away.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl Entry {
    fn take_down(&mut self, now: Now) {
        self.down_at = Some(now.mono);
        let validity = &mut self.claim.sign.validity;
        if validity.end.is_none_or(|end| now.utc < end.near(now.utc)) {
            validity.end = Some(MinuteOfYear::of(now.utc));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use v2x_msg::base::{NodeId, Utc};
    use v2x_msg::kinds::rsi::{Level, Place, ReferenceLink, Sign, SignText};

    use super::*;

    /// 2025-12-31T23:58:30Z.
    const START_MS: i64 = 1_767_225_510_000;

    fn at(ms: u64) -> Now {
        Now {
            mono: Mono::ZERO + Duration::from_millis(ms),
            utc: Utc::from_unix_ms(START_MS).unwrap() + Duration::from_millis(ms),
        }
    }

    fn claim(origin: Origin, number: u64) -> SignClaim {
        let node = |id| NodeId { region: None, id };
        let link = ReferenceLink {
            upstream: node(1),
            downstream: node(2),
            lanes: None,
        };
        let text = SignText::new("3011200000000001", b"40").unwrap();
        SignClaim {
            key: Key { origin, number },
            sign: Sign::new(7, 85, text, Place::new([], [link]).unwrap()),
            keeps_id: true,
            until: Until::Withdrawn,
        }
    }

    fn board() -> Board {
        let here = GeoPosition::from_deg(31.0, 121.0, None).unwrap();
        Board::new(Config::default(), here)
    }

    #[test]
    fn a_sign_taken_down_is_sent_with_its_end_over_new_year() {
        let mut board = board();
        board.handle_claim(at(0), &claim(Origin::Site, 1)).unwrap();
        assert!(board.handle_end(at(95_000), claim(Origin::Site, 1).key));
        assert!(!board.handle_end(at(95_000), claim(Origin::Site, 1).key));
        board.follow(at(99_999));
        assert_eq!(board.sent()[0].validity.end.unwrap().value(), 0);
        board.follow(at(100_000));
        assert!(!board.speaks());
    }

    #[test]
    fn a_sign_ends_at_the_moment_that_its_source_named() {
        let mut board = board();
        let mut short = claim(Origin::Cloud, 1);
        short.until = Until::Utc(at(120_000).utc);
        board.handle_claim(at(0), &short).unwrap();
        // It ends in the first minute of the year, and holds until then.
        assert_eq!(board.sent()[0].validity.end.unwrap().value(), 1);
        board.follow(at(119_999));
        assert_eq!(board.sent()[0].validity.end.unwrap().value(), 1);
        board.follow(at(126_000));
        assert_eq!(board.sent()[0].validity.end.unwrap().value(), 0);
        // Down since the look at 126 s, and sent for five more.
        assert!(board.speaks());
        board.follow(at(131_000));
        assert!(!board.speaks());
    }

    #[test]
    fn the_ids_of_the_site_are_its_own() {
        let mut board = board();
        board.reserve([7].into_iter());
        let other = board.handle_claim(at(0), &claim(Origin::Cloud, 1));
        assert_eq!(other, Ok(0));
        assert_eq!(board.handle_claim(at(0), &claim(Origin::Site, 1)), Ok(7));
        // Changed, it keeps its id and stands once.
        let mut changed = claim(Origin::Cloud, 1);
        changed.sign.level = Level::new(6).ok();
        assert_eq!(board.handle_claim(at(1), &changed), Ok(0));
        let ids: Vec<_> = board.sent().iter().map(|sign| sign.id).collect();
        assert_eq!(ids, [0, 7]);
    }

    #[test]
    fn a_full_board_refuses_and_counts() {
        let mut board = board();
        for number in 0..MAX_SIGNS as u64 {
            board
                .handle_claim(at(0), &claim(Origin::Cloud, number))
                .unwrap();
        }
        let more = claim(Origin::Cloud, 999);
        assert_eq!(board.handle_claim(at(0), &more), Err(Refused::Full));
        assert_eq!((board.sent().len(), board.left_out()), (MAX_SIGNS, 1));
    }
}
