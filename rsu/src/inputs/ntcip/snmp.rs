//! The few forms of SNMP (RFC 1157, RFC 3416) that a poll of a controller needs: a GetRequest out, a
//! Response in. Version 1 and 2c, basic encoding rules, no allocation.
//!
//! Not here: SetRequest, so that nothing is ever written to a controller; traps; version 3.

use arrayvec::ArrayVec;

/// The lamps that a controller tells of, in the order of `phaseStatusGroupTable`'s columns (NTCIP
/// 1202): 2 reds, 3 yellows, 4 greens, 5 don't walks, 6 pedestrian clears, 7 walks.
pub const COLUMNS: [u8; 6] = [2, 3, 4, 5, 6, 7];
/// Groups of eight phases that are asked for.
pub const GROUPS: usize = 2;
/// Phases of a group.
pub const GROUP: u8 = 8;
/// Most values in one request.
pub const MAX_VALUES: usize = COLUMNS.len() * GROUPS;

/// 1.3.6.1.4.1.1206.4.2.1, the branch `asc` of actuated signal controllers; 1206 takes two bytes.
const BRANCH: [u8; 10] = [0x2B, 6, 1, 4, 1, 0x89, 0x36, 4, 2, 1];
/// A table has one entry, of this number.
const ENTRY: u8 = 1;
/// The agent has no such object: all that version 1 says, and of the whole question.
pub(super) const NO_SUCH_NAME: i64 = 2;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const GET_REQUEST: u8 = 0xA0;
const RESPONSE: u8 = 0xA2;

/// Which edition of the protocol is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// SNMPv1.
    V1,
    /// SNMPv2c.
    #[default]
    V2c,
}

/// A table of the branch `asc`, or its values that stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `phaseTable`: what is set for a phase; a row each.
    Phases,
    /// `phaseStatusGroupTable`: what eight phases show; a row for each such group.
    StatusGroups,
    /// `unit`: the controller as a whole; no table, so that the row is always 0.
    Unit,
    /// `preemptTable`: a row for each way to pre-empt the junction.
    Preempts,
}

impl Table {
    const ALL: [Self; 4] = [Self::Phases, Self::StatusGroups, Self::Unit, Self::Preempts];

    /// Its name below the branch.
    fn name(self) -> &'static [u8] {
        match self {
            Self::Phases => &[1, 2, ENTRY],
            Self::StatusGroups => &[1, 4, ENTRY],
            Self::Unit => &[3],
            Self::Preempts => &[6, 2, ENTRY],
        }
    }
}

/// Where one value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: Table,
    /// Column number.
    pub column: u8,
    /// Row: the number of a phase, a group or a way to pre-empt, from 1; 0 of what stands alone.
    pub row: u8,
}

impl Place {
    /// What a group of phases shows.
    pub fn status(column: u8, group: u8) -> Self {
        let table = Table::StatusGroups;
        Self {
            table,
            column,
            row: group,
        }
    }

    /// What is set for a phase.
    pub fn setting(column: u8, phase: u8) -> Self {
        let table = Table::Phases;
        Self {
            table,
            column,
            row: phase,
        }
    }
}

/// What an agent answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// As it was asked.
    pub request: i32,
    /// 0, or why there is no answer.
    pub error: i64,
    /// Which of those asked for it is about, from 1.
    pub error_at: i64,
    /// Those of the branch that we know; of a status group bit 0 is its first phase.
    pub values: ArrayVec<(Place, u16), MAX_VALUES>,
    /// Values of other objects, or none at all.
    pub without_value: u32,
}

/// Bytes that are no such response, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not the encoding rules, or cut off.
    Encoding,
    /// A message, but no response.
    NoResponse,
    /// Another community.
    Community,
    /// More values than were asked for.
    TooMany,
}

impl Malformed {
    /// The word under which it is counted.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Encoding => "snmp-encoding",
            Self::NoResponse => "snmp-no-response",
            Self::Community => "snmp-community",
            Self::TooMany => "snmp-too-many",
        }
    }
}

