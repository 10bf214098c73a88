//! VIR to and from the generated types: the vehicle's place as it stands in the plan, and its requests.
//! Sentinels: lanes 0 and 255 are "unknown" and "reserved", a time offset of 65535 is "unavailable".

use super::{
    Behavior, DriveRequest, LaneOfLink, Maneuver, Parking, ParkingKind, ParkingWish, PlanPoint,
    SignalPriority, Status, Vir, Wish,
};
use crate::asn;
use crate::base::{
    Approach, Few, GeoPosition, Heading, HeadingConfidence, LaneId, MsgCount, PositionConfidence,
    Speed, SpeedConfidence, StationId,
};
use crate::kinds::Unfit;
use crate::kinds::rsi::Level;
use crate::kinds::rsi::wire::{fill_path, read_path};
use crate::kinds::rsm::wire::{class, read_class};
use crate::kinds::wire::{
    at_index, d_second, fill_list, fill_optional, node_id, offset, open_bits_from_asn,
    open_bits_to_asn, phase_id, position, read_d_second, read_node_id, read_offset, read_phase_id,
    read_position, read_time_offset, time_offset,
};
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
        let mut said = asn::IARData {
            current_pos: Some(now),
            current_behavior: self.behavior.map(behavior),
            ..asn::IARData::default()
        };
        fill_optional(&mut said.path_planning, &self.plan, |point, slot| {
            *slot = plan_point(self.pos, point);
        });
        fill_optional(&mut said.reqs, &self.requests, |request, slot| {
            *slot = asked(self.pos, request);
        });
        let vir = asn::VehIntentionAndRequest {
            msg_cnt: asn::MsgCount(self.msg_cnt.value()),
            id: self.id.0,
            sec_mark: self.sec_mark.map_or(asn::DSecond(65_535), d_second),
            ref_pos: position(self.pos),
            int_and_req: said,
        };
        *message.frame_mut() = asn::MessageFrame::MsgFrameExt(Box::new(
            asn::MessageFrameExt::VehIntentionAndRequest(vir),
        ));
    }

    /// The VIR in `message`. Does not allocate.
    ///
    /// # Errors
    /// Another kind, or positions that are not on the earth.
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
        let said = &vir.int_and_req;
        let now = said.current_pos.as_ref();
        let pos = match now {
            Some(now) => read_offset(reference, now.pos)?,
            None => reference,
        };
        let mut value = Self {
            sec_mark: read_d_second(vir.sec_mark),
            pos_confidence: now
                .and_then(|now| now.pos_accuracy)
                .and_then(|set| PositionConfidence::from_class(set.pos.index() as u8)),
            speed: now.and_then(|now| read_speed(now.speed)),
            heading: now.and_then(|now| read_heading(now.heading)),
            speed_confidence: now
                .and_then(|now| now.speed_cfd)
                .and_then(|class| SpeedConfidence::from_class(class.index() as u8)),
            heading_confidence: now
                .and_then(|now| now.heading_cfd)
                .and_then(|class| HeadingConfidence::from_class(class.index() as u8)),
            behavior: said.current_behavior.map(read_behavior),
            ..Self::new(MsgCount::new(vir.msg_cnt.0)?, StationId(vir.id), pos)
        };
        for point in said.path_planning.as_deref().unwrap_or_default() {
            value.plan.push(read_plan_point(reference, point)?)?;
        }
        for request in said.reqs.as_deref().unwrap_or_default() {
            value.requests.push(read_asked(reference, request)?)?;
        }
        Ok(value)
    }
}

pub(in crate::kinds) fn behavior(from: Behavior) -> asn::DriveBehavior {
    asn::DriveBehavior(open_bits_to_asn(from.bits()))
}

pub(in crate::kinds) fn read_behavior(from: asn::DriveBehavior) -> Behavior {
    Behavior::from_bits(open_bits_from_asn(from.0))
}

fn read_speed(from: Option<asn::Speed>) -> Option<Speed> {
    Speed::from_steps(from?.0.into()).ok()
}

fn read_heading(from: Option<asn::Heading>) -> Option<Heading> {
    Heading::from_steps(from?.0.into()).ok()
}

fn plan_point(ref_pos: GeoPosition, from: &PlanPoint) -> asn::PathPlanningPoint {
    asn::PathPlanningPoint {
        pos: offset(ref_pos, from.pos),
        speed: from.speed.map(|speed| asn::Speed(speed.steps())),
        heading: from.heading.map(|heading| asn::Heading(heading.steps())),
        estimated_time: from.after.map(time_offset),
        ..asn::PathPlanningPoint::default()
    }
}

fn read_plan_point(
    ref_pos: GeoPosition,
    from: &asn::PathPlanningPoint,
) -> Result<PlanPoint, Unfit> {
    Ok(PlanPoint {
        pos: read_offset(ref_pos, from.pos)?,
        speed: read_speed(from.speed),
        heading: read_heading(from.heading),
        after: read_time_offset(from.estimated_time),
    })
}

fn asked(ref_pos: GeoPosition, from: &DriveRequest) -> asn::DriveRequest {
    asn::DriveRequest {
        req_id: from.id,
        status: asn::ReqStatus::from_index(from.status as usize).unwrap_or_default(),
        // As in RSI, the level stands in the top three bits.
        req_priority: from.level.map(|level| [level.value() << 5]),
        target_veh: from.to_vehicle.map(|id| id.0),
        target_rsu: from.to_unit.map(|id| id.0),
        info: from.wish.as_ref().map(|wish| info(ref_pos, wish)),
        life_time: from.lasts.map(time_offset),
    }
}

