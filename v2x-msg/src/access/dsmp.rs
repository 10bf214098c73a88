//! The frame around a message: adaptation layer and DSMP (YD/T 3707-2020).
//!
//! ```text
//! adaptation type | version, option | extensions | AID      | length  | data
//! 1 byte, 04      | 1 byte, 00      | optional   | 1-4 byte | 2 bytes | at most 1400 bytes
//! ```
//! [`Frame`] writes the header first and lends out the room behind it, so that a message is encoded
//! where it will be sent from. [`parse`] refuses what YD/T 3708-2020 says a receiver must drop.

use super::{Aid, UnknownAid};

/// DsmMaxLength, the default of YD/T 3707: longer data is refused when sending and dropped when
/// received.
pub const MAX_DATA: usize = 1400;

/// The longest header that [`Frame`] writes: adaptation, version, two bytes of AID, length.
pub const MAX_HEADER: usize = 6;

/// A frame in the making, in the caller's buffer.
///
/// ```
/// use v2x_msg::access::{Aid, dsmp};
/// let mut out = [0; 64];
/// let mut frame = dsmp::Frame::begin(Aid::Spat, &mut out).unwrap();
/// frame.data()[..2].copy_from_slice(&[0x30, 0x00]);
/// let len = frame.finish(2).unwrap();
/// assert_eq!(out[..len], [0x04, 0x00, 0x8d, 0xa3, 0x00, 0x02, 0x30, 0x00]);
/// ```
#[derive(Debug)]
pub struct Frame<'a> {
    out: &'a mut [u8],
    header: usize,
}

/// A frame that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSend {
    /// The buffer has no room for the header.
    #[error("no room for the DSMP header")]
    NoRoom,
    /// The data is longer than [`MAX_DATA`], or than the room that was lent.
    #[error("{0} bytes do not fit into a frame")]
    TooLong(usize),
}

impl<'a> Frame<'a> {
    /// Writes the header for `aid` at the start of `out`.
    pub fn begin(aid: Aid, out: &'a mut [u8]) -> Result<Self, CannotSend> {
        let number = aid.number();
        let (aid_bytes, aid_len) = p_encode(number);
        let header = 2 + aid_len + 2;
        let room = out.get_mut(..header).ok_or(CannotSend::NoRoom)?;
        room[0] = ADAPTATION_DSMP;
        room[1] = 0;
        room[2..2 + aid_len].copy_from_slice(&aid_bytes[..aid_len]);
        room[2 + aid_len..].fill(0);
        Ok(Frame { out, header })
    }

    /// Room for the data, never more than [`MAX_DATA`] bytes.
    pub fn data(&mut self) -> &mut [u8] {
        let end = self.out.len().min(self.header + MAX_DATA);
        &mut self.out[self.header..end]
    }

    /// Closes the frame over the first `len` bytes of data; returns the length of the whole frame.
    pub fn finish(mut self, len: usize) -> Result<usize, CannotSend> {
        if len > self.data().len() {
            return Err(CannotSend::TooLong(len));
        }
        let stated = u16::try_from(len).map_err(|_| CannotSend::TooLong(len))?;
        self.out[self.header - 2..self.header].copy_from_slice(&stated.to_be_bytes());
        Ok(self.header + len)
    }
}

/// A frame that was received, borrowed from the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dsmp<'a> {
    /// The application's number, registered or not.
    pub aid_number: u32,
    /// The message or its security envelope.
    pub data: &'a [u8],
}

impl Dsmp<'_> {
    /// The application. YD/T 3708-2020: data for an unregistered one must not be delivered.
    pub fn aid(&self) -> Result<Aid, UnknownAid> {
        Aid::from_number(self.aid_number)
    }
}

/// Why a received frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDsmp {
    /// It ends inside the header.
    #[error("ends inside the DSMP header")]
    Short,
    /// The adaptation layer carries something else: 0 is IPv6, 5 IPv4, the others are reserved.
    #[error("adaptation type {0} is not DSMP")]
    Adaptation(u8),
    /// A DSMP version other than 0.
    #[error("DSMP version {0}")]
    Version(u8),
    /// The AID begins with a byte that no AID begins with.
    #[error("malformed AID")]
    Aid,
    /// Longer data than [`MAX_DATA`].
    #[error("{0} bytes of data are more than 1400")]
    TooLong(usize),
    /// The length in the header is not that of what follows.
    #[error("header says {stated} bytes, {found} follow")]
    Length {
        /// In the header.
        stated: usize,
        /// Behind it.
        found: usize,
    },
}

