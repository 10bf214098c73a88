//! The GB/T 20999-2017 frame: header, data values, checksum. What the values say is in `objects`.
//!
//! All numbers are big-endian. Offsets count from the opening delimiter, after the escapes are
//! undone; datagrams have none, streams have them (see `framing`).

use std::ops::Range;

use crc::{Algorithm, Crc};

use super::framing::emit_escaped;

/// Opens a frame.
pub const START: u8 = 0x7E;
/// Closes a frame.
pub const END: u8 = 0x7D;
/// On streams: the next byte is content, whatever it is.
pub const ESCAPE: u8 = 0x5C;

const LENGTH: Range<usize> = 1..3;
const VERSION: Range<usize> = 3..5;
const HOST: usize = 5;
const CONTROLLER: Range<usize> = 6..10;
const JUNCTION: usize = 10;
const SEQUENCE: usize = 11;
const KIND: usize = 12;
/// Absent in some heartbeats.
const COUNT: usize = 13;
/// Checksum and closing delimiter.
const TAIL: usize = 3;
/// What the length field leaves out: itself and both delimiters.
const UNCOUNTED: usize = 4;
/// A heartbeat without a number of values.
const SHORTEST: usize = COUNT + TAIL;
/// Index, length and address of a value.
const VALUE_HEAD: usize = 6;
/// What a value's own length counts besides its data: the address.
const ADDRESS_SIZE: usize = 4;
/// Most data that one value can carry.
pub const MAX_DATA: usize = u8::MAX as usize - ADDRESS_SIZE;

/// Where a value lives in a controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Class of data, such as 3 for lamp groups.
    pub class: u8,
    /// Object of the class.
    pub object: u8,
    /// Attribute of the object; 0 is all of them.
    pub attribute: u8,
    /// Element of a table, from 1; 0 is all of them, or that there is only one.
    pub element: u8,
}

impl Address {
    /// In the order in which people write it: class, object, attribute, element.
    pub const fn new(class: u8, object: u8, attribute: u8, element: u8) -> Self {
        Self {
            class,
            object,
            attribute,
            element,
        }
    }
}

/// What a frame does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Asks for values.
    Query = 0x10,
    /// Answers a query.
    QueryReply = 0x20,
    /// Refuses a query; each value is one byte that says why.
    QueryError = 0x21,
    /// Changes values: never sent by us.
    Set = 0x30,
    /// Confirms a change.
    SetReply = 0x40,
    /// Refuses a change.
    SetError = 0x41,
    /// To every controller.
    Broadcast = 0x50,
    /// Says values unasked.
    Report = 0x60,
    /// Asks whether the other side is there.
    Heartbeat = 0x70,
    /// Says yes.
    HeartbeatReply = 0x80,
}

impl Kind {
    /// From its code on the wire.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x10 => Self::Query,
            0x20 => Self::QueryReply,
            0x21 => Self::QueryError,
            0x30 => Self::Set,
            0x40 => Self::SetReply,
            0x41 => Self::SetError,
            0x50 => Self::Broadcast,
            0x60 => Self::Report,
            0x70 => Self::Heartbeat,
            // One public implementation counts on from the query instead.
            0x80 | 0x71 => Self::HeartbeatReply,
            _ => return None,
        })
    }

    const fn is_heartbeat(self) -> bool {
        matches!(self, Self::Heartbeat | Self::HeartbeatReply)
    }
}

/// What a frame says besides its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 0x0102 by the standard, 0x0100 from the recorded controller.
    pub version: u16,
    /// Which host speaks, or is spoken to.
    pub host: u8,
    /// Which controller.
    pub controller: u32,
    /// Which junction of a controller that has several.
    pub junction: u8,
    /// Echoed in a reply by the standard; the recorded controller answers 2 to 1.
    pub sequence: u8,
    /// What the frame does.
    pub kind: Kind,
}

/// One value of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its place in the frame, from 1.
    pub index: u8,
    /// What it is.
    pub address: Address,
    /// Nothing in a query.
    pub data: &'a [u8],
}

/// One frame, all its values in bounds, none looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// All but the values.
    pub header: Header,
    /// False in a heartbeat that ends without a number of values.
    pub counts_values: bool,
    values: &'a [u8],
    count: u8,
}

