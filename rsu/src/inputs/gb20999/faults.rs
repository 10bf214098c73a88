//! What a controller says has gone wrong with it: its log of faults (class 16).
//!
//! The log holds what was long before us too, and nothing says what is over. So what stands in it when
//! it is first read is taken as it is; an entry that is later than all that were seen is a fault, told
//! once. Read are the first entry and the last ones, since nobody has said at which end a full log goes
//! on: one that goes on in its middle is not followed.

use super::facts::Taken;
use super::objects::{self, FAULT_COUNT, byte, fault_code, fault_number, fault_time, number};
use super::wire::Address;

/// So many of the last are read anyway.
const LAST: u8 = 3;
/// And so many at the most, where the log has grown.
pub(super) const MOST_READ: u8 = 16;

/// The log, as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    count: Option<u8>,
    /// By how much it had grown when it was counted last.
    grown: u8,
    /// What was there before us has been read.
    knows_old: bool,
    /// Entries read since it was counted last.
    read: u8,
    /// The latest that was seen.
    latest: Entry,
    /// The one that is being read, and its place.
    reading: Option<(u8, Entry)>,
    /// New, and not told yet.
    news: Option<&'static str>,
}

/// An entry, by what tells it from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// Year first, so that later is greater.
    time: Option<[u8; 7]>,
    number: Option<u32>,
}

impl Faults {
    /// The places of the log to read, each once. Of each, the code is to be asked for last.
    pub(super) fn places(&self) -> impl Iterator<Item = u8> + use<> {
        let count = self.count.unwrap_or(0);
        let before = count - self.grown.clamp(LAST, MOST_READ).min(count);
        let first = (before > 0).then_some(1);
        first
            .into_iter()
            .chain((before..count).map(|place| place + 1))
    }

    /// Takes in a value.
    pub(super) fn take(&mut self, address: Address, data: &[u8]) -> Taken {
        if address == FAULT_COUNT {
            let Some(count) = number(data) else {
                return Taken::Malformed;
            };
            // An element numbers no more.
            self.counted(u8::try_from(count).unwrap_or(u8::MAX));
            return Taken::Same;
        }
        let place = address.element;
        let within = self.count.is_some_and(|count| (1..=count).contains(&place));
        let reading = self.reading.filter(|(of, _)| *of == place);
        let entry = reading.map_or(Entry::default(), |(_, entry)| entry);
        if address == fault_number(place) && within {
            let number = number(data);
            self.reading = Some((place, Entry { number, ..entry }));
            return taken(number.is_some());
        }
        if address == fault_time(place) && within {
            let time = data.try_into().ok();
            self.reading = Some((place, Entry { time, ..entry }));
            return taken(time.is_some());
        }
        if address == fault_code(place) && reading.is_some() {
            self.reading = None;
            let Some(code) = byte(data) else {
                return Taken::Malformed;
            };
            self.read = self.read.saturating_add(1);
            if entry.is_after(self.latest) {
                self.latest = entry;
                self.news = self.knows_old.then(|| objects::fault(code));
            }
            return Taken::Same;
        }
        Taken::Other
    }

    /// A fault that was not told yet.
    pub(super) fn take_news(&mut self) -> Option<&'static str> {
        self.news.take()
    }

    fn counted(&mut self, count: u8) {
        let wanted = self.places().count();
        match self.count {
            None => {}
            Some(before) => {
                self.knows_old |= usize::from(self.read) >= wanted;
                if count < before {
                    // Emptied: its numbers begin anew.
                    self.latest.number = None;
                }
            }
        }
        self.grown = count.saturating_sub(self.count.unwrap_or(count));
        self.count = Some(count);
        self.read = 0;
    }
}

impl Entry {
    /// By time, and by number within a second, or where no time is told.
    fn is_after(self, other: Self) -> bool {
        match (self.time, other.time) {
            (Some(time), Some(before)) if time != before => time > before,
            _ => self.number > other.number,
        }
    }
}

