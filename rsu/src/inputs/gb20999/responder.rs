//! The decoder's mirror: a controller that answers a host. The simulator drives it.
//!
//! [`Junction`] is what is configured in the controller, [`Moment`] what it does just now. A moment
//! can be made from a real plan's state, or taken from [`Junction::at`], which runs the plan by the
//! clock. Nothing here opens a socket: bytes of a host go in, bytes of the controller come out.

use std::time::Duration;

use super::framing::{Framer, Piece};
use super::objects::{
    self, CLOCK, FAULT_COUNT, LAMP_COUNT, MOST, NO_SUCH_VALUE, Part, STAGE_FIXED, STAGE_ON_DEMAND,
    StageState, TRANSITIONS, bit, control_mode_code, fault_code, fault_number, fault_time,
    lamp_code, lamp_state, mode_now, phase_greatest_green, phase_lamps, phase_least_green,
    phase_transition, plan_cycle, plan_kinds, plan_now, plan_stages, plan_times, stage_early_end,
    stage_elapsed, stage_late_start, stage_now, stage_phases, stage_remaining, stage_state,
};
use super::wire::{self, Address, Composer, Escaping, Frame, Header, Kind};
use crate::clock::Utc;
use crate::report::{ControlMode, Light};

/// Who the controller is, and how it departs from the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub controller: u32,
    /// The version that it says.
    pub version: u16,
    /// As it goes over its carrier.
    pub escaping: Escaping,
    /// Answer with the sequence of the question, as the standard has it; else with the next one, as
    /// the recorded controller does.
    pub echoes_sequence: bool,
    /// Answer at most so many values of a question.
    pub most_values: usize,
}

impl Default for Identity {
    /// As the standard has it, over UDP.
    fn default() -> Self {
        Self {
            controller: 0,
            version: 0x0102,
            escaping: Escaping::None,
            echoes_sequence: true,
            most_values: 255,
        }
    }
}

/// One stage, in its place in the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// Its number, 1 to 64.
    pub number: u8,
    /// Phases with right of way.
    pub phases: Vec<u8>,
    /// To the beginning of the next stage.
    pub time_s: u16,
    /// It comes only where somebody asks for it.
    pub is_on_demand: bool,
}

/// One phase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Its number, 1 to 64.
    pub number: u8,
    /// Its lamp groups, 1 to 64.
    pub lamps: Vec<u8>,
    /// Up to three colours before its green, with seconds.
    pub getting: Vec<(Light, u8)>,
    /// Up to three colours after it.
    pub losing: Vec<(Light, u8)>,
    /// The shortest that its green may be, and the two longest; 0 is no limit.
    pub least_green_s: u16,
    /// See `least_green_s`.
    pub greatest_greens_s: [u16; 2],
}

/// An entry of the log of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which of all.
    pub number: u32,
    /// What went wrong; see [`objects::fault`].
    pub code: u8,
    /// When, by the controller's clock.
    pub utc: Utc,
}

/// What is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Junction {
    /// The number of its plan.
    pub plan: u8,
    /// The chain: at most 16.
    pub stages: Vec<Stage>,
    /// All of them.
    pub phases: Vec<Phase>,
    /// What has gone wrong, the oldest first; at most 255.
    pub faults: Vec<Fault>,
}

/// What the controller does just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How it is being run.
    pub mode: ControlMode,
    /// Which stage runs.
    pub stage: u8,
    /// And how.
    pub state: StageState,
    /// For how long it has run.
    pub elapsed_s: u32,
    /// For how long it will still run, as the controller says it.
    pub remaining_s: u32,
    /// What each lamp group shows.
    pub lamps: Vec<(u8, Light)>,
    /// What its clock shows; None: it tells none.
    pub utc: Option<Utc>,
}

impl Junction {
    /// The length of a cycle.
    pub fn cycle(&self) -> Duration {
        let seconds = self
            .stages
            .iter()
            .map(|stage| u64::from(stage.time_s))
            .sum();
        Duration::from_secs(seconds)
    }

