//! The program `rsu` from outside: exit codes, what is told, signals.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine; reached only by a failure.
const LONG: Duration = Duration::from_secs(20);

const SITE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../configs/sites/moyu-boyuan.toml"
);
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/rsu.toml");

fn rsu(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rsu"));
    command.args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A configuration on disk, removed in the end.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, text: &str) -> Self {
        let file = format!("rsu-command-{}-{name}.toml", std::process::id());
        let written = Self(std::env::temp_dir().join(file));
        written.rewrite(text);
        written
    }

    fn rewrite(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.0);
    }
}

/// A configuration that sends to `air`.
fn good(air: &UdpSocket, name: &str) -> String {
    let to = air.local_addr().unwrap();
    format!(
        "[station]\nname = '{name}'\nsite = '{SITE}'\n[clock]\nrequire-sync = false\n\
         [radio]\ntarget = 'udp://{to}'\n\
         [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:{}'\n",
        free_port()
    )
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn air() -> UdpSocket {
    let air = UdpSocket::bind("127.0.0.1:0").unwrap();
    air.set_read_timeout(Some(LONG)).unwrap();
    air
}

/// `rsu run` at work, with what it tells.
struct Running {
    child: Child,
    told: Receiver<String>,
}

impl Running {
    fn start(config: &Written) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rsu"))
            .args(["run", config.path(), "--seed", "1"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = lines_of(child.stderr.take().unwrap());
        Self { child, told }
    }

    /// Waits until a line has all `words`.
    fn until_told(&self, words: &[&str]) -> String {
        let until = Instant::now() + LONG;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let line = self.told.recv_timeout(rest);
            let line = line.unwrap_or_else(|_| panic!("never told: {words:?}"));
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    fn ended(mut self) -> Option<i32> {
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::yield_now();
        }
        panic!("it does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            eprintln!("rsu: {line}");
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[test]
fn the_example_is_checked_and_found_good() {
    let output = rsu(&["check", EXAMPLE]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.ends_with("ok\n"), "{told}");
    assert!(
        told.contains("input signal: gat1743 from udp://127.0.0.1:10050"),
        "{told}"
    );
    assert!(told.contains("radio: udp://239.255.67.86:4900"), "{told}");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_wrong_configuration_is_refused_with_file_line_and_reason() {
    let config = Written::new(
        "wrong",
        &format!(
            "[station]\nname = 'x'\nsite = '{SITE}'\n[spat]\nperiod-s = 1\n\
             [[input.gat1743]]\nname = 'other'\nlisten = 'udp://0.0.0.0'\n"
        ),
    );
    for command in ["check", "run"] {
        let output = rsu(&[command, config.path()]);
        assert_eq!(output.status.code(), Some(78), "{command}");
        let told = text(&output.stderr);
        let file = config.path();
        for line in [
            format!("{file}:3: station.site: phases "),
            format!("{file}:5: spat.period-s: unknown key; the unit is part of the key"),
            format!("{file}:8: input.gat1743.listen: must be an address"),
        ] {
            assert!(told.contains(&line), "{command}: {line} is not in\n{told}");
        }
        assert_eq!(told.lines().count(), 3, "{told}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_refused() {
    let output = rsu(&["check", "/no/such/file.toml"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).starts_with("/no/such/file.toml: cannot be read: "));
}

#[test]
fn usage_is_told_with_exit_code_64_and_help_with_0() {
    for wrong in [&["fly"][..], &["check"], &["run", "a", "--seed", "x"], &[]] {
        assert_eq!(rsu(wrong).status.code(), Some(64), "{wrong:?}");
    }
    for right in [&["--help"][..], &["--version"], &["run", "--help"]] {
        let output = rsu(right);
        assert_eq!(output.status.code(), Some(0), "{right:?}");
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn sigterm_and_sigint_end_it_in_order() {
    for signal in ["TERM", "INT"] {
        let air = air();
        let config = Written::new(&format!("ends-{signal}"), &good(&air, "x"));
        let running = Running::start(&config);
        running.until_told(&["running", "name=\"x\""]);
        air.recv(&mut [0; 2000]).expect("a frame");
        running.signal(signal);
        running.until_told(&["ending"]);
        assert_eq!(running.ended(), Some(0), "{signal}");
    }
}

#[test]
fn sighup_takes_a_good_configuration_and_keeps_the_old_one_otherwise() {
    let (first, second) = (air(), air());
    let config = Written::new("reload", &good(&first, "first"));
    let running = Running::start(&config);
    running.until_told(&["running", "name=\"first\""]);
    first.recv(&mut [0; 2000]).expect("a frame");

    config.rewrite("[station]\nname = 3\n");
    running.signal("HUP");
    running.until_told(&[":2: station.name: must be text in quotes, not 3"]);
    running.until_told(&["the old one goes on"]);
    drain(&first);
    first.recv(&mut [0; 2000]).expect("the old one still sends");

    config.rewrite(&good(&second, "second"));
    running.signal("HUP");
    running.until_told(&["running anew", "name=\"second\"", "pause_ms="]);
    second.recv(&mut [0; 2000]).expect("a frame by the new one");
    running.signal("TERM");
    assert_eq!(running.ended(), Some(0));
}

/// Takes what has come already.
fn drain(air: &UdpSocket) {
    air.set_nonblocking(true).unwrap();
    while air.recv(&mut [0; 2000]).is_ok() {}
    air.set_nonblocking(false).unwrap();
}

#[test]
fn a_taken_port_is_named_and_the_unit_runs() {
    let air = air();
    let squatter = UdpSocket::bind("127.0.0.1:0").unwrap();
    let listen = squatter.local_addr().unwrap();
    let to = air.local_addr().unwrap();
    let config = Written::new(
        "taken",
        &format!(
            "[station]\nname = 'x'\nsite = '{SITE}'\n[clock]\nrequire-sync = false\n\
             [radio]\ntarget = 'udp://{to}'\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{listen}'\n"
        ),
    );
    let running = Running::start(&config);
    running.until_told(&["WARN", "input=\"signal\"", &listen.to_string(), "in use"]);
    air.recv(&mut [0; 2000]).expect("MAP all the same");
    drop(squatter);
    running.until_told(&["INFO", "link up", "input=\"signal\""]);
    running.signal("TERM");
    assert_eq!(running.ended(), Some(0));
}

#[test]
fn an_interface_that_is_missing_is_named_and_the_rest_works() {
    let air = air();
    let config = Written::new(
        "interface",
        &(good(&air, "x").replace("[radio]", "[[radio]]")
            + "[[radio]]\ntarget = 'udp://239.255.67.86:4900'\ninterface = 'no-such-if'\n"),
    );
    let running = Running::start(&config);
    running.until_told(&["WARN", "no-such-if", "No such device"]);
    air.recv(&mut [0; 2000])
        .expect("the other target is served");
    running.signal("TERM");
    assert_eq!(running.ended(), Some(0));
}

#[test]
fn a_daemon_at_work_stays_within_30_mb() {
    let air = air();
    let config = Written::new("memory", &good(&air, "x"));
    let running = Running::start(&config);
    running.until_told(&["running"]);
    air.recv(&mut [0; 2000]).expect("a frame");
    let mut status = String::new();
    let path = format!("/proc/{}/status", running.child.id());
    fs::File::open(path)
        .unwrap()
        .read_to_string(&mut status)
        .unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    eprintln!("resident: {kib} KiB");
    assert!(kib <= 30 * 1024, "{line}");
    running.signal("TERM");
    assert_eq!(running.ended(), Some(0));
}
