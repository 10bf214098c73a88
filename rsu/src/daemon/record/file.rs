//! One file of a recording: MCAP with JSON messages, in chunks that are complete on the disk within a
//! second or so, so that a process that is killed leaves a file that can be read.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use mcap::records::MessageHeader;
use mcap::{Compression, McapError, WriteOptions, Writer};
use serde::Serialize;

use super::entry::{self, KINDS};

/// Bytes before compression after which a chunk is closed even within a second.
const CHUNK: u64 = 512 * 1024;
/// Fast, and half of what stronger ones gain.
const LEVEL: u32 = 1;

/// A file that grows.
pub(super) struct Part {
    pub(super) path: PathBuf,
    writer: Writer<BufWriter<File>>,
    /// The same file, to ask for its length.
    file: File,
    /// Channels by topic.
    channels: BTreeMap<String, u16>,
    sequence: u32,
    body: Vec<u8>,
}

impl Part {
    /// Makes the file and says first what unit this is.
    pub(super) fn create(path: PathBuf, start: &entry::Start) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            // It tells who drove where; only the unit's user and group need it.
            .mode(0o640)
            .open(&path)?;
        let options = WriteOptions::new()
            .profile("rsu")
            .library(concat!("rsu ", env!("CARGO_PKG_VERSION")))
            .compression(Some(Compression::Zstd))
            .compression_level(LEVEL)
            .chunk_size(Some(CHUNK))
            // A chunk is written when it is whole: nothing half-written is ever seen.
            .disable_seeking(true);
        let mut writer = options
            .create(BufWriter::new(file.try_clone()?))
            .map_err(error)?;
        for kind in &KINDS {
            let added = writer.add_schema(kind.schema, "jsonschema", kind.text.as_bytes());
            added.map_err(error)?;
        }
        let mut part = Self {
            path,
            writer,
            file,
            channels: BTreeMap::new(),
            sequence: 0,
            body: Vec::with_capacity(16 * 1024),
        };
        part.write("/start", entry::kind::START, start.utc_ns, start)?;
        Ok(part)
    }

    /// Adds one message of a kind.
    pub(super) fn write(
        &mut self,
        topic: &str,
        kind: usize,
        utc_ns: i64,
        message: &impl Serialize,
    ) -> io::Result<()> {
        let channel_id = match self.channels.get(topic) {
            Some(id) => *id,
            None => {
                let schema = kind as u16 + 1;
                let none = BTreeMap::new();
                let id = self.writer.add_channel(schema, topic, "json", &none);
                let id = id.map_err(error)?;
                self.channels.insert(topic.to_owned(), id);
                id
            }
        };
        self.body.clear();
        serde_json::to_writer(&mut self.body, message)?;
        let time = u64::try_from(utc_ns).unwrap_or(0);
        let header = MessageHeader {
            channel_id,
            sequence: self.sequence,
            log_time: time,
            publish_time: time,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let written = self.writer.write_to_known_channel(&header, &self.body);
        written.map_err(error)
    }

    /// Ends the chunk and hands it to the system; how long the file is now.
    pub(super) fn flush(&mut self) -> io::Result<u64> {
        self.writer.flush().map_err(error)?;
        Ok(self.file.metadata()?.len())
    }

    /// Writes the index at the end, and asks the disk to keep it all.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.writer.finish().map_err(error)?;
        self.file.sync_all()
    }
}

/// The system's own error, where it is one.
fn error(error: McapError) -> io::Error {
    match error {
        McapError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// Whether a file is one of ours, by its name.
pub(super) fn is_recording(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "mcap")
}
