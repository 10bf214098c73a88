//! SPAT: what the signals show and will show, ten times a second and at each change of colour.
//!
//! T/CSAE 159-2020, 8.4 as far as it is public: the grid keeps the rate (at least 2 Hz), and a
//! change of colour adds one SPAT at once, so that nobody waits for the grid. The message is dated
//! with the moment it is composed, the intersection with the moment the lamps were read. Where the
//! signals may say nothing, no SPAT is sent. Not here: where the times come from
//! ([`crate::signals`]).

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::Message;
use v2x_msg::base::{
    Confidence, Countdown, DSecond, HourMark, MinuteOfYear, MsgCount, NodeId, TimeConfidence,
};
use v2x_msg::kinds::spat::{
    Counting, Ends, IntersectionState, Light, MAX_STATES, Mark, Phase, PhaseState, Spat, Timing,
    UtcTiming,
};

use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::{Grid, Turn};
use crate::clock::{Mono, Now};
use crate::report;
use crate::signals::{self, End, Forecast, GreenKind, PhaseForecast, Start, StateForecast};

/// How SPAT is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Between two SPATs of the grid, 50..=500 ms.
    pub period: Duration,
    /// Of the grid's slots behind the UTC second.
    pub offset: Duration,
    /// The form that times have.
    pub form: TimingForm,
    /// Whether a flashing green is sent as such; otherwise it is part of its green.
    pub flashing_green: bool,
    /// Shortest time between two SPATs that changes of colour send.
    pub change_gap: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            period: Duration::from_millis(100),
            offset: Duration::ZERO,
            form: TimingForm::Counting,
            flashing_green: false,
            change_gap: Duration::from_millis(20),
        }
    }
}

/// The two forms that the standard has for times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimingForm {
    /// Tenths of a second from now; the usual one in China.
    #[default]
    Counting,
    /// Tenths of a second in the UTC hour.
    Utc,
}

/// When SPAT is due, and its composition.
#[derive(Debug)]
pub(crate) struct Service {
    config: Config,
    node: NodeId,
    grid: Grid,
    msg_cnt: MsgCount,
    /// When the SPAT for a change of colour is due.
    change_due: Option<Mono>,
    change_sent: Option<Mono>,
    ready: Option<Ready>,
    message: Message,
}

/// A SPAT that is to be composed now.
#[derive(Clone, Copy, Debug)]
struct Ready {
    slot: Option<Mono>,
}

impl Service {
    pub(crate) fn new(config: Config, node: NodeId, msg_cnt: MsgCount) -> Self {
        let grid = Grid::new(config.period, config.offset);
        Self {
            config,
            node,
            grid,
            msg_cnt,
            change_due: None,
            change_sent: None,
            ready: None,
            message: Message::default(),
        }
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        self.grid.follow(now);
    }

    /// A phase has changed colour: a SPAT is due at once, or when the gap since the last one of its
    /// sort is over.
    pub(crate) fn colour_changed(&mut self, now: Now) {
        let free_at = self.change_sent.map_or(now.mono, |sent| sent + self.config.change_gap);
        self.change_due.get_or_insert(free_at.max(now.mono));
    }

    /// Finds out whether a SPAT is due; returns the slots that went by unused.
    pub(crate) fn turn(&mut self, now: Now) -> u64 {
        let Turn { slot, missed } = self.grid.turn(now, Duration::ZERO);
        if slot.is_some() {
            self.ready = Some(Ready { slot });
            self.change_due = None;
        } else if self.change_due.is_some_and(|due| due <= now.mono) {
            self.ready = Some(Ready { slot: None });
            self.change_due = None;
            self.change_sent = Some(now.mono);
        }
        missed
    }

    /// When [`Service::turn`] is due next.
    pub(crate) fn due(&self) -> Mono {
        self.change_due.map_or(self.grid.due(), |change| change.min(self.grid.due()))
    }

    /// Whether a SPAT waits to be composed.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// Lets the SPAT that waits go unsent.
    pub(crate) fn skip(&mut self) {
        self.ready = None;
    }

    /// Composes the SPAT that waits.
    pub(crate) fn compose(
        &mut self,
        now: Now,
        forecast: &Forecast,
        frame: &mut Frame,
    ) -> Result<(), NotSent> {
        let slot = self.ready.take().and_then(|ready| ready.slot);
        let spat = spat(&self.config, self.node, self.msg_cnt, now, forecast)
            .map_err(|_| NotSent::Refused)?;
        spat.fill(&mut self.message);
        frame.compose(FrameKind::Spat, &self.message)?;
        frame.slot = slot;
        self.msg_cnt = self.msg_cnt.next();
        Ok(())
    }
}

/// The message of one moment.
fn spat(
    config: &Config,
    node: NodeId,
    msg_cnt: MsgCount,
    now: Now,
    forecast: &Forecast,
) -> Result<Spat, v2x_msg::kinds::spat::Refused> {
    let mut phases = ArrayVec::<Phase, { v2x_msg::kinds::spat::MAX_PHASES }>::new();
    for phase in forecast.phases.iter().take(phases.capacity()) {
        phases.push(Phase::new(phase.phase, states(config, now, phase))?);
    }
    let mut intersection = IntersectionState::new(node, phases)?;
    let read_at = now.utc_at(forecast.collected_at);
    intersection.status = status(forecast.status);
    intersection.moy = Some(MinuteOfYear::of(read_at));
    intersection.time_stamp = Some(DSecond::of(read_at));
    intersection.time_confidence =
        TimeConfidence::from_error_s(forecast.timing_error.as_secs_f64());
    let mut spat = Spat::new(msg_cnt, [intersection])?;
    spat.moy = Some(MinuteOfYear::of(now.utc));
    spat.time_stamp = Some(DSecond::of(now.utc));
    Ok(spat)
}