    /// What a controller that runs this plan by the clock does at a moment of its cycle, with what
    /// remains rounded up. None for a plan without stages.
    pub fn at(&self, into_cycle: Duration) -> Option<Moment> {
        let cycle = self.cycle();
        if cycle.is_zero() {
            return None;
        }
        let nanos = into_cycle.as_nanos() % cycle.as_nanos();
        let mut into = Duration::from_nanos(u64::try_from(nanos).ok()?);
        let mut place = 0;
        while into >= seconds(self.stages[place].time_s) {
            into -= seconds(self.stages[place].time_s);
            place += 1;
        }
        let stage = &self.stages[place];
        let left = seconds(stage.time_s) - into;
        let lamps = (1..=MOST).filter_map(|lamp| {
            let has = |phase: &&Phase| phase.lamps.contains(&lamp);
            self.phases.iter().find(has)?;
            Some((lamp, self.light(place, lamp, into, left)))
        });
        let lamps: Vec<(u8, Light)> = lamps.collect();
        let is_losing = |&(lamp, light): &(u8, Light)| {
            light != Light::Green && self.phase_of(place, lamp).is_some() && left < into
        };
        Some(Moment {
            mode: ControlMode::FixedTime,
            stage: stage.number,
            state: if lamps.iter().any(is_losing) {
                StageState::Transition
            } else {
                StageState::Running
            },
            elapsed_s: into.as_secs() as u32,
            remaining_s: left.as_secs() as u32 + u32::from(left.subsec_nanos() > 0),
            lamps,
            utc: None,
        })
    }

    fn light(&self, place: usize, lamp: u8, into: Duration, left: Duration) -> Light {
        let count = self.stages.len();
        let Some(phase) = self.phase_of(place, lamp) else {
            return Light::Red;
        };
        if self.phase_of((place + count - 1) % count, lamp).is_none() {
            let mut at = Duration::ZERO;
            for &(light, time_s) in &phase.getting {
                at += seconds(time_s.into());
                if into < at {
                    return light;
                }
            }
        }
        if self.phase_of((place + 1) % count, lamp).is_none() {
            let mut rest: Duration = phase.losing.iter().map(|(_, s)| seconds((*s).into())).sum();
            for &(light, time_s) in &phase.losing {
                let end = rest - seconds(time_s.into());
                if left <= rest && left > end {
                    return light;
                }
                rest = end;
            }
        }
        Light::Green
    }

    fn phase_of(&self, place: usize, lamp: u8) -> Option<&Phase> {
        let stage = &self.stages[place];
        let has =
            |phase: &&Phase| stage.phases.contains(&phase.number) && phase.lamps.contains(&lamp);
        self.phases.iter().find(has)
    }
}

/// A controller's ears and voice.
#[derive(Debug)]
pub struct Responder {
    identity: Identity,
    junction: Junction,
    framer: Framer,
    plain: Vec<u8>,
    out: Vec<u8>,
    sequence: u8,
}

impl Responder {
    /// Of one controller with one junction.
    pub fn new(identity: Identity, junction: Junction) -> Self {
        Self {
            identity,
            junction,
            framer: Framer::new(),
            plain: Vec::new(),
            out: Vec::new(),
            sequence: 0,
        }
    }

    /// What is configured.
    pub fn junction(&self) -> &Junction {
        &self.junction
    }

    /// Another plan, or another configuration.
    pub fn configure(&mut self, junction: Junction) {
        self.junction = junction;
    }