impl<'a> Frame<'a> {
    /// How many values it carries.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether it carries none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values, in the order of the frame.
    pub fn values(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut rest = self.values;
        // Every value was seen to be whole when the frame was parsed.
        std::iter::from_fn(move || {
            let (value, left) = split_value(rest)?;
            rest = left;
            Some(value)
        })
    }
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than a header, or without its delimiters.
    Size,
    /// The length field does not agree with the size.
    Length,
    /// The checksum does not agree.
    Checksum,
    /// The kind of frame is none that the standard has.
    Kind,
    /// The values do not fill the frame, or run over its end.
    Values,
}

impl Malformed {
    /// The word under which it is counted.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Size => "frame-size",
            Self::Length => "frame-length",
            Self::Checksum => "checksum",
            Self::Kind => "frame-kind",
            Self::Values => "values",
        }
    }
}

/// How long the frame at the start of `bytes` says that it is, delimiters included; None where there
/// are too few bytes to say, or a length that no frame has.
pub fn said_size(bytes: &[u8]) -> Option<usize> {
    let size = usize::from(be16(bytes.get(LENGTH)?)?) + UNCOUNTED;
    (size >= SHORTEST).then_some(size)
}

/// Reads one frame: unescaped, both delimiters included.
///
/// # Errors
/// See [`Malformed`]; the checksum is looked at as soon as the length agrees, before the rest.
pub fn parse(frame: &[u8]) -> Result<Frame<'_>, Malformed> {
    let whole = frame.len() >= SHORTEST && frame[0] == START && frame.ends_with(&[END]);
    if !whole {
        return Err(Malformed::Size);
    }
    if said_size(frame) != Some(frame.len()) {
        return Err(Malformed::Length);
    }
    let body_end = frame.len() - TAIL;
    let stored = be16(&frame[body_end..body_end + 2]).ok_or(Malformed::Size)?;
    if checksum(&frame[LENGTH.start..body_end]) != stored {
        return Err(Malformed::Checksum);
    }
    let kind = Kind::from_code(frame[KIND]).ok_or(Malformed::Kind)?;
    let header = Header {
        version: be16(&frame[VERSION]).ok_or(Malformed::Size)?,
        host: frame[HOST],
        controller: be32(&frame[CONTROLLER]).ok_or(Malformed::Size)?,
        junction: frame[JUNCTION],
        sequence: frame[SEQUENCE],
        kind,
    };
    let body = &frame[..body_end];
    let (count, values) = match body.get(COUNT) {
        Some(&count) => (count, &body[COUNT + 1..]),
        None if kind.is_heartbeat() => (0, &[][..]),
        None => return Err(Malformed::Values),
    };
    check_values(count, values)?;
    Ok(Frame {
        header,
        counts_values: body.len() > COUNT,
        values,
        count,
    })
}

fn check_values(count: u8, values: &[u8]) -> Result<(), Malformed> {
    let mut rest = values;
    for _ in 0..count {
        (_, rest) = split_value(rest).ok_or(Malformed::Values)?;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Malformed::Values)
    }
}

fn split_value(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<VALUE_HEAD>()?;
    let [index, length, class, object, attribute, element] = *head;
    let size = usize::from(length).checked_sub(ADDRESS_SIZE)?;
    let (data, rest) = rest.split_at_checked(size)?;
    let value = Value {
        index,
        address: Address::new(class, object, attribute, element),
        data,
    };
    Some((value, rest))
}

/// How a frame goes on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// As it is: UDP.
    #[default]
    None,
    /// With an escape before every special byte: TCP and RS-232.
    Stream,
}

/// Puts one frame together, value by value.
///
/// `plain` is overwritten; it only saves an allocation.
#[derive(Debug)]
pub struct Composer<'a> {
    plain: &'a mut Vec<u8>,
    count: u8,
}

impl<'a> Composer<'a> {
    /// Begins a frame.
    pub fn new(header: &Header, plain: &'a mut Vec<u8>) -> Self {
        plain.clear();
        plain.extend([START, 0, 0]);
        plain.extend(header.version.to_be_bytes());
        plain.push(header.host);
        plain.extend(header.controller.to_be_bytes());
        plain.extend([header.junction, header.sequence, header.kind as u8, 0]);
        Self { plain, count: 0 }
    }

    /// Adds a value; false, and nothing added, where the frame or the value has no more room.
    pub fn value(&mut self, address: Address, data: &[u8]) -> bool {
        let size = self.plain.len() + VALUE_HEAD + data.len() + TAIL;
        let fits = data.len() <= MAX_DATA && size <= usize::from(u16::MAX);
        let Some(count) = self.count.checked_add(1).filter(|_| fits) else {
            return false;
        };
        self.count = count;
        let length = (data.len() + ADDRESS_SIZE) as u8;
        self.plain.extend([
            count,
            length,
            address.class,
            address.object,
            address.attribute,
            address.element,
        ]);
        self.plain.extend_from_slice(data);
        true
    }

