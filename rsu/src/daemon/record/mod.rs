//! The recording: all that was heard, how the heart was stepped and what was sent, so that it can be
//! looked at by any tool for MCAP and played back by `rsu replay`.
//!
//! A thread of its own empties the tap and the views that the others fill, and writes them; what it
//! does not come to is dropped by the tap, counted and marked in the file by a gap. A disk that
//! refuses is told of and tried again with a growing pause, while the unit goes on.
//!
//! - `entry`: the messages
//! - `file`: one file
//! - `folder`: names, quota, free space
//! - `news`: what the operator was told, as one of those messages
//! - `read`: a file back to messages; `span`: from where to where of them

pub(crate) mod entry;
mod file;
mod folder;
mod news;
pub(crate) mod read;
pub(crate) mod span;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::backoff::Backoff;
use super::map::geojson;
use super::probe::view::content_view;
use super::stop::{Stop, lock};
use super::tap::{Mark, Slot, Step};
use super::view::View;
use super::watchers::Reader;
use super::{clock, hex, say};
use crate::clock::{Mono, Now, Utc};
use crate::config::{Config, Record};
use crate::inputs::Decoder;
use crate::report::{Content, InputId};
use entry::kind;
use file::Part;
pub(crate) use folder::Folder;
#[cfg(feature = "console")]
pub(crate) use folder::Kept;
use news::News;

/// How often the tap is emptied.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a chunk is ended and the disk is looked at.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// What the recording has done, for others to read.
#[derive(Debug, Default)]
pub(crate) struct RecordTally {
    pub(crate) messages: AtomicU64,
    /// In files that are closed, and in the open one as of the last second.
    pub(crate) bytes: AtomicU64,
    pub(crate) files: AtomicU64,
    /// What passed while nothing could be written.
    pub(crate) unwritten: AtomicU64,
    pub(crate) failures: AtomicU64,
    file: Mutex<Option<PathBuf>>,
    trouble: Mutex<Option<String>>,
}

impl RecordTally {
    pub(crate) fn file(&self) -> Option<PathBuf> {
        lock(&self.file).clone()
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }
}

/// What the recorder's thread owns.
pub(crate) struct Recorder {
    wish: Record,
    folder: Folder,
    start: entry::Start,
    reader: Reader,
    tally: Arc<RecordTally>,
    stop: Arc<Stop>,
    /// The junction, as GeoJSON.
    map: serde_json::Value,
    /// By input; what they say is kept beside the bytes. None where that is not wished.
    decoders: Option<Vec<Decoder>>,
    part: Option<Open>,
    retry_at: Mono,
    backoff: Backoff,
    /// What the tap had lost when it was last looked at, and what has not been told in a file.
    lost_seen: u64,
    lost_untold: u64,
}

/// The file that grows.
struct Open {
    part: Part,
    since: Mono,
    flushed: Mono,
    bytes: u64,
}

impl Recorder {
    /// `start` and `seed` are the station's own.
    pub(crate) fn new(
        wish: Record,
        config: &Config,
        start: Now,
        seed: u64,
        reader: Reader,
        tally: Arc<RecordTally>,
        stop: Arc<Stop>,
    ) -> Self {
        let files = config.files.iter().map(|file| entry::File {
            path: file.path.clone(),
            text: file.text.clone(),
        });
        Self {
            folder: Folder::new(wish.clone(), &config.name),
            map: geojson::collection(&config.site),
            decoders: wish.reports.then(|| {
                let inputs = config.inputs.iter();
                inputs.map(|input| input.protocol.decoder()).collect()
            }),
            start: entry::Start {
                mono_ns: start.mono.nanos(),
                utc_ns: start.utc.unix_ns(),
                seed,
                // Later than the unit's own start: as after an earlier part that is not there.
                part: u32::from(!wish.at_start),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                name: config.name.clone(),
                inputs: config.inputs.iter().map(|i| i.name.clone()).collect(),
                files: files.collect(),
            },
            wish,
            reader,
            tally,
            stop,
            part: None,
            retry_at: Mono::ZERO,
            backoff: Backoff::default(),
            lost_seen: 0,
            lost_untold: 0,
        }
    }

    /// Writes until the wish to end, and what waits then.
    pub(crate) fn run(mut self) {
        loop {
            let stopping = self.stop.wait(LOOK_EVERY);
            self.work(clock::now());
            if stopping {
                break;
            }
        }
        if let Some(open) = self.part.take() {
            let ended = open.part.finish();
            if let Err(error) = ended {
                self.fail(clock::mono(), &error);
            }
        }
    }

