//! RSI: events on the road and signs, each class at its own rate.
//!
//! T/CSAE 159-2020, 8.5: a message carries one class, which sets its AID, priority and rate; static
//! ones go out together with MAP. What does not fit into one message (8 events, 16 signs, 1400
//! bytes) goes out in several in a row, most urgent first. Not here: how events begin and end
//! ([`crate::events`]); which class an event belongs to ([`v2x_msg::kinds::rsi`]).

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::{GeoPosition, MinuteOfYear, MsgCount, StationId};
use v2x_msg::kinds::rsi::{self, RsiClass};

use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::Grid;
use crate::clock::{Mono, Now};
use crate::events::board::MAX_SIGNS;
use crate::events::{Board, Book};

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

/// Most messages of one class in one slot.
const MAX_PARTS: usize = 32;

/// When RSI is due, and its composition.
#[derive(Debug)]
pub(crate) struct Service {
    id: StationId,
    ref_pos: GeoPosition,
    msg_cnt: MsgCount,
    /// Whether signs or events are to come by the clock.
    waits: bool,
    /// One of each class, in the order of [`CLASSES`].
    speakers: [Speaker; 3],
    composer: rsi::Composer,
}

/// One class: its grid, and how far the slot in hand has got.
#[derive(Debug)]
struct Speaker {
    grid: Grid,
    /// Whether there was something to say at the last look.
    speaks: bool,
    ready: Option<Ready>,
}

/// A slot whose messages are to be composed now.
#[derive(Clone, Copy, Debug)]
struct Ready {
    slot: Mono,
    /// How many entries have left already, in how many messages.
    sent: usize,
    parts: usize,
}

const CLASSES: [RsiClass; 3] = [RsiClass::Dynamic, RsiClass::SemiStatic, RsiClass::Static];

impl Service {
    /// Positions go on air counted from `ref_pos`.
    pub(crate) fn new(
        config: &Config,
        ref_pos: GeoPosition,
        id: StationId,
        msg_cnt: MsgCount,
    ) -> Self {
        let periods = [
            config.dynamic_period,
            config.semi_static_period,
            config.static_period,
        ];
        Self {
            id,
            ref_pos,
            msg_cnt,
            waits: false,
            speakers: periods.map(|period| Speaker {
                grid: Grid::new(period, config.offset),
                speaks: false,
                ready: None,
            }),
            composer: rsi::Composer::roomy(ref_pos),
        }
    }

    /// Who speaks.
    pub(crate) fn id(&self) -> StationId {
        self.id
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        for speaker in &mut self.speakers {
            speaker.grid.follow(now);
        }
    }

    /// Finds out which classes are due; gives the slots of each that went by unused. `waits` says that
    /// the file has more for another time.
    pub(crate) fn turn(
        &mut self,
        now: Now,
        (book, board): (&Book, &Board),
        waits: bool,
        mut missed: impl FnMut(FrameKind, u64),
    ) {
        self.waits = waits;
        for class in CLASSES {
            let speaks = match class {
                RsiClass::Static => board.speaks(),
                RsiClass::Dynamic | RsiClass::SemiStatic => book.speaks_of(class),
            };
            let speaker = &mut self.speakers[class as usize];
            // Slots that go by while there is nothing to say are nobody's loss.
            let turn = speaker.grid.turn(now, Duration::ZERO);
            if speaks && speaker.speaks {
                missed(kind(class), turn.missed);
            }
            speaker.speaks = speaks;
            if let Some(slot) = turn.slot {
                speaker.ready = speaks.then_some(Ready {
                    slot,
                    sent: 0,
                    parts: 0,
                });
            }
        }
    }

    /// When [`Service::turn`] is due next; never if there is nothing to say or to wait for.
    pub(crate) fn due(&self) -> Mono {
        let speaking = self.speakers.iter().filter(|speaker| speaker.speaks);
        let static_grid = &self.speakers[RsiClass::Static as usize].grid;
        let signs = self.waits.then(|| static_grid.due());
        let due = speaking.map(|speaker| speaker.grid.due()).chain(signs);
        due.min().unwrap_or(Mono::NEVER)
    }

    /// Whether a message of a kind waits to be composed.
    pub(crate) fn is_ready(&self, wanted: FrameKind) -> bool {
        CLASSES
            .into_iter()
            .any(|class| kind(class) == wanted && self.speakers[class as usize].ready.is_some())
    }

