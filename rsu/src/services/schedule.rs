//! When a kind of message is due: slots on a grid that is aligned to UTC.
//!
//! Each slot is used at most once. A wake-up that comes late by up to half a period still uses its
//! slot; later than that the slot is missed and counted, so that a stall is never followed by a
//! bunch. A step of UTC re-arms the grid. Not here: what is sent in a slot, and slots that move with
//! the sensors ([`super::window`]).

use std::time::Duration;

use crate::clock::{Mono, Now, Utc};

/// Slots at whole multiples of a period since the Unix epoch, plus an offset.
///
/// A period that divides a second gives the same slots in every second. [`Grid::follow`] comes first
/// in every wake-up: it learns how UTC and the monotonic clock relate.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    period_ns: i64,
    offset_ns: i64,
    next: Option<Utc>,
    due: Mono,
    used_at: Option<Mono>,
    /// UTC less `Mono` at the last wake-up.
    relation_ns: i64,
}

/// What a wake-up finds on the grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// When the slot was due that is to be used now; None if there is none.
    pub(crate) slot: Option<Mono>,
    /// How many slots went by unused.
    pub(crate) missed: u64,
}

impl Grid {
    /// A grid that is not armed yet; a period of zero counts as one millisecond.
    pub(crate) fn new(period: Duration, offset: Duration) -> Self {
        let period_ns = signed_ns(period).max(1_000_000);
        Self {
            period_ns,
            offset_ns: signed_ns(offset) % period_ns,
            next: None,
            due: Mono::NEVER,
            used_at: None,
            relation_ns: 0,
        }
    }

    /// Arms the grid, and arms it anew after UTC has stepped by more than half a period.
    pub(crate) fn follow(&mut self, now: Now) {
        let relation_ns = now.utc.unix_ns().saturating_sub_unsigned(now.mono.nanos());
        let step_ns = relation_ns
            .saturating_sub(self.relation_ns)
            .saturating_abs();
        self.relation_ns = relation_ns;
        if self.next.is_none() || step_ns > self.period_ns / 2 {
            self.next = Some(self.first_slot(now));
        }
        self.aim(now);
    }

    /// Uses the slot that is due, or that is due within `early`; counts those that went by.
    pub(crate) fn turn(&mut self, now: Now, early: Duration) -> Turn {
        let Some(next) = self.next else {
            return Turn::default();
        };
        let late_ns = now.utc.ns_since(next);
        if late_ns < -signed_ns(early) {
            return Turn::default();
        }
        let passed = late_ns.max(0) / self.period_ns;
        let in_time = late_ns.max(0) % self.period_ns <= self.period_ns / 2;
        let passed_ns = passed * self.period_ns;
        let due = self.due + Duration::from_nanos(passed_ns.unsigned_abs());
        let steps = passed + 1;
        self.next = Some(later(next, passed_ns.saturating_add(self.period_ns)));
        self.aim(now);
        if in_time {
            self.used_at = Some(now.mono);
            Turn {
                slot: Some(due),
                missed: passed.unsigned_abs(),
            }
        } else {
            Turn {
                slot: None,
                missed: steps.unsigned_abs(),
            }
        }
    }

    /// Moves this grid, and its next slot, by `shift_ns`.
    pub(crate) fn shift(&mut self, now: Now, shift_ns: i64) {
        self.offset_ns = (self.offset_ns + shift_ns).rem_euclid(self.period_ns);
        self.next = self.next.map(|next| later(next, shift_ns));
        self.aim(now);
    }

    /// When the next slot is due.
    pub(crate) fn due(&self) -> Mono {
        self.due
    }

    /// Nanoseconds from the next slot to `now`, negative while it is yet to come; None before the
    /// grid is armed.
    pub(crate) fn late_ns(&self, now: Now) -> Option<i64> {
        self.next.map(|next| now.utc.ns_since(next))
    }

    /// Length of a period.
    pub(crate) fn period_ns(&self) -> i64 {
        self.period_ns
    }

    /// The first slot from now on that keeps half a period from the slot used last.
    fn first_slot(&self, now: Now) -> Utc {
        let half = Duration::from_nanos((self.period_ns / 2).unsigned_abs());
        let rest = self
            .used_at
            .map_or(Duration::ZERO, |used| (used + half).since(now.mono));
        let from_ns = (now.utc + rest).unix_ns().saturating_sub(self.offset_ns);
        let into_ns = from_ns.rem_euclid(self.period_ns);
        let wait_ns = if into_ns == 0 {
            0
        } else {
            self.period_ns - into_ns
        };
        later(now.utc + rest, wait_ns)
    }

    /// Sets `due` by the relation of the clocks that holds now.
    fn aim(&mut self, now: Now) {
        let Some(next) = self.next else { return };
        let ahead_ns = next.ns_since(now.utc);
        let ahead = Duration::from_nanos(ahead_ns.unsigned_abs());
        self.due = if next.unix_ns() == i64::MAX {
            // Beyond the end of UTC's range there are no slots, but nobody may spin on that.
            now.mono + Duration::from_nanos(self.period_ns.unsigned_abs())
        } else if ahead_ns < 0 {
            now.mono - ahead
        } else {
            now.mono + ahead
        };
    }
}

