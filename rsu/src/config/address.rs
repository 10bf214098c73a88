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
    /// A stream from a device that connects to us.
    TcpListen {
        /// Our address.
        listen: SocketAddr,
    },
    /// A stream over a serial line.
    Serial {
        /// The device file.
        path: PathBuf,
        /// How it is run.
        line: SerialLine,
    },
    /// Messages that a broker passes on.
    Mqtt(Broker),
    /// A CAN interface of this machine.
    Can {
        /// As `ip link` calls it.
        interface: String,
    },
    /// A recording in candump's log format, at the pace of its stamps.
    Candump {
        /// The file, found from the configuration's folder.
        path: PathBuf,
    },
}

/// How a serial line is run. Bytes have eight bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SerialLine {
    /// Bits each second.
    pub baud: u32,
    /// The bit that checks a byte.
    pub parity: Parity,
    /// One or two.
    pub stop_bits: u8,
}

impl SerialLine {
    /// Of signal controllers by GB/T 20999, and of Modbus: even parity.
    pub const CONTROLLER: Self = Self {
        baud: 9600,
        parity: Parity::Even,
        stop_bits: 1,
    };
    /// Of receivers of satellite navigation: NMEA 0183.
    pub const RECEIVER: Self = Self::without_parity(9600);
    /// Of small radars, and of adapters that speak SLCAN.
    pub const RADAR: Self = Self::without_parity(115_200);
    /// Of the data port of TI's mmWave radars.
    pub const TI_MMWAVE: Self = Self::without_parity(921_600);

    const fn without_parity(baud: u32) -> Self {
        Self {
            baud,
            parity: Parity::None,
            stop_bits: 1,
        }
    }
}

/// The bit that checks a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parity {
    /// There is none.
    None,
    /// Odd.
    Odd,
    /// Even.
    Even,
}

impl Parity {
    const ALL: [(&'static str, Self); 3] = [
        ("none", Self::None),
        ("odd", Self::Odd),
        ("even", Self::Even),
    ];

    fn name(self) -> &'static str {
        let is_it = |(_, parity): &&(&str, Self)| *parity == self;
        Self::ALL.iter().find(is_it).map_or("", |(name, _)| name)
    }
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
            Self::TcpListen { listen } => write!(f, "tcp://{listen}"),
            Self::Serial { path, line } => write!(
                f,
                "serial://{}?baud={}&parity={}&stop-bits={}",
                path.display(),
                line.baud,
                line.parity.name(),
                line.stop_bits
            ),
            Self::Mqtt(broker) => {
                write!(f, "mqtt://{}:{}", broker.host, broker.port)?;
                let mut topics = broker.topics.iter();
                topics.try_for_each(|topic| write!(f, " {topic}"))
            }
            Self::Can { interface } => write!(f, "can://{interface}"),
            Self::Candump { path } => write!(f, "candump:{}", path.display()),
        }
    }
}

/// What [`udp`] understands, for messages.
pub(crate) const UDP_FORM: &str =
    "an address such as \"udp://192.0.2.1:4900\" or \"udp://[::1]:4900\"";
/// What [`tcp`] understands, for messages.
pub(crate) const TCP_FORM: &str = "an address such as \"tcp://192.0.2.1:4001\"";
/// What [`listened`] understands, for messages.
pub(crate) const LISTEN_FORM: &str =
    "an address such as \"udp://0.0.0.0:10050\" or \"tcp://0.0.0.0:10050\"";
/// What [`serial`] understands, for messages.
pub(crate) const SERIAL_FORM: &str =
    "a line such as \"serial:///dev/ttyS0?baud=9600&parity=even&stop-bits=1\"";
/// What [`can_interface`] understands, for messages.
pub(crate) const CAN_FORM: &str = "the name of a CAN interface such as \"can0\"";
/// Rates that serial devices have; the standards for controllers name those up to 19,200.
const BAUD: std::ops::RangeInclusive<u32> = 300..=4_000_000;

/// `udp://` or `tcp://`, an address in numbers, and a port other than 0.
pub(crate) fn listened(text: &str) -> Option<Source> {
    let tcp = |text: &str| text.strip_prefix("tcp://")?.parse().ok();
    let source = match udp(text) {
        Some(listen) => Source::Udp { listen },
        None => Source::TcpListen { listen: tcp(text)? },
    };
    match source {
        Source::Udp { listen } | Source::TcpListen { listen } if listen.port() > 0 => Some(source),
        _ => None,
    }
}

