//! Values to reports: what is told of a controller, and when.
//!
//! A change of a lamp group is told at once; all of them, with what remains of each, when a round of
//! questions is complete. Not here: what the values are.

use std::time::Duration;

use super::ear::{Ear, Gist};
use super::facts::GreenLimits;
use super::objects::{self, StageState};
use super::timeline::{Place, Timeline};
use super::trust::Verdict;
use crate::clock::{Mono, Now};
use crate::report::{Content, ControlMode, LampSpan, LampState, LampStates};

/// The mode is told again after this, and the plan, if neither has changed.
const REPEAT: Duration = Duration::from_secs(10);

impl Ear {
    pub(super) fn tell(&mut self, arrived: Now, gist: Gist, sink: &mut dyn FnMut(Content)) {
        let stage = self.state.stage;
        let mismatch = self.state.remaining.map(|remaining| remaining.stage) != stage;
        let is_overdue = self.is_overdue(arrived.mono);
        let mut tells_all = gist.completes || gist.is_unasked && gist.has_lamps;
        if let Some(asker) = &mut self.asker {
            if gist.completes && mismatch && stage.is_some_and(|stage| asker.stage_changed(stage)) {
                // What remains of the new stage comes with the next answer.
                tells_all = false;
            }
            if gist.changed != 0 && !gist.completes {
                asker.hurry(arrived.mono);
            }
        }
        if gist.completes || gist.is_unasked {
            self.tell_mode(arrived, sink);
        }
        if tells_all || gist.has_lamps && is_overdue {
            self.work_out();
            self.tell_plan(arrived, sink);
            self.tell_lamps(arrived, sink);
        } else {
            self.tell_changed(arrived, gist.changed, sink);
        }
    }

    /// A round does not come to its end, but lamp groups are heard of.
    fn is_overdue(&self, now: Mono) -> bool {
        let told = self.state.lamps_told;
        told.is_none_or(|at| now.since(at) >= self.pace().usual * 2)
    }

    /// A change is told at once, before anything more is known of how long it will last than what its
    /// limits are.
    fn tell_changed(&mut self, arrived: Now, changed: u64, sink: &mut dyn FnMut(Content)) {
        if changed == 0 {
            return;
        }
        let extended = self.state.is_extended();
        let mut states = LampStates::default();
        for number in objects::members(changed) {
            let limits = limits(&self.greens[..], number, extended);
            let Some(lamp) = self.state.lamp(number) else {
                continue;
            };
            states.lamps.push(LampState {
                lamp: number.into(),
                light: lamp.light,
                countdown_s: None,
            });
            let span = lamp.span(number, limits, arrived.mono);
            states.spans.extend(Some(span).filter(says_something));
        }
        self.counts.report();
        sink(Content::Lamps(states));
    }

    fn tell_mode(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        let Some(mode) = self.state.mode else { return };
        let is_due = self
            .state
            .mode_told
            .is_none_or(|(told, at)| told != mode || arrived.mono.since(at) >= REPEAT);
        if is_due {
            self.state.mode_told = Some((mode, arrived.mono));
            self.counts.report();
            sink(Content::Mode(mode));
        }
    }

