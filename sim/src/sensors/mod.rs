//! What devices make of the truth, said in the devices' own protocols.
//!
//! - [`ars408`]: radars that look along an approach
//! - [`camera`]: cameras whose boxes say where road users are
//! - [`sight`]: who is hidden behind whom; [`air`]: what fog and rain take
//! - [`controller`]: the signal controller; [`gat1743`] and [`gb20999`], its voices
//! - [`faults`]: what goes wrong with it
//! - [`weather`]: the weather, and the station that measures it
//!
//! [`Devices`] are those of a scenario with their lines to the roadside unit. They are driven by time
//! alone: `poll_timeout` says when one acts next, and what it says comes out as the bytes of its
//! protocol when they arrive. No sockets here: the stage hands the bytes to a decoder, the live stage
//! to a socket.

pub mod air;
pub mod ars408;
pub mod camera;
pub mod controller;
pub mod faults;
pub mod gat1743;
pub mod gb20999;
pub mod sight;
#[cfg(test)]
mod tests;
pub mod weather;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use anyhow::{Context, Result};
use rsu::clock::{Mono, Now};
use rsu::inputs::Mount;

use self::air::Air;
use self::ars408::Radar;
use self::camera::Camera;
use self::controller::{Controller, Datagram};
use self::faults::Faults;
use self::weather::{Spell, WeatherStation};
use crate::scenario::{RadarTable, Scenario};
use crate::world::World;
use crate::world::snapshot::{Body, Snapshot};

/// The devices of a scenario, and what is on its way from them.
#[derive(Debug)]
pub struct Devices {
    controller: Controller,
    radars: Vec<Radar>,
    cameras: Vec<Camera>,
    /// What stands beside the road.
    walls: Vec<Body>,
    spells: Vec<Spell>,
    /// What goes wrong with radars and cameras.
    faults: BTreeMap<Device, Faults>,
    /// Radars and cameras by name.
    names: BTreeMap<String, Device>,
    weather: Option<WeatherStation>,
    on_the_way: BinaryHeap<Reverse<Delivery>>,
    planned: u64,
}

/// What a sensor looks at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Who is on the road.
    pub scene: &'a Snapshot,
    /// What stands beside it.
    pub walls: &'a [Body],
    /// What is between.
    pub air: Air,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// The signal controller.
    Controller,
    /// The radar with this place in the scenario.
    Radar(usize),
    /// The camera with this place in the scenario.
    Camera(usize),
    /// The weather station.
    Weather,
    /// The roadside unit's own radio, with what road users say.
    Radio,
}

/// Bytes from a device. Ordered by arrival, then by when they were said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// When they reach the roadside unit.
    pub arrives: Mono,
    planned: u64,
    /// Whose they are.
    pub from: Device,
    /// A datagram of the controller, one cycle of a radar, or one message of a box.
    pub bytes: Vec<u8>,
}

impl Devices {
    /// The devices of a scenario, silent until `now`.
    pub fn new(scenario: &Scenario, world: &World, seed: u64, now: Mono) -> Result<Self> {
        let file = &scenario.file;
        let model = |radar: &RadarTable| {
            let model = file.radar_model;
            model.with_context(|| format!("radar {}: there is no [radar-model]", radar.name))
        };
        let radars = file.radar.iter().enumerate().map(|(i, radar)| {
            let mount = Mount::from(radar.survey_off.real(radar.mount));
            Ok(Radar::new(model(radar)?, mount, i, seed, now))
        });
        let cameras = file.camera.iter().enumerate().map(|(i, camera)| {
            let model = scenario.camera_model()?;
            let frame = scenario.site.frame;
            Ok(Camera::new(model, camera, frame, i, seed, now))
        });
        let radar_names = file.radar.iter().map(|radar| &radar.name).enumerate();
        let radar_names = radar_names.map(|(i, name)| (Device::Radar(i), 1 + i, name));
        let camera_names = file.camera.iter().map(|camera| &camera.name).enumerate();
        let camera_names =
            camera_names.map(|(i, name)| (Device::Camera(i), FIRST_CAMERA + i, name));
        let sensors: Vec<_> = radar_names.chain(camera_names).collect();
        let names = sensors.iter();
        let names = names.map(|(device, _, name)| (name.to_string(), *device));
        let names = names.collect();
        let sensors = sensors.into_iter();
        let sensors = sensors.map(|(device, number, name)| {
            let faults = Faults::new(scenario.faults(name)?, number as u64, seed);
            Ok((device, faults))
        });
        let sensor_faults = sensors.collect::<Result<_>>()?;
        let faults = Faults::new(scenario.faults(&file.controller.name)?, 0, seed);
        let signals = world.signals();
        Ok(Self {
            controller: Controller::new(
                &file.controller,
                &scenario.site,
                signals,
                faults,
                seed,
                now,
            ),
            radars: radars.collect::<Result<_>>()?,
            cameras: cameras.collect::<Result<_>>()?,
            walls: scenario.walls()?,
            spells: scenario.spells()?,
            faults: sensor_faults,
            names,
            weather: None,
            on_the_way: BinaryHeap::new(),
            planned: 0,
        })
    }

    /// The same with a weather station.
    pub fn with_weather(self, weather: Option<WeatherStation>) -> Self {
        Self { weather, ..self }
    }