/// Reads the frame around a message. Extension fields are skipped.
pub fn parse(bytes: &[u8]) -> Result<Dsmp<'_>, NotDsmp> {
    let (adaptation, rest) = bytes.split_first().ok_or(NotDsmp::Short)?;
    if *adaptation != ADAPTATION_DSMP {
        return Err(NotDsmp::Adaptation(*adaptation));
    }
    let (header, mut rest) = rest.split_first().ok_or(NotDsmp::Short)?;
    // YD/T 3708-2020: another version is dropped. The four reserved bits are not looked at.
    if header >> 5 != 0 {
        return Err(NotDsmp::Version(header >> 5));
    }
    if header & OPTION_BIT != 0 {
        rest = skip_extensions(rest).ok_or(NotDsmp::Short)?;
    }
    let (aid_number, rest) = p_decode(rest)?;
    let (length, data) = rest.split_first_chunk::<2>().ok_or(NotDsmp::Short)?;
    let stated = usize::from(u16::from_be_bytes(*length));
    if stated > MAX_DATA {
        return Err(NotDsmp::TooLong(stated));
    }
    if stated != data.len() {
        return Err(NotDsmp::Length {
            stated,
            found: data.len(),
        });
    }
    Ok(Dsmp { aid_number, data })
}

/// The adaptation layer's number for DSMP.
const ADAPTATION_DSMP: u8 = 4;
/// In the version byte: extension fields follow.
const OPTION_BIT: u8 = 0x10;

/// A count, then that many of (element id, length, value).
fn skip_extensions(bytes: &[u8]) -> Option<&[u8]> {
    let (count, mut rest) = bytes.split_first()?;
    for _ in 0..*count {
        let (header, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(header[1])..)?;
    }
    Some(rest)
}

/// The AID as IEEE 1609.3 writes a PSID: the leading bits say how many bytes it has, and each
/// length begins where the shorter one ends. Returns the bytes and how many of them count.
fn p_encode(number: u32) -> ([u8; 4], usize) {
    for (index, form) in P_FORMS.iter().enumerate() {
        let len = index + 1;
        if number >= form.first && number - form.first < form.count {
            let mut bytes = [0; 4];
            let whole =
                ((number - form.first) | (u32::from(form.lead) << (8 * index))).to_be_bytes();
            bytes[..len].copy_from_slice(&whole[4 - len..]);
            return (bytes, len);
        }
    }
    // Every `Aid` is far below the 270 million that four bytes reach; the tests hold it.
    ([0xff; 4], 4)
}

fn p_decode(bytes: &[u8]) -> Result<(u32, &[u8]), NotDsmp> {
    let lead = *bytes.first().ok_or(NotDsmp::Short)?;
    let index = lead.leading_ones() as usize;
    let form = P_FORMS.get(index).ok_or(NotDsmp::Aid)?;
    let (aid, rest) = bytes.split_at_checked(index + 1).ok_or(NotDsmp::Short)?;
    let value = aid
        .iter()
        .fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
    Ok((form.first + (value & (form.count - 1)), rest))
}

struct PForm {
    lead: u8,
    first: u32,
    count: u32,
}

