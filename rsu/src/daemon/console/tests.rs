//! The console over real sockets, of a daemon without devices: MAP and signs go out all the same.

mod openapi;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::metrics;
use crate::config;
use crate::daemon::Daemon;

const LONG: Duration = Duration::from_secs(20);

struct Rig {
    daemon: Daemon,
    console: SocketAddr,
    _air: UdpSocket,
}

struct Answer {
    code: u16,
    head: String,
    body: String,
}

impl Rig {
    fn start() -> Self {
        let air = UdpSocket::bind("127.0.0.1:0").unwrap();
        let console = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let signal = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let text = format!(
            "[station]\nname = 'test'\nsite = 'sites/moyu-boyuan.toml'\n\
             [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://{}'\n\
             [console]\nlisten = '{console}'\nsimulated = true\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{signal}'\n",
            air.local_addr().unwrap()
        );
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/test.toml"));
        let checked = config::parse(&text, file, &mut |path| std::fs::read_to_string(path));
        let config = checked.unwrap_or_else(|f| panic!("{f}")).config;
        let rig = Self {
            daemon: Daemon::start(config, 1).unwrap(),
            console,
            _air: air,
        };
        let start = Instant::now();
        while TcpStream::connect(console).is_err() {
            assert!(start.elapsed() < LONG, "it never listens");
            std::thread::sleep(Duration::from_millis(5));
        }
        rig
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.console).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    fn ask(&self, request: &str, body: &str) -> Answer {
        let mut stream = self.connect();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            code: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "")
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.code, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    fn until_ready(&self) {
        let start = Instant::now();
        while self.get("/readyz").code != 200 {
            assert!(start.elapsed() < LONG, "never ready");
        }
    }
}

/// Names of metrics in an exposition, as `docs/metrics.md` writes them.
fn names(exposition: &str) -> Vec<String> {
    let kinds = exposition.lines().filter_map(|l| l.strip_prefix("# TYPE "));
    kinds
        .map(|line| match line.split_once(' ') {
            Some((name, "counter")) => format!("{name}_total"),
            Some((name, _)) => name.to_owned(),
            None => panic!("{line}"),
        })
        .collect()
}

