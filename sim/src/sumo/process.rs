//! SUMO as a program: found, started, heard out when it fails, ended.
//!
//! It is started for one run with a port of this machine on which it waits for one client; SUMO opens it
//! on all addresses, there is no option against it, and closes it as soon as we are there. It ends by
//! itself when nobody talks to it any more; what is killed otherwise may be a script that started it, as
//! the one of PyPI's package.

use std::env;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::client::{Client, Trouble};

/// A SUMO of ours; ends with this.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

/// Where SUMO is, if it is not named: `$SUMO_HOME/bin`, else wherever the system finds it.
pub fn program(named: Option<&Path>) -> PathBuf {
    let home = || env::var_os("SUMO_HOME").map(|home| PathBuf::from(home).join("bin/sumo"));
    let named = named.map(Path::to_owned).or_else(home);
    named.unwrap_or_else(|| PathBuf::from("sumo"))
}

impl Process {
    /// Starts it with these arguments, and connects.
    pub fn start(program: &Path, arguments: &[String]) -> Result<(Self, Client), Trouble> {
        let not_started = |why| Trouble::NoProgram {
            program: program.display().to_string(),
            why,
        };
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(not_started)?;
        let at = free.local_addr().map_err(not_started)?;
        drop(free);
        let mut child = Command::new(program)
            .args(arguments)
            .args([
                "--remote-port",
                &at.port().to_string(),
                "--num-clients",
                "1",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(not_started)?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let listener = child.stderr.take().map(|stderr| {
            let said = Arc::clone(&said);
            thread::spawn(move || listen(stderr, &said))
        });
        let mut process = Self {
            child,
            said,
            listener,
        };
        let client = process.connect(at)?;
        Ok((process, client))
    }

    fn connect(&mut self, at: SocketAddr) -> Result<Client, Trouble> {
        let begun = Instant::now();
        loop {
            if let Ok(stream) = TcpStream::connect(at) {
                return Client::greet(stream, PATIENCE).map_err(|trouble| self.explain(trouble));
            }
            if let Some(trouble) = self.ended() {
                return Err(trouble);
            }
            if begun.elapsed() > PATIENCE {
                return Err(Trouble::Silent {
                    at,
                    patience: PATIENCE,
                });
            }
            thread::sleep(NAP);
        }
    }

    /// A trouble of the line, or what is behind it: that it has ended.
    pub fn explain(&mut self, trouble: Trouble) -> Trouble {
        if !matches!(trouble, Trouble::Lost { .. }) {
            return trouble;
        }
        let begun = Instant::now();
        while begun.elapsed() < LAST_WORDS {
            if let Some(ended) = self.ended() {
                return ended;
            }
            thread::sleep(NAP);
        }
        trouble
    }

    fn ended(&mut self) -> Option<Trouble> {
        let status: ExitStatus = self.child.try_wait().ok().flatten()?;
        // Its end of the pipe is closed.
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let said = self.said.lock().map(|said| said.clone());
        let said = String::from_utf8_lossy(&said.unwrap_or_default())
            .trim()
            .to_owned();
        Some(Trouble::Ended {
            status: status.to_string(),
            said: if said.is_empty() {
                "nothing; are network and routes files of SUMO's?".to_owned()
            } else {
                said
            },
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < LAST_WORDS {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(NAP);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the last that is said.
fn listen(mut stderr: impl Read, said: &Mutex<Vec<u8>>) {
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut piece) {
        if let Ok(mut said) = said.lock() {
            said.extend_from_slice(&piece[..count]);
            let over = said.len().saturating_sub(MOST_SAID);
            said.drain(..over);
        }
    }
}

/// So long for each answer, and for the start: a city is read in some ten seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// So long to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(2);
const NAP: Duration = Duration::from_millis(10);
const MOST_SAID: usize = 4096;
