//! A signal controller by GA/T 1743-2020: lamp states each second, the plan once a cycle.
//!
//! Its seconds are those of its own cycle. A countdown is the whole seconds left in the same colour,
//! flashing counted with steady, as a recorded controller has it. Its clock may be off: nobody
//! should date anything by it.

use std::time::Duration;

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::gat1743::content::{CONTROL_MODE, CURRENT_PLAN, LAMP_STATE, Place};
use rsu::inputs::gat1743::{Address, Approach, Audience, Emitter, Identity, Question};
use rsu::report::{ControlMode, LampPlan, LampState, LampStates, Light, PlanStep, SignalPlan};
use rsu::site::{Site, Turn};
use v2x_msg::base::PhaseId;

use crate::random::{Purpose, Stream};
use crate::scenario::ControllerTable;
use crate::world::signals::Plan;

/// The controller and its line to the roadside unit.
#[derive(Debug)]
pub struct Controller {
    emitter: Emitter,
    plan: Plan,
    lamps: Vec<(u16, PhaseId)>,
    period: Duration,
    on_change: bool,
    delay_ms: [f64; 2],
    clock_off_ms: i32,
    delays: Stream,
    /// When it speaks next.
    due: Mono,
}

/// A datagram of the controller on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// When it arrives.
    pub arrives: Mono,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Controller {
    /// The controller of a site's phases; it speaks at its first whole second from `now` on.
    pub fn new(table: &ControllerTable, site: &Site, plan: Plan, seed: u64, now: Mono) -> Self {
        let lamps = site
            .phases
            .iter()
            .flat_map(|phase| phase.lamps.iter().map(|&lamp| (lamp, phase.id)))
            .collect();
        let identity = Identity {
            controller: Address {
                division: table.division,
                kind: Address::CONTROLLER,
                number: table.number,
            },
            place: Place {
                lon_e7: site.origin.lon_e7(),
                lat_e7: site.origin.lat_e7(),
                altitude: 0,
            },
            approaches: approaches(site),
            ..Identity::default()
        };
        let mut controller = Self {
            emitter: Emitter::new(identity),
            plan,
            lamps,
            period: Duration::from_millis(u64::from(table.period_ms.max(1))),
            on_change: table.on_change,
            delay_ms: table.delay_ms,
            clock_off_ms: table.clock_off_ms,
            delays: Stream::new(seed, 0, Purpose::Delivery),
            due: now,
        };
        if !controller.on_the_beat(now) {
            controller.due = controller.after(now);
        }
        controller
    }

    /// When [`Controller::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Mono {
        self.due
    }

    /// Says what is due at `now`.
    pub fn handle_timeout(&mut self, now: Now, sent: &mut Vec<Datagram>) {
        if now.mono < self.due {
            return;
        }
        let at = self.due;
        if self.plan.into_cycle(at) < ROUNDING {
            self.send(now, at, CURRENT_PLAN, Audience::Everyone, sent);
        }
        self.send(now, at, LAMP_STATE, Audience::Everyone, sent);
        self.due = self.after(at);
    }

    /// Answers what the roadside unit asked.
    pub fn handle_datagram(&mut self, now: Now, datagram: &[u8], sent: &mut Vec<Datagram>) {
        let mut questions: Vec<Question> = Vec::new();
        self.emitter
            .push(datagram, |question| questions.push(question));
        for question in questions {
            let to = Audience::Asker(question.from);
            self.send(now, now.mono, question.object, to, sent);
        }
    }

    fn send(&mut self, now: Now, at: Mono, object: u16, to: Audience, sent: &mut Vec<Datagram>) {
        let utc = self.own_clock(now.utc_at(at));
        let mut bytes = Vec::new();
        match object {
            LAMP_STATE => {
                let states = self.lamp_states(at);
                self.emitter.lamps(utc, to, &states, &mut bytes);
            }
            CURRENT_PLAN => {
                let plan = self.signal_plan();
                self.emitter.plan(utc, to, &plan, &mut bytes);
            }
            CONTROL_MODE => self
                .emitter
                .mode(utc, to, ControlMode::FixedTime, &mut bytes),
            // A device does not answer what it does not know.
            _ => return,
        }
        let [least_ms, most_ms] = self.delay_ms;
        let delay_ms = self.delays.between(least_ms, most_ms);
        // One line: what is said first arrives first.
        let last = sent.last().map_or(Mono::ZERO, |datagram| datagram.arrives);
        sent.push(Datagram {
            arrives: at.offset_by(delay_ms / 1e3).max(last),
            bytes,
        });
    }

    /// What the lamps show at `at`, with countdowns.
    pub fn lamp_states(&self, at: Mono) -> LampStates {
        let lamps = self.lamps.iter().filter_map(|&(lamp, phase)| {
            let shown = self.plan.shown(phase, at)?;
            let mut until = shown.until;
            if shown.light == Light::Green
                && let Some(next) = self.plan.shown(phase, until)
                && next.light == Light::FlashingGreen
            {
                until = next.until;
            }
            let left_s = (until.since(at) + ROUNDING).as_secs_f64().floor();
            Some(LampState {
                lamp,
                light: shown.light,
                countdown_s: Some((left_s as u16).max(1)),
            })
        });
        LampStates {
            lamps: lamps.take(rsu::report::MAX_LAMPS).collect(),
            ..LampStates::default()
        }
    }

    /// The plan that is running.
    pub fn signal_plan(&self) -> SignalPlan {
        let lamps = self.lamps.iter().filter_map(|&(lamp, phase)| {
            let plan = self.plan.phases().iter().find(|plan| plan.phase == phase)?;
            let steps = plan.steps.iter().map(|step| PlanStep {
                light: step.light,
                duration_s: step.duration.as_secs() as u16,
            });
            Some(LampPlan {
                lamp,
                steps: steps.take(rsu::report::MAX_STEPS).collect(),
            })
        });
        SignalPlan {
            lamps: lamps.take(rsu::report::MAX_LAMPS).collect(),
        }
    }

    fn own_clock(&self, utc: Utc) -> Utc {
        let off = Duration::from_millis(u64::from(self.clock_off_ms.unsigned_abs()));
        if self.clock_off_ms < 0 {
            utc - off
        } else {
            utc + off
        }
    }

    fn on_the_beat(&self, at: Mono) -> bool {
        let into = self.plan.into_cycle(at).as_nanos();
        into % self.period.as_nanos() < ROUNDING.as_nanos()
    }

    /// The next whole second of the cycle, or change of a lamp if it says those at once.
    fn after(&self, at: Mono) -> Mono {
        let period_ns = self.period.as_nanos() as u64;
        let into_ns = self.plan.into_cycle(at).as_nanos() as u64 % period_ns;
        let beat = at + Duration::from_nanos(period_ns - into_ns);
        if !self.on_change {
            return beat;
        }
        let changes = self
            .plan
            .phases()
            .iter()
            .filter_map(|plan| self.plan.shown(plan.phase, at))
            .map(|shown| shown.until);
        changes.fold(beat, Mono::min)
    }
}

