//! Nothing that was acknowledged is lost when the power fails, and a journal of garbage stops nobody.

use std::convert::Infallible;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use serde_json::{Value, json};

use crate::unit::{LONG, TOKEN, Unit, works};

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
    // A disk may be busy for seconds: it is cut in the middle of a flood, however long that takes to rise.
    let mut words = Vec::new();
    while words.len() < FLOOD {
        match heard.recv_timeout(LONG) {
            Ok(word) => words.push(word),
            Err(error) => {
                let ends = orderers.into_iter().map(thread::JoinHandle::join);
                panic!(
                    "{} words, then {error}: {:?}; the unit: {:#?}",
                    words.len(),
                    ends.collect::<Vec<_>>(),
                    unit.last_words()
                );
            }
        }
    }
    unit.kill();
    orderers
        .into_iter()
        .for_each(|orderer| drop(orderer.join().unwrap()));
    words.extend(heard);
    let (mut standing, mut done) = (std::collections::BTreeMap::new(), 0);
    let mut unsure = std::collections::BTreeSet::new();
    for word in words {
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

/// So many words of orderers are in it before it is cut.
const FLOOD: usize = 200;

enum Word {
    Stands(u64, u64),
    Ending(u64),
    Ended(u64),
}

/// Orders until the unit is gone, and says how that was noticed.
fn orderer_until_cut(
    console: SocketAddr,
    orderer: usize,
    told: &Sender<Word>,
) -> io::Result<Infallible> {
    let mut line = Line::open(console)?;
    let mut last = None;
    loop {
        let mut event = works();
        event["level"] = json!(orderer);
        let (code, body) = line.ask("POST", "/api/v1/events", &event)?;
        if code == 201 {
            let number = body["number"].as_u64().unwrap();
            told.send(Word::Stands(number, body["rte_id"].as_u64().unwrap()))
                .unwrap();
            if let Some(old) = last.replace(number) {
                told.send(Word::Ending(old)).unwrap();
                let path = format!("/api/v1/events/{old}");
                let (code, body) = line.ask("DELETE", &path, &Value::Null)?;
                assert_eq!(code, 200, "{body}");
                told.send(Word::Ended(old)).unwrap();
            }
        } else {
            // Every id rests for a minute once all have been given.
            assert_eq!(code, 503, "{body}");
            let path = format!("/api/v1/events/{}", last.expect("ids to begin with"));
            let (code, body) = line.ask("PATCH", &path, &json!({ "level": 5 }))?;
            assert_eq!(code, 200, "{body}");
        }
    }
}

/// A connection that stays.
struct Line {
    write: TcpStream,
    read: BufReader<TcpStream>,
}

impl Line {
    fn open(console: SocketAddr) -> io::Result<Self> {
        let write = TcpStream::connect(console)?;
        write.set_read_timeout(Some(LONG))?;
        let read = BufReader::new(write.try_clone()?);
        Ok(Self { write, read })
    }

    /// An error once the unit is gone; an answer that is none is a failure of the test.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> io::Result<(u16, Value)> {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {TOKEN}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.write.write_all(request.as_bytes())?;
        let (mut code, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            if self.read.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                code = rest[..3].parse().expect("a code");
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().expect("a length");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.read.read_exact(&mut body)?;
        let read = serde_json::from_slice(&body);
        Ok((
            code,
            read.unwrap_or_else(|_| panic!("{code}: no JSON: {body:?}")),
        ))
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
