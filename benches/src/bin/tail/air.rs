//! Reception: every frame with the moments at which it came, kept until all is over.
//!
//! Nothing is decoded while frames come in, so that a frame is not kept waiting by the one before.

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::SockRef;

/// A frame as it was received.
#[derive(Debug)]
pub(crate) struct Heard {
    /// When this program had it.
    pub(crate) at: Instant,
    /// The same by the wall clock, in nanoseconds since the Unix epoch.
    pub(crate) utc_ns: i64,
    /// From the kernel's stamp on its way into our socket, until this program had it.
    pub(crate) woke_after: Duration,
    /// As it was sent.
    pub(crate) bytes: Vec<u8>,
}

/// The socket that stands in for the air.
pub(crate) struct Air {
    socket: UdpSocket,
}

impl Air {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("no socket for the air")?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        // The kernel may grant less; what is lost then is counted.
        let _ = SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        Ok(Self { socket })
    }

    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }

    /// Takes all frames until `end`.
    pub(crate) fn hear_until(&self, end: &AtomicBool) -> anyhow::Result<Vec<Heard>> {
        let mut all = Vec::with_capacity(1 << 16);
        while !end.load(Ordering::Relaxed) {
            all.extend(self.hear()?);
        }
        Ok(all)
    }

    /// The next frame; None if none comes for a while.
    pub(crate) fn hear(&self) -> anyhow::Result<Option<Heard>> {
        let mut buffer = [0; 2048];
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let got = recvmsg::<()>(
            self.socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::empty(),
        );
        let at = Instant::now();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let got = match got {
            Ok(got) => got,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(errno).context("cannot receive"),
        };
        let stamp = got.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
            _ => None,
        });
        let length = got.bytes;
        let stamp = stamp.context("the kernel does not stamp what arrives")?;
        Ok(Some(Heard {
            at,
            utc_ns: i64::try_from(now.as_nanos())?,
            woke_after: now.saturating_sub(stamp),
            bytes: buffer[..length].to_vec(),
        }))
    }
}
