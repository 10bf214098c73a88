//! The same world in real time, against a real daemon on loopback sockets.
//!
//! - [`serial`]: a controller at the end of a serial line
//! - [`lines`]: the sockets of the devices and of a vehicle that listens
//! - [`summary`]: what was heard in a second, in a line
//!
//! The daemon runs in this process with its own threads and sockets, configured by what the scenario
//! says through its own reader. It cannot tell: the controller sends datagrams, each radar is a
//! gateway that it connects to, each camera a box, and its frames go to a socket that only listens. Ports are free ones;
//! nothing is needed from outside. If the machine cannot keep up, simulated time goes slower and the
//! summary says so.

pub mod lines;
pub mod serial;
pub mod summary;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use rsu::clock::{Mono, Now, Utc};
use rsu::daemon::{Daemon, Snapshot};

use self::lines::{ControllerLine, Received, Receiver, SensorLine};
use self::summary::Summary;
use crate::judge::Judge;
use crate::scenario::{Addresses, Scenario};
use crate::sensors::{Delivery, Device, Devices};
use crate::stage::read_config;
use crate::sumo::{Mover, Sumo};
use crate::truth::{Epoch, Truth};
use crate::world::World;

/// A scenario in real time.
pub struct Live {
    world: World,
    /// Who moves it, if we do not.
    sumo: Option<Sumo>,
    truth: Truth,
    devices: Devices,
    judge: Judge,
    clock: Clock,
    controller: ControllerLine,
    radars: Vec<SensorLine>,
    cameras: Vec<SensorLine>,
    receiver: Receiver,
    daemon: Daemon,
    started: Mono,
    slipped: Duration,
}

/// What is asked of a demonstration.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Who moves the world.
    pub mover: Mover,
    /// Chance.
    pub seed: u64,
    /// For how long; None: until it is interrupted.
    pub duration: Option<Duration>,
    /// Where frames are sent besides.
    pub also_to: Vec<SocketAddr>,
    /// Where the unit's page is served.
    pub console: Option<SocketAddr>,
    /// Where all that it hears and says is kept.
    pub record: Option<PathBuf>,
    /// Where the word is that who changes something over the page must know.
    pub token: Option<PathBuf>,
    /// Up once it is to end; None: nobody can wish that.
    pub ended: Option<Arc<AtomicBool>>,
}

impl Wishes {
    fn is_over(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_some_and(|ended| ended.load(Ordering::Relaxed))
    }
}

/// What was heard from beginning to end.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Frames, by kind: SPAT, RSM, MAP, RSI.
    pub frames: [u64; 4],
    /// Frames that could not be decoded, and those that were lost.
    pub broken: u64,
    /// Frames of devices that the daemon rejected.
    pub rejected: u64,
    /// How far simulated time fell behind.
    pub slipped: Duration,
    /// What the daemon measured of itself, at the end.
    pub unit: Option<Box<Snapshot>>,
}

impl Heard {
    /// Whether every kind of message came.
    pub fn everything(&self) -> bool {
        self.frames.iter().all(|&count| count > 0)
    }
}

/// The unit's configuration with what is asked of it for people; written, so that the unit can show it.
fn with_wishes(config: &str, wishes: &Wishes) -> Result<String> {
    let mut config: toml::Table = config.parse()?;
    let mut section = |name: &str, keys: toml::Table| config.insert(name.to_owned(), keys.into());
    if let Some(listen) = wishes.console {
        let mut keys = toml::Table::new();
        keys.insert("listen".to_owned(), listen.to_string().into());
        keys.insert("simulated".to_owned(), true.into());
        if let Some(file) = &wishes.token {
            keys.insert("token-file".to_owned(), file.display().to_string().into());
        }
        section("console", keys);
    }
    // Who knows the word may also say what is to be told on the road.
    if let Some(file) = &wishes.token {
        let journal = file.with_extension("events").display().to_string();
        let keys = [("journal".to_owned(), journal.into())];
        section("orders", keys.into_iter().collect());
    }
    if let Some(folder) = &wishes.record {
        let folder = folder.display().to_string();
        let keys = [("folder".to_owned(), folder.into())];
        section("record", keys.into_iter().collect());
    }
    Ok(toml::to_string(&config)?)
}

/// Simulated time as it goes: real time, less what was lost by not keeping up.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began: Instant,
    at: Mono,
}

