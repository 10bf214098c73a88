//! RSI: events on the road and signs, each class at its own rate.
//!
//! T/CSAE 159-2020, 8.5: a message carries one class, which sets its AID, priority and rate; static
//! ones go out together with MAP. What does not fit into one message (8 events, 16 signs, 1400
//! bytes) goes out in several in a row. Not here: how events begin and end; which class an event
//! belongs to ([`v2x_msg::kinds::rsi`]).

use std::time::Duration;

use v2x_msg::Message;
use v2x_msg::access::dsmp::MAX_DATA;
use v2x_msg::base::{GeoPosition, MinuteOfYear, MsgCount, StationId, Utc};
use v2x_msg::kinds::rsi::{self, Rsi, RsiClass, Validity};

use super::event::{Event, Events};
use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::{Grid, Turn};
use crate::clock::{Mono, Now};
use crate::site::Site;

/// How RSI is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Between two messages with dynamic events, at most 100 ms.
    pub dynamic_period: Duration,
    /// Between two messages with semi-static events, at most 500 ms.
    pub semi_static_period: Duration,
    /// Between two messages with signs, at most 1 s; that of MAP, so that the two go together.
    pub static_period: Duration,
    /// Of the grids' slots behind the UTC second; that of MAP.
    pub offset: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dynamic_period: RsiClass::Dynamic.period(),
            semi_static_period: RsiClass::SemiStatic.period(),
            static_period: RsiClass::Static.period(),
            offset: Duration::from_millis(30),
        }
    }
}

/// When RSI is due, and its composition.
#[derive(Debug)]
pub(crate) struct Service {
    id: StationId,
    ref_pos: GeoPosition,
    msg_cnt: MsgCount,
    speakers: [Speaker; 3],
}

impl Service {
    /// Takes signs and events from the site; those that cannot be sent are told in `events`.
    pub(crate) fn new(
        config: &Config,
        site: &Site,
        now: Now,
        id: StationId,
        msg_cnt: MsgCount,
        events: &mut Events,
    ) -> Self {
        let speaker = |class, period| Speaker {
            class,
            grid: Grid::new(period, config.offset),
            list: Vec::new(),
            active: Vec::new(),
            parts: Vec::new(),
            ready: None,
        };
        let mut service = Self {
            id,
            ref_pos: site.origin,
            msg_cnt,
            speakers: [
                speaker(RsiClass::Dynamic, config.dynamic_period),
                speaker(RsiClass::SemiStatic, config.semi_static_period),
                speaker(RsiClass::Static, config.static_period),
            ],
        };
        for (index, sign) in site.signs.iter().enumerate() {
            service.take(Item::Sign(sign.clone()), index, events);
        }
        for (index, event) in site.events.iter().enumerate() {
            service.take(Item::Event(event.clone()), index, events);
        }
        for speaker in &mut service.speakers {
            speaker.refresh(now.utc, id, service.ref_pos, msg_cnt);
        }
        service
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        for speaker in &mut self.speakers {
            speaker.grid.follow(now);
        }
    }

    /// Finds out which classes are due; gives the slots of each that went by unused.
    pub(crate) fn turn(&mut self, now: Now, mut missed: impl FnMut(FrameKind, u64)) {
        for speaker in &mut self.speakers {
            let turn = speaker.turn(now, self.id, self.ref_pos, self.msg_cnt);
            missed(kind(speaker.class), turn);
        }
    }

    /// When [`Service::turn`] is due next; never if there is nothing to say.
    pub(crate) fn due(&self) -> Mono {
        let speaking = self
            .speakers
            .iter()
            .filter(|speaker| !speaker.list.is_empty());
        speaking
            .map(|speaker| speaker.grid.due())
            .min()
            .unwrap_or(Mono::NEVER)
    }

