//! Receivers of satellite navigation: NMEA 0183 on a serial line, or JSON of gpsd.
//!
//! For health only. The site's origin is surveyed and the system keeps its own clock (by chrony or the
//! like): what a receiver says is compared with both and told to the operator, and changes neither.
//! Rooms: [`wire`] (sentences), `gpsd` (its JSON), the decoder here, its mirror [`Emitter`].
//!
//! | sentence: field | unit on the wire | unit in the report |
//! |---|---|---|
//! | RMC, ZDA: date and time | UTC | [`Receiver::utc`], and the difference to ours in s |
//! | RMC, GGA: place | degree and minute | degree, and m from the site's origin |
//! | GGA: quality | 0 none, 1 alone, 2 differential, 4 RTK, 5 float | [`Fix`] |
//! | GSA: mode | 1 none, 2 level, 3 with height | [`Fix`] |
//! | GGA: satellites, HDOP | number | the same |
//! | GSV: satellites in view | number a system | their sum |
//! | gpsd TPV: mode, status, time, lat, lon; SKY: uSat, nSat, hdop | as named | the same |
//!
//! # What receivers do, and what we make of it
//! Recordings (gpsd's regression tests, with gpsd's own reading beside them): a BeiDou module in
//! Shanghai, an RTK receiver of 10 Hz, a Quectel L76K, a u-blox 8.
//! - BeiDou speaks as BD or GB; all talkers are heard alike. GNS sentences with long modes and maker's
//!   sentences are passed over and counted.
//! - The place comes with RMC and GGA, the date with RMC or ZDA. One report a time of day, on RMC, or
//!   on GGA where no RMC comes; so the first GGA of a pair waits for nothing.
//! - A sentence arrives up to a second after its moment, so a difference of the clocks below 1.5 s
//!   means nothing; a real one is told by the kernel's own clock state, which gates what claims a time.
//! - Receivers before their first fix tell dates of years ago: a time without a fix is not compared.
//! - At midnight GGA comes before whoever tells the new date: a time of day that is long before that of the date
//!   is of the day after. The sixtieth second of a leap second is the first of the next day, as the system has it.
//! - What was known is forgotten with the link: whoever is connected next may be another.

mod gpsd;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;
pub mod wire;

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::EnuFrame;

use self::wire::Sentence;
use super::json::{Piece, Splitter};
use super::{Carrier, Counts, objects};
use crate::clock::{Mono, Now, Utc};
use crate::report::{Content, Fix, Receiver};

/// How a receiver is listened to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What it speaks.
    pub form: Form,
    /// The site's frame, whose origin is where the receiver stands.
    pub frame: EnuFrame,
    /// A place farther from the origin than this is counted.
    pub max_offset_m: f64,
    /// A clock further off than this is counted.
    pub max_clock_error_s: f64,
}

/// What a receiver speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// NMEA 0183.
    #[default]
    Nmea,
    /// JSON of gpsd, which must be asked for it.
    Gpsd,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            form: Form::Nmea,
            frame: objects::nowhere(),
            max_offset_m: 50.0,
            max_clock_error_s: 1.5,
        }
    }
}

const REJECTED: [&str; 7] = {
    let [noise, too_long, too_deep, cut] = Piece::KINDS;
    [
        noise, too_long, too_deep, cut, "sentence", "checksum", "json",
    ]
};
const IGNORED: [&str; 2] = ["other-sentence", "other-class"];
const TOLERATED: [&str; 4] = ["no-fix", "clock-differs", "place-differs", "date-unknown"];

/// How gpsd is asked for what it knows.
const WATCH: &[u8] = b"?WATCH={\"enable\":true,\"json\":true};\n";
/// Without RMC for so many GGA, GGA is reported on.
const PATIENCE: u8 = 3;
/// Receivers tell their satellites each second, or each five.
const IN_VIEW_FOR: Duration = Duration::from_secs(15);
const DAY_MS: u32 = 86_400_000;
/// No sentence is so much older than another before it.
const LONG_BEFORE_MS: u32 = 3_600_000;

