//! Addresses of this machine at which nobody takes connections yet.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// One that is free now, and that nobody else is likely to take before it is used.
///
/// The socket that finds it never listens. A program that another test starts in this moment holds
/// what is open here until it runs, which takes long from a cold disk: a listener would seem to be
/// up, take connections, and cut them.
pub(crate) fn free_tcp() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("a socket's option");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("loopback");
    let bound = socket.local_addr().expect("it is bound");
    bound.as_socket().expect("an address of IPv4")
}
