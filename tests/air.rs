//! The air and the devices around a unit, on loopback: what is heard, and who speaks to it.
//!
//! Not here: the unit itself, which is a program (`process`).

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rsu::inputs::can::{candump, gateway};
use v2x_msg::access::{Aid, dsmp};
use v2x_msg::kinds::spat::{Light, Phase, Spat, Timing};
use v2x_msg::{Message, MessageKind};

use crate::process::LONG;

/// A receiver in the radio's place.
pub(crate) struct Air {
    socket: UdpSocket,
}

/// A frame that was heard.
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) aid: Aid,
    pub(crate) message: Message,
    /// All of it, as it was on the air.
    pub(crate) bytes: Vec<u8>,
}

impl Air {
    pub(crate) fn open() -> Self {
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").expect("loopback"),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    /// The next frame; None where nothing comes for so long. Whatever comes must be a good one.
    pub(crate) fn next_within(&self, wait: Duration) -> Option<Heard> {
        let wait = wait.max(Duration::from_millis(1));
        let set = self.socket.set_read_timeout(Some(wait));
        set.expect("a timeout that is not zero");
        let mut datagram = [0; 2000];
        let length = self.socket.recv(&mut datagram).ok()?;
        let frame = dsmp::parse(&datagram[..length]).expect("DSMP");
        let message = Message::decode(frame.data).expect("a message");
        Some(Heard {
            at: Instant::now(),
            aid: frame.aid().expect("an application of ours"),
            message,
            bytes: datagram[..length].to_vec(),
        })
    }

    /// Waits until a frame gives what is asked of it.
    pub(crate) fn until<T>(&self, what: &str, mut asked: impl FnMut(&Heard) -> Option<T>) -> T {
        let until = Instant::now() + LONG;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let heard = (!rest.is_zero()).then(|| self.next_within(rest)).flatten();
            let heard = heard.unwrap_or_else(|| panic!("never heard: {what}"));
            if let Some(answer) = asked(&heard) {
                return answer;
            }
        }
    }

    /// Waits for a message of a kind.
    pub(crate) fn hear(&self, kind: MessageKind) -> Heard {
        let until = Instant::now() + LONG;
        while let Some(heard) = self.next_within(until.saturating_duration_since(Instant::now())) {
            if heard.message.kind() == kind {
                return heard;
            }
        }
        panic!("never heard: {kind}");
    }

    /// Waits for a SPAT that gives what is asked of it.
    pub(crate) fn until_spat<T>(&self, what: &str, mut asked: impl FnMut(&Spat) -> Option<T>) -> T {
        self.until(what, |heard| {
            if heard.message.kind() != MessageKind::Spat {
                return None;
            }
            asked(&Spat::read(&heard.message).expect("a SPAT that keeps its rules"))
        })
    }

    /// Forgets what has come already.
    pub(crate) fn drain(&self) {
        while self.next_within(Duration::ZERO).is_some() {}
    }

    /// Waits until no message of a kind has come for so long, while others may.
    pub(crate) fn until_quiet(&self, kind: MessageKind, quiet: Duration) {
        let begun = Instant::now();
        let mut last = begun;
        while last.elapsed() < quiet {
            assert!(begun.elapsed() < LONG, "{kind} does not stop");
            if let Some(heard) = self.next_within(quiet.saturating_sub(last.elapsed()))
                && heard.message.kind() == kind
            {
                last = heard.at;
            }
        }
    }
}

/// What a phase shows, and in how many seconds that ends; by the one junction of a SPAT.
pub(crate) fn shown(spat: &Spat, phase: u8) -> (Light, Option<f64>) {
    let phases = spat.intersections[0].phases();
    let phase = phases.iter().find(|known| known.id().value() == phase);
    shown_by(phase.expect("the phase is in the SPAT"))
}

fn shown_by(phase: &Phase) -> (Light, Option<f64>) {
    let state = phase.current().expect("a state that is on");
    let left_s = match state.timing {
        Some(Timing::Counting(counting)) => counting.ends.likely(),
        other => {
            assert!(other.is_none(), "counting was asked for, not {other:?}");
            None
        }
    };
    (
        state.light,
        left_s.map(|left| left.duration().as_secs_f64()),
    )
}

/// An address of this machine that nobody uses.
pub(crate) fn free_udp() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.local_addr().expect("it is bound")
}

/// A CAN gateway that a unit connects to.
pub(crate) struct Gateway {
    listener: TcpListener,
}

impl Gateway {
    /// At `address`, or at any where the port is 0.
    pub(crate) fn open(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("an address of this machine");
        listener
            .set_nonblocking(true)
            .expect("an option of sockets");
        Self { listener }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// Waits for the unit to connect.
    pub(crate) fn accept(&self) -> TcpStream {
        let until = Instant::now() + LONG;
        loop {
            if let Ok((stream, _)) = self.listener.accept() {
                stream.set_nonblocking(false).expect("an option of sockets");
                return stream;
            }
            assert!(Instant::now() < until, "nobody connects");
            // Accepting has no deadline of its own.
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Frames that a controller broadcasts each second, or whatever is sent again and again. Dropping it
/// ends it.
pub(crate) struct Beat {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beat {
    /// Calls `send` at once and then every `period`.
    pub(crate) fn every(period: Duration, mut send: impl FnMut() + Send + 'static) -> Self {
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            loop {
                send();
                if stopped.recv_timeout(period) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A controller that sends the datagram to `to` every `period`.
    pub(crate) fn datagram(to: SocketAddr, period: Duration, datagram: Vec<u8>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        // Nobody may listen there yet.
        Self::every(period, move || drop(socket.send_to(&datagram, to)))
    }

    /// A gateway that sends the CAN frames of a recording at their own pace, again and again.
    pub(crate) fn recording(mut to: TcpStream, log: &[u8]) -> Self {
        let lines = log
            .split(|octet| *octet == b'\n')
            .filter_map(|line| candump::parse(line).expect("candump text"))
            .map(|line| (line.recorded.expect("a time"), line.frame))
            .collect::<Vec<_>>()
            .into_iter()
            .cycle();
        let mut before = None;
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            let mut bytes = Vec::new();
            for (at, frame) in lines {
                let pause_ns = before.replace(at).map_or(0, |before| at.ns_since(before));
                // Back at the beginning there is nothing to wait for.
                let pause = Duration::from_nanos(u64::try_from(pause_ns).unwrap_or(0));
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                bytes.clear();
                gateway::emit(&frame, &mut bytes);
                // The unit may be gone before us.
                if to.write_all(&bytes).is_err() {
                    return;
                }
            }
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic there has been told by its own thread.
            let _ = thread.join();
        }
    }
}

/// The datagrams of a recording, one a line of hexadecimal digits.
pub(crate) fn datagrams(hex: &str) -> Vec<Vec<u8>> {
    let octet = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(digits, 16).expect("hexadecimal digits")
    };
    let lines = hex.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| line.as_bytes().chunks(2).map(octet).collect())
        .collect()
}
