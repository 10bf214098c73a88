//! SPAT as JSON, as cloud platforms and their edge boxes publish it: Huawei DRIS and OpenV2X.
//!
//! Over MQTT (`v2x/v1/rsu/{esn}/spat/up`, `v2x/v1/signalcontroller/{id}/spat/up`,
//! `V2X/RSU/{esn}/SPAT/UP`), UDP or TCP; what members are called is a [`Mapping`]. The values are
//! those of SPAT in YD/T 3709-2020. Rooms: [`wire`] (members and values), the decoder
//! here, and its mirror [`Emitter`].
//!
//! | member | unit in the message | unit in the report |
//! |---|---|---|
//! | phaseId | number | number of the lamp |
//! | light | 0 to 8, or the name in LightState | [`Light`](crate::report::Light) |
//! | counting | 0.1 s from now ([`Config::step`]) | ms, least, most, likely |
//! | utcTiming | 0.1 s in the UTC hour | the same, by our clock |
//! | status | 16 flags, from either end ([`Config::status`]) | [`ControlMode`] |
//! | timeStamp | ms or s of Unix time, or ISO 8601 | order and delay, never a date; whether `utcTiming` is used |
//!
//! # What platforms do, and what we make of it
//! Source: the examples of Huawei Cloud's DRIS documentation, not a recording. No recording of either
//! platform is public.
//! - The example has every time at 0 and a status of 6, which mean nothing together. An end of 0 is
//!   not known, unless the second before counted down to it; the status is used only where the
//!   configuration says from which end its bits are counted.
//! - Of several flags of the status the gravest counts; none at all ends what was said before. What
//!   stands beside "no valid SPAT" is not taken. The status is taken before the lamps beside it.
//! - `counting` and `utcTiming` stand side by side; the first that has an end counts. Tenths of the hour
//!   are those of a clock: where the stamps say that the platform's is ahead of ours, or more behind than a
//!   message may be under way, nobody knows whose hour is meant, and they are not used.
//! - Numbers come in quotes ("light":"3").
//! - Of several states of a phase, the one that starts now is the running one, else the first.
//! - Several intersections: the configured one is taken; without one, a message of several is refused.
//! - A broker delivers late what it held up, and a countdown that is late promises green that is
//!   over: a message that is later than the quickest of late by [`Config::max_delay`] is dropped, an
//!   older one than the last and the same one again too. What is late by less is as old as its stamp says:
//!   its countdown counts from then. This needs a stamp; without it, not. One stamp
//!   that is ahead of all others moves nothing, and a platform's clock that was set back is followed
//!   once four messages in a row, and at least 0.7 s of them, are late by the same.
//!
//! Reading allocates, bounded by the message: 64 KiB.

mod emitter;
#[cfg(test)]
mod tests;
pub mod wire;

use std::time::Duration;

pub use emitter::Emitter;
pub use wire::Mapping;

use self::wire::{Ends, Intersection, Phase};
use super::delay::{Delay, Stamped};
use super::json::{Piece, Splitter, fingerprint};
use super::{Carrier, Counts, FirstBit};
use crate::clock::{Now, Utc};
use crate::report::{Content, ControlMode, LampSpan, LampState, LampStates, Light};

/// How messages are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What the link hands over.
    pub carrier: Carrier,
    /// Take this intersection only: its node, and its region where that matters too.
    pub node: Option<u16>,
    /// See `node`.
    pub region: Option<u16>,
    /// What the members are called.
    pub mapping: Mapping,
    /// What a code of light means; a code beyond the list means nothing.
    pub lights: Vec<Light>,
    /// What a step of `counting` is.
    pub step: Duration,
    /// Where the first flag of the status is.
    pub status: Option<FirstBit>,
    /// A message that was under way for longer than the quickest by this is dropped.
    pub max_delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            carrier: Carrier::default(),
            node: None,
            region: None,
            mapping: Mapping::default(),
            lights: LIGHTS.to_vec(),
            step: Duration::from_millis(100),
            status: None,
            max_delay: Duration::from_secs(1),
        }
    }
}

/// LightState of YD/T 3709-2020, by code.
pub const LIGHTS: [Light; 9] = [
    Light::Unknown,
    Light::Dark,
    Light::FlashingRed,
    Light::Red,
    Light::FlashingGreen,
    Light::Green,
    Light::Green,
    Light::Yellow,
    Light::FlashingYellow,
];

