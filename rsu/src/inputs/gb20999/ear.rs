//! Frames to reports: what a controller's values amount to.

use std::time::Duration;

use super::Config;
use super::asker::Asker;
use super::facts::{Facts, Taken};
use super::framing::{Oddity, Piece};
use super::objects::{
    self, MOST, NO_SUCH_VALUE, StageState, lamp_state, mode_now, plan_now, stage_now,
    stage_remaining, stage_state,
};
use super::timeline::{Place, StageTime, Timeline};
use super::trust::{Trust, Verdict};
use super::wire::{self, Frame, Header, Kind, Value};
use crate::clock::{Mono, Now};
use crate::inputs::Counts;
use crate::report::{Content, ControlMode, LampSpan, LampState, LampStates, Light};

const REJECTED: [&str; 9] = [
    "noise",
    "cut",
    "too-long",
    "frame-size",
    "frame-length",
    "checksum",
    "frame-kind",
    "values",
    "value-size",
];
const IGNORED: [&str; 6] = [
    "other-controller",
    "other-junction",
    "other-value",
    "request",
    "heartbeat",
    "set-reply",
];
const TOLERATED: [&str; 13] = [
    "bare-byte",
    "counts-escapes",
    "escaped-datagram",
    "other-version",
    "sequence-differs",
    "query-refused",
    "answered-in-part",
    "unanswered-query",
    "colour-unknown",
    "mode-unknown",
    "plan-not-understood",
    "countdown-missed",
    "remaining-rounds-down",
];

/// By the standard, and as recorded.
const VERSIONS: [u16; 2] = [0x0102, 0x0100];
/// A lamp group that was not heard of for longer is left out of a report, beside two periods.
const LAMP_AGE: Duration = Duration::from_secs(1);
/// Where no period is known, since we do not ask.
const USUAL_PERIOD: Duration = Duration::from_secs(1);
/// Half of what a clock of whole seconds does not tell.
const HALF_SECOND: Duration = Duration::from_millis(500);
/// The mode is told again after this, and the plan, if neither has changed.
const REPEAT: Duration = Duration::from_secs(10);

/// Frames to reports.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) controller: Option<u32>,
    junction: u8,
    stage_time: Option<StageTime>,
    pub(super) asker: Option<Asker>,
    pub(super) counts: Counts,
    pub(super) facts: Facts,
    // Boxed whole, so that a plan that comes and goes takes no memory anew.
    timeline: Box<Option<Timeline>>,
    /// Facts are newer than the timeline.
    is_stale: bool,
    pub(super) state: State,
    /// To be answered.
    pub(super) heartbeat: Option<Header>,
    /// Of the last question.
    pub(super) sequence: u8,
    /// As the controller has it.
    pub(super) version: u16,
}

/// What changes from second to second.
#[derive(Debug)]
pub(super) struct State {
    lamps: Box<[Lamp; MOST as usize]>,
    mode: Option<ControlMode>,
    mode_told: Option<(ControlMode, Mono)>,
    plan_told: Option<Mono>,
    /// All of them.
    lamps_told: Option<Mono>,
    pub(super) stage: Option<u8>,
    stage_state: Option<(u8, StageState)>,
    remaining: Option<Remaining>,
    /// In the chain.
    place: Option<usize>,
    zero: Zero,
}

#[derive(Clone, Copy, Debug)]
struct Lamp {
    light: Light,
    at: Option<Mono>,
    trust: Trust,
}

#[derive(Clone, Copy, Debug)]
struct Remaining {
    stage: u8,
    seconds: u32,
    at: Mono,
}

/// Whether the remaining time is 0 for the whole last second of a stage.
#[derive(Clone, Copy, Debug, Default)]
struct Zero {
    first: Option<Mono>,
    last: Mono,
    /// Stages in a row that ended so.
    evidence: u8,
}

/// What the values of one frame amounted to.
#[derive(Clone, Copy, Debug, Default)]
struct Gist {
    understood: bool,
    /// Lamp groups that changed, as bits.
    changed: u64,
    has_lamps: bool,
    /// The round of questions is complete with this frame.
    completes: bool,
    /// The controller says it by itself.
    is_unasked: bool,
}

