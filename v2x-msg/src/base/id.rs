//! Who and what is meant: message counters and the ids of nodes, phases, lanes, road users and
//! stations.

use std::fmt;

use super::OutOfRange;

/// Counts the messages of one kind from one sender, 0 to 127 and round again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MsgCount(u8);

impl MsgCount {
    /// From its number, 0 to 127.
    pub fn new(count: u8) -> Result<Self, OutOfRange> {
        if count < 128 {
            Ok(MsgCount(count))
        } else {
            Err(OutOfRange::of_id("message count", count.into(), 0, 127))
        }
    }

    /// From any random byte. T/CSAE 159-2020: the first count after start is random.
    pub fn from_random(byte: u8) -> Self {
        MsgCount(byte & 0x7f)
    }

    /// The count of the message after this one.
    #[must_use]
    pub fn next(self) -> Self {
        MsgCount((self.0 + 1) & 0x7f)
    }

    /// How many messages were not heard between this one and `later`: 0 if `later` is the next
    /// one. A repeated count reads as 127 lost, for the two cannot be told apart.
    pub fn lost_before(self, later: MsgCount) -> u8 {
        later.0.wrapping_sub(self.0).wrapping_sub(1) & 0x7f
    }

    /// Its number, 0 to 127.
    pub fn value(self) -> u8 {
        self.0
    }
}

/// A junction or the end of a road, unique within its region. Ids 0..=255 and region 0 are for
/// tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// The regulator's number of the region; None where it is understood.
    pub region: Option<u16>,
    /// The node's number in its region.
    pub id: u16,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.region {
            Some(region) => write!(f, "{region}/{}", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

/// A signal phase (a group of lamps that always agree), 1 to 255; the same number in MAP and SPAT.
/// The ASN.1 reserves 255 for a permanent green.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhaseId(u8);

impl PhaseId {
    /// From its number; 0 means "no phase" on the air and is refused.
    pub fn new(id: u8) -> Result<Self, OutOfRange> {
        if id == 0 {
            Err(OutOfRange::of_id("phase id", 0, 1, 255))
        } else {
            Ok(PhaseId(id))
        }
    }

    /// Its number, 1 to 255.
    pub fn value(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PhaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A lane of a link, counted from 1 at the left, up to 254.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(u8);

impl LaneId {
    /// From its number; 0 (unknown) and 255 (reserved) are refused.
    pub fn new(id: u8) -> Result<Self, OutOfRange> {
        if (1..=254).contains(&id) {
            Ok(LaneId(id))
        } else {
            Err(OutOfRange::of_id("lane id", id.into(), 1, 254))
        }
    }

    /// Its number, 1 to 254.
    pub fn value(self) -> u8 {
        self.0
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A road user in an RSM: 0 is the roadside unit itself, 1 to 255 are those it sees.
///
/// The field would carry 65535; T/CSAE 159-2020 keeps it to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(u8);

impl ParticipantId {
    /// The roadside unit's own entry.
    pub const RSU: ParticipantId = ParticipantId(0);

    /// A road user that is seen, 1 to 255.
    pub fn new(id: u8) -> Result<Self, OutOfRange> {
        if id == 0 {
            Err(OutOfRange::of_id("participant id", 0, 1, 255))
        } else {
            Ok(ParticipantId(id))
        }
    }

    /// Its number, 0 to 255.
    pub fn value(self) -> u8 {
        self.0
    }
}

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The eight bytes by which a vehicle or a roadside unit calls itself for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StationId(pub [u8; 8]);

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.iter().all(u8::is_ascii_graphic) {
            return self
                .0
                .iter()
                .try_for_each(|byte| write!(f, "{}", char::from(*byte)));
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_count_goes_round_after_127() {
        assert_eq!(MsgCount::new(126).unwrap().next().value(), 127);
        assert_eq!(MsgCount::new(127).unwrap().next().value(), 0);
        assert!(MsgCount::new(128).is_err());
        assert_eq!(MsgCount::from_random(0xff).value(), 127);
    }

    #[test]
    fn losses_are_counted_across_the_wrap() {
        let at = |count| MsgCount::new(count).unwrap();
        assert_eq!(at(5).lost_before(at(6)), 0);
        assert_eq!(at(126).lost_before(at(1)), 2);
        assert_eq!(at(127).lost_before(at(0)), 0);
        assert_eq!(at(9).lost_before(at(9)), 127);
    }

    #[test]
    fn ids_that_mean_nothing_are_refused() {
        assert!(PhaseId::new(0).is_err());
        assert!(PhaseId::new(255).is_ok());
        assert!(LaneId::new(0).is_err());
        assert!(LaneId::new(255).is_err());
        assert!(ParticipantId::new(0).is_err());
    }

    #[test]
    fn a_station_is_written_as_text_where_it_is_text() {
        assert_eq!(StationId(*b"RSU00001").to_string(), "RSU00001");
        assert_eq!(
            StationId([0, 1, 2, 3, 4, 5, 6, 255]).to_string(),
            "00010203040506ff"
        );
    }
}
