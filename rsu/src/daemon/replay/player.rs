//! Entries of a recording to frames: the decoders, the lanes and the station, without a clock or a
//! socket.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::path::Path;

use crate::clock::{Mono, Now, Utc};
use crate::config::{self, Config, RadioTarget, Reason};
use crate::daemon::hex;
use crate::daemon::mailbox::{KINDS, kind_of};
use crate::daemon::record::entry::{self, What};
use crate::daemon::record::read::Entry;
use crate::events::Order;
use crate::inputs::{Counts, Decoder};
use crate::report::{Content, InputId, Report};
use crate::station::{ClockState, Frame, Station, Unfit};

/// A unit that lives through a recording.
pub(super) struct Player {
    start: entry::Start,
    station: Box<Station>,
    radio: Vec<RadioTarget>,
    inputs: Vec<InputState>,
    /// Put down, and not yet with the heart.
    orders: BTreeMap<u64, Order>,
    /// Of the last step, not yet compared.
    made: VecDeque<Frame>,
    /// The last step.
    at: Utc,
    /// Whether frames are to be shown and counted; others only shape what comes later.
    pub(super) shows: bool,
    /// Frames to be shown, with their moment.
    pub(super) said: Vec<(Utc, Frame)>,
    played: Played,
    onlooker: Option<Box<dyn Onlooker>>,
}

/// Who looks on while a unit lives through a recording; changes nothing of it.
pub(super) trait Onlooker {
    /// An input's decoder took so many bytes.
    fn heard(&mut self, input: u8, arrived: Now, bytes: usize, counts: &Counts);
    /// The station is about to be stepped.
    fn begins(&mut self);
    /// By this report, the `nth` of its lane.
    fn report(&mut self, now: Now, report: &Report, lane: u8, nth: u64);
    /// It made a frame.
    fn frame(&mut self, now: Now, frame: &Frame);
    /// Its picture and forecast were asked for then.
    fn view(&mut self, now: Now, station: &mut Station);
    /// It has said all.
    fn ends(&mut self, now: Now, station: &Station);
}

struct InputState {
    name: String,
    decoder: Decoder,
    lanes: [Lane; KINDS],
}

/// What one input said of one kind and the heart has not taken.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<(u64, Report)>,
    next: u64,
    /// By how much our numbers are behind those of the recording, once that is known.
    behind: Option<u64>,
}

/// What a replay came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    /// Frames that were recorded.
    pub(crate) recorded: u64,
    /// Frames that the replay made.
    pub(crate) made: u64,
    /// Of those, the ones that are as they were.
    pub(crate) same: u64,
    /// Bytes in them.
    pub(crate) bytes: u64,
    /// Things that were not recorded.
    pub(crate) lost: u64,
    /// Reports that the heart had and the replay has not.
    pub(crate) missing_reports: u64,
    pub(crate) first_difference: Option<Difference>,
}

/// The first frame that is not as it was.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// UTC of the step.
    at: Utc,
    /// None: it was not sent.
    recorded: Option<Told>,
    /// None: the replay does not send it.
    made: Option<Told>,
}

/// A frame, as a difference tells it.
#[derive(Clone, Debug)]
struct Told {
    kind: String,
    bytes: Vec<u8>,
}

