//! The sockets of a unit's devices: a controller that sends datagrams; radars behind gateways, boxes of
//! cameras and a weather station that wait to be connected to; a radio that hands over what it has heard.
//!
//! Not here: who listens to what the unit sends ([`super::ear`]).

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use anyhow::{Context, Result};

use super::serial::SerialLine;
use crate::scenario::LineKind;

/// Any free port of this machine alone.
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
/// Neither a datagram nor what is read at once is longer.
const MOST_BYTES: usize = 2048;

/// Ports of this machine alone on which daemons are to listen. They are held until it is dropped, so that
/// no two daemons are told the same; after that nobody else is likely to take one until its daemon does.
#[derive(Debug, Default)]
pub struct Ports {
    datagrams: Vec<UdpSocket>,
    streams: Vec<TcpListener>,
}

impl Ports {
    /// A free one for datagrams.
    pub fn datagrams(&mut self) -> Result<SocketAddr> {
        let socket = UdpSocket::bind(ANY).context("no free port for the daemon")?;
        let address = socket.local_addr()?;
        self.datagrams.push(socket);
        Ok(address)
    }

    /// This one for streams.
    pub fn streams(&mut self, wanted: SocketAddr) -> Result<SocketAddr> {
        let listener = TcpListener::bind(wanted).with_context(|| format!("{wanted}"))?;
        let address = listener.local_addr()?;
        self.streams.push(listener);
        Ok(address)
    }
}

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
    pub fn open(kind: LineKind, ports: &mut Ports) -> Result<Self> {
        let socket = UdpSocket::bind(ANY).context("no socket for the controller")?;
        socket.set_nonblocking(true)?;
        let device = socket
            .local_addr()
            .context("the controller's socket has no address")?;
        let to = ports.datagrams()?;
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

    /// Sends one datagram.
    pub fn send(&self, datagram: &[u8]) -> Result<()> {
        match &self.way {
            Way::Datagrams(socket) => {
                send(socket, self.to, datagram).context("the controller cannot send")
            }
            Way::Serial(line) => {
                line.send(datagram);
                Ok(())
            }
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

/// A radar behind a gateway, a camera's box or a weather station: whoever connects hears it.
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

    /// Lets the daemon connect, and appends what it says to the sensor.
    pub fn tend(&mut self, said: &mut Vec<u8>) {
        if let Ok((stream, _)) = self.listener.accept()
            && stream.set_nonblocking(true).is_ok()
        {
            // What is late is worthless; if the kernel will not hurry it, so be it.
            let _ = stream.set_nodelay(true);
            self.stream = Some(stream);
        }
        let mut buffer = [0; MOST_BYTES];
        match self.stream.as_mut().map(|stream| stream.read(&mut buffer)) {
            Some(Ok(0)) => self.stream = None,
            Some(Ok(len)) => said.extend(&buffer[..len]),
            // Nothing yet; of a line that has broken the next word tells.
            Some(Err(_)) | None => {}
        }
    }
}

/// The unit's radio: it hands over what it has heard on the air, a frame a datagram.
#[derive(Debug)]
pub struct RadioLine {
    socket: UdpSocket,
    to: SocketAddr,
}

impl RadioLine {
    /// Finds a free port for the daemon to listen on.
    pub fn open(ports: &mut Ports) -> Result<Self> {
        let socket = UdpSocket::bind(ANY).context("no socket for the radio")?;
        socket.set_nonblocking(true)?;
        let to = ports.datagrams()?;
        Ok(Self { socket, to })
    }

    /// Where the daemon is to listen.
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// Hands over a frame.
    pub fn send(&self, frame: &[u8]) -> Result<()> {
        send(&self.socket, self.to, frame).context("the radio cannot hand over what it hears")
    }
}

/// Sends one datagram. Nobody listening yet is no fault: so it is on a real line.
fn send(socket: &UdpSocket, to: SocketAddr, datagram: &[u8]) -> std::io::Result<()> {
    use ErrorKind::{ConnectionRefused, WouldBlock};
    match socket.send_to(datagram, to) {
        Err(e) if !matches!(e.kind(), ConnectionRefused | WouldBlock) => Err(e),
        Ok(_) | Err(_) => Ok(()),
    }
}
