//! What the page shows: gathered from the tap and the views that the heart fills, kept as the newest
//! of each sort and the last messages, and told on to whoever listens.
//!
//! The lock here is between the console's own tasks; no thread of the straight path ever takes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tokio::sync::broadcast;
use v2x_msg::Message;
use v2x_msg::access::dsmp;

use super::door::DoorTally;
use super::forecasts::{Errors, Forecasts, Off};
use crate::clock::{Mono, Now};
use crate::daemon::stop::lock;
use crate::daemon::tap::{FrameMark, Mark};
use crate::daemon::watchers::Reader;
use crate::daemon::{hex, say};
use crate::station::FrameKind;

/// Messages that can be looked at.
pub(super) const LAST: usize = 500;
/// Pieces of news that a reader may be behind, about two seconds; a slower one skips.
const BEHIND: usize = 64;

/// One piece of news.
#[derive(Debug)]
pub(super) struct News {
    pub(super) event: &'static str,
    pub(super) data: String,
}

/// All that the page knows.
#[derive(Debug)]
pub(crate) struct Page {
    inputs: Vec<String>,
    reader: Reader,
    kept: Mutex<Kept>,
    news: broadcast::Sender<Arc<News>>,
    /// Pieces of news that readers were too slow for.
    pub(super) skipped: AtomicU64,
    /// Who came in, and who did not.
    pub(super) door: DoorTally,
}

#[derive(Debug, Default)]
struct Kept {
    tracks: String,
    signals: String,
    /// The newest frame of each kind, and when; a MAP or RSI in parts has several.
    newest: [Option<(Mono, u64)>; FrameKind::ALL.len()],
    messages: VecDeque<Heard>,
    next: u64,
    forecasts: Forecasts,
}

/// The signals, and how far off their forecasts have been.
#[derive(Serialize)]
struct Signals {
    #[serde(flatten)]
    now: say::Signals,
    off: Vec<Off>,
}

/// A frame that was sent.
#[derive(Clone, Debug)]
struct Heard {
    number: u64,
    mark: FrameMark,
    bytes: Vec<u8>,
}

/// A frame in a list.
#[derive(Debug, Serialize)]
pub(super) struct Headline {
    number: u64,
    kind: &'static str,
    utc_ms: i64,
    bytes: usize,
    priority: u8,
    took_us: f64,
    /// Of the newest input that it rests on, when it was composed.
    age_ms: Option<f64>,
}

/// A frame with all that can be said of it.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    headline: Headline,
    hex: String,
    message: Option<serde_json::Value>,
}

impl Page {
    pub(super) fn new(inputs: Vec<String>, reader: Reader) -> Self {
        Self {
            inputs,
            reader,
            kept: Mutex::new(Kept {
                tracks: "null".to_owned(),
                signals: "null".to_owned(),
                ..Kept::default()
            }),
            news: broadcast::channel(BEHIND).0,
            skipped: AtomicU64::new(0),
            door: DoorTally::default(),
        }
    }

    /// Takes what has come since the last time and tells of it.
    pub(super) fn gather(&self) {
        let tap = &self.reader.tap;
        let mut headlines = Vec::new();
        while let Some(slot) = tap.take() {
            if let Mark::Frame(mark) = slot.mark {
                headlines.push(self.keep(mark, &slot.bytes));
            }
            tap.give_back(slot);
        }
        if !headlines.is_empty() {
            self.tell("messages", json(&headlines));
        }
        let mut last = None;
        while let Some(view) = self.reader.views.take() {
            if let Some(before) = last.replace(view) {
                self.reader.views.give_back(before);
            }
        }
        if let Some(view) = last {
            let tracks = json(&say::Tracks::of(&view, &self.inputs));
            let now = say::Signals::of(&view);
            let signals = {
                let mut kept = lock(&self.kept);
                kept.forecasts.follow(view.at.mono, view.forecast.as_ref());
                let off = kept.forecasts.off();
                json(&Signals { now, off })
            };
            self.reader.views.give_back(view);
            {
                let mut kept = lock(&self.kept);
                kept.tracks.clone_from(&tracks);
                kept.signals.clone_from(&signals);
            }
            self.tell("tracks", tracks);
            self.tell("signals", signals);
        }
    }