/// The lamp groups of each approach. A phase with a lamp on each of several approaches has them in
/// the order of the site's links.
fn approaches(site: &Site) -> Vec<Approach> {
    let mut said: Vec<u16> = Vec::new();
    let mut approaches = Vec::new();
    for link in site.approaches() {
        let mut lamps: Vec<(u8, u8)> = Vec::new();
        let connections = link.lanes.iter().flat_map(|lane| &lane.connections);
        for connection in connections {
            let Some(phase) = connection.phase.and_then(|id| site.phase(id)) else {
                continue;
            };
            let here = lamps
                .iter()
                .any(|&(lamp, _)| phase.lamps.contains(&u16::from(lamp)));
            let next = phase.lamps.iter().find(|lamp| !said.contains(lamp));
            if let (false, Some(&lamp)) = (here, next)
                && let Ok(id) = u8::try_from(lamp)
            {
                said.push(lamp);
                lamps.push((id, kind(connection.turn)));
            }
        }
        let inward = link.points[link.points.len() - 1];
        let outward = link.points[0];
        let azimuth_deg = (outward.east_m - inward.east_m)
            .atan2(outward.north_m - inward.north_m)
            .to_degrees()
            .rem_euclid(360.0);
        approaches.push(Approach {
            direction_deg: azimuth_deg.round() as u16 % 360,
            lamps,
        });
    }
    approaches
}

/// The standard's number of a lamp group's kind.
fn kind(turn: Turn) -> u8 {
    match turn {
        Turn::Straight => 1,
        Turn::Left => 2,
        Turn::Right => 3,
        Turn::UTurn => 9,
    }
}

/// Times of the plan are whole milliseconds; sums of them are not off by more.
const ROUNDING: Duration = Duration::from_micros(10);