impl State {
    fn new(proves: bool) -> Self {
        let lamp = Lamp {
            light: Light::Unknown,
            at: None,
            trust: Trust::new(proves),
        };
        Self {
            lamps: Box::new([lamp; MOST as usize]),
            mode: None,
            mode_told: None,
            plan_told: None,
            lamps_told: None,
            stage: None,
            stage_state: None,
            remaining: None,
            place: None,
            zero: Zero::default(),
        }
    }
}

impl Ear {
    pub(super) fn new(config: &Config) -> Self {
        let asker = |asking| Asker::new(asking, config.junction, config.lamps);
        Self {
            controller: config.controller,
            junction: config.junction,
            stage_time: config.stage_time,
            asker: config.asking.map(asker),
            counts: Counts::new(&REJECTED, &IGNORED, &TOLERATED),
            facts: Facts::new(),
            timeline: Box::default(),
            is_stale: true,
            state: State::new(config.proves),
            heartbeat: None,
            sequence: 0,
            version: VERSIONS[1],
        }
    }

    pub(super) fn hear(&mut self, arrived: Now, piece: Piece<'_>, sink: &mut dyn FnMut(Content)) {
        match piece {
            Piece::Noise => self.counts.reject("noise"),
            Piece::TooLong => self.counts.reject("too-long"),
            Piece::Cut => self.counts.reject("cut"),
            Piece::Frame { bytes, oddity } => match wire::parse(bytes) {
                Err(malformed) => self.counts.reject(malformed.kind()),
                Ok(frame) => {
                    self.note_quirks(&frame, oddity);
                    self.frame(arrived, &frame, sink);
                }
            },
        }
    }

    fn note_quirks(&mut self, frame: &Frame<'_>, oddity: Oddity) {
        match oddity {
            Oddity::None => {}
            Oddity::BareByte => self.counts.tolerate("bare-byte"),
            Oddity::CountsEscapes => self.counts.tolerate("counts-escapes"),
            Oddity::EscapedDatagram => self.counts.tolerate("escaped-datagram"),
        }
        if !VERSIONS.contains(&frame.header.version) {
            self.counts.tolerate("other-version");
        }
    }

    fn frame(&mut self, arrived: Now, frame: &Frame<'_>, sink: &mut dyn FnMut(Content)) {
        let header = &frame.header;
        if self
            .controller
            .is_some_and(|ours| ours != header.controller)
        {
            return self.counts.ignore("other-controller");
        }
        match header.kind {
            Kind::QueryReply | Kind::Report | Kind::Broadcast => {}
            Kind::QueryError => return self.refusals(arrived, frame, sink),
            Kind::Query | Kind::Set => return self.counts.ignore("request"),
            Kind::SetReply | Kind::SetError => return self.counts.ignore("set-reply"),
            Kind::HeartbeatReply => return self.counts.ignore("heartbeat"),
            Kind::Heartbeat => {
                // Who only listens says nothing.
                self.heartbeat = self.asker.as_ref().map(|_| *header);
                return self.counts.accept();
            }
        }
        if header.kind == Kind::QueryReply && self.asker.is_some() {
            self.version = header.version;
            if header.sequence != self.sequence {
                self.counts.tolerate("sequence-differs");
            }
        }
        let mut gist = Gist {
            // Who only listens asked for nothing: then it is somebody else's question.
            is_unasked: header.kind != Kind::QueryReply || self.asker.is_none(),
            ..Gist::default()
        };
        for value in frame.values() {
            self.value(arrived, value, &mut gist);
            if let (Some(asker), false) = (&mut self.asker, gist.is_unasked) {
                gist.completes |= asker.answered(arrived.mono, value.address);
            }
        }
        if gist.understood {
            self.counts.accept();
        }
        self.tell(arrived, gist, sink);
    }

