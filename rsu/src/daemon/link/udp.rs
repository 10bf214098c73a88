//! Datagrams to one address of ours, on a thread of their own. Several devices may send to it; then
//! each is told by its own address.
//!
//! The thread blocks in the kernel, wakes with a datagram, decodes it where it lies and puts what it
//! says into the mailbox. The kernel's stamp of the arrival makes ages independent of how late the
//! thread woke. Requests to the device leave by the same socket.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Inlet, PATIENCE, patience};
use crate::clock::Now;
use crate::daemon::backoff::Backoff;
use crate::daemon::clock;
use crate::daemon::stop::Stop;
use crate::daemon::tally::LinkState;

/// How much the kernel may hold for us while we are away.
const KERNEL_BUFFER: usize = 1 << 20;

/// Inputs that listen for datagrams on one address.
pub(crate) struct UdpLink {
    pub(crate) ears: Vec<Ear>,
    pub(crate) listen: SocketAddr,
    pub(crate) stop: Arc<Stop>,
}

/// One of them.
pub(crate) struct Ear {
    pub(crate) inlet: Inlet,
    /// Take datagrams from this address only.
    pub(crate) from: Option<IpAddr>,
    /// Where requests go.
    pub(crate) device: Option<SocketAddr>,
}

impl UdpLink {
    /// Listens until the wish to end, and again after every failure.
    pub(crate) fn run(mut self) {
        let mut backoff = Backoff::default();
        while !self.stop.is_raised() {
            let failed = match open(self.listen) {
                Ok(socket) => {
                    for ear in &self.ears {
                        ear.inlet.tally.set_link(LinkState::Up);
                    }
                    backoff.reset();
                    self.receive(&socket)
                        .err()
                        .map(|e| format!("cannot receive: {e}"))
                }
                Err(e) => Some(format!("cannot listen on udp://{}: {e}", self.listen)),
            };
            if let Some(reason) = failed {
                for ear in &mut self.ears {
                    ear.inlet.went_down(reason.clone());
                }
                self.stop.wait(backoff.pause());
            }
        }
    }

    /// Returns without error only when the wish to end was raised.
    fn receive(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let longest = self
            .ears
            .iter()
            .map(|ear| ear.inlet.decoder.longest_datagram());
        let mut datagram = vec![0; longest.max().unwrap_or(0)];
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut query = Vec::with_capacity(256);
        let mut granted = PATIENCE;
        while !self.stop.is_raised() {
            for ear in &mut self.ears {
                ear.send_queries(socket, &mut query);
                ear.inlet.flush(clock::now());
            }
            let wanted = self.patience();
            if wanted != granted {
                socket.set_read_timeout(Some(wanted))?;
                granted = wanted;
            }
            match receive_one(socket, &mut datagram, &mut control) {
                Ok(got) => self.take(&got, &datagram),
                // Nothing came for a while, or a signal passed by. Or a device is away, and its host
                // answered an earlier question by "no such port".
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// How long to wait for a datagram: up to the next question or telling.
    fn patience(&self) -> std::time::Duration {
        let asking = self.ears.iter().filter(|ear| ear.device.is_some());
        let asking = asking.map(|ear| ear.inlet.decoder.poll_timeout());
        let telling = self.ears.iter().map(|ear| ear.inlet.decoder.flush_due());
        patience(asking.chain(telling))
    }

    fn take(&mut self, got: &Datagram, buffer: &[u8]) {
        let mut known = false;
        let meant = |ear: &&mut Ear| ear.from.is_none() || ear.from == got.from;
        // Radars on one bus all get what comes from it, and each knows its own number.
        for ear in self.ears.iter_mut().filter(meant) {
            known = true;
            if got.cut_short {
                ear.inlet.tally.overlong.fetch_add(1, Ordering::Relaxed);
            } else {
                ear.inlet.take(got.arrived, &buffer[..got.length]);
            }
        }
        if !known {
            let tally = &self.ears[0].inlet.tally;
            tally.foreign.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Ear {
    fn send_queries(&mut self, socket: &UdpSocket, query: &mut Vec<u8>) {
        let Some(device) = self.device else { return };
        let mut asked = false;
        loop {
            query.clear();
            if !self.inlet.poll_query(clock::now(), query) {
                break;
            }
            asked = true;
            if socket.send_to(query, device).is_err() {
                self.inlet.tally.unsent.fetch_add(1, Ordering::Relaxed);
            }
        }
        if asked {
            self.inlet.show_counts();
        }
    }
}

/// What the kernel says about a datagram that lies in the buffer.
struct Datagram {
    length: usize,
    arrived: Now,
    from: Option<IpAddr>,
    cut_short: bool,
}

fn receive_one(
    socket: &UdpSocket,
    buffer: &mut [u8],
    control: &mut [u8],
) -> Result<Datagram, Errno> {
    let mut parts = [IoSliceMut::new(buffer)];
    let got = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut parts,
        Some(control),
        MsgFlags::empty(),
    )?;
    let now = clock::now();
    let stamp = got.cmsgs().ok().and_then(|mut messages| {
        messages.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
            _ => None,
        })
    });
    Ok(Datagram {
        length: got.bytes,
        arrived: stamp.map_or(now, |stamp| clock::arrival(stamp, now)),
        from: got.address.as_ref().and_then(ip_of),
        cut_short: got.flags.contains(MsgFlags::MSG_TRUNC),
    })
}

fn ip_of(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    // An IPv4 sender looks like ::ffff:a.b.c.d to a socket that listens on both.
    v4.or_else(|| {
        address
            .as_sockaddr_in6()
            .map(|v6| IpAddr::V6(v6.ip()).to_canonical())
    })
}

fn open(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(listen),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    // The kernel may grant less; that is its business.
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
    socket.set_read_timeout(Some(PATIENCE))?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    socket.bind(&listen.into())?;
    Ok(socket.into())
}
