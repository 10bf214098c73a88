//! The decoder's mirror: a controller that broadcasts or answers. The simulator drives it.

use super::content::{
    self, CONTROL_MODE, CURRENT_PLAN, Entrance, LAMP_STATE, Lamp, LampSteps, Lamps, NEXT_PLAN,
    Place, Plan, RUN_STATE, Step,
};
use super::framing::{Framer, Piece};
use super::wire::{self, Address, Frame, Header, LengthField, Operation};
use super::{RUN_FAULT, RUN_NORMAL, TTL_S, VERSION};
use crate::clock::Utc;
use crate::report::{ControlMode, LampStates, Light, SignalPlan};

/// Who the controller is, and what hangs on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Its address.
    pub controller: Address,
    /// Header field "link code": 0x0004 in Beijing, 0 in Qingdao.
    pub link: u16,
    /// Where it stands.
    pub place: Place,
    /// Its approaches; lamps are said in this order.
    pub approaches: Vec<Approach>,
    /// How it counts the content length.
    pub length_field: LengthField,
}

/// One approach and the lamp groups that face it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Approach {
    /// 0 north, 90 east, 180 south, 270 west.
    pub direction_deg: u16,
    /// Number and kind (see [`Lamp::kind`]) of each lamp group.
    pub lamps: Vec<(u8, u8)>,
}

/// To whom a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Broadcast, operation 87.
    Everyone,
    /// Answer to the one who asked, operation 83.
    Asker(Address),
}

/// What somebody wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub from: Address,
    /// For which object; the codes are in [`content`].
    pub object: u16,
}

/// A controller's voice and, for questions, its ears.
#[derive(Debug)]
pub struct Emitter {
    identity: Identity,
    framer: Framer,
    content: Vec<u8>,
    scratch: Vec<u8>,
}

impl Emitter {
    /// Of one controller. Approaches and lamps beyond what one frame holds
    /// ([`content::MAX_ENTRANCES`], [`MAX_LAMPS`](crate::report::MAX_LAMPS)) are never said.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            framer: Framer::new(),
            content: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Appends a frame of what the lamps show. A lamp without a state, or of unknown light, is said
    /// to have no lamps; a countdown beyond 255 s stops there.
    pub fn lamps(&mut self, utc: Utc, to: Audience, states: &LampStates, out: &mut Vec<u8>) {
        let mut said = Lamps {
            place: self.identity.place,
            ..Lamps::default()
        };
        for approach in &self.identity.approaches {
            let before = said.lamps.len();
            for &(id, kind) in &approach.lamps {
                let state = states
                    .lamps
                    .iter()
                    .find(|state| state.lamp == u16::from(id));
                let countdown_s = state.and_then(|state| state.countdown_s).unwrap_or(0);
                let lamp = Lamp {
                    id,
                    kind,
                    colour: content::colour(state.map_or(Light::Unknown, |state| state.light)),
                    countdown_s: u8::try_from(countdown_s).unwrap_or(u8::MAX),
                };
                if said.lamps.try_push(lamp).is_err() {
                    break;
                }
            }
            let entrance = entrance(approach, said.lamps.len() - before);
            if said.entrances.try_push(entrance).is_err() {
                break;
            }
        }
        self.content.clear();
        said.emit(&mut self.content);
        self.frame(utc, to, LAMP_STATE, out);
    }

    /// Appends a frame of the plan that is running.
    pub fn plan(&mut self, utc: Utc, to: Audience, plan: &SignalPlan, out: &mut Vec<u8>) {
        self.plan_object(utc, to, CURRENT_PLAN, plan, out);
    }

    /// Appends a frame of the plan that comes next.
    pub fn next_plan(&mut self, utc: Utc, to: Audience, plan: &SignalPlan, out: &mut Vec<u8>) {
        self.plan_object(utc, to, NEXT_PLAN, plan, out);
    }

    fn plan_object(
        &mut self,
        utc: Utc,
        to: Audience,
        object: u16,
        plan: &SignalPlan,
        out: &mut Vec<u8>,
    ) {
        let mut said = Plan {
            place: self.identity.place,
            ..Plan::default()
        };
        for approach in &self.identity.approaches {
            let before = said.lamps.len();
            for &(id, kind) in &approach.lamps {
                let lamp = plan.lamps.iter().find(|lamp| lamp.lamp == u16::from(id));
                let steps = lamp.iter().flat_map(|lamp| &lamp.steps).map(|step| Step {
                    colour: content::colour(step.light),
                    duration_s: step.duration_s,
                });
                let lamp = LampSteps {
                    id,
                    kind,
                    steps: steps.collect(),
                };
                if said.lamps.try_push(lamp).is_err() {
                    break;
                }
            }
            let entrance = entrance(approach, said.lamps.len() - before);
            if said.entrances.try_push(entrance).is_err() {
                break;
            }
        }
        said.total_groups = said.lamps.len() as u8;
        self.content.clear();
        said.emit(&mut self.content);
        self.frame(utc, to, object, out);
    }

    /// Appends a frame of the run state and one of the control mode.
    pub fn mode(&mut self, utc: Utc, to: Audience, mode: ControlMode, out: &mut Vec<u8>) {
        let run_state = match mode {
            ControlMode::Fault | ControlMode::FaultFlash => RUN_FAULT,
            _ => RUN_NORMAL,
        };
        for (object, code) in [
            (RUN_STATE, run_state),
            (CONTROL_MODE, content::control_mode_code(mode)),
        ] {
            self.content.clear();
            self.identity.place.emit(&mut self.content);
            self.content.push(code);
            self.frame(utc, to, object, out);
        }
    }

    /// Takes a datagram that somebody sent to the controller and hands out the questions in it.
    /// Everything else in it is dropped.
    pub fn push(&mut self, datagram: &[u8], mut sink: impl FnMut(Question)) {
        self.framer.push(datagram, |piece| {
            if let Piece::Frame { bytes, .. } = piece
                && let Ok(frame) = wire::parse(bytes)
                && frame.header.operation == Operation::Query
            {
                sink(Question {
                    from: frame.header.sender,
                    object: frame.header.object,
                });
            }
        });
        self.framer.end_datagram(|_| {});
    }

    fn frame(&mut self, utc: Utc, to: Audience, object: u16, out: &mut Vec<u8>) {
        let (operation, receiver) = match to {
            Audience::Asker(address) => (Operation::QueryReply, address),
            Audience::Everyone => (
                Operation::Broadcast,
                Address {
                    division: self.identity.controller.division,
                    kind: Address::ROADSIDE_UNIT,
                    number: Address::EVERY,
                },
            ),
        };
        let (utc_s, utc_ms) = wire::clock_fields(utc);
        let header = Header {
            link: self.identity.link,
            sender: self.identity.controller,
            receiver,
            utc_s,
            utc_ms,
            ttl_s: TTL_S,
            version: VERSION,
            operation,
            object,
        };
        let frame = Frame {
            header,
            content: Some((self.identity.length_field, &self.content)),
            signature: None,
        };
        wire::emit(&frame, &mut self.scratch, out);
    }
}

fn entrance(approach: &Approach, groups: usize) -> Entrance {
    Entrance {
        direction_deg: approach.direction_deg,
        // Bounded by the list of lamps, which holds 64.
        groups: groups as u8,
    }
}
