//! The signs and events of the site's file: each is claimed while its timetable says so.
//!
//! What is claimed carries the span in which it holds, in minutes of the year. Not here: the file and
//! its timetables ([`crate::site`]).

use v2x_msg::base::{EnuFrame, Utc};
use v2x_msg::kinds::rsi::{self, Validity};

use super::board::Board;
use super::book::{Book, Refused};
use super::claim::{Claim, Key, Origin, SignClaim, Until, minute};
use crate::clock::Now;
use crate::site::timetable::Window;
use crate::site::{Posted, Site, Timetable};

/// Standing signs and events, and which of them hold.
#[derive(Clone, Debug)]
pub struct Standing {
    events: Vec<Kept<Claim>>,
    signs: Vec<Kept<SignClaim>>,
}

/// One of them; its claim is without times.
#[derive(Clone, Debug)]
struct Kept<C> {
    claim: C,
    when: Timetable,
    said: Said,
}

/// What the book or the board was last told of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    /// Nothing.
    Nothing,
    /// That it holds, in this span.
    Holds(Window),
    /// That it holds, by words that are no longer those of the file.
    Otherwise,
}

impl Standing {
    /// Those of a site, in its order.
    pub fn of(site: &Site) -> Self {
        Self::new(&site.events, &site.signs, &site.frame)
    }

    /// Those given.
    pub fn new(
        events: &[Posted<rsi::Event>],
        signs: &[Posted<rsi::Sign>],
        frame: &EnuFrame,
    ) -> Self {
        let key = |number| Key {
            origin: Origin::Site,
            number,
        };
        let event = |posted: &Posted<rsi::Event>| {
            let event = &posted.what;
            Kept {
                claim: Claim {
                    // Another type is another event.
                    key: key(u64::from(event.event_type.0) << 8 | u64::from(event.id)),
                    event: event.clone(),
                    keeps_id: true,
                    at_m: super::claim::at_m(event, frame),
                    until: Until::Withdrawn,
                },
                when: posted.when.clone(),
                said: Said::Nothing,
            }
        };
        let sign = |posted: &Posted<rsi::Sign>| Kept {
            claim: SignClaim {
                key: key(u64::from(posted.what.id)),
                sign: posted.what.clone(),
                keeps_id: true,
                until: Until::Withdrawn,
            },
            when: posted.when.clone(),
            said: Said::Nothing,
        };
        Self {
            events: events.iter().map(event).collect(),
            signs: signs.iter().map(sign).collect(),
        }
    }

    /// The ids that the file has given, of events and of signs.
    pub fn ids(&self) -> (impl Iterator<Item = u8>, impl Iterator<Item = u8>) {
        let events = self.events.iter().map(|kept| kept.claim.event.id);
        let signs = self.signs.iter().map(|kept| kept.claim.sign.id);
        (events, signs)
    }

    /// Whether any of them comes or goes by the clock.
    pub fn waits(&self) -> bool {
        let mut events = self.events.iter().map(|kept| &kept.when);
        let mut signs = self.signs.iter().map(|kept| &kept.when);
        events.any(|when| *when != Timetable::ALWAYS)
            || signs.any(|when| *when != Timetable::ALWAYS)
    }

    /// Claims what has begun to hold and withdraws what has ended. `refused` is told the place of
    /// what is not taken, and whether it is an event.
    pub fn follow(
        &mut self,
        now: Now,
        book: &mut Book,
        board: &mut Board,
        mut refused: impl FnMut(bool, usize, Refused),
    ) {
        for (place, kept) in self.events.iter_mut().enumerate() {
            match kept.turn(now.utc) {
                Turn::None => {}
                Turn::Claim(window) => {
                    let mut claim = kept.claim.clone();
                    claim.event.validity = validity(window, now.utc);
                    if let Err(reason) = book.handle_claim(now, &claim) {
                        refused(true, place, reason);
                    }
                }
                Turn::End => drop(book.handle_end(now, kept.claim.key)),
            }
        }
        for (place, kept) in self.signs.iter_mut().enumerate() {
            match kept.turn(now.utc) {
                Turn::None => {}
                Turn::Claim(window) => {
                    let mut claim = kept.claim.clone();
                    claim.sign.validity = validity(window, now.utc);
                    if let Err(reason) = board.handle_claim(now, &claim) {
                        refused(false, place, reason);
                    }
                }
                Turn::End => drop(board.handle_end(now, kept.claim.key)),
            }
        }
    }

