//! The daemon in its process: configured, started, looked at from outside, ended.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use benches::junction::{CONTROLLER_NAME, SITE_FILE};
use benches::radar::{EAST_M, NORTH_M, UP_M};

use crate::machine;
use crate::orders::{TOKEN, TOKEN_ENV};

/// The program `rsu` is not beside this one.
#[derive(Debug, thiserror::Error)]
#[error("there is no {}: build it in the same profile first, as by `cargo build --release`", .0.display())]
pub(crate) struct NotBuilt(PathBuf);

/// Where the daemon hears and speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) air: SocketAddr,
    pub(crate) signal: SocketAddr,
    pub(crate) radar: SocketAddr,
    /// Where its radio hears vehicles; None: it has none.
    pub(crate) heard: Option<SocketAddr>,
    /// Of its page; None: it has none.
    pub(crate) console: Option<SocketAddr>,
    /// Events may be ordered there.
    pub(crate) orders: bool,
}

impl Addresses {
    /// A free port for the controller's datagrams.
    pub(crate) fn new(air: SocketAddr, radar: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let signal = socket.local_addr()?;
        Ok(Self {
            air,
            signal,
            radar,
            heard: None,
            console: None,
            orders: false,
        })
    }

    /// The same, with a radio that hears vehicles on a free port.
    pub(crate) fn with_radio(self) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let heard = Some(socket.local_addr()?);
        Ok(Self { heard, ..self })
    }

    /// The same, with a console on a free port.
    pub(crate) fn with_console(self) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let console = Some(listener.local_addr()?);
        Ok(Self { console, ..self })
    }
}

/// A daemon at work; ended when dropped.
pub(crate) struct Unit {
    child: Child,
    config: PathBuf,
    refusals: Option<JoinHandle<Vec<String>>>,
    signal: SocketAddr,
    /// Just before its process was made.
    pub(crate) born: Instant,
}

impl Unit {
    pub(crate) fn start(addresses: Addresses, realtime: bool) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("rsu");
        if !program.exists() {
            return Err(NotBuilt(program).into());
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = format!("rsu-tail-{}-{number}.toml", std::process::id());
        let config = std::env::temp_dir().join(file);
        let journal = config.with_extension("journal");
        fs::write(&config, text(addresses, realtime, &journal)?)?;
        let born = Instant::now();
        let mut child = Command::new(&program)
            .arg("run")
            .arg(&config)
            .env(TOKEN_ENV, TOKEN)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let told = child.stderr.take().context("its words are not to be had")?;
        let refusals = thread::spawn(move || {
            let lines = BufReader::new(told).lines().map_while(Result::ok);
            lines.filter(|line| line.contains("refused")).collect()
        });
        Ok(Self {
            child,
            config,
            refusals: Some(refusals),
            signal: addresses.signal,
            born,
        })
    }

    /// Waits until it listens to the controller.
    pub(crate) fn until_it_listens(&mut self) -> anyhow::Result<()> {
        let port = format!(":{:04X}", self.signal.port());
        while self.born.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                bail!("the daemon ended at once: {status}");
            }
            let sockets = fs::read_to_string("/proc/net/udp")?;
            let mut locals = sockets
                .lines()
                .filter_map(|line| line.split_whitespace().nth(1));
            if locals.any(|local| local.ends_with(&port)) {
                return Ok(());
            }
            thread::sleep(Duration::from_micros(500));
        }
        bail!("the daemon does not listen on {}", self.signal)
    }

    /// Memory in use now, and the most that ever was.
    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = |key: &str| -> anyhow::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number.with_context(|| format!("no {key}"))?.parse()?)
        };
        Ok(Memory {
            now_kib: kib("VmRSS:")?,
            peak_kib: kib("VmHWM:")?,
        })
    }

    /// How long its threads have run on a processor.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        machine::processor_time(&self.child.id().to_string())
    }

    /// Ends it; what the system had refused it.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.kill();
        let refusals = self.refusals.take();
        refusals
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.kill();
        // Nobody needs it any more.
        let _ = fs::remove_file(&self.config);
        let _ = fs::remove_file(self.config.with_extension("journal"));
    }
}

/// Resident memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now_kib: u64,
    pub(crate) peak_kib: u64,
}

fn text(addresses: Addresses, realtime: bool, journal: &Path) -> Result<String, std::fmt::Error> {
    let Addresses {
        air,
        signal,
        radar,
        heard,
        console,
        orders,
    } = addresses;
    let mut text = format!(
        "[station]\nname = 'tail'\nsite = '{SITE_FILE}'\n\
         [clock]\nrequire-sync = false\n\
         [radio]\ntarget = 'udp://{air}'\n\
         [[input.gat1743]]\nname = '{CONTROLLER_NAME}'\nlisten = 'udp://{signal}'\n\
         [[input.ars408]]\nname = 'radar'\nconnect = 'tcp://{radar}'\n\
         mount = {{ east-m = {EAST_M:?}, north-m = {NORTH_M:?}, up-m = {UP_M:?}, heading-deg = 0 }}\n"
    );
    if let Some(heard) = heard {
        write!(
            text,
            "[[input.heard]]\nname = 'radio'\nlisten = 'udp://{heard}'\n"
        )?;
    }
    if let Some(console) = console {
        write!(text, "[console]\nlisten = '{console}'\n")?;
    }
    if orders {
        let journal = journal.display();
        write!(
            text,
            "token-env = '{TOKEN_ENV}'\n[orders]\njournal = '{journal}'\n"
        )?;
    }
    if realtime {
        write!(text, "[realtime]\n{REALTIME}\n")?;
    }
    Ok(text)
}

/// What the daemon asks of the system where it runs in real time.
pub(crate) const REALTIME: &str = "fifo-priority = 50\nlock-memory = true\nspin-us = 200";
/// More than any start takes.
const PATIENCE: Duration = Duration::from_secs(20);
