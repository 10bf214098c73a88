//! Lamp states, countdowns and plans to a forecast of each phase: what it shows, until when, what
//! comes next, and how well that is known.
//!
//! - `watch`: what one phase shows
//! - `kept`: how often its told ends came true; `limits`: how soon and late it may end, as it is said
//! - `anchor`: one moment that a controller keeps announcing, freed of the jitter of its news
//! - `pace`: whether the first report of a second was lost
//! - `rounding`: how a controller makes whole seconds
//! - `drift`: how far told ends were off
//! - `jitter`: how late a controller's news come
//! - `cycle`: the plan that is running, and where in it the controller is; `succession`: whether
//!   another follows it
//! - `history`: how long each light lasted before
//! - `conflict`: phases that must not be green together
//! - `mode`: what the way in which a controller is run means
//! - `tell`: what may be told of a phase
//! - `promise`: that a told end does not jump
//! - `forecast`: what is known, as values
//! - `score`: what forecasts were worth, on recorded signals
//!
//! A controller announces whole seconds. They become tenths by the moments at which its news arrive:
//! news can be late but never early, so the earliest of several agreeing announcements is right (of a
//! controller that was found to round down the latest), and a promised end moves only in small steps
//! from one to the next. An announcement that differs by
//! more than a second is a change of mind: it is followed at once, but until it is repeated the old
//! end stays a bound. With the running plan known, and proved second by second against the lamps, the
//! whole cycle is forecast. Where a controller announces nothing, the past speaks, with a confidence
//! that the past has earned.
//!
//! Never a guess: manual control, an end that has passed, silence: each takes the timing away, then
//! the colour, then the voice. Only a plan that was followed outlives a short silence, with falling
//! confidence. The colour changes only when the controller says so, and what comes out of order never
//! brings a green back. (T/CSAE 159-2020, 8.4; GA/T 1743-2020 for the countdown.) Not here: SPAT
//! itself; device clocks.

mod anchor;
mod conflict;
mod cycle;
mod drift;
mod forecast;
mod history;
mod jitter;
mod kept;
mod limits;
mod mode;
mod pace;
mod promise;
mod rounding;
pub mod score;
mod succession;
mod tell;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::PhaseId;
use v2x_msg::kinds::spat::Status;

use self::conflict::Conflicts;
use self::cycle::{Adopted, Cycle};
use self::drift::Drift;
use self::history::History;
use self::jitter::Jitter;
use self::mode::{follows_a_plan, is_untimed, status_of, status_shown};
use self::promise::Promise;
use self::rounding::Learned;
use self::tell::{Known, Patience};
use self::watch::{Countdown, Seen, Watch};
use crate::clock::{Mono, Now};
use crate::report::{ControlMode, InputId, LampSpan, LampState, LampStates, Light, SignalPlan};
use crate::site::{Phase, Site};

pub use crate::site::GreenKind;
pub use forecast::{Basis, End, Forecast, PhaseForecast, Start, StateForecast, Timing};

/// Most phases of one junction, as in SPAT.
pub const MAX_PHASES: usize = 16;
/// Most controllers of one junction.
pub const MAX_CONTROLLERS: usize = 4;

/// How long news stay good.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// A controller silent for longer has its timing withheld.
    pub no_timing_after: Duration,
    /// So long into a silence the times of a fixed plan that was followed still hold, with a
    /// confidence that falls to nothing; not less than `no_timing_after`.
    pub plan_lasts: Duration,
    /// With every controller silent for longer, nothing is said at all.
    pub stop_after: Duration,
    /// An end that has passed without a change is claimed to be "now" for so long, then unknown. A
    /// green or yellow is not told so long where nothing was heard since its end.
    pub expiry_grace: Duration,
    /// A longer countdown is taken for "unknown".
    pub max_countdown: Duration,
    /// How far the stated time of collection may be from what the lamps really did, at least; where
    /// a controller's news come later than that, their lateness is stated.
    pub timing_error: Duration,
    /// Whether the past may speak where a controller announces no end.
    pub use_history: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            no_timing_after: Duration::from_millis(2500),
            plan_lasts: Duration::from_secs(4),
            stop_after: Duration::from_secs(5),
            expiry_grace: Duration::from_secs(1),
            max_countdown: Duration::from_secs(600),
            timing_error: Duration::from_millis(100),
            use_history: true,
        }
    }
}