fn read_asked(ref_pos: GeoPosition, from: &asn::DriveRequest) -> Result<DriveRequest, Unfit> {
    Ok(DriveRequest {
        id: from.req_id,
        status: at_index(&Status::ALL, from.status.index()),
        level: from
            .req_priority
            .map(|[octet]| Level::new(octet >> 5))
            .transpose()?,
        to_vehicle: from.target_veh.map(StationId),
        to_unit: from.target_rsu.map(StationId),
        wish: from
            .info
            .as_ref()
            .map(|info| read_info(ref_pos, info))
            .transpose()?,
        lasts: read_time_offset(from.life_time),
    })
}

fn info(ref_pos: GeoPosition, from: &Wish) -> asn::ReqInfo {
    let lane_id = |lane: Option<LaneId>| asn::LaneID(lane.map_or(0, LaneId::value));
    let whole_path = |path: &_| {
        let mut slot = asn::ReferencePath::default();
        fill_path(ref_pos, path, &mut slot);
        slot
    };
    match from {
        Wish::LaneChange(lane) => asn::ReqInfo::LaneChange(asn::ReqLaneChange {
            upstream_node: node_id(lane.upstream),
            downstream_node: node_id(lane.downstream),
            target_lane: lane_id(lane.lane),
        }),
        Wish::ClearTheWay { lane, path } => asn::ReqInfo::ClearTheWay(asn::ReqClearTheWay {
            upstream_node: node_id(lane.upstream),
            downstream_node: node_id(lane.downstream),
            target_lane: lane_id(lane.lane),
            related_path: path.as_ref().map(whole_path),
            ..asn::ReqClearTheWay::default()
        }),
        Wish::SignalPriority(wish) => asn::ReqInfo::SignalPriority(asn::ReqSignalPriority {
            intersection_id: node_id(wish.node),
            required_mov: asn::MovementEx {
                remote_intersection: node_id(wish.remote),
                phase_id: wish.phase.map(phase_id),
                turn_direction: wish
                    .turn
                    .and_then(|turn| asn::Maneuver::from_index(turn as usize)),
            },
            estimated_arrival_time: wish.arrives_after.map(time_offset),
            distance2_intersection: wish
                .distance
                .map(|far| asn::ReqSignalPriorityDistance2Intersection(far.steps())),
        }),
        Wish::SensorSharing(paths) => {
            let mut area = asn::ReqSensorSharing::default();
            fill_list(&mut area.detect_area, paths, |path, slot| {
                fill_path(ref_pos, path, slot);
            });
            asn::ReqInfo::SensorSharing(area)
        }
        Wish::Parking(wish) => asn::ReqInfo::Parking(asn::ReqParkingArea {
            vehicle_class: class(wish.class),
            req: asn::ParkingRequest(open_bits_to_asn(wish.wants.bits())),
            parking_type: wish
                .kind
                .map(|kind| asn::ParkingType(open_bits_to_asn(kind.bits()))),
            expected_parking_slot_id: wish.slot,
        }),
    }
}

fn read_info(ref_pos: GeoPosition, from: &asn::ReqInfo) -> Result<Wish, Unfit> {
    let lane = |upstream, downstream, lane: asn::LaneID| LaneOfLink {
        upstream: read_node_id(upstream),
        downstream: read_node_id(downstream),
        lane: LaneId::new(lane.0).ok(),
    };
    Ok(match from {
        asn::ReqInfo::LaneChange(wish) => Wish::LaneChange(lane(
            wish.upstream_node,
            wish.downstream_node,
            wish.target_lane,
        )),
        asn::ReqInfo::ClearTheWay(wish) => Wish::ClearTheWay {
            lane: lane(wish.upstream_node, wish.downstream_node, wish.target_lane),
            path: wish
                .related_path
                .as_ref()
                .map(|path| read_path(ref_pos, path))
                .transpose()?,
        },
        asn::ReqInfo::SignalPriority(wish) => Wish::SignalPriority(SignalPriority {
            node: read_node_id(wish.intersection_id),
            remote: read_node_id(wish.required_mov.remote_intersection),
            phase: read_phase_id(wish.required_mov.phase_id),
            turn: wish
                .required_mov
                .turn_direction
                .map(|turn| at_index(&Maneuver::ALL, turn.index())),
            arrives_after: read_time_offset(wish.estimated_arrival_time),
            distance: wish
                .distance2_intersection
                .map(|far| Approach::from_steps(far.0.into()))
                .transpose()?,
        }),
        asn::ReqInfo::SensorSharing(wish) => {
            let mut paths = Few::<_, 0, { super::MAX_PATHS }>::default();
            for path in &wish.detect_area {
                paths.push(read_path(ref_pos, path)?)?;
            }
            Wish::SensorSharing(Few::new(paths)?)
        }
        asn::ReqInfo::Parking(wish) => Wish::Parking(Parking {
            class: read_class(wish.vehicle_class),
            wants: ParkingWish::from_bits(open_bits_from_asn(wish.req.0)),
            kind: wish
                .parking_type
                .map(|kind| ParkingKind::from_bits(open_bits_from_asn(kind.0))),
            slot: wish.expected_parking_slot_id,
        }),
    })
}
