//! Roadside information: events on the road (RTE) and signs (RTS).
//!
//! Rules of YD/T 3709-2020 and T/CSAE 159-2020, 8.5: one message carries one class (static,
//! semi-static or dynamic), which sets its AID, priority and period; all signs are static; a sign
//! has a place and a description that begins with its code of GB/T 30699-2014. Positions are
//! absolute here; on the air they become offsets from `ref_pos`.
//!
//! Not here: when an event begins, ends or is repeated; the station's `events` room decides.

mod text;
pub(in crate::kinds) mod wire;

use std::time::Duration;

use super::flags::flags;
use crate::access::Aid;
use crate::base::{
    Confidence, Few, GeoPosition, LaneId, Many, MinuteOfYear, MsgCount, NodeId, OutOfRange, Radius,
    StationId, TimeConfidence, WrongCount,
};

pub use text::{Description, NotText, SignText};
pub use wire::Composer;

/// What every RSI says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    /// Counts the RSIs of this sender.
    pub msg_cnt: MsgCount,
    /// When the message was made.
    pub moy: Option<MinuteOfYear>,
    /// Who sends.
    pub id: StationId,
    /// From which the positions are counted.
    pub ref_pos: GeoPosition,
}

/// An RSI message: events of one class, or signs.
///
/// A unit that sends the same entries again and again need not build one: a [`Composer`] composes
/// from borrowed entries and keeps the same rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Rsi {
    /// Counts the RSIs of this sender.
    pub msg_cnt: MsgCount,
    /// When the message was made.
    pub moy: Option<MinuteOfYear>,
    /// Who sends.
    pub id: StationId,
    /// From which the positions are counted.
    pub ref_pos: GeoPosition,
    content: Content,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Events(Many<Event, 1, 8>),
    Signs(Many<Sign, 1, 16>),
}

/// Most events in one message.
pub const MAX_EVENTS: usize = 8;
/// Most signs in one message.
pub const MAX_SIGNS: usize = 16;

impl Rsi {
    /// 1 to 8 events of one class with different ids, not dated.
    pub fn of_events(
        msg_cnt: MsgCount,
        id: StationId,
        ref_pos: GeoPosition,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<Self, Refused> {
        let events = Many::<Event, 1, MAX_EVENTS>::new(events)?;
        check_events(&events.iter())?;
        Ok(Rsi {
            msg_cnt,
            moy: None,
            id,
            ref_pos,
            content: Content::Events(events),
        })
    }

    /// 1 to 16 signs with different ids, not dated.
    pub fn of_signs(
        msg_cnt: MsgCount,
        id: StationId,
        ref_pos: GeoPosition,
        signs: impl IntoIterator<Item = Sign>,
    ) -> Result<Self, Refused> {
        let signs = Many::<Sign, 1, MAX_SIGNS>::new(signs)?;
        check_signs(&signs.iter())?;
        Ok(Rsi {
            msg_cnt,
            moy: None,
            id,
            ref_pos,
            content: Content::Signs(signs),
        })
    }

    /// Its class, which sets AID, priority and period.
    pub fn class(&self) -> RsiClass {
        match &self.content {
            Content::Events(events) => events
                .first()
                .map_or(RsiClass::SemiStatic, |event| event.event_type.class()),
            Content::Signs(_) => RsiClass::Static,
        }
    }

    /// The events; none in a message of signs.
    pub fn events(&self) -> &[Event] {
        match &self.content {
            Content::Events(events) => events,
            Content::Signs(_) => &[],
        }
    }

    /// The signs; none in a message of events.
    pub fn signs(&self) -> &[Sign] {
        match &self.content {
            Content::Events(_) => &[],
            Content::Signs(signs) => signs,
        }
    }
}

/// 1 to 8 of one class, each id once.
fn check_events<'a>(
    events: &(impl ExactSizeIterator<Item = &'a Event> + Clone),
) -> Result<(), Refused> {
    check_count(events.len(), MAX_EVENTS)?;
    let mut rest = events.clone();
    let mut class = None;
    while let Some(event) = rest.next() {
        let found = event.event_type.class();
        if *class.get_or_insert(found) != found {
            return Err(Refused::MixedClasses);
        }
        if rest.clone().any(|later| later.id == event.id) {
            return Err(Refused::IdTwice(event.id));
        }
    }
    Ok(())
}

/// 1 to 16, each id once.
fn check_signs<'a>(
    signs: &(impl ExactSizeIterator<Item = &'a Sign> + Clone),
) -> Result<(), Refused> {
    check_count(signs.len(), MAX_SIGNS)?;
    let mut rest = signs.clone();
    while let Some(sign) = rest.next() {
        if rest.clone().any(|later| later.id == sign.id) {
            return Err(Refused::IdTwice(sign.id));
        }
    }
    Ok(())
}

fn check_count(count: usize, max: usize) -> Result<(), WrongCount> {
    if (1..=max).contains(&count) {
        Ok(())
    } else {
        Err(WrongCount { min: 1, max })
    }
}

/// How fast what an RSI says may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RsiClass {
    /// In seconds: objects, people and vehicles on the road.
    Dynamic,
    /// In hours or days: works, weather, congestion.
    SemiStatic,
    /// In months: signs.
    Static,
}

