//! The two devices, each on a thread: a controller whose lamps change at odd times, and a radar that
//! sees a queue of cars ten times a second.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use benches::controller::{LAMPS, controller};
use benches::radar::{Radar, Sway};
use rsu::clock::Utc;
use rsu::inputs::gat1743::Trial;
use rsu::report::Light;

/// Between two bursts of the radar.
pub(crate) const CYCLE: Duration = Duration::from_millis(100);

/// Something that a device said, and when: `at` is just before it was handed to the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<T> {
    /// When it was to be said.
    pub(crate) due: Instant,
    pub(crate) at: Instant,
    pub(crate) what: T,
}

/// The controller's way to the daemon.
pub(crate) struct Signal {
    socket: UdpSocket,
    controller: Trial,
}

impl Signal {
    pub(crate) fn new(to: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(to)?;
        Ok(Self {
            socket,
            controller: controller(LAMPS),
        })
    }

    /// Says once what the lamps show.
    pub(crate) fn say(&mut self, light: Light) -> anyhow::Result<Said<Light>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let utc = Utc::from_unix_ns(i64::try_from(now.as_nanos())?);
        let datagram = self.controller.say(utc, light);
        let at = Instant::now();
        self.socket
            .send(&datagram)
            .context("the daemon does not listen to its controller")?;
        Ok(Said {
            due: at,
            at,
            what: light,
        })
    }

    /// Changes a colour in each datagram, 50 to 150 ms apart, so that it meets the daemon's grids
    /// in every phase. Yellow and red to and fro: a green that came back as soon would be taken for
    /// the echo of older news.
    pub(crate) fn change_until(mut self, end: Instant) -> anyhow::Result<Vec<Said<Light>>> {
        let mut all = Vec::with_capacity(1 << 16);
        let mut chance = Chance(1);
        let mut last = Instant::now();
        for light in [Light::Yellow, Light::Red].into_iter().cycle() {
            let due = last + Duration::from_micros(50_000 + chance.below(100_001));
            if due >= end {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let said = self.say(light)?;
            last = said.at;
            all.push(said);
        }
        Ok(all)
    }
}

/// The gateway before the radar, which the daemon connects to.
pub(crate) struct Gateway {
    listener: TcpListener,
}

impl Gateway {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no socket for the radar")?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Waits for the daemon.
    pub(crate) fn accept(&self) -> anyhow::Result<TcpStream> {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(e) => return Err(e.into()),
            }
        }
        bail!("the daemon does not come to its radar")
    }
}

/// Sends a burst in each tenth of a second, `phase` behind the tenth by UTC.
pub(crate) fn burst_until(
    mut stream: TcpStream,
    cars: u8,
    phase: Duration,
    end: Instant,
) -> anyhow::Result<Vec<Said<Sway>>> {
    let mut radar = Radar::new(cars);
    let mut all = Vec::with_capacity(1 << 16);
    let mut due = next_tenth(phase)?;
    for number in 0.. {
        due += CYCLE;
        if due >= end {
            break;
        }
        let what = Sway::of_burst(number);
        let burst = radar.burst(what);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let at = Instant::now();
        stream
            .write_all(&burst)
            .context("the daemon hung up on its radar")?;
        all.push(Said { due, at, what });
    }
    Ok(all)
}

fn next_tenth(phase: Duration) -> anyhow::Result<Instant> {
    let now = Instant::now();
    let utc = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let into = utc.as_nanos() % CYCLE.as_nanos();
    let wait = (phase + CYCLE).as_nanos() - into;
    Ok(now + Duration::from_nanos(u64::try_from(wait)?))
}

/// The same numbers in each run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