impl Clock {
    fn mono(&self, at: Instant) -> Mono {
        self.at + at.saturating_duration_since(self.began)
    }
}

/// Lets a world go on by a step, moved by whom it is.
fn step(sumo: &mut Option<Sumo>, world: &mut World) -> Result<()> {
    match sumo {
        Some(sumo) => sumo.step(world),
        None => {
            world.step();
            Ok(())
        }
    }
}

/// An address that nobody answers at.
fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9))
}

impl Live {
    /// Fills the road, opens the lines and starts the daemon.
    pub fn start(scenario: &Scenario, wishes: &Wishes) -> Result<Self> {
        ensure!(
            scenario.file.air.is_none(),
            "vehicles with on-board units are simulated in virtual time only: `sim run {}`",
            scenario.file.name
        );
        let without_drivers;
        let (scenario, mut sumo) = match &wishes.mover {
            Mover::Own => (scenario, None),
            Mover::Sumo(program) => {
                without_drivers = scenario.without_drivers()?;
                let sumo = Sumo::start(&without_drivers, program.as_deref(), wishes.seed)?;
                (&without_drivers, Some(sumo))
            }
        };
        let mut world = scenario.world(wishes.seed)?;
        let started = Mono::ZERO + scenario.traffic();
        while world.now() < started {
            ensure!(!wishes.is_over(), "ended before it began");
            step(&mut sumo, &mut world)?;
        }
        let receiver = Receiver::open()?;
        let lines = |count: usize| -> Result<Vec<SensorLine>> {
            (0..count).map(|_| SensorLine::open()).collect()
        };
        let radars = lines(scenario.file.radar.len())?;
        let cameras = lines(scenario.file.camera.len())?;
        let controller = ControllerLine::open(scenario.file.controller.line)?;
        let mut radio = vec![receiver.address()];
        radio.extend(&wishes.also_to);
        let addresses = Addresses {
            controller: controller.to(),
            controller_device: controller.device(),
            controller_serial: controller.serial().to_owned(),
            radars: radars.iter().map(SensorLine::address).collect(),
            cameras: cameras.iter().map(SensorLine::address).collect(),
            weather: nobody(),
            heard: nobody(),
            radio,
        };
        let text = with_wishes(&scenario.rsu_config(&addresses)?, wishes)?;
        let config = read_config(&text, (&scenario.site_path, &scenario.site_text))?;
        let daemon = Daemon::start(config, wishes.seed).context("the daemon does not start")?;
        let clock = Clock {
            began: Instant::now(),
            at: started,
        };
        let mut truth = Truth::new(Epoch::new(started, system_utc()?), world.signals().clone());
        truth.keep(&world);
        Ok(Self {
            devices: Devices::new(scenario, &world, wishes.seed, started)?,
            judge: Judge::new(scenario, started)?,
            world,
            sumo,
            truth,
            clock,
            controller,
            radars,
            cameras,
            receiver,
            daemon,
            started,
            slipped: Duration::ZERO,
        })
    }

    /// Goes on for as long as wished, and hands out a summary each second; `tell` says whether anybody
    /// still reads them.
    pub fn run(mut self, wishes: &Wishes, tell: &mut dyn FnMut(&Summary) -> bool) -> Result<Heard> {
        let mut heard = Heard::default();
        let mut second = self.started + SECOND;
        let end = wishes
            .duration
            .map_or(Mono::NEVER, |span| self.started + span);
        loop {
            let now = self.keep_up()?;
            self.work(now)?;
            if now >= second {
                let summary = self.summarise(second);
                heard.add(&summary);
                if !tell(&summary) {
                    break;
                }
                second += SECOND;
            }
            if now >= end || wishes.is_over() {
                break;
            }
            let next = self.devices.poll_timeout().min(second);
            let wait = next.since(self.clock.mono(Instant::now()));
            if let Some(frame) = self.receiver.wait(wait.min(NAP))? {
                self.hear(&frame)?;
            }
        }
        heard.slipped = self.slipped;
        heard.unit = Some(Box::new(self.daemon.stats()));
        self.daemon.stop();
        Ok(heard)
    }

    /// Where the daemon sends its frames, as a sentence for people.
    pub fn radio(&self) -> SocketAddr {
        self.receiver.address()
    }

