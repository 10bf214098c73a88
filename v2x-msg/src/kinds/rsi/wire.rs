//! RSI to and from the generated types. A level stands in the top three bits of its octet; senders
//! that set others are read all the same.

use super::text::Inner;
use super::{
    Description, Event, EventSource, EventType, Header, Lanes, Level, MAX_EVENTS, MAX_SIGNS, Place,
    ReferenceLink, ReferencePath, Refused, Rsi, Sign, SignText, Validity, check_events,
    check_signs,
};
use crate::asn;
use crate::base::{
    Confidence, Few, GeoPosition, MsgCount, NodeId, Radius, StationId, TimeConfidence,
};
use crate::kinds::Unfit;
use crate::kinds::wire::{
    at_index, bits_from_asn, bits_to_asn, fill_list, moy, node_id, offset, position, read_moy,
    read_node_id, read_offset, read_position,
};
use crate::uper::{Ia5, List, Octets};
use crate::{Message, MessageKind};

impl Rsi {
    /// Makes `message` this RSI, in place.
    pub fn fill(&self, message: &mut Message) {
        let header = Header {
            msg_cnt: self.msg_cnt,
            moy: self.moy,
            id: self.id,
            ref_pos: self.ref_pos,
        };
        let (events, signs) = (self.events().iter(), self.signs().iter());
        header.fill(message, &mut Spares::default(), events, signs);
    }

    /// The RSI in `message`.
    ///
    /// # Errors
    /// Another kind, positions that are not on the earth, a sign without a description or without
    /// its code, or what [`super::Refused`] names.
    pub fn read(message: &Message) -> Result<Self, Unfit> {
        let asn::MessageFrame::RsiFrame(rsi) = message.frame() else {
            let found = message.kind();
            return Err(Unfit::Kind {
                expected: MessageKind::Rsi,
                found,
            });
        };
        let msg_cnt = MsgCount::new(rsi.msg_cnt.0)?;
        let (id, ref_pos) = (StationId(rsi.id), read_position(rsi.ref_pos)?);
        let value = match (rsi.rtes.as_deref(), rsi.rtss.as_deref()) {
            (Some(events), None) => {
                let events: Result<Vec<Event>, Unfit> = events
                    .iter()
                    .map(|event| read_event(ref_pos, event))
                    .collect();
                Rsi::of_events(msg_cnt, id, ref_pos, events?)?
            }
            (None, Some(signs)) => {
                let signs: Result<Vec<Sign>, Unfit> =
                    signs.iter().map(|sign| read_sign(ref_pos, sign)).collect();
                Rsi::of_signs(msg_cnt, id, ref_pos, signs?)?
            }
            (Some(_), Some(_)) => return Err(Refused::MixedClasses.into()),
            (None, None) => return Err(Unfit::Missing("an event or a sign")),
        };
        Ok(Rsi {
            moy: read_moy(rsi.moy),
            ..value
        })
    }
}

/// Composes one RSI after the other in the same memory.
///
/// What one message leaves out, the next may need: lists and texts are put by and taken up again, so
/// that no composition allocates once as much has been composed as will ever be, which
/// [`Composer::roomy`] does at once.
#[derive(Debug, Default)]
pub struct Composer {
    message: Message,
    spares: Spares,
}

impl Composer {
    /// With memory for the largest RSI that the standard allows.
    pub fn roomy(ref_pos: GeoPosition) -> Self {
        let mut composer = Self::default();
        let header = Header {
            msg_cnt: MsgCount::from_random(0),
            moy: None,
            id: StationId([0; 8]),
            ref_pos,
        };
        let (events, signs) = largest(ref_pos);
        let (events, signs) = (events.iter(), signs.iter());
        header.fill(&mut composer.message, &mut composer.spares, events, signs);
        composer.spares.reserve();
        composer
    }

    /// An RSI of 1 to 8 events.
    ///
    /// # Errors
    /// Another count, different classes, or an id twice; the last message stands.
    pub fn events<'a>(
        &mut self,
        header: &Header,
        events: impl ExactSizeIterator<Item = &'a Event> + Clone,
    ) -> Result<&Message, Refused> {
        check_events(&events)?;
        header.fill(&mut self.message, &mut self.spares, events, [].iter());
        Ok(&self.message)
    }

    /// An RSI of 1 to 16 signs.
    ///
    /// # Errors
    /// Another count, or an id twice; the last message stands.
    pub fn signs<'a>(
        &mut self,
        header: &Header,
        signs: impl ExactSizeIterator<Item = &'a Sign> + Clone,
    ) -> Result<&Message, Refused> {
        check_signs(&signs)?;
        header.fill(&mut self.message, &mut self.spares, [].iter(), signs);
        Ok(&self.message)
    }
}

