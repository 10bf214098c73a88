//! What has been likely lately: from when on it is a warning, and when that is over.
//!
//! Not here: what is likely ([`super::pairs`]), and how long it has to be ([`super::patience`]).

use std::time::Duration;

use arrayvec::ArrayVec;

use super::patience::likely_for_s;
use super::{BY_TWO_LEAD_S, Change, Kind, LEAST_LEAD_S, MOST_CASES, Warning, Warnings};
use crate::clock::Mono;

/// Something that has been likely lately.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) warning: Warning,
    pub(super) begun: bool,
    /// Those whom it names are believed in.
    pub(super) believed: bool,
    pub(super) first_likely: Mono,
    pub(super) last_likely: Mono,
}

/// Something that one look shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// Who causes it, and whom it meets.
    pub(super) first: u8,
    pub(super) second: Option<u8>,
    /// It is believed from so long before on: one of the two may still be a false echo.
    pub(super) least_lead_s: f64,
    pub(super) probability: f64,
    pub(super) after_s: f64,
}

/// Evidence with longer gaps begins anew.
const LONGEST_GAP: Duration = Duration::from_millis(350);

impl Warnings {
    pub(super) fn note(&mut self, now: Mono, found: Found) {
        let Found {
            kind,
            first,
            second,
            least_lead_s,
            probability,
            after_s,
        } = found;
        let at = now.offset_by(after_s);
        let is_it = |case: &&mut Case| same(&case.warning, kind, first, second);
        if let Some(case) = self.cases.iter_mut().find(is_it) {
            if !case.begun && now.since(case.last_likely) > LONGEST_GAP {
                case.first_likely = now;
            }
            case.last_likely = now;
            if !case.believed && after_s >= least_lead_s {
                case.believed = true;
                // What was likely before counts, unless it is about to happen: that may be an echo.
                if after_s < BY_TWO_LEAD_S {
                    case.first_likely = now;
                }
            }
            (case.warning.at, case.warning.probability) = (at, probability);
            return;
        }
        let warning = Warning {
            kind,
            first,
            second,
            at,
            probability,
            since: now,
        };
        // Two who are about to touch have been so for a while, or one of them is an echo; and nobody can do
        // anything about it any more.
        if second.is_some() && after_s < LEAST_LEAD_S {
            return;
        }
        let case = Case {
            warning,
            begun: false,
            believed: after_s >= least_lead_s,
            first_likely: now,
            last_likely: now,
        };
        self.left_out += u64::from(self.cases.try_push(case).is_err());
    }

    pub(super) fn settle(&mut self, now: Mono) {
        self.named = [0; 4];
        let mut index = 0;
        while index < self.cases.len() {
            let case = &mut self.cases[index];
            let quiet = now.since(case.last_likely);
            if quiet >= self.config.over_after || !case.begun && quiet > LONGEST_GAP {
                let case = self.cases.swap_remove(index);
                if case.begun {
                    tell(&mut self.changes, Change::Over(case.warning));
                }
                continue;
            }
            let Warning {
                kind,
                at,
                probability,
                ..
            } = case.warning;
            let left_s = at.seconds_after(now);
            let likely_s = case.last_likely.seconds_after(case.first_likely);
            let lasting = likely_s >= likely_for_s(&self.config, kind, probability, left_s);
            if !case.begun && case.believed && lasting {
                case.begun = true;
                case.warning.since = now;
                tell(&mut self.changes, Change::Begun(case.warning));
            }
            if case.begun {
                for id in std::iter::once(case.warning.first).chain(case.warning.second) {
                    self.named[usize::from(id / 64)] |= 1 << (id % 64);
                }
            }
            index += 1;
        }
    }
}

/// The same two, whoever of them is called the first just now.
fn same(warning: &Warning, kind: Kind, first: u8, second: Option<u8>) -> bool {
    let straight = (warning.first, warning.second) == (first, second);
    let turned = (Some(warning.first), warning.second) == (second, Some(first));
    warning.kind == kind && (straight || turned)
}

/// The oldest change gives way.
fn tell(changes: &mut ArrayVec<Change, { 2 * MOST_CASES }>, change: Change) {
    if changes.is_full() {
        changes.remove(0);
    }
    changes.push(change);
}
