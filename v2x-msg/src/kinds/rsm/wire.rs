//! RSM to and from the generated types. Sentinels: speed 8191, heading 28800, acceleration 2001,
//! vertical acceleration -127, steering wheel angle 127 and sizes of 0 are "unavailable".

use super::{
    Acceleration4, Participant, ParticipantKind, Rsm, Size, Source, Transmission, VehicleClass,
};
use crate::asn;
use crate::base::{
    Acceleration, ElevationConfidence, Few, GeoPosition, Heading, HeadingConfidence, MsgCount,
    OutOfRange, ParticipantId, PositionConfidence, Speed, SpeedConfidence, StationId,
    SteeringAngle, SteeringConfidence, VehicleHeight, VehicleLength, VehicleWidth,
    VerticalAcceleration, YawRate,
};
use crate::kinds::Unfit;
use crate::kinds::wire::{
    at_index, d_second, fill_list, offset, position, read_d_second, read_offset, read_position,
};
use crate::{Message, MessageKind};

impl Rsm {
    /// Makes `message` this RSM, in place. Nothing is allocated once it has held as large a one, so
    /// keep a message for each kind.
    pub fn fill(&self, message: &mut Message) {
        let frame = message.frame_mut();
        if !matches!(frame, asn::MessageFrame::RsmFrame(_)) {
            *frame = asn::MessageFrame::RsmFrame(asn::RoadsideSafetyMessage::default());
        }
        if let asn::MessageFrame::RsmFrame(rsm) = frame {
            rsm.msg_cnt = asn::MsgCount(self.msg_cnt.value());
            rsm.id = self.id.0;
            rsm.ref_pos = position(self.ref_pos);
            fill_list(&mut rsm.participants, self.participants(), |from, slot| {
                *slot = participant(self.ref_pos, from);
            });
        }
    }

    /// The RSM in `message`.
    ///
    /// # Errors
    /// Another kind, ids above 255, or what [`super::Refused`] names.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let asn::MessageFrame::RsmFrame(rsm) = message.frame() else {
            let found = message.kind();
            return Err(Unfit::Kind {
                expected: MessageKind::Rsm,
                found,
            });
        };
        let ref_pos = read_position(rsm.ref_pos)?;
        let mut participants = Few::<_, 0, { super::MAX_PARTICIPANTS }>::default();
        for from in &rsm.participants {
            participants.push(read_participant(ref_pos, from)?)?;
        }
        Ok(Rsm::new(
            MsgCount::new(rsm.msg_cnt.0)?,
            StationId(rsm.id),
            ref_pos,
            participants,
        )?)
    }
}

pub(in crate::kinds) fn participant(
    ref_pos: GeoPosition,
    from: &Participant,
) -> asn::ParticipantData {
    asn::ParticipantData {
        ptc_type: asn::ParticipantType::from_index(from.kind as usize).unwrap_or_default(),
        ptc_id: from.id.value().into(),
        source: asn::SourceType::from_index(from.source as usize).unwrap_or_default(),
        id: from.bsm_id.map(|id| id.0),
        sec_mark: from.sec_mark.map_or(asn::DSecond(65_535), d_second),
        pos: offset(ref_pos, from.pos),
        pos_confidence: asn::PositionConfidenceSet {
            pos: from
                .pos_confidence
                .and_then(|within| asn::PositionConfidence::from_index(within.class().into()))
                .unwrap_or_default(),
            elevation: from
                .elevation_confidence
                .and_then(|within| asn::ElevationConfidence::from_index(within.class().into())),
        },
        transmission: from.transmission.map(transmission),
        speed: asn::Speed(from.speed.map_or(8191, Speed::steps)),
        heading: asn::Heading(from.heading.map_or(28_800, Heading::steps)),
        angle: from
            .steering
            .map(|angle| asn::SteeringWheelAngle(angle.steps())),
        motion_cfd: confidences(
            from.speed_confidence,
            from.heading_confidence,
            from.steering_confidence,
        ),
        accel_set: from.acceleration.map(acceleration),
        size: size(from.size),
        vehicle_class: from.class.map(class),
    }
}

pub(in crate::kinds) fn size(from: Size) -> asn::VehicleSize {
    asn::VehicleSize {
        width: asn::VehicleWidth(from.width.map_or(0, VehicleWidth::steps)),
        length: asn::VehicleLength(from.length.map_or(0, VehicleLength::steps)),
        height: from.height.map(|height| asn::VehicleHeight(height.steps())),
    }
}

pub(in crate::kinds) fn class(from: VehicleClass) -> asn::VehicleClassification {
    asn::VehicleClassification {
        classification: asn::BasicVehicleClass(from.class),
        fuel_type: from.fuel().map(asn::FuelType),
    }
}

pub(in crate::kinds) fn transmission(gear: Transmission) -> asn::TransmissionState {
    match gear {
        Transmission::Neutral => asn::TransmissionState::Neutral,
        Transmission::Park => asn::TransmissionState::Park,
        Transmission::Forward => asn::TransmissionState::ForwardGears,
        Transmission::Reverse => asn::TransmissionState::ReverseGears,
    }
}

