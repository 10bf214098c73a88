//! `rsu probe PROTOCOL SOURCE`: what is understood of a device.
//!
//! Every report becomes one line of JSON on stdout; at the end stderr says how many frames were
//! understood, rejected, ignored and tolerated, by kind. A recording is read whole, with the times
//! that it holds; a live source until it ends, `--duration` or `--count` is reached, or Ctrl-C.
//!
//! Rooms: [`recording`] (files and what is in them), [`pcap`], [`live`] (sockets), [`modbus`] (what a
//! device must be told to be asked for), [`view`] (JSON).

mod live;
mod modbus;
mod pcap;
mod recording;
pub(super) mod view;

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;

use self::recording::{Chunks, Form, Unreadable};
use crate::clock::{Mono, Now, Utc};
use crate::config::{self, Broker, Login, Password};
use crate::inputs::{Carrier, Counts, Decoder, Mount};
use crate::inputs::{ars408, can, detected_objects, gat1743, gb20999, gnss, nanoradar, ntcip};
use crate::inputs::{heard, openv2x, spat_json, ti_mmwave};
use v2x_msg::base::{EnuFrame, GeoPosition};

/// What `rsu probe` is asked to do.
#[derive(Clone, Debug, clap::Args)]
pub struct ProbeArgs {
    /// What the device speaks.
    #[arg(value_enum)]
    pub protocol: ProbeProtocol,
    /// A file (raw bytes, JSON, hex lines, pairs of `query` and
    /// `reply` in JSON, candump text, classic pcap), `udp://ADDRESS:PORT` to listen
    /// on, `tcp://HOST:PORT` to connect to, `mqtt://HOST:PORT/TOPIC` to subscribe at, `can://can0`, or
    /// `serial:///dev/ttyS0?baud=9600&parity=even&stop-bits=1`.
    pub source: String,
    /// End a live source after this many seconds.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub duration: Option<Duration>,
    /// End after this many reports.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Of a pcap, read only packets from or to this port.
    #[arg(long)]
    pub port: Option<u16>,
    /// Ask a gat1743 controller each second, a gb20999 controller twice a second, or an ntcip
    /// controller while it does not broadcast; over UDP at this address.
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1)]
    pub ask: Option<Option<SocketAddr>>,
    /// Who we are to an MQTT broker; the password is in the environment, in MQTT_PASSWORD.
    #[arg(long)]
    pub user: Option<String>,
    /// Sensor number of an ars408 radar.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=7))]
    pub sensor_id: u8,
    /// Where a sensor looks, clockwise from north. It is taken to stand at 0, 0.
    #[arg(
        long,
        default_value_t = 0.0,
        value_name = "DEGREES",
        allow_hyphen_values = true
    )]
    pub heading_deg: f64,
    /// The ti-mmwave radar runs the traffic monitoring firmware.
    #[arg(long)]
    pub traffic: bool,
    /// Degrees north and east of the site's origin, for what has its places in degrees.
    #[arg(long, value_name = "LAT,LON", value_parser = origin, allow_hyphen_values = true)]
    pub origin: Option<EnuFrame>,
    /// What only modbus needs.
    #[command(flatten)]
    pub modbus: modbus::ModbusArgs,
}

/// A protocol that can be probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeProtocol {
    /// Signal controllers by GA/T 1743-2020.
    Gat1743,
    /// Signal controllers by GB/T 20999-2017.
    Gb20999,
    /// Signal controllers that broadcast TSCBM or are polled by SNMP.
    Ntcip,
    /// Platforms that publish SPAT as JSON.
    SpatJson,
    /// Continental ARS408 and ARS404 radars.
    Ars408,
    /// Boxes and radars that publish road users as OpenV2X does.
    Openv2x,
    /// Boxes that write lists of objects in our form or CARMA's.
    DetectedObjects,
    /// TI mmWave radars on their data port.
    TiMmwave,
    /// Nanoradar's small radars on a serial line.
    Nanoradar,
    /// What road users say of themselves by radio, as UDP datagrams of DSMP.
    Heard,
    /// Receivers of satellite navigation: NMEA 0183, or gpsd's JSON from `tcp://` or a file `.json`.
    Gnss,
    /// Weather and road sensors by Modbus, asked over `tcp://` or `serial://`.
    Modbus,
}

