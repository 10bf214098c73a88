//! The way out: frames as UDP datagrams to the radio, or to whoever listens in its place.
//!
//! Sends happen on the heart's thread and never wait: a socket that is full drops the frame and
//! counts it. A target that fails is closed and opened anew with a growing pause, while the others
//! go on. What is wrong is left in atomics for the observer to tell; nothing is logged here.
//! Sockets are not connected, so that a missing listener on a unicast target is not an error.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::SockaddrIn;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::backoff::Backoff;
use crate::clock::Mono;
use crate::config::RadioTarget;

/// All targets of the broadcast.
pub(crate) struct Radio {
    outlets: Vec<Outlet>,
}

struct Outlet {
    target: RadioTarget,
    open: Option<(Socket, SockAddr)>,
    retry_at: Mono,
    backoff: Backoff,
    tally: Arc<OutletTally>,
}

/// What one target has done, for others to read.
#[derive(Debug, Default)]
pub(crate) struct OutletTally {
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Frames that did not leave: the target was down, or its socket full.
    pub(crate) lost: AtomicU64,
    trouble: AtomicU64,
}

/// Where a target's way broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Finding the named interface.
    Interface,
    /// Opening the socket and setting it up.
    Open,
    /// Sending.
    Send,
}

impl Radio {
    /// Opens every target; one that fails is tried again when there is something to send.
    pub(crate) fn open(targets: &[RadioTarget], now: Mono) -> Self {
        let outlets = targets
            .iter()
            .map(|target| {
                let mut outlet = Outlet {
                    target: target.clone(),
                    open: None,
                    retry_at: Mono::ZERO,
                    backoff: Backoff::default(),
                    tally: Arc::default(),
                };
                outlet.reopen(now);
                outlet
            })
            .collect();
        Self { outlets }
    }

    /// Sends one frame to every target. Returns how many took it.
    pub(crate) fn send(&mut self, now: Mono, frame: &[u8]) -> usize {
        self.outlets
            .iter_mut()
            .map(|outlet| usize::from(outlet.send(now, frame)))
            .sum()
    }

    /// Each target with its tally, in the order of the configuration.
    pub(crate) fn tallies(&self) -> Vec<(RadioTarget, Arc<OutletTally>)> {
        self.outlets
            .iter()
            .map(|outlet| (outlet.target.clone(), Arc::clone(&outlet.tally)))
            .collect()
    }
}

impl Outlet {
    fn send(&mut self, now: Mono, frame: &[u8]) -> bool {
        if self.open.is_none() && now >= self.retry_at {
            self.reopen(now);
        }
        let sent = match &self.open {
            Some((socket, to)) => socket.send_to(frame, to),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        match sent {
            Ok(bytes) => {
                self.backoff.reset();
                self.tally.clear();
                self.tally.frames.fetch_add(1, Ordering::Relaxed);
                self.tally.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                true
            }
            Err(error) => {
                self.tally.lost.fetch_add(1, Ordering::Relaxed);
                if self.open.is_some() && error.kind() != io::ErrorKind::WouldBlock {
                    self.fail(now, Stage::Send, &error);
                }
                false
            }
        }
    }

    fn reopen(&mut self, now: Mono) {
        match open(&self.target) {
            Ok(open) => self.open = Some(open),
            Err((stage, error)) => self.fail(now, stage, &error),
        }
    }

    fn fail(&mut self, now: Mono, stage: Stage, error: &io::Error) {
        self.open = None;
        self.retry_at = now + self.backoff.pause();
        self.tally.set(stage, error.raw_os_error().unwrap_or(0));
    }
}

impl OutletTally {
    /// What keeps this target from working now.
    pub(crate) fn trouble(&self) -> Option<(Stage, io::Error)> {
        let packed = self.trouble.load(Ordering::Relaxed);
        let stage = match packed >> 32 {
            1 => Stage::Interface,
            2 => Stage::Open,
            3 => Stage::Send,
            _ => return None,
        };
        Some((stage, io::Error::from_raw_os_error(packed as u32 as i32)))
    }