    /// How many values it has so far.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends the frame to `out` as it goes on the wire.
    pub fn finish(self, escaping: Escaping, out: &mut Vec<u8>) {
        self.plain[COUNT] = self.count;
        close(self.plain);
        match escaping {
            Escaping::None => out.extend_from_slice(self.plain),
            Escaping::Stream => emit_escaped(self.plain, out),
        }
    }
}

/// Appends a parsed frame as it goes on the wire: what was parsed is emitted byte for byte.
pub fn emit(frame: &Frame<'_>, escaping: Escaping, plain: &mut Vec<u8>, out: &mut Vec<u8>) {
    Composer::new(&frame.header, plain);
    if frame.counts_values {
        plain[COUNT] = frame.count;
        plain.extend_from_slice(frame.values);
    } else {
        plain.truncate(COUNT);
    }
    close(plain);
    match escaping {
        Escaping::None => out.extend_from_slice(plain),
        Escaping::Stream => emit_escaped(plain, out),
    }
}

/// Sets the length and appends checksum and delimiter.
fn close(plain: &mut Vec<u8>) {
    // Bounded by Composer::value, and a parsed frame came with this length.
    let length = (plain.len() + TAIL - UNCOUNTED) as u16;
    plain[LENGTH].copy_from_slice(&length.to_be_bytes());
    let checksum = checksum(&plain[LENGTH.start..]);
    plain.extend(checksum.to_be_bytes());
    plain.push(END);
}

/// Whether bytes with their escapes still in them are a frame by length and checksum. One public
/// implementation counts both so.
pub(super) fn is_whole(raw: &[u8]) -> bool {
    said_size(raw) == Some(raw.len())
        && be16(&raw[raw.len() - TAIL..])
            .is_some_and(|stored| checksum(&raw[LENGTH.start..raw.len() - TAIL]) == stored)
}

/// Makes length and checksum of an unescaped frame those that the standard wants.
pub(super) fn repair(frame: &mut Vec<u8>) {
    frame.truncate(frame.len().saturating_sub(TAIL));
    if frame.len() >= LENGTH.end {
        close(frame);
    }
}

fn be16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn be32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// CRC-16 as the standard has it.
pub fn checksum(bytes: &[u8]) -> u16 {
    CRC.checksum(bytes)
}

const CRC: Crc<u16> = Crc::<u16>::new(&Algorithm {
    width: 16,
    poly: 0x1005,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x5BB8,
    residue: 0,
});

#[cfg(test)]
mod tests {
    use super::super::framing::{Framer, Piece};
    use super::*;
    use proptest::prelude::*;

    fn header(kind: Kind) -> Header {
        Header {
            version: 0x0102,
            host: 5,
            controller: 0x7D5C_7E01,
            junction: 1,
            sequence: 9,
            kind,
        }
    }

    fn composed(kind: Kind, values: &[(Address, Vec<u8>)], escaping: Escaping) -> Vec<u8> {
        let (mut plain, mut out) = (Vec::new(), Vec::new());
        let mut composer = Composer::new(&header(kind), &mut plain);
        for (address, data) in values {
            assert!(composer.value(*address, data));
        }
        composer.finish(escaping, &mut out);
        out
    }

    const LAMP: Address = Address::new(3, 3, 1, 1);

