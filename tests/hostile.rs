//! Devices gone bad: whatever one of them says, for however long, it is refused or bounded and counted,
//! and nobody else notices.
//!
//! What takes hours goes through the unit's own decoders and station in virtual time, where a slot of
//! the grid that is missed cannot be the machine's fault; what takes a processor goes to the program.

use std::fs;
use std::io::Write;
use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use rsu::clock::{Mono, Now, Utc};
use rsu::config;
use rsu::fusion::Track;
use rsu::inputs::ars408::{self, SensedObject};
use rsu::inputs::can::gateway;
use rsu::inputs::gat1743::Trial;
use rsu::inputs::ti_mmwave::wire as ti;
use rsu::inputs::{Counts, Decoder};
use rsu::report::{InputId, Light, Report};
use rsu::station::{Frame, FrameKind, Station};
use serde_json::{Value, json};
use v2x_msg::MessageKind;

use crate::air::{Air, Beat, Gateway, free_udp};
use crate::process::{Running, Scratch, file};

/// The unit without its shell: decoders and station as configured, and a clock that we move.
struct Unit {
    station: Box<Station>,
    decoders: Vec<Decoder>,
    now: Now,
    /// When each SPAT of the grid was due.
    slots: Vec<Mono>,
    signal: Trial,
    radar: ars408::Emitter,
}

const SIGNAL: usize = 0;
const RADAR: usize = 1;
const BAD: usize = 2;
const TWIN: usize = 3;
const TENTH: Duration = Duration::from_millis(100);

impl Unit {
    /// A controller and a radar that are well, and `bad` behind them.
    fn new(bad: &str) -> Self {
        let text = format!(
            "[station]\nname = 'test'\nsite = 'configs/sites/moyu-boyuan.toml'\n\
             [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://127.0.0.1:9'\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:5001'\n\
             [[input.ars408]]\nname = 'radar'\nlisten = 'udp://127.0.0.1:5002'\n{MOUNT}{bad}"
        );
        let read = |path: &Path| fs::read_to_string(path);
        let mut read = read;
        let checked = config::parse(&text, Path::new(&file("test.toml")), &mut read);
        let config = checked.unwrap_or_else(|told| panic!("{told}")).config;
        let now = Now {
            mono: Mono::ZERO + Duration::from_secs(1_000),
            utc: Utc::from_unix_ns(1_800_000_000_000_000_000),
        };
        let decoders = config.inputs.iter().map(|i| i.protocol.decoder());
        Self {
            decoders: decoders.collect(),
            station: Box::new(Station::new(config.station, config.site, now, 1).expect("it fits")),
            now,
            slots: Vec::new(),
            signal: Trial::new(8, 30),
            radar: ars408::Emitter::new(0),
        }
    }

    /// Bytes arrive now.
    fn hear(&mut self, input: usize, bytes: &[u8]) {
        let mut said = Vec::new();
        self.decoders[input].push(self.now, bytes, &mut |content| said.push(content));
        for content in said {
            let report = Report {
                input: InputId(input as u8),
                arrived: self.now,
                content,
            };
            self.station.handle_report(self.now, &report);
            self.drain();
        }
    }

