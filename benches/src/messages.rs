//! One message of each shape that the air has, for the codec.

use std::time::Duration;

use rsu::station::{Frame, FrameKind};
use serde_json::{Value, json};
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

/// The six shapes on which codecs are compared with each other: about the sizes of SPAT with 8
/// phases of 3 states and 4 of 1, of a full MAP, RSI, RSM and BSM on the air.
pub fn air() -> Vec<Shape> {
    let mut shapes = shapes();
    shapes.retain(|shape| shape.name.starts_with("spat"));
    for (name, jer) in [
        ("map/4x5", large_map()),
        ("rsi/2+3", large_rsi()),
        ("rsm/16", large_rsm()),
        ("bsm/23", large_bsm()),
    ] {
        let message = Message::from_jer(&jer.to_string()).expect("written as the schema has it");
        let octets = octets(&message);
        shapes.push(Shape {
            name,
            message,
            octets,
        });
    }
    shapes
}

/// Four links of five lanes with seven points each.
fn large_map() -> Value {
    let point = |step: i64| json!({ "posOffset": { "offsetLL": { "position-LL4": { "lat": 900 * step, "lon": -700 * step } } } });
    let speed = || json!([{ "type": "vehicleMaxSpeed", "speed": 833 }]);
    let node = |id: i64| json!({ "region": 310, "id": id });
    let lane = |id: i64| {
        json!({
            "laneID": id,
            "laneWidth": 350,
            "laneAttributes": { "shareWith": "0000", "laneType": { "vehicle": "00" } },
            "maneuvers": "8000",
            "connectsTo": [{
                "remoteIntersection": node(20 + id),
                "connectingLane": { "lane": id, "maneuver": "8000" },
                "phaseId": id
            }],
            "speedLimits": speed(),
            "points": (1..8).map(|step| point(step + id)).collect::<Vec<_>>()
        })
    };
    let link = |id: i64| {
        json!({
            "name": format!("arm {id}"),
            "upstreamNodeId": node(id),
            "speedLimits": speed(),
            "linkWidth": 1750,
            "points": (1..5).map(point).collect::<Vec<_>>(),
            "movements": (1..4).map(|turn| json!({ "remoteIntersection": node(20 + turn), "phaseId": turn })).collect::<Vec<_>>(),
            "lanes": (1..6).map(lane).collect::<Vec<_>>()
        })
    };
    json!({ "mapFrame": {
        "msgCnt": 3,
        "timeStamp": 300_000,
        "nodes": [{
            "name": "crossing",
            "id": node(10),
            "refPos": { "lat": 312_840_000, "long": 1_211_610_000, "elevation": 40 },
            "inLinks": (1..5).map(link).collect::<Vec<_>>()
        }]
    } })
}

/// Sixteen road users of which everything is known.
fn large_rsm() -> Value {
    let participant = |id: i64| {
        json!({
            "ptcType": "motor",
            "ptcId": id,
            "source": "integrated",
            "id": format!("00000000000000{id:02x}"),
            "secMark": 31_742,
            "pos": {
                "offsetLL": { "position-LL4": { "lat": 900 * id, "lon": -700 * id } },
                "offsetV": { "offset2": 12 }
            },
            "posConfidence": { "pos": "a50cm", "elevation": "elev-000-50" },
            "transmission": "forwardGears",
            "speed": 500 + id,
            "heading": 1000 * id,
            "angle": -3,
            "motionCfd": { "speedCfd": "prec0-1ms", "headingCfd": "prec01deg", "steerCfd": "prec1deg" },
            "accelSet": { "long": 120, "lat": -3, "vert": 0, "yaw": 45 },
            "size": { "width": 180, "length": 460, "height": 30 },
            "vehicleClass": { "classification": 10, "fuelType": 1 }
        })
    };
    json!({ "rsmFrame": {
        "msgCnt": 99,
        "id": "5253553030303031",
        "refPos": { "lat": 312_840_000, "long": 1_211_610_000, "elevation": 40 },
        "participants": (1..17).map(participant).collect::<Vec<_>>()
    } })
}

/// A car that brakes, with the way that it came.
fn large_bsm() -> Value {
    let mut bsm: Value = serde_json::from_str(BSM).expect("this is JSON");
    let crumb = |step: i64| {
        json!({
            "llvOffset": { "offsetLL": { "position-LL2": { "lat": 100 * step, "lon": -90 * step } } },
            "timeOffset": 10 * step,
            "speed": 600 + step
        })
    };
    bsm["bsmFrame"]["safetyExt"] = json!({
        "events": "0400",
        "pathHistory": { "crumbData": (1..16).map(crumb).collect::<Vec<_>>() },
        "pathPrediction": { "radiusOfCurve": 1200, "confidence": 180 },
        "lights": "2000"
    });
    bsm
}

/// Two events with words and paths, three signs with words, paths and links.
fn large_rsi() -> Value {
    let point = |step: i64| json!({ "offsetLL": { "position-LL4": { "lat": 900 * step, "lon": -700 * step } } });
    let path = |points: i64| json!([{ "activePath": (0..points).map(point).collect::<Vec<_>>(), "pathRadius": 35 }]);
    let link = || {
        json!([{
            "upstreamNodeId": { "region": 310, "id": 11 },
            "downstreamNodeId": { "region": 310, "id": 10 },
            "referenceLanes": "7000"
        }])
    };
    let event = |id: i64| {
        json!({
            "rteId": id,
            "eventType": 501,
            "eventSource": "government",
            "eventPos": point(5),
            "eventRadius": 150,
            "description": { "textString": "works in lane 1" },
            "timeDetails": { "startTime": 300_000, "endTime": 310_000 },
            "priority": "80",
            "referencePaths": path(4),
            "referenceLinks": link(),
            "eventConfidence": 190
        })
    };
    let sign = |id: i64| {
        json!({
            "rtsId": id,
            "signType": 85,
            "signPos": point(3),
            "description": { "textGB2312": "30303030303030303030303030303835cfded6c6b3b5cbd93630" },
            "priority": "60",
            "referencePaths": path(2),
            "referenceLinks": link()
        })
    };
    json!({ "rsiFrame": {
        "msgCnt": 5,
        "moy": 300_000,
        "id": "5253553030303031",
        "refPos": { "lat": 312_840_000, "long": 1_211_610_000, "elevation": 40 },
        "rtes": [event(1), event(2)],
        "rtss": [sign(1), sign(2), sign(3)]
    } })
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
    let events = junction::site().events.into_iter();
    let events = events.map(|posted| posted.what);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_on_the_air_have_the_sizes_of_real_ones() {
        let sizes: Vec<_> = air()
            .iter()
            .map(|shape| (shape.name, shape.octets.len()))
            .collect();
        println!("{sizes:?}");
        let size = |wanted| sizes.iter().find(|(name, _)| *name == wanted).unwrap().1;
        assert!((1200..=1400).contains(&size("map/4x5")));
        assert!((250..=350).contains(&size("rsi/2+3")));
    }
}
