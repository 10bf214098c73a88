//! Sensor sharing (Day II): road users that somebody's sensors see, for whoever asked or may need it.
//!
//! The standard allows 512 road users; a frame of 1400 bytes holds some fifty, and this value
//! [`MAX_PARTICIPANTS`]. Not here: areas that sensors cover, obstacles, events, what is guessed of
//! plans and how sure a class is; filling leaves them out and reading passes over them.

mod wire;

use crate::access::Aid;
use crate::base::{DSecond, Few, GeoPosition, MsgCount, StationId, WrongCount};
pub use crate::kinds::rsm::Participant;

/// Participants of one message.
pub const MAX_PARTICIPANTS: usize = 40;

/// An SSM message.
#[derive(Clone, Debug, PartialEq)]
pub struct Ssm {
    /// Counts the SSMs of this sender.
    pub msg_cnt: MsgCount,
    /// Who shares.
    pub id: StationId,
    /// What shares.
    pub equipment: Equipment,
    /// Of when it is: millisecond in the UTC minute.
    pub sec_mark: Option<DSecond>,
    /// From which the positions are counted.
    pub ref_pos: GeoPosition,
    participants: Few<Participant, 0, MAX_PARTICIPANTS>,
}

impl Ssm {
    /// The application that SSMs are addressed to.
    pub const AID: Aid = Aid::Ssm;

    /// Of up to [`MAX_PARTICIPANTS`] road users; none is a word too: nobody is seen there.
    pub fn new(
        msg_cnt: MsgCount,
        id: StationId,
        equipment: Equipment,
        ref_pos: GeoPosition,
        participants: impl IntoIterator<Item = Participant>,
    ) -> Result<Self, WrongCount> {
        Ok(Self {
            msg_cnt,
            id,
            equipment,
            sec_mark: None,
            ref_pos,
            participants: Few::new(participants)?,
        })
    }

    /// In the order in which they are sent.
    pub fn participants(&self) -> &[Participant] {
        &self.participants
    }
}

/// What shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Equipment {
    /// It does not say.
    Unknown,
    /// A roadside unit.
    Roadside,
    /// A vehicle.
    Vehicle,
    /// Somebody on foot or on two wheels.
    Vulnerable,
}

impl Equipment {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [Equipment; 4] = [
        Equipment::Unknown,
        Equipment::Roadside,
        Equipment::Vehicle,
        Equipment::Vulnerable,
    ];
}
