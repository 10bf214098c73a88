//! What the tests of links share: a daemon with a listener in the radio's place, patience, free addresses.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rsu::config;
use rsu::daemon::{Daemon, InputSnapshot};

/// Longer than anything here takes on a busy machine; reached only by a failure.
pub(crate) const LONG: Duration = Duration::from_secs(60);
const SEED: u64 = 1;

/// A listener in the radio's place, and the daemon that sends to it.
pub(crate) struct Rig {
    pub(crate) daemon: Daemon,
    pub(crate) air: UdpSocket,
}

impl Rig {
    /// A daemon at the shipped site, with `inputs`, which are TOML.
    pub(crate) fn start(inputs: &str) -> Self {
        Self::start_at(inputs, |site| site)
    }

    /// The same at a site that is the shipped one, changed.
    pub(crate) fn start_at(inputs: &str, changed: impl Fn(String) -> String) -> Self {
        let air = UdpSocket::bind("127.0.0.1:0").unwrap();
        air.set_read_timeout(Some(LONG)).unwrap();
        let to = air.local_addr().unwrap();
        let text = format!(
            "[station]\nname = 'test'\nsite = 'sites/moyu-boyuan.toml'\n\
             [clock]\nrequire-sync = false\n[radio]\ntarget = 'udp://{to}'\n{inputs}"
        );
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/test.toml"));
        let checked = config::parse(&text, file, &mut |path| {
            Ok(changed(fs::read_to_string(path)?))
        });
        let config = checked
            .unwrap_or_else(|findings| panic!("{findings}"))
            .config;
        let daemon = Daemon::start(config, SEED).unwrap();
        Self { daemon, air }
    }

    /// How the input of this name fares.
    pub(crate) fn input(&self, name: &str) -> InputSnapshot {
        let inputs = self.daemon.stats().inputs;
        inputs.into_iter().find(|input| input.name == name).unwrap()
    }

    /// Waits until an input is as wanted.
    pub(crate) fn until(&self, name: &str, what: &str, wanted: impl Fn(&InputSnapshot) -> bool) {
        let mut last = self.input(name);
        let start = Instant::now();
        while !wanted(&last) {
            assert!(start.elapsed() < LONG, "never: {what}: {last:?}");
            thread::sleep(Duration::from_millis(2));
            last = self.input(name);
        }
    }
}

/// Looks until it holds; the daemon has no event for it that we could wait for.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A controller that listens where nobody speaks, so that the site's phases have one.
pub(crate) fn silent_signal() -> String {
    signal(free_udp())
}

/// A controller of GA/T 1743 that is heard at an address.
pub(crate) fn signal(listen: SocketAddr) -> String {
    format!("[[input.gat1743]]\nname = 'signal'\nlisten = 'udp://{listen}'\n")
}

/// An address of this machine at which nobody takes datagrams.
pub(crate) fn free_udp() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

/// Listens where a listener was until now; who holds it still is a program of another test that is
/// just being started.
pub(crate) fn listen_again(at: SocketAddr) -> TcpListener {
    let mut listener = None;
    until("the address is free", || {
        listener = TcpListener::bind(at).ok();
        listener.is_some()
    });
    listener.unwrap()
}

/// Where a program is, also where only root looks for it.
pub(crate) fn program_at(name: &str) -> Option<PathBuf> {
    let folders = std::env::var("PATH").unwrap_or_default();
    let mut folders = folders.split(':').chain(["/usr/sbin", "/usr/bin"]);
    folders.find_map(|folder| Some(Path::new(folder).join(name)).filter(|path| path.is_file()))
}
