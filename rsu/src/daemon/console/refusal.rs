//! How the console refuses: a code of HTTP, a sentence in English, and the code of that sentence with its
//! values, by which the page says it in the language of who reads.

use std::io;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::LONGEST_BODY;
use crate::config::Reason;

pub(super) fn wrong(code: StatusCode, reason: impl Into<Reason>) -> Response {
    let Reason {
        text,
        code: sort,
        values,
    } = reason.into();
    let told = json!({ "error": text, "code": sort, "values": values });
    let mut response = (code, Json(told)).into_response();
    if code == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// A reason without values.
pub(super) fn plain(code: &'static str, text: &str) -> Reason {
    Reason::new(code, [], text.to_owned())
}

/// The system's word.
pub(super) fn system(error: &io::Error) -> Reason {
    let told = error.to_string();
    Reason::new("system", [told.clone()], told)
}

/// What the framework says of a request that is none; of one that is too long, how long it may be.
pub(super) fn refused(code: StatusCode, text: &str) -> Response {
    if code == StatusCode::PAYLOAD_TOO_LARGE {
        let told = format!("the body is longer than {LONGEST_BODY} bytes");
        let values = [LONGEST_BODY.to_string()];
        return wrong(code, Reason::new("too-long", values, told));
    }
    wrong(
        code,
        Reason::new("no-request", [text.to_owned()], text.to_owned()),
    )
}

pub(super) fn ending() -> Response {
    wrong(
        StatusCode::SERVICE_UNAVAILABLE,
        plain("ending", "the console is ending"),
    )
}
