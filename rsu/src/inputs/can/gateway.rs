//! The 13-byte records of CAN-to-Ethernet gateways: ZLG CANET, Waveshare and their kin.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | bit 7 extended, bit 6 remote, bits 5 and 4 zero, bits 3..0 data length 0 to 8 |
//! | 1 | 4 | identifier, big-endian |
//! | 5 | 8 | data, padded |
//!
//! A record has no mark of its start. A stream is in step when it opens; once a record cannot be one
//! (reserved bits, a length above 8, an identifier above its range), bytes are dropped one by one
//! until two records in a row can be, both with data and an identifier other than zero. Measured by
//! the tests: no false step on radar traffic at any offset.

use arrayvec::ArrayVec;

use super::{CanFrame, Fault};

/// Size of a record.
pub const RECORD: usize = 13;

const EXTENDED: u8 = 1 << 7;
const REMOTE: u8 = 1 << 6;
const RESERVED: u8 = 0b11 << 4;
const SIZE: u8 = 0b1111;

/// Gateway records to CAN frames.
#[derive(Debug)]
pub struct Reader {
    /// At most two records less the byte that completes them.
    held: ArrayVec<u8, { 2 * RECORD }>,
    in_step: bool,
    whole_datagrams: bool,
}

impl Reader {
    /// For a TCP stream.
    pub fn stream() -> Self {
        Self {
            held: ArrayVec::new(),
            in_step: true,
            whole_datagrams: false,
        }
    }

    /// For UDP, where each datagram starts with a record.
    pub fn datagrams() -> Self {
        Self {
            whole_datagrams: true,
            ..Self::stream()
        }
    }

    /// Takes the next bytes, or a whole datagram, and hands out the frames that they complete.
    pub fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Result<CanFrame, Fault>)) {
        if self.whole_datagrams {
            self.reset();
        }
        let mut bytes = bytes;
        loop {
            // In step, as nearly always, records are taken whole from where they lie.
            while self.in_step
                && self.held.is_empty()
                && let Some((record, rest)) = bytes.split_first_chunk()
                && let Some(frame) = parse(record)
            {
                sink(Ok(frame));
                bytes = rest;
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                break;
            };
            self.held.push(byte);
            while self.step(&mut sink) {}
            bytes = rest;
        }
        if self.whole_datagrams && !self.held.is_empty() {
            self.reset();
            sink(Err(Fault::Cut));
        }
    }

    /// Forgets what is half received; what comes next is in step.
    pub fn reset(&mut self) {
        self.held.clear();
        self.in_step = true;
    }

    /// One move through what is held; false when more bytes are needed.
    fn step(&mut self, sink: &mut impl FnMut(Result<CanFrame, Fault>)) -> bool {
        let Some((record, rest)) = self.held.split_first_chunk() else {
            return false;
        };
        match (self.in_step, parse(record)) {
            (true, Some(frame)) => {
                self.held.drain(..RECORD);
                sink(Ok(frame));
            }
            (true, None) => {
                self.in_step = false;
                sink(Err(Fault::OutOfStep));
            }
            (false, first) => {
                let likely = |frame: Option<CanFrame>| {
                    frame.is_some_and(|frame| frame.id() != 0 && !frame.data().is_empty())
                };
                if !likely(first) {
                    self.held.remove(0);
                } else if let Some(second) = rest.first_chunk() {
                    if likely(parse(second)) {
                        self.in_step = true;
                    } else {
                        self.held.remove(0);
                    }
                } else {
                    return false;
                }
            }
        }
        true
    }
}

/// Reads one record; None if it cannot be one.
pub fn parse(record: &[u8; RECORD]) -> Option<CanFrame> {
    let [head, a, b, c, d, data @ ..] = record;
    let id = u32::from_be_bytes([*a, *b, *c, *d]);
    if head & RESERVED != 0 {
        return None;
    }
    let data = data.get(..usize::from(head & SIZE))?;
    let frame = if head & EXTENDED != 0 {
        CanFrame::extended(id, data)?
    } else {
        CanFrame::standard(id, data)?
    };
    Some(if head & REMOTE != 0 {
        frame.as_remote()
    } else {
        frame
    })
}

