//! RSC to and from the generated types.

use super::{About, LaneAdvice, Rsc, Suggestion, VehicleAdvice};
use crate::asn;
use crate::base::{Few, MsgCount, Speed, StationId};
use crate::kinds::Unfit;
use crate::kinds::rsi::wire::{fill_link, read_link};
use crate::kinds::vir::wire::{behavior, read_behavior};
use crate::kinds::wire::{
    d_second, fill_optional, open_bits_from_asn, open_bits_to_asn, position, read_d_second,
    read_position, read_time_offset, time_offset,
};
use crate::{Message, MessageKind};

impl Rsc {
    /// Makes `message` this RSC, in place. Nothing is allocated once it has held as large a one with
    /// vehicles and lanes as this has them, so keep a message for each kind.
    pub fn fill(&self, message: &mut Message) {
        let frame = message.frame_mut();
        if !matches!(frame, asn::MessageFrame::MsgFrameExt(later)
            if matches!(**later, asn::MessageFrameExt::RoadsideCoordination(_)))
        {
            *frame = asn::MessageFrame::MsgFrameExt(Box::new(
                asn::MessageFrameExt::RoadsideCoordination(asn::RoadsideCoordination::default()),
            ));
        }
        if let asn::MessageFrame::MsgFrameExt(later) = frame
            && let asn::MessageFrameExt::RoadsideCoordination(rsc) = &mut **later
        {
            rsc.msg_cnt = asn::MsgCount(self.msg_cnt.value());
            rsc.id = self.id.0;
            rsc.sec_mark = self.sec_mark.map_or(asn::DSecond(65_535), d_second);
            rsc.ref_pos = position(self.ref_pos);
            fill_optional(&mut rsc.coordinates, &self.vehicles, |from, slot| {
                *slot = vehicle(from);
            });
            fill_optional(&mut rsc.lane_coordinates, &self.lanes, |from, slot| {
                *slot = lane(from);
            });
        }
    }

    /// The RSC in `message`.
    ///
    /// # Errors
    /// Another kind, or no place on the earth.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let wrong = Unfit::Kind {
            expected: MessageKind::Rsc,
            found: message.kind(),
        };
        let asn::MessageFrame::MsgFrameExt(later) = message.frame() else {
            return Err(wrong);
        };
        let asn::MessageFrameExt::RoadsideCoordination(rsc) = &**later else {
            return Err(wrong);
        };
        let vehicles = rsc.coordinates.as_deref().unwrap_or_default();
        let lanes = rsc.lane_coordinates.as_deref().unwrap_or_default();
        Ok(Self {
            msg_cnt: MsgCount::new(rsc.msg_cnt.0)?,
            id: StationId(rsc.id),
            sec_mark: read_d_second(rsc.sec_mark),
            ref_pos: read_position(rsc.ref_pos)?,
            vehicles: Few::new(vehicles.iter().map(read_vehicle))?,
            lanes: Few::new(lanes.iter().map(read_lane))?,
        })
    }
}

fn about(from: About) -> asn::CoordinationInfo {
    asn::CoordinationInfo(open_bits_to_asn(from.bits()))
}

fn read_about(from: asn::CoordinationInfo) -> About {
    About::from_bits(open_bits_from_asn(from.0))
}

fn link(from: crate::kinds::rsi::ReferenceLink) -> asn::ReferenceLink {
    let mut slot = asn::ReferenceLink::default();
    fill_link(&from, &mut slot);
    slot
}

fn vehicle(from: &VehicleAdvice) -> asn::VehicleCoordination {
    asn::VehicleCoordination {
        veh_id: from.vehicle.0,
        drive_suggestion: from.suggestion.map(|what| asn::DriveSuggestion {
            suggestion: behavior(what.behavior),
            life_time: what.lasts.map(time_offset),
            related_link: what.link.map(link),
            related_path: None,
        }),
        path_guidance: None,
        info: from.about.map(about),
    }
}

fn read_vehicle(from: &asn::VehicleCoordination) -> VehicleAdvice {
    VehicleAdvice {
        vehicle: StationId(from.veh_id),
        suggestion: from.drive_suggestion.as_ref().map(|what| Suggestion {
            behavior: read_behavior(what.suggestion),
            lasts: read_time_offset(what.life_time),
            link: what.related_link.as_ref().map(read_link),
        }),
        about: from.info.map(read_about),
    }
}

fn lane(from: &LaneAdvice) -> asn::LaneCoordination {
    asn::LaneCoordination {
        target_lane: link(from.lane),
        recommended_speed: from.speed.map(|speed| asn::Speed(speed.steps())),
        recommended_behavior: from.behavior.map(behavior),
        info: from.about.map(about),
        ..asn::LaneCoordination::default()
    }
}

fn read_lane(from: &asn::LaneCoordination) -> LaneAdvice {
    LaneAdvice {
        lane: read_link(&from.target_lane),
        speed: from
            .recommended_speed
            .and_then(|speed| Speed::from_steps(speed.0.into()).ok()),
        behavior: from.recommended_behavior.map(read_behavior),
        about: from.info.map(read_about),
    }
}
