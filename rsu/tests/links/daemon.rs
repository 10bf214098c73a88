//! The daemon in this process, over real sockets of this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rsu::clock::Utc;
use rsu::daemon::LinkState;
use rsu::fusion::Suspicion;
use rsu::inputs::ars408::{self, SensedObject, wire::Measurement};
use rsu::inputs::can::{CanFrame, candump, gateway, slcan};
use rsu::inputs::gat1743::Trial;
use rsu::inputs::heard;
use rsu::report::{Class, Light};
use rsu::station::FrameKind;
use v2x_msg::Message;
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::base::{DSecond, EnuFrame, GeoPosition, Heading, MsgCount, Speed, StationId, YawRate};
use v2x_msg::kinds::bsm::{Acceleration4, ErrorEllipse, VehicleClass};
use v2x_msg::kinds::{Bsm, Rsm, rsm};

use crate::rig::{LONG, Rig, free_udp, listen_again, signal, silent_signal, until};

/// The next frame of a kind.
fn hear(rig: &Rig, kind: Aid) -> Vec<u8> {
    let until = Instant::now() + LONG;
    let mut buffer = [0; 2000];
    while Instant::now() < until {
        let length = rig.air.recv(&mut buffer).expect("a frame in time");
        let frame = dsmp::parse(&buffer[..length]).expect("DSMP");
        if frame.aid() == Ok(kind) {
            return buffer[..length].to_vec();
        }
    }
    panic!("no {kind:?} within {LONG:?}");
}

const MOUNT: &str = "mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n";

/// A frame of lamps that a controller broadcasts: all red but lamp 1, which is `light`.
fn lamps(light: Light) -> Vec<u8> {
    Trial::new(8, 20).say(Utc::from_unix_ns(0), light)
}

/// One cycle of a radar that sees one car 40 m ahead.
fn radar_cycle() -> Vec<CanFrame> {
    next_cycle(&mut ars408::Emitter::new(0))
}

/// The next of a radar that counts them.
fn next_cycle(radar: &mut ars408::Emitter) -> Vec<CanFrame> {
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
    radar.cycle(&[car], &mut frames);
    frames
}

fn gateway_bytes() -> Vec<u8> {
    records(&radar_cycle())
}

