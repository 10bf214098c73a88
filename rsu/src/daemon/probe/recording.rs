//! Recordings of a device, in whatever form they were saved: pieces of bytes, with their times where
//! there are any.
//!
//! The form is told by the content: a pcap by its first bytes, text by having nothing else in it
//! (candump where a line of it can be read as that, hex otherwise); JSON, NMEA and the rest are raw bytes as a
//! stream, but for a list of pairs of `query` and `reply` in hex, which are the frames in that order.

use std::borrow::Cow;

use serde::Deserialize;

use super::pcap::{Pcap, Transport};
use crate::clock::Utc;
use crate::inputs::can::candump;
use crate::inputs::gnss::wire as nmea;

/// Why a recording cannot be read at all.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The system's word.
    Io(std::io::Error),
    /// It has a form that is not read here.
    Form(&'static str),
}

/// How the pieces of a recording belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Each piece stands alone.
    Datagrams,
    /// The pieces are one run of bytes.
    Stream,
    /// Each piece is a line of candump text.
    Candump,
}

/// One piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    /// When it was recorded, where the recording says so.
    pub(super) recorded: Option<Utc>,
    pub(super) bytes: Cow<'a, [u8]>,
    /// It does not continue what came before.
    pub(super) new_stream: bool,
}

/// The pieces of one recording, in its order.
#[derive(Debug)]
pub(super) enum Chunks<'a> {
    Raw(Option<&'a [u8]>),
    Pairs(Pairs),
    Lines(Lines<'a>),
    Pcap(Pcap<'a>),
}

#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    is_candump: bool,
    not_hex: u64,
}

/// Frames out of a list of questions and their answers.
#[derive(Debug)]
pub(super) struct Pairs {
    frames: std::vec::IntoIter<String>,
    not_hex: u64,
}

/// A question and its answer, in hex.
#[derive(Deserialize)]
struct Pair {
    query: String,
    reply: String,
}

const PCAPNG: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];

impl<'a> Chunks<'a> {
    /// Of a pcap, only packets from or to `port` are taken, where one is given.
    pub(super) fn open(bytes: &'a [u8], port: Option<u16>) -> Result<Self, Unreadable> {
        if bytes.starts_with(&PCAPNG) {
            return Err(Unreadable::Form("pcapng is not read; save it as pcap"));
        }
        if let Some(pcap) = Pcap::open(bytes, port)? {
            return Ok(Self::Pcap(pcap));
        }
        if let Some(pairs) = Pairs::open(bytes) {
            return Ok(Self::Pairs(pairs));
        }
        if !is_text(bytes) || is_json(bytes) || is_nmea(bytes) {
            return Ok(Self::Raw(Some(bytes)));
        }
        Ok(Self::Lines(Lines {
            rest: bytes,
            is_candump: bytes
                .split(|byte| *byte == b'\n')
                .any(|line| matches!(candump::parse(line), Ok(Some(_)))),
            not_hex: 0,
        }))
    }

    pub(super) fn form(&self) -> Form {
        match self {
            Self::Raw(_) => Form::Stream,
            Self::Lines(lines) if lines.is_candump => Form::Candump,
            Self::Lines(_) | Self::Pairs(_) => Form::Datagrams,
            Self::Pcap(pcap) => match pcap.transport() {
                Transport::Udp => Form::Datagrams,
                Transport::Tcp => Form::Stream,
            },
        }
    }

    /// Parts that are not of the recording's form, by kind; final when all chunks are taken.
    pub(super) fn unreadable(&self) -> Vec<(&'static str, u64)> {
        match self {
            Self::Raw(_) => Vec::new(),
            Self::Pairs(pairs) => vec![("frames-not-hex", pairs.not_hex)],
            Self::Lines(lines) => vec![("lines-not-hex", lines.not_hex)],
            Self::Pcap(pcap) => vec![
                ("packets-not-read", pcap.not_read()),
                ("packets-cut", pcap.cut()),
            ],
        }
    }

    pub(super) fn next(&mut self) -> Option<Chunk<'a>> {
        match self {
            Self::Raw(bytes) => bytes.take().map(|bytes| Chunk {
                recorded: None,
                bytes: Cow::Borrowed(bytes),
                new_stream: false,
            }),
            Self::Pairs(pairs) => pairs.next(),
            Self::Lines(lines) => lines.next(),
            Self::Pcap(pcap) => pcap.next().map(|packet| Chunk {
                recorded: Some(packet.recorded),
                bytes: Cow::Borrowed(packet.payload),
                new_stream: packet.new_stream,
            }),
        }
    }
}

impl Pairs {
    /// None for all other JSON, and for what is none.
    fn open(bytes: &[u8]) -> Option<Self> {
        if !is_json(bytes) {
            return None;
        }
        let pairs: Vec<Pair> = serde_json::from_slice(bytes).ok()?;
        let frames: Vec<String> = pairs
            .into_iter()
            .flat_map(|pair| [pair.query, pair.reply])
            .collect();
        Some(Self {
            frames: frames.into_iter(),
            not_hex: 0,
        })
    }

