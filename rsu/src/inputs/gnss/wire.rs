//! Sentences of NMEA 0183: `$`, fields between commas, `*`, two digits of checksum. Stateless.

use arrayvec::ArrayVec;
use v2x_msg::base::{Civil, Utc};

/// Longest sentence, from `$` to the checksum; the standard has 82, receivers have more.
pub const LONGEST: usize = 128;
/// Most fields; GSV with signal ids has 21, some GSA more.
const MOST_FIELDS: usize = 32;

/// Why a line is no sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// No `$`, no `*`, other bytes than text, or too many fields.
    Form,
    /// The checksum differs.
    Checksum,
}

/// One sentence whose checksum is right.
#[derive(Clone, Debug)]
pub struct Sentence<'a> {
    /// Who speaks: `GP` GPS, `BD` and `GB` BeiDou, `GN` several; or a maker's mark.
    pub talker: &'a str,
    /// What it says: `RMC`, `GGA`.
    pub kind: &'a str,
    fields: ArrayVec<&'a str, MOST_FIELDS>,
}

/// Reads one line without its end.
///
/// # Errors
/// See [`Malformed`].
pub fn parse(line: &[u8]) -> Result<Sentence<'_>, Malformed> {
    let text = str::from_utf8(line).map_err(|_| Malformed::Form)?;
    let body = text.strip_prefix('$').ok_or(Malformed::Form)?;
    let (body, sum) = body.split_once('*').ok_or(Malformed::Form)?;
    let stated = u8::from_str_radix(sum.trim_end(), 16).map_err(|_| Malformed::Form)?;
    if checksum(body) != stated {
        return Err(Malformed::Checksum);
    }
    let mut parts = body.split(',');
    let head = parts.next().unwrap_or_default();
    if !head.is_ascii() || head.len() < 4 {
        return Err(Malformed::Form);
    }
    let (talker, kind) = head.split_at(if head.starts_with('P') { 1 } else { 2 });
    let mut fields = ArrayVec::new();
    for part in parts {
        fields.try_push(part).map_err(|_| Malformed::Form)?;
    }
    Ok(Sentence {
        talker,
        kind,
        fields,
    })
}

/// Appends a sentence: what [`parse`] reads again.
pub fn emit(head: &str, fields: &[&str], out: &mut Vec<u8>) {
    let body = format!("{head},{}", fields.join(","));
    out.extend(format!("${body}*{:02X}\r\n", checksum(&body)).bytes());
}

fn checksum(body: &str) -> u8 {
    body.bytes().fold(0, |sum, byte| sum ^ byte)
}

impl Sentence<'_> {
    /// A field, from 1 as the standard counts them behind the head; empty where it is not there.
    pub fn field(&self, number: usize) -> &str {
        let place = number.wrapping_sub(1);
        self.fields.get(place).copied().unwrap_or_default()
    }

    /// A field as a number.
    pub fn number(&self, number: usize) -> Option<f64> {
        let value: f64 = self.field(number).parse().ok()?;
        value.is_finite().then_some(value)
    }

    /// A field as a small whole number.
    pub fn whole(&self, number: usize) -> Option<u8> {
        self.field(number).parse().ok()
    }

    /// Degrees from the four fields of a place: ddmm.mmm, N or S, dddmm.mmm, E or W.
    pub fn place(&self, first: usize) -> Option<(f64, f64)> {
        let half = |value: usize, signs: [&str; 2], most: f64| {
            let number = self.number(value).filter(|n| *n >= 0.0)?;
            let whole = (number / 100.0).floor();
            let degrees = whole + (number - whole * 100.0) / 60.0;
            let [plus, minus] = signs;
            let sign = match self.field(value + 1) {
                word if word == plus => 1.0,
                word if word == minus => -1.0,
                _ => return None,
            };
            (degrees <= most).then_some(sign * degrees)
        };
        Some((
            half(first, ["N", "S"], 90.0)?,
            half(first + 2, ["E", "W"], 180.0)?,
        ))
    }

    /// A time of day: ms since midnight; a day more in a leap second.
    pub fn time_of_day_ms(&self, number: usize) -> Option<u32> {
        let text = self.field(number);
        let two = |at: usize| text.get(at..at + 2)?.parse::<u32>().ok();
        let (hour, minute, second) = (two(0)?, two(2)?, two(4)?);
        let fraction = match text.get(6..)? {
            "" => 0.0,
            rest if rest.starts_with('.') => format!("0{rest}").parse::<f64>().ok()?,
            _ => return None,
        };
        let ms = (fraction * 1000.0).round() as u32;
        let leaps = (hour, minute, second) == (23, 59, 60);
        (hour < 24 && minute < 60 && (second < 60 || leaps))
            .then(|| ((hour * 60 + minute) * 60 + second) * 1000 + ms.min(999))
    }
}

/// A moment from a date and a time of day; None for a date that does not exist.
pub fn utc(year: i32, month: u8, day: u8, time_of_day_ms: u32) -> Option<Utc> {
    let midnight = Utc::from_civil(Civil {
        year,
        month,
        day,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
    })?;
    Some(midnight + core::time::Duration::from_millis(time_of_day_ms.into()))
}

/// The date of RMC, ddmmyy: years below 80 are of this century.
pub fn date(text: &str) -> Option<(i32, u8, u8)> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| text[at..at + 2].parse::<u8>().ok();
    let (day, month, year) = (two(0)?, two(2)?, i32::from(two(4)?));
    Some((if year < 80 { 2000 } else { 1900 } + year, month, day))
}
