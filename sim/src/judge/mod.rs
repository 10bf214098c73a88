//! What was broadcast against what was true.
//!
//! The judge is a receiver: it has the bytes of frames, when they arrived, and, unlike a vehicle, the
//! truth. It knows nothing of how the roadside unit came to what it said.
//!
//! - [`traffic`]: which messages, how often, how many lost
//! - [`signals`]: SPAT against the lamps
//! - [`silence`]: what is told when a controller falls silent
//! - [`objects`]: RSM against the road; [`coverage`], where that is asked; [`kinds`], of whom; [`beyond`],
//!   who has left it
//! - [`events`]: RSI against what happens; [`detectors`]: the same by type, over many runs
//! - [`signs`]: its speed limits against those of the road
//! - [`maps`]: MAP against the road
//! - [`warnings`]: warnings against what then happens
//! - [`conflicts`]: who is about to be run into, and was that known in time
//! - [`health`]: what the unit tells of its sensors against what is wrong with them
//! - [`journeys`]: how long road users took; [`priority`], with and without a signal that favours buses;
//!   [`clearances`], whether a signal that decides cut one
//! - [`verdict`]: what must hold, and whether it does
//! - [`samples`]: many measurements of one thing; [`buckets`], of very many; [`trace`], how it went

pub mod beyond;
pub mod buckets;
pub mod clearances;
pub mod conflicts;
pub mod coverage;
pub mod detectors;
pub mod events;
pub mod health;
pub mod journeys;
pub mod kinds;
pub mod maps;
pub mod objects;
pub mod priority;
pub mod samples;
pub mod signals;
pub mod signs;
pub mod silence;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod traffic;
pub mod verdict;
pub mod warnings;

use std::time::Duration;

use anyhow::Result;
use rsu::clock::Mono;
use rsu::warnings::Change;
use v2x_msg::Message;
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::base::NodeId;
use v2x_msg::kinds::map::Map;
use v2x_msg::kinds::rsc::Rsc;
use v2x_msg::kinds::rsi::Rsi;
use v2x_msg::kinds::rsm::Rsm;
use v2x_msg::kinds::spat::Spat;
use v2x_msg::kinds::ssm::Ssm;

use self::clearances::Clearances;
use self::conflicts::ConflictJudge;
use self::coverage::Coverage;
use self::events::EventJudge;
use self::health::HealthJudge;
use self::journeys::Journeys;
use self::maps::MapJudge;
use self::objects::ObjectJudge;
use self::priority::PriorityJudge;
use self::signals::SignalScore;
use self::signs::SignJudge;
use self::silence::Silence;
use self::traffic::Traffic;
use self::warnings::WarningJudge;
use crate::obu::score::Score;
use crate::scenario::Scenario;
use crate::sensors::faults::FaultKind;
use crate::truth::Truth;
use crate::world::roads::Roads;
use crate::world::{Crossing, World};

/// Hears all frames and holds them against the truth.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Which messages came, and how often.
    pub traffic: Traffic,
    /// SPAT.
    pub signals: SignalScore,
    /// Silences of the controller.
    pub silences: Vec<Silence>,
    /// RSM.
    pub objects: ObjectJudge,
    /// RSI.
    pub events: EventJudge,
    /// Its speed limits.
    pub signs: SignJudge,
    /// By driver who ran a red light: for how long it had been shown when it passed the line.
    pub red_runners_shown_s: Vec<f64>,
    /// What was warned of.
    pub warnings: WarningJudge,
    /// Who was about to be run into.
    pub conflicts: ConflictJudge,
    /// What the unit tells of its sensors.
    pub health: HealthJudge,
    /// MAP.
    pub maps: MapJudge,
    /// Who passed the stop lines.
    pub journeys: Journeys,
    /// How signals clear the junction.
    pub clearances: Clearances,
    /// What buses gain and others lose, where that is asked.
    pub priority: Option<PriorityJudge>,
    /// What reached vehicles with on-board units, and what they made of it.
    pub on_board: Option<Score>,
    node: NodeId,
    from: Mono,
    line: Duration,
    message: Message,
}

impl Judge {
    /// A judge of a scenario's roadside unit, which counts from `from` on.
    pub fn new(scenario: &Scenario, from: Mono) -> Result<Self> {
        let file = &scenario.file;
        let roads = Roads::of_site(&scenario.site)?;
        let spells = scenario.spells()?;
        let coverage = Coverage::new(scenario);
        let [_, slowest_ms] = file.controller.delay_ms;
        Ok(Self {
            traffic: Traffic::new(from),
            signals: SignalScore::default(),
            silences: silences(scenario),
            red_runners_shown_s: Vec::new(),
            warnings: WarningJudge::default(),
            conflicts: ConflictJudge::new(scenario.walls()?),
            maps: MapJudge::new(scenario.site.frame, scenario.site.node, &roads),
            health: HealthJudge::new(scenario),
            journeys: Journeys::default(),
            clearances: Clearances::default(),
            priority: None,
            on_board: None,
            objects: ObjectJudge::new(scenario.site.frame, coverage, file.limits.match_m, from)
                .under(spells),
            events: EventJudge::new(scenario.site.frame, &file.unjudged_events, from),
            signs: SignJudge::new(&scenario.site, &roads, scenario.moment(0.0)),
            node: scenario.site.node,
            from,
            line: Duration::from_secs_f64(slowest_ms.max(0.0) / 1e3),
            message: Message::default(),
        })
    }

