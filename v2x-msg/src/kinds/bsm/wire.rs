//! BSM to and from the generated types. Sentinels as in RSM; of an ellipse, 254 is "12.7 m or more",
//! 255 and 65535 are "unavailable".

use super::{Bsm, ErrorEllipse};
use crate::asn;
use crate::base::{
    Heading, HeadingConfidence, MsgCount, PositionConfidence, Speed, SpeedConfidence, StationId,
};
use crate::kinds::Unfit;
use crate::kinds::rsm::wire as rsm;
use crate::kinds::wire::{d_second, position, read_d_second, read_position};
use crate::{Message, MessageKind};

impl Bsm {
    /// Makes `message` this BSM, in place.
    pub fn fill(&self, message: &mut Message) {
        *message.frame_mut() = asn::MessageFrame::BsmFrame(asn::BasicSafetyMessage {
            msg_cnt: asn::MsgCount(self.msg_cnt.value()),
            id: self.id.0,
            sec_mark: self.sec_mark.map_or(asn::DSecond(65_535), d_second),
            pos: position(self.pos),
            pos_accuracy: self.ellipse.map(|known| ellipse(Some(known))),
            pos_confidence: self
                .pos_confidence
                .map(|within| asn::PositionConfidenceSet {
                    pos: asn::PositionConfidence::from_index(within.class().into())
                        .unwrap_or_default(),
                    elevation: None,
                }),
            transmission: self
                .transmission
                .map_or(asn::TransmissionState::Unavailable, rsm::transmission),
            speed: asn::Speed(self.speed.map_or(8191, Speed::steps)),
            heading: asn::Heading(self.heading.map_or(28_800, Heading::steps)),
            motion_cfd: rsm::confidences(self.speed_confidence, self.heading_confidence, None),
            accel_set: rsm::acceleration(self.acceleration),
            size: rsm::size(self.size),
            vehicle_class: rsm::class(self.class),
            emergency_ext: self.emergency.then(|| asn::VehicleEmergencyExtensions {
                response_type: Some(asn::ResponseType::Emergency),
                ..asn::VehicleEmergencyExtensions::default()
            }),
            ..asn::BasicSafetyMessage::default()
        });
    }

    /// The BSM in `message`.
    ///
    /// # Errors
    /// Another kind, or no place on the earth.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let asn::MessageFrame::BsmFrame(bsm) = message.frame() else {
            let found = message.kind();
            return Err(Unfit::Kind {
                expected: MessageKind::Bsm,
                found,
            });
        };
        let confidence = bsm.motion_cfd.unwrap_or_default();
        Ok(Self {
            msg_cnt: MsgCount::new(bsm.msg_cnt.0)?,
            id: StationId(bsm.id),
            sec_mark: read_d_second(bsm.sec_mark),
            pos: read_position(bsm.pos)?,
            ellipse: bsm.pos_accuracy.and_then(read_ellipse),
            pos_confidence: bsm
                .pos_confidence
                .and_then(|set| PositionConfidence::from_class(set.pos.index() as u8)),
            transmission: rsm::read_transmission(bsm.transmission),
            speed: Speed::from_steps(bsm.speed.0.into()).ok(),
            heading: Heading::from_steps(bsm.heading.0.into()).ok(),
            speed_confidence: confidence
                .speed_cfd
                .and_then(|class| SpeedConfidence::from_class(class.index() as u8)),
            heading_confidence: confidence
                .heading_cfd
                .and_then(|class| HeadingConfidence::from_class(class.index() as u8)),
            acceleration: rsm::read_acceleration(bsm.accel_set)?,
            size: rsm::read_size(bsm.size),
            class: rsm::read_class(bsm.vehicle_class),
            emergency: bsm
                .emergency_ext
                .as_ref()
                .and_then(|said| said.response_type)
                .is_some_and(|response| {
                    matches!(
                        response,
                        asn::ResponseType::Emergency | asn::ResponseType::Pursuit
                    )
                }),
        })
    }
}

/// Of a position that nobody vouches for all three are "unavailable".
pub(in crate::kinds) fn ellipse(known: Option<ErrorEllipse>) -> asn::PositionalAccuracy {
    asn::PositionalAccuracy {
        semi_major: asn::SemiMajorAxisAccuracy(known.map_or(255, |e| e.major)),
        semi_minor: asn::SemiMinorAxisAccuracy(known.map_or(255, |e| e.minor)),
        orientation: asn::SemiMajorAxisOrientation(known.map_or(65_535, |e| e.orientation)),
    }
}

pub(in crate::kinds) fn read_ellipse(from: asn::PositionalAccuracy) -> Option<ErrorEllipse> {
    ErrorEllipse::from_steps(from.semi_major.0, from.semi_minor.0, from.orientation.0)
}