const P_FORMS: [PForm; 4] = [
    PForm {
        lead: 0x00,
        first: 0,
        count: 1 << 7,
    },
    PForm {
        lead: 0x80,
        first: 128,
        count: 1 << 14,
    },
    PForm {
        lead: 0xc0,
        first: 16_512,
        count: 1 << 21,
    },
    PForm {
        lead: 0xe0,
        first: 2_113_664,
        count: 1 << 28,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(aid: Aid, data: &[u8]) -> Vec<u8> {
        let mut out = vec![0xaa; MAX_HEADER + data.len()];
        let mut frame = Frame::begin(aid, &mut out).unwrap();
        frame.data()[..data.len()].copy_from_slice(data);
        let len = frame.finish(data.len()).unwrap();
        out.truncate(len);
        out
    }

    /// Headers of the published interoperability tests, for 16 bytes of data.
    #[test]
    fn headers_are_those_of_the_interoperability_tests() {
        let headers: [(Aid, &[u8]); 7] = [
            (Aid::BsmOrdinary, &[0x04, 0x00, 0x6f, 0x00, 0x10]),
            (Aid::BsmEmergencyEvent, &[0x04, 0x00, 0x72, 0x00, 0x10]),
            (Aid::Map, &[0x04, 0x00, 0x8d, 0xa2, 0x00, 0x10]),
            (Aid::Spat, &[0x04, 0x00, 0x8d, 0xa3, 0x00, 0x10]),
            (Aid::RsiDynamic, &[0x04, 0x00, 0x8d, 0xa6, 0x00, 0x10]),
            (Aid::Rsm, &[0x04, 0x00, 0x8d, 0xa7, 0x00, 0x10]),
            (Aid::Misbehaviour, &[0x04, 0x00, 0x8d, 0xad, 0x00, 0x10]),
        ];
        for (aid, header) in headers {
            let bytes = frame(aid, &[7; 16]);
            assert_eq!(bytes[..header.len()], *header);
            let read = parse(&bytes).unwrap();
            assert_eq!((read.aid(), read.data), (Ok(aid), &[7; 16][..]));
        }
    }

    #[test]
    fn the_shared_header_examples_are_read_and_written() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/vectors/security/dsmp_headers.json"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: {path} is absent");
            return;
        };
        let examples: serde_json::Value = serde_json::from_str(&text).unwrap();
        for example in examples["examples"].as_array().unwrap() {
            let number = u32::try_from(example["aid"].as_u64().unwrap()).unwrap();
            let hex = example["header_hex"].as_str().unwrap();
            let mut bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            let (aid, len) = p_encode(number);
            assert_eq!(bytes[2..bytes.len() - 2], aid[..len]);
            bytes.extend([0; 16]);
            assert_eq!(parse(&bytes).unwrap().aid_number, number);
        }
    }

    #[test]
    fn fourteen_hundred_bytes_are_the_limit_both_ways() {
        let mut out = [0; 2000];
        let mut open = Frame::begin(Aid::Map, &mut out).unwrap();
        assert_eq!(open.data().len(), MAX_DATA);
        assert_eq!(open.finish(1401), Err(CannotSend::TooLong(1401)));
        let mut bytes = frame(Aid::Map, &[0; MAX_DATA]);
        assert_eq!(parse(&bytes).unwrap().data.len(), MAX_DATA);
        bytes.push(0);
        bytes[4..6].copy_from_slice(&1401u16.to_be_bytes());
        assert_eq!(parse(&bytes), Err(NotDsmp::TooLong(1401)));
    }

    #[test]
    fn a_buffer_without_room_is_refused() {
        assert_eq!(
            Frame::begin(Aid::Map, &mut [0; 5]).unwrap_err(),
            CannotSend::NoRoom
        );
        let mut out = [0; 8];
        let open = Frame::begin(Aid::Map, &mut out).unwrap();
        assert_eq!(open.finish(3), Err(CannotSend::TooLong(3)));
    }

    #[test]
    fn what_a_receiver_must_drop_is_dropped() {
        assert_eq!(parse(&[]), Err(NotDsmp::Short));
        assert_eq!(parse(&[0x05, 0, 0x6f, 0, 0]), Err(NotDsmp::Adaptation(5)));
        assert_eq!(parse(&[0x04, 0x20, 0x6f, 0, 0]), Err(NotDsmp::Version(1)));
        assert_eq!(parse(&[0x04, 0, 0xf8, 0, 0, 0, 0, 0]), Err(NotDsmp::Aid));
        assert_eq!(parse(&[0x04, 0, 0x8d]), Err(NotDsmp::Short));
        assert_eq!(parse(&[0x04, 0, 0x6f, 0]), Err(NotDsmp::Short));
        let cut = [0x04, 0, 0x6f, 0, 3, 1, 2];
        assert_eq!(
            parse(&cut),
            Err(NotDsmp::Length {
                stated: 3,
                found: 2
            })
        );
        let long = [0x04, 0, 0x6f, 0, 1, 1, 2];
        assert_eq!(
            parse(&long),
            Err(NotDsmp::Length {
                stated: 1,
                found: 2
            })
        );
    }

    #[test]
    fn an_unregistered_application_is_named() {
        let read = parse(&[0x04, 0, 0x12, 0, 1, 9]);
        assert_eq!(read.unwrap().aid(), Err(UnknownAid(18)));
    }

    #[test]
    fn extension_fields_are_skipped() {
        let bytes = [0x04, 0x10, 2, 0x20, 1, 0xaa, 0x21, 0, 0x6f, 0, 1, 9];
        assert_eq!(
            parse(&bytes),
            Ok(Dsmp {
                aid_number: 111,
                data: &[9]
            })
        );
        assert_eq!(parse(&[0x04, 0x10, 1, 0x20, 200, 0]), Err(NotDsmp::Short));
    }

    proptest! {
        #[test]
        fn numbers_of_every_length_come_back(number in 0u32..2_113_664 + (1 << 28)) {
            let (bytes, len) = p_encode(number);
            prop_assert_eq!(p_decode(&bytes[..len]), Ok((number, &[][..])));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
        }
    }
}
