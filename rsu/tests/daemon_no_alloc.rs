//! A daemon at work allocates nothing: neither receivers, heart, radio nor observer, also while it is
//! recorded.
//!
//! The one test here counts what the whole process allocates, but for the recorder's own thread, while
//! a controller and a radar talk to it over sockets, well and badly, and it sends. The observer writes
//! lines where there is something to tell: it is held to it while no slot was missed.

#![expect(
    unsafe_code,
    reason = "asking for a thread's name without allocating takes a call of the system's library"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rsu::clock::Utc;
use rsu::config;
use rsu::daemon::{Counting, Daemon};
use rsu::inputs::gat1743::Trial;
use rsu::inputs::{ars408, can::gateway};
use rsu::report::{Class, Light};
use rsu::station::FrameKind;

/// One more of the calling thread, unless it may: nothing on the straight path waits for the recorder.
fn count() {
    let mut name = [0; 16];
    // SAFETY: the call writes a name of at most 16 bytes, with its closing zero, into ours.
    unsafe { libc::pthread_getname_np(libc::pthread_self(), name.as_mut_ptr(), name.len()) };
    let is = |known: &[u8]| known.iter().zip(name).all(|(a, b)| *a == b as u8);
    if is(b"observer") {
        OBSERVER.fetch_add(1, Ordering::Relaxed);
    } else if !is(b"recorder") {
        ASKED.fetch_add(1, Ordering::Relaxed);
    }
}

/// By all others.
static ASKED: AtomicU64 = AtomicU64::new(0);
static OBSERVER: AtomicU64 = AtomicU64::new(0);

/// What was allocated so far: by the observer, and by all others.
fn asked() -> (u64, u64) {
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    (of(&OBSERVER), of(&ASKED))
}

#[global_allocator]
static ALLOCATOR: Counting = Counting(count);

/// Long enough for every kind of message, for changes of colour, and for the observer's lines.
const WARM_UP: Duration = Duration::from_millis(1500);
const COUNTED: Duration = Duration::from_secs(3);
/// A slow machine may take longer to hear as many.
const FRAMES: usize = 60;
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_daemon_at_work_allocates_nothing() {
    let air = UdpSocket::bind("127.0.0.1:0").unwrap();
    air.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (signal, radar) = (free_udp(), free_udp());
    let kept = std::env::temp_dir().join(format!("rsu-no-alloc-{}", std::process::id()));
    let daemon = start(air.local_addr().unwrap(), signal, radar, &kept);
    let world = World::new(signal, radar);
    let mut frame = [0; 2000];
    let mut heard = 0;
    let mut counted_from = None;
    let start = Instant::now();
    let counted = |heard| heard > FRAMES && start.elapsed() > WARM_UP + COUNTED;
    while counted_from.is_none() || !counted(heard) {
        assert!(start.elapsed() < LONG, "{heard} frames in {LONG:?}");
        if counted_from.is_none() && start.elapsed() > WARM_UP && warm(&daemon) {
            // In this order, since asking the daemon allocates.
            counted_from = Some((missed(&daemon), asked()));
            heard = 0;
        }
        world.speak(start.elapsed(), heard % 2);
        // A frame at least each 100 ms paces the loop.
        air.recv(&mut frame).expect("a frame");
        heard += 1;
    }
    let after = asked();
    let (missed_before, (observer, others)) = counted_from.unwrap();
    let stats = daemon.stats();
    eprintln!(
        "{heard} frames, allocations {observer}, {others} to {after:?}, {:?}",
        stats.latency
    );
    assert!(
        stats.inputs.iter().all(|input| input.reports > 20),
        "{stats:?}"
    );
    assert_eq!(after.1 - others, 0);
    if missed(&daemon) == missed_before {
        assert_eq!(after.0 - observer, 0);
    }
    let recording = stats.recording.unwrap();
    assert!(recording.messages > 500, "{recording:?}");
    assert_eq!((recording.dropped, recording.failures), (0, 0));
    daemon.stop();
    std::fs::remove_dir_all(kept).unwrap();
}