/// Whether news changed what the lamps are known to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// All phases show what they showed.
    Unchanged,
    /// Some phase shows another colour.
    Colour,
}

/// What was odd about the news, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// An announced end moved by more than jitter explains.
    pub changed_minds: u64,
    /// A countdown stood still.
    pub stuck_countdowns: u64,
    /// News that were older than others, or brought back a green that had just ended.
    pub out_of_order: u64,
    /// Lamp groups of one phase showed different lights.
    pub disagreeing_lamps: u64,
    /// Phases that must not were green together.
    pub conflicting_greens: u64,
    /// Plans that could not be used: no cycle, cycles of different lengths, or conflicting greens.
    pub refused_plans: u64,
    /// Lamp states that the plan does not contain.
    pub unplanned_states: u64,
    /// News of a controller that rules no phase of the site.
    pub strangers: u64,
}

/// The signals of one junction.
#[derive(Debug)]
pub struct Signals {
    config: Config,
    controllers: ArrayVec<Controller, MAX_CONTROLLERS>,
    watches: ArrayVec<Watch, MAX_PHASES>,
    history: History,
    conflicts: Conflicts,
    oddities: Oddities,
    forecast: Forecast,
    /// What the last message said of each phase.
    promised: ArrayVec<Option<Promise>, MAX_PHASES>,
}

#[derive(Debug)]
struct Controller {
    input: InputId,
    mode: Option<ControlMode>,
    cycle: Cycle,
    jitter: Jitter,
    drift: Drift,
    rounding: Learned,
    /// Of when its newest lamp states are.
    heard_at: Option<Mono>,
}

/// The site cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A phase names a controller that is not an input.
    #[error("phase {} is shown by controller \"{controller}\", which is no input", .phase.value())]
    NoController {
        /// The phase.
        phase: PhaseId,
        /// As the site names it.
        controller: String,
    },
    /// More than [`MAX_PHASES`] phases or [`MAX_CONTROLLERS`] controllers.
    #[error("the site has more phases or controllers than one SPAT intersection carries")]
    TooMany,
}

/// All that is known; a macro, since what is forecast is written at the same time.
macro_rules! known {
    ($signals:ident) => {
        Known {
            config: &$signals.config,
            controllers: &$signals.controllers,
            watches: &$signals.watches,
            history: &$signals.history,
            patience: Patience {
                seen: $signals.config.expiry_grace,
                unseen: $signals.forecast.timing_error,
            },
        }
    };
}

impl Signals {
    /// For the phases of a site, with the inputs by name.
    ///
    /// # Errors
    /// Where a phase names no input, or there are too many.
    pub fn new(config: Config, site: &Site, inputs: &[(String, InputId)]) -> Result<Self, Unfit> {
        Self::of_phases(config, &site.phases, |a, b| site.conflict(a, b), inputs)
    }

    /// For phases of which `conflict` says which must not be green together.
    fn of_phases(
        config: Config,
        phases: &[Phase],
        conflict: impl Fn(PhaseId, PhaseId) -> bool,
        inputs: &[(String, InputId)],
    ) -> Result<Self, Unfit> {
        let mut controllers = ArrayVec::<Controller, MAX_CONTROLLERS>::new();
        let mut watches = ArrayVec::<Watch, MAX_PHASES>::new();
        for phase in phases {
            let input = inputs.iter().find(|(name, _)| *name == phase.controller);
            let Some(&(_, input)) = input else {
                return Err(Unfit::NoController {
                    phase: phase.id,
                    controller: phase.controller.clone(),
                });
            };
            let known = controllers
                .iter()
                .position(|controller| controller.input == input);
            let controller = known.unwrap_or(controllers.len());
            if known.is_none() {
                let added = controllers.try_push(Controller::new(input));
                added.map_err(|_| Unfit::TooMany)?;
            }
            let added = watches.try_push(Watch::new(phase, controller));
            added.map_err(|_| Unfit::TooMany)?;
        }
        Ok(Self {
            config,
            history: History::new(watches.len()),
            conflicts: Conflicts::new(&watches, conflict),
            controllers,
            oddities: Oddities::default(),
            forecast: Forecast::of(&watches),
            promised: watches.iter().map(|_| None).collect(),
            watches,
        })
    }

