//! The same scenario in real time, against real daemons on loopback sockets.
//!
//! - [`play`]: what is played, and its worlds
//! - [`wishes`]: what is asked of it
//! - [`clock`]: simulated time as it goes
//! - [`unit`]: one junction: its daemon and its devices; [`today`], its site's plans on another day
//! - [`lines`]: the sockets of devices; [`serial`], a controller at the end of a serial line
//! - [`ear`]: those who listen to what the daemons send; [`air`], the vehicles with radios among them
//! - [`bench`]: the judges, and their verdict; [`outcome`], what came of it, for a report
//! - [`summary`]: what was heard in a second, in a line
//!
//! All that virtual time has is here too: vehicles with radios, a weather station, several junctions with a
//! daemon each. The daemons run in this process with their own threads and sockets, configured by what the
//! scenario says through their own reader. They cannot tell: the controller sends datagrams, each radar is a
//! gateway that they connect to, each camera a box, the weather station answers Modbus TCP, and the radio
//! hands over what the air has let it hear. What they send comes to a socket that only listens, and from
//! there to the vehicles, over the simulated air. Ports are free ones; nothing is needed from outside.
//!
//! One thread moves the worlds and the devices. If the machine cannot keep up, simulated time goes slower
//! and the summary says so; no step is skipped.

pub mod air;
pub mod bench;
pub mod clock;
pub mod ear;
pub mod lines;
pub mod outcome;
pub mod play;
pub mod serial;
pub mod summary;
pub mod today;
pub mod unit;
pub mod wishes;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use rsu::clock::Mono;
use rsu::daemon::Snapshot;

use self::air::OnAir;
use self::bench::{Bench, Found, Judged};
use self::clock::Clock;
use self::ear::{Ears, Received};
use self::lines::Ports;
use self::play::{Play, Worlds};
use self::summary::Summary;
use self::unit::{Lines, Unit};
use self::wishes::Wishes;
use crate::network::run::Trips;
use crate::obu::score::Score;
use crate::truth::Epoch;

/// A scenario in real time.
pub struct Live {
    worlds: Worlds,
    /// In the order of the worlds.
    units: Vec<Unit>,
    air: Option<OnAir>,
    ears: Ears,
    clock: Clock,
    /// Until all is judged that there is to judge.
    bench: Option<Bench>,
    started: Mono,
    tended: Mono,
}

/// What a live run has to tell while it goes on.
#[derive(Clone, Debug)]
pub enum News {
    /// A second has passed.
    Second(Box<Summary>),
    /// As much has been judged as in virtual time.
    Verdict(Box<Judged>),
}

/// What was heard from beginning to end.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Frames, by kind: SPAT, RSM, MAP, RSI.
    pub frames: [u64; 4],
    /// Frames that could not be decoded, and those that were lost.
    pub broken: u64,
    /// Frames of devices that the daemons rejected.
    pub rejected: u64,
    /// How far simulated time fell behind.
    pub slipped: Duration,
    /// What the daemon of each junction measured of itself, at the end.
    pub units: Vec<Snapshot>,
    /// What is counted of the vehicles with radios, since it counts.
    pub on_board: Option<Score>,
    /// The verdict.
    pub judged: Option<Judged>,
    /// What each judge has found, in the order of the junctions.
    pub found: Vec<Found>,
    /// Journeys through all junctions, where there are several.
    pub trips: Option<Trips>,
}

impl Heard {
    /// Whether every kind of message came.
    pub fn everything(&self) -> bool {
        self.frames.iter().all(|&count| count > 0)
    }
}