    /// From now on the file says `new`: what is no longer in it ends, what is as it was goes on
    /// untouched, and the rest follows in [`Standing::follow`]. `new` then holds the old.
    pub fn replace(&mut self, now: Now, new: &mut Self, book: &mut Book, board: &mut Board) {
        for old in self.events.iter().filter(|old| old.said != Said::Nothing) {
            let same = |kept: &&mut Kept<Claim>| kept.claim.key == old.claim.key;
            match new.events.iter_mut().find(same) {
                Some(kept) if kept.claim == old.claim => kept.said = old.said,
                Some(kept) => kept.said = Said::Otherwise,
                None => drop(book.handle_end(now, old.claim.key)),
            }
        }
        for old in self.signs.iter().filter(|old| old.said != Said::Nothing) {
            let same = |kept: &&mut Kept<SignClaim>| kept.claim.key == old.claim.key;
            match new.signs.iter_mut().find(same) {
                Some(kept) if kept.claim == old.claim => kept.said = old.said,
                Some(kept) => kept.said = Said::Otherwise,
                None => drop(board.handle_end(now, old.claim.key)),
            }
        }
        std::mem::swap(self, new);
    }
}

enum Turn {
    None,
    Claim(Window),
    End,
}

impl<C> Kept<C> {
    fn turn(&mut self, now: Utc) -> Turn {
        match (self.said, self.when.window(now)) {
            (Said::Holds(said), Some(window)) if said == window => Turn::None,
            (Said::Nothing, None) => Turn::None,
            (_, Some(window)) => {
                self.said = Said::Holds(window);
                Turn::Claim(window)
            }
            (_, None) => {
                self.said = Said::Nothing;
                Turn::End
            }
        }
    }
}