/// `serial://`, the path of a device file, and `baud`, `parity`, `stop-bits` where they are not as is usual.
pub(crate) fn serial(text: &str, usual: SerialLine) -> Option<Source> {
    let rest = text.strip_prefix("serial://")?;
    let (path, options) = match rest.split_once('?') {
        Some((path, options)) => (path, options.split('&').collect()),
        None => (rest, Vec::new()),
    };
    let mut line = usual;
    let mut seen: Vec<&str> = Vec::new();
    for option in options {
        let (key, value) = option.split_once('=')?;
        if seen.contains(&key) {
            return None;
        }
        seen.push(key);
        match key {
            "baud" => line.baud = value.parse().ok().filter(|baud| BAUD.contains(baud))?,
            "parity" => {
                let named = |(name, _): &&(&str, Parity)| *name == value;
                line.parity = Parity::ALL.iter().find(named)?.1;
            }
            "stop-bits" => {
                line.stop_bits = value.parse().ok().filter(|bits| [1, 2].contains(bits))?;
            }
            _ => return None,
        }
    }
    path.starts_with('/').then(|| Source::Serial {
        path: PathBuf::from(path),
        line,
    })
}

/// The name of an interface, as the kernel takes one.
pub(crate) fn can_interface(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let named = (1..=15).contains(&text.len()) && text.chars().all(plain);
    (named && !matches!(text, "." | "..")).then(|| text.to_owned())
}

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
    fn what_is_listened_on_is_udp_or_tcp() {
        for text in ["udp://0.0.0.0:5010", "tcp://[::1]:10050"] {
            assert_eq!(listened(text).unwrap().to_string(), text);
        }
        for text in [
            "tcp://host:1",
            "tcp://0.0.0.0:0",
            "udp://0.0.0.0:0",
            "serial:///dev/ttyS0",
        ] {
            assert_eq!(listened(text), None, "{text}");
        }
    }

    #[test]
    fn a_serial_line_is_read_and_written_alike() {
        let text = "serial:///dev/ttyS0?baud=19200&parity=none&stop-bits=2";
        assert_eq!(
            serial(text, SerialLine::CONTROLLER).unwrap().to_string(),
            text
        );
        let short = serial("serial:///dev/ttyUSB1", SerialLine::CONTROLLER)
            .unwrap()
            .to_string();
        assert_eq!(
            short,
            "serial:///dev/ttyUSB1?baud=9600&parity=even&stop-bits=1"
        );
        assert_eq!(
            serial("serial:///dev/x?parity=odd", SerialLine::CONTROLLER)
                .unwrap()
                .to_string(),
            "serial:///dev/x?baud=9600&parity=odd&stop-bits=1"
        );
    }

    #[test]
    fn a_line_of_which_nothing_is_said_is_run_as_such_devices_run_theirs() {
        for (usual, expected) in [
            (SerialLine::TI_MMWAVE, "baud=921600&parity=none"),
            (SerialLine::RADAR, "baud=115200&parity=none"),
            (SerialLine::RECEIVER, "baud=9600&parity=none"),
        ] {
            let line = serial("serial:///dev/x", usual).unwrap();
            assert_eq!(
                line.to_string(),
                format!("serial:///dev/x?{expected}&stop-bits=1")
            );
        }
    }

    #[test]
    fn what_is_not_a_serial_line_is_refused() {
        for text in [
            "/dev/ttyS0",
            "serial://ttyS0",
            "serial://",
            "serial:///dev/x?baud=0",
            "serial:///dev/x?baud=fast",
            "serial:///dev/x?baud=99999999",
            "serial:///dev/x?parity=mark",
            "serial:///dev/x?stop-bits=3",
            "serial:///dev/x?stop=1",
            "serial:///dev/x?baud",
            "serial:///dev/x?baud=9600&baud=9600",
            "serial:///dev/x?",
        ] {
            assert_eq!(serial(text, SerialLine::CONTROLLER), None, "{text}");
        }
    }

    #[test]
    fn a_can_interface_is_one_that_the_kernel_could_have() {
        assert_eq!(can_interface("can0").as_deref(), Some("can0"));
        assert_eq!(
            can_interface("slcan-north.1").as_deref(),
            Some("slcan-north.1")
        );
        for text in ["", ".", "..", "can/0", "can 0", "a-name-too-long-0", "cän0"] {
            assert_eq!(can_interface(text), None, "{text}");
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
