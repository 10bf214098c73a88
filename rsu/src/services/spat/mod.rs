//! SPAT: what the signals show and will show, ten times a second and at each change of colour.
//!
//! T/CSAE 159-2020, 8.4 as far as it is public: the grid keeps the rate (at least 2 Hz), and a
//! change of colour adds one SPAT at once, so that nobody waits for the grid. The message is dated
//! with the moment it is composed, the intersection with the moment the lamps were read. Where the
//! signals may say nothing, no SPAT is sent. Not here: where the times come from
//! ([`crate::signals`]).

mod states;

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::Message;
use v2x_msg::base::{DSecond, MinuteOfYear, MsgCount, NodeId, PhaseId, TimeConfidence};
use v2x_msg::kinds::spat::{
    IntersectionState, Light, MAX_PHASES, Phase, PhaseState, Refused, Spat,
};

use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::{Grid, Turn};
use crate::clock::{Mono, Now};
use crate::signals::Forecast;
use states::states;

/// How SPAT is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Between two SPATs of the grid, 50..=500 ms.
    pub period: Duration,
    /// Of the grid's slots behind the UTC second.
    pub offset: Duration,
    /// The form that times have.
    pub form: TimingForm,
    /// Shortest time between two SPATs that changes of colour send.
    pub change_gap: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            period: Duration::from_millis(100),
            offset: Duration::ZERO,
            form: TimingForm::Counting,
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
            message: roomy_message(node, msg_cnt),
        }
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        self.grid.follow(now);
    }

    /// A phase has changed colour: a SPAT is due at once, or when the gap since the last one of its
    /// sort is over.
    pub(crate) fn colour_changed(&mut self, now: Now) {
        let free_at = self
            .change_sent
            .map_or(now.mono, |sent| sent + self.config.change_gap);
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
        self.change_due
            .map_or(self.grid.due(), |change| change.min(self.grid.due()))
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

/// A message that has held the largest SPAT, so that no other makes it allocate.
fn roomy_message(node: NodeId, msg_cnt: MsgCount) -> Message {
    let mut message = Message::default();
    let states = Light::ALL.map(|light| PhaseState {
        light,
        timing: None,
    });
    let phases = (1..=MAX_PHASES as u8).filter_map(|id| PhaseId::new(id).ok());
    let phases = phases.filter_map(|id| Phase::new(id, states).ok());
    let intersection = IntersectionState::new(node, phases);
    if let Ok(spat) = intersection.and_then(|intersection| Spat::new(msg_cnt, [intersection])) {
        spat.fill(&mut message);
    }
    message
}

/// The message of one moment.
fn spat(
    config: &Config,
    node: NodeId,
    msg_cnt: MsgCount,
    now: Now,
    forecast: &Forecast,
) -> Result<Spat, Refused> {
    let mut phases = ArrayVec::<Phase, MAX_PHASES>::new();
    for phase in forecast.phases.iter().take(MAX_PHASES) {
        phases.push(Phase::new(phase.phase, states(config, now, phase))?);
    }
    let mut intersection = IntersectionState::new(node, phases)?;
    let read_at = now.utc_at(forecast.collected_at);
    intersection.status = forecast.status;
    intersection.moy = Some(MinuteOfYear::of(read_at));
    intersection.time_stamp = Some(DSecond::of(read_at));
    intersection.time_confidence =
        TimeConfidence::from_error_s(forecast.timing_error.as_secs_f64());
    let mut spat = Spat::new(msg_cnt, [intersection])?;
    spat.moy = Some(MinuteOfYear::of(now.utc));
    spat.time_stamp = Some(DSecond::of(now.utc));
    Ok(spat)
}

#[cfg(test)]
mod tests;
