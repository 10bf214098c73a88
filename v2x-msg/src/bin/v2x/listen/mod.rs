//! `v2x listen`: joins a broadcast and shows what is on the air.
//!
//! - [`socket`]: from an address to a bound socket
//! - [`summary`]: a message in half a line, and how old its content is
//! - [`ledger`]: rates, ages, losses and rejects

mod ledger;
mod socket;
mod summary;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use v2x_msg::Message;
use v2x_msg::access::Aid;
use v2x_msg::base::Utc;

use crate::Failure;
use crate::peel::{Peeled, peel};
use ledger::Ledger;

/// Where a roadside unit broadcasts when nothing else is configured: 67.86 is "CV".
const DEFAULT_ADDRESS: &str = "udp://239.255.67.86:4900";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// udp://HOST:PORT in numbers; a multicast group is joined, any other address is bound
    #[arg(value_name = "ADDR", default_value = DEFAULT_ADDRESS, value_parser = socket::parse)]
    address: SocketAddr,
    /// Interface on which to join a group: its name, or its IPv4 address. Where it is left out,
    /// the system's choice and the loopback interface
    #[arg(long, value_name = "NAME|IPV4")]
    interface: Option<String>,
    /// Prints whole messages as JSON (JER) lines
    #[arg(long)]
    json: bool,
    /// Prints no messages, only the line a second
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Ends after so many seconds
    #[arg(long, value_name = "S", value_parser = seconds)]
    duration: Option<Duration>,
    /// Ends after so many messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = socket::open(arguments.address, arguments.interface.as_deref())
            .map_err(Failure::Unavailable)?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        // Before we say that we listen: who reads that may interrupt us at once.
        let mut interrupt = signal(SignalKind::interrupt())?;
        eprintln!("listening on {}", socket.local_addr()?);
        Ok(listen(arguments, &socket, &mut interrupt).await?)
    })
}

async fn listen(
    arguments: &Arguments,
    socket: &tokio::net::UdpSocket,
    interrupt: &mut Signal,
) -> io::Result<()> {
    let mut ears = Ears::new(arguments);
    let mut datagram = vec![0; 65_536];
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    every_second.tick().await;
    // A year is as good as for ever, and the clock can hold it.
    let end = arguments
        .duration
        .unwrap_or(Duration::from_secs(365 * 86_400));
    let end = tokio::time::sleep(end);
    tokio::pin!(end);
    while arguments.count.is_none_or(|count| ears.heard < count) {
        tokio::select! {
            received = socket.recv_from(&mut datagram) => {
                let (len, sender) = received?;
                ears.hear(now(), sender, &datagram[..len])?;
            }
            _ = every_second.tick() => ears.second()?,
            () = &mut end => break,
            _ = interrupt.recv() => break,
        }
    }
    ears.end()
}

fn now() -> Utc {
    let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Utc::from_unix_ns(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

/// What is done with each datagram and each second.
struct Ears<'a> {
    arguments: &'a Arguments,
    message: Message,
    ledger: Ledger,
    heard: u64,
}

impl<'a> Ears<'a> {
    fn new(arguments: &'a Arguments) -> Self {
        Ears {
            arguments,
            message: Message::default(),
            ledger: Ledger::default(),
            heard: 0,
        }
    }

    fn hear(&mut self, now: Utc, sender: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        let peeled = peel(datagram);
        if let Err(not_message) = peeled.decode_into(&mut self.message) {
            self.ledger.reject(sender, not_message.reason());
            return Ok(());
        }
        self.heard += 1;
        let kind = self.message.kind();
        // YD/T 3708-2020 has receivers drop data for an application that is not registered; this
        // is a tool to look with, so it shows them and counts them as rejected.
        if !peeled.fits(kind) {
            let number = peeled.aid_number.unwrap_or_default();
            self.ledger
                .reject(sender, format!("AID {number} is not one for {kind}"));
        }
        let seen = summary::of(&self.message, now);
        if let Some(unfit) = seen.unfit {
            self.ledger.reject(sender, format!("{kind}: {unfit}"));
        }
        let aid = peeled.aid_number.map(Aid::from_number);
        let aid = aid.and_then(Result::ok);
        self.ledger
            .note(sender, kind, aid, self.message.msg_cnt(), seen.age_ms);
        let mut out = io::stdout().lock();
        if self.arguments.json {
            writeln!(out, "{}", self.message.to_jer())?;
        } else if !self.arguments.quiet {
            let clock = clock(now);
            let application = application(&peeled);
            let count = self.message.msg_cnt();
            let octets = datagram.len();
            let signed = if peeled.signed {
                "signed, not verified; "
            } else {
                ""
            };
            let text = seen.text;
            writeln!(
                out,
                "{clock} {sender} {application}{kind} #{count} {octets} B {signed}{text}"
            )?;
        }
        out.flush()
    }

    fn second(&mut self) -> io::Result<()> {
        let lines = self.ledger.second();
        self.say(&lines)
    }

    fn end(&mut self) -> io::Result<()> {
        let lines = self.ledger.whole();
        self.say(&lines)
    }

    fn say(&self, lines: &str) -> io::Result<()> {
        if self.arguments.json {
            io::stderr().lock().write_all(lines.as_bytes())
        } else {
            let mut out = io::stdout().lock();
            out.write_all(lines.as_bytes())?;
            out.flush()
        }
    }
}

fn clock(now: Utc) -> String {
    let at = now.civil();
    let (hour, minute, second, ms) = (at.hour, at.minute, at.second, at.nanosecond / 1_000_000);
    format!("{hour:02}:{minute:02}:{second:02}.{ms:03}")
}

/// `3622 RSI dynamic / ` where the header says more than the kind does.
fn application(peeled: &Peeled<'_>) -> String {
    match peeled.aid_number.map(Aid::from_number) {
        None => "no DSMP / ".to_owned(),
        Some(Ok(aid)) => format!("{} {} / ", aid.number(), aid.name()),
        Some(Err(unknown)) => format!("{unknown} / "),
    }
}
