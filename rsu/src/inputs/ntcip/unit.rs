//! How the controller as a whole is doing, where it is polled: whether the junction flashes, and whether
//! somebody pre-empts it.
//!
//! | object (1.3.6.1.4.1.1206.4.2.1...) | values | what they are taken for |
//! |---|---|---|
//! | `unitFlashStatus` (.3.6.0) | 2 not | - |
//! | | 3 automatic, 4 by hand, 7 start | [`ControlMode::Flash`] |
//! | | 5 fault monitor, 6 malfunction unit | [`ControlMode::FaultFlash`] |
//! | | 8 pre-emption | [`ControlMode::Flash`] |
//! | `preemptState` (.6.2.1.16.n) | 4 entry, 5 track, 6 dwell, 7 link, 8 exit | [`ControlMode::Emergency`] |
//! | | 2 not, 3 only called for, 9 held too long | - |
//!
//! 1 is "other" of both and means nothing. While the junction flashes it is the cabinet that drives its
//! lamps: what the groups of phases tell then is not what they show, and is not told.
//!
//! Where names and values are known from: NTCIP 1202 as compiled for pysnmp, and the values again in the
//! programs of two others (`NTCIPPreempt` of UDOT's ATSPM watchdog, `UnitFlashStatus` and `PreemptState` of
//! Econolite's status service); they agree. Not from a controller on a street. Not here: when is asked (the
//! decoder).

use std::time::Duration;

use super::snmp::{MAX_VALUES, NO_SUCH_NAME, Place, Response, Table};
use crate::clock::Mono;
use crate::report::{ControlMode, LampStates, Light};

/// `unitFlashStatus`.
const FLASH: Place = Place {
    table: Table::Unit,
    column: 6,
    row: 0,
};
/// `preemptState`, a column of `preemptTable`.
const PREEMPT_STATE: u8 = 16;
/// So many ways to pre-empt are asked for; with the flashing as many values as any answer has room for.
const PREEMPTS: u8 = 10;
const _: () = assert!((PREEMPTS as usize) < MAX_VALUES);

/// What was said holds for so long: some questions in a row may be lost.
const HOLDS: Duration = Duration::from_secs(5);
/// Who has never answered, and leaves so many questions in a row unanswered, is asked seldom.
const MOST_UNANSWERED: u8 = 3;
/// That is, so often.
const SELDOM: Duration = Duration::from_secs(60);

/// What is known of the controller, and how the asking goes.
#[derive(Debug)]
pub(super) struct Unit {
    /// It knows whether it flashes, as far as anybody knows.
    has_flash: bool,
    /// So many ways to pre-empt it knows, at most.
    preempts: u8,
    has_answered: bool,
    unanswered: u8,
    asked: Option<(i32, Mono)>,
    /// When it last told its lamps.
    lamps_at: Option<Mono>,
    /// What it said last, and when.
    said: Option<(ControlMode, Mono)>,
}

/// What an answer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It says how it is doing.
    Known,
    /// The agent lacks what was asked for, or a part of it.
    NotThere,
}

impl Unit {
    pub(super) fn new() -> Self {
        Self {
            has_flash: true,
            preempts: PREEMPTS,
            has_answered: false,
            unanswered: 0,
            asked: None,
            lamps_at: None,
            said: None,
        }
    }

    /// It has told its lamps: a question of our own may follow. One that did not for long may have become
    /// another since.
    pub(super) fn lamps_told(&mut self, now: Mono) {
        let lately = |at: Mono| now.since(at) <= HOLDS;
        if !self.lamps_at.is_some_and(lately) {
            *self = Self::new();
        }
        self.lamps_at = Some(now);
    }

    /// Whether there is something to ask at `now`.
    pub(super) fn wants(&self, now: Mono) -> bool {
        if !self.has_flash && self.preempts == 0 {
            return false;
        }
        let unanswered = self.unanswered + u8::from(self.asked.is_some());
        // One that has answered lost its answers on the way: whether it flashes matters too much.
        if self.has_answered || unanswered < MOST_UNANSWERED {
            return true;
        }
        self.asked
            .is_none_or(|(_, asked_at)| now.since(asked_at) >= SELDOM)
    }