fn records(frames: &[CanFrame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frames
        .iter()
        .for_each(|frame| gateway::emit(frame, &mut bytes));
    bytes
}

#[test]
fn map_and_signs_are_sent_without_any_input_and_all_ends_in_time() {
    let rig = Rig::start(&silent_signal());
    hear(&rig, Aid::Map);
    hear(&rig, Aid::RsiStatic);
    until("both noted", || rig.daemon.stats().frames() >= 2);
    let stats = rig.daemon.stats();
    assert!(stats.frames_of(FrameKind::Map) >= 1);
    assert_eq!(
        stats.frames_of(FrameKind::Spat),
        0,
        "nothing is known of the signals"
    );
    assert_eq!(stats.radio[0].lost, 0);
    until("a slot that was waited for", || {
        rig.daemon.stats().latency.lateness.count > 0
    });
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
    let frame = hear(&rig, Aid::Spat);
    let payload = dsmp::parse(&frame).unwrap().data;
    Message::decode(payload).expect("a SPAT that decodes");
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
fn a_box_that_lists_many_in_one_datagram_is_heard() {
    let listen = free_udp();
    let rig = Rig::start(&format!(
        "{}[[input.detected-objects]]\nname = 'box'\nlisten = 'udp://{listen}'\n\
         mount = {{ east-m = 0.0, north-m = 0.0, up-m = 6.0, heading-deg = 0.0 }}\n",
        silent_signal()
    ));
    rig.until("box", "listening", |input| input.link == LinkState::Up);
    let object = |n: u32| {
        format!(
            "{{\"id\":{n},\"class\":\"car\",\"existence\":0.9,\"east_m\":{n}.25,\"north_m\":-3.5,\
             \"position_cov_m2\":[0.25,0.0,0.25],\"east_mps\":0.0,\"north_mps\":0.0,\
             \"velocity_cov_m2ps2\":[0.1,0.0,0.1],\"heading_deg\":90.0,\"length_m\":4.5,\
             \"width_m\":1.8,\"height_m\":1.5}}"
        )
    };
    let all: Vec<String> = (0..100).map(object).collect();
    let text = format!("{{\"objects\":[{}]}}", all.join(","));
    assert!(text.len() > 16 * 1024, "{}", text.len());
    let device = UdpSocket::bind("127.0.0.1:0").unwrap();
    device.send_to(text.as_bytes(), listen).unwrap();
    rig.until("box", "heard", |input| input.reports == 1);
    assert_eq!(rig.input("box").overlong, 0);
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
    hear(&rig, Aid::Map);
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
    hear(&rig, Aid::Rsm);
    drop(stream);
    drop(gateway);
    rig.until("radar", "gone", |input| {
        matches!(input.link, LinkState::Down(_))
    });
    let before = rig.input("radar").reports;
    let gateway = listen_again(at);
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

/// A recording of a real device; None, with a word, where it is not at hand.
fn recording(name: &str) -> Option<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures");
    let read = std::fs::read_to_string(Path::new(folder).join(name));
    read.inspect_err(|e| eprintln!("skipped: no recording {name}: {e}"))
        .ok()
}

#[test]
fn a_real_controller_replayed_over_udp_becomes_spat() {
    let Some(hex) = recording("gat1743_light_state.hex") else {
        return;
    };
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let datagram: Vec<u8> = digits.chunks(2).map(byte).collect();
    let listen = free_udp();
    let rig = Rig::start(&signal(listen));
    rig.until("signal", "listening", |input| input.link == LinkState::Up);
    let controller = UdpSocket::bind("127.0.0.1:0").unwrap();
    controller.send_to(&datagram, listen).unwrap();
    let frame = hear(&rig, Aid::Spat);
    Message::decode(dsmp::parse(&frame).unwrap().data).expect("a SPAT that decodes");
    let input = rig.input("signal");
    assert_eq!(
        (input.counts.accepted(), input.reports),
        (1, 1),
        "{:?}",
        input.counts
    );
}

#[test]
fn a_real_radar_replayed_over_tcp_becomes_rsm() {
    let Some(log) = recording("ars408_candump_part1.log") else {
        return;
    };
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = gateway.local_addr().unwrap();
    let radar = format!("[[input.ars408]]\nname = 'radar'\nconnect = 'tcp://{at}'\n{MOUNT}");
    let rig = Rig::start(&(silent_signal() + &radar));
    let (mut stream, _) = gateway.accept().unwrap();
    // As fast as it goes for the first cycles: what is tested is the way, not the tracking.
    let mut bytes = Vec::new();
    for line in log.lines().take(400) {
        if let Ok(Some(line)) = candump::parse(line.as_bytes()) {
            gateway::emit(&line.frame, &mut bytes);
        }
    }
    stream.write_all(&bytes).unwrap();
    rig.until("radar", "reports", |input| input.reports > 10);
    hear(&rig, Aid::Rsm);
    let counts = rig.input("radar").counts;
    assert!(counts.rejected().iter().all(|(_, n)| *n == 0), "{counts:?}");
}

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rsu-test-{}-{name}", std::process::id()))
}

#[test]
fn a_start_that_is_dropped_at_once_ends() {
    drop(Rig::start(&silent_signal()));
}

/// A bus speaks of itself, in the very bytes of the air, while a radar sees it too.
#[test]
fn a_bus_that_is_heard_and_seen_is_one_and_keeps_its_name_on_the_air() {
    let (air, can) = (free_udp(), free_udp());
    let rig = Rig::start(&format!(
        "{}[[input.heard]]\nname = 'radio'\nlisten = 'udp://{air}'\n\
         [[input.ars408]]\nname = 'radar'\nlisten = 'udp://{can}'\n{MOUNT}",
        silent_signal()
    ));
    for name in ["radio", "radar"] {
        rig.until(name, "listening", |input| input.link == LinkState::Up);
    }
    let site = config_site();
    // Where the radar's car is, 40 m north, 1 m to the left; a bus far away that nobody sees.
    let mut seen = bus(
        *b"bus-0042",
        site.ground_position(-1.0, 40.0).unwrap(),
        180.0,
    );
    seen.speed = Some(Speed::from_mps(8.0).unwrap());
    let unseen = bus(
        *b"bus-0007",
        site.ground_position(150.0, 2.0).unwrap(),
        270.0,
    );
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (mut emitter, mut frame) = (heard::Emitter::default(), Vec::new());
    let mut radar = ars408::Emitter::new(0);
    let found = (0..100).find_map(|_| {
        for mut word in [seen, unseen] {
            let utc = Utc::from_unix_ns(unix_ns() - 30_000_000);
            word.sec_mark = Some(DSecond::of(utc));
            frame.clear();
            assert!(emitter.bsm(&word, &mut frame));
            socket.send_to(&frame, air).unwrap();
        }
        let cycle = records(&next_cycle(&mut radar));
        socket.send_to(&cycle, can).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let message = hear(&rig, Aid::Rsm);
        let message = Message::decode(dsmp::parse(&message).unwrap().data).unwrap();
        let rsm = Rsm::read(&message).unwrap();
        let of = |id| {
            rsm.participants()
                .iter()
                .find(|one| one.bsm_id == Some(id))
                .copied()
        };
        let both = of(seen.id).zip(of(unseen.id))?;
        (both.0.source == rsm::Source::Integrated && rsm.participants().len() == 3).then_some(both)
    });
    let (fused, told) = found.expect("both, and the radar's car is no third");
    assert_eq!(told.source, rsm::Source::V2x);
    let place = site.enu(told.pos);
    assert!(
        (place.east_m - 150.0).abs() < 1.0 && (place.north_m - 2.0).abs() < 1.0,
        "{place:?}"
    );
    assert!((site.enu(fused.pos).north_m - 40.0).abs() < 3.0);
    let radio = rig.input("radio");
    assert!(radio.counts.accepted() >= 6 && radio.counts.rejected().iter().all(|(_, n)| *n == 0));
}

#[test]
fn how_sensors_fare_is_shown() {
    let (can, lists) = (free_udp(), free_udp());
    let rig = Rig::start(
        &(silent_signal()
            + &format!(
                "[[input.ars408]]\nname = 'radar'\nlisten = 'udp://{can}'\n{MOUNT}\
                 [[input.detected-objects]]\nname = 'box'\nlisten = 'udp://{lists}'\n{MOUNT}\
                 [[input.detected-objects]]\nname = 'mute'\nlisten = 'udp://{}'\n{MOUNT}",
                free_udp()
            )),
    );
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut radar = ars408::Emitter::new(0);
    let mut say = || {
        socket
            .send_to(&records(&next_cycle(&mut radar)), can)
            .unwrap();
        // A box whose clock is 3 s behind.
        let stamp_ms = unix_ns() / 1_000_000 - 3_000;
        let list = format!(
            "{{\"time_ms\":{stamp_ms},\"objects\":[{{\"east_m\":30,\"north_m\":{}}}]}}",
            stamp_ms % 7
        );
        socket.send_to(list.as_bytes(), lists).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    };
    // They are looked at each second.
    until("the sensors are shown", || {
        say();
        let of = |name: &str| rig.input(name).sensor;
        of("radar").is_some_and(|radar| radar.rate_hz > 5.0 && radar.frames >= 20)
            && of("box").is_some_and(|list| list.frames >= 20)
            && of("mute").is_some_and(|mute| mute.suspicion == Some(Suspicion::Silent))
    });
    let heard = rig.input("radar").sensor.unwrap();
    assert!(heard.age_s.abs() < 1.0 && heard.suspicion != Some(Suspicion::Silent));
    let behind_s = rig.input("box").clock_behind_s.unwrap();
    assert!((2.9..4.5).contains(&behind_s), "{behind_s}");
    assert_eq!(rig.input("radar").clock_behind_s, None);
    assert_eq!(rig.input("signal").sensor, None);
}

fn unix_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_nanos() as i64
}

