//! The controller's voice by GB/T 20999-2017: it answers questions, and reports a change of colour
//! where it says those at once.
//!
//! A stage of the controller is a stage of the program, its clearance included; what remains of it is
//! what the program has in mind, rounded up to whole seconds. Where the program does not know, the
//! controller says what remains at most, as an actuated one does that counts its greatest green down.

use std::time::Duration;

use rsu::inputs::gb20999::objects::{StageState, lamp_state, stage_now, stage_remaining};
use rsu::inputs::gb20999::wire::{Address, Escaping};
use rsu::inputs::gb20999::{Identity, Junction, Moment, Phase, Responder, Stage};
use rsu::report::{LampState, LampStates, Light};
use v2x_msg::base::PhaseId;

use super::faults::Faults;
use crate::scenario::LineKind;
use crate::world::signals::{ROUNDING, Signals};
use rsu::clock::{Mono, Utc};

/// A controller that speaks and understands GB/T 20999-2017.
#[derive(Debug)]
pub struct Voice {
    responder: Responder,
    lamps: Vec<(u16, PhaseId)>,
}

impl Voice {
    /// Of the controller with these lamps.
    pub fn new(signals: &Signals, lamps: &[(u16, PhaseId)], line: LineKind) -> Self {
        let identity = Identity {
            escaping: match line {
                LineKind::Udp => Escaping::None,
                LineKind::Serial => Escaping::Stream,
            },
            ..Identity::default()
        };
        Self {
            responder: Responder::new(identity, junction(signals, lamps)),
            lamps: lamps.to_vec(),
        }
    }

    /// The answers to a datagram, where its clock shows `utc`.
    pub fn answers(
        &mut self,
        signals: &Signals,
        at: Mono,
        utc: Utc,
        faults: &mut Faults,
        datagram: &[u8],
    ) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        let moment = Moment {
            utc: Some(utc),
            ..self.moment(signals, at, faults)
        };
        self.responder
            .push(datagram, &moment, |answer| answers.push(answer.to_vec()));
        answers
    }

    /// What it reports by itself: its lamps, the stage and what remains of it.
    pub fn report(&mut self, signals: &Signals, at: Mono, faults: &mut Faults) -> Vec<u8> {
        let moment = self.moment(signals, at, faults);
        let mut addresses: Vec<Address> = moment
            .lamps
            .iter()
            .map(|&(lamp, _)| lamp_state(lamp))
            .collect();
        addresses.push(stage_now(1));
        addresses.push(stage_remaining(moment.stage));
        let mut bytes = Vec::new();
        self.responder.report(&addresses, &moment, &mut bytes);
        bytes
    }

    fn moment(&self, signals: &Signals, at: Mono, faults: &mut Faults) -> Moment {
        let now = signals.stage_at(at);
        let left = (now.ends.since(at).saturating_sub(ROUNDING)).as_millis() as u32;
        let lamps = self.lamps.iter().map(|&(lamp, phase)| LampState {
            lamp,
            light: signals.light(phase, at),
            // Carried along so that what strikes countdowns strikes what remains.
            countdown_s: Some(left.div_ceil(1000) as u16),
        });
        let mut states = LampStates {
            lamps: lamps.take(rsu::report::MAX_LAMPS).collect(),
            ..LampStates::default()
        };
        faults.lie(at, &self.lamps, &mut states);
        let said = states.lamps.first().and_then(|lamp| lamp.countdown_s);
        Moment {
            mode: signals.mode(at),
            stage: now.stage as u8 + 1,
            state: if at < now.green_ends {
                StageState::Running
            } else {
                StageState::Transition
            },
            elapsed_s: at.since(now.begins).as_secs() as u32,
            remaining_s: u32::from(said.unwrap_or(0)),
            lamps: states
                .lamps
                .iter()
                .map(|lamp| (lamp.lamp as u8, lamp.light))
                .collect(),
            utc: None,
        }
    }
}

/// What is configured in the controller: a phase of it is a phase of the site. Its limits are those that
/// its program keeps; nothing goes wrong with it of its own.
fn junction(signals: &Signals, lamps: &[(u16, PhaseId)]) -> Junction {
    let number = |phase: PhaseId| {
        let place = lamps.iter().position(|(_, other)| *other == phase);
        place.map_or(0, |place| place as u8 + 1)
    };
    let seconds = |span: Duration| span.as_secs() as u8;
    let mut junction = Junction {
        plan: 1,
        ..Junction::default()
    };
    let limits = signals.green_limits();
    for (i, stage) in signals.stages().iter().enumerate() {
        let limits = limits.as_ref().and_then(|limits| limits.get(i));
        let (least, greatest) = limits.copied().unwrap_or_default();
        let greatest_s = (greatest + FRACTION).as_secs() as u16;
        junction.stages.push(Stage {
            number: i as u8 + 1,
            phases: stage.phases.iter().map(|phase| number(*phase)).collect(),
            time_s: stage.length().as_secs() as u16,
            is_on_demand: false,
        });
        for &phase in &stage.phases {
            let losing = [
                (Light::FlashingGreen, seconds(stage.flashing_green)),
                (Light::Yellow, seconds(stage.yellow)),
                (Light::Red, seconds(stage.all_red)),
            ];
            let own = lamps.iter().filter(|(_, other)| *other == phase);
            junction.phases.push(Phase {
                number: number(phase),
                lamps: own.map(|(lamp, _)| *lamp as u8).collect(),
                getting: Vec::new(),
                losing: losing
                    .into_iter()
                    .filter(|(_, time_s)| *time_s > 0)
                    .collect(),
                least_green_s: least.as_secs() as u16,
                greatest_greens_s: [greatest_s; 2],
            });
        }
    }
    junction
}

/// A part of a second is told as a whole one.
const FRACTION: Duration = Duration::from_millis(999);
