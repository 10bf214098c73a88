//! A poll of phase status groups against an SNMP agent that is not ours: pysnmp, in Python.
//!
//! Skipped, with a word, where there is no such Python. `PYSNMP_PYTHON` names one; otherwise
//! `python3` is tried.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rsu::clock::{Mono, Now, Utc};
use rsu::inputs::ntcip::{Config, Decoder, Fallback, snmp};
use rsu::report::{Content, LampStates, Light};

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