/// Bytes of one receiver to reports.
#[derive(Debug)]
pub struct Decoder {
    line: ArrayVec<u8, { wire::LONGEST }>,
    in_noise: bool,
    splitter: Splitter,
    asked: bool,
    ear: Ear,
}

impl Decoder {
    /// Ready for the first byte.
    pub fn new(config: Config) -> Self {
        Self {
            line: ArrayVec::new(),
            in_noise: false,
            splitter: Splitter::new(Carrier::Stream),
            asked: false,
            ear: Ear {
                config,
                counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
                known: Receiver::default(),
                date: None,
                off_sky: false,
                lonely: 0,
                in_view: ArrayVec::new(),
            },
        }
    }

    /// Takes the next bytes of the stream; see [`super::Decoder::push`].
    pub fn push(&mut self, arrived: Now, bytes: &[u8], sink: &mut dyn FnMut(Content)) {
        let Self { splitter, ear, .. } = self;
        match ear.config.form {
            Form::Gpsd => splitter.push(arrived.mono, bytes, |piece| {
                ear.object(arrived, &piece, sink);
            }),
            Form::Nmea => bytes
                .iter()
                .for_each(|byte| self.byte(arrived, *byte, sink)),
        }
    }

    /// Forgets a half-received line and asks anew; see [`super::Decoder::link_restarted`].
    pub fn link_restarted(&mut self) {
        self.line.clear();
        self.splitter.reset();
        self.asked = false;
        self.ear.known = Receiver::default();
        self.ear.date = None;
        self.ear.off_sky = false;
        self.ear.in_view.clear();
    }

    /// Asks gpsd once a connection; see [`super::Decoder::poll_query`].
    pub fn poll_query(&mut self, _now: Now, out: &mut Vec<u8>) -> bool {
        let asks = self.ear.config.form == Form::Gpsd && !std::mem::replace(&mut self.asked, true);
        if asks {
            out.extend(WATCH);
        }
        asks
    }

    /// At once where gpsd is to be asked.
    pub fn poll_timeout(&self) -> Mono {
        match (self.ear.config.form, self.asked) {
            (Form::Gpsd, false) => Mono::ZERO,
            _ => Mono::NEVER,
        }
    }

    /// What was understood, and what was not and why.
    pub fn counts(&self) -> &Counts {
        &self.ear.counts
    }

    fn byte(&mut self, arrived: Now, byte: u8, sink: &mut dyn FnMut(Content)) {
        match byte {
            b'$' => {
                if !self.line.is_empty() {
                    self.ear.counts.reject("cut");
                }
                self.line.clear();
                self.line.push(byte);
                self.in_noise = false;
            }
            b'\r' | b'\n' => {
                if !self.line.is_empty() {
                    self.ear.sentence(arrived, &self.line, sink);
                    self.line.clear();
                }
                self.in_noise = false;
            }
            _ if self.line.is_empty() => {
                if !std::mem::replace(&mut self.in_noise, true) {
                    self.ear.counts.reject("noise");
                }
            }
            _ => {
                if self.line.try_push(byte).is_err() {
                    self.ear.counts.reject("too-long");
                    self.line.clear();
                    self.in_noise = true;
                }
            }
        }
    }
}

/// Sentences and objects to reports.
#[derive(Debug)]
struct Ear {
    config: Config,
    counts: Counts,
    known: Receiver,
    /// Midnight of the last RMC or ZDA, and the time of day at which it said so.
    date: Option<(Utc, u32)>,
    /// The last GGA told a place that is none of the sky: not every RMC says how it came by its own.
    off_sky: bool,
    /// GGA since the last RMC.
    lonely: u8,
    /// Satellites in view, by the first letters of the talker, and when it said so.
    in_view: ArrayVec<([u8; 2], u8, Mono), 8>,
}