#[test]
fn metrics_are_those_of_the_document_and_count_what_is_sent() {
    let rig = Rig::start();
    rig.until_ready();
    let answer = rig.get("/metrics");
    let document = metrics::document();
    let rows = document.lines().filter_map(|row| row.strip_prefix("| `"));
    let documented: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert_eq!(names(&answer.body), documented);
    assert!(answer.body.ends_with("# EOF\n"));
    let sample = |text: &str, start: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("no {start} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let maps = sample(&answer.body, "rsu_frames_sent_total{kind=\"MAP\"}");
    assert!(maps >= 1.0, "{maps}");
    // Every observation of a histogram is in its last bucket.
    let stage = "rsu_stage_duration_seconds";
    let after = rig.get("/metrics").body;
    let count = sample(&after, &format!("{stage}_count{{stage=\"work\"}}"));
    let line = after.lines().find(|line| {
        line.starts_with(&format!("{stage}_bucket"))
            && line.contains("+Inf")
            && line.contains("work")
    });
    let all: f64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!((all - count).abs() < 0.5 && count > 0.0, "{all} {count}");
}

#[test]
fn the_api_tells_what_is_on_the_air() {
    let rig = Rig::start();
    rig.until_ready();
    assert_eq!(rig.get("/healthz").body, "alive\n");
    let status = rig.json("/api/v1/status");
    assert_eq!(status["unit"], "test");
    assert_eq!(status["simulated"], true);
    assert_eq!(status["inputs"][0]["silent"], true);
    let maps = rig.json("/api/v1/map");
    let node = &maps[0]["message"]["mapFrame"]["nodes"][0];
    assert_eq!(node["id"]["id"], rig.json("/api/v1/site")["node"]);
    let number = maps[0]["number"].as_u64().unwrap();
    let whole = rig.json(&format!("/api/v1/messages/{number}"));
    assert_eq!(whole["message"], maps[0]["message"]);
    // What is shown as hex decodes to the same.
    let asked = rig.ask(
        "POST /api/v1/decode",
        &format!("{{\"hex\":{}}}", whole["hex"]),
    );
    let decoded: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(decoded["message"], whole["message"]);
    let only = rig.json("/api/v1/messages?kind=MAP&limit=1");
    assert_eq!(only.as_array().unwrap().len(), 1);
    assert_eq!(rig.get("/api/v1/messages/99999999").code, 404);
    for bad in ["{\"hex\":\"0g\"}", "{\"hex\":\"00\"}"] {
        assert_eq!(rig.ask("POST /api/v1/decode", bad).code, 400, "{bad}");
    }
    let long = format!("{{\"hex\":\"{}\"}}", "0".repeat(100_000));
    assert_eq!(rig.ask("POST /api/v1/decode", &long).code, 413);
}

#[test]
fn every_page_asks_browsers_to_load_nothing_from_elsewhere() {
    let rig = Rig::start();
    for path in ["/", "/app.js", "/style.css", "/metrics", "/nothing"] {
        let answer = rig.get(path);
        let head = answer.head.to_lowercase();
        assert!(
            head.contains("content-security-policy: default-src 'self'"),
            "{path}: {head}"
        );
        assert!(head.contains("nosniff"), "{path}: {head}");
        assert!(
            path != "/app.js" || answer.body.contains("EventSource"),
            "{path}"
        );
    }
    let page = rig.get("/").body;
    assert!(
        !page.contains("//cdn") && !page.contains("https://"),
        "{page}"
    );
}

#[test]
fn a_reader_that_never_reads_loses_news_and_the_heart_none() {
    let rig = Rig::start();
    rig.until_ready();
    // Twenty that listen and never read, and many that never even ask.
    let idle: Vec<TcpStream> = (0..120).map(|_| rig.connect()).collect();
    let mut deaf: Vec<TcpStream> = (0..20).map(|_| rig.connect()).collect();
    for stream in &mut deaf {
        stream
            .write_all(b"GET /events HTTP/1.1\r\nhost: test\r\n\r\n")
            .unwrap();
    }
    let mut attentive = rig.connect();
    attentive
        .write_all(b"GET /events HTTP/1.1\r\nhost: test\r\n\r\n")
        .unwrap();
    let (mut heard, mut buffer, start) = (String::new(), [0; 16_384], Instant::now());
    let wanted = [
        "event: status",
        "event: tracks",
        "event: signals",
        "event: messages",
    ];
    while !wanted.iter().all(|event| heard.contains(event)) {
        assert!(start.elapsed() < LONG, "{heard}");
        let length = attentive.read(&mut buffer).unwrap();
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let before = rig.daemon.stats();
    std::thread::sleep(Duration::from_secs(2));
    let after = rig.daemon.stats();
    let missed = |stats: &crate::daemon::Snapshot| stats.station.missed.iter().sum::<u64>();
    assert!(after.frames() > before.frames());
    assert_eq!(missed(&after), missed(&before));
    drop((idle, deaf));
}

#[test]
fn an_address_that_is_taken_is_no_reason_not_to_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[station]\nname = 'test'\nsite = 'sites/moyu-boyuan.toml'\n\
         [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://127.0.0.1:9'\n\
         [console]\nlisten = '{}'\n\
         [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{}'\n",
        taken.local_addr().unwrap(),
        UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
    );
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/test.toml"));
    let checked = config::parse(&text, file, &mut |path| std::fs::read_to_string(path));
    let config = checked.unwrap_or_else(|f| panic!("{f}")).config;
    let address = config.console.unwrap().listen;
    let daemon = Daemon::start(config, 1).unwrap();
    drop(taken);
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < LONG, "it never listens");
        std::thread::sleep(Duration::from_millis(20));
    }
    daemon.stop();
}
