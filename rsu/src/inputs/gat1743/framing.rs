//! Where frames begin and end: C0 delimiters and DB escapes, in datagrams and in streams.
//!
//! A delimiter is never ambiguous (C0 inside a frame is escaped), so one machine serves both: several
//! frames in one datagram, frames that share a delimiter, a stream that is joined in mid-frame.

use super::wire::{DELIMITER, ESCAPE, ESCAPED_DELIMITER, ESCAPED_ESCAPE};

/// Longest frame that is collected, without escapes: 64 lamp groups of 16 steps take 3.4 kB.
pub const MAX_FRAME: usize = 8192;

/// Collects bytes into whole frames.
#[derive(Debug)]
pub struct Framer {
    /// Unescaped, from the opening delimiter on; empty while outside a frame.
    frame: Vec<u8>,
    place: Place,
    escape_pending: bool,
    bare_escapes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing since the last delimiter was lost; `noisy` once a byte has been dropped.
    Outside {
        noisy: bool,
    },
    Inside,
    /// Inside a frame that is longer than any can be: dropped up to the next delimiter.
    TooLong,
}

/// What came out of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A frame without its escapes, both delimiters included; nothing in it is checked yet.
    Frame {
        /// At least one byte between two delimiters.
        bytes: &'a [u8],
        /// Escape bytes that escaped nothing, kept as they stand; the checksum judges.
        bare_escapes: u64,
    },
    /// A run of bytes before the first delimiter.
    Noise,
    /// A frame that would not end.
    TooLong,
    /// A frame that the end of its datagram cut.
    Cut,
}

impl Framer {
    /// Outside any frame. All memory that it ever needs is taken here.
    pub fn new() -> Self {
        Self {
            frame: Vec::with_capacity(MAX_FRAME),
            place: Place::Outside { noisy: false },
            escape_pending: false,
            bare_escapes: 0,
        }
    }

