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
    /// Messages that a broker passes on.
    Mqtt(Broker),
    /// A recording in candump's log format, at the pace of its stamps.
    Candump {
        /// The file, found from the configuration's folder.
        path: PathBuf,
    },
}

/// An MQTT 3.1.1 broker, and what is heard there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broker {
    /// A name or a number.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Topic filters; `+` and `#` as MQTT has them.
    pub topics: Vec<String>,
    /// 0 or 1.
    pub qos: u8,
    /// How the broker calls us; None: by chance at each connection.
    pub client_id: Option<String>,
    /// Who we are to the broker.
    pub login: Option<Login>,
}

/// A user of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login {
    /// The name.
    pub user: String,
    /// Where the password is.
    pub password: Password,
}

/// Where a password is: never in the configuration itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Password {
    /// There is none.
    None,
    /// The only line of a file.
    File(PathBuf),
    /// A variable of the environment.
    Env(String),
}

/// Most topic filters of one input.
pub const MOST_TOPICS: usize = 16;

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp { listen } => write!(f, "udp://{listen}"),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Mqtt(broker) => {
                write!(f, "mqtt://{}:{}", broker.host, broker.port)?;
                let mut topics = broker.topics.iter();
                topics.try_for_each(|topic| write!(f, " {topic}"))
            }
            Self::Candump { path } => write!(f, "candump:{}", path.display()),
        }
    }
}

/// What [`udp`] understands, for messages.
pub(crate) const UDP_FORM: &str =
    "an address such as \"udp://192.0.2.1:4900\" or \"udp://[::1]:4900\"";
/// What [`tcp`] understands, for messages.
pub(crate) const TCP_FORM: &str = "an address such as \"tcp://192.0.2.1:4001\"";

/// `mqtt://`, a name or an address, and a port or 1883.
pub(crate) fn mqtt(text: &str) -> Option<(String, u16)> {
    let rest = text.strip_prefix("mqtt://")?;
    let bare = !rest.ends_with(']') && rest.contains(':');
    let whole = if bare {
        rest.to_owned()
    } else {
        format!("{rest}:1883")
    };
    match tcp(&format!("tcp://{whole}"))? {
        Source::Tcp { host, port } => Some((host, port)),
        _ => None,
    }
}

/// Whether MQTT knows such a topic filter.
pub(crate) fn is_topic_filter(text: &str) -> bool {
    let levels = text.split('/').collect::<Vec<_>>();
    let last = levels.len() - 1;
    let level = |(place, level): (usize, &&str)| match *level {
        "+" => true,
        "#" => place == last,
        word => !word.contains(['+', '#', '\0']),
    };
    (1..=512).contains(&text.len()) && levels.iter().enumerate().all(level)
}

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
    fn brokers_and_topics_are_told_from_what_is_none() {
        assert_eq!(mqtt("mqtt://b.local"), Some(("b.local".to_owned(), 1883)));
        assert_eq!(mqtt("mqtt://[::1]"), Some(("::1".to_owned(), 1883)));
        assert_eq!(
            mqtt("mqtt://10.0.0.1:8883"),
            Some(("10.0.0.1".to_owned(), 8883))
        );
        for wrong in ["mqtt://", "mqtts://b", "b:1883", "mqtt://b:0", "mqtt://u@b"] {
            assert_eq!(mqtt(wrong), None, "{wrong}");
        }
        for topic in [
            "a",
            "+/b/#",
            "#",
            "V2X/RSU/R1/SPAT/UP",
            "a//b",
            "V2X.RADAR.+.UP.x",
        ] {
            assert_eq!(
                is_topic_filter(topic),
                topic != "V2X.RADAR.+.UP.x",
                "{topic}"
            );
        }
        for wrong in ["", "a/#/b", "a#", "a/b+"] {
            assert!(!is_topic_filter(wrong), "{wrong}");
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
