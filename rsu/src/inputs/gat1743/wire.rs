//! The GA/T 1743-2020 frame: header, checksum, byte layout. What the content says is in `content`.
//!
//! All numbers are little-endian. Offsets count from the opening delimiter, after the escapes are
//! undone, as in the standard's table.

use std::ops::Range;

use crc::{Algorithm, Crc};

use super::framing::emit_escaped;
use crate::clock::Utc;

/// Opens and closes a frame.
pub const DELIMITER: u8 = 0xC0;
/// Opens a two-byte escape.
pub const ESCAPE: u8 = 0xDB;
/// After [`ESCAPE`]: stands for [`DELIMITER`].
pub const ESCAPED_DELIMITER: u8 = 0xDC;
/// After [`ESCAPE`]: stands for [`ESCAPE`].
pub const ESCAPED_ESCAPE: u8 = 0xDD;

const LINK: Range<usize> = 1..3;
const SENDER: Range<usize> = 3..10;
const RECEIVER: Range<usize> = 10..17;
const UTC_S: Range<usize> = 17..21;
const UTC_MS: Range<usize> = 21..23;
const TTL_S: usize = 23;
const VERSION: usize = 24;
const OPERATION: usize = 25;
const OBJECT: Range<usize> = 26..28;
const SECURITY: usize = 28;
const RESERVED: Range<usize> = 29..32;
/// Absent in a query.
const LENGTH: Range<usize> = 32..34;
const CONTENT_START: usize = LENGTH.end;
/// Checksum and closing delimiter.
const TAIL: usize = 3;
/// A query: header, checksum, delimiter.
const QUERY_SIZE: usize = RESERVED.end + TAIL;

const SIGNED: u8 = 0b1;

/// Who sends or receives: administrative division, kind of equipment, number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Administrative division by GB/T 2260, such as 110115; 24 bits on the wire.
    pub division: u32,
    /// Bit 15 roadside V2X unit, 14 traffic platform, 13 other roadside device, 12 controller.
    pub kind: u16,
    /// Number within division and kind.
    pub number: u16,
}

impl Address {
    /// `kind` of a roadside V2X unit.
    pub const ROADSIDE_UNIT: u16 = 0x8000;
    /// `kind` of a signal controller.
    pub const CONTROLLER: u16 = 0x1000;
    /// `number` that means every device of that kind.
    pub const EVERY: u16 = 0xFFFF;

    fn parse(bytes: &[u8; 7]) -> Self {
        let [a, b, c, d, e, f, g] = *bytes;
        Self {
            division: u32::from_le_bytes([a, b, c, 0]),
            kind: u16::from_le_bytes([d, e]),
            number: u16::from_le_bytes([f, g]),
        }
    }

    fn emit(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.division.to_le_bytes()[..3]);
        out.extend(self.kind.to_le_bytes());
        out.extend(self.number.to_le_bytes());
    }
}

/// What a frame does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Operation {
    /// Asks for an object; has no content.
    Query = 0x80,
    /// Reserved by the standard.
    Set = 0x81,
    /// Says something unasked.
    Report = 0x82,
    /// Answers a query.
    QueryReply = 0x83,
    /// Reserved by the standard.
    SetReply = 0x84,
    /// Confirms a report.
    ReportAck = 0x85,
    /// Refuses.
    Error = 0x86,
    /// Says something to everyone.
    Broadcast = 0x87,
}

impl Operation {
    /// From its code on the wire.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x80 => Self::Query,
            0x81 => Self::Set,
            0x82 => Self::Report,
            0x83 => Self::QueryReply,
            0x84 => Self::SetReply,
            0x85 => Self::ReportAck,
            0x86 => Self::Error,
            0x87 => Self::Broadcast,
            _ => return None,
        })
    }
}

/// How the content length field counts; devices differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LengthField {
    /// Bytes of content (seen in Beijing).
    #[default]
    ContentOnly,
    /// Bytes of content and its own two (seen in Qingdao).
    CountsItself,
}

/// What a frame says besides its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bit 0 roadside V2X unit, 1 traffic platform, 2 other roadside devices, 3 controller.
    pub link: u16,
    /// Who sends.
    pub sender: Address,
    /// Who is meant.
    pub receiver: Address,
    /// Unix seconds by the sender's clock.
    pub utc_s: u32,
    /// Reserved by the standard; real frames carry milliseconds or zero.
    pub utc_ms: u16,
    /// For how long the content holds.
    pub ttl_s: u8,
    /// 0x10 in every frame seen.
    pub version: u8,
    /// What it does.
    pub operation: Operation,
    /// What it is about; the codes are in `content`.
    pub object: u16,
}

