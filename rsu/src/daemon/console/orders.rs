//! Orders over HTTP: `POST`, `PATCH` and `DELETE` of events with a bearer token, and what stands.
//!
//! Not here: who may (`keeper`), and what becomes of orders.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::refusal::{plain, wrong};
use super::{About, Known, LONGEST_BODY};
use crate::daemon::orders::control::ready_made;
use crate::daemon::orders::{Answer, What, Wish, is_key};
use crate::events::ask::whole;

/// A body that came whole, or why it did not.
type Body = Result<Bytes, BytesRejection>;

pub(super) async fn add(State(about): Known, headers: HeaderMap, body: Body) -> Response {
    order(&about, &headers, || Ok(What::Add(json(body)?))).await
}

pub(super) async fn change(
    State(about): Known,
    number: Result<Path<u64>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match number {
        Ok(Path(number)) => order(&about, &headers, || Ok(What::Change(number, json(body)?))).await,
        Err(refusal) => no_number(&refusal),
    }
}

pub(super) async fn end(
    State(about): Known,
    number: Result<Path<u64>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    match number {
        Ok(Path(number)) => order(&about, &headers, || Ok(What::End(number))).await,
        Err(refusal) => no_number(&refusal),
    }
}

fn no_number(refusal: &PathRejection) -> Response {
    wrong(refusal.status(), refusal.body_text().as_str())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadyMade {
    hex: String,
}

/// A ready-made RSI.
pub(super) async fn rsi(State(about): Known, headers: HeaderMap, body: Body) -> Response {
    let site = Arc::clone(&about.shared.site);
    order(&about, &headers, || {
        let asked: ReadyMade = serde_json::from_value(json(body)?)
            .map_err(|error| Answer::refusal(400, &error.to_string()))?;
        ready_made(&asked.hex, &site)
    })
    .await
}

pub(super) async fn list(State(about): Known) -> Response {
    ask(&about, What::List, None).await
}

pub(super) async fn show(
    State(about): Known,
    number: Result<Path<u64>, PathRejection>,
) -> Response {
    match number {
        Ok(Path(number)) => ask(&about, What::Show(number), None).await,
        Err(refusal) => no_number(&refusal),
    }
}

async fn order(
    about: &About,
    headers: &HeaderMap,
    what: impl FnOnce() -> Result<What, Answer>,
) -> Response {
    let tally = &about.shared.desk.tally;
    if let Err((code, reason)) = about.keeper.admit(headers).await {
        tally.count(code.as_u16());
        return wrong(code, reason);
    }
    if about.shared.orders.is_none() {
        tally.count(StatusCode::FORBIDDEN.as_u16());
        let told = "nobody may order here: the configuration names no `journal` under [orders]";
        return wrong(StatusCode::FORBIDDEN, plain("no-orders", told));
    }
    let key = match headers.get("idempotency-key").map(HeaderValue::to_str) {
        None => None,
        Some(Ok(key)) if is_key(key) => Some(key.to_owned()),
        Some(_) => {
            tally.count(StatusCode::BAD_REQUEST.as_u16());
            let reason = "Idempotency-Key: must be 1 to 128 visible ASCII characters";
            return wrong(StatusCode::BAD_REQUEST, reason);
        }
    };
    match what() {
        Ok(what) => ask(about, what, key).await,
        Err(answer) => {
            tally.count(answer.code);
            response(answer)
        }
    }
}

async fn ask(about: &About, what: What, key: Option<String>) -> Response {
    response(about.shared.desk.ask(Wish { what, key }).await)
}

fn response(answer: Answer) -> Response {
    let code = StatusCode::from_u16(answer.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (code, Json(answer.body)).into_response();
    let headers = response.headers_mut();
    if answer.again {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    if code == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn json(body: Body) -> Result<Value, Answer> {
    let body = body.map_err(|refusal| match refusal.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Answer::refusal(
            413,
            &format!("the body is longer than {LONGEST_BODY} bytes"),
        ),
        code => Answer::refusal(code.as_u16(), &refusal.body_text()),
    })?;
    whole::parse(&body).map_err(|why| Answer::unusable(&why, "no JSON"))
}
