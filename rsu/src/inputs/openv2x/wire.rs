//! The messages of OpenV2X's edge boxes, as JSON: what their members are, in units of the wire.
//!
//! | topic | how it is told apart |
//! |---|---|
//! | `V2X.RADAR.{esn}.TRACK.UP` | has `targets` |
//! | `V2X.RADAR.{esn}.CROSS.UP` | has `passingImformations` (sic) |
//! | `V2X.RADAR.{esn}.EVENT.UP` | has `eventType` |
//! | `V2X.RADAR.{esn}.FLOW.UP`, `STATUS.UP` | has `trafficFlows`, `trafficStatusInformations` |
//! | `V2X/RSU/{esn}/RSM/UP` | has `rsms`, or `content` that is an object with it |
//! | `V2X/RSU/{esn}/RSM/UP/DAWNLINE` | has `content` that is a list |

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::inputs::json::{Capped, DeviceId, Number};
use crate::inputs::objects::MOST;

/// One message, whichever it is; what it does not have is absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    /// ms of Unix time; the radar box knows whole seconds only, and writes them as text.
    pub time_stamp: Number,
    /// The box.
    pub device_id: Option<DeviceId>,
    /// What it counts in the lists below.
    pub number: Number,
    /// TRACK.
    pub targets: Option<Capped<Target, MOST>>,
    /// CROSS.
    #[serde(rename = "passingImformations", alias = "passingInformations")]
    pub passings: Option<Capped<Passing, MOST>>,
    /// EVENT.
    pub event_type: Number,
    /// EVENT: which lane.
    pub lane: Number,
    /// EVENT: degrees.
    pub latitude: Number,
    /// EVENT: degrees.
    pub longitude: Number,
    /// FLOW.
    pub traffic_flows: Option<IgnoredAny>,
    /// STATUS.
    pub traffic_status_informations: Option<IgnoredAny>,
    /// RSM without a frame around it, as Huawei DRIS has it.
    pub rsms: Option<Capped<Rsm, MOST_RSMS>>,
    /// RSM, standard or of the vendor.
    pub content: Option<Inner>,
}

impl Message {
    /// Whether it says who is there: TRACK and RSM.
    pub fn lists_objects(&self) -> bool {
        self.targets.is_some() || self.rsms.is_some() || self.content.is_some()
    }

    /// When it was made: by its own word, else by the newest of its participants.
    pub fn stamp(&self) -> Number {
        let participants = match &self.content {
            Some(Inner::Participants(list)) => list.items.as_slice(),
            _ => &[],
        };
        let of_each = participants
            .iter()
            .filter_map(|one| one.time_stamp.finite());
        let newest = of_each.reduce(f64::max);
        Number(self.time_stamp.finite().or(newest))
    }
}

/// Most RSM in one message.
pub const MOST_RSMS: usize = 16;

/// One target of TRACK.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// The box's number of it.
    pub target_id: Option<DeviceId>,
    /// A code; only 3 was ever seen, with the size of a car.
    pub target_type: Number,
    /// Degrees.
    pub latitude: Number,
    /// Degrees.
    pub longitude: Number,
    /// Degrees clockwise from north, the way it goes.
    pub heading_angle: Number,
    /// m/s; below zero where it comes nearer to the radar.
    pub speed: Number,
    /// m.
    pub target_length: Number,
    /// m.
    pub target_width: Number,
    /// m.
    pub target_height: Number,
    /// 0 to 100.
    pub confidence_level: Number,
    /// dBm²: the bits of a 32-bit float, read as a whole number.
    pub rcs: Number,
    /// Lane as the box counts them.
    pub lane_no: Number,
}

impl Target {
    /// The radar cross section, from its bits.
    pub fn rcs_dbsm(&self) -> Option<f32> {
        let bits = self.rcs.whole(0..=i64::from(u32::MAX))?;
        let rcs = f32::from_bits(u32::try_from(bits).ok()?);
        rcs.is_finite().then_some(rcs)
    }
}

/// One entry of CROSS: a lane and what stands or passes there.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Passing {
    /// The lane.
    pub aisle_id: Number,
    /// m.
    pub distance_to_stop_line: Number,
    /// 1 while something is there.
    pub existence_state: Number,
    /// ms.
    pub existence_time: Number,
    /// m/s.
    pub speed: Number,
    /// A code.
    pub vehicle_type: Number,
}

