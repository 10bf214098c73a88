//! Tells the service manager that the unit is ready, or ends: systemd's protocol of `sd_notify`.
//!
//! A datagram to the socket that NOTIFY_SOCKET names. Without the variable nothing happens, and a
//! failure changes nothing for us.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// What the manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Messages are being sent.
    Ready,
    /// The end has begun.
    Stopping,
}

/// Tells the manager of this process, if it has one.
pub(crate) fn notify(state: State) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET") {
        // The manager will see by other signs how we are.
        let _ = send(&socket, state);
    }
}

fn send(socket: &OsStr, state: State) -> io::Result<()> {
    let word: &[u8] = match state {
        State::Ready => b"READY=1\n",
        State::Stopping => b"STOPPING=1\n",
    };
    UnixDatagram::unbound()?.send_to_addr(word, &address(socket)?)?;
    Ok(())
}

/// A path, or a name that exists only in the kernel, written with `@`.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(OsString::from(socket)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_by_path_and_by_name() {
        let path = std::env::temp_dir().join(format!("rsu-notify-{}", std::process::id()));
        let name = format!("@rsu-notify-{}", std::process::id());
        for socket in [path.as_os_str(), OsStr::new(&name)] {
            let manager = UnixDatagram::bind_addr(&address(socket).unwrap()).unwrap();
            send(socket, State::Ready).unwrap();
            let mut word = [0; 32];
            let length = manager.recv(&mut word).unwrap();
            assert_eq!(&word[..length], b"READY=1\n");
        }
        std::fs::remove_file(path).unwrap();
    }
}
