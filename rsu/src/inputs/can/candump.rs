//! CAN frames as the text of can-utils.
//!
//! Three forms are read: the log form `(1782308579.163860) can1 60A#03FBF710`, its bare frame
//! `60A#03FBF710`, and the screen form `can1  60A   [4]  03 FB F7 10`. Identifiers of more than three
//! digits are extended, `R` asks for data. CAN FD (`##`) and error frames are refused. The log form
//! is what is emitted.

use std::fmt::Write;

use arrayvec::{ArrayString, ArrayVec};

use super::{CanFrame, Fault};
use crate::clock::Utc;

/// Longest line that is read; eight bytes in the screen form take about 70 characters.
pub const MAX_LINE: usize = 160;

/// Interface name in emitted lines.
const INTERFACE: &str = "can0";

/// A line of candump text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// When the frame was recorded, where the line says so.
    pub recorded: Option<Utc>,
    /// What was recorded.
    pub frame: CanFrame,
}

/// Lines to CAN frames; the time in a line is left to [`parse`].
#[derive(Debug, Default)]
pub struct Reader {
    line: ArrayVec<u8, MAX_LINE>,
    too_long: bool,
}

impl Reader {
    /// At the start of a line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and hands out the frames of the lines that they end.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Result<CanFrame, Fault>)) {
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line(&mut sink);
            } else if self.line.try_push(byte).is_err() {
                self.too_long = true;
            }
        }
    }

    /// Forgets the line that is half received.
    pub fn reset(&mut self) {
        self.line.clear();
        self.too_long = false;
    }

    fn end_line(&mut self, sink: &mut impl FnMut(Result<CanFrame, Fault>)) {
        if self.too_long {
            sink(Err(Fault::LongLine));
        } else {
            match parse(&self.line) {
                Ok(None) => {}
                Ok(Some(line)) => sink(Ok(line.frame)),
                Err(fault) => sink(Err(fault)),
            }
        }
        self.reset();
    }
}

/// Reads one line; None for a blank one.
pub fn parse(line: &[u8]) -> Result<Option<Line>, Fault> {
    let text = str::from_utf8(line).map_err(|_| Fault::Line)?;
    let mut words = text.split_ascii_whitespace().peekable();
    let Some(first) = words.peek() else {
        return Ok(None);
    };
    let mut recorded = None;
    if let Some(stamp) = first.strip_prefix('(') {
        let stamp = stamp.strip_suffix(')').ok_or(Fault::Line)?;
        recorded = Some(unix_time(stamp).ok_or(Fault::Line)?);
        words.next();
    }
    let frame = frame(words).ok_or(Fault::Line)?;
    Ok(Some(Line { recorded, frame }))
}

/// The frame in what follows the time: an interface may stand before it.
fn frame<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<CanFrame> {
    let first = words.next()?;
    if first.contains('#') {
        return log_form(first);
    }
    let second = words.next()?;
    if second.contains('#') {
        log_form(second)
    } else if second.starts_with('[') {
        screen_form(first, second, words)
    } else {
        let size = words.next()?;
        screen_form(second, size, words)
    }
}

fn log_form(word: &str) -> Option<CanFrame> {
    let (id, data) = word.split_once('#')?;
    if let Some(size) = data.strip_prefix(['R', 'r']) {
        let size = if size.is_empty() { 0 } else { digits(size)? };
        return Some(with_id(id, &[0; 8], size as usize)?.as_remote());
    }
    let mut bytes = [0; 8];
    if data.len() % 2 != 0 || data.len() > 16 || !data.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().take(data.len() / 2).enumerate() {
        *byte = digits(data.get(2 * index..2 * index + 2)?)? as u8;
    }
    with_id(id, &bytes, data.len() / 2)
}

fn screen_form<'a>(
    id: &str,
    size: &str,
    mut words: impl Iterator<Item = &'a str>,
) -> Option<CanFrame> {
    let size = digits(size.strip_prefix('[')?.strip_suffix(']')?)? as usize;
    let mut bytes = [0; 8];
    for byte in bytes.get_mut(..size)? {
        match words.next()? {
            "remote" => return Some(with_id(id, &[0; 8], size)?.as_remote()),
            word if word.len() == 2 => *byte = digits(word)? as u8,
            _ => return None,
        }
    }
    with_id(id, &bytes, size)
}

fn with_id(id: &str, bytes: &[u8; 8], size: usize) -> Option<CanFrame> {
    let data = bytes.get(..size)?;
    match id.len() {
        1..=3 => CanFrame::standard(digits(id)?, data),
        4..=8 => CanFrame::extended(digits(id)?, data),
        _ => None,
    }
}

