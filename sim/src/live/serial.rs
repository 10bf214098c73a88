//! A controller at the end of a serial line: a pseudo-terminal of this machine.
//!
//! The daemon opens one end as it would a converter; bytes go both ways without echo. A thread each
//! reads and writes, so that neither keeps the stage waiting.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use anyhow::{Context, Result};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;

/// Our end of the line.
#[derive(Debug)]
pub struct SerialLine {
    path: String,
    heard: Receiver<Vec<u8>>,
    say: SyncSender<Vec<u8>>,
    /// Held open, so that the line does not end when the daemon closes it.
    _other: OwnedFd,
}

impl SerialLine {
    /// Makes a line.
    pub fn open() -> Result<Self> {
        let pty = openpty(None, None).context("no serial line for the controller")?;
        let mut settings = tcgetattr(&pty.slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings)?;
        let path = ttyname(&pty.slave)?.display().to_string();
        let mut reading = File::from(pty.master);
        let mut writing = reading.try_clone()?;
        let (hear, heard) = mpsc::sync_channel(MOST_WAITING);
        let (say, said) = mpsc::sync_channel::<Vec<u8>>(MOST_WAITING);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len) = reading.read(&mut buffer) {
                if len == 0 || hear.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || {
            while let Ok(bytes) = said.recv() {
                if writing.write_all(&bytes).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            path,
            heard,
            say,
            _other: pty.slave,
        })
    }

    /// What the daemon opens.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Sends bytes; those that nobody reads in time are lost, as on a real line.
    pub fn send(&self, bytes: &[u8]) {
        // A line whose other end is gone takes nothing: that is for the judge to see.
        let _ = self.say.try_send(bytes.to_vec());
    }

    /// What has come since last time.
    pub fn questions(&self) -> Vec<Vec<u8>> {
        self.heard.try_iter().collect()
    }
}

/// Pieces that wait on either side.
const MOST_WAITING: usize = 256;
