//! The frame: one message of any kind, as it stands in the payload below.
//!
//! A [`Message`] is what is received, sent, recorded and shown, whatever its kind. What is in it
//! is told by [`crate::kinds`], which this file knows nothing of.

use std::{fmt, io};

use crate::asn::{MessageFrame, MessageFrameExt, NotInEdition, Recast, edition_2019};
use crate::edition::Edition;
use crate::jer::{self, Jer, JerError};
use crate::uper::UnknownAdditions;
use crate::uper::{self, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Reader};

/// A message of any kind.
///
/// Decoding takes any octets: it never panics, its work is bounded by their number and its memory
/// by 4 kB and 14 times that. What it does with additions of later editions and other doubtful
/// encodings is the table in [`crate::uper`].
#[derive(Clone, Debug, Default)]
pub struct Message {
    frame: MessageFrame,
    /// Octets of memory that decoding has asked for since the frame was last made anew.
    held: usize,
    /// What came with the frame and is not in it.
    unknown: UnknownAdditions,
}

/// What a message may hold on to for reuse. Lists never shrink, and frames of many shapes, one
/// after the other, would each leave memory in another place: a sender who means harm could bring
/// a map to some 10 MB. No honest message comes near this limit: 1,400 octets may ask for 24 kB.
const MOST_HELD: usize = 1 << 20;

/// Which message a frame holds. The order is that of the indices, then of the numbers on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// BasicSafetyMessage: a vehicle about itself.
    Bsm,
    /// MapData: roads and lanes.
    Map,
    /// RoadsideSafetyMessage: road users seen from the roadside.
    Rsm,
    /// SPAT: signal phases and their timing.
    Spat,
    /// RoadSideInformation: events and signs.
    Rsi,
    /// TestMsg (Day II, as all that follow): any octets.
    Test,
    /// RTCMcorrections: corrections for satellite navigation.
    Rtcm,
    /// RoadsideCoordination: guidance from the roadside.
    Rsc,
    /// SensorSharingMsg: what sensors see.
    Ssm,
    /// VehIntentionAndRequest: what a vehicle intends and asks for.
    Vir,
    /// PAMData: a car park.
    Pam,
    /// PersonalSafetyMessage: a road user outside of motor vehicles, about itself.
    Psm,
    /// CLPMM: a vehicle about its part in a platoon.
    Clpmm,
    /// VehiclePaymentMessage: one step of a payment.
    Vpm,
}

