//! What is set for the phases of a controller (`phaseTable`), and how long by that the lights that are on
//! may last yet.
//!
//! | column of `phaseTable` | unit | what it is taken for |
//! |---|---|---|
//! | 2 phaseWalk, 3 phasePedestrianClear | s | a green that serves walkers lasts as long as both |
//! | 4 phaseMinimumGreen | s, 0 none | no green is shorter |
//! | 6 phaseMaximum1, 7 phaseMaximum2 | s, 0 none | no green is longer than the longer of the two |
//! | 8 phaseYellowChange | 0.1 s, 0 none | so long is a yellow |
//!
//! Which of the two maxima holds is not asked, so the later end is told. A greatest green counts from
//! when somebody waits elsewhere, and a coordinated plan may switch it off: who breaks it is found out and
//! not believed in it any more ([`crate::signals`]). Controllers with several sets of timings tell their
//! first set here, whichever runs; that shows in the same way.
//!
//! Where the columns are known from: `StandardMib.py` of the MMITSS project (University of Arizona),
//! `ntcip_oids.h` of CARMA Streets (US FHWA), and NTCIP 1202 as other public programs have it; they agree.
//! Not here: when is asked (the decoder), and what the lamps show.

use std::time::Duration;

use super::snmp::{GROUP, GROUPS, NO_SUCH_NAME, Place, Response, Table};
use super::wire::PHASES;
use crate::clock::Mono;
use crate::report::{LampSpan, LampStates, Light};

/// The columns that are asked for, each of a group of phases by itself: no answer is then longer than
/// those on the lamps.
const COLUMNS: [u8; 6] = [WALK, CLEARANCE, LEAST, GREATEST_1, GREATEST_2, YELLOW];
const WALK: u8 = 2;
const CLEARANCE: u8 = 3;
const LEAST: u8 = 4;
const GREATEST_1: u8 = 6;
const GREATEST_2: u8 = 7;
const YELLOW: u8 = 8;

/// People may set other times: all is asked anew so long after the last answer.
const RENEWED_AFTER: Duration = Duration::from_secs(60);
/// Who leaves so many questions in a row unanswered, and answers those after its lamps, knows no answer.
const MOST_UNANSWERED: u8 = 3;
/// A light that was not looked at for so long may be another one of the same colour.
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// One column of one group of phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sheet {
    column: usize,
    group: usize,
}

/// What is known of it, and how the asking goes.
#[derive(Debug)]
pub(super) struct Settings {
    /// By column and phase.
    values: [[Option<u16>; PHASES]; COLUMNS.len()],
    /// How many phases of each group are worth asking for; less than eight once the agent said so.
    rows: [[u8; GROUPS]; COLUMNS.len()],
    groups: usize,
    /// Which sheet comes next; all have been asked for in this round where it is past the last.
    next: usize,
    /// All have been answered once: a maximum that is not known is not there.
    is_whole: bool,
    renewed_at: Mono,
    asked: Option<(i32, Sheet)>,
    unanswered: u8,
    lights: [Option<Running>; PHASES],
    /// When the question was sent whose answer told the lamps last.
    looked_at: Option<Mono>,
}

/// A light that is on.
#[derive(Clone, Copy, Debug)]
struct Running {
    light: Light,
    /// Between which moments it began, if that was seen.
    began: Option<(Mono, Mono)>,
}

/// What an answer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Times of phases.
    Known,
    /// The agent has none of what was asked for.
    NotThere,
}

impl Settings {
    /// Of a controller with so many groups of phases.
    pub(super) fn new(groups: u8) -> Self {
        Self {
            values: Default::default(),
            rows: [[GROUP; GROUPS]; COLUMNS.len()],
            groups: usize::from(groups).min(GROUPS),
            next: 0,
            is_whole: false,
            renewed_at: Mono::ZERO,
            asked: None,
            unanswered: 0,
            lights: Default::default(),
            looked_at: None,
        }
    }

    /// Whether there is something to ask at `now`.
    pub(super) fn wants(&mut self, now: Mono) -> bool {
        if self.unanswered + u8::from(self.asked.is_some()) >= MOST_UNANSWERED {
            return false;
        }
        self.skip();
        if self.next < self.sheets() {
            return true;
        }
        let is_due = now.since(self.renewed_at) >= RENEWED_AFTER;
        if is_due {
            self.next = 0;
            self.skip();
        }
        is_due && self.next < self.sheets()
    }

    /// The values that question `request` asks for; call where it [`wants`](Self::wants) to ask. True
    /// where the question before was not answered.
    pub(super) fn ask(
        &mut self,
        request: i32,
    ) -> (impl Iterator<Item = Place> + Clone + use<>, bool) {
        let lost = self.asked.is_some();
        self.unanswered += u8::from(lost);
        let sheet = self.sheet();
        self.asked = Some((request, sheet));
        let first = sheet.group as u8 * GROUP + 1;
        let rows = self.rows[sheet.column][sheet.group];
        let phases = first..first + rows;
        let places = phases.map(move |phase| Place::setting(COLUMNS[sheet.column], phase));
        (places, lost)
    }