/// `content`: an object in the standard form, a list in the vendor's.
#[derive(Clone, Debug)]
pub enum Inner {
    /// RSM of the standard.
    Rsms(Capped<Rsm, MOST_RSMS>),
    /// Participants in plain units.
    Participants(Capped<Participant, MOST>),
    /// An object of something else.
    Other,
}

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InnerVisitor)
    }
}

struct InnerVisitor;

impl<'de> Visitor<'de> for InnerVisitor {
    type Value = Inner;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of participants or an object with rsms")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Inner, A::Error> {
        let list = serde::de::value::SeqAccessDeserializer::new(list);
        Capped::deserialize(list).map(Inner::Participants)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Inner, A::Error> {
        let mut inner = Inner::Other;
        while let Some(name) = members.next_key::<String>()? {
            if name == "rsms" {
                inner = Inner::Rsms(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(inner)
    }
}

/// One participant of the vendor's form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Participant {
    /// `motor`, `non-motor`, `pedestrian`.
    #[serde(rename = "ptcType")]
    pub kind: Option<Kind>,
    /// The box's number of it.
    #[serde(rename = "ptcId")]
    pub id: Option<DeviceId>,
    /// ms of Unix time.
    #[serde(rename = "timeStamp")]
    pub time_stamp: Number,
    /// Degrees.
    pub pos_lat: Number,
    /// Degrees.
    pub pos_lon: Number,
    /// Degrees clockwise from north.
    pub heading: Number,
    /// m/s.
    pub speed: Number,
    /// m.
    pub length: Number,
    /// m.
    pub width: Number,
    /// m.
    pub height: Number,
}

/// One RSM of the standard's form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rsm {
    /// Who was seen.
    pub participants: Capped<StandardParticipant, MOST>,
}

/// One participant of the standard's form, in steps of YD/T 3709-2020.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StandardParticipant {
    /// A code or a word.
    pub ptc_type: Option<Kind>,
    /// Its number.
    pub ptc_id: Option<DeviceId>,
    /// ms in the minute.
    pub sec_mark: Number,
    /// Where.
    pub pos: Position,
    /// 0.02 m/s; 8191 is not known.
    pub speed: Number,
    /// 0.0125 degree clockwise from north; 28800 is not known.
    pub heading: Number,
    /// How large.
    pub size: Dimensions,
}

/// A place in steps of 1e-7 degree.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Position {
    /// North.
    pub lat: Number,
    /// East.
    pub lon: Number,
}

/// Outer dimensions in steps.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Dimensions {
    /// 0.01 m.
    pub length: Number,
    /// 0.01 m.
    pub width: Number,
    /// 0.05 m.
    pub height: Number,
}

/// ParticipantType of YD/T 3709-2020.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0.
    Unknown,
    /// 1.
    Motor,
    /// 2.
    NonMotor,
    /// 3.
    Pedestrian,
    /// 4: the unit itself, which is no road user.
    Rsu,
}

impl Kind {
    fn of_text(text: &str) -> Self {
        match text.trim() {
            "1" | "motor" => Self::Motor,
            "2" | "non-motor" | "nonMotor" | "non_motor" => Self::NonMotor,
            "3" | "pedestrian" => Self::Pedestrian,
            "4" | "rsu" => Self::Rsu,
            _ => Self::Unknown,
        }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KindVisitor;
        impl Visitor<'_> for KindVisitor {
            type Value = Kind;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind of participant")
            }
            fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
                Ok(Kind::of_text(text))
            }
            fn visit_u64<E>(self, code: u64) -> Result<Kind, E> {
                Ok(Kind::of_text(&code.to_string()))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
                Ok(Kind::Unknown)
            }
            fn visit_f64<E>(self, code: f64) -> Result<Kind, E> {
                Ok(Kind::of_text(&code.to_string()))
            }
        }
        deserializer.deserialize_any(KindVisitor)
    }
}

/// Reads one message.
///
/// # Errors
/// Where it is no JSON, or a member has another shape than these messages give it.
pub fn parse(bytes: &[u8]) -> Result<Message, serde_json::Error> {
    serde_json::from_slice(bytes)
}