    /// What the controller does not have, or does not tell.
    fn refusals(&mut self, arrived: Now, frame: &Frame<'_>, sink: &mut dyn FnMut(Content)) {
        let mut gist = Gist::default();
        for value in frame.values() {
            self.counts.tolerate("query-refused");
            if value.data == [NO_SUCH_VALUE] && self.facts.absent(value.address) == Taken::New {
                self.is_stale = true;
            }
            if let Some(asker) = &mut self.asker {
                gist.completes |= asker.answered(arrived.mono, value.address);
            }
        }
        self.counts.accept();
        self.tell(arrived, gist, sink);
    }

    fn value(&mut self, arrived: Now, value: Value<'_>, gist: &mut Gist) {
        let (address, data) = (value.address, value.data);
        let understood = match (address.class, address.object) {
            (3, 3) => self.lamp(arrived.mono, value, gist),
            (13, 2) if address.element != self.junction => {
                return self.counts.ignore("other-junction");
            }
            (13, 2) => self.running(arrived.mono, value),
            (13, 1) if address == objects::CLOCK => self.clock(arrived, data),
            (6, 3) => self.stage(arrived.mono, value),
            _ => match self.facts.take(address, data) {
                Taken::Same => Understood::Yes,
                Taken::New => {
                    self.is_stale = true;
                    Understood::Yes
                }
                Taken::Malformed => Understood::Malformed,
                Taken::Other => Understood::NoUse,
            },
        };
        match understood {
            Understood::Yes => gist.understood = true,
            Understood::Malformed => self.counts.reject("value-size"),
            Understood::NoUse => self.counts.ignore("other-value"),
        }
    }

    fn lamp(&mut self, at: Mono, value: Value<'_>, gist: &mut Gist) -> Understood {
        let number = value.address.element;
        if value.address != lamp_state(number) || !(1..=MOST).contains(&number) {
            return Understood::NoUse;
        }
        let Some(code) = objects::byte(value.data) else {
            return Understood::Malformed;
        };
        let light = objects::light(code);
        if light == Light::Unknown {
            self.counts.tolerate("colour-unknown");
        }
        let lamp = &mut self.state.lamps[usize::from(number) - 1];
        if light != lamp.light && lamp.at.is_some() {
            gist.changed |= objects::bit(number);
        }
        gist.has_lamps = true;
        *lamp = Lamp {
            light,
            at: Some(at),
            ..*lamp
        };
        Understood::Yes
    }

    fn clock(&mut self, arrived: Now, data: &[u8]) -> Understood {
        let Some(shown) = objects::utc(data) else {
            return Understood::Malformed;
        };
        let theirs = shown + HALF_SECOND;
        let behind_ns = arrived.utc.unix_ns().saturating_sub(theirs.unix_ns());
        self.counts.note_clock(behind_ns / 1_000_000);
        Understood::Yes
    }

    /// Mode, plan and stage of the junction.
    fn running(&mut self, at: Mono, value: Value<'_>) -> Understood {
        let Some(code) = objects::byte(value.data) else {
            return Understood::Malformed;
        };
        let junction = self.junction;
        if value.address == mode_now(junction) {
            let mode = objects::control_mode(code);
            if mode.is_none() {
                self.counts.tolerate("mode-unknown");
            }
            if mode != self.state.mode {
                self.release_promises();
            }
            self.state.mode = mode;
        } else if value.address == plan_now(junction) {
            if code != self.facts.plan.number {
                self.facts.run_plan(code);
                self.is_stale = true;
                self.release_promises();
                if let Some(asker) = &mut self.asker {
                    asker.restart_tour();
                }
            }
        } else if value.address == stage_now(junction) {
            if self.state.stage != Some(code) {
                self.state.stage = Some(code);
                self.note_rounding(at);
            }
        } else {
            return Understood::NoUse;
        }
        Understood::Yes
    }

