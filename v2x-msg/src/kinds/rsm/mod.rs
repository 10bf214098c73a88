//! Roadside safety message: the road users that a roadside unit sees.
//!
//! Rules of YD/T 3709-2020 and T/CSAE 159-2020, 8.3: 1 to 16 participants with different ids; the
//! entry of the unit itself has id 0 and is the only one of its kind. Positions are absolute here;
//! on the air they become offsets from `ref_pos` in the smallest class that holds them.
//!
//! Not here: how more than 16 are spread over several messages; the station's service does that.

pub(in crate::kinds) mod wire;

use crate::access::Aid;
use crate::base::{
    Acceleration, DSecond, ElevationConfidence, Few, GeoPosition, Heading, HeadingConfidence,
    MsgCount, ParticipantId, PositionConfidence, Speed, SpeedConfidence, StationId, SteeringAngle,
    SteeringConfidence, VehicleHeight, VehicleLength, VehicleWidth, VerticalAcceleration,
    WrongCount, YawRate,
};

/// Participants of one message.
pub const MAX_PARTICIPANTS: usize = 16;

/// An RSM message.
#[derive(Clone, Debug, PartialEq)]
pub struct Rsm {
    /// Counts the RSMs of this sender.
    pub msg_cnt: MsgCount,
    /// Who sends.
    pub id: StationId,
    /// From which the positions are counted.
    pub ref_pos: GeoPosition,
    participants: Few<Participant, 1, MAX_PARTICIPANTS>,
}

impl Rsm {
    /// The application that RSMs are addressed to.
    pub const AID: Aid = Aid::Rsm;

    /// 1 to 16 participants with different ids; id 0 and kind "RSU" belong together.
    pub fn new(
        msg_cnt: MsgCount,
        id: StationId,
        ref_pos: GeoPosition,
        participants: impl IntoIterator<Item = Participant>,
    ) -> Result<Self, Refused> {
        let participants = Few::<Participant, 1, MAX_PARTICIPANTS>::new(participants)?;
        for (place, participant) in participants.iter().enumerate() {
            let is_rsu = participant.kind == ParticipantKind::Rsu;
            if is_rsu != (participant.id == ParticipantId::RSU) {
                return Err(Refused::RsuId(participant.id));
            }
            if participants[..place]
                .iter()
                .any(|earlier| earlier.id == participant.id)
            {
                return Err(Refused::IdTwice(participant.id));
            }
        }
        Ok(Rsm {
            msg_cnt,
            id,
            ref_pos,
            participants,
        })
    }

    /// In the order in which they are sent.
    pub fn participants(&self) -> &[Participant] {
        &self.participants
    }
}

/// A road user, or the roadside unit itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Participant {
    /// What it is.
    pub kind: ParticipantKind,
    /// Its id as long as this unit sees it.
    pub id: ParticipantId,
    /// Who saw it.
    pub source: Source,
    /// The id by which it calls itself in its own BSM, where that is known.
    pub bsm_id: Option<StationId>,
    /// When it was seen: millisecond in the UTC minute.
    pub sec_mark: Option<DSecond>,
    /// Where it was then: the centre of its outline.
    pub pos: GeoPosition,
    /// Of its horizontal position.
    pub pos_confidence: Option<PositionConfidence>,
    /// Of its height.
    pub elevation_confidence: Option<ElevationConfidence>,
    /// Its gear.
    pub transmission: Option<Transmission>,
    /// Over ground.
    pub speed: Option<Speed>,
    /// The direction it moves in; T/CSAE 159-2020 keeps the last one below 4 km/h.
    pub heading: Option<Heading>,
    /// Of its steering wheel.
    pub steering: Option<SteeringAngle>,
    /// Of its speed.
    pub speed_confidence: Option<SpeedConfidence>,
    /// Of its heading.
    pub heading_confidence: Option<HeadingConfidence>,
    /// Of its steering wheel angle.
    pub steering_confidence: Option<SteeringConfidence>,
    /// How its movement changes.
    pub acceleration: Option<Acceleration4>,
    /// Its outline.
    pub size: Size,
    /// Its class in detail.
    pub class: Option<VehicleClass>,
}

