//! What to ask a controller for next: one frame at a time, bounded in number and pace.
//!
//! Two errands take turns: a round of what changes (lamp groups, then stage and remaining time in one
//! frame, so that they belong together), and a tour of what stays (plan, stages, phases), of what its
//! clock shows, and of its log of faults. A frame asks for several values; where an answer is late, each of them is asked for again alone. Answers
//! are known by their address: the recorded controller does not echo the sequence.

use std::time::Duration;

use arrayvec::ArrayVec;

use super::facts::Facts;
use super::objects::{
    CLOCK, FAULT_COUNT, LAMP_COUNT, MOST, Part, TRANSITIONS, bit, fault_code, fault_number,
    fault_time, lamp_state, members, mode_now, phase_greatest_green, phase_lamps,
    phase_least_green, phase_transition, plan_cycle, plan_kinds, plan_now, plan_stages, plan_times,
    stage_early_end, stage_late_start, stage_now, stage_phases, stage_remaining, stage_state,
};
use super::wire::Address;
use crate::clock::Mono;

/// Most values that one frame asks for.
pub const MAX_BATCH: usize = 32;
/// Lamp groups, and what else a round asks for.
const MOST_IN_ROUND: usize = MOST as usize + STAGE_VALUES + 2;
/// Mode, plan, stage, its state and what remains of it.
const STAGE_VALUES: usize = 5;
/// Phases, each with lamp groups, limits and transitions: more than stages or faults come to.
const MOST_IN_TOUR: usize = MOST as usize * (4 + 4 * TRANSITIONS);
/// Values that may stay without an answer before the controller counts as away.
const MOST_MUTE: usize = 16;
/// Most values asked for at once where they may be long.
const ARRAYS_AT_ONCE: usize = 3;
/// Answers in a row that let a frame ask for more.
const STREAK: u8 = 4;
/// Longest that nobody is asked after a tour came to nothing.
const TOUR_PAUSE: Duration = Duration::from_secs(10);
/// A period of nothing would ask for ever within one wake-up.
const SHORTEST: Duration = Duration::from_millis(10);

/// How a controller is asked; without it we only listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Which host we say that we are.
    pub host: u8,
    /// How often for lamp groups, stage and remaining time.
    pub state_every: Duration,
    /// How often for plan, stages and phases, which seldom change.
    pub plan_every: Duration,
    /// After how long without an answer a question is put again.
    pub retry_after: Duration,
    /// How often it is put again before the next period is waited for.
    pub retries: u8,
    /// How many values one frame asks for, 1 to [`MAX_BATCH`].
    pub batch: u8,
}

impl Default for Asking {
    /// State twice a second, plan each minute, two retries after 500 ms each, eight values a frame.
    fn default() -> Self {
        Self {
            host: 1,
            state_every: Duration::from_millis(500),
            plan_every: Duration::from_secs(60),
            retry_after: Duration::from_millis(500),
            retries: 2,
            batch: 8,
        }
    }
}

/// The state of all questions.
#[derive(Debug)]
pub(super) struct Asker {
    asking: Asking,
    junction: u8,
    /// Lamp groups to ask for, if they are configured.
    lamps: u64,
    /// As asked for now: halved with each frame that stays without an answer, doubled again when
    /// answers come.
    batch: usize,
    /// No more than the controller was seen to answer in one frame.
    limit: usize,
    /// Frames in a row that were answered in full.
    streak: u8,
    round: Errand<ArrayVec<Address, MOST_IN_ROUND>>,
    tour: Errand<Vec<Address>>,
    stop: Stop,
    /// Whether the tour may go before the round.
    tour_is_next: bool,
    /// This round may still be cut short, and has been: never two in a row, so that a lamp that
    /// flickers does not keep the others from being asked for.
    may_hurry: bool,
    hurried: bool,
    /// The stage was asked for twice in this round.
    staged_again: bool,
    flight: Option<Flight>,
    heard: Mono,
    /// Values that stayed without an answer while others got one: not asked for until the next tour.
    mute: ArrayVec<Address, MOST_MUTE>,
}