/// Longest message.
const LONGEST: usize = 64 << 10;
/// A time that stood this low a moment ago may have come down to zero.
const NEARLY_OVER_MS: u32 = 1000;
/// Tenths in an hour.
const HOUR: i64 = 36_000;
/// Messages are compared with those of some five minutes.
const STRETCH: Duration = Duration::from_secs(10);
/// A platform's clock may seem to be so far ahead of ours, and behind it with what a message takes, for
/// its tenths of the hour to be ours.
const OUR_HOUR_S: std::ops::RangeInclusive<f64> = -0.1..=0.5;
/// An older message was overtaken if it is not older than this; beyond, the clock was set.
const OVERTAKEN_MS: i64 = 5000;

const REJECTED: [&str; 9] = {
    let [noise, too_long, too_deep, cut] = Piece::KINDS;
    [
        noise,
        too_long,
        too_deep,
        cut,
        "json",
        "no-intersections",
        "too-many-intersections",
        "several-intersections",
        "no-phases",
    ]
};
const IGNORED: [&str; 6] = [
    "other-intersection",
    "repeated",
    "out-of-order",
    "late",
    "clock-in-doubt",
    "not-valid",
];
const TOLERATED: [&str; 5] = [
    "phase-left-out",
    "duplicate-phase",
    "light-unknown",
    "no-stamp",
    "other-hour",
];

/// Messages of one controller to reports.
#[derive(Debug)]
pub struct Decoder {
    splitter: Splitter,
    ear: Ear,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            splitter: Splitter::new(config.carrier),
            ear: Ear {
                config,
                counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
                delay: Delay::over(STRETCH),
                last: None,
                heard: None,
                newest_ms: None,
                mode: ControlMode::Unknown,
                states: Box::default(),
                before: Box::default(),
            },
        }
    }

    /// Takes a message or the next bytes of a stream; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        let Self { splitter, ear } = self;
        splitter.push(arrived.mono, bytes, |piece| ear.hear(arrived, &piece, sink));
    }

    /// Forgets a half-received message; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.splitter.reset();
    }

    /// How far the device's clock is behind ours; see [`super::Decoder::clock_behind_s`].
    pub fn clock_behind_s(&self, now: Now) -> Option<f64> {
        self.ear.delay.behind_s(now)
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }
}

/// Messages to reports.
#[derive(Debug)]
struct Ear {
    config: Config,
    counts: Counts,
    delay: Delay,
    /// The fingerprint of the message that was taken before.
    last: Option<u64>,
    /// The same of the message before, taken or not.
    heard: Option<u64>,
    /// The newest stamp that is not alone with what it says.
    newest_ms: Option<i64>,
    mode: ControlMode,
    states: Box<LampStates>,
    /// The report before, to tell an end that is now from one that is not known.
    before: Box<LampStates>,
}

impl Ear {
    fn hear(&mut self, arrived: Now, piece: &Piece<'_>, sink: &mut dyn FnMut(Content)) {
        let bytes = match piece {
            Piece::Object(bytes) if bytes.len() <= LONGEST => bytes,
            Piece::Object(_) => return self.counts.reject("too-long"),
            other => return self.counts.reject(other.kind().unwrap_or("json")),
        };
        match wire::parse(bytes, &self.config.mapping) {
            Err(malformed) => self.counts.reject(malformed.kind()),
            Ok(all) => {
                let ours = all.iter().filter(|said| self.is_ours(said));
                let mut ours = ours.collect::<Vec<_>>().into_iter();
                match (ours.next(), ours.next()) {
                    (None, _) => self.counts.ignore("other-intersection"),
                    (Some(_), Some(_)) => self.counts.reject("several-intersections"),
                    (Some(said), None) => self.intersection(arrived, said, bytes, sink),
                }
            }
        }
    }

    fn is_ours(&self, said: &Intersection) -> bool {
        let fits = |wanted: Option<u16>, is: Option<u16>| wanted.is_none() || wanted == is;
        fits(self.config.node, said.node) && fits(self.config.region, said.region)
    }