    /// Takes the next bytes and hands out what they complete.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        for &byte in bytes {
            if byte == DELIMITER {
                self.delimiter(&mut sink);
            } else {
                self.content(byte, &mut sink);
            }
        }
    }

    /// The datagram ends here: what is half collected will not be completed.
    pub fn end_datagram(&mut self, mut sink: impl FnMut(Piece<'_>)) {
        if self.place == Place::TooLong || self.frame.len() > 1 || self.escape_pending {
            sink(Piece::Cut);
        }
        self.reset();
    }

    /// Forgets everything half collected.
    pub fn reset(&mut self) {
        self.open();
        self.frame.clear();
        self.place = Place::Outside { noisy: false };
    }

    fn delimiter(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        self.settle_escape();
        // C0 C0 is the end of one frame and the start of the next, not an empty frame.
        if self.place == Place::Inside && self.frame.len() > 1 {
            self.frame.push(DELIMITER);
            sink(Piece::Frame {
                bytes: &self.frame,
                bare_escapes: self.bare_escapes,
            });
        }
        self.open();
    }

    fn content(&mut self, byte: u8, sink: &mut impl FnMut(Piece<'_>)) {
        match self.place {
            Place::Outside { noisy } => {
                if !noisy {
                    sink(Piece::Noise);
                }
                self.place = Place::Outside { noisy: true };
                return;
            }
            Place::TooLong => return,
            Place::Inside => {}
        }
        if self.escape_pending {
            match byte {
                ESCAPED_DELIMITER => {
                    self.escape_pending = false;
                    self.frame.push(DELIMITER);
                }
                ESCAPED_ESCAPE => {
                    self.escape_pending = false;
                    self.frame.push(ESCAPE);
                }
                _ => {
                    self.settle_escape();
                    self.plain(byte);
                }
            }
        } else {
            self.plain(byte);
        }
        // Room for the closing delimiter and an unsettled escape.
        if self.frame.len() > MAX_FRAME - 2 {
            self.place = Place::TooLong;
            self.escape_pending = false;
            sink(Piece::TooLong);
        }
    }

    fn plain(&mut self, byte: u8) {
        if byte == ESCAPE {
            self.escape_pending = true;
        } else {
            self.frame.push(byte);
        }
    }

    /// An escape byte that nothing follows stands for itself: some devices forget to escape it.
    fn settle_escape(&mut self) {
        if self.escape_pending {
            self.escape_pending = false;
            self.bare_escapes += 1;
            self.frame.push(ESCAPE);
        }
    }

    fn open(&mut self) {
        self.place = Place::Inside;
        self.frame.clear();
        self.frame.push(DELIMITER);
        self.escape_pending = false;
        self.bare_escapes = 0;
    }
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

/// Appends a frame with its delimiters and escapes; `inner` is what stands between the delimiters.
pub(super) fn emit_escaped(inner: &[u8], out: &mut Vec<u8>) {
    out.push(DELIMITER);
    for &byte in inner {
        match byte {
            DELIMITER => out.extend([ESCAPE, ESCAPED_DELIMITER]),
            ESCAPE => out.extend([ESCAPE, ESCAPED_ESCAPE]),
            _ => out.push(byte),
        }
    }
    out.push(DELIMITER);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(datagram: &[u8]) -> Vec<String> {
        let mut framer = Framer::new();
        let mut found = Vec::new();
        framer.push(datagram, |piece| found.push(format!("{piece:02x?}")));
        framer.end_datagram(|piece| found.push(format!("{piece:02x?}")));
        found
    }

    fn frame(bytes: &[u8], bare_escapes: u64) -> String {
        format!(
            "{:02x?}",
            Piece::Frame {
                bytes,
                bare_escapes
            }
        )
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(
            pieces(&[0xC0, 1, 0xDB, 0xDC, 0xDB, 0xDD, 2, 0xC0]),
            [frame(&[0xC0, 1, 0xC0, 0xDB, 2, 0xC0], 0)]
        );
    }

    #[test]
    fn an_escape_that_escapes_nothing_stands_for_itself() {
        assert_eq!(
            pieces(&[0xC0, 0xDB, 7, 0xDB, 0xC0]),
            [frame(&[0xC0, 0xDB, 7, 0xDB, 0xC0], 2)]
        );
    }

    #[test]
    fn frames_may_follow_each_other_or_share_a_delimiter() {
        let (a, b) = (frame(&[0xC0, 1, 0xC0], 0), frame(&[0xC0, 2, 0xC0], 0));
        assert_eq!(
            pieces(&[0xC0, 1, 0xC0, 0xC0, 2, 0xC0]),
            [a.clone(), b.clone()]
        );
        assert_eq!(pieces(&[0xC0, 1, 0xC0, 2, 0xC0]), [a, b]);
    }

    #[test]
    fn a_datagram_that_ends_in_mid_frame_is_cut() {
        assert_eq!(pieces(&[0xC0, 1, 2]), ["Cut"]);
        assert_eq!(pieces(&[0xC0, 0xDB]), ["Cut"]);
    }

    #[test]
    fn noise_before_the_first_delimiter_is_told_once() {
        assert_eq!(
            pieces(&[9, 9, 9, 0xC0, 1, 0xC0]),
            ["Noise".to_owned(), frame(&[0xC0, 1, 0xC0], 0)]
        );
    }

    #[test]
    fn a_stream_joined_in_mid_frame_finds_the_next() {
        let mut framer = Framer::new();
        let mut frames = 0;
        for byte in [5, 6, 0xC0, 0xC0, 1, 2, 0xC0, 0xC0, 3, 0xC0] {
            framer.push(&[byte], |piece| {
                frames += usize::from(matches!(piece, Piece::Frame { .. }));
            });
        }
        assert_eq!(frames, 2);
    }

    #[test]
    fn a_frame_that_does_not_end_is_dropped_once_and_takes_no_memory() {
        let mut framer = Framer::new();
        let capacity = framer.frame.capacity();
        let mut too_long = 0;
        framer.push(&[0xC0], |_| {});
        for _ in 0..100 {
            framer.push(&[0xDB; 1000], |piece| {
                too_long += usize::from(piece == Piece::TooLong);
            });
        }
        assert_eq!(too_long, 1);
        assert_eq!(framer.frame.capacity(), capacity);
        let mut frames = 0;
        framer.push(&[0xC0, 1, 0xC0], |piece| {
            frames += usize::from(matches!(piece, Piece::Frame { .. }));
        });
        assert_eq!(frames, 1);
    }
}