    fn next<'a>(&mut self) -> Option<Chunk<'a>> {
        loop {
            match hex(self.frames.next()?.as_bytes()) {
                Some(bytes) => {
                    return Some(Chunk {
                        recorded: None,
                        bytes: Cow::Owned(bytes),
                        new_stream: false,
                    });
                }
                None => self.not_hex += 1,
            }
        }
    }
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<Chunk<'a>> {
        loop {
            let line = self.line()?;
            let is_comment = !self.is_candump && line.starts_with(b"#");
            if is_comment || line.trim_ascii().is_empty() {
                continue;
            }
            if self.is_candump {
                // A line that is none goes through all the same: the decoder counts it.
                let parsed = candump::parse(line).ok().flatten();
                let recorded = parsed.and_then(|parsed| parsed.recorded);
                let mut bytes = line.to_vec();
                bytes.push(b'\n');
                return Some(Chunk {
                    recorded,
                    bytes: Cow::Owned(bytes),
                    new_stream: false,
                });
            }
            match hex(line) {
                Some(bytes) => {
                    return Some(Chunk {
                        recorded: None,
                        bytes: Cow::Owned(bytes),
                        new_stream: false,
                    });
                }
                None => self.not_hex += 1,
            }
        }
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line)
    }
}

/// JSON is a stream of its own, with or without a byte order mark.
fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let first = bytes.trim_ascii_start().first();
    matches!(first, Some(b'{' | b'['))
}

/// A sentence is in it, as no line of hex or of candump is.
fn is_nmea(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    lines.any(|line| nmea::parse(line.trim_ascii_end()).is_ok())
}

fn is_text(bytes: &[u8]) -> bool {
    let text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    !bytes.is_empty() && bytes.iter().all(text)
}

/// Pairs of digits; space, colons and a leading 0x may stand between and before them.
fn hex(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"0x").unwrap_or(line);
    let mut digits = line
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace() && **byte != b':')
        .map(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(line.len() / 2);
    while let Some(high) = digits.next() {
        bytes.push((high? << 4 | digits.next()??) as u8);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pieces = Vec<Vec<u8>>;

    fn pieces(bytes: &[u8]) -> (Form, Pieces, Vec<(&'static str, u64)>) {
        let mut chunks = Chunks::open(bytes, None).unwrap();
        let form = chunks.form();
        let mut pieces = Vec::new();
        while let Some(chunk) = chunks.next() {
            pieces.push(chunk.bytes.into_owned());
        }
        (form, pieces, chunks.unreadable())
    }

    #[test]
    fn hex_lines_are_datagrams() {
        let (form, pieces, unreadable) =
            pieces(b"# a comment\nc0 01 C0\r\n\n0xc002\nnonsense\nc0:03");
        assert_eq!(form, Form::Datagrams);
        assert_eq!(pieces, [vec![0xC0, 1, 0xC0], vec![0xC0, 2], vec![0xC0, 3]]);
        assert_eq!(unreadable, [("lines-not-hex", 1)]);
    }

    #[test]
    fn pairs_of_questions_and_answers_are_datagrams() {
        let pairs =
            br#"[{"address":"1.1","query":"7e017D","reply":"7e02"},{"query":"7e","reply":"??"}]"#;
        let told = vec![vec![0x7E, 1, 0x7D], vec![0x7E, 2], vec![0x7E]];
        let unreadable = vec![("frames-not-hex", 1)];
        assert_eq!(pieces(pairs), (Form::Datagrams, told, unreadable));
        // Any other list is JSON of a device.
        let other = br#"[{"intersections":[]}]"#;
        assert_eq!(pieces(other), (Form::Stream, vec![other.to_vec()], vec![]));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_stream() {
        let raw = [0xC0, 1, 2, 0xC0];
        assert_eq!(pieces(&raw), (Form::Stream, vec![raw.to_vec()], vec![]));
    }

    #[test]
    fn sentences_are_a_stream_whatever_stands_between_them() {
        let mut text = b"# Date: 2015-02-25\n".to_vec();
        nmea::emit(
            "GNZDA",
            &["120000.00", "20", "09", "2026", "00", "00"],
            &mut text,
        );
        assert_eq!(pieces(&text), (Form::Stream, vec![text.clone()], vec![]));
    }

    #[test]
    fn candump_lines_keep_their_times() {
        let text = b"(5.25) can0 60A#00000010\n 60A [1] 00\n";
        let mut chunks = Chunks::open(text, None).unwrap();
        assert_eq!(chunks.form(), Form::Candump);
        let first = chunks.next().unwrap();
        assert_eq!(first.recorded, Some(Utc::from_unix_ns(5_250_000_000)));
        assert_eq!(first.bytes.last(), Some(&b'\n'));
        assert_eq!(chunks.next().unwrap().recorded, None);
        assert_eq!(chunks.next(), None);
    }

    #[test]
    fn a_line_that_is_no_candump_does_not_end_the_recording() {
        let (_, pieces, _) = pieces(b"60A#00000010\nwhat [is] this\n60A#00000010\n");
        assert_eq!(pieces.len(), 3);
    }

    #[test]
    fn pcapng_is_named() {
        let error = Chunks::open(&[0x0A, 0x0D, 0x0D, 0x0A, 0, 0], None).unwrap_err();
        assert!(matches!(error, Unreadable::Form(reason) if reason.contains("pcapng")));
    }
}
