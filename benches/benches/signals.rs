//! A forecast of sixteen phases, by what it rests on, and what one report of their lamps costs.
//!
//! Time goes on from run to run within a light, as ten forecasts a second do.

use std::hint::black_box;
use std::time::Duration;

use benches::junction;
use criterion::{Criterion, criterion_group, criterion_main};
use rsu::clock::Now;
use rsu::report::{ControlMode, LampPlan, LampState, LampStates, Light, PlanStep, SignalPlan};
use rsu::signals::{Basis, Config, Signals};
use rsu::site::Phase;
use v2x_msg::base::PhaseId;

const PHASES: u8 = 16;
/// Half of the phases are green in one half of the cycle, half in the other.
const HALF_S: u32 = 60;
const YELLOW_S: u32 = 3;
const CYCLES: u32 = 80;

/// Sixteen phases, with what they rest on.
struct Bench {
    signals: Signals,
    second: u32,
    basis: Basis,
}

impl Bench {
    /// After so many cycles that all memories are full, five seconds into a green.
    fn new(basis: Basis) -> Self {
        let mut site = junction::site();
        let some = site.phases[0].clone();
        let phase = |id: u8| Phase {
            id: PhaseId::new(id).expect("1 to 16"),
            lamps: vec![id.into()],
            ..some.clone()
        };
        site.phases = (1..=PHASES).map(phase).collect();
        site.conflicts.clear();
        for a in (1..=PHASES).step_by(2) {
            for b in (2..=PHASES).step_by(2) {
                let pair = (a.min(b), a.max(b));
                let [a, b] = [pair.0, pair.1].map(|id| PhaseId::new(id).expect("1 to 16"));
                site.conflicts.push((a, b));
            }
        }
        let inputs = [(some.controller.clone(), junction::CONTROLLER)];
        let signals = Signals::new(Config::default(), &site, &inputs).expect("it fits");
        let mut bench = Self {
            signals,
            second: 0,
            basis,
        };
        if basis == Basis::History {
            let mode = ControlMode::Actuated;
            bench
                .signals
                .handle_mode(bench.now(), junction::CONTROLLER, mode);
        }
        if basis == Basis::Plan {
            bench
                .signals
                .handle_plan(bench.now(), junction::CONTROLLER, &plan());
        }
        for _ in 0..CYCLES * 2 * HALF_S + 5 {
            bench.report();
        }
        bench
    }

    fn now(&self) -> Now {
        junction::at(u64::from(self.second) * 1_000_000_000)
    }

    fn report(&mut self) {
        self.second += 1;
        let lamps = self.lamps();
        self.signals
            .handle_lamps(self.now(), junction::CONTROLLER, black_box(&lamps));
    }

    fn lamps(&self) -> LampStates {
        let counting = self.basis != Basis::History;
        // Greens of history end by turns up to four seconds sooner.
        let sooner = if counting {
            0
        } else {
            self.second / (2 * HALF_S) * 3 % 5
        };
        let into = self.second % (2 * HALF_S);
        let state = |lamp: u8| {
            let own = u32::from(lamp % 2) * HALF_S;
            let green_s = HALF_S - YELLOW_S - sooner;
            let (light, left) = match (into + 2 * HALF_S - own) % (2 * HALF_S) {
                since if since < green_s => (Light::Green, green_s - since),
                since if since < green_s + YELLOW_S => (Light::Yellow, green_s + YELLOW_S - since),
                since => (Light::Red, 2 * HALF_S - since),
            };
            LampState {
                lamp: lamp.into(),
                light,
                countdown_s: u16::try_from(left).ok().filter(|_| counting),
            }
        };
        LampStates {
            lamps: (1..=PHASES).map(state).collect(),
            ..LampStates::default()
        }
    }
}

fn plan() -> SignalPlan {
    let lamp = |lamp: u8| {
        let green = [
            (Light::Green, HALF_S - YELLOW_S),
            (Light::Yellow, YELLOW_S),
            (Light::Red, HALF_S),
        ];
        let steps = if lamp.is_multiple_of(2) {
            green
        } else {
            [green[2], green[0], green[1]]
        };
        let steps = steps.map(|(light, s)| PlanStep {
            light,
            duration_s: s as u16,
        });
        LampPlan {
            lamp: lamp.into(),
            steps: steps.into_iter().collect(),
        }
    };
    SignalPlan {
        lamps: (1..=PHASES).map(lamp).collect(),
    }
}

/// What is told ten times a second.
fn forecast(c: &mut Criterion) {
    for (name, basis) in [
        ("signals/forecast/countdown/16", Basis::Countdown),
        ("signals/forecast/plan/16", Basis::Plan),
        ("signals/forecast/history/16", Basis::History),
    ] {
        let mut bench = Bench::new(basis);
        let mut later = Duration::ZERO;
        c.bench_function(name, |b| {
            b.iter(|| {
                later = if later.as_secs() < 1 {
                    later + Duration::from_millis(1)
                } else {
                    Duration::ZERO
                };
                let start = bench.now();
                let now = Now {
                    mono: start.mono + later,
                    utc: start.utc + later,
                };
                let forecast = bench.signals.say(black_box(now)).expect("fresh");
                let timing = forecast.phases[15].states[0].timing.expect("timed");
                assert_eq!((forecast.phases.len(), timing.basis), (16, basis));
            });
        });
    }
}

/// What comes in once a second, changes of light among it.
fn report(c: &mut Criterion) {
    for (name, basis) in [
        ("signals/report/countdown/16", Basis::Countdown),
        ("signals/report/plan/16", Basis::Plan),
        ("signals/report/history/16", Basis::History),
    ] {
        let mut bench = Bench::new(basis);
        c.bench_function(name, |b| b.iter(|| bench.report()));
        assert_eq!(bench.signals.oddities().changed_minds, 0);
    }
}

criterion_group!(benches, forecast, report);
criterion_main!(benches);
