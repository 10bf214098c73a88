//! Messages over HTTP: the last that were sent, one of them, and what somebody has the hex of.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Known;
use super::page::{LAST, decode};
use super::refusal::{plain, refused, wrong};
use crate::config::Reason;
use crate::daemon::hex;
use crate::station::FrameKind;

#[derive(Deserialize)]
pub(super) struct Wanted {
    kind: Option<String>,
    limit: Option<usize>,
}

/// The last messages, of one kind or of all.
pub(super) async fn list(
    State(about): Known,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(refusal) => return refused(refusal.status(), &refusal.body_text()),
    };
    let kind = wanted.kind.as_deref();
    if kind.is_some_and(|name| FrameKind::ALL.iter().all(|kind| kind.name() != name)) {
        let kinds: Vec<&str> = FrameKind::ALL.iter().map(|kind| kind.name()).collect();
        let reason = format!("`kind` must be one of {}", kinds.join(", "));
        return wrong(
            StatusCode::BAD_REQUEST,
            Reason::new("kinds", [kinds.join(", ")], reason),
        );
    }
    let most = wanted.limit.unwrap_or(100);
    if !(1..=LAST).contains(&most) {
        return wrong(
            StatusCode::BAD_REQUEST,
            plain("limit", "`limit` must be 1 to 500"),
        );
    }
    Json(about.page.headlines(kind, most)).into_response()
}

/// One of them, with all that can be said of it.
pub(super) async fn show(
    State(about): Known,
    number: Result<Path<u64>, PathRejection>,
) -> Response {
    let number = match number {
        Ok(Path(number)) => number,
        Err(refusal) => return refused(refusal.status(), &refusal.body_text()),
    };
    match about.page.message(number) {
        Some(message) => Json(message).into_response(),
        None => wrong(
            StatusCode::NOT_FOUND,
            plain("no-message", "no longer, or not yet, among the last"),
        ),
    }
}

#[derive(Deserialize)]
pub(super) struct ToDecode {
    hex: String,
}

/// What is pasted, as JSON.
pub(super) async fn decode_hex(asked: Result<Json<ToDecode>, JsonRejection>) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(refusal) => return refused(refusal.status(), &refusal.body_text()),
    };
    let digits: String = asked.hex.split_whitespace().collect();
    let Some(bytes) = hex::decode(&digits) else {
        return wrong(
            StatusCode::BAD_REQUEST,
            plain("not-hex", "not pairs of hexadecimal digits"),
        );
    };
    match decode(&bytes) {
        Ok(message) => Json(json!({ "message": message })).into_response(),
        Err(reason) => {
            let reason = Reason::new("not-decoded", [reason.clone()], reason);
            wrong(StatusCode::BAD_REQUEST, reason)
        }
    }
}