    /// Takes in what the lamps of one controller show. `now` is when the news arrived.
    pub fn handle_lamps(&mut self, now: Now, input: InputId, news: &LampStates) -> Change {
        let at = now.mono - news.held_up;
        let Some(place) = self.controller(input) else {
            return Change::Unchanged;
        };
        let controller = &mut self.controllers[place];
        if controller.heard_at.is_some_and(|heard| heard > at) {
            self.oddities.out_of_order += 1;
            return Change::Unchanged;
        }
        controller.heard_at = Some(at);
        let planned = follows_a_plan(controller.mode);
        if planned && !controller.cycle.hear(at, news, &mut self.oddities) {
            self.oddities.unplanned_states += 1;
        }
        let untimed = is_untimed(controller.mode);
        let mut changed = ArrayVec::<(usize, Seen), MAX_PHASES>::new();
        for phase in 0..self.watches.len() {
            if self.watches[phase].controller == place {
                let seen = self.hear(phase, at, news, untimed);
                changed.extend(seen.map(|seen| (phase, seen)));
            }
        }
        self.learn(at, &changed, untimed);
        self.look_for_conflicts(at);
        let colour = |(_, seen): &(usize, Seen)| matches!(seen, Seen::Colour(_));
        if changed.iter().any(colour) {
            Change::Colour
        } else {
            Change::Unchanged
        }
    }

    /// Takes in the cycle that one controller runs. One that has conflicting greens is refused.
    pub fn handle_plan(&mut self, now: Now, input: InputId, plan: &SignalPlan) -> Change {
        let Some(place) = self.controller(input) else {
            return Change::Unchanged;
        };
        let cycle = &mut self.controllers[place].cycle;
        let adopted = cycle.adopt(now.mono, plan);
        if adopted == Adopted::New {
            let own = |phase: usize| self.watches[phase].controller == place;
            let mut pairs = self.conflicts.pairs().iter();
            let both_green = |(a, b): &(usize, usize)| {
                own(*a) && own(*b) && cycle.has_both_green(&self.watches[*a], &self.watches[*b])
            };
            if pairs.any(both_green) {
                cycle.forget();
                self.oddities.refused_plans += 1;
            }
        }
        if adopted == Adopted::Refused {
            self.oddities.refused_plans += 1;
        }
        Change::Unchanged
    }

    /// Takes in the cycle that one controller runs after the running one.
    pub fn handle_next_plan(&mut self, _now: Now, input: InputId, plan: &SignalPlan) -> Change {
        if let Some(place) = self.controller(input)
            && self.controllers[place].cycle.expect(plan) == Adopted::Refused
        {
            self.oddities.refused_plans += 1;
        }
        Change::Unchanged
    }

    /// Takes in how one controller is being run.
    pub fn handle_mode(&mut self, _now: Now, input: InputId, mode: ControlMode) -> Change {
        if let Some(place) = self.controller(input) {
            self.controllers[place].mode = Some(mode);
            if is_untimed(Some(mode)) {
                for (phase, watch) in self.watches.iter_mut().enumerate() {
                    if watch.controller == place {
                        watch.forget_end();
                        self.history.lost(phase);
                    }
                }
            }
        }
        Change::Unchanged
    }

    /// What a message says at a moment; None if nothing may be said. The next one keeps to it.
    pub fn say(&mut self, at: Now) -> Option<&Forecast> {
        let said = self.forecast(at).is_some();
        for (promised, phase) in self.promised.iter_mut().zip(&self.forecast.phases) {
            *promised = Promise::of(&phase.states).filter(|_| said);
        }
        said.then_some(&self.forecast)
    }

