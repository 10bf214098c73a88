//! One message of each shape that the air has, for the codec.

use std::time::Duration;

use rsu::station::{Frame, FrameKind};
use v2x_msg::Message;
use v2x_msg::access::dsmp;
use v2x_msg::base::{
    Confidence, Countdown, DSecond, GeoPosition, Heading, HeadingConfidence, MinuteOfYear,
    MsgCount, NodeId, OutOfRange, ParticipantId, PhaseId, PositionConfidence, Speed,
    SpeedConfidence, StationId, TimeConfidence, VehicleLength, VehicleWidth,
};
use v2x_msg::kinds::rsm::{Participant, ParticipantKind, Rsm, Size, Source, VehicleClass};
use v2x_msg::kinds::spat::{
    Counting, Ends, IntersectionState, Light, Phase, PhaseState, Spat, Status, Timing,
};
use v2x_msg::kinds::{Rsi, rsi, rsm, spat};

use crate::junction;

/// A message with the last two parts of its benchmarks' names.
#[derive(Debug)]
pub struct Shape {
    /// Kind and size, such as `spat/4x1`.
    pub name: &'static str,
    /// The message.
    pub message: Message,
    /// Its encoding, without what lies below.
    pub octets: Vec<u8>,
}

/// All shapes.
pub fn shapes() -> Vec<Shape> {
    let built = "the values above are in range";
    let mut spat_4x1 = Message::default();
    spat(4, 1).expect(built).fill(&mut spat_4x1);
    let mut spat_8x3 = Message::default();
    spat(8, 3).expect(built).fill(&mut spat_8x3);
    let mut rsi = Message::default();
    works().expect(built).fill(&mut rsi);
    let mut rsm = Message::default();
    road_users().expect(built).fill(&mut rsm);
    let bsm = Message::from_jer(BSM).expect("this is a BSM");
    [
        ("spat/4x1", spat_4x1),
        ("spat/8x3", spat_8x3),
        ("map/moyu-boyuan", map()),
        ("rsi/1", rsi),
        ("rsm/16", rsm),
        ("bsm/1", bsm),
    ]
    .map(|(name, message)| Shape {
        name,
        octets: octets(&message),
        message,
    })
    .into()
}

fn octets(message: &Message) -> Vec<u8> {
    let mut out = vec![0; dsmp::MAX_DATA];
    let length = message
        .encode_into(&mut out)
        .expect("each of them fits into a frame");
    out.truncate(length);
    out
}