/// The states of one phase in the lights of the air, each light once.
fn states(
    config: &Config,
    now: Now,
    phase: &PhaseForecast,
) -> ArrayVec<PhaseState, MAX_STATES> {
    let mut merged = ArrayVec::<(Light, StateForecast), MAX_STATES>::new();
    for state in &phase.states {
        let light = light(config, state.light, phase.green);
        match merged.iter().position(|(earlier, _)| *earlier == light) {
            // Nine lights, nine places: a light that is new has a place.
            None => merged.push((light, *state)),
            Some(place) => {
                let adjacent = place + 1 == merged.len();
                join(&mut merged[place].1, state, adjacent);
            }
        }
    }
    let timed = |(light, state): &(Light, StateForecast)| PhaseState {
        light: *light,
        timing: state.timing.as_ref().map(|timing| match config.form {
            TimingForm::Counting => Timing::Counting(counting(now, timing)),
            TimingForm::Utc => Timing::Utc(utc_timing(now, timing)),
        }),
    };
    merged.iter().map(timed).collect()
}

/// Takes `later`, which is sent in the same light, into `earlier`.
///
/// Right behind it, the two are one state that ends when `later` does. Otherwise `later` is when
/// `earlier` comes again.
fn join(earlier: &mut StateForecast, later: &StateForecast, adjacent: bool) {
    let (Some(first), Some(second)) = (&mut earlier.timing, &later.timing) else {
        if adjacent {
            earlier.timing = None;
        }
        return;
    };
    if adjacent {
        first.end = second.end;
        first.confidence = second.confidence;
        first.next = match (first.next, second.next) {
            (Some((start, length)), Some((_, more))) => Some((start, length + more)),
            _ => None,
        };
    } else if first.next.is_none()
        && let (Start::At(start), End::At { likely, .. }) = (second.start, second.end)
    {
        first.next = Some((start, likely.since(start)));
    }
}

fn counting(now: Now, timing: &signals::Timing) -> Counting {
    let left = |moment: Mono| Countdown::of(moment.since(now.mono));
    let start = match timing.start {
        Start::Running { .. } => Countdown::ZERO,
        // Zero would say that it is on.
        Start::At(start) => Countdown::of(start.since(now.mono).max(TENTH)),
    };
    Counting {
        start: Some(start),
        ends: ends(&timing.end, left, Countdown::HOUR_OR_MORE),
        confidence: confidence(timing.confidence),
        next_start: timing.next.map(|(start, _)| left(start)),
        next_duration: timing.next.map(|(_, length)| Countdown::of(length)),
    }
}

fn utc_timing(now: Now, timing: &signals::Timing) -> UtcTiming {
    let mark = |moment: Mono| HourMark::of(now.utc_at(moment), now.utc);
    UtcTiming {
        start: match timing.start {
            Start::Running { since } => since.map(mark),
            Start::At(start) => Some(mark(start)),
        },
        ends: ends(&timing.end, mark, HourMark::FAR),
        confidence: confidence(timing.confidence),
        next_start: timing.next.map(|(start, _)| mark(start)),
        next_end: timing.next.map(|(start, length)| mark(start + length)),
    }
}

/// T/CSAE 159-2020: a fixed end is earliest, likely and latest at once; a phase that never changes
/// ends in an hour or more.
fn ends<M: Mark>(end: &End, mark: impl Fn(Mono) -> M, endless: M) -> Ends<M> {
    match *end {
        End::Endless => Ends::likely_at(endless),
        End::At { min, likely, max } => {
            let likely = mark(likely);
            // A forecast out of order keeps what matters most.
            Ends::new(min.map(&mark), Some(likely), max.map(&mark))
                .unwrap_or(Ends::likely_at(likely))
        }
    }
}

fn confidence(share: Option<f32>) -> Option<Confidence> {
    Confidence::nearest_percent(f64::from(share?) * 100.0)
}

fn light(config: &Config, shown: report::Light, green: GreenKind) -> Light {
    use report::Light as Shown;
    match (shown, green) {
        (Shown::Unknown, _) => Light::Unavailable,
        (Shown::Dark, _) => Light::Dark,
        // Red and yellow before green has no light of its own on the air; one must still stop.
        (Shown::Red | Shown::RedYellow, _) => Light::Red,
        (Shown::FlashingRed, _) => Light::FlashingRed,
        (Shown::FlashingGreen, _) if config.flashing_green => Light::FlashingGreen,
        (Shown::Green | Shown::FlashingGreen, GreenKind::Protected) => Light::ProtectedGreen,
        (Shown::Green | Shown::FlashingGreen, GreenKind::Permissive) => Light::PermissiveGreen,
        (Shown::Yellow, _) => Light::Yellow,
        (Shown::FlashingYellow, _) => Light::FlashingYellow,
    }
}

const TENTH: Duration = Duration::from_millis(100);