    /// Time goes on, and the unit does what is due.
    fn wait(&mut self, span: Duration) {
        let end = self.now.mono + span;
        loop {
            let due = self.station.poll_timeout();
            let step = due.min(end).since(self.now.mono);
            self.now = Now {
                mono: self.now.mono + step,
                utc: Utc::from_unix_ns(self.now.utc.unix_ns() + step.as_nanos() as i64),
            };
            if due > end {
                return;
            }
            self.station.handle_timeout(self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        let mut frame = Frame::new();
        while self.station.poll_transmit(&mut frame) {
            if frame.kind == FrameKind::Spat
                && let Some(slot) = frame.slot
            {
                self.slots.push(slot);
            }
        }
        while self.station.poll_event().is_some() {}
    }

    /// Tenths of a second: the controller speaks each second, the radar each tenth of a car that
    /// comes and goes, and in between `bad` does what it does.
    fn live(&mut self, tenths: u64, mut bad: impl FnMut(&mut Self, u64)) {
        for n in 0..tenths {
            if n % 10 == 0 {
                let datagram = self.signal.say(self.now.utc, Light::Green);
                self.hear(SIGNAL, &datagram);
            }
            let (place, speed) = car(self.now.mono);
            let seen = SensedObject {
                id: 7,
                forward_m: place,
                forward_mps: speed,
                ..SensedObject::default()
            };
            let (mut frames, mut bytes) = (Vec::new(), Vec::new());
            self.radar.cycle(&[seen], &mut frames);
            frames.iter().for_each(|f| gateway::emit(f, &mut bytes));
            self.hear(RADAR, &bytes);
            bad(self, n);
            self.wait(TENTH);
        }
    }

    fn counts(&self, input: usize) -> &Counts {
        self.decoders[input].counts()
    }

    fn tracks(&mut self) -> Vec<Track> {
        let at = self.now.mono;
        self.station.picture(at).tracks.iter().copied().collect()
    }

    /// SPAT came in every slot, the radar's car is where it is, and what is shown is numbers.
    fn nobody_noticed(&mut self, tenths: u64) {
        let gaps: Vec<_> = (self.slots.windows(2))
            .map(|pair| pair[1].since(pair[0]))
            .filter(|gap| *gap != TENTH)
            .collect();
        assert_eq!(gaps, [], "SPAT off its grid");
        let sent = self.slots.len() as u64;
        assert!((tenths - 1..=tenths + 1).contains(&sent), "{sent} SPATs");
        let (place, _) = car(self.now.mono);
        let tracks = self.tracks();
        for track in &tracks {
            let cov = track.position_cov;
            let numbers = [track.east_m, track.north_m, cov.ee, cov.en, cov.nn];
            assert!(numbers.iter().all(|n| n.is_finite()), "{track:?}");
        }
        // The latency that is configured, and the filter's own lag where the car turns round.
        let near = |t: &&Track| (t.east_m - CAR_EAST_M).hypot(t.north_m - place) < 1.5;
        assert_eq!(tracks.iter().filter(near).count(), 1, "{tracks:?}");
    }
}

const MOUNT: &str = "mount = { east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }\n";
const CAR_EAST_M: f64 = 0.0;

/// Where the radar's car is, and how fast.
fn car(at: Mono) -> (f64, f64) {
    let t = 0.2 * at.since(Mono::ZERO).as_secs_f64();
    (40.0 + 15.0 * t.sin(), 3.0 * t.cos())
}

fn box_at(name: &str, port: u16) -> String {
    format!(
        "[[input.detected-objects]]\nname = '{name}'\nlisten = 'udp://127.0.0.1:{port}'\n{MOUNT}"
    )
}

/// A list of one object, as a box would send it.
fn list(utc: Utc, id: u64, east_m: f64, north_m: f64) -> Vec<u8> {
    let object = json!({ "id": id, "class": "car", "east_m": east_m, "north_m": north_m,
        "position_cov_m2": [0.2, 0.0, 0.2], "existence": 0.9 });
    let message = json!({ "time_ms": utc.unix_ns() / 1_000_000, "objects": [object] });
    message.to_string().into_bytes()
}

fn count(tally: &[(&'static str, u64)], kind: &str) -> u64 {
    let found = tally.iter().find(|(known, _)| *known == kind);
    found.unwrap_or_else(|| panic!("{kind} is not counted")).1
}

const HOUR: u64 = 36_000;
const MINUTE: u64 = 600;

#[test]
fn numbers_that_cannot_be_are_refused_and_counted() {
    let mut unit = Unit::new(&box_at("bad", 5003));
    let wrong = ["NaN", "1e999", "-1e999", "1e9", "-1e300", "null", "\"far\""];
    unit.live(MINUTE, |unit, n| {
        let number = wrong[n as usize % wrong.len()];
        let text = format!(
            "{{\"sequence\":{n},\"objects\":[{{\"east_m\":{number},\"north_m\":5}},\
             {{\"east_m\":5,\"north_m\":5,\"speed_mps\":{number},\"heading_deg\":0}}]}}"
        );
        unit.hear(BAD, text.as_bytes());
    });
    let rejected = unit.counts(BAD).rejected();
    // What is no JSON at all is told apart from what is JSON and no place on a road.
    assert!(count(rejected, "json") >= 85, "{rejected:?}");
    assert!(count(rejected, "object-far") >= 170, "{rejected:?}");
    assert!(count(rejected, "object-too-fast") >= 170, "{rejected:?}");
    unit.nobody_noticed(MINUTE);
}

#[test]
fn ten_thousand_objects_in_a_frame_are_bounded_and_counted() {
    let mut unit = Unit::new(&box_at("bad", 5003));
    let object = |n: u64| json!({ "east_m": (n % 100) as f64 * 4.0 - 200.0, "north_m": (n / 100) as f64 * 4.0 - 200.0 });
    let objects: Vec<Value> = (0..10_000).map(object).collect();
    let mut most = 0;
    unit.live(40, |unit, n| {
        let message = json!({ "sequence": n, "objects": objects }).to_string();
        unit.hear(BAD, message.as_bytes());
        most = most.max(unit.tracks().len());
    });
    let left_out = count(unit.counts(BAD).tolerated(), "objects-left-out");
    assert_eq!(left_out, 40 * (10_000 - 1_024));
    assert!(most <= 255, "{most} tracks");
    unit.nobody_noticed(40);
}

#[test]
fn a_clock_that_jumps_by_an_hour_moves_nothing() {
    let mut unit = Unit::new(&box_at("bad", 5003));
    const HOUR_NS: i64 = 3_600_000_000_000;
    unit.live(5 * MINUTE, |unit, n| {
        // An hour ahead, an hour behind, right again: ten seconds each.
        let jump_ns = [0, HOUR_NS, -HOUR_NS][n as usize / 100 % 3];
        let stamp = Utc::from_unix_ns(unit.now.utc.unix_ns() + jump_ns);
        let bytes = list(stamp, 9, 30.0, -20.0 + 0.05 * (n % 100) as f64);
        unit.hear(BAD, &bytes);
    });
    // Each of the ten jumps back is a run of three messages that the line may have held up, until the
    // clock keeps pace and is believed.
    let held_up = count(unit.counts(BAD).ignored(), "held-up");
    assert!((30..=40).contains(&held_up), "{held_up}");
    unit.nobody_noticed(5 * MINUTE);
    // The box is still one that sees something.
    let near = |t: &Track| (t.east_m - 30.0).hypot(t.north_m + 17.5) < 6.0;
    assert!(unit.tracks().iter().any(near));
}

#[test]
fn a_frame_that_is_repeated_for_an_hour_is_believed_once() {
    let mut unit = Unit::new(&box_at("bad", 5003));
    let frozen = list(unit.now.utc, 9, 30.0, 10.0);
    unit.live(HOUR / 4, |unit, _| unit.hear(BAD, &frozen));
    let repeated = count(unit.counts(BAD).ignored(), "repeated");
    assert_eq!(repeated, HOUR / 4 - 1);
    unit.nobody_noticed(HOUR / 4);
    let ghost = |t: &Track| (t.east_m - 30.0).hypot(t.north_m - 10.0) < 5.0;
    assert!(!unit.tracks().iter().any(ghost), "{:?}", unit.tracks());
}

#[test]
fn a_radar_cycle_that_is_repeated_says_nothing_new() {
    // A gateway that hangs plays the same bytes again.
    let other = format!("[[input.ars408]]\nname = 'bad'\nlisten = 'udp://127.0.0.1:5003'\n{MOUNT}");
    let mut unit = Unit::new(&other);
    let seen = SensedObject {
        left_m: -30.0,
        forward_m: 25.0,
        forward_mps: 4.0,
        ..SensedObject::default()
    };
    let (mut frames, mut frozen) = (Vec::new(), Vec::new());
    ars408::Emitter::new(0).cycle(&[seen], &mut frames);
    frames.iter().for_each(|f| gateway::emit(f, &mut frozen));
    unit.live(2 * MINUTE, |unit, _| unit.hear(BAD, &frozen));
    let repeated = count(unit.counts(BAD).tolerated(), "repeated-cycle");
    assert_eq!(repeated, 2 * MINUTE - 10);
    unit.nobody_noticed(2 * MINUTE);
    let ghost = |t: &Track| (t.east_m - 30.0).hypot(t.north_m - 25.0) < 8.0;
    assert!(!unit.tracks().iter().any(ghost), "{:?}", unit.tracks());
}

#[test]
fn two_devices_with_one_id_stay_two_and_so_does_what_they_see() {
    let mut unit = Unit::new(&(box_at("bad", 5003) + &box_at("twin", 5004)));
    unit.live(MINUTE, |unit, n| {
        let along = -30.0 + 0.1 * n as f64;
        let utc = unit.now.utc;
        // The same number on two cars, and both numbered as the radar's own car is.
        unit.hear(BAD, &list(utc, 7, 30.0, along));
        unit.hear(TWIN, &list(utc, 7, -30.0, -along));
    });
    unit.nobody_noticed(MINUTE);
    let tracks = unit.tracks();
    let near = |east: f64, north: f64| {
        let close = |t: &&Track| (t.east_m - east).hypot(t.north_m - north) < 2.5;
        tracks.iter().filter(close).count()
    };
    assert_eq!((near(30.0, 30.0), near(-30.0, -30.0)), (1, 1), "{tracks:?}");
}

#[test]
fn json_of_any_depth_is_refused_and_what_follows_is_read() {
    let mut unit = Unit::new(&box_at("bad", 5003));
    let bombs = [
        "{\"a\":".repeat(9_000),
        "[".repeat(60_000),
        format!("{{\"objects\":{}", "[".repeat(50_000)),
        format!("{}1{}", "{\"objects\":[".repeat(4_000), "]}".repeat(4_000)),
    ];
    unit.live(MINUTE, |unit, n| {
        if n % 2 == 0 {
            unit.hear(BAD, bombs[n as usize / 2 % bombs.len()].as_bytes());
        } else {
            let bytes = list(unit.now.utc, 9, 30.0, 0.01 * n as f64);
            unit.hear(BAD, &bytes);
        }
    });
    let counts = unit.counts(BAD);
    assert_eq!(counts.accepted(), MINUTE / 2);
    let refused: u64 = counts.rejected().iter().map(|(_, n)| n).sum();
    assert!(refused >= MINUTE * 3 / 8, "{counts:?}");
    unit.nobody_noticed(MINUTE);
}

#[test]
fn half_a_tlv_for_an_hour_holds_up_nobody_and_the_next_frame_is_read() {
    let bad =
        format!("[[input.ti-mmwave]]\nname = 'bad'\nconnect = 'tcp://127.0.0.1:5003'\n{MOUNT}");
    let mut unit = Unit::new(&bad);
    let mut whole = Vec::new();
    ti::emit_points(
        1,
        &[ti::Point {
            x_m: 1.0,
            y_m: 20.0,
            z_m: 0.0,
            doppler_mps: 3.0,
        }],
        &mut whole,
    );
    let half = whole.len() / 2 + 4;
    unit.hear(BAD, &whole[..half]);
    // Nothing more for half an hour, then a byte a second that is none of its own.
    unit.live(HOUR / 8, |_, _| {});
    unit.live(HOUR / 8, |unit, n| {
        if n % 10 == 0 {
            unit.hear(BAD, &[0xAA]);
        }
    });
    assert_eq!(unit.counts(BAD).reports(), 0);
    unit.hear(BAD, &whole);
    unit.hear(BAD, &whole);
    assert!(unit.counts(BAD).accepted() >= 1, "{:?}", unit.counts(BAD));
    unit.nobody_noticed(HOUR / 4);
}

/// A box over TCP may send far more than a datagram holds: it shouts as fast as the unit reads, with a
/// stranger beside it on every port.
#[test]
fn a_box_that_shouts_takes_neither_memory_nor_the_beat_of_spat() {
    let (air, scratch) = (Air::open(), Scratch::new());
    let (signal, radar) = (free_udp(), free_udp());
    let shouter = Gateway::open("127.0.0.1:0".parse().expect("an address"));
    let text = format!(
        "[station]\nname = 'x'\nsite = '{}'\n[clock]\nrequire-sync = false\n\
         [[radio]]\ntarget = 'udp://{}'\n\
         [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{signal}'\n\
         [[input.ars408]]\nname = 'radar'\nlisten = 'udp://{radar}'\n{MOUNT}\
         [[input.detected-objects]]\nname = 'bad'\nconnect = 'tcp://{}'\n{MOUNT}",
        file("configs/sites/moyu-boyuan.toml"),
        air.address(),
        shouter.address()
    );
    let unit = Running::start("rsu", ["run", &scratch.write("rsu.toml", &text)]);
    let mut stream = shouter.accept();
    // A reader that cannot keep up is no reason for the test to hang.
    let timeout = stream.set_write_timeout(Some(Duration::from_millis(100)));
    timeout.expect("a timeout that is not zero");
    unit.until_told(&["link up", "input=\"signal\""]);
    let lamps = fs::read_to_string(file("tests/data/moyu-boyuan.gat1743.hex")).expect("ours");
    let lamps = crate::air::datagrams(&lamps).remove(0);
    // One that goes on whatever happens here.
    let _controller = Beat::datagram(signal, Duration::from_millis(200), lamps);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    air.hear(MessageKind::Spat);

    // A unit that is not optimised is shouted at with as much as it can follow.
    let count = if cfg!(debug_assertions) { 60 } else { 10_000 };
    let objects: Vec<Value> = (0..count)
        .map(|n| json!({ "id": n, "east_m": n % 150, "north_m": n / 150, "class": "car" }))
        .collect();
    let crowd = json!({ "objects": objects }).to_string();
    let bomb = "{\"objects\":[".repeat(30_000) + "\n";
    // What this machine lets the unit do when nobody shouts.
    let listen = |span: Duration, shout: &mut dyn FnMut(u32)| {
        let begun = Instant::now();
        let (mut spats, mut rounds) = (0, 0);
        while begun.elapsed() < span {
            shout(rounds);
            rounds += 1;
            while let Some(heard) = air.next_within(Duration::from_millis(1)) {
                spats += u32::from(heard.message.kind() == MessageKind::Spat);
            }
        }
        (f64::from(spats) / begun.elapsed().as_secs_f64(), rounds)
    };
    let (quiet, _) = listen(Duration::from_secs(3), &mut |_| {
        std::thread::sleep(Duration::from_millis(20));
    });
    let before_kib = resident_kib(&unit);
    let (loud, rounds) = listen(Duration::from_secs(5), &mut |round| {
        // What does not fit in time is cut, which is one more thing to put up with.
        let _ = stream.write_all(bomb.as_bytes());
        let _ = stream.write_all(&[0xFF; 4096]);
        stranger.send_to(&[0xFF; 1400], radar).expect("loopback");
        let list = crowd.replacen('{', &format!("{{\"sequence\":{round},"), 1);
        let _ = stream.write_all(list.as_bytes());
    });
    assert!(
        loud > 0.6 * quiet,
        "{loud:.1} SPATs a second, {quiet:.1} before"
    );
    assert!(rounds >= 20, "{rounds} rounds");
    unit.until_told(&["dropped what makes no sense", "input=\"bad\""]);
    unit.until_told(&["dropped what makes no sense", "input=\"radar\""]);
    let grown_kib = resident_kib(&unit).saturating_sub(before_kib);
    // A message of 4 MiB may be held, and its thousand objects.
    assert!(grown_kib < 48 * 1024, "grown by {grown_kib} KiB");
    unit.stop();
}

fn resident_kib(unit: &Running) -> u64 {
    let path = format!("/proc/{}/status", unit.id());
    let status = fs::read_to_string(path).expect("a process that runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect("its memory").parse().expect("a number")
}