impl Live {
    /// Fills the roads, opens the lines and starts the daemons.
    pub fn start(play: &Play, wishes: &Wishes) -> Result<Self> {
        play.check()?;
        let play = play.clone().moved_by(&wishes.mover)?;
        let seed = wishes.seed;
        let worlds = Worlds::busy(&play, &wishes.mover, seed, &|| wishes.is_over())?;
        let started = worlds.now();
        let junctions = play.junctions();
        let ears = Ears::open(junctions.len())?;
        let mut ports = Ports::default();
        let scenarios = junctions.iter().enumerate();
        let lines = scenarios
            .map(|(place, (_, scenario))| Lines::open(scenario, place, wishes, &mut ports));
        let lines = lines.collect::<Result<Vec<Lines>>>()?;
        drop(ports);
        let clock = Clock::starting_at(started)?;
        let (seeds, several) = (play.seeds(seed), junctions.len() > 1);
        let mut units = Vec::with_capacity(lines.len());
        for (place, (lines, (_, scenario))) in lines.into_iter().zip(&junctions).enumerate() {
            let node = several.then_some(scenario.site.node.id);
            units.push(Unit::start(
                (scenario, lines),
                &worlds.all()[place],
                (seeds[place], &clock),
                (ears.addresses()[place], node),
                wishes,
            )?);
        }
        let fleet = play.fleet(clock.epoch(), seed)?;
        Ok(Self {
            bench: Some(Bench::new(&play, started)?),
            worlds,
            units,
            air: fleet.map(OnAir::new),
            ears,
            clock,
            started,
            tended: Mono::ZERO,
        })
    }

    /// Goes on for as long as wished; `tell` says whether anybody still reads what there is to tell.
    pub fn run(mut self, wishes: &Wishes, tell: &mut dyn FnMut(News) -> bool) -> Result<Heard> {
        let mut heard = Heard::default();
        let mut second = self.started + SECOND;
        let end = wishes
            .duration
            .map_or(Mono::NEVER, |span| self.started + span);
        let last = loop {
            let now = self.keep_up()?;
            self.work(now)?;
            if now >= second {
                let summary = self.summarise(second)?;
                heard.add(&summary);
                if !tell(News::Second(Box::new(summary))) {
                    break now;
                }
                second += SECOND;
            }
            if self.bench.as_ref().is_some_and(|bench| bench.is_over(now)) {
                self.judge(now, &mut heard);
                if let Some(judged) = heard.judged.clone()
                    && !tell(News::Verdict(Box::new(judged)))
                {
                    break now;
                }
            }
            if now >= end || wishes.is_over() {
                break now;
            }
            let wait = self.poll_timeout().min(second);
            let wait = wait.since(self.clock.mono(Instant::now()));
            let mut wait = wait.min(NAP);
            for _ in 0..MOST_AT_ONCE {
                let Some(frame) = self.ears.wait(wait)? else {
                    break;
                };
                self.hear(&frame)?;
                wait = Duration::ZERO;
            }
        };
        self.judge(last, &mut heard);
        heard.on_board = self.air.as_ref().map(OnAir::score);
        heard.slipped = self.clock.slipped();
        heard.units = self.units.iter().map(Unit::stats).collect();
        self.units.into_iter().for_each(Unit::stop);
        Ok(heard)
    }

    /// Where the daemons send their frames, in the order of the junctions.
    pub fn radios(&self) -> &[SocketAddr] {
        self.ears.addresses()
    }

    /// Where the pages of the units are, in the order of the junctions.
    pub fn pages(&self) -> Vec<Option<SocketAddr>> {
        self.units.iter().map(Unit::page).collect()
    }

    /// When somebody acts next.
    fn poll_timeout(&self) -> Mono {
        let air = self.air.as_ref().map_or(Mono::NEVER, OnAir::poll_timeout);
        let units = self.units.iter().map(Unit::poll_timeout);
        units.fold(air, Mono::min)
    }

    /// What time it is.
    fn keep_up(&mut self) -> Result<Mono> {
        let (now, slipped) = self.clock.keep_up(self.poll_timeout())?;
        if slipped {
            self.set_epoch(self.clock.epoch());
        }
        Ok(now)
    }

    fn set_epoch(&mut self, epoch: Epoch) {
        self.units.iter_mut().for_each(|unit| unit.set_epoch(epoch));
        if let Some(air) = &mut self.air {
            air.set_epoch(epoch);
        }
    }

