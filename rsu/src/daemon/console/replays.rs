//! A recording that is played back because somebody at the page asks for it.
//!
//! It runs in a program of its own, `rsu replay FILE`, so that nothing of it is near the heart: that
//! program opens no radio, stands back behind all who want the processor, and shows its page on a
//! socket that it inherits from us. What is asked for under `/replay/` is passed on to it. There is one
//! at a time, and it ends with its file, with us, or when nobody has looked at it for a while. Not
//! here: how a recording is played.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, absolute};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use super::{Known, LONGEST_BODY, refused, wrong};
use crate::daemon::record::Folder;
use crate::daemon::stop::lock;

/// This very program, also where its file has been replaced by a newer one.
const PROGRAM: &str = "/proc/self/exe";
/// Where its page is, as ours has it.
const UNDER: &str = "/replay";
/// Of what it says the last so many bytes are kept.
const MOST_SAID: usize = 2048;
/// How many times faster than it was.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=100.0;
/// Longer than any run.
const LATEST_S: f64 = 1e7;

/// What the console has of it.
#[derive(Debug)]
pub(super) struct Replays {
    folder: Option<Folder>,
    now: Mutex<Option<Replay>>,
}

/// One recording that is, or was last, played back.
#[derive(Debug)]
struct Replay {
    child: Child,
    address: SocketAddr,
    file: String,
    speed: f64,
    from_s: f64,
    said: Arc<Mutex<Vec<u8>>>,
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// A name of the list; none: what is played is ended.
    file: Option<String>,
    #[serde(default = "as_it_was")]
    speed: f64,
    #[serde(default)]
    from_s: f64,
}

fn as_it_was() -> f64 {
    1.0
}

impl Replays {
    pub(super) fn new(folder: Option<Folder>) -> Self {
        Self {
            folder,
            now: Mutex::default(),
        }
    }

    /// What is played, or was last.
    fn told(&self) -> Value {
        let mut now = lock(&self.now);
        let Some(replay) = now.as_mut() else {
            return json!({
                "state": "none", "file": null, "speed": null, "from_s": null, "said": null,
            });
        };
        json!({
            "state": replay.state(), "file": replay.file,
            "speed": replay.speed, "from_s": replay.from_s, "said": replay.said(),
        })
    }

    /// Where it is shown, while it is played.
    fn address(&self) -> Option<SocketAddr> {
        let mut now = lock(&self.now);
        let replay = now.as_mut()?;
        (replay.state() == "playing").then_some(replay.address)
    }

    /// Ends what is played, and waits for that.
    pub(super) fn end(&self) {
        // Dropped outside of the lock: it waits for the program's end.
        let ended = lock(&self.now).take();
        drop(ended);
    }

    fn begin(&self, path: &Path, file: String, wish: &Wish) -> io::Result<Result<(), String>> {
        let mut now = lock(&self.now);
        if let Some(replay) = now.as_mut()
            && replay.state() == "playing"
        {
            return Ok(Err(format!(
                "{} is being played: end it first",
                replay.file
            )));
        }
        *now = Some(Replay::begin(path, file, wish)?);
        Ok(Ok(()))
    }
}

impl Replay {
    fn begin(path: &Path, file: String, wish: &Wish) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mut child = Command::new(PROGRAM)
            .arg("replay")
            .arg(absolute(path)?)
            .args(["--console-on-stdin", "--speed", &wish.speed.to_string()])
            .args(["--from", &wish.from_s.to_string()])
            // It needs nothing of ours, and no word of ours is for it.
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = Arc::<Mutex<Vec<u8>>>::default();
        if let Some(stderr) = child.stderr.take() {
            let said = Arc::clone(&said);
            let listening = thread::Builder::new().name("replay".to_owned());
            listening.spawn(move || listen(stderr, &said))?;
        }
        Ok(Self {
            child,
            address,
            file,
            speed: wish.speed,
            from_s: wish.from_s,
            said,
        })
    }

    fn state(&mut self) -> &'static str {
        match self.child.try_wait() {
            Ok(None) => "playing",
            Ok(Some(status)) if status.success() => "ended",
            Ok(Some(_)) | Err(_) => "failed",
        }
    }

    fn said(&self) -> String {
        let said = lock(&self.said);
        String::from_utf8_lossy(&said).trim().to_owned()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the end of what it says.
fn listen(mut from: impl Read, said: &Mutex<Vec<u8>>) {
    let mut piece = [0; 512];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let mut said = lock(said);
        said.extend_from_slice(&piece[..length]);
        let over = said.len().saturating_sub(MOST_SAID);
        said.drain(..over);
    }
}

