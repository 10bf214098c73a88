//! Vectors: what other people's encoders made of a message, and the message as JSON.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "shared between test programs, each of which uses a part of it"
)]

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One line of a file of vectors.
pub struct Vector {
    /// File and line, for messages.
    pub place: String,
    pub octets: Vec<u8>,
    pub line: Value,
}

impl Vector {
    /// The JSON view that the other encoder gives.
    pub fn jer(&self) -> &Value {
        &self.line["jer"]
    }
}

/// Vectors of our own making that come with the crate.
pub fn own(file: &str) -> Vec<Vector> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data", file]
        .iter()
        .collect();
    let vectors = read(&path);
    vectors.expect("the file comes with the crate")
}

/// Vectors that lie beside the project, if they do here.
pub fn shared(file: &str) -> Option<Vec<Vector>> {
    let path: PathBuf = [
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors"),
        file,
    ]
    .iter()
    .collect();
    let vectors = read(&path);
    if vectors.is_none() {
        eprintln!("skipped: no {file} in ../shared/vectors");
    }
    vectors
}

fn read(path: &Path) -> Option<Vec<Vector>> {
    let text = std::fs::read_to_string(path).ok()?;
    let vector = |(index, line): (usize, &str)| {
        let line: Value = serde_json::from_str(line).unwrap();
        Vector {
            place: format!("{}:{}", path.display(), index + 1),
            octets: octets(line["hex"].as_str().unwrap()),
            line,
        }
    };
    Some(text.lines().enumerate().map(vector).collect())
}

fn octets(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Encodes into a buffer of any size that a frame may take.
pub fn encoded(message: &v2x_msg::Message) -> Vec<u8> {
    let mut out = vec![0; 70_000];
    let len = message.encode_into(&mut out).unwrap();
    out.truncate(len);
    out
}
