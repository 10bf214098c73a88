//! The heart's state machine: reports and time go in, frames, deadlines and events come out.
//!
//! It owns fusion, signals and services, and does no I/O. After one `handle_*`, drain
//! [`Station::poll_transmit`] and [`Station::poll_event`], then wait until a report comes or
//! [`Station::poll_timeout`] is reached:
//! ```text
//! loop {
//!     wait for a report, at most until station.poll_timeout();
//!     match woken { report => station.handle_report(now, &report), nothing => station.handle_timeout(now) }
//!     while station.poll_transmit(&mut frame) { send(frame.bytes()) }
//!     while let Some(event) = station.poll_event() { note(event) }
//! }
//! ```
//! The same reports at the same times with the same seed give the same bytes. Nothing is allocated
//! after [`Station::new`].

mod clock_rule;
mod speak;
mod stats;

use v2x_msg::base::{PhaseId, StationId};
use v2x_msg::kinds::rsm::Source;

use crate::clock::{Mono, Now};
use crate::events::{
    self, Board, Book, Order, Outcome, detect::Detect, standing::Standing, weather::Weather,
};
use crate::fusion::{self, Fusion, Lanes, Picture};
use crate::report::{Content, InputId, Report};
use crate::requests::{self, Desk};
use crate::services::event::Events;
use crate::services::seed::SplitMix64;
use crate::services::{answer, map, rsi, rsm, spat};
use crate::signals::{self, Signals};
use crate::site::Site;
use crate::warnings::{self, Warning, Warnings};

pub use crate::services::{Event, Frame, FrameKind, NotSent, Priorities};
use clock_rule::ClockRule;
pub use clock_rule::ClockState;
pub use stats::Stats;

/// Everything that a station needs to know before it starts.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Eight bytes in RSM and RSI; None: random at start, as T/CSAE 159-2020 has it.
    pub id: Option<StationId>,
    /// The largest error of the clock with which times are still sent; None: the clock is trusted.
    /// T/CSAE 159-2020 allows 150 ms.
    pub clock_error_limit: Option<std::time::Duration>,
    /// The inputs that reports come from.
    pub inputs: Vec<Input>,
    /// How urgent each kind of message is to the radio.
    pub priorities: Priorities,
    /// How detections become tracks.
    pub fusion: fusion::Config,
    /// How lamp states become forecasts.
    pub signals: signals::Config,
    /// How SPAT is sent.
    pub spat: spat::Config,
    /// How MAP is sent.
    pub map: map::Config,
    /// How RSM is sent.
    pub rsm: rsm::Config,
    /// How RSI is sent.
    pub rsi: rsi::Config,
    /// How events on the road live.
    pub events: events::Config,
    /// Which of them the picture shows by itself.
    pub detect: events::detect::Config,
    /// Which values of weather and road sensors are an event.
    pub weather: Vec<events::weather::Rule>,
    /// What is warned of.
    pub warnings: warnings::Config,
    /// What vehicles that ask are answered.
    pub requests: requests::Config,
    /// When they are.
    pub answers: answer::Config,
}

/// An input as the station knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What reports call it.
    pub id: InputId,
    /// What people and the site's phases call it.
    pub name: String,
    /// What the standard calls a road user that it sees; [`Source::Unknown`] for a controller.
    pub source: Source,
}