impl ProbeProtocol {
    /// How a serial line of such devices is run where nobody says.
    fn usual_line(self) -> config::SerialLine {
        match self {
            Self::TiMmwave => config::SerialLine::TI_MMWAVE,
            Self::Ars408 | Self::Nanoradar => config::SerialLine::RADAR,
            Self::Gnss => config::SerialLine::RECEIVER,
            _ => config::SerialLine::CONTROLLER,
        }
    }
}

fn origin(text: &str) -> Result<EnuFrame, String> {
    let (lat, lon) = text.split_once(',').ok_or("want LAT,LON")?;
    let degrees = |text: &str| text.trim().parse::<f64>().map_err(|e| e.to_string());
    let origin = GeoPosition::from_deg(degrees(lat)?, degrees(lon)?, None);
    origin.map(EnuFrame::new).map_err(|e| e.to_string())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// What was typed makes no sense (EX_USAGE).
const USAGE: u8 = 64;
/// Nothing in the source was understood (EX_DATAERR).
const NOT_UNDERSTOOD: u8 = 65;
/// The source cannot be opened or read (EX_NOINPUT).
const NO_INPUT: u8 = 66;
/// This build cannot do it (EX_UNAVAILABLE).
const UNAVAILABLE: u8 = 69;
/// The result cannot be written (EX_IOERR).
const CANNOT_WRITE: u8 = 74;

/// Runs the command. Exit codes: 0 something was understood, 64 usage, 65 nothing was understood,
/// 66 the source cannot be opened, 69 there is no such carrier, 74 the result cannot be written.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command consumes its arguments"
)]
pub fn probe(args: ProbeArgs) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    match Source::parse(&args.source, args.protocol.usual_line())
        .and_then(|source| listen(&args, &source, &mut out))
    {
        Ok(outcome) => {
            eprintln!("{}", outcome.summary(&args));
            if outcome.counts.accepted() > 0 {
                ExitCode::SUCCESS
            } else {
                NOT_UNDERSTOOD.into()
            }
        }
        Err(Failure { exit, reason }) => {
            eprintln!("failed to probe {}: {reason}", args.source);
            exit.into()
        }
    }
}

/// Why a probe did not come to an end that can be summed up.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    exit: u8,
    reason: String,
}

impl Failure {
    fn new(exit: u8, reason: impl Into<String>) -> Self {
        Self {
            exit,
            reason: reason.into(),
        }
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Io(error) => Self::new(NO_INPUT, error.to_string()),
            Unreadable::Form(reason) => Self::new(NOT_UNDERSTOOD, reason),
        }
    }
}

/// Where bytes come from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Udp(SocketAddr),
    /// Host and port, to be looked up.
    Tcp(String),
    /// A broker and a topic.
    Mqtt(Broker),
    Serial(PathBuf, config::SerialLine),
    /// A CAN interface.
    #[cfg(feature = "socketcan")]
    Can(String),
}

