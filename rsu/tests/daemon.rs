//! The daemon in this process, over real sockets of this machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Write;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rsu::clock::Utc;
use rsu::config;
use rsu::daemon::{Daemon, InputSnapshot, LinkState};
use rsu::inputs::ars408::{self, SensedObject, wire::Measurement};
use rsu::inputs::can::{CanFrame, candump, gateway};
use rsu::inputs::gat1743::{Address, Approach, Audience, Emitter, Identity};
use rsu::report::{Class, LampState, LampStates, Light};
use rsu::station::FrameKind;
use v2x_msg::access::{Aid, dsmp};

/// Longer than anything here takes on a busy machine; reached only by a failure.
const LONG: Duration = Duration::from_secs(20);
const SEED: u64 = 1;

/// A listener in the radio's place, and the daemon that sends to it.
struct Rig {
    daemon: Daemon,
    air: UdpSocket,
}

impl Rig {
    /// Starts a daemon with `inputs`, which are TOML.
    fn start(inputs: &str) -> Self {
        let air = UdpSocket::bind("127.0.0.1:0").unwrap();
        air.set_read_timeout(Some(LONG)).unwrap();
        let to = air.local_addr().unwrap();
        let text = format!(
            "[station]\nname = 'test'\nsite = 'sites/moyu-boyuan.toml'\n\
             [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://{to}'\n{inputs}"
        );
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/test.toml"));
        let checked = config::parse(&text, file, &mut |path| std::fs::read_to_string(path));
        let config = checked
            .unwrap_or_else(|findings| panic!("{findings}"))
            .config;
        let daemon = Daemon::start(config, SEED).unwrap();
        Self { daemon, air }
    }

    /// The next frame of a kind.
    fn hear(&self, kind: Aid) -> Vec<u8> {
        let until = Instant::now() + LONG;
        let mut buffer = [0; 2000];
        while Instant::now() < until {
            let length = self.air.recv(&mut buffer).expect("a frame in time");
            let frame = dsmp::parse(&buffer[..length]).expect("DSMP");
            if frame.aid() == Ok(kind) {
                return buffer[..length].to_vec();
            }
        }
        panic!("no {kind:?} within {LONG:?}");
    }

    fn input(&self, name: &str) -> InputSnapshot {
        let inputs = self.daemon.stats().inputs;
        inputs.into_iter().find(|input| input.name == name).unwrap()
    }

    /// Waits until an input is as wanted.
    fn until(&self, name: &str, what: &str, wanted: impl Fn(&InputSnapshot) -> bool) {
        until(what, || wanted(&self.input(name)));
    }
}

/// Looks until it holds; the daemon has no event for it that we could wait for.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "never: {what}");
        std::thread::yield_now();
    }
}

/// An address of this machine that nobody uses.
fn free_udp() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn signal(listen: SocketAddr) -> String {
    format!("[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{listen}'\n")
}

/// A controller that listens where nobody speaks, so that the site's phases have one.
fn silent_signal() -> String {
    signal(free_udp())
}

const MOUNT: &str = "mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n";

/// A frame of lamps that a controller broadcasts: all red but lamp 1, which is `light`.
fn lamps(light: Light) -> Vec<u8> {
    let lamp = |lamp: u8, light| LampState {
        lamp: lamp.into(),
        light,
        countdown_s: Some(20),
    };
    let mut states = LampStates::default();
    states.lamps.push(lamp(1, light));
    (2..=8).for_each(|number| states.lamps.push(lamp(number, Light::Red)));
    let mut emitter = Emitter::new(Identity {
        controller: Address {
            division: 310_114,
            kind: Address::CONTROLLER,
            number: 1,
        },
        approaches: vec![Approach {
            direction_deg: 0,
            lamps: (1..=8).map(|n| (n, 1)).collect(),
        }],
        ..Identity::default()
    });
    let mut out = Vec::new();
    emitter.lamps(Utc::from_unix_ns(0), Audience::Everyone, &states, &mut out);
    out
}