    /// What may be said at a moment; None if nothing may, because every controller is silent. Does not
    /// change what messages say.
    pub fn forecast(&mut self, at: Now) -> Option<&Forecast> {
        let at = at.mono;
        let heard = self
            .controllers
            .iter()
            .filter_map(|controller| controller.heard_at);
        let newest = heard.clone().max()?;
        if at.since(newest) > self.config.stop_after {
            return None;
        }
        // One time for all lamps: that of the controller that spoke longest ago, of those that speak.
        let speaking = |heard: &Mono| at.since(*heard) <= self.config.no_timing_after;
        self.forecast.collected_at = heard.filter(speaking).min().unwrap_or(newest);
        let jitter = self.controllers.iter().map(|controller| controller.jitter);
        let lateness = jitter.map(Jitter::lateness).max().unwrap_or_default();
        self.forecast.timing_error = self.config.timing_error.max(lateness);
        self.look_for_conflicts(at);
        let known = known!(self);
        // In place: what a phase may tell is large, and most of it empty.
        for (place, phase) in self.forecast.phases.iter_mut().enumerate() {
            phase.states.clear();
            if self.conflicts.found().is_none() {
                known.states(place, at, &mut phase.states);
            }
            let fixed = follows_a_plan(self.controllers[self.watches[place].controller].mode);
            if let Some(promised) = self.promised[place].filter(|_| fixed) {
                promised.keep(&mut phase.states, at);
            }
            if phase.states.is_empty() {
                phase.states.push(StateForecast::bare(Light::Unknown));
            }
        }
        if self.controllers.len() > 1 {
            self.conflicts.part_greens(&mut self.forecast.phases);
        }
        self.forecast.status = self.status(at.since(newest));
        Some(&self.forecast)
    }

    /// Two phases that must not be green together and are, by the controller's own word.
    pub fn conflict(&self) -> Option<(PhaseId, PhaseId)> {
        self.conflicts.found()
    }

    /// What was odd so far.
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    fn controller(&mut self, input: InputId) -> Option<usize> {
        let mut controllers = self.controllers.iter();
        let found = controllers.position(|controller| controller.input == input);
        if found.is_none() {
            self.oddities.strangers += 1;
        }
        found
    }

    /// What the news say of one phase; None if they do not mention it.
    fn hear(&mut self, phase: usize, at: Mono, news: &LampStates, untimed: bool) -> Option<Seen> {
        let watch = &mut self.watches[phase];
        let shown = shown(watch, news, &mut self.oddities)?;
        let countdown = if untimed {
            Countdown::Silent
        } else {
            countdown(news, shown, self.config.max_countdown)
        };
        let controller = &mut self.controllers[watch.controller];
        let rounding = controller.rounding.rounding();
        let seen = watch.hear(at, shown.light, countdown, rounding, &mut self.oddities);
        if let Some(late) = watch.take_lateness() {
            controller.jitter.note(late);
        }
        for missed in watch.take_missed() {
            controller.drift.note(&missed);
        }
        if let Some(rounded) = watch.take_rounded() {
            controller.rounding.note(rounded);
        }
        if follows_a_plan(controller.mode)
            && let Some(end) = controller.cycle.end(watch)
        {
            watch.keep(at, end);
        } else {
            watch.keep_announced(at);
        }
        let span = news.span(shown.lamp).filter(|_| !untimed);
        let after = |ms: Option<u32>| Some(at + Duration::from_millis(ms?.into()));
        watch.take_limits(
            span.and_then(|span| after(span.min_ms)),
            span.and_then(|span| after(span.max_ms)),
        );
        Some(seen)
    }

    /// Hands on to history what the phases did.
    fn learn(&mut self, at: Mono, changed: &[(usize, Seen)], untimed: bool) {
        if untimed || !self.config.use_history {
            return;
        }
        for (phase, seen) in changed {
            match seen {
                Seen::Colour(since) => {
                    self.history
                        .changed(*phase, self.watches[*phase].light, *since);
                }
                Seen::Lost => self.history.lost(*phase),
                Seen::Same | Seen::Shade => {}
            }
        }
        for (phase, seen) in changed {
            let watch = &self.watches[*phase];
            match seen {
                Seen::Colour(_) => self.history.cue_to_others(*phase, watch.light, at),
                Seen::Shade => self.history.cue_to_all(*phase, watch.shown(), at),
                Seen::Same | Seen::Lost => {}
            }
        }
        for (phase, _) in changed {
            if !self.watches[*phase].is_counting() {
                self.history.note(*phase, at);
            }
        }
    }