/// 8 events and 16 signs with as many paths, points, links and words as they can have.
fn largest(ref_pos: GeoPosition) -> (Vec<Event>, Vec<Sign>) {
    let path = || ReferencePath {
        points: Few::filled(ref_pos),
        radius: Radius::MIN,
    };
    let node = NodeId {
        region: None,
        id: 0,
    };
    let link = ReferenceLink {
        upstream: node,
        downstream: node,
        lanes: None,
    };
    let place = Place {
        paths: Few::filled(path()),
        links: Few::filled(link),
    };
    let (ascii, gb2312) = Description::longest();
    let event = |number: usize| {
        let mut event = Event::new(0, EventType::OBJECT, EventSource::Unknown);
        let words = if number.is_multiple_of(2) {
            &ascii
        } else {
            &gb2312
        };
        event.description = Some(words.clone());
        event.place = Some(place.clone());
        event
    };
    let sign = Sign::new(0, 0, SignText::longest(), place.clone());
    ((0..MAX_EVENTS).map(event).collect(), vec![sign; MAX_SIGNS])
}

/// What messages have left out and others will need.
#[derive(Debug, Default)]
struct Spares {
    events: Vec<asn::RTEList>,
    signs: Vec<asn::RTSList>,
    paths: Vec<asn::ReferencePathList>,
    links: Vec<asn::ReferenceLinkList>,
    texts: Vec<Ascii>,
    octets: Vec<Gb2312>,
}

type Ascii = Ia5<1, 512>;
type Gb2312 = Octets<2, 512>;

impl Spares {
    /// Room to put by all that one message can hold, and every text in both forms.
    fn reserve(&mut self) {
        const ENTRIES: usize = MAX_EVENTS + MAX_SIGNS;
        self.events.reserve(1);
        self.signs.reserve(1);
        self.paths.reserve(ENTRIES);
        self.links.reserve(ENTRIES);
        // Those in the message may come back beside those that are made here.
        self.texts.reserve(2 * ENTRIES);
        self.octets.reserve(2 * ENTRIES);
        let (ascii, gb2312) = Description::longest();
        for _ in 0..ENTRIES {
            if let (Inner::Ascii(text), Inner::Gb2312(bytes)) = (&ascii.0, &gb2312.0) {
                let (mut text_slot, mut octets_slot) = (Ascii::default(), Gb2312::default());
                // The longest words keep the bounds of both types.
                let _ = (text_slot.set(text), octets_slot.set(bytes));
                self.texts.push(text_slot);
                self.octets.push(octets_slot);
            }
        }
    }
}

/// As `fill_optional`, but what is left out is put by.
fn fill_or_put_by<T: Default, U, const MIN: usize, const MAX: usize>(
    list: &mut Option<List<T, MIN, MAX>>,
    spares: &mut Vec<List<T, MIN, MAX>>,
    entries: impl IntoIterator<Item = U, IntoIter: ExactSizeIterator>,
    fill: impl FnMut(U, &mut T),
) {
    let entries = entries.into_iter();
    if entries.len() == 0 {
        spares.extend(list.take());
    } else {
        let list = list.get_or_insert_with(|| spares.pop().unwrap_or_default());
        fill_list(list, entries, fill);
    }
}

impl Header {
    fn fill<'a>(
        &self,
        message: &mut Message,
        spares: &mut Spares,
        events: impl ExactSizeIterator<Item = &'a Event>,
        signs: impl ExactSizeIterator<Item = &'a Sign>,
    ) {
        let frame = message.frame_mut();
        if !matches!(frame, asn::MessageFrame::RsiFrame(_)) {
            *frame = asn::MessageFrame::RsiFrame(asn::RoadSideInformation::default());
        }
        if let asn::MessageFrame::RsiFrame(rsi) = frame {
            rsi.msg_cnt = asn::MsgCount(self.msg_cnt.value());
            rsi.moy = self.moy.map(moy);
            rsi.id = self.id.0;
            rsi.ref_pos = position(self.ref_pos);
            let mut event_lists = std::mem::take(&mut spares.events);
            fill_or_put_by(&mut rsi.rtes, &mut event_lists, events, |event, slot| {
                fill_event(self.ref_pos, event, slot, spares);
            });
            spares.events = event_lists;
            let mut sign_lists = std::mem::take(&mut spares.signs);
            fill_or_put_by(&mut rsi.rtss, &mut sign_lists, signs, |sign, slot| {
                fill_sign(self.ref_pos, sign, slot, spares);
            });
            spares.signs = sign_lists;
        }
    }
}