    /// When something arrives or a device acts next.
    pub fn poll_timeout(&self) -> Mono {
        let arrival = self
            .on_the_way
            .peek()
            .map_or(Mono::NEVER, |next| next.0.arrives);
        let radars = self.radars.iter().map(Radar::poll_timeout);
        let cameras = self.cameras.iter().map(Camera::poll_timeout);
        radars
            .chain(cameras)
            .fold(arrival.min(self.controller.poll_timeout()), Mono::min)
    }

    /// Looks at a step that the world has made.
    pub fn follow(&mut self, world: &World) {
        self.controller.follow(world.signals());
    }

    /// What has arrived by `now`, in order; call until None.
    pub fn poll_delivery(&mut self, now: Mono) -> Option<Delivery> {
        let arrived = self.on_the_way.peek()?.0.arrives <= now;
        arrived.then(|| self.on_the_way.pop())?.map(|next| next.0)
    }

    /// Lets one device that is due act; false if none was. The world must cover `now`.
    pub fn handle_timeout(&mut self, now: Now, world: &World) -> bool {
        if self.controller.poll_timeout() <= now.mono {
            let mut sent = Vec::new();
            self.controller
                .handle_timeout(now, world.signals(), &mut sent);
            self.plan_datagrams(sent);
            return true;
        }
        let due = |radar: &Radar| radar.poll_timeout() <= now.mono;
        let Some(i) = self.radars.iter().position(due) else {
            return self.shoot(now, world);
        };
        let radar = &mut self.radars[i];
        let at = radar.poll_timeout();
        if let Some(faults) = self.faults.get(&Device::Radar(i)) {
            radar.turn(faults.turned_deg(at));
        }
        let view = View {
            scene: &world.snapshot(at),
            walls: &self.walls,
            air: Air::at(&self.spells, at),
        };
        let mut bytes = Vec::with_capacity(USUAL_CYCLE);
        let arrives = radar.scan(&view, &mut bytes);
        self.carry(at, Device::Radar(i), Datagram { arrives, bytes });
        true
    }

    /// Lets one camera that is due take its image; false if none was.
    fn shoot(&mut self, now: Now, world: &World) -> bool {
        let due = |camera: &Camera| camera.poll_timeout() <= now.mono;
        let Some(i) = self.cameras.iter().position(due) else {
            return false;
        };
        let camera = &mut self.cameras[i];
        let at = camera.poll_timeout();
        let view = View {
            scene: &world.snapshot(at),
            walls: &self.walls,
            air: Air::at(&self.spells, at),
        };
        let mut bytes = Vec::with_capacity(USUAL_IMAGE);
        let device = Device::Camera(i);
        let clock_off_ms = self.faults.get(&device).map_or(0, |f| f.clock_off_ms(at));
        let arrives = camera.shoot(now, clock_off_ms, &view, &mut bytes);
        self.carry(at, device, Datagram { arrives, bytes });
        true
    }

    /// Carries a question of the roadside unit to the controller.
    pub fn ask_controller(&mut self, now: Now, world: &World, question: &[u8]) {
        let mut answers = Vec::new();
        self.controller
            .handle_datagram(now, world.signals(), question, &mut answers);
        self.plan_datagrams(answers);
    }

    /// Carries a question of the roadside unit to the weather station.
    pub fn ask_weather(&mut self, now: Mono, question: &[u8]) {
        let answer = self
            .weather
            .as_mut()
            .map(|station| station.answer(now, question));
        if let Some((arrives, bytes)) = answer.filter(|(_, bytes)| !bytes.is_empty()) {
            self.plan(arrives, Device::Weather, bytes);
        }
    }

    /// Forgets what is on its way: the roadside unit is not listening.
    pub fn drop_deliveries(&mut self) {
        self.on_the_way.clear();
    }

    /// Carries what a sensor says down its line, with all that goes wrong there.
    fn carry(&mut self, at: Mono, from: Device, said: Datagram) {
        let mut sent = Vec::new();
        let mut speaks_as = from;
        match self.faults.get_mut(&from) {
            Some(faults) => {
                faults.carry(at, said, &mut sent);
                faults.babble(at, &mut sent);
                let other = faults.speaks_as(at).and_then(|name| self.names.get(name));
                speaks_as = other.copied().unwrap_or(from);
            }
            None => sent.push(said),
        }
        let from = speaks_as;
        for Datagram { arrives, bytes } in sent {
            self.plan(arrives, from, bytes);
        }
    }

    fn plan_datagrams(&mut self, datagrams: Vec<Datagram>) {
        for Datagram { arrives, bytes } in datagrams {
            self.plan(arrives, Device::Controller, bytes);
        }
    }

    fn plan(&mut self, arrives: Mono, from: Device, bytes: Vec<u8>) {
        self.planned += 1;
        self.on_the_way.push(Reverse(Delivery {
            arrives,
            planned: self.planned,
            from,
            bytes,
        }));
    }
}

/// Octets of a message of a box, and of a cycle of a radar, that sees many.
const USUAL_IMAGE: usize = 16 << 10;
const USUAL_CYCLE: usize = 4 << 10;
/// Faults of cameras draw from other streams than those of radars.
const FIRST_CAMERA: usize = 1001;
