//! Addresses as people write them: `udp://239.255.67.86:4900`, `tcp://gateway.local:4001`.

use core::net::SocketAddr;
use std::fmt;
use std::path::PathBuf;

/// Where an input's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Datagrams that are sent to us.
    Udp {
        /// Our address.
        listen: SocketAddr,
    },
    /// A stream from a device or a gateway that we connect to.
    Tcp {
        /// A name or a number.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A recording in candump's log format, at the pace of its stamps.
    Candump {
        /// The file, found from the configuration's folder.
        path: PathBuf,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp { listen } => write!(f, "udp://{listen}"),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Candump { path } => write!(f, "candump:{}", path.display()),
        }
    }
}

/// What [`udp`] understands, for messages.
pub(crate) const UDP_FORM: &str =
    "an address such as \"udp://192.0.2.1:4900\" or \"udp://[::1]:4900\"";
/// What [`tcp`] understands, for messages.
pub(crate) const TCP_FORM: &str = "an address such as \"tcp://192.0.2.1:4001\"";

/// `udp://` and an address in numbers: names are not looked up where datagrams go.
pub(crate) fn udp(text: &str) -> Option<SocketAddr> {
    text.strip_prefix("udp://")?.parse().ok()
}

/// `tcp://`, a name or an address, and a port other than 0.
pub(crate) fn tcp(text: &str) -> Option<Source> {
    let rest = text.strip_prefix("tcp://")?;
    let (host, port) = rest.rsplit_once(':')?;
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let named = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_:%".contains(c));
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    named.then(|| Source::Tcp {
        host: host.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in [
            "tcp://10.0.0.7:4001",
            "tcp://[fd00::7]:4001",
            "tcp://gate-1.local:80",
        ] {
            assert_eq!(tcp(text).unwrap().to_string(), text);
        }
        for text in ["udp://0.0.0.0:5010", "udp://[ff12::1]:4900"] {
            let listen = udp(text).unwrap();
            assert_eq!(Source::Udp { listen }.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "udp://",
            "udp://host:1",
            "udp://1.2.3.4",
            "tcp://1.2.3.4:5",
        ] {
            assert_eq!(udp(text), None, "{text}");
        }
        for text in [
            "tcp://:5",
            "tcp://h",
            "tcp://h:0",
            "tcp://h:99999",
            "tcp://a b:5",
            "udp://h:5",
        ] {
            assert_eq!(tcp(text), None, "{text}");
        }
    }
}
