//! Who visits the daemon's console while it is measured: pages that listen, connections that never
//! ask, requests that never end, and who orders events ([`crate::orders`]). All on loopback, each thread with plain sockets that never block.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::orders::Orders;

/// How many of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Guests {
    /// Pages that listen to the news and read it.
    pub(crate) readers: usize,
    /// Connections that are opened and never asked anything over; opened again when they are ended.
    pub(crate) idle: usize,
    /// Requests of which a letter comes every half second; begun again when they are ended.
    pub(crate) slow: usize,
    /// Orders of events, so many a minute.
    pub(crate) orders: u32,
}

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    read_bytes: AtomicU64,
    ended: AtomicU64,
    orders: Orders,
}

impl Guests {
    pub(crate) fn any(self) -> bool {
        self.readers + self.idle + self.slow > 0 || self.orders > 0
    }

    /// Stays until it is over.
    pub(crate) fn stay(self, console: SocketAddr, over: &AtomicBool) -> Visit {
        let visit = Visit::default();
        thread::scope(|scope| {
            scope.spawn(|| read(self.readers, console, over, &visit));
            scope.spawn(|| sit(self.idle, b"", console, over, &visit));
            scope.spawn(|| sit(self.slow, b"x", console, over, &visit));
            scope.spawn(|| visit.orders.give(self.orders, console, over));
        });
        visit
    }
}

impl Visit {
    /// For people.
    pub(crate) fn told(&self) -> String {
        let (read, ended) = (&self.read_bytes, &self.ended);
        let orders = &self.orders;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!(
            "guests: {} kB of news read, {} connections ended by the console, {} orders acknowledged (the \
             slowest in {:.1} ms), {} refused, {} connections of orderers broken",
            of(read) / 1000,
            of(ended),
            of(&orders.acknowledged),
            of(&orders.longest_us) as f64 / 1e3,
            of(&orders.refused),
            of(&orders.broken),
        )
    }
}

fn open(console: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&console, Duration::from_millis(100)).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(stream)
}

fn read(count: usize, console: SocketAddr, over: &AtomicBool, visit: &Visit) {
    let listen = || {
        let mut stream = open(console)?;
        let asked = stream.write_all(b"GET /events HTTP/1.1\r\nhost: tail\r\n\r\n");
        asked.is_ok().then_some(stream)
    };
    let mut pages: Vec<Option<TcpStream>> = (0..count).map(|_| listen()).collect();
    let mut piece = [0; 64 * 1024];
    while !over.load(Ordering::Relaxed) {
        for page in &mut pages {
            let Some(stream) = page else {
                *page = listen();
                continue;
            };
            match stream.read(&mut piece) {
                Ok(length) if length > 0 => {
                    visit.read_bytes.fetch_add(length as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => *page = None,
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn sit(count: usize, word: &[u8], console: SocketAddr, over: &AtomicBool, visit: &Visit) {
    let mut chairs: Vec<Option<TcpStream>> = (0..count).map(|_| None).collect();
    while !over.load(Ordering::Relaxed) {
        for chair in &mut chairs {
            if over.load(Ordering::Relaxed) {
                return;
            }
            let Some(stream) = chair else {
                *chair = open(console);
                continue;
            };
            let gone = match stream.read(&mut [0; 512]) {
                Err(error) => error.kind() != io::ErrorKind::WouldBlock,
                Ok(length) => length == 0,
            };
            if gone || stream.write_all(word).is_err() {
                visit.ended.fetch_add(1, Ordering::Relaxed);
                *chair = None;
            }
        }
        thread::sleep(Duration::from_millis(500));
    }
}