fn config_site() -> EnuFrame {
    let text = include_str!("../../../configs/sites/moyu-boyuan.toml");
    rsu::site::Site::parse(text, "site.toml")
        .unwrap_or_else(|f| panic!("{f}"))
        .frame
}

/// A bus that stands.
fn bus(name: [u8; 8], pos: GeoPosition, heading_deg: f64) -> Bsm {
    Bsm {
        msg_cnt: MsgCount::new(0).unwrap(),
        id: StationId(name),
        sec_mark: None,
        pos,
        ellipse: ErrorEllipse::new(1.0, 1.0, 0.0),
        pos_confidence: None,
        transmission: None,
        speed: Some(Speed::MIN),
        heading: Some(Heading::from_deg(heading_deg).unwrap()),
        speed_confidence: None,
        heading_confidence: None,
        acceleration: Acceleration4 {
            long: None,
            lat: None,
            vert: None,
            yaw: YawRate::from_steps(0).unwrap(),
        },
        size: rsm::Size::UNKNOWN,
        class: VehicleClass::LOCAL_BUS,
        emergency: false,
    }
}

/// Two radars on one bus, behind one gateway; and one behind a serial adapter.
#[test]
fn radars_share_a_bus_and_one_speaks_through_a_serial_adapter() {
    let bus = free_udp();
    let pty = nix::pty::openpty(None, None).unwrap();
    let line = nix::unistd::ttyname(&pty.slave).unwrap();
    let rig = Rig::start(&format!(
        "{}[[input.ars408]]\nname = 'first'\nlisten = 'udp://{bus}'\n{MOUNT}\
         [[input.ars408]]\nname = 'second'\nsensor-id = 1\nlisten = 'udp://{bus}'\n{MOUNT}\
         [[input.ars408]]\nname = 'third'\nserial = 'serial://{}?baud=115200&parity=none'\n{MOUNT}",
        silent_signal(),
        line.display()
    ));
    for name in ["first", "second", "third"] {
        rig.until(name, "up", |input| input.link == LinkState::Up);
    }
    let mut adapter = std::fs::File::from(pty.master);
    let mut opened = [0; 8];
    adapter.read_exact(&mut opened).unwrap();
    assert_eq!(&opened, b"\rC\rS6\rO\r");
    let frames = radar_cycle();
    let mut text = b"\r\r\r".to_vec();
    frames
        .iter()
        .for_each(|frame| slcan::emit(frame, &mut text));
    adapter.write_all(&text).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in [0, 1, 1] {
        let mut records = Vec::new();
        let mut burst = Vec::new();
        ars408::Emitter::new(number).cycle(&[], &mut burst);
        burst
            .iter()
            .for_each(|frame| gateway::emit(frame, &mut records));
        socket.send_to(&records, bus).unwrap();
    }
    rig.until("first", "1 cycle", |input| input.counts.reports() == 1);
    rig.until("second", "2 cycles", |input| input.counts.reports() == 2);
    rig.until("third", "1 cycle", |input| input.counts.reports() == 1);
    let others = rig.input("first").counts.ignored()[0];
    assert_eq!(others, ("other-sensor", 2));
}