#[derive(Debug, thiserror::Error)]
enum Unbuilt {
    #[error(transparent)]
    Value(#[from] OutOfRange),
    #[error(transparent)]
    Spat(#[from] spat::Refused),
    #[error(transparent)]
    Rsm(#[from] rsm::Refused),
    #[error(transparent)]
    Rsi(#[from] rsi::Refused),
}

/// Phases with their states, all times known where there are several.
fn spat(phases: u8, states: usize) -> Result<Spat, Unbuilt> {
    let lights = [Light::ProtectedGreen, Light::Yellow, Light::Red];
    let mut list = Vec::new();
    for id in 1..=phases {
        let mut shown = Vec::new();
        for (place, light) in lights.into_iter().take(states).enumerate() {
            let tenths = |tenths: usize| Countdown::from_tenths(tenths as u16);
            let timing = Timing::Counting(Counting {
                start: Some(tenths(place * 270)?),
                ends: Ends::fixed(tenths((place + 1) * 270)?),
                confidence: Confidence::nearest_percent(95.0),
                next_start: Some(tenths(900 + place * 270)?),
                next_duration: Some(tenths(270)?),
            });
            shown.push(PhaseState {
                light,
                timing: Some(timing),
            });
        }
        list.push(Phase::new(PhaseId::new(id)?, shown)?);
    }
    let node = NodeId {
        region: Some(310),
        id: 10,
    };
    let mut intersection = IntersectionState::new(node, list)?;
    intersection.status = Status::FIXED_TIME;
    intersection.moy = Some(MinuteOfYear::new(300_000)?);
    intersection.time_stamp = Some(DSecond::new(31_700)?);
    intersection.time_confidence = TimeConfidence::from_error_s(0.1);
    let mut spat = Spat::new(MsgCount::new(17)?, [intersection])?;
    spat.moy = Some(MinuteOfYear::new(300_000)?);
    spat.time_stamp = Some(DSecond::new(31_742)?);
    Ok(spat)
}

/// The unit's own entry and fifteen cars of which all is known that a radar can tell.
fn road_users() -> Result<Rsm, Unbuilt> {
    let origin = origin()?;
    let mut entries = vec![Participant::rsu(origin)];
    for n in 1..16_u8 {
        let step = i32::from(n) * 800;
        let pos = GeoPosition::new(origin.lat_e7() + step, origin.lon_e7() - step, None)?;
        entries.push(Participant {
            source: Source::MicrowaveRadar,
            sec_mark: Some(DSecond::new(31_742)?),
            pos_confidence: PositionConfidence::from_sigma_m(0.4),
            speed: Some(Speed::from_mps(f64::from(n))?),
            heading: Some(Heading::from_deg(f64::from(n) * 20.0)?),
            speed_confidence: SpeedConfidence::from_sigma_mps(0.2),
            heading_confidence: HeadingConfidence::from_sigma_deg(2.0),
            size: Size {
                width: Some(VehicleWidth::from_m(1.8)?),
                length: Some(VehicleLength::from_m(4.6)?),
                height: None,
            },
            class: Some(VehicleClass::PASSENGER_CAR),
            ..Participant::new(ParticipantKind::Motor, ParticipantId::new(n)?, pos)
        });
    }
    Ok(Rsm::new(MsgCount::new(99)?, STATION, origin, entries)?)
}

/// The works that the site tells of.
fn works() -> Result<Rsi, Unbuilt> {
    let events = junction::site().events;
    Ok(Rsi::of_events(
        MsgCount::new(5)?,
        STATION,
        origin()?,
        events,
    )?)
}

/// The MAP that a station sends of the site.
fn map() -> Message {
    let mut station = junction::station(junction::at(0));
    let mut frame = Frame::new();
    for tenth in 0..=20 {
        let now = junction::at(Duration::from_millis(100 * tenth).as_nanos() as u64);
        station.handle_timeout(now);
        while station.poll_transmit(&mut frame) {
            if frame.kind == FrameKind::Map {
                let below = dsmp::parse(frame.bytes()).expect("the station frames what it sends");
                return Message::decode(below.data).expect("and encodes it");
            }
        }
    }
    panic!("a station sends its MAP each second");
}

fn origin() -> Result<GeoPosition, OutOfRange> {
    GeoPosition::new(312_840_000, 1_211_610_000, None)
}

const STATION: StationId = StationId(*b"RSU00001");

/// A car that brakes, without extensions.
const BSM: &str = r#"{"bsmFrame":{"msgCnt":42,"id":"0102030405060708","secMark":31742,
"timeConfidence":"time-000-010","pos":{"lat":312840000,"long":1211610000,"elevation":40},
"posAccuracy":{"semiMajor":40,"semiMinor":40,"orientation":0},
"posConfidence":{"pos":"a1m","elevation":"elev-002-00"},"transmission":"forwardGears",
"speed":694,"heading":7200,"angle":0,"motionCfd":{"speedCfd":"prec0-1ms","headingCfd":"prec01deg"},
"accelSet":{"long":-150,"lat":0,"vert":0,"yaw":0},
"brakes":{"brakePadel":"on","wheelBrakes":"78","abs":"engaged"},
"size":{"width":180,"length":460,"height":30},
"vehicleClass":{"classification":10,"fuelType":1}}}"#;
