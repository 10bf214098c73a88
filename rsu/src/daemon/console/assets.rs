//! The page's files, in the program. They are plain modules of today's browsers: what is in `rsu/web`
//! is what is served, and nothing has to be built.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

macro_rules! files {
    ($(($name:literal, $kind:literal)),* $(,)?) => {
        &[$(($name, $kind, include_str!(concat!("../../../web/", $name)))),*]
    };
}

/// Name, kind and text of each.
const FILES: &[(&str, &str, &str)] = files![
    ("index.html", "text/html; charset=utf-8"),
    ("style.css", "text/css; charset=utf-8"),
    ("app.js", "text/javascript; charset=utf-8"),
    ("words.js", "text/javascript; charset=utf-8"),
    ("road.js", "text/javascript; charset=utf-8"),
    ("icon.svg", "image/svg+xml"),
];

/// A file by its name.
pub(super) fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => (StatusCode::NOT_FOUND, "no such page\n").into_response(),
    }
}