/// Values still to be asked for, the next one last.
#[derive(Debug)]
struct Errand<L> {
    left: L,
    due: Mono,
    /// So many of the next were asked for in vain: those one at a time.
    singles: usize,
}

/// Where the tour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Rest,
    Plan,
    Stages,
    Phases,
    Faults,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Round,
    Tour,
}

/// A frame that has not been answered in full.
#[derive(Debug)]
struct Flight {
    which: Which,
    open: ArrayVec<Address, MAX_BATCH>,
    asked: usize,
    sent: Mono,
    tries: u8,
}

/// What happened while looking for something to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// Values that were never answered.
    pub(super) unanswered: u64,
    /// Frames that were answered only in part.
    pub(super) in_part: u64,
}

/// A frame to send.
pub(super) type Ask = ArrayVec<Address, MAX_BATCH>;

impl Asker {
    pub(super) fn new(asking: Asking, junction: u8, lamps: u64) -> Self {
        let asking = Asking {
            retry_after: asking.retry_after.max(SHORTEST),
            state_every: asking.state_every.max(SHORTEST),
            plan_every: asking.plan_every.max(SHORTEST),
            batch: asking.batch.clamp(1, MAX_BATCH as u8),
            ..asking
        };
        Self {
            asking,
            junction,
            lamps,
            batch: asking.batch.into(),
            limit: asking.batch.into(),
            streak: 0,
            round: Errand::new(ArrayVec::new()),
            tour: Errand::new(Vec::with_capacity(MOST_IN_TOUR)),
            stop: Stop::Rest,
            tour_is_next: false,
            may_hurry: false,
            hurried: false,
            staged_again: false,
            flight: None,
            heard: Mono::ZERO,
            mute: ArrayVec::new(),
        }
    }

    pub(super) fn asking(&self) -> &Asking {
        &self.asking
    }

    /// Everything is asked for anew: the line was lost, or it is another plan.
    pub(super) fn restart(&mut self) {
        self.limit = self.asking.batch.into();
        self.batch = self.limit;
        self.flight = None;
        self.round = Errand::new(ArrayVec::new());
        self.restart_tour();
    }

    /// Plan, stages and phases are asked for anew.
    pub(super) fn restart_tour(&mut self) {
        self.tour.left.clear();
        self.tour.due = Mono::ZERO;
        self.tour.singles = 0;
        self.stop = Stop::Rest;
    }

    /// The next frame to send, if one is due. `stage` is the one that runs, as far as is known.
    pub(super) fn poll(
        &mut self,
        now: Mono,
        facts: &Facts,
        stage: Option<u8>,
        noted: &mut Noted,
    ) -> Option<Ask> {
        if let Some(flight) = &self.flight {
            if now < flight.sent + self.asking.retry_after {
                return None;
            }
            self.give_up_or_retry(now, noted);
        }
        if let Some(again) = self.flight.as_mut() {
            // One value, once more.
            again.sent = now;
            return Some(again.open.clone());
        }
        if self.tour_is_next
            && let Some(ask) = self.next_of_tour(now, facts)
        {
            self.tour_is_next = false;
            return Some(ask);
        }
        if self.round.left.is_empty() && self.round.due <= now {
            self.begin_round(now, facts, stage);
        }
        if !self.round.left.is_empty() {
            return Some(self.next_of_round(now));
        }
        self.next_of_tour(now, facts)
    }

    pub(super) fn poll_timeout(&self) -> Mono {
        if let Some(flight) = &self.flight {
            return flight.sent + self.asking.retry_after;
        }
        let idle = self.round.left.is_empty() && self.tour.left.is_empty();
        if !idle || self.stop != Stop::Rest {
            return Mono::ZERO;
        }
        self.round.due.min(self.tour.due)
    }

    /// A value came, whether it was asked for now or earlier; true when that completes the round.
    pub(super) fn answered(&mut self, now: Mono, address: Address) -> bool {
        self.heard = now;
        let Some(flight) = &mut self.flight else {
            return false;
        };
        let Some(at) = flight.open.iter().position(|open| *open == address) else {
            return false;
        };
        flight.open.swap_remove(at);
        if !flight.open.is_empty() {
            return false;
        }
        let which = flight.which;
        self.flight = None;
        self.streak += 1;
        if self.streak >= STREAK {
            self.streak = 0;
            self.batch = (self.batch * 2).min(self.limit);
        }
        let ends = which == Which::Round && self.round.left.is_empty();
        self.tour_is_next |= ends;
        ends
    }

