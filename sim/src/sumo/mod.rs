//! A world that SUMO drives, by TraCI: its vehicles and walkers, our signals, sensors, air and judge.
//!
//! - [`process`]: SUMO as a program
//! - [`client`]: the conversation, over one socket; [`wire`]: its bytes
//! - `lights`: lamps of SUMO's traffic light by the site's phases
//!
//! Who rules what: the controller of the scenario rules the lamps. It speaks its own protocol to the unit
//! as ever, and before each step SUMO's traffic light is set to what it shows; so the way of signals to the
//! air is the one of a real unit, and any program of ours (actuated by SUMO's vehicles, coordinated) works
//! there. SUMO moves everybody: after each step all who are near the junction are guests of our
//! [`World`], where sensors see them. Step `k + 1` is asked for when the unit has handled `k`, so simulated
//! time never outruns it. The same SUMO, network and seed give the same bytes.
//!
//! What the judge knows of our own drivers it does not know of SUMO's: who runs a red light, delays and
//! stops, conflicts on routes, queues. SUMO is not needed to build or to test; `./tests/sumo/run` has it.

pub mod client;
mod lights;
pub mod process;
#[cfg(test)]
mod tests;
pub mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rsu::clock::Mono;
use v2x_msg::base::PhaseId;

use self::client::{Client, Seen, Trouble};
use self::lights::{Lane, Lights};
use self::process::Process;
use crate::plane::Point;
use crate::scenario::{Scenario, SumoTable};
use crate::world::World;
use crate::world::roads::Roads;
use crate::world::snapshot::{Body, FIRST_USER};
use crate::world::vehicles::Kind;

/// Who moves a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mover {
    /// We do.
    #[default]
    Own,
    /// SUMO does: this program, or the one that is found.
    Sumo(Option<PathBuf>),
}

/// A SUMO that moves a world.
#[derive(Debug)]
pub struct Sumo {
    // Before the process: it ends when nobody talks to it any more.
    client: Client,
    process: Process,
    ground: Ground,
    light: String,
    lights: Lights,
    guests: Guests,
    seen: Vec<Seen>,
}

/// How the network's metres lie on the site's.
#[derive(Clone, Copy, Debug)]
struct Ground {
    origin: Point,
    sin: f64,
    cos: f64,
}

/// SUMO's road users by our numbers.
#[derive(Clone, Debug)]
struct Guests {
    known: BTreeMap<String, u32>,
    next_vehicle: u32,
    next_person: u32,
}

impl Sumo {
    /// Starts SUMO for a scenario whose world is still empty.
    pub fn start(scenario: &Scenario, program: Option<&Path>, seed: u64) -> Result<Self> {
        let table = scenario.file.sumo.as_ref();
        let table = table.with_context(|| {
            format!(
                "{} names no network of SUMO's; give it a table [sumo] (docs/scenarios.md), or run \
                 moyu-boyuan-sumo",
                scenario.file.name
            )
        })?;
        for file in [&table.network].into_iter().chain(&table.routes) {
            ensure!(file.is_file(), "sumo: {} is not there", file.display());
        }
        let program = process::program(program);
        let (mut process, mut client) = Process::start(&program, &arguments(table, seed))?;
        let made = Self::around(scenario, table, &mut client);
        let (lights, ground) = made.map_err(|trouble| process.explain(trouble))?;
        Ok(Self {
            client,
            process,
            ground,
            light: table.light().to_owned(),
            lights,
            guests: Guests::default(),
            seen: Vec::new(),
        })
    }

    fn around(
        scenario: &Scenario,
        table: &SumoTable,
        client: &mut Client,
    ) -> Result<(Lights, Ground), Trouble> {
        let unfit = |e: &dyn std::fmt::Display| Trouble::Misfit(e.to_string());
        let ground = Ground::new(table);
        let roads = Roads::of_site(&scenario.site).map_err(|e| unfit(&e))?;
        let mut walks = BTreeMap::new();
        for walk in &table.walk {
            let phase = PhaseId::new(walk.phase).map_err(|e| unfit(&e))?;
            walks.insert(walk.crossing.clone(), phase);
        }
        let mut links = Vec::new();
        for lamp in client.links(table.light())? {
            let mut ways = Vec::new();
            for [from, to] in lamp {
                ways.push([
                    ground.lane(client, from, &walks)?,
                    ground.lane(client, to, &walks)?,
                ]);
            }
            links.push(ways);
        }
        let lights = Lights::new(&roads, &walks, &links)?;
        client.subscribe(&table.junction, table.radius_m)?;
        Ok((lights, ground))
    }

    /// Lets SUMO and the world go on by a step.
    pub fn step(&mut self, world: &mut World) -> Result<()> {
        let now = world.now();
        let went = match self.lights.change(world.signals(), now) {
            Some(letters) => self.client.set_lamps(&self.light, letters),
            None => Ok(()),
        };
        let went = went.and_then(|()| self.client.step(&mut self.seen));
        if let Err(trouble) = went {
            let at_s = now.seconds_after(Mono::ZERO);
            let told = self.process.explain(trouble);
            return Err(told).with_context(|| format!("at {at_s:.1} s of simulated time"));
        }
        world.invite(self.guests.bodies(&self.seen, self.ground));
        world.step();
        Ok(())
    }