    fn work(&mut self, now: Now) {
        let wanted = self.reader.shutter.is_open();
        if wanted {
            self.lost_untold += self.reader.shutter.take_passed();
        }
        if wanted && self.part.is_none() && now.mono >= self.retry_at {
            let opened = self.open(now);
            self.settle(now.mono, opened);
        }
        while let Some(slot) = self.reader.tap.take() {
            let written = self.write_slot(now, &slot);
            self.reader.tap.give_back(slot);
            self.settle(now.mono, written);
        }
        while let Some(view) = self.reader.views.take() {
            let written = self.write_view(&view);
            self.reader.views.give_back(view);
            self.settle(now.mono, written);
        }
        if wanted {
            let tended = self.tend(now);
            self.settle(now.mono, tended);
        } else {
            self.rest(now.mono);
        }
    }

    /// Nothing is wanted: what has been written is ended, and what was wrong is forgotten.
    fn rest(&mut self, now: Mono) {
        *lock(&self.tally.trouble) = None;
        self.retry_at = Mono::ZERO;
        if let Some(open) = self.part.take() {
            *lock(&self.tally.file) = None;
            let ended = open.part.finish();
            self.settle(now, ended);
        }
    }

    fn open(&mut self, now: Now) -> io::Result<()> {
        let began = Utc::from_unix_ns(self.start.utc_ns);
        let path = self.folder.next(began, self.start.part)?;
        let map = entry::Map {
            mono_ns: now.mono.nanos(),
            utc_ns: now.utc.unix_ns(),
            geojson: &self.map,
        };
        let part = Part::create(path.clone(), &self.start).and_then(|mut part| {
            part.write("/map", kind::MAP, map.utc_ns, &map)?;
            part.flush()?;
            Ok(part)
        });
        // Also after a failure: the next attempt must not meet what this one left.
        self.start.part += 1;
        let part = part.inspect_err(|error| {
            // It would be one more at every attempt; what was there before is not ours to remove.
            if error.kind() != io::ErrorKind::AlreadyExists {
                let _ = fs::remove_file(&path);
            }
        })?;
        self.part = Some(Open {
            part,
            since: now.mono,
            flushed: now.mono,
            bytes: 0,
        });
        self.tally.files.fetch_add(1, Ordering::Relaxed);
        *lock(&self.tally.file) = Some(path);
        *lock(&self.tally.trouble) = None;
        Ok(())
    }

    /// Once a second: ends the chunk, looks at the disk, and begins another file where it is time.
    fn tend(&mut self, now: Now) -> io::Result<()> {
        let Some(open) = &mut self.part else {
            return Ok(());
        };
        if now.mono.since(open.flushed) < FLUSH_EVERY {
            return Ok(());
        }
        open.flushed = now.mono;
        let bytes = open.part.flush()?;
        let grown = bytes.saturating_sub(open.bytes);
        open.bytes = bytes;
        self.tally.bytes.fetch_add(grown, Ordering::Relaxed);
        self.folder.keep_free()?;
        self.backoff.reset();
        let open = self.part.take_if(|open| {
            bytes >= self.wish.max_file_bytes
                || now.mono.since(open.since) >= self.wish.max_file_age
        });
        if let Some(open) = open {
            open.part.finish()?;
            self.open(now)?;
        }
        Ok(())
    }

    /// After a failure nothing is written for a while.
    fn settle(&mut self, now: Mono, done: io::Result<()>) {
        if let Err(error) = done {
            self.fail(now, &error);
        }
    }

    fn fail(&mut self, now: Mono, error: &io::Error) {
        self.tally.failures.fetch_add(1, Ordering::Relaxed);
        let what = match &self.part {
            Some(open) => open.part.path.display().to_string(),
            None => self.wish.folder.display().to_string(),
        };
        *lock(&self.tally.trouble) = Some(format!("{what}: {error}"));
        *lock(&self.tally.file) = None;
        // Its own end may be impossible to write; what is in it can be read all the same.
        self.part = None;
        self.retry_at = now + self.backoff.pause();
    }

