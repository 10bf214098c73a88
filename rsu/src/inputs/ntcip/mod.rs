//! Signal controllers of the North American kind (NTCIP 1202): TSCBM broadcasts over UDP and, as a
//! fallback, polls of the phase status groups by SNMP.
//!
//! Rooms: [`wire`] (TSCBM), [`snmp`] (the poll), `lamps` (bit sets to lights), `settings` (what is set for
//! phases), `unit` (whether the junction flashes or is pre-empted), the decoder here, and its mirror [`Emitter`]. Both arrive on one socket and are told apart by
//! their first byte. A question is sent and forgotten: nobody waits for its answer, so a controller that
//! does not answer costs nothing but a count.
//!
//! | field | unit on the wire | unit in the report |
//! |---|---|---|
//! | reds, yellows, greens, flashing | bit a phase | [`Light`] of lamp n, the phase's number |
//! | don't walks, ped clears, walks | bit a phase | [`Light`] of lamp 100 + n; clearance is yellow |
//! | overlap reds, yellows, greens | bit an overlap | [`Light`] of lamp 200 + n |
//! | least and most time to change | 0.1 s, 0xFFFF not known | ms; whole seconds where both agree |
//! | SNMP phase status groups | 8 phases an integer | [`Light`], without countdowns, no overlaps |
//! | SNMP phase table | s, 0.1 s | least and most that is left of a green or a yellow, ms |
//! | SNMP unit, pre-emption | code | [`ControlMode`] |
//!
//! # What devices do, and what we make of it
//! Published datagrams of USDOT V2X-Hub (version 1, 241 bytes) and CARMA Streets (version 2, 245
//! bytes); no recording from a street, place and day are not told. SNMP was tried against an agent
//! of the library pysnmp and against snmpd of net-snmp.
//! - Times of unused phases are 0: two zeros are not known, unless the second before counted down to
//!   them. A "most" below the "least" is not known either.
//! - Least and most often differ (0 and 5.0 s, 5.0 and 39.0 s): then there is no countdown.
//! - A phase that was never lit is not reported. One that was, and has no lamp lit, is unknown.
//! - Two lights of one phase at once mean nothing but red with yellow; they are counted.
//! - The clock is a second of the day, of which zone nobody says: compared modulo 15 minutes, and
//!   only counted. As an order it serves: a datagram that is older than the one before by less than
//!   2 s is dropped, and so is one that repeats it, so that a frozen sender does not look fresh. By how
//!   much longer than others a datagram was on its way shows too, a tenth less, since the published
//!   ones tell tenths.
//! - What is set for the phases is asked for half way between two questions after the lamps, once the
//!   agent has answered one of those, a column of eight phases at a time, and again each minute. What it
//!   does not have is not asked for again; an agent that does not answer is asked three times.
//! - Whether the unit flashes or is pre-empted is asked a quarter of the way between two questions after the
//!   lamps, after each answer to one of those. What an agent says it does not have is not asked for again; one
//!   that has never answered is asked once a minute. While the unit flashes, its phases tell no lights.
//! - Where every phase that is lit flashes, the junction does: [`ControlMode::Flash`], until one is
//!   steady. A green that flashes means nothing.
//! - The status byte has eight flags, of which two public programs (MMITSS, and the `spat16` of a
//!   roadside unit) number the first as the highest bit and V2X-Hub as the lowest; the published
//!   datagrams do not decide between them. It is used only where the configuration says from which end
//!   its flags count ([`Config::status`]).
//!
//! Not here: SNMP SET (such as the one that switches broadcasts on), version 3, J2735 text mode.

mod emitter;
mod lamps;
#[cfg(test)]
mod recordings;
mod settings;
#[cfg(test)]
mod settings_tests;
pub mod snmp;
#[cfg(test)]
mod tests;
mod unit;
#[cfg(test)]
mod unit_tests;
pub mod wire;

use std::time::Duration;

pub use emitter::{Emitter, agent, has_lamp};
pub use lamps::{OVERLAP, PEDESTRIAN};