    /// Takes a datagram or the next bytes of a stream from a host, and hands out each answer: a
    /// datagram of its own over UDP.
    ///
    /// Questions and heartbeats are answered, changes refused, all else is dropped.
    pub fn push(&mut self, bytes: &[u8], moment: &Moment, mut sink: impl FnMut(&[u8])) {
        let Self {
            identity,
            junction,
            framer,
            plain,
            out,
            ..
        } = self;
        let mut answer = |piece: Piece<'_>| {
            if let Piece::Frame { bytes, .. } = piece
                && let Ok(frame) = wire::parse(bytes)
            {
                out.clear();
                answer_to(&frame, identity, junction, moment, plain, out);
                if !out.is_empty() {
                    sink(out);
                }
            }
        };
        match identity.escaping {
            Escaping::None => framer.datagram(bytes, &mut answer),
            Escaping::Stream => framer.push(bytes, &mut answer),
        }
    }

    /// Appends what the controller reports by itself: the values at these addresses, those that it
    /// has.
    pub fn report(&mut self, addresses: &[Address], moment: &Moment, out: &mut Vec<u8>) {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            version: self.identity.version,
            host: 0,
            controller: self.identity.controller,
            junction: 0,
            sequence: self.sequence,
            kind: Kind::Report,
        };
        let mut composer = Composer::new(&header, &mut self.plain);
        for &address in addresses {
            if let Some(data) = value(&self.junction, moment, address) {
                composer.value(address, &data);
            }
        }
        composer.finish(self.identity.escaping, out);
    }
}

fn answer_to(
    frame: &Frame<'_>,
    identity: &Identity,
    junction: &Junction,
    moment: &Moment,
    plain: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    let kind = match frame.header.kind {
        Kind::Query => Kind::QueryReply,
        Kind::Set => Kind::SetError,
        Kind::Heartbeat => Kind::HeartbeatReply,
        _ => return,
    };
    let header = Header {
        version: identity.version,
        controller: identity.controller,
        sequence: if identity.echoes_sequence {
            frame.header.sequence
        } else {
            frame.header.sequence.wrapping_add(1)
        },
        kind,
        ..frame.header
    };
    let mut missing: Vec<Address> = Vec::new();
    let mut composer = Composer::new(&header, plain);
    for asked in frame.values().take(identity.most_values) {
        match (kind, value(junction, moment, asked.address)) {
            (Kind::QueryReply, Some(data)) => {
                composer.value(asked.address, &data);
            }
            (Kind::QueryReply, None) => missing.push(asked.address),
            (Kind::SetError, _) => {
                composer.value(asked.address, &[READ_ONLY]);
            }
            _ => {}
        }
    }
    if !composer.is_empty() || kind != Kind::QueryReply {
        composer.finish(identity.escaping, out);
    }
    if !missing.is_empty() {
        let refused = Header {
            kind: Kind::QueryError,
            ..header
        };
        let mut composer = Composer::new(&refused, plain);
        for address in missing {
            composer.value(address, &[NO_SUCH_VALUE]);
        }
        composer.finish(identity.escaping, out);
    }
}

/// The data at an address, as it goes on the wire.
fn value(junction: &Junction, moment: &Moment, address: Address) -> Option<Vec<u8>> {
    let element = address.element;
    match address.class {
        3 => lamp_value(junction, moment, address),
        4 => {
            let phase = junction
                .phases
                .iter()
                .find(|phase| phase.number == element)?;
            phase_value(phase, address)
        }
        6 => stage_value(junction, moment, address),
        9 if element == junction.plan => plan_value(junction, address),
        16 => fault_value(junction, address),
        13 if address == CLOCK => Some(objects::utc_bytes(moment.utc?).to_vec()),
        13 if element == 1 => {
            let byte = if address == mode_now(1) {
                control_mode_code(moment.mode)
            } else if address == plan_now(1) {
                junction.plan
            } else if address == stage_now(1) {
                moment.stage
            } else {
                return None;
            };
            Some(vec![byte])
        }
        _ => None,
    }
}

fn lamp_value(junction: &Junction, moment: &Moment, address: Address) -> Option<Vec<u8>> {
    if address == LAMP_COUNT {
        let lamps = junction.phases.iter().flat_map(|phase| &phase.lamps);
        return Some(vec![lamps.copied().max().unwrap_or(0)]);
    }
    let shown = |(lamp, _): &&(u8, Light)| address == lamp_state(*lamp);
    let (_, light) = moment.lamps.iter().find(shown)?;
    Some(vec![lamp_code(*light)])
}

