//! The console over real sockets, of a daemon without devices: MAP and signs go out all the same.

mod openapi;
#[path = "../../../tests/ports/mod.rs"]
mod ports;
mod words;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::ports::free_tcp;
use super::metrics;
use crate::config;
use crate::daemon::{Around, Daemon};

const LONG: Duration = Duration::from_secs(20);
const CONFIGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");
const TOKEN: &str = "a-word-for-the-tests";

struct Rig {
    daemon: Daemon,
    console: SocketAddr,
    folder: PathBuf,
    _air: UdpSocket,
}

struct Answer {
    code: u16,
    head: String,
    body: String,
}

impl Rig {
    fn start() -> Self {
        Self::begin(false)
    }

    /// As `rsu run` starts it: its configuration is on the disk, and can be read again.
    fn start_from_its_file() -> Self {
        Self::begin(true)
    }

    fn begin(from_its_file: bool) -> Self {
        let air = UdpSocket::bind("127.0.0.1:0").unwrap();
        let console = free_tcp();
        let signal = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let folder = std::env::temp_dir().join(format!(
            "rsu-console-{}-{}",
            std::process::id(),
            console.port()
        ));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("token"), format!("{TOKEN}\n")).unwrap();
        let kept = folder.display();
        let text = format!(
            "[station]\nname = 'test'\nsite = '{CONFIGS}/sites/moyu-boyuan.toml'\n\
             [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://{}'\n\
             [console]\nlisten = '{console}'\nsimulated = true\ntoken-file = '{kept}/token'\n\
             [orders]\njournal = '{kept}/events'\n[record]\nfolder = '{kept}/kept'\nat-start = false\nkeep-free-mb = 0\n\
             [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{signal}'\n",
            air.local_addr().unwrap()
        );
        let mut file = Path::new(CONFIGS).join("test.toml");
        if from_its_file {
            file = folder.join("test.toml");
            fs::write(&file, &text).unwrap();
        }
        let checked = config::parse(&text, &file, &mut |path| fs::read_to_string(path));
        let config = checked.unwrap_or_else(|f| panic!("{f}")).config;
        let around = Around {
            reload: from_its_file.then(Arc::default),
            ..Around::default()
        };
        let rig = Self {
            daemon: Daemon::start_with(config, 1, around).unwrap(),
            console,
            folder,
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
             authorization: Bearer {TOKEN}\r\n\
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

impl Drop for Rig {
    fn drop(&mut self) {
        // The recorder may still write; what is left is in a folder for such things.
        let _ = fs::remove_dir_all(&self.folder);
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
    for request in ["POST /api/v1/decode", "POST /api/v1/events"] {
        let refused = rig.ask(request, &long);
        assert_eq!(refused.code, 413, "{request}");
        let told: Value = serde_json::from_str(&refused.body).unwrap();
        let told = told["error"].as_str().unwrap();
        assert!(told.contains("longer than 16384 bytes"), "{told}");
    }
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
    let idle: Vec<TcpStream> = (0..600).map(|_| rig.connect()).collect();
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
    // Those that asked for nothing made room.
    assert_eq!(rig.get("/healthz").code, 200);
    drop((idle, deaf));
}

#[test]
fn who_is_slow_to_ask_is_shown_out() {
    let rig = Rig::start();
    let mut slow = rig.connect();
    let start = Instant::now();
    // A letter at a time; a head that never ends.
    let ended = loop {
        let told = slow.write_all(b"G").and_then(|()| slow.flush());
        slow.set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        match slow.read(&mut [0; 512]) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break true,
        }
        if told.is_err() {
            break true;
        }
        if start.elapsed() > LONG {
            break false;
        }
    };
    assert!(
        ended && start.elapsed() > Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    // A body that never ends.
    let mut slow = rig.connect();
    slow.write_all(b"POST /api/v1/decode HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{").unwrap();
    let mut text = String::new();
    slow.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
}

#[test]
fn the_page_is_packed_for_who_takes_that() {
    let rig = Rig::start();
    let mut stream = rig.connect();
    stream
        .write_all(b"GET /app.js HTTP/1.1\r\nhost: test\r\nconnection: close\r\naccept-encoding: gzip\r\n\r\n")
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let head = String::from_utf8_lossy(&bytes[..400]).to_lowercase();
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let plain = rig.get("/app.js");
    assert!(!plain.head.to_lowercase().contains("content-encoding"));
    assert!(bytes.len() < plain.body.len() / 2);
}

#[test]
fn the_state_of_the_machine_is_told_and_a_program_without_files_reads_none_again() {
    let rig = Rig::start();
    let status = rig.json("/api/v1/status");
    assert!(status["disk"]["free_bytes"].as_u64() > Some(0), "{status}");
    let path = status["disk"]["path"].as_str().unwrap().to_owned();
    assert!(path.ends_with("kept"), "{path}");
    assert!(status["inputs"][0]["clock_ahead_s"].is_null());
    let answer = rig.ask("POST /api/v1/reload", "");
    assert_eq!(answer.code, 409, "{}", answer.body);
}

#[test]
fn a_recording_is_begun_ended_listed_and_fetched_by_who_knows_the_word() {
    let rig = Rig::start();
    rig.until_ready();
    assert_eq!(
        rig.json("/api/v1/recordings")["files"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let on = |on: bool| {
        let answer = rig.ask("POST /api/v1/recording", &format!("{{\"on\":{on}}}"));
        assert_eq!(answer.code, 200, "{}", answer.body);
    };
    let wait = |done: &dyn Fn(&Value) -> bool| {
        let start = Instant::now();
        loop {
            let status = rig.json("/api/v1/status");
            if done(&status["recording"]) {
                return;
            }
            assert!(start.elapsed() < LONG, "{status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    on(true);
    wait(&|recording| recording["messages"].as_u64() > Some(50));
    on(false);
    wait(&|recording| recording["file"].is_null());
    let list = rig.json("/api/v1/recordings");
    assert_eq!(
        (&list["on"], list["files"].as_array().unwrap().len()),
        (&Value::Bool(false), 1)
    );
    let name = list["files"][0]["name"].as_str().unwrap().to_owned();
    assert!(name.ends_with("-00001.mcap"), "{name}");
    // What is fetched is the file, whole.
    let mut stream = rig.connect();
    write!(
        stream,
        "GET /api/v1/recordings/{name} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let kept = fs::read(rig.folder.join("kept").join(&name)).unwrap();
    assert!(kept.starts_with(b"\x89MCAP0\r\n") && kept.ends_with(b"\x89MCAP0\r\n"));
    assert!(answer[body..] == kept[..]);
    // No word, a wrong word, and names that lead elsewhere.
    let refused = |request: &str, word: &str, code: u16| {
        let mut stream = rig.connect();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{word}content-type: application/json\r\ncontent-length: 11\r\n\r\n{{\"on\":true}}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text[9..12], code.to_string(), "{request}: {text}");
        assert!(!text.contains(TOKEN), "{text}");
    };
    let file = format!("GET /api/v1/recordings/{name}");
    refused("POST /api/v1/recording", "", 401);
    refused(
        "POST /api/v1/recording",
        "authorization: Bearer a-word-for-the-test\r\n",
        401,
    );
    refused(&file, "authorization: Basic YTpi\r\n", 401);
    let word = format!("authorization: Bearer {TOKEN}\r\n");
    for bad in [
        "..%2ftoken",
        "..%2F..%2Fetc%2Fpasswd",
        "%2fetc%2fpasswd",
        "token",
        "%00",
        "..",
        ".",
    ] {
        refused(&format!("GET /api/v1/recordings/{bad}"), &word, 404);
    }
    // Going on is another part of the same run, after a gap that is told.
    on(true);
    wait(&|recording| {
        recording["files"].as_u64() == Some(2) && recording["messages"].as_u64() > Some(150)
    });
    on(false);
    wait(&|recording| recording["file"].is_null());
    assert_eq!(
        rig.json("/api/v1/recordings")["files"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn stages_settings_and_warnings_are_told() {
    let rig = Rig::start();
    rig.until_ready();
    let latency = rig.json("/api/v1/latency");
    let stage = |name: &str| {
        let stages = latency["stages"].as_array().unwrap().iter();
        stages
            .clone()
            .find(|stage| stage["stage"] == name)
            .unwrap()
            .clone()
    };
    for name in ["compose", "encode", "send", "work"] {
        let told = stage(name);
        assert!(told["count"].as_u64() > Some(0), "{told}");
        let all: u64 = told["histogram"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .sum();
        assert!(all >= told["count"].as_u64().unwrap(), "{told}");
    }
    let map = latency["grid"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["kind"] == "MAP")
        .unwrap();
    assert!(
        map["count"].as_u64() > Some(0) && map["max_us"].as_f64() > Some(0.0),
        "{map}"
    );
    let config = rig.json("/api/v1/config");
    let value = |key: &str| {
        let values = config["values"].as_array().unwrap().iter();
        values
            .clone()
            .find(|value| value["key"] == key)
            .unwrap()
            .clone()
    };
    assert_eq!(value("spat.period-ms")["line"], Value::Null);
    assert_eq!(value("record.at-start")["value"], "false");
    assert!(value("record.at-start")["line"].as_u64() > Some(0));
    assert_eq!(config["next"], Value::Null, "its file is not on the disk");
    // The controller never says anything.
    let start = Instant::now();
    loop {
        let notices = rig.json("/api/v1/notices");
        let silent = |notice: &Value| notice["code"] == "silent" && notice["subject"] == "signal";
        if notices.as_array().unwrap().iter().any(silent) {
            break;
        }
        assert!(start.elapsed() < LONG, "{notices}");
        std::thread::sleep(Duration::from_millis(100));
    }
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
    let checked = config::parse(&text, file, &mut |path| fs::read_to_string(path));
    let config = checked.unwrap_or_else(|f| panic!("{f}")).config;
    let address = config.console.as_ref().unwrap().listen;
    let daemon = Daemon::start(config, 1).unwrap();
    drop(taken);
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < LONG, "it never listens");
        std::thread::sleep(Duration::from_millis(20));
    }
    daemon.stop();
}