/// Appends one record.
pub fn emit(frame: &CanFrame, out: &mut Vec<u8>) {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(frame.size() | flag(frame.is_extended(), EXTENDED) | flag(frame.is_remote(), REMOTE));
    out.extend(frame.id().to_be_bytes());
    let mut data = [0; 8];
    data[..frame.data().len()].copy_from_slice(frame.data());
    out.extend(data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(count: u8) -> Vec<CanFrame> {
        // Radar traffic: mostly 8 bytes, some shorter, zeros inside.
        (0..count)
            .map(|n| match n % 3 {
                0 => CanFrame::standard(0x60A, &[n, 0, 0, 0x10]),
                1 => CanFrame::standard(0x60B, &[n, 0x4F, 0, 0, 0x80, 0x20, 1, 0]),
                _ => CanFrame::standard(0x60C, &[n, 0x84, 0xA3, 0x3A, 2, 0, 0xE8]),
            })
            .map(Option::unwrap)
            .collect()
    }

    fn bytes_of(frames: &[CanFrame]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            emit(frame, &mut bytes);
        }
        bytes
    }

    #[test]
    fn a_record_of_an_independent_sender_is_read() {
        // Sent by the can-waveshare package for frame 60B of the recording.
        let record = [8, 0, 0, 6, 0x0B, 0x38, 0x4F, 4, 2, 0x80, 0x20, 1, 0x9C];
        let frame = CanFrame::standard(0x60B, &[0x38, 0x4F, 4, 2, 0x80, 0x20, 1, 0x9C]);
        assert_eq!(parse(&record), frame);
        assert_eq!(bytes_of(&[frame.unwrap()]), record);
    }

    #[test]
    fn a_stream_that_lost_bytes_anywhere_is_back_in_step_within_three_records() {
        let sent = frames(30);
        let bytes = bytes_of(&sent);
        for lost in 1..RECORD {
            for at in 0..RECORD {
                let mut damaged = bytes.clone();
                let start = 5 * RECORD + at;
                damaged.drain(start..start + lost);
                let mut read = Vec::new();
                let mut reader = Reader::stream();
                reader.push(&damaged, |frame| read.extend(frame.ok()));
                assert_eq!(read[..5], sent[..5]);
                // The tail is what was sent: nothing was lost or made up after the damage.
                assert_eq!(read[read.len() - 22..], sent[8..], "lost {lost} at {at}");
            }
        }
    }

    #[test]
    fn a_stream_joined_anywhere_makes_up_no_frame_of_an_unknown_identifier() {
        let bytes = bytes_of(&frames(60));
        for start in 1..3 * RECORD {
            let mut reader = Reader::stream();
            let mut read = Vec::new();
            reader.push(&bytes[start..], |frame| read.extend(frame.ok()));
            let strange = read.iter().filter(|f| !(0x60A..=0x60C).contains(&f.id()));
            // The first record is believed, because a stream should open in step.
            assert!(strange.count() <= 1, "joined at {start}");
            assert!(read.len() >= 55, "joined at {start}: {}", read.len());
        }
    }

    #[test]
    fn a_datagram_starts_in_step_whatever_came_before() {
        let bytes = bytes_of(&frames(2));
        let mut reader = Reader::datagrams();
        let mut read = Vec::new();
        reader.push(&bytes[..20], |frame| read.push(frame));
        reader.push(&bytes, |frame| read.push(frame));
        let sent = frames(2);
        assert_eq!(
            read,
            [Ok(sent[0]), Err(Fault::Cut), Ok(sent[0]), Ok(sent[1])]
        );
    }

    proptest! {
        #[test]
        fn a_damaged_stream_is_read_alike_whole_and_byte_by_byte(
            start in 0..RECORD, lost in 0..RECORD, at in 0..20 * RECORD, noise in any::<[u8; 5]>(),
        ) {
            let mut bytes = bytes_of(&frames(40));
            bytes.splice(at..at + lost, noise.into_iter().take(lost % 6));
            let read = |chunk: usize| {
                let (mut reader, mut read) = (Reader::stream(), Vec::new());
                for chunk in bytes[start..].chunks(chunk) {
                    reader.push(chunk, |frame| read.push(frame));
                }
                read
            };
            prop_assert_eq!(read(bytes.len()), read(1));
        }
    }
}
