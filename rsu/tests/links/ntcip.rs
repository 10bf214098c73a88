//! Polls against SNMP agents that are not ours: pysnmp, in Python, and snmpd of net-snmp.
//!
//! Skipped, with a word, where there is no such Python or no snmpd. `PYSNMP_PYTHON` names a Python;
//! otherwise `python3` is tried.

use std::env;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::ntcip::{Config, Decoder, Fallback, snmp};
use rsu::report::{Content, ControlMode, LampStates, Light};

const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/links/ntcip_agent.py");

struct Agent {
    process: Child,
    port: u16,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// None, with a word, where it cannot run.
fn agent() -> Option<Agent> {
    let python = env::var("PYSNMP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python)
        .args(["-c", "import pysnmp"])
        .stderr(Stdio::null())
        .status();
    if !has.is_ok_and(|status| status.success()) {
        // Who names one wants it to be used.
        assert!(
            env::var_os("PYSNMP_PYTHON").is_none(),
            "{python} has no pysnmp"
        );
        eprintln!("skipped: {python} has no pysnmp");
        return None;
    }
    let mut process = Command::new(python)
        .arg(AGENT)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("the agent tells its port");
    let port = line.trim().parse().expect("a port");
    Some(Agent { process, port })
}

fn at(ms: u64) -> Now {
    Now {
        mono: Mono::from_nanos(1_000_000_000) + Duration::from_millis(ms),
        utc: Utc::from_unix_ms(1_790_000_000_000).expect("in range"),
    }
}

/// Asks as the link does, and gives what the answer says.
fn ask(agent: &Agent, fallback: Fallback) -> (Vec<LampStates>, Decoder) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let patience = Some(Duration::from_millis(200));
    socket.set_read_timeout(patience).expect("a socket");
    let mut decoder = Decoder::new(Config {
        fallback: Some(fallback),
        ..Config::default()
    });
    let (mut heard, mut query, mut buffer) = (Vec::new(), Vec::new(), [0; 2000]);
    decoder.poll_query(at(0), &mut query);
    let until = Instant::now() + Duration::from_secs(20);
    let mut ms = 2000;
    while heard.is_empty() && decoder.counts().rejected().iter().all(|(_, n)| *n == 0) {
        assert!(Instant::now() < until, "no answer: {:?}", decoder.counts());
        query.clear();
        if decoder.poll_query(at(ms), &mut query) {
            let to = ("127.0.0.1", agent.port);
            socket.send_to(&query, to).expect("sent");
        }
        if let Ok(size) = socket.recv(&mut buffer) {
            decoder.push(at(ms + 5), &buffer[..size], &mut |content| match content {
                Content::Lamps(states) => heard.push(states),
                other => panic!("{other:?}"),
            });
        }
        ms += 1000;
    }
    (heard, decoder)
}

#[test]
fn an_agent_that_is_not_ours_is_polled() {
    let Some(agent) = agent() else { return };
    for version in [snmp::Version::V1, snmp::Version::V2c] {
        let (heard, decoder) = ask(
            &agent,
            Fallback {
                version,
                ..Fallback::default()
            },
        );
        assert_eq!(decoder.counts().accepted(), 1, "{:?}", decoder.counts());
        let of = |lamp| {
            heard[0]
                .lamps
                .iter()
                .find(|s| s.lamp == lamp)
                .map(|s| s.light)
        };
        let green = [2, 6, 102, 106];
        let red = [4, 8, 101, 103, 104, 116];
        assert!(green.iter().all(|lamp| of(*lamp) == Some(Light::Green)));
        assert!(red.iter().all(|lamp| of(*lamp) == Some(Light::Red)));
        assert_eq!(of(10), Some(Light::Yellow));
        assert_eq!(of(1), None);
        assert!(heard[0].lamps.iter().all(|s| s.countdown_s.is_none()));
    }
}

/// 1.3.6.1.4.1.1206.4.2.1.1: the phases of an actuated signal controller.
const PHASES: &str = "1.3.6.1.4.1.1206.4.2.1.1";
/// `unitFlashStatus`, and the column `preemptState` of `preemptTable`.
const FLASH: &str = "1.3.6.1.4.1.1206.4.2.1.3.6.0";
const PREEMPT_STATE: &str = "1.3.6.1.4.1.1206.4.2.1.6.2.1.16";

/// An snmpd that holds the values it is given, and a folder of its own.
struct Snmpd {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Drop for Snmpd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Snmpd {
    /// Eight phases: 2 is green, all others red; all green 10 to 30 s, or 40, with yellows of 3.5 s. None,
    /// with a word, where it cannot run.
    fn start(name: &str) -> Option<Self> {
        let runs = |program: &str| {
            let ran = Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            ran.is_ok_and(|status| status.success())
        };
        if !runs("snmpd") || !runs("snmpset") {
            eprintln!("skipped: no snmpd, or no snmpset");
            return None;
        }
        let folder = env::temp_dir().join(format!("rsu-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let free = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("bound").port();
        let mut config =
            format!("agentaddress udp:127.0.0.1:{port}\nrwcommunity public 127.0.0.1\n");
        let lamps = [
            (2, 0b1111_1101),
            (3, 0),
            (4, 0b10),
            (5, 0xFF),
            (6, 0),
            (7, 0),
        ];
        for (column, value) in lamps {
            let _ = writeln!(
                config,
                "override -rw {PHASES}.4.1.{column}.1 integer {value}"
            );
        }
        for phase in 1..=8 {
            for (column, value) in [(2, 0), (3, 0), (4, 10), (6, 30), (7, 40), (8, 35)] {
                let _ = writeln!(
                    config,
                    "override {PHASES}.2.1.{column}.{phase} integer {value}"
                );
            }
        }
        // It neither flashes, nor is it pre-empted in any of six ways.
        let _ = writeln!(config, "override -rw {FLASH} integer 2");
        for way in 1..=6 {
            let _ = writeln!(config, "override -rw {PREEMPT_STATE}.{way} integer 2");
        }
        let file = folder.join("snmpd.conf");
        std::fs::write(&file, config).expect("written");
        drop(free);
        let process = Command::new("snmpd")
            .args(["-f", "-C", "-Le", "-c"])
            .arg(&file)
            .env("SNMP_PERSISTENT_DIR", &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("snmpd runs");
        Some(Self {
            process,
            folder,
            port,
        })
    }

    /// Lets its phases show these, as bits: reds, yellows, greens.
    fn show(&self, lamps: [u8; 3]) {
        let lamps = (2..).zip(lamps);
        let values: Vec<(String, u8)> = lamps
            .map(|(column, value)| (format!("{PHASES}.4.1.{column}.1"), value))
            .collect();
        self.set(&values);
    }

    fn set(&self, values: &[(String, u8)]) {
        let mut set = Command::new("snmpset");
        set.args(["-v2c", "-cpublic", "-r20", "-t1"])
            .env("SNMP_PERSISTENT_DIR", &self.folder)
            .arg(format!("127.0.0.1:{}", self.port))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in values {
            set.args([name.clone(), "i".to_owned(), value.to_string()]);
        }
        assert!(set.status().expect("snmpset runs").success());
    }
}

/// Asks until `ms`, 10 ms of the decoder's time a step, and waits for each answer as long as it takes.
fn poll(decoder: &mut Decoder, socket: &UdpSocket, from_ms: u64, to_ms: u64) -> Option<LampStates> {
    let (newest, modes) = poll_all(decoder, socket, from_ms, to_ms);
    assert!(modes.is_empty(), "{modes:?}");
    newest
}

/// The same, and how it is run.
fn poll_all(
    decoder: &mut Decoder,
    socket: &UdpSocket,
    from_ms: u64,
    to_ms: u64,
) -> (Option<LampStates>, Vec<ControlMode>) {
    let mut modes = Vec::new();
    let (mut newest, mut query, mut buffer) = (None, Vec::new(), [0; 2000]);
    for ms in (from_ms..to_ms).step_by(10) {
        query.clear();
        if !decoder.poll_query(at(ms), &mut query) {
            continue;
        }
        socket.send(&query).expect("sent");
        let size = socket.recv(&mut buffer).expect("an answer");
        decoder.push(at(ms + 5), &buffer[..size], &mut |content| match content {
            Content::Lamps(states) => newest = Some(states),
            Content::Mode(mode) => modes.push(mode),
            other => panic!("{other:?}"),
        });
    }
    (newest, modes)
}

/// A decoder that asks this agent for eight phases, by way of the socket.
fn asked(agent: &Snmpd, version: snmp::Version) -> (Decoder, UdpSocket) {
    // Once it lets itself be told, it answers.
    agent.show([0b1111_1101, 0, 0b10]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).expect("a socket");
    socket.connect(("127.0.0.1", agent.port)).expect("a port");
    let fallback = Fallback {
        version,
        groups: 1,
        ..Fallback::default()
    };
    let decoder = Decoder::new(Config {
        fallback: Some(fallback),
        ..Config::default()
    });
    (decoder, socket)
}

#[test]
fn whether_an_agent_that_is_not_ours_flashes_or_is_pre_empted_is_found_out() {
    for (name, version) in [
        ("unit-1", snmp::Version::V1),
        ("unit-2c", snmp::Version::V2c),
    ] {
        let Some(agent) = Snmpd::start(name) else {
            return;
        };
        let (mut decoder, socket) = asked(&agent, version);
        // By version 1 it takes some questions to find out that there are six ways.
        poll(&mut decoder, &socket, 0, 10_000).expect("lamps");
        agent.set(&[(format!("{PREEMPT_STATE}.6"), 6)]);
        let (lamps, modes) = poll_all(&mut decoder, &socket, 10_000, 11_000);
        assert_eq!(modes, [ControlMode::Emergency], "{version:?}");
        let lights = lamps.expect("lamps").lamps;
        assert!(lights.iter().any(|state| state.light == Light::Green));
        agent.set(&[(FLASH.to_owned(), 6)]);
        let (lamps, modes) = poll_all(&mut decoder, &socket, 11_000, 12_500);
        assert_eq!(modes, [ControlMode::FaultFlash], "{version:?}");
        let lights = lamps.expect("lamps").lamps;
        assert!(lights.iter().all(|state| state.light == Light::Unknown));
        agent.set(&[(FLASH.to_owned(), 2), (format!("{PREEMPT_STATE}.6"), 2)]);
        let (_, modes) = poll_all(&mut decoder, &socket, 12_500, 14_000);
        assert_eq!(modes, [ControlMode::Unknown], "{version:?}");
        let rejected = decoder.counts().rejected().iter().map(|(_, n)| n);
        assert_eq!(rejected.sum::<u64>(), 0);
    }
}

#[test]
fn what_is_set_at_an_agent_that_is_not_ours_bounds_its_lights() {
    for (name, version) in [
        ("snmp-1", snmp::Version::V1),
        ("snmp-2c", snmp::Version::V2c),
    ] {
        let Some(agent) = Snmpd::start(name) else {
            return;
        };
        let (mut decoder, socket) = asked(&agent, version);
        let told = poll(&mut decoder, &socket, 0, 10_000).expect("lamps");
        assert!(told.spans.is_empty(), "nobody saw that green begin");
        agent.show([0b1111_1101, 0b10, 0]);
        let told = poll(&mut decoder, &socket, 10_000, 10_500).expect("lamps");
        let span = told.span(2).expect("its yellow has a length");
        assert_eq!(
            (span.min_ms, span.max_ms),
            (Some(2995), Some(3500)),
            "{version:?}"
        );
        agent.show([0b1111_0111, 0, 0b1000]);
        let told = poll(&mut decoder, &socket, 10_500, 11_000).expect("lamps");
        let span = told.span(4).expect("its green has bounds");
        assert_eq!(
            (span.min_ms, span.max_ms),
            (Some(9495), Some(40_000)),
            "{version:?}"
        );
        assert_eq!(
            decoder
                .counts()
                .rejected()
                .iter()
                .map(|(_, n)| n)
                .sum::<u64>(),
            0
        );
    }
}
