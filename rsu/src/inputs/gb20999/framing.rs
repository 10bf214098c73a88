//! Where frames begin and end: by escaped delimiters in a stream, by the length field in a datagram.
//!
//! GB/T 20999-2017 escapes the bytes 7E, 7D and 5C on TCP and RS-232 and leaves them bare on UDP.
//! So a stream is cut at its delimiters and a datagram at its lengths; each tries the other's way
//! where its own makes no sense, because devices mix them up.

use super::wire::{self, END, ESCAPE, START};

/// Longest frame that is collected, without escapes.
pub const MAX_FRAME: usize = 8192;

/// What came out of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A frame without its escapes, both delimiters included; its content is not checked yet.
    Frame {
        /// From delimiter to delimiter.
        bytes: &'a [u8],
        /// What was odd about it.
        oddity: Oddity,
    },
    /// A run of bytes outside any frame.
    Noise,
    /// A frame that would not end.
    TooLong,
    /// A frame that the next one, or the end of its datagram, cut.
    Cut,
}

/// A departure from the standard that was read all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Oddity {
    /// None.
    #[default]
    None,
    /// In a stream: a byte that should have been escaped was not, or an escape escaped nothing.
    BareByte,
    /// Length and checksum were made over the escapes too.
    CountsEscapes,
    /// A datagram was escaped as a stream is.
    EscapedDatagram,
}

/// Collects bytes of a stream into whole frames.
#[derive(Debug)]
pub struct Framer {
    /// Unescaped, from the opening delimiter on; empty while outside a frame.
    plain: Vec<u8>,
    /// The same with its escapes, for devices that count them.
    raw: Vec<u8>,
    escape_pending: bool,
    bare: bool,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// `noisy` once a byte has been dropped.
    Outside {
        noisy: bool,
    },
    Inside,
    /// Inside a frame that is longer than any can be: dropped up to the next opening delimiter.
    TooLong,
}

impl Framer {
    /// Outside any frame. All memory that it ever needs is taken here.
    pub fn new() -> Self {
        Self {
            plain: Vec::with_capacity(MAX_FRAME),
            raw: Vec::with_capacity(2 * MAX_FRAME),
            escape_pending: false,
            bare: false,
            place: Place::Outside { noisy: false },
        }
    }

