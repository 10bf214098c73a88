//! Lamp states, countdowns and plans to a forecast of each phase: what it shows, until when, what
//! comes next, and how well that is known.
//!
//! - `anchor`: one moment that a controller keeps announcing, freed of the jitter of its news
//! - `cycle`: the plan that is running, and where in it the controller is
//! - `watch`: what one phase shows
//! - `forecast`: what is known, as values
//!
//! A controller announces whole seconds. They become tenths by the moments at which its news arrive:
//! news can be late but never early, so the earliest of several agreeing announcements is right, and
//! a promised end moves only in small steps from one to the next. An announcement that differs by
//! more than a second is a change of mind and is followed at once. With the running plan known, and
//! proved second by second against the lamps, the whole cycle is forecast.
//!
//! Never a guess: no countdown, manual control, an end that has passed, silence: each takes the
//! timing away, then the colour, then the voice. The colour changes only when the controller says so.
//! (T/CSAE 159-2020, 8.4; GA/T 1743-2020 for the countdown.) Not here: SPAT itself; device clocks.

mod anchor;
mod cycle;
mod forecast;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use arrayvec::ArrayVec;
use v2x_msg::base::PhaseId;
use v2x_msg::kinds::spat::Status;

use self::cycle::Cycle;
use self::watch::Watch;
use crate::clock::{Mono, Now};
use crate::report::{ControlMode, InputId, LampState, LampStates, Light, SignalPlan};
use crate::site::Site;

pub use crate::site::GreenKind;
pub use forecast::{End, Forecast, PhaseForecast, Start, StateForecast, Timing};

/// Most phases of one junction, as in SPAT.
pub const MAX_PHASES: usize = 16;
/// Most controllers of one junction.
pub const MAX_CONTROLLERS: usize = 4;

/// How long news stay good.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// A controller silent for longer has its timing withheld.
    pub no_timing_after: Duration,
    /// With every controller silent for longer, nothing is said at all.
    pub stop_after: Duration,
    /// An end that has passed without a change is claimed to be "now" for so long, then unknown.
    pub expiry_grace: Duration,
    /// A longer countdown is taken for "unknown".
    pub max_countdown: Duration,
    /// How far the stated time of collection may be from what the lamps really did.
    pub timing_error: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            no_timing_after: Duration::from_millis(2500),
            stop_after: Duration::from_secs(5),
            expiry_grace: Duration::from_secs(1),
            max_countdown: Duration::from_secs(600),
            timing_error: Duration::from_millis(100),
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
    /// Lamp groups of one phase showed different lights.
    pub disagreeing_lamps: u64,
    /// Phases that must not were green together.
    pub conflicting_greens: u64,
    /// Plans that could not be used: no cycle, or cycles of different lengths.
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
    /// Pairs of places in `watches` that must not be green together.
    conflicts: Vec<(usize, usize)>,
    /// The first pair that is green together, while it is.
    conflict: Option<(PhaseId, PhaseId)>,
    oddities: Oddities,
    forecast: Forecast,
}

