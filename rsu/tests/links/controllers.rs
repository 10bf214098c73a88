//! Signal controllers of both kinds over every carrier: real datagrams, connections and serial lines,
//! and what goes wrong with them.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::unistd::ttyname;
use rsu::clock::Utc;
use rsu::daemon::{InputSnapshot, LinkState};
use rsu::inputs::gat1743::Trial;
use rsu::inputs::gb20999::wire::Escaping;
use rsu::inputs::gb20999::{Identity, Junction, Phase, Responder, Stage};
use rsu::report::Light;
use v2x_msg::access::{Aid, dsmp};

use crate::ports::free_tcp;
use crate::rig::{LONG, Rig, free_udp, listen_again};

/// Waits for a SPAT of which this holds, as text.
fn until_spat(rig: &Rig, what: &str, wanted: impl Fn(&str) -> bool) {
    let until = Instant::now() + LONG;
    let mut buffer = [0; 2000];
    while Instant::now() < until {
        let length = rig.air.recv(&mut buffer).expect("a frame in time");
        let frame = dsmp::parse(&buffer[..length]).expect("DSMP");
        if frame.aid() == Ok(Aid::Spat) {
            let message = v2x_msg::Message::decode(frame.data).expect("a SPAT that decodes");
            if wanted(&message.to_jer()) {
                return;
            }
        }
    }
    panic!("no SPAT with {what}");
}

/// Something that runs until it is dropped.
struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(body: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        Self {
            stop,
            thread: Some(thread::spawn(move || body(&stopping))),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        if !thread::panicking() {
            ended.expect("the device did not panic");
        }
    }
}

/// How often a device looks whether it shall end.
const PATIENCE: Duration = Duration::from_millis(20);

/// Eight phases, as the site has them, in two stages of 20 s.
fn junction() -> Junction {
    let losing = vec![(Light::FlashingGreen, 3), (Light::Yellow, 3)];
    let stage = |number, phases: [u8; 4]| Stage {
        number,
        phases: phases.to_vec(),
        time_s: 20,
        is_on_demand: false,
    };
    Junction {
        plan: 3,
        stages: vec![stage(1, [1, 3, 5, 7]), stage(2, [2, 4, 6, 8])],
        phases: (1..=8)
            .map(|number| Phase {
                number,
                lamps: vec![number],
                getting: Vec::new(),
                losing: losing.clone(),
                ..Phase::default()
            })
            .collect(),
        faults: Vec::new(),
    }
}

/// A controller by GB/T 20999 that runs its plan by the clock.
struct Controller {
    responder: Responder,
    started: Instant,
}

impl Controller {
    fn new(escaping: Escaping) -> Self {
        let identity = Identity {
            controller: 0x7E7D_5C01,
            escaping,
            echoes_sequence: false,
            ..Identity::default()
        };
        Self {
            responder: Responder::new(identity, junction()),
            started: Instant::now(),
        }
    }

    fn answer(&mut self, question: &[u8], send: impl FnMut(&[u8])) {
        let moment = junction().at(self.started.elapsed()).unwrap();
        self.responder.push(question, &moment, send);
    }

    /// Answers on a stream until it is told to stop or the stream ends.
    fn serve(mut self, stream: &mut (impl Read + Write), stop: &AtomicBool) {
        let mut buffer = [0; 1024];
        while !stop.load(Ordering::Relaxed) {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => {
                    let mut answers = Vec::new();
                    self.answer(&buffer[..length], |answer| {
                        answers.extend_from_slice(answer);
                    });
                    if stream.write_all(&answers).is_err() {
                        return;
                    }
                }
                Err(e) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&e.kind()) => {}
                // A pty whose other end is not open.
                Err(_) => thread::sleep(PATIENCE),
            }
        }
    }

    fn serve_datagrams(mut self, socket: UdpSocket) -> Running {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Running::start(move |stop| {
            let mut buffer = [0; 2000];
            while !stop.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    self.answer(&buffer[..length], |answer| {
                        let _ = socket.send_to(answer, from);
                    });
                }
            }
        })
    }
}

fn gb20999(source: &str) -> String {
    format!("[[input.gb20999]]\nname = 'signal'\nstate-period-ms = 200\n{source}\n")
}

/// SPAT has light and time of a phase that the plan makes known.
fn is_timed(spat: &str) -> bool {
    spat.contains("likelyEndTime")
}

#[test]
fn gb20999_over_udp_becomes_spat_with_times() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let _controller = Controller::new(Escaping::None).serve_datagrams(socket);
    let listen = free_udp();
    let rig = Rig::start(&gb20999(&format!(
        "listen = 'udp://{listen}'\nto = 'udp://{at}'"
    )));
    until_spat(&rig, "times", is_timed);
    let counts = rig.input("signal").counts;
    assert!(counts.rejected().iter().all(|(_, n)| *n == 0), "{counts:?}");
}