    fn set(&self, stage: Stage, errno: i32) {
        let stage = match stage {
            Stage::Interface => 1,
            Stage::Open => 2,
            Stage::Send => 3,
        };
        let packed = stage << 32 | u64::from(errno.unsigned_abs());
        self.trouble.store(packed, Ordering::Relaxed);
    }

    fn clear(&self) {
        self.trouble.store(0, Ordering::Relaxed);
    }
}

fn open(target: &RadioTarget) -> Result<(Socket, SockAddr), (Stage, io::Error)> {
    let index = match &target.interface {
        Some(name) => if_nametoindex(name.as_str()).map_err(|e| (Stage::Interface, e.into()))?,
        None => 0,
    };
    let v4 = match (&target.interface, target.to) {
        (Some(name), SocketAddr::V4(to)) if to.ip().is_multicast() => {
            Some(v4_address_of(name).map_err(|e| (Stage::Interface, e))?)
        }
        _ => None,
    };
    set_up(target, index, v4).map_err(|e| (Stage::Open, e))
}

fn set_up(
    target: &RadioTarget,
    index: u32,
    v4: Option<Ipv4Addr>,
) -> io::Result<(Socket, SockAddr)> {
    let socket = Socket::new(
        Domain::for_address(target.to),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    let (ttl, tos) = (u32::from(target.ttl), u32::from(target.dscp) << 2);
    let mut to = target.to;
    match &mut to {
        SocketAddr::V4(to) => {
            socket.set_tos_v4(tos)?;
            if to.ip().is_multicast() {
                socket.set_multicast_ttl_v4(ttl)?;
                socket.set_multicast_loop_v4(target.loopback)?;
            } else {
                socket.set_ttl_v4(ttl)?;
            }
        }
        SocketAddr::V6(to) => {
            socket.set_only_v6(true)?;
            socket.set_tclass_v6(tos)?;
            if to.ip().is_multicast() {
                socket.set_multicast_hops_v6(ttl)?;
                socket.set_multicast_loop_v6(target.loopback)?;
                if index > 0 {
                    socket.set_multicast_if_v6(index)?;
                }
            } else {
                socket.set_unicast_hops_v6(ttl)?;
            }
            // A link-local address means nothing without its link.
            if to.scope_id() == 0 && (to.ip().is_unicast_link_local() || to.ip().is_multicast()) {
                to.set_scope_id(index);
            }
        }
    }
    if let Some(v4) = v4 {
        socket.set_multicast_if_v4(&v4)?;
    }
    if let Some(name) = target
        .interface
        .as_ref()
        .filter(|_| !to.ip().is_multicast())
    {
        socket.bind_device(Some(name.as_bytes()))?;
    }
    Ok((socket, to.into()))
}

/// The interface's own address, by which IPv4 names an interface for multicast.
fn v4_address_of(name: &str) -> io::Result<Ipv4Addr> {
    getifaddrs()?
        .filter(|entry| entry.interface_name == name)
        .find_map(|entry| entry.address?.as_sockaddr_in().map(SockaddrIn::ip))
        .ok_or_else(|| io::Error::from_raw_os_error(libc::EADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, UdpSocket};
    use std::time::Duration;

    use nix::net::if_::InterfaceFlags;

    use super::*;
    use crate::daemon::clock;

    const FRAME: &[u8] = b"\x04\x00\x6f\x00\x01x";
    const LONG: Duration = Duration::from_secs(5);

    fn target(to: SocketAddr, interface: Option<&str>) -> RadioTarget {
        RadioTarget {
            to,
            interface: interface.map(str::to_owned),
            ttl: 1,
            dscp: 46,
            loopback: true,
        }
    }

    fn received(socket: &UdpSocket) -> Vec<u8> {
        socket.set_read_timeout(Some(LONG)).unwrap();
        let mut buffer = [0; 64];
        let length = socket
            .recv(&mut buffer)
            .expect("a frame within five seconds");
        buffer[..length].to_vec()
    }

    /// An interface that is up, speaks IPv6 and knows groups.
    fn multicast_interface() -> Option<String> {
        let wanted = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_MULTICAST;
        getifaddrs()
            .ok()?
            .filter(|entry| entry.flags.contains(wanted))
            .find(|entry| entry.address.is_some_and(|a| a.as_sockaddr_in6().is_some()))
            .map(|entry| entry.interface_name)
    }

    #[test]
    fn a_unicast_frame_arrives_and_is_counted() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = UdpSocket::bind(any) else {
                eprintln!("skipped: no {any} here");
                continue;
            };
            let target = target(listener.local_addr().unwrap(), Some("lo"));
            let mut radio = Radio::open(&[target], clock::mono());
            assert_eq!(radio.send(clock::mono(), FRAME), 1);
            assert_eq!(received(&listener), FRAME);
            let (_, tally) = &radio.tallies()[0];
            assert_eq!(tally.frames.load(Ordering::Relaxed), 1);
            assert_eq!(tally.bytes.load(Ordering::Relaxed), FRAME.len() as u64);
            assert!(tally.trouble().is_none());
        }
    }

    #[test]
    fn a_multicast_frame_arrives_by_ipv4() {
        let group = Ipv4Addr::new(239, 255, 67, 86);
        let listener = UdpSocket::bind("0.0.0.0:0").unwrap();
        if let Err(error) = listener.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST) {
            eprintln!("skipped: no IPv4 multicast on lo: {error}");
            return;
        }
        let to = SocketAddr::from((group, listener.local_addr().unwrap().port()));
        let mut radio = Radio::open(&[target(to, Some("lo"))], clock::mono());
        assert_eq!(
            radio.send(clock::mono(), FRAME),
            1,
            "{:?}",
            radio.tallies()[0].1
        );
        assert_eq!(received(&listener), FRAME);
    }