fn taken(is_sound: bool) -> Taken {
    if is_sound {
        Taken::Same
    } else {
        Taken::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One entry: number, minute, code.
    type Logged = (u32, u8, u8);

    /// Reads a log as it stands, as the asker does.
    fn read(faults: &mut Faults, log: &[Logged]) -> Vec<&'static str> {
        let count = log.len() as u32;
        assert_eq!(faults.take(FAULT_COUNT, &count.to_be_bytes()), Taken::Same);
        let mut told = Vec::new();
        for place in faults.places() {
            let (number, minute, code) = log[usize::from(place) - 1];
            let time = [7, 0xE5, 9, 8, 15, minute, 0];
            faults.take(fault_number(place), &number.to_be_bytes());
            faults.take(fault_time(place), &time);
            faults.take(fault_code(place), &[code]);
            told.extend(faults.take_news());
        }
        told
    }

    #[test]
    fn what_stood_in_the_log_before_us_is_no_news_and_what_comes_is_told_once() {
        let mut faults = Faults::default();
        let mut log = vec![(1, 0, 0x30), (2, 1, 0x41), (3, 2, 0x10), (4, 3, 0x20)];
        assert!(read(&mut faults, &log).is_empty());
        assert!(read(&mut faults, &log).is_empty());
        log.push((5, 9, 0x10));
        // Within the same minute.
        log.push((6, 9, 0x77));
        assert_eq!(read(&mut faults, &log), ["green-conflict", "other"]);
        assert!(read(&mut faults, &log).is_empty());
    }

    #[test]
    fn the_first_fault_of_an_empty_log_is_told() {
        let mut faults = Faults::default();
        assert!(read(&mut faults, &[]).is_empty());
        assert_eq!(read(&mut faults, &[(1, 5, 0x50)]), ["configuration"]);
    }

    #[test]
    fn a_log_that_grew_by_much_is_read_to_a_bound() {
        let mut faults = Faults::default();
        read(&mut faults, &[]);
        let log: Vec<_> = (1..=40)
            .map(|number| (number, number as u8, 0x41))
            .collect();
        let told = read(&mut faults, &log);
        assert_eq!(told.len(), usize::from(MOST_READ) + 1, "and the first");
    }

    #[test]
    fn a_full_log_is_followed_at_its_ends() {
        let full: Vec<Logged> = (1..=254_u32).map(|n| (n, (n / 6) as u8, 0x41)).collect();
        // The newest first; over the oldest, which is the first; at the end, and all move on.
        let mut first = full.clone();
        first.insert(0, (255, 50, 0x44));
        first.pop();
        let mut over = full.clone();
        over[0] = (255, 50, 0x44);
        let mut last = full.clone();
        last.push((255, 50, 0x44));
        last.remove(0);
        for log in [first, over, last] {
            let mut faults = Faults::default();
            assert!(read(&mut faults, &full).is_empty());
            assert!(read(&mut faults, &full).is_empty());
            assert_eq!(read(&mut faults, &log), ["clock"]);
            assert!(read(&mut faults, &log).is_empty());
        }
    }

    #[test]
    fn a_log_that_was_emptied_begins_anew() {
        let mut faults = Faults::default();
        read(&mut faults, &[(1, 0, 0x41), (2, 1, 0x41)]);
        assert!(read(&mut faults, &[]).is_empty());
        assert_eq!(read(&mut faults, &[(1, 5, 0x50)]), ["configuration"]);
    }

    #[test]
    fn what_was_not_read_at_first_is_no_news_later() {
        let mut faults = Faults::default();
        // Counted, and then the answers are lost.
        faults.take(FAULT_COUNT, &[2]);
        assert!(read(&mut faults, &[(1, 0, 0x41), (2, 1, 0x10)]).is_empty());
    }

    #[test]
    fn values_of_no_meaning_are_no_faults() {
        let mut faults = Faults::default();
        let code = faults.take(fault_code(1), &[0x10]);
        assert_eq!(code, Taken::Other, "nobody asked");
        assert_eq!(faults.take(FAULT_COUNT, &[0; 5]), Taken::Malformed);
        read(&mut faults, &[]);
        assert_eq!(faults.take(fault_number(9), &[1]), Taken::Other, "no such");
        assert_eq!(faults.take(fault_number(0), &[1]), Taken::Other);
        // More than an element can number.
        faults.take(FAULT_COUNT, &1_000_000_u32.to_be_bytes());
        assert!(faults.places().count() <= usize::from(MOST_READ) + 1);
        assert_eq!(faults.take(fault_time(1), &[0; 4]), Taken::Malformed);
        assert_eq!(faults.take(fault_number(1), &[0; 5]), Taken::Malformed);
        assert_eq!(faults.take(fault_code(1), &[]), Taken::Malformed);
        assert_eq!(faults.take_news(), None);
    }
}
