//! CAN frames as the text of serial adapters: SLCAN, after the LAWICEL CAN232 manual.
//!
//! | from the adapter | meaning |
//! |---|---|
//! | `t` iii n data | frame with an 11-bit identifier, n bytes of data |
//! | `T` iiiiiiii n data | the same with 29 bits |
//! | `r`, `R` | requests for data, without any |
//! | four digits behind the data | the adapter's own time; not used |
//! | nothing, `z`, `Z` | an order was carried out |
//! | BEL | an order was refused |
//! | `F`, `V`, `N` and digits | answers to questions that others may have asked |
//!
//! All are hexadecimal and end in CR. The adapter is silent until it is told its rate and opened:
//! [`open`].

use arrayvec::ArrayVec;

use super::{CanFrame, Fault};

/// The longest line: an extended frame of eight bytes with a time.
const MAX_LINE: usize = 1 + 8 + 1 + 16 + 4;
const CR: u8 = b'\r';
const BEL: u8 = 7;

/// Lines to CAN frames.
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
            match byte {
                CR => self.end_line(&mut sink),
                BEL => {
                    self.reset();
                    sink(Err(Fault::Refused));
                }
                _ => self.too_long |= self.line.try_push(byte).is_err(),
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
        } else if let Some(read) = parse(&self.line) {
            sink(read);
        }
        self.reset();
    }
}

/// Reads a line without its end; None for what is no frame and need not be one.
fn parse(line: &[u8]) -> Option<Result<CanFrame, Fault>> {
    let (kind, rest) = line.split_first()?;
    let (id_digits, remote) = match kind {
        b't' => (3, false),
        b'T' => (8, false),
        b'r' => (3, true),
        b'R' => (8, true),
        b'z' | b'Z' | b'F' | b'V' | b'N' => return None,
        _ => return Some(Err(Fault::Line)),
    };
    Some(frame(rest, id_digits, remote).ok_or(Fault::Line))
}

fn frame(text: &[u8], id_digits: usize, remote: bool) -> Option<CanFrame> {
    let (id, text) = text.split_at_checked(id_digits)?;
    let (size, text) = text.split_first()?;
    let size = number(&[*size]).filter(|size| *size <= 8)? as usize;
    let mut data = [0; 8];
    let data = &mut data[..size];
    let (digits, time) = text.split_at_checked(if remote { 0 } else { 2 * size })?;
    for (byte, pair) in data.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = number(pair)? as u8;
    }
    if !(time.is_empty() || time.len() == 4 && number(time).is_some()) {
        return None;
    }
    let id = number(id)?;
    let frame = if id_digits == 3 {
        CanFrame::standard(id, data)?
    } else {
        CanFrame::extended(id, data)?
    };
    Some(if remote { frame.as_remote() } else { frame })
}

/// Of at most eight hexadecimal digits.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, digit| {
        Some((sum << 4) | char::from(*digit).to_digit(16)?)
    })
}

/// Appends one line.
pub fn emit(frame: &CanFrame, out: &mut Vec<u8>) {
    let kind = match (frame.is_extended(), frame.is_remote()) {
        (false, false) => b't',
        (true, false) => b'T',
        (false, true) => b'r',
        (true, true) => b'R',
    };
    out.push(kind);
    let digits = if frame.is_extended() { 8 } else { 3 };
    for place in (0..digits).rev() {
        out.push(digit(frame.id() >> (4 * place)));
    }
    out.push(digit(frame.size().into()));
    for byte in frame.data() {
        out.extend([digit(u32::from(*byte) >> 4), digit((*byte).into())]);
    }
    out.push(CR);
}

/// Appends what opens an adapter at 500 kbit/s, whatever was half said to it before.
pub fn open(out: &mut Vec<u8>) {
    out.extend(b"\rC\rS6\rO\r");
}

/// The lowest four bits.
fn digit(bits: u32) -> u8 {
    b"0123456789ABCDEF"[(bits & 15) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<CanFrame, Fault>> {
        let mut read = Vec::new();
        Reader::new().push(bytes, |frame| read.push(frame));
        read
    }

    #[test]
    fn lines_of_an_independent_sender_are_read() {
        // Sent by python-can 4.6.1's slcan bus for frame 60B of the recording, and for others.
        let frame = CanFrame::standard(0x60B, &[0x38, 0x4F, 4, 2, 0x80, 0x20, 1, 0x9C]).unwrap();
        let wide = CanFrame::extended(0x18FE_F100, &[1]).unwrap();
        let asked = CanFrame::standard(0x200, &[0; 8]).unwrap().as_remote();
        let sent = b"t60B8384F04028020019C\rT18FEF100101\rr2008\r";
        assert_eq!(read(sent), [Ok(frame), Ok(wide), Ok(asked)]);
        let mut again = Vec::new();
        [frame, wide, asked]
            .iter()
            .for_each(|f| emit(f, &mut again));
        assert_eq!(again, sent);
    }

    #[test]
    fn answers_are_passed_over_and_refusals_told() {
        assert_eq!(read(b"\rz\rZ\rV1013\rF00\r\x07"), [Err(Fault::Refused)]);
    }

    #[test]
    fn a_time_behind_the_data_is_passed_over() {
        let frame = CanFrame::standard(0x60A, &[1, 2]).unwrap();
        assert_eq!(read(b"t60A20102EA5F\r"), [Ok(frame)]);
    }

    #[test]
    fn what_is_no_frame_is_told_and_the_next_line_is_read() {
        let good = CanFrame::standard(1, &[]).unwrap();
        for bad in [
            &b"t60A9\r"[..],
            b"t60A2010\r",
            b"t8000\r",
            b"T200000000\r",
            b"tXYZ0\r",
            b"q\r",
            b"t60A20102EA\r",
        ] {
            let bytes = [bad, b"t0010\r"].concat();
            assert_eq!(read(&bytes), [Err(Fault::Line), Ok(good)], "{bad:?}");
        }
        let long = [&[b'0'; 100][..], b"\rt0010\r"].concat();
        assert_eq!(read(&long), [Err(Fault::LongLine), Ok(good)]);
    }
}