/// A site or a configuration that no station can run.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The phases do not agree with the inputs.
    #[error("signals: {0}")]
    Signals(#[from] signals::Unfit),
    /// No MAP can be made of the site.
    #[error("map: {0}")]
    Map(#[from] map::Unbuildable),
}

/// The heart's state.
#[derive(Debug)]
pub struct Station {
    site: Site,
    now: Now,
    clock: ClockRule,
    priorities: Priorities,
    fusion: Fusion,
    signals: Signals,
    spat: spat::Service,
    rsm: rsm::Service,
    rsi: rsi::Service,
    map: map::Service,
    book: Book,
    board: Board,
    standing: Standing,
    weather: Weather,
    detect: Detect,
    warnings: Warnings,
    desk: Desk,
    answers: answer::Service,
    /// The picture has changed since events and warnings were looked for in it.
    look: bool,
    spat_speaks: bool,
    rsm_speaks: bool,
    /// Phases that must not be green together and are, as last told.
    conflict: Option<(PhaseId, PhaseId)>,
    /// Newest word of a signal controller.
    heard_signals: Option<Now>,
    /// Kinds of which the last message could not be composed.
    failing: [bool; FrameKind::ALL.len()],
    events: Events,
    stats: Stats,
}

impl Station {
    /// A station that starts at `now`. `seed` chooses the first message counts and, where none is
    /// configured, the station's id; it should be random.
    pub fn new(config: Config, site: Site, now: Now, seed: u64) -> Result<Self, Unfit> {
        let mut seed = SplitMix64::new(seed);
        let mut events = Events::default();
        let id = seed.station_id();
        let id = config.id.unwrap_or(id);
        let names: Vec<_> = config
            .inputs
            .iter()
            .map(|input| (input.name.clone(), input.id))
            .collect();
        let source = |id| {
            config
                .inputs
                .iter()
                .find(|input| input.id == id)
                .map(|input| input.source)
        };
        let sensors = config.fusion.sensors.iter();
        let sources = sensors.map(|sensor| source(sensor.input).unwrap_or(Source::Unknown));
        let sources = rsm::Sources::new(sources);
        let [spat_cnt, rsm_cnt, rsi_cnt, map_cnt] = std::array::from_fn(|_| seed.msg_count());
        let answer_cnts = std::array::from_fn(|_| seed.msg_count());
        let detect = Detect::new(config.detect, &site, &config.fusion.sensors);
        let (asked, holds) = (config.requests.is_on(), config.requests.holds);
        let mut station = Self {
            now,
            clock: ClockRule::new(config.clock_error_limit),
            priorities: config.priorities,
            desk: Desk::new(config.requests, &site, id, &config.fusion.sensors),
            answers: answer::Service::new(
                &config.answers,
                asked,
                holds,
                (id, site.origin),
                answer_cnts,
            ),
            fusion: Fusion::new(config.fusion).with_lanes(Lanes::of(&site)),
            signals: Signals::new(config.signals, &site, &names)?,
            spat: spat::Service::new(config.spat, site.node, spat_cnt),
            rsm: rsm::Service::new(config.rsm, site.frame, sources, id, rsm_cnt),
            rsi: rsi::Service::new(&config.rsi, site.origin, id, rsi_cnt),
            map: map::Service::new(&config.map, &site, map_cnt, &mut events)?,
            book: Book::new(config.events.clone(), site.origin),
            board: Board::new(config.events, site.origin),
            standing: Standing::of(&site),
            weather: Weather::new(config.weather, &site),
            detect,
            warnings: Warnings::new(config.warnings, &site),
            look: false,
            spat_speaks: false,
            rsm_speaks: false,
            conflict: None,
            heard_signals: None,
            site,
            failing: [false; FrameKind::ALL.len()],
            events,
            stats: Stats::default(),
        };
        station.follow(now);
        station.begin_events(now);
        Ok(station)
    }

    /// A report has come. What it changes leaves in the frames that [`Station::poll_transmit`] then
    /// gives: a change of colour as SPAT, objects as RSM if the slot is open.
    pub fn handle_report(&mut self, now: Now, report: &Report) {
        self.handle_content(now, (report.input, report.arrived), &report.content);
    }

    /// The same, where nobody has made a report of it: an input has said this, which arrived then.
    pub fn handle_content(
        &mut self,
        now: Now,
        (input, arrived): (InputId, Now),
        content: &Content,
    ) {
        self.follow(now);
        self.stats.count_report(content);
        match content {
            Content::Objects(objects) => {
                let taken = self.fusion.counts().frames;
                self.fusion.handle_objects(input, objects);
                self.stats.fusion = self.fusion.counts();
                // What fusion refuses must not make the picture look fresh.
                if self.fusion.counts().frames > taken {
                    self.desk.note_scene(input, objects.seen_at);
                    self.detect.note_scene(input, objects.seen_at);
                    if self.fusion.is_told(input) {
                        self.rsm.note_told(arrived);
                        return self.turn(now);
                    }
                    let missed = self.rsm.turn_on_report(now, arrived, input);
                    self.count_missed(FrameKind::Rsm, missed);
                }
            }
            Content::Lamps(lamps) => {
                let change = self.signals.handle_lamps(arrived, input, lamps);
                self.handle_change(now, arrived, change);
            }
            Content::Plan(plan) => {
                let change = self.signals.handle_plan(arrived, input, plan);
                self.handle_change(now, arrived, change);
            }
            Content::NextPlan(plan) => {
                let change = self.signals.handle_next_plan(arrived, input, plan);
                self.handle_change(now, arrived, change);
            }
            Content::Mode(mode) => {
                let change = self.signals.handle_mode(arrived, input, *mode);
                self.handle_change(now, arrived, change);
            }
            Content::Weather(readings) => self.hear_weather(now, input, readings),
            // It stands from its arrival on, not from when the heart came to it.
            Content::Request(request) => {
                self.desk.hear(arrived.mono, request);
                self.stats.answers = self.desk.counts();
            }
            // The kernel's clock state decides what may claim a time, not a receiver.
            Content::Receiver(_) => {}
        }
        self.turn(now);
    }

    /// Somebody wants an event or a sign to be told, changed or ended. What it changes leaves in the
    /// next slot of its class. The order may come back with what it has replaced.
    pub fn handle_order(&mut self, now: Now, order: &mut Order) -> Outcome {
        self.follow(now);
        let outcome = match order {
            Order::Event(claim) => self.book.handle_claim(now, claim).into(),
            Order::Sign(claim) => self.board.handle_claim(now, claim).into(),
            Order::End(key) => self.book.handle_end(now, *key).into(),
            Order::Down(key) => self.board.handle_end(now, *key).into(),
            Order::Site(standing) => {
                self.standing
                    .replace(now, standing, &mut self.book, &mut self.board);
                self.reserve_ids();
                Outcome::Done
            }
        };
        self.stats.orders += 1;
        self.stats.orders_refused += u64::from(matches!(outcome, Outcome::Refused(_)));
        self.turn(now);
        outcome
    }

    /// The time of [`Station::poll_timeout`] has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Now) {
        self.follow(now);
        self.turn(now);
    }

    /// What the shell knows of the clock has changed.
    pub fn handle_clock(&mut self, now: Now, state: ClockState) {
        self.follow(now);
        if let Some(event) = self.clock.handle(state) {
            self.events.raise(event);
        }
        self.turn(now);
    }

    /// When the station wants to be woken next: for a slot, or to catch up before one.
    pub fn poll_timeout(&self) -> Mono {
        let catches_up = if self.fusion.is_behind() {
            self.rsm.opens()
        } else {
            Mono::NEVER
        };
        self.next_slot().min(catches_up)
    }

    /// When the next slot of a message is due, or the end of something that is watched.
    pub(crate) fn next_slot(&self) -> Mono {
        self.spat
            .due()
            .min(self.rsm.due())
            .min(self.rsi.due())
            .min(self.map.due())
            .min(self.weather.due())
            .min(self.answers.due())
    }

    /// Composes the next frame that is due, most urgent first; false when there is none.
    pub fn poll_transmit(&mut self, frame: &mut Frame) -> bool {
        self.poll_spat(frame)
            || self.poll_rsm(frame)
            || self.poll_rsi(FrameKind::RsiDynamic, frame)
            || self.poll_answers(frame)
            || self.poll_map(frame)
            || self.poll_rsi(FrameKind::RsiSemiStatic, frame)
            || self.poll_rsi(FrameKind::RsiStatic, frame)
            || self.look_for_events()
    }

    /// The next thing that an operator wants to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.poll();
        self.stats.events_lost = self.events.lost();
        event
    }

    /// The road users as they are believed to be at `at`, for observers, by what has been worked through.
    /// Does not change what is sent.
    pub fn picture(&mut self, at: Mono) -> &Picture {
        self.fusion.glance(at)
    }

    /// What the signals are forecast to do, for observers; None where nothing may be said.
    pub fn forecast(&mut self, at: Now) -> Option<&signals::Forecast> {
        self.signals.forecast(at)
    }

    /// What has been done so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How the sensors fare, for observers.
    pub fn sensors(&self, at: Mono) -> impl Iterator<Item = (InputId, fusion::Health)> {
        let inputs = self.fusion.config().sensors.iter().map(|s| s.input);
        inputs.filter_map(move |input| Some((input, self.fusion.health(input, at)?)))
    }

    /// What happens on the road, for observers.
    pub fn road_events(&self) -> impl Iterator<Item = events::Shown<'_>> {
        self.book.shown()
    }

    /// What is about to happen at the junction, for observers.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.warnings.current()
    }

    /// Who it is on air.
    pub fn id(&self) -> StationId {
        self.rsi.id()
    }

    /// The junction.
    pub fn site(&self) -> &Site {
        &self.site
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
