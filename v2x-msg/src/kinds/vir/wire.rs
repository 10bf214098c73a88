//! VIR to and from the generated types: its head, and the vehicle's place as it stands in the plan.

use super::Vir;
use crate::asn;
use crate::base::{
    Heading, HeadingConfidence, MsgCount, PositionConfidence, Speed, SpeedConfidence, StationId,
};
use crate::kinds::Unfit;
use crate::kinds::wire::{d_second, offset, position, read_d_second, read_offset, read_position};
use crate::{Message, MessageKind};

impl Vir {
    /// Makes `message` this VIR.
    pub fn fill(&self, message: &mut Message) {
        let now = asn::PathPlanningPoint {
            pos: offset(self.pos, self.pos),
            pos_accuracy: self
                .pos_confidence
                .map(|within| asn::PositionConfidenceSet {
                    pos: asn::PositionConfidence::from_index(within.class().into())
                        .unwrap_or_default(),
                    elevation: None,
                }),
            speed: self.speed.map(|speed| asn::Speed(speed.steps())),
            heading: self.heading.map(|heading| asn::Heading(heading.steps())),
            speed_cfd: self
                .speed_confidence
                .and_then(|within| asn::SpeedConfidence::from_index(within.class().into())),
            heading_cfd: self
                .heading_confidence
                .and_then(|within| asn::HeadingConfidence::from_index(within.class().into())),
            ..asn::PathPlanningPoint::default()
        };
        let vir = asn::VehIntentionAndRequest {
            msg_cnt: asn::MsgCount(self.msg_cnt.value()),
            id: self.id.0,
            sec_mark: self.sec_mark.map_or(asn::DSecond(65_535), d_second),
            ref_pos: position(self.pos),
            int_and_req: asn::IARData {
                current_pos: Some(now),
                ..asn::IARData::default()
            },
        };
        *message.frame_mut() = asn::MessageFrame::MsgFrameExt(Box::new(
            asn::MessageFrameExt::VehIntentionAndRequest(vir),
        ));
    }

    /// The head of the VIR in `message`.
    ///
    /// # Errors
    /// Another kind, or no place on the earth.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let wrong = Unfit::Kind {
            expected: MessageKind::Vir,
            found: message.kind(),
        };
        let asn::MessageFrame::MsgFrameExt(later) = message.frame() else {
            return Err(wrong);
        };
        let asn::MessageFrameExt::VehIntentionAndRequest(vir) = &**later else {
            return Err(wrong);
        };
        let reference = read_position(vir.ref_pos)?;
        let now = vir.int_and_req.current_pos.as_ref();
        Ok(Self {
            msg_cnt: MsgCount::new(vir.msg_cnt.0)?,
            id: StationId(vir.id),
            sec_mark: read_d_second(vir.sec_mark),
            pos: match now {
                Some(now) => read_offset(reference, now.pos)?,
                None => reference,
            },
            pos_confidence: now
                .and_then(|now| now.pos_accuracy)
                .and_then(|set| PositionConfidence::from_class(set.pos.index() as u8)),
            speed: now
                .and_then(|now| now.speed)
                .and_then(|speed| Speed::from_steps(speed.0.into()).ok()),
            heading: now
                .and_then(|now| now.heading)
                .and_then(|heading| Heading::from_steps(heading.0.into()).ok()),
            speed_confidence: now
                .and_then(|now| now.speed_cfd)
                .and_then(|class| SpeedConfidence::from_class(class.index() as u8)),
            heading_confidence: now
                .and_then(|now| now.heading_cfd)
                .and_then(|class| HeadingConfidence::from_class(class.index() as u8)),
        })
    }
}
