//! The control socket: one line of JSON is asked, one is answered. Who may open it may order: it is the
//! unit's user's alone (mode 0600).
//!
//! `{"do": "add", "event": {...}, "key": "..."}`, `{"do": "change", "number": 7, "event": {...}}`,
//! `{"do": "end", "number": 7}`, `{"do": "show", "number": 7}`, `{"do": "list"}`, and
//! `{"do": "rsi", "hex": "..."}` for a ready-made one; the answer is `{"code": 201, "body": {...}}`.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::{Answer, Desk, What, Wish, is_key};
use crate::daemon::backoff::Backoff;
use crate::daemon::outlook::{named, writable};
use crate::daemon::{clock, hex};
use crate::events::ask::whole;
use crate::events::cloud;
use crate::site::Site;

/// Longest line that is asked.
pub(crate) const LONGEST: usize = 64 << 10;
/// Connections at once.
const MOST: usize = 16;
/// Longest that a line may take to come.
const LISTENS_FOR: Duration = Duration::from_secs(10);
/// A ready-made RSI ends after this, unless it says when.
const LONGEST_RSI: Duration = Duration::from_secs(3600);

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Asked {
    Add {
        event: Value,
        key: Option<String>,
    },
    Change {
        number: u64,
        event: Value,
        key: Option<String>,
    },
    End {
        number: u64,
        key: Option<String>,
    },
    Show {
        number: u64,
    },
    Rsi {
        hex: String,
        key: Option<String>,
    },
    List,
}

/// The socket's own end.
pub(crate) struct Control {
    pub(crate) path: PathBuf,
    pub(crate) desk: Desk,
    pub(crate) site: Arc<Site>,
}

impl Control {
    /// Listens, again after every failure; the task is dropped to end it.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut told = None;
        loop {
            let reason = match listen(&self.path) {
                Ok(listener) => {
                    tracing::info!(socket = %self.path.display(), "control: listening");
                    told = None;
                    backoff.reset();
                    self.serve(listener).await
                }
                Err(error) => error,
            };
            let reason = reason.to_string();
            if told.as_ref() != Some(&reason) {
                let path = self.path.display();
                tracing::warn!("control: cannot listen on {path}: {reason}; trying again");
                told = Some(reason);
            }
            sleep(backoff.pause()).await;
        }
    }

    async fn serve(&self, listener: UnixListener) -> io::Error {
        let places = Arc::new(Semaphore::new(MOST));
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => return error,
            };
            // Further ones are turned away: who opens so many is at fault.
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                continue;
            };
            let (desk, site) = (self.desk.clone(), Arc::clone(&self.site));
            tokio::spawn(async move {
                // One that goes away early has nothing to be told.
                let _ = attend(stream, &desk, &site).await;
                drop(place);
            });
        }
    }
}

async fn attend(mut stream: UnixStream, desk: &Desk, site: &Site) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        let read = timeout(LISTENS_FOR, read_line(&mut stream, &mut line)).await;
        match read {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) | Err(_) => return Ok(()),
            Ok(Err(error)) => return Err(error),
        }
        let answer = match understand(&line, site) {
            Ok(wish) => desk.ask(wish).await,
            Err(answer) => {
                desk.tally.count(answer.code);
                answer
            }
        };
        let mut text = json!({ "code": answer.code, "body": answer.body }).to_string();
        text.push('\n');
        stream.write_all(text.as_bytes()).await?;
        line.clear();
    }
}

/// Reads a line; false at the end, or where it is too long.
async fn read_line(stream: &mut UnixStream, line: &mut Vec<u8>) -> io::Result<bool> {
    // A client asks one thing and waits: what follows its line is not taken apart.
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).await?;
        if count == 0 || line.len() + count > LONGEST {
            return Ok(false);
        }
        line.extend_from_slice(&part[..count]);
        if line.ends_with(b"\n") {
            return Ok(true);
        }
    }
}

fn understand(line: &[u8], site: &Site) -> Result<Wish, Answer> {
    let asked = whole::parse(line).map_err(|why| Answer::unusable(&why, "not understood"))?;
    let asked: Asked = serde_json::from_value(asked)
        .map_err(|error| Answer::refusal(400, &format!("not understood: {error}")))?;
    let (what, key) = match asked {
        Asked::Add { event, key } => (What::Add(event), key),
        Asked::Change { number, event, key } => (What::Change(number, event), key),
        Asked::End { number, key } => (What::End(number), key),
        Asked::Show { number } => (What::Show(number), None),
        Asked::Rsi { hex, key } => (ready_made(&hex, site)?, key),
        Asked::List => (What::List, None),
    };
    if key.as_ref().is_some_and(|key| !is_key(key)) {
        return Err(Answer::refusal(
            400,
            "key: must be 1 to 128 visible ASCII characters",
        ));
    }
    Ok(Wish { what, key })
}

/// A ready-made RSI, from hexadecimal digits.
pub(crate) fn ready_made(digits: &str, site: &Site) -> Result<What, Answer> {
    let digits: String = digits.split_whitespace().collect();
    let bytes = hex::decode(&digits);
    let bytes =
        bytes.ok_or_else(|| Answer::refusal(400, "hex: not pairs of hexadecimal digits"))?;
    let told = cloud::parse_uper(&bytes, LONGEST_RSI, site, clock::now().utc);
    let told = told.map_err(|reason| Answer::refusal(422, &reason))?;
    Ok(What::Many { told, digits })
}

/// Binds beside the path and moves there, so that nobody else finds it open for a moment.
/// What [`listen`] would meet, without making anything.
pub(crate) fn look(path: &Path) -> io::Result<()> {
    writable(path.parent().unwrap_or(Path::new("")))?;
    is_socket(path)
        .map(|_| ())
        .map_err(|error| named(path, &error))
}

/// Whether an earlier socket is there; an error where something else is.
fn is_socket(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            let error = "something that is no socket is there";
            Err(io::Error::new(io::ErrorKind::AlreadyExists, error))
        }
        found => Ok(found.is_ok()),
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)?;
    }
    if is_socket(path)? && std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens there",
        ));
    }
    let mut beside = OsString::from(path.as_os_str());
    beside.push(".new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&beside)?;
    fs::set_permissions(&beside, Permissions::from_mode(0o600))?;
    fs::rename(&beside, path)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::fixture::crossing;

    #[test]
    fn what_stands_twice_and_what_is_no_order_are_refused() {
        let site = crossing(2, 2);
        let refused = |line: &[u8]| {
            let answer = understand(line, &site).expect_err("no order");
            (answer.code, answer.body["error"].to_string())
        };
        let (code, why) = refused(br#"{"do": "add", "event": {"level": 4, "level": 7}}"#);
        assert!(
            code == 422 && why.contains("event.level: stands twice"),
            "{why}"
        );
        for line in [&b"{"[..], b"[]", br#"{"do": "dance"}"#] {
            let (code, why) = refused(line);
            assert!(code == 400 && why.contains("not understood"), "{why}");
        }
        let once = br#"{"do": "add", "event": {"level": 4}}"#;
        assert!(matches!(
            understand(once, &site).map(|wish| wish.what),
            Ok(What::Add(_))
        ));
    }
}
