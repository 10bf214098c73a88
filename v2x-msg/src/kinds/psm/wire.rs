//! PSM to and from the generated types.

use super::{Psm, User};
use crate::asn;
use crate::base::{Heading, MsgCount, Speed, StationId};
use crate::kinds::Unfit;
use crate::kinds::bsm::wire::{ellipse, read_ellipse};
use crate::kinds::wire::{at_index, d_second, position, read_d_second, read_position};
use crate::{Message, MessageKind};

impl Psm {
    /// Makes `message` this PSM.
    pub fn fill(&self, message: &mut Message) {
        let psm = asn::PersonalSafetyMessage {
            msg_cnt: asn::MsgCount(self.msg_cnt.value()),
            id: self.id.0,
            sec_mark: self.sec_mark.map_or(asn::DSecond(65_535), d_second),
            pos: position(self.pos),
            pos_accuracy: ellipse(self.ellipse),
            speed: asn::Speed(self.speed.map_or(8191, Speed::steps)),
            heading: asn::Heading(self.heading.map_or(28_800, Heading::steps)),
            non_motor_data: asn::NonmotorData {
                basic_type: asn::PersonalDeviceUserType::from_index(self.user as usize)
                    .unwrap_or_default(),
                ..asn::NonmotorData::default()
            },
            ..asn::PersonalSafetyMessage::default()
        };
        *message.frame_mut() = asn::MessageFrame::MsgFrameExt(Box::new(
            asn::MessageFrameExt::PersonalSafetyMessage(psm),
        ));
    }

    /// The PSM in `message`.
    ///
    /// # Errors
    /// Another kind, or no place on the earth.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let wrong = Unfit::Kind {
            expected: MessageKind::Psm,
            found: message.kind(),
        };
        let asn::MessageFrame::MsgFrameExt(later) = message.frame() else {
            return Err(wrong);
        };
        let asn::MessageFrameExt::PersonalSafetyMessage(psm) = &**later else {
            return Err(wrong);
        };
        Ok(Self {
            msg_cnt: MsgCount::new(psm.msg_cnt.0)?,
            id: StationId(psm.id),
            sec_mark: read_d_second(psm.sec_mark),
            pos: read_position(psm.pos)?,
            ellipse: read_ellipse(psm.pos_accuracy),
            speed: Speed::from_steps(psm.speed.0.into()).ok(),
            heading: Heading::from_steps(psm.heading.0.into()).ok(),
            user: at_index(&User::ALL, psm.non_motor_data.basic_type.index()),
        })
    }
}