    fn stage(&mut self, at: Mono, value: Value<'_>) -> Understood {
        let stage = value.address.element;
        if value.address == stage_state(stage) {
            let Some(code) = objects::byte(value.data) else {
                return Understood::Malformed;
            };
            self.state.stage_state = StageState::from_code(code).map(|state| (stage, state));
        } else if value.address == stage_remaining(stage) {
            let Some(seconds) = objects::number(value.data) else {
                return Understood::Malformed;
            };
            if seconds == 0 && self.state.stage == Some(stage) {
                let zero = &mut self.state.zero;
                zero.first.get_or_insert(at);
                zero.last = at;
            }
            self.state.remaining = Some(Remaining { stage, seconds, at });
        } else {
            return Understood::NoUse;
        }
        Understood::Yes
    }

    /// A stage has ended: did it stand at 0 for its last second?
    fn note_rounding(&mut self, at: Mono) {
        let zero = &mut self.state.zero;
        let Some(first) = zero.first.take() else {
            zero.evidence = 0;
            return;
        };
        let stood = zero.last.since(first);
        let is_rounding = stood >= LEAST_ZERO && at.since(first) <= MOST_ZERO;
        zero.evidence = if is_rounding {
            zero.evidence.saturating_add(1)
        } else {
            0
        };
        if is_rounding && zero.evidence == ENOUGH_ZEROS {
            self.counts.tolerate("remaining-rounds-down");
        }
    }

    fn release_promises(&mut self) {
        for lamp in self.state.lamps.iter_mut() {
            lamp.trust.release();
        }
    }

    fn tell(&mut self, arrived: Now, gist: Gist, sink: &mut dyn FnMut(Content)) {
        let stage = self.state.stage;
        let mismatch = self.state.remaining.map(|remaining| remaining.stage) != stage;
        let is_overdue = self.is_overdue(arrived.mono);
        let mut tells_all = gist.completes || gist.is_unasked && gist.has_lamps;
        if let Some(asker) = &mut self.asker {
            if gist.completes && mismatch && stage.is_some_and(|stage| asker.stage_changed(stage)) {
                // What remains of the new stage comes with the next answer.
                tells_all = false;
            }
            if gist.changed != 0 && !gist.completes {
                asker.hurry(arrived.mono);
            }
        }
        if gist.completes || gist.is_unasked {
            self.tell_mode(arrived, sink);
        }
        if tells_all || gist.has_lamps && is_overdue {
            self.work_out();
            self.tell_plan(arrived, sink);
            self.tell_lamps(arrived, sink);
        } else {
            self.tell_changed(gist.changed, sink);
        }
    }

    /// A round does not come to its end, but lamp groups are heard of.
    fn is_overdue(&self, now: Mono) -> bool {
        let told = self.state.lamps_told;
        told.is_none_or(|at| now.since(at) >= self.period() * 2)
    }

    /// How often lamp groups are looked at.
    fn period(&self) -> Duration {
        let asking = self.asker.as_ref().map(Asker::asking);
        asking.map_or(USUAL_PERIOD, |asking| asking.state_every)
    }

    /// A change is told at once, before anything is known of how long it will last.
    fn tell_changed(&mut self, changed: u64, sink: &mut dyn FnMut(Content)) {
        if changed == 0 {
            return;
        }
        let mut states = LampStates::default();
        for number in objects::members(changed) {
            let lamp = &self.state.lamps[usize::from(number) - 1];
            states.lamps.push(LampState {
                lamp: number.into(),
                light: lamp.light,
                countdown_s: None,
            });
        }
        self.counts.report();
        sink(Content::Lamps(states));
    }

    fn tell_mode(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        let Some(mode) = self.state.mode else { return };
        let is_due = self
            .state
            .mode_told
            .is_none_or(|(told, at)| told != mode || arrived.mono.since(at) >= REPEAT);
        if is_due {
            self.state.mode_told = Some((mode, arrived.mono));
            self.counts.report();
            sink(Content::Mode(mode));
        }
    }