    fn work_out(&mut self) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        for (number, limits) in (1..).zip(self.greens.iter_mut()) {
            *limits = self.facts.green_limits(number);
        }
        let timeline = Timeline::work_out(&self.facts, self.stage_time);
        if timeline == *self.timeline {
            return;
        }
        let is_known = self.facts.plan.stages.is_some() && self.facts.plan.times_s.is_some();
        if timeline.is_none() && is_known {
            self.counts.tolerate("plan-not-understood");
        }
        *self.timeline = timeline;
        self.state.plan_told = None;
    }

    fn tell_plan(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        let is_due = (self.state.plan_told).is_none_or(|at| arrived.mono.since(at) >= REPEAT);
        let runs_by_plan = matches!(
            self.state.mode,
            Some(ControlMode::FixedTime | ControlMode::Coordinated)
        );
        if !is_due || !runs_by_plan {
            return;
        }
        let timeline = (*self.timeline).as_ref();
        let timeline = timeline.filter(|timeline| timeline.is_fixed());
        if let Some(plan) = timeline.and_then(Timeline::signal_plan) {
            self.state.plan_told = Some(arrived.mono);
            self.counts.report();
            sink(Content::Plan(plan));
        }
    }

    fn tell_lamps(&mut self, arrived: Now, sink: &mut dyn FnMut(Content)) {
        let place = self.place(arrived.mono);
        let pace = self.pace();
        let extended = self.state.is_extended();
        let timeline = (*self.timeline).as_ref();
        let mut states = LampStates::default();
        for (number, lamp) in self.state.lamps() {
            let Some(at) = lamp.at.filter(|_| lamp.is_fresh(arrived.mono, pace)) else {
                continue;
            };
            if lamp.trust.see(at, lamp.light, pace.usual) == Verdict::Broken {
                self.counts.tolerate("countdown-missed");
            }
            let left_s = timeline
                .zip(place)
                .and_then(|(timeline, place)| timeline.countdown_s(number, lamp.light, place));
            // Until detectors end it, what remains of a stage is the most that can remain.
            let settled = place.is_none_or(|place| place.is_settled(lamp.light));
            let most_ms = left_s.filter(|_| !settled).map(|s| u32::from(s) * 1000);
            let countdown_s = lamp.trust.promise(arrived.mono, left_s.filter(|_| settled));
            // All lists hold 64.
            if countdown_s.is_none() {
                let limits = limits(&self.greens[..], number, extended);
                let mut span = lamp.span(number, limits, arrived.mono);
                span.max_ms = span.max_ms.into_iter().chain(most_ms).min();
                states.spans.extend(Some(span).filter(says_something));
            }
            states.lamps.push(LampState {
                lamp: number.into(),
                light: lamp.light,
                countdown_s,
            });
        }
        if !states.lamps.is_empty() {
            self.state.lamps_told = Some(arrived.mono);
            self.counts.report();
            sink(Content::Lamps(states));
        }
    }

    /// Where in the plan the controller is, if that has just been said.
    fn place(&mut self, now: Mono) -> Option<Place> {
        let timeline = (*self.timeline).as_ref()?;
        let remaining = self
            .state
            .remaining
            .filter(|remaining| remaining.at == now)?;
        let stage = self.state.stage.filter(|stage| *stage == remaining.stage)?;
        let by_plan = match self.state.mode {
            Some(ControlMode::FixedTime | ControlMode::Coordinated) => true,
            Some(ControlMode::Actuated | ControlMode::Adaptive) | None => false,
            Some(_) => return None,
        };
        let stage_state = self.state.stage_state.filter(|(of, _)| *of == stage);
        let stage_state = stage_state.map(|(_, state)| state);
        if stage_state == Some(StageState::Waiting) {
            return None;
        }
        self.state.place = timeline.place_of(stage, self.state.place);
        let rounds_down = self.state.zero.rounds_down();
        Some(Place {
            stage: self.state.place?,
            remaining_s: remaining.seconds.saturating_add(rounds_down.into()),
            by_plan,
            is_extended: self.state.is_extended(),
            in_transition: stage_state == Some(StageState::Transition),
        })
    }
}

/// The limits of a lamp group's green; none where greens do not go by detectors: a plan may have its own.
fn limits(greens: &[GreenLimits], number: u8, extended: bool) -> GreenLimits {
    let known = usize::from(number).checked_sub(1);
    let known = known.filter(|_| extended).and_then(|at| greens.get(at));
    known.copied().unwrap_or_default()
}

fn says_something(span: &LampSpan) -> bool {
    span.min_ms.is_some() || span.max_ms.is_some()
}