    /// The stage is another than the one whose remaining time was asked for: ask again in this
    /// round, once. False if that has been done.
    pub(super) fn stage_changed(&mut self, stage: u8) -> bool {
        if self.staged_again || !self.round.left.is_empty() {
            return false;
        }
        self.staged_again = true;
        let again = [
            stage_remaining(stage),
            stage_state(stage),
            stage_now(self.junction),
        ];
        self.round.left.extend(again);
        true
    }

    /// A lamp changed: what goes with it is wanted at once. The round's other lamps wait for the next.
    pub(super) fn hurry(&mut self, now: Mono) {
        if !std::mem::take(&mut self.may_hurry) {
            return;
        }
        self.hurried = true;
        if self.round.left.is_empty() {
            self.round.due = self.round.due.min(now);
        } else {
            self.round.left.truncate(STAGE_VALUES);
        }
    }

    fn give_up_or_retry(&mut self, now: Mono, noted: &mut Noted) {
        let Some(mut flight) = self.flight.take() else {
            return;
        };
        self.streak = 0;
        if flight.asked > 1 {
            let answered = flight.asked - flight.open.len();
            if answered > 0 {
                noted.in_part += 1;
                self.limit = answered;
                self.batch = answered;
            } else {
                self.batch = (self.batch / 2).max(1);
            }
            self.put_back(&flight);
            return;
        }
        if flight.tries < self.asking.retries {
            flight.tries += 1;
            self.flight = Some(flight);
            return;
        }
        noted.unanswered += 1;
        let patience = self.asking.retry_after * (u32::from(self.asking.retries) + 2);
        let has_room = !self.mute.is_full();
        if has_room && now.since(self.heard) <= patience + self.asking.state_every {
            // The controller is there: it is only this value that it says nothing of.
            self.mute.extend(flight.open.first().copied());
            return;
        }
        // A controller that does not answer at all is not asked for all the rest.
        match flight.which {
            Which::Round => {
                self.round.left.clear();
                self.round.due = self.round.due.max(now);
                self.tour_is_next = true;
            }
            Which::Tour => {
                self.tour.left.clear();
                self.stop = Stop::Rest;
                self.tour.due = now + TOUR_PAUSE.min(self.asking.plan_every);
            }
        }
    }

    fn put_back(&mut self, flight: &Flight) {
        let open = flight.open.iter().rev().copied();
        match flight.which {
            Which::Round => {
                self.round.singles = flight.open.len();
                // There was room for them before.
                for address in open {
                    let _ = self.round.left.try_push(address);
                }
            }
            Which::Tour => {
                self.tour.singles = flight.open.len();
                self.tour.left.extend(open);
            }
        }
    }

    fn begin_round(&mut self, now: Mono, facts: &Facts, stage: Option<u8>) {
        self.may_hurry = !std::mem::take(&mut self.hurried);
        self.staged_again = false;
        let round = &mut self.round;
        round.singles = 0;
        round.due = now + self.asking.state_every;
        round.left.clear();
        if let Some(stage) = stage {
            round
                .left
                .extend([stage_remaining(stage), stage_state(stage)]);
        }
        round.left.extend([
            stage_now(self.junction),
            plan_now(self.junction),
            mode_now(self.junction),
        ]);
        let lamps = wanted_lamps(self.lamps, facts);
        // The last one is asked for first.
        for lamp in (1..=MOST).rev().filter(|lamp| lamps & bit(*lamp) != 0) {
            round.left.push(lamp_state(lamp));
        }
        let mute = &self.mute;
        round.left.retain(|address| !mute.contains(address));
    }

    fn next_of_round(&mut self, now: Mono) -> Ask {
        let left = self.round.left.len();
        let most = self.round.most(self.batch);
        // What belongs to the stage stays together, where a frame has room for it.
        let count = match left.checked_sub(STAGE_VALUES) {
            Some(lamps) if lamps > 0 && most >= STAGE_VALUES && most < left => most.min(lamps),
            _ => most.min(left),
        };
        let ask: Ask = self.round.left.drain(left - count..).rev().collect();
        self.fly(Which::Round, ask, now)
    }