/// What all lamps of the first `groups` groups show.
pub fn status(groups: u8) -> impl Iterator<Item = Place> + Clone {
    (1..=groups.min(GROUPS as u8)).flat_map(|group| {
        COLUMNS
            .into_iter()
            .map(move |column| Place::status(column, group))
    })
}

/// Appends a question for the values at these places.
pub fn ask(
    version: Version,
    community: &[u8],
    request: i32,
    places: impl Iterator<Item = Place> + Clone,
    out: &mut Vec<u8>,
) {
    // Each binding: 2, the name and 2 of null.
    let bindings = places.clone().map(|place| 4 + named_size(place)).sum();
    let body = 6 + 3 + 3 + header_size(bindings) + bindings;
    let rest = 3 + header_size(community.len()) + community.len() + header_size(body) + body;
    header(SEQUENCE, rest, out);
    out.extend([INTEGER, 1, u8::from(version == Version::V2c)]);
    header(OCTETS, community.len(), out);
    out.extend(community);
    header(GET_REQUEST, body, out);
    out.extend([INTEGER, 4]);
    out.extend(request.to_be_bytes());
    out.extend([INTEGER, 1, 0, INTEGER, 1, 0]);
    header(SEQUENCE, bindings, out);
    for place in places {
        out.extend([SEQUENCE, named_size(place) as u8 + 2]);
        named(place, out);
        out.extend([NULL, 0]);
    }
}

fn named_size(place: Place) -> usize {
    2 + name_size(place)
}

fn name_size(place: Place) -> usize {
    BRANCH.len() + place.table.name().len() + 2
}

/// No number of a place is above 127, which would take two bytes: columns are below 30, and rows are those
/// of 16 phases.
fn named(place: Place, out: &mut Vec<u8>) {
    out.extend([OID, name_size(place) as u8]);
    out.extend(BRANCH);
    out.extend(place.table.name());
    out.extend([place.column, place.row]);
}

fn header_size(length: usize) -> usize {
    match length {
        0..=0x7F => 2,
        0x80..=0xFF => 3,
        _ => 4,
    }
}

/// Lengths above 65,535 do not occur: a community is a line of a configuration.
fn header(tag: u8, length: usize, out: &mut Vec<u8>) {
    out.push(tag);
    match length {
        0..=0x7F => out.push(length as u8),
        0x80..=0xFF => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
}

/// Reads a response to one of our questions.
///
/// # Errors
/// See [`Malformed`].
pub fn parse(bytes: &[u8], community: &[u8]) -> Result<Response, Malformed> {
    use Malformed::Encoding;
    let mut message = Reader(Reader(bytes).take(SEQUENCE).ok_or(Encoding)?);
    message.integer().ok_or(Encoding)?;
    let theirs = message.take(OCTETS).ok_or(Encoding)?;
    let (tag, body) = message.any().ok_or(Encoding)?;
    if tag != RESPONSE {
        return Err(Malformed::NoResponse);
    }
    if theirs != community {
        return Err(Malformed::Community);
    }
    let mut body = Reader(body);
    let request = body.integer().and_then(|n| i32::try_from(n).ok());
    let mut response = Response {
        request: request.ok_or(Encoding)?,
        error: body.integer().ok_or(Encoding)?,
        error_at: body.integer().ok_or(Encoding)?,
        values: ArrayVec::new(),
        without_value: 0,
    };
    let mut bindings = Reader(body.take(SEQUENCE).ok_or(Encoding)?);
    while !bindings.0.is_empty() {
        let mut binding = Reader(bindings.take(SEQUENCE).ok_or(Encoding)?);
        let name = binding.take(OID).ok_or(Encoding)?;
        let (tag, value) = binding.any().ok_or(Encoding)?;
        let value = match tag {
            INTEGER => integer(value).and_then(|n| u16::try_from(n).ok()),
            _ => None,
        };
        match (place(name), value) {
            (Some(place), Some(value)) => response
                .values
                .try_push((place, value))
                .map_err(|_| Malformed::TooMany)?,
            _ => response.without_value = response.without_value.saturating_add(1),
        }
    }
    Ok(response)
}

fn place(name: &[u8]) -> Option<Place> {
    let name = name.strip_prefix(&BRANCH)?;
    Table::ALL.into_iter().find_map(|table| {
        let &[column, row] = name.strip_prefix(table.name())? else {
            return None;
        };
        Some(Place { table, column, row })
    })
}

/// What is left to read of one constructed value.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value with its tag.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81 => (usize::from(*rest.first()?), &rest[1..]),
            0x82 => {
                let (size, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*size)), rest)
            }
            // Longer than a datagram, or the indefinite form that SNMP does not have.
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any()
            .filter(|(found, _)| *found == tag)
            .map(|(_, value)| value)
    }

    fn integer(&mut self) -> Option<i64> {
        integer(self.take(INTEGER)?)
    }
}