impl RsiClass {
    /// The application that it is addressed to, which also has its priority.
    pub const fn aid(self) -> Aid {
        match self {
            RsiClass::Dynamic => Aid::RsiDynamic,
            RsiClass::SemiStatic => Aid::RsiSemiStatic,
            RsiClass::Static => Aid::RsiStatic,
        }
    }

    /// The longest time between two of them (T/CSAE 159-2020, 4.4).
    pub const fn period(self) -> Duration {
        match self {
            RsiClass::Dynamic => Duration::from_millis(100),
            RsiClass::SemiStatic => Duration::from_millis(500),
            RsiClass::Static => Duration::from_secs(1),
        }
    }
}

/// Something that happens on the road (RTE).
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique within the unit as long as the event lasts.
    pub id: u8,
    /// What it is.
    pub event_type: EventType,
    /// Who says so.
    pub source: EventSource,
    /// Where it is.
    pub pos: Option<GeoPosition>,
    /// How far around `pos` it reaches.
    pub radius: Option<Radius>,
    /// In words.
    pub description: Option<Description>,
    /// When it holds.
    pub validity: Validity,
    /// How urgent it is.
    pub level: Option<Level>,
    /// Where it matters.
    pub place: Option<Place>,
    /// How sure it is.
    pub confidence: Option<Confidence>,
}

impl Event {
    /// An event of which nothing but its type and source is known.
    pub fn new(id: u8, event_type: EventType, source: EventSource) -> Self {
        Event {
            id,
            event_type,
            source,
            pos: None,
            radius: None,
            description: None,
            validity: Validity::OPEN,
            level: None,
            place: None,
            confidence: None,
        }
    }
}

/// A code of GB/T 29100-2012: hundreds and thousands are the class, the rest counts within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(pub u16);

impl EventType {
    /// An object on the road.
    pub const OBJECT: EventType = EventType(401);
    /// A person on the road.
    pub const PEDESTRIAN: EventType = EventType(405);
    /// An animal on the road.
    pub const ANIMAL: EventType = EventType(406);
    /// Water on the road.
    pub const WATER: EventType = EventType(407);
    /// A slippery road.
    pub const SLIPPERY: EventType = EventType(408);
    /// Ice on the road.
    pub const ICE: EventType = EventType(409);
    /// Rain.
    pub const RAIN: EventType = EventType(301);
    /// Fog.
    pub const FOG: EventType = EventType(305);
    /// Works.
    pub const WORKS: EventType = EventType(501);
    /// Congestion.
    pub const CONGESTION: EventType = EventType(707);
    /// A vehicle that is too fast; 9xx is an extension of the industry.
    pub const OVERSPEED: EventType = EventType(901);
    /// A vehicle that is too slow.
    pub const SLOW: EventType = EventType(902);
    /// A vehicle that stands.
    pub const STOPPED: EventType = EventType(903);
    /// A vehicle that goes the wrong way.
    pub const WRONG_WAY: EventType = EventType(904);
    /// An emergency vehicle.
    pub const EMERGENCY_VEHICLE: EventType = EventType(905);