impl Ear {
    fn sentence(&mut self, arrived: Now, line: &[u8], sink: &mut dyn FnMut(Content)) {
        let said = match wire::parse(line) {
            Ok(said) => said,
            Err(wire::Malformed::Form) => return self.counts.reject("sentence"),
            Err(wire::Malformed::Checksum) => return self.counts.reject("checksum"),
        };
        if said.talker == "P" {
            return self.counts.ignore("other-sentence");
        }
        match said.kind {
            "RMC" => {
                self.counts.accept();
                self.lonely = 0;
                self.rmc(&said);
                self.tell(arrived, sink);
            }
            "GGA" => {
                self.counts.accept();
                self.gga(&said);
                self.lonely = self.lonely.saturating_add(1);
                if self.lonely > PATIENCE {
                    self.tell(arrived, sink);
                }
            }
            "ZDA" => {
                self.counts.accept();
                let year = said.number(4).filter(|y| (1980.0..2200.0).contains(y));
                if let (Some(day), Some(month), Some(year)) = (said.whole(2), said.whole(3), year) {
                    self.note_date((year as i32, month, day), said.time_of_day_ms(1));
                }
            }
            "GSA" => {
                self.counts.accept();
                if let Some(mode @ 1..=3) = said.whole(2) {
                    self.known.height_known = mode == 3;
                }
            }
            "GSV" => {
                self.counts.accept();
                self.gsv(arrived.mono, &said);
            }
            _ => self.counts.ignore("other-sentence"),
        }
    }

    fn rmc(&mut self, said: &Sentence<'_>) {
        // Reckoned on, typed in by hand, simulated: no fix of the sky.
        let of_sky = !matches!(said.field(12), "E" | "M" | "S") && !self.off_sky;
        let valid = said.field(2) == "A" && of_sky;
        let time_of_day_ms = said.time_of_day_ms(1);
        if let Some(date) = wire::date(said.field(9)) {
            self.note_date(date, time_of_day_ms);
        }
        self.known.utc = self.moment(time_of_day_ms);
        self.known.place_deg = said.place(3).filter(|_| valid);
        match (valid, self.known.fix) {
            (false, _) => self.known.fix = Fix::None,
            // GGA knows better, where it comes.
            (true, Fix::None) => self.known.fix = Fix::Alone,
            (true, _) => {}
        }
    }

    fn gga(&mut self, said: &Sentence<'_>) {
        self.known.utc = self.moment(said.time_of_day_ms(1));
        self.known.fix = match said.whole(6) {
            Some(1) => Fix::Alone,
            Some(2 | 3) => Fix::Differential,
            Some(4) => Fix::Rtk,
            Some(5) => Fix::RtkFloat,
            // 6 is dead reckoning, 7 typed in by hand, 8 simulated: no fix of the sky.
            _ => Fix::None,
        };
        self.off_sky = matches!(said.whole(6), Some(6..=8));
        let fixed = self.known.fix != Fix::None;
        self.known.place_deg = said.place(2).filter(|_| fixed);
        self.known.satellites_used = said.whole(7);
        self.known.hdop = said.number(8).filter(|_| fixed);
    }

    fn gsv(&mut self, at: Mono, said: &Sentence<'_>) {
        let Some(count) = said.whole(3) else { return };
        let talker = match *said.talker.as_bytes() {
            [a, b] => [a, b],
            _ => return,
        };
        // Of a system that is not seen any more nothing is said.
        self.in_view
            .retain(|(who, _, told)| *who != talker && at.since(*told) < IN_VIEW_FOR);
        // More systems than there are: not of this sky.
        let _ = self.in_view.try_push((talker, count, at));
        let sum = self.in_view.iter().map(|(_, n, _)| u16::from(*n));
        let sum = sum.sum::<u16>();
        self.known.satellites_in_view = Some(u8::try_from(sum).unwrap_or(u8::MAX));
    }

    fn note_date(&mut self, (year, month, day): (i32, u8, u8), time_of_day_ms: Option<u32>) {
        let midnight = wire::utc(year, month, day, 0);
        self.date = midnight.zip(time_of_day_ms).or(self.date);
    }