#[test]
fn gb20999_over_tcp_survives_the_controllers_death() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let rig = Rig::start(&gb20999(&format!("connect = 'tcp://{at}'")));
    let serve = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Running::start(move |stop| Controller::new(Escaping::Stream).serve(&mut stream, stop))
    };
    let first = serve(listener.accept().unwrap().0);
    until_spat(&rig, "times", is_timed);
    drop(first);
    drop(listener);
    rig.until("signal", "gone", |input| {
        matches!(input.link, LinkState::Down(_))
    });
    let before = rig.input("signal").reports;
    let listener = listen_again(at);
    let _second = serve(listener.accept().unwrap().0);
    rig.until("signal", "heard again", |input| input.reports > before + 5);
}

#[test]
fn gb20999_that_connects_to_us_is_asked_and_its_newest_connection_counts() {
    let listen = free_tcp();
    let rig = Rig::start(&gb20999(&format!("listen = 'tcp://{listen}'")));
    let connect = || {
        let start = Instant::now();
        loop {
            match TcpStream::connect(listen) {
                Ok(stream) => return stream,
                Err(e) => assert!(start.elapsed() < LONG, "{e}"),
            }
            thread::sleep(PATIENCE);
        }
    };
    // A controller that was restarted, and whose first connection nobody closed.
    let forgotten = connect();
    rig.until("signal", "up", |input| input.link == LinkState::Up);
    let mut stream = connect();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let controller =
        Running::start(move |stop| Controller::new(Escaping::Stream).serve(&mut stream, stop));
    until_spat(&rig, "times", is_timed);
    drop(controller);
    rig.until("signal", "gone", |input| {
        matches!(input.link, LinkState::Down(_))
    });
    drop(forgotten);
}

#[test]
fn a_connection_from_a_stranger_is_refused_and_counted() {
    let listen = free_tcp();
    let rig = Rig::start(&gb20999(&format!(
        "listen = 'tcp://{listen}'\nfrom = '127.0.0.77'"
    )));
    rig.until("signal", "listening", |_| {
        TcpStream::connect(listen).is_ok()
    });
    rig.until("signal", "foreign", |input| input.foreign >= 1);
    assert!(matches!(rig.input("signal").link, LinkState::Down(_)));
}

/// A serial line: our end of it, and the name of the other.
fn serial_line() -> (File, OwnedFd, String) {
    let pty = openpty(None, None).unwrap();
    let name = ttyname(&pty.slave).unwrap().display().to_string();
    (File::from(pty.master), pty.slave, name)
}

#[test]
fn gb20999_over_a_serial_line_becomes_spat_with_times() {
    let (mut line, open, name) = serial_line();
    let mut ours = line.try_clone().unwrap();
    // Dropped from the last to the first: with the other end closed, its wait for a question ends.
    let _controller =
        Running::start(move |stop| Controller::new(Escaping::Stream).serve(&mut line, stop));
    let _open = open;
    let rig = Rig::start(&gb20999(&format!(
        "serial = 'serial://{name}?baud=19200&parity=even&stop-bits=1'"
    )));
    until_spat(&rig, "times", is_timed);
    // Noise on the line is counted by kind, and what follows it is heard.
    ours.write_all(&[0xFF, 0x00, 0x7E, 0x00, 0x13, 0x55, 0x5C, 0x7D, 0x7E])
        .unwrap();
    rig.until("signal", "noise", |input| {
        input.counts.rejected().iter().map(|(_, n)| n).sum::<u64>() > 0
    });
    let before = rig.input("signal").reports;
    rig.until("signal", "heard after the noise", |input| {
        input.reports > before + 5
    });
}