    /// Its class. The table of T/CSAE 159-2020 (Annex C) is not public as text; this is the rule
    /// that units in service follow.
    pub const fn class(self) -> RsiClass {
        match self.0 {
            401 | 405 | 406 | 901..=906 => RsiClass::Dynamic,
            _ => RsiClass::SemiStatic,
        }
    }
}

/// Who reports an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventSource {
    /// Nobody says.
    Unknown,
    /// The police.
    Police,
    /// Another authority.
    Government,
    /// The weather service.
    Meteorological,
    /// A service on the internet.
    Internet,
    /// A sensor at the road.
    Detection,
}

impl EventSource {
    /// All of them, in the order of the standard's numbers from 0.
    pub const ALL: [EventSource; 6] = [
        EventSource::Unknown,
        EventSource::Police,
        EventSource::Government,
        EventSource::Meteorological,
        EventSource::Internet,
        EventSource::Detection,
    ];
}

/// A traffic sign (RTS).
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// Unique within the unit as long as the sign stands.
    pub id: u8,
    /// Row in the name index of GB 5768.2-2009; 0 is a sign of words, or an unknown one.
    pub sign_type: u16,
    /// Where it stands.
    pub pos: Option<GeoPosition>,
    /// Its code and its words.
    pub text: SignText,
    /// When it holds.
    pub validity: Validity,
    /// How urgent it is, on another scale than events.
    pub level: Option<Level>,
    /// Where it matters.
    pub place: Place,
}

impl Sign {
    /// A sign that always holds.
    pub fn new(id: u8, sign_type: u16, text: SignText, place: Place) -> Self {
        Sign {
            id,
            sign_type,
            pos: None,
            text,
            validity: Validity::OPEN,
            level: None,
            place,
        }
    }
}

/// Where an event or a sign matters: along paths, on links, or both; never nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    paths: Few<ReferencePath, 0, 8>,
    links: Few<ReferenceLink, 0, 16>,
}

impl Place {
    /// Up to 8 paths and 16 links, one of either at least.
    pub fn new(
        paths: impl IntoIterator<Item = ReferencePath>,
        links: impl IntoIterator<Item = ReferenceLink>,
    ) -> Result<Self, Refused> {
        let place = Place {
            paths: Few::new(paths)?,
            links: Few::new(links)?,
        };
        if place.paths.is_empty() && place.links.is_empty() {
            return Err(Refused::Nowhere);
        }
        Ok(place)
    }

    /// Along which it matters.
    pub fn paths(&self) -> &[ReferencePath] {
        &self.paths
    }

    /// On which it matters.
    pub fn links(&self) -> &[ReferenceLink] {
        &self.links
    }
}

/// A line from upstream to downstream; a receiver is on it within `radius` to both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferencePath {
    /// 2 to 32 points. The editions disagree on one point alone, so a round place repeats its
    /// point.
    pub points: Few<GeoPosition, 2, 32>,
    /// To both sides.
    pub radius: Radius,
}

/// A link of the MAP, or some of its lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceLink {
    /// Where the link comes from.
    pub upstream: NodeId,
    /// Where it leads.
    pub downstream: NodeId,
    /// Its lanes; None means all.
    pub lanes: Option<Lanes>,
}

flags! {
    /// Lanes 1 to 15 of a link.
    Lanes, 16 bits {}
}

impl Lanes {
    /// Of the given lanes; those above 15 cannot be named.
    pub fn of(lanes: impl IntoIterator<Item = LaneId>) -> Result<Self, OutOfRange> {
        let mut set = Lanes::NONE;
        for lane in lanes {
            let id = lane.value();
            if id > 15 {
                return Err(OutOfRange::of_id(
                    "lane of a reference link",
                    id.into(),
                    1,
                    15,
                ));
            }
            set |= Lanes::from_bits(1 << id);
        }
        Ok(set)
    }
}

/// When an event or a sign holds, in UTC minutes of the year; over New Year the end is the smaller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validity {
    /// From this minute.
    pub start: Option<MinuteOfYear>,
    /// To this minute.
    pub end: Option<MinuteOfYear>,
    /// How far off the end may be.
    pub end_confidence: Option<TimeConfidence>,
}