impl Source {
    fn parse(text: &str, usual: config::SerialLine) -> Result<Self, Failure> {
        let no_carrier = |what: &str| {
            let reason = format!("this build has no {what} carrier yet");
            Err(Failure::new(UNAVAILABLE, reason))
        };
        if let Some(address) = text.strip_prefix("udp://") {
            let address = address.parse();
            return address.map(Self::Udp).map_err(|_| {
                Failure::new(
                    USAGE,
                    "want udp://ADDRESS:PORT, such as udp://0.0.0.0:10050",
                )
            });
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            let port = address
                .rsplit_once(':')
                .map(|(_, port)| port.parse::<u16>());
            return match port {
                Some(Ok(_)) => Ok(Self::Tcp(address.to_owned())),
                _ => Err(Failure::new(USAGE, "want tcp://HOST:PORT")),
            };
        }
        if let Some(rest) = text.strip_prefix("mqtt://") {
            return mqtt(rest).map(Self::Mqtt).ok_or_else(|| {
                Failure::new(
                    USAGE,
                    "want mqtt://HOST:PORT/TOPIC, such as mqtt://b:1883/+/up",
                )
            });
        }
        if let Some(interface) = text.strip_prefix("can://") {
            #[cfg(not(feature = "socketcan"))]
            return no_carrier(&format!("SocketCAN ({interface})"));
            #[cfg(feature = "socketcan")]
            return config::can_interface(interface)
                .map(Self::Can)
                .ok_or_else(|| {
                    Failure::new(USAGE, format!("want can:// and {}", config::CAN_FORM))
                });
        }
        if text.starts_with("serial:") {
            return match config::serial(text, usual) {
                Some(config::Source::Serial { path, line }) => Ok(Self::Serial(path, line)),
                _ => Err(Failure::new(USAGE, format!("want {}", config::SERIAL_FORM))),
            };
        }
        match text.split_once(':') {
            Some(("mqtts", _)) => no_carrier("MQTT over TLS"),
            Some((scheme, rest)) if rest.starts_with("//") => Err(Failure::new(
                USAGE,
                format!("no source is called {scheme}://"),
            )),
            _ => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

fn listen(args: &ProbeArgs, source: &Source, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let form = match source {
        Source::Tcp(_) | Source::Serial(..) => Form::Stream,
        _ => Form::Datagrams,
    };
    match source {
        Source::File(_) if args.ask.is_some() => {
            return Err(Failure::new(USAGE, "a recording cannot be asked"));
        }
        Source::File(path) => {
            modbus::check(args, source)?;
            let bytes = std::fs::read(path).map_err(Unreadable::Io)?;
            return read_recording(args, &bytes, out);
        }
        Source::Udp(_) if args.ask == Some(None) => {
            return Err(Failure::new(
                USAGE,
                "--ask over UDP needs the controller's address",
            ));
        }
        Source::Mqtt(_) if args.ask.is_some() => {
            return Err(Failure::new(USAGE, "a broker cannot be asked"));
        }
        _ => {}
    }
    modbus::check(args, source)?;
    let probe = Probe::new(decoder(args, form), args.count, out);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(UNAVAILABLE, error.to_string()))?;
    let outcome = runtime.block_on(async {
        let socket = live::Socket::open(args, source).await;
        let socket = socket.map_err(Unreadable::Io)?;
        live::run(socket, args.duration, probe).await
    });
    // A name lookup that hangs must not keep the command from ending.
    runtime.shutdown_background();
    outcome
}

/// Who we are to a broker.
fn login(args: &ProbeArgs) -> Option<Login> {
    args.user.as_ref().map(|user| Login {
        user: user.clone(),
        password: match std::env::var_os(PASSWORD) {
            Some(_) => Password::Env(PASSWORD.to_owned()),
            None => Password::None,
        },
    })
}

/// What follows `mqtt://`: an address, and the topic filter behind the first slash.
fn mqtt(rest: &str) -> Option<Broker> {
    let (address, topic) = rest.split_once('/')?;
    let (host, port) = config::mqtt_address(&format!("mqtt://{address}"))?;
    config::is_topic_filter(topic).then(|| Broker {
        host,
        port,
        topics: vec![topic.to_owned()],
        qos: 0,
        client_id: None,
        login: None,
    })
}

const PASSWORD: &str = "MQTT_PASSWORD";

fn read_recording(args: &ProbeArgs, bytes: &[u8], out: &mut dyn Write) -> Result<Outcome, Failure> {
    let mut chunks = Chunks::open(bytes, args.port)?;
    let mut probe = Probe::new(decoder(args, chunks.form()), args.count, out);
    // Without times in the recording all of it arrives at once, at no moment of any calendar.
    let mut last = Now {
        mono: Mono::ZERO,
        utc: Utc::from_unix_ns(0),
    };
    while let Some(chunk) = chunks.next() {
        if chunk.new_stream {
            probe.decoder.link_restarted();
        }
        if let Some(utc) = chunk.recorded {
            let nanos = u64::try_from(utc.unix_ns()).unwrap_or(0);
            last = Now {
                mono: Mono::from_nanos(nanos),
                utc,
            };
        }
        if !probe.take(last, chunk.recorded.is_some(), &chunk.bytes)? {
            break;
        }
    }
    let mut outcome = probe.finish()?;
    outcome.unreadable = chunks.unreadable();
    Ok(outcome)
}

fn decoder(args: &ProbeArgs, form: Form) -> Decoder {
    match args.protocol {
        ProbeProtocol::Gat1743 => {
            let config = gat1743::Config {
                carrier: match form {
                    Form::Stream => gat1743::Carrier::Stream,
                    Form::Datagrams | Form::Candump => gat1743::Carrier::Datagrams,
                },
                only_from: None,
                asking: args.ask.map(|_| gat1743::Asking::default()),
            };
            Decoder::Gat1743(Box::new(gat1743::Decoder::new(config)))
        }
        ProbeProtocol::Gb20999 => {
            let config = gb20999::Config {
                carrier: match form {
                    Form::Stream => gb20999::Carrier::Stream,
                    Form::Datagrams | Form::Candump => gb20999::Carrier::Datagrams,
                },
                asking: args.ask.map(|_| gb20999::Asking::default()),
                // Who probes wants to see what it comes to.
                proves: false,
                ..gb20999::Config::default()
            };
            Decoder::Gb20999(Box::new(gb20999::Decoder::new(config)))
        }
        ProbeProtocol::Ntcip => {
            let config = ntcip::Config {
                fallback: args.ask.map(|_| ntcip::Fallback::default()),
                ..ntcip::Config::default()
            };
            Decoder::Ntcip(Box::new(ntcip::Decoder::new(config)))
        }
        ProbeProtocol::SpatJson => {
            let config = spat_json::Config {
                carrier: carrier(form),
                // Stamps of a recording without times would all be late.
                max_delay: Duration::MAX,
                ..spat_json::Config::default()
            };
            Decoder::SpatJson(Box::new(spat_json::Decoder::new(config)))
        }
        ProbeProtocol::Openv2x => {
            let default = openv2x::Config::default();
            let config = openv2x::Config {
                carrier: carrier(form),
                frame: args.origin.unwrap_or(default.frame),
                ..default
            };
            Decoder::Openv2x(Box::new(openv2x::Decoder::new(config)))
        }
        ProbeProtocol::DetectedObjects => {
            let default = detected_objects::Config::default();
            let config = detected_objects::Config {
                carrier: carrier(form),
                frame: args.origin.unwrap_or(default.frame),
                mount: mount(args),
                ..default
            };
            Decoder::DetectedObjects(Box::new(detected_objects::Decoder::new(config)))
        }
        ProbeProtocol::TiMmwave => {
            let config = ti_mmwave::Config {
                layout: if args.traffic {
                    ti_mmwave::Layout::Traffic
                } else {
                    ti_mmwave::Layout::OutOfBox
                },
                mount: mount(args),
                report_still: true,
                ..ti_mmwave::Config::default()
            };
            Decoder::TiMmwave(Box::new(ti_mmwave::Decoder::new(config)))
        }
        ProbeProtocol::Nanoradar => {
            let config = nanoradar::Config {
                mount: mount(args),
                ..nanoradar::Config::default()
            };
            Decoder::Nanoradar(Box::new(nanoradar::Decoder::new(config)))
        }
        ProbeProtocol::Heard => {
            let default = heard::Config::default();
            let config = heard::Config {
                frame: args.origin.unwrap_or(default.frame),
                // Who probes wants to see each word, from wherever it comes.
                gather: Duration::ZERO,
                range_m: f64::MAX,
                ..default
            };
            Decoder::Heard(Box::new(heard::Decoder::new(config)))
        }
        ProbeProtocol::Gnss => {
            let default = gnss::Config::default();
            let is_gpsd = args.source.starts_with("tcp://") || args.source.ends_with(".json");
            let config = gnss::Config {
                form: if is_gpsd {
                    gnss::Form::Gpsd
                } else {
                    gnss::Form::Nmea
                },
                frame: args.origin.unwrap_or(default.frame),
                ..default
            };
            Decoder::Gnss(Box::new(gnss::Decoder::new(config)))
        }
        ProbeProtocol::Modbus => modbus::decoder(args),
        ProbeProtocol::Ars408 => {
            let config = ars408::Config {
                carrier: match form {
                    _ if args.source.starts_with("can://") => can::Carrier::SocketCan,
                    Form::Stream => can::Carrier::GatewayStream,
                    Form::Datagrams => can::Carrier::GatewayDatagrams,
                    Form::Candump => can::Carrier::Candump,
                },
                sensor_id: args.sensor_id,
                mount: mount(args),
                ..ars408::Config::default()
            };
            Decoder::Ars408(Box::new(ars408::Decoder::new(config)))
        }
    }
}

fn mount(args: &ProbeArgs) -> Mount {
    Mount {
        heading_deg: args.heading_deg,
        ..Mount::default()
    }
}

fn carrier(form: Form) -> Carrier {
    match form {
        Form::Stream => Carrier::Stream,
        Form::Datagrams | Form::Candump => Carrier::Datagrams,
    }
}

/// A decoder whose reports are printed.
struct Probe<'a> {
    decoder: Decoder,
    left: Option<u64>,
    has_times: bool,
    out: &'a mut dyn Write,
}

impl<'a> Probe<'a> {
    fn new(decoder: Decoder, count: Option<u64>, out: &'a mut dyn Write) -> Self {
        Self {
            decoder,
            left: count,
            has_times: false,
            out,
        }
    }