    /// Does all that is due.
    fn work(&mut self, now: Mono) -> Result<()> {
        self.see_to(now)?;
        let both = self.clock.both(now);
        if let Some(air) = &mut self.air {
            air.handle_timeout(both, &self.worlds);
            for (place, unit) in self.units.iter().enumerate() {
                while let Some(frame) = air.poll_delivery(place) {
                    unit.hand_over(&frame)?;
                }
            }
        }
        let tends = now.since(self.tended) >= TENDS;
        for (unit, world) in self.units.iter_mut().zip(self.worlds.all()) {
            unit.work(both, world)?;
            if tends {
                unit.tend(now);
            }
        }
        if tends {
            self.tended = now;
        }
        Ok(())
    }

    fn hear(&mut self, frame: &Received) -> Result<()> {
        let (arrived, place) = (self.clock.mono(frame.at), frame.junction);
        // The world must have been where the frame says it is.
        self.see_to(arrived)?;
        let unit = &mut self.units[place];
        unit.hear(arrived, &frame.bytes);
        if let Some(bench) = &mut self.bench {
            bench.hear(arrived, place, unit, &frame.bytes);
        }
        if let Some(air) = &mut self.air {
            air.broadcast(self.clock.both(arrived), place, &frame.bytes);
        }
        Ok(())
    }

    /// Lets the worlds go on until they cover `at`.
    fn see_to(&mut self, at: Mono) -> Result<()> {
        while self.worlds.now() < at {
            // Real time has come to the end of the step before: what was said until then is heard.
            if let Some(bench) = &mut self.bench
                && bench.follow(&self.worlds, &self.units)
                && let Some(air) = &mut self.air
            {
                air.begin_anew();
            }
            self.worlds.step()?;
            for (unit, world) in self.units.iter_mut().zip(self.worlds.all()) {
                unit.follow(world);
            }
            if let Some(air) = &mut self.air {
                for order in air.follow(&self.worlds) {
                    let world = &mut self.worlds.all_mut()[order.at];
                    world.advise(order.vehicle, order.most_mps, order.leave);
                }
            }
        }
        Ok(())
    }

    /// Comes to the verdict, once.
    fn judge(&mut self, now: Mono, heard: &mut Heard) {
        let on_board = self.air.as_ref().map(OnAir::score);
        let Some(bench) = self.bench.take() else {
            return;
        };
        let (judged, found, trips) = bench.close(now, &self.units, &self.worlds, on_board.as_ref());
        heard.judged = Some(judged);
        heard.found = found;
        heard.trips = trips;
    }

    fn summarise(&mut self, at: Mono) -> Result<Summary> {
        if self.clock.was_set()? {
            self.set_epoch(self.clock.epoch());
        }
        let (mut rejected, mut dropped) = (0, 0);
        for (place, unit) in self.units.iter().enumerate() {
            dropped += unit.dropped();
            for input in unit.stats().inputs {
                let frames = input.counts.rejected().iter();
                let frames: u64 = frames.map(|(_, count)| count).sum();
                rejected += frames + input.foreign + input.overlong + input.displaced;
                if let (Some(health), Some(bench)) = (input.sensor, &mut self.bench) {
                    bench.note_health(at, place, &input.name, health.suspicion);
                }
            }
        }
        let radios = self.air.as_mut().map(OnAir::take_counts);
        Ok(Summary {
            at: at.since(self.started),
            rejected,
            dropped,
            radios,
            slipped: self.clock.slipped(),
            ..Summary::take(self.units.iter_mut().map(Unit::second))
        })
    }
}

impl Heard {
    fn add(&mut self, second: &Summary) {
        for (sum, count) in self.frames.iter_mut().zip(second.frames) {
            *sum += count;
        }
        self.broken += second.broken;
        self.rejected = second.rejected;
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// The longest sleep.
const NAP: Duration = Duration::from_millis(20);
/// So many frames are heard before anything else is looked at.
const MOST_AT_ONCE: usize = 256;
/// How often sockets to which daemons connect are looked after.
const TENDS: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests;