fn fill_event(ref_pos: GeoPosition, from: &Event, to: &mut asn::RTEData, spares: &mut Spares) {
    to.rte_id = from.id;
    to.event_type = asn::EventType(from.event_type.0);
    to.event_source = asn::EventSource::from_index(from.source as usize).unwrap_or_default();
    to.event_pos = from.pos.map(|pos| offset(ref_pos, pos));
    to.event_radius = from.radius.map(radius);
    fill_description(from.description.as_ref(), &mut to.description, spares);
    to.time_details = time_details(from.validity);
    to.priority = from.level.map(level);
    let place = from.place.as_ref();
    fill_paths(
        ref_pos,
        place.map_or(&[], Place::paths),
        &mut to.reference_paths,
        spares,
    );
    fill_or_put_by(
        &mut to.reference_links,
        &mut spares.links,
        place.map_or(&[][..], Place::links),
        fill_link,
    );
    to.event_confidence = from
        .confidence
        .map(|confidence| asn::Confidence(confidence.steps()));
}

fn fill_sign(ref_pos: GeoPosition, from: &Sign, to: &mut asn::RTSData, spares: &mut Spares) {
    to.rts_id = from.id;
    // Not said here, and the slot may have come from a message that did.
    to.auxiliary_sign = None;
    to.sign_type = asn::SignType(from.sign_type);
    to.sign_pos = from.pos.map(|pos| offset(ref_pos, pos));
    fill_gb2312(from.text.bytes(), &mut to.description, spares);
    to.time_details = time_details(from.validity);
    to.priority = from.level.map(level);
    fill_paths(ref_pos, from.place.paths(), &mut to.reference_paths, spares);
    fill_or_put_by(
        &mut to.reference_links,
        &mut spares.links,
        from.place.links(),
        fill_link,
    );
}

fn radius(radius: Radius) -> asn::Radius {
    asn::Radius(radius.steps())
}

fn fill_description(
    from: Option<&Description>,
    to: &mut Option<asn::Description>,
    spares: &mut Spares,
) {
    match from.map(|description| &description.0) {
        None => put_by(to, spares),
        Some(Inner::Gb2312(bytes)) => fill_gb2312(bytes, to, spares),
        Some(Inner::Ascii(text)) => {
            if !matches!(to, Some(asn::Description::TextString(_))) {
                put_by(to, spares);
                let slot = spares.texts.pop().unwrap_or_default();
                *to = Some(asn::Description::TextString(slot));
            }
            if let Some(asn::Description::TextString(slot)) = to {
                // A `Description` keeps the bounds of its ASN.1 type, so this cannot be refused.
                let _ = slot.set(text);
            }
        }
    }
}

fn fill_gb2312(bytes: &[u8], to: &mut Option<asn::Description>, spares: &mut Spares) {
    if !matches!(to, Some(asn::Description::TextGB2312(_))) {
        put_by(to, spares);
        let slot = spares.octets.pop().unwrap_or_default();
        *to = Some(asn::Description::TextGB2312(slot));
    }
    if let Some(asn::Description::TextGB2312(slot)) = to {
        // Own texts have at most 512 bytes.
        let _ = slot.set(bytes);
    }
}

fn put_by(text: &mut Option<asn::Description>, spares: &mut Spares) {
    match text.take() {
        Some(asn::Description::TextString(slot)) => spares.texts.push(slot),
        Some(asn::Description::TextGB2312(slot)) => spares.octets.push(slot),
        None => {}
    }
}

/// Left out as a whole where nothing is known.
fn time_details(from: Validity) -> Option<asn::RSITimeDetails> {
    let details = asn::RSITimeDetails {
        start_time: from.start.map(moy),
        end_time: from.end.map(moy),
        end_time_confidence: from
            .end_confidence
            .and_then(|confidence| asn::TimeConfidence::from_index(confidence.class().into())),
    };
    (details != asn::RSITimeDetails::default()).then_some(details)
}

fn level(level: Level) -> asn::RSIPriority {
    [level.value() << 5]
}

fn fill_paths(
    ref_pos: GeoPosition,
    from: &[ReferencePath],
    to: &mut Option<asn::ReferencePathList>,
    spares: &mut Spares,
) {
    fill_or_put_by(to, &mut spares.paths, from, |path, slot| {
        fill_path(ref_pos, path, slot);
    });
}

pub(in crate::kinds) fn fill_path(
    ref_pos: GeoPosition,
    from: &ReferencePath,
    to: &mut asn::ReferencePath,
) {
    to.path_radius = radius(from.radius);
    fill_list(&mut to.active_path, &from.points, |point, slot| {
        *slot = offset(ref_pos, *point);
    });
}