    #[test]
    fn a_multicast_frame_arrives_by_ipv6() {
        // Of interface-local scope: looped back, never put on a wire. Loopback itself has no route
        // for IPv6 groups.
        let group = Ipv6Addr::new(0xff11, 0, 0, 0, 0, 0, 0x6786, 1);
        let Some(interface) = multicast_interface() else {
            eprintln!("skipped: no interface for IPv6 multicast here");
            return;
        };
        let index = if_nametoindex(interface.as_str()).unwrap();
        let listener = UdpSocket::bind("[::]:0").unwrap();
        listener.join_multicast_v6(&group, index).unwrap();
        let to = SocketAddr::from((group, listener.local_addr().unwrap().port()));
        let mut radio = Radio::open(&[target(to, Some(&interface))], clock::mono());
        assert_eq!(
            radio.send(clock::mono(), FRAME),
            1,
            "{:?}",
            radio.tallies()[0].1
        );
        assert_eq!(received(&listener), FRAME);
    }

    #[test]
    fn a_missing_interface_is_told_and_does_not_harm_the_other_target() {
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let targets = [target(to, Some("no-such-if")), target(to, None)];
        let mut radio = Radio::open(&targets, clock::mono());
        assert_eq!(radio.send(clock::mono(), FRAME), 1);
        assert_eq!(received(&listener), FRAME);
        let tallies = radio.tallies();
        let (stage, error) = tallies[0].1.trouble().unwrap();
        assert_eq!(stage, Stage::Interface);
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
        assert_eq!(tallies[0].1.lost.load(Ordering::Relaxed), 1);
        assert!(tallies[1].1.trouble().is_none());
    }

    #[test]
    fn a_frame_too_long_for_a_datagram_is_lost_and_the_target_comes_back() {
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        let target = target(listener.local_addr().unwrap(), None);
        let mut radio = Radio::open(&[target], Mono::ZERO);
        assert_eq!(radio.send(Mono::ZERO, &[0; 70_000]), 0);
        let trouble = radio.tallies()[0].1.trouble();
        assert_eq!(
            trouble.unwrap().1.raw_os_error(),
            Some(libc::EMSGSIZE),
            "the kernel's reason is kept"
        );
        assert_eq!(
            radio.send(Mono::ZERO, FRAME),
            0,
            "within the pause nothing is tried"
        );
        let later = Mono::ZERO + Duration::from_secs(20);
        assert_eq!(radio.send(later, FRAME), 1);
        assert!(radio.tallies()[0].1.trouble().is_none());
    }
}
