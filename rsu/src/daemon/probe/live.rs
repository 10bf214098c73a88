//! Live sources: a UDP port, a TCP connection to a device or its gateway, a serial line, a CAN
//! interface, or a broker.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
#[cfg(feature = "socketcan")]
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "socketcan")]
use socketcan::CanSocket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
#[cfg(feature = "socketcan")]
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_serial::SerialStream;

use super::recording::Unreadable;
use super::{Failure, Outcome, Probe, ProbeArgs, Source};
use crate::clock::Mono;
use crate::config::Broker;
use crate::daemon::clock;
#[cfg(feature = "socketcan")]
use crate::daemon::link::can;
use crate::daemon::link::mqtt::{Session, Word};
use crate::daemon::link::serial;
#[cfg(feature = "socketcan")]
use crate::inputs::can::socketcan::RECORD;

/// Largest UDP payload.
const MAX_DATAGRAM: usize = 65_535;
/// For a name lookup and a handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open source.
pub(super) enum Socket {
    Udp {
        socket: UdpSocket,
        /// Where questions go.
        device: Option<SocketAddr>,
    },
    Tcp(TcpStream),
    Serial(SerialStream),
    #[cfg(feature = "socketcan")]
    Can {
        socket: Arc<CanSocket>,
        heard: mpsc::Receiver<io::Result<[u8; RECORD]>>,
    },
    Mqtt(Box<Session>),
}

impl Socket {
    /// Opens a live source; questions go to `--ask` over UDP.
    pub(super) async fn open(args: &ProbeArgs, source: &Source) -> io::Result<Self> {
        match source {
            Source::Udp(address) => {
                let socket = UdpSocket::bind(address).await?;
                let device = args.ask.flatten();
                Ok(Self::Udp { socket, device })
            }
            Source::Tcp(address) => {
                let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
                let stream = stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                Ok(Self::Tcp(stream))
            }
            Source::Serial(path, line) => serial::open(path, *line).map(Self::Serial),
            Source::Mqtt(broker) => {
                let session = Session::open(&Broker {
                    login: super::login(args),
                    ..broker.clone()
                });
                Ok(Self::Mqtt(Box::new(session.map_err(io::Error::other)?)))
            }
            #[cfg(feature = "socketcan")]
            Source::Can(interface) => {
                let socket = Arc::new(can::open(interface)?);
                let (tell, heard) = mpsc::channel(WAITING);
                let reader = Arc::clone(&socket);
                std::thread::spawn(move || listen(&reader, &tell));
                Ok(Self::Can { socket, heard })
            }
            // A recording is read, not listened to.
            Source::File(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The next bytes; 0 of a stream that has ended.
    async fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Udp { socket, .. } => loop {
                match socket.recv_from(buffer).await {
                    Ok((size, _)) => return Ok(size),
                    // The device is away: its host answered an earlier question by "no such port".
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(error) => return Err(error),
                }
            },
            Self::Tcp(stream) => stream.read(buffer).await,
            Self::Mqtt(session) => loop {
                match session.next().await.map_err(io::Error::other)? {
                    // What was kept from an earlier time is no news.
                    Word::Said(message) if !message.retain => {
                        let size = message.payload.len();
                        if buffer.len() < size {
                            buffer.resize(size, 0);
                        }
                        buffer[..size].copy_from_slice(&message.payload);
                        return Ok(size);
                    }
                    _ => {}
                }
            },
            Self::Serial(port) => port.read(buffer).await,
            #[cfg(feature = "socketcan")]
            Self::Can { heard, .. } => {
                let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
                let record = heard.recv().await.ok_or_else(gone)??;
                buffer[..record.len()].copy_from_slice(&record);
                Ok(record.len())
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp {
                socket,
                device: Some(device),
            } => socket.send_to(bytes, *device).await.map(|_| ()),
            Self::Udp { device: None, .. } => Ok(()),
            Self::Tcp(stream) => stream.write_all(bytes).await,
            Self::Mqtt(_) => Ok(()),
            Self::Serial(port) => port.write_all(bytes).await,
            #[cfg(feature = "socketcan")]
            Self::Can { socket, .. } => {
                can::send(socket, bytes, || {});
                Ok(())
            }
        }
    }

    fn ends_when_empty(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::Serial(_))
    }
}

/// Frames that may wait to be printed; a bus brings a few thousand a second.
#[cfg(feature = "socketcan")]
const WAITING: usize = 4096;

/// Reads a bus until it is gone or nobody wants to know.
#[cfg(feature = "socketcan")]
fn listen(bus: &CanSocket, tell: &mpsc::Sender<io::Result<[u8; RECORD]>>) {
    while !tell.is_closed() {
        let read = match socketcan::Socket::read_frame(bus) {
            Ok(frame) => Ok(can::record(&frame)),
            Err(e) if socketcan::ShouldRetry::should_retry(&e) => continue,
            Err(e) => Err(e),
        };
        let failed = read.is_err();
        if tell.blocking_send(read).is_err() || failed {
            return;
        }
    }
}

/// Listens until there has been enough, the source ends, or Ctrl-C.
pub(super) async fn run(
    mut socket: Socket,
    duration: Option<Duration>,
    mut probe: Probe<'_>,
) -> Result<Outcome, Failure> {
    // A duration beyond the clock's end is no limit.
    let end = duration.and_then(|duration| Instant::now().checked_add(duration));
    let mut buffer = vec![0; MAX_DATAGRAM];
    let mut question = Vec::new();
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        question.clear();
        while probe.decoder.poll_query(clock::now(), &mut question) {}
        if !question.is_empty() {
            socket.send(&question).await.map_err(Unreadable::Io)?;
        }
        let received = tokio::select! {
            biased;
            _ = &mut interrupt => break,
            () = until(end) => break,
            () = until(wall(probe.decoder.poll_timeout())) => continue,
            received = socket.receive(&mut buffer) => received.map_err(Unreadable::Io)?,
        };
        if received == 0 && socket.ends_when_empty() {
            break;
        }
        let more = probe.take(clock::now(), true, &buffer[..received])?;
        if !more || !probe.flush()? {
            break;
        }
    }
    probe.finish()
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// A moment of our clock on tokio's; None for never.
fn wall(moment: Mono) -> Option<Instant> {
    if moment == Mono::NEVER {
        return None;
    }
    Instant::now().checked_add(moment.since(clock::mono()))
}
