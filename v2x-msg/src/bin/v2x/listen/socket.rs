//! From an address to a bound socket, in a multicast group if the address is one.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use anyhow::{Context, Result, anyhow};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

/// `udp://239.255.67.86:4900`, `[ff15::4356]:4900`, `127.0.0.1:0`.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    text.strip_prefix("udp://")
        .unwrap_or(text)
        .parse()
        .map_err(|_| "expected udp://IP:PORT, such as udp://239.255.67.86:4900".to_owned())
}

/// Not blocking, as tokio wants it.
pub(super) fn open(address: SocketAddr, interface: Option<&str>) -> Result<UdpSocket> {
    let ip = address.ip();
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if ip.is_multicast() {
        // Several listeners may share a group.
        socket.set_reuse_address(true)?;
    }
    // Bound to the group itself, the socket hears nothing else that is sent to the port.
    socket
        .bind(&address.into())
        .with_context(|| format!("cannot bind {address}"))?;
    match ip {
        IpAddr::V4(group) if group.is_multicast() => join_v4(&socket, group, interface)?,
        IpAddr::V6(group) if group.is_multicast() => join_v6(&socket, group, interface)?,
        _ if interface.is_some() => {
            return Err(anyhow!(
                "--interface is for multicast groups, and {ip} is none"
            ));
        }
        _ => {}
    }
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn join_v4(socket: &Socket, group: Ipv4Addr, interface: Option<&str>) -> Result<()> {
    if let Some(name) = interface {
        let interface = match name.parse() {
            Ok(address) => InterfaceIndexOrAddress::Address(address),
            Err(_) => InterfaceIndexOrAddress::Index(index_of(name)?),
        };
        return socket
            .join_multicast_v4_n(&group, &interface)
            .with_context(|| format!("cannot join {group} on {name}"));
    }
    let chosen = socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED);
    let loopback = socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST);
    // On a machine without a network only the second succeeds, and is what is wanted there.
    chosen
        .or(loopback)
        .with_context(|| format!("cannot join {group}"))
}

fn join_v6(socket: &Socket, group: Ipv6Addr, interface: Option<&str>) -> Result<()> {
    if let Some(name) = interface {
        return socket
            .join_multicast_v6(&group, index_of(name)?)
            .with_context(|| format!("cannot join {group} on {name}"));
    }
    let chosen = socket.join_multicast_v6(&group, 0);
    let loopback = index_of("lo").and_then(|lo| Ok(socket.join_multicast_v6(&group, lo)?));
    chosen
        .or(loopback.map_err(std::io::Error::other))
        .with_context(|| format!("cannot join {group}"))
}

/// The kernel's number of an interface.
fn index_of(name: &str) -> Result<u32> {
    // An interface's name has no slash in it; a path has.
    let known = !name.contains('/') && !name.starts_with('.');
    known
        .then(|| fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok())
        .flatten()
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| anyhow!("no interface {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_with_or_without_scheme() {
        assert!(
            parse("udp://239.255.67.86:4900")
                .unwrap()
                .ip()
                .is_multicast()
        );
        assert!(parse("[ff15::4356]:4900").unwrap().ip().is_multicast());
        assert!(parse("tcp://127.0.0.1:1").is_err());
        assert!(parse("localhost:4900").is_err());
    }

    #[test]
    fn an_interface_is_no_path() {
        assert!(index_of("../../../etc").is_err());
        assert!(index_of("no-such-interface").is_err());
    }

    #[test]
    fn an_interface_without_a_group_is_refused() {
        let refused = open("127.0.0.1:0".parse().unwrap(), Some("lo")).unwrap_err();
        assert!(refused.to_string().contains("multicast"));
    }
}
