//! One junction of a live run: a real daemon, its devices at the other ends of real sockets, and an ear
//! that holds what it sends against the truth, second by second.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use rsu::clock::{Mono, Now};
use rsu::daemon::{Daemon, Snapshot};

use super::clock::Clock;
use super::lines::{ControllerLine, Ports, RadioLine, SensorLine};
use super::today;
use super::wishes::Wishes;
use crate::judge::Judge;
use crate::scenario::{Addresses, Scenario};
use crate::sensors::{Delivery, Device, Devices};
use crate::stage::{read_config, weather_station};
use crate::truth::{Epoch, Truth};
use crate::world::World;

/// The sockets of one unit's devices.
pub struct Lines {
    controller: ControllerLine,
    radars: Vec<SensorLine>,
    cameras: Vec<SensorLine>,
    weather: Option<SensorLine>,
    radio: Option<RadioLine>,
    page: Option<SocketAddr>,
}

/// A junction under way.
pub struct Unit {
    lines: Lines,
    devices: Devices,
    truth: Truth,
    /// What the second that runs has brought.
    judge: Judge,
    daemon: Daemon,
}

impl Lines {
    /// Opens what the scenario of the junction at a place has.
    pub fn open(
        scenario: &Scenario,
        place: usize,
        wishes: &Wishes,
        ports: &mut Ports,
    ) -> Result<Self> {
        let file = &scenario.file;
        let lines = |count: usize| -> Result<Vec<SensorLine>> {
            (0..count).map(|_| SensorLine::open()).collect()
        };
        let station = file.weather_station.as_ref();
        let radio = file.air.as_ref();
        Ok(Self {
            controller: ControllerLine::open(file.controller.line, ports)?,
            radars: lines(file.radar.len())?,
            cameras: lines(file.camera.len())?,
            weather: station.map(|_| SensorLine::open()).transpose()?,
            radio: radio.map(|_| RadioLine::open(ports)).transpose()?,
            page: page(&wishes.pages.of(place), ports)?,
        })
    }

    /// Where they are, as the daemon is told, which sends its frames there.
    fn addresses(&self, radio: Vec<SocketAddr>) -> Addresses {
        let of_all = |lines: &[SensorLine]| lines.iter().map(SensorLine::address).collect();
        Addresses {
            controller: self.controller.to(),
            controller_device: self.controller.device(),
            controller_serial: self.controller.serial().to_owned(),
            radars: of_all(&self.radars),
            cameras: of_all(&self.cameras),
            weather: self.weather.as_ref().map_or(nobody(), SensorLine::address),
            heard: self.radio.as_ref().map_or(nobody(), RadioLine::to),
            radio,
        }
    }

    /// All to which the daemon connects.
    fn streams(&self) -> impl Iterator<Item = &SensorLine> {
        let sensors = self.radars.iter().chain(&self.cameras);
        sensors.chain(&self.weather)
    }
}

impl Unit {
    /// Starts the daemon of a junction, at the moment to which its world has come. `ear` hears its frames;
    /// `node` is its number where there are several.
    pub fn start(
        (scenario, lines): (&Scenario, Lines),
        world: &World,
        (seed, clock): (u64, &Clock),
        (ear, node): (SocketAddr, Option<u16>),
        wishes: &Wishes,
    ) -> Result<Self> {
        let started = world.now();
        let mut radio = vec![ear];
        radio.extend(&wishes.also_to);
        let text = scenario.rsu_config(&lines.addresses(radio))?;
        let text = wishes.written(&text, lines.page, node)?;
        let today = clock.epoch().utc(started);
        let site = today::moved(&scenario.site_text, scenario.start, today)?;
        let config = read_config(&text, (&scenario.site_path, &site))?;
        let weather = weather_station(scenario, &config, seed)?;
        let daemon = Daemon::start(config, seed).context("the daemon does not start")?;
        let mut truth = Truth::new(clock.epoch(), world.signals().clone());
        truth.keep(world);
        Ok(Self {
            lines,
            devices: Devices::new(scenario, world, seed, started)?.with_weather(weather),
            truth,
            judge: Judge::new(scenario, started)?,
            daemon,
        })
    }

