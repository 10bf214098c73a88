//! Weather and road sensors that are not ours: pymodbus, in Python, over TCP and over a serial line, to
//! events on the air.
//!
//! Skipped, with a word, where there is no such Python. `PYMODBUS_PYTHON` names one; otherwise
//! `python3` is tried.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::unistd::ttyname;
use rsu::daemon::LinkState;
use v2x_msg::access::dsmp;

use crate::rig::{LONG, Rig};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/links/modbus_server.py");

/// None, with a word, where there is no peer.
fn python() -> Option<String> {
    let python = env::var("PYMODBUS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python)
        .args(["-c", "import pymodbus, serial"])
        .stderr(Stdio::null())
        .status();
    if has.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    // Who names one wants it to be used.
    assert!(
        env::var_os("PYMODBUS_PYTHON").is_none(),
        "{python} has no pymodbus or no pyserial"
    );
    eprintln!("skipped: {python} has no pymodbus or no pyserial");
    None
}

struct Server {
    process: Child,
    says: BufReader<ChildStdout>,
    told: String,
}

impl Server {
    fn start(python: &str, args: &[&str]) -> Self {
        let mut process = Command::new(python)
            .arg(SERVER)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut says = BufReader::new(process.stdout.take().unwrap());
        says.read_line(&mut line).unwrap();
        let told = line.trim().to_owned();
        assert!(!told.is_empty(), "the server has started");
        Self {
            process,
            says,
            told,
        }
    }

    fn set(&mut self, function: u8, address: u16, value: u16) {
        let stdin = self.process.stdin.as_mut().unwrap();
        writeln!(stdin, "{function} {address} {value}").unwrap();
        let mut answer = String::new();
        self.says.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "set");
    }

    fn set_float(&mut self, address: u16, value: f32) {
        let bits = value.to_bits();
        self.set(3, address, bits as u16);
        self.set(3, address + 1, (bits >> 16) as u16);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A daemon that asks a sensor at `source` for its registers.
fn daemon(source: &str) -> Rig {
    let rig = Rig::start(&format!(
        "[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:1'\n\
     [[input.modbus]]\nname = 'weather'\n{source}\nunit = 17\nperiod-ms = 100\n\
     timeout-ms = 400\nstale-after-ms = 2000\n\
     register = [\n\
     {{ quantity = 'visibility-m', address = 0, type = 'f32', words = 'low-first', most = 20000 }},\n\
     {{ quantity = 'road-c', table = 'input', address = 7, type = 'i16', scale = 0.1 }},\n\
     {{ quantity = 'ice-mm', table = 'discrete', address = 3 }} ]\n\
     event = [\n\
     {{ quantity = 'visibility-m', below = 200, until = 250, after-ms = 300, type = 305, level = 4, \
        speed-kmh = 40, sign-code = '0000000000000193' }},\n\
     {{ quantity = 'ice-mm', above = 0.5, until = 0.5, type = 409 }} ]\n"
    ));
    rig.air
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    rig
}

/// Waits for an RSI of which this holds, as JSON.
fn until_rsi(rig: &Rig, what: &str, wanted: impl Fn(&str) -> bool) {
    let until = Instant::now() + LONG;
    let mut buffer = [0; 2000];
    while Instant::now() < until {
        let Ok(length) = rig.air.recv(&mut buffer) else {
            continue;
        };
        let frame = dsmp::parse(&buffer[..length]).expect("DSMP");
        let message = v2x_msg::Message::decode(frame.data).expect("a message");
        let json = message.to_jer();
        if wanted(&json) {
            return;
        }
    }
    panic!("never: {what}: {:?}", rig.daemon.stats().inputs);
}

fn until_down(rig: &Rig) {
    rig.until("weather", "the link goes down", |weather| {
        matches!(weather.link, LinkState::Down(_))
    });
}

fn says(json: &str, code: u16, over: bool) -> bool {
    json.contains(&format!("\"eventType\":{code}")) && json.contains("endTime") == over
}

/// Fog comes and goes, ice comes, and the sensor falls silent.
fn weather_becomes_events(server: &mut Server, rig: &Rig) {
    server.set(2, 3, 0);
    server.set_float(0, 150.0);
    until_rsi(rig, "fog", |json| says(json, 305, false));
    until_rsi(rig, "the advised speed", |json| {
        json.contains("\"signType\":193")
    });
    server.set_float(0, 8000.0);
    until_rsi(rig, "no fog", |json| says(json, 305, true));
    server.set_float(0, f32::NAN);
    server.set(2, 3, 1);
    until_rsi(rig, "ice", |json| says(json, 409, false));
    server.process.kill().unwrap();
    until_rsi(rig, "nobody knows of ice", |json| says(json, 409, true));
}

#[test]
fn a_device_over_tcp_becomes_events_until_it_is_gone() {
    let Some(python) = python() else { return };
    let mut server = Server::start(&python, &["tcp"]);
    let rig = daemon(&format!("connect = 'tcp://127.0.0.1:{}'", server.told));
    weather_becomes_events(&mut server, &rig);
    until_down(&rig);
}

/// What `rsu probe` prints of two answers.
fn probed(source: &str) -> String {
    let visibility = "quantity = 'visibility-m', address = 0, type = 'f32', words = 'low-first'";
    let ice = "quantity = 'ice-mm', table = 'discrete', address = 3";
    let output = Command::new(env!("CARGO_BIN_EXE_rsu"))
        .args(["probe", "modbus", source, "--unit", "17"])
        .args(["--count", "2", "--duration", "30"])
        .args(["--register", visibility, "--register", ice])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("rejected: none"), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_device_is_probed_over_tcp_and_over_a_serial_line() {
    let Some(python) = python() else { return };
    let mut server = Server::start(&python, &["tcp"]);
    server.set_float(0, 150.0);
    server.set(2, 3, 1);
    let lines = probed(&format!("tcp://127.0.0.1:{}", server.told));
    assert!(lines.contains("\"ice-mm\":1.0"), "{lines}");
    assert!(lines.contains("\"visibility-m\""), "{lines}");
    let cable = cable();
    let _server = Server::start(&python, &["serial", &cable.ends[0]]);
    let lines = probed(&format!(
        "serial://{}?baud=19200&parity=none",
        cable.ends[1]
    ));
    assert!(lines.contains("\"ice-mm\":0.0"), "{lines}");
}

/// Two serial lines joined: what is written on one is read on the other. The names of their ends.
struct Cable {
    ends: [String; 2],
    _open: [OwnedFd; 2],
}

fn cable() -> Cable {
    let one = openpty(None, None).unwrap();
    let other = openpty(None, None).unwrap();
    let name = |end: &OwnedFd| ttyname(end).unwrap().display().to_string();
    let ends = [name(&one.slave), name(&other.slave)];
    let masters = [File::from(one.master), File::from(other.master)];
    for (from, to) in [(0, 1), (1, 0)] {
        let mut from = masters[from].try_clone().unwrap();
        let mut to = masters[to].try_clone().unwrap();
        // Ends with the process: the slaves stay open until then, so that no side sees a hang-up.
        thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(length) = from.read(&mut buffer) {
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
        });
    }
    Cable {
        ends,
        _open: [one.slave, other.slave],
    }
}

#[test]
fn a_device_on_a_serial_line_becomes_events_until_it_is_silent() {
    let Some(python) = python() else { return };
    let cable = cable();
    // A terminal echoes until somebody tells it not to, which both ends do when they open it.
    let mut server = Server::start(&python, &["serial", &cable.ends[0]]);
    let end = &cable.ends[1];
    let rig = daemon(&format!("serial = 'serial://{end}?baud=19200&parity=none'"));
    weather_becomes_events(&mut server, &rig);
}