pub(super) async fn show(State(about): Known) -> Json<Value> {
    Json(about.replays.told())
}

/// Begins to play a recording, or ends that.
pub(super) async fn switch(
    State(about): Known,
    headers: HeaderMap,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Response {
    if let Err((code, reason)) = about.keeper.admit(&headers).await {
        return wrong(code, &reason);
    }
    let Json(wish) = match wish {
        Ok(wish) => wish,
        Err(refusal) => return refused(refusal.status(), &refusal.body_text()),
    };
    if !SPEEDS.contains(&wish.speed) || !(0.0..=LATEST_S).contains(&wish.from_s) {
        let reason = "`speed` must be 0.1 to 100, and `from_s` not negative";
        return wrong(StatusCode::BAD_REQUEST, reason);
    }
    let known = Arc::clone(&about);
    let done = spawn_blocking(move || begin_or_end(&known.replays, &wish)).await;
    match done {
        Ok(Ok(())) => Json(about.replays.told()).into_response(),
        Ok(Err((code, reason))) => wrong(code, &reason),
        Err(_) => wrong(StatusCode::SERVICE_UNAVAILABLE, "the console is ending"),
    }
}

fn begin_or_end(replays: &Replays, wish: &Wish) -> Result<(), (StatusCode, String)> {
    let Some(file) = wish.file.clone() else {
        replays.end();
        return Ok(());
    };
    let failed = |error: io::Error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let path = match &replays.folder {
        Some(folder) => folder.find(&file).map_err(failed)?,
        None => None,
    };
    let Some(path) = path else {
        let reason = "there is no such recording".to_owned();
        return Err((StatusCode::NOT_FOUND, reason));
    };
    tracing::info!(file, "replay: begun, as asked for over the console");
    let begun = replays.begin(&path, file, wish).map_err(failed)?;
    begun.map_err(|reason| (StatusCode::CONFLICT, reason))
}

/// The page of what is played, and all that it asks for.
pub(super) async fn pass(State(about): Known, request: Request) -> Response {
    let Some(address) = about.replays.address() else {
        return match request.uri().path() == "/replay/" {
            true => Redirect::to("../#/record").into_response(),
            false => wrong(StatusCode::NOT_FOUND, "nothing is being played"),
        };
    };
    pass_on(address, request).await.unwrap_or_else(|error| {
        let reason = format!("the replay does not answer: {error}");
        wrong(StatusCode::BAD_GATEWAY, &reason)
    })
}

async fn pass_on(
    address: SocketAddr,
    request: Request,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LONGEST_BODY).await?;
    let asked = head.uri.path_and_query().map_or("", |asked| asked.as_str());
    let asked = asked.strip_prefix(UNDER).unwrap_or("/");
    let mut request = Request::builder()
        .method(head.method)
        .uri(asked)
        .header(header::HOST, "replay");
    // The word that lets people change something here is not for it.
    for name in [
        header::ACCEPT,
        header::ACCEPT_ENCODING,
        header::CONTENT_TYPE,
    ] {
        if let Some(value) = head.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer, or with who reads it.
    tokio::spawn(connection);
    let answer = sender.send_request(request.body(Body::from(body))?).await?;
    let mut answer = answer.map(Body::new);
    // They are of one connection alone.
    for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
        answer.headers_mut().remove(name);
    }
    Ok(answer.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_it_says_the_end_is_kept() {
        let said = Mutex::default();
        let text = format!("{}the reason", "x".repeat(10_000));
        listen(text.as_bytes(), &said);
        let said = lock(&said);
        assert_eq!(said.len(), MOST_SAID);
        assert!(said.ends_with(b"xthe reason"));
    }
}