impl Validity {
    /// No word of start or end.
    pub const OPEN: Validity = Validity {
        start: None,
        end: None,
        end_confidence: None,
    };
}

/// How urgent an event or a sign is: 0 to 7, the most urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// From its number, 0 to 7.
    pub fn new(level: u8) -> Result<Self, OutOfRange> {
        if level < 8 {
            Ok(Level(level))
        } else {
            Err(OutOfRange::of_id("priority level", level.into(), 0, 7))
        }
    }

    /// Its number, 0 to 7.
    pub fn value(self) -> u8 {
        self.0
    }
}

/// What an RSI must not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too few or too many events, signs, paths, links or points.
    #[error(transparent)]
    Count(#[from] WrongCount),
    /// Two events, or two signs, have the same id.
    #[error("id {0} is listed twice")]
    IdTwice(u8),
    /// Events of different classes, or events and signs, in one message.
    #[error("events and signs of different classes in one message")]
    MixedClasses,
    /// Neither a path nor a link.
    #[error("neither a path nor a link")]
    Nowhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATION: StationId = StationId(*b"RSU00001");

    fn somewhere() -> GeoPosition {
        GeoPosition::from_deg(31.287, 121.166, None).unwrap()
    }

    fn count() -> MsgCount {
        MsgCount::new(0).unwrap()
    }

    fn event(id: u8, event_type: EventType) -> Event {
        Event::new(id, event_type, EventSource::Detection)
    }

    fn rsi(events: impl IntoIterator<Item = Event>) -> Result<Rsi, Refused> {
        Rsi::of_events(count(), STATION, somewhere(), events)
    }

    fn link() -> ReferenceLink {
        let node = |id| NodeId { region: None, id };
        ReferenceLink {
            upstream: node(1),
            downstream: node(2),
            lanes: None,
        }
    }

    fn sign(id: u8) -> Sign {
        let text = SignText::new("3011200000000001", b"40").unwrap();
        Sign::new(id, 85, text, Place::new([], [link()]).unwrap())
    }

    #[test]
    fn a_message_has_one_class() {
        let dynamic = rsi([event(1, EventType::OBJECT), event(2, EventType::STOPPED)]).unwrap();
        assert_eq!(dynamic.class(), RsiClass::Dynamic);
        assert_eq!(dynamic.class().aid(), Aid::RsiDynamic);
        let works = rsi([event(1, EventType::WORKS)]).unwrap();
        assert_eq!(works.class(), RsiClass::SemiStatic);
        let mixed = rsi([event(1, EventType::WORKS), event(2, EventType::OBJECT)]);
        assert_eq!(mixed, Err(Refused::MixedClasses));
    }

    #[test]
    fn signs_are_static() {
        let signs = Rsi::of_signs(count(), STATION, somewhere(), (1..=16).map(sign)).unwrap();
        assert_eq!((signs.class(), signs.signs().len()), (RsiClass::Static, 16));
        assert_eq!(signs.class().period(), Duration::from_secs(1));
        assert!(Rsi::of_signs(count(), STATION, somewhere(), (1..=17).map(sign)).is_err());
    }

    #[test]
    fn an_empty_message_is_refused() {
        assert!(rsi([]).is_err());
        assert!(Rsi::of_signs(count(), STATION, somewhere(), []).is_err());
    }

    #[test]
    fn ids_are_unique_in_a_message() {
        let twice = rsi([event(4, EventType::FOG), event(4, EventType::RAIN)]);
        assert_eq!(twice, Err(Refused::IdTwice(4)));
        let twice = Rsi::of_signs(count(), STATION, somewhere(), [sign(4), sign(4)]);
        assert_eq!(twice, Err(Refused::IdTwice(4)));
    }

    #[test]
    fn a_place_is_somewhere() {
        assert_eq!(Place::new([], []), Err(Refused::Nowhere));
        assert!(Few::<GeoPosition, 2, 32>::new([somewhere()]).is_err());
    }

    #[test]
    fn a_reference_link_names_fifteen_lanes() {
        let lane = |id| LaneId::new(id).unwrap();
        assert_eq!(Lanes::of([lane(1), lane(3)]).unwrap().bits(), 0b1010);
        assert!(Lanes::of([lane(16)]).is_err());
    }
}