    /// Whether a message of a kind waits to be composed.
    pub(crate) fn is_ready(&self, wanted: FrameKind) -> bool {
        self.speakers
            .iter()
            .any(|speaker| kind(speaker.class) == wanted && speaker.ready.is_some())
    }

    /// Composes the next message of the slot in hand; with the minute if `dated`.
    pub(crate) fn compose(
        &mut self,
        wanted: FrameKind,
        now: Now,
        dated: bool,
        frame: &mut Frame,
    ) -> Result<(), NotSent> {
        let speaker = self
            .speakers
            .iter_mut()
            .find(|speaker| kind(speaker.class) == wanted);
        let speaker = speaker.ok_or(NotSent::Refused)?;
        let (slot, place) = speaker.ready.take().ok_or(NotSent::Refused)?;
        if place + 1 < speaker.parts.len() {
            speaker.ready = Some((slot, place + 1));
        }
        let (rsi, message) = speaker.parts.get_mut(place).ok_or(NotSent::Refused)?;
        rsi.msg_cnt = self.msg_cnt;
        rsi.moy = dated.then(|| MinuteOfYear::of(now.utc));
        rsi.fill(message);
        frame.compose(wanted, message)?;
        frame.slot = Some(slot);
        self.msg_cnt = self.msg_cnt.next();
        Ok(())
    }

    fn take(&mut self, item: Item, index: usize, events: &mut Events) {
        let alone = item_message(
            std::slice::from_ref(&item),
            self.id,
            self.ref_pos,
            self.msg_cnt,
        );
        if alone.as_ref().is_none_or(|rsi| !fits(rsi)) {
            let event = matches!(item, Item::Event(_));
            events.raise(Event::NotAnnounced { event, index });
            return;
        }
        let class = item.class();
        if let Some(speaker) = self
            .speakers
            .iter_mut()
            .find(|speaker| speaker.class == class)
        {
            speaker.list.push(item);
            speaker.active.push(false);
        }
    }
}

/// What is said of one class.
#[derive(Debug)]
struct Speaker {
    class: RsiClass,
    grid: Grid,
    list: Vec<Item>,
    /// Which of the list are in `parts`: those that hold now.
    active: Vec<bool>,
    /// What is said, and the message that holds it: each its own, so that none allocates again.
    parts: Vec<(Rsi, Message)>,
    /// The slot in hand and its next part.
    ready: Option<(Mono, usize)>,
}

impl Speaker {
    fn turn(&mut self, now: Now, id: StationId, ref_pos: GeoPosition, msg_cnt: MsgCount) -> u64 {
        if self.list.is_empty() {
            return 0;
        }
        let Turn { slot, missed } = self.grid.turn(now, Duration::ZERO);
        if let Some(slot) = slot {
            self.refresh(now.utc, id, ref_pos, msg_cnt);
            self.ready = (!self.parts.is_empty()).then_some((slot, 0));
        }
        missed
    }

    /// Builds the messages anew when something in the list has begun or ended to hold.
    fn refresh(&mut self, now: Utc, id: StationId, ref_pos: GeoPosition, msg_cnt: MsgCount) {
        let changed = self.list.iter().zip(&self.active);
        if !changed
            .into_iter()
            .any(|(item, active)| holds(item.validity(), now) != *active)
        {
            return;
        }
        for (item, active) in self.list.iter().zip(&mut self.active) {
            *active = holds(item.validity(), now);
        }
        let holding = self
            .list
            .iter()
            .zip(&self.active)
            .filter(|(_, active)| **active);
        let holding: Vec<_> = holding.map(|(item, _)| item.clone()).collect();
        let parts = pack(&holding, id, ref_pos, msg_cnt);
        self.parts = parts.into_iter().map(with_message).collect();
    }
}

/// A sign or an event, as RSI has it.
#[derive(Clone, Debug)]
enum Item {
    Sign(rsi::Sign),
    Event(rsi::Event),
}