    fn moment(&self, time_of_day_ms: Option<u32>) -> Option<Utc> {
        let ((midnight, told_ms), now_ms) = (self.date?, time_of_day_ms?);
        let is_next_day = now_ms.saturating_add(LONG_BEFORE_MS) < told_ms;
        let day_ms = if is_next_day { DAY_MS } else { 0 };
        Some(midnight + Duration::from_millis(u64::from(day_ms + now_ms)))
    }

    fn object(&mut self, arrived: Now, piece: &Piece<'_>, sink: &mut dyn FnMut(Content)) {
        let bytes = match piece {
            Piece::Object(bytes) => bytes,
            other => return self.counts.reject(other.kind().unwrap_or("json")),
        };
        let Ok(said) = gpsd::parse(bytes) else {
            return self.counts.reject("json");
        };
        match said.class.as_deref() {
            Some("TPV") => {
                self.counts.accept();
                said.tpv(&mut self.known);
                self.tell(arrived, sink);
            }
            Some("SKY") => {
                self.counts.accept();
                said.sky(&mut self.known);
            }
            _ => self.counts.ignore("other-class"),
        }
    }

    fn tell(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        let known = &mut self.known;
        let fixed = known.fix != Fix::None;
        known.clock_ahead_s = known.utc.filter(|_| fixed).map(|theirs| {
            let off_ns = arrived.utc.unix_ns().saturating_sub(theirs.unix_ns());
            off_ns as f64 * 1e-9
        });
        let place = known.place_deg;
        let place = place.and_then(|(lat, lon)| objects::place_of(&self.config.frame, lat, lon));
        known.offset_m = place.map(|(east_m, north_m)| east_m.hypot(north_m));
        if !fixed {
            self.counts.tolerate("no-fix");
        } else if known.utc.is_none() {
            self.counts.tolerate("date-unknown");
        }
        let most_s = self.config.max_clock_error_s;
        if known.clock_ahead_s.is_some_and(|s| s.abs() > most_s) {
            self.counts.tolerate("clock-differs");
        }
        if known.offset_m.is_some_and(|m| m > self.config.max_offset_m) {
            self.counts.tolerate("place-differs");
        }
        self.counts.report();
        sink(Content::Receiver(*known));
    }
}

/// The decoder's mirror: a receiver that speaks NMEA. The simulator drives it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emitter;

impl Emitter {
    /// Appends the GGA and RMC of a moment; without a place, those of a receiver without a fix.
    pub fn epoch(self, utc: Utc, place_deg: Option<(f64, f64)>, out: &mut Vec<u8>) {
        let text = utc.to_string();
        let digits: Vec<&str> = text.split(['-', 'T', ':', 'Z', '.']).collect();
        let part = |n: usize| digits.get(n).copied().unwrap_or("00");
        let time = format!("{}{}{}.{:0<3.3}", part(3), part(4), part(5), part(6));
        let date = format!("{}{}{}", part(2), part(1), part(0).get(2..).unwrap_or("00"));
        let half = |degrees: f64, width: usize| {
            let (whole, minutes) = (degrees.abs().floor(), degrees.abs().fract() * 60.0);
            format!("{whole:0width$}{minutes:010.7}")
        };
        let sign = |degrees: f64, plus: &'static str, minus: &'static str| {
            if degrees < 0.0 { minus } else { plus }
        };
        let place = match place_deg {
            Some((lat, lon)) => [
                half(lat, 2),
                sign(lat, "N", "S").to_owned(),
                half(lon, 3),
                sign(lon, "E", "W").to_owned(),
            ],
            None => Default::default(),
        };
        let [a, b, c, d] = [&place[0], &place[1], &place[2], &place[3]].map(String::as_str);
        let (quality, valid) = if place_deg.is_some() {
            ("1", "A")
        } else {
            ("0", "V")
        };
        let gga = [
            &time, a, b, c, d, quality, "09", "0.9", "4.0", "M", "9.0", "M", "", "",
        ];
        wire::emit("GNGGA", &gga, out);
        let rmc = [&time, valid, a, b, c, d, "0.00", "", &date, "", "", "A"];
        wire::emit("GNRMC", &rmc, out);
    }
}