/// One frame, content not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// All but the content.
    pub header: Header,
    /// The content with the way its length is counted; None where the frame has no length field.
    pub content: Option<(LengthField, &'a [u8])>,
    /// The signature that follows the content, unverified: its layout is not published.
    pub signature: Option<&'a [u8]>,
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than a header, or longer than the length field can say.
    Size,
    /// The checksum does not agree.
    Checksum,
    /// The operation is none of the eight.
    Operation,
    /// The content length fits the frame by neither way of counting.
    Length,
}

impl Malformed {
    /// The word under which it is counted.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Size => "frame-size",
            Self::Checksum => "checksum",
            Self::Operation => "operation",
            Self::Length => "content-length",
        }
    }
}

/// Reads one frame: unescaped, both delimiters included.
///
/// The checksum comes before everything else: a frame that passes is what the device sent.
pub fn parse(frame: &[u8]) -> Result<Frame<'_>, Malformed> {
    if frame.len() < QUERY_SIZE {
        return Err(Malformed::Size);
    }
    let end = frame.len() - TAIL;
    let body = frame.get(..end).ok_or(Malformed::Size)?;
    let stored = u16::from_le_bytes(array(frame, end..end + 2)?);
    if checksum(&body[LINK.start..]) != stored {
        return Err(Malformed::Checksum);
    }
    let header = Header {
        link: u16::from_le_bytes(array(body, LINK)?),
        sender: Address::parse(&array(body, SENDER)?),
        receiver: Address::parse(&array(body, RECEIVER)?),
        utc_s: u32::from_le_bytes(array(body, UTC_S)?),
        utc_ms: u16::from_le_bytes(array(body, UTC_MS)?),
        ttl_s: body[TTL_S],
        version: body[VERSION],
        operation: Operation::from_code(body[OPERATION]).ok_or(Malformed::Operation)?,
        object: u16::from_le_bytes(array(body, OBJECT)?),
    };
    let signed = body[SECURITY] & SIGNED != 0;
    let (content, signature) = split_content(body, signed)?;
    Ok(Frame {
        header,
        content,
        signature,
    })
}

/// Content with its way of counting, and signature.
type Parts<'a> = (Option<(LengthField, &'a [u8])>, Option<&'a [u8]>);

fn split_content(body: &[u8], signed: bool) -> Result<Parts<'_>, Malformed> {
    let Some(rest) = body.get(CONTENT_START..) else {
        // A length field cut in half is no query either.
        return match body.len() {
            n if n == RESERVED.end => Ok((None, signed.then_some(&[]))),
            _ => Err(Malformed::Length),
        };
    };
    let said = usize::from(u16::from_le_bytes(array(body, LENGTH)?));
    if signed {
        let content = rest.get(..said).ok_or(Malformed::Length)?;
        let signature = &rest[said..];
        return Ok((Some((LengthField::ContentOnly, content)), Some(signature)));
    }
    let counting = match said {
        n if n == rest.len() => LengthField::ContentOnly,
        n if n == rest.len() + 2 => LengthField::CountsItself,
        _ => return Err(Malformed::Length),
    };
    Ok((Some((counting, rest)), None))
}

/// Appends the frame as it goes on the wire, with checksum, escapes and delimiters.
///
/// Content beyond what the length field can count is cut off; nothing that `content` emits comes
/// near. `scratch` is overwritten and only saves an allocation.
pub fn emit(frame: &Frame<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    let header = &frame.header;
    scratch.clear();
    scratch.extend(header.link.to_le_bytes());
    header.sender.emit(scratch);
    header.receiver.emit(scratch);
    scratch.extend(header.utc_s.to_le_bytes());
    scratch.extend(header.utc_ms.to_le_bytes());
    scratch.extend([header.ttl_s, header.version, header.operation as u8]);
    scratch.extend(header.object.to_le_bytes());
    scratch.push(if frame.signature.is_some() { SIGNED } else { 0 });
    scratch.extend([0; RESERVED.end - RESERVED.start]);
    if let Some((counting, content)) = frame.content {
        let content = &content[..content.len().min(usize::from(u16::MAX) - 2)];
        let size = content.len() as u16;
        let said = match counting {
            LengthField::ContentOnly => size,
            LengthField::CountsItself => size + 2,
        };
        scratch.extend(said.to_le_bytes());
        scratch.extend_from_slice(content);
    }
    scratch.extend_from_slice(frame.signature.unwrap_or_default());
    let checksum = checksum(scratch);
    scratch.extend(checksum.to_le_bytes());
    emit_escaped(scratch, out);
}

/// Seconds and milliseconds of the header's time; a moment that does not fit stops at its ends.
pub fn clock_fields(utc: Utc) -> (u32, u16) {
    let ms = utc.unix_ms().clamp(0, i64::from(u32::MAX) * 1000);
    ((ms / 1000) as u32, (ms % 1000) as u16)
}

fn array<const N: usize>(bytes: &[u8], range: Range<usize>) -> Result<[u8; N], Malformed> {
    bytes
        .get(range)
        .and_then(|slice| slice.try_into().ok())
        .ok_or(Malformed::Size)
}

