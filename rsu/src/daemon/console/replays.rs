//! A recording that is played back because somebody at the page asks for it.
//!
//! It runs in a program of its own, `rsu replay FILE`, so that nothing of it is near the heart: that
//! program opens no radio, stands back behind all who want the processor, and shows its page on a
//! socket that it inherits from us. What is asked for under `/replay/` is passed on to it. There is one
//! at a time, and it ends with its file, with us, or when nobody has looked at it for a while. Not
//! here: how a recording is played.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, absolute};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

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

use super::recordings::no_such_recording;
use super::refusal::{ending, plain, refused, system, wrong};
use super::{Known, LONGEST_BODY};
use crate::config::Reason;
use crate::daemon::record::Folder;
use crate::daemon::record::span::{Point, is_backwards};
use crate::daemon::replay::said::Said;
use crate::daemon::stop::lock;

/// This very program, also where its file has been replaced by a newer one.
const PROGRAM: &str = "/proc/self/exe";
/// Where its page is, as ours has it.
const UNDER: &str = "/replay";
/// Of what it says the last so many lines are kept, and so many bytes of each.
const MOST_SAID: usize = 8;
const LONGEST_LINE: usize = 8 * 1024;
/// How often one that has closed its mouth is looked at until it has ended.
const REAP_EVERY: Duration = Duration::from_millis(20);
/// How many times faster than it was.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=100.0;

/// What the console has of it.
#[derive(Debug)]
pub(super) struct Replays {
    folder: Option<Folder>,
    now: Mutex<Option<Replay>>,
}

/// One recording that is, or was last, played back.
#[derive(Debug)]
struct Replay {
    child: Arc<Mutex<Child>>,
    address: SocketAddr,
    file: String,
    speed: f64,
    from: Option<Point>,
    to: Option<Point>,
    said: Arc<Mutex<VecDeque<Said>>>,
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// A name of the list; none: what is played is ended.
    file: Option<String>,
    #[serde(default = "as_it_was")]
    speed: f64,
    /// As `--from` and `--to` of the command.
    from: Option<String>,
    to: Option<String>,
}