    fn keep(&self, mark: FrameMark, bytes: &[u8]) -> Headline {
        let mut kept = lock(&self.kept);
        let number = kept.next;
        kept.next += 1;
        kept.newest[mark.kind.index()] = Some((mark.at.mono, number));
        if kept.messages.len() == LAST {
            kept.messages.pop_front();
        }
        let heard = Heard {
            number,
            mark,
            bytes: bytes.to_vec(),
        };
        let headline = heard.headline();
        kept.messages.push_back(heard);
        headline
    }

    /// Tells everybody who listens.
    pub(super) fn tell(&self, event: &'static str, data: String) {
        // An error says that nobody does.
        let _ = self.news.send(Arc::new(News { event, data }));
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<News>> {
        self.news.subscribe()
    }

    pub(super) fn readers(&self) -> usize {
        self.news.receiver_count()
    }

    pub(super) fn tracks(&self) -> String {
        lock(&self.kept).tracks.clone()
    }

    pub(super) fn signals(&self) -> String {
        lock(&self.kept).signals.clone()
    }

    /// How far off the forecasts of each phase have been.
    pub(super) fn forecast_errors(&self) -> Vec<(u8, Errors)> {
        lock(&self.kept).forecasts.errors()
    }

    /// The last messages, the newest first, of one kind or of all.
    pub(super) fn headlines(&self, kind: Option<&str>, most: usize) -> Vec<Headline> {
        let kept = lock(&self.kept);
        let wanted = |heard: &&Heard| kind.is_none_or(|kind| heard.mark.kind.name() == kind);
        let newest = kept.messages.iter().rev().filter(wanted).take(most);
        newest.map(Heard::headline).collect()
    }

    /// One of them.
    pub(super) fn message(&self, number: u64) -> Option<Whole> {
        let kept = lock(&self.kept);
        let heard = kept.messages.iter().find(|heard| heard.number == number)?;
        Some(heard.whole())
    }

    /// The newest messages of some kinds, decoded; all parts of the last second.
    pub(super) fn newest(&self, kinds: &[FrameKind], now: Now) -> Vec<Whole> {
        let kept = lock(&self.kept);
        let recent = |heard: &&Heard| {
            kinds.contains(&heard.mark.kind)
                && now.mono.since(heard.mark.at.mono).as_millis() <= 1_500
        };
        let mut found: Vec<&Heard> = Vec::new();
        for heard in kept.messages.iter().rev().filter(recent) {
            // Parts of one message are sent at one moment.
            let of_its_kind = found.iter().find(|f| f.mark.kind == heard.mark.kind);
            if of_its_kind.is_none_or(|f| f.mark.at == heard.mark.at) {
                found.push(heard);
            }
        }
        found.into_iter().map(Heard::whole).collect()
    }

    /// When a frame of a kind was last sent.
    pub(super) fn last_sent(&self, kind: FrameKind) -> Option<Mono> {
        lock(&self.kept).newest[kind.index()].map(|(at, _)| at)
    }

    /// A reader was too slow.
    pub(super) fn note_skipped(&self, count: u64) {
        self.skipped.fetch_add(count, Ordering::Relaxed);
    }
}

impl Heard {
    fn headline(&self) -> Headline {
        let FrameMark {
            at,
            kind,
            priority,
            cause,
            took,
        } = self.mark;
        Headline {
            number: self.number,
            kind: kind.name(),
            utc_ms: at.utc.unix_ms(),
            bytes: self.bytes.len(),
            priority,
            took_us: (took.as_secs_f64() * 1e7).round() / 10.0,
            age_ms: cause.map(|cause| (at.mono.since(cause).as_secs_f64() * 1e4).round() / 10.0),
        }
    }

    fn whole(&self) -> Whole {
        Whole {
            headline: self.headline(),
            hex: hex::encode(&self.bytes),
            message: decode(&self.bytes).ok(),
        }
    }
}

/// A frame as JSON, or a message without its header; else what is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<serde_json::Value, String> {
    let payload = dsmp::parse(bytes).map_or(bytes, |frame| frame.data);
    let message = Message::decode(payload).map_err(|error| error.to_string())?;
    serde_json::from_str(&message.to_jer()).map_err(|error| error.to_string())
}

fn json(value: &impl Serialize) -> String {
    // Plain structs of numbers and text.
    serde_json::to_string(value).unwrap_or_default()
}