use self::lamps::{Memory, all_flash};
use self::settings::{Settings, Taken};
use self::unit::Unit;
use self::wire::Tscbm;
use super::delay::{Delay, Stamped};
use super::{Counts, FirstBit};
use crate::clock::{Mono, Now};
use crate::report::{Content, ControlMode, LampStates};

/// How a controller is listened to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Poll by SNMP while broadcasts are missing. None: only listen.
    pub fallback: Option<Fallback>,
    /// Where the first flag of the status byte is. None: it is not used.
    pub status: Option<FirstBit>,
}

/// How a silent controller is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Ask when no broadcast was understood for this long.
    pub after: Duration,
    /// And then this often; a question that is not answered by the next is given up.
    pub every: Duration,
    /// Which edition of SNMP.
    pub version: snmp::Version,
    /// The word that opens the agent for reading.
    pub community: String,
    /// Groups of eight phases, 1 or 2.
    pub groups: u8,
}

impl Default for Fallback {
    fn default() -> Self {
        Self {
            after: Duration::from_millis(1500),
            every: Duration::from_millis(500),
            version: snmp::Version::V2c,
            community: "public".to_owned(),
            groups: snmp::GROUPS as u8,
        }
    }
}

const REJECTED: [&str; 10] = [
    "noise",
    "tscbm-length",
    "tscbm-mark",
    "tscbm-phase-count",
    "snmp-encoding",
    "snmp-no-response",
    "snmp-community",
    "snmp-too-many",
    "snmp-error",
    "snmp-without-value",
];
const IGNORED: [&str; 5] = [
    "repeated",
    "out-of-order",
    "clock-in-doubt",
    "snmp-not-asked",
    "snmp-not-needed",
];
const TOLERATED: [&str; 10] = [
    "version-differs",
    "time-discontinuous",
    "clock-differs",
    "counter-gap",
    "phase-number",
    "lights-contradict",
    "unanswered-query",
    "snmp-part",
    "no-phase-times",
    "no-unit-state",
];

/// A clock further off than this is counted, modulo [`ZONE_S`].
const CLOCK_TOLERANCE_MS: i64 = 10_000;
/// Time zones are whole quarters of an hour apart.
const ZONE_S: i64 = 900;
/// An older datagram was overtaken if it is not older than this; beyond, the clock was set.
const OVERTAKEN_MS: i64 = 2000;
/// No line holds a datagram up for longer.
const LONGEST_HELD_UP: Duration = Duration::from_secs(2);
/// Datagrams are compared with those of the last half minute in which they came.
const STRETCH: Duration = Duration::from_secs(1);
const DAY_MS: i64 = 86_400_000;
/// Flags: the clock or the times have jumped.
const DISCONTINUOUS: u8 = 0b111;
/// Flags of the status byte, the gravest first. Flags 5 and 6 are of coordination.
const FLAGS: [(u8, ControlMode); 6] = [
    (2, ControlMode::FaultFlash),
    (7, ControlMode::Flash),
    (1, ControlMode::Stopped),
    (0, ControlMode::Manual),
    (3, ControlMode::Emergency),
    (4, ControlMode::BusPriority),
];
/// What its clock may have gone on since it last told another time.
const CLOCK_STEP: Duration = Duration::from_millis(100);

/// Bytes of one controller to reports.
#[derive(Debug)]
pub struct Decoder {
    fallback: Option<Fallback>,
    status: Option<FirstBit>,
    counts: Counts,
    memory: Memory,
    last: Option<Tscbm>,
    /// Stamp and counter of the datagram before, taken or not.
    heard: Option<(i64, u8)>,
    /// Of its day, the newest that is not alone with what it says.
    newest_ms: Option<i64>,
    delay: Delay,
    /// As it was told last.
    mode: ControlMode,
    heard_at: Option<Mono>,
    due: Option<Mono>,
    request: i32,
    /// The question after the lamps that is not answered yet, and when it was sent.
    outstanding: Option<(i32, Mono)>,
    settings: Box<Settings>,
    /// When what is set for phases is asked after next; never, while the lamps are not known.
    settings_due: Mono,
    unit: Unit,
    /// The same of how the controller is doing.
    unit_due: Mono,
    states: Box<LampStates>,
}