    /// Takes bytes and prints what they complete; false when enough has been printed.
    fn take(&mut self, arrived: Now, is_timed: bool, bytes: &[u8]) -> Result<bool, Failure> {
        self.has_times |= is_timed;
        let Self {
            decoder, left, out, ..
        } = self;
        let protocol = decoder.protocol();
        let mut written = Ok(());
        decoder.push(arrived, bytes, &mut |content| {
            if *left == Some(0) || written.is_err() {
                return;
            }
            *left = left.map(|left| left - 1);
            written = view::write(out, protocol, is_timed.then_some(arrived), &content);
        });
        match written {
            Ok(()) => Ok(*left != Some(0)),
            // Whoever read the lines has had enough of them.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::new(CANNOT_WRITE, error.to_string())),
        }
    }

    fn flush(&mut self) -> Result<bool, Failure> {
        match self.out.flush() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::new(CANNOT_WRITE, error.to_string())),
        }
    }

    fn finish(mut self) -> Result<Outcome, Failure> {
        self.flush()?;
        Ok(Outcome {
            counts: self.decoder.counts().clone(),
            has_times: self.has_times,
            unreadable: Vec::new(),
        })
    }
}

/// What a probe came to.
#[derive(Debug)]
struct Outcome {
    counts: Counts,
    has_times: bool,
    /// Parts of a recording that are not of its own form.
    unreadable: Vec<(&'static str, u64)>,
}

impl Outcome {
    fn summary(&self, args: &ProbeArgs) -> String {
        let protocol = args.protocol.to_possible_value();
        let protocol = protocol.as_ref().map_or("", |value| value.get_name());
        let counts = &self.counts;
        let mut text = format!(
            "{protocol}: {} frames understood, {} reports",
            counts.accepted(),
            counts.reports(),
        );
        // Whether the device's clock is right cannot be told by a recording without times.
        let tolerated: Vec<_> = (counts.tolerated().iter())
            .filter(|(kind, _)| self.has_times || *kind != "clock-differs")
            .copied()
            .collect();
        for (word, tally) in [
            ("unreadable", &self.unreadable[..]),
            ("rejected", counts.rejected()),
            ("ignored", counts.ignored()),
            ("tolerated", &tolerated),
            ("faults of the device", counts.faults()),
        ] {
            let seen = tally.iter().filter(|(_, count)| *count > 0);
            let seen: Vec<_> = seen
                .map(|(kind, count)| format!("{kind} {count}"))
                .collect();
            if !seen.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(text, "\n{word}: {}", seen.join(", "));
            } else if word == "rejected" {
                text.push_str("\nrejected: none");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