impl Participant {
    /// A road user of which nothing but its place is known.
    pub fn new(kind: ParticipantKind, id: ParticipantId, pos: GeoPosition) -> Self {
        Participant {
            kind,
            id,
            source: Source::Unknown,
            bsm_id: None,
            sec_mark: None,
            pos,
            pos_confidence: None,
            elevation_confidence: None,
            transmission: None,
            speed: None,
            heading: None,
            steering: None,
            speed_confidence: None,
            heading_confidence: None,
            steering_confidence: None,
            acceleration: None,
            size: Size::UNKNOWN,
            class: None,
        }
    }

    /// The roadside unit's own entry, at a standstill where it was surveyed.
    pub fn rsu(pos: GeoPosition) -> Self {
        Participant {
            source: Source::SelfInfo,
            speed: Some(Speed::MIN),
            heading: Some(Heading::NORTH),
            ..Self::new(ParticipantKind::Rsu, ParticipantId::RSU, pos)
        }
    }
}

/// What a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParticipantKind {
    /// Nobody can tell.
    Unknown,
    /// A motor vehicle.
    Motor,
    /// A bicycle or the like.
    NonMotor,
    /// Somebody on foot.
    Pedestrian,
    /// The roadside unit itself.
    Rsu,
}

impl ParticipantKind {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [ParticipantKind; 5] = [
        ParticipantKind::Unknown,
        ParticipantKind::Motor,
        ParticipantKind::NonMotor,
        ParticipantKind::Pedestrian,
        ParticipantKind::Rsu,
    ];

    /// As the standard spells it.
    pub const fn name(self) -> &'static str {
        match self {
            ParticipantKind::Unknown => "unknown",
            ParticipantKind::Motor => "motor",
            ParticipantKind::NonMotor => "non-motor",
            ParticipantKind::Pedestrian => "pedestrian",
            ParticipantKind::Rsu => "rsu",
        }
    }
}

/// Who saw a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Nobody says.
    Unknown,
    /// The unit speaks of itself.
    SelfInfo,
    /// It told us itself by radio.
    V2x,
    /// A camera.
    Video,
    /// A microwave radar.
    MicrowaveRadar,
    /// A loop in the road.
    Loop,
    /// A lidar.
    Lidar,
    /// Several of these.
    Integrated,
}

impl Source {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [Source; 8] = [
        Source::Unknown,
        Source::SelfInfo,
        Source::V2x,
        Source::Video,
        Source::MicrowaveRadar,
        Source::Loop,
        Source::Lidar,
        Source::Integrated,
    ];
}

/// A vehicle's gear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transmission {
    /// Neutral.
    Neutral,
    /// Park.
    Park,
    /// Any forward gear.
    Forward,
    /// Reverse.
    Reverse,
}

/// Acceleration in the vehicle's own axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceleration4 {
    /// Along the direction of travel.
    pub long: Option<Acceleration>,
    /// Across it, to the right positive.
    pub lat: Option<Acceleration>,
    /// Upwards.
    pub vert: Option<VerticalAcceleration>,
    /// Turning rate.
    pub yaw: YawRate,
}

/// A road user's outline, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Across.
    pub width: Option<VehicleWidth>,
    /// Along.
    pub length: Option<VehicleLength>,
    /// Up.
    pub height: Option<VehicleHeight>,
}

impl Size {
    /// Nothing is known.
    pub const UNKNOWN: Size = Size {
        width: None,
        length: None,
        height: None,
    };
}

/// The class of a road user (BasicVehicleClass) and what it runs on (FuelType).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VehicleClass {
    /// BasicVehicleClass: one of the constants here, or another number of the standard.
    pub class: u8,
    /// FuelType, 0 to 15.
    fuel: Option<u8>,
}