impl Item {
    fn class(&self) -> RsiClass {
        match self {
            Self::Sign(_) => RsiClass::Static,
            Self::Event(event) => event.event_type.class(),
        }
    }

    fn validity(&self) -> Validity {
        match self {
            Self::Sign(sign) => sign.validity,
            Self::Event(event) => event.validity,
        }
    }
}

/// As few messages as the list needs, in its order.
fn pack(items: &[Item], id: StationId, ref_pos: GeoPosition, msg_cnt: MsgCount) -> Vec<Rsi> {
    let mut parts = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        // Alone each item fits, or it would not be in the list.
        let most = (1..=rest.len())
            .map_while(|count| {
                let rsi = item_message(&rest[..count], id, ref_pos, msg_cnt)?;
                fits(&rsi).then_some((count, rsi))
            })
            .last();
        let Some((count, rsi)) = most else { break };
        parts.push(rsi);
        rest = &rest[count..];
    }
    parts
}

/// One message with all of `items`; None if a rule forbids it.
fn item_message(
    items: &[Item],
    id: StationId,
    ref_pos: GeoPosition,
    msg_cnt: MsgCount,
) -> Option<Rsi> {
    let mut signs = Vec::new();
    let mut events = Vec::new();
    for item in items {
        match item {
            Item::Sign(sign) => signs.push(sign.clone()),
            Item::Event(event) => events.push(event.clone()),
        }
    }
    match (signs.is_empty(), events.is_empty()) {
        (false, true) => Rsi::of_signs(msg_cnt, id, ref_pos, signs).ok(),
        (true, false) => Rsi::of_events(msg_cnt, id, ref_pos, events).ok(),
        _ => None,
    }
}

fn with_message(mut rsi: Rsi) -> (Rsi, Message) {
    rsi.moy = MinuteOfYear::new(0).ok();
    let mut message = Message::default();
    rsi.fill(&mut message);
    (rsi, message)
}

fn fits(rsi: &Rsi) -> bool {
    let (_, message) = with_message(rsi.clone());
    message.encode_into(&mut [0; MAX_DATA]).is_ok()
}

/// Whether something holds in the minute of `now`; both ends belong to it. A minute says nothing of
/// its year: over New Year the end is the smaller, and an end or a start alone is that of the
/// nearest year.
fn holds(validity: Validity, now: Utc) -> bool {
    let minute = MinuteOfYear::of(now);
    match (validity.start, validity.end) {
        (None, None) => true,
        (Some(start), Some(end)) if start <= end => start <= minute && minute <= end,
        (Some(start), Some(end)) => start <= minute || minute <= end,
        (Some(start), None) => start.near(now) <= now,
        (None, Some(end)) => now < end.near(now) + Duration::from_secs(60),
    }
}

fn kind(class: RsiClass) -> FrameKind {
    match class {
        RsiClass::Dynamic => FrameKind::RsiDynamic,
        RsiClass::SemiStatic => FrameKind::RsiSemiStatic,
        RsiClass::Static => FrameKind::RsiStatic,
    }
}

#[cfg(test)]
mod tests {
    use v2x_msg::access::dsmp;
    use v2x_msg::kinds::rsi::{
        Description, EventSource, EventType, Place, ReferenceLink, SignText,
    };

    use super::*;
    use crate::services::fixture::{HERE, crossing, far};

    /// 2025-12-31T23:59:00Z.
    const LAST_MINUTE_MS: i64 = 1_767_225_540_000;
    const ID: StationId = StationId(*b"RSU00001");

    fn at(ms: u64) -> Now {
        Now {
            mono: Mono::ZERO + Duration::from_millis(ms),
            utc: Utc::from_unix_ms(LAST_MINUTE_MS).unwrap() + Duration::from_millis(ms),
        }
    }

    fn sign(id: u8, words: usize) -> rsi::Sign {
        let link = ReferenceLink {
            upstream: far(0),
            downstream: HERE,
            lanes: None,
        };
        let text = SignText::new("3011200000000001", &vec![b'4'; words]).unwrap();
        rsi::Sign::new(id, 85, text, Place::new([], [link]).unwrap())
    }

