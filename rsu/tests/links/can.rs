//! The daemon on a CAN interface of Linux. Needs the kernel's virtual CAN and the right to make an
//! interface of it; where either is missing it says so and passes.
//!
//! The other end of the bus is `can-utils` (Debian's package of that name): what it plays and dumps is
//! by the kernel's own hands and not ours.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rsu::daemon::LinkState;

use crate::rig::{Rig, silent_signal, until};

const BUS: &str = "vcan-rsu";

/// A bus of our own.
struct Bus;

impl Bus {
    /// None, with a word, where there can be none.
    fn open() -> Option<Self> {
        let made = ip(&["link", "add", "dev", BUS, "type", "vcan"]);
        if let Err(why) = made {
            eprintln!("skipped: the kernel gives no virtual CAN: {why}");
            return None;
        }
        ip(&["link", "set", BUS, "up"]).unwrap();
        Some(Self)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = ip(&["link", "delete", BUS]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let done = Command::new("ip").args(arguments).output();
    let done = done.map_err(|e| e.to_string())?;
    let told = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    done.status.success().then_some(()).ok_or(told)
}

/// A program that is ended with the test.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_interface_that_does_not_exist_is_told_and_looked_for_again() {
    let rig = Rig::start(&format!(
        "{}{}",
        silent_signal(),
        radar("north", "no-such-can", 0, "")
    ));
    until(
        "the reason is told",
        || matches!(rig.input("north").link, LinkState::Down(why) if why.contains("no-such-can")),
    );
}

#[test]
fn radars_on_a_bus_are_heard_and_told_that_they_stand() {
    let Some(_bus) = Bus::open() else { return };
    let dump = Command::new("candump")
        .args(["-L", BUS])
        .stdout(Stdio::piped())
        .spawn();
    let Ok(dump) = dump else {
        return eprintln!("skipped: no can-utils");
    };
    let mut dump = Other(dump);
    let rig = Rig::start(&format!(
        "{}{}{}",
        silent_signal(),
        radar("north", BUS, 0, "standstill-period-ms = 50"),
        radar("south", BUS, 1, "standstill-period-ms = 50"),
    ));
    for name in ["north", "south"] {
        until("the link is up", || rig.input(name).link == LinkState::Up);
    }
    // Our own recording, of a radar whose number is 0, by a player that is not ours.
    let log = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/data/moyu-boyuan-north.ars408.log"
    );
    let text = fs::read_to_string(log).unwrap();
    let from = text.split_whitespace().nth(1).unwrap();
    let played = Command::new("canplayer")
        .args(["-I", log, &format!("{BUS}={from}")])
        .status();
    assert!(played.unwrap().success());
    let frames = text.lines().count() as u64;
    until("every frame is heard", || {
        rig.input("north").arrivals >= frames
    });
    let (north, south) = (rig.input("north"), rig.input("south"));
    assert!((66..=70).contains(&north.reports), "{north:?}");
    assert!(
        north.counts.rejected().iter().all(|(_, n)| *n == 0),
        "{north:?}"
    );
    assert_eq!(south.reports, 0);
    let others = south.counts.ignored();
    assert!(others.contains(&("other-sensor", frames)), "{others:?}");

    // What candump saw of us: speed 0 and no turning, to each by its number.
    let mut lines = BufReader::new(dump.0.stdout.take().unwrap()).lines();
    for told in ["300#0000", "301#8000", "310#0000", "311#8000"] {
        let seen = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.ends_with(told));
        assert!(seen.is_some(), "{told}");
    }

    // The interface goes down and comes back.
    ip(&["link", "set", BUS, "down"]).unwrap();
    until("it is missed", || {
        matches!(rig.input("north").link, LinkState::Down(_))
    });
    ip(&["link", "set", BUS, "up"]).unwrap();
    until("it is found again", || {
        rig.input("north").link == LinkState::Up
    });
    let before = rig.input("north").arrivals;
    let sent = Command::new("cansend").args([BUS, "60A#0003F710"]).status();
    assert!(sent.unwrap().success());
    until("it is heard again", || rig.input("north").arrivals > before);
}

fn radar(name: &str, interface: &str, sensor: u8, more: &str) -> String {
    format!(
        "[[input.ars408]]\nname = '{name}'\ncan = '{interface}'\nsensor-id = {sensor}\n\
         mount = {{ east-m = 0, north-m = 0, up-m = 5, heading-deg = 0 }}\n{more}\n"
    )
}