#[test]
fn a_serial_line_that_is_not_there_is_told_and_found_once_it_is() {
    let path = std::env::temp_dir().join(format!("rsu-line-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let rig = Rig::start(&gb20999(&format!("serial = 'serial://{}'", path.display())));
    rig.until(
        "signal",
        "missing",
        |input| matches!(&input.link, LinkState::Down(why) if why.contains("cannot open")),
    );
    let (_line, _open, name) = serial_line();
    std::os::unix::fs::symlink(&name, &path).unwrap();
    rig.until("signal", "open", |input| input.link == LinkState::Up);
    std::fs::remove_file(&path).unwrap();
}

/// A frame of lamps of a GA/T 1743 controller: all red but lamp 1, which is `light`.
fn lamps(light: Light, utc_ms: i64) -> Vec<u8> {
    Trial::new(8, 20).say(Utc::from_unix_ms(utc_ms).unwrap(), light)
}

#[test]
fn gat1743_that_connects_to_us_in_halves_and_garbage_becomes_spat() {
    let listen = free_tcp();
    let rig = Rig::start(&format!(
        "[[input.gat1743]]\nname = 'signal'\nlisten = 'tcp://{listen}'\n"
    ));
    let start = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(listen) {
            Ok(stream) => break stream,
            Err(e) => assert!(start.elapsed() < LONG, "{e}"),
        }
    };
    stream.set_nodelay(true).unwrap();
    let frame = lamps(Light::Green, 0);
    stream.write_all(&[0x55; 700]).unwrap();
    stream.write_all(&frame[..40]).unwrap();
    rig.until("signal", "half a frame", |input| input.bytes == 740);
    assert_eq!(rig.input("signal").reports, 0);
    stream.write_all(&frame[40..]).unwrap();
    until_spat(&rig, "anything", |_| true);
    // Half a frame, and the cable is cut.
    stream.write_all(&frame[..50]).unwrap();
    drop(stream);
    rig.until("signal", "gone", |input| {
        matches!(input.link, LinkState::Down(_))
    });
    let mut stream = TcpStream::connect(listen).unwrap();
    stream.write_all(&frame).unwrap();
    rig.until("signal", "heard again", |input| input.reports == 2);
    let rejected: u64 = rig
        .input("signal")
        .counts
        .rejected()
        .iter()
        .map(|(_, n)| n)
        .sum();
    assert_eq!(rejected, 1, "the noise before the first frame");
}

#[test]
fn two_controllers_on_one_port_are_told_apart_by_their_addresses() {
    let listen = free_udp();
    let input = |name: &str, from: &str| {
        format!("[[input.gat1743]]\nname = '{name}'\nlisten = 'udp://{listen}'\nfrom = '{from}'\n")
    };
    let rig = Rig::start(&(input("signal", "127.0.0.1") + &input("other", "127.0.0.2")));
    for name in ["signal", "other"] {
        rig.until(name, "listening", |input| input.link == LinkState::Up);
    }
    for (from, times) in [("127.0.0.1:0", 1), ("127.0.0.2:0", 3), ("127.0.0.3:0", 5)] {
        let socket = UdpSocket::bind(from).unwrap();
        for _ in 0..times {
            socket.send_to(&lamps(Light::Green, 0), listen).unwrap();
        }
    }
    rig.until("other", "three", |input| input.reports == 3);
    rig.until("signal", "five strangers", |input| input.foreign == 5);
    assert_eq!(rig.input("signal").reports, 1);
}

#[test]
fn lamps_that_come_out_of_order_do_not_turn_a_light_back() {
    let listen = free_udp();
    let rig = Rig::start(&format!(
        "[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{listen}'\n"
    ));
    rig.until("signal", "listening", |input| input.link == LinkState::Up);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let now = 1_800_000_000_000;
    // As far apart as their stamps say: a stamp that is ahead of its time orders nothing.
    for (light, stamped_ms, pause_ms) in [
        (Light::Green, 0, 0),
        (Light::Yellow, 600, 600),
        (Light::Green, 200, 0),
        (Light::Red, 1200, 600),
    ] {
        thread::sleep(Duration::from_millis(pause_ms));
        socket
            .send_to(&lamps(light, now + stamped_ms), listen)
            .unwrap();
    }
    rig.until("signal", "three of four", |input| input.reports == 3);
    assert!(
        rig.input("signal")
            .counts
            .ignored()
            .contains(&("out-of-order", 1))
    );
}

#[test]
fn one_controllers_trouble_is_not_anothers() {
    let listen = free_udp();
    let dead = free_udp();
    let refused = free_tcp();
    // The first answers; the others are a dead port, a connection refused, and a line that floods.
    let (mut flood, open, name) = serial_line();
    // Dropped from the last to the first: with the other end closed, a write that waits for room ends.
    let opened = Arc::new(AtomicBool::new(false));
    let may_flood = Arc::clone(&opened);
    let _flooding = Running::start(move |stop| {
        // A line that nobody has opened yet still waits for whole lines of text.
        while !may_flood.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
            thread::sleep(PATIENCE);
        }
        let burst = [0x7E, 0xFF, 0xFF, 0x5C, 0x7D, 0x7E, 0x00].repeat(64);
        while !stop.load(Ordering::Relaxed) && flood.write_all(&burst).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let _open = open;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let _controller = Controller::new(Escaping::None).serve_datagrams(socket);
    let rig = Rig::start(&format!(
        "{}[[input.gb20999]]\nname = 'dead'\nlisten = 'udp://{}'\nto = 'udp://{dead}'\nretry-ms = 50\n\
         [[input.gat1743]]\nname = 'refused'\nconnect = 'tcp://{refused}'\nask = {{}}\n\
         [[input.gb20999]]\nname = 'flood'\nserial = 'serial://{name}'\n",
        gb20999(&format!("listen = 'udp://{listen}'\nto = 'udp://{at}'")),
        free_udp(),
    ));
    rig.until("flood", "up", |input| input.link == LinkState::Up);
    opened.store(true, Ordering::Relaxed);
    until_spat(&rig, "times", is_timed);
    rig.until("dead", "unanswered", |input| {
        input
            .counts
            .tolerated()
            .iter()
            .any(|(kind, n)| *kind == "unanswered-query" && *n > 0)
    });
    rig.until("refused", "refused", |input| {
        matches!(input.link, LinkState::Down(_))
    });
    let rejected =
        |input: &InputSnapshot| -> u64 { input.counts.rejected().iter().map(|(_, n)| n).sum() };
    rig.until("flood", "counted", |input| rejected(input) > 1000);
    let before = rig.input("signal").reports;
    rig.until("signal", "still heard", |input| input.reports > before + 5);
    assert_eq!(rejected(&rig.input("signal")), 0);
}