    fn event(id: u8, event_type: EventType) -> rsi::Event {
        rsi::Event::new(id, event_type, EventSource::Detection)
    }

    fn service(
        signs: impl IntoIterator<Item = rsi::Sign>,
        events: impl IntoIterator<Item = rsi::Event>,
    ) -> (Service, Vec<Event>) {
        let mut site = crossing(2, 2);
        site.signs = signs.into_iter().collect();
        site.events = events.into_iter().collect();
        let mut raised = Events::default();
        let count = MsgCount::new(127).unwrap();
        let mut service = Service::new(&Config::default(), &site, at(0), ID, count, &mut raised);
        service.follow(at(0));
        (service, std::iter::from_fn(|| raised.poll()).collect())
    }

    /// Everything that goes out up to `until_ms`: when, as what, and what a receiver reads.
    fn run(service: &mut Service, until_ms: u64) -> Vec<(u64, u32, Rsi)> {
        let mut heard = Vec::new();
        let mut frame = Frame::new();
        while service.due() <= at(until_ms).mono {
            let ms = service.due().nanos() / 1_000_000;
            service.follow(at(ms));
            service.turn(at(ms), |_, missed| assert_eq!(missed, 0));
            for kind in [
                FrameKind::RsiDynamic,
                FrameKind::RsiSemiStatic,
                FrameKind::RsiStatic,
            ] {
                while service.is_ready(kind) {
                    service.compose(kind, at(ms), true, &mut frame).unwrap();
                    let dsmp = dsmp::parse(frame.bytes()).unwrap();
                    let rsi = Rsi::read(&Message::decode(dsmp.data).unwrap()).unwrap();
                    heard.push((ms, dsmp.aid_number, rsi));
                }
            }
        }
        heard
    }

    #[test]
    fn each_class_has_its_own_rate_and_application() {
        let events = [event(1, EventType::STOPPED), event(2, EventType::WORKS)];
        let (mut service, raised) = service([sign(3, 2)], events);
        assert_eq!(raised, []);
        let heard = run(&mut service, 1999);
        let times = |aid| {
            heard
                .iter()
                .filter(move |(_, found, _)| *found == aid)
                .map(|(ms, ..)| *ms)
        };
        assert_eq!(times(3622).count(), 20);
        assert_eq!(times(3621).collect::<Vec<_>>(), [30, 530, 1030, 1530]);
        assert_eq!(times(3620).collect::<Vec<_>>(), [30, 1030]);
        assert!(
            heard
                .iter()
                .all(|(_, aid, rsi)| rsi.class().aid().number() == *aid)
        );
    }

    #[test]
    fn classes_share_one_count_which_goes_round() {
        let events = [event(1, EventType::STOPPED), event(2, EventType::WORKS)];
        let (mut service, _) = service([sign(3, 2)], events);
        let heard = run(&mut service, 130);
        let counts: Vec<_> = heard.iter().map(|(.., rsi)| rsi.msg_cnt.value()).collect();
        assert_eq!(counts, [127, 0, 1, 2]);
    }

    #[test]
    fn a_message_says_who_sends_and_when() {
        let (mut service, _) = service([sign(3, 2)], []);
        let heard = run(&mut service, 60_100);
        let minutes: Vec<_> = heard.iter().filter_map(|(.., rsi)| rsi.moy).collect();
        assert_eq!(minutes[0].value(), 365 * 1440 - 1);
        assert_eq!(minutes[60].value(), 0);
        assert!(heard.iter().all(|(.., rsi)| rsi.id == ID));
    }