pub(in crate::kinds) fn fill_link(from: &ReferenceLink, to: &mut asn::ReferenceLink) {
    to.upstream_node_id = node_id(from.upstream);
    to.downstream_node_id = node_id(from.downstream);
    to.reference_lanes = from
        .lanes
        .map(|lanes| asn::ReferenceLanes(bits_to_asn(lanes.bits(), 16)));
}

fn read_event(ref_pos: GeoPosition, from: &asn::RTEData) -> Result<Event, Unfit> {
    let (paths, links) = (
        from.reference_paths.as_deref(),
        from.reference_links.as_deref(),
    );
    Ok(Event {
        id: from.rte_id,
        event_type: EventType(from.event_type.0),
        source: at_index(&EventSource::ALL, from.event_source.index()),
        pos: read_pos(ref_pos, from.event_pos)?,
        radius: from
            .event_radius
            .map(|radius| Radius::from_steps(radius.0.into()))
            .transpose()?,
        description: from
            .description
            .as_ref()
            .map(read_description)
            .transpose()?,
        validity: read_validity(from.time_details),
        level: from.priority.map(read_level).transpose()?,
        place: match (paths, links) {
            (None, None) => None,
            _ => Some(read_place(ref_pos, paths, links)?),
        },
        confidence: from
            .event_confidence
            .and_then(|confidence| Confidence::from_steps(confidence.0.into()).ok()),
    })
}

fn read_sign(ref_pos: GeoPosition, from: &asn::RTSData) -> Result<Sign, Unfit> {
    let text = match &from.description {
        Some(asn::Description::TextGB2312(bytes)) => SignText::from_bytes(bytes)?,
        Some(asn::Description::TextString(_)) | None => {
            return Err(Unfit::Missing("a sign's description in GB 2312"));
        }
    };
    let (paths, links) = (
        from.reference_paths.as_deref(),
        from.reference_links.as_deref(),
    );
    Ok(Sign {
        id: from.rts_id,
        sign_type: from.sign_type.0,
        pos: read_pos(ref_pos, from.sign_pos)?,
        text,
        validity: read_validity(from.time_details),
        level: from.priority.map(read_level).transpose()?,
        place: read_place(ref_pos, paths, links)?,
    })
}

fn read_pos(
    ref_pos: GeoPosition,
    from: Option<asn::PositionOffsetLLV>,
) -> Result<Option<GeoPosition>, Unfit> {
    from.map(|offset| read_offset(ref_pos, offset)).transpose()
}

fn read_description(from: &asn::Description) -> Result<Description, Unfit> {
    Ok(match from {
        asn::Description::TextString(text) => Description::ascii(text.as_str())?,
        asn::Description::TextGB2312(bytes) => Description::gb2312(bytes)?,
    })
}

fn read_validity(from: Option<asn::RSITimeDetails>) -> Validity {
    let from = from.unwrap_or_default();
    Validity {
        start: read_moy(from.start_time),
        end: read_moy(from.end_time),
        end_confidence: from
            .end_time_confidence
            .and_then(|confidence| TimeConfidence::from_class(confidence.index() as u8)),
    }
}

fn read_level([octet]: asn::RSIPriority) -> Result<Level, Unfit> {
    Ok(Level::new(octet >> 5)?)
}

fn read_place(
    ref_pos: GeoPosition,
    paths: Option<&[asn::ReferencePath]>,
    links: Option<&[asn::ReferenceLink]>,
) -> Result<Place, Unfit> {
    let paths = paths.unwrap_or_default().iter();
    let paths: Result<Vec<ReferencePath>, Unfit> =
        paths.map(|path| read_path(ref_pos, path)).collect();
    let links = links.unwrap_or_default().iter().map(read_link);
    Ok(Place::new(paths?, links)?)
}

/// Does not allocate.
pub(in crate::kinds) fn read_path(
    ref_pos: GeoPosition,
    from: &asn::ReferencePath,
) -> Result<ReferencePath, Unfit> {
    let mut points = Few::<_, 0, 32>::default();
    for point in &from.active_path {
        points.push(read_offset(ref_pos, *point)?)?;
    }
    Ok(ReferencePath {
        points: Few::new(points)?,
        radius: Radius::from_steps(from.path_radius.0.into())?,
    })
}

pub(in crate::kinds) fn read_link(from: &asn::ReferenceLink) -> ReferenceLink {
    ReferenceLink {
        upstream: read_node_id(from.upstream_node_id),
        downstream: read_node_id(from.downstream_node_id),
        lanes: from
            .reference_lanes
            .map(|lanes| Lanes::from_bits(bits_from_asn(lanes.0, 16))),
    }
}