impl Message {
    /// Decodes a frame that fills `octets`.
    ///
    /// # Errors
    /// Anything but a valid frame of this edition, octets after it included, and encodings that are
    /// not the one the standard asks for; says where and why.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        message.decode_into(octets)?;
        Ok(message)
    }

    /// The same, and keeps what newer senders say beyond this edition, so that
    /// [`encode_into`](Self::encode_into) gives the octets that came. For whoever passes messages
    /// on.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and a part whose sender knows of more than 64 additions.
    pub fn decode_keeping(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        message.unknown = uper::decode_keeping(&mut message.frame, octets)?;
        Ok(message)
    }

    /// The same in place. Allocates nothing if this message already held as much of the same
    /// kind; what it holds in reserve stays below a megabyte or so.
    ///
    /// # Errors
    /// As [`decode`](Self::decode); this message is then unspecified, and only good for another
    /// attempt.
    pub fn decode_into(&mut self, octets: &[u8]) -> Result<(), DecodeError> {
        let used = self.decode_prefix_into(octets)?;
        uper::nothing_after(used, octets)
    }

    /// Decodes a frame at the start of `octets`, and gives how many of them it took. For senders
    /// that pad what they send.
    ///
    /// # Errors
    /// Anything but a valid frame of this edition.
    pub fn decode_prefix(octets: &[u8]) -> Result<(Self, usize), DecodeError> {
        let mut message = Self::default();
        let used = message.decode_prefix_into(octets)?;
        Ok((message, used))
    }

    /// Decodes a frame at the start of `octets` in place, and gives how many of them it took. For
    /// receivers that would rather hear a careless sender than not: the table in [`crate::uper`]
    /// says what is taken that [`decode_into`](Self::decode_into) refuses. Values out of their
    /// bounds stay refused.
    ///
    /// # Errors
    /// Anything but a frame of this edition.
    pub fn decode_lenient_into(&mut self, octets: &[u8]) -> Result<usize, DecodeError> {
        self.read_into(Reader::lenient(octets))
    }

    fn decode_prefix_into(&mut self, octets: &[u8]) -> Result<usize, DecodeError> {
        self.read_into(Reader::new(octets))
    }

    fn read_into(&mut self, mut reader: Reader<'_>) -> Result<usize, DecodeError> {
        if self.held > MOST_HELD {
            *self = Self::default();
        }
        self.unknown = UnknownAdditions::default();
        let used = uper::read_prefix_into(&mut self.frame, &mut reader);
        self.held += reader.grown();
        used
    }

    /// Decodes a frame of that edition, into the values of ours: what an older one says otherwise
    /// is said as closely as ours can, as [`Edition`] tells. Allocates, if it is not our own.
    ///
    /// # Errors
    /// Anything but a valid frame of that edition, or more of something than ours can hold.
    pub fn decode_as(edition: Edition, octets: &[u8]) -> Result<Self, DecodeError> {
        match edition {
            Edition::Y2020 => Self::decode(octets),
            Edition::Y2019 => {
                let mut older = edition_2019::MessageFrame::default();
                uper::decode_into(&mut older, octets)?;
                let frame = older.recast().map_err(|NotInEdition| DecodeError {
                    at_bit: 0,
                    kind: DecodeErrorKind::NotInEdition,
                    path: uper::Path::EMPTY,
                })?;
                Ok(Self {
                    frame,
                    ..Self::default()
                })
            }
        }
    }

    /// Encodes the frame as that edition has it, at the start of `out`, and gives its length in
    /// octets. Allocates, if the edition is not our own.
    ///
    /// # Errors
    /// As [`encode_into`](Self::encode_into), or a message that the edition lacks.
    pub fn encode_as_into(&self, edition: Edition, out: &mut [u8]) -> Result<usize, EncodeError> {
        match edition {
            Edition::Y2020 => self.encode_into(out),
            Edition::Y2019 => {
                let older: Result<edition_2019::MessageFrame, _> = self.frame.clone().recast();
                let older = older.map_err(|NotInEdition| EncodeError {
                    kind: EncodeErrorKind::NotInEdition,
                    path: uper::Path::EMPTY,
                })?;
                uper::encode_into(&older, out)
            }
        }
    }

    /// Encodes the frame at the start of `out` and gives its length in octets. Does not allocate.
    ///
    /// The bounds of the message set allow some 400 kB; what the air allows is the business of
    /// [`crate::access`].
    ///
    /// # Errors
    /// `out` is too short, or a value has no encoding; a message that was decoded has one.
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        uper::encode_with(&self.frame, &self.unknown, out)
    }

    /// The message that `text`, one object of JSON (JER), describes.
    ///
    /// # Errors
    /// Not JSON, or not a message of this edition; says where.
    pub fn from_jer(text: &str) -> Result<Self, JerError> {
        Ok(Self {
            frame: MessageFrame::from_jer(text)?,
            ..Self::default()
        })
    }

    /// This message as one line of JSON (JER).
    pub fn to_jer(&self) -> String {
        self.frame.to_jer()
    }

    /// The same straight into `out`, without line end.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_jer(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        self.frame.write_jer(&mut jer::Writer::new(out))
    }

    /// The same to a file, a socket or standard output, best one with a buffer.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_jer_to(&self, out: &mut dyn io::Write) -> io::Result<()> {
        jer::ToIo::write(out, |out| self.write_jer(out))
    }

    /// Which message this is.
    pub fn kind(&self) -> MessageKind {
        match &self.frame {
            MessageFrame::BsmFrame(_) => MessageKind::Bsm,
            MessageFrame::MapFrame(_) => MessageKind::Map,
            MessageFrame::RsmFrame(_) => MessageKind::Rsm,
            MessageFrame::SpatFrame(_) => MessageKind::Spat,
            MessageFrame::RsiFrame(_) => MessageKind::Rsi,
            MessageFrame::MsgFrameExt(message) => match **message {
                MessageFrameExt::TestMsg(_) => MessageKind::Test,
                MessageFrameExt::RTCMcorrections(_) => MessageKind::Rtcm,
                MessageFrameExt::RoadsideCoordination(_) => MessageKind::Rsc,
                MessageFrameExt::SensorSharingMsg(_) => MessageKind::Ssm,
                MessageFrameExt::VehIntentionAndRequest(_) => MessageKind::Vir,
                MessageFrameExt::PAMData(_) => MessageKind::Pam,
                MessageFrameExt::PersonalSafetyMessage(_) => MessageKind::Psm,
                MessageFrameExt::CLPMM(_) => MessageKind::Clpmm,
                MessageFrameExt::VehiclePaymentMessage(_) => MessageKind::Vpm,
            },
        }
    }

    /// The sender's counter of messages of this kind, 0..=127; 127 is followed by 0.
    pub fn msg_cnt(&self) -> u8 {
        let count = match &self.frame {
            MessageFrame::BsmFrame(bsm) => bsm.msg_cnt,
            MessageFrame::MapFrame(map) => map.msg_cnt,
            MessageFrame::RsmFrame(rsm) => rsm.msg_cnt,
            MessageFrame::SpatFrame(spat) => spat.msg_cnt,
            MessageFrame::RsiFrame(rsi) => rsi.msg_cnt,
            MessageFrame::MsgFrameExt(message) => message.msg_cnt(),
        };
        count.0
    }

    /// What is in it, for `kinds/*/wire.rs`.
    pub(crate) fn frame(&self) -> &MessageFrame {
        &self.frame
    }

    /// The same to be filled in.
    pub(crate) fn frame_mut(&mut self) -> &mut MessageFrame {
        self.unknown = UnknownAdditions::default();
        &mut self.frame
    }
}

/// As its JSON view has it, in any format.
#[cfg(feature = "serde")]
impl serde::Serialize for Message {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.frame.serialize(to)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Message {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self {
            frame: MessageFrame::deserialize(from)?,
            ..Self::default()
        })
    }
}

impl MessageKind {
    /// All kinds, in their order.
    pub const ALL: [Self; 14] = [
        Self::Bsm,
        Self::Map,
        Self::Rsm,
        Self::Spat,
        Self::Rsi,
        Self::Test,
        Self::Rtcm,
        Self::Rsc,
        Self::Ssm,
        Self::Vir,
        Self::Pam,
        Self::Psm,
        Self::Clpmm,
        Self::Vpm,
    ];
}

/// By what is in it, not by what it holds in reserve or what came beyond it.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.frame == other.frame
    }
}

impl Eq for Message {}

/// As people write it: `SPAT`.
impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bsm => "BSM",
            Self::Map => "MAP",
            Self::Rsm => "RSM",
            Self::Spat => "SPAT",
            Self::Rsi => "RSI",
            Self::Test => "TEST",
            Self::Rtcm => "RTCM",
            Self::Rsc => "RSC",
            Self::Ssm => "SSM",
            Self::Vir => "VIR",
            Self::Pam => "PAM",
            Self::Psm => "PSM",
            Self::Clpmm => "CLPMM",
            Self::Vpm => "VPM",
        })
    }
}