impl Told {
    fn of(frame: &Frame) -> Self {
        Self {
            kind: frame.kind.name().to_owned(),
            bytes: frame.bytes().to_vec(),
        }
    }
}

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unplayable {
    /// It holds no configuration.
    #[error("the recording holds no configuration")]
    NoConfig,
    /// This program does not take its configuration.
    #[error("its configuration is not what this program takes:\n{0}")]
    Config(config::Findings),
    /// No station can run it.
    #[error("the station cannot run: {0}")]
    Unfit(#[from] Unfit),
    /// The files are of several runs.
    #[error("the files are of different runs, or not in their order")]
    OtherRun,
    /// A message names an input that there is not, or bytes that are none.
    #[error("a message makes no sense: {0}")]
    NoSense(&'static str),
}

impl Player {
    pub(super) fn new(start: &entry::Start) -> Result<Self, Unplayable> {
        let config = config_of(start)?;
        let now = Now {
            mono: Mono::from_nanos(start.mono_ns),
            utc: Utc::from_unix_ns(start.utc_ns),
        };
        let inputs = config.inputs.iter().map(|input| {
            let mut lanes: [Lane; KINDS] = Default::default();
            if start.part == 0 {
                lanes.iter_mut().for_each(|lane| lane.behind = Some(0));
            }
            InputState {
                name: input.name.clone(),
                decoder: input.protocol.decoder(),
                lanes,
            }
        });
        Ok(Self {
            inputs: inputs.collect(),
            orders: BTreeMap::new(),
            station: Box::new(Station::new(config.station, config.site, now, start.seed)?),
            radio: config.radio,
            start: start.clone(),
            made: VecDeque::new(),
            at: now.utc,
            shows: true,
            said: Vec::new(),
            played: Played::default(),
            onlooker: None,
        })
    }

    /// The same, with somebody who looks on.
    #[cfg(feature = "console")]
    pub(super) fn shown_to(self, onlooker: Box<dyn Onlooker>) -> Self {
        Self {
            onlooker: Some(onlooker),
            ..self
        }
    }

    /// Where the recorded unit sent its frames.
    pub(super) fn radio(&self) -> &[RadioTarget] {
        &self.radio
    }

    /// The next file begins.
    pub(super) fn go_on(&mut self, start: &entry::Start) -> Result<(), Unplayable> {
        let run = |s: &entry::Start| (s.mono_ns, s.utc_ns, s.seed);
        if run(start) != run(&self.start) || start.part <= self.start.part {
            return Err(Unplayable::OtherRun);
        }
        self.start.part = start.part;
        Ok(())
    }

    pub(super) fn take(&mut self, entry: Entry) -> Result<(), Unplayable> {
        match entry {
            Entry::Start(_) => {}
            Entry::Arrived(said) => {
                let at = now(said.mono_ns, said.utc_ns);
                let bytes = bytes(&said.hex)?;
                self.input(said.input)?.hear(said.input, at, &bytes);
                let decoder = self.inputs.get(usize::from(said.input));
                if let (Some(onlooker), Some(input)) = (&mut self.onlooker, decoder) {
                    onlooker.heard(said.input, at, bytes.len(), input.decoder.counts());
                }
            }
            Entry::Restarted(said) => self.input(said.input)?.decoder.link_restarted(),
            Entry::Asked(said) => {
                let at = now(said.mono_ns, said.utc_ns);
                // What it asks is known; that it asks changes the decoder.
                let decoder = &mut self.input(said.input)?.decoder;
                decoder.poll_query(at, &mut Vec::new());
            }
            Entry::Flushed(said) => {
                let at = now(said.mono_ns, said.utc_ns);
                self.input(said.input)?.flush(said.input, at);
            }
            Entry::Ordered(said) => {
                let order = said.order.order(&self.station.site().frame);
                let order = order.map_err(|_| Unplayable::NoSense("an order that is none"))?;
                self.orders.insert(said.number, order);
            }
            Entry::Step(step) => self.step(&step)?,
            Entry::Frame(kind, frame) => self.compare(&kind, &frame)?,
            Entry::Gap(gap) => self.played.lost += gap.lost,
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Played {
        // What the last step made may have been cut off with the file's end: no difference.
        self.made.clear();
        self.played
    }

    fn input(&mut self, input: u8) -> Result<&mut InputState, Unplayable> {
        let known = self.inputs.get_mut(usize::from(input));
        known.ok_or(Unplayable::NoSense("an input that the configuration lacks"))
    }

    fn step(&mut self, step: &entry::Step) -> Result<(), Unplayable> {
        self.drop_unrecorded();
        let now = now(step.mono_ns, step.utc_ns);
        self.at = now.utc;
        if let Some(onlooker) = &mut self.onlooker {
            onlooker.begins();
        }
        match &step.what {
            What::Report {
                input,
                lane,
                nth,
                arrived_ns,
            } => {
                let of = *lane;
                let lane = self.input(*input)?.lanes.get_mut(usize::from(of));
                let lane = lane.ok_or(Unplayable::NoSense("a lane that there is not"))?;
                match lane.take(*nth, Mono::from_nanos(*arrived_ns)) {
                    Some(report) => {
                        if let Some(onlooker) = &mut self.onlooker {
                            onlooker.report(now, &report, of, *nth);
                        }
                        self.station.handle_report(now, &report);
                    }
                    None => {
                        self.played.missing_reports += 1;
                        self.station.handle_timeout(now);
                    }
                }
            }
            What::Order { number } => match self.orders.remove(number) {
                Some(mut order) => {
                    self.station.handle_order(now, &mut order);
                }
                None => {
                    self.played.missing_reports += 1;
                    self.station.handle_timeout(now);
                }
            },
            What::Clock {
                synchronised,
                error_ns,
            } => {
                let state = ClockState {
                    synchronised: *synchronised,
                    error: error_ns.map(std::time::Duration::from_nanos),
                };
                self.station.handle_clock(now, state);
            }
            What::Timeout => self.station.handle_timeout(now),
            What::View => {
                // Nothing that is sent may depend on it; asked all the same, as it was.
                self.station.picture(now.mono);
                self.station.forecast(now);
                if let Some(onlooker) = &mut self.onlooker {
                    onlooker.view(now, &mut self.station);
                }
                return Ok(());
            }
        }
        let mut frame = Frame::new();
        while self.station.poll_transmit(&mut frame) {
            if self.shows {
                self.said.push((now.utc, frame.clone()));
                self.played.made += 1;
            }
            self.made.push_back(frame.clone());
            if let Some(onlooker) = &mut self.onlooker {
                onlooker.frame(now, &frame);
            }
        }
        while self.station.poll_event().is_some() {}
        if let Some(onlooker) = &mut self.onlooker {
            onlooker.ends(now, &self.station);
        }
        Ok(())
    }

    fn compare(&mut self, kind: &str, recorded: &entry::Frame) -> Result<(), Unplayable> {
        let bytes = bytes(&recorded.hex)?;
        let made = self.made.pop_front();
        if !self.shows {
            return Ok(());
        }
        self.played.recorded += 1;
        if made.as_ref().is_some_and(|frame| frame.bytes() == bytes) {
            self.played.same += 1;
            self.played.bytes += bytes.len() as u64;
        } else {
            let kind = kind.to_owned();
            self.differs(Some(Told { kind, bytes }), made.as_ref().map(Told::of));
        }
        Ok(())
    }

    /// What the last step made and the unit did not send.
    fn drop_unrecorded(&mut self) {
        while let Some(frame) = self.made.pop_front() {
            if self.shows {
                self.differs(None, Some(Told::of(&frame)));
            }
        }
    }

    fn differs(&mut self, recorded: Option<Told>, made: Option<Told>) {
        let at = self.at;
        self.played
            .first_difference
            .get_or_insert(Difference { at, recorded, made });
    }
}

impl InputState {
    fn hear(&mut self, input: u8, arrived: Now, bytes: &[u8]) {
        let Self { decoder, lanes, .. } = self;
        decoder.push(arrived, bytes, &mut |content| {
            wait(lanes, input, arrived, content);
        });
    }

    fn flush(&mut self, input: u8, at: Now) {
        let Self { decoder, lanes, .. } = self;
        decoder.flush(at, &mut |content| wait(lanes, input, at, content));
    }
}

/// The configuration that was recorded, as this program takes it.
pub(crate) fn config_of(start: &entry::Start) -> Result<Config, Unplayable> {
    let main = start.files.first().ok_or(Unplayable::NoConfig)?;
    let mut read = |path: &Path| {
        let path = path.display().to_string();
        let file = start.files.iter().find(|file| file.path == path);
        file.map(|file| file.text.clone())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let checked = config::parse(&main.text, Path::new(&main.path), &mut read);
    Ok(checked.map_err(Unplayable::Config)?.config)
}

/// Puts what a decoder says where the heart would find it.
fn wait(lanes: &mut [Lane; KINDS], input: u8, arrived: Now, content: Content) {
    let Some(kind) = kind_of(&content) else {
        return;
    };
    let lane = &mut lanes[kind];
    let report = Report {
        input: InputId(input),
        arrived,
        content,
    };
    lane.waiting.push_back((lane.next, report));
    lane.next += 1;
}

impl fmt::Debug for InputState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputState")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Lane {
    /// The report that the heart took; what waited before it had given way.
    ///
    /// By its number, which tells those of one datagram apart. Where that does not fit, something was
    /// not recorded: then the time of arrival finds the way again, and later numbers follow from it.
    fn take(&mut self, nth: u64, arrived: Mono) -> Option<Report> {
        while self.waiting.front()?.1.arrived.mono < arrived {
            self.waiting.pop_front();
        }
        let wanted = self.behind.and_then(|behind| nth.checked_sub(behind));
        let is_it =
            |(n, report): &(u64, Report)| report.arrived.mono == arrived && wanted == Some(*n);
        let place = match self.waiting.iter().position(is_it) {
            Some(place) => place,
            None => {
                let arrived = |(_, report): &(u64, Report)| report.arrived.mono == arrived;
                let place = self.waiting.iter().position(arrived)?;
                self.behind = nth.checked_sub(self.waiting[place].0);
                place
            }
        };
        self.waiting.drain(..place);
        self.waiting.pop_front().map(|(_, report)| report)
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            recorded,
            made,
            same,
            bytes,
            lost,
            missing_reports,
            ..
        } = self;
        write!(
            f,
            "{made} frames made, {recorded} recorded, {same} the same byte for byte ({bytes} bytes)"
        )?;
        if *lost > 0 || *missing_reports > 0 {
            write!(
                f,
                "; {lost} things were not recorded, {missing_reports} reports are missing"
            )?;
        }
        Ok(())
    }
}

impl Played {
    /// The same for whoever says it in another language.
    pub(super) fn reason(&self) -> Reason {
        let counts = [
            self.made,
            self.recorded,
            self.same,
            self.bytes,
            self.lost,
            self.missing_reports,
        ];
        let code = match (self.lost, self.missing_reports) {
            (0, 0) => "played",
            _ => "played-with-gaps",
        };
        Reason::new(
            code,
            counts.map(|count| count.to_string()),
            self.to_string(),
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "first difference, at {}:", self.at)?;
        let side = |told: &Option<Told>| match told {
            Some(told) => format!("{} {}", told.kind, hex::encode(&told.bytes)),
            None => "nothing".to_owned(),
        };
        writeln!(f, "  recorded: {}", side(&self.recorded))?;
        write!(f, "  replayed: {}", side(&self.made))?;
        if let (Some(recorded), Some(made)) = (&self.recorded, &self.made)
            && recorded.kind == made.kind
        {
            let pairs = recorded.bytes.iter().zip(&made.bytes);
            let same = pairs.take_while(|(a, b)| a == b).count();
            write!(
                f,
                "\n  from byte {same} on; `v2x decode` shows what it means"
            )?;
        }
        Ok(())
    }
}

fn now(mono_ns: u64, utc_ns: i64) -> Now {
    Now {
        mono: Mono::from_nanos(mono_ns),
        utc: Utc::from_unix_ns(utc_ns),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Unplayable> {
    hex::decode(text).ok_or(Unplayable::NoSense("bytes that are no hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ControlMode;

    fn report(arrived: u64, mode: ControlMode) -> Report {
        Report {
            input: InputId(0),
            arrived: now(arrived, 0),
            content: Content::Mode(mode),
        }
    }

    fn lane(behind: Option<u64>) -> Lane {
        Lane {
            behind,
            ..Lane::default()
        }
    }

    impl Lane {
        fn say(&mut self, arrived: u64, mode: ControlMode) {
            self.waiting.push_back((self.next, report(arrived, mode)));
            self.next += 1;
        }

        fn taken(&mut self, nth: u64, arrived: u64) -> Option<ControlMode> {
            match self.take(nth, Mono::from_nanos(arrived))?.content {
                Content::Mode(mode) => Some(mode),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_gave_way_is_passed_over_and_two_of_one_datagram_are_told_apart() {
        let mut lane = lane(Some(0));
        lane.say(10, ControlMode::Flash);
        lane.say(20, ControlMode::FixedTime);
        lane.say(20, ControlMode::Actuated);
        lane.say(30, ControlMode::Off);
        assert_eq!(lane.taken(2, 20), Some(ControlMode::Actuated));
        assert_eq!(lane.taken(3, 30), Some(ControlMode::Off));
        assert_eq!(lane.taken(4, 40), None, "not recorded");
    }

    #[test]
    fn after_a_gap_the_way_is_found_again_by_the_times_of_arrival() {
        // From a run's beginning, and from a later part of it.
        for behind in [Some(0), None] {
            let mut lane = lane(behind);
            lane.say(10, ControlMode::Flash);
            if behind.is_some() {
                assert_eq!(lane.taken(0, 10), Some(ControlMode::Flash));
            }
            // 5,000 were not recorded; of the next, two came at once.
            lane.say(90, ControlMode::FixedTime);
            lane.say(100, ControlMode::Actuated);
            lane.say(100, ControlMode::Off);
            assert_eq!(lane.taken(5_000, 80), None, "its bytes were not recorded");
            assert_eq!(lane.taken(5_001, 90), Some(ControlMode::FixedTime));
            assert_eq!(lane.taken(5_003, 100), Some(ControlMode::Off));
            lane.say(110, ControlMode::Manual);
            assert_eq!(lane.taken(5_004, 110), Some(ControlMode::Manual));
        }
    }
}
