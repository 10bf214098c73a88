//! Streams over TCP, as tasks on the asynchronous thread: from a device or a gateway that we connect
//! to, or from one that connects to us.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::Inlet;
use super::stream::serve;
use crate::daemon::backoff::Backoff;
use crate::daemon::tally::LinkState;

/// Longest that a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A device that is gone without a word is found out after about 10 s: 4 s idle, then 3 probes.
const IDLE: Duration = Duration::from_secs(4);
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBES: u32 = 3;
/// Connections that may wait to be looked at.
const WAITING: u32 = 4;

/// One input that connects to a device.
pub(crate) struct TcpLink {
    pub(crate) inlet: Inlet,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl TcpLink {
    /// Connects and reads, again after every failure; the task is dropped to end it.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let reason = match self.connect().await {
                Ok(mut stream) => {
                    self.inlet.tally.set_link(LinkState::Up);
                    match serve(&mut self.inlet, &mut stream, &mut backoff).await {
                        Ok(()) => CLOSED.to_owned(),
                        Err(e) => format!("lost: {e}"),
                    }
                }
                Err(e) => format!("cannot connect to tcp://{}:{}: {e}", self.host, self.port),
            };
            self.inlet.went_down(reason);
            sleep(backoff.pause()).await;
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = timeout(CONNECT_WITHIN, connecting)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        set_up(&stream)?;
        Ok(stream)
    }
}

/// One input whose device connects to us.
pub(crate) struct TcpListenLink {
    pub(crate) inlet: Inlet,
    pub(crate) listen: SocketAddr,
    /// Take connections from this address only.
    pub(crate) from: Option<IpAddr>,
}

impl TcpListenLink {
    /// Listens, again after every failure; the task is dropped to end it.
    ///
    /// A device has one connection: a new one takes the place of the last, which may be one that a
    /// restarted device has forgotten.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let failed = match self.bind() {
                Ok(listener) => {
                    self.inlet.went_down(NOBODY.to_owned());
                    self.accept(&listener, &mut backoff).await
                }
                Err(e) => e,
            };
            let reason = format!("cannot listen on tcp://{}: {failed}", self.listen);
            self.inlet.went_down(reason);
            sleep(backoff.pause()).await;
        }
    }

    fn bind(&self) -> io::Result<TcpListener> {
        let socket = match self.listen {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Connections of a unit that was restarted may still be dying.
        socket.set_reuseaddr(true)?;
        socket.bind(self.listen)?;
        socket.listen(WAITING)
    }

    /// Returns only when the listener fails.
    async fn accept(&mut self, listener: &TcpListener, backoff: &mut Backoff) -> io::Error {
        let mut stream: Option<TcpStream> = None;
        loop {
            let accepted = match &mut stream {
                None => listener.accept().await,
                Some(up) => tokio::select! {
                    accepted = listener.accept() => accepted,
                    ended = serve(&mut self.inlet, up, backoff) => {
                        let reason = match ended {
                            Ok(()) => CLOSED.to_owned(),
                            Err(e) => format!("lost: {e}"),
                        };
                        stream = None;
                        self.inlet.went_down(reason);
                        continue;
                    }
                },
            };
            let (new, from) = match accepted {
                Ok(accepted) => accepted,
                Err(e) => return e,
            };
            let from = from.ip().to_canonical();
            if self.from.is_some_and(|only| only != from) {
                self.inlet.tally.foreign.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            // One that is gone again already is no reason to stop listening.
            if set_up(&new).is_ok() {
                self.inlet.restart();
                self.inlet.tally.set_link(LinkState::Up);
                stream = Some(new);
            }
        }
    }
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(PROBE_EVERY)
        .with_retries(PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

const CLOSED: &str = "closed by the device";
const NOBODY: &str = "no device has connected";