    /// Composes the next message of the slot in hand, with the minute if `dated`; false when its
    /// last has left. What does not go out for want of room is added to `left_out`.
    pub(crate) fn compose(
        &mut self,
        wanted: FrameKind,
        now: Now,
        dated: bool,
        (book, board): (&Book, &Board),
        frame: &mut Frame,
        left_out: &mut u64,
    ) -> Result<bool, NotSent> {
        let Some(class) = CLASSES.into_iter().find(|class| kind(*class) == wanted) else {
            return Err(NotSent::Refused);
        };
        let Some(ready) = self.speakers[class as usize].ready.take() else {
            return Err(NotSent::Refused);
        };
        let header = self.header(dated.then(|| MinuteOfYear::of(now.utc)));
        let (taken, rest) = match class {
            RsiClass::Dynamic | RsiClass::SemiStatic => {
                let events = book.sent(class);
                let rest = &events[ready.sent.min(events.len())..];
                let composer = &mut self.composer;
                let taken = as_many_as_fit(rest.len().min(rsi::MAX_EVENTS), |count| {
                    let part = rest[..count].iter().copied();
                    let message = composer.events(&header, part);
                    frame.compose(wanted, message.map_err(|_| NotSent::Refused)?)
                })?;
                (taken, rest.len())
            }
            RsiClass::Static => {
                let signs: ArrayVec<&rsi::Sign, MAX_SIGNS> = board.sent();
                let rest = &signs[ready.sent.min(signs.len())..];
                let composer = &mut self.composer;
                let taken = as_many_as_fit(rest.len().min(rsi::MAX_SIGNS), |count| {
                    let part = rest[..count].iter().copied();
                    let message = composer.signs(&header, part);
                    frame.compose(wanted, message.map_err(|_| NotSent::Refused)?)
                })?;
                (taken, rest.len())
            }
        };
        if taken == 0 {
            return Ok(false);
        }
        let parts = ready.parts + 1;
        if taken < rest && parts < MAX_PARTS {
            self.speakers[class as usize].ready = Some(Ready {
                sent: ready.sent + taken,
                parts,
                ..ready
            });
        } else {
            *left_out += (rest - taken) as u64;
        }
        frame.slot = Some(ready.slot);
        self.msg_cnt = self.msg_cnt.next();
        Ok(true)
    }

    fn header(&self, moy: Option<MinuteOfYear>) -> rsi::Header {
        rsi::Header {
            msg_cnt: self.msg_cnt,
            moy,
            id: self.id,
            ref_pos: self.ref_pos,
        }
    }
}

