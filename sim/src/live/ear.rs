//! Ears at the daemons' radios: each unit's frames come to a socket of their own, and a thread stamps each
//! as it comes.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A frame off the air.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it came.
    pub at: Instant,
    /// From the unit of which junction.
    pub junction: usize,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Ears, one a junction.
#[derive(Debug)]
pub struct Ears {
    addresses: Vec<SocketAddr>,
    frames: mpsc::Receiver<Received>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Ears {
    /// Listens on as many free ports of this machine alone.
    pub fn open(count: usize) -> Result<Self> {
        let (sender, frames) = mpsc::sync_channel(MOST_WAITING * count);
        let mut ears = Self {
            addresses: Vec::with_capacity(count),
            frames,
            over: Arc::default(),
            threads: Vec::with_capacity(count),
        };
        for junction in 0..count {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
            let socket = socket.context("no socket to listen to the radio")?;
            socket.set_read_timeout(Some(LOOK))?;
            ears.addresses.push(socket.local_addr()?);
            let (sender, over) = (sender.clone(), Arc::clone(&ears.over));
            let thread = std::thread::Builder::new()
                .name("radio-ear".to_owned())
                .spawn(move || listen(&socket, junction, &sender, &over))
                .context("no thread to listen to the radio")?;
            ears.threads.push(thread);
        }
        Ok(ears)
    }

    /// Where the daemon of each junction is to send frames.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The next frame, waited for at most so long.
    pub fn wait(&self, most: Duration) -> Result<Option<Received>> {
        match self.frames.recv_timeout(most) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the ears at the radios have gone deaf"),
        }
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic has been told by the thread itself.
            let _ = thread.join();
        }
    }
}

fn listen(socket: &UdpSocket, junction: usize, frames: &SyncSender<Received>, over: &AtomicBool) {
    let mut buffer = [0; MOST_BYTES];
    while !over.load(Ordering::Relaxed) {
        match socket.recv(&mut buffer) {
            Ok(len) => {
                let frame = Received {
                    at: Instant::now(),
                    junction,
                    bytes: buffer[..len].to_vec(),
                };
                // Full: nobody judges any more. The message counters will show the loss.
                if let Err(TrySendError::Disconnected(_)) = frames.try_send(frame) {
                    return;
                }
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Frames of a unit that wait to be judged; a second has about thirty.
const MOST_WAITING: usize = 4096;
/// No frame is longer.
const MOST_BYTES: usize = 2048;
/// How often an ear looks whether it should end.
const LOOK: Duration = Duration::from_millis(100);
