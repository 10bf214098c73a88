//! The events of the site's file: each is claimed while it holds.
//!
//! A minute of the year says nothing of its year: over New Year the end is the smaller number, and
//! an end or a start alone is that of the nearest year. Not here: the file ([`crate::site`]).

use std::time::Duration;

use v2x_msg::base::{EnuFrame, MinuteOfYear, Utc};
use v2x_msg::kinds::rsi::{self, Validity};

use super::book::{Book, Refused};
use super::claim::{Claim, Key, Origin, Until};
use crate::clock::Now;

/// Standing events, and which of them hold.
#[derive(Debug)]
pub struct Standing {
    list: Vec<(Claim, Option<bool>)>,
}

impl Standing {
    /// The events of a site, in its order.
    pub fn new(events: &[rsi::Event], frame: &EnuFrame) -> Self {
        let claim = |(number, event): (usize, &rsi::Event)| Claim {
            key: Key {
                origin: Origin::Site,
                number: number as u64,
            },
            event: event.clone(),
            keeps_id: true,
            at_m: event.pos.map(|pos| {
                let at = frame.enu(pos);
                (at.east_m, at.north_m)
            }),
            until: Until::Withdrawn,
        };
        let claims = events.iter().enumerate().map(claim);
        Self {
            list: claims.map(|claim| (claim, None)).collect(),
        }
    }

    /// Claims what has begun to hold and withdraws what has ended; `refused` is told the place of
    /// what the book does not take.
    pub fn follow(&mut self, now: Now, book: &mut Book, mut refused: impl FnMut(usize, Refused)) {
        for (place, (claim, held)) in self.list.iter_mut().enumerate() {
            let holds = holds(claim.event.validity, now.utc);
            if *held == Some(holds) {
                continue;
            }
            if holds {
                if let Err(reason) = book.handle_claim(now, claim) {
                    refused(place, reason);
                }
            } else if held.is_some() {
                book.handle_end(now, claim.key);
            }
            *held = Some(holds);
        }
    }
}

/// Whether something holds in the minute of `now`; both ends belong to it.
pub(crate) fn holds(validity: Validity, now: Utc) -> bool {
    let minute = MinuteOfYear::of(now);
    match (validity.start, validity.end) {
        (None, None) => true,
        (Some(start), Some(end)) if start <= end => start <= minute && minute <= end,
        (Some(start), Some(end)) => start <= minute || minute <= end,
        (Some(start), None) => start.near(now) <= now,
        (None, Some(end)) => now < end.near(now) + Duration::from_secs(60),
    }
}

#[cfg(test)]
mod tests {
    use v2x_msg::base::GeoPosition;
    use v2x_msg::kinds::rsi::{EventSource, EventType, RsiClass};

    use super::*;
    use crate::clock::Mono;
    use crate::events::Stage;

    /// 2025-12-31T23:59:00Z.
    const LAST_MINUTE_MS: i64 = 1_767_225_540_000;

    fn at(ms: u64) -> Now {
        Now {
            mono: Mono::ZERO + Duration::from_millis(ms),
            utc: Utc::from_unix_ms(LAST_MINUTE_MS).unwrap() + Duration::from_millis(ms),
        }
    }

    fn minute(number: u32) -> Option<MinuteOfYear> {
        MinuteOfYear::new(number).ok()
    }

    #[test]
    fn an_event_of_the_site_holds_in_its_minutes_and_leaves_with_its_end() {
        let here = GeoPosition::from_deg(31.0, 121.0, None).unwrap();
        let mut works = rsi::Event::new(9, EventType::WORKS, EventSource::Government);
        works.validity.start = minute(0);
        works.validity.end = minute(1);
        let mut standing = Standing::new(&[works.clone()], &EnuFrame::new(here));
        let mut book = Book::new(crate::events::Config::default(), here);
        let mut stage_at = |ms| {
            standing.follow(at(ms), &mut book, |_, reason| panic!("{reason}"));
            book.follow(at(ms));
            let sent = book.sent(RsiClass::SemiStatic);
            assert!(sent.iter().all(|event| **event == works));
            book.shown().next().map(|shown| shown.stage)
        };
        assert_eq!(stage_at(0), None);
        assert_eq!(stage_at(60_000), Some(Stage::Holds));
        assert_eq!(stage_at(179_999), Some(Stage::Holds));
        assert_eq!(stage_at(180_000), Some(Stage::Cleared));
        assert_eq!(stage_at(185_000), None);
    }

    #[test]
    fn a_time_over_new_year_holds_on_both_sides() {
        let over = Validity {
            start: minute(365 * 1440 - 60),
            end: minute(60),
            end_confidence: None,
        };
        assert!(holds(over, at(0).utc));
        assert!(holds(over, at(60_000).utc));
        assert!(holds(over, at(60 * 60_000).utc));
        assert!(!holds(over, at(62 * 60_000).utc));
        let open = Validity { end: None, ..over };
        assert!(holds(open, at(60_000).utc));
        let ending = Validity {
            start: None,
            ..over
        };
        assert!(!holds(ending, at(62 * 60_000).utc));
    }
}
