//! Octets off the air to messages, as a unit's receiver takes them: any octets.

use v2x_msg::access::{Aid, dsmp};
use v2x_msg::kinds::{Map, Rsc, Rsm, Spat, Ssm};
use v2x_msg::{Message, MessageKind};

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Roads.
    Map(Box<Map>),
    /// Signals.
    Spat(Box<Spat>),
    /// Road users.
    Rsm(Box<Rsm>),
    /// What single vehicles are told.
    Rsc(Box<Rsc>),
    /// Road users, for who asked.
    Ssm(Box<Ssm>),
    /// Something that the unit makes nothing of.
    Other,
}

/// A receiver.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    message: Message,
}

impl Receiver {
    /// The message in a frame; None for what is no frame, no message, or not what it is addressed as.
    pub fn read(&mut self, frame: &[u8]) -> Option<Heard> {
        let packet = dsmp::parse(frame).ok()?;
        let aid = packet.aid().ok()?;
        self.message.decode_into(packet.data).ok()?;
        let message = &self.message;
        match (aid, message.kind()) {
            (Aid::Map, MessageKind::Map) => {
                let map = Map::read(message).ok()?;
                Some(Heard::Map(Box::new(map)))
            }
            (Aid::Spat, MessageKind::Spat) => {
                let spat = Spat::read(message).ok()?;
                Some(Heard::Spat(Box::new(spat)))
            }
            (Aid::Rsm, MessageKind::Rsm) => {
                let rsm = Rsm::read(message).ok()?;
                Some(Heard::Rsm(Box::new(rsm)))
            }
            (Aid::Rsc, MessageKind::Rsc) => {
                let rsc = Rsc::read(message).ok()?;
                Some(Heard::Rsc(Box::new(rsc)))
            }
            (Aid::Ssm, MessageKind::Ssm) => {
                let ssm = Ssm::read(message).ok()?;
                Some(Heard::Ssm(Box::new(ssm)))
            }
            (Aid::Map | Aid::Spat | Aid::Rsm | Aid::Rsc | Aid::Ssm, _) => None,
            _ => Some(Heard::Other),
        }
    }
}
