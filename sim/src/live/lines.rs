//! The sockets of a demonstration: a controller that sends datagrams, radars behind gateways and
//! boxes of cameras that wait to be connected to, and a vehicle that listens.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::serial::SerialLine;
use crate::scenario::LineKind;

/// Any free port of this machine alone.
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
/// Frames that wait to be judged; a second has about thirty.
const MOST_WAITING: usize = 4096;
/// No frame is longer.
const MOST_BYTES: usize = 2048;
/// How often the listener looks whether it should end.
const LOOK: Duration = Duration::from_millis(100);

/// The controller's line.
#[derive(Debug)]
pub struct ControllerLine {
    way: Way,
    device: SocketAddr,
    to: SocketAddr,
}

#[derive(Debug)]
enum Way {
    Datagrams(UdpSocket),
    Serial(SerialLine),
}

impl ControllerLine {
    /// Finds a free port for the daemon to listen on, or makes a serial line.
    pub fn open(kind: LineKind) -> Result<Self> {
        let socket = UdpSocket::bind(ANY).context("no socket for the controller")?;
        socket.set_nonblocking(true)?;
        let device = socket
            .local_addr()
            .context("the controller's socket has no address")?;
        // Free now; nobody else is likely to take it until the daemon does.
        let to = UdpSocket::bind(ANY)
            .and_then(|probe| probe.local_addr())
            .context("no free port for the daemon")?;
        let way = match kind {
            LineKind::Udp => Way::Datagrams(socket),
            LineKind::Serial => Way::Serial(SerialLine::open()?),
        };
        Ok(Self { way, device, to })
    }

    /// Where the daemon is to listen.
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// Where it takes questions.
    pub fn device(&self) -> SocketAddr {
        self.device
    }

    /// What the daemon is to open, of a serial line; else nothing.
    pub fn serial(&self) -> &str {
        match &self.way {
            Way::Datagrams(_) => "",
            Way::Serial(line) => line.path(),
        }
    }

    /// Sends one datagram. Nobody listening yet is no fault: so it is on a real line.
    pub fn send(&self, datagram: &[u8]) -> Result<()> {
        let socket = match &self.way {
            Way::Datagrams(socket) => socket,
            Way::Serial(line) => {
                line.send(datagram);
                return Ok(());
            }
        };
        match socket.send_to(datagram, self.to) {
            Ok(_) => Ok(()),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::ConnectionRefused | ErrorKind::WouldBlock
                ) =>
            {
                Ok(())
            }
            Err(e) => Err(e).context("the controller cannot send"),
        }
    }

    /// What the daemon has asked since last time.
    pub fn questions(&self) -> Vec<Vec<u8>> {
        let socket = match &self.way {
            Way::Datagrams(socket) => socket,
            Way::Serial(line) => return line.questions(),
        };
        let mut questions = Vec::new();
        let mut buffer = [0; MOST_BYTES];
        while let Ok(len) = socket.recv(&mut buffer) {
            questions.push(buffer[..len].to_vec());
        }
        questions
    }
}

/// A radar behind a gateway, or a camera's box: whoever connects hears it.
#[derive(Debug)]
pub struct SensorLine {
    listener: TcpListener,
    address: SocketAddr,
    stream: Option<TcpStream>,
    dropped: u64,
}

impl SensorLine {
    /// Waits on a free port.
    pub fn open() -> Result<Self> {
        let listener = TcpListener::bind(ANY).context("no socket for a sensor")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            stream: None,
            dropped: 0,
        })
    }

    /// Where the daemon is to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cycles and messages that nobody took, since somebody connected.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Sends one cycle or message, whole or not at all.
    pub fn send(&mut self, said: &[u8]) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        // A gateway does not wait for a slow reader; half a record would put it out of step, so the
        // line is given up then.
        match stream.write(said) {
            Ok(len) if len == said.len() => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => self.dropped += 1,
            _ => {
                self.dropped += 1;
                self.stream = None;
            }
        }
    }

    /// Lets the daemon connect, and takes what it says to the sensor.
    pub fn tend(&mut self) {
        if let Ok((stream, _)) = self.listener.accept()
            && stream.set_nonblocking(true).is_ok()
        {
            // What is late is worthless; if the kernel will not hurry it, so be it.
            let _ = stream.set_nodelay(true);
            self.stream = Some(stream);
        }
        let mut buffer = [0; MOST_BYTES];
        if let Some(stream) = &mut self.stream
            && matches!(stream.read(&mut buffer), Ok(0))
        {
            self.stream = None;
        }
    }
}

/// A frame off the air.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it came.
    pub at: Instant,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A vehicle's ear: a thread that stamps each frame as it comes.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    frames: mpsc::Receiver<Received>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on a free port.
    pub fn open() -> Result<Self> {
        let socket = UdpSocket::bind(ANY).context("no socket to listen to the radio")?;
        socket.set_read_timeout(Some(LOOK))?;
        let address = socket.local_addr()?;
        let (sender, frames) = mpsc::sync_channel(MOST_WAITING);
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::Builder::new()
            .name("radio-ear".to_owned())
            .spawn(move || listen(&socket, &sender, &seen))
            .context("no thread to listen to the radio")?;
        Ok(Self {
            address,
            frames,
            over,
            thread: Some(thread),
        })
    }

    /// Where the daemon is to send frames.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next frame, waited for at most so long.
    pub fn wait(&self, most: Duration) -> Result<Option<Received>> {
        match self.frames.recv_timeout(most) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the ear at the radio has gone deaf"),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has been told by the thread itself.
            let _ = thread.join();
        }
    }
}

fn listen(socket: &UdpSocket, frames: &SyncSender<Received>, over: &AtomicBool) {
    let mut buffer = [0; MOST_BYTES];
    while !over.load(Ordering::Relaxed) {
        match socket.recv(&mut buffer) {
            Ok(len) => {
                let frame = Received {
                    at: Instant::now(),
                    bytes: buffer[..len].to_vec(),
                };
                // Full: nobody judges any more. The message counters will show the loss.
                if let Err(mpsc::TrySendError::Disconnected(_)) = frames.try_send(frame) {
                    return;
                }
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
