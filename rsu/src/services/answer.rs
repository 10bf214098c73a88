//! RSC and SSM: what vehicles that asked are answered, as long as somebody asks.
//!
//! One grid for both. Of every slot there is one RSC, if a vehicle asked for a lane, and one SSM, if one
//! asked who is seen; an SSM begins with the unit's own entry, as RSM does, so that "nobody" can be said.
//! Not here: what is answered ([`crate::requests`]), and what a road user's entry says (`rsm`).

use std::time::Duration;

use v2x_msg::Message;
use v2x_msg::base::{DSecond, GeoPosition, MsgCount, ParticipantId, StationId, TimeOffset};
use v2x_msg::kinds::rsc::{About, MAX_VEHICLES, Rsc, Suggestion, VehicleAdvice};
use v2x_msg::kinds::rsi::ReferenceLink;
use v2x_msg::kinds::rsm::{Participant, ParticipantKind};
use v2x_msg::kinds::ssm::{Equipment, MAX_PARTICIPANTS, Ssm};
use v2x_msg::kinds::vir::Behavior;

use super::frame::{Frame, FrameKind, NotSent};
use super::schedule::Grid;
use crate::clock::{Mono, Now};
use crate::requests::Advice;

/// When answers are sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Between two answers.
    pub period: Duration,
    /// Where the grid's slots lie behind the UTC second.
    pub offset: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            period: Duration::from_millis(100),
            offset: Duration::from_millis(80),
        }
    }
}

/// When answers are due, and their composition.
#[derive(Debug)]
pub(crate) struct Service {
    /// None where nothing is answered.
    grid: Option<Grid>,
    id: StationId,
    ref_pos: GeoPosition,
    holds: Option<TimeOffset>,
    rsc_cnt: MsgCount,
    ssm_cnt: MsgCount,
    /// The slot in hand, before it has been decided.
    slot: Option<Mono>,
    /// The slot that each message is due for.
    rsc: Option<Mono>,
    ssm: Option<Mono>,
    rsc_message: Message,
    ssm_message: Message,
}

impl Service {
    /// `on` says whether anything is answered at all; an answer holds for so long.
    pub(crate) fn new(
        config: &Config,
        on: bool,
        holds: Duration,
        (id, ref_pos): (StationId, GeoPosition),
        [rsc_cnt, ssm_cnt]: [MsgCount; 2],
    ) -> Self {
        let (rsc_message, ssm_message) = match on {
            true => roomy_messages(id, ref_pos, rsc_cnt),
            false => (Message::default(), Message::default()),
        };
        Self {
            grid: on.then(|| Grid::new(config.period, config.offset)),
            id,
            ref_pos,
            holds: TimeOffset::nearest_s(holds.as_secs_f64()),
            rsc_cnt,
            ssm_cnt,
            slot: None,
            rsc: None,
            ssm: None,
            rsc_message,
            ssm_message,
        }
    }

    /// Keeps step with the clocks; first in every wake-up.
    pub(crate) fn follow(&mut self, now: Now) {
        if let Some(grid) = &mut self.grid {
            grid.follow(now);
        }
    }

    /// A timer may have run out; returns the slots that went by unused.
    pub(crate) fn turn(&mut self, now: Now) -> u64 {
        let Some(grid) = &mut self.grid else { return 0 };
        let turn = grid.turn(now, Duration::ZERO);
        self.slot = turn.slot.or(self.slot);
        turn.missed
    }

    /// When [`Service::turn`] is due next.
    pub(crate) fn due(&self) -> Mono {
        self.grid.as_ref().map_or(Mono::NEVER, Grid::due)
    }

    /// Whether a slot waits to be decided; asked once, it is in hand no more.
    pub(crate) fn take_slot(&mut self) -> Option<Mono> {
        self.slot.take()
    }

    /// What of the slot is to be said.
    pub(crate) fn want(&mut self, slot: Mono, advice: bool, shared: bool) {
        self.rsc = advice.then_some(slot);
        self.ssm = shared.then_some(slot);
    }

    /// Whether an RSC waits to be composed.
    pub(crate) fn advises(&self) -> bool {
        self.rsc.is_some()
    }

    /// Whether an SSM waits to be composed.
    pub(crate) fn shares(&self) -> bool {
        self.ssm.is_some()
    }

    /// Composes what single vehicles are told.
    pub(crate) fn compose_advice(
        &mut self,
        now: Now,
        advice: &[Advice],
        frame: &mut Frame,
    ) -> Result<(), NotSent> {
        let slot = self.rsc.take();
        let vehicles = advice.iter().map(|advice| VehicleAdvice {
            vehicle: advice.vehicle,
            suggestion: Some(Suggestion {
                behavior: advice.behavior,
                lasts: self.holds,
                link: Some(advice.lane),
            }),
            about: Some(About::LANE_CHANGE),
        });
        let rsc = Rsc::new(self.rsc_cnt, self.id, self.ref_pos, vehicles, []);
        let mut rsc = rsc.map_err(|_| NotSent::Refused)?;
        rsc.sec_mark = Some(DSecond::of(now.utc));
        rsc.fill(&mut self.rsc_message);
        frame.compose(FrameKind::Rsc, &self.rsc_message)?;
        frame.slot = slot;
        self.rsc_cnt = self.rsc_cnt.next();
        Ok(())
    }

    /// Composes who is seen where somebody asked; `own` is the unit's own entry.
    pub(crate) fn compose_shared(
        &mut self,
        now: Now,
        own: Participant,
        seen: impl Iterator<Item = Participant>,
        frame: &mut Frame,
    ) -> Result<(), NotSent> {
        let slot = self.ssm.take();
        let seen = std::iter::once(own).chain(seen);
        let ssm = Ssm::new(
            self.ssm_cnt,
            self.id,
            Equipment::Roadside,
            self.ref_pos,
            seen,
        );
        let mut ssm = ssm.map_err(|_| NotSent::Refused)?;
        ssm.sec_mark = Some(DSecond::of(now.utc));
        ssm.fill(&mut self.ssm_message);
        frame.compose(FrameKind::Ssm, &self.ssm_message)?;
        frame.slot = slot;
        self.ssm_cnt = self.ssm_cnt.next();
        Ok(())
    }
}

/// Messages that have held the largest answers, so that no other makes them allocate.
fn roomy_messages(id: StationId, ref_pos: GeoPosition, msg_cnt: MsgCount) -> (Message, Message) {
    let (mut rsc_message, mut ssm_message) = (Message::default(), Message::default());
    let node = v2x_msg::base::NodeId {
        region: None,
        id: 0,
    };
    let advice = VehicleAdvice {
        vehicle: id,
        suggestion: Some(Suggestion {
            behavior: Behavior::NONE,
            lasts: None,
            link: Some(ReferenceLink {
                upstream: node,
                downstream: node,
                lanes: None,
            }),
        }),
        about: None,
    };
    if let Ok(rsc) = Rsc::new(msg_cnt, id, ref_pos, [advice; MAX_VEHICLES], []) {
        rsc.fill(&mut rsc_message);
    }
    let others = (1..MAX_PARTICIPANTS as u8).filter_map(|id| ParticipantId::new(id).ok());
    let others = others.map(|id| Participant::new(ParticipantKind::Motor, id, ref_pos));
    let entries = std::iter::once(Participant::rsu(ref_pos)).chain(others);
    if let Ok(ssm) = Ssm::new(msg_cnt, id, Equipment::Roadside, ref_pos, entries) {
        ssm.fill(&mut ssm_message);
    }
    (rsc_message, ssm_message)
}