/// Whether all that speak have been heard, and answered with every kind of message.
fn warm(daemon: &Daemon) -> bool {
    let stats = daemon.stats();
    let kinds = [FrameKind::Map, FrameKind::Spat, FrameKind::Rsm];
    stats.inputs.iter().all(|input| input.reports > 5)
        && kinds.into_iter().all(|kind| stats.frames_of(kind) > 0)
}

fn missed(daemon: &Daemon) -> u64 {
    daemon.stats().station.missed.iter().sum()
}

fn start(air: SocketAddr, signal: SocketAddr, radar: SocketAddr, kept: &Path) -> Daemon {
    let text = format!(
        "[station]\nname = 'test'\nsite = 'sites/moyu-boyuan.toml'\n\
         [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://{air}'\n\
         [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{signal}'\n\
         [[input.ars408]]\nname = 'radar'\nlisten = 'udp://{radar}'\n\
         mount = {{ east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }}\n\
         [record]\nfolder = '{}'\nkeep-free-mb = 0\n",
        kept.display()
    );
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/test.toml"));
    let checked = config::parse(&text, file, &mut |path| std::fs::read_to_string(path));
    let config = checked
        .unwrap_or_else(|findings| panic!("{findings}"))
        .config;
    Daemon::start(config, 1).unwrap()
}

fn free_udp() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Everything that is said, made beforehand.
struct World {
    socket: UdpSocket,
    signal: SocketAddr,
    radar: SocketAddr,
    red: Vec<u8>,
    green: Vec<u8>,
    /// Two, of different numbers.
    cycles: [Vec<u8>; 2],
}

impl World {
    fn new(signal: SocketAddr, radar: SocketAddr) -> Self {
        let mut lamps = Trial::new(8, 20);
        let mut lamps = |light| lamps.say(Utc::from_unix_ns(0), light);
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").unwrap(),
            signal,
            radar,
            red: lamps(Light::Red),
            green: lamps(Light::Green),
            cycles: cycles(),
        }
    }

    /// A radar cycle, lamps that change each second, and garbage.
    fn speak(&self, elapsed: Duration, turn: usize) {
        let lamps = if elapsed.as_secs().is_multiple_of(2) {
            &self.red
        } else {
            &self.green
        };
        for (bytes, to) in [
            (lamps.as_slice(), self.signal),
            (self.cycles[turn].as_slice(), self.radar),
            (&[0xc0, 0xc0, 0x55], self.signal),
        ] {
            self.socket.send_to(bytes, to).unwrap();
        }
    }
}

/// Two cycles of thirty cars in the field of view, which come nearer: who should move and does not is a picture
/// that hangs.
fn cycles() -> [Vec<u8>; 2] {
    let car = |id: u8, nearer_m: f64| ars408::SensedObject {
        id,
        forward_m: 20.0 + 3.0 * f64::from(id) - nearer_m,
        left_m: f64::from(id % 5) - 2.0,
        forward_mps: -8.0,
        left_mps: 0.0,
        sigma_forward_m: 0.2,
        sigma_left_m: 0.3,
        sigma_forward_mps: 0.2,
        sigma_left_mps: 0.3,
        measurement: ars408::wire::Measurement::Measured,
        existence: 0.99,
        rcs_dbm2: 10.0,
        class: Class::Car,
        orientation_deg: 180.0,
        sigma_orientation_deg: 3.0,
        length_m: 4.6,
        width_m: 1.8,
    };
    let mut radar = ars408::Emitter::new(0);
    [0.0, 0.4].map(|nearer_m| {
        let cars: Vec<_> = (0..30).map(|id| car(id, nearer_m)).collect();
        let (mut frames, mut bytes) = (Vec::new(), Vec::new());
        radar.cycle(&cars, &mut frames);
        frames
            .iter()
            .for_each(|frame| gateway::emit(frame, &mut bytes));
        bytes
    })
}
