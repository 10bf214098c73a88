//! One run: a daemon, its devices and its air under one setting, from start to figures.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rsu::report::Light;

use crate::air::{Air, Heard};
use crate::devices::{Gateway, Said, Signal, burst_until};
use crate::figures::{Busy, Figure, Figures, Memory, Run, Samples, Target};
use crate::guests::Guests;
use crate::judge::{Answered, Judge, Read, is_spat};
use crate::load::Load;
use crate::machine::{self, Spent, processor_time};
use crate::talkers::Talkers;
use crate::unit::{Addresses, Unit};

/// Under which circumstances is measured.
pub(crate) struct Setting {
    /// The daemon asks for real-time scheduling.
    pub(crate) realtime: bool,
    /// Other cores are kept busy, by so many threads.
    pub(crate) loaded: bool,
    pub(crate) burners: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    pub(crate) starts: u32,
    /// Road users that the radar sees.
    pub(crate) participants: u8,
    pub(crate) radar_phase: Duration,
    pub(crate) talkers: Talkers,
    pub(crate) guests: Guests,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheduling = if self.realtime {
            "real-time"
        } else {
            "ordinary"
        };
        let cars = self.participants;
        write!(f, "{scheduling} scheduling, {cars} road users")?;
        if self.talkers.any() {
            write!(f, ", {}", self.talkers)?;
        }
        if self.loaded {
            let burners = self.burners;
            write!(f, ", {burners} busy threads")
        } else {
            write!(f, ", quiet")
        }
    }
}

/// Measures under one setting.
pub(crate) fn run(setting: &Setting) -> anyhow::Result<Run> {
    let load_average = machine::load_average()?;
    let _load = Load::start(setting.burners);
    let mut starts = Starts::default();
    for _ in 0..setting.starts {
        starts.measure(setting.realtime)?;
    }
    let stay = stay(setting)?;
    let heard = stay.heard.iter().map(Read::new);
    let heard = heard.collect::<anyhow::Result<_>>()?;
    let judge = Judge {
        heard,
        lamps: stay.lamps,
        bursts: stay.bursts,
        cars: setting.participants.into(),
        from: stay.from,
        until: stay.until,
        measured: setting.measured,
    };
    let answers = judge.lamps();
    // RSM tells of the vehicles that speak too: it does not show on which burst it rests.
    let sets = if setting.talkers.any() {
        Answered::default()
    } else {
        judge.bursts()
    };
    let of_bursts = |target| (!setting.talkers.any()).then_some(target).flatten();
    let grid = judge.grid(&answers);
    let in_time = |limit_ms| (!setting.loaded).then(|| Target::p99(limit_ms));
    // With real-time scheduling other work makes no difference. What counts is when a frame is on
    // its way: how fast we wake up ourselves is not the daemon's.
    let anyhow_in_time = |target| setting.realtime.then_some(target);
    let at_most = |limit_ms| (!setting.loaded).then(|| Target::max(limit_ms));
    Ok(Run {
        setting: setting.to_string(),
        realtime: setting.realtime,
        loaded: setting.loaded,
        load_average,
        devices_realtime: stay.devices_realtime,
        refused: stay.refused,
        figures: Figures {
            controller_to_spat: Figure::new(&answers.received, in_time(1.0)),
            controller_to_spat_at_socket: Figure::new(
                &answers.at_socket,
                anyhow_in_time(Target::p99(1.0)),
            ),
            radar_to_rsm: Figure::new(&sets.received, of_bursts(in_time(2.0))),
            radar_to_rsm_at_socket: Figure::new(
                &sets.at_socket,
                of_bursts(anyhow_in_time(Target::p99(1.0))),
            ),
            spat_grid_lateness: Figure::new(&grid.received, None),
            spat_grid_lateness_at_socket: Figure::new(
                &grid.at_socket,
                anyhow_in_time(Target::p99_9(1.0)),
            ),
            first_lamps_to_spat: Figure::new(&starts.first_lamps_to_spat, at_most(300.0)),
            start_to_spat: Figure::new(&starts.to_spat, None),
            own_wake_up: Figure::new(&judge.own_wake_up(), None),
        },
        memory: stay.watched.memory,
        busy_percent: stay.watched.busy,
        frames: judge.tally(),
        sets: sets.tally,
        radar_followed_after_ms: sets.followed_after.map(|span| span.as_secs_f64() * 1e3),
    })
}

/// What was said and heard while a daemon was at work.
struct Stay {
    heard: Vec<Heard>,
    lamps: Vec<Said<Light>>,
    bursts: Vec<Said<benches::radar::Sway>>,
    from: Instant,
    until: Instant,
    watched: Watched,
    devices_realtime: bool,
    refused: Vec<String>,
}