    fn intersection(
        &mut self,
        arrived: Now,
        said: &Intersection,
        bytes: &[u8],
        sink: &mut dyn FnMut(Content),
    ) {
        let late = match self.out_of_time(arrived, said, bytes) {
            Ok(late) => late,
            Err(kind) => return self.counts.ignore(kind),
        };
        if said.phases.is_empty() {
            return self.counts.reject("no-phases");
        }
        let flags = self.flags(said);
        if flags.is_some_and(|flags| flags >> NO_VALID_SPAT & 1 != 0) {
            self.tell_mode(flags, sink);
            return self.counts.ignore("not-valid");
        }
        self.counts.tolerate_times("phase-left-out", said.left_out);
        std::mem::swap(&mut self.states, &mut self.before);
        self.states.lamps.clear();
        self.states.spans.clear();
        self.states.held_up = late;
        let hour = self.hour(arrived, said);
        // As of when it would have come, had nothing held it up.
        let due = arrived.utc - late;
        for phase in &said.phases {
            self.phase(hour.then_some(due), phase);
        }
        self.counts.accept();
        // First how it is run: what the lamps mean rests on it.
        self.tell_mode(flags, sink);
        self.counts.report();
        sink(Content::Lamps((*self.states).clone()));
    }

    /// How late a message is, or the kind under which it is dropped: too late, overtaken, or here a second
    /// time.
    fn out_of_time(
        &mut self,
        arrived: Now,
        said: &Intersection,
        bytes: &[u8],
    ) -> Result<Duration, &'static str> {
        let Some(stamp_ms) = said.stamp_ms else {
            self.counts.tolerate("no-stamp");
            return Ok(Duration::ZERO);
        };
        let ours_ms = arrived.utc.unix_ms();
        self.counts.note_clock(ours_ms.saturating_sub(stamp_ms));
        let fingerprint = fingerprint(bytes);
        if self.last == Some(fingerprint) {
            return Err("repeated");
        }
        let other = self.heard.replace(fingerprint) != Some(fingerprint);
        let stamped = self.delay.of(arrived.mono, stamp_ms, other);
        if stamped == Stamped::ClockSet {
            self.newest_ms = None;
        }
        let behind_ms = self
            .newest_ms
            .map_or(0, |newest| newest.saturating_sub(stamp_ms));
        if (1..=OVERTAKEN_MS).contains(&behind_ms) {
            return Err("out-of-order");
        }
        if stamped.late() > self.config.max_delay {
            return Err("late");
        }
        if let Stamped::InDoubt(_) = stamped {
            return Err("clock-in-doubt");
        }
        if stamped != Stamped::Ahead {
            self.newest_ms = Some(stamp_ms);
        }
        self.last = Some(fingerprint);
        Ok(stamped.late())
    }

    /// Whether tenths of the hour are those of our clock, as far as its stamps tell.
    fn hour(&mut self, arrived: Now, said: &Intersection) -> bool {
        let behind_s = said.stamp_ms.and(self.delay.behind_s(arrived));
        // Stamps that are cut down to whole seconds are up to one behind.
        let cut_s = if self.delay.is_whole() { 1.0 } else { 0.0 };
        let within =
            |behind_s: f64| *OUR_HOUR_S.start() <= behind_s && behind_s <= OUR_HOUR_S.end() + cut_s;
        let is_ours = behind_s.is_none_or(within);
        if !is_ours && said.phases.iter().any(|phase| phase.utc.is_some()) {
            self.counts.tolerate("other-hour");
        }
        is_ours
    }

    /// `due` is where its tenths of the hour count from; None where nobody knows.
    fn phase(&mut self, due: Option<Utc>, phase: &Phase) {
        let lamp = phase.id;
        if self.states.lamps.iter().any(|state| state.lamp == lamp) {
            return self.counts.tolerate("duplicate-phase");
        }
        let code = phase.light.map(usize::from);
        let light = code.and_then(|code| self.config.lights.get(code).copied());
        let light = light.unwrap_or(Light::Unknown);
        if light == Light::Unknown {
            self.counts.tolerate("light-unknown");
        }
        let span = match light {
            Light::Unknown => None,
            _ => self.span(due, lamp, light, phase),
        };
        let known_ms = span.and_then(|span| span.likely_ms);
        let seconds = known_ms.and_then(|ms| u16::try_from(ms.div_ceil(1000)).ok());
        // Neither list is longer than the other; the message's is no longer than either.
        self.states.lamps.push(LampState {
            lamp,
            light,
            countdown_s: seconds,
        });
        if let Some(span) = span {
            self.states.spans.push(span);
        }
    }

    fn span(&self, due: Option<Utc>, lamp: u16, light: Light, phase: &Phase) -> Option<LampSpan> {
        let counting = |steps: u16| {
            let ms = self.config.step.as_millis() * u128::from(steps);
            (steps < wire::UNKNOWN - 1).then(|| u32::try_from(ms).ok())?
        };
        let counted = phase.counting.map(|ends| ends.map(counting));
        let utc = phase.utc.zip(due);
        let utc = utc.map(|(ends, due)| ends.map(|tenth| left_ms(due, tenth)));
        let has_end = |ends: &Span| {
            ends.likely
                .or(ends.max)
                .or(ends.min)
                .is_some_and(|ms| ms > 0)
        };
        let ends = counted.filter(has_end).or(utc.filter(has_end));
        let ends = ends.or(counted.filter(|_| self.was_nearly_over(lamp, light)))?;
        // A bound that contradicts another is none.
        let min = ends
            .min
            .filter(|min| ends.max.is_none_or(|max| *min <= max));
        let max = ends.max.filter(|max| min.is_some() || *max > 0);
        let inside =
            |ms: &u32| min.is_none_or(|min| min <= *ms) && max.is_none_or(|max| *ms <= max);
        let likely = ends.likely.filter(inside);
        // Where both bounds agree, that is the end.
        let likely = likely.or(min.filter(|_| min == max));
        Some(LampSpan {
            lamp,
            min_ms: min,
            max_ms: max,
            likely_ms: likely,
        })
    }

    fn was_nearly_over(&self, lamp: u16, light: Light) -> bool {
        let before = self.before.lamps.iter().find(|state| state.lamp == lamp);
        let left = self.before.span(lamp).and_then(|span| span.likely_ms);
        before.is_some_and(|state| state.light == light)
            && left.is_some_and(|ms| ms <= NEARLY_OVER_MS)
    }

    /// The flags of the status, the first lowest; None where nobody knows from which end they count.
    fn flags(&self, said: &Intersection) -> Option<u16> {
        Some(match self.config.status? {
            FirstBit::Lowest => said.status?,
            FirstBit::Highest => said.status?.reverse_bits(),
        })
    }

    /// A status without a flag ends the mode before; a message without a status says nothing of it.
    fn tell_mode(&mut self, flags: Option<u16>, sink: &mut dyn FnMut(Content)) {
        let Some(mode) = flags.map(mode) else {
            return;
        };
        if mode != self.mode {
            self.mode = mode;
            self.counts.report();
            sink(Content::Mode(mode));
        }
    }
}

