//! A stream from a device or a gateway that we connect to, as a task on the asynchronous thread.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout};

use super::Inlet;
use crate::clock::Mono;
use crate::daemon::backoff::Backoff;
use crate::daemon::clock;
use crate::daemon::tally::LinkState;

/// Longest that a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A device that is gone without a word is found out after about 10 s: 4 s idle, then 3 probes.
const IDLE: Duration = Duration::from_secs(4);
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBES: u32 = 3;
/// Bytes taken at a time: a burst of some hundred CAN frames.
const CHUNK: usize = 4096;

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
                Ok(stream) => {
                    self.inlet.tally.set_link(LinkState::Up);
                    match self.read(stream, &mut backoff).await {
                        Ok(()) => "closed by the device".to_owned(),
                        Err(e) => format!("lost: {e}"),
                    }
                }
                Err(e) => format!("cannot connect to tcp://{}:{}: {e}", self.host, self.port),
            };
            self.inlet.tally.set_link(LinkState::Down(reason));
            self.inlet.decoder.link_restarted();
            sleep(backoff.pause()).await;
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = timeout(CONNECT_WITHIN, connecting)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(IDLE)
            .with_interval(PROBE_EVERY)
            .with_retries(PROBES);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        Ok(stream)
    }

    /// Ends without error when the device closes the stream.
    async fn read(&mut self, mut stream: TcpStream, backoff: &mut Backoff) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut query = Vec::with_capacity(256);
        loop {
            query.clear();
            while self.inlet.decoder.poll_query(clock::now(), &mut query) {}
            if !query.is_empty() {
                stream.write_all(&query).await?;
            }
            tokio::select! {
                got = stream.read(&mut chunk) => {
                    let length = got?;
                    if length == 0 {
                        return Ok(());
                    }
                    // A device that accepts and hangs up at once is not a success.
                    backoff.reset();
                    self.inlet.take(clock::now(), &chunk[..length]);
                }
                () = until(self.inlet.decoder.poll_timeout()) => {}
            }
        }
    }
}

async fn until(moment: Mono) {
    if moment == Mono::NEVER {
        std::future::pending::<()>().await;
    } else {
        let rest = moment.since(clock::mono());
        sleep_until(tokio::time::Instant::now() + rest).await;
    }
}