fn signed_ns(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

fn later(moment: Utc, by_ns: i64) -> Utc {
    Utc::from_unix_ns(moment.unix_ns().saturating_add(by_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    /// 2026-01-01T00:00:00Z.
    const NEW_YEAR_S: i64 = 1_767_225_600;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// `at_ms` after the start, with UTC `utc_ms` before or after the New Year of 2026.
    fn at(mono_ms: u64, utc_ms: i64) -> Now {
        Now {
            mono: Mono::ZERO + ms(mono_ms),
            utc: Utc::from_unix_ns(NEW_YEAR_S * 1000 * MS + utc_ms * MS),
        }
    }

    fn turn(grid: &mut Grid, now: Now) -> Turn {
        grid.follow(now);
        grid.turn(now, Duration::ZERO)
    }

    /// Sleeps exactly until each slot and lists the UTC milliseconds at which slots were used.
    fn run(grid: &mut Grid, from_ms: i64, slots: usize) -> Vec<i64> {
        let mut used = Vec::new();
        let mut now = at(0, from_ms);
        grid.follow(now);
        while used.len() < slots {
            let wait = grid.due().since(now.mono);
            now = Now {
                mono: now.mono + wait,
                utc: now.utc + wait,
            };
            let found = turn(grid, now);
            assert_eq!(found.missed, 0);
            assert_eq!(found.slot, Some(now.mono));
            used.push((now.utc.unix_ns() - NEW_YEAR_S * 1000 * MS) / MS);
        }
        used
    }

    #[test]
    fn slots_lie_on_the_utc_second_across_minute_and_year() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        assert_eq!(run(&mut grid, -250, 5), [-200, -100, 0, 100, 200]);
    }

    #[test]
    fn an_offset_moves_every_slot() {
        let mut grid = Grid::new(ms(1000), ms(30));
        assert_eq!(run(&mut grid, -1500, 3), [-970, 30, 1030]);
    }

    #[test]
    fn a_grid_armed_on_a_slot_uses_it() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        assert_eq!(turn(&mut grid, at(7, 300)).slot, Some(Mono::ZERO + ms(7)));
    }

    #[test]
    fn a_slot_is_used_once() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        assert!(turn(&mut grid, at(0, 0)).slot.is_some());
        assert_eq!(turn(&mut grid, at(0, 0)), Turn::default());
        assert_eq!(turn(&mut grid, at(99, 99)), Turn::default());
        assert!(turn(&mut grid, at(100, 100)).slot.is_some());
    }

    #[test]
    fn a_wake_up_that_is_a_little_late_still_uses_its_slot() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        turn(&mut grid, at(0, 0));
        let late = turn(&mut grid, at(150, 150));
        assert_eq!(
            late,
            Turn {
                slot: Some(Mono::ZERO + ms(100)),
                missed: 0
            }
        );
        assert_eq!(grid.due(), Mono::ZERO + ms(200));
    }

    #[test]
    fn after_a_stall_slots_are_missed_and_never_bunched() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        turn(&mut grid, at(0, 0));
        // 460 ms: slots 100..=400 went by, and 400 is more than half a period old.
        assert_eq!(
            turn(&mut grid, at(460, 460)),
            Turn {
                slot: None,
                missed: 4
            }
        );
        assert_eq!(
            turn(&mut grid, at(500, 500)).slot,
            Some(Mono::ZERO + ms(500))
        );
        // 930 ms: 600, 700 and 800 went by; 900 is fresh enough.
        let fresh = turn(&mut grid, at(930, 930));
        assert_eq!(
            fresh,
            Turn {
                slot: Some(Mono::ZERO + ms(900)),
                missed: 3
            }
        );
        assert_eq!(turn(&mut grid, at(930, 930)), Turn::default());
    }

    #[test]
    fn utc_stepping_forward_is_no_miss_and_brings_no_bunch() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        turn(&mut grid, at(0, 0));
        // 10 ms later UTC has jumped by an hour and 85 ms: the slot in 5 ms would be too soon.
        let stepped = at(10, 3_600_095);
        assert_eq!(turn(&mut grid, stepped), Turn::default());
        assert_eq!(grid.due(), Mono::ZERO + ms(115));
    }

    #[test]
    fn utc_stepping_back_does_not_silence_the_grid() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        turn(&mut grid, at(0, 3_600_000));
        assert_eq!(turn(&mut grid, at(60, 30)), Turn::default());
        assert_eq!(grid.due(), Mono::ZERO + ms(130));
    }

    #[test]
    fn a_slewed_clock_moves_the_deadline_without_a_second_use() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        turn(&mut grid, at(0, 0));
        // UTC fell back by 2 ms: slot 0 is ahead again, but has been used.
        assert_eq!(turn(&mut grid, at(1, -1)), Turn::default());
        assert_eq!(grid.due(), Mono::ZERO + ms(102));
    }

    #[test]
    fn an_early_use_takes_the_coming_slot_and_no_other() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        grid.follow(at(0, 10));
        assert_eq!(grid.turn(at(0, 10), ms(20)), Turn::default());
        grid.follow(at(75, 85));
        assert_eq!(
            grid.turn(at(75, 85), ms(20)).slot,
            Some(Mono::ZERO + ms(90))
        );
        assert_eq!(grid.due(), Mono::ZERO + ms(190));
    }

    #[test]
    fn a_shift_moves_the_next_slot_and_all_after_it() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        turn(&mut grid, at(0, 0));
        grid.shift(at(0, 0), -3 * MS);
        assert_eq!(grid.due(), Mono::ZERO + ms(97));
        // A step re-arms on the shifted grid.
        assert_eq!(turn(&mut grid, at(50, 7_000_020)), Turn::default());
        assert_eq!(grid.due(), Mono::ZERO + ms(50 + 77));
    }

    #[test]
    fn times_at_the_ends_of_the_range_do_not_overflow() {
        let mut grid = Grid::new(ms(100), Duration::ZERO);
        for utc in [i64::MIN, i64::MAX, 0] {
            let now = Now {
                mono: Mono::from_nanos(u64::MAX - 1),
                utc: Utc::from_unix_ns(utc),
            };
            turn(&mut grid, now);
            turn(
                &mut grid,
                Now {
                    mono: Mono::ZERO,
                    ..now
                },
            );
        }
    }
}