    fn work_out(&mut self) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let timeline = Timeline::work_out(&self.facts, self.stage_time);
        if timeline == *self.timeline {
            return;
        }
        let is_known = self.facts.plan.stages.is_some() && self.facts.plan.times_s.is_some();
        if timeline.is_none() && is_known {
            self.counts.tolerate("plan-not-understood");
        }
        *self.timeline = timeline;
        self.state.plan_told = None;
    }

    fn tell_plan(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        let is_due = (self.state.plan_told).is_none_or(|at| arrived.mono.since(at) >= REPEAT);
        let runs_by_plan = matches!(
            self.state.mode,
            Some(ControlMode::FixedTime | ControlMode::Coordinated)
        );
        if !is_due || !runs_by_plan {
            return;
        }
        let timeline = (*self.timeline).as_ref();
        let timeline = timeline.filter(|timeline| timeline.is_fixed());
        if let Some(plan) = timeline.and_then(Timeline::signal_plan) {
            self.state.plan_told = Some(arrived.mono);
            self.counts.report();
            sink(Content::Plan(plan));
        }
    }

    fn tell_lamps(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        let place = self.place(arrived.mono);
        let period = self.period();
        let timeline = (*self.timeline).as_ref();
        let mut states = LampStates::default();
        for (number, lamp) in (1..=MOST).zip(self.state.lamps.iter_mut()) {
            let Some(at) = lamp.at else { continue };
            if arrived.mono.since(at) > LAMP_AGE + period * 2 {
                continue;
            }
            if lamp.trust.see(at, lamp.light, period) == Verdict::Broken {
                self.counts.tolerate("countdown-missed");
            }
            let left_s = timeline
                .zip(place)
                .and_then(|(timeline, place)| timeline.countdown_s(number, lamp.light, place));
            // Until detectors end it, what remains of a stage is the most that can remain.
            let settled = place.is_none_or(|place| place.is_settled(lamp.light));
            // All lists hold 64.
            if let Some(left_s) = left_s.filter(|_| !settled) {
                states.spans.push(LampSpan {
                    lamp: number.into(),
                    max_ms: Some(u32::from(left_s) * 1000),
                    ..LampSpan::default()
                });
            }
            let left_s = left_s.filter(|_| settled);
            states.lamps.push(LampState {
                lamp: number.into(),
                light: lamp.light,
                countdown_s: lamp.trust.promise(arrived.mono, left_s),
            });
        }
        if !states.lamps.is_empty() {
            self.state.lamps_told = Some(arrived.mono);
            self.counts.report();
            sink(Content::Lamps(states));
        }
    }

    /// Where in the plan the controller is, if that has just been said.
    fn place(&mut self, now: Mono) -> Option<Place> {
        let timeline = (*self.timeline).as_ref()?;
        let remaining = self
            .state
            .remaining
            .filter(|remaining| remaining.at == now)?;
        let stage = self.state.stage.filter(|stage| *stage == remaining.stage)?;
        let by_plan = match self.state.mode {
            Some(ControlMode::FixedTime | ControlMode::Coordinated) => true,
            Some(ControlMode::Actuated | ControlMode::Adaptive) | None => false,
            Some(_) => return None,
        };
        let stage_state = self.state.stage_state.filter(|(of, _)| *of == stage);
        let stage_state = stage_state.map(|(_, state)| state);
        if stage_state == Some(StageState::Waiting) {
            return None;
        }
        self.state.place = timeline.place_of(stage, self.state.place);
        let rounds_down = self.state.zero.evidence >= ENOUGH_ZEROS;
        Some(Place {
            stage: self.state.place?,
            remaining_s: remaining.seconds.saturating_add(rounds_down.into()),
            by_plan,
            is_extended: matches!(
                self.state.mode,
                Some(ControlMode::Actuated | ControlMode::Adaptive)
            ),
            in_transition: stage_state == Some(StageState::Transition),
        })
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Understood {
    Yes,
    Malformed,
    NoUse,
}

/// A stage that stands at 0 for so long, and not longer, before the next begins.
const LEAST_ZERO: Duration = Duration::from_millis(400);
const MOST_ZERO: Duration = Duration::from_millis(1700);
/// How many stages in a row must have stood at 0.
const ENOUGH_ZEROS: u8 = 2;