#[derive(Debug)]
struct Controller {
    input: InputId,
    mode: Option<ControlMode>,
    cycle: Cycle,
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

impl Signals {
    /// For the phases of a site, with the inputs by name.
    ///
    /// # Errors
    /// Where a phase names no input, or there are too many.
    pub fn new(config: Config, site: &Site, inputs: &[(String, InputId)]) -> Result<Self, Unfit> {
        let mut controllers = ArrayVec::<Controller, MAX_CONTROLLERS>::new();
        let mut watches = ArrayVec::<Watch, MAX_PHASES>::new();
        for phase in &site.phases {
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
        let place = |id: PhaseId| watches.iter().position(|watch| watch.phase == id);
        let conflicts = site.conflicts.iter();
        let conflicts = conflicts.filter_map(|(a, b)| Some((place(*a)?, place(*b)?)));
        let conflicts = conflicts.collect();
        Ok(Self {
            config,
            controllers,
            watches,
            conflicts,
            conflict: None,
            oddities: Oddities::default(),
            forecast: Forecast::empty(),
        })
    }

    /// Takes in what the lamps of one controller show. `now` is when the news arrived.
    pub fn handle_lamps(&mut self, now: Now, input: InputId, news: &LampStates) -> Change {
        let Some(place) = self.controller(input) else {
            return Change::Unchanged;
        };
        let controller = &mut self.controllers[place];
        controller.heard_at = Some(now.mono);
        let planned = controller.runs_a_plan();
        if planned && !controller.cycle.hear(now.mono, news, &mut self.oddities) {
            self.oddities.unplanned_states += 1;
        }
        let timed = !controller.is_untimed();
        let longest = self.config.max_countdown;
        let usable = |left: &Duration| timed && *left <= longest;
        let mut change = Change::Unchanged;
        let watches = self.watches.iter_mut();
        for watch in watches.filter(|watch| watch.controller == place) {
            let Some(shown) = shown(watch, news, &mut self.oddities) else {
                continue;
            };
            // Tenths where the controller has them; a whole second of 0 says "not known".
            let whole = shown.countdown_s.filter(|seconds| *seconds > 0);
            let left = match news.span(shown.lamp).and_then(|span| span.likely_ms) {
                Some(ms) => Some(Duration::from_millis(ms.into())),
                None => whole.map(|seconds| Duration::from_secs(seconds.into())),
            };
            let left = left.filter(usable);
            let light = merged(shown.light);
            if watch.hear(now.mono, light, left, &mut self.oddities) {
                change = Change::Colour;
            }
        }
        self.look_for_conflicts();
        change
    }

    /// Takes in the cycle that one controller runs.
    pub fn handle_plan(&mut self, _now: Now, input: InputId, plan: &SignalPlan) -> Change {
        if let Some(place) = self.controller(input)
            && !self.controllers[place].cycle.adopt(plan)
        {
            self.oddities.refused_plans += 1;
        }
        Change::Unchanged
    }

    /// Takes in how one controller is being run.
    pub fn handle_mode(&mut self, _now: Now, input: InputId, mode: ControlMode) -> Change {
        if let Some(place) = self.controller(input) {
            self.controllers[place].mode = Some(mode);
            if self.controllers[place].is_untimed() {
                let watches = self.watches.iter_mut();
                for watch in watches.filter(|watch| watch.controller == place) {
                    watch.forget_end();
                }
            }
        }
        Change::Unchanged
    }

    /// What may be said at a moment; None if nothing may, because every controller is silent.
    pub fn forecast(&mut self, at: Now) -> Option<&Forecast> {
        let heard = self
            .controllers
            .iter()
            .filter_map(|controller| controller.heard_at);
        let newest = heard.max()?;
        if at.mono.since(newest) > self.config.stop_after {
            return None;
        }
        self.forecast.collected_at = newest;
        self.forecast.timing_error = self.config.timing_error;
        self.forecast.status = self.status();
        self.forecast.phases.clear();
        for place in 0..self.watches.len() {
            let phase = self.phase(&self.watches[place], at.mono);
            self.forecast.phases.push(phase);
        }
        Some(&self.forecast)
    }

    /// Two phases that must not be green together and are, by the controller's own word.
    pub fn conflict(&self) -> Option<(PhaseId, PhaseId)> {
        self.conflict
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

    fn phase(&self, watch: &Watch, at: Mono) -> PhaseForecast {
        let controller = &self.controllers[watch.controller];
        let grace = self.config.expiry_grace;
        let age = watch.age(at);
        let silent = age.is_none_or(|age| age > self.config.no_timing_after);
        let mut phase = PhaseForecast {
            phase: watch.phase,
            green: watch.green,
            states: ArrayVec::new(),
        };
        if self.conflict.is_some() || (silent && !watch.outlasts(at)) {
            phase.states.push(StateForecast::bare(Light::Unknown));
        } else if silent || controller.is_untimed() || watch.light == Light::Unknown {
            phase.states.push(StateForecast::bare(watch.light));
        } else {
            let planned = controller.runs_a_plan()
                && controller.cycle.states(watch, at, grace, &mut phase.states);
            if !planned {
                phase.states.push(watch.running(at, grace));
            }
        }
        phase
    }

    fn status(&self) -> Status {
        let modes = self
            .controllers
            .iter()
            .filter_map(|controller| controller.mode);
        let status = modes.fold(Status::NONE, |status, mode| status | status_of(mode));
        if self.conflict.is_some() {
            status | Status::FAILURE
        } else {
            status
        }
    }

    /// Conflicting movements must never both be green: a controller that says so is broken or
    /// misread, and no bus may act on it.
    fn look_for_conflicts(&mut self) {
        let green = |place: usize| self.watches[place].light == Light::Green;
        let mut conflicts = self.conflicts.iter();
        let found = conflicts.find(|(a, b)| green(*a) && green(*b));
        let found = found.map(|(a, b)| (self.watches[*a].phase, self.watches[*b].phase));
        if found.is_some() && self.conflict.is_none() {
            self.oddities.conflicting_greens += 1;
        }
        self.conflict = found;
    }
}

impl Controller {
    fn new(input: InputId) -> Self {
        Self {
            input,
            mode: None,
            cycle: Cycle::default(),
            heard_at: None,
        }
    }

    /// Whether the plan, if known, may be believed.
    fn runs_a_plan(&self) -> bool {
        let by_plan = [ControlMode::FixedTime, ControlMode::Coordinated];
        self.mode.is_none_or(|mode| by_plan.contains(&mode))
    }

    /// Whether nobody knows when lamps will change, whatever they display.
    fn is_untimed(&self) -> bool {
        let untimed = [
            ControlMode::Manual,
            ControlMode::Flash,
            ControlMode::Emergency,
            ControlMode::Fault,
        ];
        self.mode.is_some_and(|mode| untimed.contains(&mode))
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

/// A countdown covers the steady colour and its flashing together, so both are one state here. Red
/// with yellow is still red: SPAT has no state for it.
fn merged(light: Light) -> Light {
    match light {
        Light::FlashingGreen => Light::Green,
        Light::RedYellow => Light::Red,
        other => other,
    }
}

fn status_of(mode: ControlMode) -> Status {
    match mode {
        ControlMode::Flash => Status::STANDBY,
        ControlMode::FixedTime | ControlMode::Coordinated => Status::FIXED_TIME,
        ControlMode::Manual => Status::MANUAL_CONTROL,
        ControlMode::Actuated | ControlMode::Adaptive => Status::TRAFFIC_DEPENDENT,
        ControlMode::BusPriority => Status::SIGNAL_PRIORITY,
        ControlMode::Emergency => Status::PREEMPT,
        ControlMode::Fault => Status::FAILURE,
        ControlMode::Other => Status::NONE,
    }
}