/// Left out as a whole where nothing is known.
pub(in crate::kinds) fn confidences(
    speed: Option<SpeedConfidence>,
    heading: Option<HeadingConfidence>,
    steering: Option<SteeringConfidence>,
) -> Option<asn::MotionConfidenceSet> {
    let set = asn::MotionConfidenceSet {
        speed_cfd: speed.and_then(|within| asn::SpeedConfidence::from_index(within.class().into())),
        heading_cfd: heading
            .and_then(|within| asn::HeadingConfidence::from_index(within.class().into())),
        steer_cfd: steering.and_then(|within| {
            asn::SteeringWheelAngleConfidence::from_index(within.class().into())
        }),
    };
    (set != asn::MotionConfidenceSet::default()).then_some(set)
}

pub(in crate::kinds) fn acceleration(from: Acceleration4) -> asn::AccelerationSet4Way {
    let plane =
        |known: Option<Acceleration>| asn::Acceleration(known.map_or(2001, Acceleration::steps));
    asn::AccelerationSet4Way {
        long: plane(from.long),
        lat: plane(from.lat),
        vert: asn::VerticalAcceleration(from.vert.map_or(-127, VerticalAcceleration::steps)),
        yaw: asn::YawRate(from.yaw.steps()),
    }
}

pub(in crate::kinds) fn read_participant(
    ref_pos: GeoPosition,
    from: &asn::ParticipantData,
) -> Result<Participant, Unfit> {
    let confidence = from.motion_cfd.unwrap_or_default();
    Ok(Participant {
        kind: at_index(&ParticipantKind::ALL, from.ptc_type.index()),
        id: read_participant_id(from.ptc_id)?,
        source: at_index(&Source::ALL, from.source.index()),
        bsm_id: from.id.map(StationId),
        sec_mark: read_d_second(from.sec_mark),
        pos: read_offset(ref_pos, from.pos)?,
        pos_confidence: PositionConfidence::from_class(from.pos_confidence.pos.index() as u8),
        elevation_confidence: from
            .pos_confidence
            .elevation
            .and_then(|class| ElevationConfidence::from_class(class.index() as u8)),
        transmission: from.transmission.and_then(read_transmission),
        speed: Speed::from_steps(from.speed.0.into()).ok(),
        heading: Heading::from_steps(from.heading.0.into()).ok(),
        steering: from
            .angle
            .and_then(|angle| SteeringAngle::from_steps(angle.0.into()).ok()),
        speed_confidence: confidence
            .speed_cfd
            .and_then(|class| SpeedConfidence::from_class(class.index() as u8)),
        heading_confidence: confidence
            .heading_cfd
            .and_then(|class| HeadingConfidence::from_class(class.index() as u8)),
        steering_confidence: confidence
            .steer_cfd
            .and_then(|class| SteeringConfidence::from_class(class.index() as u8)),
        acceleration: from.accel_set.map(read_acceleration).transpose()?,
        size: read_size(from.size),
        class: from.vehicle_class.map(read_class),
    })
}

pub(in crate::kinds) fn read_size(from: asn::VehicleSize) -> Size {
    Size {
        width: VehicleWidth::from_steps(from.width.0.into()).ok(),
        length: VehicleLength::from_steps(from.length.0.into()).ok(),
        height: from
            .height
            .and_then(|height| VehicleHeight::from_steps(height.0.into()).ok()),
    }
}

fn read_participant_id(id: u16) -> Result<ParticipantId, OutOfRange> {
    match u8::try_from(id) {
        Ok(0) => Ok(ParticipantId::RSU),
        Ok(id) => ParticipantId::new(id),
        Err(_) => Err(OutOfRange::of_id("participant id", id.into(), 0, 255)),
    }
}

/// Reserved codes and "unavailable" are unknown.
pub(in crate::kinds) fn read_transmission(gear: asn::TransmissionState) -> Option<Transmission> {
    match gear {
        asn::TransmissionState::Neutral => Some(Transmission::Neutral),
        asn::TransmissionState::Park => Some(Transmission::Park),
        asn::TransmissionState::ForwardGears => Some(Transmission::Forward),
        asn::TransmissionState::ReverseGears => Some(Transmission::Reverse),
        _ => None,
    }
}

pub(in crate::kinds) fn read_acceleration(
    from: asn::AccelerationSet4Way,
) -> Result<Acceleration4, OutOfRange> {
    Ok(Acceleration4 {
        long: Acceleration::from_steps(from.long.0.into()).ok(),
        lat: Acceleration::from_steps(from.lat.0.into()).ok(),
        vert: VerticalAcceleration::from_steps(from.vert.0.into()).ok(),
        yaw: YawRate::from_steps(from.yaw.0.into())?,
    })
}

pub(in crate::kinds) fn read_class(from: asn::VehicleClassification) -> VehicleClass {
    let class = VehicleClass::of(from.classification.0);
    from.fuel_type
        .and_then(|fuel| class.with_fuel(fuel.0))
        .unwrap_or(class)
}