/// The largest count up to `most` with which `compose` succeeds; 0 only if `most` is.
///
/// What is too long is tried again with fewer entries; alone each fits, which was checked when it
/// was taken in.
fn as_many_as_fit(
    most: usize,
    mut compose: impl FnMut(usize) -> Result<(), NotSent>,
) -> Result<usize, NotSent> {
    for count in (1..=most).rev() {
        match compose(count) {
            Ok(()) => return Ok(count),
            Err(reason) if count == 1 => return Err(reason),
            Err(_) => {}
        }
    }
    Ok(0)
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

    use v2x_msg::Message;
    use v2x_msg::base::Utc;
    use v2x_msg::kinds::Rsi;

    use super::*;
    use crate::events::{self, standing::Standing};
    use crate::services::fixture::{HERE, crossing, far};
    use crate::site::Posted;

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

    /// A service and what it speaks of.
    struct Bench {
        service: Service,
        book: Book,
        board: Board,
        standing: Standing,
        refused: usize,
    }

    fn service(
        signs: impl IntoIterator<Item = rsi::Sign>,
        events: impl IntoIterator<Item = rsi::Event>,
    ) -> Bench {
        posted(signs, events.into_iter().map(Posted::always))
    }

    fn posted(
        signs: impl IntoIterator<Item = rsi::Sign>,
        events: impl IntoIterator<Item = Posted<rsi::Event>>,
    ) -> Bench {
        let mut site = crossing(2, 2);
        site.signs = signs.into_iter().map(Posted::always).collect();
        site.events = events.into_iter().collect();
        let count = MsgCount::new(127).unwrap();
        let mut bench = Bench {
            service: Service::new(&Config::default(), site.origin, ID, count),
            book: Book::new(events::Config::default(), site.origin),
            board: Board::new(events::Config::default(), site.origin),
            standing: Standing::of(&site),
            refused: 0,
        };
        bench.turn(at(0));
        bench
    }

    impl Bench {
        fn turn(&mut self, now: Now) {
            self.service.follow(now);
            let refused = |_, _, _| self.refused += 1;
            self.standing
                .follow(now, &mut self.book, &mut self.board, refused);
            self.book.follow(now);
            self.board.follow(now);
            let missed = |_, missed| assert_eq!(missed, 0);
            let said = (&self.book, &self.board);
            self.service.turn(now, said, self.standing.waits(), missed);
        }
    }

    /// Everything that goes out up to `until_ms`, looking every 10 ms: when, as what, and what a
    /// receiver reads.
    fn run(bench: &mut Bench, until_ms: u64) -> Vec<(u64, u32, Rsi)> {
        let mut heard = Vec::new();
        let mut frame = Frame::new();
        for ms in (10..=until_ms).step_by(10) {
            bench.turn(at(ms));
            for kind in [
                FrameKind::RsiDynamic,
                FrameKind::RsiSemiStatic,
                FrameKind::RsiStatic,
            ] {
                while bench.service.is_ready(kind) {
                    let said = (&bench.book, &bench.board);
                    let service = &mut bench.service;
                    let composed = service.compose(kind, at(ms), true, said, &mut frame, &mut 0);
                    assert_eq!(composed, Ok(true));
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
        let mut service = service([sign(3, 2)], events);
        assert_eq!(service.refused, 0);
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
        let mut service = service([sign(3, 2)], events);
        let heard = run(&mut service, 130);
        let counts: Vec<_> = heard.iter().map(|(.., rsi)| rsi.msg_cnt.value()).collect();
        assert_eq!(counts, [127, 0, 1, 2]);
    }

    #[test]
    fn a_message_says_who_sends_and_when() {
        let mut service = service([sign(3, 2)], []);
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
        let mut service = service([sign(3, 2)], [works.clone()]);
        let heard = run(&mut service, 30);
        assert_eq!(heard[0].2.events(), [works]);
        assert_eq!(heard[1].2.signs(), [sign(3, 2)]);
    }

    #[test]
    fn lists_are_split_by_count() {
        let events = (0..9).map(|id| event(id, EventType::OBJECT));
        let mut service = service((0..17).map(|id| sign(id, 0)), events);
        let heard = run(&mut service, 30);
        let sizes: Vec<_> = heard
            .iter()
            .map(|(.., rsi)| (rsi.events().len(), rsi.signs().len()))
            .collect();
        assert_eq!(sizes, [(8, 0), (1, 0), (0, 16), (0, 1)]);
    }

    #[test]
    fn lists_are_split_by_length() {
        let mut service = service((0..6).map(|id| sign(id, 400)), []);
        assert_eq!(service.refused, 0);
        let heard = run(&mut service, 30);
        let sizes: Vec<_> = heard.iter().map(|(.., rsi)| rsi.signs().len()).collect();
        assert_eq!(sizes, [3, 3]);
    }

    #[test]
    fn with_nothing_to_say_nothing_is_due() {
        let service = service([], []);
        assert_eq!(service.service.due(), Mono::NEVER);
    }

    #[test]
    fn what_begins_late_starts_in_its_slot_and_no_slot_is_missed() {
        let mut object = Posted::always(event(2, EventType::OBJECT));
        object.when.from = Some(at(60_000).utc);
        let mut bench = posted([], [object]);
        assert_eq!(run(&mut bench, 60_130).first().unwrap().0, 60_030);
    }

    #[test]
    fn the_most_urgent_leave_first() {
        let urgent = |id, level| rsi::Event {
            level: rsi::Level::new(level).ok(),
            ..event(id, EventType::OBJECT)
        };
        let mut bench = service([], (0..10).map(|id| urgent(id, id % 8)));
        let heard = run(&mut bench, 30);
        let ids: Vec<_> = heard
            .iter()
            .flat_map(|(.., rsi)| rsi.events())
            .map(|event| event.id)
            .collect();
        assert_eq!(ids, [7, 6, 5, 4, 3, 2, 1, 9, 0, 8]);
    }

    #[test]
    fn without_a_good_clock_no_minute_is_told() {
        let mut bench = service([sign(3, 2)], []);
        bench.turn(at(30));
        let mut frame = Frame::new();
        let said = (&bench.book, &bench.board);
        let service = &mut bench.service;
        let composed = service.compose(
            FrameKind::RsiStatic,
            at(30),
            false,
            said,
            &mut frame,
            &mut 0,
        );
        assert_eq!(composed, Ok(true));
        let dsmp = dsmp::parse(frame.bytes()).unwrap();
        assert_eq!(
            Rsi::read(&Message::decode(dsmp.data).unwrap()).unwrap().moy,
            None
        );
    }
}