    fn write_slot(&mut self, now: Now, slot: &Slot) -> io::Result<()> {
        let lost = self.reader.tap.lost();
        self.lost_untold += lost - self.lost_seen;
        self.lost_seen = lost;
        let Some(open) = &mut self.part else {
            self.lost_untold += 1;
            self.tally.unwritten.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        if self.lost_untold > 0 {
            let gap = entry::Gap {
                mono_ns: now.mono.nanos(),
                utc_ns: now.utc.unix_ns(),
                lost: self.lost_untold,
            };
            open.part.write("/gap", kind::GAP, gap.utc_ns, &gap)?;
            self.lost_untold = 0;
        }
        write_mark(&mut open.part, &self.start.inputs, slot)?;
        self.tally.messages.fetch_add(1, Ordering::Relaxed);
        self.write_reports(slot)
    }

    /// What the bytes say, by decoders of the recorder's own: neither the heart nor the inputs' threads
    /// have to copy it.
    fn write_reports(&mut self, slot: &Slot) -> io::Result<()> {
        let (Some(open), Some(decoders)) = (&mut self.part, &mut self.decoders) else {
            return Ok(());
        };
        let (Mark::Arrived { input, at }
        | Mark::Restarted { input, at }
        | Mark::Asked { input, at }
        | Mark::Flushed { input, at }) = slot.mark
        else {
            return Ok(());
        };
        let place = usize::from(input.0);
        let (Some(decoder), Some(name)) = (decoders.get_mut(place), self.start.inputs.get(place))
        else {
            return Ok(());
        };
        let topic = format!("/report/{name}");
        let mut written = Ok(());
        let mut count = 0;
        let mut keep = |content: Content| {
            count += 1;
            if written.is_ok() {
                written = write_report(&mut open.part, &topic, input, at, &content);
            }
        };
        match slot.mark {
            Mark::Arrived { .. } => decoder.push(at, &slot.bytes, &mut keep),
            Mark::Flushed { .. } => decoder.flush(at, &mut keep),
            Mark::Asked { .. } => drop(decoder.poll_query(at, &mut Vec::new())),
            _ => decoder.link_restarted(),
        }
        self.tally.messages.fetch_add(count, Ordering::Relaxed);
        written
    }

    fn write_view(&mut self, view: &View) -> io::Result<()> {
        let Some(open) = &mut self.part else {
            return Ok(());
        };
        let utc = view.at.utc.unix_ns();
        let tracks = say::Tracks::of(view, &self.start.inputs);
        open.part.write("/tracks", kind::TRACKS, utc, &tracks)?;
        let signals = say::Signals::of(view);
        open.part
            .write("/forecast", kind::FORECAST, utc, &signals)?;
        self.tally.messages.fetch_add(2, Ordering::Relaxed);
        Ok(())
    }
}

fn write_report(
    part: &mut Part,
    topic: &str,
    input: InputId,
    at: Now,
    content: &Content,
) -> io::Result<()> {
    let report = entry::Report {
        mono_ns: at.mono.nanos(),
        utc_ns: at.utc.unix_ns(),
        input: input.0,
        content: content_view(Some(at), content),
    };
    part.write(topic, kind::REPORT, report.utc_ns, &report)
}

fn write_mark(part: &mut Part, inputs: &[String], slot: &Slot) -> io::Result<()> {
    let mut bytes = |what: &str, input: InputId, at: Now| {
        let message = entry::Bytes {
            mono_ns: at.mono.nanos(),
            utc_ns: at.utc.unix_ns(),
            input: input.0,
            hex: hex::encode(&slot.bytes),
        };
        let name = inputs.get(usize::from(input.0)).map_or("", String::as_str);
        let topic = format!("/{what}/{name}");
        part.write(&topic, kind::BYTES, message.utc_ns, &message)
    };
    match slot.mark {
        Mark::Arrived { input, at } => bytes("input", input, at),
        Mark::Restarted { input, at } => bytes("restart", input, at),
        Mark::Asked { input, at } => bytes("asked", input, at),
        Mark::Flushed { input, at } => bytes("flush", input, at),
        Mark::Ordered { number, at } => {
            let message = entry::Ordered {
                mono_ns: at.mono.nanos(),
                utc_ns: at.utc.unix_ns(),
                number,
                order: serde_json::from_slice(&slot.bytes)?,
            };
            part.write("/order", kind::ORDER, message.utc_ns, &message)
        }
        Mark::Step { at, step } => {
            let message = entry::Step {
                mono_ns: at.mono.nanos(),
                utc_ns: at.utc.unix_ns(),
                what: what(step),
            };
            part.write("/step", kind::STEP, message.utc_ns, &message)
        }
        Mark::Frame(frame) => {
            let message = entry::Frame {
                mono_ns: frame.at.mono.nanos(),
                utc_ns: frame.at.utc.unix_ns(),
                priority: frame.priority,
                took_ns: nanos(frame.took),
                cause_ns: frame.cause.map(Mono::nanos),
                hex: hex::encode(&slot.bytes),
            };
            let topic = format!("/frame/{}", frame.kind.name());
            part.write(&topic, kind::FRAME, message.utc_ns, &message)
        }
        Mark::Event { at, event } => {
            let message = entry::Event {
                mono_ns: at.mono.nanos(),
                utc_ns: at.utc.unix_ns(),
                news: News::of(event),
            };
            part.write("/event", kind::EVENT, message.utc_ns, &message)
        }
    }
}

fn what(step: Step) -> entry::What {
    match step {
        Step::Report {
            input,
            lane,
            nth,
            arrived,
        } => entry::What::Report {
            input: input.0,
            lane,
            nth,
            arrived_ns: arrived.nanos(),
        },
        Step::Order { number } => entry::What::Order { number },
        Step::Clock(state) => entry::What::Clock {
            synchronised: state.synchronised,
            error_ns: state.error.map(nanos),
        },
        Step::Timeout => entry::What::Timeout,
        Step::View => entry::What::View,
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
