//! The recordings over HTTP: list, fetch, begin and end. What a name may lead to is decided by the
//! folder itself; files hold the configuration as it was written, so who fetches one must know the
//! word as well.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::Known;
use super::refusal::{ending, plain, refused, system, wrong};
use crate::config::Reason;
use crate::daemon::record::Folder;

/// Files fetched at once: the disk is the recorder's first.
const FETCHED_AT_ONCE: usize = 2;
/// Read at once.
const PIECE: usize = 64 * 1024;

/// What the console has of the recordings.
#[derive(Debug)]
pub(super) struct Recordings {
    folder: Option<Folder>,
    fetchers: Arc<Semaphore>,
}

impl Recordings {
    pub(super) fn new(folder: Option<Folder>) -> Self {
        Self {
            folder,
            fetchers: Arc::new(Semaphore::new(FETCHED_AT_ONCE)),
        }
    }
}

/// What a list holds, read off the disk.
struct Listed {
    files: Vec<crate::daemon::record::Kept>,
    free: u64,
}

pub(super) async fn list(State(about): Known) -> Response {
    let Some(folder) = about.recordings.folder.clone() else {
        return Json(json!({ "folder": null, "on": false, "files": [] })).into_response();
    };
    let path = folder.path().display().to_string();
    let read = spawn_blocking(move || -> io::Result<Listed> {
        let files = folder.list()?;
        // Of a folder that is not there yet nothing can be said.
        let free = folder.free_bytes().unwrap_or(0);
        Ok(Listed { files, free })
    });
    let listed = match read.await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return wrong(StatusCode::INTERNAL_SERVER_ERROR, system(&error)),
        Err(_) => return ending(),
    };
    let recording = about.shared.snapshot().recording;
    let growing = recording.as_ref().and_then(|now| now.file.as_ref());
    let growing = growing.and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let unix_ms = |at: SystemTime| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    };
    let files = listed.files.iter().map(|kept| {
        json!({
            "name": kept.name, "bytes": kept.bytes, "growing": growing.as_ref() == Some(&kept.name),
            "began_utc_ms": kept.began.and_then(unix_ms), "ended_utc_ms": kept.ended.and_then(unix_ms),
        })
    });
    Json(json!({
        "folder": path,
        "on": recording.as_ref().is_some_and(|now| now.on),
        "trouble": recording.and_then(|now| now.trouble),
        "free_bytes": listed.free,
        "files": files.collect::<Vec<_>>(),
    }))
    .into_response()
}

/// One file, as it is now.
pub(super) async fn fetch(
    State(about): Known,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err((code, reason)) = about.keeper.admit(&headers).await {
        return wrong(code, reason);
    }
    let Some(folder) = about.recordings.folder.clone() else {
        return wrong(
            StatusCode::NOT_FOUND,
            plain("not-recorded", "nothing is recorded here"),
        );
    };
    let Ok(place) = Arc::clone(&about.recordings.fetchers).try_acquire_owned() else {
        let told = "two files are being fetched already; try again";
        return wrong(StatusCode::TOO_MANY_REQUESTS, plain("two-fetched", told));
    };
    let wanted = name.clone();
    let opened = spawn_blocking(move || -> io::Result<Option<(File, u64)>> {
        let Some(file) = folder.open(&wanted)? else {
            return Ok(None);
        };
        let length = file.metadata()?.len();
        Ok(Some((file, length)))
    });
    let (file, length) = match opened.await {
        Ok(Ok(Some(opened))) => opened,
        Ok(Ok(None)) => return wrong(StatusCode::NOT_FOUND, no_such_recording()),
        Ok(Err(error)) => return wrong(StatusCode::INTERNAL_SERVER_ERROR, system(&error)),
        Err(_) => return ending(),
    };
    // One that grows meanwhile is sent as long as it is now.
    let pieces = stream::unfold((file.take(length), place), |(mut file, place)| async move {
        let read = spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece);
            read.map(|length| {
                piece.truncate(length);
                (piece, file)
            })
        });
        match read.await {
            Ok(Ok((piece, _))) if piece.is_empty() => None,
            Ok(Ok((piece, file))) => {
                let piece: io::Result<Bytes> = Ok(piece.into());
                Some((piece, (file, place)))
            }
            // Shorter than was said: whoever fetches it sees that.
            Ok(Err(_)) | Err(_) => None,
        }
    });
    let kind = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        // The name is one of the folder's own, of letters, digits, dots and hyphens.
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (kind, Body::from_stream(pieces)).into_response()
}

#[derive(Deserialize)]
pub(super) struct Wish {
    on: bool,
}

/// Begins or ends the recording of what passes from now on.
pub(super) async fn switch(
    State(about): Known,
    headers: HeaderMap,
    wish: Result<Json<Wish>, axum::extract::rejection::JsonRejection>,
) -> Response {
    if let Err((code, reason)) = about.keeper.admit(&headers).await {
        return wrong(code, reason);
    }
    let Json(wish) = match wish {
        Ok(wish) => wish,
        Err(refusal) => return refused(refusal.status(), &refusal.body_text()),
    };
    let Some(reader) = &about.shared.watchers.record else {
        let told = "the configuration names no `folder` under [record]";
        return wrong(StatusCode::CONFLICT, plain("no-folder", told));
    };
    if reader.shutter.is_open() != wish.on {
        let word = if wish.on { "begun" } else { "ended" };
        tracing::info!("recording: {word}, as asked for over the console");
        reader.shutter.set(wish.on);
    }
    Json(json!({ "on": wish.on })).into_response()
}

pub(super) fn no_such_recording() -> Reason {
    plain("no-such-recording", "there is no such recording")
}