    /// Takes an answer; None where this was not asked.
    pub(super) fn take(&mut self, now: Mono, response: &Response) -> Option<Taken> {
        let (_, sheet) = self
            .asked
            .take_if(|(asked, _)| *asked == response.request)?;
        if ![0, NO_SUCH_NAME].contains(&response.error) {
            self.unanswered += 1;
            return Some(Taken::NotThere);
        }
        self.unanswered = 0;
        let first = sheet.group * usize::from(GROUP);
        let group = first..first + usize::from(GROUP);
        let rows = &mut self.rows[sheet.column][sheet.group];
        let taken = if response.error == NO_SUCH_NAME {
            // One that is not there spoils the whole question: those before it are asked for again.
            let before = u8::try_from(response.error_at.saturating_sub(1)).unwrap_or(0);
            *rows = before.min(rows.saturating_sub(1));
            Taken::NotThere
        } else {
            let values = &mut self.values[sheet.column];
            values[group.clone()].fill(None);
            for (place, value) in &response.values {
                let phase = usize::from(place.row).wrapping_sub(1);
                let (table, column) = (Table::Phases, COLUMNS[sheet.column]);
                if (place.table, place.column) == (table, column) && group.contains(&phase) {
                    values[phase] = Some(*value);
                }
            }
            if values[group].iter().any(Option::is_some) {
                self.next += 1;
                Taken::Known
            } else {
                *rows = 0;
                Taken::NotThere
            }
        };
        self.skip();
        if self.next >= self.sheets() {
            self.is_whole = true;
            self.renewed_at = now;
        }
        Some(taken)
    }

    /// Adds how long the lights in `states` may last yet, as far as is known; `asked_at` is when the
    /// question went out whose answer at `now` they are.
    pub(super) fn bound(&mut self, asked_at: Mono, now: Mono, states: &mut LampStates) {
        let since = self.looked_at.replace(asked_at);
        let since = since.filter(|since| now.since(*since) <= LONGEST_GAP);
        if since.is_none() {
            self.lights = Default::default();
        }
        for state in &states.lamps {
            let Some(phase) = usize::from(state.lamp).checked_sub(1) else {
                continue;
            };
            let Some(running) = self.lights.get_mut(phase) else {
                continue;
            };
            let began = match *running {
                Some(before) if before.light == state.light => before.began,
                Some(before) if before.light != Light::Unknown => since.map(|since| (since, now)),
                _ => None,
            };
            *running = Some(Running {
                light: state.light,
                began,
            });
            let Some(began) = began.filter(|_| self.is_whole) else {
                continue;
            };
            let (least, most) = self.lasts(phase, state.light);
            let left_ms = |end: Mono| {
                let left_ms = u32::try_from(end.since(now).as_millis()).ok()?;
                (left_ms > 0).then_some(left_ms)
            };
            let (min_ms, max_ms) = (
                least.and_then(|least| left_ms(began.0 + least)),
                most.and_then(|most| left_ms(began.1 + most)),
            );
            if min_ms.is_some() || max_ms.is_some() {
                // There is room for as many spans as lamps.
                let _ = states.spans.try_push(LampSpan {
                    lamp: state.lamp,
                    min_ms,
                    max_ms,
                    likely_ms: None,
                });
            }
        }
    }

    /// What was seen of lights is forgotten: somebody else tells of them now, or nobody.
    pub(super) fn look_away(&mut self) {
        self.looked_at = None;
    }

    /// An agent that was given up may have come back as another.
    pub(super) fn begin_anew(&mut self) {
        self.look_away();
        (self.asked, self.unanswered) = (None, 0);
    }

    /// How long a light of a phase lasts at least and at most.
    fn lasts(&self, phase: usize, light: Light) -> (Option<Duration>, Option<Duration>) {
        let value = |column: u8| {
            let column = COLUMNS.iter().position(|known| *known == column)?;
            self.values[column][phase].filter(|value| *value > 0)
        };
        let seconds = |s: u16| Duration::from_secs(s.into());
        match light {
            Light::Green => {
                let least = value(LEAST).map(seconds);
                let greatest = value(GREATEST_1).max(value(GREATEST_2)).map(seconds);
                let walkers = [WALK, CLEARANCE].map(|column| seconds(value(column).unwrap_or(0)));
                let walkers = walkers[0] + walkers[1];
                let greatest =
                    greatest.map(|most| most.max(walkers).max(least.unwrap_or_default()));
                (least, greatest)
            }
            Light::Yellow => {
                let lasts = value(YELLOW).map(|ds| Duration::from_millis(u64::from(ds) * 100));
                (lasts, lasts)
            }
            _ => (None, None),
        }
    }

    fn sheets(&self) -> usize {
        COLUMNS.len() * self.groups
    }

    /// All columns of the first group, then those of the second.
    fn sheet(&self) -> Sheet {
        Sheet {
            column: self.next % COLUMNS.len(),
            group: self.next / COLUMNS.len(),
        }
    }

    /// Passes over what the agent does not have.
    fn skip(&mut self) {
        while self.next < self.sheets() {
            let Sheet { column, group } = self.sheet();
            if self.rows[column][group] > 0 {
                break;
            }
            self.next += 1;
        }
    }
}
