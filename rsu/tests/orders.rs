//! Orders to the program itself: over HTTP, at the control socket and by a platform's broker; killed,
//! restarted, with a new file of the site, and played back.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use v2x_msg::access::dsmp;
use v2x_msg::kinds::Rsi;
use v2x_msg::kinds::rsi::{Event, Sign};
use v2x_msg::{Message, MessageKind};

/// Longer than anything here takes on a busy machine; reached only by a failure.
const LONG: Duration = Duration::from_secs(60);
const TOKEN: &str = "a-token-of-this-test-only";
const SITE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../configs/sites/moyu-boyuan.toml"
);

/// A unit in a folder of its own.
struct Unit {
    folder: PathBuf,
    console: SocketAddr,
    air: UdpSocket,
    process: Option<Child>,
    told: Option<Receiver<String>>,
}

impl Unit {
    fn new(more: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("rsu-orders-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let console = free.local_addr().unwrap();
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

    fn up(&mut self) {
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

    fn until_told(&self, word: &str) {
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

    fn signal(&self, name: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// At once, as when the power fails.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < LONG, "never: {what}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn http(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String, Value) {
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

    fn order(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let token = format!("authorization: Bearer {TOKEN}");
        let (code, _, body) = self.http(method, path, &[&token], &body.to_string());
        (code, body)
    }

    fn event(&self, args: &[&str]) -> Output {
        let socket = self.folder.join("control");
        let socket = socket.to_str().unwrap();
        let mut command = rsu();
        command.args(["event", "--control", socket]).args(args);
        command.output().unwrap()
    }

    fn standing(&self) -> Vec<Value> {
        let (code, _, body) = self.http("GET", "/api/v1/orders", &[], "");
        assert_eq!(code, 200, "{body}");
        body["events"].as_array().unwrap().clone()
    }

    /// Waits for an RSI whose event of this id passes `wanted`.
    fn hear(&self, id: u64, wanted: impl Fn(&Event) -> bool) -> Event {
        self.hear_rsi(id, |rsi| {
            let is_it = |e: &&Event| u64::from(e.id) == id && wanted(e);
            rsi.events().iter().find(is_it).cloned()
        })
    }

    /// The same of a sign.
    fn hear_sign(&self, id: u64, wanted: impl Fn(&Sign) -> bool) -> Sign {
        self.hear_rsi(id, |rsi| {
            let is_it = |s: &&Sign| u64::from(s.id) == id && wanted(s);
            rsi.signs().iter().find(is_it).cloned()
        })
    }

    fn hear_rsi<T>(&self, id: u64, find: impl Fn(&Rsi) -> Option<T>) -> T {
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

fn rsu() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rsu"))
}

fn heard(frame: &[u8]) -> Option<(MessageKind, Message)> {
    let message = Message::decode(dsmp::parse(frame).ok()?.data).ok()?;
    Some((message.kind(), message))
}

fn works() -> Value {
    json!({ "type": 501, "level": 4, "description": "前方施工",
        "on": { "upstream": 11, "downstream": 10, "lanes": [1], "from_stop_line_m": 80, "length_m": 40 } })
}

#[test]
fn an_order_goes_on_air_and_survives_a_power_cut_with_its_id() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    let (code, told) = unit.order("POST", "/api/v1/events", &works());
    assert_eq!(code, 201, "{told}");
    let id = told["rte_id"].as_u64().unwrap();
    let event = unit.hear(id, |_| true);
    assert_eq!(
        event.description.unwrap().bytes(),
        b"\xc7\xb0\xb7\xbd\xca\xa9\xb9\xa4"
    );
    assert_eq!(event.place.unwrap().paths()[0].points.len(), 2);
    let mut other = works();
    other["type"] = json!(707);
    let (_, second) = unit.order("POST", "/api/v1/events", &other);
    let path = format!("/api/v1/events/{}", second["number"]);
    let (code, told) = unit.order("PATCH", &path, &json!({ "level": 7 }));
    assert_eq!((code, &told["rte_id"]), (200, &second["rte_id"]), "{told}");
    unit.kill();

    unit.up();
    unit.hear(id, |event| event.event_type.0 == 501);
    let second_id = second["rte_id"].as_u64().unwrap();
    unit.hear(second_id, |event| {
        event.level.is_some_and(|level| level.value() == 7)
    });
    let (code, _) = unit.order("DELETE", &path, &Value::Null);
    assert_eq!(code, 200);
    // Receivers drop it at once: it is sent with its end.
    unit.hear(second_id, |event| event.validity.end.is_some());
    unit.kill();

    unit.up();
    unit.until_told("stand again");
    assert_eq!(unit.standing().len(), 1);
    assert_eq!(unit.http("GET", &path, &[], "").0, 404);
}

#[test]
fn without_the_token_nobody_orders_over_http() {
    let mut unit = Unit::new("");
    unit.up();
    let body = works().to_string();
    let token = format!("authorization: Bearer {TOKEN}");
    assert_eq!(unit.http("POST", "/api/v1/events", &[&token], &body).0, 403);
    unit.kill();

    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    for header in [
        "x: y",
        "authorization: Bearer wrong",
        "authorization: Basic eA==",
    ] {
        let (code, head, _) = unit.http("POST", "/api/v1/events", &[header], &body);
        assert_eq!(
            (code, head.contains("www-authenticate: bearer")),
            (401, true)
        );
    }
    assert_eq!(unit.http("DELETE", "/api/v1/events/1", &[], "").0, 401);
    // The file is read anew; a token that anybody could guess is none.
    fs::write(unit.folder.join("token"), "short").unwrap();
    assert_eq!(
        unit.http(
            "POST",
            "/api/v1/events",
            &["authorization: Bearer short"],
            &body
        )
        .0,
        403
    );
    fs::write(unit.folder.join("token"), TOKEN).unwrap();
    assert_eq!(unit.standing().len(), 0);
    assert_eq!(unit.order("POST", "/api/v1/events", &works()).0, 201);
}

#[test]
fn nonsense_is_refused_with_its_reasons() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    let token = format!("authorization: Bearer {TOKEN}");
    let deep = "[".repeat(10_000);
    let long = format!("{{\"description\":\"{}\"}}", "x".repeat(20_000));
    for (body, code) in [
        ("", 400),
        ("{", 400),
        ("nul", 400),
        (&deep, 400),
        ("[]", 422),
        ("{}", 422),
        (&long, 413),
    ] {
        let (given, _, told) = unit.http("POST", "/api/v1/events", &[&token], body);
        assert_eq!(given, code, "{told}");
    }
    let bad =
        json!({ "type": 501, "on": { "upstream": 11, "downstream": 10, "from_stop_line_m": 1e6 } });
    let (code, told) = unit.order("POST", "/api/v1/events", &bad);
    assert_eq!(code, 422);
    assert!(
        told["error"]
            .as_str()
            .unwrap()
            .contains("on.from_stop_line_m"),
        "{told}"
    );
    let key = "idempotency-key: with blanks inside";
    assert_eq!(
        unit.http("POST", "/api/v1/events", &[&token, key], "{}").0,
        400
    );
    for hex in ["", "zz", "00", "4fffffffffffffffffffffffffffffff"] {
        let (code, told) = unit.order("POST", "/api/v1/events/rsi", &json!({ "hex": hex }));
        assert!((400..423).contains(&code), "{hex}: {code} {told}");
    }
    assert_eq!(unit.standing().len(), 0);
    let (_, status) = unit.order("GET", "/api/v1/status", &Value::Null);
    assert!(
        status["orders"]["refused"].as_u64().unwrap() >= 4,
        "{status}"
    );
}

#[test]
fn the_control_socket_is_for_its_user_and_the_command_speaks_there() {
    let mut unit = Unit::new("");
    unit.up();
    let socket = unit.folder.join("control");
    unit.until("the socket", || socket.exists());
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let added = unit.event(&[
        "add",
        "--type",
        "501",
        "--on",
        "11-10:1@80+40",
        "--description",
        "施工",
        "--lasts-s",
        "600",
        "--key",
        "k1",
    ]);
    assert!(added.status.success(), "{added:?}");
    let told: Value = serde_json::from_slice(&added.stdout).unwrap();
    let number = told["number"].as_u64().unwrap().to_string();
    let end = unit
        .hear(told["rte_id"].as_u64().unwrap(), |_| true)
        .validity
        .end;
    assert!(end.is_some());
    let list = unit.event(&["list"]);
    let lines = String::from_utf8(list.stdout).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(unit.event(&["show", &number]).status.success());
    let refused = unit.event(&["add", "--type", "501"]);
    assert_eq!(refused.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("position: is missing"));
    assert!(unit.event(&["end", &number]).status.success());
    assert_eq!(unit.event(&["end", &number]).status.code(), Some(65));
    let sign = unit.event(&[
        "add",
        "--sign",
        "38",
        "--code",
        "0000000000000038",
        "--text",
        "正在施工",
        "--on",
        "11-10@200",
    ]);
    assert!(sign.status.success(), "{sign:?}");
    let told: Value = serde_json::from_slice(&sign.stdout).unwrap();
    let id = told["rts_id"].as_u64().unwrap();
    let number = told["number"].as_u64().unwrap().to_string();
    let up = unit.hear_sign(id, |_| true);
    assert_eq!((up.sign_type, up.text.code()), (38, "0000000000000038"));
    assert!(unit.event(&["end", &number]).status.success());
    unit.hear_sign(id, |sign| sign.validity.end.is_some());
    let codeless = unit.event(&["add", "--sign", "38", "--on", "11-10@200"]);
    assert_eq!(codeless.status.code(), Some(64));
    let mut nowhere = rsu();
    nowhere.args(["event", "--control", "/nonexistent", "list"]);
    assert_eq!(nowhere.output().unwrap().status.code(), Some(66));
    // Bytes that are no question.
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    stream.write_all(b"\xff\xff{\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.contains("\"code\":400"), "{line}");
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails_in_a_flood() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    // Four at once, each with its own events: one stays, others come and go.
    let (told, heard) = channel();
    let console = unit.console;
    let orderers: Vec<_> = (0..4)
        .map(|orderer| {
            let told = told.clone();
            thread::spawn(move || orderer_until_cut(console, orderer, &told))
        })
        .collect();
    drop(told);
    thread::sleep(Duration::from_secs(3));
    unit.kill();
    orderers
        .into_iter()
        .for_each(|orderer| orderer.join().unwrap());
    let (mut standing, mut done) = (std::collections::BTreeMap::new(), 0);
    let mut unsure = std::collections::BTreeSet::new();
    for word in heard {
        match word {
            Word::Stands(number, id) => drop(standing.insert(number, id)),
            Word::Ending(number) => drop(unsure.insert(number)),
            Word::Ended(number) => {
                unsure.remove(&number);
                standing.remove(&number);
            }
        }
        done += 1;
    }
    println!("{done} words, {} standing when it was cut", standing.len());
    assert!(done > 50, "{done}");

    unit.up();
    unit.until("all stand again", || {
        unit.standing().len() >= standing.len() - unsure.len()
    });
    let back: std::collections::BTreeMap<u64, u64> = unit
        .standing()
        .iter()
        .map(|one| {
            (
                one["number"].as_u64().unwrap(),
                one["rte_id"].as_u64().unwrap(),
            )
        })
        .collect();
    for (number, id) in &standing {
        if !unsure.contains(number) {
            assert_eq!(back.get(number), Some(id), "{number}: {back:?}");
        }
    }
    // At most one of each that was never answered.
    assert!(
        back.keys()
            .filter(|number| !standing.contains_key(number))
            .count()
            <= 4,
        "{back:?}"
    );
}

enum Word {
    Stands(u64, u64),
    Ending(u64),
    Ended(u64),
}

/// Orders until the unit is gone.
fn orderer_until_cut(console: SocketAddr, orderer: usize, told: &std::sync::mpsc::Sender<Word>) {
    let Some(mut line) = Line::open(console) else {
        return;
    };
    let mut last = None;
    loop {
        let mut event = works();
        event["level"] = json!(orderer);
        let Some((code, body)) = line.ask("POST", "/api/v1/events", &event) else {
            return;
        };
        if code == 201 {
            let number = body["number"].as_u64().unwrap();
            told.send(Word::Stands(number, body["rte_id"].as_u64().unwrap()))
                .unwrap();
            if let Some(old) = last.replace(number) {
                told.send(Word::Ending(old)).unwrap();
                let path = format!("/api/v1/events/{old}");
                match line.ask("DELETE", &path, &Value::Null) {
                    Some((200, _)) => told.send(Word::Ended(old)).unwrap(),
                    Some(other) => panic!("{other:?}"),
                    None => return,
                }
            }
        } else {
            // Every id rests for a minute once all have been given.
            assert_eq!(code, 503, "{body}");
            let path = format!("/api/v1/events/{}", last.unwrap());
            let patch = json!({ "level": 5 });
            match line.ask("PATCH", &path, &patch) {
                Some((code, body)) => assert_eq!(code, 200, "{body}"),
                None => return,
            }
        }
    }
}

/// A connection that stays.
struct Line {
    write: TcpStream,
    read: BufReader<TcpStream>,
}

impl Line {
    fn open(console: SocketAddr) -> Option<Self> {
        let write = TcpStream::connect(console).ok()?;
        write.set_read_timeout(Some(LONG)).ok()?;
        let read = BufReader::new(write.try_clone().ok()?);
        Some(Self { write, read })
    }

    /// None once the unit is gone.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {TOKEN}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.write.write_all(request.as_bytes()).ok()?;
        let (mut code, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            if self.read.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                code = rest[..3].parse().ok()?;
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.read.read_exact(&mut body).ok()?;
        Some((code, serde_json::from_slice(&body).ok()?))
    }
}

#[test]
fn a_journal_of_garbage_is_set_aside_and_the_unit_goes_on() {
    let mut unit = Unit::new("token-file = 'token'");
    let journal = unit.folder.join("state/events.journal");
    fs::create_dir_all(journal.parent().unwrap()).unwrap();
    fs::write(&journal, b"\0\xff garbage \n more\n").unwrap();
    unit.up();
    unit.until_told("was damaged, the file as it was is");
    assert_eq!(unit.order("POST", "/api/v1/events", &works()).0, 201);
    unit.kill();
    // What a crash left half written is cut off; the rest stands.
    let mut text = fs::read(&journal).unwrap();
    text.extend_from_slice(b"00000000 {\"stan");
    fs::write(&journal, &text).unwrap();
    unit.up();
    unit.until_told("cut off a line");
    unit.until("it stands again", || unit.standing().len() == 1);
}

#[test]
fn a_new_file_of_the_site_changes_signs_and_events_without_a_message_missed() {
    let mut unit = Unit::new("");
    unit.up();
    unit.hear(1, |_| true);
    let site = fs::read_to_string(SITE).unwrap();
    let with = |more: &str| fs::write(unit.folder.join("site.toml"), format!("{site}\n{more}"));
    with("[[event]]\nid = 1\ntype = 501\n").unwrap();
    unit.signal("HUP");
    unit.until_told("id 1 is that of line");
    unit.until_told("the old one goes on");
    with(
        "[[event]]\nid = 77\ntype = 407\ndescription = '路面积水'\n\
         on = { upstream = 11, downstream = 10, from-stop-line-m = 50 }\n",
    )
    .unwrap();
    unit.signal("HUP");
    unit.until_told("the site's signs and events are taken");
    // Of MAP and of RSI no count is missing, from before to after.
    unit.hear(77, |_| true);
    fs::copy(SITE, unit.folder.join("site.toml")).unwrap();
    let mut last = [None, None];
    let (mut gone, mut signalled) = (false, false);
    let mut buffer = [0; 2000];
    let start = Instant::now();
    while !gone || start.elapsed() < Duration::from_secs(4) {
        assert!(start.elapsed() < LONG);
        if !signalled && start.elapsed() > Duration::from_secs(1) {
            signalled = true;
            unit.signal("HUP");
        }
        let Ok(length) = unit.air.recv(&mut buffer) else {
            panic!("silence")
        };
        let (kind, message) = heard(&buffer[..length]).unwrap();
        let (place, count) = match kind {
            MessageKind::Map => {
                let map = v2x_msg::kinds::Map::read(&message).unwrap();
                (0, map.msg_cnt)
            }
            MessageKind::Rsi => {
                let rsi = Rsi::read(&message).unwrap();
                let of_77 = rsi.events().iter().find(|event| event.id == 77);
                gone |= of_77.is_some_and(|event| event.validity.end.is_some());
                (1, rsi.msg_cnt)
            }
            _ => continue,
        };
        if let Some(last) = last[place] {
            assert_eq!(v2x_msg::base::MsgCount::next(last), count, "{kind:?}");
        }
        last[place] = Some(count);
    }
    unit.signal("HUP");
    unit.until_told("nothing has changed");
}

#[test]
fn a_recording_with_orders_plays_back_byte_for_byte() {
    let mut unit = Unit::new("token-file = 'token'\n[record]\nfolder = 'rec'\nkeep-free-mb = 0");
    unit.up();
    unit.until("the recording", || unit.folder.join("rec").exists());
    let (_, told) = unit.order("POST", "/api/v1/events", &works());
    let path = format!("/api/v1/events/{}", told["number"]);
    unit.hear(told["rte_id"].as_u64().unwrap(), |_| true);
    assert_eq!(unit.order("PATCH", &path, &json!({ "level": 6 })).0, 200);
    let site = fs::read_to_string(SITE).unwrap();
    let more = "[[event]]\nid = 77\ntype = 407\neast-m = 5\nnorth-m = 5\n";
    fs::write(unit.folder.join("site.toml"), format!("{site}\n{more}")).unwrap();
    unit.signal("HUP");
    unit.hear(77, |_| true);
    assert_eq!(unit.order("DELETE", &path, &Value::Null).0, 200);
    thread::sleep(Duration::from_secs(1));
    unit.signal("TERM");
    let ended = unit.process.as_mut().unwrap().wait().unwrap();
    assert!(ended.success());
    let played = replay(&unit.folder.join("rec"));
    assert!(played.status.success(), "{played:?}");
    let said = String::from_utf8_lossy(&played.stdout).into_owned()
        + &String::from_utf8_lossy(&played.stderr);
    assert!(
        !said.contains("0 frames made") && !said.contains("missing"),
        "{said}"
    );
    let printed = rsu()
        .arg("replay")
        .arg(unit.folder.join("rec"))
        .arg("--print")
        .output()
        .unwrap();
    let lines = String::from_utf8(printed.stdout).unwrap();
    let digits = lines
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let frames = digits.filter_map(bytes);
    let ids: std::collections::BTreeSet<u8> = frames
        .filter_map(|frame| Rsi::read(&heard(&frame)?.1).ok())
        .flat_map(|rsi| {
            rsi.events()
                .iter()
                .map(|event| event.id)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(ids.contains(&77) && ids.len() >= 3, "{ids:?}");
}

#[test]
fn who_knows_the_word_has_the_files_read_again() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    let token = format!("authorization: Bearer {TOKEN}");
    let reload = |unit: &Unit, token: &[&str]| unit.http("POST", "/api/v1/reload", token, "");
    assert_eq!(reload(&unit, &[]).0, 401);
    let (code, _, told) = reload(&unit, &[&token]);
    assert_eq!((code, told), (200, json!({ "changed": false })));
    let site = unit.folder.join("site.toml");
    let before = fs::read_to_string(&site).unwrap();
    fs::write(&site, format!("{before}\n[[event]]\nid = 77\ntype = 0\n")).unwrap();
    let (code, _, told) = reload(&unit, &[&token]);
    assert_eq!(code, 422, "{told}");
    assert!(
        told["error"].as_str().unwrap().contains("site.toml"),
        "{told}"
    );
    let more = "\n[[event]]\nid = 77\ntype = 407\neast-m = 5\nnorth-m = 5\n";
    fs::write(&site, format!("{before}{more}")).unwrap();
    let (code, _, told) = reload(&unit, &[&token]);
    assert_eq!((code, told), (200, json!({ "changed": true })));
    unit.until_told("the site's signs and events are taken");
    unit.hear(77, |event| event.event_type.0 == 407);
}

fn replay(folder: &Path) -> Output {
    rsu()
        .arg("replay")
        .arg(folder)
        .arg("--diff")
        .output()
        .unwrap()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[test]
fn a_ready_made_rsi_is_told_as_the_units_own_once_for_each_key() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    // The shipped site's own works, heard on air, as if another unit had sent them.
    let start = Instant::now();
    let mut buffer = [0; 2000];
    let frame = loop {
        assert!(start.elapsed() < LONG);
        let Ok(length) = unit.air.recv(&mut buffer) else {
            continue;
        };
        let rsi = heard(&buffer[..length]).and_then(|(_, message)| Rsi::read(&message).ok());
        if rsi.is_some_and(|rsi| !rsi.events().is_empty()) {
            break buffer[..length].to_vec();
        }
    };
    let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    let token = format!("authorization: Bearer {TOKEN}");
    let body = json!({ "hex": hex }).to_string();
    let ask = |key: &str| {
        let key = format!("idempotency-key: {key}");
        unit.http("POST", "/api/v1/events/rsi", &[&token, &key], &body)
    };
    let (code, _, told) = ask("one");
    assert_eq!(code, 200, "{told}");
    // The same fact from two sources is one event, with the site's id.
    assert_eq!(told["standing"][0]["rte_id"], json!(1), "{told}");
    let (code, head, again) = ask("one");
    assert_eq!((code, &again), (200, &told));
    assert!(head.contains("idempotency-replayed: true"), "{head}");
    assert_eq!(unit.standing().len(), 1);
    // Known by its sender and id, it is renewed and not doubled.
    let (_, _, renewed) = ask("two");
    assert_eq!(
        renewed["standing"][0]["number"],
        told["standing"][0]["number"]
    );
    assert_eq!(unit.standing().len(), 1);
    let printed = unit.event(&["rsi", &hex]);
    assert!(printed.status.success(), "{printed:?}");
}