    /// The values that question `request` asks for; call where it [`wants`](Self::wants) to ask. True
    /// where the question before was not answered.
    pub(super) fn ask(
        &mut self,
        now: Mono,
        request: i32,
    ) -> (impl Iterator<Item = Place> + Clone + use<>, bool) {
        let lost = self.asked.replace((request, now)).is_some();
        self.unanswered = self.unanswered.saturating_add(u8::from(lost));
        let flash = self.has_flash.then_some(FLASH);
        let preempts = (1..=self.preempts).map(preempt);
        (flash.into_iter().chain(preempts), lost)
    }

    /// Takes an answer; None where this was not asked.
    pub(super) fn take(&mut self, now: Mono, response: &Response) -> Option<Taken> {
        self.asked
            .take_if(|(request, _)| *request == response.request)?;
        match response.error {
            0 => {}
            NO_SUCH_NAME => {
                self.answered();
                self.lacks(response.error_at);
                return Some(Taken::NotThere);
            }
            _ => {
                self.unanswered = self.unanswered.saturating_add(1);
                return Some(Taken::NotThere);
            }
        }
        self.answered();
        let value = |at: Place| {
            let mut values = response.values.iter();
            values.find(|(place, _)| *place == at).map(|(_, v)| *v)
        };
        let flash = value(FLASH);
        let preempts = (1..=self.preempts).map(|row| value(preempt(row)));
        let last = preempts.clone().rposition(|state| state.is_some());
        let is_preempted = preempts.flatten().any(is_active);
        let lacked = (self.has_flash, self.preempts);
        self.has_flash = flash.is_some();
        self.preempts = last.map_or(0, |last| last as u8 + 1);
        if !self.has_flash && self.preempts == 0 {
            self.said = None;
            return Some(Taken::NotThere);
        }
        let mode = flash.map_or(ControlMode::Unknown, flashes);
        let mode = match mode {
            ControlMode::Unknown if is_preempted => ControlMode::Emergency,
            mode => mode,
        };
        self.said = Some((mode, now));
        let lacks = lacked != (self.has_flash, self.preempts);
        Some(if lacks { Taken::NotThere } else { Taken::Known })
    }

    /// How it is run, as far as it has said so lately.
    pub(super) fn mode(&self, now: Mono) -> ControlMode {
        let holds = |(_, at): &(ControlMode, Mono)| now.since(*at) <= HOLDS;
        let said = self.said.filter(holds);
        said.map_or(ControlMode::Unknown, |(mode, _)| mode)
    }

    /// Takes the lights away where the phases do not drive the lamps.
    pub(super) fn mask(&self, now: Mono, states: &mut LampStates) {
        if matches!(self.mode(now), ControlMode::Flash | ControlMode::FaultFlash) {
            states.spans.clear();
            for state in &mut states.lamps {
                (state.light, state.countdown_s) = (Light::Unknown, None);
            }
        }
    }

    /// Somebody else tells of it now, or nobody.
    pub(super) fn look_away(&mut self) {
        *self = Self::new();
    }

    fn answered(&mut self) {
        (self.has_answered, self.unanswered) = (true, 0);
    }

    /// Of version 1: the value asked for there, from 1, is not there and has spoilt the whole answer.
    fn lacks(&mut self, at: i64) {
        let of_preempts = at - i64::from(self.has_flash);
        if of_preempts == 0 && self.has_flash {
            self.has_flash = false;
            return;
        }
        // What stands behind it is not there either. An agent that does not say where it stands has nothing.
        let left = u8::try_from(of_preempts - 1).unwrap_or(0);
        self.has_flash &= at > 0;
        self.preempts = left.min(self.preempts.saturating_sub(1));
    }
}

fn preempt(row: u8) -> Place {
    Place {
        table: Table::Preempts,
        column: PREEMPT_STATE,
        row,
    }
}

fn is_active(state: u16) -> bool {
    (4..=8).contains(&state)
}

fn flashes(status: u16) -> ControlMode {
    match status {
        3 | 4 | 7 | 8 => ControlMode::Flash,
        5 | 6 => ControlMode::FaultFlash,
        _ => ControlMode::Unknown,
    }
}
