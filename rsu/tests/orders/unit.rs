//! The program in a folder of its own, and how it is spoken to.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use v2x_msg::access::dsmp;
use v2x_msg::kinds::Rsi;
use v2x_msg::kinds::rsi::{Event, Sign};
use v2x_msg::{Message, MessageKind};

use crate::ports::free_tcp;

/// Longer than anything here takes on a busy machine; reached only by a failure.
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const TOKEN: &str = "a-token-of-this-test-only";
pub(crate) const SITE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../configs/sites/moyu-boyuan.toml"
);

/// A unit in a folder of its own.
pub(crate) struct Unit {
    pub(crate) folder: PathBuf,
    pub(crate) console: SocketAddr,
    pub(crate) air: UdpSocket,
    pub(crate) process: Option<Child>,
    pub(crate) told: Option<Receiver<String>>,
}

impl Unit {
    pub(crate) fn new(more: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("rsu-orders-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let console = free_tcp();
        let air = UdpSocket::bind("127.0.0.1:0").unwrap();
        air.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        fs::write(folder.join("token"), TOKEN).unwrap();
        fs::copy(SITE, folder.join("site.toml")).unwrap();
        let signal = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let text = format!(
            "[station]\nname = 'orders'\nsite = 'site.toml'\nid = 'RSU00001'\n\
             [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://{}'\n\
             [orders]\njournal = 'state/events.journal'\nsocket = 'control'\n\
             [console]\nlisten = '{console}'\n{more}\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{signal}'\n",
            air.local_addr().unwrap(),
        );
        fs::write(folder.join("rsu.toml"), text).unwrap();
        Self {
            folder,
            console,
            air,
            process: None,
            told: None,
        }
    }

    pub(crate) fn up(&mut self) {
        let mut child = rsu()
            .args(["run", "rsu.toml"])
            .current_dir(&self.folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (told, heard) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Nobody may listen any more.
                let _ = told.send(line);
            }
        });
        (self.process, self.told) = (Some(child), Some(heard));
        self.until("it listens", || TcpStream::connect(self.console).is_ok());
    }

    pub(crate) fn until_told(&self, word: &str) {
        let start = Instant::now();
        let told = self.told.as_ref().unwrap();
        loop {
            let left = LONG.saturating_sub(start.elapsed());
            let line = told
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("never told: {word}"));
            if line.contains(word) {
                return;
            }
        }
    }

    /// How it ended, where it has, and what it has told that nobody has read.
    pub(crate) fn last_words(&mut self) -> (Option<ExitStatus>, Vec<String>) {
        let process = self.process.as_mut();
        let ended = process.and_then(|process| process.try_wait().ok().flatten());
        let told = self.told.iter().flat_map(Receiver::try_iter);
        (ended, told.collect())
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// At once, as when the power fails.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub(crate) fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < LONG, "never: {what}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String, Value) {
        let mut stream = TcpStream::connect(self.console).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let more: String = headers
            .iter()
            .map(|header| format!("{header}\r\n"))
            .collect();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{more}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        (head[9..12].parse().unwrap(), head.to_lowercase(), body)
    }

    pub(crate) fn order(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let token = format!("authorization: Bearer {TOKEN}");
        let (code, _, body) = self.http(method, path, &[&token], &body.to_string());
        (code, body)
    }

    pub(crate) fn event(&self, args: &[&str]) -> Output {
        let socket = self.folder.join("control");
        let socket = socket.to_str().unwrap();
        let mut command = rsu();
        command.args(["event", "--control", socket]).args(args);
        command.output().unwrap()
    }

    pub(crate) fn standing(&self) -> Vec<Value> {
        let (code, _, body) = self.http("GET", "/api/v1/orders", &[], "");
        assert_eq!(code, 200, "{body}");
        body["events"].as_array().unwrap().clone()
    }

    /// Waits for an RSI whose event of this id passes `wanted`.
    pub(crate) fn hear(&self, id: u64, wanted: impl Fn(&Event) -> bool) -> Event {
        self.hear_rsi(id, |rsi| {
            let is_it = |e: &&Event| u64::from(e.id) == id && wanted(e);
            rsi.events().iter().find(is_it).cloned()
        })
    }

    /// The same of a sign.
    pub(crate) fn hear_sign(&self, id: u64, wanted: impl Fn(&Sign) -> bool) -> Sign {
        self.hear_rsi(id, |rsi| {
            let is_it = |s: &&Sign| u64::from(s.id) == id && wanted(s);
            rsi.signs().iter().find(is_it).cloned()
        })
    }

    pub(crate) fn hear_rsi<T>(&self, id: u64, find: impl Fn(&Rsi) -> Option<T>) -> T {
        let start = Instant::now();
        let mut buffer = [0; 2000];
        loop {
            assert!(start.elapsed() < LONG, "never heard: {id}");
            let Ok(length) = self.air.recv(&mut buffer) else {
                continue;
            };
            let Some((_, message)) = heard(&buffer[..length]) else {
                continue;
            };
            if let Some(found) = Rsi::read(&message).ok().and_then(|rsi| find(&rsi)) {
                return found;
            }
        }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn rsu() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rsu"))
}

pub(crate) fn heard(frame: &[u8]) -> Option<(MessageKind, Message)> {
    let message = Message::decode(dsmp::parse(frame).ok()?.data).ok()?;
    Some((message.kind(), message))
}

pub(crate) fn works() -> Value {
    json!({ "type": 501, "level": 4, "description": "前方施工",
        "on": { "upstream": 11, "downstream": 10, "lanes": [1], "from_stop_line_m": 80, "length_m": 40 } })
}

pub(crate) fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