/// One cycle of a radar that sees one car 40 m ahead.
fn radar_cycle() -> Vec<CanFrame> {
    let car = SensedObject {
        id: 7,
        forward_m: 40.0,
        left_m: 1.0,
        forward_mps: -8.0,
        left_mps: 0.0,
        sigma_forward_m: 0.2,
        sigma_left_m: 0.3,
        sigma_forward_mps: 0.2,
        sigma_left_mps: 0.3,
        measurement: Measurement::Measured,
        existence: 0.99,
        rcs_dbm2: 10.0,
        class: Class::Car,
        orientation_deg: 180.0,
        sigma_orientation_deg: 3.0,
        length_m: 4.6,
        width_m: 1.8,
    };
    let mut frames = Vec::new();
    ars408::Emitter::new(0).cycle(&[car], &mut frames);
    frames
}

fn gateway_bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    radar_cycle()
        .iter()
        .for_each(|frame| gateway::emit(frame, &mut bytes));
    bytes
}

#[test]
fn map_and_signs_are_sent_without_any_input_and_all_ends_in_time() {
    let rig = Rig::start(&silent_signal());
    rig.hear(Aid::Map);
    rig.hear(Aid::RsiStatic);
    until("both noted", || rig.daemon.stats().frames() >= 2);
    let stats = rig.daemon.stats();
    assert!(stats.frames_of(FrameKind::Map) >= 1);
    assert_eq!(
        stats.frames_of(FrameKind::Spat),
        0,
        "nothing is known of the signals"
    );
    assert_eq!(stats.radio[0].lost, 0);
    assert!(stats.latency.lateness.count > 0);
    let asked = Instant::now();
    rig.daemon.stop();
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn lamps_over_udp_become_spat() {
    let listen = free_udp();
    let rig = Rig::start(&signal(listen));
    rig.until("signal", "listening", |input| input.link == LinkState::Up);
    let controller = UdpSocket::bind("127.0.0.1:0").unwrap();
    controller.send_to(&lamps(Light::Green), listen).unwrap();
    let frame = rig.hear(Aid::Spat);
    let payload = dsmp::parse(&frame).unwrap().data;
    v2x_msg::Message::decode(payload).expect("a SPAT that decodes");
    // Noted just after the frame has left.
    until("the reaction noted", || {
        rig.daemon.stats().latency.reaction.count >= 1
    });
    assert!(rig.daemon.stats().latency.to_heart.count >= 1);
}

#[test]
fn garbage_is_counted_by_kind_and_harms_nobody() {
    let listen = free_udp();
    let rig = Rig::start(&signal(listen));
    rig.until("signal", "listening", |input| input.link == LinkState::Up);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut bent = lamps(Light::Green);
    bent[40] ^= 1;
    stranger.send_to(&bent, listen).unwrap();
    stranger.send_to(&[0xff; 1000], listen).unwrap();
    stranger.send_to(&[], listen).unwrap();
    stranger.send_to(&[0xc0; 30_000], listen).unwrap();
    rig.until("signal", "all counted", |input| {
        input.counts.rejected().contains(&("checksum", 1))
            && input
                .counts
                .rejected()
                .iter()
                .any(|(kind, n)| *kind == "noise" && *n > 0)
            && input.overlong == 1
    });
    assert_eq!(rig.input("signal").reports, 0);
    stranger.send_to(&lamps(Light::Green), listen).unwrap();
    rig.until("signal", "heard after the garbage", |input| {
        input.reports == 1
    });
}

#[test]
fn datagrams_from_another_address_are_dropped_and_counted() {
    let listen = free_udp();
    let rig = Rig::start(&format!("{}from = '127.0.0.2'\n", signal(listen)));
    rig.until("signal", "listening", |input| input.link == LinkState::Up);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(&lamps(Light::Green), listen).unwrap();
    rig.until("signal", "foreign", |input| input.foreign == 1);
    let controller = UdpSocket::bind("127.0.0.2:0").unwrap();
    controller.send_to(&lamps(Light::Green), listen).unwrap();
    rig.until("signal", "heard", |input| input.reports == 1);
}

#[test]
fn a_port_that_is_taken_is_told_and_used_once_it_is_free() {
    let squatter = UdpSocket::bind("127.0.0.1:0").unwrap();
    let listen = squatter.local_addr().unwrap();
    let rig = Rig::start(&signal(listen));
    rig.until("signal", "taken", |input| {
        matches!(&input.link, LinkState::Down(why)
            if why.contains(&listen.to_string()) && why.contains("in use"))
    });
    rig.hear(Aid::Map);
    drop(squatter);
    rig.until("signal", "listening", |input| input.link == LinkState::Up);
    let controller = UdpSocket::bind("127.0.0.1:0").unwrap();
    controller.send_to(&lamps(Light::Green), listen).unwrap();
    rig.until("signal", "heard", |input| input.reports == 1);
}

#[test]
fn a_controller_that_must_be_asked_is_asked() {
    let controller = UdpSocket::bind("127.0.0.1:0").unwrap();
    controller.set_read_timeout(Some(LONG)).unwrap();
    let to = controller.local_addr().unwrap();
    let listen = free_udp();
    let rig = Rig::start(&format!(
        "{}ask = {{ to = 'udp://{to}' }}\n",
        signal(listen)
    ));
    let mut query = [0; 200];
    let (length, from) = controller.recv_from(&mut query).expect("a question");
    assert_eq!((from, query[0], query[length - 1]), (listen, 0xc0, 0xc0));
    drop(rig);
}

#[test]
fn a_radar_over_tcp_is_heard_and_heard_again_after_it_was_away() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = gateway.local_addr().unwrap();
    let radar = format!("[[input.ars408]]\nname = 'radar'\nconnect = 'tcp://{at}'\n{MOUNT}");
    let rig = Rig::start(&(silent_signal() + &radar));
    let (mut stream, _) = gateway.accept().unwrap();
    stream.write_all(&gateway_bytes()).unwrap();
    stream.write_all(&gateway_bytes()).unwrap();
    rig.until("radar", "heard", |input| input.reports >= 1);
    rig.hear(Aid::Rsm);
    drop(stream);
    drop(gateway);
    rig.until("radar", "gone", |input| {
        matches!(input.link, LinkState::Down(_))
    });
    let before = rig.input("radar").reports;
    let gateway = TcpListener::bind(at).unwrap();
    let (mut stream, _) = gateway.accept().unwrap();
    rig.until("radar", "connected", |input| input.link == LinkState::Up);
    stream.write_all(&gateway_bytes()).unwrap();
    stream.write_all(&gateway_bytes()).unwrap();
    rig.until("radar", "heard again", |input| input.reports > before);
}

#[test]
fn a_recording_is_played_at_its_own_pace_and_ends() {
    let mut log = Vec::new();
    for cycle in 0..4 {
        let recorded = Utc::from_unix_ms(1_700_000_000_000 + 75 * cycle).unwrap();
        for frame in radar_cycle() {
            candump::emit(&frame, Some(recorded), &mut log);
        }
    }
    let path = scratch("recording.log");
    std::fs::write(&path, log).unwrap();
    let radar = format!(
        "[[input.ars408]]\nname = 'radar'\nreplay = 'candump:{}'\n{MOUNT}",
        path.display()
    );
    let started = Instant::now();
    let rig = Rig::start(&(silent_signal() + &radar));
    rig.until("radar", "ended", |input| input.link == LinkState::Ended);
    assert!(started.elapsed() >= Duration::from_millis(3 * 75));
    assert!(rig.input("radar").reports >= 3);
    std::fs::remove_file(path).unwrap();
}

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rsu-test-{}-{name}", std::process::id()))
}

#[test]
fn a_start_that_is_dropped_at_once_ends() {
    drop(Rig::start(&silent_signal()));
}