    #[test]
    fn signs_and_events_arrive_as_the_site_has_them() {
        let mut works = event(2, EventType::WORKS);
        works.description = Description::ascii("lane 1 closed").ok();
        let (mut service, _) = service([sign(3, 2)], [works.clone()]);
        let heard = run(&mut service, 30);
        assert_eq!(heard[0].2.events(), [works]);
        assert_eq!(heard[1].2.signs(), [sign(3, 2)]);
    }

    #[test]
    fn lists_are_split_by_count() {
        let events = (0..9).map(|id| event(id, EventType::OBJECT));
        let (mut service, _) = service((0..17).map(|id| sign(id, 0)), events);
        let heard = run(&mut service, 30);
        let sizes: Vec<_> = heard
            .iter()
            .map(|(.., rsi)| (rsi.events().len(), rsi.signs().len()))
            .collect();
        assert_eq!(sizes, [(8, 0), (1, 0), (0, 16), (0, 1)]);
    }

    #[test]
    fn lists_are_split_by_length() {
        let (mut service, raised) = service((0..6).map(|id| sign(id, 400)), []);
        assert_eq!(raised, []);
        let heard = run(&mut service, 30);
        let sizes: Vec<_> = heard.iter().map(|(.., rsi)| rsi.signs().len()).collect();
        assert_eq!(sizes, [3, 3]);
    }

    #[test]
    fn an_event_that_is_too_long_is_named_and_left_out() {
        let mut long = event(1, EventType::WORKS);
        let corner = crossing(2, 2).origin;
        let far_off = |place: i32| corner.offset_e7(place * 9_000_000, 1_000_000).unwrap();
        let path = || rsi::ReferencePath {
            points: v2x_msg::base::Few::new((0..32).map(far_off)).unwrap(),
            radius: v2x_msg::base::Radius::MIN,
        };
        long.place = Place::new((0..8).map(|_| path()), []).ok();
        let (mut service, raised) = service([], [event(0, EventType::WORKS), long]);
        assert_eq!(
            raised,
            [Event::NotAnnounced {
                event: true,
                index: 1
            }]
        );
        assert_eq!(run(&mut service, 30)[0].2.events().len(), 1);
    }

    #[test]
    fn with_nothing_to_say_nothing_is_due() {
        let (service, _) = service([], []);
        assert_eq!(service.due(), Mono::NEVER);
    }

    #[test]
    fn an_event_is_sent_while_it_holds() {
        let mut works = event(2, EventType::WORKS);
        works.validity.start = MinuteOfYear::new(0).ok();
        works.validity.end = MinuteOfYear::new(1).ok();
        let (mut service, _) = service([], [works]);
        let heard = run(&mut service, 300_000);
        let (first, last) = (heard.first().unwrap().0, heard.last().unwrap().0);
        assert_eq!((first, last), (60_030, 179_530));
    }

    #[test]
    fn a_time_over_new_year_holds_on_both_sides() {
        let minute = |number| MinuteOfYear::new(number).ok();
        let over = Validity {
            start: minute(365 * 1440 - 60),
            end: minute(60),
            end_confidence: None,
        };
        assert!(holds(over, at(0).utc));
        assert!(holds(over, at(60_000).utc));
        assert!(holds(over, at(60 * 60_000).utc));
        assert!(!holds(over, at(62 * 60_000).utc));
        let open = Validity { end: None, ..over };
        assert!(holds(open, at(60_000).utc));
        assert!(!holds(
            Validity {
                start: None,
                ..over
            },
            at(62 * 60_000).utc
        ));
    }

    #[test]
    fn without_a_good_clock_no_minute_is_told() {
        let (mut service, _) = service([sign(3, 2)], []);
        service.turn(at(30), |_, _| ());
        let mut frame = Frame::new();
        service
            .compose(FrameKind::RsiStatic, at(30), false, &mut frame)
            .unwrap();
        let dsmp = dsmp::parse(frame.bytes()).unwrap();
        assert_eq!(
            Rsi::read(&Message::decode(dsmp.data).unwrap()).unwrap().moy,
            None
        );
    }
}