    /// What SUMO calls itself.
    pub fn name(&self) -> &str {
        self.client.name()
    }
}

/// What SUMO is started with; lane changes take time, or all of a body would be elsewhere at once.
fn arguments(table: &SumoTable, seed: u64) -> Vec<String> {
    let routes: Vec<String> = table
        .routes
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let network = table.network.display().to_string();
    let (routes, seed) = (routes.join(","), (seed % (1 << 31)).to_string());
    let pairs = [
        ("--net-file", network.as_str()),
        ("--route-files", &routes),
        ("--step-length", "0.1"),
        ("--seed", &seed),
        ("--lanechange.duration", "4"),
        ("--time-to-teleport", "-1"),
        ("--no-step-log", "true"),
        ("--duration-log.disable", "true"),
        ("--no-warnings", "true"),
    ];
    let words = pairs.iter().flat_map(|&(key, value)| [key, value]);
    words.map(str::to_owned).collect()
}

impl Ground {
    fn new(table: &SumoTable) -> Self {
        let [east_m, north_m] = table.origin_m;
        let (sin, cos) = libm::sincos(table.turned_deg.to_radians());
        Self {
            origin: Point::new(east_m, north_m),
            sin,
            cos,
        }
    }

    /// A direction of the network, clockwise by as much as its north is off.
    fn turned(self, off: Point) -> Point {
        Point::new(
            off.east_m * self.cos + off.north_m * self.sin,
            off.north_m * self.cos - off.east_m * self.sin,
        )
    }

    fn place(self, (east_m, north_m): (f64, f64)) -> Point {
        self.turned(Point::new(east_m, north_m).minus(self.origin))
    }

    fn lane(
        self,
        client: &mut Client,
        name: String,
        walks: &BTreeMap<String, PhaseId>,
    ) -> Result<Lane, Trouble> {
        let edge = name
            .rsplit_once('_')
            .map_or(name.as_str(), |(edge, _)| edge);
        let points = if walks.contains_key(edge) {
            Vec::new()
        } else {
            client.lane(&name)?
        };
        Ok(Lane {
            name,
            points: points.into_iter().map(|place| self.place(place)).collect(),
        })
    }
}

impl Default for Guests {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            next_vehicle: 1,
            next_person: FIRST_USER,
        }
    }
}

impl Guests {
    /// Everybody as a body, in order of our numbers; who has been away is another.
    fn bodies(&mut self, seen: &[Seen], ground: Ground) -> Vec<Body> {
        let mut new: Vec<&Seen> = Vec::new();
        let mut known = BTreeMap::new();
        for one in seen {
            match self.known.get(&one.id) {
                Some(&id) => {
                    known.insert(one.id.clone(), id);
                }
                None => new.push(one),
            }
        }
        // In whatever order SUMO tells of them, their numbers are the same.
        new.sort_by(|a, b| a.id.cmp(&b.id));
        for one in new {
            let next = if one.person {
                &mut self.next_person
            } else {
                &mut self.next_vehicle
            };
            known.insert(one.id.clone(), *next);
            *next += 1;
        }
        self.known = known;
        let bodies = seen.iter().filter_map(|one| {
            let id = *self.known.get(&one.id)?;
            Some(body(id, one, ground))
        });
        let mut bodies: Vec<Body> = bodies.collect();
        bodies.sort_by_key(|body| body.id);
        bodies.dedup_by_key(|body| body.id);
        bodies
    }
}

fn body(id: u32, one: &Seen, ground: Ground) -> Body {
    let (sin, cos) = libm::sincos(one.angle_deg.to_radians());
    let direction = ground.turned(Point::new(sin, cos));
    let size = |told_m: f64, most_m: f64| told_m.clamp(0.2, most_m);
    let length_m = size(one.length_m, 40.0);
    Body {
        id,
        kind: kind(one),
        centre: ground
            .place(one.front)
            .minus(direction.times(length_m / 2.0)),
        direction,
        speed_mps: one.speed_mps.max(0.0),
        length_m,
        width_m: size(one.width_m, 5.0),
        height_m: size(one.height_m, 6.0),
    }
}

/// Ours for SUMO's class of vehicles.
fn kind(one: &Seen) -> Kind {
    if one.person {
        return Kind::Pedestrian;
    }
    match one.class.as_str() {
        "bicycle" | "moped" | "scooter" | "motorcycle" => Kind::Bicycle,
        "truck" | "trailer" | "delivery" => Kind::Truck,
        "bus" | "coach" => Kind::Bus,
        "pedestrian" => Kind::Pedestrian,
        _ => Kind::Car,
    }
}