fn phase_value(phase: &Phase, address: Address) -> Option<Vec<u8>> {
    if address == phase_lamps(phase.number) {
        return Some(set(&phase.lamps));
    }
    if address == phase_least_green(phase.number) {
        return Some(phase.least_green_s.to_be_bytes().to_vec());
    }
    for (which, greatest_s) in (0..).zip(phase.greatest_greens_s) {
        if address == phase_greatest_green(phase.number, which) {
            return Some(greatest_s.to_be_bytes().to_vec());
        }
    }
    for place in 0..2 * TRANSITIONS {
        let (list, at) = match place.checked_sub(TRANSITIONS) {
            None => (&phase.losing, place),
            Some(at) => (&phase.getting, at),
        };
        let (light, time_s) = list.get(at).copied().unwrap_or((Light::Red, 0));
        let place = place as u8;
        if address == phase_transition(phase.number, place, Part::Colour) {
            return Some(vec![lamp_code(light)]);
        }
        if address == phase_transition(phase.number, place, Part::Time) {
            return Some(vec![time_s]);
        }
    }
    None
}

fn stage_value(junction: &Junction, moment: &Moment, address: Address) -> Option<Vec<u8>> {
    let number = address.element;
    let stage = junction
        .stages
        .iter()
        .find(|stage| stage.number == number)?;
    let is_now = moment.stage == number;
    let short = |seconds: u32| (seconds as u16).to_be_bytes().to_vec();
    if address == stage_phases(number) {
        Some(set(&stage.phases))
    } else if address == stage_late_start(number) || address == stage_early_end(number) {
        Some(vec![0; MOST.into()])
    } else if address == stage_state(number) {
        let state = if is_now {
            moment.state
        } else {
            StageState::Waiting
        };
        Some(vec![state.code()])
    } else if address == stage_elapsed(number) {
        Some(short(if is_now { moment.elapsed_s } else { 0 }))
    } else if address == stage_remaining(number) {
        Some(short(if is_now { moment.remaining_s } else { 0 }))
    } else {
        None
    }
}

fn plan_value(junction: &Junction, address: Address) -> Option<Vec<u8>> {
    let plan = junction.plan;
    let stages = junction.stages.iter().rev();
    let chain = |list: Vec<u8>, width: usize| {
        let mut data = vec![0; (objects::MAX_CHAIN * width).saturating_sub(list.len())];
        data.extend(list);
        Some(data)
    };
    if address == plan_cycle(plan) {
        let cycle_s = junction.cycle().as_secs() as u32;
        Some(cycle_s.to_be_bytes().to_vec())
    } else if address == plan_stages(plan) {
        chain(stages.map(|stage| stage.number).collect(), 1)
    } else if address == plan_times(plan) {
        chain(
            stages
                .flat_map(|stage| stage.time_s.to_be_bytes())
                .collect(),
            2,
        )
    } else if address == plan_kinds(plan) {
        let kind = |stage: &Stage| match stage.is_on_demand {
            true => STAGE_ON_DEMAND,
            false => STAGE_FIXED,
        };
        chain(stages.map(kind).collect(), 1)
    } else {
        None
    }
}

fn fault_value(junction: &Junction, address: Address) -> Option<Vec<u8>> {
    if address == FAULT_COUNT {
        let count = junction.faults.len() as u32;
        return Some(count.to_be_bytes().to_vec());
    }
    let place = address.element;
    let fault = junction.faults.get(usize::from(place).checked_sub(1)?)?;
    if address == fault_number(place) {
        Some(fault.number.to_be_bytes().to_vec())
    } else if address == fault_code(place) {
        Some(vec![fault.code])
    } else if address == fault_time(place) {
        Some(objects::utc_bytes(fault.utc).to_vec())
    } else {
        None
    }
}

fn set(numbers: &[u8]) -> Vec<u8> {
    let bits = numbers.iter().fold(0, |set, number| set | bit(*number));
    bits.to_be_bytes().to_vec()
}

fn seconds(seconds: u16) -> Duration {
    Duration::from_secs(seconds.into())
}

/// Why a change is refused.
const READ_ONLY: u8 = 0x20;
