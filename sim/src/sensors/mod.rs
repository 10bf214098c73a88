//! What devices make of the truth, said in the devices' own protocols.
//!
//! - [`ars408`]: radars that look along an approach
//! - [`controller`]: the signal controller; [`gat1743`] and [`gb20999`], its voices
//! - [`faults`]: what goes wrong with it
//! - [`weather`]: the weather, and the station that measures it
//!
//! [`Devices`] are those of a scenario with their lines to the roadside unit. They are driven by time
//! alone: `poll_timeout` says when one acts next, and what it says comes out as the bytes of its
//! protocol when they arrive. No sockets here: the stage hands the bytes to a decoder, the live stage
//! to a socket.

pub mod ars408;
pub mod controller;
pub mod faults;
pub mod gat1743;
pub mod gb20999;
pub mod weather;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use anyhow::{Context, Result};
use rsu::clock::{Mono, Now};
use rsu::inputs::Mount;

use self::ars408::Radar;
use self::controller::{Controller, Datagram};
use self::faults::Faults;
use self::weather::WeatherStation;
use crate::scenario::{RadarTable, Scenario};
use crate::world::World;

/// The devices of a scenario, and what is on its way from them.
#[derive(Debug)]
pub struct Devices {
    controller: Controller,
    radars: Vec<Radar>,
    weather: Option<WeatherStation>,
    on_the_way: BinaryHeap<Reverse<Delivery>>,
    planned: u64,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// The signal controller.
    Controller,
    /// The radar with this place in the scenario.
    Radar(usize),
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
    /// A datagram of the controller, or one cycle of a radar.
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
            let mount = Mount::from(radar.mount);
            Ok(Radar::new(model(radar)?, mount, i, seed, now))
        });
        let faults = Faults::new(scenario.faults()?, seed);
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
        self.radars
            .iter()
            .map(Radar::poll_timeout)
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
            return false;
        };
        let radar = &mut self.radars[i];
        let scene = world.snapshot(radar.poll_timeout());
        let mut bytes = Vec::new();
        let arrives = radar.scan(&scene, &mut bytes);
        self.plan(arrives, Device::Radar(i), bytes);
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
