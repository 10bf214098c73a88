//! What a controller does from second to second, as it was heard: lamp groups, stage, what remains of it.
//!
//! Not here: plans and what else stays (`facts`), and what is told of it (`word`).

use std::time::Duration;

use super::facts::GreenLimits;
use super::objects::{self, MOST, StageState};
use super::timeline::merged;
use super::trust::Trust;
use crate::clock::Mono;
use crate::report::{ControlMode, LampSpan, Light};

/// What changes from second to second.
#[derive(Debug)]
pub(super) struct State {
    lamps: Box<[Lamp; MOST as usize]>,
    pub(super) mode: Option<ControlMode>,
    pub(super) mode_told: Option<(ControlMode, Mono)>,
    pub(super) plan_told: Option<Mono>,
    /// All of them.
    pub(super) lamps_told: Option<Mono>,
    pub(super) stage: Option<u8>,
    pub(super) stage_state: Option<(u8, StageState)>,
    pub(super) remaining: Option<Remaining>,
    /// In the chain.
    pub(super) place: Option<usize>,
    pub(super) zero: Zero,
}

/// A lamp group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lamp {
    pub(super) light: Light,
    pub(super) at: Option<Mono>,
    pub(super) trust: Trust,
    /// Not before and not after these moments its green began, where that was seen.
    began: Option<(Mono, Mono)>,
}

/// What remains of a stage, and when that was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remaining {
    pub(super) stage: u8,
    pub(super) seconds: u32,
    pub(super) at: Mono,
}

/// Whether the remaining time is 0 for the whole last second of a stage.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Zero {
    first: Option<Mono>,
    last: Mono,
    /// Stages in a row that ended so.
    evidence: u8,
}

/// How a controller is listened to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// A lamp group is heard of at least so often, if nothing is lost.
    pub(super) usual: Duration,
    /// What is heard may have been so for so long: an answer may be that of an earlier question.
    pub(super) held: Duration,
}

impl State {
    pub(super) fn new(proves: bool) -> Self {
        let lamp = Lamp {
            light: Light::Unknown,
            at: None,
            trust: Trust::new(proves),
            began: None,
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

    /// A lamp group, by its number from 1; None for a number that none has.
    pub(super) fn lamp(&mut self, number: u8) -> Option<&mut Lamp> {
        self.lamps.get_mut(usize::from(number).checked_sub(1)?)
    }

    /// All of them, from number 1 on.
    pub(super) fn lamps(&mut self) -> impl Iterator<Item = (u8, &mut Lamp)> {
        (1..=MOST).zip(self.lamps.iter_mut())
    }

    /// Detectors decide when greens end.
    pub(super) fn is_extended(&self) -> bool {
        matches!(
            self.mode,
            Some(ControlMode::Actuated | ControlMode::Adaptive)
        )
    }

    /// What was promised holds no longer.
    pub(super) fn release_promises(&mut self) {
        for lamp in self.lamps.iter_mut() {
            lamp.trust.release();
        }
    }
}

impl Lamp {
    /// Takes in what it shows; true where that is another light than before.
    pub(super) fn see(&mut self, at: Mono, light: Light, pace: Pace) -> bool {
        let lately = |before: &Mono| at.since(*before) <= LAMP_AGE + pace.usual * 2;
        let before = self.at.filter(lately);
        let was_green = merged(self.light) == Light::Green;
        self.began = match (merged(light) == Light::Green, before) {
            (true, Some(_)) if was_green => self.began,
            (true, Some(before)) if self.light != Light::Unknown => Some((before - pace.held, at)),
            _ => None,
        };
        let changed = self.at.is_some() && light != self.light;
        self.light = light;
        self.at = Some(at);
        changed
    }

    /// Whether it was heard of lately.
    pub(super) fn is_fresh(&self, now: Mono, pace: Pace) -> bool {
        let fresh = |at| now.since(at) <= LAMP_AGE + pace.usual * 2;
        self.at.is_some_and(fresh)
    }

    /// The earliest and latest end of its green by such limits, as far as they are yet to come.
    pub(super) fn span(&self, number: u8, limits: GreenLimits, now: Mono) -> LampSpan {
        let seconds = |s: u32| Duration::from_secs(s.into());
        let left_ms = |end: Mono| {
            let left_ms = u32::try_from(end.since(now).as_millis()).ok()?;
            (left_ms > 0).then_some(left_ms)
        };
        let of = |limit_s: Option<u32>, began: Option<Mono>| {
            left_ms(began? + seconds(limit_s.filter(|s| *s <= LONGEST_S)?))
        };
        LampSpan {
            lamp: number.into(),
            min_ms: of(limits.least_s, self.began.map(|(from, _)| from)),
            max_ms: of(limits.greatest_s, self.began.map(|(_, to)| to)),
            likely_ms: None,
        }
    }
}

impl Zero {
    /// The running stage is said to have nothing left.
    pub(super) fn stands(&mut self, at: Mono) {
        self.first.get_or_insert(at);
        self.last = at;
    }

    /// A stage has ended: did it stand at 0 for its last second? True when that has been found out.
    pub(super) fn stage_ended(&mut self, at: Mono) -> bool {
        let Some(first) = self.first.take() else {
            self.evidence = 0;
            return false;
        };
        let stood = self.last.since(first);
        let is_rounding = stood >= LEAST_ZERO && at.since(first) <= MOST_ZERO;
        self.evidence = if is_rounding {
            self.evidence.saturating_add(1)
        } else {
            0
        };
        is_rounding && self.evidence == ENOUGH_ZEROS
    }

    /// The controller rounds down what remains.
    pub(super) fn rounds_down(&self) -> bool {
        self.evidence >= ENOUGH_ZEROS
    }
}

/// What a lamp code shows.
pub(super) fn light(data: &[u8]) -> Option<Light> {
    objects::byte(data).map(objects::light)
}

/// A lamp group that was not heard of for longer is left out of a report, beside two periods.
const LAMP_AGE: Duration = Duration::from_secs(1);
/// A limit beyond this is none.
const LONGEST_S: u32 = 3600;
/// A stage that stands at 0 for so long, and not longer, before the next begins.
const LEAST_ZERO: Duration = Duration::from_millis(400);
const MOST_ZERO: Duration = Duration::from_millis(1700);
/// How many stages in a row must have stood at 0.
const ENOUGH_ZEROS: u8 = 2;