    /// When a device acts or is heard next.
    pub fn poll_timeout(&self) -> Mono {
        self.devices.poll_timeout()
    }

    /// Does all that is due, in the world as it is until `now` or a little beyond.
    pub fn work(&mut self, now: Now, world: &World) -> Result<()> {
        while self.devices.handle_timeout(now, world) {}
        while let Some(delivery) = self.devices.poll_delivery(now.mono) {
            self.send(&delivery)?;
        }
        for question in self.lines.controller.questions() {
            self.devices.ask_controller(now, world, &question);
        }
        Ok(())
    }

    /// Lets the daemon connect to devices, and takes what it asks them.
    pub fn tend(&mut self, now: Mono) {
        let mut said = Vec::new();
        let lines = &mut self.lines;
        for line in lines.radars.iter_mut().chain(&mut lines.cameras) {
            line.tend(&mut said);
        }
        // Sensors of traffic are asked nothing.
        said.clear();
        if let Some(line) = &mut lines.weather {
            line.tend(&mut said);
            if !said.is_empty() {
                self.devices.ask_weather(now, &said);
            }
        }
    }

    fn send(&mut self, delivery: &Delivery) -> Result<()> {
        let (lines, bytes) = (&mut self.lines, &delivery.bytes);
        match delivery.from {
            Device::Controller => lines.controller.send(bytes)?,
            Device::Radar(i) => lines.radars[i].send(bytes),
            Device::Camera(i) => lines.cameras[i].send(bytes),
            Device::Weather => {
                if let Some(line) = &mut lines.weather {
                    line.send(bytes);
                }
            }
            Device::Radio => {}
        }
        Ok(())
    }

    /// The unit's radio has heard a frame.
    pub fn hand_over(&self, frame: &[u8]) -> Result<()> {
        let radio = self.lines.radio.as_ref();
        radio.map_or(Ok(()), |radio| radio.send(frame))
    }

    /// The unit has sent a frame.
    pub fn hear(&mut self, arrived: Mono, frame: &[u8]) {
        self.judge.hear(arrived, frame, &self.truth);
    }

    /// Looks at a step that the world has made.
    pub fn follow(&mut self, world: &World) {
        self.truth.keep(world);
        self.devices.follow(world);
    }

    /// UTC and simulated time belong together otherwise from now on.
    pub fn set_epoch(&mut self, epoch: Epoch) {
        self.truth.set_epoch(epoch);
    }

    /// What was true in the last seconds.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// What the second that runs has brought, all pictures closed.
    pub fn second(&mut self) -> &mut Judge {
        self.judge.objects.close(&self.truth);
        &mut self.judge
    }

    /// What the daemon has done so far.
    pub fn stats(&self) -> Snapshot {
        self.daemon.stats()
    }

    /// Cycles and messages of sensors that the daemon did not take.
    pub fn dropped(&self) -> u64 {
        self.lines.streams().map(SensorLine::dropped).sum()
    }

    /// Where its page is.
    pub fn page(&self) -> Option<SocketAddr> {
        self.lines.page
    }

    /// Ends the daemon.
    pub fn stop(self) {
        self.daemon.stop();
    }
}

/// The first of these that is free.
fn page(wanted: &[SocketAddr], ports: &mut Ports) -> Result<Option<SocketAddr>> {
    let mut refused = None;
    for &address in wanted {
        match ports.streams(address) {
            Ok(address) => return Ok(Some(address)),
            Err(e) => refused = Some(e),
        }
    }
    match refused {
        Some(e) => bail!("the page cannot be served at {e:#}"),
        None => Ok(None),
    }
}

/// An address that nobody answers at.
fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9))
}