fn validity(window: Window, now: Utc) -> Validity {
    let told = |moment: Utc| minute(moment, now);
    Validity {
        start: window.from.and_then(told),
        end: window.until.and_then(told),
        end_confidence: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use v2x_msg::base::{GeoPosition, NodeId};
    use v2x_msg::kinds::rsi::{
        EventSource, EventType, Level, Place, ReferenceLink, RsiClass, Sign, SignText,
    };

    use super::*;
    use crate::clock::Mono;
    use crate::events::{Config, Stage};

    /// 2025-12-31T23:59:00Z.
    const LAST_MINUTE_MS: i64 = 1_767_225_540_000;

    fn at(ms: u64) -> Now {
        Now {
            mono: Mono::ZERO + Duration::from_millis(ms),
            utc: Utc::from_unix_ms(LAST_MINUTE_MS).unwrap() + Duration::from_millis(ms),
        }
    }

    fn here() -> GeoPosition {
        GeoPosition::from_deg(31.0, 121.0, None).unwrap()
    }

    fn works(id: u8) -> rsi::Event {
        rsi::Event::new(id, EventType::WORKS, EventSource::Government)
    }

    fn sign(id: u8) -> Posted<Sign> {
        let node = |id| NodeId { region: None, id };
        let link = ReferenceLink {
            upstream: node(1),
            downstream: node(2),
            lanes: None,
        };
        let text = SignText::new("3011200000000001", b"40").unwrap();
        Posted::always(Sign::new(id, 85, text, Place::new([], [link]).unwrap()))
    }

    struct Road {
        standing: Standing,
        book: Book,
        board: Board,
    }

    fn standing(events: &[Posted<rsi::Event>], signs: &[Posted<Sign>]) -> Standing {
        Standing::new(events, signs, &EnuFrame::new(here()))
    }

    impl Road {
        fn new(events: &[Posted<rsi::Event>], signs: &[Posted<Sign>]) -> Self {
            Self {
                standing: standing(events, signs),
                book: Book::new(Config::default(), here()),
                board: Board::new(Config::default(), here()),
            }
        }

        fn follow(&mut self, ms: u64) {
            let refused = |_, _, reason| panic!("{reason}");
            self.standing
                .follow(at(ms), &mut self.book, &mut self.board, refused);
            self.book.follow(at(ms));
            self.board.follow(at(ms));
        }

        fn replace(&mut self, ms: u64, mut new: Standing) {
            self.standing
                .replace(at(ms), &mut new, &mut self.book, &mut self.board);
            self.follow(ms);
        }

        fn stages(&self) -> Vec<(u8, Stage)> {
            let shown = self.book.shown();
            shown.map(|shown| (shown.event.id, shown.stage)).collect()
        }
    }

    #[test]
    fn an_event_holds_by_its_timetable_over_new_year_and_leaves_with_its_end() {
        let mut posted = Posted::always(works(9));
        posted.when.from = Some(at(30_000).utc);
        posted.when.until = Some(at(180_000).utc);
        let mut road = Road::new(&[posted], &[]);
        road.follow(0);
        assert_eq!(road.stages(), []);
        road.follow(60_000);
        assert_eq!(road.stages(), [(9, Stage::Holds)]);
        let validity = road.book.sent(RsiClass::SemiStatic)[0].validity;
        assert_eq!(validity.start.unwrap().value(), 365 * 1440 - 1);
        assert_eq!(validity.end.unwrap().value(), 2);
        road.follow(179_999);
        assert_eq!(road.stages(), [(9, Stage::Holds)]);
        road.follow(180_000);
        assert_eq!(road.stages(), [(9, Stage::Cleared)]);
        road.follow(185_000);
        assert_eq!(road.stages(), []);
        assert!(road.standing.waits());
    }

    #[test]
    fn a_new_file_ends_changes_and_begins_and_leaves_the_rest_alone() {
        let events: Vec<_> = (1..=3).map(|id| Posted::always(works(id))).collect();
        let mut road = Road::new(&events, &[sign(1), sign(2)]);
        road.follow(0);
        while road.book.poll_change().is_some() {}
        let mut urgent = works(2);
        urgent.level = Level::new(7).ok();
        let new = [
            Posted::always(works(1)),
            Posted::always(urgent.clone()),
            Posted::always(works(4)),
        ];
        road.replace(1000, standing(&new, &[sign(2), sign(3)]));
        let stages = [
            (1, Stage::Holds),
            (2, Stage::Holds),
            (3, Stage::Cleared),
            (4, Stage::Holds),
        ];
        assert_eq!(road.stages(), stages);
        assert_eq!(road.book.sent(RsiClass::SemiStatic)[0], &urgent);
        // What goes on is no news.
        let news: Vec<_> = std::iter::from_fn(|| road.book.poll_change()).collect();
        let ids: Vec<_> = news.iter().map(|change| change.id).collect();
        assert_eq!(ids, [3, 4]);
        let signs = road.board.sent();
        let told: Vec<_> = signs
            .iter()
            .map(|sign| (sign.id, sign.validity.end.is_some()))
            .collect();
        assert_eq!(told, [(1, true), (2, false), (3, false)]);
    }

    #[test]
    fn a_new_timetable_ends_what_no_longer_holds() {
        let mut road = Road::new(&[Posted::always(works(1))], &[]);
        road.follow(0);
        let mut later = Posted::always(works(1));
        later.when.from = Some(at(600_000).utc);
        road.replace(1000, standing(&[later], &[]));
        // As it was, but for its timetable.
        assert_eq!(road.stages(), [(1, Stage::Cleared)]);
    }
}