    #[test]
    fn a_query_is_the_recorded_one() {
        let (mut plain, mut out) = (Vec::new(), Vec::new());
        let recorded = Header {
            version: 0x0100,
            host: 5,
            controller: 0,
            junction: 0,
            sequence: 1,
            kind: Kind::Query,
        };
        let mut composer = Composer::new(&recorded, &mut plain);
        composer.value(LAMP, &[]);
        composer.finish(Escaping::None, &mut out);
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "7e001301000500000000000110010104030301017dc17d");
    }

    #[test]
    fn heartbeats_come_with_and_without_a_number_of_values() {
        let with = composed(Kind::Heartbeat, &[], Escaping::None);
        let frame = parse(&with).unwrap();
        assert!(frame.counts_values && frame.is_empty());
        let mut without = with.clone();
        without.truncate(COUNT);
        close(&mut without);
        let frame = parse(&without).unwrap();
        assert!(!frame.counts_values && frame.is_empty());
        for bytes in [with, without] {
            let mut out = Vec::new();
            emit(
                &parse(&bytes).unwrap(),
                Escaping::None,
                &mut Vec::new(),
                &mut out,
            );
            assert_eq!(out, bytes);
        }
        let mut query = composed(Kind::Query, &[], Escaping::None);
        query.truncate(COUNT);
        close(&mut query);
        assert_eq!(parse(&query), Err(Malformed::Values));
    }

    #[test]
    fn values_that_run_over_or_leave_room_are_refused() {
        let whole = composed(Kind::QueryReply, &[(LAMP, vec![1, 2, 3])], Escaping::None);
        for (at, wrong) in [
            (COUNT, 0),
            (COUNT, 2),
            (COUNT + 2, 3),
            (COUNT + 2, 6),
            (COUNT + 2, 8),
        ] {
            let mut bytes = whole.clone();
            bytes[at] = wrong;
            repair(&mut bytes);
            assert_eq!(parse(&bytes), Err(Malformed::Values), "{at} {wrong}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_found() {
        let bytes = composed(Kind::QueryReply, &[(LAMP, vec![0x20; 30])], Escaping::None);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = parse(&damaged).unwrap_err();
            let expected = [Malformed::Size, Malformed::Length, Malformed::Checksum];
            assert!(expected.contains(&error), "bit {bit}: {error:?}");
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_refused() {
        let bytes = composed(Kind::QueryReply, &[(LAMP, vec![7; 30])], Escaping::None);
        for size in 0..bytes.len() {
            assert!(parse(&bytes[..size]).is_err(), "{size}");
        }
    }

    #[test]
    fn a_frame_of_255_values_is_full() {
        let mut plain = Vec::new();
        let mut composer = Composer::new(&header(Kind::Query), &mut plain);
        for _ in 0..255 {
            assert!(composer.value(LAMP, &[]));
        }
        assert!(!composer.value(LAMP, &[]));
        let mut out = Vec::new();
        composer.finish(Escaping::None, &mut out);
        assert_eq!(parse(&out).unwrap().len(), 255);
        let mut plain = Vec::new();
        let mut composer = Composer::new(&header(Kind::Query), &mut plain);
        while composer.value(LAMP, &[0; MAX_DATA]) {}
        assert!(!composer.value(LAMP, &[0; MAX_DATA + 1]));
        let mut out = Vec::new();
        composer.finish(Escaping::None, &mut out);
        assert!(parse(&out).is_ok());
    }

    fn values() -> impl Strategy<Value = Vec<(Address, Vec<u8>)>> {
        let special = prop_oneof![Just(START), Just(END), Just(ESCAPE), any::<u8>()];
        let data = proptest::collection::vec(special, 0..40);
        let address = any::<[u8; 4]>().prop_map(|[a, b, c, d]| Address::new(a, b, c, d));
        proptest::collection::vec((address, data), 0..6)
    }

    proptest! {
        #[test]
        fn what_is_composed_is_parsed_and_emitted_again(values in values()) {
            let bytes = composed(Kind::Report, &values, Escaping::None);
            let frame = parse(&bytes).unwrap();
            prop_assert_eq!(frame.header, header(Kind::Report));
            let heard: Vec<_> = frame.values().map(|v| (v.address, v.data.to_vec())).collect();
            prop_assert_eq!(&heard, &values);
            let mut out = Vec::new();
            emit(&frame, Escaping::None, &mut Vec::new(), &mut out);
            prop_assert_eq!(&out, &bytes);
        }

        #[test]
        fn a_stream_gives_back_what_went_in(values in values()) {
            let plain = composed(Kind::Report, &values, Escaping::None);
            let escaped = composed(Kind::Report, &values, Escaping::Stream);
            let mut heard = Vec::new();
            Framer::new().push(&escaped, |piece| match piece {
                Piece::Frame { bytes, .. } => heard.push(bytes.to_vec()),
                other => panic!("{other:?}"),
            });
            prop_assert_eq!(heard, [plain]);
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = parse(&bytes);
            // And behind a good checksum.
            bytes.insert(0, START);
            bytes.resize(bytes.len().max(SHORTEST), END);
            repair(&mut bytes);
            if let Ok(frame) = parse(&bytes) {
                prop_assert_eq!(frame.values().count(), frame.len());
            }
        }
    }
}