/// Hexadecimal digits and nothing else; the standard parser would take a sign.
fn digits(word: &str) -> Option<u32> {
    let all = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(word, 16).ok().filter(|_| all)
}

/// Seconds and up to nine decimals since the Unix epoch.
fn unix_time(stamp: &str) -> Option<Utc> {
    let (seconds, decimals) = stamp.split_once('.').unwrap_or((stamp, ""));
    if decimals.len() > 9
        || !stamp
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let fraction: i64 = if decimals.is_empty() {
        0
    } else {
        decimals.parse().ok()?
    };
    let fraction_ns = fraction * 10_i64.pow(9 - decimals.len() as u32);
    Some(Utc::from_unix_ns(
        seconds
            .checked_mul(1_000_000_000)?
            .checked_add(fraction_ns)?,
    ))
}

/// Appends one line in the log form, with the time where there is one.
pub fn emit(frame: &CanFrame, recorded: Option<Utc>, out: &mut Vec<u8>) {
    let mut line: ArrayString<MAX_LINE> = ArrayString::new();
    // Time, interface, identifier and data come to less than 80 characters.
    let _ = write_line(frame, recorded, &mut line);
    out.extend(line.as_bytes());
}

fn write_line(
    frame: &CanFrame,
    recorded: Option<Utc>,
    line: &mut impl Write,
) -> Result<(), std::fmt::Error> {
    if let Some(recorded) = recorded {
        let us = recorded.unix_ns().div_euclid(1000).max(0);
        write!(line, "({}.{:06}) ", us / 1_000_000, us % 1_000_000)?;
    }
    write!(line, "{INTERFACE} ")?;
    if frame.is_extended() {
        write!(line, "{:08X}#", frame.id())?;
    } else {
        write!(line, "{:03X}#", frame.id())?;
    }
    if frame.is_remote() {
        write!(line, "R{}", frame.size())?;
    }
    for byte in frame.data() {
        write!(line, "{byte:02X}")?;
    }
    writeln!(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> CanFrame {
        CanFrame::standard(0x60A, &[3, 0xFB, 0xF7, 0x10]).unwrap()
    }

    #[test]
    fn all_three_forms_are_read() {
        for line in [
            "(1782308579.163860) can1 60A#03FBF710",
            "(1782308579.163860) can1 60A#03FBF710 R",
            "can1 60A#03FBF710",
            "60A#03fbf710",
            "  can1  60A   [4]  03 FB F7 10",
            " (1782308579.163860)  can1  60A   [4]  03 FB F7 10   '....'",
            "60A [4] 03 FB F7 10\r",
        ] {
            let read = parse(line.as_bytes()).unwrap().unwrap();
            assert_eq!(read.frame, frame(), "{line}");
        }
    }

    #[test]
    fn the_time_of_a_line_is_read_to_the_nanosecond() {
        let recorded = |line: &str| parse(line.as_bytes()).unwrap().unwrap().recorded;
        let time = |ns| Some(Utc::from_unix_ns(ns));
        assert_eq!(
            recorded("(1782308579.163860) c 1#"),
            time(1_782_308_579_163_860_000)
        );
        assert_eq!(recorded("(5.000000001) c 1#"), time(5_000_000_001));
        assert_eq!(recorded("(5) c 1#"), time(5_000_000_000));
        assert_eq!(recorded("c 1#"), None);
    }

    #[test]
    fn an_emitted_line_is_the_recorders_own() {
        let mut out = Vec::new();
        emit(
            &frame(),
            Some(Utc::from_unix_ns(1_782_308_579_163_860_000)),
            &mut out,
        );
        assert_eq!(out, b"(1782308579.163860) can0 60A#03FBF710\n");
    }

    #[test]
    fn what_is_no_classic_frame_is_refused() {
        for line in [
            "hello",
            "can0",
            "60A",
            "60A#0",
            "60A#001122334455667788",
            "60A##1001122",
            "FFF#00",
            "+0A#00",
            "123456789#00",
            "60A [9] 00",
            "60A [2] 00",
            "60A#R9",
            "(now) can0 60A#00",
            "(99999999999999.0) can0 60A#00",
            "(1.0000000001) can0 60A#00",
            "60A#\u{e9}0",
        ] {
            assert_eq!(parse(line.as_bytes()), Err(Fault::Line), "{line}");
        }
        assert_eq!(parse(b"  \r"), Ok(None));
    }

    #[test]
    fn a_line_that_does_not_end_is_told_once() {
        let mut reader = Reader::new();
        let mut read = Vec::new();
        reader.push(&[b'0'; 1000], |frame| read.push(frame));
        reader.push(b"\n60A#03FBF710\n", |frame| read.push(frame));
        assert_eq!(read, [Err(Fault::LongLine), Ok(frame())]);
    }
}
