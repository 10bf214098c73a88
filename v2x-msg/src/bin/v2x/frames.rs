//! Frames out of a file or a pipe, whichever way they are written down.
//!
//! Lines and packets are taken one by one, so that a pipe that goes on shows its messages as they
//! come.

use std::fmt;
use std::io::{self, BufRead, Read};

use crate::pcap;

/// A raw frame is a datagram, and those are shorter than this.
const MAX_RAW: u64 = 65_536;
/// A line longer than this is not a frame.
const MAX_LINE: u64 = 4 * MAX_RAW;

/// Where a frame was, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Line(usize),
    Packet(usize),
    WholeFile,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(number) => write!(f, "line {number}"),
            Place::Packet(number) => write!(f, "packet {number}"),
            Place::WholeFile => write!(f, "raw frame"),
        }
    }
}

/// A line that is no hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotHex {
    #[error("not a hex digit at column {0}")]
    Digit(usize),
    #[error("an odd number of hex digits")]
    Odd,
    #[error("longer than any frame")]
    TooLong,
}

/// Calls `each` with every frame, or with what is wrong in its place. Empty lines, comments and
/// packets that are not UDP are passed over; the number of such packets is returned.
pub(crate) fn for_each(
    mut source: impl BufRead,
    mut each: impl FnMut(Place, Result<&[u8], NotHex>) -> io::Result<()>,
) -> io::Result<usize> {
    let start = source.fill_buf()?;
    if pcap::looks_like_pcapng(start) {
        let advice = "pcapng is not read here; convert it with: editcap -F pcap IN OUT";
        return Err(io::Error::new(io::ErrorKind::InvalidData, advice));
    }
    if pcap::looks_like(start) {
        return packets(source, each);
    }
    if is_text(start) {
        lines(source, each)?;
        return Ok(0);
    }
    let mut frame = Vec::new();
    source.take(MAX_RAW).read_to_end(&mut frame)?;
    each(Place::WholeFile, Ok(&frame))?;
    Ok(0)
}

fn is_text(start: &[u8]) -> bool {
    start
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

fn packets(
    source: impl Read,
    mut each: impl FnMut(Place, Result<&[u8], NotHex>) -> io::Result<()>,
) -> io::Result<usize> {
    let mut packets = pcap::Packets::new(source)?;
    let (mut number, mut passed_over) = (0, 0);
    while let Some(payload) = packets.next_payload()? {
        number += 1;
        if payload.is_empty() {
            passed_over += 1;
        } else {
            each(Place::Packet(number), Ok(payload))?;
        }
    }
    Ok(passed_over)
}

fn lines(
    mut source: impl BufRead,
    mut each: impl FnMut(Place, Result<&[u8], NotHex>) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        line.clear();
        if (&mut source).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
            each(Place::Line(number), Err(NotHex::TooLong))?;
            source.skip_until(b'\n')?;
            continue;
        }
        match hex(&line, &mut bytes) {
            Ok(()) if bytes.is_empty() => {}
            Ok(()) => each(Place::Line(number), Ok(&bytes))?,
            Err(error) => each(Place::Line(number), Err(error))?,
        }
    }
    Ok(())
}

/// Digits in pairs; spaces, a leading `0x` and what follows `#` do not count.
fn hex(line: &[u8], bytes: &mut Vec<u8>) -> Result<(), NotHex> {
    bytes.clear();
    let text = line.split(|byte| *byte == b'#').next().unwrap_or_default();
    let indent = text.len() - text.trim_ascii_start().len();
    let prefix = match text.trim_ascii_start() {
        [b'0', b'x' | b'X', ..] => 2,
        _ => 0,
    };
    let mut half = None;
    for (column, byte) in text.iter().enumerate().skip(indent + prefix) {
        if byte.is_ascii_whitespace() {
            continue;
        }
        let digit = char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or(NotHex::Digit(column + 1))?;
        match half.take() {
            None => half = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    if half.is_some() {
        Err(NotHex::Odd)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Vec<(Place, Result<Vec<u8>, NotHex>)>;

    fn frames(source: &[u8]) -> Found {
        let mut found = Vec::new();
        let each = |place, frame: Result<&[u8], NotHex>| {
            found.push((place, frame.map(<[u8]>::to_vec)));
            Ok(())
        };
        for_each(source, each).unwrap();
        found
    }

    #[test]
    fn hex_lines_may_have_spaces_prefixes_and_comments() {
        let text = b"# two frames\n\n0x04 00\r\n  ab CD # the second\n";
        let expected = [
            (Place::Line(3), Ok(vec![4, 0])),
            (Place::Line(4), Ok(vec![0xab, 0xcd])),
        ];
        assert_eq!(frames(text), expected);
    }

    #[test]
    fn a_bad_line_is_named_and_the_next_one_read() {
        let expected = [
            (Place::Line(1), Err(NotHex::Digit(3))),
            (Place::Line(2), Err(NotHex::Odd)),
            (Place::Line(3), Ok(vec![0xff])),
        ];
        assert_eq!(frames(b"12zz\n123\nff"), expected);
    }

    #[test]
    fn a_line_without_end_is_refused_in_bounded_memory() {
        let mut text = vec![b'a'; 2 * MAX_LINE as usize];
        text.extend(b"\n11\n");
        let expected = [
            (Place::Line(1), Err(NotHex::TooLong)),
            (Place::Line(2), Ok(vec![0x11])),
        ];
        assert_eq!(frames(&text), expected);
    }

    #[test]
    fn other_bytes_are_one_raw_frame() {
        assert_eq!(
            frames(&[0x36, 0xb6, 0xfa]),
            [(Place::WholeFile, Ok(vec![0x36, 0xb6, 0xfa]))]
        );
    }

    #[test]
    fn pcapng_is_refused_with_advice() {
        let error = for_each(&[0x0a, 0x0d, 0x0d, 0x0a][..], |_, _| Ok(())).unwrap_err();
        assert!(error.to_string().contains("editcap"));
    }
}