impl Decoder {
    /// Ready for the first datagram.
    pub fn new(config: Config) -> Self {
        let groups = config
            .fallback
            .as_ref()
            .map_or(0, |fallback| fallback.groups);
        Self {
            fallback: config.fallback,
            status: config.status,
            counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
            memory: Memory::default(),
            last: None,
            heard: None,
            newest_ms: None,
            delay: Delay::over(STRETCH),
            mode: ControlMode::Unknown,
            heard_at: None,
            due: None,
            request: 0,
            outstanding: None,
            settings: Box::new(Settings::new(groups)),
            settings_due: Mono::NEVER,
            unit: Unit::new(),
            unit_due: Mono::NEVER,
            states: Box::default(),
        }
    }

    /// Takes one datagram; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        match bytes.first() {
            Some(0xCD) => match wire::parse(bytes) {
                Ok(said) => self.broadcast(arrived, &said, sink),
                Err(malformed) => self.counts.reject(malformed.kind()),
            },
            Some(0x30) => self.response(arrived, bytes, sink),
            _ => self.counts.reject("noise"),
        }
    }

    /// What was heard before a pause orders nothing after it; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        (self.last, self.newest_ms) = (None, None);
        self.delay.forget();
        self.outstanding = None;
        self.settings.begin_anew();
        self.unit.look_away();
        (self.settings_due, self.unit_due) = (Mono::NEVER, Mono::NEVER);
    }

    /// Appends a question if broadcasts are missing; see [`super::Decoder::poll_query`].
    pub fn poll_query(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        let Some(fallback) = &self.fallback else {
            return false;
        };
        let heard_at = *self.heard_at.get_or_insert(now.mono);
        let missing_at = heard_at + fallback.after;
        let due = self.due.map_or(missing_at, |due| due.max(missing_at));
        if now.mono < due {
            self.due = Some(due);
            return self.ask_unit(now, out) || self.ask_settings(now, out);
        }
        if self.outstanding.is_some() {
            self.counts.tolerate("unanswered-query");
        }
        // From the plan, not from now, so that polls keep their pace; a long pause is not made up for.
        self.due = Some((due + fallback.every).max(now.mono));
        self.request = self.request.wrapping_add(1) & i32::MAX;
        self.outstanding = Some((self.request, now.mono));
        let community = fallback.community.as_bytes();
        let lamps = snmp::status(fallback.groups);
        snmp::ask(fallback.version, community, self.request, lamps, out);
        true
    }

    /// Appends a question after how the controller is doing, if its time has come.
    fn ask_unit(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        let Some(fallback) = self.fallback.as_ref().filter(|_| now.mono >= self.unit_due) else {
            return false;
        };
        self.unit_due = Mono::NEVER;
        self.request = self.request.wrapping_add(1) & i32::MAX;
        let (places, lost) = self.unit.ask(now.mono, self.request);
        if lost {
            self.counts.tolerate("unanswered-query");
        }
        let community = fallback.community.as_bytes();
        snmp::ask(fallback.version, community, self.request, places, out);
        true
    }

    /// Appends a question after what is set for phases, if its time has come.
    fn ask_settings(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        let Some(fallback) = self
            .fallback
            .as_ref()
            .filter(|_| now.mono >= self.settings_due)
        else {
            return false;
        };
        self.settings_due = Mono::NEVER;
        if !self.settings.wants(now.mono) {
            return false;
        }
        self.request = self.request.wrapping_add(1) & i32::MAX;
        let (places, lost) = self.settings.ask(self.request);
        if lost {
            self.counts.tolerate("unanswered-query");
        }
        let community = fallback.community.as_bytes();
        snmp::ask(fallback.version, community, self.request, places, out);
        true
    }

    /// When a question is due at the earliest; [`Mono::NEVER`] without [`Config::fallback`].
    pub fn poll_timeout(&self) -> Mono {
        match (&self.fallback, self.due) {
            (None, _) => Mono::NEVER,
            (Some(_), None) => Mono::ZERO,
            (Some(fallback), Some(due)) => self
                .heard_at
                .map_or(due, |heard_at| due.max(heard_at + fallback.after))
                .min(self.settings_due)
                .min(self.unit_due),
        }
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn broadcast(&mut self, arrived: Now, said: &Tscbm, sink: &mut dyn FnMut(Content)) {
        let ms = theirs_ms(said);
        if let Some(last) = &self.last
            && theirs_ms(last) == ms
            && last.counter == said.counter
        {
            return self.counts.ignore("repeated");
        }
        if said.flags & DISCONTINUOUS != 0 {
            self.delay.forget();
        }
        let fresh = (ms, said.counter);
        let other = self.heard.replace(fresh) != Some(fresh);
        let stamped = self.delay.of(arrived.mono, ms, other);
        if stamped == Stamped::ClockSet {
            self.newest_ms = None;
        }
        let later_ms = self
            .newest_ms
            .map_or(0, |newest_ms| later_by(ms, newest_ms));
        if (-OVERTAKEN_MS..0).contains(&later_ms) {
            return self.counts.ignore("out-of-order");
        }
        if matches!(stamped, Stamped::InDoubt(late) if late <= LONGEST_HELD_UP) {
            return self.counts.ignore("clock-in-doubt");
        }
        let follows = |last: &Tscbm| said.counter == last.counter.wrapping_add(1);
        if !self.last.as_ref().is_none_or(follows) {
            self.counts.tolerate("counter-gap");
        }
        if stamped != Stamped::Ahead {
            self.newest_ms = Some(ms);
        }
        self.note_quirks(arrived, said);
        self.last = Some(*said);
        self.heard_at = Some(arrived.mono);
        self.outstanding = None;
        // It tells of times itself.
        self.settings.look_away();
        self.unit.look_away();
        (self.settings_due, self.unit_due) = (Mono::NEVER, Mono::NEVER);
        self.states.lamps.clear();
        self.states.spans.clear();
        self.states.held_up = held_up(stamped);
        let quirks = self.memory.say(said, &mut self.states);
        self.counts
            .tolerate_times("lights-contradict", quirks.contradictions);
        self.counts
            .tolerate_times("phase-number", quirks.phase_numbers);
        self.counts.accept();
        self.tell_mode(self.mode_of(said), sink);
        self.tell(sink);
    }

    /// By its status, where somebody has said from which end that counts, and by its lamps.
    fn mode_of(&self, said: &Tscbm) -> ControlMode {
        let flags = match self.status {
            None => 0,
            Some(FirstBit::Lowest) => said.status,
            Some(FirstBit::Highest) => said.status.reverse_bits(),
        };
        let set = FLAGS.iter().find(|(bit, _)| flags >> bit & 1 != 0);
        match set.map(|(_, mode)| *mode) {
            Some(ControlMode::FaultFlash) => ControlMode::FaultFlash,
            _ if all_flash(&said.groups) => ControlMode::Flash,
            mode => mode.unwrap_or(ControlMode::Unknown),
        }
    }

    /// Before the lamps: what they mean rests on it.
    fn tell_mode(&mut self, mode: ControlMode, sink: &mut dyn FnMut(Content)) {
        if std::mem::replace(&mut self.mode, mode) != mode {
            self.counts.report();
            sink(Content::Mode(mode));
        }
    }

    fn note_quirks(&mut self, arrived: Now, said: &Tscbm) {
        let expected = if said.demand.is_some() { 2 } else { 1 };
        if said.version() != expected {
            self.counts.tolerate("version-differs");
        }
        if said.flags & DISCONTINUOUS != 0 {
            self.counts.tolerate("time-discontinuous");
        }
        let theirs_ms = theirs_ms(said);
        let zone_ms = ZONE_S * 1000;
        let off_ms = (arrived.utc.unix_ns() / 1_000_000 - theirs_ms).rem_euclid(zone_ms);
        // It tells the time of day in a zone that nobody names: to the nearest one.
        let nearest_ms = if off_ms > zone_ms / 2 {
            off_ms - zone_ms
        } else {
            off_ms
        };
        self.counts.note_clock(nearest_ms);
        if off_ms.min(zone_ms - off_ms) > CLOCK_TOLERANCE_MS {
            self.counts.tolerate("clock-differs");
        }
    }

    fn response(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        let Some(fallback) = &self.fallback else {
            return self.counts.ignore("snmp-not-asked");
        };
        let response = match snmp::parse(bytes, fallback.community.as_bytes()) {
            Ok(response) => response,
            Err(malformed) => return self.counts.reject(malformed.kind()),
        };
        if let Some(taken) = self.settings.take(arrived.mono, &response) {
            if taken == Taken::NotThere {
                self.counts.tolerate("no-phase-times");
            }
            return self.counts.accept();
        }
        if let Some(taken) = self.unit.take(arrived.mono, &response) {
            if taken == unit::Taken::NotThere {
                self.counts.tolerate("no-unit-state");
            }
            self.counts.accept();
            // It may say what the lamps do not, and does not wait for the next answer on those.
            return self.tell_mode(self.unit.mode(arrived.mono), sink);
        }
        let is_asked = |(request, _): &mut (i32, Mono)| *request == response.request;
        let Some((_, asked_at)) = self.outstanding.take_if(is_asked) else {
            return self.counts.ignore("snmp-not-asked");
        };
        // A broadcast that came in the meantime knows more.
        let fresh = |heard_at: Mono| arrived.mono.since(heard_at) < fallback.after;
        if self.last.is_some() && self.heard_at.is_some_and(fresh) {
            return self.counts.ignore("snmp-not-needed");
        }
        if response.error != 0 {
            return self.counts.reject("snmp-error");
        }
        if response.values.is_empty() {
            return self.counts.reject("snmp-without-value");
        }
        if response.without_value > 0 {
            self.counts.tolerate("snmp-part");
        }
        self.states.lamps.clear();
        self.states.spans.clear();
        self.states.held_up = Duration::ZERO;
        let quirks = self.memory.say_groups(&response.values, &mut self.states);
        self.counts
            .tolerate_times("lights-contradict", quirks.contradictions);
        self.settings
            .bound(asked_at, arrived.mono, &mut self.states);
        if self.settings.wants(arrived.mono) {
            self.settings_due = arrived.mono.max(asked_at + fallback.every / 2);
        }
        self.unit.lamps_told(arrived.mono);
        if self.unit.wants(arrived.mono) {
            self.unit_due = arrived.mono.max(asked_at + fallback.every / 4);
        }
        self.unit.mask(arrived.mono, &mut self.states);
        self.counts.accept();
        // These groups do not tell flashing from steady: that the unit does.
        self.tell_mode(self.unit.mode(arrived.mono), sink);
        self.tell(sink);
    }

    fn tell(&mut self, sink: &mut dyn FnMut(Content)) {
        self.counts.report();
        sink(Content::Lamps((*self.states).clone()));
    }
}

/// How much longer than others it was on its way, at least. What seems to be longer than any line holds
/// it up was stamped by a clock that has been set, or after midnight.
fn held_up(stamped: Stamped) -> Duration {
    let late = Some(stamped.late()).filter(|late| *late <= LONGEST_HELD_UP);
    late.unwrap_or_default().saturating_sub(CLOCK_STEP)
}

/// By how much one time of the day is later than another, around midnight too.
fn later_by(ms: i64, before_ms: i64) -> i64 {
    (ms - before_ms + DAY_MS / 2).rem_euclid(DAY_MS) - DAY_MS / 2
}

/// Milliseconds of the controller's day.
fn theirs_ms(said: &Tscbm) -> i64 {
    i64::from(said.second_of_day) * 1000 + i64::from(said.millisecond)
}