/// CRC-16 as the standard has it.
pub fn checksum(bytes: &[u8]) -> u16 {
    CRC.checksum(bytes)
}

const CRC: Crc<u16> = Crc::<u16>::new(&Algorithm {
    width: 16,
    poly: 0x8005,
    init: 0xFFFF,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0xAEE7,
    residue: 0,
});

#[cfg(test)]
mod tests {
    use super::super::framing::{Framer, Piece};
    use super::*;
    use proptest::prelude::*;

    fn header(operation: Operation) -> Header {
        Header {
            link: 4,
            sender: Address {
                division: 110_115,
                kind: Address::CONTROLLER,
                number: 3,
            },
            receiver: Address::default(),
            utc_s: 1_668_064_298,
            utc_ms: 377,
            ttl_s: 60,
            version: 0x10,
            operation,
            object: 0x0103,
        }
    }

    fn emitted(frame: &Frame<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        emit(frame, &mut Vec::new(), &mut out);
        out
    }

    /// Through the framer, as a device's bytes go; the frame with its delimiters.
    fn unescaped(bytes: &[u8]) -> Vec<u8> {
        let mut frames = Vec::new();
        Framer::new().push(bytes, |piece| match piece {
            Piece::Frame { bytes, .. } => frames.push(bytes.to_vec()),
            other => panic!("{other:?}"),
        });
        assert_eq!(frames.len(), 1);
        frames.remove(0)
    }

    #[test]
    fn the_checksum_is_the_catalogued_one() {
        // CRC-16/CMS of the usual check string.
        assert_eq!(checksum(b"123456789"), 0xAEE7);
    }

    #[test]
    fn a_query_is_35_bytes_and_has_no_length_field() {
        let query = Frame {
            header: header(Operation::Query),
            content: None,
            signature: None,
        };
        let bytes = emitted(&query);
        assert_eq!(bytes.len(), 35);
        assert_eq!(parse(&unescaped(&bytes)), Ok(query));
    }

    #[test]
    fn both_ways_of_counting_the_length_are_read() {
        for counting in [LengthField::ContentOnly, LengthField::CountsItself] {
            let frame = Frame {
                header: header(Operation::Broadcast),
                content: Some((counting, &[1, 2, 3])),
                signature: None,
            };
            assert_eq!(parse(&unescaped(&emitted(&frame))), Ok(frame));
        }
    }

    #[test]
    fn a_length_that_fits_neither_way_is_refused() {
        let frame = Frame {
            header: header(Operation::Broadcast),
            content: Some((LengthField::ContentOnly, &[1, 2, 3])),
            signature: None,
        };
        let mut bytes = unescaped(&emitted(&frame));
        for said in [0_u8, 2, 4, 6, 200] {
            bytes[LENGTH.start] = said;
            let end = bytes.len() - TAIL;
            let crc = checksum(&bytes[1..end]).to_le_bytes();
            bytes[end..end + 2].copy_from_slice(&crc);
            assert_eq!(parse(&bytes), Err(Malformed::Length), "{said}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_a_checksum_error() {
        let frame = Frame {
            header: header(Operation::QueryReply),
            content: Some((LengthField::ContentOnly, &[9; 40])),
            signature: None,
        };
        let bytes = unescaped(&emitted(&frame));
        for bit in 8..(bytes.len() - 1) * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&damaged), Err(Malformed::Checksum), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_refused() {
        let frame = Frame {
            header: header(Operation::QueryReply),
            content: Some((LengthField::ContentOnly, &[9; 40])),
            signature: None,
        };
        let bytes = unescaped(&emitted(&frame));
        for size in 0..bytes.len() {
            assert!(parse(&bytes[..size]).is_err(), "{size}");
        }
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed_again(
            link: u16, division in 0..1_u32 << 24, kind: u16, number: u16, utc_s: u32, utc_ms: u16,
            ttl_s: u8, version: u8, code in 0x80..=0x87_u8, object: u16,
            content in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
            counts_itself: bool,
            signature in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..80)),
        ) {
            let counting = if counts_itself && signature.is_none() {
                LengthField::CountsItself
            } else {
                LengthField::ContentOnly
            };
            let frame = Frame {
                header: Header {
                    link,
                    sender: Address { division, kind, number },
                    receiver: Address { division, kind: number, number: kind },
                    utc_s, utc_ms, ttl_s, version,
                    operation: Operation::from_code(code).unwrap(),
                    object,
                },
                // Without content there is nothing that a signature could follow.
                signature: content.as_ref().and(signature.as_deref()),
                content: content.as_deref().map(|content| (counting, content)),
            };
            let bytes = unescaped(&emitted(&frame));
            prop_assert_eq!(parse(&bytes), Ok(frame));
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
