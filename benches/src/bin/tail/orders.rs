//! People who order events over HTTP while the daemon is measured: so many a minute, over connections that
//! stay, each answered once the journal on the disk has it.
//!
//! Each connection has one event of its own that it changes; every [`ANEW`] orders it ends that and orders
//! another, as ids rest for a minute after their end. Not here: whether what was acknowledged survives, which
//! the tests of `rsu` hold.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the daemon is told to ask for, in the environment of its process.
pub(crate) const TOKEN_ENV: &str = "RSU_TAIL_TOKEN";
pub(crate) const TOKEN: &str = "orders-of-a-benchmark-only";

/// Connections at a time.
const WORKERS: u32 = 8;
/// Of so many orders one ends the event and one begins another.
const ANEW: u64 = 100;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) acknowledged: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// Connections that broke.
    pub(crate) broken: AtomicU64,
    /// Longest that one was waited for, in microseconds.
    pub(crate) longest_us: AtomicU64,
}

impl Orders {
    /// Orders so many a minute until it is over.
    pub(crate) fn give(&self, a_minute: u32, console: SocketAddr, over: &AtomicBool) {
        if a_minute == 0 {
            return;
        }
        let every = Duration::from_secs(60) * WORKERS / a_minute;
        thread::scope(|scope| {
            for worker in 0..WORKERS {
                scope.spawn(move || {
                    thread::sleep(every * worker / WORKERS);
                    while !over.load(Ordering::Relaxed) {
                        if self.work(every, worker, console, over).is_none() {
                            self.broken.fetch_add(1, Ordering::Relaxed);
                            thread::sleep(Duration::from_millis(100));
                        }
                    }
                });
            }
        });
    }

    /// Orders over one connection until it is over; None if that breaks.
    fn work(
        &self,
        every: Duration,
        worker: u32,
        console: SocketAddr,
        over: &AtomicBool,
    ) -> Option<()> {
        let mut line = Line::open(console)?;
        let mut standing: Option<u64> = None;
        let mut due = Instant::now();
        for number in 0.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += every;
            let asked = Instant::now();
            let (code, body) = match standing {
                None => {
                    let from_m = 20 + 20 * worker;
                    line.ask(
                        "POST",
                        "/api/v1/events",
                        &json!({ "type": 501, "level": 4, "lasts_s": 600, "on": {
                            "upstream": 11, "downstream": 10, "lanes": [1],
                            "from_stop_line_m": from_m } }),
                    )?
                }
                Some(event) if number % ANEW == ANEW - 1 => {
                    standing = None;
                    line.ask("DELETE", &format!("/api/v1/events/{event}"), &Value::Null)?
                }
                Some(event) => line.ask(
                    "PATCH",
                    &format!("/api/v1/events/{event}"),
                    &json!({ "level": number % 8 }),
                )?,
            };
            let took_us = asked.elapsed().as_micros() as u64;
            self.longest_us.fetch_max(took_us, Ordering::Relaxed);
            let counter = if code < 300 {
                &self.acknowledged
            } else {
                &self.refused
            };
            counter.fetch_add(1, Ordering::Relaxed);
            if code == 201 {
                standing = body["number"].as_u64();
            }
        }
        Some(())
    }
}

/// A connection that stays.
struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    fn open(console: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&console, Duration::from_secs(1)).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let stream = BufReader::new(stream);
        Some(Self { stream })
    }

    /// The code and the body of the answer.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: tail\r\nauthorization: Bearer {TOKEN}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes()).ok()?;
        let mut line = String::new();
        self.stream.read_line(&mut line).ok()?;
        let code = line.split_whitespace().nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).ok().filter(|n| *n > 0)?;
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(text) = header.strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).ok()?;
        Some((code, serde_json::from_slice(&answer).unwrap_or_default()))
    }
}
