//! Lamp states, countdowns and plans to a forecast of each phase: what it shows, until when, what
//! comes next, and how well that is known.
//!
//! In comes what controllers say, here and in `news` (lamp states); out goes `outlook` (all phases at a
//! moment), as values of `forecast`. Between them, by subject:
//!
//! - a phase: `watch` (what it shows), `limits` (how soon and late it may end, as it is said), `kept` (how
//!   often its told ends came true), `tell` (what may be told of it), `promise` (that a told end does not
//!   jump)
//! - a moment that is announced: `anchor` (freed of the jitter of its news), `pace` (whether the first
//!   report of a second was lost), `rounding` (how whole seconds are made)
//! - a controller: `controller`, `mode` (how it is run), `jitter` (how late its news come), `drift` (how
//!   far told ends were off), `cycle` (the plan that is running, and where in it the controller is),
//!   `succession` (whether another follows it)
//! - the junction: `history` (how long each light lasted before), `conflict` (phases that must not be green
//!   together)
//! - `settings`: what people may set; `score`: what forecasts were worth, on recorded signals
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
mod controller;
mod cycle;
mod drift;
mod forecast;
mod history;
mod jitter;
mod kept;
mod limits;
mod mode;
mod news;
mod outlook;
mod pace;
mod promise;
mod rounding;
pub mod score;
mod settings;
mod succession;
mod tell;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeSet;

use arrayvec::ArrayVec;
use v2x_msg::base::PhaseId;

use self::conflict::Conflicts;
use self::controller::Controller;
use self::cycle::Adopted;
use self::history::History;
use self::mode::is_untimed;
use self::news::merged;
use self::promise::Promise;
use self::watch::Watch;
use crate::clock::{Mono, Now};
use crate::report::{ControlMode, InputId, SignalPlan};
use crate::site::{Phase, Site};

pub use crate::site::GreenKind;
pub use controller::Oddities;
pub use forecast::{Basis, End, Forecast, PhaseForecast, Start, StateForecast, Timing};
pub use settings::Config;

/// Most phases of one junction, as in SPAT.
pub const MAX_PHASES: usize = 16;
/// Most controllers of one junction.
pub const MAX_CONTROLLERS: usize = 4;

/// Whether news changed what the lamps are known to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// All phases show what they showed.
    Unchanged,
    /// Some phase shows another colour.
    Colour,
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
    /// Too large to be handed about.
    forecast: Box<Forecast>,
    /// What the last message said of each phase.
    promised: ArrayVec<Option<Promise>, MAX_PHASES>,
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
    #[error(
        "the site has {phases} phases of {controllers} controllers; one junction carries {MAX_PHASES} of \
         {MAX_CONTROLLERS} at the most"
    )]
    TooMany {
        /// So many phases.
        phases: usize,
        /// Of so many controllers.
        controllers: usize,
    },
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
        let too_many = || {
            let names: BTreeSet<&str> = phases.iter().map(|p| p.controller.as_str()).collect();
            Unfit::TooMany {
                phases: phases.len(),
                controllers: names.len(),
            }
        };
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
                added.map_err(|_| too_many())?;
            }
            let added = watches.try_push(Watch::new(phase, controller));
            added.map_err(|_| too_many())?;
        }
        Ok(Self {
            config,
            history: History::new(watches.len()),
            conflicts: Conflicts::new(&watches, conflict),
            controllers,
            oddities: Oddities::default(),
            forecast: Box::new(Forecast::of(&watches)),
            promised: watches.iter().map(|_| None).collect(),
            watches,
        })
    }

    /// Takes in the cycle that one controller runs. One that has conflicting greens is refused.
    pub fn handle_plan(&mut self, now: Now, input: InputId, plan: &SignalPlan) -> Change {
        let Some(place) = self.controller(input) else {
            return Change::Unchanged;
        };
        self.controllers[place].note_word(now.mono, self.config.stop_after);
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
    pub fn handle_next_plan(&mut self, now: Now, input: InputId, plan: &SignalPlan) -> Change {
        if let Some(place) = self.controller(input) {
            let controller = &mut self.controllers[place];
            controller.note_word(now.mono, self.config.stop_after);
            let refused = controller.cycle.expect(plan) == Adopted::Refused;
            self.oddities.refused_plans += u64::from(refused);
        }
        Change::Unchanged
    }

    /// Takes in how one controller is being run; [`ControlMode::Unknown`] takes back what was said.
    pub fn handle_mode(&mut self, now: Now, input: InputId, mode: ControlMode) -> Change {
        if let Some(place) = self.controller(input) {
            self.controllers[place].note_word(now.mono, self.config.stop_after);
            self.controllers[place].mode = Some(mode).filter(|mode| *mode != ControlMode::Unknown);
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

    /// Two phases that must not be green together and are, by the controller's own word.
    pub fn conflict(&self) -> Option<(PhaseId, PhaseId)> {
        self.conflicts.found()
    }

    /// A phase that its controller does not mention, though it speaks: the site names lamps that it has
    /// not, or has ceased to tell of them. Each is told once, until it is mentioned.
    pub fn poll_not_mentioned(&mut self, at: Mono) -> Option<PhaseId> {
        let controllers = &self.controllers;
        let silence = self.config.stop_after;
        let missing = |watch: &mut &mut Watch| {
            let since = controllers[watch.controller].speaks_since(at, silence);
            since.is_some_and(|since| watch.is_missing(since, at))
        };
        let phase = self
            .watches
            .iter_mut()
            .find_map(|mut watch| missing(&mut watch).then_some(watch.phase))?;
        self.oddities.phases_not_mentioned += 1;
        Some(phase)
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
}