    /// Takes the next bytes of a stream and hands out what they complete.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        for &byte in bytes {
            self.byte(byte, &mut sink);
        }
    }

    /// Forgets everything half collected.
    pub fn reset(&mut self) {
        self.open(Place::Outside { noisy: false });
    }

    /// Cuts one datagram into its frames.
    pub fn datagram(&mut self, datagram: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        let mut rest = datagram;
        while let Some(at) = rest.iter().position(|byte| *byte == START) {
            if at > 0 {
                sink(Piece::Noise);
            }
            rest = &rest[at..];
            let size = wire::said_size(rest).filter(|size| *size <= rest.len());
            match size.filter(|size| rest[size - 1] == END) {
                Some(size) => {
                    let (bytes, after) = rest.split_at(size);
                    sink(Piece::Frame {
                        bytes,
                        oddity: Oddity::None,
                    });
                    rest = after;
                }
                None => return self.escaped_datagram(rest, sink),
            }
        }
        if !rest.is_empty() {
            sink(Piece::Noise);
        }
    }

    /// What is no frame by its length may be one by its escapes.
    fn escaped_datagram(&mut self, rest: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        self.reset();
        self.push(rest, |piece| match piece {
            Piece::Frame { bytes, .. } => sink(Piece::Frame {
                bytes,
                oddity: Oddity::EscapedDatagram,
            }),
            other => sink(other),
        });
        if self.place == Place::Inside {
            sink(Piece::Cut);
        }
        self.reset();
    }

    fn byte(&mut self, byte: u8, sink: &mut impl FnMut(Piece<'_>)) {
        match self.place {
            _ if byte == START && !self.escape_pending => {
                if self.place == Place::Inside {
                    sink(Piece::Cut);
                }
                self.open(Place::Inside);
                self.keep(byte);
            }
            Place::Outside { noisy } => {
                if !noisy {
                    sink(Piece::Noise);
                }
                self.place = Place::Outside { noisy: true };
            }
            Place::TooLong => {}
            Place::Inside => self.content(byte, sink),
        }
    }

    fn content(&mut self, byte: u8, sink: &mut impl FnMut(Piece<'_>)) {
        self.raw.push(byte);
        if self.escape_pending {
            self.escape_pending = false;
            if ![START, END, ESCAPE].contains(&byte) {
                // The escape stands for itself; the checksum judges.
                self.bare = true;
                self.plain.push(ESCAPE);
            }
            self.plain.push(byte);
        } else if byte == ESCAPE {
            self.escape_pending = true;
        } else {
            self.plain.push(byte);
            if byte == END {
                self.end(sink);
            }
        }
        if self.place == Place::Inside && self.plain.len() > MAX_FRAME - 2 {
            self.open(Place::TooLong);
            sink(Piece::TooLong);
        }
    }

    /// At a closing delimiter: hands out the frame, unless its length says that there is more of it.
    fn end(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        let said = wire::said_size(&self.plain);
        let missing = said.is_some_and(|said| said > self.plain.len());
        let counts_escapes = said != Some(self.plain.len())
            && self.raw.len() != self.plain.len()
            && wire::is_whole(&self.raw);
        if counts_escapes {
            wire::repair(&mut self.plain);
        } else if missing && said.is_some_and(|said| said <= MAX_FRAME) {
            // A delimiter that should have been escaped; or the rest was lost, and the next opening
            // delimiter starts afresh.
            self.bare = true;
            return;
        }
        let oddity = match (counts_escapes, self.bare) {
            (true, _) => Oddity::CountsEscapes,
            (_, true) => Oddity::BareByte,
            _ => Oddity::None,
        };
        sink(Piece::Frame {
            bytes: &self.plain,
            oddity,
        });
        self.open(Place::Outside { noisy: false });
    }

    fn open(&mut self, place: Place) {
        self.place = place;
        self.plain.clear();
        self.raw.clear();
        self.escape_pending = false;
        self.bare = false;
    }

    fn keep(&mut self, byte: u8) {
        self.plain.push(byte);
        self.raw.push(byte);
    }
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

/// Appends a whole frame with an escape before each special byte between its delimiters.
pub(super) fn emit_escaped(plain: &[u8], out: &mut Vec<u8>) {
    let Some((end, head)) = plain.split_last() else {
        return;
    };
    for (place, &byte) in head.iter().enumerate() {
        if place > 0 && [START, END, ESCAPE].contains(&byte) {
            out.push(ESCAPE);
        }
        out.push(byte);
    }
    out.push(*end);
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Address, Composer, Escaping, Header, Kind};
    use super::*;

    fn frame(data: &[u8], escaping: Escaping) -> Vec<u8> {
        let header = Header {
            version: 0x0102,
            host: 5,
            controller: 1,
            junction: 0,
            sequence: 1,
            kind: Kind::Report,
        };
        let (mut plain, mut out) = (Vec::new(), Vec::new());
        let mut composer = Composer::new(&header, &mut plain);
        assert!(composer.value(Address::new(3, 3, 1, 1), data));
        composer.finish(escaping, &mut out);
        out
    }

    fn told(found: &mut Vec<String>) -> impl FnMut(Piece<'_>) {
        |piece| {
            found.push(match piece {
                Piece::Frame { bytes, oddity } => {
                    let good = wire::parse(bytes).is_ok();
                    format!("{oddity:?} {good}")
                }
                other => format!("{other:?}"),
            });
        }
    }

    fn stream(bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        let mut framer = Framer::new();
        for byte in bytes {
            framer.push(&[*byte], told(&mut found));
        }
        found
    }

    fn datagram(bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        Framer::new().datagram(bytes, told(&mut found));
        found
    }

    const SPECIAL: [u8; 5] = [0x7E, 0x7D, 0x5C, 0x20, 0x7D];

    #[test]
    fn frames_follow_each_other_in_a_stream() {
        let one = frame(&SPECIAL, Escaping::Stream);
        assert_eq!(
            stream(&[one.clone(), one].concat()),
            ["None true", "None true"]
        );
    }

    #[test]
    fn a_stream_joined_in_mid_frame_finds_the_next() {
        let one = frame(&SPECIAL, Escaping::Stream);
        let tail = &one[one.len() - 4..];
        assert_eq!(
            stream(&[tail, &one[..], &one[..]].concat()),
            ["Noise", "None true", "None true"]
        );
    }

    #[test]
    fn a_frame_whose_tail_was_lost_does_not_take_the_next_with_it() {
        let one = frame(&SPECIAL, Escaping::Stream);
        let half = &one[..one.len() / 2];
        assert_eq!(stream(&[half, &one[..]].concat()), ["Cut", "None true"]);
        // The middle was lost, so that an end comes too early.
        let hole = [&one[..14], &one[one.len() - 2..], &one[..]].concat();
        assert_eq!(stream(&hole), ["Cut", "None true"]);
    }

    #[test]
    fn an_end_that_was_not_escaped_is_read_by_the_length() {
        let bare = frame(&[0x20, 0x7D, 0x10], Escaping::None);
        assert_eq!(stream(&bare), ["BareByte true"]);
    }

    #[test]
    fn an_escape_that_escapes_nothing_stands_for_itself() {
        let bare = frame(&[0x5C, 0x10], Escaping::None);
        assert_eq!(stream(&bare), ["BareByte true"]);
    }

    #[test]
    fn length_and_checksum_over_the_escapes_are_read() {
        // Built as that implementation does: escape first, then count and check.
        let plain = frame(&SPECIAL, Escaping::None);
        let mut escaped = vec![0x7E, 0, 0];
        for byte in &plain[3..plain.len() - 3] {
            if [0x7E, 0x7D, 0x5C].contains(byte) {
                escaped.push(0x5C);
            }
            escaped.push(*byte);
        }
        let length = (escaped.len() + 3 - 4) as u16;
        escaped[1..3].copy_from_slice(&length.to_be_bytes());
        let crc = wire::checksum(&escaped[1..]).to_be_bytes();
        escaped.extend(crc);
        escaped.push(0x7D);
        assert!(crc.iter().all(|byte| ![0x7E, 0x7D, 0x5C].contains(byte)));
        assert_eq!(stream(&escaped), ["CountsEscapes true"]);
    }

    #[test]
    fn a_datagram_holds_bare_bytes_and_several_frames() {
        let one = frame(&SPECIAL, Escaping::None);
        assert_eq!(datagram(&one), ["None true"]);
        let three = [&[9, 9][..], &one, &one].concat();
        assert_eq!(datagram(&three), ["Noise", "None true", "None true"]);
    }

    #[test]
    fn a_datagram_that_was_escaped_is_read_too() {
        let one = frame(&SPECIAL, Escaping::Stream);
        assert_eq!(datagram(&one), ["EscapedDatagram true"]);
    }

    #[test]
    fn a_datagram_that_is_cut_is_no_frame() {
        let one = frame(&[0x20; 9], Escaping::None);
        for size in 1..one.len() {
            assert_eq!(datagram(&one[..size]), ["Cut"], "{size}");
        }
        assert!(datagram(&[]).is_empty());
    }

    #[test]
    fn a_frame_that_does_not_end_is_dropped_once_and_takes_no_memory() {
        let mut framer = Framer::new();
        let room = (framer.plain.capacity(), framer.raw.capacity());
        let mut found = Vec::new();
        framer.push(&[0x7E, 0xFF, 0xFF], told(&mut found));
        for _ in 0..100 {
            framer.push(&[0x5C, 0x7D, 1, 2].repeat(300), told(&mut found));
        }
        assert_eq!(found, ["TooLong"]);
        assert_eq!((framer.plain.capacity(), framer.raw.capacity()), room);
        framer.push(&frame(&SPECIAL, Escaping::Stream), told(&mut found));
        assert_eq!(found, ["TooLong", "None true"]);
    }
}