    /// What time it is; simulated time falls behind rather than rush after real time.
    fn keep_up(&mut self) -> Result<Mono> {
        let read = Instant::now();
        let now = self.clock.mono(read);
        let due = self.devices.poll_timeout().min(now);
        let behind = now.since(due);
        if behind <= PATIENCE {
            return Ok(now);
        }
        self.slipped += behind;
        self.clock = Clock {
            began: read,
            at: due,
        };
        self.truth.set_epoch(Epoch::new(due, system_utc()?));
        Ok(due)
    }

    /// Does all that is due.
    fn work(&mut self, now: Mono) -> Result<()> {
        self.see_to(now)?;
        let moment = Now {
            mono: now,
            utc: self.truth.epoch().utc(now),
        };
        while self.devices.handle_timeout(moment, &self.world) {}
        while let Some(delivery) = self.devices.poll_delivery(now) {
            self.send(&delivery)?;
        }
        for question in self.controller.questions() {
            self.devices.ask_controller(moment, &self.world, &question);
        }
        for line in self.radars.iter_mut().chain(&mut self.cameras) {
            line.tend();
        }
        Ok(())
    }

    fn send(&mut self, delivery: &Delivery) -> Result<()> {
        match delivery.from {
            Device::Controller => self.controller.send(&delivery.bytes)?,
            Device::Radar(i) => self.radars[i].send(&delivery.bytes),
            Device::Camera(i) => self.cameras[i].send(&delivery.bytes),
            // There is none on sockets yet: its input finds nobody.
            Device::Weather | Device::Radio => {}
        }
        Ok(())
    }

    fn hear(&mut self, frame: &Received) -> Result<()> {
        let arrived = self.clock.mono(frame.at);
        // The world must have been where the frame says it is.
        self.see_to(arrived)?;
        self.judge.hear(arrived, &frame.bytes, &self.truth);
        Ok(())
    }

    /// Lets the world go on until it covers `at`.
    fn see_to(&mut self, at: Mono) -> Result<()> {
        while self.world.now() < at {
            step(&mut self.sumo, &mut self.world)?;
            self.truth.keep(&self.world);
            self.devices.follow(&self.world);
        }
        Ok(())
    }

    fn summarise(&mut self, at: Mono) -> Summary {
        self.judge.objects.close(&self.truth);
        let stats = self.daemon.stats();
        let rejected = stats.inputs.iter().map(|input| {
            let frames: u64 = input.counts.rejected().iter().map(|(_, count)| count).sum();
            frames + input.foreign + input.overlong + input.displaced
        });
        Summary {
            at: at.since(self.started),
            rejected: rejected.sum(),
            dropped: self
                .radars
                .iter()
                .chain(&self.cameras)
                .map(SensorLine::dropped)
                .sum(),
            slipped: self.slipped,
            ..Summary::take(&mut self.judge)
        }
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

fn system_utc() -> Result<Utc> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the system's clock is before 1970")?;
    Ok(Utc::from_unix_ns(0) + since)
}

const SECOND: Duration = Duration::from_secs(1);
/// The longest sleep: sockets of radars are looked after in between.
const NAP: Duration = Duration::from_millis(20);
/// So late, and simulated time falls behind.
const PATIENCE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_daemon_is_heard_and_says_what_is_true() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../configs/scenarios/moyu-boyuan.toml"
        );
        let mut scenario = Scenario::load(std::path::Path::new(file)).expect("a scenario");
        scenario.file.traffic_s = 30;
        let wishes = Wishes {
            seed: 1,
            duration: Some(Duration::from_secs(3)),
            ..Wishes::default()
        };
        let live = Live::start(&scenario, &wishes).expect("a daemon");
        let mut seconds = Vec::new();
        let heard = live
            .run(&wishes, &mut |second| {
                seconds.push(second.clone());
                true
            })
            .expect("a run");
        assert!(heard.everything(), "{heard:?}");
        assert_eq!((heard.broken, heard.rejected), (0, 0));
        let unit = heard.unit.as_deref().expect("what it measured");
        assert!(unit.latency.reaction.count > 0, "{:?}", unit.latency);
        assert!(unit.latency.reaction.p50 > Duration::ZERO);
        let told = summary::measured(unit);
        assert!(!told.contains("none"), "{told}");
        let last = seconds.last().expect("three seconds");
        assert!(last.phases > 0, "{last}");
        // How well it keeps time depends on the machine; what it says does not.
        assert_eq!(last.right, last.phases, "{last}");
    }
}