    /// No more than so many measurements of one thing are kept one by one.
    pub fn keep_at_most(&mut self, keeps: usize) {
        let signals = &mut self.signals;
        let signals = [
            &mut signals.end_error_s,
            &mut signals.word_error_s,
            &mut signals.age_s,
        ];
        let all = self.objects.score.samples().chain(signals);
        all.for_each(|samples| samples.keep_at_most(keeps));
    }

    /// Takes one frame as it came off the air.
    pub fn hear(&mut self, arrived: Mono, frame: &[u8], truth: &Truth) {
        self.traffic.hear(arrived, frame);
        match self.read(frame) {
            Some(Heard::Spat(spat)) => {
                for silence in &mut self.silences {
                    silence.hear(&spat, arrived);
                }
                if arrived >= self.from {
                    self.signals.judge(&spat, arrived, truth, self.line);
                }
            }
            Some(Heard::Rsm(rsm)) => self.objects.hear(&rsm, arrived, truth),
            Some(Heard::Rsi(rsi)) => {
                self.events.hear(&rsi, arrived, truth);
                self.signs.hear(&rsi, arrived, self.node);
            }
            Some(Heard::Map(map)) => self.maps.hear(&map),
            // What they are worth shows at the vehicles that asked ([`Score::requests`]).
            Some(Heard::Answer) => {}
            None => self.traffic.undecoded += 1,
        }
    }

    /// Looks at a step of the world, and at who passed a stop line in it.
    pub fn watch(&mut self, world: &World, truth: &Truth) {
        self.journeys.follow(world);
        for crossing in world.crossings() {
            self.passed(crossing, world);
        }
        self.follow(world, truth);
    }

    /// A vehicle passed a stop line.
    pub fn passed(&mut self, crossing: &Crossing, world: &World) {
        let counts = crossing.at >= self.from;
        self.journeys.passed(crossing, world, counts);
        if !counts {
            return;
        }
        if let Some(priority) = &mut self.priority {
            priority.passed(0, crossing, world);
        }
        if crossing.runs_red() {
            let shown_s = self.objects.shown_for_s(crossing.vehicle, crossing.at);
            self.red_runners_shown_s.push(shown_s);
            let phase = world.roads().routes[crossing.route].phase;
            let shown = phase.and_then(|phase| world.signals().shown(phase, crossing.at));
            let into_red_s = shown.map_or(0.0, |red| crossing.at.seconds_after(red.since));
            self.warnings.ran(crossing.vehicle, crossing.at, into_red_s);
        }
    }

    /// The unit warns of something, or no more.
    pub fn warned(&mut self, now: Mono, change: &Change) {
        let objects = &self.objects;
        self.warnings.hear(now, change, |id| objects.shown_by(id));
    }

    /// Looks at a step that the world has made.
    pub fn follow(&mut self, world: &World, truth: &Truth) {
        self.warnings.follow(world, truth);
        if world.now() > self.from {
            self.clearances.follow(world);
            self.signs.follow(world);
            let (objects, warnings) = (&self.objects, &self.warnings);
            self.conflicts.follow(world, truth, objects, warnings);
        }
    }

    /// Since when it counts.
    pub fn from(&self) -> Mono {
        self.from
    }

    /// Nothing more will come.
    pub fn finish(&mut self, at: Mono, truth: &Truth) {
        self.objects.finish(truth);
        self.events.finish(at, truth);
        self.signs.finish(at);
        self.conflicts.finish(&self.warnings);
        for conflict in &self.conflicts.found {
            self.warnings.came_true(conflict.bodies, conflict.at);
        }
        self.signals.finish(truth.signals());
        self.traffic.finish(at);
    }

    /// The message in a frame, checked as far as the roadside unit's own kinds go.
    fn read(&mut self, frame: &[u8]) -> Option<Heard> {
        let packet = dsmp::parse(frame).ok()?;
        let aid = packet.aid().ok()?;
        self.message.decode_into(packet.data).ok()?;
        let message = &self.message;
        let count = message.msg_cnt();
        self.traffic.count(aid, count);
        match aid {
            Aid::Spat => Spat::read(message).ok().map(Heard::Spat),
            Aid::Rsm => Rsm::read(message).ok().map(Heard::Rsm),
            Aid::Map => Map::read(message).ok().map(Heard::Map),
            Aid::RsiStatic | Aid::RsiSemiStatic | Aid::RsiDynamic => {
                Rsi::read(message).ok().map(Heard::Rsi)
            }
            Aid::Rsc => Rsc::read(message).ok().map(|_| Heard::Answer),
            Aid::Ssm => Ssm::read(message).ok().map(|_| Heard::Answer),
            _ => None,
        }
    }
}

/// Whole silences only: some datagrams of a bad line still come.
fn silences(scenario: &Scenario) -> Vec<Silence> {
    let faults = scenario.file.fault.iter();
    faults
        .filter(|fault| {
            fault
                .of
                .as_ref()
                .is_none_or(|of| *of == scenario.file.controller.name)
        })
        .filter(|fault| fault.kind == FaultKind::Silence && fault.share >= 1.0)
        .map(|fault| {
            Silence::new(
                scenario.moment(fault.from_s),
                scenario.moment(fault.until_s),
            )
        })
        .collect()
}

#[expect(
    clippy::large_enum_variant,
    reason = "lives for one call; nothing is stored"
)]
enum Heard {
    Spat(Spat),
    Rsm(Rsm),
    Rsi(Rsi),
    Map(Map),
    Answer,
}
