//! The page's files, in the program, as they are and as gzip. `npm run build` in `rsu/web` makes them of
//! the sources there, and they are committed, so that cargo alone builds; `./tests/page/run` makes them
//! anew and compares.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

macro_rules! files {
    ($(($name:literal, $kind:literal)),* $(,)?) => {
        &[$(File {
            name: $name,
            kind: $kind,
            text: include_str!(concat!("../../../web/dist/", $name)),
            packed: include_bytes!(concat!("../../../web/dist/", $name, ".gz")),
        }),*]
    };
}

struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    /// The same as gzip.
    packed: &'static [u8],
}

const FILES: &[File] = files![
    ("index.html", "text/html; charset=utf-8"),
    ("style.css", "text/css; charset=utf-8"),
    ("app.js", "text/javascript; charset=utf-8"),
    ("icon.svg", "image/svg+xml"),
];

/// A file by its name, packed for who takes that.
pub(super) fn file(name: &str, asked: &HeaderMap) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return (StatusCode::NOT_FOUND, "no such page\n").into_response();
    };
    let mut response = if takes_gzip(asked) {
        ([(header::CONTENT_ENCODING, "gzip")], file.packed).into_response()
    } else {
        file.text.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    let wishes = asked.get_all(header::ACCEPT_ENCODING).into_iter();
    let mut codings = wishes
        .filter_map(|wish| wish.to_str().ok())
        .flat_map(|wish| wish.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_who_takes_it() {
        let takes = |wish: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(
                header::ACCEPT_ENCODING,
                HeaderValue::from_str(wish).unwrap(),
            );
            takes_gzip(&asked)
        };
        assert!(takes("gzip, deflate, br") && takes("br;q=1, GZIP;q=0.5"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes(""));
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_packed_is_small() {
        let all: usize = FILES.iter().map(|file| file.text.len()).sum();
        let packed: usize = FILES.iter().map(|file| file.packed.len()).sum();
        assert!(2 * packed < all, "{packed} of {all}");
    }
}
