//! SSM to and from the generated types; of its road users what RSM says too.

use super::{Equipment, Ssm};
use crate::asn;
use crate::base::{Few, MsgCount, StationId};
use crate::kinds::Unfit;
use crate::kinds::rsm::wire::{participant, read_participant};
use crate::kinds::wire::{at_index, d_second, fill_list, position, read_d_second, read_position};
use crate::{Message, MessageKind};

impl Ssm {
    /// Makes `message` this SSM, in place. Nothing is allocated once it has held as large a one, so
    /// keep a message for each kind.
    pub fn fill(&self, message: &mut Message) {
        let frame = message.frame_mut();
        if !matches!(frame, asn::MessageFrame::MsgFrameExt(later)
            if matches!(**later, asn::MessageFrameExt::SensorSharingMsg(_)))
        {
            *frame = asn::MessageFrame::MsgFrameExt(Box::new(
                asn::MessageFrameExt::SensorSharingMsg(asn::SensorSharingMsg::default()),
            ));
        }
        if let asn::MessageFrame::MsgFrameExt(later) = frame
            && let asn::MessageFrameExt::SensorSharingMsg(ssm) = &mut **later
        {
            ssm.msg_cnt = asn::MsgCount(self.msg_cnt.value());
            ssm.id = self.id.0;
            ssm.equipment_type =
                asn::EquipmentType::from_index(self.equipment as usize).unwrap_or_default();
            ssm.sec_mark = self.sec_mark.map_or(asn::DSecond(65_535), d_second);
            ssm.sensor_pos = position(self.ref_pos);
            if self.participants.is_empty() {
                ssm.participants = None;
            } else {
                let list = ssm.participants.get_or_insert_default();
                fill_list(list, &self.participants, |from, slot| {
                    *slot = asn::DetectedPTCData {
                        ptc: participant(self.ref_pos, from),
                        ..asn::DetectedPTCData::default()
                    };
                });
            }
        }
    }

    /// The SSM in `message`.
    ///
    /// # Errors
    /// Another kind, no place on the earth, more road users than this value holds, or ids above 255.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let wrong = Unfit::Kind {
            expected: MessageKind::Ssm,
            found: message.kind(),
        };
        let asn::MessageFrame::MsgFrameExt(later) = message.frame() else {
            return Err(wrong);
        };
        let asn::MessageFrameExt::SensorSharingMsg(ssm) = &**later else {
            return Err(wrong);
        };
        let ref_pos = read_position(ssm.sensor_pos)?;
        let mut participants = Few::default();
        for from in ssm.participants.as_deref().unwrap_or_default() {
            participants.push(read_participant(ref_pos, &from.ptc)?)?;
        }
        Ok(Self {
            msg_cnt: MsgCount::new(ssm.msg_cnt.0)?,
            id: StationId(ssm.id),
            equipment: at_index(&Equipment::ALL, ssm.equipment_type.index()),
            sec_mark: read_d_second(ssm.sec_mark),
            ref_pos,
            participants,
        })
    }
}