fn integer(bytes: &[u8]) -> Option<i64> {
    let (first, rest) = bytes.split_first()?;
    if rest.len() > 7 {
        return None;
    }
    let start = i64::from(first.cast_signed());
    Some(rest.iter().fold(start, |n, byte| n << 8 | i64::from(*byte)))
}

/// Appends an agent's answer: the mirror of [`parse`], for tests and the simulator.
pub fn answer(
    version: Version,
    community: &[u8],
    request: i32,
    values: &[(Place, u16)],
    out: &mut Vec<u8>,
) {
    // An integer whose first bit would be a sign needs a leading zero.
    let octets = |value: u16| match value {
        0..=0x7F => 1,
        0x80..=0x7FFF => 2,
        _ => 3,
    };
    let size = |place: Place, value: u16| named_size(place) + 2 + octets(value);
    let bindings: usize = values
        .iter()
        .map(|(place, value)| 2 + size(*place, *value))
        .sum();
    let body = 6 + 3 + 3 + header_size(bindings) + bindings;
    let rest = 3 + header_size(community.len()) + community.len() + header_size(body) + body;
    header(SEQUENCE, rest, out);
    out.extend([INTEGER, 1, u8::from(version == Version::V2c)]);
    header(OCTETS, community.len(), out);
    out.extend(community);
    header(RESPONSE, body, out);
    out.extend([INTEGER, 4]);
    out.extend(request.to_be_bytes());
    out.extend([INTEGER, 1, 0, INTEGER, 1, 0]);
    header(SEQUENCE, bindings, out);
    for (place, value) in values {
        out.extend([SEQUENCE, size(*place, *value) as u8]);
        named(*place, out);
        let octets = octets(*value);
        out.extend([INTEGER, octets as u8]);
        out.extend(&u32::from(*value).to_be_bytes()[4 - octets..]);
    }
}

/// Appends the answer of an agent of version 1 that has no such value as was asked for there, from 1.
pub fn refuse(community: &[u8], request: i32, at: u8, out: &mut Vec<u8>) {
    let body = 6 + 3 + 3 + 2;
    let rest = 3 + header_size(community.len()) + community.len() + header_size(body) + body;
    header(SEQUENCE, rest, out);
    out.extend([INTEGER, 1, 0]);
    header(OCTETS, community.len(), out);
    out.extend(community);
    header(RESPONSE, body, out);
    out.extend([INTEGER, 4]);
    out.extend(request.to_be_bytes());
    out.extend([INTEGER, 1, NO_SUCH_NAME as u8, INTEGER, 1, at]);
    header(SEQUENCE, 0, out);
}

/// Reads a question as an agent does: the mirror of [`ask`]; None where it is none of ours.
pub fn question(bytes: &[u8], community: &[u8]) -> Option<(i32, Vec<Place>)> {
    let mut message = Reader(Reader(bytes).take(SEQUENCE)?);
    message.integer()?;
    let theirs = message.take(OCTETS)?;
    let mut body = Reader(message.take(GET_REQUEST).filter(|_| theirs == community)?);
    let request = i32::try_from(body.integer()?).ok()?;
    body.integer()?;
    body.integer()?;
    let mut bindings = Reader(body.take(SEQUENCE)?);
    let mut places = Vec::new();
    while !bindings.0.is_empty() {
        let mut binding = Reader(bindings.take(SEQUENCE)?);
        places.push(place(binding.take(OID)?)?);
    }
    Some((request, places))
}