/// The same, understood.
#[derive(Debug)]
struct Plan {
    file: Option<String>,
    speed: f64,
    from: Option<Point>,
    to: Option<Point>,
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
                "state": "none", "file": null, "speed": null, "from": null, "to": null, "said": [],
            });
        };
        json!({
            "state": replay.state(), "file": replay.file,
            "speed": replay.speed, "said": *lock(&replay.said),
            "from": replay.from.as_ref().map(Point::to_string),
            "to": replay.to.as_ref().map(Point::to_string),
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

    fn begin(&self, path: &Path, file: String, wish: &Plan) -> io::Result<Result<(), Reason>> {
        let mut now = lock(&self.now);
        if let Some(replay) = now.as_mut()
            && replay.state() == "playing"
        {
            let told = format!("{} is being played: end it first", replay.file);
            let values = [replay.file.clone()];
            return Ok(Err(Reason::new("replay-at-work", values, told)));
        }
        *now = Some(Replay::begin(path, file, wish)?);
        Ok(Ok(()))
    }
}

impl Replay {
    fn begin(path: &Path, file: String, wish: &Plan) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let points = [("from", &wish.from), ("to", &wish.to)];
        let points = points.into_iter().filter_map(|(name, point)| {
            let point = point.as_ref()?;
            Some(format!("--{name}={point}"))
        });
        let mut child = Command::new(PROGRAM)
            .arg("replay")
            .arg(absolute(path)?)
            .args(["--console-on-stdin", "--speed", &wish.speed.to_string()])
            .args(points)
            // It needs nothing of ours, and no word of ours is for it.
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = Arc::<Mutex<VecDeque<Said>>>::default();
        let stderr = child.stderr.take();
        // From here on it ends with this value, whatever fails.
        let replay = Self {
            child: Arc::new(Mutex::new(child)),
            address,
            file,
            speed: wish.speed,
            from: wish.from.clone(),
            to: wish.to.clone(),
            said: Arc::clone(&said),
        };
        if let Some(stderr) = stderr {
            let child = Arc::clone(&replay.child);
            let listening = thread::Builder::new().name("replay".to_owned());
            listening.spawn(move || {
                listen(stderr, &said);
                reap(&child);
            })?;
        }
        Ok(replay)
    }

    fn state(&mut self) -> &'static str {
        match lock(&self.child).try_wait() {
            Ok(None) => "playing",
            Ok(Some(status)) if status.success() => "ended",
            Ok(Some(_)) | Err(_) => "failed",
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        // It may have ended by itself.
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Keeps the last lines of what it says.
fn listen(from: impl Read, said: &Mutex<VecDeque<Said>>) {
    let (mut from, mut line) = (BufReader::new(from), Vec::new());
    loop {
        line.clear();
        let mut rest = (&mut from).take(LONGEST_LINE as u64);
        match rest.read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let mut said = lock(said);
        if said.len() == MOST_SAID {
            said.pop_front();
        }
        said.push_back(Said::parse(text.trim()));
    }
}

/// Asks the system for the end of what has ended, so that nothing of it is left, also where nobody
/// looks at the page any more. Who wants to end it meanwhile must not wait for us.
fn reap(child: &Mutex<Child>) {
    while let Ok(None) = lock(child).try_wait() {
        thread::sleep(REAP_EVERY);
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
        return wrong(code, reason);
    }
    let Json(wish) = match wish {
        Ok(wish) => wish,
        Err(refusal) => return refused(refusal.status(), &refusal.body_text()),
    };
    let plan = match wish.plan() {
        Ok(plan) => plan,
        Err(reason) => return wrong(StatusCode::BAD_REQUEST, reason),
    };
    let known = Arc::clone(&about);
    let done = spawn_blocking(move || begin_or_end(&known.replays, &plan)).await;
    match done {
        Ok(Ok(())) => Json(about.replays.told()).into_response(),
        Ok(Err((code, reason))) => wrong(code, reason),
        Err(_) => ending(),
    }
}

impl Wish {
    fn plan(self) -> Result<Plan, Reason> {
        if !SPEEDS.contains(&self.speed) {
            let told = "`speed` must be 0.1 to 100".to_owned();
            return Err(Reason::new("replay-speed", [], told));
        }
        let point = |name: &str, text: Option<String>| -> Result<Option<Point>, Reason> {
            let Some(text) = text else { return Ok(None) };
            let point = text.parse().map_err(|form: String| {
                let told = format!("`{name}` {form}, not \"{text}\"");
                Reason::new("replay-when", [text.clone()], told)
            });
            point.map(Some)
        };
        let (from, to) = (point("from", self.from)?, point("to", self.to)?);
        Ok(Plan {
            file: self.file,
            speed: self.speed,
            from,
            to,
        })
    }
}

fn begin_or_end(replays: &Replays, wish: &Plan) -> Result<(), (StatusCode, Reason)> {
    let Some(file) = wish.file.clone() else {
        replays.end();
        return Ok(());
    };
    let failed = |error: io::Error| (StatusCode::INTERNAL_SERVER_ERROR, system(&error));
    let path = match &replays.folder {
        Some(folder) => folder.find(&file).map_err(failed)?,
        None => None,
    };
    let Some(path) = path else {
        return Err((StatusCode::NOT_FOUND, no_such_recording()));
    };
    if let (Some(from), Some(to)) = (&wish.from, &wish.to)
        && is_backwards(from, to)
    {
        let values = [to.to_string(), from.to_string()];
        let told = "`to` must be later than `from`: nothing lies between".to_owned();
        let reason = Reason::new("to-not-later", values, told);
        return Err((StatusCode::BAD_REQUEST, reason));
    }
    tracing::info!(file, "replay: begun, as asked for over the console");
    let begun = replays.begin(&path, file, wish).map_err(failed)?;
    begun.map_err(|reason| (StatusCode::CONFLICT, reason))
}

/// The page of what is played, and all that it asks for.
pub(super) async fn pass(State(about): Known, request: Request) -> Response {
    let Some(address) = about.replays.address() else {
        return match request.uri().path() == "/replay/" {
            true => Redirect::to("../#/record").into_response(),
            false => wrong(
                StatusCode::NOT_FOUND,
                plain("not-played", "nothing is being played"),
            ),
        };
    };
    pass_on(address, request).await.unwrap_or_else(|error| {
        let told = format!("the replay does not answer: {error}");
        let reason = Reason::new("replay-mute", [error.to_string()], told);
        wrong(StatusCode::BAD_GATEWAY, reason)
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
        let text = format!(
            "{}\n\n{{\"code\":\"empty\",\"values\":[],\"text\":\"the reason\"}}\n",
            "x".repeat(100_000)
        );
        listen(text.as_bytes(), &said);
        let said = lock(&said);
        assert_eq!(said.len(), MOST_SAID);
        assert!(said.iter().all(|said| said.text.len() <= LONGEST_LINE));
        let last = said.back().unwrap();
        assert_eq!((&*last.code, &*last.text), ("empty", "the reason"));
    }

    #[test]
    fn nothing_is_left_of_a_program_that_has_ended() {
        let mut child = Command::new("/bin/true");
        let child = Mutex::new(child.spawn().unwrap());
        let id = lock(&child).id();
        reap(&child);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }
}
