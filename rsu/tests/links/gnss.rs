//! The daemon beside a real gpsd, which `gpsfake` feeds a receiver's recording: gpsd's reading and ours of
//! the same sentences at the same time. And what is shown of a receiver that has fallen silent.
//!
//! The first is skipped, with a word, where gpsd and its tools are not installed (Debian: `gpsd`, `gpsd-clients`) or
//! the recording is not at hand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rsu::daemon::LinkState;
use rsu::report::Fix;

use crate::ports::free_tcp;
use crate::rig::{Rig, program_at, silent_signal, until};

const LOG: &str = "quectel-l76k-nmea.log";

/// A program that is ended with the test.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        // gpsfake ends the gpsd that it has started only where it is asked to end.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(5) {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn gpsd_and_we_read_a_receiver_alike() {
    let log = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/captures/gpsd"
    ))
    .join(LOG);
    if !log.exists() {
        return eprintln!("skipped: no recording at {}", log.display());
    }
    let tools = ["gpsd", "gpsfake", "gpspipe"];
    if let Some(missing) = tools.iter().find(|name| program_at(name).is_none()) {
        return eprintln!("skipped: {missing} is not installed");
    }
    let port = free_tcp().port();
    let fake = Command::new(program_at("gpsfake").unwrap())
        .args(["-P", &port.to_string(), "-c", "0.02"])
        .arg(&log)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _fake = Other(fake.unwrap());
    until("gpsd listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });

    // The same sentences as they are, over a converter of our own.
    let converter = TcpListener::bind("127.0.0.1:0").unwrap();
    let raw = Command::new(program_at("gpspipe").unwrap())
        .args(["-r", &format!("127.0.0.1:{port}")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut raw = Other(raw.unwrap());
    let sentences = BufReader::new(raw.0.stdout.take().unwrap());
    let converts_at = converter.local_addr().unwrap();
    std::thread::spawn(move || {
        let Ok((mut line, _)) = converter.accept() else {
            return;
        };
        for sentence in sentences.lines().map_while(Result::ok) {
            // gpsd greets in JSON first.
            let is_sentence = sentence.starts_with('$');
            if is_sentence && write!(line, "{sentence}\r\n").is_err() {
                return;
            }
        }
    });

    let rig = Rig::start(&format!(
        "{}[[input.gnss]]\nname = 'theirs'\nconnect = 'tcp://127.0.0.1:{port}'\nform = 'gpsd'\n\
         [[input.gnss]]\nname = 'ours'\nconnect = 'tcp://{converts_at}'\n",
        silent_signal()
    ));
    for name in ["theirs", "ours"] {
        until("the link is up", || rig.input(name).link == LinkState::Up);
    }

    // Places by their moments, as each of the two tells them, until many are known of both.
    let mut told = [BTreeMap::new(), BTreeMap::new()];
    let mut fixes = [Fix::None; 2];
    until("both tell of the same moments", || {
        for (side, name) in ["theirs", "ours"].into_iter().enumerate() {
            let Some(receiver) = rig.input(name).receiver else {
                continue;
            };
            fixes[side] = receiver.fix;
            if let (Some(utc), Some(place)) = (receiver.utc, receiver.place_deg) {
                told[side].insert(utc.unix_ms(), place);
            }
        }
        let [theirs, ours] = &told;
        theirs.keys().filter(|utc| ours.contains_key(*utc)).count() >= 20
    });
    let [theirs, ours] = &told;
    for (utc_ms, (lat, lon)) in theirs {
        let Some((our_lat, our_lon)) = ours.get(utc_ms) else {
            continue;
        };
        // gpsd prints nine decimals.
        assert!((lat - our_lat).abs() < 2e-9, "{utc_ms}: {lat} {our_lat}");
        assert!((lon - our_lon).abs() < 2e-9, "{utc_ms}: {lon} {our_lon}");
    }
    assert_eq!(fixes[0], fixes[1]);
    for name in ["theirs", "ours"] {
        let counts = rig.input(name).counts;
        let rejected: u64 = counts.rejected().iter().map(|(_, n)| n).sum();
        // The line may have begun within a sentence.
        assert!(rejected <= 1, "{name}: {counts:?}");
    }
}

#[test]
fn what_a_receiver_that_is_silent_said_last_is_not_shown() {
    let converter = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = converter.local_addr().unwrap();
    let rig = Rig::start(&format!(
        "{}[[input.gnss]]\nname = 'receiver'\nconnect = 'tcp://{at}'\nsilent-after-ms = 1000\n",
        silent_signal()
    ));
    let (mut line, _) = converter.accept().unwrap();
    let mut said = Vec::new();
    let utc = rsu::clock::Utc::from_unix_ms(1_790_000_000_000).unwrap();
    rsu::inputs::gnss::Emitter.epoch(utc, Some((31.0, 121.0)), &mut said);
    until("its fix is shown", || {
        let _ = line.write_all(&said);
        rig.input("receiver").receiver.is_some()
    });
    drop(line);
    until("it is shown no more", || {
        rig.input("receiver").receiver.is_none()
    });
}