fn stay(setting: &Setting) -> anyhow::Result<Stay> {
    let (air, gateway) = (Air::open()?, Gateway::open()?);
    let mut addresses = Addresses::new(air.address()?, gateway.address()?)?;
    if setting.guests.any() {
        addresses = addresses.with_console()?;
        addresses.orders = setting.guests.orders > 0;
    }
    if setting.talkers.any() {
        addresses = addresses.with_radio()?;
    }
    let mut unit = Unit::start(addresses, setting.realtime)?;
    unit.until_it_listens()?;
    let stream = gateway.accept()?;
    let signal = Signal::new(addresses.signal)?;
    let from = Instant::now() + setting.warm_up;
    let until = from + setting.measured;
    // What is said last shall have time to be answered.
    let end = until + Duration::from_millis(200);
    let over = AtomicBool::new(false);
    let granted = AtomicU32::new(0);
    let wish = || {
        if setting.realtime && machine::run_fifo(DEVICES_PRIORITY).is_ok() {
            granted.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let hearing = scope.spawn(|| {
            wish();
            air.hear_until(&over)
        });
        let changing = scope.spawn(move || {
            wish();
            signal.change_until(end)
        });
        let bursting = scope.spawn(move || {
            wish();
            burst_until(stream, setting.participants, setting.radar_phase, end)
        });
        let console = addresses.console;
        let (guests, over_too) = (setting.guests, &over);
        let talkers = setting.talkers;
        let talking = addresses
            .heard
            .map(|at| scope.spawn(move || talkers.talk(at, over_too)));
        let visiting = console.map(|at| scope.spawn(move || guests.stay(at, over_too)));
        let watched = watch(&unit, from, until);
        thread::sleep(end.saturating_duration_since(Instant::now()));
        let lamps = joined(changing.join());
        let bursts = joined(bursting.join());
        thread::sleep(Duration::from_millis(200));
        over.store(true, Ordering::Relaxed);
        let heard = joined(hearing.join())?;
        if let Some(talk) = talking {
            eprintln!("{}", joined(talk.join())?.told());
        }
        if let Some(visit) = visiting {
            eprintln!("{}", joined(visit.join().map(Ok))?.told());
        }
        Ok(Stay {
            heard,
            lamps: lamps?,
            bursts: bursts?,
            from,
            until,
            watched: watched?,
            devices_realtime: granted.load(Ordering::Relaxed) == 3,
            refused: unit.end(),
        })
    })
}

/// Devices are machines of their own, which nothing here keeps waiting; yet the daemon goes first.
const DEVICES_PRIORITY: u8 = 40;

fn joined<T>(thread: thread::Result<anyhow::Result<T>>) -> anyhow::Result<T> {
    match thread {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// What was seen of the daemon and the machine while it was measured.
struct Watched {
    memory: Memory,
    busy: Busy,
}

fn watch(unit: &Unit, from: Instant, until: Instant) -> anyhow::Result<Watched> {
    thread::sleep(from.saturating_duration_since(Instant::now()));
    let begin = Instant::now();
    let before = (
        unit.processor_time()?,
        processor_time("self")?,
        Spent::so_far()?,
    );
    let mut rss_kib = unit.memory()?.now_kib;
    while Instant::now() < until {
        let rest = until.saturating_duration_since(Instant::now());
        thread::sleep(rest.min(Duration::from_secs(1)));
        rss_kib = rss_kib.max(unit.memory()?.now_kib);
    }
    let spent = Spent::so_far()?;
    let daemon = unit.processor_time()?.saturating_sub(before.0);
    let own = processor_time("self")?.saturating_sub(before.1);
    let busy = spent.busy.saturating_sub(before.2.busy);
    let elapsed = begin.elapsed();
    let percent = |time: Duration| 100.0 * time.as_secs_f64() / elapsed.as_secs_f64();
    Ok(Watched {
        memory: Memory::new(rss_kib, unit.memory()?.peak_kib),
        busy: Busy {
            daemon: percent(daemon),
            tail: percent(own),
            others: percent(busy.saturating_sub(daemon).saturating_sub(own)),
            stolen: percent(spent.stolen.saturating_sub(before.2.stolen)),
        },
    })
}

/// How fast a daemon speaks after its start.
#[derive(Default)]
struct Starts {
    first_lamps_to_spat: Samples,
    to_spat: Samples,
}

impl Starts {
    /// Starts a daemon, and tells it of the lamps once, as soon as it listens.
    fn measure(&mut self, realtime: bool) -> anyhow::Result<()> {
        let (air, gateway) = (Air::open()?, Gateway::open()?);
        let addresses = Addresses::new(air.address()?, gateway.address()?)?;
        let mut signal = Signal::new(addresses.signal)?;
        let mut unit = Unit::start(addresses, realtime)?;
        unit.until_it_listens()?;
        let said = signal.say(Light::Red)?;
        let spat = loop {
            if said.at.elapsed() > Duration::from_secs(5) {
                break None;
            }
            if let Some(heard) = air.hear()?
                && is_spat(&heard)?
            {
                break Some(heard.at);
            }
        };
        let since = |moment| spat.map(|at: Instant| at.saturating_duration_since(moment));
        self.first_lamps_to_spat.note(since(said.at));
        self.to_spat.note(since(unit.born));
        Ok(())
    }
}