impl VehicleClass {
    /// A car.
    pub const PASSENGER_CAR: VehicleClass = Self::of(10);
    /// A van or a light truck.
    pub const LIGHT_TRUCK: VehicleClass = Self::of(20);
    /// A truck.
    pub const TRUCK: VehicleClass = Self::of(25);
    /// A motorcycle.
    pub const MOTORCYCLE: VehicleClass = Self::of(40);
    /// A bus.
    pub const BUS: VehicleClass = Self::of(50);
    /// A bus in ordinary city service.
    pub const LOCAL_BUS: VehicleClass = Self::of(54);
    /// A vehicle of the emergency services.
    pub const EMERGENCY: VehicleClass = Self::of(60);
    /// Somebody on foot.
    pub const PEDESTRIAN: VehicleClass = Self::of(82);
    /// A bicycle.
    pub const BICYCLE: VehicleClass = Self::of(85);
    /// A roadside unit or the like that does not move.
    pub const FIXED_INFRASTRUCTURE: VehicleClass = Self::of(91);

    /// A number of BasicVehicleClass, and no word of the fuel.
    pub const fn of(class: u8) -> Self {
        VehicleClass { class, fuel: None }
    }

    /// With a number of FuelType; None above 15.
    pub fn with_fuel(self, fuel: u8) -> Option<Self> {
        (fuel < 16).then_some(VehicleClass {
            fuel: Some(fuel),
            ..self
        })
    }

    /// The number of FuelType, 0 to 15.
    pub fn fuel(self) -> Option<u8> {
        self.fuel
    }
}

/// What an RSM must not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No participant, or more than 16.
    #[error(transparent)]
    Count(#[from] WrongCount),
    /// Two participants have the same id.
    #[error("participant {0} is listed twice")]
    IdTwice(ParticipantId),
    /// Id 0 on a road user, or another id on the roadside unit.
    #[error("id {0}: 0 belongs to the roadside unit, the others to road users")]
    RsuId(ParticipantId),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somewhere() -> GeoPosition {
        GeoPosition::from_deg(31.287, 121.166, None).unwrap()
    }

    fn walker(id: u8) -> Participant {
        let id = ParticipantId::new(id).unwrap();
        Participant::new(ParticipantKind::Pedestrian, id, somewhere())
    }

    fn rsm(participants: impl IntoIterator<Item = Participant>) -> Result<Rsm, Refused> {
        Rsm::new(
            MsgCount::new(0).unwrap(),
            StationId(*b"RSU00001"),
            somewhere(),
            participants,
        )
    }

    #[test]
    fn one_to_sixteen_participants_fit() {
        assert!(rsm([]).is_err());
        assert!(rsm((1..=16).map(walker)).is_ok());
        assert!(rsm((1..=17).map(walker)).is_err());
    }

    #[test]
    fn participants_have_different_ids() {
        let id = ParticipantId::new(2).unwrap();
        assert_eq!(
            rsm([walker(1), walker(2), walker(2)]),
            Err(Refused::IdTwice(id))
        );
    }

    #[test]
    fn id_zero_belongs_to_the_roadside_unit() {
        assert!(rsm([Participant::rsu(somewhere()), walker(1)]).is_ok());
        let stray = Participant {
            id: ParticipantId::RSU,
            ..walker(1)
        };
        assert_eq!(rsm([stray]), Err(Refused::RsuId(ParticipantId::RSU)));
        let other = ParticipantId::new(3).unwrap();
        let second = Participant {
            id: other,
            ..Participant::rsu(somewhere())
        };
        assert_eq!(rsm([second]), Err(Refused::RsuId(other)));
    }

    #[test]
    fn a_fuel_has_four_bits() {
        assert_eq!(VehicleClass::BUS.with_fuel(4).unwrap().fuel(), Some(4));
        assert_eq!(VehicleClass::BUS.with_fuel(16), None);
    }
}