/// Least, most and likely, in ms.
#[derive(Clone, Copy, Debug)]
struct Span {
    min: Option<u32>,
    max: Option<u32>,
    likely: Option<u32>,
}

impl Ends {
    fn map(self, ms: impl Fn(u16) -> Option<u32>) -> Span {
        Span {
            min: self.min.and_then(&ms),
            max: self.max.and_then(&ms),
            likely: self.likely.and_then(&ms),
        }
    }
}

/// From a moment to the next one at which the UTC hour is so old; None for what is no time, or is over.
fn left_ms(from: Utc, tenth: u16) -> Option<u32> {
    if i64::from(tenth) >= HOUR {
        return None;
    }
    let hour_ms = HOUR * 100;
    let from_ms = from.unix_ms().rem_euclid(hour_ms);
    let left_ms = (i64::from(tenth) * 100 - from_ms).rem_euclid(hour_ms);
    // An end more than half an hour away is one that has just passed.
    u32::try_from(left_ms)
        .ok()
        .filter(|_| left_ms < hour_ms / 2)
}

/// Flag of IntersectionStatusObject: what stands beside it is not valid. Flags 10 to 12 are of a MAP, which
/// is not ours.
const NO_VALID_SPAT: u16 = 13;

/// The flags of IntersectionStatusObject, the gravest first.
fn mode(flags: u16) -> ControlMode {
    const FLAGS: [(u16, ControlMode); 10] = [
        (2, ControlMode::FaultFlash),
        (8, ControlMode::Fault),
        (9, ControlMode::Off),
        (7, ControlMode::Flash),
        (1, ControlMode::Stopped),
        (0, ControlMode::Manual),
        (3, ControlMode::Emergency),
        (4, ControlMode::BusPriority),
        (6, ControlMode::Actuated),
        (5, ControlMode::FixedTime),
    ];
    let set = FLAGS.iter().find(|(bit, _)| flags >> bit & 1 != 0);
    set.map_or(ControlMode::Unknown, |(_, mode)| *mode)
}