    fn status(&self, silent: Duration) -> Status {
        let mut status = Status::NONE;
        for (place, controller) in self.controllers.iter().enumerate() {
            status |= controller.mode.map_or(Status::NONE, status_of);
            if controller.mode.is_none() && controller.cycle.is_followed() {
                status |= Status::FIXED_TIME;
            }
            let own = self
                .watches
                .iter()
                .filter(|watch| watch.controller == place);
            status |= status_shown(controller.mode, own.map(|watch| watch.light));
        }
        if self.conflicts.found().is_some() {
            status |= Status::FAILURE;
        }
        if silent > self.config.no_timing_after {
            status |= Status::NO_VALID_SPAT;
        }
        status
    }

    /// Conflicting movements must never both be green: a controller that says so is broken or
    /// misread, and no bus may act on it. A green that nobody vouches for any more is none: neither
    /// the word of its end nor, where that has passed, the plan.
    fn look_for_conflicts(&mut self, at: Mono) {
        let told_for = self.config.no_timing_after.max(self.config.plan_lasts);
        let known = known!(self);
        let green = |place: usize| {
            let watch = &self.watches[place];
            let fresh = watch.age(at).is_some_and(|age| age <= told_for);
            let overdue = || watch.is_overdue(at, self.forecast.timing_error);
            let told = fresh && (!overdue() || known.tells_green(place, at));
            watch.light == Light::Green && (told || watch.outlasts(at))
        };
        if self.conflicts.look(&self.watches, green) {
            self.oddities.conflicting_greens += 1;
        }
    }
}

impl Controller {
    fn new(input: InputId) -> Self {
        Self {
            input,
            mode: None,
            cycle: Cycle::default(),
            jitter: Jitter::default(),
            drift: Drift::default(),
            rounding: Learned::default(),
            heard_at: None,
        }
    }
}

/// What the lamp groups of a phase show together; None if the news do not mention them.
fn shown(watch: &Watch, news: &LampStates, oddities: &mut Oddities) -> Option<LampState> {
    let mut lamps = news
        .lamps
        .iter()
        .filter(|lamp| watch.lamps.contains(&lamp.lamp));
    let mut together = *lamps.next()?;
    for lamp in lamps {
        if merged(lamp.light) != merged(together.light) {
            oddities.disagreeing_lamps += 1;
            together.light = Light::Unknown;
        }
        if lamp.countdown_s != together.countdown_s {
            together.countdown_s = None;
        }
    }
    Some(together)
}

/// What the news say of a phase's end: tenths where the controller has them, otherwise seconds. What
/// is longer than `longest` is nonsense.
fn countdown(news: &LampStates, shown: LampState, longest: Duration) -> Countdown {
    // An earliest end that is the latest too is the end.
    let only = |span: &LampSpan| span.min_ms.filter(|min| Some(*min) == span.max_ms);
    let exact = news
        .span(shown.lamp)
        .and_then(|span| span.likely_ms.or_else(|| only(span)));
    let exact = exact.map(|ms| Duration::from_millis(ms.into()));
    let whole = shown
        .countdown_s
        .filter(|s| u64::from(*s) <= longest.as_secs());
    match (exact.filter(|left| *left <= longest), whole) {
        (Some(left), _) => Countdown::Exact(left),
        (None, Some(s)) => Countdown::Seconds(s),
        (None, None) => Countdown::Silent,
    }
}

/// A countdown covers the steady colour and its flashing together, so both are one state here. Red
/// with yellow is still red: SPAT has no state for it.
fn merged(light: Light) -> Light {
    match light {
        Light::FlashingGreen => Light::Green,
        Light::RedYellow => Light::Red,
        other => other,
    }
}