    fn next_of_tour(&mut self, now: Mono, facts: &Facts) -> Option<Ask> {
        while self.tour.left.is_empty() {
            self.stop = match self.stop {
                Stop::Rest if self.tour.due > now => return None,
                Stop::Rest => {
                    self.mute.clear();
                    self.tour.due = now + self.asking.plan_every;
                    self.tour.singles = 0;
                    Stop::Plan
                }
                Stop::Plan => Stop::Stages,
                Stop::Stages => Stop::Phases,
                Stop::Phases => Stop::Faults,
                Stop::Faults => {
                    if !self.mute.is_empty() {
                        self.tour.due = self.tour.due.min(now + TOUR_PAUSE);
                    }
                    Stop::Rest
                }
            };
            fill(&mut self.tour.left, self.stop, facts);
            self.tour.left.reverse();
        }
        let mut most = self.tour.most(self.batch);
        if self.stop == Stop::Stages {
            // Arrays of 64 bytes: on a slow line, more of them take longer than we wait.
            most = most.min(ARRAYS_AT_ONCE);
        }
        let left = self.tour.left.len();
        let count = most.min(left);
        let ask: Ask = self.tour.left.drain(left - count..).rev().collect();
        Some(self.fly(Which::Tour, ask, now))
    }

    fn fly(&mut self, which: Which, ask: Ask, now: Mono) -> Ask {
        self.flight = Some(Flight {
            which,
            open: ask.clone(),
            asked: ask.len(),
            sent: now,
            tries: 0,
        });
        ask
    }
}

impl<L> Errand<L> {
    fn new(left: L) -> Self {
        Self {
            left,
            due: Mono::ZERO,
            singles: 0,
        }
    }

    /// How many values the next frame may ask for.
    fn most(&mut self, batch: usize) -> usize {
        match self.singles.checked_sub(1) {
            Some(rest) => {
                self.singles = rest;
                1
            }
            None => batch,
        }
    }
}

/// Those that are configured; or those of the plan; or, of a controller that tells no plan, as many
/// as it says it has.
fn wanted_lamps(configured: u64, facts: &Facts) -> u64 {
    let of_plan = facts.lamps_of_plan();
    match (configured, of_plan, facts.lamp_count) {
        (0, 0, Some(count @ 1..=MOST)) => u64::MAX >> (MOST - count),
        (0, ..) => of_plan,
        _ => configured,
    }
}

fn fill(list: &mut Vec<Address>, stop: Stop, facts: &Facts) {
    let plan = facts.plan.number;
    match stop {
        Stop::Rest => {}
        Stop::Plan if plan == 0 => list.extend([LAMP_COUNT, CLOCK, FAULT_COUNT]),
        Stop::Plan => list.extend([
            LAMP_COUNT,
            plan_cycle(plan),
            plan_stages(plan),
            plan_times(plan),
            plan_kinds(plan),
            CLOCK,
            FAULT_COUNT,
        ]),
        Stop::Stages => {
            let stages = facts.plan.stages.as_deref().unwrap_or_default();
            for (at, &stage) in stages.iter().enumerate() {
                if !stages[..at].contains(&stage) {
                    list.extend([
                        stage_phases(stage),
                        stage_late_start(stage),
                        stage_early_end(stage),
                    ]);
                }
            }
        }
        Stop::Phases => {
            for phase in members(facts.phases_of_plan()) {
                list.push(phase_lamps(phase));
                for place in 0..2 * TRANSITIONS as u8 {
                    list.push(phase_transition(phase, place, Part::Colour));
                    list.push(phase_transition(phase, place, Part::Time));
                }
                list.extend([
                    phase_least_green(phase),
                    phase_greatest_green(phase, 0),
                    phase_greatest_green(phase, 1),
                ]);
            }
        }
        Stop::Faults => {
            for place in facts.faults.places() {
                list.extend([fault_number(place), fault_time(place), fault_code(place)]);
            }
        }
    }
}
